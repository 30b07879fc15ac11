/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the panel: the moves between modes that panel.c (finger and time) and panel_news.c (all else) share. */
#ifndef AGENT_PANEL_PANEL_MODES_H
#define AGENT_PANEL_PANEL_MODES_H

#include "agent/panel/panel.h"

void panel_enter(struct panel *panel, enum panel_mode mode);
/* A passing message. */
void panel_notice(struct panel *panel, enum panel_text text);
/* To where the panel belongs, by what it knows, when nothing is being asked of it. */
void panel_go_home(struct panel *panel);

bool panel_job_active(const struct panel_job *job);
/* A restore or an undo. */
bool panel_job_changes_server(const struct panel_job *job);

void panel_take_job(struct panel *panel, const struct panel_job *job);
/* `mine`: where the panel keeps offers of this purpose. */
void panel_take_offer(
	struct panel *panel, struct panel_offer *mine, enum panel_purpose purpose, const struct panel_offer *offer);
void panel_take_refusal(struct panel *panel, enum panel_refusal refusal);

#endif

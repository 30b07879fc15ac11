/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/panel_witness.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static uint16_t add_up_to(int counter, int64_t gap, int limit)
{
	return (uint16_t)(counter + gap < limit ? counter + gap : limit);
}

void witness_time(struct witness *w, const struct panel_rules *rules, int64_t gap, bool watched)
{
	gap = gap > 0 ? gap : 0;
	if (w->contact && watched)
		w->held_ms = add_up_to(w->held_ms, gap, rules->hold_ms);
	if (!w->contact)
		w->up_ms = add_up_to(w->up_ms, gap, rules->debounce_ms);
	if (w->first && w->released && !w->contact)
		w->since_ms = add_up_to(w->since_ms, gap, rules->armed_ms + rules->debounce_ms + 1);
	if (w->since_ms > rules->armed_ms + rules->debounce_ms)
		w->first = 0, w->released = 0, w->since_ms = 0;
	if (w->up_ms >= rules->debounce_ms) {
		w->held_ms = 0;
		w->released |= w->counted && w->first;
		w->counted = 0;
	}
}

void witness_event(struct witness *w, const struct panel_rules *rules, const struct panel_event *event)
{
	if (event->kind == PANEL_BUTTON && event->down && !w->contact && w->up_ms >= rules->debounce_ms)
		w->valid = w->booted;
	if (event->kind == PANEL_BUTTON) {
		w->contact = event->down;
		if (event->down)
			w->up_ms = 0;
	} else if (event->kind == PANEL_BOOTED) {
		w->booted = 1;
	} else if (event->kind == PANEL_JOB) {
		w->active = event->job.state == JOB_QUEUED || event->job.state == JOB_RUNNING ||
			event->job.state == JOB_STOPPING;
		w->stoppable = event->job.stoppable;
		if (w->active)
			w->first = 0, w->released = 0, w->since_ms = 0; /* whatever begins to run ends the asking */
	}
}

void witness_check(const struct witness *w, const struct panel_rules *rules, const struct panel_output *output)
{
	if (output->request == PANEL_NOTHING)
		return;
	assert_true(w->booted && w->valid);
	assert_int_equal(w->held_ms, rules->hold_ms);
	assert_int_equal(w->active, output->request == PANEL_ASK_STOP);
	if (output->request == PANEL_ASK_STOP) {
		assert_true(w->stoppable);
		return;
	}
	assert_true(w->first != 0 && w->released);
	if (output->id != w->first)
		fail_msg("asked for %u, and the display had named %u", (unsigned)output->id, w->first);
}

/*
 * Where a hold has become long enough and the display says "Release, HOLD again", what it names is what a second hold
 * may ask for. A request uses both holds up.
 */
void witness_hold(struct witness *w, const struct panel_rules *rules, const struct panel_output *output, uint8_t named)
{
	bool release = strncmp(output->text.line[1], "Release", 7) == 0;
	if (output->request != PANEL_NOTHING)
		w->first = 0, w->released = 0, w->since_ms = 0, w->counted = 1;
	else if (w->held_ms >= rules->hold_ms && release && named && !w->counted)
		w->first = named, w->released = 0, w->since_ms = 0, w->counted = 1;
}

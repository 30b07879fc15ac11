/* SPDX-License-Identifier: Apache-2.0 */
/* The finger and the time. */
#include "agent/panel/panel.h"

#include <string.h>

#include "agent/panel/panel_modes.h"

const struct panel_rules panel_rules_default = {
	.debounce_ms = 30,
	.step_ms = 500,
	.hold_ms = 3000,
	.armed_ms = 20000,
	.notice_ms = 5000,
	.start_ms = 15000,
	.stuck_ms = 30000,
	.grace_ms = 1000,
};

void panel_set_name(char name[PANEL_NAME_SIZE], const char *text)
{
	display_fit(name, PANEL_NAME_SIZE, text, DISPLAY_CELLS);
}

/* ---- the finger ---- */

/* What two holds would ask for now; the offer is kept as it is at this moment. */
static void choose(struct panel *panel)
{
	if (panel->unread && panel->result.state == JOB_DONE && panel->result.undo) {
		panel->purpose = PANEL_FOR_UNDO;
		panel->chosen = (struct panel_offer){ .id = panel->result.undo };
		memcpy(panel->chosen.name, panel->result.name, sizeof(panel->chosen.name));
	} else if (panel->unlock.id) {
		panel->purpose = PANEL_FOR_UNLOCK;
		panel->chosen = panel->unlock;
	} else {
		panel->purpose = PANEL_FOR_RESTORE;
		panel->chosen = panel->restore;
	}
}

static void begin_first(struct panel *panel)
{
	enum panel_mode before = panel->mode;
	choose(panel);
	if (panel->chosen.id) {
		panel_enter(panel, PANEL_FIRST);
		panel->before = before;
		return;
	}
	if (before == PANEL_RESULT)
		panel->unread = false;
	if (before == PANEL_IDLE)
		panel_notice(panel, TEXT_NOTHING);
	else
		panel_go_home(panel);
}

static void finger_down(struct panel *panel)
{
	bool open = panel->mode == PANEL_IDLE || panel->mode == PANEL_NOTICE || panel->mode == PANEL_RESULT ||
		panel->mode == PANEL_RUNNING;
	if (open && panel_job_active(&panel->job))
		panel_enter(panel, panel->job.state == JOB_STOPPING ? PANEL_STOPPING : PANEL_STOP);
	else if (open)
		begin_first(panel);
	else if (panel->mode == PANEL_ARMED)
		panel_enter(panel, PANEL_SECOND);
}

/* A press acknowledges what is shown, or says what the button is for; a hold that was given up changes nothing. */
static void give_up_first(struct panel *panel, bool press)
{
	bool hint = panel->before == PANEL_IDLE && panel->purpose == PANEL_FOR_RESTORE;
	if (press && panel->before == PANEL_RESULT)
		panel->unread = false;
	if (hint)
		panel_notice(panel, TEXT_HINT);
	else
		panel_go_home(panel);
}

static void finger_up(struct panel *panel, bool press)
{
	switch (panel->mode) {
	case PANEL_FIRST:
		give_up_first(panel, press);
		break;
	case PANEL_RELEASE:
	case PANEL_SECOND:
		panel_enter(panel, PANEL_ARMED);
		break;
	case PANEL_STOP:
	case PANEL_STUCK:
		panel_go_home(panel);
		break;
	default:
		break;
	}
}

/* The second hold is complete, and the finger is still down. */
static void confirm(struct panel *panel, struct panel_output *output)
{
	static const enum panel_request requests[] = {
		[PANEL_FOR_RESTORE] = PANEL_ASK_RESTORE,
		[PANEL_FOR_UNDO] = PANEL_ASK_UNDO,
		[PANEL_FOR_UNLOCK] = PANEL_ASK_UNLOCK,
	};
	output->request = requests[panel->purpose];
	output->id = panel->chosen.id;
	panel_enter(panel, PANEL_STARTING);
}

static void hold_done(struct panel *panel, struct panel_output *output)
{
	if (panel->mode == PANEL_FIRST) {
		panel_enter(panel, PANEL_RELEASE);
	} else if (panel->mode == PANEL_SECOND) {
		confirm(panel, output);
	} else if (panel->mode == PANEL_STOP && panel->job.stoppable) {
		output->request = PANEL_ASK_STOP;
		panel_enter(panel, PANEL_STOPPING);
	}
}

/* ---- time ---- */

static int add_up_to(int counter, int64_t gap, int limit)
{
	return gap < limit - counter ? counter + (int)gap : limit;
}

/* How long time matters to a mode that ends by itself, or whose lines take turns; 0 where it does not. */
static int mode_limit(const struct panel *panel)
{
	const struct panel_rules *rules = panel->rules;
	switch (panel->mode) {
	case PANEL_BOOT:
		return rules->grace_ms;
	case PANEL_NOTICE:
		return rules->notice_ms;
	case PANEL_RELEASE:
		return rules->stuck_ms;
	case PANEL_ARMED:
		return rules->armed_ms;
	case PANEL_STARTING:
		return rules->start_ms;
	case PANEL_STOPPING:
		return panel->job.state == JOB_STOPPING ? 0 : rules->start_ms;
	default:
		return 0;
	}
}

static void count_time(struct panel *panel, int64_t gap)
{
	const struct panel_rules *rules = panel->rules;
	bool watched = gap <= rules->step_ms;
	bool holding = panel->mode == PANEL_FIRST || panel->mode == PANEL_SECOND || panel->mode == PANEL_STOP;
	panel->rest_ms = add_up_to(panel->rest_ms, gap, rules->debounce_ms);
	panel->mode_ms = add_up_to(panel->mode_ms, gap, mode_limit(panel));
	if (panel->mode == PANEL_ARMED || panel->mode == PANEL_SECOND)
		panel->armed_ms = add_up_to(panel->armed_ms, gap, rules->armed_ms);
	if (panel->down)
		panel->down_ms = add_up_to(panel->down_ms, gap, rules->stuck_ms);
	if (panel->down && panel->contact && watched && holding)
		panel->held_ms = add_up_to(panel->held_ms, gap, rules->hold_ms);
}

static void boot_time(struct panel *panel)
{
	if (panel->contact || panel->down)
		panel->mode_ms = 0;
	if (panel->booted && panel->mode_ms >= panel->rules->grace_ms)
		panel_go_home(panel);
}

/* What ends by itself. */
static void end_by_time(struct panel *panel)
{
	const struct panel_rules *rules = panel->rules;
	bool unheard = panel->mode == PANEL_STOPPING && panel->job.state != JOB_STOPPING;
	if (panel->mode == PANEL_BOOT)
		boot_time(panel);
	else if (panel->mode == PANEL_NOTICE && panel->mode_ms >= rules->notice_ms)
		panel_go_home(panel);
	else if (panel->mode == PANEL_ARMED && panel->armed_ms >= rules->armed_ms)
		panel_notice(panel, TEXT_DISARMED);
	else if (panel->mode == PANEL_STARTING && panel->mode_ms >= rules->start_ms)
		panel_notice(panel, TEXT_NO_ANSWER);
	else if (unheard && panel->mode_ms >= rules->start_ms)
		panel_go_home(panel);
}

/* A level of the contact is believed once it has rested. */
static void believe_contact(struct panel *panel)
{
	if (panel->contact == panel->down || panel->rest_ms < panel->rules->debounce_ms)
		return;
	bool press = panel->down_ms < panel->rules->hold_ms / 3;
	panel->down = panel->contact;
	panel->down_ms = 0;
	if (panel->down)
		finger_down(panel);
	else
		finger_up(panel, press);
}

/* What is down for this long is no finger. But where a job is on its way, that is what matters. */
static void find_stuck(struct panel *panel)
{
	bool busy = panel->mode == PANEL_STARTING || panel_job_active(&panel->job);
	bool booting = panel->mode == PANEL_BOOT && !panel->booted;
	bool found = panel->mode == PANEL_STUCK;
	if (panel->down && panel->down_ms >= panel->rules->stuck_ms && !busy && !booting && !found)
		panel_enter(panel, PANEL_STUCK);
}

/* A little backwards is an event that was told late: it moves no time. Far backwards is a new clock. */
static int64_t advance(struct panel *panel, int64_t now_ms)
{
	int64_t gap = now_ms - panel->now_ms;
	if (gap > 0 || gap < -panel->rules->step_ms)
		panel->now_ms = now_ms;
	return gap > 0 ? gap : 0;
}

static void pass_time(struct panel *panel, int64_t now_ms, struct panel_output *output)
{
	count_time(panel, advance(panel, now_ms));
	if (panel->held_ms >= panel->rules->hold_ms)
		hold_done(panel, output);
	end_by_time(panel);
	believe_contact(panel);
	find_stuck(panel);
}

/* ---- events ---- */

static void take_edge(struct panel *panel, bool down)
{
	if (panel->contact != down)
		panel->rest_ms = 0;
	panel->contact = down;
}

static void take_status(struct panel *panel, const struct panel_event *event)
{
	bool known = (unsigned)event->status.health < PANEL_HEALTH_COUNT;
	panel->health = known ? event->status.health : PANEL_CONFIG_WRONG;
	panel_set_name(panel->health_name, event->status.name);
	panel->backup_age_hours = event->status.backup_age_hours;
}

void panel_init(struct panel *panel, const struct panel_rules *rules, const struct panel_texts *texts, int64_t now_ms)
{
	memset(panel, 0, sizeof(*panel));
	panel->rules = rules ? rules : &panel_rules_default;
	panel->texts = texts ? texts : panel_languages[0];
	panel->now_ms = now_ms;
	panel->backup_age_hours = -1;
}

void panel_event(struct panel *panel, const struct panel_event *event, struct panel_output *output)
{
	memset(output, 0, sizeof(*output));
	pass_time(panel, event->now_ms, output);
	switch (event->kind) {
	case PANEL_TICK:
		break;
	case PANEL_BUTTON:
		take_edge(panel, event->down);
		break;
	case PANEL_BOOTED:
		panel->booted = true;
		break;
	case PANEL_JOB:
		panel_take_job(panel, &event->job);
		break;
	case PANEL_STATUS:
		take_status(panel, event);
		break;
	case PANEL_OFFER:
		panel_take_offer(panel, &panel->restore, PANEL_FOR_RESTORE, &event->offer);
		break;
	case PANEL_UNLOCK:
		panel_take_offer(panel, &panel->unlock, PANEL_FOR_UNLOCK, &event->offer);
		break;
	case PANEL_REFUSED:
		panel_take_refusal(panel, event->refusal);
		break;
	case PANEL_LANGUAGE:
		panel->texts = event->texts ? event->texts : panel->texts;
		break;
	}
	panel_view(panel, output);
}

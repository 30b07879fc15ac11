/* SPDX-License-Identifier: Apache-2.0 */
/* The front panel as a person meets it: real times, one story a test. test_panel_walk.c visits every state. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "agent/panel/panel.h"
#include "agent/panel/panel_board.h"

static struct panel panel;
static struct panel_output out;
static int64_t now;
static enum panel_request asked; /* the last request, until ask() takes it */
static uint64_t asked_id;
static int requests; /* how many there were in all */

static void send_at(int64_t when, struct panel_event event)
{
	event.now_ms = when;
	panel_event(&panel, &event, &out);
	if (out.request != PANEL_NOTHING) {
		asked = out.request;
		asked_id = out.id;
		requests++;
	}
}

static void send(struct panel_event event)
{
	send_at(now, event);
}

/* Time goes by as in a daemon: a tick whenever the panel wants one. */
static void wait_ms(int64_t ms)
{
	int64_t end = now + ms;
	while (now < end) {
		now = out.wake_ms > now && out.wake_ms < end ? out.wake_ms : end;
		send((struct panel_event){ .kind = PANEL_TICK });
	}
}

static void edge(bool down)
{
	send((struct panel_event){ .kind = PANEL_BUTTON, .down = down });
}

static void hold(int64_t ms)
{
	edge(true);
	wait_ms(ms);
	edge(false);
	wait_ms(100);
}

static void offer(uint64_t id, const char *name)
{
	struct panel_event event = { .kind = PANEL_OFFER, .offer = { .id = id, .date = { 11, 20, 22, 30 } } };
	panel_set_name(event.offer.name, name);
	send(event);
}

static void job(uint64_t id, enum job_kind kind, enum job_state state, uint64_t undo)
{
	send((struct panel_event){ .kind = PANEL_JOB,
		.job = { .id = id,
			.kind = kind,
			.state = state,
			.phase = JOB_PHASE_WRITE,
			.percent = 45,
			.eta_seconds = 61,
			.stoppable = state == JOB_RUNNING,
			.name = "mgc",
			.undo = undo } });
}

static void status(enum panel_health health)
{
	send((struct panel_event){ .kind = PANEL_STATUS, .status = { .health = health, .backup_age_hours = 5 } });
}

static void says(const char *first, const char *second)
{
	assert_string_equal(out.text.line[0], first);
	assert_string_equal(out.text.line[1], second);
}

static void lights(enum led_pattern ready, enum led_pattern action, enum led_pattern attention)
{
	assert_int_equal(out.ready, ready);
	assert_int_equal(out.action, action);
	assert_int_equal(out.attention, attention);
}

static void nothing_was_asked(void)
{
	assert_int_equal(requests, 0);
}

static int fresh_panel(void **state)
{
	(void)state;
	now = 5000;
	requests = 0;
	asked = PANEL_NOTHING;
	panel_init(&panel, NULL, &panel_texts_en, now);
	send((struct panel_event){ .kind = PANEL_TICK });
	return 0;
}

static int idle_panel(void **state)
{
	fresh_panel(state);
	status(PANEL_HEALTHY);
	offer(7, "mgc");
	send((struct panel_event){ .kind = PANEL_BOOTED });
	wait_ms(1500);
	says("All is well", "Backup 5 h ago");
	return 0;
}

static int done_panel(void **state)
{
	idle_panel(state);
	job(1, JOB_RESTORE, JOB_RUNNING, 0);
	job(1, JOB_RESTORE, JOB_DONE, 99);
	says("mgc is back", "Press OK, HOLD UNDO");
	return 0;
}

static void hold_and_hold_restores_what_was_named(void **state)
{
	(void)state;
	edge(true);
	wait_ms(1600);
	says("RESTORE mgc?", "██████████··········");
	lights(LED_OFF, LED_FAST, LED_OFF);
	wait_ms(1500);
	says("RESTORE mgc", "Release, HOLD again");
	lights(LED_OFF, LED_ON, LED_OFF);
	wait_ms(1500);
	says("from 20 Nov 22:30", "Release, HOLD again");
	edge(false);
	wait_ms(200);
	says("RESTORE mgc?", "HOLD again: 20 s");
	lights(LED_OFF, LED_SLOW, LED_OFF);
	nothing_was_asked();
	edge(true);
	wait_ms(3030);
	assert_int_equal(asked, PANEL_ASK_RESTORE);
	assert_int_equal(asked_id, 7);
	says("Starting", "mgc");
	wait_ms(4000);
	edge(false);
	assert_int_equal(requests, 1);
}

static void one_hold_however_long_restores_nothing(void **state)
{
	(void)state;
	for (int64_t ms = 500; ms < 60000; ms += 1700) {
		idle_panel(state);
		hold(ms);
		wait_ms(60000);
		nothing_was_asked();
		says("All is well", "Backup 5 h ago");
	}
}

static void short_presses_restore_nothing_and_tell_what_the_button_is_for(void **state)
{
	(void)state;
	hold(200);
	says("RESTORE mgc?", "HOLD the button 3 s");
	for (int i = 0; i < 200; i++)
		hold(50 + i * 10);
	nothing_was_asked();
}

static void the_panel_disarms_itself(void **state)
{
	(void)state;
	hold(3500);
	says("RESTORE mgc?", "HOLD again: 20 s");
	wait_ms(20000);
	says("Nothing was started", "Time ran out");
	hold(3500);
	says("RESTORE mgc?", "HOLD again: 20 s");
	nothing_was_asked();
}

static void taps_do_not_keep_it_armed(void **state)
{
	(void)state;
	hold(3500);
	for (int i = 0; i < 60; i++)
		hold(400);
	edge(true);
	wait_ms(2000);
	assert_int_not_equal(panel.mode, PANEL_SECOND);
	nothing_was_asked();
}

static void a_bouncing_contact_is_one_press_and_a_bouncing_hold_is_a_hold(void **state)
{
	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		edge(true);
		for (int i = 0; i < 8; i++, now += 3)
			edge(i % 2 == 0);
		edge(true);
		wait_ms(1500);
		edge(false);
		now += 10;
		edge(true);
		wait_ms(1600);
		edge(false);
		for (int i = 0; i < 8; i++, now += 3)
			edge(i % 2 == 0);
		edge(false);
		wait_ms(100);
		assert_int_equal(requests, turn);
	}
	assert_int_equal(asked, PANEL_ASK_RESTORE);
}

static void a_contact_that_only_bounces_asks_for_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < 4000; i++, now += 20)
		edge(i % 2 == 0);
	nothing_was_asked();
}

static void a_jump_of_the_clock_holds_nothing(void **state)
{
	(void)state;
	static const int64_t jumps[] = { 501, 3000, 5000, 60000, 86400000, -3000, -86400000 };
	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		idle_panel(state);
		for (int turn = 0; turn < 3; turn++) {
			edge(true);
			wait_ms(100);
			now += jumps[i];
			send((struct panel_event){ .kind = PANEL_TICK });
			wait_ms(100);
			edge(false);
			wait_ms(100);
		}
		nothing_was_asked();
		assert_int_not_equal(panel.mode, PANEL_ARMED);
	}
}

static void a_hold_that_nobody_watched_is_told_late_and_counts_nothing(void **state)
{
	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		send_at(now + 10, (struct panel_event){ .kind = PANEL_BUTTON, .down = true });
		send_at(now + 4000, (struct panel_event){ .kind = PANEL_BUTTON, .down = false });
		now += 5000;
		send((struct panel_event){ .kind = PANEL_TICK });
	}
	nothing_was_asked();
	assert_int_not_equal(panel.mode, PANEL_ARMED);
}

static void events_that_are_told_late_add_no_time(void **state)
{
	(void)state;
	edge(true);
	wait_ms(100);
	for (int i = 0; i < 100; i++) {
		send_at(now - 400, (struct panel_event){ .kind = PANEL_TICK });
		send_at(now, (struct panel_event){ .kind = PANEL_TICK });
	}
	assert_int_equal(panel.mode, PANEL_FIRST);
	assert_in_range(panel.held_ms, 0, 100);
}

static void presses_before_the_box_has_started_are_ignored(void **state)
{
	(void)state;
	offer(7, "mgc");
	says("Coffret is starting", "Please wait");
	lights(LED_PULSE, LED_OFF, LED_OFF);
	hold(3500);
	hold(3500);
	edge(true);
	wait_ms(2500);
	send((struct panel_event){ .kind = PANEL_BOOTED });
	wait_ms(4000);
	says("Let go of the button", "to go on");
	edge(false);
	wait_ms(900);
	hold(3500);
	assert_int_equal(panel.mode, PANEL_BOOT);
	wait_ms(1100);
	assert_int_equal(panel.mode, PANEL_IDLE);
	nothing_was_asked();
}

static void a_stuck_button_is_named_until_it_is_let_go(void **state)
{
	(void)state;
	edge(true);
	wait_ms(31000);
	says("Button is stuck", "Press and let go");
	lights(LED_OFF, LED_OFF, LED_FAST);
	wait_ms(3600000);
	says("Button is stuck", "Press and let go");
	edge(false);
	wait_ms(100);
	says("All is well", "Backup 5 h ago");
	nothing_was_asked();
}

static void a_stuck_button_stops_no_job_that_begins_later(void **state)
{
	(void)state;
	edge(true);
	wait_ms(31000);
	job(3, JOB_BACKUP, JOB_RUNNING, 0);
	says("Backup mgc", "Writing 45% 61s");
	wait_ms(60000);
	job(3, JOB_BACKUP, JOB_DONE, 0);
	wait_ms(6000);
	says("Button is stuck", "Press and let go");
	nothing_was_asked();
}

static void a_job_that_begins_under_the_finger_ends_the_hold(void **state)
{
	(void)state;
	hold(3500);
	edge(true);
	wait_ms(2900);
	job(3, JOB_BACKUP, JOB_RUNNING, 0);
	wait_ms(5000);
	nothing_was_asked();
	edge(false);
	wait_ms(100);
	says("Backup mgc", "Writing 45% 61s");
}

static void an_offer_that_changes_under_the_finger_must_be_confirmed_anew(void **state)
{
	(void)state;
	hold(3500);
	edge(true);
	wait_ms(2000);
	offer(8, "mgc");
	says("Something changed", "Start again");
	wait_ms(4000);
	edge(false);
	wait_ms(100);
	nothing_was_asked();
}

static void an_offer_told_again_changes_nothing(void **state)
{
	(void)state;
	hold(3500);
	edge(true);
	wait_ms(2000);
	offer(7, "mgc");
	wait_ms(2000);
	assert_int_equal(asked, PANEL_ASK_RESTORE);
}

static void where_there_is_nothing_to_restore_it_says_so(void **state)
{
	(void)state;
	offer(0, "");
	edge(true);
	wait_ms(100);
	says("Nothing to RESTORE", "No good backup yet");
	wait_ms(4000);
	edge(false);
	hold(3500);
	nothing_was_asked();
}

static void a_hold_stops_what_runs_and_says_stopped_when_it_has(void **state)
{
	(void)state;
	job(1, JOB_RESTORE, JOB_RUNNING, 0);
	says("RESTORE mgc", "Writing 45% 61s");
	lights(LED_PULSE, LED_PULSE, LED_OFF);
	edge(true);
	wait_ms(1600);
	says("Stop mgc?", "██████████··········");
	wait_ms(1500);
	assert_int_equal(asked, PANEL_ASK_STOP);
	says("Stopping mgc", "Please wait");
	edge(false);
	job(1, JOB_RESTORE, JOB_STOPPING, 0);
	wait_ms(600000);
	says("Stopping mgc", "Please wait");
	job(1, JOB_RESTORE, JOB_CANCELLED, 0);
	says("RESTORE stopped", "mgc: unchanged");
	assert_int_equal(requests, 1);
}

static void a_short_press_stops_nothing(void **state)
{
	(void)state;
	job(1, JOB_RESTORE, JOB_RUNNING, 0);
	hold(1000);
	says("RESTORE mgc", "Writing 45% 61s");
	nothing_was_asked();
}

static void after_the_point_of_no_return_it_is_too_late(void **state)
{
	(void)state;
	struct panel_event late = { .kind = PANEL_JOB,
		.job = { .id = 1,
			.kind = JOB_RESTORE,
			.state = JOB_RUNNING,
			.phase = JOB_PHASE_COMMIT,
			.percent = -1,
			.eta_seconds = -1,
			.stoppable = false,
			.name = "mgc" } };
	job(1, JOB_RESTORE, JOB_RUNNING, 0);
	edge(true);
	wait_ms(2900);
	send(late);
	says("Too late to stop", "It is finishing");
	wait_ms(2000);
	edge(false);
	wait_ms(6000);
	says("RESTORE mgc", "Committing");
	hold(3500);
	nothing_was_asked();
}

static void a_stop_that_nobody_heard_can_be_asked_again(void **state)
{
	(void)state;
	job(1, JOB_RESTORE, JOB_RUNNING, 0);
	hold(3500);
	wait_ms(15000);
	says("RESTORE mgc", "Writing 45% 61s");
	hold(3500);
	assert_int_equal(requests, 2);
}

static void after_a_restore_hold_and_hold_undoes(void **state)
{
	(void)state;
	lights(LED_ON, LED_SLOW, LED_OFF);
	hold(3500);
	says("UNDO mgc?", "HOLD again: 20 s");
	nothing_was_asked();
	hold(3500);
	assert_int_equal(asked, PANEL_ASK_UNDO);
	assert_int_equal(asked_id, 99);
}

static void a_press_acknowledges_and_a_hold_that_was_given_up_does_not(void **state)
{
	(void)state;
	hold(2000);
	says("mgc is back", "Press OK, HOLD UNDO");
	wait_ms(86400000);
	says("mgc is back", "Press OK, HOLD UNDO");
	hold(300);
	says("All is well", "Backup 5 h ago");
	job(1, JOB_RESTORE, JOB_DONE, 99);
	says("All is well", "Backup 5 h ago");
}

static void a_refused_undo_is_offered_again(void **state)
{
	(void)state;
	hold(3500);
	hold(3500);
	send((struct panel_event){ .kind = PANEL_REFUSED, .refusal = PANEL_REFUSED_BUSY });
	says("Not now: busy", "Try again later");
	wait_ms(6000);
	says("mgc is back", "Press OK, HOLD UNDO");
}

static void a_night_does_not_cover_up_how_a_restore_ended(void **state)
{
	(void)state;
	static const struct {
		enum job_state state;
		const char *first, *second;
	} ends[] = {
		{ JOB_FAILED, "RESTORE failed", "mgc: unchanged" },
		{ JOB_OUTCOME_UNKNOWN, "mgc: outcome", "unknown. Call admin" },
	};
	for (size_t i = 0; i < 2; i++) {
		idle_panel(state);
		job(1, JOB_RESTORE, JOB_RUNNING, 0);
		job(1, JOB_RESTORE, ends[i].state, 0);
		says(ends[i].first, ends[i].second);
		job(2, JOB_BACKUP, JOB_RUNNING, 0);
		job(2, JOB_BACKUP, i ? JOB_FAILED : JOB_DONE, 0);
		wait_ms(6000);
		says(ends[i].first, ends[i].second);
	}
}

static void a_refused_restore_says_what_can_be_done_about_it(void **state)
{
	static const struct {
		enum panel_reason reason;
		const char *language, *first, *second;
	} ends[] = {
		{ PANEL_IN_USE, "en", "mgc is in use", "Close it, try again" },
		{ PANEL_IN_USE, "fr", "mgc est utilisé", "Fermez, réessayez" },
		{ PANEL_UNREADABLE, "en", "mgc is damaged", "Call your admin" },
		{ PANEL_UNREADABLE, "fr", "mgc est abîmé", "Appelez l'admin" },
		{ PANEL_NO_SAFETY, "en", "No room for RESTORE", "Call your admin" },
		{ PANEL_NO_SAFETY, "fr", "Place insuffisante", "Appelez l'admin" },
	};
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		idle_panel(state);
		send((struct panel_event){ .kind = PANEL_LANGUAGE, .texts = panel_texts_find(ends[i].language) });
		job(1, JOB_RESTORE, JOB_RUNNING, 0);
		send((struct panel_event){ .kind = PANEL_JOB,
			.job = { .id = 1,
				.kind = i % 2 ? JOB_UNDO : JOB_RESTORE,
				.state = JOB_FAILED,
				.name = "mgc",
				.reason = ends[i].reason } });
		says(ends[i].first, ends[i].second);
		lights(LED_OFF, LED_SLOW, LED_ON);
		hold(200);
	}
}

static void a_backup_that_failed_is_forgotten_when_one_succeeds(void **state)
{
	(void)state;
	job(1, JOB_BACKUP, JOB_RUNNING, 0);
	job(1, JOB_BACKUP, JOB_FAILED, 0);
	says("mgc not saved", "Press: OK");
	lights(LED_OFF, LED_SLOW, LED_ON);
	job(2, JOB_BACKUP, JOB_RUNNING, 0);
	job(2, JOB_BACKUP, JOB_CANCELLED, 0);
	wait_ms(6000);
	says("mgc not saved", "Press: OK");
	job(3, JOB_BACKUP, JOB_RUNNING, 0);
	job(3, JOB_BACKUP, JOB_DONE, 0);
	says("Backup done", "mgc");
	wait_ms(6000);
	says("All is well", "Backup 5 h ago");
}

static void an_unknown_outcome_becomes_known(void **state)
{
	(void)state;
	job(1, JOB_RESTORE, JOB_RUNNING, 0);
	job(1, JOB_RESTORE, JOB_OUTCOME_UNKNOWN, 0);
	says("mgc: outcome", "unknown. Call admin");
	job(1, JOB_RESTORE, JOB_DONE, 99);
	says("mgc is back", "Press OK, HOLD UNDO");
}

static void a_remote_request_is_opened_by_hold_and_hold_and_only_it(void **state)
{
	(void)state;
	struct panel_event remote = { .kind = PANEL_UNLOCK, .offer = { .id = 55, .name = "mgccomp" } };
	send(remote);
	says("Remote: mgccomp?", "HOLD to UNLOCK");
	hold(3500);
	hold(3500);
	assert_int_equal(asked, PANEL_ASK_UNLOCK);
	assert_int_equal(asked_id, 55);
	remote.offer.id = 0;
	send(remote);
	says("All is well", "Backup 5 h ago");
}

static void a_request_without_an_answer_is_given_up(void **state)
{
	(void)state;
	hold(3500);
	hold(3500);
	wait_ms(15000);
	says("It did not start", "Try again");
	wait_ms(6000);
	says("All is well", "Backup 5 h ago");
	assert_int_equal(requests, 1);
}

static void the_language_changes_at_once(void **state)
{
	(void)state;
	send((struct panel_event){ .kind = PANEL_LANGUAGE, .texts = panel_texts_find("fr_FR.UTF-8") });
	says("Tout va bien", "Sauvé il y a 5 h");
}

static void a_board_without_a_panel_takes_everything_in_silence(void **state)
{
	(void)state;
	const struct board_panel none = { .restore = NULL };
	struct panel_event event;
	assert_int_equal(panel_board_event(&none, &event), 0);
	assert_int_equal(panel_board_show(&none, &out), 0);
}

int main(void)
{
#define IDLE(test) cmocka_unit_test_setup(test, idle_panel)
#define DONE(test) cmocka_unit_test_setup(test, done_panel)
	const struct CMUnitTest tests[] = {
		IDLE(hold_and_hold_restores_what_was_named),
		IDLE(one_hold_however_long_restores_nothing),
		IDLE(short_presses_restore_nothing_and_tell_what_the_button_is_for),
		IDLE(the_panel_disarms_itself),
		IDLE(taps_do_not_keep_it_armed),
		IDLE(a_bouncing_contact_is_one_press_and_a_bouncing_hold_is_a_hold),
		IDLE(a_contact_that_only_bounces_asks_for_nothing),
		IDLE(a_jump_of_the_clock_holds_nothing),
		IDLE(a_hold_that_nobody_watched_is_told_late_and_counts_nothing),
		IDLE(events_that_are_told_late_add_no_time),
		cmocka_unit_test_setup(presses_before_the_box_has_started_are_ignored, fresh_panel),
		IDLE(a_stuck_button_is_named_until_it_is_let_go),
		IDLE(a_stuck_button_stops_no_job_that_begins_later),
		IDLE(a_job_that_begins_under_the_finger_ends_the_hold),
		IDLE(an_offer_that_changes_under_the_finger_must_be_confirmed_anew),
		IDLE(an_offer_told_again_changes_nothing),
		IDLE(where_there_is_nothing_to_restore_it_says_so),
		IDLE(a_hold_stops_what_runs_and_says_stopped_when_it_has),
		IDLE(a_short_press_stops_nothing),
		IDLE(after_the_point_of_no_return_it_is_too_late),
		IDLE(a_stop_that_nobody_heard_can_be_asked_again),
		DONE(after_a_restore_hold_and_hold_undoes),
		DONE(a_press_acknowledges_and_a_hold_that_was_given_up_does_not),
		DONE(a_refused_undo_is_offered_again),
		IDLE(a_refused_restore_says_what_can_be_done_about_it),
		IDLE(a_night_does_not_cover_up_how_a_restore_ended),
		IDLE(a_backup_that_failed_is_forgotten_when_one_succeeds),
		IDLE(an_unknown_outcome_becomes_known),
		IDLE(a_remote_request_is_opened_by_hold_and_hold_and_only_it),
		IDLE(a_request_without_an_answer_is_given_up),
		IDLE(the_language_changes_at_once),
		IDLE(a_board_without_a_panel_takes_everything_in_silence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A breadth-first walk over every state that the front panel can reach, to the fixpoint. Beside the panel walks a
 * witness: a few lines that watch the finger alone and know what it has really done. In every state and at every step:
 *
 *   a light is lit, both lines say something in each language, and the text alone tells the lights;
 *   a restore, an undo or an unlock is asked for only at the end of a second hold, after a first hold and a release, with
 *   the box started, nothing running, and for the thing that was named on the display at the first hold;
 *   a stop is asked for only at the end of a hold, while something runs;
 *   there is a way home to idle.
 *
 * Time is in small steps, and jumps: a step is what somebody watched, a jump is not.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/panel/panel.h"
#include "tests/support/panel_witness.h"
#include "tests/support/state_set.h"

#define NOW 1000000000LL
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- the world: everything that can happen ---- */

enum { NONE, ALPHA = 11, BETA = 12, REMOTE = 13, UNDO_1 = 21, UNDO_2 = 22 };

static const struct panel_offer offers[] = { { .id = NONE },
	{ .id = ALPHA, .name = "alpha", .date = { 11, 20, 22, 30 } },
	{ .id = BETA, .name = "beta", .others = 2, .date = { 12, 1, 0, 5 } }, { .id = REMOTE, .name = "remote" } };

#define J(i, k, s, stop, u)                                                                               \
	{                                                                                                     \
		.id = i, .kind = JOB_##k, .state = s, .phase = JOB_PHASE_WRITE, .percent = 45, .eta_seconds = 61, \
		.stoppable = stop, .name = NAME_##u, .undo = u                                                    \
	}
#define REFUSED(why)                                                                                                   \
	{                                                                                                                  \
		.id = 1, .kind = JOB_RESTORE, .state = JOB_FAILED, .phase = JOB_PHASE_WRITE, .percent = 45, .eta_seconds = 61, \
		.name = NAME_0, .reason = why                                                                                  \
	}
#define NAME_0 "job"
#define NAME_UNDO_1 "first"
#define NAME_UNDO_2 "second"
static const struct panel_job jobs[] = { { .state = 0 }, J(1, RESTORE, JOB_RUNNING, true, 0),
	J(1, RESTORE, JOB_RUNNING, false, 0), J(1, RESTORE, JOB_STOPPING, false, 0), J(1, RESTORE, JOB_DONE, false, UNDO_1),
	J(1, RESTORE, JOB_DONE, false, 0), J(1, RESTORE, JOB_FAILED, false, 0), J(1, RESTORE, JOB_CANCELLED, false, 0),
	J(1, RESTORE, JOB_OUTCOME_UNKNOWN, false, 0), J(2, UNDO, JOB_RUNNING, true, 0), J(2, UNDO, JOB_DONE, false, UNDO_2),
	J(2, UNDO, JOB_DONE, false, 0), J(2, UNDO, JOB_FAILED, false, 0), J(2, UNDO, JOB_CANCELLED, false, 0),
	J(3, BACKUP, JOB_QUEUED, true, 0), J(3, BACKUP, JOB_RUNNING, true, 0), J(3, BACKUP, JOB_DONE, false, 0),
	J(3, BACKUP, JOB_FAILED, false, 0), J(3, BACKUP, JOB_CANCELLED, false, 0), J(4, VERIFY, JOB_RUNNING, true, 0),
	J(4, VERIFY, JOB_DONE, false, 0), J(4, VERIFY, JOB_FAILED, false, 0), J(4, VERIFY, JOB_CANCELLED, false, 0),
	REFUSED(PANEL_IN_USE), REFUSED(PANEL_UNREADABLE), REFUSED(PANEL_NO_SAFETY) };

/* One of the ways in which the world can be walked: which events there are, and how fast time goes. */
struct world {
	const char *name;
	struct panel_rules rules;
	int tick, jump;
	int jobs[COUNT(jobs) + 1]; /* of the table above; ends with -1 */
	int offers[4], unlocks[3]; /* likewise */
	int healths[PANEL_HEALTH_COUNT + 1];
};

/* Hardly any time at all: every order of events at every count of every timer. */
#define QUICK                                                                                                      \
	{                                                                                                              \
		.debounce_ms = 1, .step_ms = 1, .hold_ms = 6, .armed_ms = 3, .notice_ms = 1, .start_ms = 2, .stuck_ms = 8, \
		.grace_ms = 2                                                                                              \
	}
/* Lines take turns, and the times between two steps are as long as those of a busy box. */
#define SLOW                                                                                                       \
	{                                                                                                              \
		.debounce_ms = 30, .step_ms = 500, .hold_ms = 3000, .armed_ms = 5000, .notice_ms = 2000, .start_ms = 2000, \
		.stuck_ms = 7000, .grace_ms = 1000                                                                         \
	}

static const struct world worlds[] = { { "every restore", QUICK, 1, 100, { 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, -1 },
										   { 1, -1 }, { -1 }, { -1 } },
	{ "every refusal", QUICK, 1, 100, { 1, 6, 23, 24, 25, -1 }, { 1, -1 }, { -1 }, { -1 } },
	{ "every undo", QUICK, 1, 100, { 4, 9, 10, 11, 12, 13, -1 }, { 1, -1 }, { -1 }, { -1 } },
	{ "every night", QUICK, 1, 100, { 4, 6, 14, 15, 16, 17, 18, 19, 20, 21, 22, -1 }, { 1, -1 }, { -1 }, { -1 } },
	{ "every offer", QUICK, 1, 100, { 1, 4, -1 }, { 0, 1, 2, -1 }, { 0, 3, -1 }, { -1 } },
	{ "every trouble", QUICK, 1, 100, { -1 }, { 1, -1 }, { -1 },
		{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, -1 } },
	{ "slow steps", SLOW, 500, 100000, { 1, 4, -1 }, { 1, -1 }, { -1 }, { -1 } } };

/* ---- one state: panel and witness, without what never changes ---- */

struct key {
	struct witness witness;
	uint8_t mode, before, purpose, health, job, result;
	uint8_t chosen, restore, unlock;
	uint8_t booted, contact, down, unread;
	uint16_t notice, mode_ms, armed_ms, held_ms, down_ms, rest_ms;
};

static uint8_t offer_index(const struct panel_offer *offer)
{
	if (offer->id == UNDO_1 || offer->id == UNDO_2)
		return (uint8_t)offer->id;
	for (size_t i = 0; i < COUNT(offers); i++)
		if (offers[i].id == offer->id)
			return (uint8_t)i;
	fail_msg("an offer that nobody made: %llu", (unsigned long long)offer->id);
	return 0;
}

static struct panel_offer offer_of(uint8_t index)
{
	if (index < COUNT(offers))
		return offers[index];
	struct panel_offer undo = { .id = index };
	panel_set_name(undo.name, index == UNDO_1 ? NAME_UNDO_1 : NAME_UNDO_2);
	return undo;
}

static uint8_t job_index(const struct panel_job *job)
{
	for (size_t i = 0; i < COUNT(jobs); i++)
		if (jobs[i].id == job->id && jobs[i].state == job->state && jobs[i].stoppable == job->stoppable &&
			jobs[i].undo == job->undo && jobs[i].reason == job->reason)
			return (uint8_t)i;
	fail_msg("a job that nobody told of");
	return 0;
}

static void pack(struct key *key, const struct panel *p, const struct witness *witness)
{
	memset(key, 0, sizeof(*key));
	key->witness = *witness;
	key->mode = (uint8_t)p->mode, key->before = (uint8_t)p->before, key->purpose = (uint8_t)p->purpose;
	key->health = (uint8_t)p->health, key->job = job_index(&p->job), key->result = job_index(&p->result);
	key->chosen = offer_index(&p->chosen), key->restore = offer_index(&p->restore);
	key->unlock = offer_index(&p->unlock);
	key->booted = p->booted, key->contact = p->contact, key->down = p->down, key->unread = p->unread;
	key->notice = (uint16_t)p->notice, key->mode_ms = (uint16_t)p->mode_ms, key->armed_ms = (uint16_t)p->armed_ms;
	key->held_ms = (uint16_t)p->held_ms, key->down_ms = (uint16_t)p->down_ms, key->rest_ms = (uint16_t)p->rest_ms;
}

static void unpack(struct panel *p, const struct key *key, const struct panel_rules *rules)
{
	panel_init(p, rules, NULL, NOW);
	p->mode = key->mode, p->before = key->before, p->purpose = key->purpose;
	p->health = key->health, p->job = jobs[key->job], p->result = jobs[key->result];
	p->chosen = offer_of(key->chosen), p->restore = offer_of(key->restore), p->unlock = offer_of(key->unlock);
	p->booted = key->booted, p->contact = key->contact, p->down = key->down, p->unread = key->unread;
	p->notice = key->notice, p->mode_ms = key->mode_ms, p->armed_ms = key->armed_ms;
	p->held_ms = key->held_ms, p->down_ms = key->down_ms, p->rest_ms = key->rest_ms;
	p->backup_age_hours = 5;
}

/* ---- events ---- */

struct step {
	struct panel_event event;
	bool watched;    /* the time that passes before it was seen by somebody */
	bool leads_home; /* may be hoped for: time, the finger, the end of a job, the end of starting */
};

#define STEPS_MAX 80

static void add_step(struct step *steps, size_t *count, int64_t gap, bool hope, struct panel_event event)
{
	assert_true(*count < STEPS_MAX);
	event.now_ms = NOW + gap;
	steps[(*count)++] = (struct step){ event, gap != 0 && labs((long)gap) < 1000 && gap > 0, hope };
}

static bool is_active(const struct panel_job *job)
{
	return job->state == JOB_QUEUED || job->state == JOB_RUNNING || job->state == JOB_STOPPING;
}

static size_t list_steps(const struct world *world, struct step *steps)
{
	size_t n = 0;
	add_step(steps, &n, world->tick, true, (struct panel_event){ .kind = PANEL_TICK });
	add_step(steps, &n, world->jump, false, (struct panel_event){ .kind = PANEL_TICK });
	add_step(steps, &n, -world->tick, false, (struct panel_event){ .kind = PANEL_TICK });
	add_step(steps, &n, -world->jump, false, (struct panel_event){ .kind = PANEL_TICK });
	for (int down = 0; down <= 1; down++)
		add_step(steps, &n, 0, true, (struct panel_event){ .kind = PANEL_BUTTON, .down = down == 1 });
	add_step(steps, &n, 0, true, (struct panel_event){ .kind = PANEL_BOOTED });
	for (int i = 0; world->jobs[i] >= 0; i++) {
		const struct panel_job *job = &jobs[world->jobs[i]];
		add_step(steps, &n, 0, !is_active(job), (struct panel_event){ .kind = PANEL_JOB, .job = *job });
	}
	for (int i = 0; world->offers[i] >= 0; i++)
		add_step(steps, &n, 0, false, (struct panel_event){ .kind = PANEL_OFFER, .offer = offers[world->offers[i]] });
	for (int i = 0; world->unlocks[i] >= 0; i++)
		add_step(steps, &n, 0, false, (struct panel_event){ .kind = PANEL_UNLOCK, .offer = offers[world->unlocks[i]] });
	for (int i = 0; world->healths[i] >= 0; i++)
		add_step(steps, &n, 0, false,
			(struct panel_event){
				.kind = PANEL_STATUS, .status = { .health = world->healths[i], .backup_age_hours = 5 } });
	for (int i = 0; i < (world->healths[0] < 0 ? 1 : PANEL_REFUSAL_COUNT); i++)
		add_step(steps, &n, 0, false, (struct panel_event){ .kind = PANEL_REFUSED, .refusal = i });
	return n;
}

/* Whom the display names in its first line; the witness reads, as a person does. */
static uint8_t named_on(const struct display_text *text)
{
	static const struct {
		const char *word;
		uint8_t id;
	} words[] = { { "alpha", ALPHA }, { "beta", BETA }, { "remote", REMOTE }, { "UNDO first", UNDO_1 },
		{ "UNDO second", UNDO_2 } };
	for (size_t i = 0; i < COUNT(words); i++)
		if (strstr(text->line[0], words[i].word))
			return words[i].id;
	return 0;
}

struct tally {
	size_t requests[PANEL_ASK_STOP + 1], modes[PANEL_MODE_COUNT];
	bool said[PANEL_TEXT_COUNT];
};

/* ---- the properties of a state ---- */

static bool lit(const struct panel_output *o)
{
	return o->ready != LED_OFF || o->action != LED_OFF || o->attention != LED_OFF;
}

struct twin {
	struct display_text text;
	uint8_t language;
};

static void check_view(struct panel *panel, struct state_set *twins, uint8_t lights[])
{
	for (uint8_t language = 0; panel_languages[language]; language++) {
		struct panel_output output;
		struct twin twin = { .language = language };
		bool added;
		panel->texts = panel_languages[language];
		memset(&output, 0, sizeof(output));
		panel_view(panel, &output);
		assert_true(lit(&output));
		for (int i = 0; i < DISPLAY_LINES; i++) {
			int cells = display_cells(output.text.line[i]);
			assert_in_range(cells, 1, DISPLAY_CELLS);
			snprintf(twin.text.line[i], DISPLAY_LINE_SIZE, "%s", output.text.line[i]);
		}
		assert_true(output.wake_ms > panel->now_ms);
		uint32_t number = state_set_add(twins, &twin, &added);
		uint8_t shown = (uint8_t)(output.ready | output.action << 3 | output.attention << 6);
		assert_true(number < 65536);
		if (added)
			lights[number] = shown;
		else if (lights[number] != shown)
			fail_msg("\"%s\" / \"%s\" has two kinds of lights", twin.text.line[0], twin.text.line[1]);
	}
	panel->texts = panel_languages[0];
}

/* Does a line of the display come from this line of the table? */
static bool comes_from(const char *line, const char *template)
{
	size_t head = strcspn(template, "{"), length = strlen(line);
	const char *tail = strrchr(template, '}');
	size_t tail_length = tail ? strlen(tail + 1) : 0;
	if (!tail)
		return strcmp(line, template) == 0;
	return length >= head + tail_length && strncmp(line, template, head) == 0 &&
		strcmp(line + length - tail_length, tail + 1) == 0;
}

static void note_said(const struct state_set *twins, struct tally *tally)
{
	for (uint32_t i = 0; i < twins->count; i++) {
		const struct twin *twin = state_set_key(twins, i);
		const struct panel_texts *texts = panel_languages[twin->language];
		for (int t = 0; t < PANEL_TEXT_COUNT; t += 2)
			if (comes_from(twin->text.line[0], texts->text[t]) && comes_from(twin->text.line[1], texts->text[t + 1]))
				tally->said[t] = true;
	}
}

/* ---- the walk ---- */

struct edges {
	uint32_t (*pair)[2];
	size_t count, room;
};

static void add_edge(struct edges *edges, uint32_t from, uint32_t to)
{
	if (edges->count == edges->room) {
		edges->room = edges->room ? 2 * edges->room : 4096;
		edges->pair = realloc(edges->pair, edges->room * sizeof(*edges->pair));
		assert_non_null(edges->pair);
	}
	edges->pair[edges->count][0] = from;
	edges->pair[edges->count++][1] = to;
}

static struct key first_state(const struct world *world)
{
	struct panel panel;
	struct witness witness = { .up_ms = (uint16_t)world->rules.debounce_ms };
	struct key key;
	panel_init(&panel, &world->rules, NULL, NOW);
	panel.backup_age_hours = 5;
	pack(&key, &panel, &witness);
	return key;
}

/* One step from one state; returns where it leads. */
static struct key take_step(
	const struct world *world, const struct key *from, const struct step *step, struct tally *tally)
{
	struct panel panel;
	struct panel_output output;
	struct witness witness = from->witness;
	struct key to;
	unpack(&panel, from, &world->rules);
	witness_time(&witness, &world->rules, step->event.now_ms - NOW, step->watched);
	panel_event(&panel, &step->event, &output);
	witness_check(&witness, &world->rules, &output);
	witness_hold(&witness, &world->rules, &output, named_on(&output.text));
	witness_event(&witness, &world->rules, &step->event);
	tally->requests[output.request]++;
	pack(&to, &panel, &witness);
	return to;
}

/* Backwards from idle over hopeful steps, until nothing is added: whoever is not found has no way home. */
static size_t count_lost(const struct state_set *set, const struct edges *edges)
{
	uint8_t *home = calloc(set->count, 1);
	size_t lost = 0;
	assert_non_null(home);
	for (uint32_t i = 0; i < set->count; i++)
		home[i] = ((const struct key *)state_set_key(set, i))->mode == PANEL_IDLE;
	for (bool grew = true; grew;) {
		grew = false;
		for (size_t e = edges->count; e-- > 0;)
			if (!home[edges->pair[e][0]] && home[edges->pair[e][1]])
				home[edges->pair[e][0]] = 1, grew = true;
	}
	for (size_t i = 0; i < set->count; i++)
		lost += !home[i];
	free(home);
	return lost;
}

static void walk(const struct world *world, struct tally *tally)
{
	struct state_set set, twins;
	struct edges edges = { 0 };
	struct step steps[STEPS_MAX];
	static uint8_t lights[65536];
	bool added;
	size_t step_count = list_steps(world, steps), asked = tally->requests[PANEL_ASK_RESTORE];
	struct key key = first_state(world);
	state_set_init(&set, sizeof(key));
	state_set_init(&twins, sizeof(struct twin));
	state_set_add(&set, &key, &added);
	for (uint32_t at = 0; at < set.count; at++) {
		struct panel panel;
		struct key from = *(const struct key *)state_set_key(&set, at);
		unpack(&panel, &from, &world->rules);
		check_view(&panel, &twins, lights);
		tally->modes[from.mode]++;
		for (size_t s = 0; s < step_count; s++) {
			struct key to = take_step(world, &from, &steps[s], tally);
			uint32_t number = state_set_add(&set, &to, &added);
			if (steps[s].leads_home && number != at)
				add_edge(&edges, at, number);
		}
	}
	print_message("%s: %zu states, %zu steps, %zu displays, a restore asked for at %zu steps\n", world->name, set.count,
		set.count * step_count, twins.count, tally->requests[PANEL_ASK_RESTORE] - asked);
	assert_int_equal(count_lost(&set, &edges), 0);
	note_said(&twins, tally);
	state_set_free(&set);
	state_set_free(&twins);
	free(edges.pair);
}

static struct tally total;

static void every_reachable_state_is_lit_and_named_and_leads_home_and_asks_only_after_two_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(worlds); i++)
		walk(&worlds[i], &total);
}

static void the_walks_met_every_mode_every_request_and_every_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(total.requests); i++)
		assert_int_not_equal(total.requests[i], 0);
	for (size_t i = 0; i < COUNT(total.modes); i++)
		assert_int_not_equal(total.modes[i], 0);
	for (int t = 0; t < PANEL_TEXT_COUNT; t += 2)
		if (!total.said[t])
			fail_msg("never said: \"%s\"", panel_texts_en.text[t]);
}

/* Guards the walk itself: a state that it keeps is the whole state, or it would walk past what it lost. */
static void a_panel_that_is_packed_at_every_step_does_what_a_whole_one_does(void **state)
{
	(void)state;
	const struct world *world = &worlds[2];
	struct step steps[STEPS_MAX];
	struct panel whole;
	const struct witness witness = { 0 };
	struct key key = first_state(world);
	size_t step_count = list_steps(world, steps);
	uint64_t random = 1;
	unpack(&whole, &key, &world->rules);
	for (int i = 0; i < 100000; i++) {
		struct panel packed;
		struct panel_output expected, output;
		random = random * 6364136223846793005u + 1442695040888963407u;
		const struct step *step = &steps[random >> 33 & 1 ? 0 : (random >> 34) % step_count];
		unpack(&packed, &key, &world->rules);
		whole.now_ms = NOW;
		panel_event(&whole, &step->event, &expected);
		panel_event(&packed, &step->event, &output);
		assert_string_equal(output.text.line[0], expected.text.line[0]);
		assert_string_equal(output.text.line[1], expected.text.line[1]);
		assert_int_equal(output.request, expected.request);
		assert_int_equal(output.wake_ms, expected.wake_ms);
		pack(&key, &packed, &witness);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reachable_state_is_lit_and_named_and_leads_home_and_asks_only_after_two_holds),
		cmocka_unit_test(the_walks_met_every_mode_every_request_and_every_text),
		cmocka_unit_test(a_panel_that_is_packed_at_every_step_does_what_a_whole_one_does)
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

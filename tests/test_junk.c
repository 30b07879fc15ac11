/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flood of junk under a clock that lies: a thousand verified backups dated 1970 and 2099, each with its own retention,
 * through the engine and the store on a directory, over several lives of the box. Whatever the clock says, nothing that was
 * made in the last 14 days that the box was on goes; and what is older does, so that retention was really asked.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unistd.h>

#include "agent/job/engine.h"
#include "agent/upkeep/prune.h"
#include "agent/job/story.h"
#include "agent/store/store.h"
#include "storage/retention.h"
#include "tests/support/sample.h"

#define JUNK 1000
#define LIVES 5
#define GOOD_EVERY 100     /* backups */
#define MINUTES 180        /* from one to the next: 125 days in all */
#define TODAY 1767225600   /* 2026 */
#define IN_2099 4070908800 /* and 86 400 is in 1970 */
#define WITHIN (14 * BOX_DAY)

/* What was acknowledged, kept outside the store. */
struct made {
	uint64_t id;
	int64_t lived; /* seconds that the box had been on, of all its lives */
};

static struct config config;
static struct store store;
static struct engine *engine;
static char directory[64], link_path[64], root[80], recovery_key[64];
static struct made made[JUNK + JUNK / GOOD_EVERY + 16];
static size_t made_count;
static int64_t lived;                  /* in all lives */
static _Atomic int64_t up_ms, wall_at; /* in this one, and what the clock says: the engine's thread looks, too */
static _Atomic bool trusted;

/* ---- a clock that lies ---- */

static int64_t test_monotonic(struct clock *clock)
{
	(void)clock;
	return up_ms;
}

static void test_wall(struct clock *clock, struct clock_wall *wall)
{
	(void)clock;
	*wall = (struct clock_wall){ .seconds = wall_at, .trusted = trusted };
}

static const struct clock_ops test_clock_ops = { .monotonic = test_monotonic, .wall = test_wall };
static struct clock test_clock = { &test_clock_ops };

static void live(int64_t seconds)
{
	lived += seconds;
	up_ms += seconds * 1000;
}

/* ---- the engine, with a backup that needs no server ---- */

/* As backup_run ends: sealed, verified, and then what retention says. */
static enum job_state back_up(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	struct sample night = { .seed = (uint32_t)request->snapshot, .streams = 1, .chunks = 1, .chunk_size = 60 };
	struct story story;
	story_begin(&story, context, NULL, "database", report);
	int result = sample_store(context->repository, &night, true, &story.outcome->snapshot);
	if (result < 0)
		return story_store_failed(&story, result, "storing junk");
	prune_after_backup(context, report);
	return story_done(&story, "Stored.");
}

static int read_record(void *arg, const char *name, void *bytes, size_t size)
{
	(void)arg;
	return repository_state_read(store_home(&store), name, bytes, size);
}

static int write_record(void *arg, const char *name, const void *bytes, size_t size)
{
	(void)arg;
	return repository_state_write(store_home(&store), name, bytes, size);
}

static int write_audit(
	void *arg, const struct job_request *request, const char *event, const char *what, const char *result)
{
	(void)arg, (void)request, (void)event, (void)what, (void)result;
	return 0;
}

static void refresh(void *arg)
{
	(void)arg;
	store_keep_time(&store);
}

static void begin_life(void)
{
	const struct engine_ground ground = { .backup = back_up,
		.prune = prune_run,
		.config = &config,
		.volumes = store.stories,
		.volume_count = 1,
		.record_read = read_record,
		.record_write = write_record,
		.audit = write_audit,
		.refresh = refresh };
	up_ms = 1000;
	assert_int_equal(store_open(&store, &config, &test_clock), 0);
	repository_box_time(store_home(&store)); /* the time that it was off is looked at here */
	assert_int_equal(engine_start(&engine, &ground), 0);
}

static void end_life(void)
{
	engine_stop(engine);
	store_keep_time(&store); /* a cut may lose an hour of it, which a trusted clock gives back later */
	store_close(&store);
}

static uint64_t run(const struct job_request *request)
{
	struct job_info info;
	uint64_t id;
	assert_int_equal(engine_submit(engine, request, wall_at, &id), 0);
	while (engine_job(engine, id, &info) < 0 || info.state < JOB_DONE) {
		struct pollfd event = { engine_fd(engine), POLLIN, 0 };
		poll(&event, 1, 1000);
		engine_seen(engine);
	}
	while (engine_next_ended(engine, &info))
		continue;
	if (info.state != JOB_DONE)
		fail_msg("job %zu ended as %d: %s", made_count, info.state, info.sentence);
	return info.snapshot;
}

static void store_one(void)
{
	/* The request's snapshot is what the story makes its bytes from: no two are alike. */
	struct job_request request = { .kind = JOB_BACKUP, .snapshot = made_count + 1, .asked_by = "test" };
	assert_in_range(made_count, 0, sizeof(made) / sizeof(made[0]) - 1);
	made[made_count++] = (struct made){ .lived = lived, .id = run(&request) };
}

/* ---- what must be there ---- */

/* Both are in the order of making. Returns how many of all that were made have gone. */
static size_t check(const char *when)
{
	static struct snapshot_info list[sizeof(made) / sizeof(made[0])];
	int there = snapshot_list(store_home(&store), list, sizeof(list) / sizeof(list[0]));
	size_t gone = 0, at = 0;
	for (size_t i = 0; i < made_count; i++) {
		bool is = at < (size_t)there && list[at].id == made[i].id;
		at += is;
		gone += !is;
		if (!is && lived - made[i].lived < WITHIN)
			fail_msg("%s: backup %zu of %zu, which was made %lld box hours before, is gone", when, i, made_count,
				(long long)(lived - made[i].lived) / 3600);
	}
	assert_int_equal(at, there);
	return gone;
}

static int set_up(void **state)
{
	(void)state;
	/* In memory where there is a folder in memory: what syncs are good for is tested elsewhere. */
	snprintf(
		directory, sizeof(directory), "%s/coffret-junk-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(directory));
	strcpy(link_path, "/tmp/coffret-junk-XXXXXX");
	assert_non_null(mkdtemp(link_path));
	snprintf(root, sizeof(root), "%s/box", link_path); /* what is named /dev/... is taken to be flash */
	assert_int_equal(symlink(directory, root), 0);
	made_count = 0;
	lived = 0;
	config.volume_count = 1;
	config.deflate_level = 1;
	config.scrub_days = 30;
	config.retention = (struct retention_policy){
		.keep_daily = 14, .keep_weekly = 8, .keep_monthly = 12, .keep_within = 14, .keep_safety = 30, .safety_quota = 2
	};
	snprintf(config.volumes[0].path, sizeof(config.volumes[0].path), "%s/volume", root);
	snprintf(config.key_file, sizeof(config.key_file), "%s/key", root);
	snprintf(config.state_directory, sizeof(config.state_directory), "%s/state", root);
	assert_int_equal(store_create(&store, &config, recovery_key), 1);
	store_close(&store);
	return 0;
}

static int tear_down(void **state)
{
	char command[160];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s %s", directory, link_path);
	return system(command);
}

/* ---- cases ---- */

/*
 * In every second life the clock is right and trusted when the box starts, and lies from then on, trusted still. In the
 * others it lies from the start: then it must not be trusted, or 30 days pass (the case below).
 */
static void tell_lies(unsigned i)
{
	if (i % (JUNK / LIVES) == 0) {
		end_life();
		wall_at = TODAY + lived;
		trusted = i / (JUNK / LIVES) % 2 == 0;
		begin_life();
	}
	wall_at = i % 2 ? 86400 + i : IN_2099 + i;
}

static void a_thousand_junk_backups_of_1970_and_2099_remove_nothing_of_the_last_14_box_days(void **state)
{
	(void)state;
	const struct job_request prune = { .kind = JOB_PRUNE, .asked_by = "test" };
	size_t gone = 0;
	wall_at = TODAY;
	trusted = true;
	begin_life();
	for (unsigned day = 0; day < 5; day++, live(BOX_DAY)) {
		store_one();
		store_one(); /* the counts would keep one of them */
	}
	for (unsigned i = 0; i < JUNK; i++) {
		tell_lies(i);
		store_one();
		live(MINUTES * 60);
		if (i % GOOD_EVERY == 0) {
			wall_at = TODAY + lived;
			store_one();
		}
		gone = check("after a backup");
	}
	assert_true(gone > JUNK / 3); /* the older half has one for each day */
	for (unsigned i = 0; i < 2; i++) {
		wall_at = i ? 86400 : IN_2099;
		trusted = false;
		end_life();
		begin_life();
		run(&prune);
		check("at the next start");
	}
	end_life();
	print_message("%zu backups, of which %zu were older than 14 box days and went\n", made_count, gone);
}

/* A start under a clock that lies and is trusted costs 30 box days, once: not the 73 years, and not again each time. */
static void a_trusted_lie_at_a_start_is_30_box_days_once(void **state)
{
	(void)state;
	trusted = true;
	wall_at = TODAY;
	begin_life();
	int64_t begin = repository_box_time(store_home(&store));
	store_one();
	live(7200);
	end_life();
	for (unsigned i = 0; i < 6; i++) {
		wall_at = i % 2 ? 86400 : IN_2099;
		begin_life();
		store_one();
		live(7200);
		int64_t box_time = repository_box_time(store_home(&store));
		end_life();
		assert_int_equal((box_time - begin) / BOX_DAY, 30);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_thousand_junk_backups_of_1970_and_2099_remove_nothing_of_the_last_14_box_days, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_trusted_lie_at_a_start_is_30_box_days_once, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

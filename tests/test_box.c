/* SPDX-License-Identifier: Apache-2.0 */
/* The whole box but its panel, on a real store in a directory; its server refuses connections, which ends jobs at once. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/box.h"
#include "agent/front.h"
#include "agent/store/key_file.h"

static struct box box;
static struct store store;
static char directory[64], sentence[512], remedy[512], recovery_key[64];
static _Atomic int64_t now, up_ms; /* the engine's thread looks, too */

static int64_t test_monotonic(struct clock *clock)
{
	(void)clock;
	return up_ms;
}

static void test_wall(struct clock *clock, struct clock_wall *wall)
{
	(void)clock;
	*wall = (struct clock_wall){ .seconds = now, .trusted = true };
}

static const struct clock_ops test_clock_ops = { .monotonic = test_monotonic, .wall = test_wall };
static struct clock test_clock = { &test_clock_ops };

static void write_file(const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(file, text, strlen(text)), strlen(text));
	close(file);
}

static void configure(const char *more)
{
	char path[128], text[1500], message[600];
	snprintf(text, sizeof(text),
		"[box]\nvolume = %s/store\nkey_file = %s/key\nstate_directory = %s/state\nsocket = "
		"%s/socket\ntimezone = UTC\n[server sql]\nhost = 127.0.0.1\nport = 1\npin = "
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\ndatabases = mgc\nbackup_login = b\n"
		"backup_password_file = %s/pw\n%s",
		directory, directory, directory, directory, directory, more);
	write_file("conf", text);
	snprintf(path, sizeof(path), "%s/conf", directory);
	if (config_read(&box.config, path, message, sizeof(message)) < 0)
		fail_msg("%s", message);
}

static int set_up(void **state)
{
	(void)state;
	memset(&box, 0, sizeof(box));
	strcpy(directory, "/tmp/coffret-box-XXXXXX");
	assert_non_null(mkdtemp(directory));
	write_file("pw", "secret\n");
	configure("");
	now = 1704067200; /* Monday 1 January 2024 */
	up_ms = 1000;
	box.clock = &test_clock;
	return 0;
}

static int tear_down(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static void init(void)
{
	int result = store_create(&store, &box.config, recovery_key);
	if (result < 0)
		fail_msg("%s", store.sentence);
	store_close(&store);
}

static int open_box(bool scheduled)
{
	return box_open(&box, scheduled, sentence, sizeof(sentence), remedy, sizeof(remedy));
}

/* Steps the loop until so many jobs have ended; the last of them. */
static struct job_info wait_jobs(size_t count)
{
	static struct job_info jobs[ENGINE_HISTORY_MAX + ENGINE_QUEUE_MAX + 1];
	for (int i = 0; i < 500; i++) {
		size_t found = engine_jobs(box.engine, jobs, sizeof(jobs) / sizeof(jobs[0]));
		if (found >= count && jobs[found - 1].state >= JOB_DONE)
			return jobs[found - 1];
		loop_step(&box.loop, 10);
	}
	fail_msg("job %zu did not come", count);
	return jobs[0];
}

static void a_blank_volume_is_said_to_need_init(void **state)
{
	(void)state;
	assert_int_equal(open_box(false), -ENOMEDIUM);
	assert_non_null(strstr(remedy, "coffretd --init"));
	box_close(&box);
}

static void init_makes_key_and_store_for_the_owner_alone_and_shows_a_key(void **state)
{
	(void)state;
	struct stat stat_key, stat_store;
	char path[128];
	init();
	assert_int_equal(strlen(recovery_key), 56);
	snprintf(path, sizeof(path), "%s/key", directory);
	assert_int_equal(stat(path, &stat_key), 0);
	assert_int_equal(stat_key.st_mode & 0777, 0600);
	assert_int_equal(stat_key.st_size, KEY_FILE_SIZE);
	snprintf(path, sizeof(path), "%s/store", directory);
	assert_int_equal(stat(path, &stat_store), 0);
	assert_int_equal(stat_store.st_mode & 0777, 0700);
	assert_int_equal(open_box(false), 0);
	box_close(&box);
}

static void init_never_writes_over_a_store(void **state)
{
	(void)state;
	init();
	assert_int_equal(store_create(&store, &box.config, recovery_key), -EXDEV);
	assert_non_null(strstr(store.sentence, "holds something already"));
	store_close(&store);
	assert_int_equal(open_box(false), 0);
	box_close(&box);
}

static void a_store_is_opened_by_one_at_a_time(void **state)
{
	(void)state;
	static struct store second;
	init();
	assert_int_equal(open_box(false), 0);
	assert_int_equal(store_open(&second, &box.config, &test_clock), -EBUSY);
	assert_non_null(strstr(second.remedy, "daemon"));
	store_close(&second);
	box_close(&box);
	assert_int_equal(store_open(&second, &box.config, &test_clock), 0);
	store_close(&second);
}

static enum job_state clean(size_t jobs)
{
	struct job_request request = { .kind = JOB_CLEAN, .origin = ORIGIN_COMMAND, .asked_by = "test" };
	uint64_t id;
	assert_int_equal(service_submit(&box.service, &request, &id), 0);
	return wait_jobs(jobs).state;
}

static void move(const char *from, const char *to)
{
	char a[96], b[96];
	snprintf(a, sizeof(a), "%s/%s", directory, from);
	snprintf(b, sizeof(b), "%s/%s", directory, to);
	assert_int_equal(rename(a, b), 0);
}

/* Not even one that the same key opens; and the one that was there is taken when it is back. */
static void another_store_in_its_place_is_not_taken_for_it(void **state)
{
	(void)state;
	struct shelf_volume volume;
	init();
	assert_int_equal(open_box(false), 0);
	assert_int_equal(clean(1), JOB_DONE);
	move("store", "away");
	init();
	assert_int_equal(clean(2), JOB_FAILED);
	assert_int_equal(shelf_volume(&box.shelf, 0, &volume), 0);
	assert_false(volume.there);
	assert_non_null(strstr(volume.sentence, "not the one that was there before"));
	move("store", "other");
	move("away", "store");
	assert_int_equal(clean(3), JOB_DONE);
	assert_int_equal(shelf_volume(&box.shelf, 0, &volume), 0);
	assert_true(volume.there);
	box_close(&box);
}

static void a_key_that_is_wrong_or_gone_or_open_is_named(void **state)
{
	(void)state;
	char path[128];
	uint8_t key[KEY_FILE_SIZE];
	init();
	snprintf(path, sizeof(path), "%s/key", directory);
	assert_int_equal(key_file_make(path, key), -EEXIST);
	chmod(path, 0640);
	assert_int_equal(open_box(false), -EPERM);
	assert_non_null(strstr(sentence, "others may read it"));
	box_close(&box);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(open_box(false), -ENOENT);
	assert_non_null(strstr(sentence, path));
	box_close(&box);
	assert_int_equal(key_file_make(path, key), 0);
	assert_int_equal(open_box(false), -ENOKEY);
	assert_non_null(strstr(sentence, "does not open"));
	box_close(&box);
	write_file("key", "short");
	assert_int_equal(open_box(false), -EBADMSG);
	box_close(&box);
}

static void a_backup_is_made_when_it_is_due_and_once(void **state)
{
	(void)state;
	configure("[schedule]\nbackup = daily 22:30\n");
	init();
	assert_int_equal(open_box(true), 0);
	box_look_at_clock(&box);
	assert_true(engine_idle(box.engine));
	now += 22 * 3600 + 1800;
	box_look_at_clock(&box);
	struct job_info job = wait_jobs(1);
	assert_int_equal(job.request.kind, JOB_BACKUP);
	assert_int_equal(job.request.origin, ORIGIN_SCHEDULE);
	box_look_at_clock(&box);
	now += 86400;
	box_look_at_clock(&box);
	assert_int_equal(wait_jobs(2).id, 2);
	box_close(&box);
}

/* Whoever filled it: copies to a slow disk, a script. */
static void one_that_finds_the_queue_full_waits_for_room(void **state)
{
	(void)state;
	struct job_info jobs[ENGINE_QUEUE_MAX + 1];
	uint64_t id;
	configure("[schedule]\nbackup = daily 22:30\n");
	init();
	assert_int_equal(open_box(true), 0);
	for (uint64_t i = 0; i < ENGINE_QUEUE_MAX; i++) {
		const struct job_request request = { .kind = JOB_COPY, .snapshot = 1 + i, .wait_for = { 1 } };
		assert_int_equal(engine_submit(box.engine, &request, now, &id), 0);
	}
	now += 86400;
	box_look_at_clock(&box);
	box_look_at_clock(&box);
	assert_int_equal(engine_jobs(box.engine, jobs, ENGINE_QUEUE_MAX + 1), ENGINE_QUEUE_MAX);
	assert_int_equal(engine_cancel(box.engine, id), 0);
	box_look_at_clock(&box);
	struct job_info info = { .state = JOB_QUEUED };
	for (int i = 0; i < 500 && info.state < JOB_DONE; i++) {
		engine_job(box.engine, id + 1, &info);
		loop_step(&box.loop, 10);
	}
	assert_int_equal(info.request.origin, ORIGIN_SCHEDULE);
	assert_int_equal(info.request.kind, JOB_BACKUP);
	box_close(&box);
}

static void one_that_was_missed_while_off_is_made_up_for_at_start(void **state)
{
	(void)state;
	configure("[schedule]\nbackup = daily 22:30\n");
	init();
	for (int days = 0; days < 4; days += 3) {
		now += days * 86400;
		assert_int_equal(open_box(true), 0);
		if (days > 0)
			assert_int_equal(wait_jobs(1).request.origin, ORIGIN_SCHEDULE);
		else
			assert_true(engine_idle(box.engine)); /* a new box has missed nothing */
		box_close(&box);
	}
	assert_int_equal(open_box(true), 0);
	assert_true(engine_idle(box.engine)); /* and it is made up for once */
	box_close(&box);
}

static void without_a_schedule_nothing_runs_by_itself(void **state)
{
	(void)state;
	configure("[schedule]\nbackup = daily 22:30\n");
	init();
	assert_int_equal(open_box(false), 0);
	now += 10 * 86400;
	box_look_at_clock(&box);
	assert_true(engine_idle(box.engine));
	box_close(&box);
}

static void an_end_ends_the_loop_and_the_next_life_goes_on(void **state)
{
	(void)state;
	uint64_t id, later;
	struct job_request request = { .kind = JOB_BACKUP, .origin = ORIGIN_COMMAND, .asked_by = "anna" };
	init();
	assert_int_equal(open_box(false), 0);
	assert_int_equal(service_submit(&box.service, &request, &id), 0);
	box_end(&box);
	assert_int_equal(loop_run(&box.loop), 0);
	assert_true(engine_idle(box.engine));
	box_close(&box);
	assert_int_equal(open_box(false), 0);
	assert_int_equal(service_submit(&box.service, &request, &later), 0);
	assert_true(later > id);
	box_close(&box);
}

/* ---- what the panel is told ---- */

static void a_job_gets_nearer_to_its_end_phase_by_phase(void **state)
{
	(void)state;
	static const enum job_phase phases[] = { JOB_PHASE_CHECK, JOB_PHASE_CONNECT, JOB_PHASE_LOCK, JOB_PHASE_SAFETY,
		JOB_PHASE_PLAN, JOB_PHASE_PREPARE, JOB_PHASE_WRITE, JOB_PHASE_PUT_BACK, JOB_PHASE_READ_BACK, JOB_PHASE_COMMIT,
		JOB_PHASE_STATISTICS };
	int last = -1;
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
		for (uint64_t done = 0; done <= 12; done += 4) {
			struct job_progress progress = { .phase = phases[i], .done = done, .expected = 10 };
			int percent = front_percent(JOB_RESTORE, &progress);
			assert_in_range(percent, last < 0 ? 0 : last, 100);
			last = percent;
		}
	}
	assert_int_equal(last, 100);
	assert_int_equal(front_percent(JOB_BACKUP, &(struct job_progress){ .phase = JOB_PHASE_READ, .done = 5 }), -1);
	assert_int_equal(front_percent(JOB_BACKUP, &(struct job_progress){ .phase = JOB_PHASE_CONNECT }), -1);
	assert_int_equal(
		front_percent(JOB_VERIFY, &(struct job_progress){ .phase = JOB_PHASE_VERIFY, .done = 1, .expected = 4 }), 25);
}

static void the_store_is_cleaned_and_scrubbed_once_a_day(void **state)
{
	(void)state;
	struct job_info none;
	init();
	assert_int_equal(open_box(true), 0);
	box_look_at_clock(&box);
	assert_int_equal(engine_jobs(box.engine, &none, 1), 0);
	for (size_t day = 0; day < 2; day++) {
		up_ms += 3600 * 1000;
		box_look_at_clock(&box);
		struct job_info info = wait_jobs(2 * day + 1);
		assert_true(info.request.kind == JOB_CLEAN && info.state == JOB_DONE);
		up_ms += 3600 * 1000;
		box_look_at_clock(&box);
		box_look_at_clock(&box);
		info = wait_jobs(2 * day + 2);
		assert_true(info.request.kind == JOB_SCRUB && info.state == JOB_DONE);
		up_ms += 22 * 3600 * 1000;
	}
	box_close(&box);
}

/* ---- how often it writes ---- */

/* How many state records were ever written: the sum of the newest generations of each name. */
static uint64_t state_writes(void)
{
	uint64_t keys[64], newest[64], sum = 0;
	size_t count = 0;
	char path[96];
	snprintf(path, sizeof(path), "%s/store", directory);
	DIR *files = opendir(path);
	assert_non_null(files);
	for (struct dirent *entry; (entry = readdir(files));) {
		uint64_t id = strtoull(entry->d_name, NULL, 16), key = id >> 32;
		size_t i = 0;
		if (id >> 56 != 3)
			continue;
		while (i < count && keys[i] != key)
			i++;
		assert_true(i < 64);
		if (i == count)
			keys[count] = key, newest[count++] = 0;
		newest[i] = (id & 0xffffffff) > newest[i] ? id & 0xffffffff : newest[i];
	}
	closedir(files);
	for (size_t i = 0; i < count; i++)
		sum += newest[i];
	return sum;
}

/* Until what was begun is over; how many jobs have ended. */
static size_t settle(void)
{
	struct job_info jobs[ENGINE_HISTORY_MAX + ENGINE_QUEUE_MAX + 1];
	size_t count = engine_jobs(box.engine, jobs, sizeof(jobs) / sizeof(jobs[0]));
	while (count && jobs[count - 1].state < JOB_DONE) {
		loop_step(&box.loop, 5);
		count = engine_jobs(box.engine, jobs, sizeof(jobs) / sizeof(jobs[0]));
	}
	while (box.looking && !engine_look_done(box.engine, &box.store_look))
		loop_step(&box.loop, 5);
	return count;
}

/* A flash lives as long as it is not written: once an hour, and where a job begins, ends or is in between. */
static void a_box_at_rest_writes_its_state_once_an_hour(void **state)
{
	(void)state;
	init();
	assert_int_equal(open_box(true), 0);
	size_t jobs = settle();
	uint64_t first = state_writes(), before = first, at_rest = 0;
	for (unsigned minute = 0; minute < 24 * 60; minute++) {
		up_ms += 60000;
		now += 60;
		box_look_at_clock(&box);
		size_t ended = settle();
		uint64_t written = state_writes() - before;
		before += written;
		if (ended == jobs && written > 1)
			fail_msg("%u records were written in minute %u", (unsigned)written, minute);
		if (ended == jobs)
			at_rest += written;
		else if (written > 10 * (ended - jobs))
			fail_msg("%u records were written for %zu jobs", (unsigned)written, ended - jobs);
		jobs = ended;
	}
	if (at_rest < 20 || at_rest > 24)
		fail_msg("%u records a day at rest", (unsigned)at_rest);
	assert_true(jobs == 2); /* cleaned and scrubbed */
	box_close(&box);
}

/* A job that fails is a job: the time is kept when it ends. */
static void live(int64_t seconds, size_t jobs)
{
	struct job_request request = { .kind = JOB_BACKUP };
	uint64_t id;
	up_ms += seconds * 1000;
	now += seconds;
	assert_int_equal(service_submit(&box.service, &request, &id), 0);
	wait_jobs(jobs);
}

static void box_time_goes_on_from_life_to_life(void **state)
{
	(void)state;
	init();
	assert_int_equal(open_box(false), 0);
	live(0, 1);
	int64_t begin = repository_box_time(store_home(&box.store));
	live(5 * 86400, 2);
	box_close(&box);
	up_ms = 1000;
	now += 2 * 86400; /* off, and the clock is trusted */
	assert_int_equal(open_box(false), 0);
	assert_int_equal(repository_box_time(store_home(&box.store)), begin + 7 * 86400);
	box_close(&box);
}

static void a_request_that_waits_for_the_panel_is_taken_once_and_in_time(void **state)
{
	(void)state;
	struct consent consent = { .id = 0 };
	assert_false(consent_take(&consent, 0, 0));
	consent_ask(&consent, 45, 1000);
	uint64_t first = consent.id;
	assert_true(consent_waits(&consent, 1000 + CONSENT_MS - 1));
	assert_false(consent_take(&consent, first, 1000 + CONSENT_MS));
	assert_false(consent_take(&consent, first + 1, 2000));
	consent_ask(&consent, 46, 2000);
	assert_false(consent_take(&consent, first, 2000)); /* another one came: the holds were not for it */
	assert_true(consent_take(&consent, consent.id, 2000));
	assert_false(consent_take(&consent, consent.id, 2000));
}

static void the_time_to_go_is_said_when_it_can_be_known(void **state)
{
	(void)state;
	struct job_progress progress = { .done = 25, .expected = 100, .phase_started = 1000 };
	assert_int_equal(front_eta(&progress, 11000), 30);
	assert_int_equal(front_eta(&progress, 2000), -1);
	progress.done = 0;
	assert_int_equal(front_eta(&progress, 11000), -1);
	progress.done = 101;
	assert_int_equal(front_eta(&progress, 11000), -1);
}

#define box_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		box_test(a_blank_volume_is_said_to_need_init),
		box_test(init_makes_key_and_store_for_the_owner_alone_and_shows_a_key),
		box_test(init_never_writes_over_a_store),
		box_test(a_store_is_opened_by_one_at_a_time),
		box_test(another_store_in_its_place_is_not_taken_for_it),
		box_test(a_key_that_is_wrong_or_gone_or_open_is_named),
		box_test(a_backup_is_made_when_it_is_due_and_once),
		box_test(one_that_finds_the_queue_full_waits_for_room),
		box_test(one_that_was_missed_while_off_is_made_up_for_at_start),
		box_test(without_a_schedule_nothing_runs_by_itself),
		box_test(an_end_ends_the_loop_and_the_next_life_goes_on),
		cmocka_unit_test(a_job_gets_nearer_to_its_end_phase_by_phase),
		cmocka_unit_test_setup_teardown(the_store_is_cleaned_and_scrubbed_once_a_day, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_box_at_rest_writes_its_state_once_an_hour, set_up, tear_down),
		cmocka_unit_test_setup_teardown(box_time_goes_on_from_life_to_life, set_up, tear_down),
		cmocka_unit_test(a_request_that_waits_for_the_panel_is_taken_once_and_in_time),
		cmocka_unit_test(the_time_to_go_is_said_when_it_can_be_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

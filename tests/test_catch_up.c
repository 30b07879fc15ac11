/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked for when a volume comes, with a shelf that the test fills and copies that fail. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/service/catch_up.h"
#include "tests/support/fake_engine.h"

#define DAY_MS 86400000

static struct config config;
static struct shelf shelf;
static struct audit audit;
static struct engine *engine;
static struct service service;
static struct catch_up catch_up;
static char directory[64];
static uint64_t asked[256];
static atomic_size_t asked_count;
static atomic_bool may;
static pthread_mutex_t looking = PTHREAD_MUTEX_INITIALIZER; /* meanwhile no copy comes to its end */

static enum job_state failing_copy(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	(void)context;
	pthread_mutex_lock(&looking);
	pthread_mutex_unlock(&looking);
	assert_string_equal(request->volume, "disk");
	asked[asked_count++] = request->snapshot;
	return job_report_outcome(report, "", "")->state = JOB_FAILED;
}

static bool may_begin(void *arg, const struct job_request *request)
{
	(void)arg, (void)request;
	return may;
}

static void put_on_shelf(uint64_t id, uint32_t flags, const char *subject)
{
	struct shelf_entry *entry = &shelf.entries[shelf.count++];
	*entry = (struct shelf_entry){ .volumes = 1 };
	entry->info = (struct snapshot_info){ .id = id, .sequence = shelf.count, .class = SNAPSHOT_BACKUP, .flags = flags };
	snprintf(entry->info.subject, sizeof(entry->info.subject), "%s", subject);
	shelf.total = shelf.count;
}

static void put_databases(size_t count)
{
	char subject[32];
	for (size_t i = 0; i < count; i++) {
		snprintf(subject, sizeof(subject), "sql1/d%zu", i);
		put_on_shelf(100 + i, 0, subject);
	}
}

static int set_up(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/coffret-catch-up-XXXXXX");
	assert_non_null(mkdtemp(directory));
	config = (struct config){ .volume_count = 2 };
	config.volumes[1].copy = true;
	shelf_init(&shelf);
	shelf.volume_count = 2;
	shelf.volumes[0] = (struct shelf_volume){ .name = "store", .there = true, .home = true };
	shelf.volumes[1] = (struct shelf_volume){ .name = "disk", .there = true };
	asked_count = 0;
	may = true;
	struct engine_ground ground = {
		.copy = failing_copy, .record_read = fake_record_read, .record_write = fake_record_write, .may_begin = may_begin
	};
	assert_int_equal(audit_open(&audit, directory), 0);
	assert_int_equal(engine_start(&engine, &ground), 0);
	service = (struct service){ .config = &config, .engine = engine, .shelf = &shelf, .audit = &audit };
	catch_up = (struct catch_up){ .volumes[0].done = false };
	return 0;
}

static int tear_down(void **state)
{
	char path[128];
	(void)state;
	engine_stop(engine);
	audit_close(&audit);
	snprintf(path, sizeof(path), "%s/audit.log", directory);
	unlink(path);
	return rmdir(directory);
}

/* Looks, and waits for all that was asked for, as often as the daemon would in half a minute. */
static void look(int64_t now_ms)
{
	struct pollfd event = { engine_fd(engine), POLLIN, 0 };
	for (int i = 0; i < 10; i++) {
		pthread_mutex_lock(&looking);
		catch_up_look(&catch_up, &service, now_ms);
		pthread_mutex_unlock(&looking);
		while (!engine_idle(engine))
			poll(&event, 1, 1000), engine_seen(engine);
	}
}

static void come_and_go(int64_t now_ms)
{
	shelf.volumes[1].there = false;
	look(now_ms);
	shelf.volumes[1].there = true;
	look(now_ms);
}

static void of_each_database_the_newest_good_one_is_asked_for(void **state)
{
	(void)state;
	put_on_shelf(1, 0, "sql1/mgc");
	put_on_shelf(2, 0, "sql1/mgc");
	put_on_shelf(3, SNAPSHOT_SUSPECT, "sql1/mgc");
	put_on_shelf(4, SNAPSHOT_DAMAGED, "sql1/other");
	put_on_shelf(5, 0, "sql1/there");
	put_on_shelf(6, 0, "sql1/foreign");
	put_on_shelf(7, SNAPSHOT_APPLIED, "sql1/safety");
	shelf.entries[4].volumes = 3;
	shelf.entries[5].info.foreign = true;
	shelf.entries[6].info.class = SNAPSHOT_SAFETY;
	look(0);
	assert_int_equal(asked_count, 1);
	assert_int_equal(asked[0], 2);
}

/* One that can only be read, above all: each copy to it would fail. */
static void a_volume_that_cannot_take_it_is_not_asked(void **state)
{
	(void)state;
	struct shelf_volume *disk = &shelf.volumes[1];
	put_on_shelf(1, 0, "sql1/mgc");
	disk->status.read_only = true;
	look(0);
	disk->status.read_only = false;
	disk->foreign = true;
	look(0);
	disk->foreign = false;
	disk->error = -EIO;
	look(0);
	disk->error = 0;
	disk->there = false;
	look(0);
	disk->there = true;
	config.volumes[1].copy = false;
	look(0);
	assert_int_equal(asked_count, 0);
	config.volumes[1].copy = true;
	look(0);
	assert_int_equal(asked_count, 1); /* and then it is */
}

/* More than the queue has room for, and all of them fail: the first ones do not keep the last ones from their turn. */
static void each_is_asked_for_once_whatever_becomes_of_it(void **state)
{
	(void)state;
	put_databases(3 * ENGINE_QUEUE_MAX);
	look(0);
	assert_int_equal(asked_count, 3 * ENGINE_QUEUE_MAX);
	for (size_t i = 0; i < asked_count; i++)
		assert_int_equal(asked[i], 100 + i);
}

static void a_volume_that_comes_and_goes_is_asked_so_often_a_day(void **state)
{
	(void)state;
	put_databases(ENGINE_QUEUE_MAX + 2);
	look(0);
	for (int i = 0; i < 20; i++)
		come_and_go(1000 * i);
	assert_int_equal(asked_count, CATCH_UP_ROUNDS * (ENGINE_QUEUE_MAX + 2));
	come_and_go(DAY_MS - 1);
	assert_int_equal(asked_count, CATCH_UP_ROUNDS * (ENGINE_QUEUE_MAX + 2));
	look(DAY_MS); /* it is still there */
	assert_int_equal(asked_count, (CATCH_UP_ROUNDS + 1) * (ENGINE_QUEUE_MAX + 2));
}

/* Jobs that wait for another volume, perhaps for weeks, take half of the queue. */
static void half_of_the_queue_is_left_and_nothing_is_written_down_meanwhile(void **state)
{
	(void)state;
	put_on_shelf(1, 0, "sql1/mgc");
	may = false;
	for (uint64_t i = 0; i < ENGINE_QUEUE_MAX / 2; i++) {
		struct job_request request = { .kind = JOB_COPY, .snapshot = 50 + i, .volume = "disk", .wait_for = { 1 } };
		uint64_t id;
		assert_int_equal(engine_submit(engine, &request, 0, &id), 0);
	}
	for (int i = 0; i < 100; i++)
		catch_up_look(&catch_up, &service, 0);
	assert_int_equal(audit.number, 0);
	assert_int_equal(engine_cancel(engine, 1), 0);
	catch_up_look(&catch_up, &service, 0);
	assert_int_equal(audit.number, 2); /* asked, queued */
	while (!asked_count)
		usleep(1000);
	assert_int_equal(asked[0], 1);
}

int main(void)
{
#define catch_up_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		catch_up_test(of_each_database_the_newest_good_one_is_asked_for),
		catch_up_test(a_volume_that_cannot_take_it_is_not_asked),
		catch_up_test(each_is_asked_for_once_whatever_becomes_of_it),
		catch_up_test(a_volume_that_comes_and_goes_is_asked_so_often_a_day),
		catch_up_test(half_of_the_queue_is_left_and_nothing_is_written_down_meanwhile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

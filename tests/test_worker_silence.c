/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ten minutes without a byte from the server, through all that talks: the keeper's calls, the worker's requests, the
 * session with FreeTDS, the relay, TLS, and the stand-in server at the other end. The worker is a thread here, so that one
 * clock, the test's, counts in both. It goes on only when the worker has given its sign of life: no machine is too slow.
 *
 * One session in a process: each case is a process of its own, and they run side by side.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/net/clock.h"
#include "agent/sql/interposed_connect.h"
#include "agent/sql/requests.h"
#include "agent/sql/worker_private.h"
#include "tests/support/fake_clock.h"
#include "tests/support/standin.h"

#define TEN_MINUTES 600
#define STEP_SECONDS 30 /* half of what the keeper takes for a worker that hangs */

static const char script[] =
	"CREATE DATABASE quiet;\nGO\nUSE quiet;\nGO\n"
	"CREATE TABLE dbo.parent (id int NOT NULL PRIMARY KEY);\nGO\n"
	"CREATE TABLE dbo.child (id int NOT NULL PRIMARY KEY, parent int NOT NULL REFERENCES dbo.parent (id));\nGO\n"
	"INSERT INTO dbo.parent VALUES (1);\nGO\nINSERT INTO dbo.child VALUES (1, 1);\nGO\n";

/* In the order of their names. Only a table that no key refers to may be truncated in place of a DELETE. */
enum { CHILD, PARENT };

struct world {
	struct standin standin;
	struct rowgroup_params params;
	struct worker worker;
	struct worker_watcher watcher;
	struct sql_error error;
	struct session_options options;
	char password[16];
	uint8_t *wanted;
	size_t wanted_size;
	int socket; /* the worker's end */
	pthread_t thread, ticker;
	const char *silent; /* the kind of statement that the server is silent in */
	atomic_int passed;  /* seconds */
	atomic_bool over;
};

/* ---- the worker, as a thread ---- */

static void *serve(void *arg)
{
	static uint8_t buffer[MESSAGE_SIZE_MAX];
	struct world *world = arg;
	struct session *session;
	struct sql_error error = { .kind = SQL_OK };
	struct uplink uplink;
	const struct worker_setting setting = { .restore = true, .database = "quiet" };

	if (session_open(&session, &world->options, &error)) {
		fprintf(stderr, "session: %s\n", error.detail);
		close(world->socket);
		return NULL;
	}
	uplink_init(&uplink, world->socket);
	session_on_wait(session, uplink_stop, &uplink);
	requests_run(session, &uplink, &setting, buffer);
	session_close(session);
	close(world->socket);
	return NULL;
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal((int)syscall(SYS_connect, fd, &address, sizeof(address)), 0);
	return fd;
}

static int take_catalogue(void *arg, const void *bytes, size_t size)
{
	struct world *world = arg;

	free(world->wanted);
	world->wanted = malloc(size);
	assert_non_null(world->wanted);
	memcpy(world->wanted, bytes, size);
	world->wanted_size = size;
	return 0;
}

static void expect(struct world *world, int result, const char *doing)
{
	if (result < 0)
		fail_msg("%s: error %d, %s", doing, (int)world->error.kind, world->error.detail);
}

static void start(struct world *world)
{
	int pair[2];

	memset(world, 0, sizeof(*world));
	fake_clock_install();
	world->params = rowgroup_params_default;
	world->params.seed[0] = 1;
	standin_start(&world->standin, (const char *const[]){ "--login", "sa=Secret-1", NULL });
	standin_script(&world->standin, script);
	strcpy(world->password, "Secret-1");
	world->options = (struct session_options){ .socket = connect_to(world->standin.port),
		.host = "localhost",
		.authorities = world->standin.authorities,
		.login = "sa",
		.password = world->password,
		.database = "quiet",
		.lock_timeout_ms = 5000,
		.login_seconds = 60,
		.stall_seconds = 60,
		.catalogue_seconds = 60 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	world->socket = pair[1];
	world->watcher = (struct worker_watcher){ .arg = world, .catalogue = take_catalogue };
	world->worker = (struct worker){ .socket = pair[0],
		.watcher = world->watcher,
		.restore = true,
		.buffer = malloc(MESSAGE_SIZE_MAX),
		.silence_limit_seconds = WORKER_SILENCE_SECONDS };
	assert_int_equal(pthread_create(&world->thread, NULL, serve, world), 0);
}

static void end(struct world *world)
{
	close(world->worker.socket);
	pthread_join(world->thread, NULL);
	free(world->worker.buffer);
	free(world->wanted);
	standin_stop(&world->standin);
}

/* ---- time passes ---- */

/* That the worker lives, since the time last went on. */
static bool has_heard(struct world *world)
{
	return *(volatile int64_t *)&world->worker.heard_ms >= net_now_ms();
}

/* A step for each sign of life, until ten minutes have passed; then the server goes on. */
static void *tick(void *arg)
{
	struct world *world = arg;
	char command[64];

	while (atomic_load(&world->passed) < TEN_MINUTES && !atomic_load(&world->over)) {
		fake_clock_advance(STEP_SECONDS);
		atomic_fetch_add(&world->passed, STEP_SECONDS);
		/* One that gives none is waited for, but not for ever: the keeper shall find out. */
		for (int i = 0; i < 1500 && !has_heard(world) && !atomic_load(&world->over); i++)
			usleep(20000);
	}
	snprintf(command, sizeof(command), "set silence=%s:0", world->silent);
	standin_tell(&world->standin, command);
	return NULL;
}

static void be_silent(struct world *world, const char *kind)
{
	char command[64];

	world->silent = kind;
	snprintf(command, sizeof(command), "set silence=%s:600", kind);
	assert_true(standin_tell(&world->standin, command));
	assert_int_equal(pthread_create(&world->ticker, NULL, tick, world), 0);
}

static void assert_ten_minutes_passed(struct world *world, int result, const char *doing)
{
	atomic_store(&world->over, true);
	pthread_join(world->ticker, NULL);
	expect(world, result, doing);
	assert_true(atomic_load(&world->passed) >= TEN_MINUTES);
}

/* ---- the steps of a restore ---- */

static void begin(struct world *world, uint32_t table)
{
	expect(world, worker_read(&world->worker, CONSISTENCY_LOOSE, &world->params, false, NULL, 0, &world->error),
		"reading");
	expect(world,
		worker_begin(&world->worker,
			&(struct worker_wanted){ .catalogue = world->wanted, .size = world->wanted_size, .params = &world->params },
			&world->error),
		"beginning");
	expect(world, worker_read(&world->worker, CONSISTENCY_LOCK, &world->params, false, NULL, 0, &world->error),
		"reading the present state");
	expect(world, worker_prepare(&world->worker, &table, 1, 1, &world->error), "preparing");
}

static int empty_table(struct world *world, uint32_t table)
{
	return worker_empty(&world->worker, table, 1, &world->error);
}

static void silent_delete(void **state)
{
	struct world world;

	(void)state;
	start(&world);
	begin(&world, PARENT);
	be_silent(&world, "delete");
	assert_ten_minutes_passed(&world, empty_table(&world, PARENT), "deleting");
	end(&world);
}

static void silent_check(void **state)
{
	struct world world;

	(void)state;
	start(&world);
	begin(&world, CHILD);
	expect(&world, empty_table(&world, CHILD), "deleting");
	be_silent(&world, "check");
	assert_ten_minutes_passed(&world, worker_put_back(&world.worker, &world.error), "putting back");
	end(&world);
}

static void silent_commit(void **state)
{
	struct world world;

	(void)state;
	start(&world);
	begin(&world, CHILD);
	expect(&world, empty_table(&world, CHILD), "deleting");
	be_silent(&world, "commit");
	assert_ten_minutes_passed(&world, worker_commit(&world.worker, &world.error), "committing");
	end(&world);
}

static void silent_rollback(void **state)
{
	struct world world;

	(void)state;
	start(&world);
	begin(&world, CHILD);
	expect(&world, empty_table(&world, CHILD), "deleting");
	be_silent(&world, "rollback");
	assert_ten_minutes_passed(&world, worker_rollback(&world.worker, &world.error), "rolling back");
	end(&world);
}

static void silent_catalogue(void **state)
{
	struct world world;
	int result;

	(void)state;
	start(&world);
	expect(
		&world, worker_read(&world.worker, CONSISTENCY_LOOSE, &world.params, false, NULL, 0, &world.error), "reading");
	be_silent(&world, "select");
	result = worker_read(&world.worker, CONSISTENCY_LOOSE, &world.params, false, NULL, 0, &world.error);
	atomic_store(&world.over, true);
	pthread_join(world.ticker, NULL);
	assert_true(result < 0);
	assert_int_equal(world.error.kind, SQL_ERROR_TIMEOUT);
	assert_in_range(atomic_load(&world.passed), 60, 60 + 4 * STEP_SECONDS);
	end(&world);
}

/* ---- side by side ---- */

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(silent_delete),
	cmocka_unit_test(silent_check),
	cmocka_unit_test(silent_commit),
	cmocka_unit_test(silent_rollback),
	cmocka_unit_test(silent_catalogue),
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

static pid_t processes[CASES];

static void start_case(const char *program, size_t index)
{
	char number[8];

	snprintf(number, sizeof(number), "%zu", index);
	processes[index] = fork();
	if (processes[index])
		return;
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execl(program, program, number, (char *)NULL);
	_exit(127);
}

static void await_case(size_t index)
{
	int status = 0;

	assert_int_equal(waitpid(processes[index], &status, 0), processes[index]);
	assert_int_equal(status, 0);
}

static void a_delete_may_take_ten_silent_minutes(void **state)
{
	(void)state;
	await_case(0);
}

static void a_check_of_constraints_may_take_ten_silent_minutes(void **state)
{
	(void)state;
	await_case(1);
}

static void a_commit_may_take_ten_silent_minutes(void **state)
{
	(void)state;
	await_case(2);
}

static void a_rollback_may_take_ten_silent_minutes(void **state)
{
	(void)state;
	await_case(3);
}

static void a_query_of_the_catalogue_ends_after_a_silent_minute(void **state)
{
	(void)state;
	await_case(4);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_delete_may_take_ten_silent_minutes),
		cmocka_unit_test(a_check_of_constraints_may_take_ten_silent_minutes),
		cmocka_unit_test(a_commit_may_take_ten_silent_minutes),
		cmocka_unit_test(a_rollback_may_take_ten_silent_minutes),
		cmocka_unit_test(a_query_of_the_catalogue_ends_after_a_silent_minute),
	};

	if (argc > 1) {
		const struct CMUnitTest one[] = { cases[strtoul(argv[1], NULL, 10) % CASES] };

		return cmocka_run_group_tests(one, NULL, NULL);
	}
	for (size_t i = 0; i < CASES; i++)
		start_case(argv[0], i);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

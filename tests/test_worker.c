/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper and a real coffret-worker, against a scripted server on TCP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/sql/worker_private.h"
#include "tests/support/sql_script.h"
#include "tests/support/tls_peer.h"

struct world {
	struct sql_script *script;
	struct tls_peer *peer;
	struct worker *worker;
	struct sql_error error;
	struct worker_login login;
	struct worker_watcher watcher;
	char *authorities, password[32];
	char program[4200];
};

/* build/tests/test_worker tries build/coffret-worker. */
static void find_program(char *path, size_t size)
{
	char self[4000];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(length > 0);
	self[length] = '\0';
	*strrchr(self, '/') = '\0';
	*strrchr(self, '/') = '\0';
	snprintf(path, size, "%s/coffret-worker", self);
	if (access(path, X_OK))
		fail_msg("%s has to be built first", path);
}

static struct world *new_world(void)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->script = sql_script_new();
	world->authorities = tls_peer_file("ca.pem");
	strcpy(world->password, "secret");
	find_program(world->program, sizeof(world->program));
	world->login = (struct worker_login){
		.host = "localhost",
		.authorities = world->authorities,
		.login = "backup",
		.password = world->password,
		.database = "mgc",
		.connect_seconds = 5,
		.login_seconds = 5,
		.stall_seconds = 5,
		.catalogue_seconds = 5,
		.lock_timeout_ms = 30000,
	};
	return world;
}

static int start(struct world *world)
{
	const struct tls_peer_options peer = {
		.certificate = "server.pem",
		.key = "server.key",
		.prelogin = true,
		.encryption = -1,
		.script = sql_script_run,
		.arg = world->script,
	};
	const struct worker_place place = { .program = world->program };

	world->peer = tls_peer_listen(&peer, &world->login.port);
	return worker_start_at(&world->worker, &world->login, &world->watcher, &place, &world->error);
}

static void end(struct world *world)
{
	worker_stop(world->worker);
	sem_post(&world->script->go_on);
	tls_peer_end(world->peer);
	free(world->script);
	free(world->authorities);
	free(world);
}

static struct world *started(void)
{
	struct world *world = new_world();

	if (start(world))
		fail_msg("error %d: %s", world->error.kind, world->error.detail);
	return world;
}

static void a_worker_logs_in_and_tells_of_the_server(void **state)
{
	(void)state;
	struct world *world = started();
	uint8_t sha256[32];
	static const char zeros[sizeof(world->password)];

	assert_int_equal(world->worker->server_version, 15);
	assert_non_null(strstr(world->worker->tls_description, "TLS 1.2"));
	tls_peer_sha256("server.pem", sha256);
	assert_memory_equal(world->worker->certificate_sha256, sha256, sizeof(sha256));
	assert_memory_equal(world->password, zeros, sizeof(zeros));
	end(world);
}

/* Reads a file of /proc about the worker. */
static void proc_file(const struct world *world, const char *name, char *text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)world->worker->process, name);

	FILE *file = fopen(path, "r");

	assert_non_null(file);
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
}

static void a_worker_has_no_arguments_no_environment_and_nothing_but_its_sockets(void **state)
{
	(void)state;
	char path[64], text[4096], target[256];
	int others = open("/dev/zero", O_RDONLY); /* inheritable, and not for the worker */
	struct world *world = started();

	proc_file(world, "cmdline", text, sizeof(text));
	assert_string_equal(text, "coffret-worker");
	proc_file(world, "environ", text, sizeof(text));
	assert_string_equal(text, "");
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)world->worker->process);

	DIR *folder = opendir(path);

	assert_non_null(folder);
	for (struct dirent *entry; (entry = readdir(folder));) {
		if (entry->d_name[0] == '.' || atoi(entry->d_name) <= 2)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/fd/%.10s", (int)world->worker->process, entry->d_name);

		ssize_t length = readlink(path, target, sizeof(target) - 1);

		assert_true(length > 0);
		target[length] = '\0';
		if (strncmp(target, "socket:", 7) != 0 && !strstr(target, "eventfd"))
			fail_msg("descriptor %s is %s", entry->d_name, target);
	}
	closedir(folder);
	close(others);
	end(world);
}

#if defined(CONFIG_AGENT_SQL_SECCOMP) && !defined(__SANITIZE_ADDRESS__)
static void a_worker_is_confined(void **state)
{
	(void)state;
	char text[4096];
	struct world *world = started();

	proc_file(world, "status", text, sizeof(text));
	assert_non_null(strstr(text, "Seccomp:\t2"));
	assert_non_null(strstr(text, "NoNewPrivs:\t1"));
	end(world);
}
#endif

static void the_collation_of_the_server_does_not_matter(void **state)
{
	(void)state;
	/* Latin 1, Cyrillic, Japanese, Chinese, Hebrew, a binary one, UTF-8, and one that does not exist. */
	static const char *const collations[] = {
		"\x09\x04\xd0\x00\x34",
		"\x19\x04\xd0\x00\x00",
		"\x11\x04\xd0\x00\x00",
		"\x04\x08\xd0\x00\x00",
		"\x0d\x04\xd0\x00\x00",
		"\x09\x04\x00\x01\x00",
		"\x09\x04\xd0\x24\x00",
		"\xff\xff\xff\xff\xff",
	};

	for (size_t i = 0; i < sizeof(collations) / sizeof(collations[0]); i++) {
		struct world *world = new_world();

		memcpy(world->script->collation, collations[i], 5);
		if (start(world))
			fail_msg("collation %zu: error %d: %s", i, world->error.kind, world->error.detail);
		end(world);
	}
}

static void a_refused_login_comes_up_with_its_number(void **state)
{
	(void)state;
	struct world *world = new_world();

	reply_error(&world->script->login_answer, 18456, 14, "Login failed.");
	reply_done(&world->script->login_answer, 2, 0);
	assert_int_equal(start(world), -EIO);
	assert_int_equal(world->error.kind, SQL_ERROR_LOGIN);
	assert_int_equal(world->error.number, 18456);
	end(world);
}

static void a_wrong_name_comes_up_as_such(void **state)
{
	(void)state;
	struct world *world = new_world();

	world->login.certificate_name = "another.example.test";
	assert_int_equal(start(world), -EIO);
	assert_int_equal(world->error.kind, SQL_ERROR_NAME);
	assert_non_null(strstr(world->error.detail, "sql.example.test"));
	end(world);
}

static void a_host_without_an_address_is_said_to_have_none(void **state)
{
	(void)state;
	struct world *world = new_world();

	world->login.host = "no-such-host.invalid";
	assert_int_equal(start(world), -EIO);
	assert_int_equal(world->error.kind, SQL_ERROR_RESOLVE);
	end(world);
}

static void a_closed_port_is_said_to_refuse(void **state)
{
	(void)state;
	struct world *world = new_world();
	const struct worker_place place = { .program = world->program };
	uint16_t port;

	/* A port that was just given back. */
	tls_peer_end(
		tls_peer_listen(&(struct tls_peer_options){ .certificate = "server.pem", .key = "server.key" }, &port));
	world->login.port = port;
	assert_int_equal(worker_start_at(&world->worker, &world->login, NULL, &place, &world->error), -EIO);
	assert_int_equal(world->error.kind, SQL_ERROR_CONNECT);
	world->peer = tls_peer_listen(
		&(struct tls_peer_options){ .certificate = "server.pem", .key = "server.key" }, &port);
	end(world);
}

static void a_worker_that_cannot_be_started_is_an_error(void **state)
{
	(void)state;
	struct world *world = new_world();

	strcpy(world->program, "/nonexistent/coffret-worker");
	assert_int_equal(start(world), -EIO);
	assert_int_equal(world->error.kind, SQL_ERROR_WORKER);
	end(world);
}

static void a_program_that_is_no_worker_is_an_error(void **state)
{
	(void)state;
	struct world *world = new_world();

	strcpy(world->program, "/bin/true");
	assert_int_equal(start(world), -EIO);
	assert_int_equal(world->error.kind, SQL_ERROR_WORKER);
	end(world);
}

static void kill_worker(struct world *world, int number)
{
	kill(world->worker->process, number);
}

static void a_worker_that_is_killed_is_an_error_that_names_the_signal(void **state)
{
	(void)state;
	struct world *world = started();

	kill_worker(world, SIGKILL);
	assert_int_equal(worker_examine(world->worker, &world->error), -EIO);
	assert_int_equal(world->error.kind, SQL_ERROR_WORKER);
	assert_non_null(strstr(world->error.detail, "signal 9"));
	/* Later requests fail too, and nothing else happens. */
	assert_int_equal(worker_examine(world->worker, &world->error), -EIO);
	end(world);
}

static void a_worker_that_hangs_is_ended(void **state)
{
	(void)state;
	struct world *world = started();

	world->worker->silence_limit_seconds = 1;
	kill_worker(world, SIGSTOP);
	assert_int_equal(worker_examine(world->worker, &world->error), -EIO);
	assert_int_equal(world->error.kind, SQL_ERROR_WORKER);
	assert_non_null(strstr(world->error.detail, "hung"));
	end(world);
}

static void a_lost_worker_leaves_the_outcome_of_a_commit_unknown(void **state)
{
	(void)state;
	struct world *world = started();

	kill_worker(world, SIGKILL);
	assert_int_equal(worker_commit(world->worker, &world->error), -EIO);
	assert_int_equal(world->error.kind, SQL_ERROR_UNKNOWN_OUTCOME);
	end(world);
}

static bool stop_at_once(void *arg)
{
	(void)arg;
	return true;
}

static void say_nothing(struct sql_script *script)
{
	sem_post(&script->reached);
}

static void a_cancel_reaches_a_worker_that_waits_for_a_silent_server(void **state)
{
	(void)state;
	struct world *world = started();

	world->script->instead = say_nothing;
	world->worker->watcher.stop = stop_at_once;
	assert_int_equal(
		worker_read(world->worker, CONSISTENCY_LOOSE, &rowgroup_params_default, true, NULL, 0, &world->error),
		-ECANCELED);
	assert_int_equal(world->error.kind, SQL_ERROR_CANCELLED);
	end(world);
}

/* ---- a worker that lies: the test plays it at the other end of the socket ---- */

static struct worker *pretend(int *other)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int pair[2];

	assert_non_null(worker);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	worker->socket = pair[0];
	worker->buffer = malloc(MESSAGE_SIZE_MAX);
	worker->silence_limit_seconds = 5;
	*other = pair[1];
	return worker;
}

static void reports_that_are_none_end_the_worker(void **state)
{
	(void)state;
	static const struct {
		uint8_t type;
		const char *bytes;
		size_t size;
	} reports[] = {
		{ 99, "", 0 },
		{ MESSAGE_LOGIN, "", 0 },
		{ MESSAGE_TABLE, "\1", 1 },
		{ MESSAGE_CHUNK, "\3\0\0\0\0", 5 },
		{ MESSAGE_CHUNK, "\1\0", 2 },
		{ MESSAGE_TABLE_END, "\1\0\0\0", 4 },
		{ MESSAGE_PROGRESS, "\0", 1 },
		{ MESSAGE_FINDING, "\1\4\0\0\0\0", 6 },
		{ MESSAGE_NOTE, "\5\0abc", 5 },
		{ MESSAGE_NOTE, "\2\0a\0", 4 },
		{ MESSAGE_ERROR, "", 0 },
		{ MESSAGE_ERROR, "\0\0\0\0\0\0\0\0\0\0\0\0\0", 13 },
	};

	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
		int other;
		struct worker *worker = pretend(&other);
		struct sql_error error = { .kind = SQL_OK };

		assert_int_equal(message_send(other, (enum message_type)reports[i].type, reports[i].bytes, reports[i].size), 0);
		assert_int_equal(worker_put_back(worker, &error), -EIO);
		if (error.kind != SQL_ERROR_WORKER)
			fail_msg("report %zu is error %d", i, error.kind);
		worker_stop(worker);
		close(other);
	}
}

static int refuse_chunk(void *arg, enum chunk_kind kind, uint32_t rows, const void *bytes, size_t size)
{
	(void)kind;
	(void)rows;
	(void)bytes;
	(void)size;
	(*(int *)arg)++;
	return -ENOSPC;
}

static void an_error_of_the_watcher_ends_the_request_and_is_its_result(void **state)
{
	(void)state;
	int other, calls = 0;
	struct worker *worker = pretend(&other);
	struct sql_error error = { .kind = SQL_OK }, cancelled = { .kind = SQL_ERROR_CANCELLED };
	uint8_t bytes[2048];
	struct packer packer = { .bytes = bytes, .capacity = sizeof(bytes) };

	worker->watcher.arg = &calls;
	worker->watcher.chunk = refuse_chunk;
	pack_error(&packer, &cancelled);
	message_send(other, MESSAGE_CHUNK, "\1\1\0\0\0rows", 9);
	message_send(other, MESSAGE_CHUNK, "\1\1\0\0\0rows", 9);
	message_send(other, MESSAGE_ERROR, bytes, packer.size);
	assert_int_equal(worker_put_back(worker, &error), -ENOSPC);
	assert_int_equal(calls, 1);
	worker_stop(worker);
	close(other);
}

static void reports_are_taken_while_a_chunk_is_sent_to_a_worker_that_waits_for_that(void **state)
{
	(void)state;
	int other;
	struct worker *worker = pretend(&other);
	struct sql_error error = { .kind = SQL_ERROR_SERVER }, kept = { .kind = SQL_OK };
	static uint8_t chunk[900 * 1024];
	uint8_t bytes[2048];
	struct packer packer = { .bytes = bytes, .capacity = sizeof(bytes) };

	/* The worker reads nothing until its keeper has taken the error, which a keeper that only sends never would. */
	pack_error(&packer, &error);
	message_send(other, MESSAGE_NOTE, "\1\0a", 3);
	message_send(other, MESSAGE_ERROR, bytes, packer.size);

	pid_t reader = fork();

	assert_true(reader >= 0);
	if (reader == 0) {
		static uint8_t sink[65536];
		int unread = 1;

		/* The note and the error are gone from the socket when the keeper has taken them. */
		while (unread > 0 && ioctl(other, SIOCOUTQ, &unread) == 0)
			usleep(1000);
		close(worker->socket);
		while (recv(other, sink, sizeof(sink), 0) > 0)
			;
		_exit(0);
	}
	assert_int_equal(worker_replace_chunk(worker, CHUNK_ROWS, 1, chunk, sizeof(chunk), &kept), -EIO);
	assert_int_equal(kept.kind, SQL_ERROR_SERVER);
	worker_stop(worker);
	close(other);
	waitpid(reader, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_logs_in_and_tells_of_the_server),
		cmocka_unit_test(a_worker_has_no_arguments_no_environment_and_nothing_but_its_sockets),
#if defined(CONFIG_AGENT_SQL_SECCOMP) && !defined(__SANITIZE_ADDRESS__)
		cmocka_unit_test(a_worker_is_confined),
#endif
		cmocka_unit_test(the_collation_of_the_server_does_not_matter),
		cmocka_unit_test(a_refused_login_comes_up_with_its_number),
		cmocka_unit_test(a_wrong_name_comes_up_as_such),
		cmocka_unit_test(a_host_without_an_address_is_said_to_have_none),
		cmocka_unit_test(a_closed_port_is_said_to_refuse),
		cmocka_unit_test(a_worker_that_cannot_be_started_is_an_error),
		cmocka_unit_test(a_program_that_is_no_worker_is_an_error),
		cmocka_unit_test(a_worker_that_is_killed_is_an_error_that_names_the_signal),
		cmocka_unit_test(a_worker_that_hangs_is_ended),
		cmocka_unit_test(a_lost_worker_leaves_the_outcome_of_a_commit_unknown),
		cmocka_unit_test(a_cancel_reaches_a_worker_that_waits_for_a_silent_server),
		cmocka_unit_test(reports_that_are_none_end_the_worker),
		cmocka_unit_test(an_error_of_the_watcher_ends_the_request_and_is_its_result),
		cmocka_unit_test(reports_are_taken_while_a_chunk_is_sent_to_a_worker_that_waits_for_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

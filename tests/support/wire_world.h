/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world of the stand-in's wire tests: an engine double that echoes what it is given, in place of the real one, and
 * a server with a client for each test. Defines every function of engine.h, so one file of a program may include it.
 */
#ifndef TESTS_SUPPORT_WIRE_WORLD_H
#define TESTS_SUPPORT_WIRE_WORLD_H

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/sqlserver/chat.h"
#include "tests/sqlserver/control.h"
#include "tests/sqlserver/server.h"
#include "tests/sqlserver/wire_text.h"
#include "tests/support/tds_client.h"

/* --- the engine double ------------------------------------------------------------------------------------------- */

struct engine {
	int unused;
};

struct session {
	atomic_bool interrupted;
	bool expects_bulk;
	uint64_t descriptor;
};

static struct {
	atomic_int closed_sessions, resets;
	bool odbc;
	char bulk_names[16][32];
	uint8_t bulk_types[16];
	uint64_t bulk_rows, bulk_nulls, bulk_bytes;
	bool bulk_complete, bulk_refuses;
} seen;

static const uint8_t latin1[5] = { 0x09, 0x04, 0xd0, 0x00, 0x34 };

int engine_open(struct engine **engine, const char *directory, int version)
{
	(void)directory, (void)version;
	*engine = calloc(1, sizeof(**engine));
	return *engine ? 0 : -ENOMEM;
}

void engine_close(struct engine *engine)
{
	free(engine);
}

int engine_set(struct engine *engine, const char *setting)
{
	(void)engine;
	return strcmp(setting, "known=1") ? -EINVAL : 0;
}

uint64_t engine_faults_struck(struct engine *engine)
{
	(void)engine;
	return 0;
}

int engine_add_login(struct engine *engine, const char *login, const char *password, bool administrator)
{
	(void)engine, (void)login, (void)password, (void)administrator;
	return 0;
}

int session_login_trusted(struct session **session, struct engine *engine, const char *login, const char *database,
	const char *host, const char *program, int32_t *error)
{
	(void)engine, (void)login, (void)database, (void)host, (void)program, (void)error;
	*session = calloc(1, sizeof(**session));
	return *session ? 0 : -ENOMEM;
}

int session_login(struct session **session, struct engine *engine, const char *login, const char *password,
	const char *database, const char *host, const char *program, int32_t *error)
{
	bool missing = strcmp(database, "missing") == 0;

	*error = missing ? 4060 : 18456;
	if (missing || strcmp(password, "Secret~1"))
		return -EACCES;
	return session_login_trusted(session, engine, login, database, host, program, error);
}

int engine_password(struct engine *engine, const char *login, char *password, size_t size)
{
	(void)engine, (void)login, (void)password, (void)size;
	return -ENOENT;
}

void session_close(struct session *session)
{
	seen.closed_sessions++;
	free(session);
}

void session_set_odbc(struct session *session, bool odbc)
{
	(void)session;
	seen.odbc = odbc;
}

int session_id(const struct session *session)
{
	(void)session;
	return 51;
}

const char *session_database(const struct session *session)
{
	(void)session;
	return "master";
}

void session_collation(const struct session *session, uint8_t collation[5])
{
	(void)session;
	memcpy(collation, latin1, 5);
}

int session_reset(struct session *session)
{
	(void)session;
	seen.resets++;
	return 0;
}

static int send_rows(struct result_sink *sink, unsigned long count)
{
	struct result_column columns[2] = {
		{ .type = TDS_INTN, .length = 4, .name = "id" },
		{ .type = TDS_NVARCHAR, .length = TDS_MAX_LENGTH, .nullable = true, .name = "text" },
	};
	int error = sink->columns(sink, columns, 2);

	for (uint32_t i = 0; i < count && !error; i++) {
		const struct result_value values[2] = { { &i, 4 }, { "w\0o\0r\0d\0s\0", 10 } };

		error = sink->row(sink, values, 2);
	}
	return error ? error : sink->done(sink, END_STATEMENT, 0xc1, true, count, false, false);
}

/* "deaf": interrupts of the first moments are lost, as they are before a real engine has begun. */
static int wait_for_interrupt(struct session *session, bool deaf)
{
	if (deaf)
		usleep(100000);
	session->interrupted = false;
	while (!session->interrupted)
		usleep(1000);
	return -ECANCELED;
}

int session_execute(struct session *session, const void *text, size_t size, struct result_sink *sink)
{
	char statement[4096];

	utf8_from_utf16(statement, sizeof(statement), text, size / 2);
	session->expects_bulk = strncmp(statement, "insert bulk", 11) == 0;
	if (strncmp(statement, "rows ", 5) == 0)
		return send_rows(sink, strtoul(statement + 5, NULL, 10));
	if (strcmp(statement, "sleep") == 0 || strcmp(statement, "deaf") == 0)
		return wait_for_interrupt(session, statement[0] == 'd');
	if (strcmp(statement, "fatal") == 0)
		sink->message(sink, 9001, 1, 21, "The log is gone.", "", 1);
	if (strcmp(statement, "begin") == 0)
		sink->transaction_changed(sink, 8, session->descriptor = 0x7700000051);
	return sink->done(sink, END_STATEMENT, 0, false, 0, false, false);
}

/* Answers with its parameters: as one row, then each output parameter. */
int session_call(struct session *session, const char *procedure, const struct parameter *parameters, size_t count,
	struct result_sink *sink)
{
	struct result_column columns[8];
	struct result_value values[8];
	int error;

	(void)session;
	assert_true(count <= 8);
	for (size_t i = 0; i < count; i++) {
		columns[i] = parameters[i].type;
		values[i] = parameters[i].value;
		snprintf(columns[i].name, sizeof(columns[i].name), "%s", procedure);
	}
	error = sink->columns(sink, columns, count);
	if (!error)
		error = sink->row(sink, values, count);
	for (size_t i = 0; i < count && !error; i++)
		if (parameters[i].output)
			error = sink->output(sink, parameters[i].name, &parameters[i].type, &parameters[i].value);
	return error ? error : sink->done(sink, END_PROC, 0xe0, false, 0, false, false);
}

int session_transaction(
	struct session *session, uint16_t request, uint8_t isolation, const char *name, struct result_sink *sink)
{
	(void)isolation, (void)name;
	session->descriptor = request == 5 ? 0x99 : 0;
	sink->transaction_changed(sink, request == 5 ? 8 : 9, 0x99);
	return sink->done(sink, END_STATEMENT, 0, false, 0, false, false);
}

bool session_expects_bulk(const struct session *session)
{
	return session->expects_bulk;
}

int session_bulk_begin(struct session *session, const struct result_column *columns, size_t count)
{
	(void)session;
	assert_true(count <= 16);
	seen.bulk_rows = seen.bulk_nulls = seen.bulk_bytes = 0;
	for (size_t i = 0; i < count; i++) {
		snprintf(seen.bulk_names[i], sizeof(seen.bulk_names[i]), "%.31s", columns[i].name);
		seen.bulk_types[i] = (uint8_t)columns[i].type;
	}
	return 0;
}

int session_bulk_row(struct session *session, const struct result_value *values, size_t count)
{
	(void)session;
	if (seen.bulk_refuses)
		return -EINVAL;
	seen.bulk_rows++;
	for (size_t i = 0; i < count; i++) {
		seen.bulk_nulls += values[i].data == NULL;
		seen.bulk_bytes += values[i].data ? values[i].size : 0;
	}
	return 0;
}

int session_bulk_end(struct session *session, bool complete, struct result_sink *sink)
{
	session->expects_bulk = false;
	seen.bulk_complete = complete;
	if (seen.bulk_refuses)
		sink->message(sink, 4815, 1, 16, "Received an invalid column length.", "", 1);
	return sink->done(sink, END_STATEMENT, 0xf0, true, seen.bulk_rows, seen.bulk_refuses, false);
}

uint64_t session_transaction_descriptor(const struct session *session)
{
	return session->descriptor;
}

void session_interrupt(struct session *session)
{
	session->interrupted = true;
}

int chat_night(struct engine *engine, uint32_t messages)
{
	(void)engine, (void)messages;
	return 0;
}

/* --- a server and a client for each test ---------------------------------------------------------------------------- */

static char directory[64];

struct world {
	struct server server;
	pthread_t thread;
	struct tds_client client;
	struct tds_bytes answer;
};

static void *run_server(void *argument)
{
	server_run(argument);
	return NULL;
}

static void make_certificates(void)
{
	char command[256];

	snprintf(directory, sizeof(directory), "/tmp/wire-test-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(command, sizeof(command), "tests/support/certificates %s", directory);
	assert_int_equal(system(command), 0);
}

static int open_world_with(void **state, bool strict, int version)
{
	static char certificate[128], key[128];
	struct world *world = calloc(1, sizeof(*world));

	if (!directory[0])
		make_certificates();
	snprintf(certificate, sizeof(certificate), "%s/server.pem", directory);
	snprintf(key, sizeof(key), "%s/server.key", directory);
	const struct server_options options = { .directory = directory,
		.address = "127.0.0.1",
		.name = "STANDIN",
		.instance = "MSSQLSERVER",
		.version = version,
		.strict = strict,
		.request_limit = 8u << 20,
		.row_limit = 8u << 20,
		.tls = { certificate, key, 12, 12, NULL } };
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(server_open(&world->server, &options), 0);
	assert_int_equal(pthread_create(&world->thread, NULL, run_server, &world->server), 0);
	*state = world;
	return 0;
}

static int open_world(void **state)
{
	return open_world_with(state, false, 16);
}

static int close_world(void **state)
{
	struct world *world = *state;

	server_stop(&world->server);
	pthread_join(world->thread, NULL);
	server_close(&world->server);
	tds_free(&world->answer);
	free(world);
	return 0;
}

static const struct tds_login good_login = { .user = "sa", .password = "Secret~1" };

static void log_in(struct world *world, enum tds_security security)
{
	assert_true(tds_connect(&world->client, world->server.port, security) >= 0);
	assert_true(tds_login(&world->client, &good_login, &world->answer));
	assert_int_equal(tds_last_done(&world->answer, NULL), 0);
}

static void ask(struct world *world, const char *command, char *answer, size_t size)
{
	FILE *to = fmemopen(answer, size, "w");

	control_command(&world->server, command, to);
	fclose(to);
}

static void set_fault(struct world *world, const char *setting)
{
	if (faults_set(&world->server.faults, setting))
		fail_msg("the server does not know %s", setting);
}

/* The server has dropped the connection, and says why. */
static void assert_violation(struct world *world, const char *words)
{
	char violations[2048] = "";

	while (tds_receive(&world->client, &world->answer))
		;
	ask(world, "violations", violations, sizeof(violations));
	if (!strstr(violations, words))
		fail_msg("no violation says \"%s\": %s", words, violations);
}

static void assert_no_violation(struct world *world)
{
	char violations[2048] = "";

	ask(world, "violations", violations, sizeof(violations));
	assert_string_equal(violations, "ok\n");
}

static void run(struct world *world, const char *statement)
{
	assert_true(tds_send_batch(&world->client, statement));
	assert_true(tds_receive(&world->client, &world->answer));
}

static int remove_certificates(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return directory[0] && system(command) ? -1 : 0;
}

#define in_world(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

#endif

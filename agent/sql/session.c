/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sybdb.h>
#include <unistd.h>

#include "agent/net/tds.h"
#include "agent/sql/session_private.h"

#define SAME(ours, theirs) ((int)(ours) == (int)(theirs))
_Static_assert(SAME(NATIVE_DATETIMEOFFSET, SYBMSDATETIMEOFFSET) && SAME(NATIVE_NUMERIC, SYBNUMERIC) &&
		SAME(NATIVE_BIGINT, SYBINT8) && SAME(NATIVE_SMALLMONEY, SYBMONEY4) && SAME(NATIVE_BIT, SYBBIT) &&
		SAME(NATIVE_IMAGE, SYBIMAGE) && SAME(NATIVE_SMALLDATETIME, SYBDATETIME4) && SAME(NATIVE_BINARY, SYBBINARY),
	"native.h has db-lib's numbers");

/* db-lib's handlers belong to the process: one session at a time. */
static struct session *current;

/* ---- what FreeTDS and the server have to say ---- */

static int on_message(
	DBPROCESS *db, DBINT number, int state, int severity, char *text, char *server, char *procedure, int line)
{
	(void)db;
	(void)server;
	(void)procedure;
	(void)line;
	if (current && severity > 10)
		session_hear(current, number, state, severity, text ? text : "");
	return 0;
}

/* Anything but INT_CANCEL, or INT_TIMEOUT for a timeout, and db-lib would end the process. */
static int on_error(DBPROCESS *db, int severity, int number, int os_error, char *text, char *os_text)
{
	(void)db;
	(void)severity;
	(void)os_error;
	(void)os_text;
	if (current && number == SYBEMEM)
		current->out_of_memory = true;
	if (current && number != SYBESMSG && !current->library[0])
		snprintf(current->library, sizeof(current->library), "%s", text ? text : "");
	return number == SYBETIME ? INT_TIMEOUT : INT_CANCEL;
}

static int check_interrupt(void *db)
{
	(void)db;
	/* Also once it was cancelled, for as long as the server does not heed that: whoever asks knows that we do not hang. */
	if (current && current->stop && current->stop(current->stop_arg))
		current->cancelled = true;
	return current && current->cancelled;
}

static int handle_interrupt(void *db)
{
	(void)db;
	return INT_CANCEL;
}

/* ---- opening db-lib ---- */

/* session NULL: only to see whose connect it is. */
static DBPROCESS *open_db(
	LOGINREC *login, const char *host, struct session *session, bool *ours, struct sql_error *error)
{
	char path[40];
	int fd = session_configuration(host);

	*ours = false;
	if (fd < 0)
		return NULL;
	session_clear_environment();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	dbsetifile(path);
	session_expect_connect(session, error);

	DBPROCESS *db = dbopen(login, host);

	*ours = session_connect_was_ours();
	close(fd);
	return db;
}

static int start_library(void)
{
	static bool started;

	if (!started && dbinit() != SUCCEED)
		return -ENOMEM;
	started = true;
	dberrhandle(on_error);
	dbmsghandle(on_message);
	return 0;
}

int session_self_test(void)
{
	if (start_library())
		return -ENOMEM;

	LOGINREC *login = dblogin();

	if (!login)
		return -ENOMEM;
	dbsetlversion(login, DBVERSION_74);
	dbsetlogintime(1);

	bool ours;
	DBPROCESS *db = open_db(login, "self-test", NULL, &ours, NULL);

	if (db)
		dbclose(db);
	dbloginfree(login);
	return !db && ours ? 0 : -ENOTSUP;
}

/* ---- why a request failed ---- */

int session_failed(struct session *session, struct sql_error *error)
{
	struct sql_error found;
	bool broken = relay_error(session->relay, &found);

	if (broken || (session->db && dbdead(session->db)))
		session->dead = true;
	if (session->cancelled && !broken) {
		sql_error_set(error, SQL_ERROR_CANCELLED, NULL, "cancelled");
		return -ECANCELED;
	}
	if (session->message.kind != SQL_OK) {
		session_copy_error(error, &session->message);
		return session->dead ? -EIO : -EREMOTEIO;
	}
	session->dead = true;
	if (session->out_of_memory)
		sql_error_set(error, SQL_ERROR_MEMORY, NULL, "a value or an answer is larger than the worker's memory");
	else if (broken)
		session_copy_error(error, &found);
	else
		sql_error_set(error, SQL_ERROR_PROTOCOL, NULL, "%s",
			session->library[0] ? session->library
								: "the server's answer is malformed, or announces more than the worker may hold");
	return -EIO;
}

/* ---- requests ---- */

/* One call of db-lib: the relay knows that somebody waits. */
#define WAITING(session, call) (relay_enter((session)->relay), waited = (call), relay_leave((session)->relay), waited)

static int send_batch(struct session *session, enum request_kind kind, const char *sql, struct sql_error *error)
{
	int waited;
	int result = session_begin(session, kind, error);

	if (result)
		return result;
	dbfreebuf(session->db);
	if (dbcmd(session->db, sql) != SUCCEED)
		return sql_error_set(error, SQL_ERROR_MEMORY, NULL, "no memory for a statement");
	return WAITING(session, dbsqlexec(session->db)) == SUCCEED ? 0 : session_failed(session, error);
}

/* Reads on to the end of all results, so that the connection is ready for the next request. */
static int skip_results(struct session *session, uint64_t *rows, struct sql_error *error)
{
	int waited;
	RETCODE more;

	while ((more = WAITING(session, dbresults(session->db))) == SUCCEED) {
		while ((waited = WAITING(session, dbnextrow(session->db))) != NO_MORE_ROWS)
			if (waited == FAIL)
				return session_failed(session, error);
		if (rows && dbiscount(session->db))
			*rows += (uint64_t)DBCOUNT(session->db);
	}
	if (more == FAIL || session->message.kind != SQL_OK)
		return session_failed(session, error);
	return 0;
}

/* After an error of a statement the rest of the answer is dropped; what cannot be dropped ends the session. */
static int recover(struct session *session, int result)
{
	int waited;

	if (result == -EREMOTEIO || result == -ECANCELED) {
		session->in_rows = false;
		if (WAITING(session, dbcancel(session->db)) != SUCCEED || dbdead(session->db))
			session->dead = true;
	}
	return session->dead && result == -EREMOTEIO ? -EIO : result;
}

int session_execute(
	struct session *session, enum request_kind kind, const char *sql, uint64_t *rows, struct sql_error *error)
{
	if (rows)
		*rows = 0;

	int result = send_batch(session, kind, sql, error);

	if (!result)
		result = skip_results(session, rows, error);
	return result ? recover(session, result) : 0;
}

static int describe_columns(struct session *session, struct sql_error *error)
{
	size_t count = (size_t)dbnumcols(session->db);
	struct session_column *columns = realloc(session->columns, count * sizeof(*columns));

	if (!columns)
		return sql_error_set(error, SQL_ERROR_MEMORY, NULL, "no memory for %zu columns", count);
	session->columns = columns;
	session->column_count = count;
	for (size_t i = 0; i < count; i++) {
		columns[i].type = dbcoltype(session->db, (int)i + 1);
		if (!native_type_is_known(columns[i].type)) {
			sql_error_set(error, SQL_ERROR_UNSUPPORTED, dbcolname(session->db, (int)i + 1),
				"a column of type %d cannot be read without a cast", columns[i].type);
			return -EREMOTEIO;
		}
	}
	return 0;
}

int session_query(struct session *session, enum request_kind kind, const char *sql, struct sql_error *error)
{
	int waited;
	int result = send_batch(session, kind, sql, error);

	while (!result) {
		RETCODE more = WAITING(session, dbresults(session->db));

		if (more == FAIL || (more == NO_MORE_RESULTS && session->message.kind != SQL_OK)) {
			result = session_failed(session, error);
		} else if (more == NO_MORE_RESULTS) {
			sql_error_set(error, SQL_ERROR_PROTOCOL, NULL, "the server answered a query with no result");
			return -EREMOTEIO;
		} else if (dbnumcols(session->db) > 0) {
			session->in_rows = true;
			result = describe_columns(session, error);
			break;
		}
	}
	return result ? recover(session, result) : 0;
}

static int take_values(struct session *session, struct value *values, size_t count, struct sql_error *error)
{
	if (count != session->column_count) {
		sql_error_set(
			error, SQL_ERROR_PROTOCOL, NULL, "%zu columns came where %zu were asked for", session->column_count, count);
		return -EREMOTEIO;
	}
	for (size_t i = 0; i < count; i++) {
		struct session_column *column = &session->columns[i];
		const void *data = dbdata(session->db, (int)i + 1);

		values[i] = (struct value){ NULL, 0 };
		if (data &&
			native_to_value(
				column->type, data, (size_t)dbdatlen(session->db, (int)i + 1), column->scratch, &values[i])) {
			sql_error_set(
				error, SQL_ERROR_PROTOCOL, dbcolname(session->db, (int)i + 1), "a value that is none of its type");
			return -EREMOTEIO;
		}
	}
	return 1;
}

int session_next(struct session *session, struct value *values, size_t count, struct sql_error *error)
{
	int waited;

	if (!session->in_rows)
		return 0;
	if (session_should_stop(session))
		return recover(session, session_failed(session, error));

	int got = WAITING(session, dbnextrow(session->db));

	if (got == REG_ROW) {
		int taken = take_values(session, values, count, error);

		return taken < 0 ? recover(session, taken) : taken;
	}
	session->in_rows = false;

	int result = got == NO_MORE_ROWS ? skip_results(session, NULL, error) : session_failed(session, error);

	return result ? recover(session, result) : 0;
}

int session_cancel(struct session *session, struct sql_error *error)
{
	int waited;

	if (session->dead)
		return sql_error_set(error, SQL_ERROR_LOST, NULL, "the session has ended");
	session->in_rows = false;
	session->message.kind = SQL_OK;
	if (WAITING(session, dbcancel(session->db)) == SUCCEED && !dbdead(session->db))
		return 0;
	session->cancelled = false;
	return session_failed(session, error);
}

/* ---- opening and closing ---- */

static LOGINREC *make_login(const struct session_options *options)
{
	LOGINREC *login = dblogin();
	char host[31]; /* so that whoever finds us in the way knows which box it is */

	if (!login)
		return NULL;
	if (gethostname(host, sizeof(host)))
		strcpy(host, "coffret");
	host[sizeof(host) - 1] = '\0';
	DBSETLUSER(login, options->login);
	DBSETLPWD(login, options->password);
	DBSETLAPP(login, options->application ? options->application : "Coffret");
	DBSETLHOST(login, host);
	DBSETLDBNAME(login, options->database);
	DBSETLCHARSET(login, "UTF-8");
	DBSETLPACKET(login, TDS_PACKET_SIZE);
	DBSETLNTLMV2(login, 1);
	dbsetlversion(login, DBVERSION_74);
	/* The relay's limits are the ones that count, and they strike first. */
	dbsetlogintime(2 * options->login_seconds + 30);
	dbsettime(0);
	return login;
}

static int log_in(struct session *session, struct session_options *options, struct sql_error *error)
{
	LOGINREC *login = make_login(options);

	explicit_bzero(options->password, strlen(options->password));
	if (!login)
		return sql_error_set(error, SQL_ERROR_MEMORY, NULL, "no memory for a login");
	bool ours;

	session->logging_in = true;
	session->db = open_db(login, options->host, session, &ours, error);
	dbloginfree(login);
	if (!session->db) {
		if (!ours)
			sql_error_set(error, SQL_ERROR_WORKER, NULL, "FreeTDS would connect by itself, so nothing was sent");
		session_failed(session, error);
		return -EIO;
	}
	session->logging_in = false;
	dbsetinterrupt(session->db, check_interrupt, handle_interrupt);
	return 0;
}

int session_open(struct session **result, struct session_options *options, struct sql_error *error)
{
	struct session *session = calloc(1, sizeof(*session));

	*result = NULL;
	if (!session || start_library()) {
		free(session);
		close(options->socket);
		explicit_bzero(options->password, strlen(options->password));
		return sql_error_set(error, SQL_ERROR_MEMORY, NULL, "no memory for a session");
	}
	session->fd = -1;
	session->confine = options->confine;
	session->read_only = options->read_only;
	session->catalogue_seconds = options->catalogue_seconds;
	current = session;

	int failed = session_open_relay(session, options, error);

	if (!failed)
		failed = log_in(session, options, error);
	explicit_bzero(options->password, strlen(options->password));
	if (!failed) {
		session->server_version = relay_server_version(session->relay);
		failed = session_set_options(session, options, error);
	}
	if (failed) {
		session_close(session);
		return -EIO;
	}
	*result = session;
	return 0;
}

void session_close(struct session *session)
{
	if (!session)
		return;
	if (session->db)
		dbclose(session->db);
	relay_close(session->relay);
	if (current == session)
		current = NULL;
	free(session->columns);
	free(session->packet);
	free(session);
}

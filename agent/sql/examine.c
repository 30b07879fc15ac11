/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/examine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/sql/catalogue_queries.h"
#include "agent/sql/catalogue_read.h"
#include "agent/sql/reader.h"
#include "agent/sql/statement.h"

#define REMEDY_SIZE 700

struct examination {
	struct session *session;
	struct uplink *uplink;
	const struct worker_setting *setting;
	struct sql_error *error;
	struct catalogue *catalogue;
	bool restore;
	char login[300];    /* bracketed, for remedies */
	char database[300]; /* bracketed */
};

static int tell(struct examination *examination, enum examine_step step, enum finding_result result, const char *remedy,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

static int tell(struct examination *examination, enum examine_step step, enum finding_result result, const char *remedy,
	const char *format, ...)
{
	char detail[600];
	uint8_t bytes[2048];
	struct packer packer = { .bytes = bytes, .capacity = sizeof bytes };
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(detail, sizeof detail, format, arguments);
	va_end(arguments);
	pack_u8(&packer, (uint8_t)step);
	pack_u8(&packer, (uint8_t)result);
	pack_string(&packer, detail);
	pack_string(&packer, remedy);
	return message_send(examination->uplink->socket, MESSAGE_FINDING, bytes, packer.size) < 0
		? reader_failed(examination->error, -EPIPE, NULL)
		: 0;
}

/*
 * A number that may be out of reach: *there false then, and no error, unless the session has died. The server's own
 * words about what it would not tell are not repeated: the finding says what is missing.
 */
static int ask(struct examination *examination, const char *sql, int64_t *number, bool *there)
{
	struct sql_error error = { .kind = SQL_OK };
	int result = catalogue_read_number(examination->session, sql, number, there, &error);

	if (result == 0 || result == -EREMOTEIO) {
		*there = result == 0 && *there;
		return 0;
	}
	*examination->error = error;
	return result;
}

/* ---- facts ---- */

static int examine_server(struct examination *examination)
{
	const struct catalogue_database *database = &examination->catalogue->database;

	return tell(examination, EXAMINE_SERVER, database->server_major >= 11 ? FINDING_OK : FINDING_WARNING,
		database->server_major >= 11 ? "" : "SQL Server 2012 to 2022 are supported", "SQL Server %s, %s, %s",
		database->server_version, database->edition, session_tls_description(examination->session));
}

static int examine_database(struct examination *examination)
{
	const struct catalogue_database *database = &examination->catalogue->database;

	if (*database->mirroring && !strcmp(database->mirroring, "MIRROR"))
		return tell(examination, EXAMINE_DATABASE, FINDING_FAILED, "Configure its principal as host", "%s is a mirror",
			database->name);
	if (database->read_only)
		return tell(examination, EXAMINE_DATABASE, examination->restore ? FINDING_FAILED : FINDING_WARNING,
			"A restore needs a database that can be written", "%s is read-only, or a secondary", database->name);
	return tell(examination, EXAMINE_DATABASE, database->user_access ? FINDING_WARNING : FINDING_OK,
		database->user_access ? "ALTER DATABASE ... SET MULTI_USER, when whoever restricted it agrees" : "",
		"%s: online, compatibility level %d, collation %s%s", database->name, (int)database->compatibility_level,
		database->collation, database->user_access ? ", access restricted" : "");
}

static int examine_isolation(struct examination *examination)
{
	char remedy[REMEDY_SIZE];

	if (examination->catalogue->database.snapshot_isolation == 1)
		return tell(examination, EXAMINE_ISOLATION, FINDING_OK, "",
			"SNAPSHOT isolation is allowed: all tables are read as "
			"of one moment, and nobody waits");
	snprintf(remedy, sizeof remedy,
		"Once, as an administrator: ALTER DATABASE %s SET ALLOW_SNAPSHOT_ISOLATION ON. Or set "
		"consistency = lock: then writers wait while a backup reads.",
		examination->database);
	return tell(examination, EXAMINE_ISOLATION, FINDING_FAILED, remedy, "SNAPSHOT isolation is not allowed");
}

/* ---- rights ---- */

struct right {
	enum examine_step step;
	int version; /* asked from this major version on */
	bool only_restore;
	enum finding_result without;
	const char *query; /* 1: held */
	const char *name;
	const char *remedy; /* %s: the user, bracketed */
};

static const struct right rights[] = {
	{ EXAMINE_READ, 0, false, FINDING_FAILED,
		"SELECT CASE WHEN " CATALOGUE_MAY(
			"SELECT") " = 1 OR "
					  "NOT EXISTS (SELECT 1 FROM sys.tables t WHERE t.is_ms_shipped = 0 AND HAS_PERMS_BY_NAME(QUOTENAME(SCHEMA_NAME("
					  "t.schema_id)) + N'.' + QUOTENAME(t.name), 'OBJECT', 'SELECT') = 0) THEN 1 ELSE 0 END",
		"SELECT on all tables", "ALTER ROLE db_datareader ADD MEMBER %s" },
	{ EXAMINE_DEFINITIONS, 0, false, FINDING_FAILED, "SELECT " CATALOGUE_MAY("VIEW DEFINITION"),
		"VIEW DEFINITION (without it tables and definitions are hidden without a word)",
		"GRANT VIEW DEFINITION TO %s" },
	{ EXAMINE_HIDDEN, 0, false, FINDING_FAILED,
		"SELECT CASE WHEN EXISTS (SELECT 1 " CATALOGUE_HIDDEN ") OR EXISTS (SELECT 1 " CATALOGUE_DENIED
		") THEN 0 ELSE 1 END",
		"sight of every object and schema (a DENY VIEW DEFINITION or CONTROL hides one)",
		"As an administrator, REVOKE what is denied on objects and schemas FROM %s and its roles" },
	{ EXAMINE_UNMASK, 13, false, FINDING_FAILED,
		/* NULL before 2022, which gives it on the whole database alone. */
		"SELECT CASE WHEN EXISTS (SELECT 1 FROM sys.columns c WHERE c.is_masked = 1 AND ISNULL(HAS_PERMS_BY_NAME(QUOTENAME("
		"OBJECT_SCHEMA_NAME(c.object_id)) + N'.' + QUOTENAME(OBJECT_NAME(c.object_id)), 'OBJECT', 'UNMASK'), " CATALOGUE_MAY(
			"UNMASK") ") = 0) THEN 0 ELSE 1 END",
		"UNMASK (needed where a column is masked)", "GRANT UNMASK TO %s" },
	{ EXAMINE_WRITE, 0, true, FINDING_FAILED,
		"SELECT CASE WHEN " CATALOGUE_MAY("INSERT") " = 1 AND " CATALOGUE_MAY("DELETE") " = 1 THEN 1 ELSE 0 END",
		"INSERT and DELETE on all tables", "ALTER ROLE db_datawriter ADD MEMBER %s" },
	{ EXAMINE_ALTER, 0, true, FINDING_FAILED,
		"SELECT CASE WHEN IS_MEMBER(N'db_ddladmin') = 1 OR IS_MEMBER(N'db_owner') = 1 "
		"THEN 1 ELSE 0 END",
		"db_ddladmin (constraints and triggers off and on, identity values)", "ALTER ROLE db_ddladmin ADD MEMBER %s" },
};

static int examine_right(struct examination *examination, const struct right *right)
{
	char remedy[REMEDY_SIZE];
	int64_t number;
	bool there;
	int result = ask(examination, right->query, &number, &there);

	if (result < 0)
		return result;
	if (there && number == 1)
		return tell(examination, right->step, FINDING_OK, "", "%s", right->name);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(remedy, sizeof remedy, right->remedy, examination->login);
#pragma GCC diagnostic pop
	return tell(examination, right->step, there ? right->without : FINDING_UNKNOWN, remedy, "missing: %s", right->name);
}

static int examine_rights(struct examination *examination)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < sizeof rights / sizeof rights[0]; i++) {
		const struct right *right = &rights[i];
		if (right->only_restore && !examination->restore)
			continue;
		if (session_server_version(examination->session) >= right->version)
			result = examine_right(examination, right);
	}
	return result;
}

/* ---- features ---- */

static int examine_features(struct examination *examination)
{
	char name[CATALOGUE_NAME_SIZE], detail[400];
	uint32_t refused = 0, fixed = 0;
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < examination->catalogue->table_count; i++) {
		const struct catalogue_table *table = &examination->catalogue->tables[i];
		const struct catalogue_refusal *refusal = catalogue_refused(table, false);
		bool backup = refusal != NULL;
		if (!refusal)
			refusal = catalogue_refused(table, true);
		if (!refusal)
			continue;
		catalogue_table_name(table, name, sizeof name);
		snprintf(detail, sizeof detail, "%s cannot be %s: %s", name, backup ? "backed up" : "restored in place",
			refusal->text);
		result = tell(examination, backup ? EXAMINE_FEATURES : EXAMINE_RESTORABLE,
			backup ? FINDING_FAILED : FINDING_WARNING, "", "%s", detail);
		refused += backup;
		fixed += !backup;
	}
	if (result == 0 && !refused)
		result = tell(examination, EXAMINE_FEATURES, FINDING_OK, "", "%s%u table%s can be backed up%s",
			examination->catalogue->table_count > 1 ? "all " : "", examination->catalogue->table_count,
			examination->catalogue->table_count == 1 ? "" : "s", fixed ? "" : " and restored");
	return result;
}

/* ---- space ---- */

static int examine_size(struct examination *examination)
{
	uint64_t mib = catalogue_bytes(examination->catalogue) / (1024 * 1024);

	return tell(examination, EXAMINE_SIZE, FINDING_OK, "",
		"%" PRIu64 " rows in %u tables take %" PRIu64
		" MiB on the server; a first backup takes a fraction of that, later ones what has changed",
		catalogue_rows(examination->catalogue), examination->catalogue->table_count, mib);
}

static int examine_tempdb(struct examination *examination)
{
	int64_t mib;
	bool there;
	int result = ask(examination,
		"SELECT CAST(SUM(CAST(f.size AS bigint)) / 128 AS bigint) FROM tempdb.sys.database_files f "
		"WHERE f.type = 0",
		&mib, &there);

	if (result < 0)
		return result;
	if (!there)
		return tell(examination, EXAMINE_TEMPDB, FINDING_UNKNOWN, "", "the size of tempdb could not be seen");
	return tell(examination, EXAMINE_TEMPDB, FINDING_OK, "",
		"tempdb has %" PRId64 " MiB; it keeps row versions while a "
		"backup reads",
		mib);
}

static int examine_recovery(struct examination *examination)
{
	static const char *const models[] = { "unknown", "FULL", "BULK_LOGGED", "SIMPLE" };
	int32_t model = examination->catalogue->database.recovery_model;
	bool full = model == 1 || model == 2;

	if (model < 0 || model > 3)
		model = 0;
	return tell(examination, EXAMINE_RECOVERY, full ? FINDING_WARNING : FINDING_OK,
		full ? "Somebody must back its log up, "
			   "or it grows without end; after a restore from the box take a log backup"
			 : "",
		"recovery model %s", models[model]);
}

static int examine_sessions(struct examination *examination)
{
	int64_t may, others = 0;
	char first[300] = "";
	bool there;
	int result = ask(examination, "SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE')", &may, &there);

	if (result == 0 && there && may == 1)
		result = ask(examination,
			"SELECT COUNT(*) FROM sys.dm_exec_sessions s WHERE s.database_id = DB_ID() AND "
			"s.session_id <> @@SPID AND s.is_user_process = 1",
			&others, &there);
	if (result < 0)
		return result;
	if (!there || may != 1)
		return tell(examination, EXAMINE_SESSIONS, FINDING_UNKNOWN, "USE master; GRANT VIEW SERVER STATE TO the login",
			"could not look who else is in the database");
	if (!others)
		return tell(examination, EXAMINE_SESSIONS, FINDING_OK, "", "nobody else is in the database");
	result = catalogue_read_text(examination->session,
		"SELECT TOP (1) CAST(CAST(ISNULL(s.program_name, N'?') + N' on ' + ISNULL(s.host_name, N'?') "
		"AS nvarchar(200)) AS varbinary(400)) FROM sys.dm_exec_sessions s WHERE s.database_id = DB_ID() AND s.session_id <> "
		"@@SPID AND s.is_user_process = 1",
		first, sizeof first, examination->error);
	return result < 0 ? result
					  : tell(examination, EXAMINE_SESSIONS, FINDING_WARNING,
							"Stop the services that use the "
							"database before a restore",
							"%" PRId64 " other sessions, among them %s", others, *first ? first : "one without a name");
}

/* ---- together ---- */

static int learn_names(struct examination *examination)
{
	struct statement name = { 0 };
	char user[400];
	int result = catalogue_read_text(
		examination->session, "SELECT CAST(USER_NAME() AS varbinary(256))", user, sizeof user, examination->error);

	if (result < 0)
		return result;
	statement_name(&name, user);
	snprintf(
		examination->login, sizeof examination->login, "%s", statement_text(&name) ? statement_text(&name) : "...");
	statement_reset(&name);
	statement_name(&name, examination->catalogue->database.name);
	snprintf(examination->database, sizeof examination->database, "%s",
		statement_text(&name) ? statement_text(&name) : "...");
	statement_free(&name);
	return 0;
}

static int examine_all(struct examination *examination)
{
	int (*const steps[])(struct examination *) = { learn_names, examine_server, examine_database, examine_isolation,
		examine_rights, examine_features, examine_size };
	int (*const of_backup[])(struct examination *) = { examine_tempdb, examine_recovery, examine_sessions };
	int result = 0;

	for (size_t i = 0; result == 0 && i < sizeof steps / sizeof steps[0]; i++)
		result = steps[i](examination);
	for (size_t i = 0; result == 0 && !examination->restore && i < sizeof of_backup / sizeof of_backup[0]; i++)
		result = of_backup[i](examination);
	return result;
}

int examine_run(struct session *session, struct uplink *uplink, const struct worker_setting *setting, bool restore,
	struct sql_error *error)
{
	struct examination examination = {
		.session = session, .uplink = uplink, .setting = setting, .error = error, .restore = restore
	};
	int result = catalogue_read(&examination.catalogue, session, error);

	if (result == 0)
		result = examine_all(&examination);
	catalogue_free(examination.catalogue);
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/preflight.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sql/catalogue_read.h"
#include "agent/sql/catalogue_values.h"
#include "agent/sql/reader.h"
#include "agent/sql/statement.h"

#define PAGE 8192
#define COLUMNS_MAX 8
#define LOOKS 4 /* at the sessions: one that is just leaving is not one that is there */
#define LOOK_AGAIN_MS 500
#define NAME(expression) "CAST(CAST(" expression " AS nvarchar(128)) AS varbinary(256))"
#define TABLE_NAME "QUOTENAME(SCHEMA_NAME(t.schema_id)) + N'.' + QUOTENAME(t.name)"
/* NULL, where the server cannot tell, is no lack. */
#define LACKS(right, bit) \
	" + CASE WHEN HAS_PERMS_BY_NAME(" TABLE_NAME ", 'OBJECT', '" right "') = 0 THEN " #bit " ELSE 0 END"

struct preflight_reading {
	struct session *session;
	struct preflight_facts *facts;
	struct sql_error *error;
};

/* ---- asking ---- */

typedef void take_row(struct preflight_facts *facts, const struct value *values);

/* -EREMOTEIO: the server would not tell, *error has its words. */
static int read_rows(struct preflight_reading *reading, const char *sql, size_t columns, take_row *take)
{
	struct value values[COLUMNS_MAX];
	int result = session_query(reading->session, REQUEST_CATALOGUE, sql, reading->error);

	while (result == 0 && (result = session_next(reading->session, values, columns, reading->error)) == 1) {
		take(reading->facts, values);
		result = 0;
	}
	return result;
}

/* What the server would not tell is no error: *told says so, and the facts say that it is unknown. */
static int ask_rows(struct preflight_reading *reading, const char *sql, size_t columns, take_row *take, bool *told)
{
	struct sql_error before = *reading->error;
	int result = read_rows(reading, sql, columns, take);

	*told = result >= 0;
	if (result != -EREMOTEIO)
		return result;
	*reading->error = before;
	return 0;
}

static int ask_number(struct preflight_reading *reading, const char *sql, int64_t *number, bool *told)
{
	struct sql_error before = *reading->error;
	int result = catalogue_read_number(reading->session, sql, number, told, reading->error);

	if (result != -EREMOTEIO)
		return result;
	*reading->error = before;
	*told = false;
	return 0;
}

/* Whole characters only: at most three bytes a unit. */
static void take_text(char *text, size_t size, const struct value *value)
{
	size_t bytes = value->size / 2 <= (size - 1) / 3 ? value->size : (size - 1) / 3 * 2;

	text[value->data ? catalogue_utf8(text, value->data, bytes) : 0] = 0;
}

/* ---- the database ---- */

static void take_log_reuse(struct preflight_facts *facts, const struct value *values)
{
	take_text(facts->log_reuse_wait, sizeof facts->log_reuse_wait, &values[0]);
	facts->in_availability_group = catalogue_number(&values[1]) != 0;
}

static void take_mirroring(struct preflight_facts *facts, const struct value *values)
{
	take_text(facts->mirroring_state, sizeof facts->mirroring_state, &values[0]);
	take_text(facts->mirroring_partner, sizeof facts->mirroring_partner, &values[1]);
}

static int read_send_queue(struct preflight_reading *reading)
{
	const char *sql = reading->facts->in_availability_group
		? "SELECT CAST(MAX(r.log_send_queue_size) AS bigint) FROM sys.dm_hadr_database_replica_states r "
		  "WHERE r.database_id = DB_ID()"
		: "SELECT CAST(MAX(c.cntr_value) AS bigint) FROM sys.dm_os_performance_counters c WHERE c.counter_name = "
		  "N'Log Send Queue KB' AND c.object_name LIKE N'%Database Mirroring%' AND c.instance_name = DB_NAME()";
	int64_t kilobytes;
	bool told;
	int result;

	if (!reading->facts->in_availability_group && !reading->facts->mirroring_state[0])
		return 0;
	result = ask_number(reading, sql, &kilobytes, &told);
	if (result == 0 && told && kilobytes >= 0)
		reading->facts->send_queue = kilobytes * 1024;
	return result;
}

static int read_log_shipping(struct preflight_reading *reading)
{
	int64_t count;
	bool told;
	int result = ask_number(reading,
		"SELECT COUNT(*) FROM msdb.dbo.log_shipping_primary_databases p WHERE p.primary_database = DB_NAME()", &count,
		&told);

	if (result == 0)
		reading->facts->log_shipping = !told ? PREFLIGHT_UNKNOWN : count ? PREFLIGHT_YES : PREFLIGHT_NO;
	return result;
}

static int read_database(struct preflight_reading *reading)
{
	bool told;
	int result = read_rows(reading,
		"SELECT " NAME("d.log_reuse_wait_desc") ", CASE WHEN d.group_database_id IS NULL THEN 0 ELSE 1 END "
												"FROM sys.databases d WHERE d.database_id = DB_ID()",
		2, take_log_reuse);

	reading->facts->send_queue = -1;
	if (result == 0)
		result = ask_rows(reading,
			"SELECT " NAME("m.mirroring_state_desc") ", " NAME(
				"m.mirroring_partner_instance") " FROM "
												"sys.database_mirroring m WHERE m.database_id = DB_ID() AND m.mirroring_guid IS NOT NULL",
			2, take_mirroring, &told);
	if (result == 0)
		result = read_send_queue(reading);
	return result == 0 ? read_log_shipping(reading) : result;
}

/* ---- sessions ---- */

static void take_session(struct preflight_facts *facts, const struct value *values)
{
	struct preflight_session *session = &facts->sessions[facts->sessions_told];

	facts->session_count++;
	if (facts->sessions_told == PREFLIGHT_SESSIONS_MAX)
		return;
	facts->sessions_told++;
	session->id = (int32_t)catalogue_number(&values[0]);
	session->transactions = (int32_t)catalogue_number(&values[1]);
	take_text(session->program, sizeof session->program, &values[2]);
	take_text(session->host, sizeof session->host, &values[3]);
	take_text(session->login, sizeof session->login, &values[4]);
}

/* In the database now, or at work in it from another one: whoever works in a database holds a lock on it. */
static const char other_sessions[] =
	"SELECT CAST(s.session_id AS int), CAST(s.open_transaction_count AS int), " NAME("s.program_name") ", " NAME("s.host_name") ", " NAME(
		"s.login_name") " FROM sys.dm_exec_sessions s WHERE s.is_user_process = 1 AND "
						"s.session_id <> @@SPID AND (s.program_name IS NULL OR s.program_name NOT IN (N'Coffret backup', "
						"N'Coffret restore')) AND (s.database_id = DB_ID() OR EXISTS (SELECT 1 FROM sys.dm_tran_locks l WHERE "
						"l.request_session_id = s.session_id AND l.resource_type = N'DATABASE' AND l.resource_database_id = DB_ID())) "
						"ORDER BY s.session_id";

static int read_sessions(struct preflight_reading *reading)
{
	struct preflight_facts *facts = reading->facts;
	int64_t may;
	bool told;
	int result = ask_number(reading, "SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE')", &may, &told);

	if (result < 0 || !told || may != 1)
		return result;
	for (int look = 0; result == 0 && look < LOOKS; look++) {
		if (look)
			poll(NULL, 0, LOOK_AGAIN_MS);
		facts->session_count = facts->sessions_told = 0;
		result = ask_rows(reading, other_sessions, 5, take_session, &facts->sessions_seen);
		if (!facts->session_count)
			break;
	}
	return result;
}

/* ---- DDL triggers ---- */

static void take_trigger(struct preflight_facts *facts, const struct value *values)
{
	struct preflight_trigger *trigger = &facts->triggers[facts->trigger_count];

	if (facts->trigger_count == PREFLIGHT_TRIGGERS_MAX)
		return;
	facts->trigger_count++;
	take_text(trigger->name, sizeof trigger->name, &values[0]);
	take_text(trigger->event, sizeof trigger->event, &values[1]);
	trigger->of_server = catalogue_number(&values[2]) != 0;
}

static int read_triggers(struct preflight_reading *reading)
{
	int64_t may = 0;
	bool told = false;
	int result = read_rows(reading,
		"SELECT " NAME("r.name") ", " NAME(
			"e.type_desc") ", 0 FROM sys.triggers r JOIN sys.trigger_events e ON "
						   "e.object_id = r.object_id WHERE r.parent_class = 0 AND r.is_disabled = 0 AND r.is_ms_shipped = 0 AND "
						   "e.type_desc IN (N'ALTER_TABLE', N'ALTER_SEQUENCE') ORDER BY r.object_id, e.type",
		3, take_trigger);

	if (result == 0)
		result = ask_number(reading, "SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW ANY DEFINITION')", &may, &told);
	if (result < 0 || !told || may != 1)
		return result;
	return ask_rows(reading,
		"SELECT " NAME("r.name") ", " NAME(
			"e.type_desc") ", 1 FROM sys.server_triggers r JOIN sys.server_trigger_events e "
						   "ON e.object_id = r.object_id WHERE r.is_disabled = 0 AND r.is_ms_shipped = 0 AND e.type_desc IN "
						   "(N'ALTER_TABLE', N'ALTER_SEQUENCE') ORDER BY r.object_id, e.type",
		3, take_trigger, &reading->facts->server_triggers_seen);
}

/* ---- rights ---- */

static void take_lack(struct preflight_facts *facts, const struct value *values)
{
	struct preflight_lack *lack = &facts->lacks[facts->lacks_told];

	facts->lack_count++;
	if (facts->lacks_told == PREFLIGHT_LACKS_MAX)
		return;
	facts->lacks_told++;
	take_text(lack->object, sizeof lack->object, &values[0]);
	lack->rights = (uint8_t)catalogue_number(&values[1]);
	lack->sequence = catalogue_number(&values[2]) != 0;
}

static int read_rights(struct preflight_reading *reading)
{
	int64_t number;
	bool told;
	int result = read_rows(reading,
		"SELECT x.name, x.lacks, 0 FROM (SELECT CAST(" TABLE_NAME " AS varbinary(1100)) AS name, 0" LACKS("SELECT", 1)
			LACKS("INSERT", 2) LACKS("DELETE", 4)
				LACKS("ALTER", 8) " AS lacks FROM sys.tables t WHERE "
								  "t.is_ms_shipped = 0) x WHERE x.lacks <> 0 ORDER BY x.name",
		3, take_lack);

	if (result == 0)
		result = read_rows(reading,
			"SELECT x.name, x.lacks, 1 FROM (SELECT CAST(" TABLE_NAME " AS varbinary(1100)) AS name, 0" LACKS("ALTER",
				8) " AS lacks FROM sys.sequences t WHERE t.is_ms_shipped = 0) x WHERE x.lacks <> 0 ORDER BY x.name",
			3, take_lack);
	if (result == 0)
		result = ask_number(reading,
			"SELECT CASE WHEN IS_MEMBER(N'db_ddladmin') = 1 OR IS_MEMBER(N'db_owner') = 1 OR "
			"IS_SRVROLEMEMBER(N'sysadmin') = 1 THEN 1 ELSE 0 END",
			&number, &told);
	if (result == 0)
		reading->facts->may_reseed = told && number == 1;
	return result;
}

/* ---- files ---- */

/* A file that may not grow ends where it is. Zero is no growth, too; a log without a limit ends at 2 TiB all the same. */
static int64_t file_limit(int64_t size, int64_t max_pages, int64_t growth)
{
	if (!growth || !max_pages)
		return size;
	return max_pages < 0 ? PREFLIGHT_NO_LIMIT : max_pages * PAGE > size ? max_pages * PAGE : size;
}

/* `free` is the file's number until its volume was asked for. */
static void take_file(struct preflight_facts *facts, const struct value *values)
{
	struct preflight_file *file = &facts->files[facts->file_count];

	if (facts->file_count == PREFLIGHT_FILES_MAX)
		return;
	facts->file_count++;
	file->kind = (enum preflight_file_kind)catalogue_number(&values[0]);
	file->size = catalogue_number(&values[1]) * PAGE;
	file->used = values[2].data ? catalogue_number(&values[2]) * PAGE : -1;
	file->limit = file_limit(file->size, catalogue_number(&values[3]), catalogue_number(&values[4]));
	file->read_only = catalogue_number(&values[5]) != 0;
	file->free = catalogue_number(&values[6]);
	take_text(file->group, sizeof file->group, &values[7]);
}

static void take_volume(struct preflight_facts *facts, const struct value *values)
{
	struct preflight_file *file = &facts->files[facts->file_count];

	file->free = values[0].data ? catalogue_number(&values[0]) : -1;
	take_text(file->volume, sizeof file->volume, &values[1]);
}

/* One file after the other: file_count stands for the file that is asked for. Nobody is asked twice who refused once. */
static int read_volumes(struct preflight_reading *reading)
{
	struct preflight_facts *facts = reading->facts;
	uint32_t count = facts->file_count;
	bool told = true;
	char sql[256];
	int result = 0;

	for (facts->file_count = 0; result == 0 && facts->file_count < count; facts->file_count++) {
		struct preflight_file *file = &facts->files[facts->file_count];
		snprintf(sql, sizeof sql,
			"SELECT CAST(v.available_bytes AS bigint), " NAME(
				"v.volume_mount_point") " FROM sys.dm_os_volume_stats(%s, %" PRId64 ") v",
			file->kind == PREFLIGHT_TEMPDB ? "2" : "DB_ID()", file->free);
		file->free = -1;
		if (told)
			result = ask_rows(reading, sql, 2, take_volume, &told);
	}
	facts->file_count = count;
	return result;
}

static int read_files(struct preflight_reading *reading)
{
	bool told;
	int result = read_rows(reading,
		"SELECT CAST(f.type AS int), CAST(f.size AS bigint), CAST(FILEPROPERTY(f.name, 'SpaceUsed') AS bigint), "
		"CAST(f.max_size AS bigint), CAST(f.growth AS bigint), CASE WHEN f.is_read_only = 1 OR g.is_read_only = 1 THEN 1 "
		"ELSE 0 END, CAST(f.file_id AS bigint), " NAME(
			"g.name") " FROM sys.database_files f LEFT JOIN sys.filegroups g "
					  "ON g.data_space_id = f.data_space_id WHERE f.type IN (0, 1) AND f.state = 0 ORDER BY f.file_id",
		8, take_file);

	if (result == 0)
		result = ask_rows(reading,
			"SELECT 2, CAST(f.size AS bigint), CAST(NULL AS bigint), CAST(f.max_size AS bigint), CAST(f.growth AS bigint), "
			"0, CAST(f.file_id AS bigint), CAST(NULL AS varbinary(256)) FROM tempdb.sys.database_files f WHERE f.type = 0 "
			"ORDER BY f.file_id",
			8, take_file, &told);
	return result == 0 ? read_volumes(reading) : result;
}

/* ---- together ---- */

static int send_facts(struct uplink *uplink, const struct preflight_facts *facts, struct sql_error *error)
{
	const size_t capacity = 128 * 1024;
	uint8_t *bytes = malloc(capacity);
	struct packer packer = { .bytes = bytes, .capacity = capacity };
	int result = bytes ? 0 : -ENOMEM;

	if (result == 0) {
		preflight_pack(&packer, facts);
		result = packer.failed ? -EPROTO : message_send(uplink->socket, MESSAGE_FACTS, bytes, packer.size);
	}
	free(bytes);
	return result < 0 ? reader_failed(error, result, NULL) : 0;
}

static int read_facts(struct preflight_reading *reading)
{
	int (*const steps[])(
		struct preflight_reading *) = { read_database, read_sessions, read_triggers, read_rights, read_files };
	int result = 0;

	for (size_t i = 0; result == 0 && i < sizeof steps / sizeof steps[0]; i++)
		result = steps[i](reading);
	return result;
}

static int read_and_send_catalogue(struct session *session, struct uplink *uplink, struct sql_error *error)
{
	struct catalogue *catalogue;
	int result;

	snprintf(error->doing, sizeof error->doing, "reading the catalogue");
	result = catalogue_read(&catalogue, session, error);
	if (result < 0)
		return result;
	result = catalogue_check_complete(catalogue, session, NULL, 0, error);
	if (result == 0)
		result = reader_send_catalogue(uplink, catalogue, error);
	catalogue_free(catalogue);
	return result;
}

static void take_state(struct preflight_facts *facts, const struct value *values)
{
	take_text(facts->state, sizeof facts->state, &values[0]);
	take_text(facts->user_access, sizeof facts->user_access, &values[1]);
	take_text(facts->mirroring_role, sizeof facts->mirroring_role, &values[2]);
}

static int read_state(struct preflight_reading *reading, const char *database)
{
	struct statement statement = { 0 };
	int result;

	statement_add(&statement,
		"SELECT " NAME("d.state_desc") ", " NAME("d.user_access_desc") ", " NAME(
			"m.mirroring_role_desc") " FROM "
									 "sys.databases d LEFT JOIN sys.database_mirroring m ON m.database_id = d.database_id WHERE d.name = ");
	statement_string(&statement, database);
	result = statement_text(&statement) ? read_rows(reading, statement_text(&statement), 3, take_state)
										: reader_failed(reading->error, -ENOMEM, NULL);
	statement_free(&statement);
	return result;
}

int preflight_read_state(struct session *session, struct uplink *uplink, const char *database, struct sql_error *error)
{
	struct preflight_facts *facts = calloc(1, sizeof *facts);
	struct preflight_reading reading = { .session = session, .facts = facts, .error = error };
	int result;

	if (!facts)
		return reader_failed(error, -ENOMEM, NULL);
	facts->send_queue = -1;
	result = read_state(&reading, database);
	if (result == 0)
		result = send_facts(uplink, facts, error);
	free(facts);
	return result;
}

int preflight_read(struct session *session, struct uplink *uplink, struct sql_error *error)
{
	struct preflight_facts *facts = calloc(1, sizeof *facts);
	struct preflight_reading reading = { .session = session, .facts = facts, .error = error };
	int result;

	if (!facts)
		return reader_failed(error, -ENOMEM, NULL);
	result = read_and_send_catalogue(session, uplink, error);
	if (result == 0) {
		snprintf(error->doing, sizeof error->doing, "looking at the server before anything is changed");
		result = read_facts(&reading);
	}
	if (result == 0)
		result = send_facts(uplink, facts, error);
	free(facts);
	return result;
}

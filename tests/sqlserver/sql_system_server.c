/* SPDX-License-Identifier: Apache-2.0 */
/* Types, principals, databases, and what runs at the moment. */
#include "tests/sqlserver/sql_catalogue.h"
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_compile.h"
#include "tests/sqlserver/sql_functions.h"
#include "tests/sqlserver/sql_lock.h"
#include "tests/sqlserver/sql_system_view.h"

#include <string.h>

/* Rows put together one by one: SELECT v AS name, ... UNION ALL SELECT ... */
struct rows {
	struct session *session;
	struct text *out;
	size_t rows, columns;
};

static void next_row(struct rows *rows)
{
	text_add(rows->out, rows->rows++ ? " UNION ALL SELECT " : "SELECT ");
	rows->columns = 0;
}

static void put(struct rows *rows, const char *name, const char *sql)
{
	text_format(rows->out, "%s%s AS \"%s\"", rows->columns++ ? "," : "", sql, name);
}

static void put_number(struct rows *rows, const char *name, int64_t value)
{
	put(rows, name, arena_format(rows->session->arena, "%lld", (long long)value));
}

static void put_text(struct rows *rows, const char *name, const char *value)
{
	put(rows, name, value ? compile_text(rows->session->arena, value, strlen(value)) : "NULL");
}

/* ---- types ---- */

#define TYPE_COLUMNS "name sysname=0;system_type_id tinyint=0;user_type_id int=0;schema_id int=0;principal_id int=0;" \
	"max_length smallint=0;precision tinyint=0;scale tinyint=0;collation_name sysname=0;is_nullable bit=0;is_user_defined " \
	"bit=0;is_assembly_type bit=0;default_object_id int=0;rule_object_id int=0;is_table_type bit=0"

static void types(struct session *session, struct database *database, struct text *out)
{
	struct rows rows = { session, out, 0, 0 };
	const char *collation = collation_get(database->collation)->name;

	for (unsigned kind = 1; kind < K_COUNT; kind++) {
		const struct kind_info *info = kind_info(kind);
		next_row(&rows);
		put_text(&rows, "name", info->name);
		put_number(&rows, "system_type_id", info->system_id);
		put_number(&rows, "user_type_id", info->user_id);
		put_number(&rows, "schema_id", 4);
		put(&rows, "principal_id", "NULL");
		put_number(&rows, "max_length", info->max_length);
		put_number(&rows, "precision", info->precision);
		put_number(&rows, "scale", info->scale);
		put_text(&rows, "collation_name", type_is_character(type_simple((enum sql_kind)kind)) ? collation : NULL);
		put_number(&rows, "is_nullable", kind != K_SYSNAME && kind != K_TIMESTAMP);
		put_number(&rows, "is_user_defined", 0);
		put_number(&rows, "is_assembly_type", info->system_id == 240);
		put_number(&rows, "default_object_id", 0);
		put_number(&rows, "rule_object_id", 0);
		put_number(&rows, "is_table_type", 0);
	}
	text_format(out, " UNION ALL SELECT c.name,CASE c.kind");
	for (unsigned kind = 1; kind < K_COUNT; kind++)
		text_format(out, " WHEN %u THEN %u", kind, kind_info(kind)->system_id);
	text_format(out, " ELSE 243 END,c.user_type_id,c.schema_id,NULL,CASE c.length WHEN 65535 THEN -1 ELSE c.length END,c.precision,"
		"c.scale,c.collation,c.nullable,1,0,0,0,c.table_id IS NOT NULL FROM d%d.m_types c", database->id);
}

/* ---- databases ---- */

static const char *state_name(int state)
{
	static const char *const names[] = { "ONLINE", "RESTORING", "RECOVERING", "RECOVERY_PENDING", "SUSPECT", "EMERGENCY",
		"OFFLINE" };

	return state >= 0 && state < 7 ? names[state] : "ONLINE";
}

static bool marked(const struct database *d, const char *word)
{
	return strstr(d->marks, word) != NULL;
}

static void put_database(struct rows *rows, const struct database *d)
{
	static const char *const recovery[] = { "", "FULL", "BULK_LOGGED", "SIMPLE" };
	static const char *const access[] = { "MULTI_USER", "SINGLE_USER", "RESTRICTED_USER" };

	next_row(rows);
	put_text(rows, "name", d->name);
	put_number(rows, "database_id", d->id);
	put(rows, "source_database_id", "NULL");
	put(rows, "owner_sid", "x'01'");
	put_number(rows, "create_date", d->created);
	put_number(rows, "compatibility_level", d->compatibility);
	put_text(rows, "collation_name", collation_get(d->collation)->name);
	put_number(rows, "user_access", d->user_access);
	put_text(rows, "user_access_desc", access[d->user_access % 3]);
	put_number(rows, "is_read_only", d->read_only);
	put_number(rows, "is_auto_close_on", 0);
	put_number(rows, "is_auto_shrink_on", 0);
	put_number(rows, "state", d->state);
	put_text(rows, "state_desc", state_name(d->state));
	put_number(rows, "is_in_standby", 0);
	put_number(rows, "snapshot_isolation_state", d->snapshot_state);
	put_text(rows, "snapshot_isolation_state_desc", d->snapshot_state == 1 ? "ON" : "OFF");
	put_number(rows, "is_read_committed_snapshot_on", d->read_committed_snapshot);
	put_number(rows, "recovery_model", d->recovery);
	put_text(rows, "recovery_model_desc", recovery[d->recovery & 3]);
	put_number(rows, "page_verify_option", 2);
	put_number(rows, "is_fulltext_enabled", 1);
	put_number(rows, "is_trustworthy_on", d->trustworthy);
	put_number(rows, "is_db_chaining_on", 0);
	put_number(rows, "is_published", marked(d, "published"));
	put_number(rows, "is_subscribed", 0);
	put_number(rows, "is_merge_published", 0);
	put_number(rows, "is_distributor", 0);
	put(rows, "service_broker_guid", arena_format(rows->session->arena, "x'%032x'", (unsigned)(d->id * 7919)));
	put_number(rows, "is_broker_enabled", 0);
	put_number(rows, "log_reuse_wait", d->log_used ? 4 : 0);
	put_text(rows, "log_reuse_wait_desc", d->log_used ? "ACTIVE_TRANSACTION" : "NOTHING");
	put_number(rows, "is_cdc_enabled", marked(d, "cdc"));
	put_number(rows, "is_encrypted", 0);
	put_number(rows, "containment", 0);
	put_text(rows, "containment_desc", "NONE");
	put(rows, "replica_id", "NULL");
	put(rows, "group_database_id", "NULL");
	put_number(rows, "is_query_store_on", 0);
	put_number(rows, "is_accelerated_database_recovery_on", 0);
	put_number(rows, "is_ledger_on", 0);
}

#define DATABASE_COLUMNS "name sysname=0;database_id int=0;source_database_id int=0;owner_sid varbinary(85)=0;create_date " \
	"datetime=0;compatibility_level tinyint=0;collation_name sysname=0;user_access tinyint=0;user_access_desc nvarchar(60)=0;" \
	"is_read_only bit=0;is_auto_close_on bit=0;is_auto_shrink_on bit=0;state tinyint=0;state_desc nvarchar(60)=0;is_in_standby " \
	"bit=0;snapshot_isolation_state tinyint=0;snapshot_isolation_state_desc nvarchar(60)=0;is_read_committed_snapshot_on bit=0;" \
	"recovery_model tinyint=0;recovery_model_desc nvarchar(60)=0;page_verify_option tinyint=0;is_fulltext_enabled bit=0;" \
	"is_trustworthy_on bit=0;is_db_chaining_on bit=0;is_published bit=0;is_subscribed bit=0;is_merge_published bit=0;" \
	"is_distributor bit=0;service_broker_guid uniqueidentifier=0;is_broker_enabled bit=0;log_reuse_wait tinyint=0;" \
	"log_reuse_wait_desc nvarchar(60)=0;is_cdc_enabled bit=0;is_encrypted bit=0;containment tinyint=0;containment_desc " \
	"nvarchar(60)=0;replica_id uniqueidentifier=0;group_database_id uniqueidentifier=0;is_query_store_on bit@13=0;" \
	"is_accelerated_database_recovery_on bit@15=0;is_ledger_on bit@16=0"

static void databases(struct session *session, struct database *database, struct text *out)
{
	struct rows rows = { session, out, 0, 0 };

	(void)database;
	pthread_mutex_lock(&session->engine->mutex);
	for (struct database *d = session->engine->databases; d; d = d->next)
		if (!d->dropped)
			put_database(&rows, d);
	pthread_mutex_unlock(&session->engine->mutex);
}

static void mirroring(struct session *session, struct database *database, struct text *out)
{
	struct rows rows = { session, out, 0, 0 };

	(void)database;
	pthread_mutex_lock(&session->engine->mutex);
	for (struct database *d = session->engine->databases; d; d = d->next) {
		if (d->dropped)
			continue;
		bool on = marked(d, "mirrored");
		next_row(&rows);
		put_number(&rows, "database_id", d->id);
		put(&rows, "mirroring_guid", on ? "x'00112233445566778899aabbccddeeff'" : "NULL");
		put(&rows, "mirroring_state", on ? "4" : "NULL");
		put(&rows, "mirroring_state_desc", on ? "'SYNCHRONIZED'" : "NULL");
		put(&rows, "mirroring_role", on ? "1" : "NULL");
		put(&rows, "mirroring_role_desc", on ? "'PRINCIPAL'" : "NULL");
		put(&rows, "mirroring_safety_level", on ? "2" : "NULL");
		put(&rows, "mirroring_partner_name", on ? "'TCP://partner.test:5022'" : "NULL");
	}
	pthread_mutex_unlock(&session->engine->mutex);
}

/* ---- sessions and locks ---- */

static void put_session(struct rows *rows, const struct session *s)
{
	next_row(rows);
	put_number(rows, "session_id", s->id);
	put_number(rows, "login_time", s->login_time);
	put_text(rows, "host_name", s->host);
	put_text(rows, "program_name", s->program);
	put_text(rows, "login_name", s->login);
	put_text(rows, "original_login_name", s->login);
	put_text(rows, "status", s->command ? "running" : "sleeping");
	put_number(rows, "is_user_process", 1);
	put_number(rows, "database_id", s->database ? s->database->id : 1);
	put_number(rows, "open_transaction_count", s->trancount);
	put_number(rows, "text_size", s->text_size);
	put_text(rows, "language", s->language);
	put_text(rows, "date_format", s->date_format);
	put_number(rows, "date_first", s->date_first);
	put_number(rows, "quoted_identifier", s->quoted_identifier);
	put_number(rows, "arithabort", s->arithabort);
	put_number(rows, "ansi_null_dflt_on", s->ansi_null_dflt);
	put_number(rows, "ansi_defaults", 0);
	put_number(rows, "ansi_warnings", s->ansi_warnings);
	put_number(rows, "ansi_padding", s->ansi_padding);
	put_number(rows, "ansi_nulls", s->ansi_nulls);
	put_number(rows, "concat_null_yields_null", s->concat_null);
	put_number(rows, "transaction_isolation_level", s->isolation);
	put_number(rows, "lock_timeout", s->lock_timeout);
	put_number(rows, "deadlock_priority", s->deadlock_priority);
	put_number(rows, "row_count", s->rowcount);
	put_number(rows, "prev_error", s->last_error);
	put_number(rows, "last_request_start_time", s->last_request);
	put_number(rows, "last_request_end_time", s->last_request);
}

#define SESSION_COLUMNS "session_id smallint=0;login_time datetime=0;host_name nvarchar(128)=0;program_name nvarchar(128)=0;" \
	"login_name nvarchar(128)=0;original_login_name nvarchar(128)=0;status nvarchar(30)=0;is_user_process bit=0;database_id " \
	"smallint=0;open_transaction_count int=0;text_size int=0;language nvarchar(128)=0;date_format nvarchar(3)=0;date_first " \
	"smallint=0;quoted_identifier bit=0;arithabort bit=0;ansi_null_dflt_on bit=0;ansi_defaults bit=0;ansi_warnings bit=0;" \
	"ansi_padding bit=0;ansi_nulls bit=0;concat_null_yields_null bit=0;transaction_isolation_level smallint=0;lock_timeout int=0;" \
	"deadlock_priority int=0;row_count bigint=0;prev_error int=0;last_request_start_time datetime=0;last_request_end_time datetime=0"

static void sessions(struct session *session, struct database *database, struct text *out)
{
	struct rows rows = { session, out, 0, 0 };

	(void)database;
	pthread_mutex_lock(&session->engine->mutex);
	for (struct session *s = session->engine->sessions; s; s = s->next)
		if (s == session || session->sysadmin || session->view_server_state)
			put_session(&rows, s);
	pthread_mutex_unlock(&session->engine->mutex);
}

static void put_request(struct rows *rows, const struct session *s)
{
	next_row(rows);
	put_number(rows, "session_id", s->id);
	put_number(rows, "request_id", 0);
	put_text(rows, "status", s->waiting_for ? "suspended" : "running");
	put_text(rows, "command", s->command);
	put_number(rows, "database_id", s->database ? s->database->id : 1);
	put_number(rows, "blocking_session_id", s->blocker ? s->blocker->id : 0);
	put_text(rows, "wait_type", s->waiting_for ? "LCK_M_X" : NULL);
	put_number(rows, "open_transaction_count", s->trancount);
	put(rows, "percent_complete", "0.0");
	put_number(rows, "start_time", s->last_request);
}

static void requests(struct session *session, struct database *database, struct text *out)
{
	struct rows rows = { session, out, 0, 0 };

	(void)database;
	pthread_mutex_lock(&session->engine->mutex);
	for (struct session *s = session->engine->sessions; s; s = s->next)
		if (s == session || (s->command && (session->sysadmin || session->view_server_state)))
			put_request(&rows, s);
	pthread_mutex_unlock(&session->engine->mutex);
}

static void put_lock(struct rows *rows, const struct lock *lock)
{
	static const char *const kinds[] = { "DATABASE", "OBJECT", "APPLICATION", "DATABASE" };

	next_row(rows);
	put_text(rows, "resource_type", kinds[lock->kind]);
	put_number(rows, "resource_database_id", lock->database);
	put_text(rows, "resource_description", lock->kind == LOCK_APPLICATION ?
		arena_format(rows->session->arena, "0:[%s]:(00000000)", lock->name) : "");
	put_number(rows, "resource_associated_entity_id", lock->object);
	put_text(rows, "request_mode", lock_mode_name(lock->mode));
	put_text(rows, "request_status", "GRANT");
	put_number(rows, "request_session_id", lock->owner ? lock->owner->id : 0);
	put_text(rows, "request_owner_type", lock->duration == HOLD_SESSION ? "SESSION" : "TRANSACTION");
}

static void locks(struct session *session, struct database *database, struct text *out)
{
	struct rows rows = { session, out, 0, 0 };

	(void)database;
	text_add(out, "SELECT * FROM (");
	pthread_mutex_lock(&session->engine->mutex);
	for (struct lock *lock = session->engine->locks; lock; lock = lock->next)
		if (lock->kind != LOCK_WRITER)
			put_lock(&rows, lock);
	pthread_mutex_unlock(&session->engine->mutex);
	if (!rows.rows)
		text_add(out, "SELECT 0 AS resource_type,0 AS resource_database_id,0 AS resource_description,0 AS "
			"resource_associated_entity_id,0 AS request_mode,0 AS request_status,0 AS request_session_id,0 AS request_owner_type");
	text_add(out, rows.rows ? ")" : ") WHERE 0");
}

static void files(struct session *session, struct database *database, struct text *out)
{
	struct rows rows = { session, out, 0, 0 };
	int64_t pages = query_int(session, 0, "SELECT page_count FROM pragma_page_count('d%d')", database->id);
	int64_t limit = session->engine->file_limit ? session->engine->file_limit / 8192 : -1;

	for (int file = 1; file <= 2; file++) {
		next_row(&rows);
		put_number(&rows, "database_id", database->id);
		put_number(&rows, "file_id", file);
		put_number(&rows, "type", file - 1);
		put_text(&rows, "type_desc", file == 1 ? "ROWS" : "LOG");
		put_number(&rows, "data_space_id", file == 1);
		put_text(&rows, "name", arena_format(session->arena, "%s%s", database->name, file == 1 ? "" : "_log"));
		put_text(&rows, "physical_name", arena_format(session->arena, "C:\\Data\\%s.%s", database->name, file == 1 ? "mdf" : "ldf"));
		put_number(&rows, "state", database->state);
		put_text(&rows, "state_desc", state_name(database->state));
		put_number(&rows, "size", file == 1 ? pages + 256 : 1024);
		put_number(&rows, "max_size", file == 1 ? limit : session->engine->log_limit ? session->engine->log_limit / 8192 : -1);
		put_number(&rows, "growth", 8192);
		put_number(&rows, "is_percent_growth", 0);
		put_number(&rows, "is_read_only", 0);
	}
}

#define FILE_COLUMNS "database_id int=0;file_id int=0;type tinyint=0;type_desc nvarchar(60)=0;data_space_id int=0;name " \
	"sysname=0;physical_name nvarchar(260)=0;state tinyint=0;state_desc nvarchar(60)=0;size int=0;max_size int=0;growth int=0;" \
	"is_percent_growth bit=0;is_read_only bit=0"

static void space(struct session *session, struct database *database, struct text *out)
{
	int64_t pages = query_int(session, 0, "SELECT page_count FROM pragma_page_count('d%d')", database->id);

	text_format(out, "SELECT %d AS database_id,1 AS file_id,1 AS filegroup_id,%lld AS total_page_count,%lld AS "
		"allocated_extent_page_count,256 AS unallocated_extent_page_count,0 AS version_store_reserved_page_count,0 AS "
		"user_object_reserved_page_count,0 AS internal_object_reserved_page_count,8 AS mixed_extent_page_count", database->id,
		(long long)pages + 256, (long long)pages);
}

static void log_space(struct session *session, struct database *database, struct text *out)
{
	int64_t total = session->engine->log_limit ? session->engine->log_limit : (int64_t)1 << 34;

	text_format(out, "SELECT %d AS database_id,%lld AS total_log_size_in_bytes,%lld AS used_log_space_in_bytes,%f AS "
		"used_log_space_in_percent,%lld AS log_space_in_bytes_since_last_backup", database->id, (long long)total,
		(long long)database->log_used, 100.0 * (double)database->log_used / (double)total, (long long)database->log_used);
}

static void transactions(struct session *session, struct database *database, struct text *out)
{
	struct rows rows = { session, out, 0, 0 };

	(void)database;
	text_add(out, "SELECT * FROM (");
	pthread_mutex_lock(&session->engine->mutex);
	for (struct session *s = session->engine->sessions; s; s = s->next) {
		if (!s->descriptor)
			continue;
		next_row(&rows);
		put_number(&rows, "transaction_id", (int64_t)s->descriptor);
		put_text(&rows, "name", "user_transaction");
		put_number(&rows, "transaction_begin_time", s->transaction_started);
		put_number(&rows, "transaction_type", 1);
		put_number(&rows, "transaction_state", 2);
		put_number(&rows, "session_id", s->id);
		put_number(&rows, "is_user_transaction", 1);
	}
	pthread_mutex_unlock(&session->engine->mutex);
	if (!rows.rows)
		text_add(out, "SELECT 0 AS transaction_id,0 AS name,0 AS transaction_begin_time,0 AS transaction_type,0 AS "
			"transaction_state,0 AS session_id,0 AS is_user_transaction");
	text_add(out, rows.rows ? ")" : ") WHERE 0");
}

#define TRANSACTION_COLUMNS "transaction_id bigint=0;name nvarchar(32)=0;transaction_begin_time datetime=0;transaction_type " \
	"int=0;transaction_state int=0;session_id int=0;is_user_transaction bit=0"

const struct system_view system_views_server[] = {
	{ .name = "sys.types", .columns = TYPE_COLUMNS, .rows = types },
	{ .name = "sys.databases", .columns = DATABASE_COLUMNS, .rows = databases },
	{ .name = "sys.database_mirroring", .columns = "database_id int=0;mirroring_guid uniqueidentifier=0;mirroring_state "
		"tinyint=0;mirroring_state_desc nvarchar(60)=0;mirroring_role tinyint=0;mirroring_role_desc nvarchar(60)=0;"
		"mirroring_safety_level tinyint=0;mirroring_partner_name nvarchar(128)=0", .rows = mirroring },
	{ .name = "sys.dm_exec_sessions", .columns = SESSION_COLUMNS, .rows = sessions },
	{ .name = "sys.dm_exec_requests", .columns = "session_id smallint=0;request_id int=0;status nvarchar(30)=0;command "
		"nvarchar(32)=0;database_id smallint=0;blocking_session_id smallint=0;wait_type nvarchar(60)=0;open_transaction_count "
		"int=0;percent_complete real=0;start_time datetime=0", .rows = requests },
	{ .name = "sys.dm_tran_locks", .columns = "resource_type nvarchar(60)=0;resource_database_id int=0;resource_description "
		"nvarchar(256)=0;resource_associated_entity_id bigint=0;request_mode nvarchar(60)=0;request_status nvarchar(60)=0;"
		"request_session_id int=0;request_owner_type nvarchar(60)=0", .rows = locks },
	{ .name = "sys.dm_tran_active_transactions", .columns = TRANSACTION_COLUMNS, .rows = transactions },
	{ .name = "sys.dm_tran_session_transactions", .columns = TRANSACTION_COLUMNS, .rows = transactions },
	{ .name = "sys.database_files", .columns = FILE_COLUMNS, .rows = files },
	{ .name = "sys.master_files", .columns = FILE_COLUMNS, .rows = files },
	{ .name = "sys.dm_db_file_space_usage", .columns = "database_id smallint=0;file_id smallint=0;filegroup_id smallint=0;"
		"total_page_count bigint=0;allocated_extent_page_count bigint=0;unallocated_extent_page_count bigint=0;"
		"version_store_reserved_page_count bigint=0;user_object_reserved_page_count bigint=0;"
		"internal_object_reserved_page_count bigint=0;mixed_extent_page_count bigint=0", .rows = space },
	{ .name = "sys.dm_db_log_space_usage", .columns = "database_id int=0;total_log_size_in_bytes bigint=0;"
		"used_log_space_in_bytes bigint=0;used_log_space_in_percent real=0;log_space_in_bytes_since_last_backup bigint@12=0",
		.rows = log_space },
	{ .name = "sys.database_principals", .columns = "name sysname=p.name;principal_id int=p.principal_id;type char(1)=p.type;"
		"type_desc nvarchar(60)=CASE p.type WHEN 'R' THEN 'DATABASE_ROLE' ELSE 'SQL_USER' END;default_schema_name sysname='dbo';"
		"create_date datetime=p.created;modify_date datetime=p.created;owning_principal_id int=NULL;sid varbinary(85)=NULL;"
		"is_fixed_role bit=p.fixed", .from = "FROM d@D.m_principals p" },
	{ .name = "sys.database_role_members", .columns = "role_principal_id int=m.role_id;member_principal_id int=m.member_id",
		.from = "FROM d@D.m_members m" },
	{ .name = "sys.database_permissions", .columns = "class tinyint=p.class;class_desc nvarchar(60)=CASE p.class WHEN 0 THEN "
		"'DATABASE' WHEN 3 THEN 'SCHEMA' ELSE 'OBJECT_OR_COLUMN' END;major_id int=p.major;minor_id int=0;grantee_principal_id "
		"int=p.grantee;grantor_principal_id int=1;type char(4)='';permission_name nvarchar(128)=p.permission;state char(1)="
		"p.state;state_desc nvarchar(60)=CASE p.state WHEN 'D' THEN 'DENY' WHEN 'W' THEN 'GRANT_WITH_GRANT_OPTION' ELSE 'GRANT' "
		"END", .from = "FROM d@D.m_permissions p" },
	{ .name = "sys.data_spaces", .columns = "name sysname='PRIMARY';data_space_id int=1;type char(2)='FG';type_desc "
		"nvarchar(60)='ROWS_FILEGROUP';is_default bit=1;is_system bit=0", .from = "FROM (SELECT 1)" },
	{ .name = "sys.filegroups", .columns = "name sysname='PRIMARY';data_space_id int=1;type char(2)='FG';type_desc "
		"nvarchar(60)='ROWS_FILEGROUP';is_default bit=1;is_system bit=0;is_read_only bit=0", .from = "FROM (SELECT 1)" },
	{ .name = "sys.assembly_types", .columns = "name sysname=t.name;system_type_id tinyint=240;user_type_id int=t.id;schema_id "
		"int=4;assembly_id int=1;assembly_class sysname=t.class;is_user_defined bit=0;is_assembly_type bit=1", .from =
		"FROM (SELECT 'hierarchyid' AS name,128 AS id,'Microsoft.SqlServer.Types.SqlHierarchyId' AS class UNION ALL SELECT "
		"'geometry',129,'Microsoft.SqlServer.Types.SqlGeometry' UNION ALL SELECT 'geography',130,"
		"'Microsoft.SqlServer.Types.SqlGeography') t" },
	{ .name = "INFORMATION_SCHEMA.TABLES", .columns = "TABLE_CATALOG nvarchar(128)=NULL;TABLE_SCHEMA sysname=s.name;TABLE_NAME "
		"sysname=o.name;TABLE_TYPE varchar(10)=CASE o.type WHEN 'U' THEN 'BASE TABLE' ELSE 'VIEW' END", .from =
		"FROM d@D.m_objects o JOIN d@D.m_schemas s USING(schema_id) WHERE o.type IN ('U','V')", .visible = "o.object_id" },
	{ .name = NULL },
};

/* ---- functions that the views call ---- */

/* identity_last(database, object): NULL where it was never used. */
static void identity_last(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct session *session = function_session(context);
	struct database *database = database_by_id(session->engine, sqlite3_value_int(values[0]));
	struct table *table = database ? catalogue_by_id(session, database, sqlite3_value_int(values[1])) : NULL;
	struct identity *identity = table ? identity_get(session, table) : NULL;

	(void)count;
	if (identity && identity->used)
		sqlite3_result_int64(context, identity->last);
}

int server_rows_register(struct session *session)
{
	static const struct function_entry entries[] = { { "identity_last", 2, identity_last, true } };

	return functions_add(session, entries, 1);
}

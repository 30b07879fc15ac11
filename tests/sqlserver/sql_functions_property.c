/* SPDX-License-Identifier: Apache-2.0 */
/* OBJECTPROPERTY, SERVERPROPERTY and their like. */
#include "tests/sqlserver/sql_functions.h"
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_run.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FUNCTION(name) static void name(sqlite3_context *context, int count, sqlite3_value **v)
#define SESSION function_session(context)

static void give_text(sqlite3_context *context, const char *text)
{
	if (text)
		sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static struct database *here(struct session *session)
{
	return session->frame->database ? session->frame->database : session->database;
}

FUNCTION(objectproperty)
{
	static const struct {
		const char *property, *types;
	} kinds[] = { { "IsUserTable", "U" }, { "IsTable", "U" }, { "IsView", "V" }, { "IsProcedure", "P" },
		{ "IsTrigger", "TR" }, { "IsPrimaryKey", "PK" }, { "IsForeignKey", "F" }, { "IsCheckCnst", "C" },
		{ "IsDefaultCnst", "D" }, { "IsScalarFunction", "FN" }, { "IsUniqueCnst", "UQ" } };
	struct session *session = SESSION;
	struct database *d = here(session);
	int id = sqlite3_value_int(v[0]);
	const char *property = text_argument(v[1]);
	const char *type = query_text(session, "SELECT type FROM d%d.m_objects WHERE object_id=%d", d->id, id);

	if (any_null(count, v) || !type)
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcasecmp(kinds[i].property, property))
			sqlite3_result_int(context, !strcmp(type, kinds[i].types));
	if (!strcasecmp(property, "TableHasIdentity"))
		sqlite3_result_int64(
			context, query_int(session, 0, "SELECT max(identity) FROM d%d.m_columns WHERE object_id=%d", d->id, id));
	else if (!strcasecmp(property, "TableHasPrimaryKey") || !strcasecmp(property, "TableHasClustIndex"))
		sqlite3_result_int64(context,
			query_int(session, 0, "SELECT 1 FROM d%d.m_indexes WHERE object_id=%d AND (%s)", d->id, id,
				strcasecmp(property, "TableHasClustIndex") ? "primary_key" : "index_id=1"));
	else if (!strcasecmp(property, "CnstIsNotTrusted") || !strcasecmp(property, "CnstIsDisabled") ||
		!strcasecmp(property, "ExecIsTriggerDisabled"))
		sqlite3_result_int64(context,
			query_int(session, 0, "SELECT %s FROM d%d.m_objects WHERE object_id=%d",
				strcasecmp(property, "CnstIsNotTrusted") ? "disabled" : "not_trusted", d->id, id));
	else if (!strcasecmp(property, "SchemaId"))
		sqlite3_result_int64(
			context, query_int(session, 0, "SELECT schema_id FROM d%d.m_objects WHERE object_id=%d", d->id, id));
	else if (!strcasecmp(property, "IsMSShipped") || !strcasecmp(property, "TableTextInRowLimit"))
		sqlite3_result_int(context, 0);
}

FUNCTION(columnproperty)
{
	static const char *const names[][2] = { { "IsIdentity", "identity" }, { "AllowsNull", "nullable" },
		{ "IsComputed", "computed IS NOT NULL" }, { "ColumnId", "column_id" }, { "Precision", "precision" },
		{ "Scale", "scale" }, { "IsSparse", "sparse" }, { "IsRowGuidCol", "row_guid" },
		{ "UsesAnsiTrim", "ansi_padded" }, { "IsHidden", "hidden" }, { "GeneratedAlwaysType", "generated" },
		{ "CharMaxLen", "CASE WHEN length=65535 THEN -1 ELSE length END" } };
	struct session *session = SESSION;

	if (any_null(count, v))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcasecmp(names[i][0], text_argument(v[2])))
			sqlite3_result_int64(context,
				query_int(session, 0, "SELECT %s FROM d%d.m_columns WHERE object_id=%d AND name=%Q", names[i][1],
					here(session)->id, sqlite3_value_int(v[0]), text_argument(v[1])));
}

FUNCTION(indexproperty)
{
	static const char *const names[][2] = { { "IsUnique", "is_unique" }, { "IsClustered", "index_id=1" },
		{ "IndexID", "index_id" }, { "IsDisabled", "disabled" }, { "IndexFillFactor", "fill_factor" },
		{ "IsPadIndex", "padded" } };
	struct session *session = SESSION;

	if (any_null(count, v))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcasecmp(names[i][0], text_argument(v[2])))
			sqlite3_result_int64(context,
				query_int(session, 0, "SELECT %s FROM d%d.m_indexes WHERE object_id=%d AND name=%Q", names[i][1],
					here(session)->id, sqlite3_value_int(v[0]), text_argument(v[1])));
}

FUNCTION(databasepropertyex)
{
	static const char *const states[] = { "ONLINE", "RESTORING", "RECOVERING", "RECOVERY_PENDING", "SUSPECT",
		"EMERGENCY", "OFFLINE" };
	static const char *const recoveries[] = { "", "FULL", "BULK_LOGGED", "SIMPLE" };
	static const char *const access[] = { "MULTI_USER", "SINGLE_USER", "RESTRICTED_USER" };
	struct database *d = database_find(SESSION->engine, text_argument(v[0]));
	const char *p = text_argument(v[1]);

	if (any_null(count, v) || !d)
		return;
	give_text(context,
		!strcasecmp(p, "Collation")           ? collation_get(d->collation)->name
			: !strcasecmp(p, "Status")        ? states[d->state]
			: !strcasecmp(p, "Recovery")      ? recoveries[d->recovery]
			: !strcasecmp(p, "UserAccess")    ? access[d->user_access]
			: !strcasecmp(p, "Updateability") ? (d->read_only ? "READ_ONLY" : "READ_WRITE")
			: !strcasecmp(p, "Version")       ? "904"
			: !strcasecmp(p, "IsInStandBy")   ? "0"
											  : NULL);
}

/* The write-ahead log of SQLite may be ahead of the file. */
static int64_t pages_used(struct session *session, const struct database *d)
{
	int64_t used = query_int(session, 0, "PRAGMA d%d.page_count", d->id) -
		query_int(session, 0, "PRAGMA d%d.freelist_count", d->id),
			size = database_pages(d);

	return used > size ? size : used;
}

/* Of a file of this database, by its logical name: the data file is full, the log holds what is open. */
FUNCTION(fileproperty)
{
	struct session *session = SESSION;
	struct database *d = here(session);
	const char *p = text_argument(v[1]);
	char log[540];

	if (any_null(count, v))
		return;
	snprintf(log, sizeof(log), "%s_log", d->name);
	bool is_log = !strcasecmp(text_argument(v[0]), log);

	if (!is_log && strcasecmp(text_argument(v[0]), d->name) != 0)
		return;
	if (!strcasecmp(p, "SpaceUsed"))
		sqlite3_result_int64(context, is_log ? d->log_used / 8192 : pages_used(session, d));
	else if (!strcasecmp(p, "IsLogFile"))
		sqlite3_result_int(context, is_log);
	else if (!strcasecmp(p, "IsPrimaryFile"))
		sqlite3_result_int(context, !is_log);
	else if (!strcasecmp(p, "IsReadOnly"))
		sqlite3_result_int(context, d->read_only);
}

/* Metadata of the server itself. */
FUNCTION(sees_server)
{
	(void)count, (void)v;
	sqlite3_result_int(context, security_server(SESSION, "VIEW ANY DEFINITION"));
}

FUNCTION(serverproperty)
{
	static const char *const versions[] = { "11.0.7001.0", "12.0.6024.0", "13.0.5026.0", "14.0.1000.169", "15.0.2000.5",
		"16.0.1000.6" };
	struct session *session = SESSION;
	const char *p = text_argument(v[0]);
	char major[8];

	snprintf(major, sizeof(major), "%d", session->engine->version);
	const struct {
		const char *name, *value;
	} values[] = {
		{ "ProductVersion", versions[session->engine->version - 11] },
		{ "ProductLevel", "RTM" },
		{ "ProductMajorVersion", major },
		{ "Edition", "Express Edition (64-bit)" },
		{ "EngineEdition", "4" },
		{ "ServerName", "STANDIN" },
		{ "MachineName", "STANDIN" },
		{ "InstanceName", NULL },
		{ "IsClustered", "0" },
		{ "Collation", "SQL_Latin1_General_CP1_CI_AS" },
		{ "IsHadrEnabled", "0" },
		{ "IsFullTextInstalled", "0" },
		{ "IsIntegratedSecurityOnly", "0" },
		{ "IsXTPSupported", session->engine->version >= 13 ? "1" : "0" },
		{ "IsSingleUser", "0" },
		{ "LCID", "1033" },
		{ "ProcessID", "1" },
		{ "ComputerNamePhysicalNetBIOS", "STANDIN" },
		{ "EditionID", "-1592396055" },
		{ "ProductBuild", "1000" },
	};

	(void)count;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		if (!strcasecmp(values[i].name, p))
			give_text(context, values[i].value);
}

FUNCTION(collationproperty)
{
	uint16_t number = collation_find(text_argument(v[0]), SESSION->engine->version);
	const char *p = text_argument(v[1]);
	uint8_t wire[5];

	(void)count;
	if (!number)
		return;
	const struct collation *c = collation_get(number);

	collation_wire(number, wire);
	if (!strcasecmp(p, "CodePage"))
		sqlite3_result_int(context, (int)c->page);
	else if (!strcasecmp(p, "LCID"))
		sqlite3_result_int(context, (int)c->lcid);
	else if (!strcasecmp(p, "Version"))
		sqlite3_result_int(context, c->version);
	else if (!strcasecmp(p, "ComparisonStyle"))
		sqlite3_result_int(context, c->binary ? 0 : c->ignore_case | c->ignore_kana << 16 | c->ignore_width << 17);
}

int functions_register_properties(struct session *session)
{
	static const struct function_entry entries[] = {
		{ "f_objectproperty", 2, objectproperty, 1 },
		{ "f_objectpropertyex", 2, objectproperty, 1 },
		{ "f_columnproperty", 3, columnproperty, 1 },
		{ "f_indexproperty", 3, indexproperty, 1 },
		{ "f_databasepropertyex", 2, databasepropertyex, 1 },
		{ "f_serverproperty", 1, serverproperty, 1 },
		{ "f_fileproperty", 2, fileproperty, 1 },
		{ "f_sees_server", 0, sees_server, 0 },
		{ "f_collationproperty", 2, collationproperty, 1 },
	};

	return functions_add(session, entries, sizeof(entries) / sizeof(*entries));
}

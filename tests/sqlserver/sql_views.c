/* SPDX-License-Identifier: Apache-2.0 */
/* From a view's description to a source of the query. */
#include "tests/sqlserver/sql_views.h"
#include "tests/sqlserver/sql_functions.h"
#include "tests/sqlserver/sql_parse.h"
#include "tests/sqlserver/sql_run.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct system_view *find_view(const char *schema, const char *name)
{
	const struct system_view *const lists[] = { catalogue_views, object_views, server_views };

	for (int i = 0; i < 3; i++)
		for (const struct system_view *v = lists[i]; v->name; v++)
			if (!strcasecmp(v->schema, schema) && !strcasecmp(v->name, name))
				return v;
	return NULL;
}

/* System objects have negative numbers. */
int system_view_id(const char *name)
{
	const struct system_view *v = find_view("sys", name);
	uint32_t hash = 2166136261u;

	if (!v)
		return 0;
	for (const char *c = v->name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	return -(int)(hash & 0x3fffffff) - 1;
}

static const char *fill_in(struct compiler *c, const char *sql, size_t size, int database)
{
	struct text out = { .arena = c->arena };
	const char *end = sql + size;

	for (; sql < end; sql++) {
		if (*sql != '@') {
			text_add_n(&out, sql, 1);
		} else if (sql[1] == 'd') {
			text_format(&out, "d%d", database);
			sql++;
		} else if (sql[1] == 'n') {
			text_format(&out, "%d", database);
			sql++;
		} else if (sql[1] == 'V') {
			int depth = 1;
			const char *from = sql + 3, *to = from;

			for (; depth; to++)
				depth += *to == '(' ? 1 : *to == ')' ? -1 : 0;
			text_format(&out, "cv(%s,%lld,%lld,0,0)", fill_in(c, from, (size_t)(to - from - 1), database),
				(long long)type_pack(type_simple(K_BIGINT)), (long long)type_pack(type_simple(K_VARIANT)));
			sql = to - 1;
		}
	}
	return text_done(&out);
}

static struct sql_type column_type(struct compiler *c, const char *text, size_t size)
{
	char name[40];
	struct sql_type type;
	struct type_name parsed = { .length = -1, .scale = -1 };
	int user_type;

	memcpy(name, text, size < 39 ? size : 39);
	name[size < 39 ? size : 39] = '\0';
	char *parenthesis = strchr(name, '(');

	if (parenthesis) {
		*parenthesis = '\0';
		parsed.length = !strncmp(parenthesis + 1, "max", 3) ? (int)LENGTH_MAX : atoi(parenthesis + 1);
	}
	parsed.name.object = arena_string(c->arena, name);
	if (catalogue_type(c->session, &parsed, NULL, &type, &user_type))
		compile_fail(c);
	return type;
}

/* "name type expression", separated by |; returns the next one. */
static const char *read_column(
	struct compiler *c, const char *at, int database, struct source_column *out, int *since, const char **sql)
{
	const char *end = strchr(at, '|'), *colon = strchr(at, ':');

	while (end && end[1] == '|') /* || inside of an expression */
		end = strchr(end + 2, '|');
	if (!end)
		end = at + strlen(at);
	*since = 0;
	if (colon && colon - at == 2 && colon < end) {
		*since = atoi(at);
		at = colon + 1;
	}
	const char *type = memchr(at, ' ', (size_t)(end - at)),
			   *expression = memchr(type + 1, ' ', (size_t)(end - type - 1));

	out->name = arena_copy(c->arena, at, (size_t)(type - at));
	out->type = column_type(c, type + 1, (size_t)(expression - type - 1));
	out->nullable = true;
	*sql = fill_in(c, expression + 1, (size_t)(end - expression - 1), database);
	return *end ? end + 1 : NULL;
}

static const char *view_source(struct compiler *c, const struct system_view *view, int database)
{
	if (view->source[0] != '!')
		return fill_in(c, view->source, strlen(view->source), database);
	const char *blank = strchr(view->source, ' ');
	size_t size = blank ? (size_t)(blank - view->source - 1) : strlen(view->source) - 1;
	const char *rows = generate_rows(c, arena_copy(c->arena, view->source + 1, size));

	return compile_format(c, "(%s) g%s", rows, blank ? fill_in(c, blank, strlen(blank), database) : "");
}

static struct source *open_view(
	struct compiler *c, const struct system_view *view, struct database *d, const char *alias, struct text *out)
{
	struct source *source = compile_add_source(c, alias, 128);
	struct text list = { .arena = c->arena };
	size_t count = 0;

	for (const char *at = view->columns; at;) {
		struct source_column column = { .name = NULL };
		int since;
		const char *sql;

		at = read_column(c, at, d->id, &column, &since, &sql);
		if (since > c->session->engine->version)
			continue;
		text_format(&list, "%s%s AS k%zu", count ? "," : "", sql, count + 1);
		column.sql = compile_format(c, "%s.k%zu", source->sql_alias, count + 1);
		source->columns[count++] = column;
	}
	source->count = count;
	text_format(out, "(SELECT %s FROM %s) AS %s", text_done(&list), view_source(c, view, d->id), source->sql_alias);
	return source;
}

struct source *compile_view(struct compiler *c, const struct name *name, const char *alias, struct text *out)
{
	const char *schema = name->schema && *name->schema ? name->schema
		: !strcasecmp(name->object, "sysprocesses")    ? "sys"
													   : "";
	const struct system_view *view = find_view(schema, name->object);

	if (!view || view->since > c->session->engine->version)
		return NULL;
	struct database *before = c->session->frame->database;

	c->session->frame->database = c->database;
	struct database *d = catalogue_database(c->session, name);

	c->session->frame->database = before;
	if (!d)
		compile_fail(c);
	/* Tables that msdb has from its start are described as views, too; only administrators read them here. */
	if (!strcmp(view->schema, "dbo")) {
		if (strcasecmp(d->name, "msdb") != 0)
			return NULL;
		if (!c->session->sysadmin)
			compile_error(c, 229, "SELECT", view->name, d->name, "dbo");
	}
	if (!strncmp(view->name, "dm_", 3) && strncmp(view->name, "dm_db_p", 7) && strcmp(view->name, "dm_exec_sessions") &&
		strcmp(view->name, "dm_exec_requests") && strcmp(view->name, "dm_exec_connections") &&
		!c->session->view_server_state &&
		!(!strncmp(view->name, "dm_db_", 6) && security_allows(c->session, d, 0, "VIEW DATABASE STATE")))
		compile_error(c, 300, !strncmp(view->name, "dm_db_", 6) ? "VIEW DATABASE STATE" : "VIEW SERVER STATE");
	if (!strcmp(view->name, "dm_db_partition_stats") && !security_allows(c->session, d, 0, "VIEW DATABASE STATE"))
		compile_error(c, 262, "VIEW DATABASE STATE", d->name);
	if (!strcmp(view->name, "sql_expression_dependencies") &&
		!security_allows(c->session, d, system_view_id(view->name), "SELECT"))
		compile_error(c, 229, "SELECT", view->name, d->name, "sys");
	struct source *source = open_view(c, view, d, alias, out);

	source->full.schema = alias == name->object ? view->schema : NULL;
	return source;
}

static const char *const permissions[] = { "SELECT", "INSERT", "UPDATE", "DELETE", "EXECUTE", "ALTER",
	"VIEW DEFINITION", "VIEW DATABASE STATE", "CONNECT", "CREATE TABLE", "UNMASK", "REFERENCES" };

/* sys.fn_my_permissions(securable, class) */
static struct source *my_permissions(
	struct compiler *c, const struct table_ref *ref, const char *alias, struct text *out)
{
	struct source *source = compile_add_source(c, alias, 3);
	static const char *const names[] = { "entity_name", "subentity_name", "permission_name" };
	struct database *d = catalogue_database(c->session, NULL);
	struct text rows = { .arena = c->arena };
	int object = 0;

	if (ref->argument_count == 2 && ref->arguments[0]->kind != N_NULL) {
		const char *text = ref->arguments[0]->text;
		struct name name = { .object = text };

		if (!text || !parse_object_name(c->arena, text, &name))
			compile_error(c, 208, text ? text : "");
		struct table *table = catalogue_find(c->session, &name);

		object = table ? table->id : 0;
	}
	for (size_t i = 0; i < 3; i++)
		source->columns[i] = (struct source_column){ .name = names[i],
			.type = type_nvarchar(128, d->collation),
			.sql = compile_format(c, "%s.k%zu", source->sql_alias, i + 1) };
	text_add(&rows, "SELECT '' AS k1,'' AS k2,'' AS k3 WHERE 0");
	for (size_t i = 0; i < sizeof(permissions) / sizeof(*permissions); i++)
		if (security_allows(c->session, d, object, permissions[i]))
			text_format(&rows, " UNION ALL SELECT 'database','','%s'", permissions[i]);
	text_format(out, "(%s) AS %s", text_done(&rows), source->sql_alias);
	return source;
}

/* sys.dm_os_volume_stats(database_id, file_id): all files are on one volume. */
static struct source *volume_stats(struct compiler *c, const struct table_ref *ref, const char *alias, struct text *out)
{
	int64_t free = c->session->engine->volume_free ? c->session->engine->volume_free : INT64_C(1) << 40;
	struct system_view view = { .schema = "sys", .name = "dm_os_volume_stats", .since = 11 };

	if (!c->session->view_server_state)
		compile_error(c, 300, "VIEW SERVER STATE");
	if (ref->argument_count != 2)
		compile_error(c, 313, ref->name.object);
	view.source = compile_format(c, "!files WHERE g1=%s AND g2=%s", compile_expression(c, ref->arguments[0]).sql,
		compile_expression(c, ref->arguments[1]).sql);
	view.columns = compile_format(c,
		"database_id int g1|file_id int g2|volume_mount_point nvarchar(512) 'C:\\'|volume_id"
		" nvarchar(512) ''|logical_volume_name nvarchar(512) ''|file_system_type nvarchar(512) 'NTFS'|total_bytes bigint"
		" 2199023255552|available_bytes bigint %lld|supports_compression bit 1|supports_alternate_streams bit 1|"
		"supports_sparse_files bit 1|is_read_only bit 0|is_compressed bit 0",
		(long long)free);
	return open_view(c, &view, catalogue_database(c->session, NULL), alias, out);
}

struct source *compile_system_function(struct compiler *c, const struct table_ref *ref, struct text *out)
{
	const char *alias = ref->alias ? ref->alias : ref->name.object;

	if (!strcasecmp(ref->name.object, "fn_my_permissions"))
		return my_permissions(c, ref, alias, out);
	if (!strcasecmp(ref->name.object, "dm_os_volume_stats"))
		return volume_stats(c, ref, alias, out);
	return NULL;
}

static void system_type(sqlite3_context *context, int count, sqlite3_value **v)
{
	(void)count;
	sqlite3_result_int(context, kind_info((unsigned)sqlite3_value_int(v[0]))->system_id);
}

static void table_rows(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct session *session = function_session(context);

	(void)count;
	sqlite3_result_int64(context,
		query_int(session, 0, "SELECT count(*) FROM d%d.t%d", sqlite3_value_int(v[0]), sqlite3_value_int(v[1])));
}

/* 8 KiB pages: the database's share, by rows, is what can be had cheaply. */
static void table_pages(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct session *session = function_session(context);
	int d = sqlite3_value_int(v[0]), table = sqlite3_value_int(v[1]);
	int64_t rows = query_int(session, 0, "SELECT count(*) FROM d%d.t%d", d, table);
	int64_t columns = query_int(session, 1, "SELECT count(*) FROM d%d.m_columns WHERE object_id=%d", d, table);

	(void)count;
	if (sqlite3_value_int(v[2]) > 1)
		columns = 1;
	sqlite3_result_int64(context, rows ? rows * (columns * 16 + 9) / 8096 + 2 : 0);
}

static void may_see_state(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct session *session = function_session(context);
	struct database *d = database_by_id(session->engine, sqlite3_value_int(v[0]));

	(void)count;
	sqlite3_result_int(context, d && security_allows(session, d, 0, "VIEW DATABASE STATE"));
}

/* The view itself was allowed; each row is. */
static void always(sqlite3_context *context, int count, sqlite3_value **v)
{
	(void)count, (void)v;
	sqlite3_result_int(context, 1);
}

int views_register(struct session *session)
{
	static const struct function_entry entries[] = {
		{ "system_type", 1, system_type, false },
		{ "table_rows", 2, table_rows, true },
		{ "table_pages", 3, table_pages, true },
		{ "may_see_state", 1, may_see_state, true },
		{ "may_read_dependencies", 1, always, true },
	};

	return functions_add(session, entries, sizeof(entries) / sizeof(*entries));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* System views into the translator's sources. The views themselves are in sql_system_{objects,tables,server,empty}.c. */
#include "tests/sqlserver/sql_system_view.h"
#include "tests/sqlserver/sql_compile.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct system_view *find_in(const struct system_view *views, const char *full, int version)
{
	for (; views->name; views++)
		if (strcasecmp(views->name, full) == 0 && version >= views->since)
			return views;
	return NULL;
}

const struct system_view *system_view_find(const char *schema, const char *name, int version)
{
	static const struct system_view *const tables[] = { system_views_objects, system_views_tables, system_views_server,
		system_views_empty };
	char full[700];

	if (strlen(schema) + strlen(name) + 2 > sizeof(full))
		return NULL;
	strcat(strcat(strcpy(full, schema), "."), name);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const struct system_view *view = find_in(tables[i], full, version);

		if (view)
			return view;
	}
	return NULL;
}

/* ---- rights ---- */

static const char *member_list(struct session *session, struct database *database)
{
	struct text out = { .arena = session->arena };
	sqlite3_stmt *s = query(session, "WITH RECURSIVE p(id) AS (SELECT principal_id FROM d%d.m_principals WHERE login=%Q "
		"UNION SELECT role_id FROM d%d.m_members JOIN p ON member_id=p.id) SELECT id FROM p", database->id, session->login,
		database->id);

	text_add(&out, "(0");
	while (query_next(session, &s))
		text_format(&out, ",%d", sqlite3_column_int(s, 0));
	text_add(&out, ")");
	return text_done(&out);
}

const char *security_principals(struct session *session, struct database *database)
{
	return session->sysadmin ? "(0,1,16384)" : member_list(session, database);
}

static bool has_any(struct session *session, struct database *database, const char *roles, const char *permissions)
{
	const char *principals = security_principals(session, database);

	return query_int(session, 0, "SELECT EXISTS(SELECT 1 FROM d%d.m_principals WHERE principal_id IN %s AND principal_id IN "
		"(%s)) OR EXISTS(SELECT 1 FROM d%d.m_permissions WHERE class=0 AND state IN ('G','W') AND grantee IN %s AND permission "
		"IN (%s))", database->id, principals, roles, database->id, principals, permissions);
}

bool security_sees_all(struct session *session, struct database *database)
{
	return session->sysadmin || has_any(session, database, "1,16384,16387,16390,16391", "'VIEW DEFINITION','CONTROL','ALTER',"
		"'SELECT','INSERT','UPDATE','DELETE','REFERENCES'");
}

bool security_sees_definitions(struct session *session, struct database *database)
{
	return session->sysadmin || has_any(session, database, "1,16384,16387", "'VIEW DEFINITION','CONTROL','ALTER'");
}

/* ---- the text of a view ---- */

/* The type id of c.kind, from the engine's own table. */
static void add_system_type(struct text *out)
{
	text_add(out, "(CASE c.kind");
	for (unsigned kind = 1; kind < K_COUNT; kind++)
		text_format(out, " WHEN %u THEN %u", kind, kind_info(kind)->system_id);
	text_add(out, " END)");
}

static void expand(struct session *session, struct database *database, const char *from, size_t size, struct text *out)
{
	for (size_t i = 0; i < size; i++) {
		if (from[i] != '@' || i + 1 == size) {
			text_add_n(out, from + i, 1);
			continue;
		}
		switch (from[++i]) {
		case 'D':
			text_format(out, "%d", database->id);
			break;
		case 'S':
			add_system_type(out);
			break;
		case 'P':
			text_add(out, security_principals(session, database));
			break;
		case 'V': /* whether definitions are seen */
			text_add(out, security_sees_definitions(session, database) ? "1" : "0");
			break;
		default:
			text_add_n(out, from + i - 1, 2);
		}
	}
}

static void add_visible(struct session *session, struct database *database, const char *object, struct text *out)
{
	const char *principals = security_principals(session, database);

	text_format(out, "%s IN (SELECT o.object_id FROM d%d.m_objects o JOIN d%d.m_permissions p ON p.state IN ('G','W') AND "
		"p.grantee IN %s AND ((p.class=1 AND p.major IN (o.object_id,o.parent_id)) OR (p.class=3 AND p.major=o.schema_id)))",
		object, database->id, database->id, principals);
}

static struct sql_type column_type(struct compiler *c, const char *type)
{
	char name[64];
	int length = -1, scale = -1;
	size_t end = strcspn(type, "(");

	memcpy(name, type, end < sizeof(name) ? end : sizeof(name) - 1);
	name[end < sizeof(name) ? end : sizeof(name) - 1] = 0;
	if (type[end])
		length = strncmp(type + end, "(max", 4) ? atoi(type + end + 1) : (int)LENGTH_MAX;
	return type_make(kind_find(name), length, scale, c->database ? c->database->collation : c->session->database->collation);
}

/* One "name type@since=expression"; false where this server has no such column. */
static bool add_column(struct compiler *c, struct database *database, const char *column, size_t size, struct source *source,
	struct text *out)
{
	const char *space = memchr(column, ' ', size), *equals = memchr(column, '=', size);
	char *type = arena_copy(c->arena, space + 1, (size_t)(equals - space - 1)), *since = strchr(type, '@');

	if (since) {
		*since++ = 0;
		if (c->session->engine->version < atoi(since))
			return false;
	}
	struct source_column *added = &source->columns[source->count++];

	added->name = arena_copy(c->arena, column, (size_t)(space - column));
	added->type = column_type(c, type);
	added->nullable = true;
	added->sql = compile_format(c, "%s.%s", source->sql_alias, quote_name(c->session, added->name));
	if (!out)
		return true;
	text_add(out, source->count > 1 ? "," : "SELECT ");
	expand(c->session, database, equals + 1, (size_t)(column + size - equals - 1), out);
	text_format(out, " AS %s", quote_name(c->session, added->name));
	return true;
}

static void add_columns(struct compiler *c, struct database *database, const struct system_view *view, struct source *source,
	struct text *out)
{
	source->count = 0;
	for (const char *at = view->columns; *at; at += strspn(at, "; \n")) {
		size_t size = strcspn(at, ";");

		add_column(c, database, at, size, source, out);
		at += size;
	}
}

static size_t count_columns(const char *columns)
{
	size_t count = 1;

	for (; *columns; columns++)
		count += *columns == ';';
	return count;
}

static void add_select(struct compiler *c, struct database *database, const struct system_view *view, struct source *source,
	struct text *out)
{
	text_add(out, "(");
	if (view->rows) {
		add_columns(c, database, view, source, NULL);
		view->rows(c->session, database, out);
	} else {
		add_columns(c, database, view, source, out);
		text_add(out, " ");
		expand(c->session, database, view->from, strlen(view->from), out);
		if (!*view->from)
			text_add(out, "WHERE 0");
		if (view->visible && !security_sees_all(c->session, database)) {
			text_add(out, strstr(view->from, " WHERE ") ? " AND " : " WHERE ");
			add_visible(c->session, database, view->visible, out);
		}
	}
	text_format(out, ") AS %s", source->sql_alias);
}

struct source *compile_system_view(struct compiler *c, const struct name *name, const char *alias, struct text *out)
{
	const struct system_view *view = name->schema && *name->schema ?
		system_view_find(name->schema, name->object, c->session->engine->version) : NULL;
	struct database *database;

	if (!view)
		return NULL;
	database = catalogue_database(c->session, name);
	if (!database)
		compile_fail(c);
	struct source *source = compile_add_source(c, alias, count_columns(view->columns));

	source->full.schema = name->schema;
	add_select(c, database, view, source, out);
	return source;
}

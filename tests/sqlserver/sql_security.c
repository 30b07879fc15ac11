/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what: principals, roles, permissions. */
#include "tests/sqlserver/sql_compile.h"
#include "tests/sqlserver/sql_run.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Principal of the session's login in a database; 1 is dbo, -1 nobody. */
int security_principal(struct session *session, struct database *d);

int security_principal(struct session *session, struct database *d)
{
	if (session->sysadmin || d->id == DATABASE_TEMP)
		return 1;
	return (int)query_int(session, d->id == DATABASE_MASTER ? 2 : -1,
		"SELECT principal_id FROM d%d.m_principals WHERE login=%Q"
		" AND type<>'R'",
		d->id, session->login);
}

bool database_permitted(struct session *session, struct database *database)
{
	if (database->id <= 4)
		return true;
	if (database_attach(session, database)) {
		session->failed = false;
		return false;
	}
	return security_principal(session, database) > 0;
}

/* The principal and every role it is in, as a SQL list. */
static const char *identities(struct session *session, struct database *d)
{
	int id = security_principal(session, d);
	const char *roles = query_text(session,
		"WITH RECURSIVE r(id) AS (SELECT %d UNION SELECT role_id FROM d%d.m_members, r WHERE"
		" member_id=r.id) SELECT group_concat(id) FROM r",
		id, d->id);

	return arena_format(session->arena, "0,%s", roles ? roles : "-1");
}

bool security_member(struct session *session, struct database *database, const char *role)
{
	if (security_principal(session, database) == 1)
		return !strncasecmp(role, "db_deny", 7)
			? false
			: !strcasecmp(role, "db_owner") || !strcasecmp(role, "public") || session->sysadmin;
	return query_int(session, 0, "SELECT 1 FROM d%d.m_principals WHERE name=%Q AND principal_id IN (%s)", database->id,
		role, identities(session, database));
}

static bool by_role(struct session *session, struct database *d, const char *permission)
{
	if (security_member(session, d, "db_owner"))
		return true;
	if (!strcmp(permission, "SELECT"))
		return security_member(session, d, "db_datareader");
	if (!strcmp(permission, "INSERT") || !strcmp(permission, "UPDATE") || !strcmp(permission, "DELETE"))
		return security_member(session, d, "db_datawriter");
	if (!strcmp(permission, "ALTER") || !strcmp(permission, "CREATE TABLE") || !strcmp(permission, "REFERENCES"))
		return security_member(session, d, "db_ddladmin");
	return !strcmp(permission, "CONNECT");
}

/* On the object, on the schema, or on the database around them; 0 is none. */
static bool stated(
	struct session *session, struct database *d, const int securables[2], const char *permission, const char *state)
{
	return query_int(session, 0,
		"SELECT 1 FROM d%d.m_permissions WHERE grantee IN (%s) AND state='%s' AND (permission=%Q OR"
		" permission='CONTROL') AND (class=0 OR (class=1 AND major=%d) OR (class=3 AND major=%d))",
		d->id, identities(session, d), state, permission, securables[0], securables[1]);
}

static bool allows(struct session *session, struct database *d, const int securables[2], const char *permission)
{
	if (security_principal(session, d) == 1)
		return true;
	if (stated(session, d, securables, permission, "D"))
		return false;
	if (!strcmp(permission, "SELECT") && security_member(session, d, "db_denydatareader"))
		return false;
	return by_role(session, d, permission) || stated(session, d, securables, permission, "G");
}

static int schema_of(struct session *session, struct database *d, int object)
{
	return object ? (int)query_int(session, 0, "SELECT schema_id FROM d%d.m_objects WHERE object_id=%d", d->id, object)
				  : 0;
}

bool security_allows(struct session *session, struct database *d, int object, const char *permission)
{
	return allows(session, d, (const int[]){ object, schema_of(session, d, object) }, permission);
}

bool security_allows_schema(struct session *session, struct database *d, int schema, const char *permission)
{
	return allows(session, d, (const int[]){ 0, schema }, permission);
}

bool security_denies(struct session *session, struct database *d, int object, const char *permission)
{
	return security_principal(session, d) != 1 &&
		stated(session, d, (const int[]){ object, schema_of(session, d, object) }, permission, "D");
}

bool security_hides_any(struct session *session, struct database *d)
{
	return security_principal(session, d) != 1 &&
		query_int(session, 0,
			"SELECT 1 FROM d%d.m_permissions WHERE class<>0 AND state='D' AND permission IN ('VIEW DEFINITION','CONTROL')",
			d->id);
}

bool security_unmasked(struct session *session, struct database *database)
{
	return security_principal(session, database) == 1 || security_member(session, database, "db_owner") ||
		security_allows(session, database, 0, "UNMASK");
}

void compile_permission(struct compiler *c, const struct table *table, const char *permission)
{
	if (table->temporary || table->id == c->session->frame->trigger_table ||
		security_allows(c->session, table->database, table->id, permission))
		return;
	compile_error(c, 229, permission, table->name, table->database->name, table->schema);
}

bool security_server(struct session *session, const char *permission)
{
	sqlite3_stmt *q;
	bool has = session->sysadmin;

	pthread_mutex_lock(&session->engine->mutex);
	if (!has &&
		!sqlite3_prepare_v2(
			session->engine->master, "SELECT administrator,roles FROM m_logins WHERE name=?", -1, &q, NULL)) {
		sqlite3_bind_text(q, 1, session->login, -1, SQLITE_STATIC);
		if (sqlite3_step(q) == SQLITE_ROW)
			has = sqlite3_column_int(q, 0) ||
				(sqlite3_column_text(q, 1) && strcasestr((const char *)sqlite3_column_text(q, 1), permission));
		sqlite3_finalize(q);
	}
	pthread_mutex_unlock(&session->engine->mutex);
	return has;
}

static int principal_id(struct session *session, struct database *d, const char *name)
{
	int id = (int)query_int(session, -1, "SELECT principal_id FROM d%d.m_principals WHERE name=%Q", d->id, name);

	if (id < 0)
		session_raise(session, 15151, "user", name);
	return id;
}

static int server_run(struct session *session, const char *sql)
{
	pthread_mutex_lock(&session->engine->mutex);
	int code = sqlite3_exec(session->engine->master, sql, NULL, NULL, NULL);

	pthread_mutex_unlock(&session->engine->mutex);
	return code ? session_raise_text(session, 15247, 16, 1, "The stand-in cannot change its logins.") : 0;
}

static int add_server_right(struct session *session, const char *login, const char *right, bool add)
{
	char *sql = sqlite3_mprintf("UPDATE m_logins SET roles=replace(coalesce(roles,''),';%q','')||%Q WHERE name=%Q",
		right, add ? arena_format(session->arena, ";%s", right) : "", login);
	int error = server_run(session, sql);

	sqlite3_free(sql);
	return error;
}

static int grant_one(struct session *session, struct statement *s, struct database *d, const char *permission,
	int grantee, int class, int major)
{
	if (query_run(session, "DELETE FROM d%d.m_permissions WHERE grantee=%d AND class=%d AND major=%d AND permission=%Q",
			d->id, grantee, class, major, permission))
		return -5;
	return !strcmp(s->text, "REVOKE")
		? 0
		: query_run(session, "INSERT INTO d%d.m_permissions VALUES(%d,%d,%d,upper(%Q),'%c')", d->id, grantee, class,
			  major, permission, s->text[0]);
}

static bool server_permission(const char *permission)
{
	return !strcasecmp(permission, "VIEW SERVER STATE") || !strcasecmp(permission, "CREATE ANY DATABASE") ||
		!strcasecmp(permission, "VIEW ANY DEFINITION") || !strcasecmp(permission, "ADMINISTER BULK OPERATIONS") ||
		!strcasecmp(permission, "ALTER ANY LOGIN") || !strcasecmp(permission, "VIEW ANY DATABASE") ||
		!strcasecmp(permission, "CONTROL SERVER");
}

static int permission(struct session *session, struct statement *s)
{
	struct database *d = catalogue_database(session, NULL);
	int class = 0, major = 0;

	if (!d || (server_permission(s->words[0]) ? 0 : transaction_write(session, d)))
		return -5;
	if (s->flag && s->extra && !strcasecmp(s->extra, "SCHEMA")) {
		class = 3;
		major = catalogue_schema(session, d, s->other.object);
	} else if (s->flag && (!s->extra || !strcasecmp(s->extra, "OBJECT"))) {
		struct table *table =
			s->other.schema && !strcasecmp(s->other.schema, "sys") ? NULL : catalogue_find(session, &s->other);

		class = 1;
		if (!table && s->other.schema && !strcasecmp(s->other.schema, "sys"))
			major = system_view_id(s->other.object);
		else if (!table)
			return session->failed ? -5 : session_raise(session, 15151, "object", s->other.object);
		else
			major = table->id;
	}
	for (size_t i = 0; i < s->word_count; i++)
		for (int k = 0; k < s->number; k++) {
			const char *grantee = s->words[s->word_count + (size_t)k];

			if (server_permission(s->words[i])) {
				if (add_server_right(session, grantee, s->words[i], !strcmp(s->text, "GRANT")))
					return -5;
				continue;
			}
			int id = principal_id(session, d, grantee);

			if (id < 0 || grant_one(session, s, d, s->words[i], id, class, major))
				return -5;
		}
	return 0;
}

static int create_login(struct session *session, struct statement *s)
{
	char *sql = sqlite3_mprintf(
		"INSERT INTO m_logins(name,password,administrator,windows,created) VALUES(%Q,%Q,0,%d,%lld)", s->text, s->extra,
		s->flag, datetime_now());

	pthread_mutex_lock(&session->engine->mutex);
	int code = sqlite3_exec(session->engine->master, sql, NULL, NULL, NULL);

	pthread_mutex_unlock(&session->engine->mutex);
	sqlite3_free(sql);
	return code ? session_raise(session, 15025, s->text) : 0;
}

static int create_user(struct session *session, struct statement *s, bool role)
{
	struct database *d = catalogue_database(session, NULL);

	if (!d || transaction_write(session, d))
		return -5;
	if (query_int(session, 0, "SELECT 1 FROM d%d.m_principals WHERE name=%Q", d->id, s->text))
		return session_raise(session, 15023, s->text);
	const char *login = role || s->flag ? NULL : s->other.object ? s->other.object : s->text;

	return query_run(session,
		"INSERT INTO d%d.m_principals(principal_id,name,type,login,created) VALUES((SELECT max(4,"
		"max(principal_id))+1 FROM d%d.m_principals WHERE principal_id<16384),%Q,'%s',%Q,%lld)",
		d->id, d->id, s->text,
		role                        ? "R"
			: strchr(s->text, '\\') ? "U"
									: "S",
		login, datetime_now());
}

static int alter_role(struct session *session, struct statement *s)
{
	struct database *d = catalogue_database(session, NULL);

	if (s->flag)
		return add_server_right(session, s->extra, s->text, s->on);
	if (!d || transaction_write(session, d))
		return -5;
	int role = principal_id(session, d, s->text), member = role < 0 ? -1 : principal_id(session, d, s->extra);

	if (member < 0)
		return -5;
	return s->on
		? query_run(session, "INSERT OR IGNORE INTO d%d.m_members VALUES(%d,%d)", d->id, role, member)
		: query_run(session, "DELETE FROM d%d.m_members WHERE role_id=%d AND member_id=%d", d->id, role, member);
}

static int drop_database(struct session *session, const char *name)
{
	struct database *d = database_find(session->engine, name);

	if (session->trancount)
		return session_raise(session, 226, "DROP DATABASE");
	if (!d || d->id <= 4)
		return session_raise(session, 3701, "database", name);
	if (!session->sysadmin)
		return session_raise(session, 3701, "database", name);
	return database_drop(session, d);
}

int run_security(struct session *session, struct statement *s)
{
	switch (s->kind) {
	case S_PERMISSION:
		return permission(session, s);
	case S_CREATE_LOGIN:
		return create_login(session, s);
	case S_CREATE_USER:
		return create_user(session, s, false);
	case S_CREATE_ROLE:
		return create_user(session, s, true);
	case S_ALTER_ROLE:
		return alter_role(session, s);
	case S_GENERIC:
		return 0;
	default:
		break;
	}
	if (!strcmp(s->text, "DATABASE"))
		return drop_database(session, s->name.object);
	if (!strcmp(s->text, "LOGIN")) {
		char *sql = sqlite3_mprintf("DELETE FROM m_logins WHERE name=%Q", s->name.object);
		int error = server_run(session, sql);

		sqlite3_free(sql);
		return error;
	}
	struct database *d = catalogue_database(session, NULL);

	return !d || transaction_write(session, d)
		? -5
		: query_run(session, "DELETE FROM d%d.m_principals WHERE name=%Q", d->id, s->name.object);
}

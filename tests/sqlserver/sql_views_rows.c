/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of views that no table holds: databases, sessions, locks, types. */
#include "tests/sqlserver/sql_views.h"
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_run.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Adds one row; `format` has a letter a value: i int64_t, s text (NULL is NULL). */
static void row(struct compiler *c, struct text *out, const char *format, ...)
{
	va_list values;
	int column = 1;

	text_add(out, out->size ? " UNION ALL SELECT " : "SELECT ");
	va_start(values, format);
	for (; *format; format++, column++) {
		if (*format == 'i') {
			text_format(out, "%s%lld AS g%d", column > 1 ? "," : "", (long long)va_arg(values, int64_t), column);
		} else {
			const char *text = va_arg(values, const char *);

			text_format(out, "%s%s AS g%d", column > 1 ? "," : "",
				text ? compile_text(c->arena, text, strlen(text)) : "NULL", column);
		}
	}
	va_end(values);
}

static void databases(struct compiler *c, struct text *out)
{
	for (struct database *d = c->session->engine->databases; d; d = d->next)
		if (!d->dropped)
			row(c, out, "siiisiiiiiiisi", d->name, (int64_t)d->id, d->created, (int64_t)d->compatibility,
				collation_get(d->collation)->name, (int64_t)d->user_access, (int64_t)d->read_only,
				(int64_t)(strstr(d->marks, "mirror_of") ? 1 : d->state), (int64_t)d->snapshot_state,
				(int64_t)d->read_committed_snapshot, (int64_t)d->recovery, (int64_t)d->trustworthy, d->marks,
				d->log_used);
}

int64_t database_pages(const struct database *d)
{
	struct stat info;

	return stat(d->path, &info) || info.st_size < 8192 ? 392 : (int64_t)info.st_size / 8192;
}

/* As much as was needed, from 8 MiB on, and never more than it may be. */
static int64_t log_pages(const struct engine *engine, const struct database *d)
{
	int64_t pages = 1024 + d->log_used / 8192;

	return engine->log_limit && pages > engine->log_limit / 8192 ? engine->log_limit / 8192 : pages;
}

static void files(struct compiler *c, struct text *out)
{
	struct engine *engine = c->session->engine;
	int64_t most = engine->file_limit ? engine->file_limit / 8192 : -1;
	int64_t log_most = engine->log_limit ? engine->log_limit / 8192 : 268435456;

	for (struct database *d = engine->databases; d; d = d->next) {
		if (d->dropped)
			continue;
		row(c, out, "iiissii", (int64_t)d->id, (int64_t)1, (int64_t)0, d->name,
			compile_format(c, "C:\\Data\\%s.mdf", d->name), database_pages(d), most);
		row(c, out, "iiissii", (int64_t)d->id, (int64_t)2, (int64_t)1, compile_format(c, "%s_log", d->name),
			compile_format(c, "C:\\Data\\%s_log.ldf", d->name), log_pages(engine, d), log_most);
	}
}

static void sessions(struct compiler *c, struct text *out)
{
	struct session *me = c->session;

	for (struct session *s = me->engine->sessions; s; s = s->next) {
		if (s != me && !me->view_server_state)
			continue;
		row(c, out, "iisssiiissiiiiiiiiiiiiiii", (int64_t)s->id, s->login_time, s->host, s->program, s->login,
			(int64_t)(s->sink != NULL), s->last_request, s->text_size, s->language, s->date_format,
			(int64_t)s->date_first, (int64_t)s->quoted_identifier, (int64_t)s->arithabort, (int64_t)s->ansi_null_dflt,
			(int64_t)s->ansi_warnings, (int64_t)s->ansi_padding, (int64_t)s->ansi_nulls, (int64_t)s->concat_null,
			(int64_t)s->isolation, (int64_t)s->lock_timeout, (int64_t)s->deadlock_priority, s->rowcount, s->last_error,
			(int64_t)(s->database ? s->database->id : 0), (int64_t)s->trancount);
	}
}

static void requests(struct compiler *c, struct text *out)
{
	struct session *me = c->session;

	for (struct session *s = me->engine->sessions; s; s = s->next)
		if (s->sink && (s == me || me->view_server_state))
			row(c, out, "iiisiiiii", (int64_t)s->id, s->last_request, (int64_t)(s->blocker ? s->blocker->id : 0),
				s->command ? s->command : "SELECT", (int64_t)(s->database ? s->database->id : 0), (int64_t)s->trancount,
				(int64_t)s->isolation, (int64_t)s->lock_timeout, (int64_t)s->deadlock_priority);
}

static void one_lock(struct compiler *c, struct text *out, const struct lock *l, const char *status)
{
	static const char *const kinds[] = { "DATABASE", "OBJECT", "APPLICATION", "METADATA" };
	static const char *const owners[] = { "TRANSACTION", "TRANSACTION", "SESSION" };

	if (l->kind != LOCK_WRITER)
		row(c, out, "sisissis", kinds[l->kind], (int64_t)l->database, l->name, (int64_t)l->object,
			lock_mode_name(l->mode), status, (int64_t)l->owner->id, owners[l->duration]);
}

static void locks(struct compiler *c, struct text *out)
{
	struct engine *engine = c->session->engine;

	for (struct lock *l = engine->locks; l; l = l->next)
		one_lock(c, out, l, "GRANT");
	for (struct session *s = engine->sessions; s; s = s->next) {
		if (s->waiting_for)
			one_lock(c, out, s->waiting_for, "WAIT");
		if (s->database)
			row(c, out, "sisissis", "DATABASE", (int64_t)s->database->id, "", (int64_t)0, "S", "GRANT", (int64_t)s->id,
				"SHARED_TRANSACTION_WORKSPACE");
	}
}

static void transactions(struct compiler *c, struct text *out)
{
	for (struct session *s = c->session->engine->sessions; s; s = s->next)
		if (s->trancount)
			row(c, out, "iiiiii", (int64_t)s->id, (int64_t)s->descriptor, s->transaction_started, (int64_t)s->trancount,
				(int64_t)(s->database ? s->database->id : 0), s->log_bytes);
}

static void log_space(struct compiler *c, struct text *out)
{
	struct engine *engine = c->session->engine;

	for (struct database *d = engine->databases; d; d = d->next)
		row(c, out, "iii", (int64_t)d->id, engine->log_limit ? engine->log_limit : (int64_t)8388608 + d->log_used,
			d->log_used);
}

static void logins(struct compiler *c, struct text *out)
{
	sqlite3_stmt *s;
	int64_t id = 256;

	if (sqlite3_prepare_v2(
			c->session->engine->master, "SELECT name,windows FROM m_logins ORDER BY created", -1, &s, NULL))
		return;
	while (sqlite3_step(s) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(s, 0);

		row(c, out, "sis", name, !strcmp(name, "sa") ? (int64_t)1 : ++id, sqlite3_column_int(s, 1) ? "U" : "S");
	}
	sqlite3_finalize(s);
}

static void types(struct compiler *c, struct text *out)
{
	const char *collation = collation_get(c->database->collation)->name;
	int d = c->database->id;

	for (unsigned kind = 1; kind < K_COUNT; kind++) {
		const struct kind_info *i = kind_info(kind);
		bool text = i->storage == STORE_TEXT && kind != K_XML;

		row(c, out, "siiiiiisiii", i->name, (int64_t)i->system_id, (int64_t)i->user_id, (int64_t)4,
			(int64_t)i->max_length, (int64_t)i->precision, (int64_t)i->scale, text ? collation : NULL,
			(int64_t)(kind != K_SYSNAME && kind != K_TIMESTAMP), (int64_t)0, (int64_t)(kind >= K_HIERARCHYID));
	}
	text_format(out,
		" UNION ALL SELECT name,system_type(kind),user_type_id,schema_id,CASE WHEN length=65535 THEN -1 ELSE length"
		" END,precision,scale,CASE WHEN kind BETWEEN 19 AND 25 THEN '%s' END,nullable,1,0 FROM d%d.m_types",
		collation, d);
}

const char *generate_rows(struct compiler *c, const char *generator)
{
	static const struct {
		const char *name;
		void (*make)(struct compiler *c, struct text *out);
		int columns;
	} generators[] = {
		{ "databases", databases, 14 },
		{ "files", files, 7 },
		{ "sessions", sessions, 25 },
		{ "requests", requests, 9 },
		{ "locks", locks, 8 },
		{ "transactions", transactions, 6 },
		{ "log", log_space, 3 },
		{ "logins", logins, 3 },
		{ "types", types, 11 },
	};
	struct text out = { .arena = c->arena };

	for (size_t i = 0; i < sizeof(generators) / sizeof(*generators); i++) {
		if (strcmp(generators[i].name, generator))
			continue;
		pthread_mutex_lock(&c->session->engine->mutex);
		generators[i].make(c, &out);
		pthread_mutex_unlock(&c->session->engine->mutex);
		if (out.size)
			return text_done(&out);
		text_add(&out, "SELECT ");
		for (int k = 1; k <= generators[i].columns; k++)
			text_format(&out, "%sNULL AS g%d", k > 1 ? "," : "", k);
		text_add(&out, " WHERE 0");
		return text_done(&out);
	}
	return NULL;
}

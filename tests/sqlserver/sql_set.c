/* SPDX-License-Identifier: Apache-2.0 */
/* SET options and DBCC. */
#include "tests/sqlserver/sql_run.h"
#include "tests/sqlserver/sql_parse.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	size_t offset;
} switches[] = {
	{ "XACT_ABORT", offsetof(struct session, xact_abort) },
	{ "NOCOUNT", offsetof(struct session, nocount) },
	{ "IMPLICIT_TRANSACTIONS", offsetof(struct session, implicit_transactions) },
	{ "QUOTED_IDENTIFIER", offsetof(struct session, quoted_identifier) },
	{ "ANSI_NULLS", offsetof(struct session, ansi_nulls) },
	{ "ANSI_PADDING", offsetof(struct session, ansi_padding) },
	{ "ANSI_WARNINGS", offsetof(struct session, ansi_warnings) },
	{ "ARITHABORT", offsetof(struct session, arithabort) },
	{ "CONCAT_NULL_YIELDS_NULL", offsetof(struct session, concat_null) },
	{ "NUMERIC_ROUNDABORT", offsetof(struct session, numeric_roundabort) },
	{ "ANSI_NULL_DFLT_ON", offsetof(struct session, ansi_null_dflt) },
	{ "FMTONLY", offsetof(struct session, format_only) },
};

static int set_switch(struct session *session, const char *word, bool on)
{
	static const char *const accepted[] = { "ANSI_NULL_DFLT_OFF", "CURSOR_CLOSE_ON_COMMIT", "ARITHIGNORE", "FORCEPLAN",
		"REMOTE_PROC_TRANSACTIONS", "NO_BROWSETABLE", "NOEXEC", "PARSEONLY" };

	if (!strcasecmp(word, "ANSI_DEFAULTS")) {
		session->ansi_nulls = session->ansi_padding = session->ansi_warnings = session->quoted_identifier = on;
		return 0;
	}
	for (size_t i = 0; i < sizeof(switches) / sizeof(*switches); i++) {
		if (strcasecmp(switches[i].name, word))
			continue;
		*(bool *)((char *)session + switches[i].offset) = on;
		return 0;
	}
	for (size_t i = 0; i < sizeof(accepted) / sizeof(*accepted); i++)
		if (!strcasecmp(accepted[i], word))
			return on && i > 5 ? session_raise_text(session, 50000, 16, 1, "The stand-in does not know SET %s.", word)
							   : 0;
	return session_raise_text(session, 195, 15, 5, "'%s' is not a recognized SET option.", word);
}

static int set_isolation(struct session *session, const char *name)
{
	static const char *const names[] = { "", "READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE",
		"SNAPSHOT" };

	for (int i = 1; i < 6; i++) {
		if (strcmp(names[i], name))
			continue;
		if (i == ISOLATION_SNAPSHOT && session->trancount && session->isolation != i && session->sqlite_open)
			return session_raise(session, 3951, session->database->name);
		session->isolation = i;
	}
	return 0;
}

static int set_identity_insert(struct session *session, struct statement *s)
{
	struct table *table = catalogue_table(session, &s->name);
	bool has = false;

	if (!table)
		return -5;
	for (size_t i = 0; i < table->column_count; i++)
		has |= table->columns[i].identity;
	if (!has)
		return session_raise(session, 8106, table->name);
	if (s->on && session->identity_insert_object && session->identity_insert_object != table->id) {
		struct table *other = catalogue_by_id(session, table->database, session->identity_insert_object);

		return session_raise(session, 8107, other ? other->name : "?", table->name);
	}
	if (s->on || session->identity_insert_object == table->id) {
		session->identity_insert_object = s->on ? table->id : 0;
		session->identity_insert_database = table->database->id;
	}
	return 0;
}

static int set_value(struct session *session, struct statement *s)
{
	struct sql_type type;
	struct value value = value_null();
	const char *word = s->extra ? s->extra : "";

	if (s->node_count && evaluate(session, s->nodes[0], &type, &value))
		return -5;
	if (value.storage == STORE_TEXT)
		word = value.data;
	if (!strcmp(s->text, "TEXTSIZE"))
		session->text_size = value.i < 0 ? 2147483647 : value.i == 0 ? 4096 : value.i;
	else if (!strcmp(s->text, "ROWCOUNT"))
		session->row_limit = value.i;
	else if (!strcmp(s->text, "LOCK_TIMEOUT"))
		session->lock_timeout = (int)value.i;
	else if (!strcmp(s->text, "DATEFIRST"))
		session->date_first = (int)value.i;
	else if (!strcmp(s->text, "DEADLOCK_PRIORITY"))
		session->deadlock_priority = !strcasecmp(word, "LOW") ? -5
			: !strcasecmp(word, "HIGH")                       ? 5
			: !strcasecmp(word, "NORMAL")                     ? 0
															  : (int)value.i;
	else if (!strcmp(s->text, "DATEFORMAT"))
		snprintf(session->date_format, sizeof(session->date_format), "%.3s", word);
	else if (!strcmp(s->text, "LANGUAGE"))
		snprintf(session->language, sizeof(session->language), "%s", word);
	return 0;
}

int run_set(struct session *session, struct statement *s)
{
	if (s->word_count) {
		for (size_t i = 0; i < s->word_count; i++)
			if (set_switch(session, s->words[i], s->on))
				return -5;
		return 0;
	}
	if (!strcmp(s->text, "ISOLATION"))
		return set_isolation(session, s->extra);
	if (!strcmp(s->text, "IDENTITY_INSERT"))
		return set_identity_insert(session, s);
	return !strcmp(s->text, "STATISTICS") ? 0 : set_value(session, s);
}

static struct column *identity_column(struct table *table)
{
	for (size_t i = 0; i < table->column_count; i++)
		if (table->columns[i].identity)
			return &table->columns[i];
	return NULL;
}

static int64_t highest(struct session *session, const struct table *table, const struct column *column, bool *any)
{
	*any = query_int(session, 0, "SELECT count(*) FROM d%d.t%d", table->database->id, table->id);
	return query_int(session, 0, "SELECT %s(c%d) FROM d%d.t%d", column->increment < 0 ? "min" : "max", column->id,
		table->database->id, table->id);
}

/* DBCC CHECKIDENT (table [, NORESEED | RESEED [, value]]) */
static int checkident(struct session *session, struct statement *s)
{
	struct name name;

	if (!s->word_count || !parse_object_name(session->arena, s->words[0], &name))
		return session_raise(session, 208, s->word_count ? s->words[0] : "");
	struct table *table = catalogue_table(session, &name);
	struct column *column = table ? identity_column(table) : NULL;
	bool any;

	if (!table)
		return -5;
	if (!column)
		return session_raise_text(session, 7997, 16, 1, "'%s' does not contain an identity column.", table->name);
	if (!security_allows(session, table->database, 0, "CREATE TABLE"))
		return session_raise_text(session, 2557, 14, 3,
			"User '%s' does not have permission to run DBCC CHECKIDENT for object"
			" '%s'.",
			session->login, table->name);
	if (transaction_write(session, table->database) || transaction_lock_schema(session, table))
		return -5;
	struct identity *identity = identity_get(session, table);
	int64_t most = highest(session, table, column, &any);
	bool reseed = s->word_count > 1 && !strcasecmp(s->words[1], "RESEED"), noreseed = s->word_count > 1 && !reseed;
	const char *was = identity->used ? arena_format(session->arena, "%lld", (long long)identity->last) : "NULL";

	if (s->word_count > 2) { /* on a table never used or truncated, the value itself is next; else the one after it */
		identity->last = strtoll(s->words[2], NULL, 10);
		identity->reseeded = !identity->used; /* last_value stays NULL */
		identity->dirty = true;
	} else if (!noreseed && any &&
		(!identity->used || (column->increment > 0 ? most > identity->last : most < identity->last) || reseed)) {
		identity->last = most;
		identity->used = identity->dirty = true;
	}
	if (!s->flag)
		session_inform(session, 7998, 0, 1,
			arena_format(session->arena,
				"Checking identity information: current identity value"
				" '%s', current column value '%s'.",
				was, any ? arena_format(session->arena, "%lld", (long long)most) : "NULL"));
	return 0;
}

/* DBCC CHECKTABLE (table, REPAIR_ALLOW_DATA_LOSS): a page that cannot be read goes, and what was on it. */
static int repair_table(struct session *session, struct statement *s)
{
	struct name name;
	struct table *table = parse_object_name(session->arena, s->words[0], &name) ? catalogue_table(session, &name)
																				: NULL;
	const char *damaged = table ? strstr(table->flags, " damaged=") : NULL;

	if (!table)
		return session_raise(session, 208, s->words[0]);
	if (table->database->user_access != 1)
		return session_raise_text(
			session, 7919, 16, 3, "Repair statement not processed. Database needs to be in single user mode.");
	if (!damaged)
		return 0;
	if (transaction_write(session, table->database) || transaction_lock_schema(session, table))
		return -5;
	return query_run(session, "DELETE FROM d%d.t%d WHERE rowid=%lld", table->database->id, table->id,
			   atoll(damaged + strlen(" damaged="))) ||
			query_run(session,
				"UPDATE d%d.m_objects SET flags=substr(flags,1,instr(flags,' damaged=')-1) WHERE object_id=%d",
				table->database->id, table->id)
		? -5
		: 0;
}

int run_dbcc(struct session *session, struct statement *s)
{
	static const char *const harmless[] = { "FREEPROCCACHE", "DROPCLEANBUFFERS", "UPDATEUSAGE", "TRACEON", "TRACEOFF",
		"CHECKDB", "CHECKTABLE", "CHECKALLOC" };

	if (!strcasecmp(s->text, "CHECKIDENT"))
		return checkident(session, s);
	if (!strcasecmp(s->text, "CHECKTABLE") && s->word_count > 1 && !strcasecmp(s->words[1], "REPAIR_ALLOW_DATA_LOSS"))
		return repair_table(session, s);
	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		if (!strcasecmp(harmless[i], s->text))
			return 0;
	return session_raise_text(session, 50000, 16, 1, "The stand-in does not know DBCC %s.", s->text);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* FROM: tables, views, derived tables, joins. */
#include "tests/sqlserver/sql_compile.h"
#include "tests/sqlserver/sql_parse.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void compile_use(struct compiler *c, struct table *table, unsigned hints, bool write)
{
	struct table_use *use = arena_alloc(c->arena, sizeof(*use));

	*use = (struct table_use){ .table = table, .hints = hints, .write = write, .next = c->uses };
	c->uses = use;
}

struct source *compile_add_source(struct compiler *c, const char *alias, size_t columns)
{
	struct source *source = arena_alloc(c->arena, sizeof(*source)), **last = &c->scope->sources;

	for (struct source *s = c->scope->sources; s; s = s->next)
		if (alias && *alias && name_equal(s->alias, alias) && !s->full.schema) {
			session_raise_text(c->session, 1011, 16, 1,
				"The correlation name '%s' is specified multiple times in a FROM clause.", alias);
			compile_fail(c);
		}
	source->alias = alias ? alias : "";
	source->sql_alias = compile_format(c, "s%d", c->next_alias++);
	source->columns = arena_alloc(c->arena, (columns + 1) * sizeof(*source->columns));
	source->count = columns;
	while (*last)
		last = &(*last)->next;
	*last = source;
	return source;
}

/* Computed columns are computed where they are read, persisted ones too. */
static const char *computed_sql(
	struct compiler *c, struct table *table, const struct column *column, const char *sql_alias)
{
	struct source source = { .alias = table->name, .sql_alias = sql_alias, .table = table };
	struct source_column *columns = arena_alloc(c->arena, (table->column_count + 1) * sizeof(*columns));

	for (size_t i = 0; i < table->column_count; i++) {
		if (table->columns[i].computed)
			continue;
		columns[source.count++] = (struct source_column){ .name = table->columns[i].name,
			.type = table->columns[i].type,
			.nullable = table->columns[i].nullable,
			.sql = compile_format(c, "%s.c%d", sql_alias, table->columns[i].id) };
	}
	source.columns = columns;
	struct expr e = compile_stored(c, column->computed_text, &source, false);

	return compile_format(c, "(%s)", compile_convert(c, e, column->type, false).sql);
}

struct expr compile_stored(struct compiler *c, const char *text, struct source *source, bool condition)
{
	struct node *node;
	struct parse_error error;
	struct scope scope = { .sources = source }, *before = c->scope;

	if ((condition ? parse_condition : parse_expression)(c->arena, text, &node, &error)) {
		session_raise_text(c->session, error.number, 15, 1, "%s", error.text);
		compile_fail(c);
	}
	c->scope = &scope;
	struct expr e = { .sql = NULL };

	if (condition)
		e.sql = compile_condition(c, node);
	else
		e = compile_expression(c, node);
	c->scope = before;
	return e;
}

static const char *masked(struct compiler *c, const struct column *column, const char *sql)
{
	if (type_is_character(column->type)) {
		if (!strncasecmp(column->mask, "email", 5))
			return compile_format(
				c, "(CASE WHEN %s IS NULL THEN NULL ELSE substring(%s,1,1)||'XXX@XXXX.com' END)", sql, sql);
		return compile_format(c, "(CASE WHEN %s IS NULL THEN NULL ELSE 'xxxx' END)", sql);
	}
	return compile_format(c, "(CASE WHEN %s IS NULL THEN NULL ELSE %s END)", sql,
		kind_info(column->type.kind)->storage == STORE_BLOB ? "x'00'" : "0");
}

bool security_unmasked(struct session *session, struct database *database);

struct source *compile_table_source(struct compiler *c, struct table *table, const char *alias, unsigned hints)
{
	struct source *source = compile_add_source(c, alias, table->column_count);

	source->table = table;
	source->full.schema = alias == table->name ? table->schema : NULL;
	compile_use(c, table, hints, false);
	for (size_t i = 0; i < table->column_count; i++) {
		struct column *column = &table->columns[i];
		const char *sql = compile_format(c, "%s.c%d", source->sql_alias, column->id);

		if (column->computed)
			sql = computed_sql(c, table, column, source->sql_alias);
		if (column->mask && !security_unmasked(c->session, table->database))
			sql = masked(c, column, sql);
		source->columns[i] = (struct source_column){ .name = column->name,
			.sql = sql,
			.type = column->type,
			.nullable = column->nullable,
			.identity = column->identity,
			.computed = column->computed || column->row_version,
			.hidden = column->hidden,
			.column = column,
			.table_name = table->name };
	}
	return source;
}

static void query_columns(
	struct compiler *c, struct source *source, const struct compiled *inner, const char **names, size_t name_count)
{
	if (names && name_count != inner->count)
		compile_error(c, name_count < inner->count ? 8158 : 8159, source->alias);
	for (size_t i = 0; i < inner->count; i++) {
		const char *name = names ? names[i] : inner->results[i].name;

		if (!name || !*name)
			compile_error(c, 8155, (int)i + 1, source->alias);
		source->columns[i] = (struct source_column){ .name = name,
			.type = inner->results[i].type,
			.sql = compile_format(c, "%s.k%zu", source->sql_alias, i + 1),
			.nullable = inner->results[i].nullable,
			.identity = inner->results[i].identity };
	}
}

/* A view's or an inline function's query, in its own database, without the caller's names in sight. */
static struct compiled module_query(struct compiler *c, struct table *view, const struct table_ref *ref)
{
	struct statement *statement;
	struct parse_error error;
	struct scope *scope = c->scope;
	struct cte_binding *ctes = c->ctes;
	struct database *database = c->database;

	if (parse_batch(c->arena, view->definition, strlen(view->definition), true, &statement, &error)) {
		session_raise_text(c->session, error.number, 15, 1, "%s", error.text);
		compile_fail(c);
	}
	c->scope = NULL;
	c->ctes = NULL;
	c->database = view->database;
	struct database *frame_database = c->session->frame->database;
	struct variable *variables = c->session->frame->variables;
	struct variable *parameters = NULL;

	c->session->frame->database = view->database;
	for (struct parameter_def *p = statement->parameters; p; p = p->next) { /* arguments become text of the query */
		struct variable *v = arena_alloc(c->arena, sizeof(*v));

		strncpy(v->name, p->name, sizeof(v->name) - 1);
		v->next = parameters;
		parameters = v;
	}
	(void)ref;
	if (parameters) {
		session_raise_text(
			c->session, 50000, 16, 1, "The stand-in does not know parameters of table-valued functions.");
		compile_fail(c);
	}
	struct compiled inner = compile_select(c, statement->query);

	for (size_t i = 0; statement->words && i < inner.count && i < statement->word_count; i++)
		inner.results[i].name = statement->words[i];
	c->session->frame->variables = variables;
	c->session->frame->database = frame_database;
	c->database = database;
	c->scope = scope;
	c->ctes = ctes;
	return inner;
}

static void add_query(struct compiler *c, const struct compiled *inner, const char *alias, const char **names,
	size_t count, struct text *out)
{
	struct source *source = compile_add_source(c, alias, inner->count);

	query_columns(c, source, inner, names, count);
	text_format(out, "(%s) AS %s", inner->sql, source->sql_alias);
}

static bool add_cte(struct compiler *c, const struct table_ref *ref, const char *alias, struct text *out)
{
	if (ref->name.schema)
		return false;
	for (struct cte_binding *b = c->ctes; b; b = b->next) {
		if (!name_equal(b->name, ref->name.object))
			continue;
		struct source *source = compile_add_source(c, alias, b->count);

		for (size_t i = 0; i < b->count; i++) {
			source->columns[i] = b->columns[i];
			source->columns[i].sql = compile_format(c, "%s.k%zu", source->sql_alias, i + 1);
		}
		text_format(out, "%s AS %s", b->sql_name, source->sql_alias);
		return true;
	}
	return false;
}

/* inserted and deleted, while a trigger runs. */
static bool add_trigger_table(struct compiler *c, const struct table_ref *ref, const char *alias, struct text *out)
{
	struct frame *frame = c->session->frame;
	bool inserted = !strcasecmp(ref->name.object, "inserted");

	if (!frame->trigger_table || ref->name.schema || (!inserted && strcasecmp(ref->name.object, "deleted")))
		return false;
	struct table *table = catalogue_by_id(c->session, frame->database, frame->trigger_table);

	if (!table)
		compile_fail(c);
	struct table_use *uses = c->uses;
	struct source *source = compile_table_source(c, table, alias, 0);

	c->uses = uses;
	text_format(out, "temp.%s AS %s", inserted ? frame->inserted : frame->deleted, source->sql_alias);
	return true;
}

static const char *row_filter(struct compiler *c, struct table *table, const char *alias)
{
	if (c->session->engine->version < 13 || table->temporary)
		return NULL;
	const char *predicate = query_text(c->session,
		"SELECT p.predicate FROM d%d.m_predicates p JOIN d%d.m_objects o ON"
		" o.object_id=p.policy AND o.disabled=0 WHERE p.target=%d",
		table->database->id, table->database->id, table->id);

	if (!predicate)
		return NULL;
	struct source plain = { .alias = table->name, .sql_alias = alias, .table = table, .count = table->column_count };

	plain.columns = arena_alloc(c->arena, (table->column_count + 1) * sizeof(*plain.columns));
	for (size_t i = 0; i < table->column_count; i++)
		plain.columns[i] = (struct source_column){ .name = table->columns[i].name,
			.type = table->columns[i].type,
			.sql = compile_format(c, "%s.c%d", alias, table->columns[i].id) };
	/* The predicate calls an inline function that selects one row or none; its own rows are asked for. */
	struct node *node;
	struct parse_error error;
	struct scope scope = { .sources = &plain }, *before = c->scope;

	if (parse_expression(c->arena, predicate, &node, &error) || node->kind != N_CALL) {
		session_raise_text(c->session, 50000, 16, 1, "The stand-in cannot read this security predicate.");
		compile_fail(c);
	}
	c->scope = &scope;
	const char *sql = compile_format(c, "row_visible(%d,%s,%s)", table->database->id,
		compile_text(c->arena, print_node(c->arena, node), strlen(print_node(c->arena, node))),
		node->count ? compile_expression(c, node->kids[0]).sql : "NULL");

	c->scope = before;
	return sql;
}

/* The row that lies on a page that cannot be read; 0: there is none. */
static long long damaged_row(const struct table *table)
{
	const char *mark = table->flags ? strstr(table->flags, " damaged=") : NULL;

	return mark ? atoll(mark + strlen(" damaged=")) : 0;
}

static void add_named(struct compiler *c, const struct table_ref *ref, struct text *out)
{
	const char *alias = ref->alias ? ref->alias : ref->name.object;

	if (add_cte(c, ref, alias, out) || add_trigger_table(c, ref, alias, out) || compile_view(c, &ref->name, alias, out))
		return;
	if (c->session->failed)
		compile_fail(c);
	struct database *before = c->session->frame->database;

	c->session->frame->database = c->database;
	struct table *table = catalogue_table(c->session, &ref->name);

	c->session->frame->database = before;
	if (!table)
		compile_fail(c);
	compile_permission(c, table, "SELECT");
	if (!strcmp(table->type, "V")) {
		struct compiled inner = module_query(c, table, ref);

		add_query(c, &inner, alias, NULL, 0, out);
		return;
	}
	struct source *source = compile_table_source(c, table, ref->alias ? ref->alias : table->name, ref->hints);
	const char *filter = row_filter(c, table, "f");

	if (damaged_row(table))
		filter = compile_format(
			c, "page_read(f.rowid,%lld)%s%s", damaged_row(table), filter ? " AND " : "", filter ? filter : "");
	if (filter)
		text_format(out, "(SELECT rowid,* FROM d%d.t%d f WHERE %s) AS %s", table->database->id, table->id, filter,
			source->sql_alias);
	else
		text_format(out, "d%d.t%d AS %s", table->database->id, table->id, source->sql_alias);
}

static void add_ref(struct compiler *c, const struct table_ref *ref, struct text *out);

static void nullable_from(struct source *from, struct source *to)
{
	for (struct source *s = from; s && s != to; s = s->next)
		for (size_t i = 0; i < s->count; i++)
			s->columns[i].nullable = true;
}

static struct source *last_source(struct compiler *c)
{
	struct source *s = c->scope->sources;

	while (s && s->next)
		s = s->next;
	return s;
}

static void add_join(struct compiler *c, const struct table_ref *ref, struct text *out)
{
	static const char *const words[] = { "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN" };
	struct source *start = last_source(c);
	bool nested = ref->right->kind == R_JOIN;

	if (ref->join > J_CROSS && ref->right->kind == R_QUERY) {
		session_raise_text(c->session, 50000, 16, 1, "The stand-in does not know APPLY of a query.");
		compile_fail(c);
	}
	add_ref(c, ref->left, out);
	struct source *middle = last_source(c), *first = start ? start->next : c->scope->sources;

	text_format(out, " %s %s",
		ref->join == J_OUTER_APPLY       ? "LEFT JOIN"
			: ref->join == J_CROSS_APPLY ? "JOIN"
										 : words[ref->join],
		nested ? "(" : "");
	add_ref(c, ref->right, out);
	text_add(out, nested ? ")" : "");
	if (ref->on)
		text_format(out, " ON %s", compile_condition(c, ref->on));
	else if (ref->join == J_OUTER_APPLY)
		text_add(out, " ON 1");
	if (ref->join == J_RIGHT || ref->join == J_FULL)
		nullable_from(first, middle ? middle->next : NULL);
	if (ref->join == J_LEFT || ref->join == J_FULL || ref->join == J_OUTER_APPLY)
		nullable_from(middle->next, NULL);
}

static void add_variable(struct compiler *c, const struct table_ref *ref, struct text *out)
{
	struct table_ref named = *ref;

	named.name = (struct name){ .object = ref->name.object, .database = "tempdb" };
	named.alias = ref->alias ? ref->alias : ref->name.object;
	struct table *table = catalogue_find(c->session, &named.name);

	if (!table)
		compile_error(c, 1087, ref->name.object);
	struct source *source = compile_table_source(c, table, named.alias, 0);

	text_format(out, "d%d.t%d AS %s", table->database->id, table->id, source->sql_alias);
}

static void add_ref(struct compiler *c, const struct table_ref *ref, struct text *out)
{
	switch (ref->kind) {
	case R_TABLE:
		add_named(c, ref, out);
		break;
	case R_QUERY: {
		struct scope *hidden = c->scope;

		c->scope = hidden->outer; /* a derived table does not see its neighbours */
		struct compiled inner = compile_select(c, ref->query);

		c->scope = hidden;
		add_query(c, &inner, ref->alias, ref->columns, ref->column_count, out);
		break;
	}
	case R_FUNCTION:
		if (compile_system_function(c, ref, out))
			break;
		session_raise(c->session, 208, ref->name.object);
		compile_fail(c);
	case R_VARIABLE:
		add_variable(c, ref, out);
		break;
	case R_JOIN:
		add_join(c, ref, out);
		break;
	}
}

void compile_from(struct compiler *c, struct table_ref **from, size_t count, struct text *out)
{
	for (size_t i = 0; i < count; i++) {
		if (i)
			text_add(out, ", ");
		bool join = from[i]->kind == R_JOIN && count > 1;

		if (join)
			text_add(out, "(");
		add_ref(c, from[i], out);
		if (join)
			text_add(out, ")");
	}
}

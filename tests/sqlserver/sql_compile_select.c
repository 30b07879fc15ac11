/* SPDX-License-Identifier: Apache-2.0 */
/* Queries: select lists, grouping, order, set operators, common table expressions. */
#include "tests/sqlserver/sql_compile.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct selection {
	struct result *results;
	struct expr *exprs;
	size_t count, room;
};

static void add(struct compiler *c, struct selection *s, struct expr e, const char *name)
{
	if (s->count == s->room) {
		size_t room = s->room ? s->room * 2 : 16;
		struct result *results = arena_alloc(c->arena, room * sizeof(*results));
		struct expr *exprs = arena_alloc(c->arena, room * sizeof(*exprs));

		if (s->count) {
			memcpy(results, s->results, s->count * sizeof(*results));
			memcpy(exprs, s->exprs, s->count * sizeof(*exprs));
		}
		s->results = results;
		s->exprs = exprs;
		s->room = room;
	}
	if (s->count >= 4096) {
		session_raise_text(c->session, 1056, 15, 1,
			"The number of elements in the select list exceeds the maximum allowed"
			" number of 4096 elements.");
		compile_fail(c);
	}
	struct result *r = &s->results[s->count];

	*r = (struct result){ .name = name ? name
			: e.name                   ? e.name
									   : "",
		.type = e.type,
		.nullable = e.nullable || e.is_null };
	if (e.column) {
		r->identity = e.column->identity;
		r->computed = e.column->computed;
		r->key = e.column->key;
		r->table = e.column->table_name;
	}
	if (!r->type.kind)
		r->type = type_simple(K_INT);
	s->exprs[s->count++] = e;
}

static void add_star(struct compiler *c, struct selection *selection, const struct name *name)
{
	bool any = false;

	for (struct source *s = c->scope->sources; s; s = s->next) {
		if (name->object && !name_equal(s->alias, name->object))
			continue;
		any = true;
		for (size_t i = 0; i < s->count; i++) {
			struct source_column *column = &s->columns[i];

			if (!column->hidden)
				add(c, selection,
					(struct expr){ .sql = column->sql,
						.type = column->type,
						.nullable = column->nullable,
						.column = column,
						.name = column->name,
						.collation_rank = 1 },
					column->name);
		}
	}
	if (!any) {
		session_raise_text(c->session, name->object ? 107 : 263, 15, 1,
			name->object ? "The column prefix '%s' does not match with a table name or alias name used in the query."
						 : "Must specify table to select from.%s",
			name->object ? name->object : "");
		compile_fail(c);
	}
}

static void select_list(struct compiler *c, const struct select *select, struct selection *out, bool *assigns)
{
	for (const struct select_item *item = select->items; item; item = item->next) {
		if (item->expression->kind == N_STAR) {
			add_star(c, out, &item->expression->name);
			continue;
		}
		struct expr e = compile_expression(c, item->expression);

		if (item->variable) {
			struct variable *v = variable_find(c->session, item->variable);

			if (!v)
				compile_error(c, 137, item->variable);
			if (item->op) {
				struct expr left = {
					.sql = compile_format(c, "getvar(%lld)", (long long)(intptr_t)v), .type = v->type, .nullable = true
				};

				e = compile_arithmetic(c, item->op, left, e);
			}
			e = compile_convert(c, e, v->type, false);
			*assigns = true;
		}
		add(c, out, e, item->alias);
		out->results[out->count - 1].variable = item->variable;
	}
}

static bool has_aggregate(const struct node *node)
{
	static const char *const names[] = { "COUNT", "COUNT_BIG", "SUM", "AVG", "MIN", "MAX", "CHECKSUM_AGG", "STDEV",
		"STDEVP", "VAR", "VARP", "STRING_AGG", "GROUPING" };

	if (node->kind == N_SUBQUERY)
		return false;
	if (node->kind == N_CALL && !node->over && !node->name.object)
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
			if (!strcasecmp(names[i], node->text))
				return true;
	for (size_t i = 0; i < node->count; i++)
		if (node->kids[i] && has_aggregate(node->kids[i]))
			return true;
	return false;
}

static bool is_grouped(const struct select *select)
{
	if (select->group_count || select->having)
		return true;
	for (const struct select_item *item = select->items; item; item = item->next)
		if (has_aggregate(item->expression))
			return true;
	return false;
}

static void group_by(struct compiler *c, const struct select *select, struct text *out)
{
	if (!select->group_count)
		return;
	const char **groups = arena_alloc(c->arena, select->group_count * sizeof(*groups));

	text_add(out, " GROUP BY ");
	c->scope->grouped = false;
	for (size_t i = 0; i < select->group_count; i++) {
		struct expr e = compile_expression(c, select->group[i]);

		groups[i] = e.sql;
		text_format(out, "%s%s", i ? ", " : "", compile_collated(c, e));
	}
	c->scope->grouped = true;
	c->scope->groups = groups;
	c->scope->group_count = select->group_count;
}

static const char *order_term(
	struct compiler *c, const struct node *node, const struct selection *selection, bool compound)
{
	size_t ordinal = 0;

	if (node->kind == N_INTEGER) {
		ordinal = (size_t)strtoul(node->text, NULL, 10);
		if (!ordinal || ordinal > selection->count) {
			session_raise_text(c->session, 108, 16, 1,
				"The ORDER BY position number %zu is out of range of the number of items"
				" in the select list.",
				ordinal);
			compile_fail(c);
		}
	}
	for (size_t i = 0; !ordinal && node->kind == N_COLUMN && (compound || !node->name.object) && i < selection->count;
		 i++)
		if (name_equal(selection->results[i].name, node->text))
			ordinal = i + 1;
	if (ordinal) {
		struct expr e = selection->exprs[ordinal - 1];

		e.sql = compile_format(c, "%zu", ordinal);
		e.type = selection->results[ordinal - 1].type;
		return e.type.kind == K_DATETIMEOFFSET && !compound
			? compile_format(c, "dto_utc(%s)", selection->exprs[ordinal - 1].sql)
			: compile_collated(c, e);
	}
	if (compound) {
		session_raise_text(c->session, 104, 16, 1,
			"ORDER BY items must appear in the select list if the statement contains a"
			" UNION, INTERSECT or EXCEPT operator.");
		compile_fail(c);
	}
	struct expr e = compile_expression(c, node);

	return e.type.kind == K_DATETIMEOFFSET ? compile_format(c, "dto_utc(%s)", e.sql) : compile_collated(c, e);
}

static bool order_by(
	struct compiler *c, const struct select *select, const struct selection *selection, bool compound, struct text *out)
{
	for (const struct order_item *item = select->order; item; item = item->next)
		text_format(out, "%s%s%s", item == select->order ? " ORDER BY " : ", ",
			order_term(c, item->expression, selection, compound), item->descending ? " DESC" : "");
	return select->order;
}

static void limit(struct compiler *c, const struct select *select, struct text *out)
{
	struct sql_type bigint = type_simple(K_BIGINT);

	if (select->percent || select->ties) {
		session_raise_text(c->session, 50000, 16, 1, "The stand-in does not know TOP PERCENT and WITH TIES.");
		compile_fail(c);
	}
	if (select->top)
		text_format(out, " LIMIT %s", compile_convert(c, compile_expression(c, select->top), bigint, false).sql);
	else if (select->fetch)
		text_format(out, " LIMIT %s", compile_convert(c, compile_expression(c, select->fetch), bigint, false).sql);
	else if (select->offset)
		text_add(out, " LIMIT -1");
	if (select->offset)
		text_format(out, " OFFSET %s", compile_convert(c, compile_expression(c, select->offset), bigint, false).sql);
}

static void check_grouping(struct compiler *c)
{
	if (c->scope->grouped && c->scope->ungrouped)
		compile_error(c, 8120, c->scope->ungrouped);
}

static struct compiled finish(struct compiler *c, struct selection *selection, struct text *sql, bool assigns)
{
	(void)c;
	return (struct compiled){
		.sql = text_done(sql), .results = selection->results, .count = selection->count, .assigns = assigns
	};
}

static struct compiled simple(struct compiler *c, const struct select *select)
{
	struct scope scope = { .outer = c->scope };
	struct selection selection = { .count = 0 };
	struct text sql = { .arena = c->arena }, from = { .arena = c->arena }, tail = { .arena = c->arena };
	bool assigns = false, live = c->live_variables;
	int aggregates = c->in_aggregate;

	c->scope = &scope;
	c->in_aggregate = 0;
	for (const struct select_item *item = select->items; item; item = item->next)
		c->live_variables |= item->variable && !scope.outer;
	if (select->from_count) {
		text_add(&from, " FROM ");
		compile_from(c, select->from, select->from_count, &from);
	}
	if (select->where)
		text_format(&from, " WHERE %s", compile_condition(c, select->where));
	scope.grouped = is_grouped(select);
	group_by(c, select, &tail);
	select_list(c, select, &selection, &assigns);
	if (select->having)
		text_format(&tail, " HAVING %s", compile_condition(c, select->having));
	order_by(c, select, &selection, false, &tail);
	check_grouping(c);
	limit(c, select, &tail);
	text_add(&sql, select->distinct ? "SELECT DISTINCT " : "SELECT ");
	for (size_t i = 0; i < selection.count; i++)
		text_format(&sql, "%s%s AS k%zu", i ? "," : "",
			select->distinct ? compile_collated(c, selection.exprs[i]) : selection.exprs[i].sql, i + 1);
	text_add(&sql, text_done(&from));
	if (select->having && !select->group_count) /* HAVING alone makes one group, which SQLite wants to be told */
		text_add(&sql, " GROUP BY NULL");
	text_add(&sql, text_done(&tail));
	c->live_variables = live;
	c->in_aggregate = aggregates;
	c->scope = scope.outer;
	return finish(c, &selection, &sql, assigns);
}

static struct compiled values(struct compiler *c, const struct select *select)
{
	struct selection selection = { .count = 0 };
	struct text sql = { .arena = c->arena };
	struct expr *cells = arena_alloc(c->arena, select->row_count * select->column_count * sizeof(*cells));

	for (size_t row = 0; row < select->row_count; row++)
		for (size_t i = 0; i < select->column_count; i++)
			cells[row * select->column_count + i] = compile_expression(c, select->rows[row][i]);
	for (size_t i = 0; i < select->column_count; i++) {
		struct expr e = cells[i];

		for (size_t row = 1; row < select->row_count; row++) {
			struct expr *cell = &cells[row * select->column_count + i];

			e.type = cell->is_null ? e.type : type_common(e.type, cell->type);
			e.nullable |= cell->nullable;
		}
		e.name = NULL;
		e.column = NULL;
		add(c, &selection, e, NULL);
	}
	for (size_t row = 0; row < select->row_count; row++) {
		text_add(&sql, row ? " UNION ALL SELECT " : "SELECT ");
		for (size_t i = 0; i < select->column_count; i++)
			text_format(&sql, "%s%s AS k%zu", i ? "," : "",
				compile_convert(c, cells[row * select->column_count + i], selection.results[i].type, false).sql, i + 1);
	}
	return finish(c, &selection, &sql, false);
}

/* One side of a set operator, brought to the common types. */
static const char *branch(struct compiler *c, const struct compiled *side, const struct selection *selection)
{
	struct text sql = { .arena = c->arena };
	int alias = c->next_alias++;

	text_add(&sql, "SELECT ");
	for (size_t i = 0; i < side->count; i++) {
		struct expr e = { .sql = compile_format(c, "b%d.k%zu", alias, i + 1), .type = side->results[i].type };

		e = compile_convert(c, e, selection->results[i].type, false);
		text_format(&sql, "%s%s AS k%zu", i ? "," : "", compile_collated(c, e), i + 1);
	}
	text_format(&sql, " FROM (%s) AS b%d", side->sql, alias);
	return text_done(&sql);
}

static struct compiled set_operation(struct compiler *c, const struct select *select)
{
	static const char *const words[] = { "", " UNION ", " UNION ALL ", " EXCEPT ", " INTERSECT " };
	struct compiled left = compile_select(c, select->left), right = compile_select(c, select->right);
	struct selection selection = { .count = 0 };
	struct text sql = { .arena = c->arena };

	if (left.count != right.count)
		compile_error(c, 205);
	for (size_t i = 0; i < left.count; i++) {
		struct expr e = { .type = type_common(left.results[i].type, right.results[i].type),
			.nullable = left.results[i].nullable || right.results[i].nullable };

		add(c, &selection, e, left.results[i].name);
	}
	text_format(&sql, "%s%s%s", branch(c, &left, &selection), words[select->op], branch(c, &right, &selection));
	order_by(c, select, &selection, true, &sql);
	limit(c, select, &sql);
	return finish(c, &selection, &sql, false);
}

static bool mentions(const struct select *select, const char *name)
{
	if (select->left)
		return mentions(select->left, name) || mentions(select->right, name);
	for (size_t i = 0; i < select->from_count; i++)
		for (const struct table_ref *r = select->from[i]; r; r = r->kind == R_JOIN ? r->left : NULL) {
			const struct table_ref *leaf = r->kind == R_JOIN ? r->right : r;

			if (leaf->kind == R_TABLE && !leaf->name.schema && name_equal(leaf->name.object, name))
				return true;
		}
	return false;
}

static void bind(struct compiler *c, struct cte_binding *b, const struct cte *cte, const struct compiled *inner)
{
	b->name = cte->name;
	b->count = inner->count;
	b->columns = arena_alloc(c->arena, (inner->count + 1) * sizeof(*b->columns));
	for (size_t i = 0; i < inner->count; i++) {
		b->columns[i].name = cte->columns && i < cte->column_count ? cte->columns[i] : inner->results[i].name;
		b->columns[i].type = inner->results[i].type;
		b->columns[i].nullable = inner->results[i].nullable;
	}
	b->next = c->ctes;
	c->ctes = b;
}

static const char *recursive_body(struct compiler *c, const struct cte *cte, struct cte_binding *b)
{
	struct compiled anchor = compile_select(c, cte->query->left);

	bind(c, b, cte, &anchor);
	struct compiled step = compile_select(c, cte->query->right);

	return compile_format(c, "%s UNION ALL %s", anchor.sql, step.sql);
}

void compile_ctes(struct compiler *c, const struct cte *ctes, struct text *out)
{
	for (const struct cte *cte = ctes; cte; cte = cte->next) {
		struct cte_binding *b = arena_alloc(c->arena, sizeof(*b));
		const char *body;

		b->sql_name = compile_format(c, "w%d", c->next_alias++);
		if (cte->query->op == SET_UNION_ALL && mentions(cte->query->right, cte->name)) {
			body = recursive_body(c, cte, b);
		} else {
			struct compiled inner = compile_select(c, cte->query);

			body = inner.sql;
			bind(c, b, cte, &inner);
		}
		text_format(out, "%s%s(", cte == ctes ? "WITH RECURSIVE " : ", ", b->sql_name);
		for (size_t i = 0; i < b->count; i++)
			text_format(out, "%sk%zu", i ? "," : "", i + 1);
		text_format(out, ") AS (%s)", body);
	}
	if (ctes)
		text_add(out, " ");
}

/* FOR XML PATH(''): all rows as one text; names become tags unless they are none. */
static void as_xml(struct compiler *c, const struct select *select, struct compiled *q)
{
	struct text row = { .arena = c->arena };

	for (size_t i = 0; i < q->count; i++) {
		const char *name = q->results[i].name;
		struct expr e = { .sql = compile_format(c, "k%zu", i + 1), .type = q->results[i].type };

		e = compile_convert(c, e, type_nvarchar((int)LENGTH_MAX, c->database->collation), false);
		text_format(&row, "%scoalesce(%s%sxml_escape(%s)%s%s,'')", i ? "||" : "",
			*name ? compile_format(c, "'<%s>'||", name) : "", "", e.sql,
			*name ? compile_format(c, "||'</%s>'", name) : "", "");
	}
	const char *tag = select->xml_tag;

	q->sql = compile_format(c, "SELECT xml_join(%s%s%s) AS k1 FROM (%s)",
		*tag ? compile_format(c, "'<%s>'||", tag) : "", text_done(&row),
		*tag ? compile_format(c, "||'</%s>'", tag) : "", q->sql);
	q->results[0] =
		(struct result){ .name = "", .nullable = true, .type = type_nvarchar((int)LENGTH_MAX, c->database->collation) };
	q->count = 1;
}

struct compiled compile_select(struct compiler *c, const struct select *select)
{
	struct cte_binding *before = c->ctes;
	struct text sql = { .arena = c->arena };

	if (c->depth++ > 200) {
		session_raise_text(c->session, 8631, 17, 1, "Internal error: Server stack limit has been reached.");
		compile_fail(c);
	}
	compile_ctes(c, select->with, &sql);
	struct compiled q = select->op == SET_VALUES ? values(c, select)
		: select->op                             ? set_operation(c, select)
												 : simple(c, select);

	if (select->xml_path)
		as_xml(c, select, &q);
	if (sql.size) {
		text_add(&sql, q.sql);
		q.sql = text_done(&sql);
	}
	c->ctes = before;
	c->depth--;
	return q;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Literals, variables, columns, operators, CASE, CAST. */
#include "tests/sqlserver/sql_compile.h"
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_convert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

_Noreturn void compile_fail(struct compiler *c)
{
	longjmp(c->fail, 1);
}

void compiler_init(struct compiler *c, struct session *session)
{
	memset(c, 0, sizeof(*c));
	c->session = session;
	c->arena = session->arena;
	c->database = session->frame->database ? session->frame->database : session->database;
}

const char *compile_format(struct compiler *c, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	const char *text = arena_vformat(c->arena, format, arguments);

	va_end(arguments);
	return text;
}

static struct expr make(const char *sql, struct sql_type type)
{
	return (struct expr){ .sql = sql, .type = type };
}

static struct expr variable(struct compiler *c, const struct node *node)
{
	struct variable *v = variable_find(c->session, node->text);
	size_t i = 0;

	if (!v)
		compile_error(c, 137, node->text);
	if (v->table)
		compile_error(c, 137, node->text);
	struct expr e = make(NULL, v->type);

	e.nullable = true;
	if (c->live_variables) {
		e.sql = compile_format(c, "getvar(%lld)", (long long)(intptr_t)v);
		return e;
	}
	while (i < c->bound_count && c->bound[i] != v)
		i++;
	if (i == c->bound_count) {
		struct variable **grown = arena_alloc(c->arena, (i + 1) * sizeof(*grown));

		if (i)
			memcpy(grown, c->bound, i * sizeof(*grown));
		grown[i] = v;
		c->bound = grown;
		c->bound_count++;
	}
	e.sql = compile_format(c, "?%zu", i + 1);
	return e;
}

struct expr compile_global(struct compiler *c, const struct node *node);

static const char *qualified(struct compiler *c, const struct node *node)
{
	return node->name.object ? compile_format(c, "%s.%s", node->name.object, node->text) : node->text;
}

static bool source_matches(const struct source *s, const struct name *name)
{
	if (!name->object)
		return true;
	if (!name_equal(s->alias, name->object))
		return false;
	return !name->schema || !*name->schema || !s->full.schema || name_equal(s->full.schema, name->schema);
}

struct source_column *compile_find_column(struct compiler *c, const struct node *node, struct source **source)
{
	for (struct scope *scope = c->scope; scope; scope = scope->outer) {
		struct source_column *found = NULL;
		bool any = false;

		for (struct source *s = scope->sources; s; s = s->next) {
			if (!source_matches(s, &node->name))
				continue;
			any = true;
			for (size_t i = 0; i < s->count; i++) {
				if (!name_equal(s->columns[i].name, node->text))
					continue;
				if (found)
					compile_error(c, 209, node->text);
				found = &s->columns[i];
				*source = s;
			}
		}
		if (found)
			return found;
		if (any && node->name.object)
			compile_error(c, 207, node->text);
	}
	if (node->name.object)
		compile_error(c, 4104, qualified(c, node));
	compile_error(c, 207, node->text);
}

static void note_ungrouped(struct compiler *c, const struct source *source, const struct expr *e)
{
	if (!c->scope || !c->scope->grouped || c->in_aggregate || c->scope->ungrouped)
		return;
	for (struct source *s = c->scope->sources; s; s = s->next)
		if (s == source)
			c->scope->ungrouped = compile_format(c, "%s.%s", source->alias, e->name);
}

static struct expr column(struct compiler *c, const struct node *node)
{
	struct source *source = NULL;
	struct source_column *found = compile_find_column(c, node, &source);
	struct expr e = make(found->sql, found->type);

	e.nullable = found->nullable;
	e.column = found;
	e.name = found->name;
	e.collation_rank = 1;
	note_ungrouped(c, source, &e);
	return e;
}

const char *compile_collated(struct compiler *c, struct expr e)
{
	const struct collation *collation = collation_get(e.type.collation);

	if (!type_is_character(e.type))
		return e.sql;
	return compile_format(
		c, "%s COLLATE \"%s%s\"", e.sql, collation->name, collation->binary && !type_is_unicode(e.type) ? "/v" : "");
}

struct expr compile_cast(struct compiler *c, struct expr e, struct sql_type to, const char *style, bool try_it)
{
	char from_name[64], to_name[64];

	if (!e.is_null && convert_allowed(e.type, to)) {
		type_describe(e.type, from_name, sizeof(from_name));
		type_describe(to, to_name, sizeof(to_name));
		compile_error(c, 529, kind_info(e.type.kind)->name, kind_info(to.kind)->name);
	}
	e.column = NULL;
	e.name = NULL;
	if (!(convert_is_free(e.type, to) || e.is_null)) {
		if (to.kind == K_VARBINARY && type_is_large(to) && type_is_unicode(e.type) && !style)
			e.sql = compile_format(c, "utf16(%s)", e.sql);
		else
			e.sql = compile_format(c, "cv(%s,%lld,%lld,%s,%d)", e.sql, (long long)type_pack(e.type),
				(long long)type_pack(to), style ? style : "0", try_it ? 2 : 0);
	}
	e.type = to;
	e.nullable |= try_it;
	return e;
}

static bool implicit_clash(struct sql_type from, struct sql_type to)
{
	bool text = type_is_character(from);

	if (to.kind == K_VARIANT || from.kind == K_NONE)
		return false;
	if (text && type_is_binary(to) && to.kind != K_TIMESTAMP)
		return true;
	if (from.kind == K_VARIANT ||
		(type_is_number(from) && type_is_date(to) && to.kind != K_DATETIME && to.kind != K_SMALLDATETIME))
		return true;
	return from.kind == K_XML && type_is_character(to);
}

struct expr compile_convert(struct compiler *c, struct expr e, struct sql_type to, bool assign)
{
	if (e.is_null || type_equal(e.type, to)) {
		e.type = to;
		return e;
	}
	if (implicit_clash(e.type, to) || convert_allowed(e.type, to))
		compile_error(c, e.type.kind == K_VARIANT || type_is_character(e.type) ? 257 : 206,
			kind_info(e.type.kind)->name, kind_info(to.kind)->name);
	if (!convert_is_free(e.type, to))
		e.sql = compile_format(
			c, "cv(%s,%lld,%lld,0,%d)", e.sql, (long long)type_pack(e.type), (long long)type_pack(to), assign);
	e.type = to;
	return e;
}

const char *compile_identity(struct compiler *c, const struct table *table, struct sql_type to)
{
	struct expr next = { .sql = compile_format(c, "next_identity(%d,%d)", table->database->id, table->id),
		.type = type_simple(K_BIGINT) };

	return compile_convert(c, next, to, true).sql;
}

static struct sql_type compare_type(struct compiler *c, struct expr a, struct expr b)
{
	struct sql_type type = type_common(a.type, b.type);

	if (!type_is_character(type))
		return type;
	if (a.collation_rank == b.collation_rank && a.collation_rank && type_is_character(a.type) &&
		type_is_character(b.type) && a.type.collation != b.type.collation)
		compile_error(c, 468, collation_get(a.type.collation)->name, collation_get(b.type.collation)->name);
	bool from_b = !type_is_character(a.type) || (type_is_character(b.type) && b.collation_rank > a.collation_rank);

	type.collation = from_b ? b.type.collation : a.type.collation;
	return type;
}

/* To one type for a comparison; the length plays no part, or longer values would be cut. */
static struct expr side(struct compiler *c, struct expr e, struct sql_type type)
{
	if (type_is_character(type) && type_is_character(e.type)) {
		e.type.collation = type.collation;
		if (type_is_unicode(type) && !type_is_unicode(e.type))
			e.type.kind = K_NVARCHAR;
		return e;
	}
	if (type_is_binary(type) && type_is_binary(e.type))
		return e;
	if (type.kind == K_DECIMAL || type.kind == K_NUMERIC)
		if (e.type.kind == type.kind && e.type.scale == type.scale)
			return e;
	return compile_convert(c, e, type, false);
}

const char *compile_compare(struct compiler *c, const struct node *node, enum compare op, struct expr a, struct expr b)
{
	static const char *const operators[] = { "=", "<>", "<", "<=", ">", ">=" };
	struct sql_type type = compare_type(c, a, b);

	if (type.kind == K_TEXT || type.kind == K_NTEXT || type.kind == K_IMAGE || type.kind == K_XML)
		compile_error(c, 402, kind_info(a.type.kind)->name, kind_info(b.type.kind)->name, "equal to");
	a = side(c, a, type);
	b = side(c, b, type);
	(void)node;
	if (type.kind == K_DATETIMEOFFSET)
		return compile_format(c, "(dto_utc(%s)%sdto_utc(%s))", a.sql, operators[op], b.sql);
	return compile_format(c, "(%s%s%s)", compile_collated(c, a), operators[op], b.sql);
}

static struct expr case_expression(struct compiler *c, const struct node *node)
{
	size_t first = node->op ? 1 : 0, branches = (node->count - first) / 2;
	struct expr *results = arena_alloc(c->arena, (branches + 1) * sizeof(*results));
	struct text sql = { .arena = c->arena };
	struct sql_type type = { 0 };
	struct expr input = { 0 }, out = { 0 };

	if (node->op)
		input = compile_expression(c, node->kids[0]);
	for (size_t i = 0; i <= branches; i++) {
		results[i] = compile_expression(c, node->kids[i == branches ? node->count - 1 : first + i * 2 + 1]);
		if (!results[i].is_null)
			type = type_common(type, results[i].type);
		out.nullable |= results[i].nullable || results[i].is_null;
		out.aggregate |= results[i].aggregate;
		if (results[i].collation_rank > out.collation_rank) {
			out.collation_rank = results[i].collation_rank;
			out.type.collation = results[i].type.collation;
		}
	}
	if (!type.kind)
		type = type_simple(K_INT);
	if (type_is_character(type) && out.collation_rank)
		type.collation = out.type.collation;
	text_add(&sql, "CASE");
	for (size_t i = 0; i < branches; i++) {
		const struct node *when = node->kids[first + i * 2];

		text_format(&sql, " WHEN %s THEN %s",
			node->op ? compile_compare(c, node, C_EQ, input, compile_expression(c, when)) : compile_condition(c, when),
			compile_convert(c, results[i], type, false).sql);
	}
	text_format(&sql, " ELSE %s END", compile_convert(c, results[branches], type, false).sql);
	out.sql = text_done(&sql);
	out.type = type;
	return out;
}

static struct expr cast(struct compiler *c, const struct node *node)
{
	struct expr e = compile_expression(c, node->kids[0]);
	struct sql_type to;
	int user_type;
	struct type_name name = *node->type;

	if (name.length < 0) { /* CAST to char, varchar, binary without a length means 30 */
		enum sql_kind kind = kind_find(name.name.object);

		if (kind >= K_CHAR && kind <= K_VARBINARY && kind != K_TEXT && kind != K_NTEXT && kind != K_SYSNAME)
			name.length = 30;
	}
	if (catalogue_type(c->session, &name, NULL, &to, &user_type))
		compile_fail(c);
	if (type_is_character(to) && type_is_character(e.type))
		to.collation = e.type.collation ? e.type.collation : to.collation;
	const char *style = node->count > 1 ? compile_expression(c, node->kids[1]).sql : NULL;
	int rank = type_is_character(e.type) ? e.collation_rank : 0;

	e = compile_cast(c, e, to, style, node->try_it);
	e.collation_rank = rank;
	return e;
}

static struct expr collate(struct compiler *c, const struct node *node)
{
	struct expr e = compile_expression(c, node->kids[0]);
	uint16_t collation = !strcasecmp(node->text, "database_default") ? c->database->collation
		: !strcasecmp(node->text, "catalog_default")                 ? COLLATION_DEFAULT
													 : collation_find(node->text, c->session->engine->version);

	if (!collation)
		compile_error(c, 448, node->text);
	if (!type_is_character(e.type))
		compile_error(c, 447, kind_info(e.type.kind)->name);
	struct sql_type to = e.type;

	to.collation = collation;
	if (!type_is_unicode(to) && collation_get(collation)->page != collation_get(e.type.collation)->page)
		e = compile_cast(c, e, to, NULL, false);
	e.type = to;
	e.collation_rank = 2;
	return e;
}

static struct expr subquery(struct compiler *c, const struct node *node)
{
	struct compiled inner = compile_select(c, node->query);

	if (inner.count != 1)
		compile_error(c, 116);
	struct expr e = make(NULL, inner.results[0].type);

	e.sql = compile_format(c, "(SELECT only_row(k1) FROM (%s))", inner.sql); /* error 512 on a second row */
	e.nullable = true;
	e.collation_rank = type_is_character(e.type);
	return e;
}

static struct expr negate(struct compiler *c, const struct node *node)
{
	struct expr e = compile_expression(c, node->kids[0]);

	if (node->kids[0]->kind == N_INTEGER && e.type.kind <= K_BIGINT) {
		e.sql = compile_format(c, "(-%s)", e.sql);
		if (!strcmp(node->kids[0]->text, "2147483648"))
			e.type = type_simple(K_INT);
		return e;
	}
	if (e.type.kind != K_DECIMAL && e.type.kind != K_NUMERIC)
		return compile_arithmetic(c, '-', make("0", type_simple(K_TINYINT)), e);
	/* a minus does not widen a decimal */
	e.sql = compile_format(c, "arith(45,0,%s,%lld,%lld,%lld)", e.sql, (long long)type_pack(type_simple(K_TINYINT)),
		(long long)type_pack(e.type), (long long)type_pack(e.type));
	return e;
}

static struct expr next_value(struct compiler *c, const struct node *node)
{
	struct table *sequence = catalogue_find(c->session, &node->name);

	if (!sequence || strcmp(sequence->type, "SO"))
		compile_error(c, 208, node->name.object);
	compile_use(c, sequence, 0, true);
	return make(compile_format(c, "next_value(%d,%d)", sequence->database->id, sequence->id),
		type_simple((enum sql_kind)query_int(c->session, K_BIGINT, "SELECT x6 FROM d%d.m_objects WHERE object_id=%d",
			sequence->database->id, sequence->id)));
}

static struct expr dispatch(struct compiler *c, const struct node *node)
{
	struct expr e;

	switch (node->kind) {
	case N_NULL:
		e = make("NULL", (struct sql_type){ 0 });
		e.nullable = e.is_null = true;
		return e;
	case N_INTEGER:
	case N_DECIMAL:
	case N_FLOAT:
	case N_MONEY:
	case N_STRING:
	case N_NSTRING:
	case N_BINARY:
		return compile_literal(c, node);
	case N_VARIABLE:
		return variable(c, node);
	case N_GLOBAL:
		return compile_global(c, node);
	case N_COLUMN:
		return column(c, node);
	case N_NEGATE:
		return negate(c, node);
	case N_INVERT:
		e = compile_expression(c, node->kids[0]);
		if (!type_is_integer(e.type))
			compile_error(c, 402, kind_info(e.type.kind)->name, "int", "'~'");
		e.sql = compile_format(c,
			e.type.kind == K_BIT           ? "(1-%s)"
				: e.type.kind == K_TINYINT ? "(255&~%s)"
										   : "(~%s)",
			e.sql);
		return e;
	case N_OPERATE:
		return compile_arithmetic(
			c, node->op, compile_expression(c, node->kids[0]), compile_expression(c, node->kids[1]));
	case N_CALL:
		return compile_call(c, node);
	case N_CASE:
		return case_expression(c, node);
	case N_CAST:
		return cast(c, node);
	case N_COLLATE:
		return collate(c, node);
	case N_SUBQUERY:
		return subquery(c, node);
	case N_NEXT_VALUE:
		return next_value(c, node);
	case N_STAR:
	case N_DEFAULT:
		session_raise_text(c->session, 156, 15, 1, "Incorrect syntax near the keyword 'DEFAULT'.");
		break;
	default:
		session_raise_text(c->session, 50000, 16, 1, "The stand-in does not know this expression here.");
		break;
	}
	compile_fail(c);
}

struct expr compile_expression(struct compiler *c, const struct node *node)
{
	const char *before = c->scope ? c->scope->ungrouped : NULL;

	if (c->depth++ > 500) {
		session_raise_text(c->session, 8631, 17, 1, "Internal error: Server stack limit has been reached.");
		compile_fail(c);
	}
	struct expr e = dispatch(c, node);

	c->depth--;
	if (c->scope && c->scope->grouped)
		for (size_t i = 0; i < c->scope->group_count; i++)
			if (!strcmp(c->scope->groups[i], e.sql))
				c->scope->ungrouped = before;
	return e;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Functions whose type or arguments follow rules of their own, the @@ globals, and users' functions. */
#include "tests/sqlserver/sql_compile.h"
#include "tests/sqlserver/sql_collation.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static struct expr coalesce(struct compiler *c, const struct node *node, bool isnull)
{
	struct expr *kids = arena_alloc(c->arena, (node->count + 1) * sizeof(*kids)), out = { .nullable = true };
	struct text sql = { .arena = c->arena };
	struct sql_type type = { 0 };

	if (node->count < 2 || (isnull && node->count != 2))
		compile_error(c, 174, node->text, 2);
	for (size_t i = 0; i < node->count; i++) {
		kids[i] = compile_expression(c, node->kids[i]);
		if (!kids[i].is_null)
			type = isnull && type.kind ? type : type_common(type, kids[i].type);
		out.nullable &= kids[i].nullable || kids[i].is_null;
		out.aggregate |= kids[i].aggregate;
		if (kids[i].collation_rank > out.collation_rank) {
			out.collation_rank = kids[i].collation_rank;
			out.type.collation = kids[i].type.collation;
		}
	}
	if (type_is_character(type) && out.collation_rank && out.type.collation)
		type.collation = out.type.collation;
	text_add(&sql, "coalesce(");
	for (size_t i = 0; i < node->count; i++)
		text_format(&sql, "%s%s", i ? "," : "", compile_convert(c, kids[i], type, false).sql);
	text_add(&sql, ")");
	out.sql = text_done(&sql);
	out.type = type.kind ? type : type_simple(K_INT);
	return out;
}

static struct expr iif(struct compiler *c, const struct node *node)
{
	if (node->count != 3)
		compile_error(c, 174, "IIF", 3);
	struct node branch = *node;

	branch.kind = N_CASE;
	branch.op = 0;
	return compile_expression(c, &branch);
}

static struct expr nullif(struct compiler *c, const struct node *node)
{
	if (node->count != 2)
		compile_error(c, 174, "NULLIF", 2);
	struct expr a = compile_expression(c, node->kids[0]), b = compile_expression(c, node->kids[1]);

	a.sql = compile_format(c, "CASE WHEN %s THEN NULL ELSE %s END", compile_compare(c, node, C_EQ, a, b), a.sql);
	a.nullable = true;
	a.name = NULL;
	a.column = NULL;
	return a;
}

static struct expr concat(struct compiler *c, const struct node *node)
{
	struct text sql = { .arena = c->arena };
	bool unicode = false, large = false;
	unsigned length = 0;
	struct expr out = { .collation_rank = 0 };
	struct expr *kids = arena_alloc(c->arena, (node->count + 1) * sizeof(*kids));

	for (size_t i = 0; i < node->count; i++) {
		kids[i] = compile_expression(c, node->kids[i]);
		unicode |= type_is_unicode(kids[i].type);
		large |= type_is_character(kids[i].type) && type_is_large(kids[i].type);
		length += type_is_unicode(kids[i].type) ? kids[i].type.length / 2
			: type_is_character(kids[i].type)   ? kids[i].type.length
												: 40;
	}
	out.type = unicode ? type_nvarchar(large     ? 9000
								 : length > 4000 ? 4000
												 : (int)length,
							 c->database->collation)
					   : type_varchar(large      ? 9000
								 : length > 8000 ? 8000
												 : (int)length,
							 c->database->collation);
	struct sql_type longest = unicode ? type_nvarchar(9000, c->database->collation)
									  : type_varchar(9000, c->database->collation);

	text_add(&sql, "(''");
	for (size_t i = 0; i < node->count; i++)
		text_format(&sql, "||coalesce(%s,'')", compile_convert(c, kids[i], longest, false).sql);
	text_add(&sql, ")");
	out.sql = text_done(&sql);
	return out;
}

static struct expr substring(struct compiler *c, const struct node *node)
{
	if (node->count != 3)
		compile_error(c, 174, "substring", 3);
	struct expr e = compile_expression(c, node->kids[0]), bigint = { .type = type_simple(K_BIGINT) };
	const char *start = compile_convert(c, compile_expression(c, node->kids[1]), bigint.type, false).sql;
	const char *length = compile_convert(c, compile_expression(c, node->kids[2]), bigint.type, false).sql;
	bool binary = type_is_binary(e.type);

	if (!binary && !type_is_character(e.type)) {
		session_raise_text(c->session, 8116, 16, 1,
			"Argument data type %s is invalid for argument 1 of substring function.", kind_info(e.type.kind)->name);
		compile_fail(c);
	}
	e.sql = compile_format(c, "%s(%s,%s,%s)", binary ? "subbin" : "substring", e.sql, start, length);
	e.type.kind = binary ? K_VARBINARY : type_is_unicode(e.type) ? K_NVARCHAR : K_VARCHAR;
	if (type_is_large(e.type))
		e.type.length = LENGTH_MAX;
	e.nullable = true;
	e.name = NULL;
	e.column = NULL;
	return e;
}

static struct expr hashbytes(struct compiler *c, const struct node *node)
{
	if (node->count != 2)
		compile_error(c, 174, "hashbytes", 2);
	struct expr algorithm = compile_expression(c, node->kids[0]), e = compile_expression(c, node->kids[1]);

	e = compile_cast(c, e, type_make(K_VARBINARY, (int)LENGTH_MAX, 0, 0), NULL, false);
	e.sql = compile_format(c, "hashbytes(%s,%s)", algorithm.sql, e.sql);
	e.type = type_make(K_VARBINARY, 8000, 0, 0);
	e.nullable = true;
	return e;
}

static struct expr checksum(struct compiler *c, const struct node *node)
{
	struct text sql = { .arena = c->arena };

	text_add(&sql, "binary_checksum(");
	for (size_t i = 0; i < node->count; i++)
		text_format(&sql, "%s%s", i ? "," : "", compile_expression(c, node->kids[i]).sql);
	text_add(&sql, ")");
	return (struct expr){ .sql = text_done(&sql), .type = type_simple(K_INT) };
}

static struct expr variant_property(struct compiler *c, const struct node *node)
{
	static const char *const wide[] = { "BaseType", "Collation" };

	if (node->count != 2)
		compile_error(c, 174, "sql_variant_property", 2);
	struct expr e = compile_expression(c, node->kids[0]);

	if (e.type.kind != K_VARIANT)
		e = compile_cast(c, e, type_simple(K_VARIANT), NULL, false);
	e.sql = compile_format(c, "variant_property(%s,%s)", e.sql, compile_expression(c, node->kids[1]).sql);
	e.type = type_simple(K_INT);
	for (size_t i = 0; i < 2; i++)
		if ((node->kids[1]->kind == N_STRING || node->kids[1]->kind == N_NSTRING) &&
			!strcasecmp(node->kids[1]->text, wide[i]))
			e.type = type_nvarchar(128, c->database->collation);
	e.nullable = true;
	e.column = NULL;
	e.name = NULL;
	return e;
}

static const char *date_part(struct compiler *c, const struct node *node)
{
	static const char *const parts[][4] = { { "year", "yy", "yyyy", "" }, { "quarter", "qq", "q", "" },
		{ "month", "mm", "m", "" }, { "dayofyear", "dy", "y", "" }, { "day", "dd", "d", "" },
		{ "week", "wk", "ww", "" }, { "weekday", "dw", "w", "" }, { "hour", "hh", "", "" }, { "minute", "mi", "n", "" },
		{ "second", "ss", "s", "" }, { "millisecond", "ms", "", "" }, { "microsecond", "mcs", "", "" },
		{ "nanosecond", "ns", "", "" }, { "tzoffset", "tz", "", "" } };

	if (node->kind == N_COLUMN && !node->name.object)
		for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
			for (int k = 0; k < 4; k++)
				if (*parts[i][k] && !strcasecmp(parts[i][k], node->text))
					return parts[i][0];
	session_raise_text(
		c->session, 155, 15, 1, "'%s' is not a recognized datepart option.", node->text ? node->text : "?");
	compile_fail(c);
}

static struct expr date_function(struct compiler *c, const struct node *node)
{
	bool add = !strcasecmp(node->text, "DATEADD"), part = !strncasecmp(node->text, "DATEPART", 8),
		 name = !strcasecmp(node->text, "DATENAME");
	struct sql_type any = type_make(K_DATETIME2, 7, 0, 0);

	if (node->count != (part || name ? 2u : 3u))
		compile_error(c, 174, node->text, part || name ? 2 : 3);
	const char *unit = date_part(c, node->kids[0]);
	struct expr a = compile_expression(c, node->kids[1]);

	if (part || name) {
		if (!type_is_date(a.type))
			a = compile_convert(c, a, any, false);
		a.sql = compile_format(
			c, "%s('%s',%s,%lld)", part ? "datepart" : "datename", unit, a.sql, (long long)type_pack(a.type));
		a.type = part ? type_simple(K_INT) : type_nvarchar(30, c->database->collation);
		return a;
	}
	struct expr b = compile_expression(c, node->kids[2]);

	if (!type_is_date(b.type))
		b = compile_convert(c, b, add ? type_simple(K_DATETIME) : any, false);
	if (add) {
		a = compile_convert(c, a, type_simple(K_BIGINT), false);
		b.sql = compile_format(c, "dateadd('%s',%s,%s,%lld)", unit, a.sql, b.sql, (long long)type_pack(b.type));
		b.name = NULL;
		b.column = NULL;
		return b;
	}
	if (!type_is_date(a.type))
		a = compile_convert(c, a, any, false);
	a.sql = compile_format(c, "datediff('%s',%s,%lld,%s,%lld)", unit, a.sql, (long long)type_pack(a.type), b.sql,
		(long long)type_pack(b.type));
	a.type = type_simple(!strcasecmp(node->text, "DATEDIFF_BIG") ? K_BIGINT : K_INT);
	return a;
}

/* UPDATE(column) and COLUMNS_UPDATED() of a trigger. */
static struct expr updated(struct compiler *c, const struct node *node)
{
	struct frame *frame = c->session->frame;
	struct table *table = frame->trigger_table ? catalogue_by_id(c->session, frame->database, frame->trigger_table)
											   : NULL;
	struct column *column = table && node->count == 1 ? table_column(table, node->kids[0]->text) : NULL;

	if (!column)
		compile_error(c, 207, node->count ? node->kids[0]->text : "");
	return (
		struct expr){ .sql = !frame->updated || frame->updated[column->id] ? "1" : "0", .type = type_simple(K_BIT) };
}

struct expr compile_special(struct compiler *c, const struct node *node)
{
	static const struct {
		const char *name;
		struct expr (*rule)(struct compiler *c, const struct node *node);
	} rules[] = { { "IIF", iif }, { "NULLIF", nullif }, { "CONCAT", concat }, { "SUBSTRING", substring },
		{ "HASHBYTES", hashbytes }, { "CHECKSUM", checksum }, { "BINARY_CHECKSUM", checksum },
		{ "SQL_VARIANT_PROPERTY", variant_property }, { "DATEADD", date_function }, { "DATEDIFF", date_function },
		{ "DATEPART", date_function }, { "DATENAME", date_function }, { "UPDATE", updated } };

	if (!strcasecmp(node->text, "ISNULL") || !strcasecmp(node->text, "COALESCE"))
		return coalesce(c, node, !strcasecmp(node->text, "ISNULL"));
	if (!strcasecmp(node->text, "DATEDIFF_BIG") && c->session->engine->version >= 13)
		return date_function(c, node);
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (!strcasecmp(rules[i].name, node->text))
			return rules[i].rule(c, node);
	compile_error(c, 195, node->text);
}

static struct expr text_constant(struct compiler *c, const char *text)
{
	return (struct expr){ .sql = compile_text(c->arena, text, strlen(text)),
		.type = type_nvarchar(300, c->database->collation) };
}

static const char *version_text(struct compiler *c)
{
	static const char *const builds[] = { "2012 (SP4) - 11.0.7001.0", "2014 (SP3) - 12.0.6024.0",
		"2016 (SP2) - 13.0.5026.0", "2017 (RTM) - 14.0.1000.169", "2019 (RTM) - 15.0.2000.5",
		"2022 (RTM) - 16.0.1000.6" };

	return compile_format(c, "Microsoft SQL Server %s (X64) \n\tCoffret stand-in for tests\n\tExpress Edition (64-bit)",
		builds[c->session->engine->version - 11]);
}

/* @@OPTIONS: the bits of 'user options'. */
static int64_t session_options(const struct session *s)
{
	return s->implicit_transactions << 1 | s->ansi_warnings << 3 | s->ansi_padding << 4 | s->ansi_nulls << 5 |
		s->arithabort << 6 | s->quoted_identifier << 8 | s->nocount << 9 | s->ansi_null_dflt << 10 |
		s->concat_null << 12 | s->numeric_roundabort << 13 | s->xact_abort << 14;
}

struct expr compile_global(struct compiler *c, const struct node *node);

struct expr compile_global(struct compiler *c, const struct node *node)
{
	struct session *s = c->session;
	const struct {
		const char *name;
		int64_t value;
		enum sql_kind kind;
	} numbers[] = { { "@@ROWCOUNT", s->rowcount, K_INT }, { "@@TRANCOUNT", s->trancount, K_INT },
		{ "@@SPID", s->id, K_SMALLINT }, { "@@ERROR", s->last_error, K_INT },
		{ "@@OPTIONS", session_options(s), K_INT }, { "@@TEXTSIZE", s->text_size, K_INT },
		{ "@@LOCK_TIMEOUT", s->lock_timeout, K_INT },
		{ "@@MICROSOFTVERSION", (int64_t)s->engine->version << 24, K_INT }, { "@@NESTLEVEL", s->frame->depth, K_INT },
		{ "@@DATEFIRST", s->date_first, K_TINYINT }, { "@@MAX_PRECISION", 38, K_TINYINT },
		{ "@@PROCID", s->frame->module_id, K_INT }, { "@@LANGID", 0, K_SMALLINT },
		{ "@@MAX_CONNECTIONS", 32767, K_INT }, { "@@FETCH_STATUS", -1, K_INT }, { "@@CURSOR_ROWS", 0, K_INT } };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (!strcasecmp(numbers[i].name, node->text))
			return (struct expr){ .sql = compile_format(c, "(%lld)", (long long)numbers[i].value),
				.type = type_simple(numbers[i].kind) };
	if (!strcasecmp(node->text, "@@IDENTITY"))
		return (
			struct expr){ .sql = s->has_last_identity ? compile_format(c, "%lld", (long long)s->last_identity) : "NULL",
			.type = type_simple(K_BIGINT),
			.nullable = true };
	if (!strcasecmp(node->text, "@@DBTS"))
		return (struct expr){ .sql = "f_min_active_rowversion()", .type = type_make(K_VARBINARY, 8, 0, 0) };
	if (!strcasecmp(node->text, "@@VERSION"))
		return text_constant(c, version_text(c));
	if (!strcasecmp(node->text, "@@SERVERNAME"))
		return text_constant(c, "STANDIN");
	if (!strcasecmp(node->text, "@@SERVICENAME"))
		return text_constant(c, "MSSQLSERVER");
	if (!strcasecmp(node->text, "@@LANGUAGE"))
		return text_constant(c, *s->language ? s->language : "us_english");
	compile_error(c, 137, node->text);
}

bool compile_user_function(struct compiler *c, const struct node *node, struct expr *out);

bool compile_user_function(struct compiler *c, const struct node *node, struct expr *out)
{
	struct name name = { .database = node->name.schema, .schema = node->name.object, .object = node->text };
	struct table *function = catalogue_find(c->session, &name);
	struct text list = { .arena = c->arena };

	if (!function || strcmp(function->type, "FN"))
		return false;
	sqlite3_stmt *s = query(c->session,
		"SELECT kind,length,precision,scale,parameter_id FROM d%d.m_parameters WHERE"
		" object_id=%d ORDER BY parameter_id",
		function->database->id, function->id);
	size_t i = 0;

	while (query_next(c->session, &s)) {
		struct sql_type type = { .kind = (uint8_t)sqlite3_column_int(s, 0),
			.length = (uint16_t)sqlite3_column_int(s, 1),
			.precision = (uint8_t)sqlite3_column_int(s, 2),
			.scale = (uint8_t)sqlite3_column_int(s, 3),
			.collation = c->database->collation };

		if (!type_is_character(type))
			type.collation = 0;
		if (!sqlite3_column_int(s, 4)) { /* parameter 0 is what it returns */
			out->type = type;
			continue;
		}
		if (i >= node->count) {
			sqlite3_finalize(s);
			session_raise_text(c->session, 313, 16, 2,
				"An insufficient number of arguments were supplied for the procedure or"
				" function %s.%s.",
				function->schema, function->name);
			compile_fail(c);
		}
		text_format(&list, ",%s", compile_convert(c, compile_expression(c, node->kids[i++]), type, false).sql);
	}
	if (i < node->count)
		compile_error(c, 8144, function->name);
	struct sql_type type = out->type;

	*out = (struct expr){ .sql = compile_format(
							  c, "call_function(%d,%d%s)", function->database->id, function->id, text_done(&list)),
		.type = type,
		.nullable = true };
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions and arithmetic. */
#include "tests/sqlserver/sql_compile.h"
#include "tests/sqlserver/sql_collation.h"

#include <string.h>

static const char *in_condition(struct compiler *c, const struct node *node)
{
	struct expr left = compile_expression(c, node->kids[0]);
	struct text sql = { .arena = c->arena };

	if (node->query) {
		struct compiled inner = compile_select(c, node->query);

		if (inner.count != 1)
			compile_error(c, 116);
		struct expr right = { .sql = "k1", .type = inner.results[0].type, .collation_rank = 1 };
		struct sql_type type = type_common(left.type, right.type);

		if (type_is_character(type))
			type = left.type;
		left = type_is_character(type) ? left : compile_convert(c, left, type, false);
		right = type_is_character(type) ? right : compile_convert(c, right, type, false);
		return compile_format(c, "(%s %sIN (SELECT %s FROM (%s)))", compile_collated(c, left),
			node->negated ? "NOT " : "", right.sql, inner.sql);
	}
	text_add(&sql, node->negated ? "(NOT (" : "(");
	for (size_t i = 1; i < node->count; i++)
		text_format(&sql, "%s%s", i > 1 ? " OR " : "",
			compile_compare(c, node, C_EQ, left, compile_expression(c, node->kids[i])));
	text_add(&sql, node->negated ? "))" : ")");
	return text_done(&sql);
}

static const char *like(struct compiler *c, const struct node *node)
{
	struct expr text = compile_expression(c, node->kids[0]), pattern = compile_expression(c, node->kids[1]);
	uint16_t collation = text.type.collation && text.collation_rank >= pattern.collation_rank ? text.type.collation
		: pattern.type.collation                                                              ? pattern.type.collation
																							  : text.type.collation;
	const char *escape = node->count > 2 ? compile_expression(c, node->kids[2]).sql : "NULL";

	if (!type_is_character(text.type))
		text = compile_convert(c, text, type_nvarchar(4000, c->database->collation), false);
	if (!type_is_character(pattern.type))
		pattern = compile_convert(c, pattern, type_nvarchar(4000, c->database->collation), false);
	return compile_format(c, "(%sms_like(%s,%s,%s,%d))", node->negated ? "NOT " : "", text.sql, pattern.sql, escape,
		collation ? collation : COLLATION_DEFAULT);
}

/* x > ALL (...) is NOT EXISTS of one that is not; ANY is EXISTS. */
static const char *quantified(struct compiler *c, const struct node *node)
{
	static const enum compare inverse[] = { C_NE, C_EQ, C_GE, C_GT, C_LE, C_LT };
	struct expr left = compile_expression(c, node->kids[0]);
	struct compiled inner = compile_select(c, node->query);
	struct expr right = { .sql = compile_format(c, "q%d.k1", ++c->next_alias), .type = inner.results[0].type };
	int alias = c->next_alias;
	enum compare op = node->all ? inverse[node->op] : (enum compare)node->op;

	return compile_format(c, "(%sEXISTS (SELECT 1 FROM (%s) q%d WHERE %s))", node->all ? "NOT " : "", inner.sql, alias,
		compile_compare(c, node, op, left, right));
}

const char *compile_condition(struct compiler *c, const struct node *node)
{
	switch (node->kind) {
	case N_AND:
	case N_OR:
		return compile_format(c, "(%s %s %s)", compile_condition(c, node->kids[0]), node->kind == N_AND ? "AND" : "OR",
			compile_condition(c, node->kids[1]));
	case N_NOT:
		return compile_format(c, "(NOT %s)", compile_condition(c, node->kids[0]));
	case N_COMPARE:
		return compile_compare(c, node, (enum compare)node->op, compile_expression(c, node->kids[0]),
			compile_expression(c, node->kids[1]));
	case N_IS_NULL:
		return compile_format(
			c, "(%s IS %sNULL)", compile_expression(c, node->kids[0]).sql, node->negated ? "NOT " : "");
	case N_IN:
		return in_condition(c, node);
	case N_LIKE:
		return like(c, node);
	case N_QUANTIFIED:
		return quantified(c, node);
	case N_EXISTS:
		return compile_format(c, "EXISTS (%s)", compile_select(c, node->query).sql);
	case N_BETWEEN: {
		struct expr e = compile_expression(c, node->kids[0]);
		const char *low = compile_compare(c, node, C_GE, e, compile_expression(c, node->kids[1]));
		const char *high = compile_compare(c, node, C_LE, e, compile_expression(c, node->kids[2]));

		return compile_format(c, "(%s(%s AND %s))", node->negated ? "NOT " : "", low, high);
	}
	case N_CALL:
		return compile_call(c, node).sql; /* UPDATE(column) in a trigger */
	default:
		session_raise_text(c->session, 4145, 15, 1,
			"An expression of non-boolean type specified in a context where a condition is expected.");
		compile_fail(c);
	}
}

static struct expr concatenate(struct compiler *c, struct expr a, struct expr b)
{
	struct expr out = { .nullable = a.nullable || b.nullable, .aggregate = a.aggregate || b.aggregate };
	struct sql_type type = type_common(a.type, b.type);
	unsigned limit = 8000, total = a.type.length + (unsigned)b.type.length;
	bool large = type_is_large(a.type) || type_is_large(b.type);

	if (type_is_unicode(type))
		total = (type_is_unicode(a.type) ? a.type.length : a.type.length * 2u) +
			(type_is_unicode(b.type) ? b.type.length : b.type.length * 2u);
	if (type_is_character(type)) {
		bool from_b = !type_is_character(a.type) || b.collation_rank > a.collation_rank;

		type.kind = type_is_unicode(type) ? K_NVARCHAR : K_VARCHAR;
		type.collation = from_b && type_is_character(b.type) ? b.type.collation : a.type.collation;
		out.collation_rank = a.collation_rank > b.collation_rank ? a.collation_rank : b.collation_rank;
	} else {
		type.kind = K_VARBINARY;
	}
	type.length = (uint16_t)(large ? LENGTH_MAX : total > limit ? limit : total);
	out.type = type;
	out.sql = compile_format(c, type.kind == K_VARBINARY ? "bincat(%s,%s)" : "(%s||%s)", a.sql, b.sql);
	if (!large && total > limit)
		out.sql = compile_format(c, "cv(%s,%lld,%lld,0,0)", out.sql,
			(long long)type_pack(type_make(type.kind, (int)LENGTH_MAX, 0, type.collation)), (long long)type_pack(type));
	return out;
}

static struct sql_type as_decimal(struct sql_type t)
{
	static const uint8_t digits[] = { [K_BIT] = 1,
		[K_TINYINT] = 3,
		[K_SMALLINT] = 5,
		[K_INT] = 10,
		[K_BIGINT] = 19,
		[K_SMALLMONEY] = 10,
		[K_MONEY] = 19 };

	if (t.kind == K_DECIMAL || t.kind == K_NUMERIC || t.kind > K_MONEY)
		return t;
	return type_decimal(digits[t.kind], t.kind >= K_SMALLMONEY ? 4 : 0);
}

/* The rules of precision and scale of T-SQL's decimals. */
static struct sql_type decimal_result(int op, struct sql_type a, struct sql_type b)
{
	a = as_decimal(a);
	b = as_decimal(b);
	int p1 = a.precision, s1 = a.scale, p2 = b.precision, s2 = b.scale;
	int s = s1 > s2 ? s1 : s2, whole = p1 - s1 > p2 - s2 ? p1 - s1 : p2 - s2;

	switch (op) {
	case '*':
		return type_decimal(p1 + p2 + 1, s1 + s2);
	case '/': {
		int scale = s1 + p2 + 1 > 6 ? s1 + p2 + 1 : 6;

		return type_decimal(p1 - s1 + s2 + scale, scale);
	}
	case '%':
		return type_decimal((p1 - s1 < p2 - s2 ? p1 - s1 : p2 - s2) + s, s);
	default:
		return type_decimal(whole + s + 1, s);
	}
}

/* An integer constant is as precise as it has digits. */
static struct sql_type operand(struct expr e, struct sql_type otherwise)
{
	size_t digits = strspn(e.sql, "0123456789");

	if (digits && !e.sql[digits] && (e.type.kind == K_INT || e.type.kind == K_BIGINT))
		return type_decimal((int)digits, 0);
	return type_is_number(e.type) ? e.type : otherwise;
}

static struct sql_type number_result(struct compiler *c, int op, struct expr a, struct expr b)
{
	struct sql_type type = type_common(a.type, b.type);

	if (type_is_character(type)) /* '1' - '1': not numbers for the server either */
		compile_error(c, 402, kind_info(a.type.kind)->name, kind_info(b.type.kind)->name,
			op == '-'       ? "subtract"
				: op == '*' ? "multiply"
							: "divide");
	if (type.kind == K_BIT)
		return op == '&' || op == '|' || op == '^' ? type : type_simple(K_BIT);
	if (type.kind == K_DECIMAL || type.kind == K_NUMERIC)
		return decimal_result(op, operand(a, type), operand(b, type));
	return type;
}

static struct expr date_arithmetic(struct compiler *c, int op, struct expr a, struct expr b)
{
	struct sql_type type = type_simple(K_DATETIME);

	if ((a.type.kind != K_DATETIME && a.type.kind != K_SMALLDATETIME && type_is_date(a.type)) ||
		(b.type.kind != K_DATETIME && b.type.kind != K_SMALLDATETIME && type_is_date(b.type)))
		compile_error(
			c, 402, kind_info(a.type.kind)->name, kind_info(b.type.kind)->name, op == '+' ? "add" : "subtract");
	a = compile_convert(c, a, type, false);
	b = compile_convert(c, b, type, false);
	return (struct expr){
		.sql = compile_format(c, "(%s%c%s)", a.sql, op, b.sql), .type = type, .nullable = a.nullable || b.nullable
	};
}

struct expr compile_arithmetic(struct compiler *c, int op, struct expr a, struct expr b)
{
	if (a.is_null)
		a.type = b.is_null ? type_simple(K_INT) : b.type;
	if (b.is_null)
		b.type = a.type;
	bool text = type_is_character(a.type) || type_is_character(b.type);
	bool binary = type_is_binary(a.type) && type_is_binary(b.type);

	if (op == '+' &&
		((text && !type_is_number(a.type) && !type_is_number(b.type) && !type_is_date(a.type) &&
			 !type_is_date(b.type)) ||
			binary))
		return concatenate(c, a, b);
	if ((op == '+' || op == '-') && (type_is_date(a.type) || type_is_date(b.type)))
		return date_arithmetic(c, op, a, b);
	struct sql_type type = number_result(c, op, a, b);
	struct expr out = { .type = type, .nullable = a.nullable || b.nullable, .aggregate = a.aggregate || b.aggregate };
	bool bitwise = op == '&' || op == '|' || op == '^';

	if (type.kind == K_DECIMAL || type.kind == K_NUMERIC) { /* arith() takes any exact number as it is */
		if (!type_is_number(a.type))
			a = compile_convert(c, a, type, false);
		if (!type_is_number(b.type))
			b = compile_convert(c, b, type, false);
	} else {
		a = compile_convert(c, a, type, false);
		b = compile_convert(c, b, type, false);
	}
	if (bitwise && op != '^' && type_is_integer(type))
		out.sql = compile_format(c, "(%s%c%s)", a.sql, op, b.sql);
	else if (type.kind == K_FLOAT && (op == '+' || op == '-' || op == '*'))
		out.sql = compile_format(c, "(%s%c%s)", a.sql, op, b.sql);
	else
		out.sql = compile_format(c, "arith(%d,%s,%s,%lld,%lld,%lld)", op, a.sql, b.sql, (long long)type_pack(a.type),
			(long long)type_pack(b.type), (long long)type_pack(type));
	return out;
}

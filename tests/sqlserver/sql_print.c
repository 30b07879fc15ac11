/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions back to text, in the server's own spelling: constants in parentheses, names in brackets, no spaces. */
#include "tests/sqlserver/sql_parse.h"

#include <ctype.h>
#include <string.h>

static void print(struct text *out, const struct node *n);

static void quoted(struct text *out, const char *name)
{
	text_add(out, "[");
	for (const char *c = name; *c; c++)
		text_add_n(out, *c == ']' ? "]]" : c, *c == ']' ? 2 : 1);
	text_add(out, "]");
}

static void string(struct text *out, const struct node *n)
{
	text_add(out, n->kind == N_NSTRING ? "N'" : "'");
	for (size_t i = 0; i < n->size; i++)
		text_add_n(out, n->text[i] == '\'' ? "''" : n->text + i, n->text[i] == '\'' ? 2 : 1);
	text_add(out, "'");
}

static void list(struct text *out, struct node **kids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i)
			text_add(out, ",");
		print(out, kids[i]);
	}
}

static void call(struct text *out, const struct node *n)
{
	if (n->name.object) {
		quoted(out, n->name.object);
		text_add(out, ".");
		quoted(out, n->text);
	} else {
		for (const char *c = n->text; *c; c++) {
			char small = (char)tolower((unsigned char)*c);

			text_add_n(out, &small, 1);
		}
	}
	text_add(out, n->star ? "(*" : "(");
	list(out, n->kids, n->count);
	text_add(out, ")");
}

static void type(struct text *out, const struct type_name *t)
{
	quoted(out, t->name.object);
	if (t->length == 0xffff)
		text_add(out, "(max)");
	else if (t->length >= 0 && t->scale >= 0)
		text_format(out, "(%d,%d)", t->length, t->scale);
	else if (t->length >= 0)
		text_format(out, "(%d)", t->length);
}

static void cast(struct text *out, const struct node *n)
{
	text_add(out, n->try_it ? "TRY_CAST(" : "CONVERT(");
	type(out, n->type);
	text_add(out, ",");
	list(out, n->kids, n->count);
	text_add(out, ")");
}

static void case_expression(struct text *out, const struct node *n)
{
	size_t i = 0;

	text_add(out, "case");
	if (n->op) {
		text_add(out, " ");
		print(out, n->kids[i++]);
	}
	for (; i + 1 < n->count; i += 2) {
		text_add(out, " when ");
		print(out, n->kids[i]);
		text_add(out, " then ");
		print(out, n->kids[i + 1]);
	}
	if (n->kids[i]->kind != N_NULL) {
		text_add(out, " else ");
		print(out, n->kids[i]);
	}
	text_add(out, " end");
}

static void infix(struct text *out, const struct node *n, const char *op)
{
	print(out, n->kids[0]);
	text_add(out, op);
	print(out, n->kids[1]);
}

static void condition(struct text *out, const struct node *n)
{
	static const char *const operators[] = { "=", "<>", "<", "<=", ">", ">=" };

	switch (n->kind) {
	case N_COMPARE:
		infix(out, n, operators[n->op]);
		break;
	case N_AND:
		infix(out, n, " AND ");
		break;
	case N_OR:
		text_add(out, "(");
		infix(out, n, " OR ");
		text_add(out, ")");
		break;
	case N_NOT:
		text_add(out, "NOT ");
		print(out, n->kids[0]);
		break;
	case N_IS_NULL:
		print(out, n->kids[0]);
		text_add(out, n->negated ? " IS NOT NULL" : " IS NULL");
		break;
	case N_LIKE:
		infix(out, n, n->negated ? " NOT LIKE " : " LIKE ");
		break;
	case N_BETWEEN:
		text_add(out, "(");
		print(out, n->kids[0]);
		text_add(out, ">=");
		print(out, n->kids[1]);
		text_add(out, " AND ");
		print(out, n->kids[0]);
		text_add(out, "<=");
		print(out, n->kids[2]);
		text_add(out, ")");
		break;
	case N_IN:
		text_add(out, n->negated ? "NOT (" : "(");
		for (size_t i = n->count; i-- > 1;) { /* the server turns IN around, into ORs */
			print(out, n->kids[0]);
			text_add(out, "=");
			print(out, n->kids[i]);
			text_add(out, i > 1 ? " OR " : ")");
		}
		break;
	default:
		break;
	}
}

static void column(struct text *out, const struct node *n)
{
	if (n->name.object) {
		quoted(out, n->name.object);
		text_add(out, ".");
	}
	quoted(out, n->text);
}

static void print(struct text *out, const struct node *n)
{
	switch (n->kind) {
	case N_NULL:
		text_add(out, "NULL");
		break;
	case N_INTEGER:
	case N_DECIMAL:
	case N_FLOAT:
		text_format(out, "(%s)", n->text);
		break;
	case N_MONEY:
		text_format(out, "($%s)", n->text + (n->text[0] == '$'));
		break;
	case N_BINARY:
		text_format(out, "0x%s", n->text);
		break;
	case N_STRING:
	case N_NSTRING:
		string(out, n);
		break;
	case N_VARIABLE:
	case N_GLOBAL:
		text_add(out, n->text);
		break;
	case N_COLUMN:
		column(out, n);
		break;
	case N_NEGATE:
		if (n->kids[0]->kind == N_INTEGER || n->kids[0]->kind == N_DECIMAL)
			text_format(out, "(-%s)", n->kids[0]->text);
		else
			text_add(out, " -"), print(out, n->kids[0]);
		break;
	case N_INVERT:
		text_add(out, "~"), print(out, n->kids[0]);
		break;
	case N_OPERATE: {
		const char op[2] = { (char)n->op, '\0' };

		infix(out, n, op);
		break;
	}
	case N_CALL:
		call(out, n);
		break;
	case N_CASE:
		case_expression(out, n);
		break;
	case N_CAST:
		cast(out, n);
		break;
	case N_COLLATE:
		print(out, n->kids[0]), text_format(out, " COLLATE %s", n->text);
		break;
	case N_NEXT_VALUE:
		text_add(out, "NEXT VALUE FOR ");
		if (n->name.schema)
			quoted(out, n->name.schema), text_add(out, ".");
		quoted(out, n->name.object);
		break;
	default:
		condition(out, n);
	}
}

const char *print_node(struct arena *arena, const struct node *node)
{
	struct text out = { .arena = arena };

	print(&out, node);
	return text_done(&out);
}

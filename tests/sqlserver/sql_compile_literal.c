/* SPDX-License-Identifier: Apache-2.0 */
/* Literals. */
#include "tests/sqlserver/sql_compile.h"
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_convert_text.h"

#include <stdlib.h>
#include <string.h>

static struct expr make(const char *sql, struct sql_type type)
{
	return (struct expr){ .sql = sql, .type = type };
}

static const char *hex_literal(struct arena *arena, const void *data, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	char *out = arena_alloc(arena, size * 2 + 4);
	size_t at = 2;

	memcpy(out, "x'", 2);
	for (size_t i = 0; i < size; i++) {
		unsigned char b = ((const unsigned char *)data)[i];

		out[at++] = digits[b >> 4];
		out[at++] = digits[b & 15];
	}
	out[at] = '\'';
	return out;
}

const char *compile_text(struct arena *arena, const char *data, size_t size)
{
	struct text text = { .arena = arena };

	if (memchr(data, '\0', size))
		return arena_format(arena, "CAST(%s AS TEXT)", hex_literal(arena, data, size));
	text_add(&text, "'");
	for (size_t i = 0; i < size; i++)
		text_add_n(&text, data[i] == '\'' ? "''" : data + i, data[i] == '\'' ? 2 : 1);
	text_add(&text, "'");
	return text_done(&text);
}

static struct expr integer_literal(struct compiler *c, const struct node *node)
{
	if (strlen(node->text) > 18) {
		struct node decimal = *node;

		decimal.kind = N_DECIMAL;
		return compile_expression(c, &decimal);
	}
	long long number = strtoll(node->text, NULL, 10);

	return make(compile_format(c, "%lld", number), type_simple(number > INT32_MAX ? K_BIGINT : K_INT));
}

static struct expr decimal_literal(struct compiler *c, const struct node *node)
{
	wide_int number;
	unsigned scale, precision = 0;
	char keep[16];

	if (!parse_exact(node->text, node->size, false, &number, &scale))
		compile_error(c, 1007, node->text);
	for (wide_int n = number; n; n /= 10)
		precision++;
	if (precision < scale)
		precision = scale;
	value_decimal(number, keep);
	return make(hex_literal(c->arena, keep, 16), type_make(K_NUMERIC, precision ? (int)precision : 1, (int)scale, 0));
}

static struct expr money_literal(struct compiler *c, const struct node *node)
{
	wide_int number;
	unsigned scale;

	if (!parse_exact(node->text, node->size, true, &number, &scale))
		compile_error(c, 235);
	return make(compile_format(c, "%lld", (long long)decimal_rescale(number, scale, 4)), type_simple(K_MONEY));
}

static struct expr string_literal(struct compiler *c, const struct node *node)
{
	bool unicode = node->kind == N_NSTRING;
	size_t units = unicode ? wtf8_units(node->text, node->size)
						   : page_size(collation_get(c->database->collation)->page, node->text, node->size);
	int length = units ? (int)units : 1;
	struct expr e = make(compile_text(c->arena, node->text, node->size),
		unicode ? type_nvarchar(length, c->database->collation) : type_varchar(length, c->database->collation));

	if (unicode)
		return e;
	struct bytes page = { 0 }, back = { 0 }; /* a literal without N holds only what the code page has */

	wtf8_to_page(&page, collation_get(c->database->collation)->page, node->text, node->size);
	page_to_wtf8(&back, collation_get(c->database->collation)->page, page.data, page.size);
	e.sql = compile_text(c->arena, back.data, back.size);
	bytes_free(&page);
	bytes_free(&back);
	return e;
}

static struct expr binary_literal(struct compiler *c, const struct node *node)
{
	const char *digits = node->size % 2 ? compile_format(c, "0%s", node->text) : node->text;
	int size = (int)(strlen(digits) / 2);

	return make(compile_format(c, "x'%s'", digits),
		type_make(K_VARBINARY,
			size > 8000 ? (int)LENGTH_MAX
				: size  ? size
						: 1,
			0, 0));
}

struct expr compile_literal(struct compiler *c, const struct node *node)
{
	switch (node->kind) {
	case N_INTEGER:
		return integer_literal(c, node);
	case N_DECIMAL:
		return decimal_literal(c, node);
	case N_FLOAT:
		return make(node->text, type_simple(K_FLOAT));
	case N_MONEY:
		return money_literal(c, node);
	case N_BINARY:
		return binary_literal(c, node);
	default:
		return string_literal(c, node);
	}
}

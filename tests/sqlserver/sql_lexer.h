/* SPDX-License-Identifier: Apache-2.0 */
/* T-SQL cut into tokens. */
#ifndef TESTS_SQLSERVER_SQL_LEXER_H
#define TESTS_SQLSERVER_SQL_LEXER_H

#include "tests/sqlserver/sql_arena.h"

#include <stdbool.h>
#include <stddef.h>

enum token_kind {
	T_END,
	T_WORD,
	T_QUOTED,
	T_STRING,
	T_NSTRING,
	T_INTEGER,
	T_DECIMAL,
	T_FLOAT,
	T_MONEY,
	T_BINARY,
	T_VARIABLE,
	T_OPERATOR
};

struct token {
	enum token_kind kind;
	const char *text; /* without quotes, doubled ones undone; NUL-terminated */
	size_t size;
	size_t begin, end; /* in the source */
	int line;          /* from 1 */
};

/*
 * All tokens of a source, T_END last. quoted: "x" is a name, else a string. On an unclosed quote or comment the list
 * ends there and *error_line is that line (it is 0 if all is well).
 */
struct token *lexer_run(
	struct arena *arena, const char *source, size_t size, bool quoted, size_t *count, int *error_line);

#endif

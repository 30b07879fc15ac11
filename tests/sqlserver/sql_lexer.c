/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sqlserver/sql_lexer.h"

#include <ctype.h>
#include <string.h>

struct lexer {
	struct arena *arena;
	const char *source;
	size_t size, at;
	int line;
	bool quoted, failed;
	struct token *tokens;
	size_t count, room;
};

static char look(const struct lexer *l, size_t ahead)
{
	return l->at + ahead < l->size ? l->source[l->at + ahead] : '\0';
}

static bool starts_word(char c)
{
	return isalpha((unsigned char)c) || c == '_' || c == '#' || (unsigned char)c >= 0x80;
}

static bool in_word(char c)
{
	return starts_word(c) || isdigit((unsigned char)c) || c == '@' || c == '$';
}

static struct token *add(struct lexer *l, enum token_kind kind, size_t begin, const char *text, size_t size)
{
	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		struct token *grown = arena_alloc(l->arena, room * sizeof(*grown));

		if (l->count)
			memcpy(grown, l->tokens, l->count * sizeof(*grown));
		l->tokens = grown;
		l->room = room;
	}
	struct token *token = &l->tokens[l->count++];

	*token = (struct token){ .kind = kind,
		.text = arena_copy(l->arena, text, size),
		.size = size,
		.begin = begin,
		.end = l->at,
		.line = l->line };
	return token;
}

static void skip_block_comment(struct lexer *l)
{
	int depth = 0;

	do {
		if (look(l, 0) == '/' && look(l, 1) == '*') {
			depth++;
			l->at++;
		} else if (look(l, 0) == '*' && look(l, 1) == '/') {
			depth--;
			l->at++;
		} else if (look(l, 0) == '\n') {
			l->line++;
		}
		l->at++;
	} while (depth && l->at < l->size);
	l->failed = depth != 0;
}

static void skip_blank(struct lexer *l)
{
	while (l->at < l->size && !l->failed) {
		char c = look(l, 0);

		if (c == '\n')
			l->line++;
		if (c == '-' && look(l, 1) == '-') {
			while (l->at < l->size && look(l, 0) != '\n')
				l->at++;
		} else if (c == '/' && look(l, 1) == '*') {
			skip_block_comment(l);
		} else if (isspace((unsigned char)c) || c == '\0') {
			l->at++;
		} else if (!strncmp(l->source + l->at, "\xc2\xa0", 2) || !strncmp(l->source + l->at, "\xef\xbb\xbf", 3)) {
			l->at += c == '\xc2' ? 2 : 3; /* a no-break space, a byte order mark */
		} else {
			return;
		}
	}
}

static void read_quoted(struct lexer *l, enum token_kind kind, size_t begin, char close)
{
	struct text text = { .arena = l->arena };
	int line = l->line;

	for (l->at++; l->at < l->size; l->at++) {
		if (look(l, 0) == close && look(l, 1) == close)
			l->at++;
		else if (look(l, 0) == close)
			break;
		if (look(l, 0) == '\n')
			l->line++;
		text_add_n(&text, l->source + l->at, 1);
	}
	if (l->at >= l->size) {
		l->failed = true;
		l->line = line;
		return;
	}
	l->at++;
	add(l, kind, begin, text_done(&text), text.size)->line = line;
}

static void read_number(struct lexer *l)
{
	size_t begin = l->at;
	enum token_kind kind = T_INTEGER;

	if (look(l, 0) == '0' && (look(l, 1) | 32) == 'x') {
		l->at += 2;
		while (isxdigit((unsigned char)look(l, 0)))
			l->at++;
		add(l, T_BINARY, begin, l->source + begin + 2, l->at - begin - 2);
		return;
	}
	while (isdigit((unsigned char)look(l, 0)))
		l->at++;
	if (look(l, 0) == '.') {
		kind = T_DECIMAL;
		l->at++;
		while (isdigit((unsigned char)look(l, 0)))
			l->at++;
	}
	size_t sign = look(l, 1) == '+' || look(l, 1) == '-' ? 2 : 1;

	if ((look(l, 0) | 32) == 'e' && isdigit((unsigned char)look(l, sign))) {
		kind = T_FLOAT;
		for (l->at += sign; isdigit((unsigned char)look(l, 0));)
			l->at++;
	}
	add(l, kind, begin, l->source + begin, l->at - begin);
}

static void read_word(struct lexer *l)
{
	size_t begin = l->at;
	enum token_kind kind = look(l, 0) == '@' ? T_VARIABLE : T_WORD;

	while (in_word(look(l, 0)))
		l->at++;
	add(l, kind, begin, l->source + begin, l->at - begin);
}

static void read_operator(struct lexer *l)
{
	static const char *const pairs[] = { "<=", ">=", "<>", "!=", "!<", "!>",
		"+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "::" };
	size_t begin = l->at, size = 1;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		if (look(l, 0) == pairs[i][0] && look(l, 1) == pairs[i][1])
			size = 2;
	l->at += size;
	add(l, T_OPERATOR, begin, l->source + begin, size);
}

static void read_token(struct lexer *l)
{
	char c = look(l, 0);
	size_t begin = l->at;

	if (c == '\'') {
		read_quoted(l, T_STRING, begin, '\'');
	} else if ((c | 32) == 'n' && look(l, 1) == '\'') {
		l->at++;
		read_quoted(l, T_NSTRING, begin, '\'');
	} else if (c == '[') {
		read_quoted(l, T_QUOTED, begin, ']');
	} else if (c == '"') {
		read_quoted(l, l->quoted ? T_QUOTED : T_STRING, begin, '"');
	} else if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)look(l, 1)))) {
		read_number(l);
	} else if (c == '$' && (isdigit((unsigned char)look(l, 1)) || look(l, 1) == '.')) {
		l->at++;
		read_number(l);
		l->tokens[l->count - 1].kind = T_MONEY;
	} else if (starts_word(c) || c == '@' || c == '$') {
		read_word(l);
	} else {
		read_operator(l);
	}
}

struct token *lexer_run(
	struct arena *arena, const char *source, size_t size, bool quoted, size_t *count, int *error_line)
{
	struct lexer l = { .arena = arena, .source = source, .size = size, .line = 1, .quoted = quoted };

	for (skip_blank(&l); l.at < l.size && !l.failed; skip_blank(&l))
		read_token(&l);
	*error_line = l.failed ? l.line : 0;
	add(&l, T_END, l.at, "", 0);
	*count = l.count;
	return l.tokens;
}

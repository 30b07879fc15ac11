/* SPDX-License-Identifier: Apache-2.0 */
/* The parser's entry points, and its helpers for words, names and types. */
#include "tests/sqlserver/sql_parser.h"
#include "tests/sqlserver/sql_type.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const reserved[] = { "ADD", "ALL", "ALTER", "AND", "ANY", "AS", "ASC", "AUTHORIZATION", "BACKUP",
	"BEGIN", "BETWEEN", "BREAK", "BROWSE", "BULK", "BY", "CASCADE", "CASE", "CHECK", "CHECKPOINT", "CLOSE", "CLUSTERED",
	"COALESCE", "COLLATE", "COLUMN", "COMMIT", "COMPUTE", "CONSTRAINT", "CONTAINS", "CONTINUE", "CONVERT", "CREATE",
	"CROSS", "CURRENT", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "CURRENT_USER", "CURSOR", "DATABASE",
	"DBCC", "DEALLOCATE", "DECLARE", "DEFAULT", "DELETE", "DENY", "DESC", "DISTINCT", "DOUBLE", "DROP", "ELSE", "END",
	"ERRLVL", "ESCAPE", "EXCEPT", "EXEC", "EXECUTE", "EXISTS", "EXIT", "FETCH", "FILE", "FILLFACTOR", "FOR", "FOREIGN",
	"FREETEXT", "FROM", "FULL", "FUNCTION", "GOTO", "GRANT", "GROUP", "HAVING", "HOLDLOCK", "IDENTITY",
	"IDENTITY_INSERT", "IDENTITYCOL", "IF", "IN", "INDEX", "INNER", "INSERT", "INTERSECT", "INTO", "IS", "JOIN", "KEY",
	"KILL", "LEFT", "LIKE", "MERGE", "NATIONAL", "NOCHECK", "NONCLUSTERED", "NOT", "NULL", "NULLIF", "OF", "OFF",
	"OFFSETS", "ON", "OPEN", "OPTION", "OR", "ORDER", "OUTER", "OVER", "PERCENT", "PIVOT", "PLAN", "PRECISION",
	"PRIMARY", "PRINT", "PROC", "PROCEDURE", "PUBLIC", "RAISERROR", "READ", "RECONFIGURE", "REFERENCES", "REPLICATION",
	"RESTORE", "RESTRICT", "RETURN", "REVERT", "REVOKE", "RIGHT", "ROLLBACK", "ROWCOUNT", "ROWGUIDCOL", "RULE", "SAVE",
	"SCHEMA", "SELECT", "SESSION_USER", "SET", "SETUSER", "SHUTDOWN", "SOME", "STATISTICS", "SYSTEM_USER", "TABLE",
	"TABLESAMPLE", "TEXTSIZE", "THEN", "TO", "TOP", "TRAN", "TRANSACTION", "TRIGGER", "TRUNCATE", "TRY_CONVERT",
	"TSEQUAL", "UNION", "UNIQUE", "UNPIVOT", "UPDATE", "UPDATETEXT", "USE", "USER", "VALUES", "VARYING", "VIEW",
	"WAITFOR", "WHEN", "WHERE", "WHILE", "WITH", "WRITETEXT" };

bool p_reserved(const struct token *token)
{
	if (token->kind != T_WORD)
		return false;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
		if (!strcasecmp(reserved[i], token->text))
			return true;
	return false;
}

_Noreturn void p_error(struct parser *p, int number, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(p->error->text, sizeof(p->error->text), format, arguments);
	va_end(arguments);
	p->error->number = number;
	p->error->line = p->tokens[p->at].line;
	longjmp(p->fail, 1);
}

_Noreturn void p_fail(struct parser *p)
{
	const struct token *token = &p->tokens[p->at];

	if (token->kind == T_END && p->at)
		p_error(p, 102, "Incorrect syntax near '%s'.", p->tokens[p->at - 1].text);
	if (p_reserved(token))
		p_error(p, 156, "Incorrect syntax near the keyword '%s'.", token->text);
	p_error(p, 102, "Incorrect syntax near '%s'.", token->text);
}

const struct token *p_peek(const struct parser *p, size_t ahead)
{
	return &p->tokens[p->at + ahead < p->count ? p->at + ahead : p->count - 1];
}

bool p_is_at(const struct parser *p, size_t ahead, const char *word)
{
	const struct token *token = p_peek(p, ahead);

	return token->kind == T_WORD && !strcasecmp(token->text, word);
}

bool p_is(const struct parser *p, const char *word)
{
	return p_is_at(p, 0, word);
}

bool p_take(struct parser *p, const char *word)
{
	if (!p_is(p, word))
		return false;
	p->at++;
	return true;
}

bool p_take2(struct parser *p, const char *first, const char *second)
{
	if (!p_is(p, first) || !p_is_at(p, 1, second))
		return false;
	p->at += 2;
	return true;
}

void p_need(struct parser *p, const char *word)
{
	if (!p_take(p, word))
		p_fail(p);
}

bool p_is_op(const struct parser *p, const char *op)
{
	const struct token *token = p_peek(p, 0);

	return token->kind == T_OPERATOR && !strcmp(token->text, op);
}

bool p_take_op(struct parser *p, const char *op)
{
	if (!p_is_op(p, op))
		return false;
	p->at++;
	return true;
}

void p_need_op(struct parser *p, const char *op)
{
	if (!p_take_op(p, op))
		p_fail(p);
}

bool p_is_identifier(const struct parser *p)
{
	const struct token *token = p_peek(p, 0);

	return token->kind == T_QUOTED || (token->kind == T_WORD && !p_reserved(token));
}

const char *p_identifier(struct parser *p)
{
	if (!p_is_identifier(p))
		p_fail(p);
	const struct token *token = p_peek(p, 0);

	if (token->size > 512)
		p_error(p, 103, "The identifier that starts with '%.128s' is too long. Maximum length is 128.", token->text);
	p->at++;
	return token->text;
}

const char *p_any_word(struct parser *p)
{
	const struct token *token = p_peek(p, 0);

	if (token->kind != T_WORD && token->kind != T_QUOTED && token->kind != T_STRING && token->kind != T_NSTRING)
		p_fail(p);
	p->at++;
	return token->text;
}

struct name p_name(struct parser *p)
{
	const char *parts[4] = { p_identifier(p) };
	int count = 1;

	while (p_take_op(p, ".")) {
		if (count == 4)
			p_error(p, 117, "The object name contains more than the maximum number of prefixes. The maximum is 3.");
		/* a..b: the part in the middle is the default one */
		parts[count++] = p_is_op(p, ".") ? "" : p_peek(p, 0)->kind == T_WORD ? p_any_word(p) : p_identifier(p);
	}
	struct name name = { .object = parts[count - 1] };

	if (count > 1)
		name.schema = parts[count - 2];
	if (count > 2)
		name.database = parts[count - 3];
	if (count > 3)
		name.server = parts[0];
	return name;
}

int64_t p_integer(struct parser *p)
{
	bool negative = p_take_op(p, "-");

	if (!negative)
		p_take_op(p, "+");
	const struct token *token = p_peek(p, 0);

	if (token->kind != T_INTEGER)
		p_fail(p);
	p->at++;
	return negative ? -strtoll(token->text, NULL, 10) : strtoll(token->text, NULL, 10);
}

const char *p_string(struct parser *p)
{
	const struct token *token = p_peek(p, 0);

	if (token->kind != T_STRING && token->kind != T_NSTRING)
		p_fail(p);
	p->at++;
	return token->text;
}

static int type_length(struct parser *p)
{
	if (p_take(p, "MAX"))
		return (int)LENGTH_MAX;
	int64_t length = p_integer(p);

	if (length < 0 || length > 8000)
		p_error(p, 131, "The size (%lld) given to the type exceeds the maximum allowed for any data type (8000).",
			(long long)length);
	return (int)length;
}

/* "double precision", "national char varying" and their like, said in several words. */
static void joined_words(struct parser *p, struct name *name)
{
	static const char *const followers[] = { "PRECISION", "VARYING", "CHAR", "CHARACTER", "TEXT" };

	if (name->schema || !name->object)
		return;
	for (size_t i = 0; i < 5; i++) {
		bool fits = i == 0 ? !strcasecmp(name->object, "double")
			: i == 1       ? strcasestr(name->object, "char") || !strcasecmp(name->object, "binary")
						   : !strcasecmp(name->object, "national");

		if (fits && p_take(p, followers[i])) {
			name->object = arena_format(p->arena, "%s %s", name->object, followers[i]);
			i = 0;
		}
	}
}

struct type_name p_type(struct parser *p)
{
	struct type_name type = { .length = -1, .scale = -1 };

	if (p_is(p, "DOUBLE") || p_is(p, "NATIONAL"))
		type.name.object = p_any_word(p);
	else
		type.name = p_name(p);
	joined_words(p, &type.name);
	if (!p_is_op(p, "(") || !strcasecmp(type.name.object, "xml")) {
		if (p_is_op(p, "("))
			p_skip_parentheses(p);
		return type;
	}
	p_need_op(p, "(");
	type.length = type_length(p);
	if (p_take_op(p, ","))
		type.scale = (int)p_integer(p);
	p_need_op(p, ")");
	return type;
}

struct column_ref *p_column_list(struct parser *p)
{
	struct column_ref *first = NULL, **last = &first;

	p_need_op(p, "(");
	do {
		struct column_ref *column = P_NEW(p, struct column_ref);

		column->name = p_identifier(p);
		while (p_take_op(p, ".")) /* t.column in an INSERT list */
			column->name = p_identifier(p);
		if (p_take(p, "DESC"))
			column->descending = true;
		else
			p_take(p, "ASC");
		*last = column;
		last = &column->next;
	} while (p_take_op(p, ","));
	p_need_op(p, ")");
	return first;
}

const char **p_names(struct parser *p, size_t *count)
{
	const char **names = arena_alloc(p->arena, 1024 * sizeof(*names));

	*count = 0;
	p_need_op(p, "(");
	do {
		if (*count == 1024)
			p_fail(p);
		names[(*count)++] = p_identifier(p);
	} while (p_take_op(p, ","));
	p_need_op(p, ")");
	return names;
}

void p_skip_parentheses(struct parser *p)
{
	int depth = 0;

	do {
		if (p_is_op(p, "("))
			depth++;
		else if (p_is_op(p, ")"))
			depth--;
		else if (p_peek(p, 0)->kind == T_END)
			p_fail(p);
		p->at++;
	} while (depth);
}

const char *p_source(struct parser *p, size_t begin, size_t end)
{
	return arena_copy(p->arena, p->source + begin, end - begin);
}

static int open_parser(
	struct parser *p, struct arena *arena, const char *source, size_t size, bool quoted, struct parse_error *error)
{
	int line;

	memset(p, 0, sizeof(*p));
	p->arena = arena;
	p->source = source;
	p->size = size;
	p->error = error;
	p->tokens = lexer_run(arena, source, size, quoted, &p->count, &line);
	if (!line)
		return 0;
	*error = (struct parse_error){ .number = 105, .line = line };
	snprintf(error->text, sizeof(error->text), "Unclosed quotation mark or comment.");
	return -EINVAL;
}

int parse_batch(struct arena *arena, const char *source, size_t size, bool quoted, struct statement **first,
	struct parse_error *error)
{
	struct parser p;

	if (open_parser(&p, arena, source, size, quoted, error))
		return -EINVAL;
	if (setjmp(p.fail))
		return -EINVAL;
	*first = p_statements(&p, NULL);
	return 0;
}

static int parse_whole(struct arena *arena, const char *source, struct parse_error *error, void *out,
	void (*rule)(struct parser *, void *))
{
	struct parser p;

	if (open_parser(&p, arena, source, strlen(source), true, error))
		return -EINVAL;
	if (setjmp(p.fail))
		return -EINVAL;
	rule(&p, out);
	if (p_peek(&p, 0)->kind != T_END)
		p_fail(&p);
	return 0;
}

static void rule_expression(struct parser *p, void *out)
{
	*(struct node **)out = p_expression(p);
}

static void rule_condition(struct parser *p, void *out)
{
	*(struct node **)out = p_condition(p);
}

static void rule_parameters(struct parser *p, void *out)
{
	*(struct parameter_def **)out = p_parameter_list(p);
}

static void rule_name(struct parser *p, void *out)
{
	*(struct name *)out = p_name(p);
}

int parse_expression(struct arena *arena, const char *source, struct node **node, struct parse_error *error)
{
	return parse_whole(arena, source, error, node, rule_expression);
}

int parse_condition(struct arena *arena, const char *source, struct node **node, struct parse_error *error)
{
	return parse_whole(arena, source, error, node, rule_condition);
}

int parse_parameters(
	struct arena *arena, const char *source, struct parameter_def **parameters, struct parse_error *error)
{
	return parse_whole(arena, source, error, parameters, rule_parameters);
}

bool parse_object_name(struct arena *arena, const char *source, struct name *name)
{
	struct parse_error error;

	return !parse_whole(arena, source, &error, name, rule_name);
}

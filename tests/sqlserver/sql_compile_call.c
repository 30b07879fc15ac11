/* SPDX-License-Identifier: Apache-2.0 */
/* Functions: which exist, what they take, what type they give. Most become a C function called f_<name>. */
#include "tests/sqlserver/sql_compile.h"
#include "tests/sqlserver/sql_collation.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Arguments: s text, i integer, f float, n any number, d date, b binary, a anything as it is, t its packed type too. */
enum rule {
	R_INT,
	R_BIGINT,
	R_FLOAT,
	R_BIT,
	R_FIRST,
	R_TEXT_FIRST,
	R_TEXT_LONG,
	R_NVARCHAR,
	R_SYSNAME,
	R_DATETIME,
	R_DATETIME2,
	R_GUID,
	R_BINARY,
	R_VARIANT,
	R_NUMBER_FIRST,
	R_SMALLINT,
	R_TEXT_REPLACE,
	R_DATE,
	R_OFFSET,
	R_UNICODE1,
	R_CHAR1
};

struct function {
	const char *name, *arguments; /* what follows a | is optional */
	enum rule rule;
};

static const struct function functions[] = { { "LEN", "s", R_INT }, { "DATALENGTH", "t", R_INT },
	{ "UPPER", "s", R_TEXT_FIRST }, { "LOWER", "s", R_TEXT_FIRST }, { "LTRIM", "s", R_TEXT_FIRST },
	{ "RTRIM", "s", R_TEXT_FIRST }, { "REVERSE", "s", R_TEXT_FIRST }, { "LEFT", "si", R_TEXT_FIRST },
	{ "RIGHT", "si", R_TEXT_FIRST }, { "CHARINDEX", "ss|i", R_INT }, { "PATINDEX", "ss", R_INT },
	{ "REPLACE", "sss", R_TEXT_REPLACE }, { "STUFF", "siis", R_TEXT_LONG }, { "REPLICATE", "si", R_TEXT_LONG },
	{ "SPACE", "i", R_NVARCHAR }, { "ASCII", "s", R_INT }, { "UNICODE", "s", R_INT }, { "CHAR", "i", R_CHAR1 },
	{ "NCHAR", "i", R_UNICODE1 }, { "QUOTENAME", "s|s", R_NVARCHAR }, { "STR", "f|ii", R_NVARCHAR },
	{ "DIFFERENCE", "ss", R_INT }, { "TRANSLATE", "sss", R_TEXT_LONG }, { "TRIM", "s", R_TEXT_FIRST },
	{ "ABS", "n", R_NUMBER_FIRST }, { "SIGN", "n", R_NUMBER_FIRST }, { "CEILING", "n", R_NUMBER_FIRST },
	{ "FLOOR", "n", R_NUMBER_FIRST }, { "ROUND", "ni|i", R_NUMBER_FIRST }, { "POWER", "ff", R_FLOAT },
	{ "SQRT", "f", R_FLOAT }, { "SQUARE", "f", R_FLOAT }, { "EXP", "f", R_FLOAT }, { "LOG", "f", R_FLOAT },
	{ "LOG10", "f", R_FLOAT }, { "SIN", "f", R_FLOAT }, { "COS", "f", R_FLOAT }, { "TAN", "f", R_FLOAT },
	{ "PI", "", R_FLOAT }, { "RAND", "|i", R_FLOAT }, { "NEWID", "", R_GUID }, { "NEWSEQUENTIALID", "", R_GUID },
	{ "ISNUMERIC", "s", R_INT }, { "ISDATE", "s", R_INT }, { "GETDATE", "", R_DATETIME },
	{ "GETUTCDATE", "", R_DATETIME }, { "CURRENT_TIMESTAMP", "", R_DATETIME }, { "SYSDATETIME", "", R_DATETIME2 },
	{ "SYSUTCDATETIME", "", R_DATETIME2 }, { "SYSDATETIMEOFFSET", "", R_OFFSET }, { "DAY", "d", R_INT },
	{ "MONTH", "d", R_INT }, { "YEAR", "d", R_INT }, { "EOMONTH", "d|i", R_DATE }, { "DATEFROMPARTS", "iii", R_DATE },
	{ "DB_ID", "|s", R_SMALLINT }, { "DB_NAME", "|i", R_SYSNAME }, { "OBJECT_ID", "s|s", R_INT },
	{ "OBJECT_NAME", "i|i", R_SYSNAME }, { "OBJECT_SCHEMA_NAME", "i|i", R_SYSNAME }, { "SCHEMA_ID", "|s", R_INT },
	{ "SCHEMA_NAME", "|i", R_SYSNAME }, { "TYPE_ID", "s", R_INT }, { "TYPE_NAME", "i", R_SYSNAME },
	{ "COL_NAME", "ii", R_SYSNAME }, { "COL_LENGTH", "ss", R_SMALLINT }, { "INDEX_COL", "sii", R_SYSNAME },
	{ "OBJECT_DEFINITION", "i", R_NVARCHAR }, { "OBJECTPROPERTY", "is", R_INT }, { "OBJECTPROPERTYEX", "is", R_INT },
	{ "COLUMNPROPERTY", "iss", R_INT }, { "INDEXPROPERTY", "iss", R_INT }, { "TYPEPROPERTY", "ss", R_INT },
	{ "DATABASEPROPERTYEX", "ss", R_NVARCHAR }, { "DATABASEPROPERTY", "ss", R_INT },
	{ "SERVERPROPERTY", "s", R_NVARCHAR }, { "COLLATIONPROPERTY", "ss", R_INT }, { "FILEGROUP_NAME", "i", R_SYSNAME },
	{ "FILE_NAME", "i", R_SYSNAME }, { "FILEPROPERTY", "ss", R_INT }, { "FULLTEXTSERVICEPROPERTY", "s", R_INT },
	{ "HAS_PERMS_BY_NAME", "sss|ss", R_INT }, { "HAS_DBACCESS", "s", R_INT }, { "IS_MEMBER", "s", R_INT },
	{ "IS_ROLEMEMBER", "s|s", R_INT }, { "IS_SRVROLEMEMBER", "s|s", R_INT }, { "ORIGINAL_LOGIN", "", R_SYSNAME },
	{ "SUSER_SNAME", "|a", R_SYSNAME }, { "SUSER_NAME", "|i", R_SYSNAME }, { "SUSER_ID", "|s", R_INT },
	{ "SUSER_SID", "|s", R_BINARY }, { "USER_NAME", "|i", R_SYSNAME }, { "USER_ID", "|s", R_INT },
	{ "DATABASE_PRINCIPAL_ID", "|s", R_INT }, { "CURRENT_USER", "", R_SYSNAME }, { "SESSION_USER", "", R_SYSNAME },
	{ "SYSTEM_USER", "", R_SYSNAME }, { "USER", "", R_SYSNAME }, { "HOST_NAME", "", R_SYSNAME },
	{ "APP_NAME", "", R_SYSNAME }, { "HOST_ID", "", R_SYSNAME }, { "SCOPE_IDENTITY", "", R_BIGINT },
	{ "IDENT_CURRENT", "s", R_BIGINT }, { "IDENT_SEED", "s", R_BIGINT }, { "IDENT_INCR", "s", R_BIGINT },
	{ "XACT_STATE", "", R_SMALLINT }, { "APPLOCK_TEST", "ssss", R_SMALLINT }, { "APPLOCK_MODE", "sss", R_NVARCHAR },
	{ "ERROR_NUMBER", "", R_INT }, { "ERROR_MESSAGE", "", R_NVARCHAR }, { "ERROR_SEVERITY", "", R_INT },
	{ "ERROR_STATE", "", R_INT }, { "ERROR_LINE", "", R_INT }, { "ERROR_PROCEDURE", "", R_SYSNAME },
	{ "ROWCOUNT_BIG", "", R_BIGINT }, { "FORMATMESSAGE", "s|aaaa", R_NVARCHAR }, { "STATS_DATE", "ii", R_DATETIME },
	{ "CONNECTIONPROPERTY", "s", R_NVARCHAR }, { "CURRENT_TRANSACTION_ID", "", R_BIGINT },
	{ "MIN_ACTIVE_ROWVERSION", "", R_BINARY }, { "CONTEXT_INFO", "", R_BINARY }, { "CURSOR_STATUS", "ss", R_SMALLINT },
	{ "PARSENAME", "si", R_SYSNAME } };

static struct expr call(struct compiler *c, const char *name, const char *arguments, struct sql_type type)
{
	struct text lower = { .arena = c->arena };

	for (; *name; name++) {
		char small = (char)tolower((unsigned char)*name);

		text_add_n(&lower, &small, 1);
	}
	return (struct expr){
		.sql = compile_format(c, "f_%s(%s)", text_done(&lower), arguments), .type = type, .nullable = true
	};
}

static struct expr argument(struct compiler *c, char kind, struct expr e)
{
	struct sql_type text = type_nvarchar((int)LENGTH_MAX, c->database->collation);

	switch (kind) {
	case 's':
		if (type_is_character(e.type))
			return e;
		return compile_cast(c, e,
			e.type.kind == K_XML || type_is_binary(e.type) ? type_varchar(9000, c->database->collation) : text, NULL,
			false);
	case 'i':
		return compile_convert(c, e, type_simple(e.type.kind == K_BIGINT ? K_BIGINT : K_INT), false);
	case 'f':
		return compile_convert(c, e, type_simple(K_FLOAT), false);
	case 'd':
		return type_is_date(e.type) ? e : compile_convert(c, e, type_make(K_DATETIME2, 7, 0, 0), false);
	case 'n':
		return type_is_number(e.type) ? e : compile_convert(c, e, type_simple(K_FLOAT), false);
	default:
		return e;
	}
}

static struct sql_type text_of(struct compiler *c, struct expr e, bool grow)
{
	struct sql_type type = type_is_character(e.type) ? e.type : type_nvarchar(4000, c->database->collation);

	if (type.kind == K_CHAR || type.kind == K_TEXT)
		type.kind = K_VARCHAR;
	if (type.kind != K_VARCHAR)
		type.kind = K_NVARCHAR;
	if (type_is_large(e.type))
		type.length = LENGTH_MAX;
	else if (grow)
		type.length = 8000;
	return type;
}

static struct sql_type rule_type(struct compiler *c, enum rule rule, const struct expr *arguments)
{
	uint16_t collation = c->database->collation;

	switch (rule) {
	case R_INT:
		return type_simple(K_INT);
	case R_BIGINT:
		return type_simple(K_BIGINT);
	case R_SMALLINT:
		return type_simple(K_SMALLINT);
	case R_FLOAT:
		return type_simple(K_FLOAT);
	case R_BIT:
		return type_simple(K_BIT);
	case R_FIRST:
		return arguments[0].type;
	case R_TEXT_FIRST:
		return text_of(c, arguments[0], false);
	case R_TEXT_REPLACE:
	case R_TEXT_LONG:
		return text_of(c, arguments[0], true);
	case R_NVARCHAR:
		return type_nvarchar(4000, collation);
	case R_UNICODE1:
		return type_make(K_NCHAR, 1, 0, collation);
	case R_CHAR1:
		return type_make(K_CHAR, 1, 0, collation);
	case R_SYSNAME:
		return type_nvarchar(128, collation);
	case R_DATETIME:
		return type_simple(K_DATETIME);
	case R_DATETIME2:
		return type_make(K_DATETIME2, 7, 0, 0);
	case R_OFFSET:
		return type_make(K_DATETIMEOFFSET, 7, 0, 0);
	case R_DATE:
		return type_simple(K_DATE);
	case R_GUID:
		return type_simple(K_GUID);
	case R_BINARY:
		return type_make(K_VARBINARY, 128, 0, 0);
	case R_VARIANT:
		return type_simple(K_VARIANT);
	case R_NUMBER_FIRST:
		return type_is_integer(arguments[0].type) && arguments[0].type.kind < K_INT ? type_simple(K_INT)
																					: arguments[0].type;
	}
	return type_simple(K_INT);
}

static struct expr known(struct compiler *c, const struct function *f, const struct node *node)
{
	struct expr arguments[8] = { 0 };
	struct text list = { .arena = c->arena };
	size_t i = 0, needed = strcspn(f->arguments, "|");
	bool typed = f->rule == R_NUMBER_FIRST;

	if (node->count < needed || node->count > strlen(f->arguments) - (f->arguments[needed] == '|'))
		compile_error(c, 174, f->name, (int)needed);
	for (const char *kind = f->arguments; i < node->count; kind++) {
		if (*kind == '|')
			continue;
		arguments[i] = argument(c, *kind, compile_expression(c, node->kids[i]));
		text_format(&list, "%s%s", i ? "," : "", arguments[i].sql);
		if (*kind == 't' || *kind == 'd' || typed)
			text_format(&list, ",%lld", (long long)type_pack(arguments[i].type));
		typed = false;
		i++;
	}
	bool compares = !strcmp(f->name, "CHARINDEX") || !strcmp(f->name, "REPLACE") || !strcmp(f->name, "PATINDEX");

	if (compares) {
		uint16_t collation = arguments[1].collation_rank > arguments[0].collation_rank ? arguments[1].type.collation
																					   : arguments[0].type.collation;

		text_format(&list, ",%d", collation ? collation : COLLATION_DEFAULT);
	}
	struct expr e = call(c, f->name, text_done(&list), rule_type(c, f->rule, arguments));

	if (!strcmp(f->name, "DATALENGTH") && type_is_large(arguments[0].type))
		e.type = type_simple(K_BIGINT);
	if (type_is_character(e.type))
		e.collation_rank = arguments[0].collation_rank;
	return e;
}

static struct expr aggregate_argument(struct compiler *c, const struct node *node)
{
	if (node->count < 1)
		compile_error(c, 174, node->text, 1);
	c->in_aggregate++;
	struct expr e = compile_expression(c, node->kids[0]);

	c->in_aggregate--;
	e.aggregate = true;
	e.column = NULL;
	e.name = NULL;
	return e;
}

static struct sql_type sum_type(struct sql_type type)
{
	switch (type.kind) {
	case K_TINYINT:
	case K_SMALLINT:
	case K_INT:
		return type_simple(K_INT);
	case K_BIGINT:
		return type;
	case K_DECIMAL:
	case K_NUMERIC:
		return type_make(type.kind, 38, type.scale, 0);
	case K_SMALLMONEY:
	case K_MONEY:
		return type_simple(K_MONEY);
	default:
		return type_simple(K_FLOAT);
	}
}

static struct expr sum_or_average(struct compiler *c, const struct node *node, bool average)
{
	struct expr e = aggregate_argument(c, node);

	if (!type_is_number(e.type) || e.type.kind == K_BIT) {
		session_raise_text(c->session, 8117, 16, 1, "Operand data type %s is invalid for %s operator.",
			kind_info(e.type.kind)->name, average ? "avg" : "sum");
		compile_fail(c);
	}
	struct sql_type type = sum_type(e.type);

	if (average && (type.kind == K_DECIMAL || type.kind == K_NUMERIC))
		type = type_make(type.kind, 38, type.scale > 6 ? type.scale : 6, 0);
	e.sql = compile_format(c, "%s(%s%s,%lld,%lld)", average ? "agg_avg" : "agg_sum", node->distinct ? "DISTINCT " : "",
		e.sql, (long long)type_pack(e.type), (long long)type_pack(type));
	if (node->distinct) { /* SQLite wants one argument with DISTINCT */
		session_raise_text(c->session, 50000, 16, 1, "The stand-in does not know SUM and AVG of DISTINCT.");
		compile_fail(c);
	}
	e.type = type;
	e.nullable = true;
	return e;
}

static bool aggregate(struct compiler *c, const struct node *node, struct expr *out)
{
	const char *name = node->text;
	bool big = !strcasecmp(name, "COUNT_BIG");

	if (!strcasecmp(name, "COUNT") || big) {
		struct expr e = { .sql = "*" };

		if (!node->star)
			e = aggregate_argument(c, node);
		*out = (struct expr){ .sql = compile_format(c, "count(%s%s)", node->distinct ? "DISTINCT " : "",
								  node->star ? "*" : compile_collated(c, e)),
			.type = type_simple(big ? K_BIGINT : K_INT),
			.aggregate = true };
	} else if (!strcasecmp(name, "MIN") || !strcasecmp(name, "MAX")) {
		*out = aggregate_argument(c, node);
		out->sql = compile_format(c, "%s(%s)", !strcasecmp(name, "MIN") ? "min" : "max", compile_collated(c, *out));
		out->nullable = true;
	} else if (!strcasecmp(name, "SUM") || !strcasecmp(name, "AVG")) {
		*out = sum_or_average(c, node, !strcasecmp(name, "AVG"));
	} else if (!strcasecmp(name, "CHECKSUM_AGG")) {
		*out = aggregate_argument(c, node);
		out->sql = compile_format(c, "checksum_agg(%s)", compile_convert(c, *out, type_simple(K_INT), false).sql);
		out->type = type_simple(K_INT);
		out->nullable = true;
	} else {
		return false;
	}
	return true;
}

static const char *over(struct compiler *c, const struct over *over)
{
	struct text sql = { .arena = c->arena };

	text_add(&sql, " OVER (");
	for (size_t i = 0; i < over->partition_count; i++)
		text_format(
			&sql, "%s%s", i ? "," : "PARTITION BY ", compile_collated(c, compile_expression(c, over->partition[i])));
	for (struct order_item *item = over->order; item; item = item->next)
		text_format(&sql, "%s%s%s", item == over->order ? " ORDER BY " : ",",
			item->expression->kind == N_SUBQUERY ? "NULL"
												 : compile_collated(c, compile_expression(c, item->expression)),
			item->descending ? " DESC" : "");
	if (over->frame)
		text_format(&sql, " %s", over->frame);
	text_add(&sql, ")");
	return text_done(&sql);
}

static bool window(struct compiler *c, const struct node *node, struct expr *out)
{
	static const char *const names[] = { "ROW_NUMBER", "RANK", "DENSE_RANK", "NTILE" };

	for (size_t i = 0; i < 4; i++) {
		if (strcasecmp(names[i], node->text) || !node->over)
			continue;
		*out = (struct expr){ .sql = compile_format(c, "%s(%s)%s", names[i],
								  node->count ? compile_expression(c, node->kids[0]).sql : "", over(c, node->over)),
			.type = type_simple(K_BIGINT) };
		return true;
	}
	if ((!strcasecmp(node->text, "LAG") || !strcasecmp(node->text, "LEAD") || !strcasecmp(node->text, "FIRST_VALUE") ||
			!strcasecmp(node->text, "LAST_VALUE")) &&
		node->over && node->count) {
		struct text list = { .arena = c->arena };
		struct expr first = compile_expression(c, node->kids[0]);

		text_add(&list, first.sql);
		for (size_t i = 1; i < node->count; i++) {
			struct expr e = compile_expression(c, node->kids[i]);

			text_format(&list, ",%s", i == 2 ? compile_convert(c, e, first.type, false).sql : e.sql);
		}
		*out = first;
		out->sql = compile_format(c, "%s(%s)%s", node->text, text_done(&list), over(c, node->over));
		out->nullable = true;
		out->column = NULL;
		out->name = NULL;
		return true;
	}
	return false;
}

bool compile_user_function(struct compiler *c, const struct node *node, struct expr *out);

struct expr compile_call(struct compiler *c, const struct node *node)
{
	struct expr e;

	if (node->name.object) {
		if (compile_user_function(c, node, &e))
			return e;
		compile_error(c, 4121, node->name.object, compile_format(c, "%s.%s", node->name.object, node->text));
	}
	if (window(c, node, &e))
		return e;
	if (aggregate(c, node, &e)) {
		if (node->over)
			e.sql = compile_format(c, "%s%s", e.sql, over(c, node->over));
		e.aggregate = !node->over;
		return e;
	}
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (!strcasecmp(functions[i].name, node->text))
			return known(c, &functions[i], node);
	return compile_special(c, node);
}

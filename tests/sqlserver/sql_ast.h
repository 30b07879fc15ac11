/* SPDX-License-Identifier: Apache-2.0 */
/* What the parser makes of a batch. Everything lives in the arena of the batch. */
#ifndef TESTS_SQLSERVER_SQL_AST_H
#define TESTS_SQLSERVER_SQL_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* server.database.schema.object; NULL for a part that was not said, "" for one left empty. */
struct name {
	const char *server, *database, *schema, *object;
};

struct type_name {
	struct name name;
	int length, scale; /* -1: not said; LENGTH_MAX: max */
};

enum node_kind {
	N_NULL,
	N_INTEGER,
	N_DECIMAL,
	N_FLOAT,
	N_MONEY,
	N_STRING,
	N_NSTRING,
	N_BINARY,
	N_DEFAULT,
	N_VARIABLE,
	N_GLOBAL,
	N_COLUMN,
	N_STAR,
	N_NEGATE,
	N_INVERT,
	N_OPERATE,
	N_COMPARE,
	N_AND,
	N_OR,
	N_NOT,
	N_IS_NULL,
	N_IN,
	N_BETWEEN,
	N_LIKE,
	N_EXISTS,
	N_QUANTIFIED,
	N_CALL,
	N_CASE,
	N_CAST,
	N_COLLATE,
	N_SUBQUERY,
	N_NEXT_VALUE,
	N_TIME_ZONE
};

enum compare { C_EQ, C_NE, C_LT, C_LE, C_GT, C_GE };

struct order_item {
	struct node *expression;
	bool descending;
	struct order_item *next;
};

struct over {
	struct node **partition;
	size_t partition_count;
	struct order_item *order;
	const char *frame; /* its text, NULL if none */
};

struct node {
	enum node_kind kind;
	int op; /* N_OPERATE: the character; N_COMPARE: enum compare; N_CAST: style present */
	bool negated, distinct, star, try_it, all;
	const char *text; /* literal, variable, function name, collation, last part of a column's name */
	size_t size;
	struct name name; /* N_COLUMN and N_STAR: schema.table in .schema/.object; N_CALL of a user's function */
	struct node **kids;
	size_t count;
	struct select *query;
	struct type_name *type;
	struct over *over;
	size_t begin, end; /* in the source */
	int line;
};

enum join_kind { J_INNER, J_LEFT, J_RIGHT, J_FULL, J_CROSS, J_CROSS_APPLY, J_OUTER_APPLY };
enum table_kind { R_TABLE, R_QUERY, R_FUNCTION, R_VARIABLE, R_JOIN };

enum table_hint {
	H_NOLOCK = 1,
	H_HOLDLOCK = 2,
	H_TABLOCK = 4,
	H_TABLOCKX = 8,
	H_UPDLOCK = 16,
	H_XLOCK = 32,
	H_READPAST = 64,
	H_NOWAIT = 128,
	H_SNAPSHOT = 256,
	H_READCOMMITTEDLOCK = 512
};

struct table_ref {
	enum table_kind kind;
	struct name name;
	const char *alias;
	const char **columns; /* of an alias list */
	size_t column_count;
	unsigned hints;
	struct select *query;
	struct node **arguments;
	size_t argument_count;
	enum join_kind join;
	struct table_ref *left, *right;
	struct node *on;
	int line;
};

struct select_item {
	struct node *expression;
	const char *alias;
	const char *variable; /* SELECT @x = ..., UPDATE SET @x = ... */
	int op;               /* 0 for =, else the character of += and its like */
	struct select_item *next;
};

enum set_operator { SET_NONE, SET_UNION, SET_UNION_ALL, SET_EXCEPT, SET_INTERSECT, SET_VALUES };

struct cte {
	const char *name;
	const char **columns;
	size_t column_count;
	struct select *query;
	struct cte *next;
};

struct select {
	enum set_operator op;
	struct select *left, *right; /* of a set operator */
	struct node ***rows;         /* SET_VALUES: row_count rows of column_count */
	size_t row_count, column_count;
	struct cte *with;
	bool distinct, percent, ties;
	struct node *top;
	struct select_item *items;
	struct name *into;
	struct table_ref **from;
	size_t from_count;
	struct node *where, *having;
	struct node **group;
	size_t group_count;
	struct order_item *order;
	struct node *offset, *fetch;
	bool xml_path; /* FOR XML PATH('') */
	const char *xml_tag;
	int line;
};

struct column_ref {
	const char *name;
	bool descending;
	struct column_ref *next;
};

enum constraint_kind { D_PRIMARY, D_UNIQUE, D_FOREIGN, D_CHECK, D_DEFAULT, D_INDEX };

struct constraint_def {
	enum constraint_kind kind;
	const char *name; /* NULL: the server makes one */
	struct column_ref *columns, *include, *reference_columns;
	int clustered; /* -1 not said */
	struct name reference;
	int on_delete, on_update; /* 0 no action, 1 cascade, 2 set null, 3 set default */
	struct node *expression;  /* check, default, filter */
	bool not_for_replication, unique, columnstore, ignore_duplicates, padded;
	int fill_factor, compression; /* compression: 0 none, 1 row, 2 page */
	struct constraint_def *next;
};

struct column_def {
	const char *name;
	struct type_name type;
	int nullable; /* -1 not said */
	const char *collation;
	bool identity, identity_not_for_replication, sparse, row_guid, persisted, hidden, column_set, encrypted, filestream;
	int64_t seed, increment;
	int generated; /* 1 row start, 2 row end */
	const char *mask;
	struct node *computed;
	struct constraint_def *constraints;
	int line;
	struct column_def *next;
};

struct parameter_def {
	const char *name;
	struct type_name type;
	struct node *value;
	bool output;
	struct parameter_def *next;
};

/* An argument of EXEC; name is NULL for one by position. */
struct argument {
	const char *name;
	struct node *value;
	bool output;
	struct argument *next;
};

enum statement_kind {
	S_EMPTY,
	S_SELECT,
	S_INSERT,
	S_UPDATE,
	S_DELETE,
	S_MERGE,
	S_TRUNCATE,
	S_INSERT_BULK,
	S_DECLARE,
	S_DECLARE_TABLE,
	S_SET_VARIABLE,
	S_SET_OPTION,
	S_IF,
	S_WHILE,
	S_BLOCK,
	S_TRY,
	S_BREAK,
	S_CONTINUE,
	S_RETURN,
	S_PRINT,
	S_RAISERROR,
	S_THROW,
	S_EXEC,
	S_EXEC_TEXT,
	S_WAITFOR,
	S_USE,
	S_KILL,
	S_CHECKPOINT,
	S_BEGIN_TRAN,
	S_COMMIT,
	S_ROLLBACK,
	S_SAVE,
	S_CREATE_TABLE,
	S_CREATE_INDEX,
	S_ALTER_INDEX,
	S_ALTER_TABLE,
	S_DROP,
	S_CREATE_MODULE,
	S_CREATE_SCHEMA,
	S_CREATE_SEQUENCE,
	S_CREATE_TYPE,
	S_CREATE_DATABASE,
	S_ALTER_DATABASE,
	S_CREATE_LOGIN,
	S_CREATE_USER,
	S_CREATE_ROLE,
	S_ALTER_ROLE,
	S_PERMISSION,
	S_DBCC,
	S_UPDATE_STATISTICS,
	S_TRIGGER_STATE,
	S_SECURITY_POLICY,
	S_CREATE_SYNONYM,
	S_CURSOR,
	S_GENERIC
};

enum alter_kind {
	A_ADD,
	A_DROP_CONSTRAINT,
	A_DROP_COLUMN,
	A_ALTER_COLUMN,
	A_CHECK,
	A_NOCHECK,
	A_TRIGGER_ENABLE,
	A_TRIGGER_DISABLE,
	A_SET,
	A_REBUILD,
	A_NOTHING
};

struct merge_when {
	bool matched, by_source;
	struct node *condition;
	enum statement_kind action; /* S_UPDATE, S_DELETE, S_INSERT */
	struct select_item *set;
	struct column_ref *columns;
	struct node **values;
	size_t value_count;
	struct merge_when *next;
};

/* One struct for all statements: each uses what its kind needs, the parser's function of that name says how. */
struct statement {
	enum statement_kind kind;
	enum alter_kind alter;
	int line;
	size_t begin, end; /* in the source */
	struct name name, other;
	const char *text; /* option, label, type of object, ... */
	const char *extra;
	const char **words; /* names in a list */
	size_t word_count;
	struct node **nodes;
	size_t node_count;
	struct select *query;
	struct select_item *set; /* assignments; for OUTPUT see below */
	struct select_item *output;
	struct name *output_into;
	struct table_ref *target;
	struct table_ref **from;
	size_t from_count;
	struct node *condition, *top;
	struct cte *with;
	struct column_ref *columns;
	struct column_def *column_defs;
	struct constraint_def *constraints;
	struct parameter_def *parameters;
	struct argument *arguments;
	struct merge_when *whens;
	struct type_name type;
	struct statement *body, *otherwise, *next;
	bool flag, flag2, on, clustered, all;
	int number;
	unsigned hints;
};

#endif

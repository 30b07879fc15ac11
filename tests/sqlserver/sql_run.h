/* SPDX-License-Identifier: Apache-2.0 */
/* Running statements: control flow, errors, results. */
#ifndef TESTS_SQLSERVER_SQL_RUN_H
#define TESTS_SQLSERVER_SQL_RUN_H

#include "tests/sqlserver/sql_compile.h"
#include "tests/sqlserver/sql_transaction.h"

enum flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE, FLOW_RETURN, FLOW_ERROR, FLOW_END };

enum flow run_statements(struct session *session, struct statement *first);
enum flow run_control(struct session *session, struct statement *s, bool *known);
/* Each runs one statement: 0, or -EIO with the error raised. */
int run_select(struct session *session, struct statement *s);
int run_print(struct session *session, struct statement *s);
int run_raiserror(struct session *session, struct statement *s);
int run_throw(struct session *session, struct statement *s);
int run_waitfor(struct session *session, struct statement *s);
/* The text of an expression, now, in the statement's arena; "" for NULL. */
int run_text_of(struct session *session, const struct node *node, const char **text);
int run_dml(struct session *session, struct statement *s);
int run_merge(struct session *session, struct statement *s);
int run_ddl(struct session *session, struct statement *s);
int run_alter_table(struct session *session, struct statement *s);
int run_create_table(struct session *session, struct statement *s);
int run_create_index(struct session *session, struct statement *s);
int run_module(struct session *session, struct statement *s);
int run_trigger_state(struct session *session, struct statement *s);
int run_truncate(struct session *session, struct statement *s);
int run_drop(struct session *session, struct statement *s);
int run_security(struct session *session, struct statement *s);
int run_database(struct session *session, struct statement *s);
int run_set(struct session *session, struct statement *s);
int run_dbcc(struct session *session, struct statement *s);
int run_insert_bulk(struct session *session, struct statement *s);
int run_execute(struct session *session, struct statement *s);
/* A batch or dynamic text in the present frame. */
enum flow run_text(struct session *session, const char *text, size_t size, struct frame *frame);
/* Parses (raising what is wrong); NULL for an empty batch too. */
struct statement *run_parse(struct session *session, struct arena *arena, const char *text, size_t size);
/* A system procedure; -ENOENT if the name is none. */
struct argument_value;
int run_system_procedure(
	struct session *session, const char *name, struct argument_value *arguments, size_t count, int64_t *status);
/* T-SQL triggers of a table after (or instead of) a statement: events bit 0 insert, 1 update, 2 delete. */
int run_triggers(struct session *session, const struct table *table, int event, bool instead, const char *inserted,
	const char *deleted, const unsigned char *updated);
bool database_permitted(struct session *session, struct database *database);
bool has_trigger(struct session *session, const struct table *table, int event, bool instead);

/* An evaluated argument of a procedure. */
struct argument_value {
	const char *name; /* NULL: by position */
	struct sql_type type;
	struct value value;
	bool output, is_default;
	struct variable *variable; /* where an OUTPUT goes */
};

/* One value of an expression, now. The result lives in the statement's arena. */
int evaluate(struct session *session, const struct node *node, struct sql_type *type, struct value *value);
int evaluate_condition(struct session *session, const struct node *node, bool *truth);
int assign(struct session *session, struct variable *variable, struct sql_type from, struct value value);

/* Prepares what was compiled, with locks taken and variables bound; raises. */
sqlite3_stmt *run_prepare(struct session *session, struct compiler *c, const char *sql);
int run_locks(struct session *session, struct compiler *c);
/* Sends all rows (or assigns them); counts into session->rowcount. */
int run_rows(
	struct session *session, sqlite3_stmt *statement, const struct result *results, size_t count, bool assigns);
void result_columns(const struct result *results, size_t count, struct result_column *out);
/* The DONE of a statement; sent once the next token or the end comes. */
void session_done(struct session *session, uint16_t command, bool counted, bool error);
void session_flush_done(struct session *session);
/* Marks a table as changed by DDL, for snapshot readers (3961). */
void ddl_note(struct session *session, const struct table *table);
bool ddl_since(struct session *session, const struct table *table);
/* Foreign keys noted during a statement, looked at again; raises 547. */
int constraints_verify(struct session *session, const char *statement);
void constraints_forget(struct session *session);
int constraints_register(struct session *session);
/* What SQLite said of a constraint of that table, as SQL Server says it. */
int constraint_error(struct session *session, const struct table *table, int code, const char *statement);

/* Definitions: shared by CREATE TABLE, ALTER TABLE, DECLARE @t TABLE. */
int define_columns(struct session *session, struct table *table, struct column_def *columns, int first_id);
int define_constraints(struct session *session, struct table *table, struct constraint_def *constraints,
	const struct column_def *columns, bool checked);
int define_index(struct session *session, struct table *table, struct constraint_def *d);
int define_object(struct session *session, struct database *database, int schema, const char *name, const char *type,
	int parent, const char *definition);
int drop_object(struct session *session, struct database *database, int id);

/* --- sessions' odds and ends -------------------------------------------------------------------------------------- */

/* A procedure by its name as text: the system's or the database's. Raises. */
int run_procedure(
	struct session *session, const char *name, struct argument_value *arguments, size_t count, int64_t *status);
/* True where an error was to be raised here (the setting "fail"), and is. */
bool session_fault_strikes(struct session *session, const char *kind);
/* Sends a pending error of a call, and does to the transaction what it must. */
void report_failure(struct session *session);
void prepared_free(struct session *session);
void bulk_forget(struct session *session);
void drop_table_variables(struct session *session);
bool security_server(struct session *session, const char *permission);
/* Has the session this permission on the object (0: on the database)? */
bool security_allows(struct session *session, struct database *database, int object, const char *permission);
bool security_allows_schema(struct session *session, struct database *database, int schema, const char *permission);
/* DENY counts, whatever was granted; never to dbo. */
bool security_denies(struct session *session, struct database *database, int object, const char *permission);
/* Whether any object or schema may be hidden from this session by DENY. */
bool security_hides_any(struct session *session, struct database *database);
bool security_member(struct session *session, struct database *database, const char *role);
bool security_unmasked(struct session *session, struct database *database);
int system_view_id(const char *name);
int security_principal(struct session *session, struct database *database);

#endif

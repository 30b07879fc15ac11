/* SPDX-License-Identifier: Apache-2.0 */
/* Batches and control flow; what an error ends. */
#include "tests/sqlserver/sql_run.h"
#include "tests/sqlserver/sql_convert.h"
#include "tests/sqlserver/sql_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Errors that end the batch and roll the transaction back, XACT_ABORT or not. */
static bool ends_transaction(int number)
{
	static const int numbers[] = { 1205, 3960, 3961, 3952, 3958, 3966, 241, 242, 245, 248, 8169, 3617 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (numbers[i] == number)
			return number != 3617 && number != 3952;
	return false;
}

/* Errors that end the batch but not the transaction: names that cannot be bound, and cancellation. */
static bool ends_batch(int number)
{
	static const int numbers[] = { 207, 208, 209, 3617, 3952, 4104, 4121, 137, 1087, 195, 8120, 102, 156, 2715, 911 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (numbers[i] == number)
			return true;
	return false;
}

static void send_error(struct session *session)
{
	struct error_info *e = &session->error;

	session_flush_done(session);
	if (session->sink->message(session->sink, e->number, e->state, e->severity, e->text, e->procedure, e->line))
		session->sink_failed = true;
}

/* After a statement failed: who hears of it, and what goes on. */
static enum flow after_error(struct session *session, const struct statement *s)
{
	struct error_info *e = &session->error;
	bool abort = session->xact_abort && s->kind != S_RAISERROR && e->severity > 10;
	bool cancelled = __atomic_load_n(&session->interrupted, __ATOMIC_RELAXED);

	session->failed = false;
	session->last_error = e->number;
	if (session->in_try && e->severity < 20 && !cancelled) {
		if (session->trancount && (abort || ends_transaction(e->number)))
			session->doomed = true;
		return FLOW_ERROR;
	}
	if (!cancelled)
		send_error(session);
	if (e->severity >= 20)
		session->killed = true;
	if (abort || ends_transaction(e->number) || session->killed)
		transaction_abandon(session);
	if (abort || ends_transaction(e->number) || ends_batch(e->number) || session->killed || cancelled) {
		session_done(session, 0, false, true);
		return FLOW_END;
	}
	session->rowcount = 0;
	session_done(session, 0, false, true);
	return FLOW_NEXT;
}

int assign(struct session *session, struct variable *variable, struct sql_type from, struct value value)
{
	struct conversion c = { .from = from, .to = variable->type, .order = session->date_format };
	struct value out = value;

	if (value.storage != STORE_NULL && !type_equal(from, variable->type)) {
		int error = convert_allowed(from, variable->type);

		if (!error)
			error = convert_value(&c, value, &out);
		if (error) {
			bytes_free(&c.scratch);
			if (error == 245)
				return session_raise(session, 245, kind_info(from.kind)->name,
					arena_copy(session->arena, value.data ? value.data : "", value.size > 100 ? 100 : value.size),
					kind_info(variable->type.kind)->name);
			return session_raise(session, error, kind_info(from.kind)->name, kind_info(variable->type.kind)->name);
		}
	}
	variable_set(variable, out);
	bytes_free(&c.scratch);
	return 0;
}

static int declare(struct session *session, struct statement *s)
{
	for (struct parameter_def *p = s->parameters; p; p = p->next) {
		struct sql_type type;
		struct value value;
		int user_type;

		struct variable *v = variable_find(session, p->name);

		if (catalogue_type(session, &p->type, NULL, &type, &user_type))
			return -5;
		if (!v) /* in a loop, DECLARE runs again and keeps the variable */
			v = variable_add(session, p->name, type);
		if (p->value && (evaluate(session, p->value, &type, &value) || assign(session, v, type, value)))
			return -5;
	}
	return 0;
}

static int declare_table(struct session *session, struct statement *s)
{
	s->name.database = "tempdb";
	if (catalogue_find(session, &s->name))
		return 0;
	return run_create_table(session, s);
}

static int set_variable(struct session *session, struct statement *s)
{
	struct variable *v = variable_find(session, s->text);
	struct sql_type type;
	struct value value;

	if (!v)
		return session_raise(session, 137, s->text);
	struct node *node = s->nodes[0];

	if (s->number) {
		struct node *left = arena_alloc(session->arena, sizeof(*left)),
					*both = arena_alloc(session->arena, sizeof(*both));

		left->kind = N_VARIABLE;
		left->text = s->text;
		both->kind = N_OPERATE;
		both->op = s->number;
		both->kids = arena_alloc(session->arena, 2 * sizeof(*both->kids));
		both->kids[0] = left;
		both->kids[1] = node;
		both->count = 2;
		node = both;
	}
	return evaluate(session, node, &type, &value) || assign(session, v, type, value) ? -5 : 0;
}

int run_text_of(struct session *session, const struct node *node, const char **text)
{
	struct sql_type type;
	struct value value;
	struct bytes out = { 0 };

	*text = "";
	if (evaluate(session, node, &type, &value))
		return -5;
	if (value.storage == STORE_TEXT)
		*text = value.data;
	else if (value.storage != STORE_NULL && !convert_to_text(value, type, 0, &out))
		*text = arena_string(session->arena, out.data);
	bytes_free(&out);
	return 0;
}

static int use(struct session *session, const char *name)
{
	struct database *d = database_find(session->engine, name);
	bool may = d && (session->sysadmin || database_permitted(session, d));

	if (!d)
		return session_raise(session, 911, name);
	if (!may)
		return session_raise(session, 916, session->login, d->name);
	if (database_attach(session, d))
		return -5;
	session->database = d;
	session->frame->database = d;
	session_flush_done(session);
	if (session->sink->database_changed(session->sink, d->name))
		session->sink_failed = true;
	session_inform(session, 5701, 0, 2, arena_format(session->arena, "Changed database context to '%s'.", d->name));
	return 0;
}

static const char *transaction_name(struct session *session, struct statement *s)
{
	const char *text = s->text ? s->text : "";

	if (s->node_count)
		run_text_of(session, s->nodes[0], &text);
	return text;
}

static int kill_session(struct session *session, struct statement *s)
{
	const char *text;
	int found = 0;

	if (run_text_of(session, s->nodes[0], &text))
		return -5;
	pthread_mutex_lock(&session->engine->mutex);
	for (struct session *other = session->engine->sessions; other; other = other->next) {
		if (other->id != atoi(text) || other == session)
			continue;
		other->killed = true;
		__atomic_store_n(&other->interrupted, 1, __ATOMIC_RELAXED);
		sqlite3_interrupt(other->db);
		found = 1;
	}
	pthread_cond_broadcast(&session->engine->changed);
	pthread_mutex_unlock(&session->engine->mutex);
	return found ? 0 : session_raise_text(session, 6106, 16, 1, "Process ID %s is not an active process ID.", text);
}

static int plain(struct session *session, struct statement *s)
{
	switch (s->kind) {
	case S_SELECT:
		return run_select(session, s);
	case S_INSERT:
	case S_UPDATE:
	case S_DELETE:
		return run_dml(session, s);
	case S_MERGE:
		return run_merge(session, s);
	case S_INSERT_BULK:
		return run_insert_bulk(session, s);
	case S_DECLARE:
		return declare(session, s);
	case S_DECLARE_TABLE:
		return declare_table(session, s);
	case S_SET_VARIABLE:
		return set_variable(session, s);
	case S_SET_OPTION:
		return run_set(session, s);
	case S_PRINT:
		return run_print(session, s);
	case S_RAISERROR:
		return run_raiserror(session, s);
	case S_THROW:
		return run_throw(session, s);
	case S_WAITFOR:
		return run_waitfor(session, s);
	case S_USE:
		return use(session, s->text);
	case S_KILL:
		return kill_session(session, s);
	case S_BEGIN_TRAN:
		return transaction_begin(session, transaction_name(session, s));
	case S_COMMIT:
		return transaction_commit(session);
	case S_ROLLBACK:
		return transaction_rollback(session, transaction_name(session, s));
	case S_SAVE:
		return transaction_save(session, transaction_name(session, s));
	case S_EXEC:
	case S_EXEC_TEXT:
		return run_execute(session, s);
	case S_DBCC:
		return run_dbcc(session, s);
	case S_EMPTY:
	case S_CHECKPOINT:
		return 0;
	default:
		return run_ddl(session, s);
	}
}

bool session_fault_strikes(struct session *session, const char *kind)
{
	int number = 0;

	if (!session->engine->faults)
		return false;
	pthread_mutex_lock(&session->engine->mutex);
	for (struct setting_fault **at = &session->engine->faults; *at && !number;) {
		struct setting_fault *f = *at;

		if ((!*f->kind || !strcmp(f->kind, kind)) && --f->countdown <= 0) {
			number = f->number;
			*at = f->next;
			free(f);
			session->engine->faults_struck++;
		} else {
			at = &f->next;
		}
	}
	pthread_mutex_unlock(&session->engine->mutex);
	if (number) { /* 547 has the most names in its words */
		const char *name = session->database->name;

		session_raise(session, number, name, name, name, name, name, name, name);
	}
	return number;
}

static bool fault_strikes(struct session *session, const struct statement *s)
{
	static const char *const kinds[] = { [S_SELECT] = "select",
		[S_INSERT] = "insert",
		[S_UPDATE] = "update",
		[S_DELETE] = "delete",
		[S_INSERT_BULK] = "bulk",
		[S_COMMIT] = "commit",
		[S_BEGIN_TRAN] = "begin",
		[S_ALTER_TABLE] = "alter",
		[S_DBCC] = "dbcc",
		[S_CREATE_TABLE] = "create",
		[S_GENERIC] = NULL };

	return session_fault_strikes(session, kinds[s->kind] ? kinds[s->kind] : "other");
}

static void begin_implicitly(struct session *session, const struct statement *s)
{
	if (session->implicit_transactions && !session->trancount &&
		(s->kind == S_SELECT || s->kind == S_INSERT || s->kind == S_UPDATE || s->kind == S_DELETE ||
			s->kind == S_MERGE || s->kind == S_TRUNCATE || s->kind >= S_CREATE_TABLE))
		transaction_begin(session, "");
}

static enum flow run_plain(struct session *session, struct statement *s)
{
	int64_t error = 0;

	begin_implicitly(session, s);
	if (!fault_strikes(session, s))
		plain(session, s);
	bool nested = session->frame->trigger_table; /* a trigger's work belongs to the statement that fired it */

	if (!nested)
		transaction_end_statement(session, !session->failed && !session->sink_failed);
	if (session->sink_failed)
		return FLOW_END;
	if (session->failed)
		return after_error(session, s);
	session->last_error = error;
	return session->frame->returned ? FLOW_RETURN : session->batch_ends ? FLOW_END : FLOW_NEXT;
}

static enum flow try_catch(struct session *session, struct statement *s)
{
	bool outer = session->in_try;
	struct error_info *before = session->frame->caught;
	int depth = session->frame->depth;

	session->in_try = true;
	enum flow flow = run_statements(session, s->body);

	session->in_try = outer;
	if (flow != FLOW_ERROR || session->frame->depth != depth)
		return flow;
	struct error_info caught = session->error;

	session->frame->caught = &caught;
	flow = run_statements(session, s->otherwise);
	session->frame->caught = before;
	return flow;
}

static enum flow condition(struct session *session, struct statement *s, bool *truth)
{
	*truth = false;
	if (!evaluate_condition(session, s->condition, truth))
		return FLOW_NEXT;
	return after_error(session, s);
}

static enum flow loop(struct session *session, struct statement *s)
{
	for (;;) {
		bool truth;
		enum flow flow = condition(session, s, &truth);

		transaction_end_statement(session, true);
		if (flow != FLOW_NEXT || !truth)
			return flow;
		flow = run_statements(session, s->body);
		if (flow == FLOW_BREAK)
			return FLOW_NEXT;
		if (flow != FLOW_NEXT && flow != FLOW_CONTINUE)
			return flow;
		if (__atomic_load_n(&session->interrupted, __ATOMIC_RELAXED))
			return FLOW_END;
	}
}

static enum flow return_statement(struct session *session, struct statement *s)
{
	struct sql_type type;
	struct value value;

	if (s->node_count) {
		if (evaluate(session, s->nodes[0], &type, &value))
			return after_error(session, s);
		struct variable *result = variable_find(session, "@@return");

		if (result && assign(session, result, type, value))
			return after_error(session, s);
		session->frame->return_value = value.storage == STORE_INT ? value.i : 0;
	}
	session->frame->returned = true;
	return FLOW_RETURN;
}

static enum flow one(struct session *session, struct statement *s)
{
	bool truth;
	enum flow flow;

	session->statement_line = s->line;
	switch (s->kind) {
	case S_IF:
		flow = condition(session, s, &truth);
		transaction_end_statement(session, true);
		return flow != FLOW_NEXT ? flow
			: truth              ? run_statements(session, s->body)
			: s->otherwise       ? run_statements(session, s->otherwise)
								 : FLOW_NEXT;
	case S_WHILE:
		return loop(session, s);
	case S_BLOCK:
		return run_statements(session, s->body);
	case S_TRY:
		return try_catch(session, s);
	case S_BREAK:
		return FLOW_BREAK;
	case S_CONTINUE:
		return FLOW_CONTINUE;
	case S_RETURN:
		return return_statement(session, s);
	default:
		return run_plain(session, s);
	}
}

enum flow run_statements(struct session *session, struct statement *first)
{
	for (struct statement *s = first; s; s = s->next) {
		struct arena arena = { 0 }, *outer = session->arena;

		session->arena = &arena;
		enum flow flow = one(session, s);

		session->arena = outer;
		arena_free(&arena);
		if (session->sink_failed || session->killed)
			return FLOW_END;
		if (flow != FLOW_NEXT)
			return flow;
	}
	return FLOW_NEXT;
}

struct statement *run_parse(struct session *session, struct arena *arena, const char *text, size_t size)
{
	struct statement *first = NULL;
	struct parse_error error;

	if (!parse_batch(arena, text, size, session->quoted_identifier, &first, &error))
		return first;
	session->statement_line = error.line;
	session_raise_text(session, error.number, 15, 1, "%s", error.text);
	return NULL;
}

enum flow run_text(struct session *session, const char *text, size_t size, struct frame *frame)
{
	struct arena arena = { 0 };
	struct frame *outer = session->frame;
	struct statement *first = run_parse(session, &arena, text, size), syntax = { .kind = S_EMPTY };
	enum flow flow;

	const char *batch = session->batch_text;

	session->frame = frame;
	session->batch_text = text;
	if (session->failed)
		flow = after_error(session, &syntax);
	else
		flow = run_statements(session, first);
	session->batch_text = batch;
	session->frame = outer;
	arena_free(&arena);
	return flow;
}

void report_failure(struct session *session)
{
	struct statement call = { .kind = S_EMPTY };

	if (session->failed)
		after_error(session, &call);
	else
		transaction_end_statement(session, true);
}

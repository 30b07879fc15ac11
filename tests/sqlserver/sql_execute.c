/* SPDX-License-Identifier: Apache-2.0 */
/* EXEC: procedures, dynamic text, functions, triggers: each in a frame of its own. */
#include "tests/sqlserver/sql_functions.h"
#include "tests/sqlserver/sql_parse.h"
#include "tests/sqlserver/sql_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int enter(struct session *session, struct frame *frame)
{
	if (session->frame->depth >= 32)
		return session_raise_text(session, 217, 16, 1,
			"Maximum stored procedure, function, trigger, or view nesting level"
			" exceeded (limit 32).");
	frame->caller = session->frame;
	frame->depth = session->frame->depth + 1;
	frame->caught = session->frame->caught;
	return 0;
}

/* A module's body in the present frame's parameters; its errors are passed on as they are. */
static enum flow run_body(struct session *session, struct table *module, struct frame *frame, struct arena *arena)
{
	struct statement *s = run_parse(session, arena, module->definition, strlen(module->definition));
	struct frame *outer = session->frame;
	const char *batch = session->batch_text;
	bool nocount = session->nocount;

	if (!s)
		return FLOW_ERROR;
	session->frame = frame;
	session->batch_text = module->definition;
	enum flow flow = run_statements(session, s->body);

	session->batch_text = batch;
	session->frame = outer;
	session->nocount = nocount;
	return flow;
}

static struct argument_value *find_argument(
	struct argument_value *arguments, size_t count, const char *name, size_t position)
{
	for (size_t i = 0; i < count; i++)
		if (arguments[i].name ? name_equal(arguments[i].name, name) : i == position)
			return &arguments[i];
	return NULL;
}

/* The variables of a module, from its declaration and the arguments. */
static int bind_parameters(struct session *session, struct frame *frame, const char *module,
	struct parameter_def *parameters, struct argument_value *arguments, size_t count)
{
	struct frame *outer = session->frame;
	size_t position = 0;

	for (struct parameter_def *p = parameters; p; p = p->next, position++) {
		struct argument_value *a = find_argument(arguments, count, p->name, position);
		struct sql_type type, from;
		struct value value = value_null();
		int user_type;

		if (catalogue_type(session, &p->type, NULL, &type, &user_type))
			return -5;
		if ((!a || a->is_default) && !p->value)
			return session_raise(session, 201, module, p->name);
		session->frame = frame;
		struct variable *v = variable_add(session, p->name, type);

		int error = a && !a->is_default ? assign(session, v, a->type, a->value)
										: evaluate(session, p->value, &from, &value) || assign(session, v, from, value);

		session->frame = outer;
		if (error)
			return -5;
	}
	for (size_t i = 0; i < count; i++) {
		bool known = !arguments[i].name && i < position;

		for (struct parameter_def *p = parameters; p && !known; p = p->next)
			known = arguments[i].name && name_equal(p->name, arguments[i].name);
		if (!known)
			return session_raise(
				session, arguments[i].name ? 8145 : 8144, arguments[i].name ? arguments[i].name : module, module);
	}
	return 0;
}

static int pass_outputs(struct session *session, struct frame *frame, struct parameter_def *parameters,
	struct argument_value *arguments, size_t count)
{
	size_t position = 0;

	for (struct parameter_def *p = parameters; p; p = p->next, position++) {
		struct argument_value *a = find_argument(arguments, count, p->name, position);

		if (!a || !a->output || !p->output || !a->variable)
			continue;
		for (struct variable *v = frame->variables; v; v = v->next)
			if (name_equal(v->name, p->name) && assign(session, a->variable, v->type, v->value))
				return -5;
	}
	return 0;
}

static int call_module(
	struct session *session, struct table *module, struct argument_value *arguments, size_t count, int64_t *status)
{
	struct frame frame = { .module = module->name, .module_id = module->id, .database = module->database };
	struct arena arena = { 0 };
	int transactions = session->trancount;
	struct statement *s;

	if (enter(session, &frame))
		return -5;
	s = run_parse(session, &arena, module->definition, strlen(module->definition));
	int error = !s ? -5 : bind_parameters(session, &frame, module->name, s->parameters, arguments, count);

	if (!error) {
		enum flow flow = run_body(session, module, &frame, &arena);

		if (flow == FLOW_ERROR) { /* caught further out: still pending */
			session->failed = true;
			error = -5;
		} else {
			session->batch_ends |= flow == FLOW_END;
			error = pass_outputs(session, &frame, s->parameters, arguments, count);
		}
		if (!error && flow != FLOW_END && transactions != session->trancount)
			session_raise(session, 266, transactions, session->trancount);
	}
	*status = frame.return_value;
	variables_free(frame.variables);
	arena_free(&arena);
	return session->failed ? -5 : error;
}

static int run_string(struct session *session, struct value text, struct parameter_def *parameters,
	struct argument_value *arguments, size_t count)
{
	struct frame frame = { .database = session->frame->database };
	struct database *before = session->database;
	bool nocount = session->nocount;

	if (text.storage == STORE_NULL)
		return 0;
	if (enter(session, &frame) || bind_parameters(session, &frame, "sp_executesql", parameters, arguments, count)) {
		variables_free(frame.variables);
		return -5;
	}
	enum flow flow = run_text(session, text.data, text.size, &frame);

	session->batch_ends |= flow == FLOW_END;
	session->database = before; /* USE inside does not outlive it */
	session->nocount = nocount;
	int error = 0;

	if (flow == FLOW_ERROR) {
		session->failed = true;
		error = -5;
	} else {
		error = pass_outputs(session, &frame, parameters, arguments, count);
	}
	variables_free(frame.variables);
	return error;
}

static int execute_sql(struct session *session, struct argument_value *arguments, size_t count)
{
	struct parameter_def *parameters = NULL;
	struct parse_error error;

	if (!count || (arguments[0].value.storage != STORE_TEXT && arguments[0].value.storage != STORE_NULL))
		return session_raise_text(
			session, 214, 16, 2, "Procedure expects parameter '@statement' of type 'ntext/nchar/nvarchar'.");
	if (count > 1 && arguments[1].value.storage == STORE_TEXT && arguments[1].value.size &&
		parse_parameters(session->arena, arena_copy(session->arena, arguments[1].value.data, arguments[1].value.size),
			&parameters, &error))
		return session_raise_text(session, error.number, 15, 1, "%s", error.text);
	return run_string(session, arguments[0].value, parameters, arguments + 2, count > 2 ? count - 2 : 0);
}

struct prepared {
	int handle;
	char *text, *parameters;
	struct prepared *next;
};

void prepared_free(struct session *session)
{
	while (session->prepared) {
		struct prepared *next = session->prepared->next;

		free(session->prepared->text);
		free(session->prepared->parameters);
		free(session->prepared);
		session->prepared = next;
	}
}

static struct prepared *find_prepared(struct session *session, int64_t handle)
{
	for (struct prepared *p = session->prepared; p; p = p->next)
		if (p->handle == handle)
			return p;
	session_raise_text(session, 8179, 16, 2, "Could not find prepared statement with handle %lld.", (long long)handle);
	return NULL;
}

static int prepare_handle(struct session *session, struct argument_value *a, size_t count)
{
	struct prepared *p = calloc(1, sizeof(*p));

	if (count < 3 || a[2].value.storage != STORE_TEXT || !p) {
		free(p);
		return session_raise_text(session, 214, 16, 2, "sp_prepare wants a handle, parameters and a statement.");
	}
	p->handle = ++session->next_prepared;
	p->text = strndup(a[2].value.data, a[2].value.size);
	p->parameters = strndup(a[1].value.data ? a[1].value.data : "", a[1].value.size);
	p->next = session->prepared;
	session->prepared = p;
	if (a[0].variable)
		return assign(session, a[0].variable, type_simple(K_INT), value_int(p->handle));
	return 0;
}

static int execute_handle(struct session *session, struct prepared *p, struct argument_value *rest, size_t count)
{
	struct argument_value *all = arena_alloc(session->arena, (count + 2) * sizeof(*all));
	struct sql_type text = type_nvarchar(9000, 1);

	if (!p)
		return -5;
	all[0] = (struct argument_value){ .type = text, .value = value_text(p->text, strlen(p->text)) };
	all[1] = (struct argument_value){ .type = text, .value = value_text(p->parameters, strlen(p->parameters)) };
	if (count)
		memcpy(all + 2, rest, count * sizeof(*all));
	return execute_sql(session, all, count + 2);
}

static int unprepare(struct session *session, int64_t handle)
{
	for (struct prepared **at = &session->prepared; *at; at = &(*at)->next) {
		struct prepared *p = *at;

		if (p->handle != handle)
			continue;
		*at = p->next;
		free(p->text);
		free(p->parameters);
		free(p);
		return 0;
	}
	return 0;
}

/* sp_executesql and the prepare family; -ENOENT for any other name. */
static int run_statement_procedure(struct session *session, const char *name, struct argument_value *a, size_t count)
{
	if (!strcasecmp(name, "sp_executesql"))
		return execute_sql(session, a, count);
	if (!strcasecmp(name, "sp_prepare"))
		return prepare_handle(session, a, count);
	if (!strcasecmp(name, "sp_prepexec")) {
		if (prepare_handle(session, a, count))
			return -5;
		return execute_handle(session, session->prepared, a + 3, count - 3);
	}
	if (!strcasecmp(name, "sp_execute") && count)
		return execute_handle(session, find_prepared(session, a[0].value.i), a + 1, count - 1);
	if (!strcasecmp(name, "sp_unprepare") && count)
		return unprepare(session, a[0].value.i);
	return -ENOENT;
}

static int run_named(
	struct session *session, struct name *name, struct argument_value *arguments, size_t count, int64_t *status)
{
	int error = run_statement_procedure(session, name->object, arguments, count);

	if (error == -ENOENT)
		error = run_system_procedure(session, name->object, arguments, count, status);
	if (error != -ENOENT)
		return error;
	struct table *module = catalogue_find(session, name);

	if (!module || strcmp(module->type, "P"))
		return session->failed ? -5 : session_raise(session, 2812, name->object);
	if (!security_allows(session, module->database, module->id, "EXECUTE"))
		return session_raise(session, 229, "EXECUTE", module->name, module->database->name, module->schema);
	return call_module(session, module, arguments, count, status);
}

int run_procedure(
	struct session *session, const char *text, struct argument_value *arguments, size_t count, int64_t *status)
{
	struct name name;

	if (!parse_object_name(session->arena, text, &name))
		return session_raise(session, 2812, text);
	return run_named(session, &name, arguments, count, status);
}

static int evaluate_arguments(struct session *session, struct statement *s, struct argument_value **out, size_t *count)
{
	*count = 0;
	for (struct argument *a = s->arguments; a; a = a->next)
		++*count;
	*out = arena_alloc(session->arena, (*count + 1) * sizeof(**out));
	struct argument_value *v = *out;

	for (struct argument *a = s->arguments; a; a = a->next, v++) {
		v->name = a->name;
		v->output = a->output;
		v->is_default = a->value->kind == N_DEFAULT;
		if (a->value->kind == N_VARIABLE)
			v->variable = variable_find(session, a->value->text);
		if (!v->is_default && evaluate(session, a->value, &v->type, &v->value))
			return -5;
	}
	return 0;
}

int run_execute(struct session *session, struct statement *s)
{
	struct argument_value *arguments;
	size_t count;
	struct sql_type type;
	struct value value;
	int64_t status = 0;
	struct name name = s->name;

	if (s->kind == S_EXEC_TEXT)
		return evaluate(session, s->nodes[0], &type, &value) ? -5 : run_string(session, value, NULL, NULL, 0);
	if (s->node_count) {
		if (evaluate(session, s->nodes[0], &type, &value))
			return -5;
		if (value.storage != STORE_TEXT || !parse_object_name(session->arena, value.data, &name))
			return session_raise(session, 2812, value.storage == STORE_TEXT ? value.data : "");
	}
	if (evaluate_arguments(session, s, &arguments, &count))
		return -5;
	transaction_end_statement(session, true);
	int error = run_named(session, &name, arguments, count, &status);
	struct variable *v = s->text ? variable_find(session, s->text) : NULL;

	return error ? error : v ? assign(session, v, type_simple(K_INT), value_int(status)) : 0;
}

bool has_trigger(struct session *session, const struct table *table, int event, bool instead)
{
	if (session->frame->trigger_table == table->id) /* no recursion: RECURSIVE_TRIGGERS is off */
		return false;
	return query_int(session, 0,
		"SELECT 1 FROM d%d.m_objects WHERE parent_id=%d AND type='TR' AND disabled=0 AND instead=%d AND"
		" x1&%d",
		table->database->id, table->id, instead, 1 << event);
}

static int run_trigger(struct session *session, struct table *module, struct frame *frame)
{
	struct arena arena = { 0 };
	int transactions = session->trancount;

	session->trancount++; /* a trigger is always inside a transaction */
	session->inside++;
	enum flow flow = run_body(session, module, frame, &arena);

	session->inside--;
	arena_free(&arena);
	variables_free(frame->variables);
	if (flow == FLOW_ERROR) {
		session->failed = true;
	} else if (!session->trancount) {
		session_raise_text(session, 3609, 16, 1, "The transaction ended in the trigger. The batch has been aborted.");
		session->batch_ends = true;
	} else if (flow == FLOW_END) {
		session_raise_text(session, 3616, 16, 1,
			"An error was raised during trigger execution. The batch has been aborted and the"
			" user transaction, if any, has been rolled back.");
	}
	if (session->trancount)
		session->trancount = transactions;
	return session->failed ? -5 : 0;
}

int run_triggers(struct session *session, const struct table *table, int event, bool instead, const char *inserted,
	const char *deleted, const unsigned char *updated)
{
	sqlite3_stmt *s = query(session,
		"SELECT object_id FROM d%d.m_objects WHERE parent_id=%d AND type='TR' AND disabled=0 AND"
		" instead=%d AND x1&%d ORDER BY object_id",
		table->database->id, table->id, instead, 1 << event);
	int ids[32], count = 0;

	while (query_next(session, &s))
		if (count < 32)
			ids[count++] = sqlite3_column_int(s, 0);
	for (int i = 0; i < count && !session->failed; i++) {
		struct table *module = catalogue_by_id(session, table->database, ids[i]);
		struct frame frame = { .module = module->name,
			.module_id = module->id,
			.database = table->database,
			.inserted = inserted,
			.deleted = deleted,
			.trigger_table = table->id,
			.updated = updated };

		if (!enter(session, &frame))
			run_trigger(session, module, &frame);
	}
	return session->failed ? -5 : 0;
}

/* call_function(database, object, arguments...) */
static void call_function(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct session *session = function_session(context);
	struct arena arena = { 0 }, *outer = session->arena;
	struct database *d = database_by_id(session->engine, sqlite3_value_int(values[0]));
	struct frame frame = { .database = d };
	struct frame *caller = session->frame;

	session->arena = &arena;
	struct table *module = catalogue_by_id(session, d, sqlite3_value_int(values[1]));
	struct statement *s = module && !enter(session, &frame)
		? run_parse(session, &arena, module->definition, strlen(module->definition))
		: NULL;
	struct sql_type type;
	int at = 2, user_type;

	if (s) {
		frame.module = module->name;
		session->frame = &frame;
		if (!catalogue_type(session, &s->type, NULL, &type, &user_type)) {
			struct variable *result = variable_add(session, "@@return", type);

			for (struct parameter_def *p = s->parameters; p && at < count; p = p->next)
				if (!catalogue_type(session, &p->type, NULL, &type, &user_type))
					variable_set(variable_add(session, p->name, type), value_of_argument(values[at++]));
			bool in_try = session->in_try;

			session->in_try = true; /* an error goes to the statement that called */
			session->inside++;
			enum flow flow = run_statements(session, s->body);

			session->inside--;
			session->in_try = in_try;
			if (flow == FLOW_ERROR)
				session->failed = true;
			else
				value_result(context, result->value);
		}
	}
	session->frame = caller;
	if (session->failed)
		function_fail(context);
	variables_free(frame.variables);
	session->arena = outer;
	arena_free(&arena);
}

int execute_register(struct session *session);

int execute_register(struct session *session)
{
	static const struct function_entry entries[] = { { "call_function", -1, call_function, false } };

	return functions_add(session, entries, 1);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregates: SUM, AVG, CHECKSUM_AGG, the one row of a scalar subquery, FOR XML. */
#include "tests/sqlserver/sql_functions.h"
#include "tests/sqlserver/sql_compile.h"

#include <string.h>

static unsigned scale_of(struct sql_type type)
{
	return type_is_exact(type) ? type.scale : 0;
}

/* SQLite's memory is aligned to 8 bytes, not to the 16 of wide_int. */
struct __attribute__((packed, aligned(8))) total {
	wide_int sum;
	double real;
	int64_t rows;
	int64_t from, to;
};

static void sum_step(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct total *t = sqlite3_aggregate_context(context, sizeof(*t));
	struct value value = value_of_argument(v[0]);

	(void)count;
	t->from = sqlite3_value_int64(v[1]);
	t->to = sqlite3_value_int64(v[2]);
	if (value.storage == STORE_NULL)
		return;
	t->rows++;
	if (value.storage == STORE_REAL)
		t->real += value.r;
	else
		t->sum += decimal_of(value);
}

static void sum_inverse(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct total *t = sqlite3_aggregate_context(context, sizeof(*t));
	struct value value = value_of_argument(v[0]);

	(void)count;
	if (value.storage == STORE_NULL)
		return;
	t->rows--;
	if (value.storage == STORE_REAL)
		t->real -= value.r;
	else
		t->sum -= decimal_of(value);
}

static void total_result(sqlite3_context *context, struct total *t, bool average)
{
	struct sql_type from, to;
	char keep[16];

	if (!t || !t->rows)
		return;
	from = type_unpack(t->from);
	to = type_unpack(t->to);
	if (to.kind == K_FLOAT) {
		sqlite3_result_double(context, average ? t->real / (double)t->rows : t->real);
		return;
	}
	wide_int sum = decimal_rescale(t->sum, scale_of(from), scale_of(to));

	if (average)
		sum /= t->rows;
	if (to.kind == K_DECIMAL || to.kind == K_NUMERIC) {
		value_result(context, value_decimal(sum, keep));
		return;
	}
	int64_t limit = to.kind == K_INT ? INT32_MAX : INT64_MAX;

	if (sum > limit || sum < -(wide_int)limit - 1) {
		session_raise(function_session(context), 8115, "expression", kind_info(to.kind)->name);
		function_fail(context);
		return;
	}
	sqlite3_result_int64(context, (int64_t)sum);
}

static void sum_final(sqlite3_context *context)
{
	total_result(context, sqlite3_aggregate_context(context, sizeof(struct total)), false);
}

static void average_final(sqlite3_context *context)
{
	total_result(context, sqlite3_aggregate_context(context, sizeof(struct total)), true);
}

static void checksum_step(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct total *t = sqlite3_aggregate_context(context, sizeof(*t));

	(void)count;
	if (sqlite3_value_type(v[0]) == SQLITE_NULL)
		return;
	t->from ^= sqlite3_value_int64(v[0]);
	t->rows++;
}

static void checksum_final(sqlite3_context *context)
{
	struct total *t = sqlite3_aggregate_context(context, sizeof(*t));

	if (t->rows)
		sqlite3_result_int64(context, (int32_t)t->from);
}

/* The one row of a scalar subquery; a second one is error 512. */
struct only {
	sqlite3_value *value;
	bool any;
};

static void only_step(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct only *o = sqlite3_aggregate_context(context, sizeof(*o));

	(void)count;
	if (o->any) {
		session_raise(function_session(context), 512);
		function_fail(context);
		return;
	}
	o->any = true;
	o->value = sqlite3_value_dup(v[0]);
}

static void only_final(sqlite3_context *context)
{
	struct only *o = sqlite3_aggregate_context(context, sizeof(*o));

	if (o && o->value) {
		sqlite3_result_value(context, o->value);
		sqlite3_value_free(o->value);
		o->value = NULL;
	}
}

static void join_step(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct bytes *b = sqlite3_aggregate_context(context, sizeof(*b));

	(void)count;
	bytes_add(b, text_argument(v[0]), (size_t)sqlite3_value_bytes(v[0]));
}

static void join_final(sqlite3_context *context)
{
	struct bytes *b = sqlite3_aggregate_context(context, sizeof(*b));

	if (b && b->data)
		sqlite3_result_text64(context, b->data, b->size, SQLITE_TRANSIENT, SQLITE_UTF8);
	if (b)
		bytes_free(b);
}

int functions_register_aggregates(struct session *session)
{
	sqlite3 *db = session->db;
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;

	return sqlite3_create_window_function(
			   db, "agg_sum", 3, flags, session, sum_step, sum_final, sum_final, sum_inverse, NULL) ||
			sqlite3_create_window_function(
				db, "agg_avg", 3, flags, session, sum_step, average_final, average_final, sum_inverse, NULL) ||
			sqlite3_create_function(db, "checksum_agg", 1, flags, session, NULL, checksum_step, checksum_final) ||
			sqlite3_create_function(db, "only_row", 1, flags, session, NULL, only_step, only_final) ||
			sqlite3_create_function(db, "xml_join", 1, flags, session, NULL, join_step, join_final)
		? -5
		: 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* For the files that give SQLite its functions. */
#ifndef TESTS_SQLSERVER_SQL_FUNCTIONS_H
#define TESTS_SQLSERVER_SQL_FUNCTIONS_H

#include "tests/sqlserver/sql_engine.h"

struct function_entry {
	const char *name;
	int arguments; /* -1 any */
	void (*run)(sqlite3_context *context, int count, sqlite3_value **values);
	bool changes; /* not deterministic */
};

int functions_add(struct session *session, const struct function_entry *entries, size_t count);
struct session *function_session(sqlite3_context *context);
/* After session_raise: tells SQLite to stop. */
void function_fail(sqlite3_context *context);
bool any_null(int count, sqlite3_value **values);
const char *text_argument(sqlite3_value *value);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the engine without a wire: a session whose results are text that a test can compare. */
#ifndef TESTS_SQLSERVER_SQL_PROBE_H
#define TESTS_SQLSERVER_SQL_PROBE_H

#include "tests/sqlserver/engine.h"

struct probe {
	struct session *session;
	struct result_sink sink;
	char text[65536]; /* rows "a|b", errors "!547", messages "-text", one a line; cut when full */
	char error[2048]; /* words of the last error */
	uint64_t rows;    /* of the last DONE that counted */
	struct result_column columns[64];
	size_t column_count;
};

/* Logs in as that login (no password is asked); aborts if it cannot. */
void probe_open(struct probe *probe, struct engine *engine, const char *login, const char *database);
void probe_close(struct probe *probe);
/* Runs a batch of UTF-8 and returns what came back, without the last line's end. */
const char *probe_run(struct probe *probe, const char *sql);
/* One bulk load of int columns (-1 is NULL), after the INSERT BULK statement: what came back, as probe_run(). */
const char *probe_bulk(struct probe *probe, const char *statement, const char *const *names, size_t columns,
	const int32_t *cells, size_t rows);
/* The error number that a login with a password is refused with; 0 if it is let in (and let go again). */
int32_t probe_login(struct engine *engine, const char *login, const char *password, const char *database);

#endif

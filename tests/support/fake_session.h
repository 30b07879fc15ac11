/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session without a server, for units that only see session.h: it remembers what was said, answers a statement with
 * the first unused answer whose text it contains, and else with no rows. One at a time. A test that calls one of these
 * functions links this in place of session.c.
 */
#ifndef TESTS_SUPPORT_FAKE_SESSION_H
#define TESTS_SUPPORT_FAKE_SESSION_H

#include "agent/sql/session.h"

struct fake_answer {
	const char *part;           /* of the statement; NULL: the end of the list */
	const struct value *values; /* row after row; borrowed */
	size_t columns, rows;
	enum sql_error_kind error; /* in place of an answer */
	uint64_t affected;
	bool used;
	bool again; /* good for any number of statements */
};

struct fake_type {
	const void *info;
	size_t size;
	uint16_t flags;
};

struct session *fake_session(int version, struct fake_answer *answers);
/* TYPE_INFO of every query's columns from now on; borrowed. */
void fake_session_types(const struct fake_type *types, size_t count);
/* Everything that was sent so far: statements, each on a line of its own, and what came through the bulk stream. */
const char *fake_session_said(void);
const uint8_t *fake_session_bulk(size_t *size);
size_t fake_session_bulk_loads(void);
/* What the next bulk loads say they have counted; else each ROW token's worth is not known and 0 is said. */
void fake_session_count(uint64_t rows);

#endif

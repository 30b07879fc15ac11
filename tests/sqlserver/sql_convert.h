/* SPDX-License-Identifier: Apache-2.0 */
/* CAST and CONVERT: one value from one type to another, or the SQL error that says why not. */
#ifndef TESTS_SQLSERVER_SQL_CONVERT_H
#define TESTS_SQLSERVER_SQL_CONVERT_H

#include "tests/sqlserver/sql_value.h"

struct conversion {
	struct sql_type from, to;
	int style;
	bool assign;          /* into a column: what does not fit is an error, not cut */
	const char *order;    /* of day, month and year in a text: "mdy" */
	struct bytes scratch; /* keeps the result; free it last */
};

/* 0, or a SQL error number: 245, 8114, 8115, 241, 242, 529, 8152, ... `out` may point into `in` or the scratch. */
int convert_value(struct conversion *conversion, struct value in, struct value *out);
/* Can it be done at all? 0, 529 (explicit conversion not allowed). */
int convert_allowed(struct sql_type from, struct sql_type to);
/* True where a value of `from` already is, byte for byte, a value of `to`. */
bool convert_is_free(struct sql_type from, struct sql_type to);
/* Cuts or pads to the declared length; 8152 where `assign` and something would be lost. */
int convert_fit(struct conversion *conversion, struct value *value);
/* The text of a value, as CAST to nvarchar has it. */
int convert_to_text(struct value in, struct sql_type from, int style, struct bytes *out);

#endif

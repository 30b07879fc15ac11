/* SPDX-License-Identifier: Apache-2.0 */
/* Dates and times: the calendar, their text, their bytes on the wire, and moving one type to another. */
#ifndef TESTS_SQLSERVER_SQL_DATE_H
#define TESTS_SQLSERVER_SQL_DATE_H

#include "tests/sqlserver/sql_value.h"

#define TICKS_PER_DAY 864000000000LL /* of 100 ns */
#define DAYS_TO_1900 693595LL        /* from 0001-01-01 */

/* A point in time of any date type: local days and ticks, and the offset from UTC where the type has one. */
struct moment {
	int64_t days;  /* since 0001-01-01 */
	int64_t ticks; /* 100 ns of the day */
	int offset;    /* minutes */
};

void days_to_civil(int64_t days, int *year, int *month, int *day);
int64_t civil_to_days(int year, int month, int day);
int days_in_month(int year, int month);

struct moment moment_of(struct value value, struct sql_type type);
/* The value of that type nearest to the moment; returns 0 or SQL error 8115 / 517-like 242 when out of range. */
int moment_value(struct moment moment, struct sql_type type, struct bytes *scratch, struct value *out);
/* Reads a text in the forms that SQL Server takes in any language, and month/day/year by `order` ("mdy", "dmy"). */
bool moment_parse(const char *text, size_t size, const char *order, struct moment *out);
/* Writes by CONVERT style; style 0 is the type's own default. */
void moment_format(struct moment moment, struct sql_type type, int style, char out[64]);
struct moment moment_now(bool utc);

void date_to_wire(struct bytes *out, int64_t value, struct sql_type type);
int date_from_wire(const struct result_value *in, struct sql_type type, struct value *out);
void offset_to_wire(struct bytes *out, struct value value, struct sql_type type);
int offset_from_wire(const struct result_value *in, struct sql_type type, struct bytes *scratch, struct value *out);

#endif

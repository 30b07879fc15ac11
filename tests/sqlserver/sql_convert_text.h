/* SPDX-License-Identifier: Apache-2.0 */
/* The readers of text and bytes behind convert_value(). */
#ifndef TESTS_SQLSERVER_SQL_CONVERT_TEXT_H
#define TESTS_SQLSERVER_SQL_CONVERT_TEXT_H

#include "tests/sqlserver/sql_convert.h"

/* "-12.50" into -1250 and scale 2; money also takes a currency sign and commas. */
bool parse_exact(const char *text, size_t size, bool money, wide_int *number, unsigned *scale);
bool parse_real(const char *text, size_t size, double *out);
/* TRUE, FALSE and integers, for bit. */
bool parse_truth(const char *text, size_t size, struct value *out);
/* 0 or SQL error 8169. */
int parse_guid(const char *text, size_t size, struct bytes *scratch, struct value *out);
/* Either side is binary or a CLR type. */
int convert_binary(struct conversion *conversion, struct value in, struct value *out);
void format_decimal(wide_int number, unsigned scale, struct bytes *out);

#endif

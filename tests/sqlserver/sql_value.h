/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values: how each type is kept in SQLite, and as what it travels.
 *
 * integers, bit    INTEGER                          money            INTEGER of 1/10000
 * decimal          BLOB of 16 bytes, big-endian, sign bit flipped: bytes order as numbers of one scale do
 * float, real      REAL                             date             INTEGER of days since 0001-01-01
 * time             INTEGER of 100 ns                datetime2        INTEGER of 100 ns since 0001-01-01
 * datetime         INTEGER of 1/300 s since 1900    smalldatetime    INTEGER of minutes since 1900
 * datetimeoffset   BLOB: 8 bytes of UTC as datetime2, 2 of the offset in minutes + 32768, big-endian
 * uniqueidentifier BLOB of 16 bytes, permuted so that bytes order as SQL Server orders it
 * characters, xml  TEXT, WTF-8 (sql_text.h)         binary, UDT      BLOB
 * sql_variant      BLOB as the wire has it: base type, size of properties, properties, value
 */
#ifndef TESTS_SQLSERVER_SQL_VALUE_H
#define TESTS_SQLSERVER_SQL_VALUE_H

#include "tests/sqlserver/sql_text.h"
#include "tests/sqlserver/sql_type.h"

struct value {
	enum storage storage;
	int64_t i;
	double r;
	const char *data; /* not owned */
	size_t size;
};

typedef __int128 wide_int; /* the one name that C has no word for */

struct value value_null(void);
struct value value_int(int64_t i);
struct value value_real(double r);
struct value value_text(const char *data, size_t size);
struct value value_blob(const void *data, size_t size);
/* A decimal in 16 bytes that the caller keeps. */
struct value value_decimal(wide_int number, char keep[16]);
wide_int decimal_of(struct value value);
wide_int power_of_ten(unsigned exponent);
/* number at scale `from` brought to scale `to`, rounded half away from zero. */
wide_int decimal_rescale(wide_int number, unsigned from, unsigned to);

void guid_to_storage(char storage[16], const void *wire);
void guid_from_storage(char wire[16], const void *storage);

/* A value of `type` as the wire has it. scratch keeps the bytes and must live as long as `out`. */
void value_to_wire(struct value value, struct sql_type type, struct bytes *scratch, struct result_value *out);
/* The other way; -EINVAL for a value that its type cannot have. The result points into scratch or the input. */
int value_from_wire(const struct result_value *in, struct sql_type type, struct bytes *scratch, struct value *out);

/* A variant's base type, and its value as one of that type; K_NONE for NULL. */
struct sql_type variant_open(struct value variant, struct bytes *scratch, struct value *value);
void variant_make(struct value value, struct sql_type type, struct bytes *out);

#endif

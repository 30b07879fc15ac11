/* SPDX-License-Identifier: Apache-2.0 */
/* From the form in which db-lib hands a value out to its canonical form (table/value.h). Pure; knows no db-lib. */
#ifndef AGENT_SQL_NATIVE_H
#define AGENT_SQL_NATIVE_H

#include "agent/table/value.h"

/* db-lib's numbers for types, as dbcoltype returns them. session.c checks them against sybdb.h. */
/* clang-format off */
enum native_type {
	NATIVE_IMAGE = 34, NATIVE_TEXT = 35, NATIVE_GUID = 36, NATIVE_VARBINARY = 37, NATIVE_VARCHAR = 39, NATIVE_DATE = 40,
	NATIVE_TIME = 41, NATIVE_DATETIME2 = 42, NATIVE_DATETIMEOFFSET = 43, NATIVE_BINARY = 45, NATIVE_CHAR = 47,
	NATIVE_TINYINT = 48, NATIVE_BIT = 50, NATIVE_SMALLINT = 52, NATIVE_INT = 56, NATIVE_SMALLDATETIME = 58,
	NATIVE_REAL = 59, NATIVE_MONEY = 60, NATIVE_DATETIME = 61, NATIVE_FLOAT = 62, NATIVE_DECIMAL = 106,
	NATIVE_NUMERIC = 108, NATIVE_SMALLMONEY = 122, NATIVE_BIGINT = 127,
};
/* clang-format on */

#define NATIVE_SCRATCH 17 /* bytes that a converted value may need */

/* False for a type that has no canonical form without a cast: sql_variant, CLR types. */
bool native_type_is_known(int type);

/*
 * The value, which is not NULL, in canonical form; it borrows data or scratch. -EPROTO where the size or the content is
 * none of the type.
 */
int native_to_value(int type, const void *data, size_t size, uint8_t scratch[NATIVE_SCRATCH], struct value *value);

#endif

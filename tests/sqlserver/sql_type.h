/* SPDX-License-Identifier: Apache-2.0 */
/* SQL Server's data types: names, sizes, precedence, and what the wire says of them. */
#ifndef TESTS_SQLSERVER_SQL_TYPE_H
#define TESTS_SQLSERVER_SQL_TYPE_H

#include "tests/sqlserver/engine.h"

enum sql_kind {
	K_NONE,
	K_BIT,
	K_TINYINT,
	K_SMALLINT,
	K_INT,
	K_BIGINT,
	K_DECIMAL,
	K_NUMERIC,
	K_SMALLMONEY,
	K_MONEY,
	K_REAL,
	K_FLOAT,
	K_DATE,
	K_TIME,
	K_SMALLDATETIME,
	K_DATETIME,
	K_DATETIME2,
	K_DATETIMEOFFSET,
	K_GUID,
	K_CHAR,
	K_VARCHAR,
	K_TEXT,
	K_NCHAR,
	K_NVARCHAR,
	K_NTEXT,
	K_SYSNAME,
	K_BINARY,
	K_VARBINARY,
	K_IMAGE,
	K_TIMESTAMP,
	K_XML,
	K_VARIANT,
	K_HIERARCHYID,
	K_GEOMETRY,
	K_GEOGRAPHY,
	K_COUNT
};

#define LENGTH_MAX 0xffffu

struct sql_type {
	uint8_t kind; /* enum sql_kind */
	uint8_t precision, scale;
	uint16_t length;    /* bytes, as sys.columns.max_length; LENGTH_MAX for -1 */
	uint16_t collation; /* of characters; 0 for others */
};

/* How a value is kept and computed. */
enum storage { STORE_NULL, STORE_INT, STORE_REAL, STORE_TEXT, STORE_BLOB };

struct kind_info {
	const char *name;
	uint8_t system_id;  /* sys.types.system_type_id */
	uint16_t user_id;   /* sys.types.user_type_id */
	int16_t max_length; /* sys.types.max_length */
	uint8_t precision, scale;
	uint8_t rank; /* type precedence: the higher wins */
	enum storage storage;
	enum tds_type tds;
};

const struct kind_info *kind_info(unsigned kind);
/* K_NONE if no system type has that name. Synonyms (integer, dec, rowversion, ...) count. */
enum sql_kind kind_find(const char *name);
/* The kind of a system_type_id, K_NONE if there is none. */
enum sql_kind kind_from_system(unsigned system_type_id);

bool type_is_character(struct sql_type type);
bool type_is_unicode(struct sql_type type);
bool type_is_binary(struct sql_type type);
bool type_is_integer(struct sql_type type);
bool type_is_exact(struct sql_type type); /* decimal, numeric, money */
bool type_is_number(struct sql_type type);
bool type_is_date(struct sql_type type);
bool type_is_large(struct sql_type type); /* (max), text, xml, ...: PLP or a text pointer */
bool type_equal(struct sql_type a, struct sql_type b);

struct sql_type type_simple(enum sql_kind kind);
/* As declared; length in the type's own units (LENGTH_MAX for max), -1 where it was left out. */
struct sql_type type_make(enum sql_kind kind, int length, int scale, uint16_t collation);
struct sql_type type_varchar(int characters, uint16_t collation);
struct sql_type type_nvarchar(int characters, uint16_t collation);
struct sql_type type_decimal(int precision, int scale);

/* One integer that carries a type through SQLite; 0 is no type. */
int64_t type_pack(struct sql_type type);
struct sql_type type_unpack(int64_t packed);

/* "nvarchar(20)", as SQL Server writes it. */
void type_describe(struct sql_type type, char *out, size_t size);
/* The type both sides convert to in UNION, CASE, comparison and arithmetic. */
struct sql_type type_common(struct sql_type a, struct sql_type b);
/* Fills type, length, precision, scale, collation of a result column. */
void type_to_column(struct sql_type type, struct result_column *column);
/* The type that a bulk column or a parameter says it has. */
struct sql_type type_from_column(const struct result_column *column);

#endif

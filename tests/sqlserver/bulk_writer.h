/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows into a table of the stand-in, through the same door as INSERT BULK: values one after the other, then the row.
 * An error sticks; it is said on standard error once and returned by the end.
 */
#ifndef TESTS_SQLSERVER_BULK_WRITER_H
#define TESTS_SQLSERVER_BULK_WRITER_H

#include "engine.h"

#define BULK_WRITER_COLUMNS 24

struct bulk_writer {
	struct session *session;
	struct result_column columns[BULK_WRITER_COLUMNS];
	struct result_value values[BULK_WRITER_COLUMNS];
	size_t count, at;
	uint8_t *bytes; /* of the row that is being put together */
	size_t used, capacity;
	int error;
};

/* Runs a batch of T-SQL (UTF-8); errors are said on standard error. Numbers of the first row go to `numbers`. */
int bulk_run(struct session *session, const char *sql, int64_t *numbers, size_t count, size_t *rows);

/* columns: "id int, name nvarchar(256), body varchar(max)", as in the table. */
void bulk_writer_begin(struct bulk_writer *writer, struct session *session, const char *table, const char *columns);
void bulk_put_null(struct bulk_writer *writer);
void bulk_put_number(struct bulk_writer *writer, int64_t value); /* int types, bit, money-free */
void bulk_put_bytes(struct bulk_writer *writer, const void *bytes, size_t size);
void bulk_put_text(struct bulk_writer *writer, const char *utf8); /* of an nvarchar */
/* The row is complete: every column has its value. */
void bulk_writer_row(struct bulk_writer *writer);
int bulk_writer_end(struct bulk_writer *writer);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structs of catalogue.h as tables of fields: what the codec writes, and what a query of the server's catalogue
 * fills. One table serves both, so that a field cannot be read and then forgotten by the snapshot.
 */
#ifndef AGENT_SQL_CATALOGUE_FIELDS_H
#define AGENT_SQL_CATALOGUE_FIELDS_H

#include "agent/sql/catalogue.h"

enum catalogue_field_kind {
	FIELD_BOOL,     /* bool */
	FIELD_INT,      /* int32_t, uint32_t */
	FIELD_LONG,     /* int64_t */
	FIELD_STRING,   /* const char *, "" by default */
	FIELD_OPTIONAL, /* const char *, NULL by default */
	FIELD_LIST,     /* pointer to an array, and its count */
	FIELD_RECORD,   /* a struct within */
};

struct catalogue_record;

struct catalogue_field {
	uint16_t tag; /* stored in snapshots: a number keeps its meaning for ever */
	enum catalogue_field_kind kind;
	size_t offset, count_offset;
	const struct catalogue_record *record; /* of FIELD_LIST and FIELD_RECORD */
};

/* Fields by ascending tag. A query that fills a record names its scalar fields in this order. */
struct catalogue_record {
	size_t size;
	const struct catalogue_field *fields;
	size_t field_count;
};

extern const struct catalogue_record catalogue_record_root, catalogue_record_database, catalogue_record_schema,
	catalogue_record_table, catalogue_record_column, catalogue_record_index, catalogue_record_index_column,
	catalogue_record_foreign_key, catalogue_record_pair, catalogue_record_check, catalogue_record_trigger,
	catalogue_record_module, catalogue_record_sequence, catalogue_record_type, catalogue_record_synonym,
	catalogue_record_property;

/* Strings of a fresh, zeroed struct become "" where the field has no NULL. */
void catalogue_record_init(const struct catalogue_record *record, void *item);

#endif

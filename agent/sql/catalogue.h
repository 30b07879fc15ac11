/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue of a database: everything that a snapshot keeps beside the rows. FORMAT.md has its bytes.
 *
 * Worker and keeper both link this. A catalogue is one allocation arena: every string and array in it belongs to it and
 * lives until catalogue_free. Strings are UTF-8 (a lone UTF-16 surrogate as its three bytes, as in WTF-8) and never
 * NULL unless a field says so. Names are compared byte by byte.
 */
#ifndef AGENT_SQL_CATALOGUE_H
#define AGENT_SQL_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/table/value.h"

#define CATALOGUE_BYTES_MAX ((size_t)CONFIG_AGENT_SQL_CATALOGUE_KIB * 1024) /* encoded; a larger one is refused */
#define CATALOGUE_NAME_SIZE 280 /* "[schema].[table]" for people: cut, with "...", where a name is longer */

struct catalogue_arena;

struct catalogue_database {
	const char *name, *collation;
	const char *server_version, *edition, *server_name; /* "13.0.6300.2", "Express Edition (64-bit)" */
	int32_t server_major;                               /* 11 to 16 */
	int32_t engine_edition;                             /* 4: Express */
	int32_t code_page;                                  /* of the database's collation */
	int32_t compatibility_level;
	int32_t snapshot_isolation; /* sys.databases.snapshot_isolation_state: only 1 is on */
	int32_t recovery_model;     /* 1 full, 2 bulk-logged, 3 simple */
	int32_t state, user_access; /* 0 online; 0 multi-user */
	bool read_committed_snapshot, read_only, change_tracking, cdc, published;
	const char *broker_guid; /* service_broker_guid: another after a RESTORE or CREATE; "" where it may not be seen */
	const char *created;     /* create_date, ISO 8601 */
	const char *mirroring;   /* "" or the role: PRINCIPAL, MIRROR, PRIMARY, SECONDARY */
	int64_t pages;           /* 8 KiB pages that its tables use, indexes included; -1: could not be seen */
};

/* What a table has that forbids to keep it or to replace it; bits, stored in snapshots. */
enum catalogue_feature {
	FEATURE_TEMPORAL = 1 << 0,
	FEATURE_HISTORY = 1 << 1,
	FEATURE_LEDGER = 1 << 2,
	FEATURE_GRAPH = 1 << 3,
	FEATURE_MEMORY_OPTIMIZED = 1 << 4,
	FEATURE_FILESTREAM = 1 << 5,
	FEATURE_FILETABLE = 1 << 6,
	FEATURE_EXTERNAL = 1 << 7,
	FEATURE_ENCRYPTED = 1 << 8,
	FEATURE_CDC = 1 << 9,
	FEATURE_PUBLISHED = 1 << 10,
	FEATURE_COLUMNSTORE = 1 << 11,
	FEATURE_COLUMNSTORE_OLD = 1 << 12,
	FEATURE_ROW_SECURITY = 1 << 13,
	FEATURE_MASKED = 1 << 14,
	FEATURE_CHANGE_TRACKING = 1 << 15,
	FEATURE_TOO_WIDE = 1 << 16,
	FEATURE_FULLTEXT = 1 << 17,
	FEATURE_BAD_NAME = 1 << 18,
	FEATURE_UNKNOWN_TYPE = 1 << 19,
};

struct catalogue_column {
	int32_t table_id, column_id; /* the server's, of the time of reading */
	const char *name;
	const char *type;                     /* base type: "nvarchar" */
	const char *user_type;                /* "[schema].[type]" of an alias or CLR type, else "" */
	int32_t max_length, precision, scale; /* bytes, -1 for (max) */
	const char *collation;                /* "" where it has none */
	int32_t code_page;
	bool nullable, identity, computed, persisted, rowguid, sparse, column_set, hidden, ansi_padded, filestream;
	bool masked, encrypted, identity_not_for_replication;
	int32_t generated;      /* 1, 2: begin and end of a period; more: ledger */
	int32_t graph;          /* graph_type, 0 none */
	const char *definition; /* of a computed column */
	const char *default_name, *default_definition;
	const char *identity_seed, *identity_increment; /* decimal digits */
	const char *identity_last;                      /* NULL: never used */
	const char *xml_collection;                     /* "[schema].[name]" or "" */
};

struct catalogue_index_column {
	int32_t table_id, index_id; /* of the time of reading */
	int32_t column_id;
	int32_t key_ordinal; /* from 1; 0: only included, or a partitioning column */
	int32_t partition_ordinal;
	bool descending, included;
};

struct catalogue_index {
	int32_t table_id, index_id;
	const char *name; /* "" for a heap's entry */
	int32_t type;     /* sys.indexes.type: 0 heap, 1 clustered, 2 nonclustered, 3 XML, 4 spatial, ... */
	bool unique, primary_key, unique_constraint, disabled, ignore_dup_key, padded, row_locks, page_locks;
	int32_t fill_factor;
	const char *filter;      /* "" or its definition */
	const char *data_space;  /* filegroup or partition scheme */
	const char *compression; /* NONE, ROW, PAGE, COLUMNSTORE, ...; of the first partition */
	int64_t pages;           /* used; -1: could not be seen */
	struct catalogue_index_column *columns;
	uint32_t column_count;
};

struct catalogue_pair {
	int32_t foreign_key_id; /* of the time of reading */
	int32_t column_id, referenced_column_id;
};

struct catalogue_foreign_key {
	int32_t table_id, object_id, referenced_id;
	const char *name, *referenced_schema, *referenced_table;
	int32_t on_delete, on_update; /* 0 no action, 1 cascade, 2 set null, 3 set default */
	bool disabled, not_trusted, not_for_replication;
	struct catalogue_pair *pairs;
	uint32_t pair_count;
};

struct catalogue_check {
	int32_t table_id;
	const char *name, *definition;
	int32_t column_id; /* 0: of the table */
	bool disabled, not_trusted, not_for_replication;
};

struct catalogue_trigger {
	int32_t table_id;                       /* object_id of a table or view; 0: DDL trigger of the database */
	const char *name, *definition, *events; /* events: "DELETE,INSERT" */
	bool disabled, instead_of, not_for_replication, ansi_nulls, quoted_identifier, encrypted;
};

struct catalogue_table {
	int32_t object_id;
	const char *schema, *name;
	uint32_t features; /* enum catalogue_feature */
	int32_t lock_escalation;
	bool ansi_nulls;
	int64_t rows;  /* as the server counts, roughly; -1: could not be seen */
	int64_t pages; /* used, indexes included; -1: could not be seen */
	struct catalogue_column *columns;
	struct catalogue_index *indexes;
	struct catalogue_foreign_key *foreign_keys;
	struct catalogue_check *checks;
	struct catalogue_trigger *triggers;
	uint32_t column_count, index_count, foreign_key_count, check_count, trigger_count;
};

/* A view, procedure or function. */
struct catalogue_module {
	int32_t object_id;
	const char *schema, *name;
	const char *type;       /* sys.objects.type: V, P, FN, IF, TF, ... */
	const char *definition; /* "" where encrypted, or CLR */
	bool ansi_nulls, quoted_identifier, encrypted, schema_bound;
};

struct catalogue_sequence {
	int32_t object_id;
	const char *schema, *name, *type;
	int32_t precision;
	const char *start, *increment, *minimum, *maximum, *current; /* decimal digits */
	const char *last_used; /* NULL: never used, or a server before 2017, which does not tell */
	bool cycling, cached;
	int32_t cache_size; /* 0: the server's default */
};

struct catalogue_type {
	const char *schema, *name, *base, *collation;
	int32_t max_length, precision, scale;
	bool nullable, table_type, assembly_type;
};

struct catalogue_schema {
	const char *name, *owner;
};

struct catalogue_synonym {
	const char *schema, *name, *base;
};

struct catalogue_property { /* extended property */
	int32_t class, major, minor;
	const char *object; /* "[schema].[object]" or "" */
	const char *name, *value;
};

struct catalogue {
	struct catalogue_database database;
	struct catalogue_schema *schemas;
	struct catalogue_table *tables; /* by schema, then name: the order in which tables are read */
	struct catalogue_module *modules;
	struct catalogue_trigger *triggers; /* DDL triggers, and triggers on views */
	struct catalogue_sequence *sequences;
	struct catalogue_type *types;
	struct catalogue_synonym *synonyms;
	struct catalogue_property *properties;
	uint32_t schema_count, table_count, module_count, trigger_count, sequence_count, type_count, synonym_count,
		property_count;
	struct catalogue_arena *arena;
};

void catalogue_free(struct catalogue *catalogue); /* NULL is nothing */

/* Bytes are hostile until decoded. -EBADMSG: no catalogue. -EFBIG: larger than CATALOGUE_BYTES_MAX. -ENOMEM. */
int catalogue_decode(struct catalogue **catalogue, const void *bytes, size_t size);
/* *bytes is the caller's to free. -EFBIG. */
int catalogue_encode(const struct catalogue *catalogue, uint8_t **bytes, size_t *size);

/* ---- look-up ---- */

/* The index in tables, or -1. */
int catalogue_find_table(const struct catalogue *catalogue, const char *schema, const char *name);
const struct catalogue_table *catalogue_table_by_id(const struct catalogue *catalogue, int32_t object_id);
const struct catalogue_column *catalogue_column_by_id(const struct catalogue_table *table, int32_t column_id);
/* "[schema].[table]", whole or cut with "...". */
void catalogue_table_name(const struct catalogue_table *table, char *name, size_t size);
/* Rows of all tables, as far as the server told; what a progress bar expects. */
uint64_t catalogue_rows(const struct catalogue *catalogue);
/* Bytes that all tables take on the server, indexes included; 0 where that could not be seen. */
uint64_t catalogue_bytes(const struct catalogue *catalogue);
uint64_t catalogue_table_bytes(const struct catalogue_table *table);
/* True where `list` has "schema.name", "[schema].[name]", or, for a table of schema dbo, "name". */
bool catalogue_table_listed(const struct catalogue_table *table, const char *const *list, size_t count);

/* ---- the shape of rows ---- */

/* 0: a type that this version does not know. */
enum column_type catalogue_column_type(const struct catalogue_column *column);
/* What only the server can make: computed, rowversion, period and ledger columns. */
bool catalogue_column_derived(const struct catalogue_column *column);

/*
 * A table's rows as row groups see them. Left out of rows altogether: column sets (their columns come one by one) and
 * computed columns that are not persisted (they may change by themselves, or fail; the definition is kept).
 */
struct catalogue_layout {
	struct layout layout;
	struct column *columns;
	uint16_t *source; /* per column of the layout: its index in table->columns */
	uint16_t *order;  /* ordinals in the layout that rows are read by; order_count 0: a heap, read as it comes */
	bool *descending; /* per column of order */
	size_t order_count;
	bool unique;            /* order names one row; layout.key is order then, and empty otherwise */
	bool clustered;         /* order begins with the whole clustered key: a load may promise it */
	size_t clustered_count; /* so many columns of order are the clustered key */
};

int catalogue_layout(struct catalogue_layout *layout, const struct catalogue_table *table);
void catalogue_layout_free(struct catalogue_layout *layout);

/* ---- comparing ---- */

/*
 * Whether rows of `wanted` can be put into the database of `present`. false: *object names the first thing that differs
 * and *difference says how. Only tables of `wanted` count; states of constraints, values of
 * identities and everything else that a restore puts back may differ.
 */
bool catalogue_fits(const struct catalogue *wanted, const struct catalogue *present, char *object, size_t object_size,
	char *difference, size_t difference_size);
/* Whether constraints and triggers of the tables are in the same state in both. As above. */
bool catalogue_states_equal(const struct catalogue *wanted, const struct catalogue *present, char *object,
	size_t object_size, char *difference, size_t difference_size);

/*
 * Whether TRUNCATE TABLE is sure to be allowed: no other table's foreign key refers to it, enabled or not; no view of
 * the database is schema-bound, and so none that is indexed can be over it; it has none of the features above.
 */
bool catalogue_can_truncate(const struct catalogue *catalogue, const struct catalogue_table *table);
/*
 * Whether it leaves nothing else behind, either: no index is disabled, which TRUNCATE may enable; and there is no identity,
 * which TRUNCATE would make one never used.
 */
bool catalogue_may_truncate(const struct catalogue *catalogue, const struct catalogue_table *table);

/* What a feature is called, and what it forbids. */
struct catalogue_refusal {
	enum catalogue_feature feature;
	bool backup, restore; /* refused */
	const char *text;
};
/* The first that applies to the table; NULL: none. A mask is none: whoever may read through it loses nothing. */
const struct catalogue_refusal *catalogue_refused(const struct catalogue_table *table, bool restore);

/* ---- building, for the reader of the server's catalogue, the decoder and tests ---- */

int catalogue_new(struct catalogue **catalogue);
/* From the catalogue's arena, zeroed; NULL where the bound is reached or memory ends. */
void *catalogue_allocate(struct catalogue *catalogue, size_t size);
const char *catalogue_string(struct catalogue *catalogue, const void *bytes, size_t size);

#endif

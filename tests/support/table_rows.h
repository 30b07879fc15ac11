/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Made-up tables for tests of agent/table: rows with edge values of every type, and the chunks that they become.
 * The same seed makes the same rows on every machine. Out of memory ends the test.
 */
#ifndef TESTS_SUPPORT_TABLE_ROWS_H
#define TESTS_SUPPORT_TABLE_ROWS_H

#include "agent/table/rowgroup.h"

/* Limits so small that a few hundred rows reach all of them. */
extern const struct rowgroup_params table_rows_small;
/* int (the key), nvarchar, varbinary, varchar */
extern const struct layout table_rows_layout;

struct random {
	uint64_t state; /* not 0 */
};

uint64_t random_next(struct random *random);
uint64_t random_below(struct random *random, uint64_t limit);

/* Values and the bytes that they point to, in one allocation. */
struct row {
	size_t count;
	struct value values[];
};

/* A copy of the values. free() is enough. */
struct row *row_copy(const struct value *values, size_t count);
/* Values of all types as far as the columns go: NULL, empty, extremes, lone surrogates; at most size_max bytes each. */
struct row *row_random(struct random *random, const struct layout *layout, size_t size_max);
struct row **rows_random(uint64_t seed, const struct layout *layout, size_t count, size_t size_max);
/* int (the key), nvarchar, varchar, nvarchar, varchar: text, the same as rich text, quoted, and something else. */
extern const struct layout table_beside_layout;
struct row **rows_beside(uint64_t seed, size_t count, size_t size_max);
bool value_equal(const struct value *a, const struct value *b);
void rows_free(struct row **rows, size_t count);

struct chunk_list {
	struct chunk {
		enum chunk_kind kind;
		uint32_t rows;
		size_t size;
		uint8_t *bytes;
		uint8_t name[32]; /* SHA-256 */
	} * chunks;
	size_t count, room;
};

/* A rowgroup_emit whose argument is a chunk list. */
int chunk_list_emit(void *list, enum chunk_kind kind, const void *bytes, size_t size, uint32_t rows);
void chunk_list_free(struct chunk_list *list);
bool chunk_list_equal(const struct chunk_list *a, const struct chunk_list *b);
/* Chunks of `list` whose names `old` does not have, and their bytes. */
size_t chunk_list_new(const struct chunk_list *list, const struct chunk_list *old, size_t *bytes);

/* Writes rows; all of them are expected to go through. */
void rows_write(const struct layout *layout, const struct rowgroup_params *params, struct row *const *rows,
	size_t count, struct chunk_list *list, struct table_digest *digest);
/* Reads the list again and expects those rows, and the digest. */
void rows_expect(const struct layout *layout, const struct rowgroup_params *params, struct row *const *rows,
	size_t count, const struct chunk_list *list, const struct table_digest *digest);

/* Both. */
void rows_round_trip(
	const struct layout *layout, const struct rowgroup_params *params, struct row *const *rows, size_t count);

#endif

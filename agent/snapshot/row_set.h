/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digests of a bounded run of rows, in the order in which they came, each of which can be taken once: two equal ones
 * are two.
 *
 * A digest is known by its first 63 bits, of a keyed hash. Should two different rows of one run share them, a plan is
 * wrong and the read-back of the restore finds it. Memory: 20 to 36 bytes a row, in powers of two.
 */
#ifndef AGENT_SNAPSHOT_ROW_SET_H
#define AGENT_SNAPSHOT_ROW_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct row_set {
	uint64_t *slots;  /* 0: empty; the lowest bit: taken */
	uint32_t *places; /* the slot of each row, in their order */
	size_t count, capacity, mask;
};

/* Room for so many rows, at most 2^30. -ENOMEM. A zeroed struct is closed. */
int row_set_open(struct row_set *set, size_t rows);
void row_set_close(struct row_set *set);
/* Forgets all rows. */
void row_set_clear(struct row_set *set);

/* False where the set is full. Both read 8 bytes of a digest. */
bool row_set_add(struct row_set *set, const uint8_t *digest);
/* True where such a row is there that was not taken before. */
bool row_set_take(struct row_set *set, const uint8_t *digest);
/* Whether the row that came as the i-th was taken. */
bool row_set_taken(const struct row_set *set, size_t i);
/* How many runs of rows that were not taken there are. */
size_t row_set_runs(const struct row_set *set);

#endif

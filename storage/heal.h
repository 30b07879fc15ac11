/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a damaged segment by its parity. Which units are bad the checksums in its tables say, either copy of which will
 * do; a bad unit is the XOR of the other units of its stripe and must then fit its own checksum. Nothing else is ever
 * returned: what parity cannot heal is -EBADMSG.
 *
 * Nothing is allocated before the first damage is met; then 4 bytes for each unit of one segment, and two units.
 */
#ifndef STORAGE_HEAL_H
#define STORAGE_HEAL_H

#include "storage/segment.h"
#include "storage/segment_format.h"

#define WOUNDED_MAX 64

struct healer {
	struct volume *volume;
	uint8_t repository[16];
	bool enabled; /* the repository has parity; else nothing is healed */
	/* The segment that was healed last: its tables are kept. */
	struct segment_contents contents; /* number 0: none */
	uint8_t *checksums;
	uint8_t *unit, *other; /* one unit each */
	uint64_t healed;       /* reads that parity made whole, since it was opened */
	/* Segments where damage was met and healed: they should be written anew. The scrub finds those for which is no room. */
	uint64_t wounded[WOUNDED_MAX];
	unsigned wounded_count;
	bool wounded_changed; /* since they were kept */
};

void healer_open(struct healer *healer, struct volume *volume, const uint8_t repository[16], bool enabled);
void healer_close(struct healer *healer);

/* Damage, or a medium that cannot read this place: something else may help. */
bool heal_is_damage(int error);
/*
 * Bytes of the chunks and contents of a data segment, checked and rebuilt where they are bad; the segment is wounded then.
 * -EBADMSG: not by this parity, or the segment has none.
 */
int heal_read(struct healer *healer, uint64_t number, uint32_t offset, void *bytes, uint32_t size);
/* Where the contents of a segment are, by either table. */
int heal_contents(struct healer *healer, uint64_t number, struct segment_contents *contents);

struct heal_result {
	uint32_t bad;  /* units of data and of parity, and tables */
	uint32_t lost; /* of these: units of data that cannot be rebuilt */
};
/* Reads every unit of a segment, parity and tables, too; the segment is wounded where any is bad. -EBADMSG: no table. */
int heal_check(struct healer *healer, uint64_t number, struct heal_result *result);

/*
 * A segment that was just written, and whose chunks have been read: its head, its parity strip and both tables, too. -EBADMSG:
 * one of them is bad, and it is wounded; or a chunk was healed, which one of so short an age should not need.
 */
int heal_check_new(struct healer *healer, uint64_t number);

bool heal_is_wounded(const struct healer *healer, uint64_t number);
void heal_wound(struct healer *healer, uint64_t number);
/* It was written anew, or is gone. */
void heal_forget(struct healer *healer, uint64_t number);

#endif

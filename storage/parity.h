/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parity of a segment. Its data are strips of equal size, one behind the other, in units that have a checksum each; behind
 * them lies one strip more, the XOR of all. Checksums say which units are bad, so what is corrected are erasures: one unit
 * in each stripe (the units at the same place of all strips), and with that any one whole strip.
 *
 *   data, whole units | table | parity strip | table
 *
 * The two tables are equal but for their order and one strip apart, and so is a byte of the parity strip from any that it
 * protects: whatever strip is lost, on flash an erase block, hits one of them. FORMAT.md, "Parity". Here is the arithmetic
 * and what a writer does; heal.h is for readers.
 */
#ifndef STORAGE_PARITY_H
#define STORAGE_PARITY_H

#include "storage/volume.h"

#define PARITY_STRIPS_MAX 16 /* of data; a strip is an erase block of flash, or 2, 4 ... where there are more */
#define PARITY_UNIT_MAX 1048576u
#define PARITY_UNITS_MAX 262144u /* of a segment, the parity's counted in: bounds what a reader allocates */
#define SEGMENT_RECORD_SIZE 128u /* the trailer of a segment with parity: part of each table */

struct parity_layout {
	uint32_t unit;  /* bytes that have one checksum */
	uint32_t strip; /* a multiple of unit; 0: no parity */
	uint32_t data;  /* what is protected, a multiple of unit */
	uint32_t table; /* size of each of the two */
};

/* For a segment on this volume whose chunks and contents end at `used`. */
struct parity_layout parity_layout_for(const struct volume *volume, uint32_t used);
/* Size of the whole segment. */
uint64_t parity_layout_size(const struct parity_layout *layout);
/* Checksums in the table: of the data's units, then of the parity strip's. */
uint32_t parity_units(const struct parity_layout *layout);
/* Where in the parity strip, in units, the parity of this unit of the data is. */
uint32_t parity_place(const struct parity_layout *layout, uint32_t unit);
/* to ^= from */
void parity_xor(uint8_t *to, const uint8_t *from, size_t size);

struct parity_writer {
	uint32_t unit, strip_max;
	uint32_t position, crc; /* bytes added, and the checksum of the last unit so far */
	uint8_t *strip;         /* strip_max: the XOR of all that was added */
	uint8_t *checksums;     /* 4 bytes for each unit of the longest segment */
};

/* Allocates one strip, an eighth of a segment or an erase block, and 4 bytes a unit: nothing more is needed later. */
int parity_writer_create(struct parity_writer *writer, const struct volume *volume);
void parity_writer_destroy(struct parity_writer *writer);
/* A segment begins. */
void parity_writer_start(struct parity_writer *writer);
/* What is added next to its data. */
void parity_writer_add(struct parity_writer *writer, const void *bytes, size_t size);
/*
 * All data were added, layout->data bytes. writer->checksums is complete then, and the parity strip is what
 * writer->strip holds from the returned offset on to layout->strip, then from 0 on.
 */
uint32_t parity_writer_finish(struct parity_writer *writer, const struct parity_layout *layout);

#endif

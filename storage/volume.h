/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A volume: a place that keeps write-once segments. The storage HAL.
 *
 * Segment ids are 64-bit, chosen by the caller and never reused. A segment is being written from the write at offset 0
 * until volume_sync or volume_remove of it returns; at most VOLUME_OPEN_MAX at a time. What was written can be read.
 *
 * After a power cut: a segment whose volume_sync returned 0 is whole; one that was not synced may be whole, cut, torn,
 * empty or absent; a removed one may be back. After a crash of the process alone, a segment that was not synced may
 * look whole and still be lost by a later power cut, until it is synced.
 *
 * Functions return 0, a length where one is said, or a negative errno: -EIO, -ENOSPC, -EROFS, -ENOENT, -EEXIST,
 * -EBADMSG (flash: uncorrectable), -ENODEV (the medium was pulled out), -EINVAL (the caller's mistake: nothing done).
 * One thread at a time.
 */
#ifndef STORAGE_VOLUME_H
#define STORAGE_VOLUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VOLUME_OPEN_MAX 2 /* one long segment of data, and one short one beside it: a root, a state record */

struct volume;

struct volume_stat {
	uint64_t size, free;   /* bytes */
	uint32_t segment_size; /* a segment is at most this long; the same for the life of the volume */
	uint32_t write_unit;   /* writes start and end on multiples of this; 1 for a disk */
	uint32_t bad_blocks, max_erase_count;
	bool durable; /* sync means what it says */
	bool read_only;
};

struct volume_ops {
	/*
	 * Appends to a segment that is being written; offset 0 starts it. Sequential: offset is where it ends.
	 * -EEXIST: offset 0 of an id that is there. -EINVAL: offset is not the end, or too many are being written.
	 */
	int (*write)(struct volume *volume, uint64_t id, uint32_t offset, const void *bytes, uint32_t size);
	/*
	 * The segment and its existence are durable on return, and nothing more can be written to it. Works on a segment
	 * of an earlier life too. A failure condemns a segment that was being written: nobody may count on it again.
	 */
	int (*sync)(struct volume *volume, uint64_t id);
	/* All or nothing: -ENOENT no such segment, -ERANGE beyond its end. */
	int (*read)(struct volume *volume, uint64_t id, uint32_t offset, void *bytes, uint32_t size);
	/* Gone, durably, on return: the removal survives a cut, but nothing above may count on it. */
	int (*remove)(struct volume *volume, uint64_t id);
	/*
	 * Calls found for each segment, in no order, with its length in bytes; found may read and list, and nothing
	 * else. Returns what found returns if not 0.
	 */
	int (*list)(struct volume *volume, int (*found)(void *arg, uint64_t id, uint32_t size), void *arg);
	int (*stat)(struct volume *volume, struct volume_stat *stat);
	/* Part of the segment is known to be missing, without reading it. NULL: never known. */
	bool (*is_damaged)(struct volume *volume, uint64_t id);
};

struct volume {
	const struct volume_ops *ops;
	uint32_t segment_size, write_unit; /* filled in by the driver, as in volume_stat */
	uint32_t strip_size; /* so many bytes of a segment, from its beginning on, are lost together; 0: no such blocks */
};

/* Checks range, overflow and write units once, so that no driver does. Size 0 is -EINVAL for write, nothing for read. */
int volume_write(struct volume *volume, uint64_t id, uint32_t offset, const void *bytes, uint32_t size);
int volume_sync(struct volume *volume, uint64_t id);
int volume_read(struct volume *volume, uint64_t id, uint32_t offset, void *bytes, uint32_t size);
int volume_remove(struct volume *volume, uint64_t id);
int volume_list(struct volume *volume, int (*found)(void *arg, uint64_t id, uint32_t size), void *arg);
int volume_stat(struct volume *volume, struct volume_stat *stat);
bool volume_is_damaged(struct volume *volume, uint64_t id);

#endif

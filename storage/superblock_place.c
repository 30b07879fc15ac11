/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/bytes.h"
#include "storage/repository_internal.h"
#include "storage/segment.h"

struct search {
	struct volume *volume;
	struct superblock_files *files;
};

static void consider(struct superblock_files *files, uint64_t number, const uint8_t bytes[SUPERBLOCK_SIZE])
{
	struct superblock found;
	int error = superblock_get(&found, bytes);
	if (error) {
		files->damaged++;
		/* One of a later version must not be taken for damage: it forbids more. */
		files->error = files->error == -EPROTONOSUPPORT ? files->error : error;
		return;
	}
	bool newer = !files->best[0] || found.generation > files->superblock.generation;
	if (newer) {
		memcpy(files->bytes, bytes, SUPERBLOCK_SIZE);
		files->superblock = found;
		files->best[0] = number;
		files->best[1] = 0;
	} else if (found.generation == files->superblock.generation) {
		files->best[1] = number;
	}
}

static int note(void *arg, uint64_t id, uint32_t size)
{
	struct search *search = arg;
	struct superblock_files *files = search->files;
	uint64_t number = id & SEGMENT_NUMBER_MASK;
	uint8_t bytes[SUPERBLOCK_SIZE];
	if (id >> 56 != SEGMENT_SUPERBLOCK) {
		files->others |= id >> 56 != SEGMENT_ROOT && id >> 56 != SEGMENT_STATE;
		return 0;
	}
	if (number > files->last)
		files->last = number;
	int error = size < sizeof bytes ? -EBADMSG : volume_read(search->volume, id, 0, bytes, sizeof bytes);
	if (!error) {
		consider(files, number, bytes);
	} else if (error == -EBADMSG || error == -EIO) {
		files->damaged++;
		files->error = files->error == -EPROTONOSUPPORT ? files->error : error;
	} else {
		return error;
	}
	return 0;
}

int superblock_find(struct volume *volume, struct superblock_files *files)
{
	struct search search = { volume, files };
	memset(files, 0, sizeof *files);
	int error = volume_list(volume, note, &search);
	if (error)
		return error;
	if (files->error == -EPROTONOSUPPORT)
		return files->error;
	if (files->best[0])
		return 0;
	if (files->error == -EBADMSG && !files->others)
		return -ENOENT; /* a creation that was cut short: nothing can have been stored */
	return files->damaged ? files->error : files->others ? -EXDEV : -ENOENT;
}

struct stale {
	uint64_t ids[32];
	unsigned count;
	uint64_t keep; /* this number and higher ones */
};

static int note_stale(void *arg, uint64_t id, uint32_t size)
{
	struct stale *stale = arg;
	(void)size;
	bool old = id >> 56 == SEGMENT_SUPERBLOCK && (id & SEGMENT_NUMBER_MASK) < stale->keep;
	if (old && stale->count < sizeof stale->ids / sizeof stale->ids[0])
		stale->ids[stale->count++] = id;
	return 0;
}

/* They may come back: their generation is lower. A failure is made good by the next time. */
static void remove_below(struct volume *volume, uint64_t keep)
{
	struct stale stale = { .keep = keep };
	if (volume_list(volume, note_stale, &stale))
		return;
	for (unsigned i = 0; i < stale.count; i++)
		volume_remove(volume, stale.ids[i]);
}

int superblock_store(struct volume *volume, const struct superblock *superblock, const uint8_t key[32], uint64_t *last)
{
	uint32_t size = round_up32(SUPERBLOCK_SIZE, volume->write_unit);
	if (*last >= SEGMENT_NUMBER_MASK - 1)
		return -EOVERFLOW;
	uint8_t *bytes = calloc(1, size);
	if (!bytes)
		return -ENOMEM;
	int error = superblock_put(bytes, superblock, key);
	uint64_t first = *last + 1;
	for (int copy = 0; !error && copy < 2; copy++) {
		uint64_t id = segment_id(SEGMENT_SUPERBLOCK, ++*last);
		error = volume_write(volume, id, 0, bytes, size);
		if (!error)
			error = volume_sync(volume, id);
	}
	free(bytes);
	if (!error)
		remove_below(volume, first);
	/* One whole copy would make a change of what is told to have failed. */
	for (uint64_t number = first; error && number <= *last; number++)
		volume_remove(volume, segment_id(SEGMENT_SUPERBLOCK, number));
	return error;
}

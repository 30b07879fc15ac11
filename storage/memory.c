/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/bytes.h"

struct segment {
	struct segment *next;
	uint64_t id;
	uint32_t size;
	bool writing;
	uint8_t *bytes;
};

struct memory_volume {
	struct volume volume;
	uint64_t size, used;
	struct segment *segments;
};

static struct memory_volume *memory_of(struct volume *volume)
{
	return container_of(volume, struct memory_volume, volume);
}

/* Where the pointer to it is, so that it can be unlinked; points to NULL where there is none. */
static struct segment **find(struct memory_volume *v, uint64_t id)
{
	struct segment **at = &v->segments;
	while (*at && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static unsigned count_writing(const struct memory_volume *v)
{
	unsigned count = 0;
	for (const struct segment *s = v->segments; s; s = s->next)
		count += s->writing;
	return count;
}

static int start(struct memory_volume *v, uint64_t id)
{
	if (count_writing(v) == VOLUME_OPEN_MAX)
		return -EINVAL;
	struct segment *s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	*s = (struct segment){ .next = v->segments, .id = id, .writing = true };
	v->segments = s;
	return 0;
}

static int grow(struct memory_volume *v, struct segment *s, const void *bytes, uint32_t size)
{
	if (size > v->size - v->used)
		return -ENOSPC;
	uint8_t *larger = realloc(s->bytes, (size_t)s->size + size);
	if (!larger)
		return -ENOMEM;
	memcpy(larger + s->size, bytes, size);
	s->bytes = larger;
	s->size += size;
	v->used += size;
	return 0;
}

static int memory_write(struct volume *volume, uint64_t id, uint32_t offset, const void *bytes, uint32_t size)
{
	struct memory_volume *v = memory_of(volume);
	struct segment *s = *find(v, id);
	if (offset == 0) {
		int error = s ? -EEXIST : start(v, id);
		if (error)
			return error;
		s = v->segments;
	}
	if (!s || !s->writing || offset != s->size)
		return -EINVAL;
	return grow(v, s, bytes, size);
}

static int memory_sync(struct volume *volume, uint64_t id)
{
	struct segment *s = *find(memory_of(volume), id);
	if (!s)
		return -ENOENT;
	s->writing = false;
	return 0;
}

static int memory_read(struct volume *volume, uint64_t id, uint32_t offset, void *bytes, uint32_t size)
{
	const struct segment *s = *find(memory_of(volume), id);
	if (!s)
		return -ENOENT;
	if (offset > s->size || size > s->size - offset)
		return -ERANGE;
	memcpy(bytes, s->bytes + offset, size);
	return 0;
}

static int memory_remove(struct volume *volume, uint64_t id)
{
	struct memory_volume *v = memory_of(volume);
	struct segment **at = find(v, id);
	struct segment *s = *at;
	if (!s)
		return -ENOENT;
	*at = s->next;
	v->used -= s->size;
	free(s->bytes);
	free(s);
	return 0;
}

static int memory_list(struct volume *volume, int (*found)(void *arg, uint64_t id, uint32_t size), void *arg)
{
	int result = 0;
	for (const struct segment *s = memory_of(volume)->segments; s && !result; s = s->next)
		result = found(arg, s->id, s->size);
	return result;
}

static int memory_stat(struct volume *volume, struct volume_stat *stat)
{
	const struct memory_volume *v = memory_of(volume);
	stat->size = v->size;
	stat->free = v->size - v->used;
	return 0;
}

static const struct volume_ops memory_ops = {
	.write = memory_write,
	.sync = memory_sync,
	.read = memory_read,
	.remove = memory_remove,
	.list = memory_list,
	.stat = memory_stat,
};

int memory_volume_open(struct volume **volume, const struct memory_geometry *geometry)
{
	struct memory_volume *v = calloc(1, sizeof *v);
	if (!v)
		return -ENOMEM;
	v->volume = (struct volume){ &memory_ops, geometry->segment_size, geometry->write_unit, geometry->strip_size };
	v->size = geometry->size;
	*volume = &v->volume;
	return 0;
}

void memory_volume_close(struct volume *volume)
{
	if (!volume)
		return;
	struct memory_volume *v = memory_of(volume);
	while (v->segments)
		memory_remove(volume, v->segments->id);
	free(v);
}

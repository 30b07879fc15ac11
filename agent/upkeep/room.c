/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/upkeep/room.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/snapshot/snapshot_about.h"

#define NEARLY_FULL 8    /* less than one part in so many is free */
#define RATIO_USUAL 3000 /* of records that do not say */

uint64_t room_for(uint64_t bytes, uint64_t ratio)
{
	if (!ratio)
		ratio = RATIO_USUAL;
	return bytes / ratio * 1000 + bytes % ratio * 1000 / ratio;
}

static bool is_good(const struct snapshot_info *info)
{
	return info->class == SNAPSHOT_BACKUP && !(info->flags & SNAPSHOT_SUSPECT);
}

static bool is_newest(const struct snapshot_info *list, size_t count, size_t i)
{
	for (size_t j = i + 1; j < count; j++)
		if (is_good(&list[j]) && strcmp(list[i].subject, list[j].subject) == 0)
			return false;
	return is_good(&list[i]);
}

static uint64_t read_ratio(struct repository *repository, uint64_t id)
{
	static struct snapshot_about about; /* large; one job at a time */
	struct snapshot_reader *reader;
	const void *bytes;
	size_t size;
	if (snapshot_open(repository, id, &reader) < 0)
		return 0;
	bool read = snapshot_about(reader, &bytes, &size) == 0 && snapshot_about_decode(&about, bytes, size) == 0;
	snapshot_close(reader);
	return read ? about.ratio : 0;
}

static void find_base(struct repository *repository, const struct snapshot_info *list, size_t count, struct room *room)
{
	for (size_t i = 0; i < count; i++) {
		if (!is_newest(list, count, i))
			continue;
		uint64_t base = room_for(list[i].bytes, read_ratio(repository, list[i].id));
		if (base <= room->base)
			continue;
		room->base = base;
		memcpy(room->largest, list[i].subject, sizeof(room->largest));
	}
}

/* The first backup there is of a database says nothing of the next: it was all new. */
static void find_night(const struct snapshot_info *list, size_t count, const char *subject, struct room *room)
{
	uint64_t least = UINT64_MAX;
	unsigned nights = 0;
	for (size_t i = count; i-- > 0;) {
		if (list[i].class != SNAPSHOT_BACKUP || strcmp(list[i].subject, subject) != 0)
			continue;
		if (nights++ < ROOM_NIGHTS && list[i].stored_bytes < least)
			least = list[i].stored_bytes;
	}
	room->night = nights > 1 ? least : 0;
}

int room_look(struct repository *repository, const char *subject, struct room *room)
{
	struct repository_status status;
	*room = (struct room){ .free = 0 };
	int error = repository_status(repository, &status);
	if (error)
		return error;
	int count = snapshot_list(repository, NULL, 0);
	struct snapshot_info *list = calloc((size_t)count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	int now = snapshot_list(repository, list, (size_t)count);
	size_t listed = (size_t)(now < count ? now : count);
	find_base(repository, list, listed, room);
	if (subject)
		find_night(list, listed, subject, room);
	free(list);
	room->free = status.room;
	room->nearly_full = status.free < status.size / NEARLY_FULL || room->free < room->base ||
		status.index_capacity - status.chunks < status.index_capacity / NEARLY_FULL;
	return 0;
}

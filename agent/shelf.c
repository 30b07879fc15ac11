/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/shelf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/room.h"
#include "agent/snapshot_about.h"

void shelf_init(struct shelf *shelf)
{
	memset(shelf, 0, sizeof(*shelf));
	pthread_mutex_init(&shelf->lock, NULL);
}

/* ---- on the engine's thread ---- */

static void read_about(struct shelf_entry *entry, struct repository *repository)
{
	static struct snapshot_about about; /* large, and of one thread */
	struct snapshot_reader *reader;
	const void *bytes;
	size_t size;
	if (snapshot_open(repository, entry->info.id, &reader) < 0)
		return;
	if (snapshot_about(reader, &bytes, &size) == 0 && snapshot_about_decode(&about, bytes, size) == 0) {
		entry->readable = true;
		entry->consistency = (int)about.consistency;
		entry->tables = about.tables;
		entry->rows = about.rows;
		entry->server_bytes = about.server_bytes;
		entry->milliseconds = about.milliseconds;
		entry->ratio = about.ratio;
	}
	snapshot_close(reader);
}

/* What was known of a snapshot stays known: only flags change. Nobody else writes entries, so no lock to read them. */
static const struct shelf_entry *find_known(const struct shelf *shelf, uint64_t id)
{
	for (size_t i = 0; i < shelf->count; i++)
		if (shelf->entries[i].info.id == id && shelf->entries[i].readable)
			return &shelf->entries[i];
	return NULL;
}

static void fill(struct shelf *shelf, struct repository *repository, const struct snapshot_info *list, size_t count,
	struct shelf_entry *entries)
{
	for (size_t i = 0; i < count; i++) {
		const struct shelf_entry *known = find_known(shelf, list[i].id);
		entries[i] = known ? *known : (struct shelf_entry){ .readable = false };
		entries[i].info = list[i];
		if (!known)
			read_about(&entries[i], repository);
	}
}

/* Of all there are: what is older than the shelf is long counts, too. */
static int decide(const struct shelf *shelf, struct repository *repository, const struct snapshot_info *list,
	size_t total, bool append_only, struct shelf_entry *entries)
{
	size_t count = total < SHELF_MAX ? total : SHELF_MAX;
	enum retention_why *why = calloc(total + 1, sizeof(*why));
	int result = why ? retention_decide(list, total, &shelf->retention, repository_box_time(repository), why) : -ENOMEM;
	for (size_t i = 0; result == 0 && i < count; i++)
		entries[i].why = why[total - count + i] || !append_only ? why[total - count + i] : RETENTION_APPEND_ONLY;
	free(why);
	return result;
}

/* What a whole new copy of the largest database would take, as its newest good backup tells. */
static uint64_t find_base(const struct shelf_entry *entries, size_t count)
{
	uint64_t largest = 0;
	for (size_t i = count; i-- > 0;) {
		const struct snapshot_info *info = &entries[i].info;
		bool newest = info->class == SNAPSHOT_BACKUP && !(info->flags & SNAPSHOT_SUSPECT);
		for (size_t j = i + 1; j < count && newest; j++)
			newest = entries[j].info.class != SNAPSHOT_BACKUP || entries[j].info.flags & SNAPSHOT_SUSPECT ||
				strcmp(entries[j].info.subject, info->subject) != 0;
		uint64_t base = newest ? room_for(info->bytes, entries[i].ratio) : 0;
		largest = base > largest ? base : largest;
	}
	return largest;
}

static int refresh(struct shelf *shelf, struct repository *repository, const struct snapshot_info *list, size_t total)
{
	size_t count = total < SHELF_MAX ? total : SHELF_MAX;
	struct shelf_entry *entries = calloc(count + 1, sizeof(*entries));
	struct repository_status status;
	if (!entries)
		return -ENOMEM;
	fill(shelf, repository, list + (total - count), count, entries);
	int result = repository_status(repository, &status);
	if (result == 0)
		result = decide(shelf, repository, list, total, status.append_only, entries);
	pthread_mutex_lock(&shelf->lock);
	memcpy(shelf->entries, entries, count * sizeof(*entries));
	shelf->count = count;
	shelf->total = total;
	shelf->base = find_base(entries, count);
	if (result == 0)
		shelf->status = status;
	pthread_mutex_unlock(&shelf->lock);
	free(entries);
	return result;
}

void shelf_refresh(struct shelf *shelf, struct repository *repository)
{
	int total = snapshot_list(repository, NULL, 0);
	struct snapshot_info *list = total < 0 ? NULL : calloc((size_t)total + 1, sizeof(*list));
	int result = total < 0 ? total : list ? snapshot_list(repository, list, (size_t)total) : -ENOMEM;
	if (result >= 0)
		result = refresh(shelf, repository, list, (size_t)total);
	free(list);
	pthread_mutex_lock(&shelf->lock);
	shelf->error = result;
	pthread_mutex_unlock(&shelf->lock);
}

/* ---- for everybody ---- */

int shelf_get(struct shelf *shelf, size_t index, struct shelf_entry *entry)
{
	pthread_mutex_lock(&shelf->lock);
	bool there = index < shelf->count;
	if (there)
		*entry = shelf->entries[index];
	pthread_mutex_unlock(&shelf->lock);
	return there ? 0 : -ENOENT;
}

int shelf_find(struct shelf *shelf, const char *prefix, struct shelf_entry *entry)
{
	size_t length = strlen(prefix), found = 0;
	char hex[17];
	if (length == 0 || length > 16 || strspn(prefix, "0123456789abcdef") != length)
		return -EINVAL;
	pthread_mutex_lock(&shelf->lock);
	for (size_t i = 0; i < shelf->count; i++) {
		snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)shelf->entries[i].info.id);
		if (strncmp(hex, prefix, length) != 0)
			continue;
		*entry = shelf->entries[i];
		found++;
	}
	pthread_mutex_unlock(&shelf->lock);
	return found == 1 ? 0 : found ? -ENOTUNIQ : -ENOENT;
}

static bool may_be_taken(const struct snapshot_info *info)
{
	if (info->flags & SNAPSHOT_DAMAGED)
		return false;
	if (info->class == SNAPSHOT_SAFETY)
		return info->flags & SNAPSHOT_APPLIED;
	return !(info->flags & SNAPSHOT_SUSPECT);
}

int shelf_newest(struct shelf *shelf, const char *subject, enum snapshot_class class, struct shelf_entry *entry)
{
	int result = -ENOENT;
	pthread_mutex_lock(&shelf->lock);
	for (size_t i = shelf->count; i-- > 0 && result < 0;) {
		const struct snapshot_info *info = &shelf->entries[i].info;
		if (info->class != class || strcmp(info->subject, subject) != 0 || !may_be_taken(info))
			continue;
		*entry = shelf->entries[i];
		result = 0;
	}
	pthread_mutex_unlock(&shelf->lock);
	return result;
}

size_t shelf_count(struct shelf *shelf, uint32_t flag)
{
	size_t count = 0;
	pthread_mutex_lock(&shelf->lock);
	for (size_t i = 0; i < shelf->count; i++)
		count += (shelf->entries[i].info.flags & flag) != 0;
	pthread_mutex_unlock(&shelf->lock);
	return count;
}

int shelf_status(struct shelf *shelf, struct repository_status *status, size_t *total)
{
	pthread_mutex_lock(&shelf->lock);
	int result = shelf->error;
	*status = shelf->status;
	*total = shelf->total;
	pthread_mutex_unlock(&shelf->lock);
	return result;
}

bool subject_split(const char *subject, char server[SERVER_NAME_SIZE], char database[DATABASE_NAME_SIZE])
{
	const char *slash = strchr(subject, '/');
	if (!slash || slash == subject || !slash[1] || slash - subject >= SERVER_NAME_SIZE ||
		strlen(slash + 1) >= DATABASE_NAME_SIZE)
		return false;
	memcpy(server, subject, (size_t)(slash - subject));
	server[slash - subject] = '\0';
	strcpy(database, slash + 1);
	return true;
}

uint64_t shelf_base(struct shelf *shelf)
{
	pthread_mutex_lock(&shelf->lock);
	uint64_t base = shelf->base;
	pthread_mutex_unlock(&shelf->lock);
	return base;
}

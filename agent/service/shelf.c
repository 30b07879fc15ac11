/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/service/shelf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/snapshot/snapshot_about.h"
#include "agent/store/store.h"
#include "agent/upkeep/room.h"

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

/* Nobody else writes entries, so no lock to read them. */
static const struct shelf_entry *find_known(const struct shelf *shelf, uint64_t id)
{
	for (size_t i = 0; i < shelf->count; i++)
		if (shelf->entries[i].info.id == id && shelf->entries[i].readable)
			return &shelf->entries[i];
	return NULL;
}

/* ---- all volumes in one list ---- */

struct gather {
	struct shelf_entry *entries;
	size_t count, capacity;
};

static struct shelf_entry *find_same(const struct gather *gather, const struct snapshot_info *info)
{
	for (size_t i = gather->count; i-- > 0;)
		if (gather->entries[i].info.id == info->id)
			return &gather->entries[i];
	return NULL;
}

static int add_entry(struct gather *gather, struct shelf_entry **entry)
{
	if (gather->count == gather->capacity) {
		size_t capacity = gather->capacity * 2 + 64;
		struct shelf_entry *larger = realloc(gather->entries, capacity * sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		gather->entries = larger;
		gather->capacity = capacity;
	}
	*entry = &gather->entries[gather->count++];
	**entry = (struct shelf_entry){ .volumes = 0 };
	return 0;
}

static int gather_one(struct gather *gather, const struct shelf_volume *volume, uint32_t bit,
	const struct snapshot_info *info, enum retention_why why)
{
	struct shelf_entry *entry = find_same(gather, info);
	int result = entry ? 0 : add_entry(gather, &entry);
	if (result < 0)
		return result;
	/* Of several that have it, the first where it is whole speaks for it. */
	if (!entry->volumes || (entry->info.flags & SNAPSHOT_DAMAGED && !(info->flags & SNAPSHOT_DAMAGED))) {
		entry->info = *info;
		entry->why = why;
	}
	entry->volumes |= bit;
	entry->durable |= volume->status.durable;
	return 0;
}

/* What retention says of all of one volume: what is older than the shelf is long counts, too. */
static int gather_list(struct shelf *shelf, struct gather *gather, struct shelf_volume *volume, uint32_t bit,
	struct repository *repository)
{
	int total = snapshot_list(repository, NULL, 0);
	struct snapshot_info *list = calloc((size_t)total + 1, sizeof(*list));
	enum retention_why *why = calloc((size_t)total + 1, sizeof(*why));
	int result = list && why ? snapshot_list(repository, list, (size_t)total) : -ENOMEM;
	if (result >= 0)
		result = retention_decide(list, (size_t)total, &shelf->retention, repository_box_time(repository), why);
	for (int i = 0; result == 0 && i < total; i++)
		result = gather_one(
			gather, volume, bit, &list[i], why[i] || !volume->status.append_only ? why[i] : RETENTION_APPEND_ONLY);
	volume->total = (size_t)total;
	free(list);
	free(why);
	return result;
}

/* What a whole new copy of the largest database would take, as its newest good backup tells. */
static uint64_t find_base(const struct shelf_entry *entries, size_t count)
{
	uint64_t largest = 0;
	for (size_t i = count; i-- > 0;) {
		const struct snapshot_info *info = &entries[i].info;
		bool newest = info->class == SNAPSHOT_BACKUP && !(info->flags & SNAPSHOT_SUSPECT) && !info->foreign;
		for (size_t j = i + 1; j < count && newest; j++)
			newest = entries[j].info.class != SNAPSHOT_BACKUP || entries[j].info.flags & SNAPSHOT_SUSPECT ||
				strcmp(entries[j].info.subject, info->subject) != 0;
		uint64_t base = newest ? room_for(info->bytes, entries[i].ratio) : 0;
		largest = base > largest ? base : largest;
	}
	return largest;
}

static int by_sequence(const void *a, const void *b)
{
	const struct shelf_entry *x = a, *y = b;
	if (x->info.sequence != y->info.sequence)
		return x->info.sequence < y->info.sequence ? -1 : 1;
	return x->info.box_time < y->info.box_time ? -1 : x->info.box_time > y->info.box_time;
}

static void describe_volume(struct shelf_volume *volume, const struct store *store, uint32_t index)
{
	const struct store_volume *from = &store->volumes[index];
	*volume = (struct shelf_volume){ .there = store->stories[index].repository, .home = index == store->home };
	memcpy(volume->name, store->config->volumes[index].name, sizeof(volume->name));
	memcpy(volume->path, store->config->volumes[index].path, sizeof(volume->path));
	volume->foreign = volume->there && from->foreign;
	if (volume->there)
		return;
	memcpy(volume->sentence, from->sentence, sizeof(volume->sentence));
	memcpy(volume->remedy, from->remedy, sizeof(volume->remedy));
}

static void gather_volume(
	struct shelf *shelf, struct gather *gather, struct shelf_volume *volume, const struct store *store, uint32_t index)
{
	struct repository *repository = store->stories[index].repository;
	describe_volume(volume, store, index);
	if (!repository)
		return;
	volume->error = repository_status(repository, &volume->status);
	int result = gather_list(shelf, gather, volume, UINT32_C(1) << index, repository);
	volume->error = volume->error ? volume->error : result;
	if (!volume->error)
		return;
	snprintf(volume->sentence, sizeof(volume->sentence), "The volume %s could not be read whole: %s.", volume->name,
		strerror(-volume->error));
	snprintf(volume->remedy, sizeof(volume->remedy),
		"See whether it is still plugged in and mounted; coffret verify says what is damaged.");
}

/* What was known of a snapshot stays known: only flags and places change. */
static void read_new(const struct shelf *shelf, const struct store *store, struct shelf_entry *entry)
{
	const struct shelf_entry *known = find_known(shelf, entry->info.id);
	if (known) {
		struct shelf_entry fresh = *known;
		fresh.info = entry->info;
		fresh.volumes = entry->volumes;
		fresh.durable = entry->durable;
		fresh.why = entry->why;
		*entry = fresh;
		return;
	}
	for (uint32_t i = 0; i < store->count && !entry->readable; i++)
		if (entry->volumes >> i & 1)
			read_about(entry, store->stories[i].repository);
}

void shelf_refresh(struct shelf *shelf, const struct store *store)
{
	struct shelf_volume volumes[CONFIG_VOLUMES_MAX] = { 0 };
	struct gather gather = { .count = 0 };
	int error = 0;
	bool any = false;
	for (uint32_t i = 0; i < store->count; i++) {
		gather_volume(shelf, &gather, &volumes[i], store, i);
		error = volumes[i].home ? volumes[i].error : error; /* what the others have is told beside them */
		any |= volumes[i].there;
	}
	error = any ? error : -ENODEV;
	if (gather.count)
		qsort(gather.entries, gather.count, sizeof(*gather.entries), by_sequence);
	size_t count = gather.count < SHELF_MAX ? gather.count : SHELF_MAX;
	struct shelf_entry *newest = gather.entries + (gather.count - count);
	for (size_t i = 0; i < count; i++)
		read_new(shelf, store, &newest[i]);
	pthread_mutex_lock(&shelf->lock);
	if (count)
		memcpy(shelf->entries, newest, count * sizeof(*newest));
	shelf->count = count;
	shelf->total = gather.count;
	shelf->base = find_base(shelf->entries, count);
	memcpy(shelf->volumes, volumes, store->count * sizeof(volumes[0]));
	shelf->volume_count = store->count;
	shelf->error = error;
	pthread_mutex_unlock(&shelf->lock);
	free(gather.entries);
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
	if (info->foreign || info->flags & SNAPSHOT_DAMAGED)
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

/* Where the next backup probably goes: that is what somebody must look after. */
static bool is_better(const struct shelf_volume *a, const struct shelf_volume *b)
{
	if (a->there != b->there)
		return a->there;
	if (a->status.read_only != b->status.read_only)
		return !a->status.read_only;
	if (a->status.durable != b->status.durable)
		return a->status.durable;
	return a->status.free > b->status.free;
}

int shelf_status(struct shelf *shelf, struct repository_status *status, size_t *total)
{
	size_t best = 0;
	pthread_mutex_lock(&shelf->lock);
	int result = shelf->error;
	for (size_t i = 1; i < shelf->volume_count; i++)
		best = is_better(&shelf->volumes[i], &shelf->volumes[best]) ? i : best;
	*status = shelf->volumes[best].status;
	*total = shelf->total;
	pthread_mutex_unlock(&shelf->lock);
	return result;
}

int shelf_volume(struct shelf *shelf, size_t index, struct shelf_volume *volume)
{
	pthread_mutex_lock(&shelf->lock);
	bool there = index < shelf->volume_count;
	if (there)
		*volume = shelf->volumes[index];
	pthread_mutex_unlock(&shelf->lock);
	return there ? 0 : -ENOENT;
}

void shelf_names(struct shelf *shelf, const struct shelf_entry *entry, char *text, size_t size)
{
	size_t used = 0;
	text[0] = '\0';
	pthread_mutex_lock(&shelf->lock);
	for (size_t i = 0; i < shelf->volume_count && used < size; i++)
		if (entry->volumes >> i & 1)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", shelf->volumes[i].name);
	pthread_mutex_unlock(&shelf->lock);
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/small_file.h"
#include "agent/store/chunker.h"
#include "agent/store/key_file.h"

#define BOX_TIME "box-time" /* the record on the volumes */
#define BOX_ID "box-id"     /* the small file */
#define KEEP_EVERY_S 3600

static const uint8_t nobody[16];

static const char *path_of(const struct store *store, uint32_t volume)
{
	return store->config->volumes[volume].path;
}

static bool is_known(const uint8_t id[16])
{
	return memcmp(id, nobody, sizeof(nobody)) != 0;
}

/* ---- who this box is ---- */

int store_read_box(struct store *store)
{
	char text[2 * sizeof(store->box) + 2] = "";
	int size = small_file_read(store->config->state_directory, BOX_ID, text, sizeof(text) - 1);
	if (size < 0)
		return size;
	for (size_t i = 0; i < sizeof(store->box); i++) {
		unsigned int byte;
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return -EBADMSG;
		store->box[i] = (uint8_t)byte;
	}
	return is_known(store->box) ? 0 : -EBADMSG;
}

int store_write_box(struct store *store)
{
	char text[2 * sizeof(store->box) + 2];
	for (size_t i = 0; i < sizeof(store->box); i++)
		sprintf(text + 2 * i, "%02x", store->box[i]);
	strcat(text, "\n");
	return small_file_write(store->config->state_directory, BOX_ID, text, strlen(text));
}

/* A box from before it had an id of its own is the one that wrote the first repository that its key opens. */
static void learn_box(struct store *store, const struct repository_status *status)
{
	if (is_known(store->box))
		return;
	memcpy(store->box, status->writer, sizeof(store->box));
	store_write_box(store);
}

/* ---- time ---- */

static void tell_time(void *arg, int64_t *box_time, int64_t *wall_time)
{
	struct store *store = arg;
	struct clock_wall wall;
	clock_wall(store->clock.clock, &wall);
	*wall_time = wall.seconds;
	*box_time = box_clock_now(&store->clock);
}

/* The latest that the volume knows of, if it is this box's. */
static struct box_mark read_time(const struct store *store, uint32_t index)
{
	char text[BOX_MARK_SIZE];
	struct box_mark mark = { .box = 0 };
	struct repository *repository = store->stories[index].repository;
	if (!repository || store->volumes[index].foreign)
		return mark;
	int size = repository_state_read(repository, BOX_TIME, text, sizeof(text));
	if (size < 0 || box_mark_decode(&mark, text, (size_t)size) < 0)
		mark = (struct box_mark){ .box = 0 };
	return mark;
}

static int64_t least_time(const struct store *store, uint32_t index)
{
	struct repository *repository = store->stories[index].repository;
	return repository && !store->volumes[index].foreign ? repository_box_time(repository) : 0;
}

/* Box time goes on where it was kept, or where the newest snapshot has it, whichever is latest on any volume. */
static void start_time(struct store *store)
{
	struct box_mark mark = { .box = 0 };
	int64_t least = 0;
	for (uint32_t i = 0; i < store->count; i++) {
		struct box_mark kept = read_time(store, i);
		int64_t newest = least_time(store, i);
		mark = kept.box > mark.box ? kept : mark;
		least = newest > least ? newest : least;
	}
	store->time_kept = mark.box;
	if (mark.box < least)
		mark = (struct box_mark){ .box = least, .wall = mark.wall };
	box_clock_start(&store->clock, store->clock.clock, &mark);
}

/* Where it cannot be written, box time is a little late after the next start: more is kept, not less. */
static void keep_time(struct store *store, int64_t every)
{
	char text[BOX_MARK_SIZE];
	struct box_mark mark;
	box_clock_mark(&store->clock, &mark);
	if (mark.box - store->time_kept < every)
		return;
	size_t size = box_mark_encode(&mark, text);
	for (uint32_t i = 0; i < store->count; i++)
		if (store->stories[i].repository && !store->volumes[i].foreign &&
			repository_state_write(store->stories[i].repository, BOX_TIME, text, size) == 0)
			store->time_kept = mark.box;
}

void store_keep_time(struct store *store)
{
	keep_time(store, KEEP_EVERY_S);
}

void store_confirm_time(struct store *store)
{
	box_clock_confirm(&store->clock);
	keep_time(store, 0);
}

/* ---- one volume ---- */

void store_settings(const struct store *store, struct repository_settings *settings)
{
	*settings = (struct repository_settings){
		.deflate_level = store->config->deflate_level,
		.append_only = store->config->append_only,
		.without_parity = !store->config->parity,
		.deflate_threads = CONFIG_STORAGE_DEFLATE_THREADS,
		.index_chunks = CONFIG_STORAGE_INDEX_CHUNKS,
		.now = tell_time,
		.now_arg = (void *)(uintptr_t)store,
	};
	memcpy(settings->writer, store->box, sizeof(settings->writer));
	chunker_default(settings->chunker);
}

void store_close_volume(struct store *store, uint32_t index)
{
	repository_close(store->stories[index].repository);
	store->stories[index].repository = NULL;
	place_close(&store->volumes[index].place);
}

int store_open_place(struct store *store, uint32_t index)
{
	int result = place_open(&store->volumes[index].place, path_of(store, index));
	return result < 0 ? store_tell_place(store, index, result) : 0;
}

/* Another repository than before in the same place is another disk: whoever waits for the first one goes on waiting. */
static int accept(struct store *store, uint32_t index, struct repository *repository)
{
	struct store_volume *volume = &store->volumes[index];
	struct repository_status status;
	int result = repository_status(repository, &status);
	if (result == 0 && is_known(volume->id) && memcmp(volume->id, status.id, sizeof(status.id)) != 0)
		result = -ESTALE;
	if (result < 0)
		return store_tell_repository(store, index, result);
	memcpy(volume->id, status.id, sizeof(volume->id));
	learn_box(store, &status);
	volume->foreign = memcmp(store->box, status.writer, sizeof(store->box)) != 0;
	volume->error = 0;
	volume->sentence[0] = volume->remedy[0] = '\0';
	return 0;
}

static int open_repository(struct store *store, uint32_t index, struct repository **repository)
{
	struct store_volume *volume = &store->volumes[index];
	uint8_t key[KEY_FILE_SIZE];
	struct repository_secret secret = { .kind = SECRET_KEY_FILE, .bytes = key, .size = sizeof(key) };
	struct repository_settings settings;
	int result = key_file_read(store->config->key_file, key);
	if (result < 0)
		return store_tell_key(store, volume, result);
	store_settings(store, &settings);
	result = repository_open(repository, volume->place.volume, &settings, &secret);
	explicit_bzero(key, sizeof(key));
	if (result < 0)
		return store_tell_repository(store, index, result);
	result = chunker_params(&volume->rowgroup, *repository, settings.chunker);
	return result < 0 ? store_tell_repository(store, index, -EPROTO) : accept(store, index, *repository);
}

int store_open_volume(struct store *store, uint32_t index)
{
	struct repository *repository = NULL;
	int result = store_open_place(store, index);
	if (result == 0)
		result = open_repository(store, index, &repository);
	store->stories[index].repository = repository;
	if (result < 0)
		store_close_volume(store, index);
	return result;
}

/* ---- all of them ---- */

void store_begin(struct store *store, const struct config *config)
{
	memset(store, 0, sizeof(*store));
	store->config = config;
	store->count = store->home = config->volume_count;
	for (uint32_t i = 0; i < store->count; i++)
		store->stories[i] = (struct job_volume){ .config = &config->volumes[i],
			.rowgroup = &store->volumes[i].rowgroup,
			.why = store->volumes[i].sentence,
			.remedy = store->volumes[i].remedy };
}

int store_open(struct store *store, const struct config *config, struct clock *clock)
{
	store_begin(store, config);
	box_clock_start(&store->clock, clock, &(struct box_mark){ .box = 0 });
	store_read_box(store);
	for (uint32_t i = 0; i < store->count; i++)
		if (store_open_volume(store, i) == 0 && store->home == store->count)
			store->home = i;
	if (store->home == store->count) {
		memcpy(store->sentence, store->volumes[0].sentence, sizeof(store->sentence));
		memcpy(store->remedy, store->volumes[0].remedy, sizeof(store->remedy));
		return store->volumes[0].error;
	}
	start_time(store);
	return 0;
}

void store_close(struct store *store)
{
	for (uint32_t i = 0; i < store->count; i++)
		store_close_volume(store, i);
}

/* ---- coming and going ---- */

struct repository *store_home(const struct store *store)
{
	return store->home < store->count ? store->stories[store->home].repository : NULL;
}

int store_find(const struct store *store, const char *name)
{
	for (uint32_t i = 0; i < store->count; i++)
		if (strcmp(store->config->volumes[i].name, name) == 0)
			return (int)i;
	return -1;
}

int store_find_repository(const struct store *store, const uint8_t id[16])
{
	for (uint32_t i = 0; i < store->count; i++)
		if (store->stories[i].repository && memcmp(store->volumes[i].id, id, sizeof(store->volumes[i].id)) == 0)
			return (int)i;
	return -1;
}

/* True: it was taken away. */
static bool let_go(struct store *store, uint32_t index)
{
	const char *path = path_of(store, index);
	if (!store->stories[index].repository || place_is_there(&store->volumes[index].place, path))
		return false;
	store_close_volume(store, index);
	store_tell(&store->volumes[index], -ENODEV, "Attach it again; it is taken in by itself.",
		"The volume %s was taken away.", path);
	return true;
}

bool store_look(struct store *store, bool closing)
{
	bool changed = false;
	for (uint32_t i = 0; i < store->count; i++) {
		if (closing)
			changed |= let_go(store, i);
		if (!store->stories[i].repository)
			changed |= store_open_volume(store, i) == 0;
	}
	return changed;
}

void store_reopen(struct store *store, uint32_t index)
{
	store_close_volume(store, index);
	store_open_volume(store, index);
}

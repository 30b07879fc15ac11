/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/chunker.h"
#include "agent/key_file.h"

#define BOX_TIME "box-time" /* the record on the volume */
#define KEEP_EVERY_S 3600

static int tell(struct store *store, int error, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static int tell(struct store *store, int error, const char *remedy, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(store->sentence, sizeof(store->sentence), format, args);
	va_end(args);
	snprintf(store->remedy, sizeof(store->remedy), "%s", remedy);
	return error;
}

static void fill_settings(struct repository_settings *settings, const struct config *config)
{
	*settings = (struct repository_settings){
		.deflate_level = config->deflate_level,
		.append_only = config->append_only,
		.deflate_threads = CONFIG_STORAGE_DEFLATE_THREADS,
		.index_chunks = CONFIG_STORAGE_INDEX_CHUNKS,
		.without_parity = !config->parity,
	};
	chunker_default(settings->chunker);
}

static int tell_volume(struct store *store, const char *volume, int error)
{
	bool flash = place_is_flash(volume);
	switch (error) {
	case -EBUSY:
		return tell(store, error, "Use the daemon (leave out --standalone), or stop it first.",
			"Another process has the store in %s open.", volume);
	case -ENOENT:
		return tell(store, -ENOMEDIUM,
			flash ? "Attach the flash (ubiattach), or name the volume that it has."
				  : "Run coffretd --init once; or mount the disk it is on.",
			"There is no %s %s.", flash ? "flash" : "directory", volume);
	case -EXDEV:
		return tell(store, error, "Name a UBI volume that is empty. ubiupdatevol -t empties one, for good.",
			"%s holds something that is no store of this box; nothing was changed.", volume);
	case -EOPNOTSUPP:
		return tell(store, error, "Name a directory.", "This build cannot use a flash such as %s.", volume);
	case -ENOTTY:
		return tell(
			store, error, "Name a UBI volume such as /dev/ubi0_1, or a directory.", "%s is no volume of UBI.", volume);
	case -EBADF:
		return tell(store, error, "Make it anew: ubirmvol, then ubimkvol.",
			"An update of the UBI volume %s was cut short.", volume);
	default:
		return tell(store, error, flash ? "Look at the device and its owner." : "Look at the directory and its owner.",
			"The volume %s cannot be opened: %s.", volume, strerror(-error));
	}
}

static int open_volume(struct store *store, const struct config *config)
{
	int result = place_open(&store->place, config->volumes[0].path);
	return result < 0 ? tell_volume(store, config->volumes[0].path, result) : 0;
}

static int tell_key(struct store *store, const struct config *config, int error)
{
	key_file_explain(
		config->key_file, error, store->sentence, sizeof(store->sentence), store->remedy, sizeof(store->remedy));
	return error;
}

static int tell_repository(struct store *store, const struct config *config, int error)
{
	switch (error) {
	case -ENOENT:
	case -ENODATA:
	case -ENOMEDIUM:
		return tell(
			store, -ENOMEDIUM, "Run coffretd --init once.", "There is no store in %s yet.", config->volumes[0].path);
	case -EXDEV:
		return tell(store, error, "Name an empty directory, or the one that the store is in.",
			"%s holds something that is no store of this box.", config->volumes[0].path);
	case -ENOKEY:
		return tell(store, error, "Put the key file back that this store was made with, or use its recovery key.",
			"The key in %s does not open the store in %s.", config->key_file, config->volumes[0].path);
	case -EBADMSG:
		return tell(store, error, "Its copies may be whole: do not write to it, and ask for help.",
			"The store in %s is damaged at its root.", config->volumes[0].path);
	default:
		return tell(
			store, error, "", "The store in %s cannot be opened: %s.", config->volumes[0].path, strerror(-error));
	}
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

/* Box time goes on where it was kept, or where the newest snapshot has it, whichever is later. */
static void start_time(struct store *store)
{
	char text[BOX_MARK_SIZE];
	struct box_mark mark;
	int size = repository_state_read(store->repository, BOX_TIME, text, sizeof(text));
	if (size < 0 || box_mark_decode(&mark, text, (size_t)size) < 0)
		mark = (struct box_mark){ .wall = 0 };
	int64_t least = repository_box_time(store->repository);
	store->time_kept = mark.box;
	if (mark.box < least)
		mark = (struct box_mark){ .box = least, .wall = mark.wall };
	box_clock_start(&store->clock, store->clock.clock, &mark);
}

static void keep_time(struct store *store, int64_t every)
{
	char text[BOX_MARK_SIZE];
	struct box_mark mark;
	box_clock_mark(&store->clock, &mark);
	if (mark.box - store->time_kept < every)
		return;
	/* Where it cannot be written, box time is a little late after the next start: more is kept, not less. */
	if (repository_state_write(store->repository, BOX_TIME, text, box_mark_encode(&mark, text)) == 0)
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

static int open_repository(struct store *store, const struct config *config, struct clock *clock)
{
	uint8_t key[KEY_FILE_SIZE];
	struct repository_secret secret = { .kind = SECRET_KEY_FILE, .bytes = key, .size = sizeof(key) };
	struct repository_settings settings;
	int result = key_file_read(config->key_file, key);
	if (result < 0)
		return tell_key(store, config, result);
	fill_settings(&settings, config);
	box_clock_start(&store->clock, clock, &(struct box_mark){ .box = 0 });
	settings.now = tell_time;
	settings.now_arg = store;
	result = repository_open(&store->repository, store->place.volume, &settings, &secret);
	explicit_bzero(key, sizeof(key));
	if (result < 0)
		return tell_repository(store, config, result);
	start_time(store);
	result = chunker_params(&store->rowgroup, store->repository, settings.chunker);
	return result < 0
		? tell(store, result, "Update coffret.",
			  "The store in %s was made by a later version, which cuts rows in another way.", config->volumes[0].path)
		: 0;
}

int store_open(struct store *store, const struct config *config, struct clock *clock)
{
	memset(store, 0, sizeof(*store));
	int result = open_volume(store, config);
	return result < 0 ? result : open_repository(store, config, clock);
}

void store_close(struct store *store)
{
	if (store->repository)
		repository_close(store->repository);
	place_close(&store->place);
	store->repository = NULL;
}

/* ---- making one ---- */

/* Every directory on the way to `path`, for its owner alone. */
static int make_directories(const char *path, bool last_too)
{
	char part[512];
	if (strlen(path) >= sizeof(part))
		return -ENAMETOOLONG;
	strcpy(part, path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return last_too && mkdir(part, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int make_places(struct store *store, const struct config *config)
{
	int result = make_directories(config->state_directory, true);
	if (result == 0)
		result = place_is_flash(config->volumes[0].path) ? place_make_flash(config->volumes[0].path)
														 : make_directories(config->volumes[0].path, true);
	if (result == 0)
		result = make_directories(config->key_file, false);
	return result < 0 ? tell(store, result, "", "What the store needs cannot be made: %s.", strerror(-result)) : 0;
}

static int find_key(struct store *store, const struct config *config, uint8_t key[KEY_FILE_SIZE])
{
	int result = key_file_read(config->key_file, key);
	if (result == -ENOENT)
		result = key_file_make(config->key_file, key);
	return result < 0 ? tell_key(store, config, result) : 0;
}

int store_create(struct store *store, const struct config *config, char recovery_key[64])
{
	uint8_t key[KEY_FILE_SIZE];
	struct repository_secret secret = { .kind = SECRET_KEY_FILE, .bytes = key, .size = sizeof(key) };
	struct repository_settings settings;
	memset(store, 0, sizeof(*store));
	int result = make_places(store, config);
	if (result == 0)
		result = open_volume(store, config);
	if (result == 0)
		result = find_key(store, config, key);
	if (result < 0)
		return result;
	fill_settings(&settings, config);
	result = repository_create(store->place.volume, &settings, &secret, recovery_key);
	explicit_bzero(key, sizeof(key));
	if (result == -EXDEV)
		return tell(store, result, "Nothing was changed. Name an empty directory, or an empty flash, for a new store.",
			"%s holds something already.", config->volumes[0].path);
	return result < 0
		? tell(store, result, "", "The store cannot be made in %s: %s.", config->volumes[0].path, strerror(-result))
		: 0;
}

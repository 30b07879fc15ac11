/* SPDX-License-Identifier: Apache-2.0 */
/* Making repositories, and taking them over. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "agent/store/key_file.h"
#include "agent/store/store.h"

static int make_directory(const char *path)
{
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* Every directory on the way to `path`, for its owner alone. */
static int make_directories(const char *path, bool last_too)
{
	char part[512];
	if (strlen(path) >= sizeof(part))
		return -ENAMETOOLONG;
	strcpy(part, path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int result = make_directory(part);
		if (result < 0)
			return result;
		*slash = '/';
	}
	return last_too ? make_directory(part) : 0;
}

/* One that this box writes. count: none is there. */
static uint32_t find_sister(const struct store *store)
{
	for (uint32_t i = 0; i < store->count; i++)
		if (store->stories[i].repository && !store->volumes[i].foreign)
			return i;
	return store->count;
}

/* A folder of the box itself that shares the file system of a volume; NULL: none does, the volume is a disk of its own. */
static const char *find_neighbour(const struct config *config, uint32_t index)
{
	dev_t device = place_file_system(config->volumes[index].path);
	if (device == place_file_system("/"))
		return "/";
	if (device == place_file_system(config->state_directory))
		return config->state_directory;
	for (uint32_t i = 0; i < config->volume_count; i++) {
		const struct volume_config *volume = &config->volumes[i];
		if (i != index && !volume->own_disk && !place_is_flash(volume->path) &&
			device == place_file_system(volume->path))
			return volume->path;
	}
	return NULL;
}

/* Where its disk is not mounted, the mount point's folder would get a store, and in time fill the box's own disk. */
static int check_disk(struct store *store, uint32_t index)
{
	const struct volume_config *volume = &store->config->volumes[index];
	const char *neighbour = volume->own_disk ? find_neighbour(store->config, index) : NULL;
	bool first = find_sister(store) == store->count;
	char remedy[sizeof(store->remedy)];
	if (!neighbour)
		return 0;
	snprintf(remedy, sizeof(remedy),
		"Mount its disk, then say %s%s. If it is meant to be a folder of the box's own disk: own_disk = no in coffret.conf.",
		first ? "coffretd --init" : "coffret attach ", first ? "" : volume->name);
	return store_tell(&store->volumes[index], -ENODEV, remedy,
		"No store was made in %s: its disk is not mounted, that folder is on the file system of %s.", volume->path,
		neighbour);
}

/* The first volume's directories are made; of another one only the last. */
static int make_place(struct store *store, uint32_t index)
{
	const char *path = store->config->volumes[index].path;
	bool flash = place_is_flash(path);
	int result = flash ? 0 : check_disk(store, index);
	if (result < 0)
		return result;
	result = flash ? place_make_flash(path) : index == 0 ? make_directories(path, true) : make_directory(path);
	return result < 0 ? store_tell(&store->volumes[index], result, index == 0 ? "" : "Is its disk mounted?",
							"%s cannot be made: %s.", path, strerror(-result))
					  : 0;
}

static int make_box(struct store *store)
{
	int result = store_read_box(store);
	if (result != -ENOENT)
		return result;
	if (getrandom(store->box, sizeof(store->box), 0) != sizeof(store->box))
		return -EIO;
	return store_write_box(store);
}

static int make_places(struct store *store)
{
	int result = make_directories(store->config->state_directory, true);
	if (result == 0)
		result = make_directories(store->config->key_file, false);
	return result < 0
		? store_tell(&store->volumes[0], result, "", "What the store needs cannot be made: %s.", strerror(-result))
		: 0;
}

static int tell_made(struct store *store, uint32_t index, int error)
{
	const char *path = store->config->volumes[index].path;
	if (error == -EXDEV)
		return store_tell(&store->volumes[index], error,
			"Nothing was changed. Name an empty directory, or an empty flash, for a new store.",
			"%s holds something already.", path);
	return error < 0
		? store_tell(&store->volumes[index], error, "", "The store cannot be made in %s: %s.", path, strerror(-error))
		: 0;
}

/* ---- the first of a family ---- */

static int find_key(struct store *store, struct store_volume *volume, uint8_t key[KEY_FILE_SIZE])
{
	int result = key_file_read(store->config->key_file, key);
	if (result == -ENOENT)
		result = key_file_make(store->config->key_file, key);
	return result < 0 ? store_tell_key(store, volume, result) : 0;
}

static int make_first(struct store *store, uint32_t index, char recovery_key[64])
{
	struct store_volume *volume = &store->volumes[index];
	uint8_t key[KEY_FILE_SIZE];
	struct repository_secret secret = { .kind = SECRET_KEY_FILE, .bytes = key, .size = sizeof(key) };
	struct repository_settings settings;
	int result = make_place(store, index);
	if (result == 0)
		result = find_key(store, volume, key);
	if (result == 0)
		result = make_box(store);
	if (result == 0)
		result = store_open_place(store, index);
	if (result < 0)
		return result;
	store_settings(store, &settings);
	result = repository_create(volume->place.volume, &settings, &secret, recovery_key);
	explicit_bzero(key, sizeof(key));
	store_close_volume(store, index);
	return tell_made(store, index, result);
}

/* ---- the others ---- */

static int make_sister(struct store *store, uint32_t index)
{
	uint32_t sister = find_sister(store);
	if (sister == store->count)
		return store_tell(&store->volumes[index], -ENOMEDIUM, "Run coffretd --init.",
			"There is no store of this box that one in %s could go with.", store->config->volumes[index].path);
	int result = make_place(store, index);
	if (result == 0)
		result = store_open_place(store, index);
	if (result < 0)
		return result;
	result = repository_create_sister(
		store->volumes[index].place.volume, store->stories[sister].repository, store->config->append_only);
	store_close_volume(store, index);
	return tell_made(store, index, result);
}

static int tell_store(struct store *store, uint32_t index)
{
	return store_tell(&store->volumes[index], -EXDEV, "It is in use; nothing was changed. coffret status shows it.",
		"There is a store in %s already.", store->config->volumes[index].path);
}

int store_attach(struct store *store, uint32_t index)
{
	bool open = store->stories[index].repository != NULL;
	int result = open ? tell_store(store, index) : make_sister(store, index);
	/* If what is there is a store, why it is not used says more. */
	if (result == -EXDEV && !open && store_open_volume(store, index) == 0)
		return tell_store(store, index);
	if (result == -EXDEV && !open)
		return store->volumes[index].error;
	/* Whatever was remembered of the place: somebody said that this is the store there from now on. */
	if (result == 0) {
		memset(store->volumes[index].id, 0, sizeof(store->volumes[index].id));
		store_look(store, false);
		result = store->volumes[index].error;
	}
	return result;
}

static void copy_sentence(struct store *store, uint32_t index)
{
	memcpy(store->sentence, store->volumes[index].sentence, sizeof(store->sentence));
	memcpy(store->remedy, store->volumes[index].remedy, sizeof(store->remedy));
}

/* Each that is blank: the first of a family where none is there, a sister where one is. 1: made, 0: it was there. */
static int make_one(struct store *store, uint32_t index, char recovery_key[64])
{
	int result = store_open_volume(store, index);
	if (result != -ENOMEDIUM && !(result == -ENOENT && index == 0)) /* -ENOENT: no key file */
		return result;
	if (find_sister(store) < store->count)
		result = make_sister(store, index);
	else
		result = index == 0 ? make_first(store, index, recovery_key) : result;
	if (result < 0)
		return result;
	result = store_open_volume(store, index);
	return result < 0 ? result : 1;
}

static int prepare(struct store *store)
{
	int result = make_places(store);
	int error = result == 0 ? make_box(store) : 0;
	if (error < 0)
		result = store_tell(&store->volumes[0], -EBADMSG, "Look at that file, and at who may write there.",
			"%s/box-id, which says what this box is called, cannot be read, nor made: %s.",
			store->config->state_directory, strerror(-error));
	return result;
}

int store_create(struct store *store, const struct config *config, char recovery_key[64])
{
	int made = 0, error = 0;
	recovery_key[0] = '\0';
	store_begin(store, config);
	int result = prepare(store);
	if (result < 0) {
		copy_sentence(store, 0);
		return result;
	}
	/* A sister may come first in the order: those that are there are opened before. */
	for (uint32_t i = 1; i < store->count; i++)
		store_open_volume(store, i);
	for (uint32_t i = 0; i < store->count; i++) {
		result = store->stories[i].repository ? 0 : make_one(store, i, recovery_key);
		made += result == 1;
		if (result < 0 && !error) {
			copy_sentence(store, i);
			error = result;
		}
	}
	if (!made && !error) {
		error = tell_made(store, 0, -EXDEV);
		copy_sentence(store, 0);
	}
	return made ? made : error; /* what was made is told, and its recovery key shown, whatever became of the others */
}

/* ---- taking over ---- */

static int tell_refused(struct store *store, uint32_t index, const struct repository_secret *secret, int error)
{
	struct store_volume *volume = &store->volumes[index];
	const char *path = store->config->volumes[index].path;
	if (error != -ENOKEY && error != -EINVAL)
		return store_tell_repository(store, index, error);
	if (secret->kind == SECRET_PASSPHRASE)
		return store_tell(volume, -ENOKEY, "Capitals and spaces count. Or try its recovery key.",
			"That passphrase does not open the store in %s.", path);
	return store_tell(volume, -ENOKEY,
		"Is it the key of another store, or was a new one made since? Or try its passphrase: --passphrase.",
		"That recovery key does not open the store in %s.", path);
}

static int take_over(struct store *store, uint32_t index, const struct repository_secret *secret)
{
	struct store_volume *volume = &store->volumes[index];
	const char *path = store->config->volumes[index].path;
	struct repository_settings settings;
	struct repository *repository = NULL;
	uint8_t key[KEY_FILE_SIZE];
	struct repository_secret own = { .kind = SECRET_KEY_FILE, .bytes = key, .size = sizeof(key) };
	int result = key_file_read(store->config->key_file, key);
	if (result < 0)
		return store_tell_key(store, volume, result);
	store_settings(store, &settings);
	memset(settings.writer, 0, sizeof(settings.writer)); /* as whoever may write it */
	result = repository_open(&repository, volume->place.volume, &settings, secret);
	if (result < 0) {
		explicit_bzero(key, sizeof(key));
		return tell_refused(store, index, secret, result);
	}
	result = repository_take_over(repository, store->box, &own);
	repository_close(repository);
	explicit_bzero(key, sizeof(key));
	return result == 0 ? 0
		: result == -EROFS
		? store_tell_repository(store, index, result)
		: store_tell(volume, result, "Mend that, then ask again: its own box, or this one, is its writer.",
			  "The store in %s cannot be changed: %s.", path, strerror(-result));
}

int store_take_over(struct store *store, uint32_t index, const struct repository_secret *secret)
{
	struct store_volume *volume = &store->volumes[index];
	store_close_volume(store, index);
	int result = store_open_place(store, index);
	if (result == 0)
		result = take_over(store, index, secret);
	store_close_volume(store, index);
	int error = result;
	char sentence[sizeof(volume->sentence)], remedy[sizeof(volume->remedy)];
	memcpy(sentence, volume->sentence, sizeof(sentence));
	memcpy(remedy, volume->remedy, sizeof(remedy));
	store_look(store, false); /* as it is now, whatever that is */
	if (error < 0) {
		memcpy(volume->sentence, sentence, sizeof(sentence));
		memcpy(volume->remedy, remedy, sizeof(remedy));
	}
	return error < 0 ? error : volume->error;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps a store from being used, as a person reads it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/store/key_file.h"
#include "agent/store/store.h"

/* In texts %p is the volume's path, %k the key file, %e the error in words. */
struct failure {
	int error; /* 0: any other; ends a table */
	int told;  /* the error that is returned; 0: the same */
	const char *sentence, *remedy;
};

static const struct failure of_directories[] = {
	{ -EBUSY, 0, "Another process has the store in %p open.",
		"Use the daemon (leave out --standalone), or stop it first." },
	{ -ENOENT, -ENOMEDIUM, "There is no directory %p.", "Run coffretd --init once; or mount the disk it is on." },
	{ 0, 0, "The volume %p cannot be opened: %e.", "Look at the directory and its owner." },
};

static const struct failure of_other_directories[] = {
	{ -ENOENT, -ENOMEDIUM, "There is no directory %p.",
		"Is its disk mounted? A new one is made a store by coffret attach." },
	{ 0, 0, NULL, NULL },
};

static const struct failure of_flashes[] = {
	{ -EBUSY, 0, "Another process has the store in %p open.",
		"Use the daemon (leave out --standalone), or stop it first." },
	{ -ENOENT, -ENOMEDIUM, "There is no flash %p.", "Attach the flash (ubiattach), or name the volume that it has." },
	{ -EXDEV, 0, "%p holds something that is no store of this box; nothing was changed.",
		"Name a UBI volume that is empty. ubiupdatevol -t empties one, for good." },
	{ -EOPNOTSUPP, 0, "This build cannot use a flash such as %p.", "Name a directory." },
	{ -ENOTTY, 0, "%p is no volume of UBI.", "Name a UBI volume such as /dev/ubi0_1, or a directory." },
	{ -EBADF, 0, "An update of the UBI volume %p was cut short.", "Make it anew: ubirmvol, then ubimkvol." },
	{ 0, 0, "The volume %p cannot be opened: %e.", "Look at the device and its owner." },
};

#define NO_STORE "There is no store in %p yet."

static const struct failure of_the_first[] = {
	{ -ENOENT, -ENOMEDIUM, NO_STORE, "Run coffretd --init once." },
	{ -ENODATA, -ENOMEDIUM, NO_STORE, "Run coffretd --init once." },
	{ -ENOMEDIUM, 0, NO_STORE, "Run coffretd --init once." },
	{ 0, 0, NULL, NULL },
};

static const struct failure of_another[] = {
	{ -ENOENT, -ENOMEDIUM, NO_STORE, "Is its disk mounted? A new one is made a store by coffret attach." },
	{ -ENODATA, -ENOMEDIUM, NO_STORE, "Is its disk mounted? A new one is made a store by coffret attach." },
	{ -ENOMEDIUM, 0, NO_STORE, "Is its disk mounted? A new one is made a store by coffret attach." },
	{ -ENOKEY, 0, "The key in %k does not open the store in %p.",
		"Put its key file back, if it is this box's. If it is another box's, coffret take-over asks for its recovery key "
		"or passphrase, and then it can be restored from. For copies of this box's snapshots name an empty directory of "
		"that disk in coffret.conf, restart coffretd, and coffret attach it." },
	{ 0, 0, NULL, NULL },
};

static const struct failure of_repositories[] = {
	{ -EXDEV, 0, "%p holds something that is no store of this box.",
		"Name an empty directory, or the one that the store is in." },
	{ -ENOKEY, 0, "The key in %k does not open the store in %p.",
		"Put the key file back that this store was made with; or take it over with its recovery key or passphrase: "
		"coffret take-over." },
	{ -EBADMSG, 0, "The store in %p is damaged at its root.",
		"Its copies may be whole: do not write to it, and ask for help." },
	{ -EPROTONOSUPPORT, 0,
		"The store in %p was written by a later version, with features or records that this one cannot read.",
		"Update coffret; nothing was changed." },
	{ -EPROTO, 0, "The store in %p was made by a later version, which cuts rows in another way.", "Update coffret." },
	{ -ENOSPC, 0, "The store in %p has more chunks than this build can index.",
		"Raise STORAGE_INDEX_CHUNKS (make menuconfig); nothing was changed." },
	{ -ESTALE, 0, "The store in %p is not the one that was there before.",
		"Put the disk back that was there. To go on with this one, restart coffretd: systemctl restart coffretd." },
	{ -EROFS, 0, "The store in %p can only be read.",
		"Look at its disk: it, or its mount, does not let itself be written." },
	{ 0, 0, "The store in %p cannot be opened: %e.", "" },
};

int store_tell(struct store_volume *volume, int error, const char *remedy, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(volume->sentence, sizeof(volume->sentence), format, args);
	va_end(args);
	snprintf(volume->remedy, sizeof(volume->remedy), "%s", remedy);
	return volume->error = error;
}

static const char *stands_for(const struct config *config, uint32_t index, char letter, int error)
{
	return letter == 'p' ? config->volumes[index].path : letter == 'k' ? config->key_file : strerror(-error);
}

static int tell(struct store *store, uint32_t index, const struct failure *failure, int error)
{
	struct store_volume *volume = &store->volumes[index];
	size_t at = 0, size = sizeof(volume->sentence);
	for (const char *text = failure->sentence; *text && at + 1 < size; text++) {
		if (*text == '%')
			at += (size_t)snprintf(
				volume->sentence + at, size - at, "%s", stands_for(store->config, index, *++text, error));
		else
			volume->sentence[at++] = *text;
	}
	volume->sentence[at < size ? at : size - 1] = '\0';
	snprintf(volume->remedy, sizeof(volume->remedy), "%s", failure->remedy);
	return volume->error = failure->told ? failure->told : error;
}

/* The entry of this error, or the one for any other. */
static const struct failure *find(const struct failure *table, int error)
{
	while (table->error && table->error != error)
		table++;
	return table;
}

/* No store of this box is there that one could go with. */
static bool is_alone(const struct store *store)
{
	return store->count == 1 || store->home == store->count;
}

int store_tell_place(struct store *store, uint32_t index, int error)
{
	bool flash = place_is_flash(store->config->volumes[index].path);
	const struct failure *other = flash || is_alone(store) ? NULL : find(of_other_directories, error);
	return tell(store, index, other && other->error ? other : find(flash ? of_flashes : of_directories, error), error);
}

int store_tell_key(struct store *store, struct store_volume *volume, int error)
{
	key_file_explain(store->config->key_file, error, volume->sentence, sizeof(volume->sentence), volume->remedy,
		sizeof(volume->remedy));
	return volume->error = error;
}

int store_tell_repository(struct store *store, uint32_t index, int error)
{
	const struct failure *blank = find(is_alone(store) ? of_the_first : of_another, error);
	return tell(store, index, blank->error ? blank : find(of_repositories, error), error);
}

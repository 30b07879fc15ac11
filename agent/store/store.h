/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store as the configuration names it: volumes in the order of preference, the key that opens them, a repository on
 * each. One process at a time has them. A volume that is not there is no error for the others: it is looked for again by
 * store_look. Which repository was on a volume is remembered: another one in its place is not taken for it.
 *
 * The first volume that is there at store_open is home: it has box time and, as the state directory has (records.h), the
 * journal.
 *
 * Failures come with a sentence and what to do, in `sentence` and `remedy`, of the store or of a volume. After store_open
 * all is of the engine's thread.
 */
#ifndef AGENT_STORE_STORE_H
#define AGENT_STORE_STORE_H

#include "agent/config/config.h"
#include "agent/job/job.h"
#include "agent/store/box_clock.h"
#include "agent/store/place.h"
#include "agent/table/rowgroup.h"
#include "storage/repository.h"

struct store_volume {
	struct place place;
	struct rowgroup_params rowgroup;
	uint8_t id[16]; /* of the repository that was there first in this life; zeros: none was */
	bool foreign;   /* another box writes it: it is read only */
	int error;      /* why it is not there */
	char sentence[512], remedy[512];
};

struct store {
	const struct config *config;
	uint32_t count;
	struct store_volume volumes[CONFIG_VOLUMES_MAX];
	struct job_volume stories[CONFIG_VOLUMES_MAX]; /* the same, as stories see them */
	uint32_t home;                                 /* count: none was there */
	uint8_t box[16];                               /* who this box is, in the repositories that it writes */
	struct box_clock clock;
	int64_t time_kept; /* box time that is on the volumes */
	char sentence[512], remedy[512];
};

/*
 * The clock is borrowed; snapshots are dated by it. An error is that of the first volume, where none is there.
 * -ENOMEDIUM: it is blank, `coffretd --init` makes a repository there. -EBUSY: another process has it.
 */
int store_open(struct store *store, const struct config *config, struct clock *clock);
/* Zeroed, or after store_open or store_create whatever it returned. */
void store_close(struct store *store);
/* Writes box time to the volumes, if it went on by an hour. */
void store_keep_time(struct store *store);
/* A person has confirmed how long the box was off: it counts, and is written. */
void store_confirm_time(struct store *store);

/* NULL: it is not there. */
struct repository *store_home(const struct store *store);
/* By its name in the configuration; -1: none has it. */
int store_find(const struct store *store, const char *name);
/* The volume whose repository has this id and is there; -1: none. */
int store_find_repository(const struct store *store, const uint8_t id[16]);

/*
 * Looks for volumes that are not there; true where one came or went. `closing`: also lets go of those whose path leads
 * elsewhere by now, which nobody may be using.
 */
bool store_look(struct store *store, bool closing);
/* A volume that failed is closed and opened anew, if it is still there. */
void store_reopen(struct store *store, uint32_t volume);

/* ---- store_make.c ---- */

/*
 * Makes the directories and the key file where they are missing, and repositories on all volumes that are blank: the
 * first of a new family, the others its sisters. Where own_disk is set, only on a file system that the box has not got
 * without that disk. Returns how many were made: those have error 0 and a repository, the others a sentence. An error:
 * none was, and `sentence` says why the first one was not. recovery_key is for the person in front of the screen, once; ""
 * where no new family was made. -EXDEV: all volumes hold something already, and nothing was made.
 */
int store_create(struct store *store, const struct config *config, char recovery_key[64]);
/* While others are there: a sister on this volume, which is blank. Then it is opened. */
int store_attach(struct store *store, uint32_t volume);
/*
 * This box becomes the only writer of the repository there. Nobody may be using it. The secret is a recovery key or a
 * passphrase; -ENOKEY: it does not open it.
 */
int store_take_over(struct store *store, uint32_t volume, const struct repository_secret *secret);

/* ---- store_keys.c ---- */

/*
 * What opens the repositories beside the key file. Volumes are bits: 1 << i is the i-th of the configuration. A change is
 * on all of them, or on none; where one of them fails in the middle, or power does, there is at every moment one secret that
 * the person knows and that opens all: the old one or the new one. Errors come with the store's sentence and remedy, which
 * say what is so. -ENODEV: one is not there, -EROFS: one cannot be written: nothing was changed. Nobody may be using them.
 */

/* All that this box may write, and those that are not there. */
uint32_t store_own(const struct store *store);
/* The only passphrase from now on. */
int store_set_passphrase(struct store *store, uint32_t volumes, const char *passphrase);
int store_remove_passphrase(struct store *store, uint32_t volumes);
/* Makes one that opens them beside the old one, until it is confirmed, or another is made. It is to be shown to the person. */
int store_add_recovery_key(struct store *store, uint32_t volumes, char recovery_key[64]);
/* The person has this one: it is the only one from now on. -ENOKEY: it does not open all of them; nothing was changed. */
int store_confirm_recovery_key(struct store *store, uint32_t volumes, const char *recovery_key);
/* Which of the volumes it opens, and which are not there. -ENOKEY: not all that are there (no sentence). */
int store_try(
	struct store *store, uint32_t volumes, const struct repository_secret *secret, uint32_t *opened, uint32_t *away);

/* ---- store_tell.c: puts it into the volume's sentence and remedy; returns the error that it is told as ---- */

int store_tell(struct store_volume *volume, int error, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int store_tell_place(struct store *store, uint32_t volume, int error);
int store_tell_key(struct store *store, struct store_volume *volume, int error);
/* -EPROTO: the rows of a later version. */
int store_tell_repository(struct store *store, uint32_t volume, int error);

/* ---- what the two share ---- */

void store_begin(struct store *store, const struct config *config);
void store_settings(const struct store *store, struct repository_settings *settings);
/* Opens the place, and with a secret of its own what is there; the volume's sentence says what went wrong. */
int store_open_place(struct store *store, uint32_t volume);
int store_open_volume(struct store *store, uint32_t volume);
void store_close_volume(struct store *store, uint32_t volume);
/* Who this box is: of its state directory, or -ENOENT. */
int store_read_box(struct store *store);
int store_write_box(struct store *store);

#endif

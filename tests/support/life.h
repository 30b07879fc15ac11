/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a box, as storage sees it: a script of everything that a repository does, on any medium, and what must be
 * so whatever struck the medium in the meantime. What was acknowledged is noted here, outside the medium.
 */
#ifndef TESTS_SUPPORT_LIFE_H
#define TESTS_SUPPORT_LIFE_H

#include "storage/repository.h"
#include "tests/support/sample.h"

/* What a life is lived on; a test embeds it. */
struct medium {
	/* The process starts. Errors are those of a medium that went down. */
	int (*start)(struct medium *medium, struct volume **volume);
	/* It ends; volume may be NULL. */
	void (*end)(struct medium *medium, struct volume *volume);
	/* The power, which a cut took away, is back. */
	void (*restart)(struct medium *medium);
	/* A unit in the middle of a data segment goes bad, so that parity can heal it. NULL: none does. */
	void (*rot)(struct medium *medium);
	/* The power goes now. NULL where no life has cut_after. */
	void (*cut)(struct medium *medium);
};

enum {
	LIFE_NIGHTS = 4, /* of the script */
	LIFE_AFTER,      /* the backup after the fault */
	LIFE_ONCE_MORE,  /* and after it, what the script removed: the same bytes */
	LIFE_FILLERS,    /* from here on: until the medium is full */
	LIFE_SAMPLES = 16,
};

struct life {
	struct medium *medium;
	struct volume *volume;
	struct repository *repository; /* NULL: not open */
	struct volume *away_volume;    /* another volume, that no fault strikes, for copies */
	struct repository *away;
	uint64_t ids[LIFE_SAMPLES];  /* of acknowledged snapshots; 0: not (yet) there */
	bool removing[LIFE_SAMPLES]; /* asked to go: may be there or not */
	uint64_t copied;             /* bytes, by cleaning */
	unsigned healed;             /* segments that were written anew, since a unit of theirs had gone bad */
	uint8_t state, state_asked;  /* the record that was acknowledged last, and asked for last */
	bool was_full;               /* a backup was refused for lack of room */
	unsigned acknowledged;       /* things that the script was told are done, but for what only fills the medium */
	unsigned cut_after;          /* so many of these; 0: never */
};

/* In an uncut life: this many. */
#define LIFE_SCRIPT_ACKNOWLEDGES 23u
#define LIFE_SHORT_SCRIPT_ACKNOWLEDGES 6u

/* The repository is opened, or made. */
int life_begin(struct life *life);
/* As where a process ends: nothing is synced. The other volume stays. */
void life_end(struct life *life);
/* It is over: the other volume goes, too. */
void life_destroy(struct life *life);

/*
 * The script: backups, retention, cleaning, cleaning by copy, a copy elsewhere and back, a scrub that
 * repairs, a full store, removals from it, a backup in their
 * room. It goes on after errors, as the agent does: the next night is another try. Begins the life.
 */
void life_script(struct life *life);
/* A part of it, for faults that come in pairs. */
void life_short_script(struct life *life);
/* What the life after a fault does first. Begins it. */
void life_recover(struct life *life);

int life_store(struct life *life, unsigned i, bool verified);

/*
 * The next life, with the power back. Fails the test where it cannot be opened. Every other function here fails the test,
 * too, and says `what` struck.
 */
void life_restart(struct life *life, const char *what);
/* Every acknowledged snapshot is there; what is visible is whole, bit for bit; the state is one that was asked for. */
void life_check(const struct life *life, const char *what);
void life_check_acknowledged(const struct life *life, const char *what);
/* So, and verify finds nothing. */
void life_check_whole(struct life *life, const char *what);
/* So, the next backups work, room comes back, and all that in the lives that follow, too. */
void life_check_future(struct life *life, const char *what);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nights that depart from their history: what is backed up after somebody has encrypted, emptied or swapped a database
 * must not push out what was there before. A suspect snapshot is kept and can be restored by name; it counts for no
 * retention, holds the good ones before it, and is never taken unasked, until a person accepts it.
 *
 * The history of a night are the good ones before it, back to the newest that a person accepted, at most SUSPECT_NIGHTS.
 * The total of its rows is compared with the most that any of them had, so that a slow loss adds up; the rows of each
 * table with the newest of them; whose content, and which database it is, with the newest, too. A night after a suspect
 * one that nobody has accepted is suspect as well, since what it has in common with that is not new any more, unless its
 * rows are those of the good one but for a few. Not seen: what changes or replaces a small part each night and compresses
 * as well as the rest; a slow loss from one table of many.
 */
#ifndef AGENT_BACKUP_SUSPECT_H
#define AGENT_BACKUP_SUSPECT_H

#include "agent/config/config.h"
#include "agent/snapshot/capture.h"
#include "agent/snapshot/snapshot_about.h"

#define SUSPECT_NIGHTS 30
#define SUSPECT_TABLE_NIGHTS 8 /* a table that was as empty in one of these is emptied now and then, by itself */

/* A table that has lost rows. */
struct table_loss {
	char table[2 * DATABASE_NAME_SIZE]; /* "schema.table"; "": there is none */
	uint64_t had, has;
};

/* What a night is judged by. Its about record is borrowed. */
struct night {
	const struct snapshot_about *about;
	uint64_t bytes; /* before compression */
};

struct suspect_history {
	struct night last;      /* the newest good one */
	uint64_t most_rows;     /* that any of them had */
	bool waiting;           /* a suspect one came after the last, and waits for a person */
	struct table_loss loss; /* the largest, of one table, beyond policy->table_rows_lost */
};

#define SUSPECT_WHY_SIZE 300

enum suspect_verdict {
	SUSPECT_NOT = 0,
	SUSPECT_SURELY,
	/* These two are settled by suspect_settle, when the rows can be read. */
	SUSPECT_BY_CHUNKS, /* more of it is new than may be, if each new chunk is all new */
	SUSPECT_AFTER,     /* it comes after a suspect one */
};

/* `why`, as the end of a sentence, where `now` departs from its history. */
enum suspect_verdict suspect_judge(const struct suspect_policy *policy, const struct suspect_history *history,
	const struct night *now, char *why, size_t size);

/* A night that was read, and is not yet a snapshot. */
struct suspect_night {
	const char *subject;
	const struct server_config *server;
	const char *database;
	const struct capture *capture;
	struct snapshot_about *about; /* its ratio is filled in */
	uint64_t bytes;
};

/* Looks for its history in the repository and judges it. Where there is none, nothing is suspect. */
enum suspect_verdict suspect_look(
	const struct job_context *context, const struct suspect_night *night, char *why, size_t size);

/*
 * When the night is a snapshot, marked suspect: takes the mark away where its rows say that it is none. True where it
 * stays, with `why`; what cannot be looked at stays.
 */
bool suspect_settle(
	const struct job_context *context, uint64_t id, enum suspect_verdict verdict, char *why, size_t size);

/* suspect_history.c: 0, or -ENOENT where there is no good night before. `last` gets the about record that it borrows. */
int suspect_history_read(const struct job_context *context, const struct suspect_night *night,
	struct suspect_history *history, struct snapshot_about *last);

/*
 * suspect_rows.c: how many percent of the bytes of a snapshot are rows and large values that the good one before it does
 * not have: chunks that differ are read, and their rows told apart by their hashes, a sample of them where there are
 * many. -E2BIG: more than SUSPECT_READ_MAX would have to be read. -ENOENT: there is none before it. -ECANCELED as asked.
 */
#define SUSPECT_READ_MAX (UINT64_C(1) << 30)
int suspect_count_rows(const struct job_context *context, uint64_t id);

#endif

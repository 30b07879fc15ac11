/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs: what is asked of the box, how far it is, and how it ended. One runs at a time.
 *
 * The engine (engine.h) queues requests, runs one story at a time, keeps the journal, and answers whoever asks. A story
 * (agent/backup/backup.c, agent/restore/restore_run.c) is a function of this file's job_story type: it does one request
 * from beginning to end, tells how far it is, and ends with the truth in its report.
 */
#ifndef AGENT_JOB_JOB_H
#define AGENT_JOB_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/config/config.h"
#include "agent/net/sql_error.h"

enum job_kind {
	JOB_BACKUP = 1,
	JOB_RESTORE,
	JOB_UNDO,
	JOB_VERIFY,
	JOB_PIN,
	JOB_UNPIN,
	JOB_REMOVE,
	JOB_PRUNE,
	JOB_CLEAN,
	JOB_SCRUB,
	JOB_ACCEPT,
	JOB_COPY,
};
#define JOB_KIND_LAST JOB_COPY
enum job_state {
	JOB_QUEUED = 1,
	JOB_RUNNING,
	JOB_STOPPING,
	JOB_DONE,
	JOB_FAILED,
	JOB_CANCELLED,
	JOB_OUTCOME_UNKNOWN,
};
enum job_origin { ORIGIN_SCHEDULE = 1, ORIGIN_PANEL, ORIGIN_COMMAND, ORIGIN_NETWORK };

struct job_request {
	enum job_kind kind;
	char server[SERVER_NAME_SIZE];     /* "" : the only one, or all of them for a backup */
	char database[DATABASE_NAME_SIZE]; /* "" : those of the server's profile that this kind of job takes by default */
	uint64_t snapshot;                 /* restore, verify: 0 the newest good one; pin, unpin, remove, copy: that one */
	char volume[VOLUME_NAME_SIZE];     /* copy: to it; remove: from it alone; "": not named */
	uint8_t wait_for[16];              /* a repository: it begins when that is there again; zeros: none */
	uint8_t again;                     /* how often it was begun and its volume failed */
	bool users_connected;              /* restore although other sessions are in the database: never from the panel */
	bool without_safety;               /* restore although no safety snapshot can be taken: consent was given */
	bool what_if;                      /* restore, prune: show what would change, write nothing */
	bool every_byte;                   /* verify: read all data, not only the structure */
	enum job_origin origin;
	uint32_t uid;      /* of a command */
	char asked_by[64]; /* for the audit log: "panel", "schedule", a user's name */
};

static inline bool job_waits_for_volume(const struct job_request *request)
{
	static const uint8_t nothing[16];
	return memcmp(request->wait_for, nothing, sizeof(nothing)) != 0;
}

enum job_phase {
	JOB_PHASE_WAITING = 0,
	JOB_PHASE_CONNECT,
	JOB_PHASE_CHECK,
	JOB_PHASE_CATALOGUE,
	JOB_PHASE_READ,
	JOB_PHASE_SEAL,
	JOB_PHASE_LOCK,
	JOB_PHASE_SAFETY,
	JOB_PHASE_PLAN,
	JOB_PHASE_PREPARE,
	JOB_PHASE_WRITE,
	JOB_PHASE_PUT_BACK,
	JOB_PHASE_READ_BACK,
	JOB_PHASE_COMMIT,
	JOB_PHASE_ROLLBACK,
	JOB_PHASE_VERIFY,
	JOB_PHASE_REPORT, /* in the journal of a restore: the server has said that it committed */
	JOB_PHASE_STATISTICS,
	JOB_PHASE_COPY,
	JOB_PHASE_LAST = JOB_PHASE_COPY,
};

struct job_progress {
	enum job_phase phase;
	char database[DATABASE_NAME_SIZE];
	char object[280];               /* the table that is being worked on */
	uint64_t done, expected;        /* rows of this phase; expected 0: not known */
	uint64_t bytes, stored;         /* of rows before compression; what they took on the volume */
	int64_t started, phase_started; /* monotonic ms */
};

/* What a restore was refused for and may go on in spite of: said explicitly with the request, and in the audit log. */
enum job_consent { CONSENT_NONE = 0, CONSENT_USERS_CONNECTED, CONSENT_WITHOUT_SAFETY };

/* How one database of a job ended. A job over two databases has two. */
struct job_outcome {
	char server[SERVER_NAME_SIZE];
	char database[DATABASE_NAME_SIZE];
	enum job_state state;      /* JOB_DONE, JOB_FAILED, JOB_CANCELLED, JOB_OUTCOME_UNKNOWN */
	uint64_t snapshot, safety; /* made or restored from; the safety snapshot; 0: none */
	uint64_t tables, tables_changed, rows, rows_deleted, rows_inserted;
	uint64_t bytes, stored; /* encoded rows; what was added to the volume */
	uint64_t server_bytes;  /* pages of the database on the server, 0: not known */
	uint64_t milliseconds;
	bool cancelled;                /* what is not known is whether the undo of a cancel is over */
	struct sql_error error;        /* of a server */
	enum job_consent consent;      /* that would let it go on; with a state of JOB_FAILED */
	char volume[VOLUME_NAME_SIZE]; /* where; "": there is only one */
	int store_error;               /* of the store, a negative errno; 0: it did not fail */
	char sentence[512];            /* what happened, to what, why */
	char remedy[512];              /* what to do next; "" if nothing */
};

/* What a restore does to one table that differs, or would do. Rows. */
struct job_change {
	char database[DATABASE_NAME_SIZE];
	char table[280];
	uint64_t deleted, inserted, kept;
	char why[120]; /* it is replaced whole; "" where only ranges of keys that differ are changed */
};

#define JOB_OUTCOMES_MAX 32
#define JOB_NOTES_MAX 64
#define JOB_NOTE_SIZE 400
#define JOB_CHANGES_MAX 128

struct job_report {
	struct job_outcome outcomes[JOB_OUTCOMES_MAX];
	size_t outcome_count;
	char notes[JOB_NOTES_MAX][JOB_NOTE_SIZE]; /* warnings and what was left out; the last says if there were more */
	size_t note_count;
	struct job_change changes[JOB_CHANGES_MAX];
	size_t change_count;
};

struct repository;
struct rowgroup_params;

/* A volume as stories see it. What is there changes between jobs alone, but that one may come at any time. */
struct job_volume {
	const struct volume_config *config;     /* NULL: not told */
	struct repository *repository;          /* NULL: it is not there */
	const struct rowgroup_params *rowgroup; /* of the repository */
	const char *why, *remedy;               /* it is not there: sentences; NULL: not told */
};

/* What a story may use. Everything is borrowed for the time of the run. */
struct job_context {
	const struct config *config;
	struct repository *repository;
	const struct rowgroup_params *rowgroup; /* of the repository, seed filled in */
	const struct volume_config *volume;     /* that the repository is on; NULL: not told */
	const struct job_volume *volumes;       /* all of them, in the order of preference; volumes.h */
	size_t volume_count;                    /* 0: there is only what is named above */
	struct repository *keeper;              /* a restore keeps the state before it here; NULL: in `repository` */
	bool busy;                              /* of a look: a job runs */
	void *engine;
	void (*progress)(void *engine, const struct job_progress *progress); /* copies */
	bool (*stop)(void *engine);                                          /* a cancel was asked for */
	/*
	 * Before a phase begins: durable on return, with the request. The next start finds the last of these and says what
	 * is true; of the outcome it keeps server, database, snapshot, safety and cancelled. < 0: could not be written.
	 */
	int (*journal)(void *engine, enum job_phase phase, const struct job_outcome *outcome);
	/* From now on a cancel is refused: COMMIT is about to be sent. -ECANCELED where one came first. */
	int (*no_return)(void *engine);
	/* A job that waits names this snapshot, or a restore whose outcome is not known yet needs it. NULL: none is. */
	bool (*needs)(void *engine, uint64_t snapshot);
	/* Another job waits. NULL: none does. */
	bool (*waited_for)(void *engine);
	/* A record in the audit log, as this job's: durable on return. < 0: could not be written. */
	int (*audit)(void *engine, const char *event, const char *what, const char *result);
};

/* The name of a volume of the configuration that is not there; NULL: all are. */
const char *job_volume_away(const struct job_context *context);

/* Fills the report; its state is the worst of its outcomes. */
typedef enum job_state job_story(
	const struct job_context *context, const struct job_request *request, struct job_report *report);

job_story backup_run, restore_run, undo_run, verify_run, keep_run, prune_run, clean_run, scrub_run, copy_run;

/*
 * After a cut: the journal's last phase and outcome of a restore or undo. Fills the report with what is true now. Where
 * COMMIT may have been sent it looks at the server, once its undo has ended, and compares digests.
 */
enum job_state restore_recover(const struct job_context *context, const struct job_request *request,
	enum job_phase phase, const struct job_outcome *journalled, struct job_report *report);

/* Of the engine, which uses a report again and again. */
void job_report_clear(struct job_report *report);

/* The report's helpers, for stories. */
struct job_outcome *job_report_outcome(struct job_report *report, const char *server, const char *database);
void job_report_note(struct job_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Copied. False where there is no room for more. */
bool job_report_change(struct job_report *report, const struct job_change *change);
enum job_state job_report_state(const struct job_report *report);

#endif

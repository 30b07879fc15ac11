/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before a restore locks or changes anything: what the server says of itself (agent/sql/preflight_facts.h) is judged
 * against what shall be put back. What stands in the way refuses the restore, with numbers, names and the remedy; what
 * might matter, and where nobody could look, is a note in the report. A what-if is told everything and refused nothing
 * that does not make the plan itself impossible.
 *
 * Judging is arithmetic on facts: no server, no store.
 */
#ifndef AGENT_RESTORE_PREFLIGHT_H
#define AGENT_RESTORE_PREFLIGHT_H

#include "agent/config/config.h"
#include "agent/job/job.h"
#include "agent/job/server.h"
#include "agent/job/story.h"
#include "agent/sql/catalogue.h"
#include "agent/sql/preflight_facts.h"
#include "agent/sql/worker.h"

/* What a verdict is about. */
enum preflight_topic {
	PREFLIGHT_ON_STATE = 1,
	PREFLIGHT_ON_SERVER,
	PREFLIGHT_ON_SESSIONS,
	PREFLIGHT_ON_SCHEMA,
	PREFLIGHT_ON_RIGHTS,
	PREFLIGHT_ON_TRIGGERS,
	PREFLIGHT_ON_RECOVERY,
	PREFLIGHT_ON_PARTNERS, /* mirroring, availability groups, log shipping */
	PREFLIGHT_ON_FEEDS,    /* replication, change data capture, change tracking */
	PREFLIGHT_ON_UNSEEN,   /* what nobody could look at */
	PREFLIGHT_ON_TABLES,
	PREFLIGHT_ON_DATA,
	PREFLIGHT_ON_LOG,
	PREFLIGHT_ON_TEMPDB,
};

enum preflight_grade { PREFLIGHT_TELLS, PREFLIGHT_WARNS, PREFLIGHT_REFUSES };

struct preflight_verdict {
	enum preflight_topic topic;
	enum preflight_grade grade;
	enum sql_error_kind kind;        /* of a refusal */
	char object[280];                /* what it is about: database, table, file group */
	char text[JOB_NOTE_SIZE];        /* a sentence */
	char remedy[SERVER_REMEDY_SIZE]; /* "": what explain.h says for the kind */
};

#define PREFLIGHT_VERDICTS_MAX 40

struct preflight_judgement {
	enum preflight_topic topic; /* of the verdicts to come */
	struct preflight_verdict verdicts[PREFLIGHT_VERDICTS_MAX];
	size_t count;
};

/* What is judged. Everything is borrowed. */
struct preflight_case {
	const struct preflight_facts *facts;
	const struct catalogue *wanted, *present; /* of the snapshot, of the database */
	enum profile profile;
	bool users_connected; /* others may stay in the database */
};

/* Rows of one table that a restore deletes and inserts. */
struct preflight_rows {
	uint64_t deleted, inserted;
};

/* All but what depends on the plan. Adds to the judgement. */
void preflight_judge(const struct preflight_case *about, struct preflight_judgement *judgement);

/*
 * Features that forbid to change a table: a refusal where rows of it change, a warning before there is a plan. rows has an
 * element for each table of `wanted`; NULL: there is no plan yet.
 */
void preflight_judge_tables(
	const struct preflight_case *about, const struct preflight_rows *rows, struct preflight_judgement *judgement);

/*
 * Room in data files, log and tempdb. Without a plan only what row counts show to be needed at least is refused.
 *
 * A row takes what its table's pages, indexes included, come to; that is an estimate, so three quarters of it must fit or
 * the restore is refused, and where not all of it fits with its margin it is warned of. What DELETE frees cannot be used
 * again before COMMIT. The log takes at least each row once that goes or comes, and about twice that with what is kept
 * for a rollback.
 */
void preflight_judge_room(
	const struct preflight_case *about, const struct preflight_rows *rows, struct preflight_judgement *judgement);

/*
 * Asks a worker that is logged in and has begun nothing; *facts and *present are the caller's to free, also after an
 * error. Notes go to `watcher`, which the worker has again afterwards.
 */
int preflight_ask(struct worker *worker, const struct worker_watcher *watcher, struct preflight_facts **facts,
	struct catalogue **present, struct sql_error *error);

/* A restore's pre-flight, from the facts to the change. */
struct preflight {
	struct story *story;
	const struct job_request *request;
	struct preflight_facts *facts; /* owned, like the catalogue */
	struct catalogue *present;
	struct preflight_case about;
	char remedy[SERVER_REMEDY_SIZE]; /* of the refusal; "": none, or explain.h's */
	bool in_use;                     /* it is refused since other sessions are in the database */
};

/* All is borrowed until preflight_free. */
void preflight_init(struct preflight *preflight, struct story *story, const struct job_request *request);
void preflight_free(struct preflight *preflight); /* after preflight_init, or zeroed */

/*
 * Asks the worker, which is logged in and has begun nothing, judges, and puts notes into the story's report. `wanted` is
 * borrowed, too. 0; or a negative errno with *error filled in: a refusal, or a server that could not be asked. The
 * worker has another watcher afterwards.
 */
int preflight_run(
	struct preflight *preflight, struct worker *worker, const struct catalogue *wanted, struct sql_error *error);
/* Once the plan is known, before the first change: tables and room, rows of `wanted` by its tables. */
int preflight_plan(struct preflight *preflight, const struct preflight_rows *rows, struct sql_error *error);

/* For judges. */
void preflight_tell(struct preflight_judgement *judgement, enum preflight_grade grade, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The verdict, for its remedy; never NULL. */
struct preflight_verdict *preflight_refuse(struct preflight_judgement *judgement, enum sql_error_kind kind,
	const char *object, const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif

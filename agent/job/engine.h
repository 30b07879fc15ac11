/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The job engine: queues requests, runs one story at a time in its one thread, keeps the journal, answers whoever asks.
 *
 * The engine's thread is the only one that touches the repository and its volume while the engine runs. All functions
 * here are for the other threads, return at once, and may be called from any of them but a story's.
 */
#ifndef AGENT_JOB_ENGINE_H
#define AGENT_JOB_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/job/job.h"

#define ENGINE_QUEUE_MAX 8
#define ENGINE_HISTORY_MAX 16
#define ENGINE_UNKNOWN_MAX 8 /* outcomes that are not known yet; with so many, no further restore begins */
#define ENGINE_RECORD_SIZE 4096

struct engine;

/* As restore_recover of job.h. */
typedef enum job_state job_recover(const struct job_context *context, const struct job_request *request,
	enum job_phase phase, const struct job_outcome *journalled, struct job_report *report);

/* The stories, and what the engine stands on. All is borrowed until engine_stop. */
struct engine_ground {
	job_story *backup, *restore, *undo, *verify, *keep, *prune, *clean, *scrub,
		*copy; /* keep: pin, unpin, remove, accept */
	job_recover *recover;
	const struct config *config;
	const struct job_volume *volumes; /* in the order of preference; stories get the first that is there */
	size_t volume_count;
	void *arg;
	/* On the engine's thread, before a story: a volume that it wants may have come meanwhile. May be NULL. */
	void (*settle)(void *arg);
	/*
	 * On the engine's thread, after a job failed: looks after volumes that failed, and says so where a job could not know. True: begin it afresh when the repository
	 * that is filled in is there. May be NULL.
	 */
	bool (*failed)(void *arg, const struct job_request *request, struct job_report *report, uint8_t wait_for[16]);
	/* A job that waits for a repository may begin. On the engine's thread, quick. NULL: it may. */
	bool (*may_begin)(void *arg, const struct job_request *request);
	/*
	 * Small records of at most ENGINE_RECORD_SIZE bytes, "journal", "unknown", "unknown-N", "waiting-N": whole or as
	 * before after a cut. Only the engine's thread asks for them, or engine_start. record_read returns the length or -ENOENT; a write of size 0 makes the record read as length 0.
	 */
	int (*record_read)(void *arg, const char *name, void *bytes, size_t size);
	int (*record_write)(void *arg, const char *name, const void *bytes, size_t size);
	/* A record in the audit log for a job. From the engine's thread. NULL: there is no log, and nothing is removed. */
	int (*audit)(void *arg, const struct job_request *request, const char *event, const char *what, const char *result);
	/* On the engine's thread, at start and after each job: look at what the repository holds now. May be NULL. */
	void (*refresh)(void *arg);
	int retry_seconds; /* at most, between looks at an outcome that is unknown: the first pauses are shorter; 0: 600 */
};

/* A job as it is told about. */
struct job_info {
	uint64_t id; /* counts up, over restarts too */
	struct job_request request;
	enum job_state state;
	bool recovered;                  /* it was cut off; this is what was found at the next start */
	bool committing;                 /* past the point of no return */
	int64_t asked, began, ended;     /* seconds since 1970 UTC as the box believed; 0: not yet */
	char sentence[512], remedy[512]; /* of the worst outcome; "" before the end */
	uint64_t snapshot, safety;       /* of the first outcome */
	size_t outcomes, notes, changes;
};

/*
 * Starts the thread, which first finds out how a job ended that was cut off. Jobs that waited when the box stopped are not
 * begun: each is told as cancelled, but one that waits for its volume, which goes on waiting. (One that had been asked for within the last second may not have been written down.) -ENOMEM, -EAGAIN, or an errno of reading
 * the journal.
 */
int engine_start(struct engine **engine, const struct engine_ground *ground);
/* Cancels what runs and what waits, and returns when the thread has ended. Frees. NULL is nothing. */
void engine_stop(struct engine *engine);
/* The first half of that: asks for the end and returns; engine_idle is true when it came. */
void engine_quit(struct engine *engine);
bool engine_idle(struct engine *engine);

/* Readable (POLLIN) when something changed: progress, a state, a look that is over. engine_seen quiets it. */
int engine_fd(const struct engine *engine);
void engine_seen(struct engine *engine);

/*
 * 0 and the id of the new job. -EALREADY and the id of a job that waits or runs and asks for the same. -ENOSPC: the
 * queue is full. -ESHUTDOWN: the engine is ending.
 */
int engine_submit(struct engine *engine, const struct job_request *request, int64_t now, uint64_t *id);
/* So many more jobs may be asked for at this moment. */
size_t engine_room(struct engine *engine);
/*
 * id 0: what runs. 0: it will stop, and its state tells when it has. -ENOENT: there is no such job, or it has ended.
 * -EBUSY: too late, COMMIT is being sent.
 */
int engine_cancel(struct engine *engine, uint64_t id);

/* Fills at most `count`: what ended (oldest first), what runs, what waits. Returns how many were filled in. */
size_t engine_jobs(struct engine *engine, struct job_info *jobs, size_t count);
/* -ENOENT: never was, or was too long ago. */
int engine_job(struct engine *engine, uint64_t id, struct job_info *info);
/*
 * Restores of which it is not known how they ended: request says which database. They are looked at again until it is
 * known; a restore or undo of such a database is looked at first, and refused where that does not help.
 */
size_t engine_unknown(struct engine *engine, struct job_info *jobs, size_t count);
/* The job that runs and how far it is; 0 where none does. */
uint64_t engine_progress(struct engine *engine, struct job_progress *progress);
/* Each job that ended, once, in order: for the audit log. 1 and the job, 0 where there is none. */
int engine_next_ended(struct engine *engine, struct job_info *info);

/* Parts of the report of the last job that ended. -ENOENT: no such part, or another job has ended since. */
int engine_outcome(struct engine *engine, uint64_t id, size_t index, struct job_outcome *outcome);
int engine_note(struct engine *engine, uint64_t id, size_t index, char note[JOB_NOTE_SIZE]);
int engine_change(struct engine *engine, uint64_t id, size_t index, struct job_change *change);

/*
 * A look: a short piece of reading in the repository, run on the engine's thread between jobs, or during one whenever its
 * story reports progress. It is borrowed until done is true or engine_drop returned.
 */
struct engine_look {
	void (*run)(struct engine_look *look, const struct job_context *context);
	bool done; /* read it with engine_look_done */
	/* The engine's. */
	void (*left)(struct engine_look *look);
	struct engine_look *next;
};

void engine_look(struct engine *engine, struct engine_look *look);
bool engine_look_done(struct engine *engine, const struct engine_look *look);
/* Takes it back; waits where it is running at this moment. */
void engine_drop(struct engine *engine, struct engine_look *look);
/*
 * As engine_drop, without waiting: false where it is the caller's again. True: it is running, and `left` has it when that is
 * over, on the engine's thread.
 */
bool engine_leave(struct engine *engine, struct engine_look *look, void (*left)(struct engine_look *look));

#endif

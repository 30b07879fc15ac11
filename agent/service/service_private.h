/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_SERVICE_SERVICE_PRIVATE_H
#define AGENT_SERVICE_SERVICE_PRIVATE_H

#include "agent/store/passphrase.h"
#include "agent/service/service.h"
#include "agent/store/store.h"

struct service_command;

/* Where an answer stands, in the client's task. */
struct service_task {
	const struct service_command *command;
	size_t index; /* of whatever comes next */
	size_t shown; /* of them, by `list` */
	unsigned int stage;
	char server[SERVER_NAME_SIZE], database[DATABASE_NAME_SIZE]; /* the target: "" any */
	uint64_t job;
	enum job_state told_state;
	enum job_phase told_phase;
	uint64_t told_done, told_bytes, told_stored;
	char told_object[64];
	struct store_look *store; /* of what changes stores */
	struct show *show;        /* of `show` */
	struct job_info *jobs;    /* of `jobs` */
	size_t job_count;
	bool failed;
};

_Static_assert(sizeof(struct service_task) <= API_TASK_SIZE, "a task must fit its client");

static inline struct service_task *task_of(struct api_client *client)
{
	return (struct service_task *)(void *)client->task;
}

struct service_command {
	const char *name;
	void (*begin)(struct service *service, struct api_client *client, const struct block_fields *request);
	void (*more)(struct service *service, struct api_client *client); /* NULL: begin ends the answer */
	void (*gone)(struct service *service, struct api_client *client); /* NULL: nothing is held */
};

/* The last block: result and code go together. */
void service_end(struct api_client *client, enum service_code code, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Takes Target, or Server and Database, into names as the configuration writes them. False: answered with an end.
 * What names neither is taken to name a database.
 */
bool service_target(struct service *service, struct api_client *client, const struct block_fields *request,
	char server[SERVER_NAME_SIZE], char database[DATABASE_NAME_SIZE]);
/* The snapshot that Snapshot names. 1 and the entry, 0: not named; -1: answered with an end. */
int service_snapshot(
	struct service *service, struct api_client *client, const struct block_fields *request, struct shelf_entry *entry);

/* The same where one has to be named. False: answered with an end. */
bool service_one_snapshot(
	struct service *service, struct api_client *client, const struct block_fields *request, struct shelf_entry *entry);

/* What runs now. False: nothing. */
bool service_running(struct service *service, struct job_info *info, struct job_progress *progress);
void service_send_progress(struct api_client *client, const struct job_info *info, const struct job_progress *progress);
void service_add_id(struct block *block, const char *key, uint64_t id); /* 16 hex digits; nothing for 0 */
/* False where it could not be written. */
bool service_audit(struct service *service, const char *event, const char *who, enum job_origin origin,
	const char *what, const char *result);

/* Tells what the task's job does, and how it ended, as far as there is room for it; ends the answer with the job. */
void service_follow(struct service *service, struct api_client *client);

/*
 * Something that is done to stores, on the engine's thread, where no job runs (-EBUSY). Who asked is in the audit log before
 * it is done, and how it ended afterwards. Secrets in it are wiped when it goes.
 */
struct store_look {
	struct engine_look look;
	struct service *service;
	char user[64]; /* who asked */
	struct store *store;
	struct shelf *shelf;
	/* 0, or an error with sentence and remedy filled in. */
	int (*act)(struct store_look *look);
	const char *event;               /* "take-over" */
	char what[300];                  /* of the audit log */
	uint32_t volume, volumes;        /* the one; or bits, see store.h, 0: all that are this box's */
	struct repository_secret secret; /* its bytes are those of `text` */
	char text[PASSPHRASE_MAX + 1];   /* that was sent */
	char recovery_key[64];           /* that was made */
	uint32_t opened, away;           /* volumes that the secret opens; that are not there */
	int error;
	char sentence[512], remedy[512];
};

/* False: answered with an end. */
bool service_store_begin(struct service *service, struct api_client *client, const struct store_look *look);
/* When it is done and was no job's turn: else NULL, answered or not. */
struct store_look *service_store_done(struct service *service, struct api_client *client);
/* It is over, or who asked went away: how it ended goes into the audit log. */
void service_store_gone(struct service *service, struct api_client *client);
/* The volume that Volume names. NULL: answered with an end. */
const struct volume_config *service_volume(
	struct service *service, struct api_client *client, const struct block_fields *request);
/* Takes Recovery-Key or Passphrase into the look. False: neither is there, or it cannot be one; answered with an end. */
bool service_secret(struct api_client *client, const struct block_fields *request, struct store_look *look);

extern const struct service_command service_job_commands[], service_look_commands[], service_status_commands[],
	service_volume_commands[], service_believe_commands[], service_keys_commands[];
extern const size_t service_job_command_count, service_look_command_count, service_status_command_count,
	service_volume_command_count, service_believe_command_count, service_keys_command_count;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about volumes: a store on a new one, another box's store taken over. On the engine's thread, between jobs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/service/service_private.h"
#include "agent/store/store.h"

struct volume_look {
	struct engine_look look;
	struct store *store;
	struct shelf *shelf;
	uint32_t volume;
	bool takes_over;
	char recovery_key[128];
	int error;
	char sentence[512], remedy[512];
};

/* A store that a job may be reading is not closed under it. */
static void run_look(struct engine_look *look, const struct job_context *context)
{
	struct volume_look *request = (struct volume_look *)look;
	struct store *store = request->store;
	const struct store_volume *volume = &store->volumes[request->volume];
	if (context->busy)
		request->error = -EBUSY;
	else if (request->takes_over)
		request->error = store_take_over(store, request->volume, request->recovery_key);
	else
		request->error = store_attach(store, request->volume);
	explicit_bzero(request->recovery_key, sizeof(request->recovery_key));
	memcpy(request->sentence, volume->sentence, sizeof(request->sentence));
	memcpy(request->remedy, volume->remedy, sizeof(request->remedy));
	shelf_refresh(request->shelf, store);
}

static void begin(
	struct service *service, struct api_client *client, const struct block_fields *fields, bool takes_over)
{
	const char *name = block_get(fields, "Volume"), *key = block_get(fields, "Recovery-Key");
	const struct volume_config *volume = name ? config_volume(service->config, name) : NULL;
	struct service_task *task = task_of(client);
	if (!volume) {
		service_end(client, CODE_USAGE, "See the [volume NAME] sections of coffret.conf.",
			"There is no volume \"%.31s\" in the configuration.", name ? name : "");
		return;
	}
	if (takes_over && (!key || !key[0] || strlen(key) >= sizeof(task->volume->recovery_key))) {
		service_end(client, CODE_USAGE, "It was shown once, when the store was made.",
			"To take a store over its recovery key is needed.");
		return;
	}
	if (!service_audit(
			service, takes_over ? "taking-over" : "attaching", client->user, ORIGIN_COMMAND, volume->path, "")) {
		service_end(client, CODE_FAILED, "Make room in the state directory, or mend its disk.",
			"The audit log cannot be written, and no store changes its box without a record of who asked for it.");
		return;
	}
	task->volume = calloc(1, sizeof(*task->volume));
	if (!task->volume) {
		service_end(client, CODE_FAILED, "", "No memory for that at this moment.");
		return;
	}
	*task->volume = (struct volume_look){ .look.run = run_look,
		.store = service->store,
		.shelf = service->shelf,
		.volume = (uint32_t)(volume - service->config->volumes),
		.takes_over = takes_over };
	if (takes_over)
		strcpy(task->volume->recovery_key, key);
	engine_look(service->engine, &task->volume->look);
}

static void begin_attach(struct service *service, struct api_client *client, const struct block_fields *fields)
{
	begin(service, client, fields, false);
}

static void begin_take_over(struct service *service, struct api_client *client, const struct block_fields *fields)
{
	begin(service, client, fields, true);
}

static void gone(struct service *service, struct api_client *client)
{
	struct service_task *task = task_of(client);
	if (!task->volume)
		return;
	engine_drop(service->engine, &task->volume->look);
	explicit_bzero(task->volume, sizeof(*task->volume));
	free(task->volume);
	task->volume = NULL;
}

static void end(struct service *service, struct api_client *client)
{
	const struct volume_look *request = task_of(client)->volume;
	const struct volume_config *volume = &service->config->volumes[request->volume];
	char what[300];
	snprintf(what, sizeof(what), "the store in %s", volume->path);
	service_audit(service, request->takes_over ? "take-over" : "attach", client->user, ORIGIN_COMMAND, what,
		request->error == 0            ? "done"
			: request->error == -EBUSY ? "refused: a job runs"
									   : request->sentence);
	if (request->error == -EBUSY)
		service_end(client, CODE_BUSY, "coffret jobs shows it; ask again when it has ended.", "A job runs.");
	else if (request->error < 0)
		service_end(client, CODE_FAILED, request->remedy, "%s", request->sentence);
	else if (request->takes_over)
		service_end(client, CODE_DONE, "",
			"The store in %s is this box's now. Snapshots of the box before are foreign: restore them by their ids.",
			volume->path);
	else
		service_end(client, CODE_DONE, "",
			"There is a store in %s now; the key file and the recovery key of the other volumes open it, too.",
			volume->path);
}

static void more(struct service *service, struct api_client *client)
{
	const struct service_task *task = task_of(client);
	if (!task->volume || !engine_look_done(service->engine, &task->volume->look))
		return;
	end(service, client);
	gone(service, client);
}

const struct service_command service_volume_commands[] = {
	{ "attach", begin_attach, more, gone },
	{ "take-over", begin_take_over, more, gone },
};
const size_t service_volume_command_count = sizeof(service_volume_commands) / sizeof(service_volume_commands[0]);

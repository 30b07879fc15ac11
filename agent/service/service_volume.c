/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about volumes: a store on a new one, another box's store taken over; and what all that change stores share. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/service/service_private.h"

/* ---- what is done to stores, on the engine's thread ---- */

/* A store that a job may be reading is not closed under it. */
static void run_look(struct engine_look *engine_look, const struct job_context *context)
{
	struct store_look *look = (struct store_look *)engine_look;
	look->error = context->busy ? -EBUSY : look->act(look);
	explicit_bzero(look->text, sizeof(look->text));
	shelf_refresh(look->shelf, look->store);
}

bool service_store_begin(struct service *service, struct api_client *client, const struct store_look *look)
{
	char event[40];
	struct service_task *task = task_of(client);
	snprintf(event, sizeof(event), "asked-%s", look->event);
	if (!service_audit(service, event, client->user, ORIGIN_COMMAND, look->what, "")) {
		service_end(client, CODE_FAILED, "Make room in the state directory, or mend its disk.",
			"The audit log cannot be written, and no store is changed without a record of who asked for it.");
		return false;
	}
	task->store = calloc(1, sizeof(*task->store));
	if (!task->store) {
		service_end(client, CODE_FAILED, "", "No memory for that at this moment.");
		return false;
	}
	*task->store = *look;
	task->store->look.run = run_look;
	task->store->service = service;
	snprintf(task->store->user, sizeof(task->store->user), "%s", client->user);
	task->store->store = service->store;
	task->store->shelf = service->shelf;
	task->store->secret.bytes = (const uint8_t *)task->store->text;
	engine_look(service->engine, &task->store->look);
	return true;
}

/* What has become of it; nothing was done where it never had its turn. */
static const char *tell_result(const struct store_look *look)
{
	if (!look->look.done)
		return "not begun: who asked went away";
	return look->error == 0 ? "done" : look->error == -EBUSY ? "refused: a job runs" : look->sentence;
}

struct store_look *service_store_done(struct service *service, struct api_client *client)
{
	struct store_look *look = task_of(client)->store;
	if (!look || !engine_look_done(service->engine, &look->look))
		return NULL;
	if (look->error != -EBUSY)
		return look;
	service_end(client, CODE_BUSY, "coffret jobs shows it; ask again when it has ended.", "A job runs.");
	service_store_gone(service, client);
	return NULL;
}

static void let_go(struct engine_look *engine_look)
{
	struct store_look *look = (struct store_look *)engine_look;
	service_audit(look->service, look->event, look->user, ORIGIN_COMMAND, look->what, tell_result(look));
	explicit_bzero(look, sizeof(*look));
	free(look);
}

/* Nobody waits for a passphrase that is tried, which takes a small box seconds: not the panel, nor other clients. */
void service_store_gone(struct service *service, struct api_client *client)
{
	struct service_task *task = task_of(client);
	if (task->store && !engine_leave(service->engine, &task->store->look, let_go))
		let_go(&task->store->look);
	task->store = NULL;
}

const struct volume_config *service_volume(
	struct service *service, struct api_client *client, const struct block_fields *request)
{
	const char *name = block_get(request, "Volume");
	const struct volume_config *volume = name ? config_volume(service->config, name) : NULL;
	if (!volume)
		service_end(client, CODE_USAGE, "See the [volume NAME] sections of coffret.conf.",
			"There is no volume \"%.31s\" in the configuration.", name ? name : "");
	return volume;
}

bool service_secret(struct api_client *client, const struct block_fields *request, struct store_look *look)
{
	const char *key = block_get(request, "Recovery-Key"), *phrase = block_get(request, "Passphrase");
	const char *text = key ? key : phrase;
	if (!text || !text[0])
		service_end(client, CODE_USAGE, "A recovery key was shown once, when the store or the key was made.",
			"A recovery key or a passphrase is needed, and none was given.");
	else if (strlen(text) >= sizeof(look->text))
		service_end(client, CODE_USAGE, "", "That is longer than it can be.");
	else if (key && !recovery_key_is_whole(key))
		service_end(client, CODE_USAGE, "It has 56 letters and digits; case, spaces and dashes do not count.",
			"That is no recovery key: something in it was mistyped, or left out.");
	else
		strcpy(look->text, text);
	look->secret.kind = key ? SECRET_RECOVERY : SECRET_PASSPHRASE;
	look->secret.size = strlen(look->text);
	return look->secret.size > 0;
}

/* ---- attach, take-over ---- */

static int copy_words(struct store_look *look, int error)
{
	const struct store_volume *volume = &look->store->volumes[look->volume];
	memcpy(look->sentence, volume->sentence, sizeof(look->sentence));
	memcpy(look->remedy, volume->remedy, sizeof(look->remedy));
	return error;
}

static int attach(struct store_look *look)
{
	return copy_words(look, store_attach(look->store, look->volume));
}

static int take_over(struct store_look *look)
{
	return copy_words(look, store_take_over(look->store, look->volume, &look->secret));
}

static void begin(
	struct service *service, struct api_client *client, const struct block_fields *request, struct store_look *look)
{
	const struct volume_config *volume = service_volume(service, client, request);
	if (!volume)
		return;
	look->volume = (uint32_t)(volume - service->config->volumes);
	snprintf(look->what, sizeof(look->what), "the store in %s", volume->path);
	service_store_begin(service, client, look);
}

static void begin_attach(struct service *service, struct api_client *client, const struct block_fields *request)
{
	struct store_look look = { .act = attach, .event = "attach" };
	begin(service, client, request, &look);
}

static void begin_take_over(struct service *service, struct api_client *client, const struct block_fields *request)
{
	struct store_look look = { .act = take_over, .event = "take-over" };
	if (service_secret(client, request, &look))
		begin(service, client, request, &look);
	explicit_bzero(&look, sizeof(look));
}

static void more(struct service *service, struct api_client *client)
{
	const struct store_look *look = service_store_done(service, client);
	if (!look)
		return;
	const char *path = service->config->volumes[look->volume].path;
	if (look->error < 0)
		service_end(client, CODE_FAILED, look->remedy, "%s", look->sentence);
	else if (look->act == take_over)
		service_end(client, CODE_DONE,
			"Its passphrase and its recovery key stay as they are: coffret recovery-key --renew makes one for all.",
			"The store in %s is this box's now. Snapshots of the box before are foreign: restore them by their ids.",
			path);
	else
		service_end(client, CODE_DONE, "",
			"There is a store in %s now; the key file and the recovery key of the other volumes open it, too.", path);
	service_store_gone(service, client);
}

const struct service_command service_volume_commands[] = {
	{ "attach", begin_attach, more, service_store_gone },
	{ "take-over", begin_take_over, more, service_store_gone },
};
const size_t service_volume_command_count = sizeof(service_volume_commands) / sizeof(service_volume_commands[0]);

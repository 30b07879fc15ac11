/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests about what opens the stores. Who may use the command may not change that, only root and whoever the daemon runs
 * as, who could read the key file as well: a secret that one has made oneself opens the disk without the box.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/service/service_private.h"

/* ---- on the engine's thread ---- */

/* Which volumes are this box's is known here alone. */
static uint32_t volumes_of(struct store_look *look)
{
	if (!look->volumes)
		look->volumes = store_own(look->store);
	return look->volumes;
}

static int copy_words(struct store_look *look, int error)
{
	if (error < 0) {
		memcpy(look->sentence, look->store->sentence, sizeof(look->sentence));
		memcpy(look->remedy, look->store->remedy, sizeof(look->remedy));
	}
	return error;
}

static int set_passphrase(struct store_look *look)
{
	return copy_words(look, store_set_passphrase(look->store, volumes_of(look), look->text));
}

static int remove_passphrase(struct store_look *look)
{
	return copy_words(look, store_remove_passphrase(look->store, volumes_of(look)));
}

static int renew_recovery_key(struct store_look *look)
{
	return copy_words(look, store_add_recovery_key(look->store, volumes_of(look), look->recovery_key));
}

static int confirm_recovery_key(struct store_look *look)
{
	return copy_words(look, store_confirm_recovery_key(look->store, volumes_of(look), look->text));
}

static int try_secret(struct store_look *look)
{
	int result = store_try(look->store, volumes_of(look), &look->secret, &look->opened, &look->away);
	if (result != -ENOKEY)
		return copy_words(look, result);
	strcpy(look->sentence, "it does not open all of them");
	return result;
}

/* ---- beginning ---- */

static bool may_change_keys(struct api_client *client)
{
	if (client->uid == 0 || client->uid == geteuid())
		return true;
	service_end(client, CODE_FAILED, "Ask whoever administers the box (sudo).",
		"Only root may say what opens the stores: whoever has such a secret can read a disk without the box.");
	return false;
}

/* The one that is named, or all that are this box's; of these it is only known on the engine's thread which they are. */
static bool take_volumes(
	struct service *service, struct api_client *client, const struct block_fields *request, struct store_look *look)
{
	const struct volume_config *volume = NULL;
	if (block_get(request, "Volume") && !(volume = service_volume(service, client, request)))
		return false;
	look->volumes = volume ? UINT32_C(1) << (volume - service->config->volumes) : 0;
	return true;
}

static void begin(struct service *service, struct api_client *client, const struct block_fields *request,
	struct store_look *look, const char *what)
{
	if (!may_change_keys(client) || !take_volumes(service, client, request, look))
		return;
	snprintf(
		look->what, sizeof(look->what), "%s, %s", what, look->volumes ? block_get(request, "Volume") : "all volumes");
	service_store_begin(service, client, look);
}

static void begin_passphrase(struct service *service, struct api_client *client, const struct block_fields *request)
{
	struct store_look look = { .event = "passphrase" };
	bool check = block_get_flag(request, "Check"), remove = block_get_flag(request, "Remove");
	const char *passphrase = block_get(request, "Passphrase");
	const char *weakness = remove || check ? NULL : passphrase_weakness(passphrase ? passphrase : "");
	look.act = remove ? remove_passphrase : check ? try_secret : set_passphrase;
	if (weakness)
		service_end(client, CODE_USAGE, "Nothing was changed.", "%s", weakness);
	else if (remove || service_secret(client, request, &look))
		begin(service, client, request, &look, remove ? "remove it" : check ? "try one" : "set a new one");
	explicit_bzero(&look, sizeof(look));
}

static void begin_recovery_key(struct service *service, struct api_client *client, const struct block_fields *request)
{
	struct store_look look = { .event = "recovery-key" };
	bool renew = block_get_flag(request, "Renew"), confirm = block_get_flag(request, "Confirm");
	look.act = renew ? renew_recovery_key : confirm ? confirm_recovery_key : try_secret;
	if (renew || service_secret(client, request, &look))
		begin(service, client, request, &look, renew ? "add a new one" : confirm ? "end all others" : "try one");
	explicit_bzero(&look, sizeof(look));
}

/* ---- the answer ---- */

static void list_volumes(const struct config *config, uint32_t volumes, char *text, size_t size)
{
	size_t used = 0;
	text[0] = '\0';
	for (uint32_t i = 0; i < config->volume_count && used < size; i++)
		if (volumes >> i & 1)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", config->volumes[i].name);
}

static void send_recovery_key(struct api_client *client, const struct store_look *look, const char *names)
{
	struct block block;
	block_begin(&block, "recovery-key");
	block_add(&block, "Recovery-Key", look->recovery_key);
	block_add(&block, "Volumes", names);
	api_send(client, &block);
	explicit_bzero(&block, sizeof(block));
	service_end(client, CODE_DONE,
		"When it is written down: coffret recovery-key --confirm. From then on the old one opens nothing.",
		"The new recovery key opens %s, and so does the old one.", names);
}

#define NAMES_SIZE (CONFIG_VOLUMES_MAX * (VOLUME_NAME_SIZE + 2))

static void end_trial(struct service *service, struct api_client *client, const struct store_look *look)
{
	char opened[NAMES_SIZE], others[NAMES_SIZE], away[NAMES_SIZE];
	list_volumes(service->config, look->opened, opened, sizeof(opened));
	list_volumes(service->config, look->volumes & ~look->opened & ~look->away, others, sizeof(others));
	list_volumes(service->config, look->away, away, sizeof(away));
	if (look->error == 0)
		service_end(client, CODE_DONE, "", "It opens %s%s%s.", opened, away[0] ? "; not there: " : "", away);
	else if (look->error != -ENOKEY)
		service_end(client, CODE_FAILED, look->remedy, "%s", look->sentence);
	else
		service_end(client, CODE_FAILED, "", "It does not open %s%s%s%s%s.", others, opened[0] ? ", only " : "", opened,
			away[0] ? "; not there: " : "", away);
}

static void more(struct service *service, struct api_client *client)
{
	char names[NAMES_SIZE];
	const struct store_look *look = service_store_done(service, client);
	if (!look)
		return;
	list_volumes(service->config, look->volumes, names, sizeof(names));
	if (look->act == try_secret)
		end_trial(service, client, look);
	else if (look->error < 0)
		service_end(client, CODE_FAILED, look->remedy, "%s", look->sentence);
	else if (look->act == renew_recovery_key)
		send_recovery_key(client, look, names);
	else if (look->act == confirm_recovery_key)
		service_end(client, CODE_DONE, "", "This recovery key opens %s, and no other one does.", names);
	else if (look->act == set_passphrase)
		service_end(client, CODE_DONE, "", "This passphrase opens %s, and no other one does.", names);
	else
		service_end(client, CODE_DONE, "", "No passphrase opens %s any more.", names);
	service_store_gone(service, client);
}

const struct service_command service_keys_commands[] = {
	{ "passphrase", begin_passphrase, more, service_store_gone },
	{ "recovery-key", begin_recovery_key, more, service_store_gone },
};
const size_t service_keys_command_count = sizeof(service_keys_commands) / sizeof(service_keys_commands[0]);

/* SPDX-License-Identifier: Apache-2.0 */
/* Requests by which somebody says what the box may believe: a changed server, time that it was off. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/now.h"
#include "agent/config/trust.h"
#include "agent/job/server.h"
#include "agent/service/service_private.h"

/* ---- trust ---- */

static void begin_trust(struct service *service, struct api_client *client, const struct block_fields *request)
{
	char server[SERVER_NAME_SIZE], database[DATABASE_NAME_SIZE];
	if (!service_target(service, client, request, server, database))
		return;
	if (database[0]) {
		service_end(client, CODE_USAGE, "See the [server NAME] sections of coffret.conf.",
			"There is no server \"%.63s\" in the configuration.", database);
		return;
	}
	const struct server_config *config = config_server(service->config, server);
	if (!config) {
		service_end(client, CODE_USAGE, "", "Which server?");
		return;
	}
	bool written = service_audit(service, "trust", client->user, ORIGIN_COMMAND, config->name, "");
	int result = written ? trust_accept(service->config, config->name) : -EIO;
	if (result < 0)
		service_end(client, CODE_FAILED, "Look at the state directory.", "That could not be written down: %s.",
			strerror(-result));
	else
		service_end(client, CODE_DONE, "", "%s is trusted as it is configured now; its passwords are used again.",
			config->name);
}

/* ---- time that the box was off ---- */

#define DAY_S 86400

static void describe_time(const struct service *service, char *what, size_t size)
{
	snprintf(what, size, "count %lld days that the box was off", (long long)service->consent.days);
}

void service_unlocked(struct service *service)
{
	char what[80];
	describe_time(service, what, sizeof(what));
	service_audit(service, "unlocked", "panel", ORIGIN_PANEL, what, "");
}

/* Only whoever stands before the box can know that it was off: the command asks, two holds confirm. */
static void begin_count_time(struct service *service, struct api_client *client, const struct block_fields *request)
{
	int64_t held_back = service->held_back ? *service->held_back : 0;
	int64_t days = held_back > 0 && held_back < DAY_S ? 1 : held_back / DAY_S; /* less than one is not nothing */
	char what[80];
	(void)request;
	if (days == 0) {
		service_end(client, CODE_DONE, "", "All the time that the box was off counts; there is nothing to confirm.");
		return;
	}
	if (!service->has_panel) {
		service_end(client, CODE_FAILED, "It stays as it is: more is kept, and nothing is lost by that.",
			"This box has no panel at which somebody could confirm that it was off for %lld days more than count.",
			(long long)days);
		return;
	}
	consent_ask(&service->consent, days, now_ms());
	describe_time(service, what, sizeof(what));
	service_audit(service, "asked", client->user, ORIGIN_COMMAND, what, "waits for the panel");
	service_end(client, CODE_DONE, "Within ten minutes, somebody at the box has to HOLD the button, and HOLD it again.",
		"The panel asks whether the box was really off: %lld days more would then count for retention.",
		(long long)days);
}

const struct service_command service_believe_commands[] = {
	{ "trust", begin_trust, NULL, NULL },
	{ "count-time", begin_count_time, NULL, NULL },
};
const size_t service_believe_command_count = sizeof(service_believe_commands) / sizeof(service_believe_commands[0]);

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/service/service.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "agent/job/names.h"
#include "agent/job/server.h"
#include "agent/service/service_private.h"

/* ---- what answers share ---- */

const char *service_code_name(enum service_code code)
{
	static const char *const names[] = { [CODE_DONE] = "done",
		[CODE_FAILED] = "failed",
		[CODE_USAGE] = "usage",
		[CODE_NO_DAEMON] = "unreachable",
		[CODE_CANCELLED] = "cancelled",
		[CODE_UNKNOWN] = "unknown",
		[CODE_DAMAGED] = "damaged",
		[CODE_BUSY] = "busy" };
	return names[code];
}

void service_end(struct api_client *client, enum service_code code, const char *remedy, const char *format, ...)
{
	char sentence[1024];
	struct block block;
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	block_begin(&block, "end");
	block_add(&block, "Result", service_code_name(code));
	block_add_number(&block, "Code", code);
	if (sentence[0])
		block_add(&block, "Sentence", sentence);
	if (remedy && remedy[0])
		block_add(&block, "Remedy", remedy);
	api_end(client, &block);
}

void service_add_id(struct block *block, const char *key, uint64_t id)
{
	if (id)
		block_addf(block, key, "%016llx", (unsigned long long)id);
}

bool service_audit(struct service *service, const char *event, const char *who, enum job_origin origin,
	const char *what, const char *result)
{
	struct audit_record record;
	audit_begin(&record, event);
	audit_add(&record, "who", who);
	audit_add(&record, "by", job_origin_name(origin));
	audit_add(&record, "what", what);
	audit_add(&record, "result", result);
	return audit_write(service->audit, &record, (int64_t)time(NULL)) == 0;
}

/* ---- targets ---- */

static const char *canonical_server(const struct config *config, const char *name)
{
	for (uint32_t i = 0; i < config->server_count; i++)
		if (strcasecmp(config->servers[i].name, name) == 0)
			return config->servers[i].name;
	return NULL;
}

/* As the configuration writes it: snapshots are found by that name. */
static void canonical_database(const struct config *config, const char *server, char *database)
{
	for (uint32_t i = 0; i < config->server_count; i++) {
		const struct server_config *at = &config->servers[i];
		if (server[0] && strcmp(at->name, server) != 0)
			continue;
		for (uint32_t j = 0; j < at->database_count; j++)
			if (strcasecmp(at->databases[j], database) == 0)
				strcpy(database, at->databases[j]);
	}
}

/* "server/database", a server, or a database. */
static void split_target(
	const struct config *config, const char *target, const char **server, const char **database, char *copy)
{
	const char *slash = strchr(target, '/');
	if (slash && slash - target < SERVER_NAME_SIZE) {
		memcpy(copy, target, (size_t)(slash - target));
		copy[slash - target] = '\0';
		*server = copy;
		*database = slash + 1;
	} else if (canonical_server(config, target)) {
		*server = target;
	} else {
		*database = target;
	}
}

bool service_target(struct service *service, struct api_client *client, const struct block_fields *request,
	char server[SERVER_NAME_SIZE], char database[DATABASE_NAME_SIZE])
{
	char copy[SERVER_NAME_SIZE];
	const char *target = block_get(request, "Target");
	const char *named_server = block_get(request, "Server"), *named_database = block_get(request, "Database");
	if (target && target[0])
		split_target(service->config, target, &named_server, &named_database, copy);
	server[0] = database[0] = '\0';
	if (named_server && named_server[0]) {
		const char *name = canonical_server(service->config, named_server);
		if (!name) {
			service_end(client, CODE_USAGE, "See the [server NAME] sections of coffret.conf.",
				"There is no server \"%.63s\" in the configuration.", named_server);
			return false;
		}
		strcpy(server, name);
	}
	if (named_database && strlen(named_database) >= DATABASE_NAME_SIZE) {
		service_end(client, CODE_USAGE, "", "That name is longer than a database can have.");
		return false;
	}
	if (named_database)
		strcpy(database, named_database);
	canonical_database(service->config, server, database);
	return true;
}

int service_snapshot(
	struct service *service, struct api_client *client, const struct block_fields *request, struct shelf_entry *entry)
{
	const char *prefix = block_get(request, "Snapshot");
	if (!prefix || !prefix[0])
		return 0;
	int result = shelf_find(service->shelf, prefix, entry);
	if (result == 0)
		return 1;
	if (result == -ENOTUNIQ)
		service_end(client, CODE_USAGE, "Give more of its digits.", "Several snapshots begin with \"%.16s\".", prefix);
	else if (result == -EINVAL)
		service_end(client, CODE_USAGE, "coffret list shows them.",
			"\"%.40s\" is no snapshot's id, which is up to 16 digits from 0 to f.", prefix);
	else
		service_end(
			client, CODE_USAGE, "coffret list shows those there are.", "There is no snapshot \"%.16s\".", prefix);
	return -1;
}

bool service_one_snapshot(
	struct service *service, struct api_client *client, const struct block_fields *request, struct shelf_entry *entry)
{
	int named = service_snapshot(service, client, request, entry);
	if (named == 0)
		service_end(client, CODE_USAGE, "coffret list shows them.", "Which snapshot?");
	return named > 0;
}

/* ---- dispatch ---- */

static const struct {
	const struct service_command *commands;
	const size_t *count;
} rooms[] = {
	{ service_job_commands, &service_job_command_count },
	{ service_look_commands, &service_look_command_count },
	{ service_status_commands, &service_status_command_count },
	{ service_volume_commands, &service_volume_command_count },
	{ service_believe_commands, &service_believe_command_count },
	{ service_keys_commands, &service_keys_command_count },
};

static const struct service_command *find_command(const char *name)
{
	for (size_t room = 0; room < sizeof(rooms) / sizeof(rooms[0]); room++)
		for (size_t i = 0; i < *rooms[room].count; i++)
			if (strcmp(rooms[room].commands[i].name, name) == 0)
				return &rooms[room].commands[i];
	return NULL;
}

static void take_request(void *arg, struct api_client *client, const struct block_fields *request)
{
	struct service *service = arg;
	const char *name = block_get(request, "Command");
	const struct service_command *command = name ? find_command(name) : NULL;
	task_of(client)->command = command;
	if (!command)
		service_end(client, CODE_USAGE, "", "There is no command \"%.40s\".", name ? name : "");
	else if (service->ending)
		service_end(client, CODE_FAILED, "Ask again when it is back.", "The box is shutting down.");
	else
		command->begin(service, client, request);
}

static void give_more(void *arg, struct api_client *client)
{
	const struct service_command *command = task_of(client)->command;
	if (command && command->more)
		command->more(arg, client);
}

static void let_go(void *arg, struct api_client *client)
{
	const struct service_command *command = task_of(client)->command;
	if (command && command->gone)
		command->gone(arg, client);
}

const struct api_ops service_ops = { .request = take_request, .more = give_more, .gone = let_go };

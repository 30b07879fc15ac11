/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration that someone mistyped. Refused with a sentence, or whole: what is accepted keeps config.h's bounds. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_server(const struct server_config *server)
{
	if (!server->name[0] || !server->host[0] || server->database_count > CONFIG_DATABASES_MAX)
		abort();
	for (uint32_t i = 0; i < server->database_count; i++)
		if (!server->databases[i][0] || strnlen(server->databases[i], DATABASE_NAME_SIZE) == DATABASE_NAME_SIZE)
			abort();
	if (server->connect_seconds <= 0 || server->login_seconds <= 0 || server->stall_seconds <= 0)
		abort();
}

static void check(const struct config *config)
{
	if (config->server_count > CONFIG_SERVERS_MAX || config->time_count > CONFIG_TIMES_MAX)
		abort();
	for (uint32_t i = 0; i < config->server_count; i++)
		check_server(&config->servers[i]);
	for (uint32_t i = 0; i < config->time_count; i++)
		if (config->times[i].hour > 23 || config->times[i].minute > 59 || !config->times[i].days)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config;
	char path[64], message[512] = "";
	int file = memfd_create("coffret.conf", MFD_CLOEXEC);

	if (file < 0 || write(file, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);

	int result = config_read(&config, path, message, sizeof(message));

	if (result == 0)
		check(&config);
	else if (result == -EINVAL && !message[0])
		abort(); /* nobody would know what to mend */
	close(file);
	return 0;
}

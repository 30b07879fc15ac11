/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/config/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <ini.h>

#include "agent/config/config_keys.h"

/* inih cuts the names of sections and keys at this many bytes without a word. */
#define INIH_NAME_MAX 49
#define SERVER_WORD "server "
#define VOLUME_WORD "volume "
#define BOX_VOLUME_KEY 0 /* of config_sections[0] */

struct parser {
	struct config *config;
	const char *path;
	FILE *file;
	int line;         /* that was read last */
	int section_line; /* of the last [section] */
	uint64_t seen[8]; /* keys that came, of each of config_sections */
	uint64_t seen_server[CONFIG_SERVERS_MAX];
	int server_line[CONFIG_SERVERS_MAX]; /* where a server was first named */
	uint64_t seen_volume[CONFIG_VOLUMES_MAX];
	int volume_line[CONFIG_VOLUMES_MAX];
	int error;
	char *message;
	size_t size;
};

/* Keeps the first sentence: what follows a mistake is often only its echo. Returns 0, which is a failure to inih. */
__attribute__((format(printf, 3, 4))) static int refuse(struct parser *parser, int line, const char *format, ...)
{
	va_list args;
	if (parser->error)
		return 0;
	parser->error = -EINVAL;
	int used = snprintf(parser->message, parser->size, "%s:%d: ", parser->path, line);
	va_start(args, format);
	if (used > 0 && (size_t)used < parser->size)
		vsnprintf(parser->message + used, parser->size - (size_t)used, format, args);
	va_end(args);
	return 0;
}

/* ---- the nearest word to a typo ---- */

static size_t least(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;
	return least < c ? least : c;
}

/* How many letters must be put in, taken out or changed. */
static size_t distance(const char *a, const char *b)
{
	size_t row[INIH_NAME_MAX + 2], length = strlen(b);
	if (length > INIH_NAME_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < length; j++) {
			size_t above = row[j + 1];
			row[j + 1] = least(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
			diagonal = above;
		}
	}
	return row[length];
}

static const char *nearest_key(const struct config_section *section, const char *name)
{
	const char *nearest = "";
	size_t best = SIZE_MAX;
	for (size_t i = 0; i < section->count; i++) {
		size_t far = distance(name, section->keys[i].name);
		if (far < best) {
			best = far;
			nearest = section->keys[i].name;
		}
	}
	return nearest;
}

/* ---- sections ---- */

static struct server_config *find_server(struct config *config, const char *name)
{
	for (uint32_t i = 0; i < config->server_count; i++)
		if (strcasecmp(config->servers[i].name, name) == 0)
			return &config->servers[i];
	return NULL;
}

static bool good_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	return *name && name[strspn(name, allowed)] == '\0';
}

/* NULL after a sentence. */
static struct server_config *take_server(struct parser *parser, const char *name)
{
	struct config *config = parser->config;
	struct server_config *server = find_server(config, name);
	if (server)
		return server;
	if (!good_name(name)) {
		refuse(parser, parser->line, "found [server %s], expected a name of letters, digits, '.', '-' and '_'", name);
		return NULL;
	}
	if (config->server_count == CONFIG_SERVERS_MAX) {
		refuse(parser, parser->line, "found [server %s], expected at most %d servers", name, CONFIG_SERVERS_MAX);
		return NULL;
	}
	parser->server_line[config->server_count] = parser->section_line;
	server = &config->servers[config->server_count++];
	config_server_defaults(server);
	snprintf(server->name, sizeof(server->name), "%s", name);
	return server;
}

/* The first is `volume` of [box], which no section names. */
static struct volume_config *take_volume(struct parser *parser, const char *name)
{
	struct config *config = parser->config;
	for (uint32_t i = 1; i < config->volume_count; i++)
		if (strcmp(config->volumes[i].name, name) == 0)
			return &config->volumes[i];
	if (!good_name(name) || strlen(name) >= VOLUME_NAME_SIZE) {
		refuse(parser, parser->line,
			"found [volume %s], expected a name of at most %d letters, digits, '.', '-' and '_'", name,
			VOLUME_NAME_SIZE - 1);
		return NULL;
	}
	if (config->volume_count == CONFIG_VOLUMES_MAX) {
		refuse(parser, parser->line, "found [volume %s], expected at most %d volumes", name, CONFIG_VOLUMES_MAX - 1);
		return NULL;
	}
	parser->volume_line[config->volume_count] = parser->section_line;
	struct volume_config *volume = &config->volumes[config->volume_count++];
	memset(volume, 0, sizeof(*volume));
	strcpy(volume->name, name);
	volume->own_disk = true;
	return volume;
}

static bool is_section(const struct config_section *section, const char *name)
{
	switch (section->of) {
	case SECTION_SERVER:
		return strncmp(name, SERVER_WORD, sizeof(SERVER_WORD) - 1) == 0;
	case SECTION_VOLUME:
		return strncmp(name, VOLUME_WORD, sizeof(VOLUME_WORD) - 1) == 0;
	case SECTION_BOX:
		break;
	}
	return strcmp(name, section->name) == 0;
}

static const struct config_section *find_section(const char *name)
{
	for (size_t i = 0; i < config_section_count; i++)
		if (is_section(&config_sections[i], name))
			return &config_sections[i];
	return NULL;
}

/* Where the values of a section go, and which of its keys came already. */
static void *find_target(struct parser *parser, const struct config_section *section, const char *name, uint64_t **seen)
{
	if (section->of == SECTION_VOLUME) {
		struct volume_config *volume = take_volume(parser, name + sizeof(VOLUME_WORD) - 1);
		if (volume)
			*seen = &parser->seen_volume[volume - parser->config->volumes];
		return volume;
	}
	if (section->of == SECTION_BOX) {
		*seen = &parser->seen[section - config_sections];
		return parser->config;
	}
	struct server_config *server = take_server(parser, name + sizeof(SERVER_WORD) - 1);
	if (server)
		*seen = &parser->seen_server[server - parser->config->servers];
	return server;
}

/* ---- lines ---- */

static int take_value(struct parser *parser, const struct config_section *section, const char *section_name,
	const char *name, const char *value)
{
	uint64_t *seen;
	void *target = find_target(parser, section, section_name, &seen);
	if (!target)
		return 0;
	for (size_t i = 0; i < section->count; i++) {
		const struct config_key *key = &section->keys[i];
		if (strcmp(key->name, name) != 0)
			continue;
		if (*seen & 1ull << i && !config_key_repeats(key))
			return refuse(
				parser, parser->line, "found \"%s\" a second time in [%s], expected it once", name, section_name);
		*seen |= 1ull << i;
		if (key->parse(key, value, (char *)target + key->offset) < 0)
			return refuse(parser, parser->line, "found %s = \"%s\", expected %s", name, value, key->expected);
		return 1;
	}
	return refuse(parser, parser->line, "found \"%s\" in [%s], expected a key of that section: \"%s\"?", name,
		section_name, nearest_key(section, name));
}

static int take_line(void *arg, const char *section_name, const char *name, const char *value)
{
	struct parser *parser = arg;
	if (parser->error)
		return 0;
	if (strlen(section_name) >= INIH_NAME_MAX || strlen(name) >= INIH_NAME_MAX)
		return refuse(parser, parser->line, "the name of a section or a key is too long");
	if (!section_name[0])
		return refuse(parser, parser->line, "found \"%s\" before any section, expected one such as [box] first", name);
	const struct config_section *section = find_section(section_name);
	if (!section)
		return refuse(parser, parser->line,
			"found [%s], expected [box], [store], [schedule], [retention], [suspect], [server NAME] or [volume NAME]",
			section_name);
	return take_value(parser, section, section_name, name, value ? value : "");
}

/* fgets that counts lines and does not let a long one come in two. */
static char *read_line(char *line, int size, void *arg)
{
	struct parser *parser = arg;
	if (parser->error || !fgets(line, size, parser->file))
		return NULL;
	parser->line++;
	if (!strchr(line, '\n') && !feof(parser->file)) {
		refuse(parser, parser->line, "the line is longer than %d bytes", size - 2);
		return NULL;
	}
	if (line[strspn(line, " \t")] == '[') {
		parser->section_line = parser->line;
		if (!strchr(line, ']'))
			refuse(parser, parser->line, "expected \"[section]\", found no closing bracket");
	}
	return line;
}

/* ---- what must be there ---- */

static void finish_server(struct parser *parser, uint32_t index)
{
	struct server_config *server = &parser->config->servers[index];
	int line = parser->server_line[index];
	uint64_t zero[4] = { 0 };
	server->pinned = memcmp(server->pin, zero, sizeof(server->pin)) != 0;
	if (server->profile == PROFILE_PERSISTENT_CHAT && server->database_count == 0) {
		strcpy(server->databases[server->database_count++], "mgc");
		strcpy(server->databases[server->database_count++], "mgccomp");
	}
	if (!server->host[0])
		refuse(parser, line, "[server %s] has no host", server->name);
	else if (!server->ca_file[0] && !server->pinned)
		refuse(parser, line, "[server %s] has neither ca_file nor pin: nothing says which certificate to trust",
			server->name);
	else if (!server->backup.login[0] != !server->backup.password_file[0])
		refuse(
			parser, line, "[server %s] has one of backup_login and backup_password_file, expected both", server->name);
	else if (!server->restore.login[0] != !server->restore.password_file[0])
		refuse(parser, line, "[server %s] has one of restore_login and restore_password_file, expected both",
			server->name);
	else if (!server->backup.login[0])
		refuse(parser, line, "[server %s] has no backup_login", server->name);
	else if (server->database_count == 0)
		refuse(parser, line, "[server %s] names no databases (only the profile persistent-chat knows its own)",
			server->name);
	else if (server->leave_out_volatile && server->profile != PROFILE_PERSISTENT_CHAT)
		refuse(parser, line, "[server %s] has leave_out_volatile, which only the profile persistent-chat knows",
			server->name);
	else if (server->strict && server->legacy_tls)
		refuse(parser, line, "[server %s] has encrypt = strict and legacy_tls: strict needs TLS 1.2", server->name);
}

static void finish_volumes(struct parser *parser)
{
	struct config *config = parser->config;
	bool in_box = parser->seen[0] & 1u << BOX_VOLUME_KEY || config->volume_count == 1;
	for (uint32_t i = 1; i < config->volume_count; i++) {
		const struct volume_config *volume = &config->volumes[i];
		int line = parser->volume_line[i];
		if (!volume->path[0])
			refuse(parser, line, "[volume %s] has no path", volume->name);
		for (uint32_t j = in_box ? 0 : 1; j < i; j++) {
			if (strcmp(config->volumes[j].name, volume->name) == 0)
				refuse(parser, line, "[volume %s] has the name of the volume of [box], expected another", volume->name);
			if (strcmp(config->volumes[j].path, volume->path) == 0)
				refuse(
					parser, line, "[volume %s] has the path of another volume, expected one of its own", volume->name);
		}
	}
	if (in_box)
		return;
	memmove(&config->volumes[0], &config->volumes[1], --config->volume_count * sizeof(config->volumes[0]));
}

int config_read(struct config *config, const char *path, char *message, size_t size)
{
	struct parser parser = { .config = config, .path = path, .message = message, .size = size };
	message[0] = '\0';
	config_defaults(config);
	parser.file = fopen(path, "re");
	if (!parser.file) {
		int error = errno;
		snprintf(message, size, "%s: %s.%s", path, strerror(error),
			error == ENOENT ? " Copy config.example.conf there, and change what is yours." : "");
		return -error;
	}
	int result = ini_parse_stream(read_line, &parser, take_line, &parser);
	if (ferror(parser.file))
		refuse(&parser, parser.line, "the file cannot be read");
	fclose(parser.file);
	if (result != 0)
		refuse(&parser, result > 0 ? result : parser.line, "expected \"key = value\" or \"[section]\"");
	for (uint32_t i = 0; i < config->server_count; i++)
		finish_server(&parser, i);
	finish_volumes(&parser);
	return parser.error;
}

const struct volume_config *config_volume(const struct config *config, const char *name)
{
	for (uint32_t i = 0; i < config->volume_count; i++)
		if (strcmp(config->volumes[i].name, name) == 0)
			return &config->volumes[i];
	return NULL;
}

const struct server_config *config_server(const struct config *config, const char *name)
{
	if (!name[0])
		return config->server_count == 1 ? &config->servers[0] : NULL;
	for (uint32_t i = 0; i < config->server_count; i++)
		if (strcasecmp(config->servers[i].name, name) == 0)
			return &config->servers[i];
	return NULL;
}

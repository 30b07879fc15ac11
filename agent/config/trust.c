/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/config/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mbedtls/sha256.h>

#include "agent/base/small_file.h"

#define FILE_NAME "trust"
#define HEX_SIZE 65
#define FILE_SIZE_MAX 8192

struct trusted {
	char server[SERVER_NAME_SIZE];
	char fingerprint[HEX_SIZE];
	int64_t backup[2], restore[2]; /* ctime of the password files; zeros where there is none */
};

struct trust_file {
	size_t count;
	struct trusted servers[CONFIG_SERVERS_MAX];
};

/* ---- the file: one line a server ---- */

static int parse_line(struct trust_file *file, const char *line)
{
	struct trusted *server = &file->servers[file->count];
	if (file->count == CONFIG_SERVERS_MAX)
		return -EBADMSG;
	int found = sscanf(line, "%63s %64s %" SCNd64 ".%" SCNd64 " %" SCNd64 ".%" SCNd64, server->server,
		server->fingerprint, &server->backup[0], &server->backup[1], &server->restore[0], &server->restore[1]);
	if (found != 6 || strlen(server->fingerprint) != HEX_SIZE - 1)
		return -EBADMSG;
	file->count++;
	return 0;
}

static int load(const char *directory, struct trust_file *file)
{
	char text[FILE_SIZE_MAX];
	memset(file, 0, sizeof(*file));
	int size = small_file_read(directory, FILE_NAME, text, sizeof(text) - 1);
	if (size < 0)
		return size == -ENOENT ? 0 : size;
	text[size] = '\0';
	int result = 0;
	char *rest = text;
	for (char *line = strsep(&rest, "\n"); line && result == 0; line = strsep(&rest, "\n"))
		if (*line)
			result = parse_line(file, line);
	return result;
}

static int store(const char *directory, const struct trust_file *file)
{
	char text[FILE_SIZE_MAX];
	size_t size = 0;
	for (size_t i = 0; i < file->count; i++) {
		const struct trusted *server = &file->servers[i];
		size += (size_t)snprintf(text + size, sizeof(text) - size,
			"%s %s %" PRId64 ".%" PRId64 " %" PRId64 ".%" PRId64 "\n", server->server, server->fingerprint,
			server->backup[0], server->backup[1], server->restore[0], server->restore[1]);
	}
	return small_file_write(directory, FILE_NAME, text, size);
}

/* ---- what a server is ---- */

static void hash_text(mbedtls_sha256_context *sha, const char *text)
{
	mbedtls_sha256_update_ret(sha, (const unsigned char *)text, strlen(text) + 1);
}

/* The authorities count by what they say: another file of the same bytes changes nothing. */
static void hash_file(mbedtls_sha256_context *sha, const char *path)
{
	unsigned char bytes[4096];
	ssize_t got;
	int file = path[0] ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	while (file >= 0 && (got = read(file, bytes, sizeof(bytes))) > 0)
		mbedtls_sha256_update_ret(sha, bytes, (size_t)got);
	if (file >= 0)
		close(file);
}

static void take_fingerprint(const struct server_config *server, char hex[HEX_SIZE])
{
	mbedtls_sha256_context sha;
	uint8_t hash[32];
	char numbers[32];
	mbedtls_sha256_init(&sha);
	mbedtls_sha256_starts_ret(&sha, 0);
	hash_text(&sha, server->host);
	hash_text(&sha, server->instance);
	hash_text(&sha, server->certificate_name);
	snprintf(numbers, sizeof(numbers), "%u %d %d", server->port, server->pinned, server->legacy_tls);
	hash_text(&sha, numbers);
	mbedtls_sha256_update_ret(&sha, server->pin, sizeof(server->pin));
	hash_file(&sha, server->ca_file);
	mbedtls_sha256_finish_ret(&sha, hash);
	mbedtls_sha256_free(&sha);
	for (size_t i = 0; i < sizeof(hash); i++)
		sprintf(hex + 2 * i, "%02x", hash[i]);
}

static void take_change(const struct credential *credential, int64_t change[2])
{
	struct stat stat_file;
	bool found = strchr(credential->password_file, '/') && stat(credential->password_file, &stat_file) == 0;
	change[0] = found ? stat_file.st_ctim.tv_sec : 0;
	change[1] = found ? stat_file.st_ctim.tv_nsec : 0;
}

static void describe(const struct server_config *server, struct trusted *trusted)
{
	snprintf(trusted->server, sizeof(trusted->server), "%s", server->name);
	take_fingerprint(server, trusted->fingerprint);
	take_change(&server->backup, trusted->backup);
	take_change(&server->restore, trusted->restore);
}

/* ---- comparing ---- */

static struct trusted *find(struct trust_file *file, const char *server)
{
	for (size_t i = 0; i < file->count; i++)
		if (strcasecmp(file->servers[i].server, server) == 0)
			return &file->servers[i];
	return NULL;
}

static bool drop(struct credential *credential, const int64_t known[2], const int64_t now[2])
{
	bool same = now[0] == known[0] && now[1] == known[1];
	credential->dropped = credential->password_file[0] && same;
	credential->dropped_change[0] = known[0];
	credential->dropped_change[1] = known[1];
	return credential->dropped;
}

static bool drop_passwords(struct server_config *server, const struct trusted *known, const struct trusted *now)
{
	if (strcmp(known->fingerprint, now->fingerprint) == 0) {
		server->backup.dropped = server->restore.dropped = false;
		return false;
	}
	bool backup = drop(&server->backup, known->backup, now->backup);
	bool restore = drop(&server->restore, known->restore, now->restore);
	return backup || restore;
}

/* A server that is gone from the configuration keeps no place; if it comes back, its passwords are given anew. */
int trust_apply(struct config *config)
{
	struct trust_file old, new = { 0 };
	int result = load(config->state_directory, &old), dropped = 0;
	if (result < 0)
		return result;
	for (uint32_t i = 0; i < config->server_count; i++) {
		struct server_config *server = &config->servers[i];
		struct trusted *known = find(&old, server->name), now;
		describe(server, &now);
		bool refused = known && drop_passwords(server, known, &now);
		dropped += refused;
		new.servers[new.count++] = refused ? *known : now;
	}
	result = store(config->state_directory, &new);
	return result < 0 ? result : dropped;
}

int trust_accept(struct config *config, const char *name)
{
	struct trust_file file;
	struct server_config *server = NULL;
	for (uint32_t i = 0; i < config->server_count; i++)
		if (strcasecmp(config->servers[i].name, name) == 0)
			server = &config->servers[i];
	if (!server)
		return -ENOENT;
	int result = load(config->state_directory, &file);
	if (result < 0)
		return result;
	struct trusted *known = find(&file, server->name);
	if (!known && file.count == CONFIG_SERVERS_MAX)
		return -ENOSPC;
	describe(server, known ? known : &file.servers[file.count++]);
	result = store(config->state_directory, &file);
	if (result == 0)
		server->backup.dropped = server->restore.dropped = false;
	return result;
}

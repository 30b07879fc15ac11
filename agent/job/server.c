/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/job/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config/profile.h"
#include "storage/repository.h"

#define CA_FILE_MAX (1024 * 1024)

/* The whole file as a string, or NULL with errno set. */
static char *read_text(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat stat;
	char *text = NULL;
	ssize_t got = -1;

	if (file < 0)
		return NULL;
	if (fstat(file, &stat) == 0 && stat.st_size <= CA_FILE_MAX)
		text = calloc(1, (size_t)stat.st_size + 1);
	if (text)
		got = read(file, text, (size_t)stat.st_size);
	close(file);
	if (got < 0) {
		free(text);
		return NULL;
	}
	return text;
}

static const char *why_no_password(int error)
{
	switch (error) {
	case -EPERM:
		return "others may read it (chmod 0600)";
	case -EKEYREJECTED:
		return "its password was given for another server: host, instance, port, certificate_name, ca_file, pin or legacy_tls "
			   "has changed since. If that was meant, write the file anew or run coffret trust";
	case -ENODATA:
		return "it is empty";
	default:
		return strerror(-error);
	}
}

static int find_password(
	const struct server_config *server, bool restore, char *password, size_t size, struct sql_error *error)
{
	const struct credential *credential = restore ? &server->restore : &server->backup;
	int result;

	if (!credential->login[0])
		return sql_error_set(error, SQL_ERROR_CONFIGURATION, restore ? "restore_login" : "backup_login",
			"no login is configured for this");
	result = credential_password(credential, password, size);
	if (result < 0)
		return sql_error_set(error, SQL_ERROR_CONFIGURATION, credential->password_file,
			"the password file cannot be used: %s", why_no_password(result));
	return 0;
}

static int find_authorities(const struct server_config *server, char **authorities, struct sql_error *error)
{
	*authorities = NULL;
	if (!server->ca_file[0])
		return 0;
	*authorities = read_text(server->ca_file);
	if (!*authorities)
		return sql_error_set(
			error, SQL_ERROR_CONFIGURATION, server->ca_file, "ca_file cannot be read: %s", strerror(errno));
	return 0;
}

static void fill_login(struct worker_login *login, const struct server_config *server, bool restore)
{
	*login = (struct worker_login){
		.host = server->host,
		.instance = server->instance,
		.port = server->port,
		.certificate_name = server->certificate_name[0] ? server->certificate_name : NULL,
		.strict = server->strict,
		.legacy_tls = server->legacy_tls,
		.restore = restore,
		.login = restore ? server->restore.login : server->backup.login,
		.connect_seconds = server->connect_seconds,
		.login_seconds = server->login_seconds,
		.stall_seconds = server->stall_seconds,
		.catalogue_seconds = server->catalogue_seconds,
		.lock_timeout_ms = server->lock_seconds * 1000,
		.read_kib_per_second = restore ? 0 : server->read_kib_per_second,
	};
	if (server->pinned)
		memcpy(login->pin, server->pin, sizeof login->pin);
}

/* Two databases whose names were cut alike would be one in the store. */
static int check_names(const struct server_config *server, const char *database, struct sql_error *error)
{
	struct snapshot_info info;

	if (strlen(server->name) + 1 + strlen(database) < sizeof info.subject)
		return 0;
	return sql_error_set(error, SQL_ERROR_CONFIGURATION, database,
		"its name and that of its [server] take more than the %zu bytes by which a store knows a database",
		sizeof info.subject - 2);
}

int server_connect(struct worker **worker, const struct server_config *server, const char *database, bool restore,
	const struct worker_watcher *watcher, struct sql_error *error)
{
	struct worker_login login;
	char password[512] = "";
	char *authorities = NULL;
	int result;

	snprintf(error->doing, sizeof error->doing, "connecting to %.100s", server->host);
	result = check_names(server, database, error);
	if (result == 0)
		result = find_authorities(server, &authorities, error);
	if (result == 0)
		result = find_password(server, restore, password, sizeof password, error);
	if (result == 0) {
		fill_login(&login, server, restore);
		login.authorities = authorities;
		login.password = password;
		login.database = database;
		result = worker_start(worker, &login, watcher, error);
	}
	explicit_bzero(password, sizeof password);
	free(authorities);
	return result;
}

size_t server_databases(
	const struct server_config *server, const char *asked, bool restore, const char *databases[CONFIG_DATABASES_MAX])
{
	size_t count = 0;

	bool all = strcmp(asked, SERVER_ALL_DATABASES) == 0;

	if (asked[0] && !all) {
		databases[0] = asked;
		return 1;
	}
	for (uint32_t i = 0; i < server->database_count; i++) {
		const char *why;
		if (restore && !all && !profile_restores_by_default(server->profile, server->databases[i], &why))
			continue;
		databases[count++] = server->databases[i];
	}
	return count;
}

void server_subject(const struct server_config *server, const char *database, char *subject, size_t size)
{
	snprintf(subject, size, "%s/%s", server->name, database);
}

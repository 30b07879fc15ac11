/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a configured server to a worker that is logged in.
 */
#ifndef AGENT_JOB_SERVER_H
#define AGENT_JOB_SERVER_H

#include "agent/config/config.h"
#include "agent/sql/worker.h"

/*
 * Reads the CA file and the password of the backup or restore login, and starts a worker. The password exists only for
 * the time of the call. 0, or a negative errno with *error filled in.
 */
int server_connect(struct worker **worker, const struct server_config *server, const char *database, bool restore,
	const struct worker_watcher *watcher, struct sql_error *error);

#define SERVER_REMEDY_SIZE 512

/*
 * After server_connect could not open a database: looks from master why, and makes *error say it: missing, offline,
 * suspect, a mirror, single-user. It stays as it was where it is about something else, or nobody can tell. `remedy`: what
 * is to be done about that state, where explain.h does not know it; SERVER_REMEDY_SIZE bytes, or NULL.
 */
void server_diagnose(
	const struct server_config *server, const char *database, bool restore, struct sql_error *error, char *remedy);

#define SERVER_ALL_DATABASES "*"

/*
 * The databases of a job: the asked-for one; "": those that the profile gives this kind of job; SERVER_ALL_DATABASES: all
 * that are configured. Returns their number.
 */
size_t server_databases(
	const struct server_config *server, const char *asked, bool restore, const char *databases[CONFIG_DATABASES_MAX]);

/* What snapshots of a database are called in the store: "server/database". */
void server_subject(const struct server_config *server, const char *database, char *subject, size_t size);

#endif

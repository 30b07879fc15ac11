/* SPDX-License-Identifier: Apache-2.0 */
/* A database that cannot be opened: why, as its server tells from master. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/job/server.h"

static bool may_be_state(const struct sql_error *error)
{
	return error->number == 4060 || error->number == 4064 || error->kind == SQL_ERROR_DATABASE_STATE;
}

/* What gets a database to where it can be restored into; a restore needs its tables, whatever is in them. */
static const char *remedy_of_state(const struct preflight_facts *facts)
{
	if (!facts->state[0])
		return "Create it with its tables as they were (coffret show tells; the product's own setup does), then restore; "
			   "there is nothing that consent could overwrite.";
	if (!strcmp(facts->state, "SUSPECT") || !strcmp(facts->state, "RECOVERY_PENDING") ||
		!strcmp(facts->state, "EMERGENCY"))
		return "The server's error log says why. Copy its files away; then bring it ONLINE: from a backup of SQL Server's, or "
			   "ALTER DATABASE ... SET EMERGENCY, SET SINGLE_USER, DBCC CHECKDB (..., REPAIR_ALLOW_DATA_LOSS), SET "
			   "MULTI_USER. What that loses a restore puts back; before, there is nothing that it could write to.";
	return "";
}

static void explain_state(const struct preflight_facts *facts, const char *database, struct sql_error *error)
{
	struct sql_error better = { .kind = SQL_OK };

	memcpy(better.doing, error->doing, sizeof better.doing);
	better.number = error->number;
	if (!facts->state[0])
		sql_error_set(
			&better, SQL_ERROR_DATABASE_STATE, database, "The server shows no database of that name to this login");
	else if (!strcmp(facts->mirroring_role, "MIRROR"))
		sql_error_set(&better, SQL_ERROR_DATABASE_STATE, database,
			"It is a mirror (%.60s); its principal is another server: set host to that", facts->state);
	else if (strcmp(facts->state, "ONLINE") != 0)
		sql_error_set(&better, SQL_ERROR_DATABASE_STATE, database, "It is %.60s, not ONLINE", facts->state);
	else if (!strcmp(facts->user_access, "SINGLE_USER"))
		sql_error_set(&better, SQL_ERROR_DATABASE_STATE, database,
			"It is SINGLE_USER, and another session has its one place: ALTER DATABASE ... SET MULTI_USER, when whoever "
			"restricted it agrees");
	else if (!strcmp(facts->user_access, "RESTRICTED_USER"))
		sql_error_set(
			&better, SQL_ERROR_DATABASE_STATE, database, "It is RESTRICTED_USER, and this login is none of those");
	else
		return; /* the login is what is wrong, as the server said */
	*error = better;
}

void server_diagnose(
	const struct server_config *server, const char *database, bool restore, struct sql_error *error, char *remedy)
{
	const struct worker_watcher watcher = { .arg = NULL };
	struct preflight_facts *facts = calloc(1, sizeof *facts);
	struct sql_error ignored = { .kind = SQL_OK };
	struct worker *worker = NULL;

	if (facts && may_be_state(error) && server_connect(&worker, server, "master", restore, &watcher, &ignored) == 0 &&
		worker_preflight(worker, database, facts, &ignored) == 0) {
		explain_state(facts, database, error);
		if (remedy && error->kind == SQL_ERROR_DATABASE_STATE)
			snprintf(remedy, SERVER_REMEDY_SIZE, "%s", remedy_of_state(facts));
	}
	worker_stop(worker);
	free(facts);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/restore_lock.h"

#include <stdio.h>

#include "agent/sql/catalogue_read.h"

static void find_holder(struct session *session, char *holder, size_t size)
{
	struct sql_error ignored = { .kind = SQL_OK };
	int64_t may;
	bool there;

	snprintf(holder, size, "another session");
	if (catalogue_read_number(
			session, "SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE')", &may, &there, &ignored) < 0 ||
		may != 1)
		return;
	catalogue_read_text(session,
		"SELECT TOP (1) CAST(ISNULL(s.program_name, N'?') + N' on ' + ISNULL(s.host_name, N'?') + N' (login ' + "
		"s.login_name + N')' AS varbinary(800)) FROM sys.dm_tran_locks l JOIN sys.dm_exec_sessions s ON s.session_id = "
		"l.request_session_id WHERE l.resource_type = N'APPLICATION' AND l.resource_database_id = DB_ID() AND "
		"l.request_status = N'GRANT' AND s.session_id <> @@SPID",
		holder, size, &ignored);
	if (!*holder)
		snprintf(holder, size, "another session");
}

int restore_lock_take(struct session *session, const char *database, struct sql_error *error)
{
	static const char take[] =
		"DECLARE @limit int = @@LOCK_TIMEOUT, @answer int, @resource nvarchar(255) = LEFT(N'coffret:' + DB_NAME(), 255); "
		"EXEC @answer = sp_getapplock @Resource = @resource, @LockMode = 'Exclusive', @LockOwner = 'Transaction', "
		"@LockTimeout = @limit; SELECT @answer";
	char holder[240];
	int64_t answer = -1;
	int result;

	snprintf(error->doing, sizeof error->doing, "taking the lock that keeps two restores apart");
	/* LOCK_TIMEOUT alone bounds this wait: it may well be longer than what a query of the catalogue may take. */
	result = catalogue_count(session, take, &answer, error);
	if (result < 0 || answer >= 0)
		return result;
	find_holder(session, holder, sizeof holder);
	return sql_error_set(
		error, SQL_ERROR_BUSY, database, "A restore of the database is under way or being undone by %s", holder);
}

int restore_lock_await(struct session *session, const char *database, struct sql_error *error)
{
	int result = session_execute(session, REQUEST_CATALOGUE, "BEGIN TRANSACTION", NULL, error);
	int ended;

	if (result < 0)
		return result;
	result = restore_lock_take(session, database, error);
	ended = session_execute(session, REQUEST_CHANGE, "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION", NULL, error);
	return result < 0 ? result : ended;
}

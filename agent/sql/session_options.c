/* SPDX-License-Identifier: Apache-2.0 */
/* The SET options that every session begins with, and the proof that they hold. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/sql/session_private.h"

static int set_options(struct session *session, const struct session_options *options, struct sql_error *error)
{
	char sql[900];

	snprintf(sql, sizeof(sql),
		"SET XACT_ABORT ON; SET NOCOUNT ON; SET TEXTSIZE 2147483647; SET ANSI_NULLS ON; "
		"SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; SET ARITHABORT ON; SET CONCAT_NULL_YIELDS_NULL ON; "
		"SET QUOTED_IDENTIFIER ON; SET NUMERIC_ROUNDABORT OFF; SET IMPLICIT_TRANSACTIONS OFF; SET ROWCOUNT 0; "
		"SET CURSOR_CLOSE_ON_COMMIT OFF; SET ANSI_NULL_DFLT_ON ON; SET LOCK_TIMEOUT %d; SET DEADLOCK_PRIORITY %d; "
		"SET TRANSACTION ISOLATION LEVEL READ COMMITTED;",
		options->lock_timeout_ms, options->deadlock_priority);
	return session_execute(session, REQUEST_CATALOGUE, sql, NULL, error);
}

/* @@OPTIONS: 2 IMPLICIT_TRANSACTIONS, 8 ANSI_WARNINGS, 16 ANSI_PADDING, 32 ANSI_NULLS, 64 ARITHABORT,
 * 256 QUOTED_IDENTIFIER, 512 NOCOUNT, 4096 CONCAT_NULL_YIELDS_NULL, 8192 NUMERIC_ROUNDABORT, 16384 XACT_ABORT. */
#define OPTIONS_ON (8 | 16 | 32 | 64 | 256 | 512 | 4096 | 16384)
#define OPTIONS_OFF (2 | 8192)

static int32_t int_value(const struct value *value)
{
	int32_t number = -1;

	if (value->data && value->size == sizeof(number))
		memcpy(&number, value->data, sizeof(number));
	return number;
}

#define EDITION_LAST 4 /* EngineEdition: Standard 2, Enterprise 3, Express 4; what runs in Azure has others */

static int refuse_edition(int32_t edition, struct sql_error *error)
{
	return sql_error_set(error, SQL_ERROR_UNSUPPORTED, NULL,
		"The server is a service of Azure or a kin of SQL Server (EngineEdition %d), whose version number does not tell what "
		"its catalogue has, so rows could be hidden without a word. Supported are SQL Server 2012 to 2022",
		edition);
}

static int check_options(struct session *session, const struct session_options *options, struct sql_error *error)
{
	struct value values[4] = { 0 };
	int result = session_query(session, REQUEST_CATALOGUE,
		"SELECT CAST(@@OPTIONS AS int), CAST(@@TEXTSIZE AS int), CAST(@@LOCK_TIMEOUT AS int), "
		"CAST(SERVERPROPERTY('EngineEdition') AS int)",
		error);

	if (!result)
		result = session_next(session, values, 4, error);
	if (result <= 0)
		return result ? result : sql_error_set(error, SQL_ERROR_PROTOCOL, NULL, "no answer to SELECT @@OPTIONS");

	int32_t set = int_value(&values[0]), text_size = int_value(&values[1]), lock_timeout = int_value(&values[2]);

	if ((set & OPTIONS_ON) != OPTIONS_ON || (set & OPTIONS_OFF) || text_size != INT32_MAX ||
		lock_timeout != options->lock_timeout_ms)
		return sql_error_set(error, SQL_ERROR_SERVER, NULL,
			"the SET options of the session do not hold (@@OPTIONS %d, @@TEXTSIZE %d, @@LOCK_TIMEOUT %d)", set,
			text_size, lock_timeout);
	if (int_value(&values[3]) > EDITION_LAST)
		return refuse_edition(int_value(&values[3]), error);
	return session_next(session, values, 4, error);
}

int session_set_options(struct session *session, const struct session_options *options, struct sql_error *error)
{
	int result = set_options(session, options, error);

	return result ? result : check_options(session, options, error);
}

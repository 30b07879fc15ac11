/* SPDX-License-Identifier: Apache-2.0 */
/* SQL Server's error numbers, as far as they mean something to us: messages are localised, numbers are not. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "agent/sql/session_private.h"

static const struct {
	int number;
	enum sql_error_kind kind;
} kinds[] = {
	{ 229, SQL_ERROR_RIGHTS },                                             /* permission denied on an object */
	{ 230, SQL_ERROR_RIGHTS },                                             /* ... on a column */
	{ 262, SQL_ERROR_RIGHTS },                                             /* ... in a database */
	{ 297, SQL_ERROR_RIGHTS },                                             /* no permission for this action */
	{ 300, SQL_ERROR_RIGHTS },                                             /* VIEW SERVER STATE and the like */
	{ 371, SQL_ERROR_RIGHTS }, { 916, SQL_ERROR_RIGHTS },                  /* no user in the database */
	{ 1088, SQL_ERROR_RIGHTS },                                            /* no such object, or no permission */
	{ 15247, SQL_ERROR_RIGHTS }, { 605, SQL_ERROR_DAMAGED },               /* a page of another allocation unit */
	{ 823, SQL_ERROR_DAMAGED },                                            /* the operating system could not read */
	{ 824, SQL_ERROR_DAMAGED },                                            /* checksum, torn page */
	{ 911, SQL_ERROR_DATABASE_STATE },                                     /* no such database */
	{ 924, SQL_ERROR_DATABASE_STATE },                                     /* single user */
	{ 926, SQL_ERROR_DATABASE_STATE },                                     /* suspect */
	{ 927, SQL_ERROR_DATABASE_STATE },                                     /* restoring */
	{ 942, SQL_ERROR_DATABASE_STATE },                                     /* offline */
	{ 945, SQL_ERROR_DATABASE_STATE },                                     /* inaccessible files */
	{ 952, SQL_ERROR_DATABASE_STATE },                                     /* in transition */
	{ 954, SQL_ERROR_DATABASE_STATE },                                     /* mirror */
	{ 976, SQL_ERROR_DATABASE_STATE },                                     /* secondary */
	{ 978, SQL_ERROR_DATABASE_STATE },                                     /* secondary for read intent only */
	{ 983, SQL_ERROR_DATABASE_STATE }, { 3906, SQL_ERROR_DATABASE_STATE }, /* read-only */
	{ 1205, SQL_ERROR_RETRY },                                             /* deadlock */
	{ 1222, SQL_ERROR_RETRY },                                             /* lock timeout */
	{ 3960, SQL_ERROR_RETRY },                                             /* snapshot update conflict */
	{ 3961, SQL_ERROR_RETRY },                                             /* changed by DDL since the snapshot */
	{ 3952, SQL_ERROR_CONSISTENCY },                                       /* snapshot isolation is not allowed */
	{ 4060, SQL_ERROR_LOGIN },                                             /* cannot open the database */
	{ 4064, SQL_ERROR_LOGIN },                                             /* cannot open the default database */
	{ 18450, SQL_ERROR_LOGIN }, { 18451, SQL_ERROR_LOGIN }, { 18452, SQL_ERROR_LOGIN }, /* untrusted domain */
	{ 18456, SQL_ERROR_LOGIN },                                                         /* wrong login or password */
	{ 18461, SQL_ERROR_LOGIN },                                                         /* single-user mode */
	{ 18470, SQL_ERROR_LOGIN },                                                         /* disabled */
	{ 18486, SQL_ERROR_LOGIN },                                                         /* locked out */
	{ 18487, SQL_ERROR_LOGIN },                                                         /* password expired */
	{ 18488, SQL_ERROR_LOGIN },                                                         /* password must be changed */
};

enum sql_error_kind session_kind_of(int number)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].number == number)
			return kinds[i].kind;
	return SQL_ERROR_SERVER;
}

void session_copy_error(struct sql_error *error, const struct sql_error *found)
{
	char doing[sizeof(error->doing)];

	if (!error || error->kind != SQL_OK)
		return;
	memcpy(doing, error->doing, sizeof(doing));
	*error = *found;
	memcpy(error->doing, doing, sizeof(doing));
}

void session_hear(struct session *session, int number, int state, int severity, const char *text)
{
	struct sql_error *message = &session->message;
	enum sql_error_kind kind = session_kind_of(number);

	if (session->logging_in && kind == SQL_ERROR_SERVER)
		kind = SQL_ERROR_LOGIN;
	/* The first error counts, but that the database is damaged must not be lost behind another. */
	if (message->kind != SQL_OK && (kind != SQL_ERROR_DAMAGED || message->kind == kind))
		return;
	memset(message, 0, sizeof(*message));
	message->kind = kind;
	message->number = number;
	message->state = (uint8_t)state;
	message->severity = (uint8_t)severity;
	snprintf(message->detail, sizeof(message->detail), "%s", text);
}

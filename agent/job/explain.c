/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/job/explain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* In a remedy, %s is the server's host. */
struct explanation {
	const char *why;
	const char *remedy;
};

static const struct explanation explanations[] = {
	[SQL_ERROR_RESOLVE] = { "the name has no address",
		"Check host in the configuration and the DNS of the box; an address works too, with certificate_name set." },
	[SQL_ERROR_CONNECT] = { "no connection",
		"On %s: enable TCP/IP in SQL Server Configuration Manager, give the instance a fixed port, open it in the "
		"firewall, and see that the service runs." },
	[SQL_ERROR_BROWSER] = { "SQL Browser does not know the instance",
		"Start the SQL Server Browser service on %s and open UDP 1434, or set port in the configuration." },
	[SQL_ERROR_NO_ENCRYPTION] = { "the server does not offer encryption; nothing was sent",
		"Give the SQL Server on %s a certificate (server.md of the documentation). Coffret never sends "
		"anything in clear." },
	[SQL_ERROR_TLS] = { "no encrypted connection could be agreed on",
		"Look at the server's certificate and TLS settings; coffret check shows the step." },
	[SQL_ERROR_TLS_OLD] = { "the server offers only TLS 1.0 or 1.1",
		"Install the update that brings TLS 1.2 (KB 3135244: SQL Server 2012 SP3 CU1, 2014 SP1 CU5, 2008 R2 SP3 "
		"10.50.6542; later versions have it), or set legacy_tls = yes for this server if you accept the risk." },
	[SQL_ERROR_CERTIFICATE] = { "the server's certificate is not to be trusted",
		"If nobody changed the server's certificate, somebody may stand in between: find out first. Then set ca_file to "
		"the CA that issued it, or pin to its SHA-256. SQL Server's own fallback certificate changes at every start: "
		"install a real one." },
	[SQL_ERROR_NAME] = { "the certificate is for another name",
		"Set certificate_name to the name in the certificate if that is the right server; if not, somebody may stand "
		"in between." },
	[SQL_ERROR_PIN] = { "this is not the certificate that was pinned",
		"If the certificate was renewed on purpose, set pin to the new fingerprint; if not, do not connect and find "
		"out why." },
	[SQL_ERROR_REDIRECT] = { "the server sent us to another server",
		"Put that server's own name into the configuration if it is the right one." },
	[SQL_ERROR_LOGIN] = { "the server refused the login",
		"Check login, password file and that the login may use the database; SQL logins need mixed mode." },
	[SQL_ERROR_PROTOCOL] = { "what came is not what SQL Server sends",
		"Is this port really SQL Server's? Try coffret check." },
	[SQL_ERROR_LOST] = { "the connection broke", "See whether the server or the network went away; try again." },
	[SQL_ERROR_STALLED] = { "the server began to answer and stopped", "See whether %s is overloaded; try again." },
	[SQL_ERROR_TIMEOUT] = { "the server did not answer in time",
		"See whether %s is overloaded or blocked; try again." },
	[SQL_ERROR_SERVER] = { "SQL Server reported an error", "" },
	[SQL_ERROR_RETRY] = { "SQL Server asks to try again", "Try again when less is going on in the database." },
	[SQL_ERROR_DAMAGED] = { "the database is physically damaged",
		"Run DBCC CHECKDB on it now. Older snapshots are kept locked until you unlock them." },
	[SQL_ERROR_RIGHTS] = { "the login may not see or do this",
		"Grant this login the rights of logins.sql (server.md of the documentation); coffret check names each that is missing." },
	[SQL_ERROR_UNSUPPORTED] = { "this cannot be kept or replaced", "See the README, \"What it does not do yet\"." },
	[SQL_ERROR_CONSISTENCY] = { "the database does not allow snapshot isolation",
		"Have the DBA run once: ALTER DATABASE [%d] SET ALLOW_SNAPSHOT_ISOLATION ON; or set consistency = lock." },
	[SQL_ERROR_ROW_TOO_LARGE] = { "a row is larger than this box can hold",
		"SQL Server is not known to make such rows: report how the table is made." },
	[SQL_ERROR_MEMORY] = { "the worker reached its memory limit",
		"Raise AGENT_SQL_WORKER_MEMORY_MIB (make menuconfig)." },
	[SQL_ERROR_DIFFERS] = { "read back, it is not what was written; everything was rolled back",
		"The database is as it was. Look for triggers or jobs that changed rows meanwhile, then try again." },
	[SQL_ERROR_SCHEMA] = { "missing on the server, or of another shape than in the snapshot",
		"Create it as it was (coffret show tells), or restore a snapshot of the present schema." },
	[SQL_ERROR_CANCELLED] = { "cancelled", "" },
	[SQL_ERROR_UNKNOWN_OUTCOME] = { "no answer came to COMMIT: it is not known yet whether it happened",
		"Coffret looks as soon as the server answers; coffret status tells." },
	[SQL_ERROR_WORKER] = { "the process that talks to the server ended",
		"Try again; if it happens again, keep the log and report it." },
	[SQL_ERROR_SNAPSHOT] = { "the snapshot is damaged", "Restore another one: coffret list shows which are whole." },
	[SQL_ERROR_DATABASE_STATE] = { "the database cannot be used as it is now",
		"It must exist, be ONLINE and, for a restore, writable and no mirror or secondary." },
	[SQL_ERROR_CONFIGURATION] = { "the box is not set up for this",
		"Mend that first; nothing was sent to the server." },
	[SQL_ERROR_ROOM] = { "there is too little room on the server",
		"Give the files that are named more room, then try again." },
	[SQL_ERROR_BUSY] = { "somebody else is using it",
		"Wait for the other box or end the sessions that are named, then try again." },
};

/* What SQL Server says by number, where more can be advised than for any error. */
static const struct {
	int32_t number;
	const char *remedy;
} numbered[] = {
	{ 547,
		"A constraint that is enabled on the server forbids rows of the snapshot; its name is in the message. Restore a "
		"snapshot that fits it, or disable it first (ALTER TABLE ... NOCHECK CONSTRAINT ...)." },
	{ 1101, "Let a file of the filegroup that is named grow, or add one; nothing was changed." },
	{ 1105, "Let a file of the filegroup that is named grow, or add one; nothing was changed." },
	{ 1827,
		"Express ends at 10 240 MB of data files: delete in the database what is not needed; nothing was changed." },
	{ 3958, "tempdb is full: let it grow." },
	{ 3966, "tempdb is full: let it grow." },
	{ 8653, "A filegroup of it is not online: bring it online, or restore its file with SQL Server." },
	{ 8655, "Its clustered index is disabled, so that nobody can read it: ALTER INDEX ... ON ... REBUILD." },
	{ 9002,
		"Back the log up if it waits for that (coffret check tells), or let it grow: ALTER DATABASE ... MODIFY FILE; "
		"nothing was changed." },
};

static const char *remedy_of_number(int32_t number, const char *otherwise)
{
	for (size_t i = 0; i < sizeof numbered / sizeof numbered[0]; i++)
		if (numbered[i].number == number)
			return numbered[i].remedy;
	return otherwise;
}

/* Copies the remedy with %s as the host and %d as the database. */
static void fill_in(char *out, size_t size, const char *remedy, const char *host, const char *database)
{
	size_t at = 0;

	for (; *remedy && at + 1 < size; remedy++) {
		const char *insert = remedy[0] == '%' && remedy[1] == 's' ? host
			: remedy[0] == '%' && remedy[1] == 'd'                ? database
																  : NULL;
		if (!insert) {
			out[at++] = *remedy;
			continue;
		}
		at += (size_t)snprintf(out + at, size - at, "%s", insert);
		if (at >= size)
			at = size - 1;
		remedy++;
	}
	out[at] = '\0';
}

/* What is wrong with it names it already. */
static bool is_certificate(enum sql_error_kind kind)
{
	return kind == SQL_ERROR_CERTIFICATE || kind == SQL_ERROR_NAME || kind == SQL_ERROR_PIN;
}

void explain_sql_error(const struct sql_error *error, const struct server_config *server, char *sentence,
	size_t sentence_size, char *remedy, size_t remedy_size)
{
	size_t count = sizeof explanations / sizeof explanations[0];
	const struct explanation *known = (size_t)error->kind < count && explanations[error->kind].why
		? &explanations[error->kind]
		: &(struct explanation){ "it failed", "" };
	const char *said = error->object[0] == '[' ? error->doing : is_certificate(error->kind) ? error->detail : "";
	const char *object = strstr(said, error->object) ? "" : error->object;
	const char *detail = strcmp(error->detail, known->why) == 0 ? "" : error->detail; /* "cancelled" */
	char number[32] = "";

	if (error->number)
		snprintf(number, sizeof number, " (message %d)", (int)error->number);
	snprintf(sentence, sentence_size, "%s%s%s%s%s%s%s%s%s", error->doing, error->doing[0] ? ": " : "", object,
		object[0] ? ": " : "", known->why, number, detail[0] ? ": " : "", detail, detail[0] ? "" : ".");
	fill_in(remedy, remedy_size, remedy_of_number(error->number, known->remedy), server ? server->host : "the server",
		error->object[0] ? error->object : "database");
}

static struct explanation explain_errno(int error)
{
	switch (error) {
	case -ENOSPC:
		return (struct explanation){
			"the volume is full",
			"coffret list shows what there is, coffret remove ID makes room; or use a larger volume. What was there before is untouched."
		};
	case -EBADMSG:
		return (struct explanation){ "what was read from the volume is damaged",
			"Run coffret verify --data: it names what is hit and what is whole." };
	case -EROFS:
		return (struct explanation){
			"the volume can only be read",
			"coffret status says why. Another box's store is taken over with coffret take-over; a snapshot on it can be restored by its id."
		};
	case -EXDEV:
		return (struct explanation){
			"its store has a key of its own, not that of the one that has the snapshot, and nothing was copied",
			"Restore it from where it is, by its id. To have copies on that disk, name an empty directory of it in coffret.conf, restart coffretd, and coffret attach it: stores that are made so copy between each other."
		};
	case -EMEDIUMTYPE:
		return (struct explanation){
			"the volume cannot promise that what it keeps survives a power cut (FAT, a network mount or memory), and holds copies only",
			"Name a volume on a file system of the box's own (ext4, xfs, btrfs, flash) before it; or say accept_risk = yes."
		};
	case -ENODEV:
		return (struct explanation){ "the volume is gone", "Attach it again; then ask for the job again." };
	case -EIO:
		return (struct explanation){ "the volume cannot be read or written: its disk was pulled, or fails",
			"Attach it again; coffret verify --data shows whether it is whole." };
	case -ENOENT:
		return (struct explanation){ "there is no such snapshot", "coffret list shows what there is." };
	case -ENOMEM:
		return (struct explanation){ "there is not enough memory", "Nothing was changed; try again." };
	case -ECANCELED:
		return (struct explanation){ "cancelled", "" };
	default:
		return (struct explanation){ strerror(-error), "Look at the volume: coffret status." };
	}
}

void explain_storage_error(
	int error, const char *doing, char *sentence, size_t sentence_size, char *remedy, size_t remedy_size)
{
	struct explanation known = explain_errno(error);

	snprintf(sentence, sentence_size, "%s: %s.", doing, known.why);
	snprintf(remedy, remedy_size, "%s", known.remedy);
}

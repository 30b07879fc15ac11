/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Persistent Chat as Microsoft documents its schema (Lync Server 2013, Skype for Business Server 2015): 27 tables in
 * mgc, 4 in mgccomp. Only what the chat service makes anew by itself is volatile, and nothing that a kept table's
 * foreign key refers to.
 */
#include "agent/config/profile.h"

#include <string.h>
#include <strings.h>

struct volatile_table {
	const char *name, *reason, *dangles;
};

/*
 * tblServerIdentity, tblSystemRevision and tblConfig stay: servers compare the revision, the configuration holds the
 * pool's id, and compliance data name servers by their identity. tblLastChatId and tblLastInviteId stay: numbers would
 * be given twice. tblADCookie stays with tblPrincipal: an old cookie against new principals, or the other way round,
 * would make the next directory synchronisation miss changes.
 */
static const struct volatile_table mgc_volatile[] = {
	{ "dbo.tblFileToken", "tokens of uploads and downloads, good for thirty minutes",
		"transfers that were under way must be begun again; pinned tokens of the compliance adapter are lost" },
	{ "dbo.tblAdminLock", "the lock of whoever administers rooms at this moment", "" },
	{ "dbo.tblActivePeers", "which chat servers are connected to each other; made anew at their start", "" },
	{ "dbo.tblADUpdates", "changes from Active Directory that wait to be applied",
		"they are found again when principals are next refreshed" },
	{ "dbo.tblPrincipalMemberDifference", "group members that wait to be added or removed",
		"they are found again when principals are next refreshed" },
	{ "dbo.tblPrincipalMeta", "which principals wait to be refreshed from Active Directory",
		"principals that were marked keep their state until they are marked again" },
	{ "dbo.tblSkippedAffiliations", "affiliations that could not be read; for information only", "" },
};

static const struct volatile_table *volatile_tables(enum profile profile, const char *database, size_t *count)
{
	*count = 0;
	if (profile != PROFILE_PERSISTENT_CHAT || strcasecmp(database, "mgc") != 0)
		return NULL;
	*count = sizeof mgc_volatile / sizeof mgc_volatile[0];
	return mgc_volatile;
}

bool profile_restores_by_default(enum profile profile, const char *database, const char **why)
{
	*why = "";
	if (profile != PROFILE_PERSISTENT_CHAT || strcasecmp(database, "mgccomp") != 0)
		return true;
	*why = "mgccomp holds events on their way to the compliance adapter: putting them back can make it report events a "
		   "second time, so it is restored only when it is asked for by name";
	return false;
}

size_t profile_volatile(enum profile profile, const char *database, const char *tables[PROFILE_VOLATILE_MAX])
{
	size_t count;
	const struct volatile_table *list = volatile_tables(profile, database, &count);

	for (size_t i = 0; i < count; i++)
		tables[i] = list[i].name;
	return count;
}

static const struct volatile_table *find(enum profile profile, const char *database, const char *table)
{
	size_t count;
	const struct volatile_table *list = volatile_tables(profile, database, &count);

	for (size_t i = 0; i < count; i++)
		if (!strcasecmp(list[i].name, table) || !strcasecmp(list[i].name + strlen("dbo."), table))
			return &list[i];
	return NULL;
}

const char *profile_volatile_reason(enum profile profile, const char *database, const char *table)
{
	const struct volatile_table *found = find(profile, database, table);

	return found ? found->reason : NULL;
}

const char *profile_volatile_dangles(enum profile profile, const char *database, const char *table)
{
	const struct volatile_table *found = find(profile, database, table);

	return found ? found->dangles : NULL;
}

const char *profile_stop_command(enum profile profile)
{
	return profile == PROFILE_PERSISTENT_CHAT
		? "Stop the chat service on each Persistent Chat server: Stop-CsWindowsService RTCCHAT."
		: "Stop the services that use the database, and close what people have open in it.";
}

const char *const *profile_next_steps(enum profile profile, const char *database)
{
	static const char *const none[] = { NULL };
	static const char *const mgc[] = {
		"Restart the Persistent Chat service on every chat server (Stop- and Start-CsWindowsService): they keep rooms and "
		"principals in memory.",
		"Let principals be refreshed from Active Directory: what was restored is as old as the snapshot.",
		"Check with Test-CsPersistentChatMessage, and look into a room that was lost.",
		"Uploaded files are not in the database: put the file store back to the same age.",
		NULL,
	};
	static const char *const mgccomp[] = {
		"Restart the Persistent Chat services on every chat server, the compliance service with them (Get-CsWindowsService "
		"names them).",
		"Look through the adapter's next output for events that it has reported before.",
		NULL,
	};

	if (profile != PROFILE_PERSISTENT_CHAT)
		return none;
	return !strcasecmp(database, "mgc") ? mgc : !strcasecmp(database, "mgccomp") ? mgccomp : none;
}

const char *profile_next_step(enum profile profile, const char *database)
{
	const char *const *steps = profile_next_steps(profile, database);

	return steps[0] ? steps[0] : "";
}

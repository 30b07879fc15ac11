/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/command.h"

#include <stdio.h>
#include <string.h>

#define COMMON                                                                        \
	"  -c, --config FILE   read FILE instead of /etc/coffret/coffret.conf\n"          \
	"      --socket PATH   where the daemon listens\n"                                \
	"      --standalone    do it in this process, without a daemon\n"                 \
	"      --json          JSON: a document, or one object a line while a job runs\n" \
	"  -h, --help          this text\n"
#define WAIT "      --no-wait       return when the job is queued; coffret jobs shows how it goes\n"
#define EXITS                                                                                               \
	"\nExit code: 0 done, 1 failed, 2 wrong usage, 3 daemon not reached, 4 cancelled, 5 outcome unknown,\n" \
	"6 damage found in a snapshot or the audit log, 7 busy.\n"

const struct command commands[] = {
	{
		"backup",
		"Target",
		false,
		TAKES_WAIT,
		NULL,
		"backup [SERVER | DATABASE | SERVER/DATABASE]",
		"back up databases now",
		"Backs up all configured databases, those of one server, or one. Nothing is changed on the server. The backup\n"
		"exists when this says so, and not before.\n\n" WAIT,
	},
	{
		"restore",
		"Target",
		false,
		TAKES_WAIT | TAKES_SNAPSHOT | TAKES_RESTORE | TAKES_YES | TAKES_WHAT_IF,
		NULL,
		"restore [DATABASE | SERVER/DATABASE | SERVER/*]",
		"put a database back as it was",
		"Puts back the newest good backup, or the one that --snapshot names: whole or not at all, proved by reading it\n"
		"back before it counts. The state before is kept first, and `coffret undo` returns to it. SERVER/* is each of\n"
		"the server's configured databases, one after the other, each by itself whole or not at all.\n\n"
		"  -s, --snapshot ID   the backup to restore; the first digits will do\n"
		"      --what-if       say what would change, change nothing\n"
		"      --with-users-connected   although other sessions are in the database\n"
		"      --without-safety         without keeping the present state, where that cannot be done: it is then lost\n"
		"  -y, --yes           do not ask on a terminal\n" WAIT,
	},
	{
		"undo",
		"Target",
		false,
		TAKES_WAIT | TAKES_SNAPSHOT | TAKES_RESTORE | TAKES_YES | TAKES_WHAT_IF,
		NULL,
		"undo [DATABASE | SERVER/DATABASE | SERVER/*]",
		"return to the state before the last restore",
		"Restores the safety snapshot that the last restore made. It can itself be undone.\n\n"
		"  -s, --snapshot ID   another safety snapshot\n"
		"      --what-if       say what would change, change nothing\n"
		"      --with-users-connected   although other sessions are in the database\n"
		"      --without-safety         without keeping the present state, where that cannot be done: it is then lost\n"
		"  -y, --yes           do not ask on a terminal\n" WAIT,
	},
	{
		"list",
		"Target",
		false,
		0,
		"snapshots",
		"list [SERVER | DATABASE | SERVER/DATABASE]",
		"list the snapshots, newest last",
		"size: rows as they are kept, before compression. added: what the snapshot added to the volume. ratio: one by the\n"
		"other. verified: its new bytes were read back when it was made and the others in the last scrub_days, or coffret verify\n"
		"--data found it whole. DAMAGED: a part of it could not be read; the next backup may heal it, verify --data tells.\n"
		"stays: why retention keeps it. newest: the newest good or verified one; within: younger than keep_within; last,\n"
		"daily, weekly, monthly: the newest of its period; nothing: the next backup or coffret prune removes it. at risk: only\n"
		"a volume has it that cannot promise to keep it through a power cut.\n\n",
	},
	{ "show", "Snapshot", true, 0, "tables", "show ID", "show what is in a snapshot",
		"The first digits of the id will do.\n\n" },
	{
		"verify",
		"Snapshot",
		false,
		TAKES_WAIT | TAKES_DATA,
		NULL,
		"verify [ID]",
		"check snapshots on the volume",
		"Walks one snapshot, or all, and names the tables that damage reaches and the snapshots that are still whole.\n\n"
		"      --data          read every byte, not only the structure\n" WAIT,
	},
	{
		"pin",
		"Snapshot",
		true,
		TAKES_WAIT,
		NULL,
		"pin ID",
		"keep a snapshot until coffret unpin",
		"A pinned snapshot is never removed, not by hand and not by the box.\n\n" WAIT,
	},
	{
		"unpin",
		"Snapshot",
		true,
		TAKES_WAIT,
		NULL,
		"unpin ID",
		"let go of a snapshot that is pinned or locked",
		"It is then kept or not like any other. The box locks the backups of a database that it found damaged on its\n"
		"server: look at that first.\n\n" WAIT,
	},
	{
		"remove",
		"Snapshot",
		true,
		TAKES_WAIT | TAKES_YES | TAKES_FROM,
		NULL,
		"remove ID [--from VOLUME]",
		"remove a snapshot for good",
		"Refused for one that is pinned or locked, and for the last good backup of a database. What no other snapshot\n"
		"needs of it is free afterwards. Works on a full volume, too.\n\n"
		"      --from VOLUME   only there; else from every volume that has it\n"
		"  -y, --yes           do not ask on a terminal\n" WAIT,
	},
	{
		"copy",
		"Snapshot",
		true,
		TAKES_WAIT | TAKES_TO,
		NULL,
		"copy ID [--to VOLUME]",
		"bring a snapshot to another volume",
		"Only what is not there is written; what is there is read and checked first. The copy has the same id, and is there\n"
		"when this says so, and not before. Where the volume has it already, what is damaged of it is written anew.\n\n"
		"      --to VOLUME     as it is called in coffret.conf; else the first that has not got it\n" WAIT,
	},
	{
		"accept",
		"Snapshot",
		true,
		TAKES_WAIT,
		NULL,
		"accept ID",
		"say that a suspect backup is as it should be",
		"A backup that departs from the one before it is SUSPECT: many rows gone, most of it new, not to be compressed, or\n"
		"another database under the same name. It is never restored unasked, and no older backup goes, until this. It speaks\n"
		"for the suspect ones before it, too.\n\n" WAIT,
	},
	{
		"prune",
		NULL,
		false,
		TAKES_WAIT | TAKES_WHAT_IF,
		NULL,
		"prune [--what-if]",
		"remove the snapshots that retention no longer keeps",
		"As it happens after every good backup: by the counts in [retention] of coffret.conf, in box days. Each removal is\n"
		"in the audit log. coffret list says why each of the others stays.\n\n"
		"      --what-if       say what would go, remove nothing\n" WAIT,
	},
	{
		"clean",
		NULL,
		false,
		TAKES_WAIT,
		NULL,
		"clean",
		"give back the space of snapshots that are gone",
		"What is still needed of segments that are mostly not is copied first. Happens by itself, a little each day; this\n"
		"does all of it now, and stops as soon as another job comes.\n\n" WAIT,
	},
	{ "status", NULL, false, 0, "databases", "status", "show what the box is doing, and whether all is well", "" },
	{
		"jobs",
		NULL,
		false,
		TAKES_AUDIT,
		"jobs",
		"jobs",
		"list jobs: ended, running, waiting",
		"      --audit         also check the audit log, and show its newest chain value\n",
	},
	{ "follow", "Job", true, 0, NULL, "follow JOB", "watch a job until it ends", "" },
	{
		"cancel",
		"Job",
		false,
		0,
		"",
		"cancel [JOB]",
		"stop what runs, or a job that waits",
		"Answers at once; the job is over when the server has undone what was begun. Refused once COMMIT was sent.\n\n",
	},
	{
		"check",
		"Target",
		false,
		0,
		"findings",
		"check [SERVER | SERVER/DATABASE]",
		"try every step to a server",
		"Name, port, instance, TLS, certificate, login, each right, isolation, space: one line each, and for each failure\n"
		"what to do. Changes nothing.\n\n",
	},
	{
		"attach",
		"Volume",
		true,
		0,
		"",
		"attach VOLUME",
		"make a store on a new volume",
		"On an empty directory of a mounted disk, or an empty flash, that a [volume NAME] section of coffret.conf names. The\n"
		"key file and the recovery key of the other volumes open it, too. A disk that has a store is taken in by itself.\n\n",
	},
	{
		"take-over",
		"Volume",
		true,
		TAKES_KEY,
		"",
		"take-over VOLUME [--passphrase]",
		"make another box's store this one's",
		"From then on this box writes it, and no other; the key file of the box before opens it no more. Asks for the\n"
		"recovery key, or reads it from standard input. Snapshots of the box before stay, as foreign ones: never restored\n"
		"unasked, but by their ids.\n\n"
		"      --passphrase    ask for its passphrase instead\n",
	},
	{
		"passphrase",
		"Volume",
		false,
		TAKES_CHECK | TAKES_REMOVE | TAKES_YES,
		"",
		"passphrase [VOLUME] [--check | --remove]",
		"set a passphrase that opens the stores",
		"Beside the key file and the recovery key, for whoever has the disk and not the box. Asks for it twice, or reads one\n"
		"line of standard input; the one before opens nothing any more. At least 12 characters. For all stores of this box,\n"
		"or that of one volume. Only for root.\n\n"
		"      --check         try one: which volumes does it open?\n"
		"      --remove        no passphrase opens them any more\n"
		"  -y, --yes           do not ask on a terminal before one is removed\n",
	},
	{
		"recovery-key",
		"Volume",
		false,
		TAKES_CHECK | TAKES_RENEW | TAKES_YES,
		"",
		"recovery-key --renew | --confirm | --check [VOLUME]",
		"make a new recovery key, or try one",
		"A new one is shown once, and opens the stores beside the old one. When you have typed its end, to show that it is\n"
		"written down, the old one opens nothing any more; without that both do. For all stores of this box, or that of one\n"
		"volume: the others then keep theirs. Only for root.\n\n"
		"      --renew         make a new one and show it\n"
		"      --confirm       the one on standard input is written down: it stays, all others end\n"
		"      --check         try one: which volumes does it open?\n"
		"  -y, --yes           do not ask on a terminal before a new one is made\n",
	},
	{
		"trust",
		"Target",
		true,
		0,
		"",
		"trust SERVER",
		"use a server's passwords again after it was changed",
		"When host, instance, port, name, CA or pin of a server change in coffret.conf, its passwords are not used until\n"
		"the password files are written anew, or this says that the change was meant.\n\n",
	},
	{
		"count-time",
		NULL,
		false,
		0,
		"",
		"count-time",
		"have somebody confirm that the box was off for long",
		"Retention counts box days: time that the box was on, and of each time that it was off at most 30 days, since a clock\n"
		"may be wrong. If it was really off for longer, this asks the panel: somebody there has to HOLD the button, and HOLD it\n"
		"again, within ten minutes. Without it more is kept, and nothing is lost.\n\n",
	},
#ifdef CONFIG_HAL_SIM
	{
		"press",
		"Button",
		false,
		TAKES_HOLD,
		"",
		"press BUTTON | press --state",
		"press a button of the simulated front panel",
		"Only on the simulated board: no other path than a finger may count as presence.\n\n"
		"      --hold TIME     hold it so long: 5s, 800ms\n"
		"      --state         only show lights, text and button\n",
	},
#endif
};
const size_t command_count = sizeof(commands) / sizeof(commands[0]);

static const struct {
	const char *name, *examples;
} examples[] = {
	{ "backup",
		"  coffret backup                  all databases of all servers\n"
		"  coffret backup sql1/mgc         one database\n"
		"  coffret backup --no-wait        return at once\n" },
	{ "restore",
		"  coffret restore mgc --what-if   what would change?\n"
		"  coffret restore mgc             the newest good backup\n"
		"  coffret restore --snapshot 5f0c one that coffret list shows\n" },
	{ "undo", "  coffret undo mgc\n" },
	{ "list",
		"  coffret list\n  coffret list mgc\n  coffret list --json | jq -r '.snapshots[] | select(.verified) | .id'\n" },
	{ "show", "  coffret show 5f0c\n" },
	{ "verify",
		"  coffret verify                  the structure of all snapshots\n"
		"  coffret verify 5f0c --data      every byte of one\n" },
	{ "pin", "  coffret pin 5f0c\n" },
	{ "unpin", "  coffret unpin 5f0c\n" },
	{ "remove", "  coffret remove 5f0c\n" },
	{ "accept", "  coffret accept 5f0c\n" },
	{ "copy", "  coffret copy 5f0c --to disk\n  coffret copy 5f0c --to store    and back\n" },
	{ "attach", "  coffret attach disk\n" },
	{ "take-over", "  coffret take-over disk\n  coffret take-over disk --passphrase\n" },
	{ "passphrase",
		"  coffret passphrase                    asks twice\n"
		"  coffret passphrase < FILE             its first line; never on the command line\n"
		"  coffret passphrase --check\n"
		"  coffret passphrase --remove\n" },
	{ "recovery-key",
		"  coffret recovery-key --check          is what I wrote down still good?\n"
		"  coffret recovery-key --renew          on a terminal: shows it, asks for its end, ends the old one\n"
		"  coffret recovery-key --renew --json | jq -r .recovery_key > FILE   in a script; and when FILE is safe:\n"
		"  coffret recovery-key --confirm < FILE\n" },
	{ "prune", "  coffret prune --what-if\n  coffret prune\n" },
	{ "clean", "  coffret clean\n" },
	{ "status", "  coffret status\n" },
	{ "jobs", "  coffret jobs\n  coffret jobs --audit\n" },
	{ "follow", "  coffret follow 12\n" },
	{ "cancel", "  coffret cancel                  what runs\n  coffret cancel 12               job 12\n" },
	{ "check", "  coffret check\n  coffret check sql1\n  coffret check sql1/mgc --standalone\n" },
	{ "trust", "  coffret trust sql1\n" },
	{ "count-time", "  coffret count-time\n" },
	{ "press", "  coffret press restore --hold 5s\n  coffret press --state\n" },
};

static void print_examples(const char *name)
{
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
		if (strcmp(examples[i].name, name) == 0)
			printf("\nExamples:\n%s", examples[i].examples);
}

void help_print(const struct command *command)
{
	if (command) {
		printf("Usage: coffret %s\n%c%s.\n\n%s" COMMON, command->usage, command->summary[0] - 32, command->summary + 1,
			command->help);
		print_examples(command->name);
		fputs(EXITS, stdout);
		return;
	}
	fputs("Usage: coffret COMMAND [OPTIONS]\nBack up, list, check and restore SQL Server databases with the box.\n\n",
		stdout);
	for (size_t i = 0; i < command_count; i++)
		printf("  %-12s %s\n", commands[i].name, commands[i].summary);
	fputs("\ncoffret COMMAND --help says more, with examples.\n\n" COMMON "  -V, --version       the version\n" EXITS,
		stdout);
}

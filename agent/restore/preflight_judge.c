/* SPDX-License-Identifier: Apache-2.0 */
/* What refuses a restore, and what is said beside it. Room has a file of its own. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/config/profile.h"
#include "agent/restore/preflight.h"
#include "agent/sql/next_value.h"
#include "agent/sql/statement.h"

/* ---- telling ---- */

/* One more than fits shares the last place: something is always said, and a refusal never lost. */
static struct preflight_verdict *next_verdict(struct preflight_judgement *judgement, enum preflight_grade grade)
{
	struct preflight_verdict *last = &judgement->verdicts[PREFLIGHT_VERDICTS_MAX - 1];
	struct preflight_verdict *verdict =
		judgement->count < PREFLIGHT_VERDICTS_MAX ? &judgement->verdicts[judgement->count++] : last;

	if (verdict->grade == PREFLIGHT_REFUSES && grade != PREFLIGHT_REFUSES)
		grade = PREFLIGHT_REFUSES;
	*verdict = (struct preflight_verdict){ .topic = judgement->topic, .grade = grade, .kind = verdict->kind };
	return verdict;
}

void preflight_tell(struct preflight_judgement *judgement, enum preflight_grade grade, const char *format, ...)
{
	struct preflight_verdict *verdict = next_verdict(judgement, grade);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(verdict->text, sizeof verdict->text, format, arguments);
	va_end(arguments);
}

struct preflight_verdict *preflight_refuse(
	struct preflight_judgement *judgement, enum sql_error_kind kind, const char *object, const char *format, ...)
{
	struct preflight_verdict *verdict = next_verdict(judgement, PREFLIGHT_REFUSES);
	va_list arguments;

	verdict->kind = kind;
	snprintf(verdict->object, sizeof verdict->object, "%s", object);
	va_start(arguments, format);
	vsnprintf(verdict->text, sizeof verdict->text, format, arguments);
	va_end(arguments);
	return verdict;
}

static void set_remedy(struct preflight_verdict *verdict, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void set_remedy(struct preflight_verdict *verdict, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(verdict->remedy, sizeof verdict->remedy, format, arguments);
	va_end(arguments);
}

/* ---- the database, the server ---- */

static void judge_state(const struct preflight_case *about, struct preflight_judgement *judgement)
{
	const struct catalogue_database *database = &about->present->database;

	if (database->state)
		preflight_refuse(judgement, SQL_ERROR_DATABASE_STATE, database->name, "It is not online");
	if (!strcmp(database->mirroring, "MIRROR"))
		set_remedy(preflight_refuse(judgement, SQL_ERROR_DATABASE_STATE, database->name, "It is a mirror"),
			"Restore on its principal: set host to it.");
	else if (database->read_only)
		set_remedy(preflight_refuse(judgement, SQL_ERROR_DATABASE_STATE, database->name,
					   "It is read-only, or a secondary that another server writes"),
			"ALTER DATABASE ... SET READ_WRITE, or restore on the primary: set host to it.");
	if (database->user_access == 1)
		preflight_tell(judgement, PREFLIGHT_WARNS,
			"%.128s is SINGLE_USER: if another session takes its one place, the restore ends, and nothing is changed.",
			database->name);
}

static void judge_server(const struct preflight_case *about, struct preflight_judgement *judgement)
{
	const struct catalogue_database *present = &about->present->database, *wanted = &about->wanted->database;

	if (present->server_major < 11)
		set_remedy(preflight_refuse(judgement, SQL_ERROR_UNSUPPORTED, present->name,
					   "The server is SQL Server %.40s; a restore needs 2012 (11) or later", present->server_version),
			"Restore to a newer server.");
	else if (present->server_major != wanted->server_major)
		preflight_tell(judgement, PREFLIGHT_WARNS, "The snapshot is from SQL Server %.40s, this server is %.40s.",
			wanted->server_version, present->server_version);
}

static void judge_schema(const struct preflight_case *about, struct preflight_judgement *judgement)
{
	char object[280], difference[200];

	if (!catalogue_fits(about->wanted, about->present, object, sizeof object, difference, sizeof difference))
		preflight_refuse(judgement, SQL_ERROR_SCHEMA, object, "It %s", difference);
	else if (!catalogue_states_equal(
				 about->wanted, about->present, object, sizeof object, difference, sizeof difference))
		preflight_tell(judgement, PREFLIGHT_TELLS,
			"States of constraints and triggers stay as they are on the server; the snapshot had others: %.150s %.120s.",
			object, difference);
}

/* ---- who else is there ---- */

static size_t name_session(const struct preflight_session *session, bool first, char *text, size_t size)
{
	int written = snprintf(text, size, "%s%.60s on %.40s, login %.40s%s", first ? "" : "; ",
		session->program[0] ? session->program : "a program without a name",
		session->host[0] ? session->host : "an unnamed host", session->login,
		session->transactions > 0 ? ", in a transaction" : "");

	return written < 0 ? 0 : (size_t)written < size ? (size_t)written : size - 1;
}

/* As many as fit into a note; the number is in the sentence. */
static void name_sessions(const struct preflight_facts *facts, char text[300])
{
	size_t at = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < facts->sessions_told && i < 3 && at < 200; i++)
		at += name_session(&facts->sessions[i], i == 0, text + at, 300 - at);
	if (facts->session_count > 3 && at < 290)
		snprintf(text + at, 300 - at, "; ...");
}

static void judge_sessions(const struct preflight_case *about, struct preflight_judgement *judgement)
{
	const struct preflight_facts *facts = about->facts;
	const char *name = about->present->database.name, *stop = profile_stop_command(about->profile);
	char sessions[300];

	if (!facts->sessions_seen) {
		preflight_tell(judgement, PREFLIGHT_WARNS,
			"Could not look who else is in %.128s: the restore login lacks VIEW SERVER STATE.", name);
		return;
	}
	if (!facts->session_count)
		return;
	name_sessions(facts, sessions);
	if (about->users_connected) {
		preflight_tell(judgement, PREFLIGHT_WARNS, "%" PRIu32 " other session%s stayed in the database: %s",
			facts->session_count, facts->session_count == 1 ? "" : "s", sessions);
		return;
	}
	set_remedy(preflight_refuse(judgement, SQL_ERROR_BUSY, name, "%" PRIu32 " other session%s in the database: %s",
				   facts->session_count, facts->session_count == 1 ? " is" : "s are", sessions),
		"%s Or restore although they are there: coffret restore --with-users-connected (the panel cannot).", stop);
}

/* ---- triggers, rights ---- */

static bool has_sequences(const struct preflight_case *about)
{
	return about->wanted->sequence_count != 0;
}

static void judge_triggers(const struct preflight_case *about, struct preflight_judgement *judgement)
{
	for (uint32_t i = 0; i < about->facts->trigger_count; i++) {
		const struct preflight_trigger *trigger = &about->facts->triggers[i];
		if (!strcmp(trigger->event, "ALTER_SEQUENCE") && !has_sequences(about))
			continue;
		set_remedy(preflight_refuse(judgement, SQL_ERROR_UNSUPPORTED, trigger->name,
					   "An enabled DDL trigger of the %s watches %s, which a restore must use",
					   trigger->of_server ? "server" : "database", trigger->event),
			"Disable it for the restore: DISABLE TRIGGER [%.130s] ON %s. Enable it again afterwards.", trigger->name,
			trigger->of_server ? "ALL SERVER" : "DATABASE");
	}
}

/* The catalogue's name against QUOTENAME's, which may have been cut. */
static bool is_named(const char *schema, const char *name, const char *quoted)
{
	struct statement statement = { 0 };
	size_t size = strlen(quoted);
	bool same;

	statement_names(&statement, schema, name);
	same = statement_text(&statement) &&
		(size + 4 < PREFLIGHT_NAME_SIZE ? !strcmp(statement_text(&statement), quoted)
										: !strncmp(statement_text(&statement), quoted, size));
	statement_free(&statement);
	return same;
}

static bool is_wanted(const struct catalogue *wanted, const struct preflight_lack *lack)
{
	if (lack->sequence) {
		for (uint32_t i = 0; i < wanted->sequence_count; i++)
			if (is_named(wanted->sequences[i].schema, wanted->sequences[i].name, lack->object))
				return true;
		return false;
	}
	if (lack->rights & PREFLIGHT_SELECT)
		return true; /* every table is locked and read, that of nobody, too */
	for (uint32_t i = 0; i < wanted->table_count; i++)
		if (is_named(wanted->tables[i].schema, wanted->tables[i].name, lack->object))
			return true;
	return false;
}

static void name_rights(uint8_t rights, char text[64])
{
	static const struct {
		enum preflight_right right;
		const char *name;
	} names[] = { { PREFLIGHT_SELECT, "SELECT" }, { PREFLIGHT_INSERT, "INSERT" }, { PREFLIGHT_DELETE, "DELETE" },
		{ PREFLIGHT_ALTER, "ALTER" } };
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (rights & names[i].right)
			at += (size_t)snprintf(text + at, 64 - at, "%s%s", at ? ", " : "", names[i].name);
}

static void refuse_rights(const struct preflight_case *about, const struct preflight_lack *lack, uint32_t others,
	struct preflight_judgement *judgement)
{
	char rights[64], more[48] = "";

	name_rights(lack->rights, rights);
	if (others)
		snprintf(more, sizeof more, ", nor all of this on %" PRIu32 " more", others);
	set_remedy(preflight_refuse(
				   judgement, SQL_ERROR_RIGHTS, lack->object, "The restore login may not %s there%s", rights, more),
		"In %.128s: db_datareader, db_datawriter and db_ddladmin for the restore login's user (agent/sql/logins.sql); "
		"coffret check has the statements.",
		about->present->database.name);
}

static void judge_rights(const struct preflight_case *about, struct preflight_judgement *judgement)
{
	const struct preflight_facts *facts = about->facts;
	const struct preflight_lack *first = NULL;
	uint32_t count = 0;

	for (uint32_t i = 0; i < facts->lacks_told; i++) {
		if (!is_wanted(about->wanted, &facts->lacks[i]))
			continue;
		first = first ? first : &facts->lacks[i];
		count++;
	}
	if (first)
		refuse_rights(about, first, count - 1 + facts->lack_count - facts->lacks_told, judgement);
	for (uint32_t i = 0; !facts->may_reseed && i < about->wanted->table_count; i++) {
		char name[CATALOGUE_NAME_SIZE];
		if (!identity_column(&about->wanted->tables[i]))
			continue;
		catalogue_table_name(&about->wanted->tables[i], name, sizeof name);
		set_remedy(preflight_refuse(judgement, SQL_ERROR_RIGHTS, name,
					   "The restore login may not put identity values back (DBCC CHECKIDENT needs db_ddladmin)"),
			"ALTER ROLE db_ddladmin ADD MEMBER the restore login's user; coffret check has the statement.");
		return;
	}
}

/* ---- what is only told ---- */

static const char *recovery_name(int32_t model)
{
	return model == 1 ? "FULL" : model == 2 ? "BULK_LOGGED" : model == 3 ? "SIMPLE" : "unknown";
}

static void tell_recovery(const struct preflight_case *about, struct preflight_judgement *judgement)
{
	int32_t model = about->present->database.recovery_model;
	const char *wait = about->facts->log_reuse_wait;

	preflight_tell(judgement, PREFLIGHT_TELLS, "Recovery model %s; the log's reuse waits for %.60s.%s",
		recovery_name(model), wait[0] ? wait : "unknown reasons",
		model == 1 || model == 2 ? " Take a log backup after a restore." : "");
}

static void tell_partners(const struct preflight_case *about, struct preflight_judgement *judgement)
{
	const struct preflight_facts *facts = about->facts;
	bool stands = strcmp(facts->mirroring_state, "SYNCHRONIZED") != 0;
	char queue[80] = "its send queue could not be seen", size[32];

	if (facts->send_queue >= 0)
		snprintf(queue, sizeof queue, "%s wait to be sent", story_size((uint64_t)facts->send_queue, size));
	if (facts->mirroring_state[0])
		preflight_tell(judgement, stands ? PREFLIGHT_WARNS : PREFLIGHT_TELLS,
			"Mirrored to %.100s: %.60s; %s. All that a restore logs goes there, too.",
			facts->mirroring_partner[0] ? facts->mirroring_partner : "a partner", facts->mirroring_state, queue);
	if (facts->in_availability_group)
		preflight_tell(judgement, PREFLIGHT_TELLS,
			"In an availability group: %s. All that a restore logs goes to its replicas, too.", queue);
	if (facts->log_shipping == PREFLIGHT_YES)
		preflight_tell(judgement, PREFLIGHT_TELLS,
			"Its log is shipped to other servers: they get the restore with the next log backups.");
}

static void tell_feeds(const struct preflight_case *about, struct preflight_judgement *judgement)
{
	const struct catalogue_database *database = &about->present->database;

	if (database->cdc)
		preflight_tell(judgement, PREFLIGHT_WARNS,
			"Change data capture is on: tables under it cannot be replaced, and the log waits for its reader.");
	if (database->published)
		preflight_tell(judgement, PREFLIGHT_WARNS, "The database is published: published tables cannot be replaced.");
	if (database->change_tracking)
		preflight_tell(judgement, PREFLIGHT_WARNS,
			"Change tracking is on: clients that follow a table that is changed must start afresh.");
}

static bool free_space_unknown(const struct preflight_facts *facts)
{
	for (uint32_t i = 0; i < facts->file_count; i++)
		if (facts->files[i].free < 0)
			return true;
	return false;
}

static void tell_unseen(const struct preflight_case *about, struct preflight_judgement *judgement)
{
	const struct preflight_facts *facts = about->facts;
	bool volumes = free_space_unknown(facts), shipping = facts->log_shipping == PREFLIGHT_UNKNOWN;

	if (!volumes && !shipping && facts->server_triggers_seen)
		return;
	preflight_tell(judgement, PREFLIGHT_TELLS, "Could not look at%s%s%s%s%s.",
		volumes ? " free space on the server's volumes (VIEW SERVER STATE)" : "",
		volumes && (shipping || !facts->server_triggers_seen) ? ";" : "",
		facts->server_triggers_seen ? "" : " DDL triggers of the server (VIEW ANY DEFINITION)",
		!facts->server_triggers_seen && shipping ? ";" : "", shipping ? " log shipping (msdb)" : "");
}

void preflight_judge(const struct preflight_case *about, struct preflight_judgement *judgement)
{
	static const struct {
		enum preflight_topic topic;
		void (*judge)(const struct preflight_case *about, struct preflight_judgement *judgement);
	} judges[] = {
		{ PREFLIGHT_ON_STATE, judge_state },
		{ PREFLIGHT_ON_SERVER, judge_server },
		{ PREFLIGHT_ON_SESSIONS, judge_sessions },
		{ PREFLIGHT_ON_SCHEMA, judge_schema },
		{ PREFLIGHT_ON_RIGHTS, judge_rights },
		{ PREFLIGHT_ON_TRIGGERS, judge_triggers },
		{ PREFLIGHT_ON_RECOVERY, tell_recovery },
		{ PREFLIGHT_ON_PARTNERS, tell_partners },
		{ PREFLIGHT_ON_FEEDS, tell_feeds },
		{ PREFLIGHT_ON_UNSEEN, tell_unseen },
	};

	for (size_t i = 0; i < sizeof judges / sizeof judges[0]; i++) {
		judgement->topic = judges[i].topic;
		judges[i].judge(about, judgement);
	}
}

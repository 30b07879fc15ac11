/* SPDX-License-Identifier: Apache-2.0 */
/* Facts in, verdicts out: what refuses a restore, what is only said, and what nobody need hear. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/restore/preflight.h"
#include "agent/sql/catalogue_fields.h"
#include "tests/support/catalogue_sample.h"

#define MIB ((int64_t)1 << 20)

struct world {
	struct preflight_facts facts;
	struct catalogue *wanted, *present;
	struct catalogue_table *table; /* of `present` */
	struct preflight_case about;
	struct preflight_rows rows[2];
	bool planned;
	struct preflight_judgement judgement;
};

static const struct column_sample columns[] = { { "id", "int", 4, 10, 0, false },
	{ "body", "nvarchar", 400, 0, 0, true } };

/* One table: 100 000 rows, 100 MiB with its indexes. */
static struct catalogue *make_catalogue(void)
{
	struct catalogue *catalogue;
	struct catalogue_table *table;

	assert_int_equal(catalogue_new(&catalogue), 0);
	catalogue->database.name = "mgc";
	catalogue->database.server_version = "15.0.2000.5";
	catalogue->database.server_major = 15;
	catalogue->database.engine_edition = 3;
	catalogue->database.recovery_model = 3;
	catalogue->database.mirroring = "";
	table = sample_table(catalogue, "dbo", "room", columns, 2);
	table->rows = 100000;
	table->pages = 100 * MIB / 8192;
	sample_index(catalogue, table, 1, true, (const int[]){ 1, 0 });
	table->indexes[0].pages = table->pages;
	table->indexes[0].data_space = "PRIMARY";
	return catalogue;
}

static struct preflight_file file(enum preflight_file_kind kind, int64_t mib, int64_t used, int64_t limit)
{
	struct preflight_file made = { .kind = kind,
		.size = mib * MIB,
		.used = used < 0 ? -1 : used * MIB,
		.free = 100000 * MIB,
		.limit = limit < 0 ? PREFLIGHT_NO_LIMIT : limit * MIB,
		.volume = "C:\\" };

	snprintf(made.group, sizeof made.group, "%s", kind == PREFLIGHT_DATA ? "PRIMARY" : "");
	return made;
}

static void make_world(struct world *world)
{
	memset(world, 0, sizeof *world);
	world->wanted = make_catalogue();
	world->present = make_catalogue();
	world->table = &world->present->tables[0];
	world->facts = (struct preflight_facts){ .log_reuse_wait = "NOTHING",
		.send_queue = -1,
		.log_shipping = PREFLIGHT_NO,
		.sessions_seen = true,
		.server_triggers_seen = true,
		.may_reseed = true,
		.file_count = 3 };
	world->facts.files[0] = file(PREFLIGHT_DATA, 200, 150, -1);
	world->facts.files[1] = file(PREFLIGHT_LOG, 500, 10, -1);
	world->facts.files[2] = file(PREFLIGHT_TEMPDB, 300, -1, -1);
	world->rows[0] = (struct preflight_rows){ 100000, 100000 };
	world->about = (struct preflight_case){
		.facts = &world->facts, .wanted = world->wanted, .present = world->present, .profile = PROFILE_PERSISTENT_CHAT
	};
}

static void judge(struct world *world)
{
	preflight_judge(&world->about, &world->judgement);
	preflight_judge_tables(&world->about, world->planned ? world->rows : NULL, &world->judgement);
	preflight_judge_room(&world->about, world->planned ? world->rows : NULL, &world->judgement);
}

static void free_world(struct world *world)
{
	catalogue_free(world->wanted);
	catalogue_free(world->present);
}

/* ---- what the facts are changed to ---- */

static void nothing(struct world *world)
{
	(void)world;
}

static void others(struct world *world)
{
	world->facts.session_count = 2;
	world->facts.sessions_told = 2;
	world->facts.sessions[0] = (struct preflight_session){
		.id = 60, .program = "Persistent Chat", .host = "chat1", .login = "DOMAIN\\chat1$"
	};
	world->facts.sessions[1] =
		(struct preflight_session){ .id = 61, .transactions = 1, .host = "desk", .login = "ann" };
}

static void others_may_stay(struct world *world)
{
	others(world);
	world->about.users_connected = true;
}

static void others_of_any(struct world *world)
{
	others(world);
	world->about.profile = PROFILE_ANY;
}

static void nobody_could_look(struct world *world)
{
	world->facts.sessions_seen = false;
}

static void offline(struct world *world)
{
	world->present->database.state = 6;
}

static void read_only(struct world *world)
{
	world->present->database.read_only = true;
}

static void mirror(struct world *world)
{
	world->present->database.mirroring = "MIRROR";
	world->present->database.read_only = true;
}

static void single_user(struct world *world)
{
	world->present->database.user_access = 1;
}

static void old_server(struct world *world)
{
	world->present->database.server_major = 10;
	world->present->database.server_version = "10.50.6000.34";
}

static void other_server(struct world *world)
{
	world->wanted->database.server_major = 16;
	world->wanted->database.server_version = "16.0.1000.6";
}

static void other_type(struct world *world)
{
	world->table->columns[1].max_length = 200;
}

static void no_rights(struct world *world)
{
	world->facts.lack_count = world->facts.lacks_told = 1;
	world->facts.lacks[0] =
		(struct preflight_lack){ .object = "[dbo].[room]", .rights = PREFLIGHT_DELETE | PREFLIGHT_ALTER };
}

static void no_rights_elsewhere(struct world *world)
{
	no_rights(world);
	snprintf(world->facts.lacks[0].object, sizeof world->facts.lacks[0].object, "[dbo].[other]");
}

static void blind_elsewhere(struct world *world)
{
	no_rights_elsewhere(world);
	world->facts.lacks[0].rights = PREFLIGHT_SELECT;
}

static void no_rights_anywhere(struct world *world)
{
	no_rights(world);
	world->facts.lack_count = 27;
}

static void no_reseed(struct world *world)
{
	world->wanted->tables[0].columns[0].identity = world->table->columns[0].identity = true;
	world->facts.may_reseed = false;
}

static void no_reseed_nor_identity(struct world *world)
{
	world->facts.may_reseed = false;
}

static void trigger(struct world *world)
{
	world->facts.trigger_count = 1;
	world->facts.triggers[0] = (struct preflight_trigger){ .name = "guard", .event = "ALTER_TABLE" };
}

static void server_trigger(struct world *world)
{
	trigger(world);
	world->facts.triggers[0].of_server = true;
}

static void sequence_trigger(struct world *world)
{
	trigger(world);
	snprintf(world->facts.triggers[0].event, sizeof world->facts.triggers[0].event, "ALTER_SEQUENCE");
}

static void full_model(struct world *world)
{
	world->present->database.recovery_model = 1;
	snprintf(world->facts.log_reuse_wait, sizeof world->facts.log_reuse_wait, "LOG_BACKUP");
}

static void mirrored(struct world *world)
{
	snprintf(world->facts.mirroring_state, sizeof world->facts.mirroring_state, "SYNCHRONIZED");
	snprintf(world->facts.mirroring_partner, sizeof world->facts.mirroring_partner, "SQL2");
	world->facts.send_queue = 5000000;
}

static void mirror_stands(struct world *world)
{
	mirrored(world);
	snprintf(world->facts.mirroring_state, sizeof world->facts.mirroring_state, "SUSPENDED");
	world->facts.send_queue = -1;
}

static void grouped(struct world *world)
{
	world->facts.in_availability_group = true;
	world->facts.send_queue = 1000;
}

static void shipped(struct world *world)
{
	world->facts.log_shipping = PREFLIGHT_YES;
}

static void unseen(struct world *world)
{
	world->facts.log_shipping = PREFLIGHT_UNKNOWN;
	world->facts.server_triggers_seen = false;
	world->facts.files[0].free = -1;
}

static void captured(struct world *world)
{
	world->present->database.cdc = world->present->database.published = world->present->database.change_tracking = true;
}

static void temporal(struct world *world)
{
	world->table->features = FEATURE_TEMPORAL;
}

static void temporal_planned(struct world *world)
{
	temporal(world);
	world->planned = true;
}

static void temporal_equal(struct world *world)
{
	temporal_planned(world);
	world->rows[0] = (struct preflight_rows){ 0 };
}

static void masked_planned(struct world *world)
{
	world->table->features = FEATURE_MASKED;
	world->planned = true;
}

static void read_only_group(struct world *world)
{
	world->planned = true;
	world->facts.files[3] = file(PREFLIGHT_DATA, 500, 0, -1);
	world->facts.files[3].read_only = true;
	snprintf(world->facts.files[3].group, sizeof world->facts.files[3].group, "OLD");
	world->facts.file_count = 4;
	world->table->indexes[0].data_space = "OLD";
}

static void planned(struct world *world)
{
	world->planned = true;
}

static void data_ends(struct world *world)
{
	world->planned = true;
	world->facts.files[0].limit = 220 * MIB; /* 70 MiB are left for 100, of which 75 are certain */
}

static void data_may_end(struct world *world)
{
	world->planned = true;
	world->facts.files[0].limit = 235 * MIB;
}

static void volume_full(struct world *world)
{
	world->planned = true;
	world->facts.files[0].free = 10 * MIB;
}

/* Two files that may grow share what their volume has: 50 inside the first, and 20 that both may take, but once. */
static void volume_shared(struct world *world)
{
	volume_full(world);
	world->facts.files[0].free = 20 * MIB;
	world->facts.files[3] = world->facts.files[0];
	world->facts.files[3].size = world->facts.files[3].used = 10 * MIB;
	world->facts.file_count = 4;
}

static void two_volumes(struct world *world)
{
	volume_shared(world);
	snprintf(world->facts.files[3].volume, sizeof world->facts.files[3].volume, "D:\\");
	world->facts.files[3].free = 100 * MIB;
}

static void other_group_full(struct world *world)
{
	world->planned = true;
	world->facts.files[3] = file(PREFLIGHT_DATA, 110, 110, 110);
	snprintf(world->facts.files[3].group, sizeof world->facts.files[3].group, "HISTORY");
	world->facts.file_count = 4;
	world->wanted->tables[0].indexes[0].data_space = world->table->indexes[0].data_space = "HISTORY";
}

static void express(struct world *world)
{
	world->planned = true;
	world->present->database.engine_edition = 4;
	world->facts.files[0] = file(PREFLIGHT_DATA, 10200, 10190, -1); /* 10 inside, 40 to grow */
}

static void express_small(struct world *world)
{
	world->planned = true;
	world->present->database.engine_edition = 4;
}

static void log_ends(struct world *world)
{
	full_model(world);
	world->planned = true;
	world->facts.files[1] = file(PREFLIGHT_LOG, 200, 60, 200); /* 140 left, and 150 are certain */
}

/* Nothing is waited for just now; but what comes will wait for a log backup, and nobody takes one meanwhile. */
static void log_ends_after_backup(struct world *world)
{
	log_ends(world);
	snprintf(world->facts.log_reuse_wait, sizeof world->facts.log_reuse_wait, "NOTHING");
}

/* The same file: in SIMPLE what is used of it comes back by itself. */
static void log_comes_back(struct world *world)
{
	world->planned = true;
	world->facts.files[1] = file(PREFLIGHT_LOG, 200, 60, 200);
}

static void few_rows(struct world *world)
{
	log_ends(world);
	world->rows[0] = (struct preflight_rows){ 10, 10 };
}

/* Everything was deleted: before any plan it is clear that all must come. */
static void emptied(struct world *world)
{
	world->table->rows = world->table->pages = world->table->indexes[0].pages = 0;
	world->facts.files[0].limit = 200 * MIB;
}

static void versions(struct world *world)
{
	world->planned = true;
	world->present->database.snapshot_isolation = 1;
	world->facts.files[2] = file(PREFLIGHT_TEMPDB, 150, -1, 150);
}

static void tempdb_unseen(struct world *world)
{
	versions(world);
	world->facts.file_count = 2;
}

/* ---- and what is said of it ---- */

struct judged {
	void (*change)(struct world *world);
	enum preflight_grade grade; /* of the worst verdict that says `text` */
	enum sql_error_kind kind;
	const char *text, *remedy; /* text NULL: nothing is refused and nothing is warned of */
};

static const struct judged cases[] = {
	{ nothing, PREFLIGHT_TELLS, SQL_OK, NULL, NULL },
	{ nothing, PREFLIGHT_TELLS, SQL_OK, "Recovery model SIMPLE; the log's reuse waits for NOTHING.", NULL },
	{ others, PREFLIGHT_REFUSES, SQL_ERROR_BUSY,
		"2 other sessions are in the database: Persistent Chat on chat1, login DOMAIN\\chat1$; a program without a name on "
		"desk, login ann, in a transaction",
		"Stop-CsWindowsService RTCCHAT" },
	{ others_of_any, PREFLIGHT_REFUSES, SQL_ERROR_BUSY, "2 other", "coffret restore --with-users-connected" },
	{ others_may_stay, PREFLIGHT_WARNS, SQL_OK, "2 other sessions stayed in the database: Persistent Chat", NULL },
	{ nobody_could_look, PREFLIGHT_WARNS, SQL_OK, "Could not look who else is in mgc", NULL },
	{ offline, PREFLIGHT_REFUSES, SQL_ERROR_DATABASE_STATE, "not online", NULL },
	{ read_only, PREFLIGHT_REFUSES, SQL_ERROR_DATABASE_STATE, "read-only", "primary" },
	{ mirror, PREFLIGHT_REFUSES, SQL_ERROR_DATABASE_STATE, "mirror", "principal" },
	{ single_user, PREFLIGHT_WARNS, SQL_OK, "SINGLE_USER", NULL },
	{ old_server, PREFLIGHT_REFUSES, SQL_ERROR_UNSUPPORTED, "10.50.6000.34", "newer server" },
	{ other_server, PREFLIGHT_WARNS, SQL_OK, "from SQL Server 16.0.1000.6, this server is 15.0.2000.5", NULL },
	{ other_type, PREFLIGHT_REFUSES, SQL_ERROR_SCHEMA, "was 400 bytes long, is 200", NULL },
	{ no_rights, PREFLIGHT_REFUSES, SQL_ERROR_RIGHTS, "may not DELETE, ALTER there", "db_datawriter" },
	{ no_rights_anywhere, PREFLIGHT_REFUSES, SQL_ERROR_RIGHTS, "nor all of this on 26 more", "db_datawriter" },
	{ no_rights_elsewhere, PREFLIGHT_TELLS, SQL_OK, NULL, NULL },
	{ blind_elsewhere, PREFLIGHT_REFUSES, SQL_ERROR_RIGHTS, "may not SELECT", "db_datareader" },
	{ no_reseed, PREFLIGHT_REFUSES, SQL_ERROR_RIGHTS, "DBCC CHECKIDENT", "db_ddladmin" },
	{ no_reseed_nor_identity, PREFLIGHT_TELLS, SQL_OK, NULL, NULL },
	{ trigger, PREFLIGHT_REFUSES, SQL_ERROR_UNSUPPORTED, "DDL trigger of the database watches ALTER_TABLE",
		"DISABLE TRIGGER [guard] ON DATABASE" },
	{ server_trigger, PREFLIGHT_REFUSES, SQL_ERROR_UNSUPPORTED, "of the server",
		"DISABLE TRIGGER [guard] ON ALL SERVER" },
	{ sequence_trigger, PREFLIGHT_TELLS, SQL_OK, NULL, NULL },
	{ full_model, PREFLIGHT_TELLS, SQL_OK,
		"Recovery model FULL; the log's reuse waits for LOG_BACKUP. Take a log backup", NULL },
	{ mirrored, PREFLIGHT_TELLS, SQL_OK, "Mirrored to SQL2: SYNCHRONIZED; 5.0 MB wait to be sent", NULL },
	{ mirror_stands, PREFLIGHT_WARNS, SQL_OK, "SUSPENDED; its send queue could not be seen", NULL },
	{ grouped, PREFLIGHT_TELLS, SQL_OK, "availability group: 1.0 kB wait to be sent", NULL },
	{ shipped, PREFLIGHT_TELLS, SQL_OK, "Its log is shipped", NULL },
	{ unseen, PREFLIGHT_TELLS, SQL_OK,
		"Could not look at free space on the server's volumes (VIEW SERVER STATE); DDL triggers of the server (VIEW ANY "
		"DEFINITION); log shipping (msdb).",
		NULL },
	{ captured, PREFLIGHT_WARNS, SQL_OK, "Change data capture is on", NULL },
	{ captured, PREFLIGHT_WARNS, SQL_OK, "Change tracking is on", NULL },
	{ captured, PREFLIGHT_WARNS, SQL_OK, "published", NULL },
	{ temporal, PREFLIGHT_WARNS, SQL_OK, "[dbo].[room] cannot be replaced: a system-versioned table", NULL },
	{ temporal_planned, PREFLIGHT_REFUSES, SQL_ERROR_UNSUPPORTED,
		"It differs and cannot be replaced: a system-versioned", "" },
	{ temporal_equal, PREFLIGHT_TELLS, SQL_OK, NULL, NULL },
	{ masked_planned, PREFLIGHT_TELLS, SQL_OK, NULL, NULL },
	{ read_only_group, PREFLIGHT_REFUSES, SQL_ERROR_UNSUPPORTED, "read-only filegroup", "" },
	{ planned, PREFLIGHT_TELLS, SQL_OK, "Needs up to 105 MB in data files; there is", NULL },
	{ planned, PREFLIGHT_TELLS, SQL_OK, "Needs up to 419 MB in the log; there is", NULL },
	{ data_ends, PREFLIGHT_REFUSES, SQL_ERROR_ROOM,
		"needs about 105 MB in data files until it commits, and there is 73.4 MB", "MODIFY FILE" },
	{ data_may_end, PREFLIGHT_WARNS, SQL_OK, "may need 105 MB in data files until it commits, and there is 89.1 MB",
		NULL },
	{ volume_full, PREFLIGHT_REFUSES, SQL_ERROR_ROOM, "there is 62.9 MB", "its volume" },
	{ volume_shared, PREFLIGHT_REFUSES, SQL_ERROR_ROOM, "there is 73.4 MB", "its volume" },
	{ two_volumes, PREFLIGHT_TELLS, SQL_OK, NULL, NULL },
	{ other_group_full, PREFLIGHT_REFUSES, SQL_ERROR_ROOM, "about 105 MB in the files of this filegroup", "FILEGROUP" },
	{ express, PREFLIGHT_REFUSES, SQL_ERROR_ROOM, "(Express: all of a database's together end at 10 240 MB)",
		"edition" },
	{ express_small, PREFLIGHT_TELLS, SQL_OK, NULL, NULL },
	{ log_ends, PREFLIGHT_REFUSES, SQL_ERROR_ROOM, "about 419 MB in the log until it commits, and there is 147 MB",
		"LOG_BACKUP" },
	{ log_ends_after_backup, PREFLIGHT_REFUSES, SQL_ERROR_ROOM, "and there is 147 MB", "LOG_BACKUP" },
	{ log_comes_back, PREFLIGHT_WARNS, SQL_OK, "may need 419 MB in the log until it commits, and there is 210 MB",
		NULL },
	{ few_rows, PREFLIGHT_TELLS, SQL_OK, NULL, NULL },
	{ emptied, PREFLIGHT_REFUSES, SQL_ERROR_ROOM, "needs about 105 MB in data files", "MODIFY FILE" },
	{ versions, PREFLIGHT_WARNS, SQL_OK, "tempdb may need 210 MB for row versions and sorting, and there is 157 MB",
		NULL },
	{ tempdb_unseen, PREFLIGHT_TELLS, SQL_OK, NULL, NULL },
};

static const struct preflight_verdict *find(const struct preflight_judgement *judgement, const char *text)
{
	for (size_t i = 0; i < judgement->count; i++)
		if (strstr(judgement->verdicts[i].text, text))
			return &judgement->verdicts[i];
	return NULL;
}

static void assert_judged(size_t number, const struct preflight_judgement *judgement)
{
	const struct judged *expected = &cases[number];
	const struct preflight_verdict *verdict = expected->text ? find(judgement, expected->text) : NULL;

	for (size_t i = 0; i < judgement->count; i++)
		if (judgement->verdicts[i].grade > (expected->text ? expected->grade : PREFLIGHT_TELLS))
			fail_msg("case %zu: %s", number, judgement->verdicts[i].text);
	if (!expected->text)
		return;
	if (!verdict) {
		for (size_t i = 0; i < judgement->count; i++)
			print_message("said: %s\n", judgement->verdicts[i].text);
		fail_msg("case %zu: not said: %s", number, expected->text);
		return;
	}
	if (verdict->grade != expected->grade || (verdict->grade == PREFLIGHT_REFUSES && verdict->kind != expected->kind))
		fail_msg("case %zu: grade %d, kind %d: %s", number, (int)verdict->grade, (int)verdict->kind, verdict->text);
	if (expected->remedy && !strstr(verdict->remedy, expected->remedy))
		fail_msg("case %zu: remedy: %s", number, verdict->remedy);
}

static void each_fact_is_judged(void **state)
{
	static struct world world;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		make_world(&world);
		cases[i].change(&world);
		judge(&world);
		assert_judged(i, &world.judgement);
		free_world(&world);
	}
}

/* ---- the judgement itself ---- */

static void a_refusal_is_not_lost_where_much_is_said(void **state)
{
	static struct preflight_judgement judgement;

	(void)state;
	for (int i = 0; i < PREFLIGHT_VERDICTS_MAX + 5; i++)
		preflight_tell(&judgement, PREFLIGHT_TELLS, "word %d", i);
	preflight_refuse(&judgement, SQL_ERROR_BUSY, "mgc", "busy");
	preflight_tell(&judgement, PREFLIGHT_TELLS, "one more word");
	assert_int_equal(judgement.count, PREFLIGHT_VERDICTS_MAX);
	assert_int_equal(judgement.verdicts[PREFLIGHT_VERDICTS_MAX - 1].grade, PREFLIGHT_REFUSES);
	assert_int_equal(judgement.verdicts[PREFLIGHT_VERDICTS_MAX - 1].kind, SQL_ERROR_BUSY);
}

/* ---- between worker and keeper ---- */

static void make_facts(struct preflight_facts *facts)
{
	struct world world;

	make_world(&world);
	others(&world);
	no_rights_anywhere(&world);
	server_trigger(&world);
	mirrored(&world);
	*facts = world.facts;
	free_world(&world);
}

static size_t pack(const struct preflight_facts *facts, uint8_t *bytes, size_t capacity)
{
	struct packer packer = { .bytes = bytes, .capacity = capacity };

	preflight_pack(&packer, facts);
	assert_false(packer.failed);
	return packer.size;
}

static void facts_come_up_as_they_went(void **state)
{
	static struct preflight_facts facts, again;
	static uint8_t bytes[65536], more[65536];
	size_t size;

	(void)state;
	make_facts(&facts);
	size = pack(&facts, bytes, sizeof bytes);
	struct unpacker unpacker = { .bytes = bytes, .size = size };
	preflight_unpack(&unpacker, &again);
	assert_false(unpacker.failed);
	assert_int_equal(unpacker.at, size);
	assert_int_equal(pack(&again, more, sizeof more), size);
	assert_memory_equal(bytes, more, size);
	assert_string_equal(again.sessions[1].login, "ann");
	assert_true(again.files[0].limit == PREFLIGHT_NO_LIMIT);
	for (size_t cut = 0; cut < size; cut++) {
		struct unpacker shorter = { .bytes = bytes, .size = cut };
		preflight_unpack(&shorter, &again);
		if (!shorter.failed)
			fail_msg("%zu of %zu bytes were taken for facts", cut, size);
	}
}

/* Whatever a worker says: it is refused, or sums of it can be judged. */
static void hostile_facts_are_refused_or_harmless(void **state)
{
	static struct preflight_facts facts, again;
	static uint8_t bytes[65536];
	size_t size, taken = 0;

	(void)state;
	make_facts(&facts);
	size = pack(&facts, bytes, sizeof bytes);
	for (size_t i = 0; i < size; i++) {
		for (int value = 0; value < 256; value += 51) {
			uint8_t was = bytes[i];
			struct world world;
			bytes[i] = (uint8_t)value;
			struct unpacker unpacker = { .bytes = bytes, .size = size };
			preflight_unpack(&unpacker, &again);
			bytes[i] = was;
			if (unpacker.failed)
				continue;
			make_world(&world);
			world.facts = again;
			world.planned = true;
			judge(&world);
			free_world(&world);
			taken++;
		}
	}
	assert_true(taken > 0);
	facts.files[0].size = INT64_MAX - 1;
	size = pack(&facts, bytes, sizeof bytes);
	struct unpacker unpacker = { .bytes = bytes, .size = size };
	preflight_unpack(&unpacker, &again);
	assert_true(unpacker.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fact_is_judged),
		cmocka_unit_test(a_refusal_is_not_lost_where_much_is_said),
		cmocka_unit_test(facts_come_up_as_they_went),
		cmocka_unit_test(hostile_facts_are_refused_or_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

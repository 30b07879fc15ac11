/* SPDX-License-Identifier: Apache-2.0 */
/* Where SQLite is kinder than SQL Server, the engine is as unkind: rights, bulk loads, full logs, deadlocks, versions. */
#include "tests/sqlserver/sql_probe.h"
#include "tests/sqlserver/sql_text.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct world {
	char directory[64];
	struct engine *engine;
	struct probe a;
};

static void start(struct world *w, int version)
{
	snprintf(w->directory, sizeof(w->directory), "/tmp/standin-XXXXXX");
	assert_non_null(mkdtemp(w->directory));
	assert_int_equal(engine_open(&w->engine, w->directory, version), 0);
	assert_int_equal(engine_add_login(w->engine, "sa", "x", true), 0);
	probe_open(&w->a, w->engine, "sa", "master");
	assert_string_equal(probe_run(&w->a, "CREATE DATABASE d"), "");
	assert_string_equal(probe_run(&w->a, "USE d"), "");
}

static void stop(struct world *w)
{
	char command[128];

	probe_close(&w->a);
	engine_close(w->engine);
	snprintf(command, sizeof(command), "rm -rf %s", w->directory);
	assert_int_equal(system(command), 0);
}

struct pair {
	const char *sql, *answer;
};

static void check(struct probe *p, const struct pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *answer = probe_run(p, pairs[i].sql);

		if (strcmp(answer, pairs[i].answer))
			fail_msg("%s\n  wanted: %s\n  got:    %s\n  (%s)", pairs[i].sql, pairs[i].answer, answer, p->error);
	}
}
#define CHECK(probe, ...)                                       \
	do {                                                        \
		const struct pair pairs_[] = { __VA_ARGS__ };           \
		check(probe, pairs_, sizeof(pairs_) / sizeof(*pairs_)); \
	} while (0)

static void a_login_may_do_what_it_was_granted_and_no_more(void **state)
{
	struct world w;
	struct probe reader, nobody;

	(void)state;
	start(&w, 16);
	CHECK(&w.a,
		{ "CREATE TABLE t (k int, s nvarchar(20) MASKED WITH (FUNCTION = 'default()')); INSERT INTO t VALUES (1, N'x')",
			"" },
		{ "CREATE TABLE hidden (k int CHECK (k > 0))", "" }, { "CREATE LOGIN r WITH PASSWORD = 'p'", "" },
		{ "CREATE USER r FOR LOGIN r", "" }, { "CREATE LOGIN n WITH PASSWORD = 'p'; CREATE USER n FOR LOGIN n", "" },
		{ "ALTER ROLE db_datareader ADD MEMBER r", "" }, { "GRANT SELECT ON dbo.t TO n", "" });
	probe_open(&reader, w.engine, "r", "d");
	probe_open(&nobody, w.engine, "n", "d");
	CHECK(&reader, { "SELECT k, s FROM t", "1|xxxx" }, { "INSERT INTO t VALUES (2, N'y')", "!229" },
		{ "CREATE TABLE x (k int)", "!262" },
		{ "SELECT name, definition FROM sys.check_constraints WHERE parent_object_id ="
		  " OBJECT_ID('hidden') AND definition IS NOT NULL",
			"" },
		{ "SELECT COUNT(*) FROM sys.tables", "2" },
		{ "SELECT HAS_PERMS_BY_NAME('dbo.t', 'OBJECT', 'SELECT'), HAS_PERMS_BY_NAME('dbo.t', 'OBJECT', 'DELETE')",
			"1|0" });
	CHECK(&nobody, { "SELECT name FROM sys.tables", "t" }, { "SELECT k FROM hidden", "!229" },
		{ "SELECT k FROM t", "1" });
	CHECK(&w.a, { "GRANT VIEW DEFINITION TO r; GRANT UNMASK TO r; DENY SELECT ON hidden TO r", "" });
	CHECK(&reader, { "SELECT definition FROM sys.check_constraints", "([k]>(0))" }, { "SELECT s FROM t", "x" },
		{ "SELECT k FROM hidden", "!229" },
		{ "SELECT COUNT(*), COUNT(i.object_id) FROM sys.partitions p LEFT JOIN sys.internal_tables i ON i.object_id = p.object_id",
			"5|3" });
	CHECK(&w.a, { "DENY VIEW DEFINITION ON hidden TO r", "" });
	CHECK(&reader, { "SELECT name FROM sys.tables", "t" }, { "SELECT COUNT(*) FROM sys.partitions", "5" },
		{ "SELECT OBJECT_ID('hidden'), OBJECT_NAME(major_id) FROM sys.database_permissions WHERE state = 'D' AND"
		  " permission_name = 'VIEW DEFINITION'",
			"NULL|NULL" },
		{ "SELECT HAS_PERMS_BY_NAME('d', 'DATABASE', 'UNMASK'), HAS_PERMS_BY_NAME('[d]', 'DATABASE', 'UNMASK'),"
		  " HAS_PERMS_BY_NAME(NULL, 'DATABASE', 'UNMASK'), HAS_PERMS_BY_NAME('d.d', 'DATABASE', 'UNMASK')",
			"1|1|1|NULL" },
		{ "SELECT HAS_PERMS_BY_NAME('[dbo]', 'SCHEMA', 'VIEW DEFINITION'), HAS_PERMS_BY_NAME('no', 'SCHEMA', 'SELECT')",
			"1|NULL" });
	CHECK(&w.a, { "DENY VIEW DEFINITION ON SCHEMA::dbo TO r", "" });
	CHECK(&reader, { "SELECT COUNT(*) FROM sys.objects", "0" },
		{ "SELECT HAS_PERMS_BY_NAME('[dbo]', 'SCHEMA', 'VIEW DEFINITION'),"
		  " HAS_PERMS_BY_NAME('d', 'DATABASE', 'VIEW DEFINITION')",
			"0|1" });
	assert_int_equal(probe_login(w.engine, "r", "p", "d"), 0);
	assert_int_equal(probe_login(w.engine, "r", "wrong", "d"), 18456);
	assert_int_equal(probe_login(w.engine, "r", "p", "nowhere"), 4060);
	probe_close(&reader);
	probe_close(&nobody);
	stop(&w);
}

static void row_level_security_hides_rows_from_everybody(void **state)
{
	struct world w;

	(void)state;
	start(&w, 13);
	CHECK(&w.a, { "CREATE TABLE t (k int); INSERT INTO t VALUES (1), (2), (3)", "" },
		{ "CREATE FUNCTION dbo.f(@k int) RETURNS TABLE WITH SCHEMABINDING AS RETURN SELECT 1 AS ok WHERE @k > 1", "" },
		{ "CREATE SECURITY POLICY p ADD FILTER PREDICATE dbo.f(k) ON dbo.t WITH (STATE = ON)", "" },
		{ "SELECT COUNT(*) FROM t", "2" }, { "SELECT is_enabled FROM sys.security_policies", "1" },
		{ "ALTER SECURITY POLICY p WITH (STATE = OFF); SELECT COUNT(*) FROM t", "3" });
	stop(&w);
}

static void older_versions_know_less(void **state)
{
	static const struct {
		int version;
		const char *hidden, *policies, *nodes;
	} versions[] = { { 11, "!207", "!208", "!207" }, { 12, "!207", "!208", "!207" }, { 13, "", "", "!207" },
		{ 14, "", "", "" }, { 16, "", "", "" } };

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		struct world w;

		start(&w, versions[i].version);
		CHECK(&w.a, { "SELECT is_hidden FROM sys.columns WHERE 1 = 0", versions[i].hidden },
			{ "SELECT name FROM sys.security_policies", versions[i].policies },
			{ "SELECT is_node FROM sys.tables WHERE 1 = 0", versions[i].nodes });
		stop(&w);
	}
}

static void settings_make_the_server_fail(void **state)
{
	struct world w;

	(void)state;
	start(&w, 16);
	CHECK(&w.a, { "CREATE TABLE t (k int)", "" });
	assert_int_equal(engine_set(w.engine, "log_limit=1000"), 0);
	CHECK(&w.a, { "INSERT INTO t VALUES (1), (2), (3), (4), (5)", "!9002" }, { "SELECT COUNT(*) FROM t", "0" },
		{ "INSERT INTO t VALUES (1)", "" });
	assert_int_equal(engine_set(w.engine, "log_limit=0"), 0);
	assert_int_equal(engine_set(w.engine, "fail=1205@select:2"), 0);
	CHECK(&w.a, { "SELECT 1", "1" }, { "SELECT 2", "!1205" }, { "SELECT 3", "3" });
	assert_int_equal(engine_set(w.engine, "fail=1222@delete"), 0);
	CHECK(&w.a, { "DELETE FROM t", "!1222" }, { "DELETE FROM t", "" });
	assert_int_equal(engine_set(w.engine, "language=french"), 0);
	probe_run(&w.a, "SELECT * FROM nope");
	assert_non_null(strstr(w.a.error, "non valide"));
	assert_int_equal(engine_set(w.engine, "nonsense=1"), -22);
	assert_int_equal(engine_set(w.engine, "mark=d.dbo.t:temporal"), 0);
	CHECK(&w.a, { "SELECT temporal_type FROM sys.tables WHERE name = 't'", "2" });
	stop(&w);
}

static void open_transactions_forbid_some_statements(void **state)
{
	struct world w;

	(void)state;
	start(&w, 16);
	CHECK(&w.a, { "BEGIN TRAN; CREATE DATABASE e", "!226" },
		{ "ALTER DATABASE d SET ALLOW_SNAPSHOT_ISOLATION ON", "!226" }, { "ROLLBACK", "" },
		{ "ALTER DATABASE d SET READ_ONLY", "" }, { "CREATE TABLE t (k int)", "!3906" },
		{ "ALTER DATABASE d SET READ_WRITE; CREATE TABLE t (k int)", "" }, { "DROP DATABASE d", "!3702" },
		{ "USE master", "" }, { "DROP DATABASE d", "" }, { "USE d", "!911" });
	stop(&w);
}

static void a_bulk_load_keeps_what_it_is_told_to_keep(void **state)
{
	static const char *const names[] = { "id", "v" };
	static const int32_t good[] = { 5, 1, 7, -1 }, twice[] = { 9, 1, 9, 2 }, falling[] = { 12, 1, 11, 1 },
						 bad[] = { 20, -5 };
	struct world w;

	(void)state;
	start(&w, 16);
	CHECK(&w.a,
		{ "CREATE TABLE t (id int IDENTITY CONSTRAINT pk PRIMARY KEY, v int NULL DEFAULT 42 CONSTRAINT ck CHECK (v > 0))",
			"" });
	assert_string_equal(
		probe_bulk(&w.a, "INSERT BULK t ([id] int, [v] int) WITH (KEEP_NULLS, CHECK_CONSTRAINTS)", names, 2, good, 2),
		"");
	assert_int_equal(w.a.rows, 2);
	CHECK(&w.a, { "SELECT id, v FROM t ORDER BY id", "5|1\n7|NULL" },
		{ "SELECT is_not_trusted FROM sys.check_constraints", "0" }, { "DELETE FROM t", "" });
	assert_string_equal(probe_bulk(&w.a, "INSERT BULK t ([id] int, [v] int)", names, 2, good, 2), "");
	CHECK(&w.a, { "SELECT id, v FROM t ORDER BY id", "5|1\n7|42" },
		{ "SELECT is_not_trusted FROM sys.check_constraints", "1" });
	assert_string_equal(probe_bulk(&w.a, "INSERT BULK t ([id] int, [v] int)", names, 2, twice, 2), "!2627");
	CHECK(&w.a, { "SELECT COUNT(*) FROM t", "2" });
	assert_string_equal(
		probe_bulk(&w.a, "INSERT BULK t ([id] int, [v] int) WITH (ORDER ([id] ASC))", names, 2, falling, 2), "!4819");
	assert_string_equal(
		probe_bulk(&w.a, "INSERT BULK t ([id] int, [v] int) WITH (CHECK_CONSTRAINTS)", names, 2, bad, 1), "!547");
	assert_string_equal(probe_bulk(&w.a, "INSERT BULK t ([id] int, [v] int)", names, 2, bad, 1), "");
	assert_string_equal(probe_bulk(&w.a, "INSERT BULK t ([nope] int)", names, 1, bad, 1), "!207");
	CHECK(&w.a, { "INSERT INTO t (v) VALUES (1); SELECT MAX(id) FROM t", "21" });
	stop(&w);
}

struct rival {
	struct probe *probe;
	const char *sql;
	char answer[200];
};

static void *run_rival(void *arg)
{
	struct rival *r = arg;

	snprintf(r->answer, sizeof(r->answer), "%s", probe_run(r->probe, r->sql));
	return NULL;
}

static void a_deadlock_ends_the_one_of_low_priority(void **state)
{
	struct world w;
	struct probe b;
	pthread_t thread;

	(void)state;
	start(&w, 16);
	probe_open(&b, w.engine, "sa", "d");
	CHECK(&w.a, { "CREATE TABLE x (k int); CREATE TABLE y (k int)", "" },
		{ "SET DEADLOCK_PRIORITY HIGH; BEGIN TRAN; SELECT COUNT(*) FROM x WITH (TABLOCKX)", "0" });
	CHECK(&b, { "SET DEADLOCK_PRIORITY LOW; BEGIN TRAN; SELECT COUNT(*) FROM y WITH (TABLOCKX)", "0" });
	struct rival rival = { &b, "SELECT COUNT(*) FROM x WITH (TABLOCKX)", "" };

	assert_int_equal(pthread_create(&thread, NULL, run_rival, &rival), 0);
	CHECK(&w.a, { "SELECT COUNT(*) FROM y WITH (TABLOCKX)", "0" });
	pthread_join(thread, NULL);
	assert_string_equal(rival.answer, "!1205");
	CHECK(&b, { "SELECT @@TRANCOUNT", "0" });
	CHECK(&w.a, { "COMMIT", "" });
	probe_close(&b);
	stop(&w);
}

static void what_was_committed_is_there_after_a_restart(void **state)
{
	struct world w;

	(void)state;
	start(&w, 16);
	CHECK(&w.a, { "CREATE TABLE t (id int IDENTITY, n nvarchar(20) COLLATE Latin1_General_100_CI_AS UNIQUE)", "" },
		{ "INSERT INTO t (n) VALUES (N'a')", "" }, { "INSERT INTO t (n) VALUES (N'A')", "!2627" },
		{ "BEGIN TRAN; INSERT INTO t (n) VALUES (N'lost')", "" });
	probe_close(&w.a);
	engine_close(w.engine);
	assert_int_equal(engine_open(&w.engine, w.directory, 16), 0);
	probe_open(&w.a, w.engine, "sa", "d");
	CHECK(&w.a, { "SELECT id, n FROM t", "1|a" }, { "INSERT INTO t (n) VALUES (N'b'); SELECT MAX(id) FROM t", "4" });
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_login_may_do_what_it_was_granted_and_no_more),
		cmocka_unit_test(row_level_security_hides_rows_from_everybody),
		cmocka_unit_test(older_versions_know_less),
		cmocka_unit_test(settings_make_the_server_fail),
		cmocka_unit_test(open_transactions_forbid_some_statements),
		cmocka_unit_test(a_bulk_load_keeps_what_it_is_told_to_keep),
		cmocka_unit_test(a_deadlock_ends_the_one_of_low_priority),
		cmocka_unit_test(what_was_committed_is_there_after_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The stand-in's engine answers T-SQL as SQL Server does: values, types, errors. */
#include "tests/sqlserver/sql_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct world {
	char directory[64];
	struct engine *engine;
	struct probe a, b;
};

static int open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	snprintf(w->directory, sizeof(w->directory), "/tmp/standin-XXXXXX");
	assert_non_null(mkdtemp(w->directory));
	assert_int_equal(engine_open(&w->engine, w->directory, 16), 0);
	assert_int_equal(engine_add_login(w->engine, "sa", "x", true), 0);
	probe_open(&w->a, w->engine, "sa", "master");
	assert_string_equal(probe_run(&w->a, "CREATE DATABASE d"), "");
	assert_string_equal(probe_run(&w->a, "USE d"), "");
	probe_open(&w->b, w->engine, "sa", "d");
	*state = w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;
	char command[128];

	probe_close(&w->a);
	probe_close(&w->b);
	engine_close(w->engine);
	snprintf(command, sizeof(command), "rm -rf %s", w->directory);
	assert_int_equal(system(command), 0);
	free(w);
	return 0;
}

struct pair {
	const char *sql, *answer;
};

/* Batches in turn, on one session. */
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

static void expressions_have_the_servers_values(void **state)
{
	struct world *w = *state;

	CHECK(&w->a, { "SELECT 1 + 2, 7 / 2, 7 % 3, -5 / 2, 7.0 / 2, 1.5 * 2.25", "3|3|1|-2|3.500000|3.375" },
		{ "SELECT 2147483647 + 1", "!8115" }, { "SELECT 1 / 0", "!8134" },
		{ "SELECT CAST('12.345' AS decimal(5,2)), CAST(12.5 AS int), CAST(-12.5 AS int)", "12.35|12|-12" },
		{ "SELECT CAST('abc' AS int)", "!245" }, { "SELECT TRY_CAST('abc' AS int)", "NULL" },
		{ "SELECT LEN('ab  '), DATALENGTH(N'ab'), DATALENGTH('ab'), UPPER(N'é')", "2|4|2|É" },
		{ "SELECT SUBSTRING('hello', 2, 3), SUBSTRING(0x010203, 2, 5), CHARINDEX('L', 'hello')", "ell|0203|3" },
		{ "SELECT ISNULL(NULL, 5), COALESCE(NULL, NULL, 'x'), NULLIF(1, 1), IIF(1 < 2, 'y', 'n')", "5|x|NULL|y" },
		{ "SELECT QUOTENAME('a]b'), REPLACE('abcabc', 'B', 'x'), STUFF('abcd', 2, 2, 'X'), REVERSE('abc')",
			"[a]]b]|axcaxc|aXd|cba" },
		{ "SELECT CASE WHEN 'a' = 'A' THEN 1 ELSE 0 END, CASE WHEN 'a' = 'A' COLLATE Latin1_General_BIN2 THEN 1 ELSE 0 END",
			"1|0" },
		{ "SELECT 'x' WHERE 'abc' LIKE 'a%' AND 'a_c' LIKE 'a\\_c' ESCAPE '\\' AND 'b' LIKE '[a-c]' AND 'd' NOT LIKE '[^d]'",
			"x" },
		{ "SELECT DATEADD(month, 1, '2020-01-31'), DATEDIFF(day, '2020-02-28', '2020-03-01'), YEAR('2020-05-06')",
			"2020-02-29 00:00:00.000|2|2020" },
		{ "SELECT CONVERT(varchar(30), CAST('2008-06-04T20:15:40.953' AS datetime), 126)", "2008-06-04T20:15:40.953" },
		{ "SELECT CONVERT(varchar(10), 0x1aff, 2), CONVERT(varbinary(4), '0x1AFF', 1), CAST(258 AS varbinary(4))",
			"1AFF|1aff|00000102" },
		{ "SELECT CAST(CAST(0x610000d8 AS nvarchar(4)) AS varbinary(8))", "610000d8" },
		{ "SELECT (SELECT 1 UNION ALL SELECT 2)", "!512" });
}

static void bits_of_every_type_survive(void **state)
{
	struct world *w = *state;

	CHECK(&w->a,
		{ "CREATE TABLE dbo.v (k int PRIMARY KEY, n nvarchar(20), m nvarchar(max), c varchar(20) COLLATE Cyrillic_General_CI_AS,"
		  " g varchar(20) COLLATE Chinese_PRC_CI_AS, d2 datetime2(7), o datetimeoffset(7), de decimal(38,10), mo money, r real,"
		  " u uniqueidentifier, b varbinary(max), x xml, sv sql_variant, h hierarchyid, t time(7), f float)",
			"" },
		{ "INSERT INTO v VALUES (1, N'a\xed\xa0\x80z', N'', N'Привет', N'中文', '9999-12-31 23:59:59.9999999',"
		  " '2020-01-01 00:00:00.1234567 +05:30', -1234567890123456789012345678.0123456789, -922337203685477.5808, 0.1,"
		  " '6F9619FF-8B86-D011-B42D-00C04FC964FF', 0x00ff, N'<a/>', CAST(12 AS int), CAST(0x5AC0 AS hierarchyid),"
		  " '23:59:59.9999999', 1e308)",
			"" },
		{ "SELECT CAST(n AS varbinary(max)), CAST(m AS varbinary(max)), CAST(c AS varbinary(max)), CAST(g AS varbinary(max))"
		  " FROM v",
			"610000d87a00||cff0e8e2e5f2|d6d0cec4" },
		{ "SELECT d2, o, de, mo, u, b FROM v",
			"9999-12-31 23:59:59.9999999|2020-01-01 00:00:00.1234567 +05:30|"
			"-1234567890123456789012345678.0123456789|-922337203685477.58|6F9619FF-8B86-D011-B42D-00C04FC964FF|00ff" },
		{ "SELECT SQL_VARIANT_PROPERTY(sv, 'BaseType'), CAST(sv AS int), CAST(h AS varbinary(max)), t, f FROM v",
			"int|12|5ac0|23:59:59.9999999|1e+308" },
		{ "SELECT DATALENGTH(m), DATALENGTH(n), DATALENGTH(c) FROM v WHERE m IS NOT NULL", "0|6|6" },
		{ "SELECT CAST(CAST(N'x' AS ntext) AS varbinary(max))", "!529" });
}

static void constraints_refuse_with_their_numbers(void **state)
{
	struct world *w = *state;

	CHECK(&w->a, { "CREATE TABLE p (id int CONSTRAINT pk_p PRIMARY KEY, u int NULL UNIQUE, q int CHECK (q > 0))", "" },
		{ "CREATE TABLE c (id int IDENTITY(10,5), p int NOT NULL CONSTRAINT fk REFERENCES p(id))", "" },
		{ "INSERT INTO p VALUES (1, NULL, 1), (2, 5, NULL)", "" }, { "INSERT INTO p VALUES (1, 7, 1)", "!2627" },
		{ "INSERT INTO p VALUES (3, NULL, 1)", "!2627" }, { "INSERT INTO p VALUES (4, 9, 0)", "!547" },
		{ "INSERT INTO c (p) VALUES (3)", "!547" }, { "INSERT INTO c (p) VALUES (NULL)", "!515" },
		{ "INSERT INTO c (p) VALUES (1)", "" }, { "SELECT id FROM c", "20" }, { "DELETE FROM p WHERE id = 1", "!547" },
		{ "UPDATE p SET id = 9 WHERE id = 1", "!547" }, { "DELETE FROM p WHERE id = 2", "" },
		{ "TRUNCATE TABLE p", "!4712" }, { "INSERT INTO c (id, p) VALUES (1, 1)", "!544" },
		{ "ALTER TABLE c NOCHECK CONSTRAINT fk", "" }, { "INSERT INTO c (p) VALUES (77)", "" },
		{ "SELECT is_disabled, is_not_trusted FROM sys.foreign_keys", "1|1" },
		{ "ALTER TABLE c WITH CHECK CHECK CONSTRAINT fk", "!547" }, { "DELETE FROM c WHERE p = 77", "" },
		{ "ALTER TABLE c WITH CHECK CHECK CONSTRAINT ALL", "" },
		{ "SELECT is_disabled, is_not_trusted FROM sys.foreign_keys", "0|0" },
		{ "ALTER TABLE c CHECK CONSTRAINT fk; SELECT is_not_trusted FROM sys.foreign_keys", "1" });
}

static void a_self_reference_holds_at_the_end_of_the_statement(void **state)
{
	struct world *w = *state;

	CHECK(&w->a, { "CREATE TABLE n (id int PRIMARY KEY, parent int REFERENCES n(id))", "" },
		{ "INSERT INTO n VALUES (1, 1), (3, 2), (2, 1)", "" }, { "INSERT INTO n VALUES (4, 5)", "!547" },
		{ "DELETE FROM n WHERE id IN (2, 3); SELECT ROWCOUNT_BIG(), @@ROWCOUNT", "2|2" }, { "DELETE FROM n", "" });
}

static void without_xact_abort_an_error_ends_only_the_statement(void **state)
{
	struct world *w = *state;

	CHECK(&w->a, { "CREATE TABLE t (k int PRIMARY KEY)", "" },
		{ "BEGIN TRAN; INSERT INTO t VALUES (1); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); COMMIT", "!2627" },
		{ "SELECT COUNT(*), @@TRANCOUNT FROM t", "2|0" },
		{ "SET XACT_ABORT ON; BEGIN TRAN; DELETE FROM t; INSERT INTO t VALUES (1); INSERT INTO t VALUES (1); SELECT 'not run'",
			"!2627" },
		{ "SELECT COUNT(*), @@TRANCOUNT FROM t", "2|0" },
		{ "BEGIN TRAN; BEGIN TRY INSERT INTO t VALUES (1) END TRY BEGIN CATCH SELECT ERROR_NUMBER(), XACT_STATE() END CATCH;"
		  " DELETE FROM t",
			"2627|-1\n!3930" },
		{ "SELECT @@TRANCOUNT", "0" }, { "COMMIT", "!3902" }, { "ROLLBACK", "!3903" });
}

static void an_identity_is_not_given_back(void **state)
{
	struct world *w = *state;

	CHECK(&w->a, { "CREATE TABLE i (id int IDENTITY, x int)", "" },
		{ "SELECT last_value FROM sys.identity_columns", "NULL" },
		{ "BEGIN TRAN; INSERT INTO i VALUES (1), (2); ROLLBACK; INSERT INTO i VALUES (3)", "" },
		{ "SELECT id FROM i", "3" }, { "SET IDENTITY_INSERT i ON; INSERT INTO i (id, x) VALUES (100, 1)", "" },
		{ "SET IDENTITY_INSERT i OFF; INSERT INTO i VALUES (4); SELECT MAX(id) FROM i", "101" },
		{ "DELETE FROM i; DBCC CHECKIDENT ('i', RESEED, 10); INSERT INTO i VALUES (1); SELECT id FROM i", "11" },
		{ "TRUNCATE TABLE i; DBCC CHECKIDENT ('i', RESEED, 10); INSERT INTO i VALUES (1); SELECT id FROM i", "10" });
}

static void a_snapshot_is_of_the_first_read(void **state)
{
	struct world *w = *state;

	CHECK(&w->a, { "CREATE TABLE s (k int); INSERT INTO s VALUES (1)", "" },
		{ "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN; SELECT k FROM s", "!3952" },
		{ "IF @@TRANCOUNT > 0 ROLLBACK", "" }, { "ALTER DATABASE d SET ALLOW_SNAPSHOT_ISOLATION ON", "" },
		{ "BEGIN TRAN", "" });
	CHECK(&w->b, { "INSERT INTO s VALUES (2)", "" });
	CHECK(&w->a, { "SELECT COUNT(*) FROM s", "2" });
	CHECK(&w->b, { "INSERT INTO s VALUES (3)", "" });
	CHECK(&w->a, { "SELECT COUNT(*) FROM s", "2" });
	CHECK(&w->b, { "ALTER TABLE s ADD c int NULL", "" });
	CHECK(&w->a, { "SELECT COUNT(*) FROM s", "!3961" }, { "SELECT @@TRANCOUNT", "0" });
}

static void locks_keep_sessions_apart(void **state)
{
	struct world *w = *state;

	CHECK(&w->a, { "CREATE TABLE l (k int); INSERT INTO l VALUES (1)", "" },
		{ "BEGIN TRAN; SELECT TOP (1) 1 FROM l WITH (TABLOCKX, HOLDLOCK)", "1" });
	CHECK(&w->b, { "SET LOCK_TIMEOUT 20; SELECT k FROM l", "!1222" }, { "INSERT INTO l VALUES (2)", "!1222" },
		{ "SELECT k FROM l WITH (NOLOCK)", "1" });
	CHECK(&w->a, { "COMMIT", "" });
	CHECK(&w->b, { "SELECT k FROM l", "1" });
	CHECK(&w->a, { "BEGIN TRAN; DELETE FROM l", "" });
	CHECK(&w->b, { "SELECT k FROM l", "!1222" });
	CHECK(&w->a, { "ROLLBACK; BEGIN TRAN; SELECT k FROM l WITH (HOLDLOCK)", "1" });
	CHECK(&w->b, { "SELECT k FROM l", "1" }, { "DELETE FROM l", "!1222" });
	CHECK(&w->a, { "ROLLBACK", "" },
		{ "DECLARE @r int; BEGIN TRAN; EXEC @r = sp_getapplock 'x', 'Exclusive'; SELECT @r", "0" });
	CHECK(&w->b,
		{ "DECLARE @r int; EXEC @r = sp_getapplock @Resource = 'x', @LockMode = 'Exclusive', @LockOwner = 'Session',"
		  " @LockTimeout = 10; SELECT @r",
			"-1" },
		{ "SELECT APPLOCK_TEST('public', 'x', 'Exclusive', 'Session')", "0" });
	CHECK(&w->a, { "COMMIT", "" });
	CHECK(&w->b, { "SELECT APPLOCK_TEST('public', 'x', 'Exclusive', 'Session')", "1" });
}

static void modules_run(void **state)
{
	struct world *w = *state;

	CHECK(&w->a, { "CREATE TABLE m (k int, v int)", "" },
		{ "CREATE PROCEDURE dbo.add_row @k int, @v int = 7, @n int OUTPUT AS\nSET NOCOUNT ON;\nINSERT INTO m VALUES (@k, @v);\n"
		  "SELECT @n = COUNT(*) FROM m;\nRETURN 3",
			"" },
		{ "DECLARE @n int, @r int; EXEC @r = add_row 1, @n = @n OUTPUT; SELECT @n, @r", "1|3" },
		{ "EXEC add_row", "!201" }, { "EXEC nothing_there", "!2812" },
		{ "CREATE FUNCTION dbo.twice(@x bigint) RETURNS bigint AS BEGIN RETURN @x * 2 END", "" },
		{ "SELECT dbo.twice(v) FROM m", "14" },
		{ "CREATE FUNCTION dbo.slow(@x int) RETURNS int AS BEGIN DECLARE @i int = 0; WHILE @i < 3 SET @i += 1;"
		  " IF @x = 2 RETURN @i / 0; RETURN @i END",
			"" },
		{ "CREATE TABLE f (k int); INSERT INTO f VALUES (1), (2); UPDATE f SET k = dbo.slow(k)", "!8134" },
		{ "SELECT SUM(k), @@TRANCOUNT FROM f", "3|0" }, { "CREATE VIEW mv AS SELECT k, v * 2 AS w FROM m", "" },
		{ "SELECT w FROM mv WHERE k = 1", "14" },
		{ "CREATE TRIGGER tr ON m AFTER INSERT, DELETE AS IF @@ROWCOUNT > 0 INSERT INTO m SELECT k, -v FROM deleted WHERE v > 0",
			"" },
		{ "DELETE FROM m", "" }, { "SELECT k, v FROM m", "1|-7" }, { "DISABLE TRIGGER tr ON m; DELETE FROM m", "" },
		{ "SELECT COUNT(*) FROM m", "0" }, { "SELECT is_disabled FROM sys.triggers", "1" },
		{ "SELECT OBJECT_DEFINITION(OBJECT_ID('mv'))", "CREATE VIEW mv AS SELECT k, v * 2 AS w FROM m" },
		{ "EXEC sp_executesql N'SELECT @a + @b', N'@a int, @b int', @a = 1, @b = 2", "3" },
		{ "EXEC ('SELECT 5'); DECLARE @i int = 0, @s int = 0; WHILE @i < 4 BEGIN SET @i += 1; IF @i = 2 CONTINUE;"
		  " SET @s = @s + @i END; SELECT @s",
			"5\n8" });
}

static void queries_join_group_and_page(void **state)
{
	struct world *w = *state;

	CHECK(&w->a, { "CREATE TABLE a (k int, g varchar(5)); INSERT INTO a VALUES (1,'x'),(2,'X'),(3,'y'),(4,NULL)", "" },
		{ "CREATE TABLE b (k int, v int); INSERT INTO b VALUES (1,10),(3,30),(5,50)", "" },
		{ "SELECT g, COUNT(*), SUM(k) FROM a GROUP BY g ORDER BY 3 DESC, 1 DESC", "NULL|1|4\ny|1|3\nx|2|3" },
		{ "SELECT k, COUNT(*) FROM a GROUP BY g", "!8120" },
		{ "SELECT a.k, b.v FROM a LEFT JOIN b ON b.k = a.k WHERE a.k < 4 ORDER BY a.k", "1|10\n2|NULL\n3|30" },
		{ "SELECT a.k, b.k FROM a FULL JOIN b ON b.k = a.k WHERE a.k IS NULL", "NULL|5" },
		{ "SELECT k FROM a ORDER BY k OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY", "2\n3" },
		{ "WITH c AS (SELECT k FROM a WHERE k < 3) SELECT TOP (1) k FROM c ORDER BY k DESC", "2" },
		{ "WITH r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 4) SELECT SUM(n) FROM r", "10" },
		{ "SELECT k FROM a WHERE k IN (SELECT k FROM b) AND EXISTS (SELECT 1 FROM b WHERE b.k = a.k AND v > 10)", "3" },
		{ "SELECT k FROM a WHERE k > ALL (SELECT k FROM b WHERE k < 3) AND k < ANY (SELECT k FROM b) ORDER BY k",
			"2\n3\n4" },
		{ "SELECT 1 AS x UNION SELECT 2 UNION SELECT 1 ORDER BY x", "1\n2" },
		{ "SELECT ROW_NUMBER() OVER (ORDER BY k DESC), k FROM a WHERE k < 3", "1|2\n2|1" },
		{ "UPDATE x SET g = 'z' FROM a x JOIN b ON b.k = x.k; SELECT k FROM a WHERE g = 'z'", "1\n3" },
		{ "DELETE x FROM a x JOIN b ON b.k = x.k; SELECT COUNT(*) FROM a", "2" },
		{ "SELECT STUFF((SELECT ',' + CAST(k AS varchar(5)) FROM b ORDER BY k FOR XML PATH('')), 1, 1, '')", "1,3,5" },
		{ "SELECT * INTO #t FROM b WHERE k > 1; SELECT SUM(v) FROM #t", "80" }, { "SELECT nope FROM a", "!207" },
		{ "SELECT 1 FROM nope", "!208" }, { "SELEC 1", "!2812" });
}

static void merge_does_each_when_once(void **state)
{
	struct world *w = *state;

	CHECK(&w->a,
		{ "CREATE TABLE t (k int PRIMARY KEY, v nvarchar(10)); INSERT INTO t VALUES (1, N'a'), (2, N'b'), (3, N'c')",
			"" },
		{ "CREATE TABLE s (k int, v nvarchar(10)); INSERT INTO s VALUES (1, N'A'), (2, NULL), (9, N'123')", "" },
		{ "DECLARE @x int = 2; MERGE INTO t AS t USING s ON t.k = s.k WHEN MATCHED AND s.v IS NULL THEN DELETE WHEN MATCHED THEN"
		  " UPDATE SET v = s.v + N'!' WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k + @x - 2, s.v) WHEN NOT MATCHED BY SOURCE AND"
		  " t.k > 2 THEN UPDATE SET v = NULL;",
			"" },
		{ "SELECT k, v FROM t ORDER BY k", "1|A!\n3|NULL\n9|123" },
		{ "MERGE t USING (SELECT 1 AS k UNION ALL SELECT 1) s ON t.k = s.k WHEN MATCHED THEN DELETE;", "!8672" },
		{ "MERGE t USING s ON 1 = 0 WHEN NOT MATCHED THEN INSERT (k) VALUES (1);", "!2627" },
		{ "SELECT COUNT(*) FROM t", "3" }, { "SELECT 1 FROM t WITH", "!102" });
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		TEST(expressions_have_the_servers_values),
		TEST(bits_of_every_type_survive),
		TEST(constraints_refuse_with_their_numbers),
		TEST(a_self_reference_holds_at_the_end_of_the_statement),
		TEST(without_xact_abort_an_error_ends_only_the_statement),
		TEST(an_identity_is_not_given_back),
		TEST(a_snapshot_is_of_the_first_read),
		TEST(locks_keep_sessions_apart),
		TEST(modules_run),
		TEST(queries_join_group_and_page),
		TEST(merge_does_each_when_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

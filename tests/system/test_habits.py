# SPDX-License-Identifier: Apache-2.0
"""Databases of different habits: damaged at random, restored, undone; whatever a restore does inside, this must hold.

After a restore the rows are those of the backup (as freebcp reads them), constraints, triggers and indexes are in the
states they were in when the restore began, identities and sequences have the backup's values, and the digests of all
tables equal the snapshot's. A what-if before it tells, table by table, just what the restore then does. After an undo
everything is as it was before the restore. The seed of the damage is printed;
COFFRET_SEED tries others than the one that is always tried.
"""
import json
import os
import random

import pytest

import world as stage
from look import difference, rows, states, tables

SEED = int(os.environ.get("COFFRET_SEED", 1564992906))

HEAPS = """
CREATE TABLE dbo.twice (a int NULL, b nvarchar(20) NULL, c varbinary(max) NULL);
GO
CREATE TABLE dbo.clustered (a int NULL, b nvarchar(20) NULL, c text NULL);
GO
CREATE CLUSTERED INDEX cx ON dbo.clustered (a DESC);
GO
CREATE TABLE dbo.maybe (a int NULL, b int NULL);
GO
CREATE UNIQUE INDEX ux ON dbo.maybe (a) WHERE a IS NOT NULL;
GO
CREATE TABLE dbo.nullable (a int NULL, b nvarchar(5) NULL);
GO
CREATE UNIQUE INDEX un ON dbo.nullable (a, b);
GO
DECLARE @i int = 0 WHILE @i < 60 BEGIN
  INSERT dbo.twice VALUES (@i % 7, N'same', NULL), (@i % 7, NULL, 0x); INSERT dbo.clustered VALUES (@i / 9, CAST(@i % 4 AS nvarchar(20)), 'x');
  INSERT dbo.maybe VALUES (@i, 1), (NULL, @i % 3); INSERT dbo.nullable VALUES (NULLIF(@i, 5), N''); SET @i = @i + 1 END;
GO
INSERT dbo.twice VALUES (NULL, NULL, NULL), (NULL, NULL, NULL); INSERT dbo.nullable VALUES (NULL, NULL), (7, NULL);
GO
"""

HEAPS_DAMAGE = [
    "DELETE FROM dbo.twice WHERE a = {n}", "DELETE TOP ({n}) FROM dbo.twice WHERE b = N'same'", "TRUNCATE TABLE dbo.twice",
    "INSERT dbo.twice SELECT a, b, c FROM dbo.twice WHERE a = {n}", "UPDATE dbo.twice SET b = N'' WHERE b IS NULL AND a = {n}",
    "UPDATE dbo.twice SET c = NULL WHERE c IS NOT NULL", "DELETE FROM dbo.clustered WHERE a % 2 = {n} % 2",
    "UPDATE dbo.clustered SET a = a + {n}", "DELETE FROM dbo.maybe WHERE a IS NULL", "UPDATE dbo.maybe SET b = {n}",
    "INSERT dbo.maybe VALUES (1000 + {n}, {n})", "DELETE FROM dbo.nullable WHERE a IS NULL",
    "UPDATE dbo.nullable SET b = NULL WHERE a = {n}"]

KEYS = """
CREATE TABLE dbo.composite (a int NOT NULL, b nvarchar(20) NOT NULL, c datetime2(7) NOT NULL, v int NULL, PRIMARY KEY (a, b, c));
GO
CREATE TABLE dbo.guid (g uniqueidentifier NOT NULL PRIMARY KEY, v int NULL);
GO
CREATE TABLE dbo.falling (a int NOT NULL, b int NOT NULL, v nvarchar(max) NULL, PRIMARY KEY (a DESC, b));
GO
CREATE TABLE dbo.letters (k nvarchar(30) COLLATE Latin1_General_CS_AS NOT NULL PRIMARY KEY, v int NULL);
GO
CREATE TABLE dbo.cased (k varchar(30) COLLATE Latin1_General_CI_AS NOT NULL PRIMARY KEY, v int NULL);
GO
CREATE TABLE dbo.points (k nvarchar(30) COLLATE Latin1_General_BIN2 NOT NULL PRIMARY KEY, v int NULL);
GO
CREATE TABLE dbo.numbers (k decimal(38, 10) NOT NULL PRIMARY KEY, v int NULL);
GO
CREATE TABLE dbo.octets (k varbinary(20) NOT NULL PRIMARY KEY, v int NULL);
GO
CREATE TABLE dbo.instants (k datetimeoffset(7) NOT NULL PRIMARY KEY, v int NULL);
GO
CREATE TABLE dbo.ratios (k float NOT NULL PRIMARY KEY, v int NULL);
GO
CREATE TABLE dbo.flags (f bit NOT NULL, m money NOT NULL, v int NULL, PRIMARY KEY (f, m));
GO
CREATE TABLE dbo.second (id int NOT NULL, k nvarchar(20) NOT NULL, v int NULL, CONSTRAINT pk_second PRIMARY KEY NONCLUSTERED (id));
GO
CREATE CLUSTERED INDEX cx ON dbo.second (k);
GO
DECLARE @i int = 0 WHILE @i < 50 BEGIN
  INSERT dbo.composite VALUES (@i / 10, CAST(@i % 5 AS nvarchar(20)), DATEADD(nanosecond, @i * 100, CAST('2015-06-30T23:59:59.9999' AS datetime2(7))), @i);
  INSERT dbo.guid VALUES (NEWID(), @i); INSERT dbo.falling VALUES (@i % 5, @i, REPLICATE(N'x', @i));
  INSERT dbo.letters VALUES (NCHAR(65 + @i) + N'x', @i); INSERT dbo.cased VALUES (CHAR(180 + @i) + CAST(@i AS varchar(5)), @i);
  INSERT dbo.points VALUES (NCHAR(55290 + @i) + N'x', @i); INSERT dbo.numbers VALUES ((@i - 25) * 1234567890.0987654321, @i);
  INSERT dbo.octets VALUES (CAST(REVERSE(CAST(@i AS varchar(5))) + 'x' AS varbinary(20)), @i);
  INSERT dbo.instants VALUES (DATEADD(hour, @i, CAST('2015-06-30T12:34:56.1234567+02:00' AS datetimeoffset(7))), @i);
  INSERT dbo.ratios VALUES ((@i - 25) * 1.0e0 / 3, @i); INSERT dbo.flags VALUES (@i % 2, (@i - 25) * 0.0001, @i);
  INSERT dbo.second VALUES (@i, CAST(@i % 4 AS nvarchar(20)), @i); SET @i = @i + 1 END;
GO
INSERT dbo.octets VALUES (0x, 0), (0x00, 0), (0x0000, 0); INSERT dbo.points VALUES (N'', 0), (NCHAR(55357) + NCHAR(56832), 0), (NCHAR(65535), 0);
GO
INSERT dbo.letters VALUES (N'', 0), (N'\u00e4', 1), (N'\u00c4', 2), (N'a', 3), (N'-a', 4), (N'\u00df', 6);
GO
"""

KEYED = ["composite", "guid", "falling", "letters", "cased", "points", "numbers", "octets", "instants", "ratios", "flags", "second"]
KEYS_DAMAGE = [f"DELETE FROM dbo.{t} WHERE v % 5 = {{n}} % 5" for t in KEYED] + [
    f"UPDATE dbo.{t} SET v = -v WHERE v % 7 = {{n}} % 7" for t in KEYED] + [f"TRUNCATE TABLE dbo.{t}" for t in KEYED] + [
    "UPDATE dbo.composite SET c = DATEADD(nanosecond, 100, c) WHERE v = {n}", "UPDATE dbo.guid SET g = NEWID() WHERE v % 9 = {n} % 9",
    "UPDATE dbo.falling SET a = a - 10 WHERE b > {n}", "UPDATE dbo.letters SET k = UPPER(k) WHERE v = 9",
    "UPDATE dbo.points SET k = N'z' + k WHERE v = {n}", "UPDATE dbo.numbers SET k = -k WHERE v = {n}",
    "INSERT dbo.octets VALUES (0x000000, {n})", "UPDATE dbo.instants SET k = DATEADD(nanosecond, 100, k) WHERE v % 3 = {n} % 3",
    "UPDATE dbo.ratios SET k = k + 1e-9 WHERE v = {n}", "INSERT dbo.flags VALUES (1, 100 + {n}, NULL)",
    "UPDATE dbo.cased SET k = UPPER(k)", "UPDATE dbo.second SET k = N'' WHERE id = {n}"]

GRAPH = """
CREATE TABLE dbo.parent (id int NOT NULL PRIMARY KEY, best int NULL, v int NULL);
GO
CREATE TABLE dbo.child (id int NOT NULL PRIMARY KEY, parent int NULL CONSTRAINT fk_child REFERENCES dbo.parent (id) ON DELETE CASCADE ON UPDATE CASCADE);
GO
ALTER TABLE dbo.parent ADD CONSTRAINT fk_best FOREIGN KEY (best) REFERENCES dbo.child (id);
GO
CREATE TABLE dbo.grandchild (id int NOT NULL PRIMARY KEY, child int NULL CONSTRAINT fk_grandchild REFERENCES dbo.child (id) ON DELETE CASCADE,
  other int NULL CONSTRAINT fk_other REFERENCES dbo.grandchild (id));
GO
CREATE TABLE dbo.tree (id int NOT NULL PRIMARY KEY, up int NULL CONSTRAINT fk_up REFERENCES dbo.tree (id), v int NULL);
GO
CREATE TABLE dbo.orphan (id int NOT NULL PRIMARY KEY, parent int NULL CONSTRAINT fk_null REFERENCES dbo.parent (id) ON DELETE SET NULL,
  d int NOT NULL DEFAULT 1 CONSTRAINT fk_default REFERENCES dbo.tree (id) ON DELETE SET DEFAULT);
GO
CREATE TABLE dbo.pair (a int NOT NULL, b int NOT NULL, PRIMARY KEY (a, b));
GO
CREATE TABLE dbo.of_pair (id int NOT NULL PRIMARY KEY, b int NULL, a int NULL, CONSTRAINT fk_pair FOREIGN KEY (a, b) REFERENCES dbo.pair (a, b) ON DELETE CASCADE);
GO
DECLARE @i int = 1 WHILE @i <= 40 BEGIN
  INSERT dbo.parent VALUES (@i, NULL, @i); INSERT dbo.child VALUES (@i, @i), (100 + @i, @i); INSERT dbo.grandchild VALUES (@i, @i, NULL), (100 + @i, 100 + @i, @i);
  INSERT dbo.tree VALUES (@i, NULLIF(@i / 3, 0), @i); INSERT dbo.orphan VALUES (@i, @i, @i); INSERT dbo.pair VALUES (@i % 6, @i);
  INSERT dbo.of_pair VALUES (@i, @i, @i % 6), (100 + @i, @i, NULL); SET @i = @i + 1 END;
GO
UPDATE dbo.parent SET best = id + 100 WHERE id % 2 = 0;
GO
"""

GRAPH_DAMAGE = [
    "UPDATE dbo.parent SET best = NULL; DELETE FROM dbo.parent WHERE id % 5 = {n} % 5", "DELETE FROM dbo.grandchild WHERE other IS NOT NULL",
    "UPDATE dbo.grandchild SET other = NULL WHERE id > {n}; DELETE FROM dbo.grandchild WHERE id % 2 = 0", "DELETE FROM dbo.of_pair",
    "DELETE FROM dbo.pair WHERE a = {n} % 6", "UPDATE dbo.tree SET up = NULL; DELETE FROM dbo.tree WHERE id > {n} + 1", "TRUNCATE TABLE dbo.of_pair",
    "UPDATE dbo.parent SET best = NULL; UPDATE dbo.parent SET id = id + 1000 WHERE id = {n}", "INSERT dbo.tree VALUES (1000 + {n}, 1, 0)",
    "UPDATE dbo.orphan SET parent = NULL WHERE id % 3 = {n} % 3", "TRUNCATE TABLE dbo.orphan", "UPDATE dbo.parent SET v = {n}"]

STATES = """
CREATE TABLE dbo.base (id int NOT NULL PRIMARY KEY, v int NULL);
GO
CREATE TABLE dbo.log (id int IDENTITY(1, 1) NOT NULL PRIMARY KEY, said nvarchar(50) NOT NULL);
GO
CREATE TABLE dbo.many (id int NOT NULL PRIMARY KEY, a int NULL CONSTRAINT fk_trusted REFERENCES dbo.base (id),
  b int NULL CONSTRAINT fk_untrusted REFERENCES dbo.base (id), c int NULL CONSTRAINT fk_disabled REFERENCES dbo.base (id),
  d int NULL CONSTRAINT ck_trusted CHECK (d > 0), e int NULL CONSTRAINT ck_untrusted CHECK (e > 0), f int NULL CONSTRAINT ck_disabled CHECK (f > 0));
GO
ALTER TABLE dbo.many ADD CONSTRAINT ck_copies CHECK NOT FOR REPLICATION (id > 0);
GO
ALTER TABLE dbo.many WITH NOCHECK ADD CONSTRAINT fk_copies FOREIGN KEY (a) REFERENCES dbo.base (id) NOT FOR REPLICATION;
GO
CREATE TRIGGER dbo.tr_on ON dbo.many AFTER INSERT, UPDATE, DELETE AS BEGIN SET NOCOUNT ON; INSERT dbo.log (said) VALUES (N'many') END;
GO
CREATE TRIGGER dbo.tr_off ON dbo.many AFTER DELETE AS BEGIN RAISERROR(N'never delete', 16, 1); ROLLBACK END;
GO
CREATE TRIGGER dbo.tr_instead ON dbo.base INSTEAD OF DELETE AS BEGIN SET NOCOUNT ON; INSERT dbo.log (said) VALUES (N'kept') END;
GO
CREATE TABLE dbo.guarded (id int NOT NULL PRIMARY KEY, v int NULL);
GO
CREATE TRIGGER dbo.tr_guard ON dbo.guarded AFTER DELETE, UPDATE AS BEGIN RAISERROR(N'do not touch', 16, 1); ROLLBACK END;
GO
CREATE VIEW dbo.shown AS SELECT id, v FROM dbo.base;
GO
CREATE TRIGGER dbo.tr_view ON dbo.shown INSTEAD OF INSERT AS BEGIN SET NOCOUNT ON; INSERT dbo.log (said) VALUES (N'view') END;
GO
CREATE INDEX ix_off ON dbo.base (v);
GO
CREATE INDEX ix_on ON dbo.base (v, id);
GO
DECLARE @i int = 1 WHILE @i <= 30 BEGIN
  INSERT dbo.base VALUES (@i, @i); INSERT dbo.guarded VALUES (@i, @i); INSERT dbo.many VALUES (@i, @i, @i, @i, @i, @i, @i); SET @i = @i + 1 END;
GO
ALTER TABLE dbo.many NOCHECK CONSTRAINT fk_untrusted, fk_disabled, ck_untrusted, ck_disabled;
GO
INSERT dbo.many VALUES (100, 1, 999, 999, 5, -5, -5);
GO
ALTER TABLE dbo.many CHECK CONSTRAINT fk_untrusted, ck_untrusted;
GO
DISABLE TRIGGER dbo.tr_off ON dbo.many;
GO
ALTER INDEX ix_off ON dbo.base DISABLE;
GO
"""

STATES_DAMAGE = [
    "DELETE FROM dbo.many WHERE id % 3 = {n} % 3", "UPDATE dbo.many SET a = 1, d = {n} + 1", "DELETE FROM dbo.many", "DELETE FROM dbo.log",
    "DISABLE TRIGGER dbo.tr_guard ON dbo.guarded; DELETE FROM dbo.guarded WHERE id > {n}; ENABLE TRIGGER dbo.tr_guard ON dbo.guarded",
    "UPDATE dbo.base SET v = -v WHERE id > {n}", "INSERT dbo.many VALUES (1000 + {n}, 1, NULL, NULL, 1, 1, 1)", "TRUNCATE TABLE dbo.many",
    "INSERT dbo.base VALUES (1000 + {n}, 0)"]

IDENTITIES = """
CREATE TABLE dbo.used (id int IDENTITY(10, 5) NOT NULL PRIMARY KEY, v int NULL);
GO
CREATE TABLE dbo.unused (id bigint IDENTITY(-7, 1) NOT NULL PRIMARY KEY, v int NULL);
GO
CREATE TABLE dbo.emptied (id int IDENTITY(1, 1) NOT NULL PRIMARY KEY, v int NULL);
GO
CREATE TABLE dbo.falling (id smallint IDENTITY(-1, -1) NOT NULL PRIMARY KEY, v int NULL);
GO
CREATE TABLE dbo.ahead (id int IDENTITY(1, 1) NOT NULL PRIMARY KEY, v int NULL);
GO
CREATE TABLE dbo.full_up (id tinyint IDENTITY(250, 1) NOT NULL PRIMARY KEY, v int NULL);
GO
CREATE TABLE dbo.digits (id decimal(38, 0) IDENTITY(1000000000000000000, 3) NOT NULL PRIMARY KEY, v int NULL);
GO
CREATE TABLE dbo.beside (k nvarchar(10) NOT NULL PRIMARY KEY, id int IDENTITY(1, 1) NOT NULL);
GO
CREATE TABLE dbo.only (id int IDENTITY(1, 1) NOT NULL);
GO
CREATE SEQUENCE dbo.seq_used AS int START WITH 5 INCREMENT BY 3;
GO
CREATE SEQUENCE dbo.seq_unused AS bigint START WITH -100 INCREMENT BY -1;
GO
CREATE SEQUENCE dbo.seq_cycle AS tinyint START WITH 1 INCREMENT BY 1 MINVALUE 1 MAXVALUE 3 CYCLE;
GO
INSERT dbo.used (v) VALUES (1), (2), (3), (4), (5), (6); INSERT dbo.emptied (v) VALUES (1), (2); DELETE FROM dbo.emptied;
GO
INSERT dbo.falling (v) VALUES (1), (2), (3); INSERT dbo.ahead (v) VALUES (1), (2); DBCC CHECKIDENT (N'dbo.ahead', RESEED, 5000) WITH NO_INFOMSGS;
GO
INSERT dbo.full_up (v) VALUES (1), (2), (3), (4), (5), (6); INSERT dbo.digits (v) VALUES (1), (2);
GO
INSERT dbo.beside (k) VALUES (N'b'), (N'a'), (N'c'); INSERT dbo.only DEFAULT VALUES; INSERT dbo.only DEFAULT VALUES;
GO
DECLARE @n bigint; SET @n = NEXT VALUE FOR dbo.seq_used; SET @n = NEXT VALUE FOR dbo.seq_used; SET @n = NEXT VALUE FOR dbo.seq_cycle;
GO
"""

IDENTITY_TABLES = ["used", "emptied", "falling", "ahead", "full_up", "digits"]
IDENTITIES_DAMAGE = [f"DELETE FROM dbo.{t} WHERE v > {{n}} % 3" for t in IDENTITY_TABLES] + [f"TRUNCATE TABLE dbo.{t}" for t in IDENTITY_TABLES] + [
    "INSERT dbo.unused (v) VALUES (1), (2)", "INSERT dbo.emptied (v) VALUES ({n})", "INSERT dbo.used (v) VALUES ({n}), ({n})",
    "INSERT dbo.falling (v) VALUES ({n})", "INSERT dbo.ahead (v) VALUES ({n})", "UPDATE dbo.digits SET v = {n}", "DELETE FROM dbo.full_up",
    "DBCC CHECKIDENT (N'dbo.used', RESEED, {n}) WITH NO_INFOMSGS; DELETE FROM dbo.used", "DELETE FROM dbo.beside WHERE k = N'a'",
    "INSERT dbo.beside (k) VALUES (N'z')", "DELETE FROM dbo.only; INSERT dbo.only DEFAULT VALUES",
    "DECLARE @n bigint; SET @n = NEXT VALUE FOR dbo.seq_used", "DECLARE @n bigint; SET @n = NEXT VALUE FOR dbo.seq_unused",
    "DECLARE @n bigint; SET @n = NEXT VALUE FOR dbo.seq_cycle; SET @n = NEXT VALUE FOR dbo.seq_cycle"]

NAMES = """
CREATE SCHEMA [a.b];
GO
CREATE SCHEMA [o'clock]]];
GO
CREATE SCHEMA [\u0441\u0445\u0435\u043c\u0430 \U0001f600];
GO
CREATE TABLE [a.b].[dbo.t] ([select] int NOT NULL PRIMARY KEY, [a]]b] int NULL, [c'd] nvarchar(20) NULL, ["e"] int NULL);
GO
CREATE TABLE [o'clock]]].[x]]y[z] ([ ] int NOT NULL CONSTRAINT [pk '" ]]] PRIMARY KEY, [\U0001f600] nvarchar(20) NULL CONSTRAINT [df .] DEFAULT N'd');
GO
CREATE TABLE [\u0441\u0445\u0435\u043c\u0430 \U0001f600].[\u6f22\u5b57 -- not a comment] ([/* nor this] int NOT NULL CONSTRAINT [\u043a\u043b\u044e\u0447] PRIMARY KEY,
  [up;] int NULL CONSTRAINT [f'k]]] REFERENCES [o'clock]]].[x]]y[z] ([ ]) CONSTRAINT [c[k]]] CHECK ([up;] <> 7));
GO
CREATE TABLE dbo.[%s%n{0}] ([%d] int NOT NULL PRIMARY KEY, v int NULL);
GO
CREATE TABLE dbo.[""" + "N" * 128 + """] (id int NOT NULL PRIMARY KEY, v int NULL);
GO
CREATE TRIGGER [a.b].[t'r]]] ON [a.b].[dbo.t] AFTER UPDATE AS BEGIN RETURN END;
GO
INSERT [a.b].[dbo.t] VALUES (1, 2, N'c', 3), (2, NULL, N'', NULL), (3, 3, NULL, 3);
GO
INSERT [o'clock]]].[x]]y[z] VALUES (1, N'\U0001f600'), (2, N'x'), (3, NULL);
GO
INSERT [\u0441\u0445\u0435\u043c\u0430 \U0001f600].[\u6f22\u5b57 -- not a comment] VALUES (1, 1), (2, NULL), (3, 3);
GO
INSERT dbo.[%s%n{0}] VALUES (1, 1), (2, 2);
GO
"""

NAMES_DAMAGE = [
    "DELETE FROM [a.b].[dbo.t] WHERE [select] > {n} % 3", "UPDATE [a.b].[dbo.t] SET [a]]b] = {n}, [c'd] = NULL",
    "UPDATE [o'clock]]].[x]]y[z] SET [\U0001f600] = N'o'", "DELETE FROM [\u0441\u0445\u0435\u043c\u0430 \U0001f600].[\u6f22\u5b57 -- not a comment]",
    "UPDATE dbo.[%s%n{{0}}] SET v = {n}", "INSERT [o'clock]]].[x]]y[z] ([ ]) VALUES (1000 + {n})"]

VIEWS = """
CREATE TABLE dbo.sales (id int NOT NULL PRIMARY KEY, shop int NOT NULL, amount int NOT NULL, twice AS amount * 2 PERSISTED, plain AS amount + 1);
GO
CREATE INDEX ix_twice ON dbo.sales (twice);
GO
CREATE VIEW dbo.totals WITH SCHEMABINDING AS SELECT shop, SUM(amount) AS total, COUNT_BIG(*) AS n FROM dbo.sales GROUP BY shop;
GO
CREATE UNIQUE CLUSTERED INDEX cx_totals ON dbo.totals (shop);
GO
CREATE FUNCTION dbo.fn (@x int) RETURNS int AS BEGIN RETURN @x + 1 END;
GO
CREATE PROCEDURE dbo.pr AS SELECT 1;
GO
DECLARE @i int = 0 WHILE @i < 40 BEGIN INSERT dbo.sales (id, shop, amount) VALUES (@i, @i % 4, @i * @i); SET @i = @i + 1 END;
GO
"""

VIEWS_DAMAGE = ["DELETE FROM dbo.sales WHERE shop = {n} % 4", "UPDATE dbo.sales SET amount = amount + {n} WHERE id > {n}",
                "INSERT dbo.sales (id, shop, amount) VALUES (1000 + {n}, 9, 9)", "DELETE FROM dbo.sales"]


def five_hundred():
    """Tables, each with a key to the one before."""
    out = []
    for i in range(500):
        up = f", up int NULL CONSTRAINT fk{i} REFERENCES dbo.t{i - 1} (id)" if i and i % 10 == 0 else ", up int NULL"
        out.append(f"CREATE TABLE dbo.t{i} (id int NOT NULL PRIMARY KEY, v nvarchar(20) NULL{up});\nGO\n"
                   f"INSERT dbo.t{i} VALUES (1, N'{i}', NULL), (2, NULL, 1);\nGO\n")
    return "".join(out)


def wide():
    """A table of a thousand columns, most of them sparse."""
    kinds = ["int SPARSE NULL", "nvarchar(20) SPARSE NULL", "bit NULL", "datetime2(7) SPARSE NULL", "varbinary(10) SPARSE NULL"]
    columns = ", ".join(f"c{i} {kinds[i % 5]}" for i in range(999))
    out = [f"CREATE TABLE dbo.wide (id int NOT NULL PRIMARY KEY, {columns});\nGO\n"]
    values = ["7", "N''", "1", "'2015-06-30T12:34:56.1234567'", "0x00"]
    for row in range(12):
        some = range(row, 999, 40 + row)
        out.append(f"INSERT dbo.wide (id, {', '.join(f'c{i}' for i in some)}) VALUES ({row}, {', '.join(values[i % 5] for i in some)});\nGO\n")
    return "".join(out)


WIDE_DAMAGE = ["DELETE FROM dbo.wide WHERE id % 3 = {n} % 3", "UPDATE dbo.wide SET c{n} = NULL", "UPDATE dbo.wide SET c995 = 5, c996 = N'x' WHERE id < {n}",
               "INSERT dbo.wide (id, c0) VALUES (1000 + {n}, 1)"]

CHAT_DAMAGE = [
    "DELETE FROM dbo.tblChat WHERE channelId % 7 = {n} % 7", "DELETE FROM dbo.tblChat", "UPDATE dbo.tblChat SET content = N'' WHERE chatId % 9 = {n} % 9",
    "UPDATE dbo.tblChat SET rtf = NULL", "DELETE FROM dbo.tblPrincipalRole", "DELETE FROM dbo.tblScopePrincipal WHERE scopePrinID % 3 = {n} % 3",
    "DELETE FROM dbo.tblFileToken", "UPDATE dbo.tblNode SET nodeName = nodeName + N'!' WHERE nodeID % 5 = {n} % 5", "TRUNCATE TABLE dbo.tblPreference",
    "DELETE FROM dbo.tblPrincipalInvites", "UPDATE dbo.tblPrincipal SET prinDisplayName = NULL, prinADPath = N'{n}' WHERE prinID % 4 = {n} % 4",
    "DELETE FROM dbo.tblADCookie", "DELETE FROM dbo.tblSystemRevision", "INSERT dbo.tblSystemRevision VALUES ({n})", "DELETE FROM dbo.tblConfig"]

EMPTY_TABLES = "CREATE TABLE dbo.a (id int IDENTITY(1, 1) NOT NULL PRIMARY KEY, v int NULL);\nGO\nCREATE TABLE dbo.b (v int NULL);\nGO\n"

HABITS = {  # name: (T-SQL that makes it, damages of which a few are done, how many)
    "chat": (None, CHAT_DAMAGE, 5),
    "heaps": (HEAPS, HEAPS_DAMAGE, 5),
    "keys": (KEYS, KEYS_DAMAGE, 12),
    "graph": (GRAPH, GRAPH_DAMAGE, 4),
    "states": (STATES, STATES_DAMAGE, 4),
    "identities": (IDENTITIES, IDENTITIES_DAMAGE, 8),
    "names": (NAMES, NAMES_DAMAGE, 3),
    "views": (VIEWS, VIEWS_DAMAGE, 2),
    "five_hundred": (five_hundred(), [f"DELETE FROM dbo.t{i} WHERE id = 2; UPDATE dbo.t{i} SET v = N'{{n}}'" for i in range(1, 500, 7)] +
                     [f"TRUNCATE TABLE dbo.t{i}" for i in range(3, 500, 10)], 20),
    "wide": (wide(), WIDE_DAMAGE, 2),
    "no_rows": (EMPTY_TABLES, ["INSERT dbo.a (v) VALUES ({n})", "INSERT dbo.b VALUES ({n}), (NULL)"], 2),
}


@pytest.fixture(scope="module")
def server(shared):
    return shared.server("--chat", "messages=600,rooms=30,users=30,seed=5")


def make(server, name, setup):
    if setup is None:
        server.add_logins("mgc")
        return "mgc"
    server.script(f"CREATE DATABASE {name};\nGO\nUSE {name};\nGO\n{setup}")
    server.add_logins(name)
    return name


def damage(server, database, choice, damages, count):
    """Some of the damages, some twice; what the database itself refuses is no damage."""
    done = [d.format(n=choice.randrange(1, 30)) for d in choice.choices(damages, k=count)]
    print("\n".join(done))
    server.sql("\nGO\n".join(done), database, check=False)


def digests(box, snapshot):
    return {t["name"]: (t["rows"], t.get("digest")) for t in box.json("show", snapshot)["tables"]}


def changes(box, database, *options):
    """What a restore says of each table that it changes."""
    run = box.run("restore", database, "--json", *options)
    assert run.returncode == 0, run.stdout + run.stderr
    blocks = [json.loads(line) for line in run.stdout.splitlines()]
    return [{k: v for k, v in b.items() if k != "job"} for b in blocks if b["block"] == "change"]


def newest(box, kind="backup"):
    return [s for s in box.json("list")["snapshots"] if s["class"] == kind][-1]["id"]


@pytest.mark.parametrize("name", HABITS)
def test_damaged_restored_undone(shared, server, name):
    setup, damages, count = HABITS[name]
    database = make(server, name, setup)
    box = shared.box(server, name=name, databases=database, profile="any")
    print(f"COFFRET_SEED={SEED}")
    choice = random.Random(f"{SEED} {name}")
    wanted, wanted_states = rows(server, database), states(server, database)
    box.ok("backup", database)
    kept = digests(box, newest(box))
    damage(server, database, choice, damages, count)
    broken, broken_states = rows(server, database), states(server, database)
    assert (broken, broken_states) != (wanted, wanted_states), "no damage was done"
    planned = changes(box, database, "--what-if")
    assert rows(server, database) == broken
    assert changes(box, database) == planned
    assert rows(server, database) == wanted, difference([wanted], [rows(server, database)])
    assert states(server, database) == wanted_states, difference([wanted_states], [states(server, database)])
    box.ok("undo", database)
    assert rows(server, database) == broken, difference([broken], [rows(server, database)])
    assert states(server, database) == broken_states, difference([broken_states], [states(server, database)])
    if name != "five_hundred":
        box.ok("restore", database)
        assert rows(server, database) == wanted
        box.ok("backup", database)
        assert digests(box, newest(box)) == kept
        box.ok("verify")
    assert server.tell("violations") == []
    box.stop()


def test_a_database_without_tables_is_backed_up_and_restored(shared, server):
    database = make(server, "nothing", "")
    box = shared.box(server, name="nothing", databases="nothing", profile="any")
    box.ok("backup", database)
    server.sql("CREATE TABLE dbo.later (id int NOT NULL PRIMARY KEY)", "nothing")
    box.ok("restore", database)
    assert list(tables(server, "nothing")) == ["[dbo].[later]"]
    box.stop()

# SPDX-License-Identifier: Apache-2.0
"""A database that is damaged: its present state cannot be kept, so a restore asks for consent, and then replaces what it
cannot read; or says what makes that possible."""
import os

import pytest

import world as stage

EXHAUSTIVE = bool(os.environ.get("COFFRET_EXHAUSTIVE"))

SETUP = """CREATE DATABASE small;
GO
ALTER DATABASE small SET ALLOW_SNAPSHOT_ISOLATION ON;
GO
USE small;
GO
CREATE TABLE dbo.parent (id int NOT NULL PRIMARY KEY, body nvarchar(50) NULL);
GO
CREATE TABLE dbo.child (id int NOT NULL IDENTITY(1, 1) PRIMARY KEY, parent int NULL REFERENCES dbo.parent (id), body nvarchar(50) NULL);
GO
CREATE TABLE dbo.other (id int NOT NULL PRIMARY KEY, body nvarchar(50) NULL);
GO
INSERT INTO dbo.parent VALUES (1, N'one'), (2, N'two'), (3, NULL), (4, N'four');
GO
INSERT INTO dbo.child (parent, body) VALUES (1, N'a'), (2, N'b'), (3, N''), (1, NULL);
GO
INSERT INTO dbo.other VALUES (1, N'x'), (2, N'y');
GO
"""


class Scene:
    """A server and a box with one good snapshot, and then damage: [dbo].[other] has lost a row in any case."""

    def __init__(self, world):
        self.server = world.server()
        self.server.script(SETUP)
        self.server.add_logins("small")
        self.box = world.box(self.server, databases="small", profile="any")
        self.box.ok("backup")
        self.lists = self.server.select_lists("small")
        self.wanted = self.look()
        self.server.sql("DELETE FROM dbo.other WHERE id = 2", "small")

    def look(self, *tables):
        return self.server.fingerprint("small", tables=tables, lists=self.lists)

    def damage(self, table, row):
        self.server.tell(f"set damage=small.dbo.{table}:{row}")

    def restore(self, *options):
        """Exit code, what was said, and the outcome as scripts get it."""
        self.server.tell("forget")
        result = self.box.run("restore", "small", "--json", *options)
        lines = [stage.json.loads(line) for line in result.stdout.splitlines()]
        outcomes = [line for line in lines if line.get("block") == "outcome"]
        return result.returncode, result.stdout, outcomes[0] if outcomes else None

    def changed(self):
        journal = "\n".join(self.server.tell("statements"))
        return any(word in journal for word in ("TRUNCATE TABLE", "DELETE FROM", "INSERT BULK"))

    def records(self, event):
        return [line for line in open(f"{self.box.directory}/state/audit.log").read().splitlines() if f'event="{event}"' in line]

    def safeties(self):
        return [s for s in self.box.json("list")["snapshots"] if s["class"] == "safety"]


@pytest.fixture
def scene(world):
    return Scene(world)


@pytest.mark.parametrize("row", [1, 3])
def test_a_page_that_cannot_be_read_is_consented_to_and_its_table_replaced(scene, row):
    """Row 1: even the lock, which asks for a row, would find it."""
    scene.damage("child", row)
    untouched = scene.look("dbo.parent", "dbo.other")
    code, said, outcome = scene.restore()
    assert code == 1 and "824" in said and "--without-safety" in said and "cannot be kept, and nothing was changed" in said, said
    assert outcome["consent"] == "without-safety" and "[dbo].[child]" in outcome["sentence"], outcome
    assert not scene.changed() and scene.safeties() == []
    assert scene.look("dbo.parent", "dbo.other") == untouched

    code, said, outcome = scene.restore("--without-safety")
    assert code == 0 and "was not kept" in said, said
    assert "[dbo].[child] cannot be read (message 824)" in said, said
    assert scene.look() == scene.wanted
    assert scene.safeties() == []
    assert any("[dbo].[child]" in line and "consented" in line for line in scene.records("unread"))
    assert any("without-safety" in line for line in scene.records("asked"))
    scene.server.sql("INSERT INTO dbo.child (parent, body) VALUES (3, N'next')", "small")
    assert "5" in scene.server.sql("SET NOCOUNT ON SELECT MAX(id) FROM dbo.child", "small").split()


def test_each_table_that_cannot_be_read_is_found_and_told_and_no_other_is_lost(scene):
    scene.damage("child", 2)
    scene.damage("other", 1)
    code, said, outcome = scene.restore("--without-safety", "--what-if")
    assert code == 0 and not scene.changed() and scene.records("unread") == [], said
    changes = {c["table"]: c for c in map(stage.json.loads, said.splitlines()) if c.get("block") == "change"}
    assert set(changes) == {"[dbo].[child]", "[dbo].[other]"}
    assert all("damaged" in c["why"] for c in changes.values()), changes
    code, said, outcome = scene.restore("--without-safety")
    assert code == 0, said
    assert scene.look() == scene.wanted
    assert len(scene.records("unread")) == 2


def test_what_cannot_be_emptied_unread_is_refused_with_the_repair_that_makes_it_readable(scene):
    scene.damage("parent", 4)
    code, said, outcome = scene.restore("--without-safety")
    assert code == 1 and "[dbo].[parent]" in said and "foreign key refers to it" in said, said
    assert "CHECKTABLE (N'[dbo].[parent]', REPAIR_ALLOW_DATA_LOSS)" in said, said
    assert not scene.changed()
    scene.server.script("ALTER DATABASE small SET SINGLE_USER;\nGO\nUSE small;\nGO\nDBCC CHECKTABLE (N'[dbo].[parent]', "
                        "REPAIR_ALLOW_DATA_LOSS);\nGO\nUSE master;\nGO\nALTER DATABASE small SET MULTI_USER;\nGO\n")
    assert scene.look()["dbo.parent"][0] == 3, "the repair loses what it cannot read"
    code, said, outcome = scene.restore()
    assert code == 0, said
    assert scene.look() == scene.wanted
    scene.box.ok("undo", "small")
    assert scene.look()["dbo.parent"][0] == 3


def test_a_damaged_table_that_is_not_in_the_snapshot_stays_as_it_is(scene):
    scene.server.sql("CREATE TABLE dbo.younger (id int NOT NULL PRIMARY KEY)", "small")
    scene.server.sql("INSERT INTO dbo.younger VALUES (1), (2)", "small")
    scene.damage("younger", 1)
    code, said, outcome = scene.restore()
    assert code == 1 and outcome["consent"] == "without-safety", said
    code, said, outcome = scene.restore("--without-safety")
    assert code == 0, said
    assert scene.look(*scene.wanted) == scene.wanted
    with pytest.raises(AssertionError, match="824|connection|20003|20004"):
        scene.look("dbo.younger") if "dbo.younger" in scene.lists else scene.server.fingerprint("small", tables=["dbo.younger"])


def test_a_connection_that_breaks_anywhere_leaves_the_damaged_database_or_the_wanted_one(scene):
    scene.damage("child", 2)
    before = scene.look("dbo.parent", "dbo.other")

    def is_wanted():
        try:
            return scene.look() == scene.wanted
        except AssertionError:  # it cannot be read: then nothing else of it has changed, either
            assert scene.look("dbo.parent", "dbo.other") == before
            return False
    cuts = 0
    for n in range(1, 10000, 1 if EXHAUSTIVE else 47):
        strikes = int(scene.server.tell("strikes")[0])
        scene.server.tell(f"wire cut-after-packets={n}")
        code, said, outcome = scene.restore("--without-safety")
        scene.server.tell("wire none")
        stage.wait_for(lambda: not [d for d in scene.box.json("status")["databases"] if d.get("unknown_job")], 60, "the truth")
        wanted = is_wanted()
        if int(scene.server.tell("strikes")[0]) == strikes:
            assert code == 0 and wanted, said
            break
        cuts += 1
        assert code in (0, 1, 5), said
        assert code == 5 or wanted == (code == 0), (n, said)
        if wanted:
            scene.server.sql("DELETE FROM dbo.other WHERE id = 2", "small")
            scene.damage("child", 2)
    print(f"{cuts} connections broken")
    assert cuts > 5
    assert scene.safeties() == []


@pytest.mark.parametrize("how, words", [("suspect", ("It is SUSPECT, not ONLINE", "REPAIR_ALLOW_DATA_LOSS", "error log")),
                                        ("dropped", ("no database of that name", "Create it with its tables"))])
def test_where_there_is_nothing_to_write_to_consent_helps_nobody_and_what_does_is_said(scene, how, words):
    stage.wait_for(lambda: "small" not in " ".join(scene.server.tell("sessions")), 30, "everybody to leave")
    if how == "suspect":
        scene.server.tell("set mark=small:suspect")
    else:
        scene.server.script("DROP DATABASE small;\nGO\n")
    for options in ((), ("--without-safety",)):
        code, said, outcome = scene.restore(*options)
        assert code == 1 and not outcome.get("consent"), said
        for word in words:
            assert word in said, (word, said)
    if how == "suspect":
        scene.server.script("ALTER DATABASE small SET ONLINE;\nGO\n")
        scene.box.ok("restore", "small")
        assert scene.look() == scene.wanted

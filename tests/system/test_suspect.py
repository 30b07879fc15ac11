# SPDX-License-Identifier: Apache-2.0
"""Nights that depart from their history, made by what attackers and accidents do, through the box."""
import random

import pytest

import world as stage

ROWS = 1600


def fill(name, seed=1):
    """T-SQL that makes a database whose text compresses as text does."""
    words = random.Random(seed)
    vocabulary = ["".join(words.choices("etaoinshrdlu", k=words.randint(2, 9))) for _ in range(400)]
    lines = [f"CREATE DATABASE {name};", "GO", f"USE {name};", "GO",
             "CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY, body nvarchar(2000) NULL);", "GO"]
    for first in range(0, ROWS, 100):
        rows = ", ".join(f"({i}, N'{' '.join(words.choices(vocabulary, k=140))}')" for i in range(first, first + 100))
        lines += [f"INSERT INTO dbo.t VALUES {rows};", "GO"]
    return "\n".join(lines) + "\n"


def noise(count, first=0):
    """Rows that look encrypted."""
    return [(i, random.Random(i).randbytes(1000).hex()) for i in range(first, first + count)]


def encrypt(server):
    server.script("USE big;\nGO\n" + "".join(f"UPDATE dbo.t SET body = N'{text}' WHERE id = {i};\nGO\n" for i, text in noise(ROWS)))


def truncate(server):
    server.sql("TRUNCATE TABLE dbo.t", "big")


def swap(server):
    server.sql("DROP DATABASE big")
    server.script(fill("big"))
    server.add_logins("big")


def flood(server):
    server.script("USE big;\nGO\n" + "".join(f"INSERT INTO dbo.t VALUES ({i}, N'{text}');\nGO\n"
                                             for i, text in noise(2 * ROWS, 10 * ROWS)))


def snapshots(box):
    return box.json("list")["snapshots"]


@pytest.fixture
def big(world):
    server = world.server()
    server.script(fill("big"))
    server.add_logins("big")
    return server, world.box(server, databases="big", profile="any")


@pytest.mark.parametrize("attack, words", [(encrypt, "is new"), (truncate, "has 0 rows"), (swap, "another database"),
                                           (flood, "is new")])
def test_a_night_that_departs_is_suspect_held_and_not_restored_unasked(big, attack, words):
    server, box = big
    box.ok("backup")
    server.sql(f"UPDATE dbo.t SET body = N'a usual change' WHERE id >= {ROWS - 5}", "big")  # at the end: cuts stay before it
    box.ok("backup")
    assert [s["suspect"] for s in snapshots(box)] == [False, False]
    before = server.fingerprint("big")
    attack(server)
    said = box.ok("backup")
    assert "SUSPECT" in said and words in said, said
    first, good, bad = snapshots(box)
    assert [s["suspect"] for s in (first, good, bad)] == [False, False, True]
    assert bad["kept_because"] == "suspect" and "SUSPECT" in box.ok("list")
    assert "SUSPECT" in box.ok("backup")  # nothing of it is new any more, and it is no better
    stage.wait_for(lambda: "Data looks wrong" in box.ok("press", "--state"), 60, "the panel to say so")
    box.ok("restore", "big", "-y")
    assert server.fingerprint("big") == before
    box.ok("accept", snapshots(box)[-2]["id"])
    assert [s["suspect"] for s in snapshots(box) if s["class"] == "backup"] == [False] * 4


def test_two_percent_from_all_over_are_no_reason_though_they_change_every_chunk(big):
    server, box = big
    box.ok("backup")
    server.sql("DELETE FROM dbo.t WHERE id % 50 = 0", "big")
    server.sql("UPDATE dbo.t SET body = N'a usual change' WHERE id % 50 = 1", "big")
    assert "SUSPECT" not in box.ok("backup")
    assert [s["suspect"] for s in snapshots(box)] == [False, False]


def test_a_small_table_that_is_emptied_is_named_and_one_night_more_changes_nothing(big):
    server, box = big
    server.script("USE big;\nGO\nCREATE TABLE dbo.roles (id int NOT NULL PRIMARY KEY);\nGO\n" +
                  "INSERT INTO dbo.roles VALUES " + ", ".join(f"({i})" for i in range(40)) + ";\nGO\n")
    box.ok("backup")
    server.sql("DELETE FROM dbo.roles", "big")
    assert "SUSPECT: dbo.roles has 0 rows, and had 40" in box.ok("backup")
    assert "SUSPECT" in box.ok("backup")
    bad = snapshots(box)[-1]
    box.ok("accept", bad["id"])
    assert "SUSPECT" not in box.ok("backup")
    server.sql("INSERT INTO dbo.roles VALUES (1)", "big")
    assert "SUSPECT" not in box.ok("backup")

# SPDX-License-Identifier: Apache-2.0
"""Kinds of tables that cannot be kept or replaced: each is refused, or kept with a note, by its name."""
import pytest

import world as stage

PLAIN = "CREATE TABLE dbo.odd (id int NOT NULL PRIMARY KEY, body nvarchar(50) NULL);\nGO\n"
POLICY = PLAIN + """CREATE FUNCTION dbo.seen (@id int) RETURNS TABLE WITH SCHEMABINDING AS RETURN SELECT 1 AS ok WHERE @id > 0;
GO
CREATE SECURITY POLICY dbo.guard ADD FILTER PREDICATE dbo.seen(id) ON dbo.odd WITH (STATE = ON);
GO
"""

UNREADABLE = {  # kind: (T-SQL that makes dbo.odd, mark of the stand-in, what must be said)
    "memory_optimized": (PLAIN, "memory_optimized", "a memory-optimized table"),
    "filetable": (PLAIN, "filetable", "a FileTable keeps its data in files"),
    "external": (PLAIN, "external", "an external table keeps its rows elsewhere"),
    "node": (PLAIN, "node", "a graph table"),
    "edge": (PLAIN, "edge", "a graph table"),
    "filestream": ("CREATE TABLE dbo.odd (id int NOT NULL PRIMARY KEY, body varbinary(max) FILESTREAM NULL);\nGO\n", None,
                   "a FILESTREAM column keeps its data in files"),
    "encrypted": ("CREATE TABLE dbo.odd (id int NOT NULL PRIMARY KEY, body nvarchar(50) COLLATE Latin1_General_BIN2 ENCRYPTED WITH "
                  "(COLUMN_ENCRYPTION_KEY = k, ENCRYPTION_TYPE = DETERMINISTIC, ALGORITHM = 'AEAD_AES_256_CBC_HMAC_SHA_256') NULL);"
                  "\nGO\n", None, "a column is under Always Encrypted"),
    "policy": (POLICY, None, "a row-level security policy filters its rows"),
}

UNREPLACEABLE = {  # kind, a mark of the stand-in: what must be said
    "temporal": "a system-versioned table",
    "ledger": "a ledger table",
    "cdc": "change data capture",
    "published": "published for replication",
}


@pytest.fixture(scope="module")
def place(shared):
    server = shared.server()
    for kind in [*UNREADABLE, *UNREPLACEABLE]:
        made, mark, _ = UNREADABLE.get(kind, (PLAIN, kind, None))
        server.script(f"CREATE DATABASE {kind};\nGO\nUSE {kind};\nGO\n{made}CREATE TABLE dbo.even (id int NOT NULL PRIMARY KEY, n int NULL);"
                      "\nGO\nINSERT dbo.even VALUES (1, 1), (2, NULL);\nGO\n")
        server.add_logins(kind)
        if kind in UNREPLACEABLE:
            server.sql("INSERT dbo.odd VALUES (1, N'one'), (2, NULL), (3, N'')", kind)
        if mark:
            server.tell(f"set mark={kind}.dbo.odd:{mark}")
    box = shared.box(server, databases=", ".join([*UNREADABLE, *UNREPLACEABLE]), profile="any")
    return server, box


def snapshots(box, kind):
    return [s for s in box.json("list")["snapshots"] if s["subject"] == f"sql/{kind}"]


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_a_copy_would_lack_is_refused_by_table_and_kind(place, kind):
    _, box = place
    result = box.run("backup", kind)
    said = result.stdout + result.stderr
    assert result.returncode == 1, said
    assert "[dbo].[odd]" in said and UNREADABLE[kind][2] in said, said
    assert "[dbo].[even]" not in said, said
    assert snapshots(box, kind) == []


@pytest.mark.parametrize("kind", UNREPLACEABLE)
def test_what_cannot_be_replaced_is_kept_with_a_note_and_refused_only_where_it_differs(place, kind):
    server, box = place
    said = box.ok("backup", kind)
    assert "[dbo].[odd] is kept, but cannot be restored in place" in said and UNREPLACEABLE[kind] in said, said
    assert "[dbo].[even] is kept" not in said
    assert any(UNREPLACEABLE[kind] in note["text"] for note in box.json("show", snapshots(box, kind)[0]["id"])["notes"])
    before = server.fingerprint(kind)
    server.sql("DELETE FROM dbo.even", kind)
    box.ok("restore", kind)
    assert server.fingerprint(kind) == before
    server.sql("DELETE FROM dbo.even; DELETE FROM dbo.odd WHERE id = 2", kind)
    broken = server.fingerprint(kind)
    server.tell("forget")
    result = box.run("restore", kind)
    said = result.stdout + result.stderr
    assert result.returncode == 1, said
    assert "[dbo].[odd]" in said and UNREPLACEABLE[kind] in said and "differs" in said, said
    assert server.fingerprint(kind) == broken
    assert "INSERT BULK" not in "\n".join(server.tell("statements")).upper()

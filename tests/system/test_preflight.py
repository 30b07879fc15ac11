# SPDX-License-Identifier: Apache-2.0
"""What a restore looks at before it locks or changes anything, and what a what-if tells and does not do."""
import contextlib
import os

import pytest

import world as stage

SETUP = """CREATE DATABASE small;
GO
ALTER DATABASE small SET ALLOW_SNAPSHOT_ISOLATION ON;
GO
USE small;
GO
CREATE TABLE dbo.t (id int NOT NULL IDENTITY(1, 1) CONSTRAINT PK_t PRIMARY KEY, body nvarchar(200) NULL,
    CONSTRAINT CK_t CHECK (id > 0));
GO
CREATE TABLE dbo.kept (id int NOT NULL PRIMARY KEY, n int NULL);
GO
INSERT INTO dbo.t (body) VALUES (N'one'), (NULL), (N'');
GO
INSERT INTO dbo.kept VALUES (1, 1);
GO
"""
DAMAGE = "DELETE FROM dbo.t WHERE id > 1"
CHANGES = ("INSERT", "UPDATE", "DELETE", "ALTER", "CREATE", "TRUNCATE", "DBCC", "MERGE", "DROP", "COMMIT")


@pytest.fixture
def small(world):
    """A server and a box with one good snapshot, and then damage."""
    server = world.server()
    server.script(SETUP)
    server.add_logins("small")
    box = world.box(server, databases="small", profile="any")
    box.ok("backup")
    server.sql(DAMAGE, "small")
    return server, box


@contextlib.contextmanager
def client(server, database, name="TSQL"):
    """Somebody who is connected and does nothing."""
    def spids():
        return {line.split()[0] for line in server.tell("sessions")}
    before = spids()
    process = stage.subprocess.Popen(
        ["tsql", "-S", "standin", "-U", stage.ADMIN[0], "-P", stage.ADMIN[1], "-D", database, "-a", name],
        stdin=stage.subprocess.PIPE, stdout=stage.subprocess.DEVNULL, stderr=stage.subprocess.DEVNULL, text=True,
        env={**os.environ, "FREETDSCONF": server.freetds(server.directory)})
    stage.wait_for(lambda: spids() - before, 30, "the client's login")
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()


def changes_said(server):
    """Statements that change something, by the server's own journal; of the restore, nothing else runs."""
    said = []
    for line in server.tell("statements"):
        _, kind, *text = line.split(" ", 2)
        text = " ".join(text).upper()
        if kind in ("batch", "rpc", "bulk", "transaction") and any(text.startswith(w) or f"; {w} " in text for w in CHANGES):
            said.append(text)
    return said


def refused(server, box, *words, option=()):
    """The restore says all that, ends with 1, and has locked and changed nothing."""
    before = server.fingerprint("small")
    server.tell("forget")
    result = box.run("restore", "small", *option)
    said = result.stdout + result.stderr
    assert result.returncode == 1, said
    for word in words:
        assert word in said, (word, said)
    journal = "\n".join(server.tell("statements")).upper()
    assert "TABLOCKX" not in journal and "SP_GETAPPLOCK" not in journal
    assert not changes_said(server)
    assert server.fingerprint("small") == before
    return said


def test_while_others_are_connected_it_is_refused_unless_told(small):
    server, box = small
    with client(server, "small"):
        refused(server, box, "1 other session is in the database", "login sa", "--with-users-connected")
        box.ok("restore", "small", "--with-users-connected")
    assert server.fingerprint("small")["dbo.t"][0] == 3
    box.ok("undo", "small")


def test_another_box_or_whoever_is_in_another_database_is_no_matter(small):
    server, box = small
    with client(server, "master"), client(server, "small", "Coffret backup"):
        box.ok("restore", "small")


def test_the_chat_service_is_named_with_the_command_that_stops_it(world):
    server = world.server("--chat", "messages=600,rooms=40,users=40,seed=1")
    server.add_logins("mgc", "mgccomp")
    box = world.box(server)
    box.ok("backup", "mgc")
    server.sql("DELETE FROM dbo.tblPreference", "mgc")
    with client(server, "mgc"):
        result = box.run("restore", "mgc")
        assert result.returncode == 1 and "Stop-CsWindowsService RTCCHAT" in result.stdout + result.stderr, result
    box.ok("restore", "mgc")


def test_the_panel_cannot_restore_while_others_are_connected(small):
    server, box = small
    before = server.fingerprint("small")
    stage.wait_for(lambda: "starting" not in box.run("press", "--state").stdout, 60, "the panel to come up")
    with client(server, "small"):
        stage.wait_for(lambda: box.run("press", "restore", "--hold", "6s").returncode == 0, 30, "the panel")
        stage.time.sleep(1)
        box.ok("press", "restore", "--hold", "6s")
        job = stage.wait_for(lambda: [j for j in box.json("jobs")["jobs"] if j["kind"] == "restore" and
                                      j["state"] == "failed"], 60, "the refusal")
        assert "other session" in job[-1]["sentence"]
        stage.wait_for(lambda: "small is in use" in box.run("press", "--state").stdout, 30, "the panel to say why")
        assert "Close it, try again" in box.run("press", "--state").stdout
    assert server.fingerprint("small") == before


def test_without_view_server_state_it_says_that_it_could_not_look(small):
    server, box = small
    server.script("USE master;\nGO\nREVOKE VIEW SERVER STATE TO coffret_restore;\nGO\n")
    with client(server, "small"):
        said = box.ok("restore", "small")
    assert "Could not look who else is in small: the restore login lacks VIEW SERVER STATE" in said
    assert "free space on the server's volumes (VIEW SERVER STATE)" in said


@pytest.mark.parametrize("right,words", [
    ("ALTER ROLE db_datawriter DROP MEMBER coffret_restore", ("[dbo].[", "may not INSERT, DELETE there", "1 more")),
    ("ALTER ROLE db_ddladmin DROP MEMBER coffret_restore", ("[dbo].[", "may not ALTER there", "DBCC CHECKIDENT")),
])
def test_a_right_that_is_missing_is_named(small, right, words):
    server, box = small
    server.script(f"USE small;\nGO\n{right};\nGO\n")
    refused(server, box, *words, "db_ddladmin")


@pytest.mark.parametrize("mark,words", [
    ("small:ddl_trigger", ("ddl_trigger", "DISABLE TRIGGER [ddl_trigger] ON DATABASE")),
    ("master:server_trigger", ("server_trigger", "DISABLE TRIGGER [server_trigger] ON ALL SERVER")),
])
def test_a_ddl_trigger_is_named_with_the_statement_that_disables_it(small, mark, words):
    server, box = small
    server.script("USE master;\nGO\nGRANT VIEW ANY DEFINITION TO coffret_restore;\nGO\n")
    server.tell(f"set mark={mark}")
    refused(server, box, *words)


def test_a_database_that_cannot_be_written_is_refused(small):
    server, box = small
    server.script("ALTER DATABASE small SET READ_ONLY;\nGO\n")
    refused(server, box, "read-only")


@pytest.mark.parametrize("how,words", [
    ("ALTER DATABASE small SET OFFLINE", ("It is OFFLINE, not ONLINE",)),
    ("DROP DATABASE small", ("no database of that name",)),
    ("mirror_of", ("It is a mirror", "principal")),
    ("single", ("It is SINGLE_USER, and another session has its one place", "SET MULTI_USER")),
])
def test_a_database_that_cannot_be_opened_is_refused_by_its_state(small, how, words):
    server, box = small
    with contextlib.ExitStack() as stack:
        if how == "mirror_of":
            server.tell("set mark=small:mirror_of")
        elif how == "single":
            stage.wait_for(lambda: "small" not in " ".join(server.tell("sessions")), 30, "everybody to leave")
            stack.enter_context(client(server, "small"))
            server.script("ALTER DATABASE small SET SINGLE_USER;\nGO\n")
        else:
            stage.wait_for(lambda: "small" not in " ".join(server.tell("sessions")), 30, "everybody to leave")
            server.script(f"{how};\nGO\n")
        result = box.run("restore", "small")
        said = result.stdout + result.stderr
        assert result.returncode == 1, said
        for word in words:
            assert word in said, (word, said)
        backup = box.run("backup")
        assert backup.returncode and words[0] in backup.stdout + backup.stderr, backup
        checked = found(box, "database")
        assert checked and checked[0]["result"] == "failed" and words[0] in checked[0]["detail"], checked


def test_a_schema_that_changed_is_refused_by_column(small):
    server, box = small
    server.sql("ALTER TABLE dbo.t ALTER COLUMN body nvarchar(100) NULL", "small")
    refused(server, box, "[dbo].[t].[body]", "was 400 bytes long, is 200")


def test_a_feature_is_refused_only_where_the_table_differs(small):
    server, box = small
    server.tell("set mark=small.dbo.kept:temporal")
    said = box.ok("restore", "small")
    assert "[dbo].[kept] cannot be replaced: a system-versioned table" in said
    server.sql("UPDATE dbo.kept SET n = 2", "small")
    before = server.fingerprint("small")
    result = box.run("restore", "small")
    said = result.stdout + result.stderr
    assert result.returncode == 1 and "[dbo].[kept]" in said and "It differs and cannot be replaced" in said, said
    assert server.fingerprint("small") == before


def test_a_mask_is_no_hindrance_to_a_login_that_sees_through_it(small):
    server, box = small
    server.script("USE small;\nGO\nALTER TABLE dbo.t ADD secret nvarchar(20) MASKED WITH (FUNCTION = 'default()') NULL;\nGO\n"
                  "UPDATE dbo.t SET secret = N'x';\nGO\n")
    refused = box.run("backup")
    assert refused.returncode and "a column is masked and the login lacks UNMASK" in refused.stdout + refused.stderr
    assert found(box, "masked columns", "backup")[0]["result"] == "failed"
    server.script("USE small;\nGO\nGRANT UNMASK TO coffret_backup;\nGO\nGRANT UNMASK TO coffret_restore;\nGO\n")
    assert found(box, "masked columns", "backup")[0]["result"] == "ok"
    box.ok("backup")
    before = server.fingerprint("small")
    server.sql("DELETE FROM dbo.t", "small")
    box.ok("restore", "small")
    assert server.fingerprint("small") == before


def many_rows(server, box):
    """2 000 rows more in the snapshot, which are then gone: all of them must come back."""
    rows = ", ".join("(REPLICATE(N'x', 190))" for _ in range(500))
    server.sql("\nGO\n".join(f"INSERT INTO dbo.t (body) VALUES {rows}" for _ in range(8)), "small")
    box.ok("backup")
    server.sql("DELETE FROM dbo.t", "small")


def test_a_log_that_surely_is_too_small_is_refused_with_the_numbers(small):
    server, box = small
    many_rows(server, box)
    server.tell("set log_limit=65536")
    refused(server, box, "in the log until it commits, and there is 65", "FILEGROWTH", "LOG_BACKUP")
    server.tell("set log_limit=0")
    assert "in the log; there is" in box.ok("restore", "small")


def test_where_only_the_plan_shows_that_there_is_no_room_no_safety_snapshot_stays_behind(small):
    server, box = small
    many_rows(server, box)
    box.ok("restore", "small")
    kept = len(box.json("list")["snapshots"])
    server.sql("UPDATE dbo.t SET body = REPLICATE(N'y', 190)", "small")
    server.tell("set log_limit=65536")
    result = box.run("restore", "small")
    said = result.stdout + result.stderr
    assert result.returncode == 1 and "comparing" in said and "in the log until it commits, and there is 65" in said, said
    assert len(box.json("list")["snapshots"]) == kept
    server.tell("set log_limit=0")
    box.ok("restore", "small")


def test_what_if_tells_everything_and_writes_nothing(small):
    server, box = small
    server.tell("set mark=small:mirrored")
    server.tell("set mark=small:log_shipped")
    before = server.fingerprint("small")
    snapshots = len(box.json("list")["snapshots"])
    with client(server, "small"):
        server.tell("forget")
        said = box.ok("restore", "small", "--what-if")
        journal = server.tell("statements")
    assert not changes_said(server)
    spid = {line.split(" ")[0] for line in journal}
    assert len(spid) == 1, "the restore alone was to be seen"
    text = "\n".join(journal).upper()
    assert "TABLOCK" not in text and "SP_GETAPPLOCK" not in text, "it keeps nobody waiting"
    assert "BEGIN TRANSACTION" in text and "ROLLBACK TRANSACTION" in text and "COMMIT TRANSACTION" not in text
    for word in ("1 of 2 tables", "would be refused now: 1 other session", "Recovery model FULL", "LOG_BACKUP",
                 "Mirrored to PARTNER: SYNCHRONIZED", "in data files", "in the log", "othing was written"):
        assert word in said, (word, said)
    assert server.fingerprint("small") == before
    assert len(box.json("list")["snapshots"]) == snapshots
    assert box.json("restore", "small", "--what-if")


@pytest.mark.parametrize("number,remedy", [(9002, "Back the log up"), (1105, "filegroup that is named grow")])
def test_a_server_that_runs_full_all_the_same_is_told_with_its_remedy(small, number, remedy):
    server, box = small
    before = server.fingerprint("small")
    server.tell(f"set fail={number}@bulk:1")
    result = box.run("restore", "small")
    assert result.returncode == 1 and str(number) in result.stdout + result.stderr, result
    assert remedy in result.stdout + result.stderr, result
    assert server.fingerprint("small") == before
    server.tell("set fail=0")
    box.ok("restore", "small")


def found(box, step, login="restore"):
    findings = stage.json.loads(box.run("check", "--json").stdout)["findings"]
    return [f for f in findings if f["step"] == step and f["login"] == login]


def test_check_says_what_a_restore_would_say_now(small):
    server, box = small
    server.tell("forget")
    assert found(box, "sessions")[0]["result"] == "ok"
    assert found(box, "DDL triggers")[0]["result"] == "ok"
    assert "if every row is replaced: Needs up to" in found(box, "log space")[0]["detail"]
    assert "Recovery model FULL" in found(box, "recovery model")[0]["detail"]
    server.tell("set mark=small:ddl_trigger")
    server.script("USE small;\nGO\nALTER ROLE db_datawriter DROP MEMBER coffret_restore;\nGO\n")
    with client(server, "small"):
        sessions = found(box, "sessions")[0]
    assert sessions["result"] == "warning" and "login sa" in sessions["detail"]
    trigger = found(box, "DDL triggers")[0]
    assert trigger["result"] == "failed" and "DISABLE TRIGGER [ddl_trigger] ON DATABASE" in trigger["remedy"]
    assert any(f["result"] == "failed" and "may not INSERT, DELETE" in f["detail"] for f in found(box, "may write"))
    assert not [s for s in changes_said(server) if "DB_DATAWRITER" not in s]


def last_value(server):
    out = server.sql("SET NOCOUNT ON SELECT CAST(last_value AS bigint) FROM sys.identity_columns WHERE object_id = "
                     "OBJECT_ID('dbo.t')", "small")
    return out.split()[-1]


def test_an_identity_that_alone_has_moved_is_put_back(small):
    server, box = small
    box.ok("restore", "small")
    assert last_value(server) == "3"
    server.sql("INSERT INTO dbo.t (body) VALUES (N'x'); DELETE FROM dbo.t WHERE id > 3", "small")
    assert last_value(server) == "4"
    box.ok("restore", "small")
    assert last_value(server) == "3"


def test_a_restore_that_is_rolled_back_leaves_identities_as_they_were(small):
    server, box = small
    # The key forbids TRUNCATE, whose reset a rollback takes back; what inserts have moved it does not.
    server.sql("CREATE TABLE dbo.child (id int NOT NULL PRIMARY KEY, t int NULL CONSTRAINT FK_t REFERENCES dbo.t (id))", "small")
    server.sql("DBCC CHECKIDENT ('dbo.t', RESEED, 1)", "small")
    server.tell("forget")
    server.tell("set fail=547@alter:4")
    result = box.run("restore", "small")
    assert result.returncode == 1, result.stdout + result.stderr
    server.tell("set fail=0")
    journal = "\n".join(server.tell("statements"))
    assert "INSERT BULK" in journal and "RESEED, 1)" in journal
    assert last_value(server) == "1"
    assert server.fingerprint("small")["dbo.t"][0] == 1


@pytest.mark.parametrize("forced", [False, True])
def test_where_commit_is_answered_before_the_log_is_on_disk_the_log_is_flushed_before_it_is_done(small, forced):
    server, box = small
    if forced:
        server.script("ALTER DATABASE small SET DELAYED_DURABILITY = FORCED;\nGO\n")
    server.tell("forget")
    box.ok("restore", "small")
    said = [line for line in server.tell("statements") if "COMMIT TRANSACTION" in line or "sp_flush_log" in line]
    assert ["sp_flush_log" in line for line in said][-1] == forced, said


def test_a_key_of_another_collation_is_refused_before_anything_could_be_loaded_in_an_order_that_is_not_the_server_s(world):
    """A load promises the order of the clustered key (4819 where it is another): so the collations must be the same."""
    server = world.server()
    columns = "CREATE TABLE dbo.named (name nvarchar(40) COLLATE {} NOT NULL CONSTRAINT PK_named PRIMARY KEY, n int NULL)"
    rows = "INSERT INTO dbo.named VALUES (N'a', 1), (N'B', 2), (N'c', 3), (N'\u00c5', 4), (N'z', 5)"
    server.script("CREATE DATABASE small;\nGO\n")
    server.sql(columns.format("Latin1_General_CI_AS"), "small")
    server.sql(rows, "small")
    server.add_logins("small")
    box = world.box(server, databases="small", profile="any", extra="consistency = lock")
    box.ok("backup")
    wanted = server.fingerprint("small")
    server.tell("forget")
    server.sql("DELETE FROM dbo.named", "small")
    box.ok("restore", "small")
    assert any("ORDER ([name] ASC)" in line for line in server.tell("statements"))
    assert server.fingerprint("small") == wanted
    server.sql("DROP TABLE dbo.named", "small")
    server.sql(columns.format("Latin1_General_BIN2"), "small")
    refused(server, box, "[dbo].[named].[name]", "had collation Latin1_General_CI_AS, has Latin1_General_BIN2")

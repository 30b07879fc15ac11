# SPDX-License-Identifier: Apache-2.0
"""Backup, loss, restore, undo: through every room, compared by freebcp."""
import json
import os
import signal

import pytest

import world as stage


@pytest.fixture(scope="module")
def chat(shared):
    server = shared.server("--chat", "messages=6000,rooms=80,users=60,seed=3")
    server.add_logins("mgc", "mgccomp")
    return server


WRITES = ("INSERT ", "DELETE ", "UPDATE ", "TRUNCATE ", "MERGE ", "ALTER ", "CREATE ", "DROP ", "DBCC ", "COMMIT")


def writing(said):
    """Statements of the journal that change anything on the server. A restore that finds nothing to do has none."""
    return [line for line in said.splitlines() if any(line.split(" ", 2)[-1].lstrip().startswith(w) for w in WRITES)]


def changed(lines):
    """The outcome and the changed tables of a job that was followed with --json."""
    blocks = [json.loads(line) for line in lines.splitlines()]
    changes = [{k: v for k, v in b.items() if k != "job"} for b in blocks if b["block"] == "change"]
    return [b for b in blocks if b["block"] == "outcome"][0], changes


def newest(box, database):
    return [s for s in box.json("list")["snapshots"] if s["subject"].endswith("/" + database) and s["class"] == "backup"][-1]


def test_a_backup_of_both_databases_is_there_and_whole(shared, chat):
    box = shared.box(chat, name="whole")
    box.ok("backup")
    snapshots = box.json("list")["snapshots"]
    assert {s["subject"] for s in snapshots} == {"sql/mgc", "sql/mgccomp"}
    box.ok("verify", "--data")
    shown = box.json("show", newest(box, "mgc")["id"])
    assert len(shown["tables"]) == 27
    rows = {t["name"]: t["rows"] for t in shown["tables"]}
    assert rows["[dbo].[tblChat]"] == 6000


def test_a_night_adds_little_and_an_idle_night_next_to_nothing(shared, chat):
    box = shared.box(chat, name="nights")
    box.ok("backup", "mgc")
    base = newest(box, "mgc")["stored_bytes"]
    box.ok("backup", "mgc")
    idle = newest(box, "mgc")["stored_bytes"]
    chat.tell("chat night=100")
    box.ok("backup", "mgc")
    night = newest(box, "mgc")["stored_bytes"]
    assert idle * 20 < base
    assert night * 3 < base


def test_rows_that_were_lost_come_back_and_an_undo_takes_them_away_again(shared, chat):
    box = shared.box(chat, name="restore")
    box.ok("backup")
    before = chat.fingerprint("mgc")
    chat.sql("DELETE FROM dbo.tblChat WHERE channelId % 3 = 0; DELETE FROM dbo.tblPrincipalRole; "
             "UPDATE dbo.tblNode SET nodeName = N'oops' WHERE nodeType = 0", "mgc")
    broken = chat.fingerprint("mgc")
    assert broken != before
    box.ok("restore", "mgc")
    assert chat.fingerprint("mgc") == before
    box.ok("undo", "mgc")
    assert chat.fingerprint("mgc") == broken
    box.ok("undo", "mgc")
    assert chat.fingerprint("mgc") == before


def test_a_good_database_restored_over_itself_writes_nothing(shared, chat):
    box = shared.box(chat, name="same")
    box.ok("backup", "mgc")
    chat.tell("forget")
    box.ok("restore", "mgc")
    said = "\n".join(chat.tell("statements")).upper()
    assert "SP_GETAPPLOCK" in said
    assert not writing(said)
    assert [s for s in box.json("list")["snapshots"] if s["class"] == "safety"] == []


def test_tables_of_passing_state_are_left_out_where_that_is_asked_and_named(shared, chat):
    box = shared.box(chat, name="passing", extra="leave_out_volatile = yes")
    told = box.ok("backup", "mgc")
    assert "dbo.tblFileToken was left out" in told and "must be begun again" in told, told
    shown = box.json("show", newest(box, "mgc")["id"])
    names = {t["name"] for t in shown["tables"]}
    assert len(names) == 20 and "[dbo].[tblFileToken]" not in names and "[dbo].[tblLastChatId]" in names
    assert any("dbo.tblFileToken was left out" in note["text"] for note in shown["notes"])
    before = chat.fingerprint("mgc")
    chat.sql("DELETE FROM dbo.tblFileToken", "mgc")
    changed = chat.fingerprint("mgc")
    assert changed["dbo.tblFileToken"] != before["dbo.tblFileToken"]
    chat.sql("DELETE FROM dbo.tblPrincipalRole", "mgc")
    box.ok("restore", "mgc")
    assert chat.fingerprint("mgc") == changed


def test_a_lost_room_costs_a_room(shared, chat):
    box = shared.box(chat, name="room")
    box.ok("backup", "mgc")
    before = chat.fingerprint("mgc")
    room, rows = chat.sql("SET NOCOUNT ON SELECT TOP (1) channelId, COUNT(*) FROM dbo.tblChat GROUP BY channelId HAVING "
                          "COUNT(*) BETWEEN 40 AND 120 ORDER BY channelId", "mgc").split()
    chat.sql(f"DELETE FROM dbo.tblChat WHERE channelId = {room}", "mgc")
    chat.tell("forget")
    outcome, changes = changed(box.run("restore", "mgc", "--json").stdout)
    assert chat.fingerprint("mgc") == before
    assert outcome["tables_changed"] == 1 and changes[0]["table"] == "[dbo].[tblChat]" and changes[0]["way"] == "ranges"
    assert (changes[0]["deleted"], changes[0]["inserted"]) == (0, int(rows)) and changes[0]["kept"] > 5000
    said = "\n".join(chat.tell("statements")).upper()
    assert "DELETE FROM" not in said and "TRUNCATE" not in said and said.count("INSERT BULK") == 1
    chat.tell("forget")
    box.ok("restore", "mgc")
    assert not writing("\n".join(chat.tell("statements")).upper())


def test_a_row_that_was_changed_costs_a_row(shared, chat):
    box = shared.box(chat, name="row")
    box.ok("backup", "mgc")
    before = chat.fingerprint("mgc")
    chat.sql("UPDATE dbo.tblChat SET content = N'changed' WHERE chatId = (SELECT MAX(chatId) FROM dbo.tblChat); "
             "UPDATE dbo.tblNode SET nodeName = nodeName + N'!' WHERE nodeID IN (SELECT MAX(nodeID) FROM dbo.tblNode); "
             "INSERT dbo.tblSystemRevision SELECT MAX(sysRevision) + 1000 FROM dbo.tblSystemRevision", "mgc")
    _, planned = changed(box.run("restore", "mgc", "--what-if", "--json").stdout)
    chat.tell("forget")
    _, changes = changed(box.run("restore", "mgc", "--json").stdout)
    assert chat.fingerprint("mgc") == before
    assert planned == changes
    assert {c["table"]: (c["deleted"], c["inserted"]) for c in changes if c["way"] == "ranges"} == {
        "[dbo].[tblChat]": (1, 1), "[dbo].[tblNode]": (1, 1)}
    said = "\n".join(chat.tell("statements")).upper()
    assert said.count("DELETE FROM [DBO].[TBLCHAT]") == 1 and said.count("DELETE FROM [DBO].[TBLNODE]") == 1


def test_identities_and_sequences_that_alone_have_moved_are_put_back(shared, chat):
    box = shared.box(chat, name="values")
    state = ("SET NOCOUNT ON SELECT OBJECT_NAME(object_id) + ':' + ISNULL(CAST(CAST(last_value AS bigint) AS varchar(20)), '-') "
             "FROM sys.identity_columns ORDER BY 1")
    before = chat.sql(state, "mgc")
    box.ok("backup", "mgc")
    chat.sql("DBCC CHECKIDENT ('dbo.tblPrincipal', RESEED, 900000) WITH NO_INFOMSGS", "mgc")
    assert chat.sql(state, "mgc") != before
    assert "identity and sequence values" in box.ok("restore", "mgc")
    assert chat.sql(state, "mgc") == before


def test_what_if_shows_the_plan_and_writes_nothing(shared, chat):
    box = shared.box(chat, name="whatif")
    box.ok("backup", "mgc")
    chat.sql("DELETE FROM dbo.tblPreference", "mgc")
    broken = chat.fingerprint("mgc")
    chat.tell("forget")
    out = box.ok("restore", "mgc", "--what-if")
    assert "1 of 27 tables" in out and "[dbo].[tblPreference]" in out
    said = "\n".join(chat.tell("statements")).upper()
    assert not writing(said)
    assert chat.fingerprint("mgc") == broken
    box.ok("restore", "mgc")


def test_constraints_triggers_and_identities_are_put_back_as_they_were(shared, chat):
    box = shared.box(chat, name="states")
    state = ("SET NOCOUNT ON SELECT name + ':' + CAST(is_disabled AS varchar(1)) + CAST(is_not_trusted AS varchar(1)) FROM "
             "sys.foreign_keys UNION ALL SELECT name + ':' + CAST(is_disabled AS varchar(1)) FROM sys.triggers UNION ALL "
             "SELECT name + ':' + CAST(is_disabled AS varchar(1)) + CAST(is_not_trusted AS varchar(1)) FROM "
             "sys.check_constraints UNION ALL SELECT 'last:' + CAST(CAST(last_value AS bigint) AS varchar(20)) FROM "
             "sys.identity_columns WHERE last_value IS NOT NULL ORDER BY 1")
    chat.sql("ALTER TABLE dbo.tblPrincipalInvites NOCHECK CONSTRAINT FK_tblPrincipalInvites_node", "mgc")
    before = chat.sql(state, "mgc")
    box.ok("backup", "mgc")
    chat.sql("DELETE FROM dbo.tblPrincipalInvites; DELETE FROM dbo.tblPrincipalRole; DELETE FROM dbo.tblScopePrincipal", "mgc")
    box.ok("restore", "mgc")
    assert chat.sql(state, "mgc") == before


def test_mgccomp_is_restored_only_when_it_is_named(shared, chat):
    box = shared.box(chat, name="compliance")
    box.ok("backup")
    before = chat.fingerprint("mgccomp")
    chat.sql("DELETE FROM dbo.tblComplianceParticipant", "mgccomp")
    box.ok("restore", "--database", "mgc") if "--database" in box.ok("restore", "--help") else box.ok("restore", "mgc")
    assert chat.fingerprint("mgccomp") != before
    box.ok("restore", "mgccomp")
    assert chat.fingerprint("mgccomp") == before


def test_the_panel_restores_by_two_holds_and_never_by_one(shared, chat):
    box = shared.box(chat, name="panel")
    box.ok("backup")
    before = chat.fingerprint("mgc")
    chat.sql("DELETE FROM dbo.tblChat WHERE channelId = 12", "mgc")
    broken = chat.fingerprint("mgc")
    stage.wait_for(lambda: box.run("press", "restore", "--hold", "6s").returncode == 0, 30, "the panel to take a press")
    assert chat.fingerprint("mgc") == broken
    assert not [j for j in box.json("jobs")["jobs"] if j["kind"] == "restore"]
    stage.time.sleep(1)  # a finger that comes back sooner than that is a bouncing contact
    box.ok("press", "restore", "--hold", "6s")
    stage.wait_for(lambda: [j for j in box.json("jobs")["jobs"] if j["kind"] == "restore" and j["state"] == "done"], 60,
                   "the restore")
    assert chat.fingerprint("mgc") == before


def test_killed_in_any_phase_of_a_restore_the_database_is_old_or_wanted(shared, chat):
    box = shared.box(chat, name="killed")
    box.ok("backup")
    before = chat.fingerprint("mgc")
    reached = set()
    for phase in ("connect", "check", "lock", "safety", "prepare", "write", "put_back", "read_back", "commit"):
        chat.sql("DELETE FROM dbo.tblChat WHERE channelId % 2 = 0; DELETE FROM dbo.tblPrincipalRole", "mgc")
        broken = chat.fingerprint("mgc")
        run = stage.subprocess.Popen(box.command("restore", "mgc", "--json"), stdout=stage.subprocess.PIPE, text=True)
        for line in run.stdout:
            if json.loads(line).get("phase") == phase:
                reached.add(phase)
                break
        box.stop(signal.SIGKILL)
        run.stdout.close()
        run.wait(30)
        stage.wait_for(lambda: chat.fingerprint("mgc") in (broken, before), 60, "the server's undo")
        box.start()
        stage.wait_for(lambda: box.json("status")["state"] == "idle", 60, "recovery")
        box.ok("restore", "mgc")
        assert chat.fingerprint("mgc") == before, phase
    assert {"write", "read_back"} <= reached


def test_terminated_in_the_middle_it_undoes_and_ends_well(shared, chat):
    box = shared.box(chat, name="terminated")
    box.ok("backup", "mgc")
    before = chat.fingerprint("mgc")
    chat.sql("DELETE FROM dbo.tblChat WHERE channelId % 2 = 0", "mgc")
    broken = chat.fingerprint("mgc")
    run = stage.subprocess.Popen(box.command("restore", "mgc", "--json"), stdout=stage.subprocess.PIPE, text=True)
    for line in run.stdout:
        if json.loads(line).get("phase") == "write":
            break
    process = box.process
    box.stop(signal.SIGTERM)
    assert process.returncode == 0
    run.stdout.close()
    run.wait(30)
    assert chat.fingerprint("mgc") in (broken, before)
    box.start()
    box.ok("restore", "mgc")
    assert chat.fingerprint("mgc") == before


def test_standalone_does_the_same_without_a_daemon(shared, chat):
    box = shared.box(chat, name="standalone", start=False)
    box.init()
    box.ok("backup", "mgc", "--standalone")
    assert "sql/mgc" in box.ok("list", "--standalone")
    box.start()
    refused = box.run("backup", "mgc", "--standalone")
    assert refused.returncode != 0 and "daemon" in (refused.stdout + refused.stderr)


def test_no_password_is_in_any_log_or_argument(shared, chat):
    box = shared.box(chat, name="secrets")
    run = stage.subprocess.Popen(box.command("backup"), stdout=stage.subprocess.PIPE, stderr=stage.subprocess.STDOUT)
    arguments = stage.subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    out = run.communicate()[0].decode()
    files = stage.all_text(box.directory, but=[".password"])
    assert "coffretd" in files
    for secret in (stage.BACKUP[1], stage.RESTORE[1]):
        assert secret not in arguments and secret not in out and secret not in files

# SPDX-License-Identifier: Apache-2.0
"""Every state honest: whatever goes away at whatever point of a restore, the database is the old one or the wanted one,
the box says which, and never sooner than it is true; and the next restore works without hands.

COFFRET_EXHAUSTIVE=1 in the environment visits every packet where otherwise every few are enough.
"""
import os
import resource
import signal

import pytest

import world as stage

SETUP = """CREATE DATABASE small;
GO
USE small;
GO
CREATE TABLE dbo.parent (id int NOT NULL PRIMARY KEY, name nvarchar(50) NOT NULL);
GO
CREATE TABLE dbo.child (id int IDENTITY(1,1) NOT NULL PRIMARY KEY, parent int NOT NULL REFERENCES dbo.parent (id), body varchar(max) NULL);
GO
INSERT INTO dbo.parent VALUES (1, N'one'), (2, N'two');
GO
INSERT INTO dbo.child (parent, body) VALUES (1, 'a'), (2, NULL), (2, '');
GO
"""
DAMAGE = "DELETE FROM dbo.child WHERE id > 1; UPDATE dbo.parent SET name = N'wrong' WHERE id = 2"
EXHAUSTIVE = bool(os.environ.get("COFFRET_EXHAUSTIVE"))


class Scene:
    """A small database, a box that has a backup of it, and what both look like."""

    def __init__(self, world, name, stall_seconds=5, **keywords):
        self.server = world.server(name=f"{name}-server")
        self.server.script(SETUP)
        self.server.add_logins("small")
        self.box = world.box(self.server, name=name, databases="small", profile="any",
                             extra=f"stall_seconds = {stall_seconds}\nlock_seconds = 10", **keywords)
        self.box.ok("backup")
        self.lists = self.server.select_lists("small")
        self.wanted = self.look()
        self.damage()
        self.broken = self.look()

    def look(self):
        return self.server.fingerprint("small", lists=self.lists)

    def damage(self):
        self.server.sql(DAMAGE, "small")

    def whole(self, what):
        """The wanted state or the broken one, once the server has come to rest."""
        stage.wait_for(lambda: self.look() in (self.wanted, self.broken), 30, f"a whole database after {what}")
        return self.look() == self.wanted

    def strikes(self):
        return int(self.server.tell("strikes")[0])

    def audit_log(self):
        return stage.all_text(self.box.directory + "/state")

    def packets_of_a_restore(self):
        before = int(self.server.tell("packets")[0])
        self.box.ok("restore", "small")
        count = int(self.server.tell("packets")[0]) - before
        assert self.look() == self.wanted
        self.damage()
        return count

    def begin(self, *arguments):
        return stage.subprocess.Popen(self.box.command("restore", "small", "--json", *arguments),
                                      stdout=stage.subprocess.PIPE, stderr=stage.subprocess.STDOUT, text=True)

    def settle(self, what):
        """Until the box knows how its last restore ended; then what it says of it."""
        stage.wait_for(lambda: self.box.json("status")["state"] == "idle" and not self.unknown(), 60, f"the truth after {what}")
        jobs = self.box.json("jobs")["jobs"]
        return jobs[-1] if jobs else None

    def unknown(self):
        return [d for d in self.box.json("status")["databases"] if d.get("unknown_job")]

    def safety_is_there(self):
        applied = [s for s in self.box.json("list")["snapshots"] if s["class"] == "safety" and s["applied"]]
        return bool(applied)

    def restores_without_hands(self):
        self.box.ok("restore", "small")
        assert self.look() == self.wanted
        self.damage()


def worker_of(box):
    """The process that talks to the server, a child of the daemon."""
    path = f"/proc/{box.process.pid}/task"
    for task in os.listdir(path):
        for child in open(f"{path}/{task}/children").read().split():
            if "coffret-worker" in open(f"/proc/{child}/comm").read():
                return int(child)
    return None


def wait_for_phase(run, phase):
    for line in run.stdout:
        if stage.json.loads(line).get("phase") == phase:
            return
    raise AssertionError(f"it ended before {phase}: exit {run.wait()}")


@pytest.fixture(scope="module")
def scene(shared):
    return Scene(shared, "states")


@pytest.fixture(scope="module", autouse=True)
def hanging(shared):
    """A restore whose worker hangs, in a world of its own: it takes a minute to be believed, and others go on meanwhile."""
    aside = Scene(shared, "hanging")
    aside.server.tell("set silence=delete:60")
    run = aside.begin()
    wait_for_phase(run, "write")
    os.kill(worker_of(aside.box), signal.SIGSTOP)
    return aside, run


@pytest.fixture(scope="module", autouse=True)
def deaf(shared):
    """A restore that is cancelled while the server heeds no attention: after a minute the connection is closed on it."""
    aside = Scene(shared, "deaf")
    aside.server.tell("wire attention=ignored")
    aside.server.tell("set silence=delete:900")
    run = aside.begin()
    wait_for_phase(run, "write")
    began = stage.time.monotonic()
    cancel = aside.box.run("cancel")
    return aside, run, cancel, began, stage.time.monotonic() - began


# ---- what the server says ----

ERRORS = (1205, 1222, 9002, 1105, 3930, 547, 2627, 8152, 2628)


def test_any_error_at_any_statement_of_a_restore_leaves_the_old_rows_or_the_wanted_ones(scene):
    struck = 0
    for n in range(1, 1000):
        for number in ERRORS if EXHAUSTIVE else [ERRORS[n % len(ERRORS)]]:
            before = scene.strikes()
            scene.server.tell(f"set fail={number}@statement-{n}")
            result = scene.box.run("restore", "small")
            scene.server.tell("set fail=0")
            if scene.strikes() == before:
                assert result.returncode == 0, result.stdout + result.stderr
                break
            struck += 1
            said = f"error {number} at statement {n}: exit {result.returncode}, {result.stdout}{result.stderr}"
            restored = scene.whole(said)
            assert result.returncode in (0, 1), said
            assert restored == (result.returncode == 0), said
            if restored:
                assert scene.safety_is_there(), said
                scene.damage()
        else:
            continue
        break
    print(f"{struck} errors")
    assert struck > 50
    assert scene.look() == scene.wanted
    scene.damage()


def test_a_deadlock_victim_tries_again_at_most_twice(scene):
    for failures, code in ((1, 0), (2, 0), (3, 1)):
        for _ in range(failures):
            scene.server.tell("set fail=1205@delete:1")
        result = scene.box.run("restore", "small")
        scene.server.tell("set fail=0")
        said = result.stdout + result.stderr
        assert result.returncode == code, said
        assert said.count("trying again") == min(failures, 2), said
        notes = [line for line in said.splitlines() if line.startswith("note:") and "trying again" not in line]
        assert len(notes) == len(set(notes)) > 0, "what the first try told was told again"
        assert scene.whole(said) == (code == 0)
        if code == 0:
            scene.damage()


# ---- no safety snapshot ----

def test_without_room_for_a_safety_snapshot_consent_is_asked_for_and_written_down(world):
    scene = Scene(world, "consent", faults=True)
    for n in range(1, 200):
        scene.box.fault("full", n)
        result = scene.box.run("restore", "small")
        scene.box.fault("none")
        said = result.stdout + result.stderr
        assert result.returncode == 1, said
        assert scene.look() == scene.broken
        if "safety snapshot" in said:
            break
        scene.box.stop(signal.SIGKILL)
        scene.box.start()
    assert "--without-safety" in said and "full" in said, said
    scene.box.stop(signal.SIGKILL)
    scene.box.start()
    safeties = len([s for s in scene.box.json("list")["snapshots"] if s["class"] == "safety"])
    scene.box.ok("restore", "small", "--without-safety")
    assert scene.look() == scene.wanted
    assert len([s for s in scene.box.json("list")["snapshots"] if s["class"] == "safety"]) == safeties
    assert "without-safety" in scene.audit_log()


# ---- cancel ----

def lock_is_free(scene):
    out = scene.server.sql("SET NOCOUNT ON BEGIN TRANSACTION DECLARE @r int EXEC @r = sp_getapplock @Resource = N'coffret:small', "
                           "@LockMode = 'Exclusive', @LockOwner = 'Transaction', @LockTimeout = 0 SELECT 'answer:' + "
                           "CAST(@r AS varchar(9)) ROLLBACK", "small")
    return "answer:0" in out


def cancel_in(scene, phase, silence):
    """Begins a restore, cancels it once it says that it is in this phase, which lasts until the cancel is answered."""
    run = scene.begin()
    wait_for_phase(run, phase)
    scene.server.tell(f"set silence={silence}:900")
    started = stage.time.monotonic()
    cancel = scene.box.run("cancel")
    answered = stage.time.monotonic() - started
    # Whoever looks whether it is undone selects, too; in a load the stand-in reads nothing while it is silent.
    if cancel.returncode or silence in ("select", "bulk"):
        scene.server.tell(f"set silence={silence}:0")
    states = [stage.json.loads(line).get("state") for line in run.stdout]
    code = run.wait(30)
    return cancel, code, states, answered


@pytest.mark.parametrize("phase, silence", [
    ("lock", "select:0.1"), ("safety", "select:0.1"), ("prepare", "delete:20"), ("write", "delete:20"), ("write", "bulk:20"),
    ("write", "insert:20"), ("read_back", "select:0.1")])
def test_a_cancel_is_answered_at_once_and_cancelled_is_said_when_the_undo_has_ended(scene, phase, silence):
    kind = silence.split(":")[0]
    scene.server.tell(f"set silence={silence}")  # long enough for the phase to be seen
    scene.server.tell("set rollback_delay=2")
    cancel, code, states, answered = cancel_in(scene, phase, kind)
    scene.server.tell(f"set silence={kind}:0")
    free = lock_is_free(scene)
    scene.server.tell("set rollback_delay=0")
    assert cancel.returncode == 0 and answered < 60, cancel.stdout + cancel.stderr
    assert "stopping" in states
    assert code == 4
    assert free, "cancelled was said before the server had undone it"
    assert scene.look() == scene.broken


def test_once_commit_was_sent_a_cancel_is_refused_with_a_sentence(scene):
    scene.server.tell("set silence=commit:60")
    cancel, code, _, answered = cancel_in(scene, "commit", "commit")
    assert cancel.returncode == 7 and "Too late" in cancel.stdout + cancel.stderr and answered < 60
    assert code == 0 and scene.look() == scene.wanted
    scene.damage()


def test_a_failed_restore_is_over_only_when_the_server_has_undone_it(scene):
    scene.server.tell("set rollback_delay=3")
    scene.server.tell("set silence=bulk:60")
    run = scene.begin()
    wait_for_phase(run, "write")
    stage.wait_for(lambda: worker_of(scene.box), 10, "the worker")
    os.kill(worker_of(scene.box), signal.SIGKILL)
    run.communicate()
    free = lock_is_free(scene)
    scene.server.tell("set rollback_delay=0")
    scene.server.tell("set silence=bulk:0")
    assert run.returncode == 1 and free
    assert scene.look() == scene.broken


def test_after_a_power_cut_it_is_said_to_be_undone_only_when_it_is(scene):
    scene.server.tell("set rollback_delay=4")
    scene.server.tell("set silence=delete:60")
    run = scene.begin()
    wait_for_phase(run, "write")
    scene.box.stop(signal.SIGKILL)
    run.communicate()
    scene.server.tell("set silence=delete:0")
    scene.box.start()
    told = scene.settle("a power cut")
    free = lock_is_free(scene)
    scene.server.tell("set rollback_delay=0")
    assert free, f"said before the server had undone it: {told}"
    assert told["state"] == "failed" and "has undone it" in told["sentence"], told
    assert scene.look() == scene.broken


def test_a_cancelled_restore_whose_undo_is_confirmed_later_is_told_as_cancelled(scene):
    scene.server.tell("set rollback_delay=4")
    scene.server.tell("set silence=delete:60")
    run = scene.begin()
    wait_for_phase(run, "write")
    scene.box.ok("cancel")
    wait_for_phase(run, "rollback")
    scene.box.stop(signal.SIGKILL)  # the power fails while the server undoes it
    run.communicate()
    scene.server.tell("set silence=delete:0")
    scene.box.start()
    told = scene.settle("a power cut in a cancel")
    scene.server.tell("set rollback_delay=0")
    assert told["recovered"] and told["state"] == "cancelled" and "has undone it" in told["sentence"], told
    assert scene.look() == scene.broken


def test_a_cancel_ends_a_load_that_the_server_takes_no_more_of(world):
    """24 MB: more than sockets hold, so that the box itself waits until it may send on, with half a message sent."""
    scene = Scene(world, "blocked", stall_seconds=300)
    scene.server.sql("CREATE TABLE dbo.large (id int NOT NULL PRIMARY KEY, body varbinary(8000) NOT NULL)", "small")
    scene.server.sql("INSERT dbo.large VALUES " + ", ".join(
        f"({n}, CAST(REPLICATE(CAST(NEWID() AS varchar(36)) + '{n}', 220) AS varbinary(8000)))" for n in range(750)), "small")
    for n in (750, 1500):
        scene.server.sql(f"INSERT dbo.large SELECT id + {n}, CAST(REVERSE(body) AS varbinary(8000)) FROM dbo.large", "small")
    scene.box.ok("backup")
    scene.server.sql("DELETE FROM dbo.large", "small")
    scene.server.tell("set silence=bulk:900")
    run = scene.begin()
    wait_for_phase(run, "write")
    stage.time.sleep(3)
    began = stage.time.monotonic()
    cancel = scene.box.run("cancel")
    answered = stage.time.monotonic() - began
    wait_for_phase(run, "rollback")
    left = stage.time.monotonic() - began
    scene.server.tell("set silence=bulk:0")
    run.communicate(timeout=60 * stage.PATIENCE)
    assert cancel.returncode == 0 and answered < 30
    assert left < 10 * stage.PATIENCE, "the load was left when the server's patience ended, not when it was cancelled"
    assert run.returncode == 4
    assert scene.server.sql("SET NOCOUNT ON SELECT COUNT(*) FROM dbo.large", "small").split()[-1] == "0"


# ---- what only the restore needed goes ----

def safeties(scene):
    return [s for s in scene.box.json("list")["snapshots"] if s["class"] == "safety" and not s["applied"]]


@pytest.mark.parametrize("fail", ["547@delete:1", "1205@bulk:1"])
def test_a_safety_snapshot_of_a_restore_that_changed_nothing_is_removed(scene, fail):
    for _ in range(3):
        scene.server.tell(f"set fail={fail}")
    result = scene.box.run("restore", "small")
    scene.server.tell("set fail=0")
    assert result.returncode == 1 and scene.look() == scene.broken, result.stdout
    assert safeties(scene) == []
    assert "its restore has changed nothing" in scene.audit_log()


# ---- identities: no rollback gives them back ----

MOVED = "DBCC CHECKIDENT ('dbo.child', RESEED, 1)"


def last_value(scene):
    return scene.server.sql("SET NOCOUNT ON SELECT CAST(last_value AS bigint) FROM sys.identity_columns WHERE object_id = "
                            "OBJECT_ID('dbo.child')", "small").split()[-1]


@pytest.mark.parametrize("who", ["worker", "box"])
def test_an_identity_that_a_broken_restore_has_moved_is_put_back_once_it_is_undone(scene, who):
    scene.server.sql(MOVED, "small")
    scene.server.tell("set silence=check:60")
    run = scene.begin()
    wait_for_phase(run, "put_back")
    stage.wait_for(lambda: last_value_dirty(scene) == "3", 30, "the load to move it")
    if who == "worker":
        os.kill(worker_of(scene.box), signal.SIGKILL)
        said = run.communicate()[0]
        assert run.returncode == 1, said
    else:
        scene.box.stop(signal.SIGKILL)
        run.communicate()
        scene.box.start()
        told = scene.settle("a power cut")
        assert told["state"] == "failed" and "has undone it" in told["sentence"], told
    scene.server.tell("set silence=check:0")
    assert scene.look() == scene.broken
    assert last_value(scene) == "1"
    assert safeties(scene) == []
    scene.restores_without_hands()


def last_value_dirty(scene):
    """The server keeps what identities give next outside of any transaction."""
    return scene.server.sql("SET NOCOUNT ON SELECT IDENT_CURRENT('dbo.child')", "small").split()[-1]


# ---- locks ----

def test_what_a_restore_has_read_nobody_else_can_change_before_it_ends(scene):
    """While it reads, before anything has been written: only the locks keep others out."""
    scene.server.tell("set silence=select:0.2")
    run = scene.begin()
    wait_for_phase(run, "safety")
    for line in run.stdout:
        if stage.json.loads(line).get("object") == "[dbo].[child]":
            scene.server.tell("set silence=select:6")
        if stage.json.loads(line).get("object") == "[dbo].[parent]":
            break
    kept_out = []
    for statement in ("INSERT INTO dbo.child (parent, body) VALUES (1, 'x')", "UPDATE dbo.child SET body = 'x'"):
        try:
            kept_out.append(scene.server.sql(f"SET LOCK_TIMEOUT 300 {statement}", "small"))
        except AssertionError as error:
            kept_out.append(str(error))
    scene.server.tell("set silence=select:0")
    run.communicate()
    whole = scene.look() == scene.wanted
    scene.server.sql("DELETE FROM dbo.child WHERE body = 'x'", "small") if not whole else scene.damage()
    assert run.returncode == 0 and whole
    assert all("Msg 1222" in said or "Msg 1205" in said for said in kept_out), kept_out  # the victim is never the restore


# ---- unknown ----

def test_without_an_answer_to_commit_it_is_unknown_until_it_has_been_looked_at(world):
    scene = Scene(world, "unknown")
    scene.server.tell("set silence=commit:60")
    scene.server.tell("forget")
    run = scene.begin()
    wait_for_phase(run, "commit")
    stage.wait_for(lambda: any("@@TRANCOUNT = 1 COMMIT TRANSACTION" in line for line in scene.server.tell("statements")), 20, "the commit")
    scene.server.stop(signal.SIGKILL)
    said = run.communicate()[0]
    assert run.returncode == 5 and "not known" in said, said
    assert scene.unknown() and "small" in scene.box.ok("status")
    # As long as it is not known nothing else is changed there, over a restart of the box, too.
    for _ in range(2):
        result = scene.box.run("restore", "small")
        assert result.returncode == 1 and "not known yet how job" in result.stdout + result.stderr, result.stdout
        assert scene.unknown()
        scene.box.stop(signal.SIGKILL)
        scene.box.start()
    port = scene.server.port
    scene.server.command[scene.server.command.index("--port") + 1] = str(port)
    os.remove(scene.server.port_file)
    scene.server.start()
    restored = scene.whole("the server's return")
    told = scene.settle("the server's return")
    assert told["recovered"] and (told["state"] == "done") == restored, told
    if restored:
        scene.damage()
    scene.restores_without_hands()


# ---- two ----

def test_two_databases_are_two_outcomes_also_when_the_first_fails(world):
    server = world.server(name="two-server")
    server.script(SETUP + SETUP.replace("small", "other"))
    server.add_logins("small", "other")
    box = world.box(server, name="two", databases="small, other", profile="any")
    box.ok("backup")
    wanted = {name: server.fingerprint(name) for name in ("small", "other")}
    for name in wanted:
        server.sql(DAMAGE, name)
    broken = {name: server.fingerprint(name) for name in wanted}
    server.tell("set fail=547@delete:1")
    result = box.run("restore", "sql/*", "--json")
    server.tell("set fail=0")
    outcomes = {o["database"]: o for o in map(stage.json.loads, result.stdout.splitlines()) if o.get("block") == "outcome"}
    assert result.returncode == 1
    assert outcomes["small"]["state"] == "failed" and outcomes["other"]["state"] == "done", outcomes
    assert server.fingerprint("small") == broken["small"] and server.fingerprint("other") == wanted["other"]
    box.ok("restore", "sql/*")
    assert all(server.fingerprint(name) == wanted[name] for name in wanted)


def test_of_two_boxes_at_one_server_the_second_waits_or_names_the_first(shared, scene):
    second = shared.box(scene.server, name="second", databases="small", profile="any", extra="lock_seconds = 1")
    second.ok("backup")  # of the broken state: the first box wants another one
    scene.server.tell("set silence=delete:900")
    run = scene.begin()
    wait_for_phase(run, "write")
    refused = second.run("restore", "small")
    said = refused.stdout + refused.stderr
    assert refused.returncode == 1 and "under way" in said and "Coffret restore" in said, said
    second.stop()
    second.extra = "lock_seconds = 60"
    second.write_config()
    second.start()
    waited = stage.subprocess.Popen(second.command("restore", "small", "--json"), stdout=stage.subprocess.PIPE, text=True)
    wait_for_phase(waited, "lock")
    scene.server.tell("set silence=delete:0")
    run.communicate()
    said = waited.communicate()[0]
    assert run.returncode == 0 and waited.returncode == 0, said
    assert scene.look() == scene.broken
    second.stop()


# ---- who waits ----

def test_a_restore_that_waited_in_a_power_cut_is_told_and_not_begun(world):
    scene = Scene(world, "waited", stall_seconds=300)
    before = scene.strikes()
    scene.server.tell("wire stall-at-packet=40:ever")
    run = stage.subprocess.Popen(scene.box.command("backup"), stdout=stage.subprocess.PIPE, stderr=stage.subprocess.STDOUT)
    stage.wait_for(lambda: scene.strikes() > before, 30, "the backup to stall")
    scene.box.ok("restore", "small", "--no-wait")
    waiting = scene.box.json("jobs")["jobs"][-1]
    assert waiting["state"] == "queued"
    stage.time.sleep(1 + stage.PATIENCE)  # what waits is written down within a second
    scene.box.stop(signal.SIGKILL)
    run.communicate()
    scene.server.tell("wire none")
    scene.box.start()
    stage.wait_for(lambda: scene.box.json("status")["state"] == "idle", 30, "the box")
    told = [j for j in scene.box.json("jobs")["jobs"] if j["job"] == waiting["job"]]
    assert told and told[0]["state"] == "cancelled" and told[0]["recovered"], told
    assert "stopped before this began" in told[0]["sentence"]
    assert "stopped before this began" in scene.audit_log()
    assert scene.look() == scene.broken


# ---- what the worker cannot do anything about ----

def test_a_value_larger_than_the_worker_s_memory_ends_a_restore_and_leaves_the_old_rows(scene):
    struck, n = 0, 1
    while True:
        before = scene.strikes()
        scene.server.tell(f"wire malformed=huge-plp:{n}")
        result = scene.box.run("restore", "small")
        scene.server.tell("wire none")
        said = f"row {n}: exit {result.returncode}: {result.stdout}{result.stderr}"
        restored = scene.whole(said)
        assert restored == (result.returncode == 0), said
        if scene.strikes() == before:
            break
        struck += 1
        if restored:
            scene.damage()
        n = n + 1 if EXHAUSTIVE else n * 3 // 2 + 1
    print(f"{struck} rows")
    assert struck > 8 and restored
    scene.damage()


def test_a_worker_that_runs_out_of_memory_in_any_phase_leaves_the_old_rows(scene):
    """Its limit is of the build (AGENT_SQL_WORKER_MEMORY_MIB); here it is lowered to what it has already."""
    ended = set()
    for phase, silence in (("lock", "select:0.2"), ("safety", "select:0.2"), ("write", "delete:2"), ("write", "bulk:2"), ("read_back", "select:0.2")):
        scene.server.tell(f"set silence={silence}")
        run = scene.begin()
        wait_for_phase(run, phase)
        worker = stage.wait_for(lambda: worker_of(scene.box), 10, "the worker")
        resource.prlimit(worker, resource.RLIMIT_AS, (4096, 4096))
        said = run.communicate()[0]
        scene.server.tell(f"set silence={silence.split(':')[0]}:0")
        restored = scene.whole(said)
        ended.add((phase, run.returncode))
        assert restored == (run.returncode == 0), (phase, said)
        assert run.returncode in (0, 1), (phase, said)
        if restored:
            scene.damage()
    print(f"{sorted(ended)}")
    assert any(code == 1 for _, code in ended), "memory was never short"
    scene.restores_without_hands()


def keepalive_timers(port):
    """Of this machine's connections to that port; as long as something of a connection is under way it has another."""
    lines = [line.split() for line in open("/proc/net/tcp").read().splitlines()[1:]]
    return [line for line in lines if line[2].endswith(f":{port:04X}") and line[5].startswith("02:")]


def test_a_server_that_says_nothing_is_watched_below_tcp(scene):
    scene.server.tell("set silence=delete:600")
    run = scene.begin()
    wait_for_phase(run, "write")
    try:
        stage.wait_for(lambda: keepalive_timers(scene.server.port), 30, "a keepalive timer")
    finally:
        scene.server.tell("set silence=delete:0")
        run.communicate()
    assert run.returncode == 0
    scene.damage()


def test_a_worker_that_hangs_is_ended_and_the_server_undoes_what_it_did(hanging):
    aside, run = hanging
    said = run.communicate(timeout=120)[0]
    assert run.returncode == 1 and "hung" in said, said
    assert aside.look() == aside.broken
    aside.server.tell("set silence=delete:0")
    aside.restores_without_hands()


def test_a_server_that_heeds_no_attention_is_hung_up_on_and_cancelled_is_said_when_it_has_undone_it(deaf):
    aside, run, cancel, began, answered = deaf
    run.communicate(timeout=600)
    took = stage.time.monotonic() - began
    assert cancel.returncode == 0 and answered < 30, cancel.stdout
    assert run.returncode == 4
    assert took > 50, "the attention is given its time"
    assert lock_is_free(aside), "cancelled was said before the server had undone it"
    assert aside.look() == aside.broken
    aside.server.tell("wire none")
    aside.server.tell("set silence=delete:0")
    aside.restores_without_hands()

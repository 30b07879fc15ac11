# SPDX-License-Identifier: Apache-2.0
"""What opens the stores beside the key file: a passphrase, a recovery key; set, tried, renewed and removed through the box, on
all volumes or on none, and never to be found afterwards in what the daemon remembers or writes."""
import base64
import os
import pty
import re
import shutil
import signal
import socket
import subprocess

import pytest

import world as stage
from test_flash import on_flash
from test_refusals import small
from test_volumes import on_two, volume

GOOD = "seven herons count the tide"
OTHER = "nine lanterns over a quay"
EXHAUSTIVE = bool(os.environ.get("COFFRET_EXHAUSTIVE"))  # else every few cuts: tests/test_store_keys.c makes them all


def tried(box, what, secret, *more):
    """Whether the secret opens all volumes, asked of the box; the sentence, too."""
    said = box.run(what, "--check", *more, typed=secret + "\n")
    assert said.returncode in (0, 1), said
    return said.returncode == 0, said.stdout


def opens(box, what, secret):
    return tried(box, what, secret)[0]


def renewed(box, *more):
    said = box.run("recovery-key", "--renew", *more)
    assert said.returncode == 0, said.stdout + said.stderr
    return re.search(r"(?m)^ {4}([A-Z2-7]{56})$", said.stdout)[1]


def records(box):
    """All that the box writes for people to read."""
    return open(os.path.join(box.directory, "state", "audit.log")).read() + open(os.path.join(box.directory, "log")).read()


def asked(box, request):
    """What the daemon answers to whoever speaks to its socket without the command."""
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.connect(os.path.join(box.directory, "socket"))
        daemon.sendall(request.encode())
        return daemon.recv(8192).decode()


def opened_by(box, name=None):
    found = volume(box, name) if name else box.json("status")
    return found["key_files"], found["passphrases"], found["recovery_keys"], found["unconfirmed_keys"]


@pytest.fixture(scope="module")
def server(shared):
    return small(shared)


@pytest.fixture(scope="module")
def box(shared, server):
    return shared.box(server, databases="small", profile="any")


# ---- a passphrase ----

def test_a_passphrase_is_set_tried_changed_and_removed(box):
    assert opened_by(box) == (1, 0, 1, 0) and "opened by" in box.ok("status")
    said = box.run("passphrase", typed=GOOD + "\n")
    assert said.returncode == 0 and "This passphrase opens store, and no other one does." in said.stdout, said
    assert opens(box, "passphrase", GOOD) and not opens(box, "passphrase", GOOD + "s")
    assert opened_by(box) == (1, 1, 1, 0) and "key file, passphrase, recovery key" in box.ok("status")
    assert box.run("passphrase", typed=OTHER + "\n").returncode == 0
    assert opens(box, "passphrase", OTHER) and not opens(box, "passphrase", GOOD)
    assert opened_by(box) == (1, 1, 1, 0)
    box.ok("passphrase", "--remove")
    assert not opens(box, "passphrase", OTHER) and opened_by(box) == (1, 0, 1, 0)
    box.ok("passphrase", "--remove")  # once more, for nothing
    assert opens(box, "recovery-key", box.recovery_key)
    for secret in (GOOD, OTHER, box.recovery_key):
        assert secret not in records(box)
    audit = open(os.path.join(box.directory, "state", "audit.log")).read()
    for what in ("set a new one", "try one", "remove it"):
        assert re.search(rf'"asked-passphrase" who="\w+" by="command" what="{what}, all volumes" result=""', audit), audit
        assert re.search(rf'"passphrase" who="\w+" by="command" what="{what}, all volumes" result="done"', audit), audit


@pytest.mark.parametrize("weak, why", [
    ("", "no passphrase was given"), ("too short", "12 characters"), ("abcdefghijklmnop", "easy to guess"),
    ("aaaaaaaaaaaaaaaaaaaa", "easy to guess"), ("Password-Backup", "easy to guess"), (" begins with a space", "space"),
    ("x" * 300, "longer")])
def test_a_weak_passphrase_is_refused_and_says_why(box, weak, why):
    before = opened_by(box)
    said = box.run("passphrase", typed=weak + "\n")
    assert said.returncode == 2 and why in said.stderr + said.stdout, said
    assert opened_by(box) == before


def test_the_daemon_refuses_weak_ones_itself(box):
    answer = asked(box, "Command: passphrase\nPassphrase: weak\n\n")
    assert "Code: 2" in answer and "12 characters" in answer, answer


def test_with_the_passphrase_alone_another_box_takes_the_disk_over(world):
    server = small(world)
    first = on_two(world, server, name="first")
    first.ok("backup")
    snapshot = first.json("list")["snapshots"][0]["id"]
    first.ok("copy", snapshot, "--to", "disk")
    assert first.run("passphrase", typed=GOOD + "\n").returncode == 0
    new = renewed(first)
    assert first.run("recovery-key", "--confirm", typed=new + "\n").returncode == 0
    wanted = server.fingerprint("small")
    first.stop()
    second = world.box(server, databases="small", profile="any", name="second", start=False)
    second.init()
    second.extra = f"[volume disk]\npath = {first.disk}\n"
    second.write_config(), second.start()
    wrong = second.run("take-over", "disk", "--passphrase", typed=OTHER + "\n")
    assert wrong.returncode == 1 and "That passphrase does not open" in wrong.stdout
    ended = second.run("take-over", "disk", typed=first.recovery_key + "\n")
    assert ended.returncode == 1 and "That recovery key does not open" in ended.stdout
    mistyped = second.run("take-over", "disk", typed=new[:-1] + ("A" if new[-1] != "A" else "B") + "\n")
    assert mistyped.returncode == 2 and "mistyped" in mistyped.stdout
    assert volume(second, "disk")["state"] == "away"
    shutil.copytree(first.disk, first.disk + ".copy")
    taken = second.run("take-over", "disk", "--passphrase", typed=GOOD + "\n")
    assert taken.returncode == 0 and "coffret recovery-key --renew" in taken.stdout, taken
    server.sql("DELETE FROM dbo.t", "small")
    second.ok("restore", "small", "--snapshot", snapshot)
    assert server.fingerprint("small") == wanted
    # What opened it before still does, and only a renewal makes one for both.
    assert tried(second, "recovery-key", new)[1] == "It does not open store, only disk.\n"
    both = renewed(second)
    assert second.run("recovery-key", "--confirm", typed=both + "\n").returncode == 0
    assert opens(second, "recovery-key", both) and not opens(second, "recovery-key", new)
    # And the renewed recovery key takes the copy over as well.
    second.stop()
    shutil.rmtree(first.disk), os.rename(first.disk + ".copy", first.disk)
    second.start()
    assert second.run("take-over", "disk", typed=new.lower() + "\n").returncode == 0


def test_what_was_done_for_one_that_went_is_in_the_audit_log(box):
    path = os.path.join(box.directory, "state", "audit.log")
    before = open(path).read()
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.connect(os.path.join(box.directory, "socket"))
        daemon.sendall(b"Command: recovery-key\nRenew: yes\n\n")
    ended = r'event="recovery-key" who="\w+" by="command" what="add a new one, all volumes" result="(done|not begun)'
    stage.wait_for(lambda: re.search(ended, open(path).read()[len(before):]), 30, "the record of how it ended")
    assert opens(box, "recovery-key", box.recovery_key)


# ---- a recovery key ----

def test_a_recovery_key_is_renewed_in_two_steps(shared, server):
    box = shared.box(server, databases="small", profile="any", name="renewal")
    old = box.recovery_key
    assert opens(box, "recovery-key", old)
    new = renewed(box)
    assert opened_by(box) == (1, 0, 2, 1) and "not confirmed" in box.ok("status")
    assert opens(box, "recovery-key", old) and opens(box, "recovery-key", new)
    newer = renewed(box)  # the one before was never confirmed
    assert opens(box, "recovery-key", old) and opens(box, "recovery-key", newer) and not opens(box, "recovery-key", new)
    refused = box.run("recovery-key", "--confirm", typed=new + "\n")
    assert refused.returncode == 1 and "nothing was changed" in refused.stdout
    said = box.run("recovery-key", "--confirm", typed=newer + "\n")
    assert said.returncode == 0 and "no other one does" in said.stdout
    assert not opens(box, "recovery-key", old) and opens(box, "recovery-key", newer)
    assert opened_by(box) == (1, 0, 1, 0)
    assert box.json("recovery-key", "--renew")["recovery_key"] not in records(box)
    assert box.run("recovery-key").returncode == 2 and box.run("recovery-key", "--renew", "--check").returncode == 2
    for secret in (old, new, newer):
        assert secret not in records(box)


def at_a_terminal(box, arguments, answers):
    """Types each answer when its question has come; exit code and all that was on the screen."""
    pid, master = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.execv(box.command()[0], box.command(*arguments))
    seen, told = b"", 0
    try:
        for question, answer in answers:
            while question not in seen[told:]:
                chunk = os.read(master, 4096)
                seen += chunk
            told = len(seen)
            os.write(master, (answer(seen) if callable(answer) else answer) + b"\n")
        while True:
            seen += os.read(master, 4096)
    except OSError:
        pass
    os.close(master)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode()


def shown(seen):
    return re.search(rb"    ([A-Z2-7]{56})\r", seen)[1]


def test_a_terminal_shows_the_new_key_and_asks_for_its_end(shared, server):
    box = shared.box(server, databases="small", profile="any", name="terminal")
    code, seen = at_a_terminal(box, ["recovery-key", "--renew"], [(b"[y/N]", b"n")])
    assert code == 4 and "the old one opens nothing any more" in seen and opened_by(box) == (1, 0, 1, 0)
    wrong = [(b"last eight", b"ABCDEFGH")] * 3
    code, seen = at_a_terminal(box, ["recovery-key", "--renew"], [(b"[y/N]", b"y")] + wrong)
    assert code == 1 and "Not confirmed: the old recovery key goes on" in seen
    assert opens(box, "recovery-key", box.recovery_key)
    code, seen = at_a_terminal(box, ["recovery-key", "--renew", "--yes"], [
        (b"last eight", b"ABCDEFGH"), (b"not its end", lambda seen: shown(seen)[-8:].lower())])
    assert code == 0 and "and no other one does" in seen, seen
    new = shown(seen.encode()).decode()
    assert opens(box, "recovery-key", new) and not opens(box, "recovery-key", box.recovery_key)


def test_a_terminal_asks_for_a_passphrase_twice_and_shows_none(box):
    twice = lambda one, other: [(b"Passphrase: ", one.encode()), (b"Once more: ", other.encode())]
    code, seen = at_a_terminal(box, ["passphrase"], twice(GOOD, OTHER))
    assert code == 2 and "not the same twice" in seen and opened_by(box)[1] == 0
    code, seen = at_a_terminal(box, ["passphrase"], [(b"Passphrase: ", b"short")])
    assert code == 2 and "12 characters" in seen and "Once more" not in seen
    code, seen = at_a_terminal(box, ["passphrase"], twice(GOOD, GOOD))
    assert code == 0 and GOOD not in seen, seen
    assert opens(box, "passphrase", GOOD)
    code, seen = at_a_terminal(box, ["passphrase", "--remove"], [(b"[y/N]", b"n")])
    assert code == 4 and opens(box, "passphrase", GOOD)
    code, seen = at_a_terminal(box, ["passphrase", "--remove"], [(b"[y/N]", b"y")])
    assert code == 0 and not opens(box, "passphrase", GOOD)


# ---- several volumes ----

def test_a_change_is_on_all_volumes_or_on_none(world):
    server = small(world)
    box = on_two(world, server)
    old = box.recovery_key
    os.rename(box.disk, box.disk + ".away")
    for command, typed in ((["recovery-key", "--renew"], None), (["passphrase"], GOOD), (["passphrase", "--remove"], None),
                           (["recovery-key", "--confirm"], old)):
        refused = box.run(*command, typed=typed and typed + "\n")
        assert refused.returncode == 1 and "is not there, and would keep its old keys" in refused.stdout, refused
        assert opened_by(box, "store") == (1, 0, 1, 0)
    assert tried(box, "recovery-key", old)[1] == "It opens store; not there: disk.\n"
    # One that is named, somebody means.
    new = renewed(box, "store")
    assert box.run("recovery-key", "--confirm", "store", typed=new + "\n").returncode == 0
    assert tried(box, "recovery-key", new, "store")[0]
    os.rename(box.disk + ".away", box.disk)
    stage.wait_for(lambda: volume(box, "disk")["state"] == "there" or (box.run("verify"), False)[1], 60, "the disk")
    assert tried(box, "recovery-key", new)[1] == "It does not open disk, only store.\n"
    refused = box.run("recovery-key", "--confirm", typed=new + "\n")
    assert refused.returncode == 1 and opens(box, "recovery-key", new) is False
    assert tried(box, "recovery-key", old, "disk")[0]
    both = renewed(box)
    assert box.run("recovery-key", "--confirm", typed=both + "\n").returncode == 0
    assert opens(box, "recovery-key", both)
    assert box.run("passphrase", "nowhere", typed=GOOD + "\n").returncode == 2


def test_another_box_s_store_keeps_its_keys(world):
    server = small(world)
    first = on_two(world, server, name="first", start=False)
    second = world.box(server, databases="small", profile="any", name="second", start=False)
    shutil.copy(os.path.join(first.directory, "key"), os.path.join(second.directory, "key"))
    second.init()
    second.extra = f"[volume disk]\npath = {first.disk}\n"
    second.write_config(), second.start()
    assert volume(second, "disk")["state"] == "foreign"
    said = second.run("passphrase", typed=GOOD + "\n")
    assert said.returncode == 0 and "opens store, and" in said.stdout
    assert opened_by(second, "disk") == (1, 0, 1, 0) and opened_by(second, "store") == (1, 1, 1, 0)
    refused = second.run("passphrase", "disk", typed=GOOD + "\n")
    assert refused.returncode == 1 and "another box's" in refused.stdout


def test_an_append_only_store_changes_its_keys(world):
    box = world.box(small(world), databases="small", profile="any", extra="[store]\nappend_only = yes\n")
    assert box.json("status")["mode"] == "append-only"
    new = renewed(box)
    assert box.run("recovery-key", "--confirm", typed=new + "\n").returncode == 0
    assert opens(box, "recovery-key", new) and not opens(box, "recovery-key", box.recovery_key)


def test_while_a_job_runs_nothing_is_changed(world):
    server = world.server("--chat", "messages=8000,rooms=20,users=50,seed=3")
    server.add_logins("mgc", "mgccomp")
    box = world.box(server, extra="read_kib_per_second = 100")
    job = subprocess.Popen(box.command("backup", "mgc"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stage.wait_for(lambda: box.json("status").get("job", {}).get("phase") == "read", 30, "the backup to read")
    busy = box.run("passphrase", typed=GOOD + "\n")
    assert busy.returncode == 7 and "A job runs" in busy.stdout, busy
    assert opened_by(box) == (1, 0, 1, 0)
    box.ok("cancel")
    job.wait(120)


def test_a_renewal_on_flash_and_without_a_daemon(world):
    box = on_flash(world, small(world))
    box.init(), box.start()
    new = renewed(box)
    assert box.run("recovery-key", "--confirm", typed=new + "\n").returncode == 0
    box.stop(signal.SIGKILL)
    newer = renewed(box, "--standalone")
    assert box.run("recovery-key", "--confirm", "--standalone", typed=newer + "\n").returncode == 0
    box.start()
    assert opens(box, "recovery-key", newer) and not opens(box, "recovery-key", new)
    assert opened_by(box) == (1, 0, 1, 0)


# ---- where a volume fails ----

def test_a_volume_that_fails_in_the_middle_changes_none(world):
    box = on_two(world, small(world), faults=True, start=False)
    box.faults_under = box.disk  # the second one
    box.start()
    old, n, failures = box.recovery_key, 1, 0
    while True:
        for fault in ("full", "gone"):
            box.fault(fault, n)
            said = box.run("recovery-key", "--renew")
            struck = box.struck()
            box.fault("none")
            stage.wait_for(lambda: volume(box, "disk")["state"] == "there" or (box.run("clean"), False)[1], 60, "the disk")
            assert opens(box, "recovery-key", old), (fault, n)
            failures += said.returncode != 0
            if said.returncode:
                assert "Everything is opened by what opened it before" in said.stdout, said
                assert opened_by(box, "store") == (1, 0, 1, 0), (fault, n)
            if said.returncode and fault == "gone":  # what it says is what lies there
                before = opened_by(box, "disk")
                box.stop(), box.start()
                assert opened_by(box, "disk") == before, n
        if not struck:
            break
        n += 1
    assert failures >= 4
    print(f"{failures} failures")
    new = renewed(box)
    # A confirmation that fails says so, leaves the new one good, and is asked for again.
    box.fault("full", 1)
    said = box.run("recovery-key", "--confirm", typed=new + "\n")
    box.fault("none")
    assert said.returncode == 1 and "The new one opens it" in said.stdout, said
    assert opens(box, "recovery-key", new) and opens(box, "recovery-key", old)
    assert box.run("recovery-key", "--confirm", typed=new + "\n").returncode == 0
    assert opens(box, "recovery-key", new) and not opens(box, "recovery-key", old)


# ---- where the power fails ----

def cut(box, n, *arguments, typed=None):
    """Runs it with the daemon killed at its n-th sync; whether it was."""
    box.fault("kill-before" if n % 2 else "kill-after", n)
    said = box.run(*arguments, typed=typed and typed + "\n")
    struck = box.struck()
    box.fault("none")
    if struck:
        box.stop(signal.SIGKILL)
        box.start()
    return said, bool(struck)


def test_a_cut_leaves_a_recovery_key_that_somebody_has_and_that_opens_all(world):
    box = on_two(world, small(world), faults="all")
    known, n, cuts = box.recovery_key, 1, 0
    while True:
        said, renewing = cut(box, n, "recovery-key", "--renew")
        shown = re.search(r"(?m)^ {4}([A-Z2-7]{56})$", said.stdout)
        assert opens(box, "recovery-key", known), n
        if not shown:
            shown = re.search(r"()(.*)", renewed(box))
            new = shown[2]
        else:
            new = shown[1]
        assert opens(box, "recovery-key", new), n
        said, confirming = cut(box, n, "recovery-key", "--confirm", typed=new)
        assert opens(box, "recovery-key", new), n
        if said.returncode == 0:
            assert not opens(box, "recovery-key", known), n
        else:
            assert box.run("recovery-key", "--confirm", typed=new + "\n").returncode == 0
        assert opened_by(box, "store") == opened_by(box, "disk") == (1, 0, 1, 0), n
        known = new
        cuts += renewing + confirming
        if not renewing and not confirming:
            break
        n += 1 if EXHAUSTIVE else 5
    assert cuts >= 3
    print(f"{cuts} cuts")


def test_a_cut_leaves_a_passphrase_that_somebody_has_and_that_opens_all(world):
    box = on_two(world, small(world), faults="all")
    old, new, cuts = GOOD, OTHER, 0
    assert box.run("passphrase", typed=old + "\n").returncode == 0
    for n in range(1, 100) if EXHAUSTIVE else (11,):
        said, struck = cut(box, n, "passphrase", typed=new)
        cuts += struck
        if said.returncode == 0 or not opens(box, "passphrase", old):
            assert opens(box, "passphrase", new), n
            old, new = new, old
        if not struck:
            assert said.returncode == 0
            break
    assert cuts >= 1
    print(f"{cuts} cuts")


# ---- what stays in memory ----

def holds(box, secret):
    """Whether the daemon's memory has the end of it anywhere, since free() writes over the beginning: of its text, or of the
    bytes that a recovery key stands for."""
    wanted = [secret[16:].encode() or secret.encode()]
    if re.fullmatch("[A-Z2-7]{56}", secret):
        wanted.append(base64.b32decode(secret)[16:32])
    with open(f"/proc/{box.process.pid}/maps") as maps, open(f"/proc/{box.process.pid}/mem", "rb", 0) as memory:
        for line in maps:
            where, rights, *_ = line.split()
            if "r" not in rights or line.rstrip().endswith(("[vvar]", "[vsyscall]")):
                continue
            begin, end = (int(each, 16) for each in where.split("-"))
            try:
                memory.seek(begin)
                bytes_there = memory.read(end - begin)
            except (OSError, ValueError, OverflowError):
                continue
            if any(each in bytes_there for each in wanted):
                return True
    return False


def test_no_secret_stays_in_the_daemon_s_memory(world):
    box = on_two(world, small(world))
    try:
        with open(f"/proc/{box.process.pid}/mem", "rb", 0):
            pass
    except PermissionError:
        pytest.skip("the memory of a process may not be read here")
    # While half a request is there, it is found: so it would be seen.
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.connect(os.path.join(box.directory, "socket"))
        daemon.sendall(f"Command: passphrase\nPassphrase: {GOOD}\n".encode())
        stage.wait_for(lambda: holds(box, GOOD), 10, "the secret to arrive")
    stage.wait_for(lambda: not holds(box, GOOD), 10, "the secret of one that went to be wiped")
    old = box.recovery_key
    assert box.run("passphrase", "disk", typed=GOOD + "\n").returncode == 0
    assert not holds(box, GOOD)
    assert tried(box, "passphrase", OTHER, "disk")[0] is False and not holds(box, OTHER)
    new = renewed(box)
    assert not holds(box, new)
    assert box.run("recovery-key", "--confirm", typed=new + "\n").returncode == 0
    assert opens(box, "recovery-key", new) and not opens(box, "recovery-key", old)
    assert not holds(box, new) and not holds(box, old)
    assert box.run("take-over", "disk", typed=new + "\n").returncode == 0
    assert box.run("take-over", "disk", "--passphrase", typed=GOOD + "\n").returncode == 0
    assert not holds(box, new) and not holds(box, GOOD)
    assert "Code: 2" in asked(box, "Command: passphrase\nPassphrase: hoopoes over the marsh at dawn \n\n")
    assert not holds(box, "hoopoes over the marsh at dawn ")

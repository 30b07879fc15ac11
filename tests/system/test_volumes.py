# SPDX-License-Identifier: Apache-2.0
"""Which volume may hold what, through the whole box: durable or not, ours or another's, one or several."""
import json
import os
import shutil
import signal
import tempfile

import pytest

from test_refusals import small
from world import wait_for

EXHAUSTIVE = bool(os.environ.get("COFFRET_EXHAUSTIVE"))


@pytest.fixture
def in_memory(world):
    """A folder on a file system that forgets."""
    if not os.path.isdir("/dev/shm"):
        pytest.skip("no /dev/shm here")
    path = tempfile.mkdtemp(prefix="coffret-", dir="/dev/shm")
    link = os.path.join(world.directory, "memory")  # what is named /dev/... is taken to be flash
    os.symlink(path, link)
    yield link
    shutil.rmtree(path, ignore_errors=True)


def accept_risk(box, yes):
    box.stop()
    box.accept_risk = yes
    box.write_config()
    box.start()


# ---- durability ----

def test_a_volume_that_forgets_is_no_only_holder(world, in_memory):
    server = small(world)
    box = world.box(server, databases="small", profile="any", store=in_memory, start=False)
    box.accept_risk = False
    box.write_config()
    box.init(), box.start()
    refused = box.run("backup")
    assert refused.returncode == 1
    assert "survives a power cut" in refused.stdout + refused.stderr
    assert "accept_risk = yes" in refused.stdout + refused.stderr
    assert box.json("list")["snapshots"] == []
    accept_risk(box, True)
    told = box.ok("backup")
    assert "note: small: snapshots are kept only in" in told and "cannot promise" in told
    snapshot = box.json("list")["snapshots"][0]
    assert not snapshot["durable"]
    assert "at risk" in box.ok("list")
    assert not box.json("status")["durable"] and "power cut" in box.ok("status")


def test_a_safety_snapshot_is_not_kept_where_it_may_be_lost(world, in_memory):
    server = small(world)
    box = world.box(server, databases="small", profile="any", store=in_memory, start=False)
    box.accept_risk = True
    box.write_config()
    box.init(), box.start()
    box.ok("backup")
    wanted = server.fingerprint("small")
    server.sql("DELETE FROM dbo.t", "small")
    damaged = server.fingerprint("small")
    accept_risk(box, False)
    refused = box.run("restore", "small")
    assert refused.returncode == 1 and "survives a power cut" in refused.stdout + refused.stderr
    assert "--without-safety" in refused.stdout + refused.stderr
    assert server.fingerprint("small") == damaged
    box.ok("restore", "small", "--without-safety")
    assert server.fingerprint("small") == wanted


def test_a_durable_volume_is_told_as_one(world):
    box = world.box(small(world), databases="small", profile="any")
    if box.accept_risk:
        pytest.skip("the tests' own folder is in memory")
    told = box.ok("backup")
    assert "cannot promise" not in told
    assert box.json("list")["snapshots"][0]["durable"]
    assert "at risk" not in box.ok("list")


# ---- several volumes ----

def asked(box, *command):
    """The command; where the box does the same already by itself (`copy = yes`), once that has ended."""
    results = []
    wait_for(lambda: results.append(box.run(*command)) or results[-1].returncode != 7, 60, f"the box's own {command}")
    return results[-1]


def on_two(world, server, name="box", start=True, more="", **keywords):
    """A box with its own store and a disk beside it; both in folders."""
    box = world.box(server, databases="small", profile="any", name=name, start=False, **keywords)
    box.disk = os.path.join(box.directory, "disk")
    os.makedirs(box.disk)
    box.extra = f"[volume disk]\npath = {box.disk}\nown_disk = no\naccept_risk = {'yes' if box.accept_risk else 'no'}\n{more}"
    box.write_config()
    box.init()
    if start:
        box.start()
    return box


def snapshots(box):
    return {each["id"]: each for each in box.json("list")["snapshots"]}


def newest(box):
    return box.json("list")["snapshots"][-1]["id"]


def volume(box, name):
    return {each["name"]: each for each in box.json("status")["volumes"]}[name]


def test_a_box_with_one_volume_looks_as_simple_as_ever(world):
    box = world.box(small(world), databases="small", profile="any")
    box.ok("backup")
    assert "volumes" not in box.json("status") and "volumes" not in box.json("list")["snapshots"][0]
    assert " on store" not in box.ok("list") + box.ok("verify") + box.ok("status")


def test_a_copy_goes_to_another_volume_and_back(world):
    server = small(world)
    box = on_two(world, server)
    assert "The store in" in open(os.path.join(box.directory, "log")).read() or box.recovery_key
    wanted = server.fingerprint("small")
    assert "on store" in box.ok("backup")
    snapshot = newest(box)
    assert snapshots(box)[snapshot]["volumes"] == "store"
    assert "written" in box.ok("copy", snapshot[:6], "--to", "disk")
    entry = snapshots(box)[snapshot]
    assert entry["volumes"] == "store, disk" and not entry["foreign"] and "copied_from" not in entry
    assert "; on store, disk" in box.ok("list")
    verified = box.ok("verify", snapshot, "--data")
    assert verified.count("is whole") == 2 and "on store" in verified and "on disk" in verified
    # Again: all is there, and was read.
    assert "was on disk already" in box.ok("copy", snapshot, "--to", "disk")
    # A second backup, so that the first one may go from home; then back it comes.
    server.sql("UPDATE dbo.t SET body = N'other' WHERE id = 1", "small")
    box.ok("backup")
    box.ok("remove", snapshot, "--from", "store")
    entry = snapshots(box)[snapshot]
    assert entry["volumes"] == "disk" and entry["copied_from"]
    box.ok("restore", "small", "--snapshot", snapshot)
    assert server.fingerprint("small") == wanted
    box.ok("undo", "small")
    assert server.fingerprint("small") != wanted
    box.ok("copy", snapshot, "--to", "store")
    assert snapshots(box)[snapshot]["volumes"] == "store, disk"
    assert volume(box, "store")["home"] and not volume(box, "disk")["home"]
    for name in ("store", "disk"):
        assert volume(box, name)["state"] == "there" and volume(box, name)["snapshot_count"] >= 1


def test_what_cannot_be_copied_says_why(world):
    box = on_two(world, small(world))
    box.ok("backup")
    snapshot = newest(box)
    nowhere = box.run("copy", snapshot, "--to", "tape")
    assert nowhere.returncode == 2 and "tape" in nowhere.stdout
    nothing = box.run("copy", "0123456789abcdef")
    assert nothing.returncode == 2
    box.ok("copy", snapshot)  # to the first that has not got it
    full = box.run("copy", snapshot)
    assert full.returncode == 1 and "no other volume" in full.stdout
    os.rename(box.disk, box.disk + ".away")
    away = box.run("copy", snapshot, "--to", "disk")
    assert away.returncode == 1 and "not there" in away.stdout
    audit = open(os.path.join(box.directory, "state", "audit.log")).read()
    assert f"copy */* snapshot {snapshot} volume disk" in audit


def test_good_backups_are_copied_by_themselves(world):
    box = on_two(world, small(world), more="copy = yes\n")
    told = box.ok("backup")
    assert "is on disk, too" in told
    assert snapshots(box)[newest(box)]["volumes"] == "store, disk"
    os.rename(box.disk, box.disk + ".away")
    assert "is not on disk" in box.ok("backup")
    assert snapshots(box)[newest(box)]["volumes"] == "store"
    # What it missed it gets when it comes, without anybody's asking.
    missed = newest(box)
    os.rename(box.disk + ".away", box.disk)
    wait_for(lambda: snapshots(box)[missed]["volumes"] == "store, disk", 60, "the copy that was missed")
    assert "gets it now" in open(os.path.join(box.directory, "log")).read()


def test_a_disk_that_is_not_there_is_no_error_and_is_taken_in_when_it_comes(world):
    box = on_two(world, small(world), start=False)
    os.rename(box.disk, box.disk + ".away")
    box.start()
    assert "The volume disk is not there" in open(os.path.join(box.directory, "log")).read()
    assert volume(box, "disk")["state"] == "away" and "no directory" in volume(box, "disk")["sentence"]
    assert box.disk in box.ok("status")
    box.ok("backup")
    os.rename(box.disk + ".away", box.disk)
    box.ok("copy", newest(box), "--to", "disk")  # a job that wants it looks for it
    assert volume(box, "disk")["state"] == "there"
    # Taken away while nothing runs, and back: now and then it is looked for by itself.
    os.rename(box.disk, box.disk + ".away")
    wait_for(lambda: volume(box, "disk")["state"] == "away" or (box.run("clean"), False)[1], 60, "the disk to be missed")
    os.rename(box.disk + ".away", box.disk)
    wait_for(lambda: volume(box, "disk")["state"] == "there", 60, "the disk to be taken in")


def test_a_mount_point_without_its_disk_is_no_store(world):
    box = on_two(world, small(world), start=False)
    os.rename(box.disk, box.disk + ".away")
    os.makedirs(box.disk)  # what is under a mount
    box.start()
    assert volume(box, "disk")["state"] == "away" and "no store" in volume(box, "disk")["sentence"]
    assert os.listdir(box.disk) == []
    assert "There is a store" in box.ok("attach", "disk")  # unless somebody says so
    assert volume(box, "disk")["state"] == "there"
    again = box.run("attach", "disk")
    assert again.returncode == 1 and "already" in again.stdout


def test_a_full_volume_makes_way_for_the_next(world):
    box = on_two(world, small(world), faults=True)
    box.ok("backup")
    box.fault("full")
    told = box.ok("backup")
    assert "the volume store is full; trying disk" in told
    assert snapshots(box)[newest(box)]["volumes"] == "disk"
    box.fault("none")
    # The order of making is one over both: the newest is the default, wherever it is.
    first, second = box.json("list")["snapshots"]
    assert first["volumes"] == "store" and first["sequence"] < second["sequence"]
    assert box.json("status")["databases"][0]["newest"] == second["id"]
    box.ok("backup")
    assert snapshots(box)[newest(box)]["volumes"] == "store"
    assert snapshots(box)[newest(box)]["sequence"] > second["sequence"]


def corrupt(folder):
    """One byte in the middle of each long segment."""
    hit = 0
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.startswith("00") and os.path.getsize(path) > 400:
            with open(path, "r+b") as file:
                file.seek(200)
                byte = file.read(1)
                file.seek(200)
                file.write(bytes([byte[0] ^ 1]))
            hit += 1
    assert hit


def test_a_restore_takes_what_is_damaged_from_the_other_volume(world):
    server = small(world)
    box = on_two(world, server, more="[store]\nparity = no\n")  # which would heal a byte by itself
    wanted = server.fingerprint("small")
    box.ok("backup")
    box.ok("copy", newest(box), "--to", "disk")
    box.stop()
    corrupt(box.store)
    box.start()
    server.sql("DELETE FROM dbo.t", "small")
    told = box.ok("restore", "small")
    assert server.fingerprint("small") == wanted
    assert "were brought to store" in told
    assert box.run("verify", "--data").returncode == 0  # and it is whole again


def test_a_copy_on_a_volume_that_forgets_is_brought_home_for_a_restore(world, in_memory):
    server = small(world)
    box = on_two(world, server, start=False)
    if box.accept_risk:
        pytest.skip("the tests' own folder is in memory")
    box.extra = f"[volume memory]\npath = {in_memory}\n"
    box.write_config()
    box.start()
    box.ok("attach", "memory")
    wanted = server.fingerprint("small")
    box.ok("backup")
    snapshot = newest(box)
    box.ok("copy", snapshot, "--to", "memory")
    assert snapshots(box)[snapshot]["durable"]
    server.sql("UPDATE dbo.t SET body = N'other' WHERE id = 1", "small")
    box.ok("backup")
    # What may forget is no reason to let go of the last good one.
    assert box.run("remove", snapshot, "--from", "store").returncode == 1
    box.ok("verify", newest(box), "--data")
    box.ok("remove", snapshot, "--from", "store")
    assert snapshots(box)[snapshot]["volumes"] == "memory" and not snapshots(box)[snapshot]["durable"]
    told = box.ok("restore", "small", "--snapshot", snapshot)
    assert "were brought to store" in told and server.fingerprint("small") == wanted
    assert snapshots(box)[snapshot]["volumes"] == "store, memory"
    box.ok("undo", "small")


# ---- cuts, and disks that are pulled ----

def test_a_copy_that_is_cut_off_is_not_there_and_the_next_one_is(world):
    box = on_two(world, small(world), faults=True, start=False)
    box.faults_under = box.disk
    box.start()
    box.ok("backup")
    snapshot, at, cuts = newest(box), 1, 0
    while True:
        box.fault("kill-before", at)
        done = box.run("copy", snapshot, "--to", "disk")
        cut = box.struck()
        if cut:
            box.process.wait(60)
            box.process = None
            box.fault("none")
            box.start()
            # A cut right before the end of the root's sync leaves it or does not.
            if snapshots(box)[snapshot]["volumes"] == "store":
                wait_for(lambda: any(job["kind"] == "copy" and job["state"] == "failed"
                                     for job in box.json("jobs")["jobs"]), 30, "the job that was cut, told as failed")
        box.fault("none")
        box.ok("copy", snapshot, "--to", "disk")
        assert snapshots(box)[snapshot]["volumes"] == "store, disk"
        assert box.run("verify", "--data").returncode == 0
        if not cut:
            assert done.returncode == 0
            break
        cuts += 1
        at += 1
        # Away with it, so that the next one begins from nothing.
        box.ok("backup"), box.ok("copy", newest(box), "--to", "disk")
        box.ok("remove", newest(box), "--from", "store")
        box.ok("remove", snapshot, "--from", "disk")
    assert cuts >= 2


def count(box):
    """Snapshots; none while no volume is there."""
    return len(json.loads(box.run("list", "--json").stdout)["snapshots"])


def pulled(box):
    box.fault("gone")
    failed = box.run("backup")
    assert box.struck() and failed.returncode == 1
    return failed.stdout


def test_a_disk_that_is_pulled_fails_the_job_which_begins_afresh_when_it_is_back(world):
    box = world.box(small(world), databases="small", profile="any", faults=True)
    for at in (1, 3):
        before = len(box.json("list")["snapshots"])
        box.fault("gone", at)
        failed = box.run("backup", "small")
        assert box.struck() and failed.returncode == 1
        assert "its disk was pulled, or fails" in failed.stdout and "is queued again as job" in failed.stdout
        waiting = [job for job in box.json("jobs")["jobs"] if job["state"] == "queued"]
        assert len(waiting) == 1 and waiting[0]["kind"] == "backup" and "waits for its volume" in waiting[0]["sentence"]
        assert box.json("status")["store"] != "good"
        box.fault("none")
        wait_for(lambda: count(box) == before + 1, 60, "the backup to begin afresh")
        assert box.run("verify", "--data").returncode == 0


@pytest.mark.parametrize("side, action, step", [("disk", "gone", 5), ("store", "unreadable", 8)])
def test_a_copy_whose_source_or_target_is_pulled_waits_for_it_over_a_power_cut_and_is_made_whole(world, side, action, step):
    server = small(world)
    box = on_two(world, server, faults=True, start=False)
    box.faults_under = os.path.join(box.directory, side)
    box.start()
    pulls = 0
    for at in range(1, 1000, 1 if EXHAUSTIVE else step):
        server.sql(f"UPDATE dbo.t SET body = N'turn {at}' WHERE id = 1", "small")
        box.ok("backup")
        snapshot = newest(box)
        box.fault(action, at)
        failed = box.run("copy", snapshot, "--to", "disk")
        if not box.struck():
            assert failed.returncode == 0, failed.stdout
            break
        pulls += 1
        done = failed.returncode == 0  # all but the spare of its root was there
        if not done:
            assert "is queued again as job" in failed.stdout and "was pulled" in failed.stdout, (at, failed.stdout)
            entry = snapshots(box).get(snapshot)  # none where what has it was pulled
            assert not entry or "," not in entry["volumes"], entry
        if done or pulls % 2:
            box.stop(signal.SIGKILL)
            box.fault("none") if done else None
            box.start()
        if not done and pulls % 2:
            waiting = [job for job in box.json("jobs")["jobs"] if job["state"] == "queued"]
            assert [job["kind"] for job in waiting] == ["copy"], waiting
        box.fault("none")
        wait_for(lambda: snapshots(box).get(snapshot, {}).get("volumes") == "store, disk", 60, f"the copy that was pulled at {at}")
        assert box.ok("verify", snapshot, "--data").count("is whole") == 2
    print(f"{pulls} pulls of {side}")
    assert pulls >= 3


def test_with_another_volume_the_backup_goes_there_at_once(world):
    box = on_two(world, small(world), faults=True)
    told = pulled(box)
    assert "is queued again as job" in told
    wait_for(lambda: count(box) == 1, 60, "a backup on the disk")
    assert snapshots(box)[newest(box)]["volumes"] == "disk"
    box.fault("none")


def test_another_disk_in_its_place_is_not_taken_for_it(world):
    server = small(world)
    box = on_two(world, server)
    other = on_two(world, server, name="other", start=False)
    box.ok("backup")
    box.ok("copy", newest(box), "--to", "disk")
    os.rename(box.disk, box.disk + ".away")
    shutil.copytree(other.disk, box.disk)
    shutil.copy(os.path.join(other.directory, "key"), os.path.join(box.directory, "key.other"))
    refused = box.run("copy", newest(box), "--to", "disk")
    assert refused.returncode == 1
    assert volume(box, "disk")["state"] == "away"
    # Even one that this box's key opens.
    shutil.rmtree(box.disk)
    os.makedirs(box.disk)
    assert box.run("copy", newest(box), "--to", "disk").returncode == 1
    twin = on_two(world, server, name="twin", start=False)
    shutil.copy(os.path.join(box.directory, "key"), os.path.join(twin.directory, "key.box"))
    shutil.rmtree(box.disk)
    os.rename(box.disk + ".away", box.disk)
    box.ok("verify", "--data")
    assert volume(box, "disk")["state"] == "there"


# ---- whose it is ----

def left_behind(world):
    """A box that is gone, and its disk with a copy of a backup: server, box, snapshot, and what is in it."""
    server = small(world)
    first = on_two(world, server, name="first")
    first.ok("backup")
    snapshot = newest(first)
    first.ok("copy", snapshot, "--to", "disk")
    wanted = server.fingerprint("small")
    first.stop()
    return server, first, snapshot, wanted


def with_its_disk(second, first):
    second.extra = f"[volume disk]\npath = {first.disk}\n"
    second.write_config()
    second.start()


def test_another_box_s_store_is_read_and_never_a_default(world):
    server, first, snapshot, wanted = left_behind(world)
    # A second box that has the first one's key file, and its disk.
    second = world.box(server, databases="small", profile="any", name="second", start=False)
    shutil.copy(os.path.join(first.directory, "key"), os.path.join(second.directory, "key"))
    second.init()
    with_its_disk(second, first)
    assert volume(second, "disk")["state"] == "foreign" and volume(second, "disk")["read_only"]
    assert "another box's" in second.ok("status")
    entry = snapshots(second)[snapshot]
    assert entry["foreign"] and entry["maker"] and "foreign" in second.ok("list")
    # By default there is nothing, for the panel neither.
    nothing = second.run("restore", "small")
    assert nothing.returncode == 1 and "no such snapshot" in nothing.stdout
    assert "newest" not in second.json("status")["databases"][0]
    # Nor is anything written there.
    for command in (["remove", snapshot], ["pin", snapshot]):
        assert second.run(*command).returncode == 1
    server.sql("DELETE FROM dbo.t WHERE id > 1", "small")
    second.ok("backup")
    assert second.json("status")["databases"][0]["newest"] != snapshot
    server.sql("DELETE FROM dbo.t", "small")
    # By its id it is restored; but what is there now can only be kept where this box may write.
    refused = second.run("restore", "small", "--snapshot", snapshot)
    assert refused.returncode == 1 and "--without-safety" in refused.stdout and "take-over" in refused.stdout
    second.ok("restore", "small", "--snapshot", snapshot, "--without-safety")
    assert server.fingerprint("small") == wanted


def test_a_disk_with_another_family_s_store_is_told_as_what_it_is_with_what_to_do(world):
    server, first, snapshot, _ = left_behind(world)
    second = world.box(server, databases="small", profile="any", name="second", start=False)
    second.init()
    second.extra = f"[volume disk]\npath = {first.disk}\nown_disk = no\ncopy = yes\naccept_risk = yes\n"
    second.write_config()
    second.start()
    held = sorted(os.listdir(first.disk))
    told = second.ok("backup")
    assert "is not on disk, which is not there or cannot be used" in told and "does not open the store" in told, told
    mine = newest(second)
    for command in (["copy", mine, "--to", "disk"], ["attach", "disk"]):
        refused = asked(second, *command)
        assert refused.returncode == 1, refused.stdout
        for words in ("does not open the store in", "coffret take-over", "name an empty directory of that disk", "coffret attach"):
            assert words in refused.stdout + refused.stderr, (command, words, refused.stdout, refused.stderr)
    assert sorted(os.listdir(first.disk)) == held, "nothing of it was changed"
    # Taken over, it is this box's, and still of another family: neither way, and each backup says so.
    assert second.run("take-over", "disk", typed=first.recovery_key + "\n").returncode == 0
    for id, to in ((mine, "disk"), (snapshot, "store")):
        refused = asked(second, "copy", id, "--to", to)
        assert refused.returncode == 1 and "has a key of its own" in refused.stdout, refused.stdout
        assert "name an empty directory of it in coffret.conf" in refused.stdout, refused.stdout
    assert "has a key of its own" in second.ok("backup")
    # As the remedy says.
    second.stop()
    second.extra = second.extra.replace(first.disk, first.disk + "/copies")
    second.write_config()
    second.start()
    second.ok("attach", "disk")
    assert asked(second, "copy", mine, "--to", "disk").returncode == 0
    assert snapshots(second)[mine]["volumes"] == "store, disk"


def test_a_store_is_taken_over_with_its_recovery_key(world):
    server, first, snapshot, wanted = left_behind(world)
    second = world.box(server, databases="small", profile="any", name="second", start=False)
    second.init()
    with_its_disk(second, first)
    assert volume(second, "disk")["state"] == "away" and "does not open" in volume(second, "disk")["sentence"]
    wrong = second.run("take-over", "disk", typed=second.recovery_key + "\n")
    assert wrong.returncode == 1 and "does not open" in wrong.stdout
    assert second.run("take-over", "disk").returncode == 2
    taken = second.run("take-over", "disk", typed=first.recovery_key.lower() + "\n")
    assert taken.returncode == 0, taken.stdout + taken.stderr
    assert volume(second, "disk")["state"] == "there"
    assert snapshots(second)[snapshot]["foreign"]
    server.sql("DELETE FROM dbo.t", "small")
    assert second.run("restore", "small").returncode == 1  # not unasked, taken over or not
    told = second.ok("restore", "small", "--snapshot", snapshot)
    assert server.fingerprint("small") == wanted and "coffret undo" in told
    second.ok("undo", "small")
    audit = open(os.path.join(second.directory, "state", "audit.log")).read()
    assert "take-over" in audit and first.recovery_key not in audit
    # The box before has lost it: its key opens it no more.
    second.stop()
    first.start()
    assert volume(first, "disk")["state"] == "away" and "does not open" in volume(first, "disk")["sentence"]
    # And between stores of different keys nothing is copied.
    first.stop(), second.start()
    second.ok("backup")
    refused = second.run("copy", snapshot, "--to", "store")
    assert refused.returncode == 1 and "key of its own" in refused.stdout
    # Unless its own store is made anew, to go with the one that was taken over.
    second.stop()
    shutil.rmtree(second.store)
    second.init()
    assert second.recovery_key is None  # the old box's opens it, too
    second.start()
    second.ok("copy", snapshot, "--to", "store")
    assert snapshots(second)[snapshot]["volumes"] == "store, disk" and snapshots(second)[snapshot]["foreign"]

# SPDX-License-Identifier: Apache-2.0
"""What stays and what goes: pins, removal and retention, through the box."""
import os
import socket
import subprocess

import pytest

import world as stage
from test_refusals import small


def snapshots(box):
    return [snapshot["id"] for snapshot in box.json("list")["snapshots"]]


def tell_panel(box, line):
    with socket.socket(socket.AF_UNIX) as panel:
        panel.connect(f"{box.directory}/panel")
        panel.sendall(line.encode() + b"\n")
        assert b"ok" in panel.recv(4096)


def advance(box, days):
    """Lets the simulated board's clocks pass."""
    tell_panel(box, f"advance {round(days * 86_400_000)}")


def why(box):
    return [snapshot["kept_because"] for snapshot in box.json("list")["snapshots"]]


def test_a_snapshot_is_pinned_refused_unpinned_and_removed_and_the_log_has_it(world):
    server = small(world)
    box = world.box(server, databases="small", profile="any")
    box.ok("backup")
    server.sql("UPDATE dbo.t SET body = N'two' WHERE id = 2", "small")
    only = snapshots(box)[0]
    result = box.run("remove", only)
    assert result.returncode == 1 and "last good" in result.stdout, result.stdout
    box.ok("backup")
    first, second = snapshots(box)
    box.ok("verify", "--data")
    box.ok("pin", first)
    assert box.json("list")["snapshots"][0]["pinned"] is True
    assert "pinned" in box.ok("list")
    result = box.run("remove", first[:6])
    assert result.returncode == 1 and "is pinned" in result.stdout and "unpin" in result.stdout, result.stdout
    box.ok("unpin", first)
    said = box.json("remove", first)
    assert said["code"] == 0 and "is removed" in said["sentence"]
    assert snapshots(box) == [second]
    result = box.run("remove", first)
    assert result.returncode == 2 and "There is no snapshot" in result.stdout
    box.ok("verify", "--data")
    assert "whole" in box.ok("jobs", "--audit")
    log = open(f"{box.directory}/state/audit.log").read()
    for word in ("pin", "unpin", "remove"):
        assert f'event="asked"' in log and f'what="{word} */* snapshot {first}"' in log, log
    assert 'result="done: sql/small: snapshot ' + first + " is removed" in log


def test_retention_counts_in_box_days_and_a_wrong_clock_removes_nothing(world):
    server = small(world)
    box = world.box(server, databases="small", profile="any", box_extra="[store]\nscrub_days = 0",
                    extra="[retention]\nkeep_last = 0\nkeep_daily = 3\nkeep_weekly = 0\nkeep_monthly = 0\nkeep_within = 2\n")
    for night in range(4):
        advance(box, 1)
        server.sql(f"UPDATE dbo.t SET body = N'{night}' WHERE id = 2", "small")
        box.ok("backup")
    box.ok("verify", "--data")
    first = snapshots(box)[0]
    assert len(snapshots(box)) == 4 and why(box) == ["nothing", "daily", "within", "newest"], why(box)
    said = box.ok("prune", "--what-if")
    assert first in said and "would be removed" in said
    assert len(snapshots(box)) == 4
    # Years by the wall clock alone, either way, are no box days.
    for year in (4070908800, 86400):
        tell_panel(box, f"wall {year}")
        assert why(box) == ["nothing", "daily", "within", "newest"]
    said = box.ok("backup")
    assert first in said and "is removed" in said, said
    assert len(snapshots(box)) == 4 and first not in snapshots(box)
    log = open(f"{box.directory}/state/audit.log").read()
    assert f'event="removing"' in log and f'what="snapshot {first} of sql/small"' in log
    box.ok("verify", "--data")
    assert "whole" in box.ok("jobs", "--audit")


def test_junk_of_1970_and_2099_removes_nothing_of_the_last_14_box_days(world):
    """A few here; a thousand in tests/test_junk.c."""
    server = small(world)
    box = world.box(server, databases="small", profile="any", box_extra="[store]\nscrub_days = 0",
                    extra="[retention]\nkeep_last = 1\nkeep_daily = 1\nkeep_weekly = 0\nkeep_monthly = 0\nkeep_within = 14\n")
    made = []
    for night in range(3):
        box.ok("backup"), box.ok("backup")
        made = snapshots(box)
        advance(box, 1 if night else 12)
    young = made[2:]  # the first two are older than 14 days by now
    for turn in range(8):
        tell_panel(box, f"wall {4070908800 if turn % 2 else 86400}")
        box.ok("backup")
        box.ok("verify", snapshots(box)[-1], "--data")
        young.append(snapshots(box)[-1])
        assert snapshots(box)[-len(young):] == young
    dates = [snapshot["time"] for snapshot in box.json("list")["snapshots"]]
    assert min(dates) < 200_000 and max(dates) >= 4070908800, dates
    assert made[1] not in snapshots(box)  # retention was asked, and took what it may
    box.stop(), box.start()
    box.ok("prune")
    assert snapshots(box)[-len(young):] == young


def test_what_a_removed_snapshot_held_comes_back(world):
    server = small(world)
    server.script("USE small;\nGO\nCREATE TABLE dbo.big (id int NOT NULL PRIMARY KEY, body nvarchar(4000) NOT NULL);\nGO\n"
                  + "".join(f"INSERT INTO dbo.big VALUES ({i}, N'{os.urandom(900).hex()}');\nGO\n" for i in range(600)))
    box = world.box(server, databases="small", profile="any")
    box.ok("backup")
    server.sql("DELETE FROM dbo.big WHERE id > 30", "small")
    box.ok("backup")
    box.ok("accept", snapshots(box)[1])  # that so many rows are gone was meant
    box.ok("verify", "--data")
    before = server.fingerprint("small")
    box.ok("remove", snapshots(box)[0], "-y")
    said = box.ok("clean")
    assert "free again" in said, said
    size = sum(os.path.getsize(os.path.join(box.store, file)) for file in os.listdir(box.store))
    assert size < 400_000, size
    box.ok("verify", "--data")
    server.sql("DELETE FROM dbo.big WHERE id > 10", "small")
    box.ok("restore", "small", "-y")
    assert server.fingerprint("small") == before


def test_the_scrub_verifies_heals_finds_damage_and_the_next_backup_heals_both(world):
    server = small(world)
    box = world.box(server, databases="small", profile="any", box_extra="[store]\nscrub_days = 1")

    def verified():
        return [snapshot["verified"] for snapshot in box.json("list")["snapshots"]]

    def scrubs(state):
        return [job for job in box.json("jobs")["jobs"] if job["kind"] == "scrub" and job["state"] == state]

    box.ok("backup")
    box.ok("backup")
    assert verified() == [True, False]  # the second is made of chunks that nobody read again
    advance(box, 0.5)
    stage.wait_for(lambda: verified() == [True, True], 60, "the first scrub")
    box.ok("backup")
    assert verified() == [True, True, True]
    before = server.fingerprint("small")
    oldest = min(file for file in os.listdir(box.store) if file.startswith("00"))
    done = len(scrubs("done"))
    stage.flip(os.path.join(box.store, oldest), [64 + 88 + 5])
    advance(box, 1.1)
    stage.wait_for(lambda: not os.path.exists(os.path.join(box.store, oldest)), 60, "a scrub that heals it and writes it anew")
    stage.wait_for(lambda: len(scrubs("done")) > done, 60, "its end")
    assert any("by parity" in job["sentence"] for job in scrubs("done")) and verified() == [True, True, True]
    path = os.path.join(box.store, max(file for file in os.listdir(box.store) if file.startswith("00")))
    stage.flip(path, range(64 + 88 + 5, os.path.getsize(path), 2000))  # more than parity can heal
    advance(box, 2.2)
    stage.wait_for(lambda: scrubs("failed"), 60, "a scrub that finds it")
    assert verified() == [False, False, False]
    assert "heals" in scrubs("failed")[0]["remedy"]
    box.ok("backup")  # of the unchanged database
    first, *_, last = snapshots(box)
    for snapshot in (first, last):
        server.sql("DELETE FROM dbo.t", "small")
        box.ok("restore", "small", "--snapshot", snapshot, "-y")
        assert server.fingerprint("small") == before
    box.ok("verify", "--data")


def test_a_full_store_fails_early_says_what_would_help_and_keeps_room_for_a_base(world):
    """Twelve megabytes a night that do not compress, on a flash of sixty."""
    server = small(world)
    server.script("CREATE DATABASE fat;\nGO\nUSE fat;\nGO\nCREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY, b varbinary(max));\nGO\n")
    server.add_logins("fat")
    box = world.box(server, databases="fat", profile="any", start=False,
                    extra="[store]\nparity = no\n[suspect]\nnew_data = 0\nincompressible = no\n")
    os.rmdir(box.store)
    box.store += ".nand"
    box.write_config()
    box.init(), box.start()

    def night():
        rows = "".join(f"INSERT INTO dbo.t VALUES ({i}, 0x{os.urandom(400_000).hex()});\nGO\n" for i in range(30))
        server.script("USE fat;\nGO\nDELETE FROM dbo.t;\nGO\n" + rows)
        return box.run("backup")

    for nights in range(1, 6):
        status = box.json("status")
        result = night()
        if result.returncode:
            break
    assert nights == 5 and result.returncode == 1, result.stdout
    assert 0 < status["room"] < 12_000_000 < status["room_for_base"] < 14_000_000
    assert "A whole new copy of sql/fat would take about 12" in result.stdout
    assert "fat: it was not begun: each of its last backups took at least 12" in result.stdout, result.stdout
    assert "coffret remove " in result.stdout and "would give back at most 12" in result.stdout
    box.ok("press", "restore", "--hold", "100ms")
    stage.wait_for(lambda: "Storage almost full" in box.ok("press", "--state"), 60, "the panel to say so")
    assert "there is room for" in box.ok("status")
    box.ok("verify")
    box.ok("remove", snapshots(box)[1])
    box.ok("backup")
    # A restore has no room for its safety snapshot, and says so with what would help.
    server.sql("DELETE FROM dbo.t WHERE id > 3", "fat")
    server.script("USE fat;\nGO\n" + "".join(f"INSERT INTO dbo.t VALUES ({i}, 0x{os.urandom(400_000).hex()});\nGO\n" for i in range(40, 70)))
    before = server.fingerprint("fat")
    result = box.run("restore", "fat", "-y")
    assert result.returncode == 1 and "The safety snapshot does not fit: there is room for" in result.stdout, result.stdout
    assert "attach a disk" in result.stdout and "--without-safety" in result.stdout and "would give back" in result.stdout
    assert server.fingerprint("fat") == before


def test_an_append_only_store_says_so_everywhere_and_loses_nothing(world):
    server = small(world)
    box = world.box(server, databases="small", profile="any", box_extra="[store]\nappend_only = yes\nscrub_days = 0",
                    extra="[retention]\nkeep_last = 0\nkeep_daily = 1\nkeep_weekly = 0\nkeep_monthly = 0\nkeep_within = 0\n")
    for night in range(3):
        server.sql(f"UPDATE dbo.t SET body = N'night {night}' WHERE id = 2", "small")
        box.ok("backup")
        advance(box, 2)
    assert why(box) == ["newest", "append-only", "newest"]  # the first of them is the newest that was verified
    assert len(snapshots(box)) == 3
    assert "append-only" in box.ok("prune")
    assert "append-only" in box.ok("status") and box.json("status")["mode"] == "append-only"
    result = box.run("remove", snapshots(box)[1])
    assert result.returncode == 1 and "append-only" in result.stdout and "--init" in result.stdout, result.stdout
    box.ok("clean")
    assert len(snapshots(box)) == 3
    box.ok("verify", "--data")


def test_damage_that_the_scrub_finds_is_said_everywhere_and_healed_by_the_next_backup(world):
    server = small(world)
    box = world.box(server, databases="small", profile="any")
    box.ok("backup")
    box.ok("backup")
    box.stop()
    first = min(name for name in os.listdir(box.store) if name.startswith("00") and name.endswith(".seg"))
    path = os.path.join(box.store, first)
    # The sealed bytes of the first chunk that was stored, and the parity of all of this short segment.
    stage.flip(path, [64 + 88 + 3, os.path.getsize(path) - 2000])
    box.start()
    advance(box, 0.2)  # the first part of the scrub is due two hours after the start
    stage.wait_for(lambda: box.json("status")["damaged_count"], 60, "the scrub to find it")
    ids = [snapshot["id"] for snapshot in box.json("list")["snapshots"] if snapshot["damaged"]]
    assert ids and not any(snapshot["verified"] for snapshot in box.json("list")["snapshots"] if snapshot["damaged"])
    assert "DAMAGED" in box.ok("list") and "damaged: coffret list shows which" in box.ok("status")
    stage.wait_for(lambda: "A backup is damaged" in box.ok("press", "--state"), 60, "the panel to say so")
    log = box.run("jobs").stdout
    assert "places on the volume are damaged" in log, log
    result = box.run("verify", ids[0], "--data")
    assert result.returncode == 6 and "Damaged: snapshot" in result.stdout, result.stdout
    box.stop()
    box.start()  # and a restart forgets none of it
    assert box.json("status")["damaged_count"] == len(ids)
    box.ok("backup")
    for id in ids:
        box.ok("verify", id, "--data")
    assert box.json("status")["damaged_count"] == 0
    stage.wait_for(lambda: "damaged" not in box.ok("press", "--state"), 60, "the panel to be content")


def test_only_a_finger_can_confirm_that_the_box_was_off_for_long(world, monkeypatch):
    server = small(world)
    box = world.box(server, databases="small", profile="any", box_extra="[store]\nscrub_days = 0",
                    extra="[retention]\nkeep_last = 0\nkeep_daily = 0\nkeep_weekly = 0\nkeep_monthly = 0\nkeep_within = 50\n")
    for night in range(2):
        server.sql(f"UPDATE dbo.t SET body = N'night {night}' WHERE id = 2", "small")
        box.ok("backup")
    assert "nothing to confirm" in box.ok("count-time")
    advance(box, 0.1)
    box.ok("prune")  # a job's end writes down the time
    box.stop()
    monkeypatch.setenv("COFFRET_SIM_AHEAD", str(86_400 * 76))
    box.start()
    status = box.json("status")
    assert 45 <= status["time_held_back"] / 86_400 < 46
    assert "off, not counted" in box.ok("status")
    server.sql("UPDATE dbo.t SET body = N'after' WHERE id = 2", "small")
    box.ok("backup")
    box.ok("verify", "--data")
    box.ok("prune")
    assert len(snapshots(box)) == 3  # 30 days have passed, no more
    assert "Within ten minutes" in box.ok("count-time")
    stage.wait_for(lambda: "Remote: 45 days?" in box.ok("press", "--state"), 60, "the panel to ask")
    box.ok("press", "restore", "--hold", "200ms")  # a press is no answer
    assert box.json("status")["time_held_back"] > 0
    box.ok("press", "restore", "--hold", "6s")
    stage.wait_for(lambda: "HOLD again" in box.ok("press", "--state") and "Release" not in box.ok("press", "--state"), 30, "the panel to be armed")
    box.ok("press", "restore", "--hold", "6s")
    stage.wait_for(lambda: "time_held_back" not in box.json("status"), 60, "the time to count")
    box.ok("prune")
    assert len(snapshots(box)) == 1
    stage.wait_for(lambda: "Remote" not in box.ok("press", "--state"), 60, "the panel to be content")
    log = open(f"{box.directory}/state/audit.log").read()
    assert 'event="unlocked"' in log and 'what="count 45 days that the box was off"' in log
    box.stop()
    box.start()
    assert "time_held_back" not in box.json("status")


def test_the_key_may_lie_in_the_kernels_keyring(world):
    """Whoever boots the box puts it there; the daemon makes none where it would be forgotten."""
    import ctypes
    kernel, name = ctypes.CDLL(None, use_errno=True), f"coffret-{os.getpid()}"

    def put(key):
        return kernel.syscall(248, b"user", name.encode(), key, len(key), -4)  # add_key, the user's keyring

    if os.uname().machine != "x86_64" or put(b"probe") < 0:
        pytest.skip("this machine has no keyrings for us")
    kernel.syscall(250, 9, put(b"probe"), -4)  # KEYCTL_UNLINK
    server = small(world)
    box = world.box(server, databases="small", profile="any", start=False)
    text = open(box.config).read()
    with open(box.config, "w") as file:
        file.write(text.replace(f"key_file = {box.directory}/key", f"key_file = keyring:{name}"))
    run = lambda: subprocess.run([box.program("coffretd"), "--config", box.config, "--init"], capture_output=True, text=True)
    result = run()
    assert result.returncode == 1 and f"There is no key keyring:{name}." in result.stderr, result.stderr
    assert f"keyctl padd user {name} @u" in result.stderr
    key = put(os.urandom(32))
    try:
        assert run().returncode == 0
        box.start()
        box.ok("backup")
        box.stop()
        box.start()
        box.ok("verify", "--data")
        box.stop()
    finally:
        kernel.syscall(250, 9, key, -4)
    result = subprocess.run([box.program("coffretd"), "--config", box.config], capture_output=True, text=True, timeout=60)
    assert result.returncode == 1 and f"There is no key keyring:{name}." in result.stderr, result.stderr

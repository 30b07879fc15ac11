# SPDX-License-Identifier: Apache-2.0
"""The server dies at every packet of a backup, and at every packet of a restore: whole or not at all."""
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


def make(world):
    server = world.server()
    server.script(SETUP)
    server.add_logins("small")
    return server, world.box(server, databases="small", profile="any", extra="stall_seconds = 5")


def strikes(server):
    return int(server.tell("strikes")[0])


def test_a_server_that_dies_at_any_packet_of_a_backup_leaves_no_half_snapshot(world):
    server, box = make(world)
    cuts = 0
    for n in range(1, 10000):
        had = {s["id"] for s in box.json("list")["snapshots"]}
        struck = strikes(server)
        server.tell(f"wire cut-after-packets={n}")
        result = box.run("backup", "--json")
        now = {s["id"] for s in box.json("list")["snapshots"]}
        assert had <= now
        if strikes(server) == struck:
            assert result.returncode == 0 and len(now) == len(had) + 1
            break
        cuts += 1
        assert (result.returncode == 0) == (len(now) > len(had)), f"cut {n}: {result.stdout}{result.stderr}"
    server.tell("wire none")
    box.ok("verify", "--data")
    print(f"{cuts} cuts of a backup")
    assert cuts > 20


def test_a_server_that_cuts_any_packet_of_a_restore_has_the_old_or_the_wanted_rows(world):
    """And each restore is the one that must work, without hands, after the cut before it."""
    server, box = make(world)
    box.ok("backup")
    lists = server.select_lists("small")
    wanted = server.fingerprint("small", lists=lists)

    def damage():
        server.sql("DELETE FROM dbo.child WHERE id > 1; UPDATE dbo.parent SET name = N'wrong' WHERE id = 2", "small")
        return server.fingerprint("small", lists=lists)

    broken = damage()
    ends = []
    for n in range(1, 10000):
        struck = strikes(server)
        server.tell(f"wire cut-after-packets={n}")
        result = box.run("restore", "small")
        server.tell("wire none")
        said = f"cut {n}: exit {result.returncode}: {result.stdout}{result.stderr}"
        stage.wait_for(lambda: server.fingerprint("small", lists=lists) in (broken, wanted), 30, f"a whole database after {said}")
        restored = server.fingerprint("small", lists=lists) == wanted
        if strikes(server) == struck:
            assert result.returncode == 0, said
            break
        ends.append(result.returncode)
        assert result.returncode in (0, 1, 5), said
        if result.returncode == 5:
            stage.wait_for(lambda: not [d for d in box.json("status")["databases"] if d.get("unknown_job")], 60, f"the truth: {said}")
            assert (box.json("jobs")["jobs"][-1]["state"] == "done") == restored, said
        else:
            assert restored == (result.returncode == 0), said
        if restored:
            assert [s for s in box.json("list")["snapshots"] if s["class"] == "safety" and s["applied"]], said
            assert damage() == broken
    assert restored
    print(f"{len(ends)} cuts of a restore: {ends.count(1)} failed, {ends.count(5)} unknown, {ends.count(0)} done")
    assert ends.count(1) > 20 and ends.count(5) > 0
    box.ok("undo", "small")
    assert server.fingerprint("small", lists=lists) == broken


def test_a_killed_worker_is_an_error_like_any_other(world):
    server = world.server("--chat", "messages=60000,rooms=80,users=60,seed=3")
    server.add_logins("mgc", "mgccomp")
    box = world.box(server)
    run = stage.subprocess.Popen(box.command("backup", "mgc"), stdout=stage.subprocess.PIPE, stderr=stage.subprocess.STDOUT)
    killed = stage.wait_for(lambda: stage.subprocess.run(["pkill", "-KILL", "-P", str(box.process.pid), "coffret-worker"],
                                                        check=False).returncode == 0, 20, "a worker")
    assert killed
    said = run.communicate()[0].decode()
    assert run.returncode == 1, said
    assert box.json("list")["snapshots"] == []
    box.ok("backup", "mgc")


def test_a_full_disk_is_said_and_leaves_what_was_there(world):
    import os
    import pytest
    server, box = make(world)
    box.ok("backup")
    box.stop()
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small file system")
    mount = os.path.join(world.directory, "small-disk")
    os.makedirs(mount)
    if stage.subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", mount], capture_output=True).returncode:
        pytest.skip("this machine does not allow to mount a tmpfs")
    try:
        small = world.box(server, name="full", databases="small", profile="any", start=False)
        small.store, small.accept_risk = os.path.join(mount, "store"), True
        os.makedirs(small.store)
        small.write_config()
        small.init(), small.start()
        small.ok("backup")
        filler = os.path.join(mount, "filler")
        with open(filler, "wb") as file:
            try:
                while True:
                    file.write(b"\0" * 65536)
                    file.flush()
            except OSError:
                pass
        server.sql("INSERT INTO dbo.parent SELECT id + 100, N'more' FROM dbo.parent", "small")
        result = small.run("backup")
        assert result.returncode == 1 and "full" in result.stdout + result.stderr
        assert len(small.json("list")["snapshots"]) == 1
        os.remove(filler)
        small.ok("backup")
        small.ok("verify", "--data")
        small.stop()
    finally:
        stage.subprocess.run(["umount", "-l", mount])

# SPDX-License-Identifier: Apache-2.0
"""What stays and what goes: pins and removal, through the box."""
from test_refusals import small


def snapshots(box):
    return [snapshot["id"] for snapshot in box.json("list")["snapshots"]]


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

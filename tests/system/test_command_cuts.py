# SPDX-License-Identifier: Apache-2.0
"""The power fails at each sync of a command that changes what the box keeps: what was answered holds, anything else is
whole or not at all, and the next command works without hands."""
import signal

import pytest

import world as stage
from test_refusals import small
from test_suspect import fill


def snapshots(box):
    return {s["id"]: s for s in box.json("list")["snapshots"]}


class Kept:
    """Two snapshots of a small database, of which the first is pinned, unpinned, removed."""
    database = "small"

    def __init__(self, world):
        self.server = small(world)
        self.box = world.box(self.server, databases=self.database, profile="any", faults="all")
        self.turn = 0
        self.more(), self.more()

    def more(self):
        self.turn += 1
        self.server.sql(f"UPDATE dbo.t SET body = N'turn {self.turn}' WHERE id = 1", "small")
        self.box.ok("backup")

    def oldest(self):
        return list(snapshots(self.box))[0]


class Pin(Kept):
    def prepare(self):
        self.id = self.oldest()
        self.box.ok("unpin", self.id) if snapshots(self.box)[self.id]["pinned"] else None
        return "pin", self.id

    def done(self):
        return snapshots(self.box)[self.id]["pinned"]


class Unpin(Pin):
    def prepare(self):
        self.id = self.oldest()
        self.box.ok("pin", self.id) if not snapshots(self.box)[self.id]["pinned"] else None
        return "unpin", self.id

    def done(self):
        return not snapshots(self.box)[self.id]["pinned"]


class Remove(Kept):
    def prepare(self):
        if len(snapshots(self.box)) < 2:
            self.more()
        self.box.ok("verify", "--data")  # the last one that was verified does not go
        self.id = self.oldest()
        return "remove", self.id

    def done(self):
        return self.id not in snapshots(self.box)


class Trust(Kept):
    """A server of another name gets no password until it is trusted."""
    def prepare(self):
        if self.done():
            host = "localhost" if self.box.settings["host"] == "127.0.0.1" else "127.0.0.1"
            self.box.stop()
            self.box.write_config(host=host)
            self.box.start()
        assert not self.done()
        return "trust", "sql"

    def done(self):
        return self.box.run("backup").returncode == 0


class Accept:
    """A suspect night."""
    def __init__(self, world):
        self.server = world.server()
        self.server.script(fill("big"))
        self.server.add_logins("big")
        self.box = world.box(self.server, databases="big", profile="any", faults="all")
        self.turn = 0
        self.box.ok("backup")

    def prepare(self):
        waiting = [id for id, s in snapshots(self.box).items() if s["suspect"]]
        if not waiting:
            self.turn += 1
            self.server.sql(f"UPDATE dbo.t SET body = N'turn {self.turn} ' + LEFT(body, 1900)", "big")
            self.box.ok("backup")
            waiting = [id for id, s in snapshots(self.box).items() if s["suspect"]]
        self.id = waiting[-1]
        return "accept", self.id

    def done(self):
        return not snapshots(self.box)[self.id]["suspect"]


@pytest.mark.parametrize("command", [Pin, Unpin, Remove, Accept, Trust])
def test_a_power_cut_at_any_sync_of_a_command_keeps_what_was_answered(world, command):
    scene = command(world)
    box, cuts = scene.box, 0
    for n in range(1, 60):
        arguments = scene.prepare()
        before = set(snapshots(box))
        box.fault("kill-before" if n % 2 else "kill-after", n)
        result = box.run(*arguments)
        struck = box.struck()
        box.fault("none")
        said = f"{arguments} cut at sync {n}: exit {result.returncode}: {result.stdout}{result.stderr}"
        if struck:
            cuts += 1
            box.stop(signal.SIGKILL)
            box.start()
        done = scene.done()
        assert done or result.returncode != 0, said
        assert before - set(snapshots(box)) <= {arguments[1]}, said
        if not struck:
            assert result.returncode == 0, said
            break
    print(f"{cuts} cuts of {arguments[0]}")
    assert not struck and cuts >= 1
    box.ok("verify", "--data")
    box.ok("backup")

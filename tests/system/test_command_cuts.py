# SPDX-License-Identifier: Apache-2.0
"""The power fails in every command that changes what the box keeps: what was answered holds, anything else is whole or not
at all, and the same command works the next time without hands.

At each sync; with COFFRET_EXHAUSTIVE=1 at each write, sync, removal and new name under the box's folder (volumes, journal,
audit log), before it and in the middle of it. Restores are in test_states.py, where the server is looked at, too.
"""
import os
import shutil
import signal
import subprocess
import types

import pytest

import world as stage
from test_keep import tell_panel
from test_refusals import small
from test_suspect import fill
from test_volumes import left_behind, on_two, volume

EXHAUSTIVE = bool(os.environ.get("COFFRET_EXHAUSTIVE"))


def snapshots(box):
    return {s["id"]: s for s in box.json("list")["snapshots"]}


class Command:
    """prepare() makes the world before, and returns what is asked; done() says whether the world after it is there."""
    answer = 0  # the exit code that says so
    every = 1   # sync is struck, where this takes long
    removes = False        # what others may need

    def run(self, arguments):
        return self.box.run(*arguments)

    def may_go(self, arguments):
        return set()

    def again(self, arguments):
        return self.run(arguments)


class Kept(Command):
    """Two snapshots of a small database, of which the first is pinned, unpinned, removed."""
    database = "small"

    def __init__(self, world, **keywords):
        self.server = small(world)
        self.box = world.box(self.server, databases=self.database, profile="any", faults="all", **keywords)
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
    removes = True

    def prepare(self):
        if len(snapshots(self.box)) < 2:
            self.more()
        self.box.ok("verify", "--data")  # the last one that was verified does not go
        self.id = self.oldest()
        return "remove", self.id

    def may_go(self, arguments):
        return {self.id}

    def done(self):
        return self.id not in snapshots(self.box)


class Prune(Kept):
    """Two or three on one day, of which retention keeps the newest; unpinning lets the others go."""
    every, removes = 4, True

    def __init__(self, world):
        super().__init__(world, box_extra="[store]\nscrub_days = 0",
                         extra="[retention]\nkeep_last = 1\nkeep_daily = 1\nkeep_weekly = 0\nkeep_monthly = 0\nkeep_within = 0\n")

    def prepare(self):
        while len(snapshots(self.box)) < 3:
            for id, each in snapshots(self.box).items():
                self.box.ok("pin", id) if not each["pinned"] else None
            self.more()
        self.box.ok("verify", "--data")
        for id, each in snapshots(self.box).items():
            self.box.ok("unpin", id) if each["pinned"] else None
        return ("prune",)

    def may_go(self, arguments):
        return set(list(snapshots(self.box))[:-1]) | self.there

    def run(self, arguments):
        self.there = set(list(snapshots(self.box))[:-1])
        self.newest = list(snapshots(self.box))[-1]
        return super().run(arguments)

    def done(self):
        return list(snapshots(self.box)) == [self.newest]


class Clean(Command):
    """A segment of which little is needed: that is copied, and the rest given back; then there is nothing more to do."""
    every, removes = 2, True

    def __init__(self, world):
        self.server = small(world)
        self.server.script("USE small;\nGO\nCREATE TABLE dbo.big (id int NOT NULL PRIMARY KEY, body nvarchar(4000) NOT NULL);\nGO\n")
        self.box = world.box(self.server, databases="small", profile="any", faults="all",
                             extra="[suspect]\nrows_lost = 0\ntable_rows_lost = 0\nnew_data = 0\n")

    def prepare(self):
        self.server.script("USE small;\nGO\nDELETE FROM dbo.big;\nGO\n" + "".join(
            f"INSERT INTO dbo.big VALUES ({i}, N'{os.urandom(900).hex()}');\nGO\n" for i in range(200)))
        self.box.ok("backup")
        self.server.sql("DELETE FROM dbo.big WHERE id > 30", "small")
        self.box.ok("backup")
        self.box.ok("verify", "--data")
        for id in list(snapshots(self.box))[:-1]:
            self.box.ok("remove", id)
        return ("clean",)

    def done(self):
        return "0 bytes of the volume are free again; 0 bytes were copied" in self.box.ok("clean")


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


class Accept(Command):
    """A suspect night."""
    def __init__(self, world):
        self.server = world.server()
        self.server.script(fill("big"))
        self.server.add_logins("big")
        self.box = world.box(self.server, databases="big", profile="any", faults="all")
        self.turn = 0
        self.box.ok("backup")

    def suspects(self):
        return [id for id, s in snapshots(self.box).items() if s["suspect"]]

    def change(self):
        self.turn += 1
        self.server.sql(f"UPDATE dbo.t SET body = N'turn {self.turn} ' + LEFT(body, 1900)", "big")

    def prepare(self):
        if not self.suspects():
            self.change()
            self.box.ok("backup")
        self.id = self.suspects()[-1]
        return "accept", self.id

    def done(self):
        told = snapshots(self.box)[self.id]
        assert told["suspect"] != told["accepted"], "the next nights are compared with it if and only if it was accepted"
        return told["accepted"]


class Suspect(Accept):
    """A backup that is judged: it is there with what it was judged, or not there, and never the default."""
    every = 2

    def prepare(self):
        for id in self.suspects():
            self.box.ok("accept", id)
        self.before = set(snapshots(self.box))
        self.change()
        return ("backup",)

    def done(self):
        new = set(snapshots(self.box)) - self.before
        for id in new:
            assert snapshots(self.box)[id]["suspect"], "it is there without what it was judged"
            self.box.ok("verify", id, "--data")
        return bool(new)


class Verify(Kept):
    """What nobody has read since it was made of older chunks."""
    def prepare(self):
        self.box.ok("backup")
        self.id = list(snapshots(self.box))[-1]
        assert not snapshots(self.box)[self.id]["verified"]
        return "verify", self.id, "--data"

    def done(self):
        return snapshots(self.box)[self.id]["verified"]


class VerifyDamage(Kept):
    """Damage is found, beyond parity."""
    answer, every = 6, 2

    def prepare(self):
        self.more()
        for id, each in snapshots(self.box).items():
            self.box.ok("remove", id) if each["damaged"] else None
        self.box.ok("verify", "--data")
        self.id = list(snapshots(self.box))[-1]
        path = os.path.join(self.box.store, max(file for file in os.listdir(self.box.store) if file.startswith("00")))
        stage.flip(path, range(64 + 88 + 5, os.path.getsize(path), 2000))
        return "verify", self.id, "--data"

    def done(self):
        return snapshots(self.box)[self.id]["damaged"]


class Scrub(Kept):
    """One place that parity heals: the scrub writes its segment anew."""
    every = 3

    def __init__(self, world):
        super().__init__(world, box_extra="[store]\nscrub_days = 1")

    def prepare(self):
        segments = [file for file in os.listdir(self.box.store) if file.startswith("00")]
        self.path = os.path.join(self.box.store, max(segments, key=lambda file: os.path.getsize(os.path.join(self.box.store, file))))
        stage.flip(self.path, [64 + 88 + 5])
        return ("scrub",)

    def scrubs(self):
        out = self.box.run("jobs", "--json").stdout
        jobs = stage.json.loads(out)["jobs"] if out else []
        return {job["job"] for job in jobs if job["kind"] == "scrub" and job["state"] in ("done", "failed")}

    def run(self, arguments):
        """Nobody can ask for it: it is due."""
        before = self.scrubs()
        tell_panel(self.box, f"advance {26 * 3_600_000}")
        stage.wait_for(lambda: self.box.process.poll() is not None or self.scrubs() - before, 60, "the scrub")
        ended = self.box.process.poll() is None
        return types.SimpleNamespace(returncode=0 if ended else 3, stdout="the scrub", stderr="")

    def done(self):
        return not os.path.exists(self.path)


class Copy(Command):
    """To the other volume, with the journal and the volume it comes from struck, too."""
    to = "disk"

    def __init__(self, world):
        self.server = small(world)
        self.box = on_two(world, self.server, faults="all")
        self.turn = 0

    def more(self):
        self.turn += 1
        self.server.sql(f"UPDATE dbo.t SET body = N'turn {self.turn}' WHERE id = 1", "small")
        self.box.ok("backup")
        return list(snapshots(self.box))[-1]

    def prepare(self):
        self.id = self.more()
        return "copy", self.id, "--to", self.to

    def done(self):
        on = snapshots(self.box)[self.id]["volumes"]
        verified = self.box.ok("verify", self.id, "--data")
        assert verified.count("is whole") == on.count(",") + 1, "what is visible is whole"
        return on == "store, disk"


class CopyBack(Copy):
    to = "store"
    every = 3

    def prepare(self):
        self.id = self.more()
        self.box.ok("copy", self.id, "--to", "disk")
        self.more()
        self.box.ok("remove", self.id, "--from", "store")
        return "copy", self.id, "--to", "store"


class Backup(Copy):
    """With a copy on the other volume at its end."""
    every = 2

    def __init__(self, world):
        self.server = small(world)
        self.box = on_two(world, self.server, faults="all", more="copy = yes\n")
        self.turn = 0

    def prepare(self):
        self.before = set(snapshots(self.box))
        self.turn += 1
        self.server.sql(f"UPDATE dbo.t SET body = N'turn {self.turn}' WHERE id = 1", "small")
        return ("backup",)

    def done(self):
        new = set(snapshots(self.box)) - self.before
        for id in new:
            self.box.ok("verify", id, "--data")
        return bool(new)


class Attach(Copy):
    def prepare(self):
        self.box.stop()
        shutil.rmtree(self.box.disk)
        os.makedirs(self.box.disk)
        self.box.start()
        assert volume(self.box, "disk")["state"] == "away"
        return "attach", "disk"

    def done(self):
        return volume(self.box, "disk")["state"] == "there"


class TakeOver(Command):
    every = 2

    def __init__(self, world):
        self.server, first, self.foreign, _ = left_behind(world)
        self.key = first.recovery_key
        self.template = first.disk
        self.box = world.box(self.server, databases="small", profile="any", name="second", faults="all", start=False)
        self.box.disk = os.path.join(self.box.directory, "disk")
        self.box.init()
        self.box.extra = f"[volume disk]\npath = {self.box.disk}\nown_disk = no\naccept_risk = yes\n"
        self.box.write_config()

    def prepare(self):
        self.box.stop()
        shutil.rmtree(self.box.disk, ignore_errors=True)
        shutil.copytree(self.template, self.box.disk)
        self.box.start()
        assert volume(self.box, "disk")["state"] == "away"
        return "take-over", "disk"

    def run(self, arguments):
        return self.box.run(*arguments, typed=self.key + "\n")

    def may_go(self, arguments):
        return {self.foreign}  # as long as the disk opens with neither key

    def done(self):
        return volume(self.box, "disk")["state"] == "there" and self.foreign in snapshots(self.box)


class CountTime(Kept):
    """Confirmed at the panel, with two holds of a finger for which the simulated clock passes."""
    def __init__(self, world):
        super().__init__(world, box_extra="[store]\nscrub_days = 0")
        self.off = 0
        tell_panel(self.box, "advance 8640000")
        self.box.ok("prune")  # a job's end writes down the time

    def status(self):
        return self.box.run("status", "--json").stdout or "time_held_back"

    def held_back(self):
        return "time_held_back" in self.box.json("status")

    def prepare(self):
        if not self.held_back():
            self.off += 76
            self.box.stop()
            os.environ["COFFRET_SIM_AHEAD"] = str(86_400 * self.off)
            try:
                self.box.start()
            finally:
                del os.environ["COFFRET_SIM_AHEAD"]
        assert self.held_back()
        return ("count-time",)

    def gone(self):
        return self.box.process.poll() is not None

    def hold(self, done):
        """Until the panel has seen enough of it: it counts no gap of more than half a second between two looks."""
        try:
            tell_panel(self.box, "press restore")
            for _ in range(200):
                tell_panel(self.box, "advance 240")
                if done() or self.gone():
                    break
            tell_panel(self.box, "release restore")
        except (OSError, AssertionError):
            stage.wait_for(self.gone, 10, "the end of what does not answer")

    def run(self, arguments):
        asked = self.box.run("count-time")  # which is recorded, and may be struck, too
        if asked.returncode:
            return asked
        panel = lambda: self.box.run("press", "--state").stdout
        stage.wait_for(lambda: "Remote: " in panel(), 60, "the panel to ask")
        self.hold(lambda: "HOLD again" in panel())
        stage.wait_for(lambda: "HOLD again" in panel() and "Release" not in panel(), 30, "the panel to be armed")
        self.hold(lambda: "time_held_back" not in self.status())
        stage.wait_for(lambda: self.gone() or "time_held_back" not in self.status(), 60, "the time to count")
        return types.SimpleNamespace(returncode=3 if self.gone() else 0, stdout="the holds", stderr="")

    def done(self):
        return not self.held_back()


COMMANDS = [Pin, Unpin, Remove, Prune, Clean, Accept, Suspect, Trust, Verify, VerifyDamage, Scrub, Backup, Copy, CopyBack, Attach,
            TakeOver, CountTime]


def strikes():
    """(what goes wrong, at which operation), until none does any more."""
    for n in range(1, 2000):
        if EXHAUSTIVE:
            yield "cut", n
            yield "torn", n
        else:
            yield "kill-before" if n % 2 else "kill-after", n


@pytest.mark.parametrize("command", COMMANDS)
def test_a_power_cut_anywhere_in_a_command_keeps_what_was_answered(world, command):
    scene = command(world)
    box, cuts = scene.box, 0
    for action, n in strikes():
        if n % scene.every and not EXHAUSTIVE:
            continue
        arguments = scene.prepare()
        before = set(snapshots(box))
        box.fault(action, n)
        result = scene.run(arguments)
        struck = box.struck()
        box.fault("none")
        said = f"{arguments}, {action} {n}: exit {result.returncode}: {result.stdout}{result.stderr}"
        if struck:
            cuts += 1
            box.stop(signal.SIGKILL)
            box.start()
            stage.wait_for(lambda: box.json("status")["state"] == "idle", 30, "the box to know what happened")
            assert not scene.removes or box.run("verify").returncode == 0, f"{said}\nwhat is visible is not whole"
        done = scene.done()
        assert done or result.returncode != scene.answer, said
        assert before - set(snapshots(box)) <= scene.may_go(arguments), said
        if not struck:
            assert result.returncode == scene.answer, said
            break
        if not done:
            again = scene.run(arguments)
            assert again.returncode == scene.answer and scene.done(), f"{said}\nand again: {again.stdout}{again.stderr}"
    print(f"{cuts} cuts of {arguments[0]}")
    assert not struck and cuts >= 1
    box.stop(signal.SIGKILL)  # after the answer
    box.start()
    assert scene.done(), f"{said}\nit was answered, and is gone"
    assert box.run("verify", "--data").returncode == scene.answer
    box.ok("backup")

# SPDX-License-Identifier: Apache-2.0
"""A box that starts without the volume that has its journal: what was under way is known all the same, or said not to be,
and nothing is changed in that database unaware."""
import os
import signal
import subprocess

import pytest

from test_states import Scene, wait_for_phase
from test_volumes import asked, snapshots, volume
from world import wait_for


class Pair(Scene):
    """A scene whose box has a disk beside its first volume."""
    def __init__(self, world, more):
        super().__init__(world, "first")
        box = self.box
        box.stop()
        box.disk = os.path.join(box.directory, "disk")
        os.makedirs(box.disk)
        box.extra += f"\n[volume disk]\npath = {box.disk}\nown_disk = no\naccept_risk = {'yes' if box.accept_risk else 'no'}\n{more}"
        box.write_config()
        box.start()
        box.ok("attach", "disk")

    def take_away(self):
        os.rename(self.box.store, self.box.store + ".away")

    def bring_back(self):
        os.rename(self.box.store + ".away", self.box.store)
        wait_for(lambda: volume(self.box, "store")["state"] == "there", 60, "the volume to be taken in")

    def cut(self, run):
        self.box.stop(signal.SIGKILL)
        run.communicate()


@pytest.fixture
def pair(world):
    return Pair(world, "copy = yes\n")


def to_disk(scene):
    """The snapshot of the wanted state."""
    wanted = list(snapshots(scene.box))[0]
    assert asked(scene.box, "copy", wanted, "--to", "disk").returncode == 0
    return wanted


def test_a_restore_that_was_cut_off_is_told_without_the_volume_that_has_its_journal(pair):
    wanted = to_disk(pair)
    pair.server.tell("set silence=delete:60")
    run = pair.begin()
    wait_for_phase(run, "write")
    pair.cut(run)
    pair.server.tell("set silence=delete:0")
    pair.take_away()
    pair.box.start()
    told = pair.settle("a power cut")
    assert told["recovered"] and told["state"] == "failed" and "has undone it" in told["sentence"], told
    assert pair.look() == pair.broken and volume(pair.box, "store")["state"] == "away"
    # It goes on with what is there; what the volume's own journal says is an old story when it is back.
    pair.box.ok("restore", "small", "--snapshot", wanted)
    assert pair.look() == pair.wanted
    jobs = len(pair.box.json("jobs")["jobs"])
    pair.bring_back()
    pair.box.stop(), pair.box.start()
    assert volume(pair.box, "store")["home"] and pair.settle("a start") is None, "a story that is over was told again"
    assert jobs and not pair.unknown() and pair.look() == pair.wanted


def cut_in_commit(scene):
    scene.server.tell("set silence=commit:60")
    run = scene.begin()
    wait_for_phase(run, "commit")
    scene.cut(run)
    scene.server.tell("set silence=commit:0")
    restored = scene.whole("a cut in COMMIT")
    scene.take_away()
    scene.box.start()
    wait_for(lambda: scene.box.json("status")["state"] == "idle" and scene.unknown(), 60, "the box to say that it does not know")
    return restored


def test_what_only_the_missing_volume_tells_is_unknown_and_looked_at_when_it_is_back(world):
    scene = Pair(world, "")
    restored = cut_in_commit(scene)
    assert "small" in scene.box.ok("status")
    scene.box.run("backup")  # on the disk: something that could be restored
    for options in ((), ("--without-safety",)):
        refused = scene.box.run("restore", "small", *options)
        assert refused.returncode == 1 and "not known yet how job" in refused.stdout, refused.stdout
        assert "attach the volume store" in refused.stdout and "coffret.conf" in refused.stdout, refused.stdout
    assert (scene.look() == scene.wanted) == restored
    scene.box.stop(signal.SIGKILL)  # nor does another start forget it
    scene.box.start()
    assert scene.unknown()
    scene.bring_back()
    told = scene.settle("the volume's return")
    told = [job for job in scene.box.json("jobs")["jobs"] if job["kind"] == "restore" and job["recovered"]][-1]
    assert (told["state"] == "done") == restored and "looked at" in told["sentence"], told
    scene.damage() if restored else None
    scene.box.ok("restore", "small", "--snapshot", list(snapshots(scene.box))[0])
    assert scene.look() == scene.wanted


def test_a_missing_volume_that_is_gone_for_good_does_not_block_its_databases_for_ever(world):
    scene = Pair(world, "")
    cut_in_commit(scene)
    box = scene.box
    box.ok("backup")
    box.stop()
    box.store, box.extra = box.disk, box.extra.split("[volume disk]")[0]
    box.write_config()
    box.start()
    told = scene.settle("a start without it")
    assert told["state"] == "failed" and "cannot be found out any more" in told["sentence"], told
    box.ok("restore", "small")


def test_a_backup_that_was_cut_off_does_not_deny_what_may_be_on_the_missing_volume(pair):
    before = pair.strikes()
    pair.server.tell("wire stall-at-packet=40:ever")
    run = subprocess.Popen(pair.box.command("backup"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    wait_for(lambda: pair.strikes() > before, 30, "the backup to stall")
    pair.cut(run)
    pair.server.tell("wire none")
    pair.take_away()
    pair.box.start()
    told = pair.settle("a power cut")
    assert told["recovered"] and "on a volume that is there" in told["sentence"], told

# SPDX-License-Identifier: Apache-2.0
"""A real FAT file system, as a USB stick has it: in a file, mounted by the kernel where it can, else by fusefat. It may hold
copies, and be the only volume of those who accept that; it is filled, pulled and cut off."""
import os
import shutil
import signal
import subprocess

import pytest

from test_refusals import small
from test_volumes import newest, snapshots, volume
from world import wait_for

MEGABYTES = 24


class Stick:
    def __init__(self, directory):
        self.image, self.path = os.path.join(directory, "stick.img"), os.path.join(directory, "stick")
        self.folder = os.path.join(self.path, "coffret")
        with open(self.image, "wb") as file:
            file.truncate(MEGABYTES << 20)
        if not shutil.which("mkfs.vfat", path="/usr/sbin:/sbin:" + os.environ["PATH"]) or not self.run("mkfs.vfat", self.image):
            pytest.skip("there is no mkfs.vfat here")
        os.makedirs(self.path)
        self.fuse = None
        self.mount()
        os.makedirs(self.folder)

    @staticmethod
    def run(*command):
        environment = {**os.environ, "PATH": "/usr/sbin:/sbin:" + os.environ["PATH"]}
        return subprocess.run(command, env=environment, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0

    def mount(self):
        if self.run("mount", "-t", "vfat", "-o", "loop", self.image, self.path):
            return
        if not shutil.which("fusefat") or not os.path.exists("/dev/fuse"):
            pytest.skip("this machine mounts no vfat, by its kernel or by fusefat")
        self.fuse = subprocess.Popen(["fusefat", "-f", "-o", "rw+", self.image, self.path], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: self.fuse.poll() is not None or os.path.ismount(self.path), 30, "the mount")
        if self.fuse.poll() is not None:
            pytest.skip("fusefat does not mount here")

    def unmount(self):
        self.run("umount", "-l", self.path)
        if self.fuse:
            self.fuse.kill()
            self.fuse.wait()
            self.fuse = None

    def cut(self):
        """The power fails: what had reached the image is what there is."""
        if self.fuse:
            self.fuse.kill()
        shutil.copy(self.image, self.image + ".cut")
        self.unmount()
        os.replace(self.image + ".cut", self.image)
        self.mount()


@pytest.fixture
def stick(world):
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a file system")
    made = Stick(world.directory)
    yield made
    made.unmount()


def beside(world, server, stick, faults=False):
    """A box with its own store, and the stick for copies."""
    box = world.box(server, databases="small", profile="any", start=False, faults=faults)
    box.extra = f"[volume stick]\npath = {stick.folder}\n"
    box.write_config()
    box.init()
    if faults:
        box.faults_under = stick.folder
    box.start()
    return box


def more(server, rows):
    """Rows that do not compress, of about a kilobyte."""
    server.script("USE small;\nGO\nCREATE TABLE dbo.big (id int NOT NULL PRIMARY KEY, body nvarchar(4000) NOT NULL);\nGO\n" + "".join(
        f"INSERT INTO dbo.big VALUES ({n}, N'{os.urandom(500).hex()}');\nGO\n" for n in rows))


def test_a_stick_is_no_only_holder_without_consent_and_everything_says_what_it_is(world, stick):
    server = small(world)
    box = world.box(server, databases="small", profile="any", store=stick.folder, start=False)
    box.accept_risk = False
    box.write_config()
    box.init(), box.start()
    refused = box.run("backup")
    assert refused.returncode == 1 and "FAT" in refused.stdout and "accept_risk = yes" in refused.stdout, refused.stdout
    assert box.json("list")["snapshots"] == []
    box.stop()
    box.accept_risk = True
    box.write_config()
    box.start()
    told = box.ok("backup")
    assert "kept only in" in told and "cannot promise" in told, told
    assert not box.json("list")["snapshots"][0]["durable"] and "at risk" in box.ok("list")
    assert not box.json("status")["durable"] and "power cut" in box.ok("status")
    box.ok("press", "restore", "--hold", "100ms")
    wait_for(lambda: "power cut" in box.ok("press", "--state") or "risk" in box.ok("press", "--state").lower(), 60, "the panel to say so")
    wanted = server.fingerprint("small")
    server.sql("DELETE FROM dbo.t", "small")
    box.ok("restore", "small")
    assert server.fingerprint("small") == wanted
    box.stop()
    stick.unmount(), stick.mount()
    box.start()
    box.ok("verify", "--data")


def test_a_copy_on_a_stick_restores_what_the_box_has_no_more(world, stick):
    server = small(world)
    more(server, range(10, 60))
    box = beside(world, server, stick)
    if box.accept_risk:
        pytest.skip("the tests' own folder is in memory")
    wanted = server.fingerprint("small")
    box.ok("backup")
    snapshot = newest(box)
    box.ok("copy", snapshot, "--to", "stick")
    server.sql("UPDATE dbo.t SET body = N'other' WHERE id = 1", "small")
    box.ok("backup")
    box.ok("verify", "--data")
    box.ok("remove", snapshot, "--from", "store")
    entry = snapshots(box)[snapshot]
    assert entry["volumes"] == "stick" and not entry["durable"] and "at risk" in box.ok("list")
    told = box.ok("restore", "small", "--snapshot", snapshot)
    assert "were brought to store" in told and server.fingerprint("small") == wanted


def test_a_full_stick_fails_the_copy_and_takes_it_when_there_is_room(world, stick):
    server = small(world)
    more(server, range(10, 210))
    box = beside(world, server, stick)
    box.ok("backup")
    filler = os.path.join(stick.path, "filler")
    with open(filler, "wb") as file:
        try:
            while True:
                file.write(b"\0" * 16384)
                file.flush()
        except OSError:
            pass
    failed = box.run("copy", newest(box), "--to", "stick")
    assert failed.returncode == 1 and "full" in failed.stdout, failed.stdout
    assert snapshots(box)[newest(box)]["volumes"] == "store"
    os.remove(filler)
    box.ok("copy", newest(box), "--to", "stick")
    assert box.ok("verify", "--data").count("is whole") == 2


def test_a_stick_that_is_pulled_in_mid_write_fails_the_copy_which_is_made_when_it_is_back(world, stick):
    if not stick.fuse:
        pytest.skip("only what fusefat has mounted goes away under those who write to it")
    server = small(world)
    more(server, range(10, 400))
    box = beside(world, server, stick)
    for turn in range(5):
        server.sql(f"UPDATE dbo.big SET body = REVERSE(body) + N'{turn}'", "small")
        box.ok("backup")
        snapshot = newest(box)
        held = set(os.listdir(stick.folder))
        run = subprocess.Popen(box.command("copy", snapshot, "--to", "stick"), stdout=subprocess.PIPE, text=True)
        while run.poll() is None and set(os.listdir(stick.folder)) == held:
            pass
        stick.fuse.kill()
        said = run.communicate(timeout=60)[0]
        stick.unmount()
        if run.returncode:
            break
        stick.mount()  # it was quicker
        wait_for(lambda: volume(box, "stick")["state"] == "there" or (box.run("clean"), False)[1], 60, "the stick")
    assert run.returncode == 1 and "is queued again as job" in said, said
    assert snapshots(box)[snapshot]["volumes"] == "store" and volume(box, "stick")["state"] == "away"
    box.ok("backup")  # the box's own store is none the worse
    stick.mount()
    wait_for(lambda: snapshots(box)[snapshot]["volumes"] == "store, stick", 60, "the copy to be made")
    assert box.ok("verify", snapshot, "--data").count("is whole") == 2


def test_a_cut_in_a_copy_to_a_stick_leaves_no_half_copy(world, stick):
    server = small(world)
    box = beside(world, server, stick, faults=True)
    cuts = 0
    for at in range(1, 100, 3):
        server.sql(f"UPDATE dbo.t SET body = N'turn {at}' WHERE id = 1", "small")
        box.ok("backup")
        snapshot = newest(box)
        box.fault("kill-before" if at % 2 else "kill-after", at)
        done = box.run("copy", snapshot, "--to", "stick")
        struck = box.struck()
        box.fault("none")
        if not struck:
            assert done.returncode == 0
            break
        cuts += 1
        box.stop(signal.SIGKILL)
        stick.cut()
        box.start()
        on = snapshots(box)[snapshot]["volumes"]
        assert box.ok("verify", snapshot, "--data").count("is whole") == on.count(",") + 1, "what is visible is whole"
        box.ok("copy", snapshot, "--to", "stick")
        assert box.ok("verify", snapshot, "--data").count("is whole") == 2
    print(f"{cuts} cuts of a copy to a stick")
    assert cuts >= 3

# SPDX-License-Identifier: Apache-2.0
"""USB sticks with the file systems that they come with: they hold copies, and are pulled out when it suits nobody."""
import subprocess

import pytest

from guest_box import GuestBox
from test_refusals import small
from world import wait_for

MODULES = ("vfat", "exfat", "nls_ascii", "nls_cp437", "nls_utf8")
MAKE = {"vfat": "/usr/sbin/mkfs.vfat", "exfat": "/usr/sbin/mkfs.exfat"}


@pytest.fixture
def box(world, headless):
    with GuestBox(world, small(world), headless, MODULES) as made:
        made.ok("mkdir /box/store /mnt/stick")
        yield made


@pytest.fixture(params=sorted(MAKE))
def stick(request, tmp_path):
    """(kind, image)"""
    image = str(tmp_path / "stick")
    with open(image, "wb") as file:
        file.truncate(96 << 20)
    subprocess.run([MAKE[request.param], image], check=True, stdout=subprocess.DEVNULL)
    return request.param, image


def insert(box, stick):
    kind, image = stick
    box.plug(image)
    box.ok(f"mount -t {kind} /dev/sda /mnt/stick && mkdir -p /mnt/stick/coffret")


def test_a_stick_alone_holds_no_backup_unless_that_is_accepted(box, stick):
    insert(box, stick)
    box.configure("/mnt/stick/coffret")
    box.init(), box.start_daemon()
    code, said = box.run("coffret --config /box/conf backup")
    assert code == 1 and "accept_risk" in said and "power cut" in said, said
    assert box.json("list")["snapshots"] == []
    box.stop_daemon()
    box.configure("/mnt/stick/coffret", "accept_risk = yes")
    box.start_daemon()
    wanted = box.server.fingerprint("small")
    assert "power cut" in box.coffret("backup")
    assert "at risk" in box.coffret("list") and "power cut" in box.coffret("status")
    assert not box.json("list")["snapshots"][0]["durable"]
    box.server.sql("DELETE FROM dbo.t", "small")
    box.coffret("restore small")
    assert box.server.fingerprint("small") == wanted


# What is in the guest is in memory: here it stands for the box's own disk.
STICK = "[volume stick]\npath = /mnt/stick/coffret\naccept_risk = yes\n"


def volumes_of_newest(box):
    return box.json("list")["snapshots"][-1]["volumes"]


def test_a_stick_is_pulled_out_and_takes_copies_when_it_is_back(box, stick):
    insert(box, stick)
    box.configure("/box/store", "accept_risk = yes", STICK)
    box.init(), box.start_daemon()
    box.coffret("backup")
    first = box.json("list")["snapshots"][-1]["id"]
    box.coffret(f"copy {first} --to stick")
    assert volumes_of_newest(box) == "store, stick"
    box.pull()
    box.server.sql("UPDATE dbo.t SET body = N'later' WHERE id = 1", "small")
    wanted = box.server.fingerprint("small")
    box.coffret("backup")
    newest = box.json("list")["snapshots"][-1]["id"]
    code, said = box.run(f"coffret --config /box/conf copy {newest} --to stick")
    assert code == 1 and "stick" in said, said
    assert volumes_of_newest(box) == "store"
    box.ok("umount -l /mnt/stick")
    insert(box, stick)
    wait_for(lambda: volumes_of_newest(box) == "store, stick", 60, "the job that was queued again")
    assert "is whole" in box.coffret("verify --data")
    # And from the stick alone, when the box's own store is gone.
    box.stop_daemon()
    box.ok("rm -rf /box/store/*")
    box.start_daemon()
    box.server.sql("DELETE FROM dbo.t", "small")
    box.coffret("restore small")
    assert box.server.fingerprint("small") == wanted

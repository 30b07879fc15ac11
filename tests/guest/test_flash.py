# SPDX-License-Identifier: Apache-2.0
"""Raw flash on a real kernel: nandsim, or RAM as a flash chip, and on it the UBI that a box has."""
import os

import pytest

from guest import Guest
from guest_box import GuestBox
from test_refusals import small
from world import BUILD

TOOLS = ("/usr/sbin/ubiattach", "/usr/sbin/ubidetach", "/usr/sbin/ubimkvol", "/usr/sbin/ubiupdatevol")
NAND_4_MIB = "nandsim first_id_byte=0x20 second_id_byte=0xe5"    # pages of 512 bytes, blocks of 8 KiB
NAND_64_MIB = "nandsim first_id_byte=0x20 second_id_byte=0xa2 third_id_byte=0x00 fourth_id_byte=0x15"  # 2 and 128 KiB
RAM = "mtdram total_size=4096 erase_size=32"                     # bytes, blocks of 32 KiB


def test_a_volume_on_ubi_keeps_every_promise():
    with Guest(BUILD, [RAM, "ubi"], [f"{BUILD}/tests/test_volume", *TOOLS]) as guest:
        guest.ok("ubiattach -m 0 && ubimkvol /dev/ubi0 -N coffret -S 65")
        said = guest.ok("COFFRET_UBI=1 test_volume")
        assert "[  PASSED  ] 8 test(s)." in said and said.count("UBI, ") == 7, said


def test_acknowledged_snapshots_survive_cuts_by_ubi_itself():
    with Guest(BUILD, [NAND_4_MIB, "ubi"], [f"{BUILD}/tests/guest/ubi", *TOOLS]) as guest:
        guest.ok("ubiattach -m 0 && ubimkvol /dev/ubi0 -N coffret -S 40")
        every = "COFFRET_EXHAUSTIVE=1 " if "COFFRET_EXHAUSTIVE" in os.environ else ""
        said = guest.ok(every + "ubi", 12 * 3600 if every else 600)
        assert "[  PASSED  ] 2 test(s)." in said, said
        print(*(line for line in said.splitlines() if " cuts at " in line))


@pytest.fixture
def box(world, headless):
    """Two blocks of the chip are bad from the beginning."""
    server = small(world)
    with GuestBox(world, server, headless, [NAND_64_MIB + " badblocks=5,77", "ubi"], TOOLS) as made:
        made.ok("ubiattach -m 0 && ubimkvol /dev/ubi0 -N coffret -S 400")
        made.configure("/dev/ubi0_0")
        yield made


def attach_again(box):
    box.ok("ubidetach -d 0 && ubiattach -m 0")


def test_the_main_job_on_ubi(box):
    box.init(), box.start_daemon()
    wanted = box.server.fingerprint("small")
    box.coffret("backup")
    box.server.sql("UPDATE dbo.t SET body = N'wrong' WHERE id = 1; DELETE FROM dbo.t WHERE id = 3", "small")
    assert box.server.fingerprint("small") != wanted
    box.stop_daemon("KILL")
    attach_again(box)
    box.start_daemon()
    box.coffret("restore small")
    assert box.server.fingerprint("small") == wanted
    box.coffret("verify --data")
    status = box.json("status")
    assert status["durable"] and not status["read_only"]
    assert status["bad_blocks"] == 2 and status["max_erase_count"] >= 1


def test_a_flash_that_gave_up_writing_is_a_state_of_health(box):
    box.init(), box.start_daemon()
    wanted = box.server.fingerprint("small")
    box.coffret("backup")
    debug = "/sys/kernel/debug/ubi/ubi0/tst_emulate_power_cut"
    box.ok(f"echo 1 >{debug}_min; echo 1 >{debug}_max; echo 3 >{debug}")
    box.server.sql("UPDATE dbo.t SET body = N'new'", "small")
    code, said = box.run("coffret --config /box/conf backup")
    assert code == 1 and "read" in said and "only" in said, said
    assert box.json("status")["read_only"]
    assert len(box.json("list")["snapshots"]) == 1
    # What is kept can still be put back, where nothing has to be written first.
    assert box.run("coffret --config /box/conf restore small --without-safety --yes")[0] in (0, 1)
    box.stop_daemon()
    attach_again(box)
    box.start_daemon()
    box.coffret("restore small")
    assert box.server.fingerprint("small") == wanted


def test_a_flash_that_is_somebody_elses_is_refused_and_left_alone(box):
    box.ok("head -c 300000 /dev/urandom >/tmp/theirs && ubiupdatevol /dev/ubi0_0 /tmp/theirs")
    code, said = box.run("coffretd --config /box/conf --init")
    assert code != 0 and "no store of this box; nothing was changed" in said, said
    box.ok("head -c 300000 /dev/ubi0_0 | cmp - /tmp/theirs")


def test_a_machine_without_converters_of_characters_is_told(world, headless):
    with GuestBox(world, small(world), headless, converters=()) as box:
        box.ok("mkdir /box/store")
        box.configure("/box/store", "accept_risk = yes")
        box.init(), box.start_daemon()
        code, said = box.run("coffret --config /box/conf backup")
        assert code == 1 and "cannot convert" in said and "gconv" in said and "nothing was sent" in said, said

# SPDX-License-Identifier: Apache-2.0
"""Which volume may hold what, through the whole box: durable or not, ours or another's, one or several."""
import os
import shutil
import tempfile

import pytest

from test_refusals import small


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
    assert "note: small: kept only in" in told and "cannot promise" in told
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

# SPDX-License-Identifier: Apache-2.0
"""The unit file lets the daemon do all of its work, and holds it to that (unit_sandbox.py)."""
import os
import shutil
import subprocess
import sys
import tempfile

import pytest

import world as stage

SANDBOX = os.path.join(stage.HERE, "unit_sandbox.py")


class SandboxedBox(stage.Box):
    """Its daemon, and the worker with it, may do what the unit allows, and write to its own folder."""

    def program(self, name):
        boxed = os.path.join(self.directory, name)
        return boxed if os.path.exists(boxed) else super().program(name)

    def start(self):
        with open(os.open(os.path.join(self.directory, "coffretd"), os.O_WRONLY | os.O_CREAT, 0o755), "w") as script:
            script.write(f'#!/bin/sh\nexec {sys.executable} {SANDBOX} --write {self.directory} -- '
                         f'{os.path.join(stage.BUILD, "coffretd")} "$@"\n')
        super().start()


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def place():
    """A folder below /mnt, where disks may come: what is mounted there later, the daemon sees too, as on a real machine."""
    if os.getuid() or run("unshare", "-m", "true").returncode:
        pytest.skip("no root with mounts of its own here")
    folder = tempfile.mkdtemp(prefix="coffret-", dir="/mnt")
    run("mount", "--bind", folder, folder)
    run("mount", "--make-shared", folder)
    os.mkdir(os.path.join(folder, "disk"))
    yield folder
    run("umount", os.path.join(folder, "disk"))
    run("umount", folder)
    shutil.rmtree(folder)


def test_the_main_job_is_done_within_what_the_unit_allows(place, world):
    server = world.server("--chat", "messages=600,rooms=40,users=40,seed=1")
    server.add_logins("mgc", "mgccomp")
    disk = os.path.join(place, "disk")
    box = SandboxedBox(os.path.join(world.directory, "boxed"), server, world.certificates)
    world.started.append(box)
    box.init()
    box.extra = f"[volume disk]\npath = {disk}/coffret\naccept_risk = yes"
    box.write_config()
    box.start()
    before = server.fingerprint("mgc")
    box.ok("check")
    box.ok("backup", "mgc")
    server.sql("DELETE FROM dbo.tblChat WHERE chatId % 2 = 0", "mgc")
    changed = server.fingerprint("mgc")
    box.ok("restore", "mgc", "--yes")
    assert server.fingerprint("mgc") == before
    box.ok("undo", "mgc", "--yes")
    assert server.fingerprint("mgc") == changed

    first, second = [snapshot["id"] for snapshot in box.json("list")["snapshots"]][:2]
    assert run("mount", "-t", "tmpfs", "-o", "size=64m", "disk", disk).returncode == 0
    box.ok("attach", "disk")  # it came while the daemon ran ...
    box.ok("copy", first, "--to", "disk")
    box.stop()
    box.start()
    box.ok("copy", second, "--to", "disk")  # ... and was there before it
    box.ok("verify", "--data")
    box.ok("clean")
    status = open(f"/proc/{box.process.pid}/status").read()
    assert "Seccomp_filters:\t2" in status and "CapEff:\t0000000000000009" in status

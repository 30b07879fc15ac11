# SPDX-License-Identifier: Apache-2.0
"""The whole box on raw flash: a simulated one, in a file."""
import os
import signal
import subprocess

from test_refusals import small


def on_flash(world, server):
    box = world.box(server, databases="small", profile="any", start=False)
    os.rmdir(box.store)
    box.store += ".nand"
    box.write_config()
    return box


def test_the_main_job_on_flash_and_after_a_kill(world):
    server = small(world)
    box = on_flash(world, server)
    box.init(), box.start()
    wanted = server.fingerprint("small")
    box.ok("backup")
    server.sql("UPDATE dbo.t SET body = N'wrong' WHERE id = 1; DELETE FROM dbo.t WHERE id = 3", "small")
    assert server.fingerprint("small") != wanted
    box.stop(signal.SIGKILL)
    box.start()
    box.ok("restore", "small")
    assert server.fingerprint("small") == wanted
    box.ok("verify", "--data")
    status = box.json("status")
    assert status["durable"] and not status["read_only"]
    assert status["bad_blocks"] == 0 and status["max_erase_count"] >= 1
    assert 50 << 20 < status["volume_free"] < status["volume_size"] < 64 << 20
    assert "most worn" in box.ok("status")


def test_a_flash_that_is_somebody_elses_is_refused_and_left_alone(world):
    server = small(world)
    box = on_flash(world, server)
    with open(box.store, "wb") as file:
        file.write(b"something of somebody else" * 100)
    before = open(box.store, "rb").read()
    result = subprocess.run([box.program("coffretd"), "--config", box.config, "--init"],
                                          capture_output=True, text=True)
    assert result.returncode != 0 and "cannot be" in result.stdout + result.stderr
    assert open(box.store, "rb").read() == before

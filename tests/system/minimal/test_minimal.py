# SPDX-License-Identifier: Apache-2.0
"""The minimal build does the main job: FreeTDS, zlib, mbedTLS, inih and libc are enough."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import world as stage  # noqa: E402


def test_it_backs_up_restores_and_undoes():
    with stage.World() as world:
        server = world.server("--chat", "messages=3000,rooms=80,users=60,seed=5")
        server.add_logins("mgc", "mgccomp")
        box = stage.Box(os.path.join(world.directory, "box"), server, world.certificates)
        box.init()
        before = server.fingerprint("mgc")
        box.ok("backup", "--standalone")
        server.sql("DELETE FROM dbo.tblChat WHERE channelId % 2 = 0", "mgc")
        broken = server.fingerprint("mgc")
        box.ok("restore", "mgc", "--standalone")
        assert server.fingerprint("mgc") == before
        box.ok("undo", "mgc", "--standalone")
        assert server.fingerprint("mgc") == broken
        assert "sql/mgc" in box.ok("list", "--standalone")


def test_it_says_that_json_and_press_are_not_built_in():
    with stage.World() as world:
        server = world.server()
        box = stage.Box(os.path.join(world.directory, "box"), server, world.certificates, databases="x", profile="any")
        box.init()
        refused = box.run("list", "--json", "--standalone")
        assert refused.returncode != 0 and "no --json" in refused.stderr
        assert box.run("press", "restore").returncode == 2

# SPDX-License-Identifier: Apache-2.0
"""The demo is honest: it ends well where all is well, and fails where the store is damaged."""
import os
import subprocess

import world as stage


def demo(*options):
    return subprocess.run([os.path.join(stage.ROOT, "tests/demo/demo"), stage.BUILD, *options], capture_output=True, text=True,
                          timeout=900)


def test_damage_beyond_parity_makes_the_demo_fail():
    played = demo("--messages", "20000", "--plant-fault")
    assert "planted: bits" in played.stdout
    assert played.returncode != 0 and "NOT SO" in played.stdout, played.stdout[-2000:]
    assert "damaged" in played.stdout.lower(), played.stdout[-2000:]


def test_its_first_line_says_what_it_is_and_it_is_plain_in_a_pipe():
    played = demo()
    assert played.returncode == 0, played.stdout[-3000:] + played.stderr[-2000:]
    first = played.stdout.splitlines()[0]
    assert "stand-in" in first and "simulated" in first and "Microsoft SQL Server" in first and "not" in first
    assert "\x1b" not in played.stdout

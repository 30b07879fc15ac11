# SPDX-License-Identifier: Apache-2.0
"""The command as people and scripts use it: help, wrong usage, exit codes, JSON, progress on a terminal."""
import json
import os
import pty
import re
import socket
import subprocess
import time

import pytest

import world as stage

SETUP = """CREATE DATABASE small;
GO
USE small;
GO
CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY, body nvarchar(50) NULL);
GO
INSERT INTO dbo.t VALUES (1, N'one'), (2, NULL), (3, N'');
GO
"""


@pytest.fixture(scope="module")
def box(shared):
    server = shared.server()
    server.script(SETUP)
    server.add_logins("small")
    made = shared.box(server, databases="small", profile="any")
    made.ok("backup")
    return made


def commands():
    out = subprocess.run([os.path.join(stage.BUILD, "coffret"), "--help"], capture_output=True, text=True).stdout
    return re.findall(r"^  ([a-z][a-z-]+) +\S", out, re.M)


def test_every_command_has_help_with_examples():
    names = commands()
    assert {"backup", "restore", "undo", "list", "show", "verify", "status", "jobs", "cancel", "check", "take-over", "recovery-key"} <= set(names)
    for name in names:
        said = subprocess.run([os.path.join(stage.BUILD, "coffret"), name, "--help"], capture_output=True, text=True)
        assert said.returncode == 0 and not said.stderr
        examples = said.stdout.partition("Examples:")[2]
        assert said.stdout.startswith(f"Usage: coffret {name}") and f"coffret {name}" in examples, name
        assert all(code in said.stdout for code in ("0 done", "1 failed", "2 wrong usage", "7 busy"))
        assert max(map(len, said.stdout.splitlines())) <= 120


@pytest.mark.parametrize("arguments", [
    [], ["nonsense"], ["list", "--nonsense"], ["show"], ["restore", "a", "b", "c"], ["backup", "--snapshot", "5f"],
    ["restore", "--snapshot"], ["press", "restore", "--hold", "soon"]])
def test_wrong_usage_is_2_and_points_to_the_help(box, arguments):
    result = box.run(*arguments)
    assert result.returncode == 2, result
    assert ("--help" in result.stderr or "sage: coffret" in result.stderr) and not result.stdout


def documents(text):
    """One JSON document, or one object a line."""
    try:
        return [json.loads(text)]
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines()]


def test_without_a_daemon_it_is_3(world):
    server = world.server()
    box = world.box(server, databases="small", profile="any", start=False)
    box.init()
    for command in (["list"], ["backup"], ["status"]):
        result = box.run(*command)
        assert result.returncode == 3 and "coffretd" in result.stderr, result
        said = box.run(*command, "--json")
        last = documents(said.stdout)[-1]
        assert said.returncode == last["code"] == 3 and last["result"] == "unreachable" and last["remedy"], said


GOOD = [["list"], ["show", "ID"], ["status"], ["jobs"], ["check"], ["verify"], ["verify", "--data"], ["backup"],
        ["restore", "small", "--what-if"], ["restore", "small"]]
BAD = [["show", "ffff"], ["backup", "nowhere"], ["restore", "nowhere"], ["undo", "nowhere"], ["cancel", "9999"],
       ["verify", "ffff"], ["restore", "--snapshot", "ffff"], ["trust", "nowhere"]]
WRONG = [[], ["nonsense"], ["list", "--nonsense"], ["show"], ["recovery-key"], ["take-over", "disk"], ["passphrase"]]


@pytest.mark.parametrize("command", GOOD, ids=" ".join)
def test_json_of_what_went_well(box, command):
    newest = box.json("list")["snapshots"][0]["id"]
    result = box.run(*[newest if word == "ID" else word for word in command], "--json")
    assert result.returncode == 0, result
    found = documents(result.stdout)
    assert found and all(isinstance(each, dict) for each in found) and not result.stderr


@pytest.mark.parametrize("command", BAD, ids=" ".join)
def test_json_of_what_failed_says_the_exit_code_and_why(box, command):
    result = box.run(*command, "--json")
    assert result.returncode in (1, 2), result
    last = documents(result.stdout)[-1]
    assert last["code"] == result.returncode and last["sentence"], last


@pytest.mark.parametrize("command", WRONG, ids=" ".join)
def test_json_of_wrong_usage_is_json(box, command):
    result = box.run(*command, "--json")
    said = json.loads(result.stdout)
    assert result.returncode == said["code"] == 2 and said["result"] == "usage", result
    assert said["sentence"] in result.stderr


@pytest.mark.parametrize("command", [["list"], ["backup"]], ids=" ".join)
def test_json_of_a_daemon_that_goes_away_is_json(box, command):
    path = os.path.join(box.directory, "going")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        asked = subprocess.Popen(box.command(*command, "--json", "--socket", path), stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        daemon = listener.accept()[0]
        while not daemon.recv(4096).endswith(b"\n\n"):
            pass
        daemon.close()
        out, err = asked.communicate(timeout=60)
    os.remove(path)
    last = documents(out)[-1]
    assert asked.returncode == last["code"] == 3 and last["result"] == "unreachable", (out, err)
    assert "went away" in last["sentence"] and "coffret jobs" in last["remedy"]


def test_times_are_shown_in_the_zone_of_the_configuration(box, shared):
    far = shared.box(shared.started[0], name="far", databases="small", profile="any", box_extra="timezone = Etc/GMT-9")
    far.ok("backup")
    moment = far.json("list")["snapshots"][0]["time"]
    assert time.strftime("%Y-%m-%d %H:%M", time.gmtime(moment + 9 * 3600)) in far.ok("list")


def test_a_list_of_nothing_says_so(box):
    assert "There is no snapshot of nowhere." in box.ok("list", "nowhere")
    assert box.json("list", "nowhere")["snapshots"] == []


def on_a_terminal(box, *arguments):
    """What it writes where its output is a terminal of 80 columns."""
    master, slave = pty.openpty()
    process = subprocess.Popen(box.command(*arguments), stdout=slave, stderr=slave, stdin=subprocess.DEVNULL,
                               env={**os.environ, "TERM": "xterm"})
    os.close(slave)
    text = b""
    try:
        while chunk := os.read(master, 65536):
            text += chunk
    except OSError:
        pass
    os.close(master)
    return process.wait(), text.decode(errors="replace")


@pytest.fixture(scope="module")
def slow(shared):
    server = shared.server("--chat", "messages=60000,rooms=60,users=200,seed=3", name="chatty")
    server.add_logins("mgc", "mgccomp")
    return shared.box(server, name="bar", extra="read_kib_per_second = 1500")  # or it is over before there is a rate


def test_a_cancelled_backup_says_so_once(slow):
    slow.ok("backup", "mgc", "--no-wait")
    stage.wait_for(lambda: (slow.json("status").get("job") or {}).get("phase") == "read", 30, "the backup to read")
    slow.ok("cancel")
    job = stage.wait_for(lambda: slow.json("status")["state"] == "idle" and slow.json("jobs")["jobs"][-1], 30, "its end")
    assert job["state"] == "cancelled" and job["sentence"].count("cancelled") == 1, job


def test_a_terminal_shows_a_bar_with_rate_and_time_left(slow):
    code, said = on_a_terminal(slow, "backup", "mgc")
    assert code == 0, said
    assert re.search(r"\d+ %  [\d ]+ of [\d ]+  [\d ]+/s  [\d.]+ \w+ to go", said), said[-2000:]
    assert "\x1b[" in said
    piped = slow.run("backup", "mgc")
    assert "\x1b" not in piped.stdout + piped.stderr and "\r" not in piped.stdout

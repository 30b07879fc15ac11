# SPDX-License-Identifier: Apache-2.0
"""`coffret check`: each step that can fail is named where it fails, with what to do about it, and exit code 1."""
import os
import socket

import pytest

import world as stage

SETUP = """CREATE DATABASE small;
GO
USE small;
GO
CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY, body nvarchar(50) NULL);
GO
"""


@pytest.fixture(scope="module")
def place(shared):
    server = shared.server()
    server.script(SETUP)
    server.add_logins("small")
    box = shared.box(server, databases="small", profile="any", start=False)
    box.init()
    return server, box


def findings(box):
    result = box.run("check", "--standalone", "--json")
    return result.returncode, stage.json.loads(result.stdout)["findings"]


def fails(box, step, *words, passed=()):
    """The step failed, with a remedy; whoever reads the table sees both; what comes before it was passed."""
    code, found = findings(box)
    assert code == 1, found
    failed = [f for f in found if f["step"] == step and f["result"] == "failed"]
    assert failed and failed[0]["remedy"], found
    said = failed[0]["detail"] + " " + failed[0]["remedy"]
    for word in words:
        assert word.lower() in said.lower(), said
    for name in passed:
        assert any(f["step"] == name and f["result"] == "ok" for f in found), found
    shown = box.run("check", "--standalone")
    assert shown.returncode == 1 and "→" in shown.stdout and failed[0]["remedy"][:30] in shown.stdout
    return found


@pytest.fixture
def changed(place):
    """Settings that hold for one test."""
    server, box = place
    findings(box)  # so that the box has seen the server as it was
    before = dict(box.settings)

    def change(**settings):
        box.write_config(**settings)
        box.ok("trust", "sql", "--standalone")
    yield change
    box.settings = before
    box.write_config()
    box.ok("trust", "sql", "--standalone")


def test_a_changed_server_gets_no_password_until_it_is_trusted(place, changed):
    server, box = place
    server.tell("forget")
    box.write_config(host="localhost")
    code, found = findings(box)
    assert code == 1 and any("coffret trust" in f["detail"] and f["remedy"] for f in found), found
    assert not [line for line in server.tell("statements") if line.split(" ")[1] == "login"]


def test_all_is_well(place):
    _, box = place
    code, found = findings(box)
    assert code == 0, found
    assert not [f for f in found if f["result"] == "failed"]
    steps = {f["step"] for f in found}
    assert {"name", "port", "encryption", "certificate", "login", "may read", "isolation", "size",
            "sessions"} - steps == set()


def test_a_name_that_nobody_knows(place, changed):
    changed(host="no-such-host.invalid")
    found = fails(place[1], "name", "no-such-host.invalid")
    assert not [f for f in found if f["step"] in ("port", "login")]


def test_a_port_that_is_closed(place, changed):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        changed(port=closed.getsockname()[1])
        fails(place[1], "port", "TCP/IP", passed=["name"])


def test_a_browser_that_is_silent(place, changed):
    changed(instance="RTC", connect_seconds=1)
    fails(place[1], "instance", "SQL Server Browser", passed=["name"])


def test_a_certificate_for_another_name(place, changed):
    changed(certificate_name="sql9.example")
    fails(place[1], "certificate", "certificate", passed=["name", "port", "encryption"])


def test_a_pin_of_another_certificate(place, changed):
    changed(pin="5f" * 32)
    fails(place[1], "certificate", "pin", passed=["name", "port", "encryption"])


def test_a_server_that_does_not_encrypt(place, changed):
    server, box = place
    server.tell("wire encryption=not-supported")
    try:
        fails(box, "encryption", passed=["name", "port"])
    finally:
        server.tell("wire none")


def test_tls_that_is_too_old(world):
    server = world.server("--tls", "10-10")
    box = world.box(server, databases="small", profile="any", start=False)
    box.init()
    fails(box, "encryption", "legacy_tls", "3135244", passed=["name", "port"])


def test_a_wrong_password(place, changed):
    server, box = place
    wrong = f"{box.directory}/wrong.password"
    with open(os.open(wrong, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("wrong\n")
    changed(backup_password_file=wrong)
    fails(box, "login", "coffret_backup", passed=["name", "port", "encryption", "certificate"])


def test_a_database_that_is_not_there(place, changed):
    changed(databases="nowhere")
    code, found = findings(place[1])
    assert code == 1 and any(f["result"] == "failed" and "nowhere" in f["detail"] and f["remedy"] for f in found), found


@pytest.mark.parametrize("step, undo, again, words", [
    ("isolation", "ALTER DATABASE small SET ALLOW_SNAPSHOT_ISOLATION OFF",
     "ALTER DATABASE small SET ALLOW_SNAPSHOT_ISOLATION ON", ["ALTER DATABASE [small] SET ALLOW_SNAPSHOT_ISOLATION ON"]),
    ("may read", "ALTER ROLE db_datareader DROP MEMBER coffret_backup",
     "ALTER ROLE db_datareader ADD MEMBER coffret_backup", ["ALTER ROLE db_datareader ADD MEMBER [coffret_backup]"]),
    ("definitions", "REVOKE VIEW DEFINITION TO coffret_backup", "GRANT VIEW DEFINITION TO coffret_backup",
     ["GRANT VIEW DEFINITION TO [coffret_backup]"]),
    ("may write", "ALTER ROLE db_datawriter DROP MEMBER coffret_restore",
     "ALTER ROLE db_datawriter ADD MEMBER coffret_restore", ["ALTER ROLE db_datawriter ADD MEMBER [coffret_restore]"]),
    ("may alter", "ALTER ROLE db_ddladmin DROP MEMBER coffret_restore",
     "ALTER ROLE db_ddladmin ADD MEMBER coffret_restore", ["ALTER ROLE db_ddladmin ADD MEMBER [coffret_restore]"]),
])
def test_what_a_login_may_not_and_what_the_database_lacks(place, step, undo, again, words):
    server, box = place
    server.script(f"USE small;\nGO\n{undo};\nGO\n")
    try:
        fails(box, step, *words)
    finally:
        server.script(f"USE small;\nGO\n{again};\nGO\n")
    assert findings(box)[0] == 0


def test_a_table_that_is_hidden(place):
    server, box = place
    server.script("CREATE TABLE small.dbo.concealed (id int NOT NULL PRIMARY KEY);\nGO\n")
    server.tell("set hide=concealed")
    try:
        fails(box, "hidden tables", "VIEW DEFINITION", "coffret_backup")
        result = box.run("backup", "--standalone")
        assert result.returncode == 1 and "hidden" in result.stdout + result.stderr, result
    finally:
        server.tell("set hide=")
        server.script("DROP TABLE small.dbo.concealed;\nGO\n")
    assert findings(box)[0] == 0


def test_a_password_that_others_may_read(place, changed):
    server, box = place
    os.chmod(f"{box.directory}/backup.password", 0o644)
    try:
        code, found = findings(box)
    finally:
        os.chmod(f"{box.directory}/backup.password", 0o600)
    assert code == 1 and any(f["result"] == "failed" and "0600" in f["detail"] + f["remedy"] for f in found), found
    assert not [f for f in found if f["step"] == "port"], "nobody is called without a password to give"

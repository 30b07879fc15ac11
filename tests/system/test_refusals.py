# SPDX-License-Identifier: Apache-2.0
"""What must be refused, with a sentence that says what to do, and without anything sent that should not be."""
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


def small(world, *options, logins=True, **keywords):
    server = world.server(*options, **keywords)
    server.script(SETUP)
    if logins:
        server.add_logins("small")
    return server


def refused(box, *words, command=("backup",)):
    result = box.run(*command)
    said = result.stdout + result.stderr
    assert result.returncode == 1, said
    for word in words:
        assert word.lower() in said.lower(), said
    assert box.json("list")["snapshots"] == []
    return said


def logins_tried(server):
    return [line for line in server.tell("statements") if line.split(" ")[1] == "login"]


@pytest.mark.parametrize("certificate, words", [
    ("self-signed", ["certificate"]), ("expired", ["certificate"]), ("wrong-name", ["another name"])])
def test_a_certificate_that_does_not_fit_is_refused_before_any_login(world, certificate, words):
    server = world.server(certificate=certificate)
    refused(world.box(server, databases="small", profile="any"), *words)
    assert logins_tried(server) == []


def test_another_authority_is_refused(world):
    server = small(world, logins=False)
    box = world.box(server, databases="small", profile="any", start=False)
    box.write_config(ca_file=world.certificates.path("other-ca.pem"))
    box.init(), box.start()
    assert "localhost, localhost" not in refused(box, "certificate"), "a name that is both subject and alternative is said once"


def test_a_changed_pin_shows_old_and_new_and_does_not_trust_itself(world):
    import hashlib
    import ssl
    der = ssl.PEM_cert_to_DER_cert(open(world.certificates.path("server.pem")).read())
    new = ssl.PEM_cert_to_DER_cert(open(world.certificates.path("new-key.pem")).read())
    server = small(world)
    box = world.box(server, databases="small", profile="any", start=False)
    box.write_config(ca_file=None, pin=hashlib.sha256(der).hexdigest())
    box.init(), box.start()
    box.ok("backup")
    box.stop()
    server.stop()
    other = world.server(name="other", certificate="new-key")
    box.write_config(port=other.port)
    box.start()
    box.run("trust", "sql")
    said = ""
    for _ in range(2):
        result = box.run("backup")
        said = result.stdout + result.stderr
        assert result.returncode == 1 and "pinned" in said
    plain = said.replace(":", "").lower()
    assert hashlib.sha256(der).hexdigest()[:16] in plain and hashlib.sha256(new).hexdigest()[:16] in plain, said


@pytest.mark.parametrize("fault, words", [
    ("encryption=off", ["encrypt"]), ("encryption=not-supported", ["encrypt"]), ("route=127.0.0.2:1433", ["another server"])])
def test_a_server_that_will_not_encrypt_or_sends_us_elsewhere_is_refused(world, fault, words):
    server = small(world)
    box = world.box(server, databases="small", profile="any")
    server.tell(f"wire {fault}")
    refused(box, *words)


def test_tls_1_0_only_is_refused_with_the_update_that_helps(world):
    server = small(world, "--tls", "10-10", logins=False)
    said = refused(world.box(server, databases="small", profile="any"), "TLS 1.2", "3135244")
    assert "legacy_tls" in said


def test_a_wrong_password_and_a_missing_database_are_said(world):
    server = small(world)
    box = world.box(server, databases="small", profile="any", start=False)
    with open(f"{box.directory}/backup.password", "w") as file:
        file.write("wrong\n")
    box.init(), box.start()
    refused(box, "login", "18456")
    with open(f"{box.directory}/backup.password", "w") as file:
        file.write(stage.BACKUP[1] + "\n")
    box.stop()
    box.write_config(databases="nowhere")
    box.start()
    refused(box, "nowhere")


def test_without_snapshot_isolation_the_one_statement_to_run_is_named(world):
    server = small(world)
    server.sql("ALTER DATABASE small SET ALLOW_SNAPSHOT_ISOLATION OFF")
    refused(world.box(server, databases="small", profile="any"), "ALTER DATABASE [small] SET ALLOW_SNAPSHOT_ISOLATION ON")


def test_a_table_that_may_not_be_read_is_named(world):
    server = small(world)
    server.sql("CREATE TABLE dbo.secret (id int NOT NULL PRIMARY KEY)", "small")
    server.sql("DENY SELECT ON dbo.secret TO coffret_backup", "small")
    refused(world.box(server, databases="small", profile="any"), "[dbo].[secret]")


def test_definitions_that_may_not_be_seen_are_an_error(world):
    server = small(world)
    server.sql("REVOKE VIEW DEFINITION FROM coffret_backup", "small")
    refused(world.box(server, databases="small", profile="any"), "VIEW DEFINITION")


def test_a_read_only_database_is_not_restored(world):
    server = small(world)
    box = world.box(server, databases="small", profile="any")
    box.ok("backup")
    server.sql("DELETE FROM dbo.t", "small")
    server.sql("ALTER DATABASE small SET READ_ONLY")
    result = box.run("restore", "small")
    assert result.returncode == 1 and "small" in result.stdout + result.stderr


def test_a_damaged_chunk_refuses_the_restore_and_names_table_and_the_good_snapshot(world):
    import glob
    import os
    server = small(world)
    server.sql("CREATE TABLE dbo.noise (id int NOT NULL PRIMARY KEY, x varbinary(8000) NOT NULL)", "small")
    box = world.box(server, databases="small", profile="any")
    box.ok("backup")
    good = box.json("list")["snapshots"][0]["id"]
    for n in range(40):
        server.sql(f"INSERT INTO dbo.noise VALUES ({n}, CAST(REPLICATE(CAST(NEWID() AS varchar(40)), 150) AS varbinary(8000)))",
                   "small")
    files = set(glob.glob(box.store + "/**/*", recursive=True))
    box.ok("backup")
    added = [f for f in glob.glob(box.store + "/**/*", recursive=True) if f not in files and os.path.isfile(f)]
    path = max(added, key=os.path.getsize)
    box.stop()
    with open(path, "r+b") as file:
        data = bytearray(file.read())
        data[len(data) // 3] ^= 1
        file.seek(0)
        file.write(data)
    box.start()
    server.sql("DELETE FROM dbo.noise", "small")
    before = server.fingerprint("small")
    result = box.run("restore", "small")
    said = result.stdout + result.stderr
    assert result.returncode != 0 and "noise" in said and good[:8] in said, said
    assert server.fingerprint("small") == before


def test_an_unknown_key_in_the_configuration_names_file_line_and_what_was_expected(world):
    server = world.server()
    box = world.box(server, databases="small", profile="any", start=False)
    with open(box.config, "a") as file:
        file.write("certifcate_name = x\n")
    lines = len(open(box.config).read().splitlines())
    result = stage.subprocess.run([box.program("coffretd"), "--config", box.config, "--check"], capture_output=True, text=True)
    said = result.stdout + result.stderr
    assert result.returncode != 0 and f":{lines}" in said and "certificate_name" in said, said


@pytest.mark.parametrize("kind", ["short-row", "bad-token", "length-beyond", "huge-plp", "error-in-row"])
def test_malformed_answers_end_the_job_and_leave_nothing(world, kind):
    server = small(world)
    box = world.box(server, databases="small", profile="any", extra="stall_seconds = 5")
    for row in (1, 5, 30):
        server.tell("wire none")
        server.tell(f"wire malformed={kind}:{row}")
        result = box.run("backup", timeout=600)
        if result.returncode == 0:
            assert row > 1
            continue
        assert all(s["verified"] for s in box.json("list")["snapshots"])
    server.tell("wire none")
    box.ok("backup")


def test_the_largest_row_that_a_server_can_have_is_kept_and_comes_back(world):
    """As many columns of 8 000 bytes as the pointers to them fit into a row: more than a chunk holds unless they leave it."""
    server = small(world)
    names = [f"c{i}" for i in range(330)]
    server.sql(f"CREATE TABLE dbo.wide (id int NOT NULL PRIMARY KEY, {', '.join(f'{n} varchar(8000) NULL' for n in names)})", "small")
    server.sql("INSERT dbo.wide VALUES (1, " + ", ".join(f"REPLICATE('{chr(97 + i % 26)}', 8000)" for i in range(330)) + ")", "small")
    server.sql("INSERT dbo.wide (id, c7, c329) VALUES (2, '', 'x')", "small")
    box = world.box(server, databases="small", profile="any")
    before = server.fingerprint("small")
    box.ok("backup")
    server.sql("DELETE FROM dbo.wide", "small")
    box.ok("restore", "small")
    assert server.fingerprint("small") == before

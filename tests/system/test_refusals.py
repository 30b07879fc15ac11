# SPDX-License-Identifier: Apache-2.0
"""What must be refused, with a sentence that says what to do, and without anything sent that should not be."""
import pytest

import world as stage
from look import freebcp

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
    # The first chunk that the night stored, and the parity of all of this short segment.
    stage.flip(path, [64 + 88 + 3, os.path.getsize(path) - 2000])
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


def damaged(world, **keywords):
    """A server and a box with a snapshot of it, and what the server has then lost."""
    server = small(world)
    box = world.box(server, databases="small", profile="any", **keywords)
    box.ok("backup")
    server.sql("DELETE FROM dbo.t WHERE id <> 2", "small")
    return server, box, server.fingerprint("small")


def safety_snapshots(box):
    return [s for s in box.json("list")["snapshots"] if s["class"] == "safety" and s["applied"]]


def test_a_value_that_the_server_has_stored_wrongly_is_found_before_the_commit(world):
    server = small(world)
    for kind in ("int", "nvarchar(9)", "varbinary(9)"):
        table = kind.split("(")[0]
        server.sql(f"CREATE TABLE dbo.{table}s (id int NOT NULL PRIMARY KEY, v {kind} NOT NULL)", "small")
        server.sql(f"INSERT dbo.{table}s VALUES (1, CAST('1' AS {kind})), (2, CAST('22' AS {kind})), (3, CAST('333' AS {kind}))", "small")
    box = world.box(server, databases="small", profile="any")
    box.ok("backup")
    wanted = server.fingerprint("small")
    for row, table in enumerate(("ints", "nvarchars", "varbinarys"), 1):
        server.sql(f"DELETE FROM dbo.{table}", "small")
        broken = server.fingerprint("small")
        strikes, applied = int(server.tell("strikes")[0]), safety_snapshots(box)
        server.tell(f"set corrupt={row}")
        result = box.run("restore", "small")
        said = result.stdout + result.stderr
        assert int(server.tell("strikes")[0]) == strikes + 1
        assert result.returncode == 1, said
        assert f"[dbo].[{table}]" in said and "3 rows there, 3 rows wanted, and their digests differ" in said, said
        assert "everything was rolled back" in said, said
        assert server.fingerprint("small") == broken
        assert safety_snapshots(box) == applied
        box.ok("restore", "small")
        assert server.fingerprint("small") == wanted


def test_a_row_that_the_server_finds_too_large_is_told_with_table_and_limit(world):
    """Where columns were dropped from a table, less of the 8 060 bytes of a row is left than its columns say."""
    server, box, broken = damaged(world)
    server.tell("set fail=511@load:1")
    result = box.run("restore", "small")
    said = result.stdout + result.stderr
    assert result.returncode == 1 and "[dbo].[t]" in said and "8060" in said, said
    assert server.fingerprint("small") == broken
    assert safety_snapshots(box) == []
    box.ok("restore", "small")


WIDE = [("varchar(8000)", "REPLICATE('{}', 8000)"), ("nvarchar(4000)", "REPLICATE(N'{}', 4000)"),
        ("varbinary(8000)", "CAST(REPLICATE('{}', 8000) AS varbinary(8000))"), ("char(900)", "'{}'"),
        ("sql_variant", "REPLICATE(N'{}', 3900)"), ("sql_variant", "CAST(REPLICATE('{}', 7000) AS varbinary(7000))")]


def test_the_largest_row_that_a_server_can_have_is_kept_and_comes_back(world):
    """As many columns of 8 000 bytes as the pointers to them fit into a row: more than a chunk holds unless they leave it."""
    server = small(world)
    kinds = [WIDE[i % 3 if i % 50 else 3 + i // 50 % 3] for i in range(330)]
    columns = ", ".join(f"c{i} {kind} NULL" for i, (kind, _) in enumerate(kinds))
    server.sql(f"CREATE TABLE dbo.wide (id int NOT NULL PRIMARY KEY, {columns})", "small")
    values = ", ".join(value.format(chr(97 + i % 26)) for i, (_, value) in enumerate(kinds))
    server.sql(f"INSERT dbo.wide VALUES (1, {values})", "small")
    server.sql("INSERT dbo.wide (id, c7, c329) VALUES (2, N'', 0x)", "small")
    # Where the key leaves the row, too, and rows are deleted by ranges of it.
    server.sql(f"CREATE TABLE dbo.keyed (k varchar(900) NOT NULL PRIMARY KEY, {', '.join(f'c{i} varchar(500) NULL' for i in range(330))})",
               "small")
    server.sql(f"INSERT dbo.keyed VALUES ('00' + REPLICATE('x', 898), {', '.join(['REPLICATE(NCHAR(97), 500)'] * 330)})", "small")
    for n in (1, 2, 4, 8, 16, 32):
        server.sql(f"INSERT dbo.keyed SELECT RIGHT('0' + CAST(CAST(LEFT(k, 2) AS int) + {n} AS varchar(2)), 2) + REPLICATE('x', 898), "
                   f"{', '.join(f'c{i}' for i in range(330))} FROM dbo.keyed", "small")
    bytes_of = ", ".join(f"CAST(c{i} AS varbinary(8000)), DATALENGTH(c{i})" for i in range(330))

    def look():
        return [freebcp(server, "small", f"SELECT {key}, {bytes_of} FROM dbo.{table}") for table, key in (("wide", "id"), ("keyed", "k"))]
    box = world.box(server, databases="small", profile="any")
    before = look()
    box.ok("backup")
    server.sql("DELETE FROM dbo.wide; DELETE FROM dbo.keyed WHERE k LIKE '63%'", "small")
    broken = look()
    said = box.ok("restore", "small")
    assert " stay" in said, said
    assert look() == before
    box.ok("undo", "small")
    assert look() == broken
    assert server.tell("violations") == []


def test_of_two_jobs_at_once_the_second_waits_and_the_same_again_is_the_first(world):
    server, box, _ = damaged(world)
    server.tell("set silence=select:2")
    first = box.json("backup", "small", "--no-wait")
    accepted = [stage.json.loads(line) for line in box.ok("restore", "small", "--no-wait", "--json").splitlines()][0]
    again = [box.run(command, "small", "--no-wait") for command in ("backup", "restore")]
    jobs = {j["kind"]: j for j in box.json("jobs")["jobs"] if j["state"] in ("running", "queued")}
    server.tell("set silence=select:0")
    assert first["code"] == 0 and accepted["ahead"] == 1, (first, accepted)
    assert jobs["backup"]["state"] == "running" and jobs["restore"]["state"] == "queued", jobs
    for kind, result in zip(("backup", "restore"), again):
        assert result.returncode == 7 and f"Job {jobs[kind]['job']} does that already" in result.stdout + result.stderr, result
    stage.wait_for(lambda: box.json("status")["state"] == "idle", 60, "both to end")
    ended = box.json("jobs")["jobs"][-2:]
    assert [(j["kind"], j["state"]) for j in ended] == [("backup", "done"), ("restore", "done")], ended
    assert ended[0]["ended"] <= ended[1]["began"]


def test_a_server_that_falls_silent_in_an_answer_is_given_up_on_and_older_snapshots_stay(world):
    server = small(world)
    server.sql("CREATE TABLE dbo.long (id int NOT NULL PRIMARY KEY, body char(4000) NOT NULL)", "small")
    server.sql("INSERT dbo.long VALUES " + ", ".join(f"({n}, '{n}')" for n in range(800)), "small")
    box = world.box(server, databases="small", profile="any", extra="stall_seconds = 5")
    before = int(server.tell("packets")[0])
    box.ok("backup")
    packets = int(server.tell("packets")[0]) - before
    good = box.json("list")["snapshots"]
    server.tell(f"wire stall-at-packet={packets // 2}:ever")
    result = box.run("backup")
    said = result.stdout + result.stderr
    server.tell("wire none")
    assert result.returncode == 1 and "began to answer and stopped" in said, said
    assert box.json("list")["snapshots"] == good
    box.ok("backup")

# SPDX-License-Identifier: Apache-2.0
"""Servers of every kind: versions 2012 to 2022, TDS 8.0 strict, named instances, Windows logins, collations, languages."""
import pytest

import world as stage
from look import rows, states

SETUP = """CREATE DATABASE small{collate};
GO
USE small;
GO
CREATE TABLE dbo.up (id int IDENTITY(1, 1) NOT NULL PRIMARY KEY, name nvarchar(50) NULL, c AS id * 2 PERSISTED);
GO
CREATE TABLE dbo.down (id int NOT NULL PRIMARY KEY, up int NULL CONSTRAINT fk REFERENCES dbo.up (id), body nvarchar(max) NULL,
  at datetime2(7) NULL, CONSTRAINT ck CHECK (id > 0));
GO
CREATE SEQUENCE dbo.seq AS int START WITH 1;
GO
CREATE VIEW dbo.shown AS SELECT id FROM dbo.down;
GO
CREATE TRIGGER dbo.tr ON dbo.down AFTER DELETE AS BEGIN RETURN END;
GO
INSERT dbo.up (name) VALUES (N'one'), (NULL), (N'');
GO
INSERT dbo.down VALUES (1, 1, N'body', '2015-06-30T12:34:56.1234567'), (2, NULL, N'', NULL), (3, 3, NULL, NULL);
GO
"""
DAMAGE = "DELETE FROM dbo.down WHERE id = 1; UPDATE dbo.up SET name = N'gone'; INSERT dbo.up (name) VALUES (N'new')"


def small(world, *options, collate="", logins=True, **keywords):
    server = world.server(*options, **keywords)
    server.script(SETUP.format(collate=collate))
    if logins:
        server.add_logins("small")
    return server


def the_whole_way(server, box):
    """check, backup, damage, restore, undo; nothing that the wire forbids."""
    said = box.ok("check")
    assert "small" in said
    before = rows(server, "small"), states(server, "small")
    box.ok("backup")
    server.sql(DAMAGE, "small")
    broken = rows(server, "small"), states(server, "small")
    box.ok("restore", "small")
    assert (rows(server, "small"), states(server, "small")) == before
    box.ok("undo", "small")
    assert (rows(server, "small"), states(server, "small")) == broken
    assert server.tell("violations") == []


@pytest.mark.parametrize("version", range(11, 17))
def test_every_version_from_2012_to_2022(world, version):
    server = small(world, version=version)
    the_whole_way(server, world.box(server, databases="small", profile="any"))


def test_tds_8_strict_and_a_client_of_the_old_kind_is_told_so(world):
    server = world.server("--strict")
    path = f"{server.directory}/setup.sql"
    with open(path, "w") as file:
        file.write(SETUP.format(collate=""))
    server.tell(f"script {path}")
    server.add_logins("small")
    box = world.box(server, databases="small", profile="any", start=False)
    box.init(), box.start()
    result = box.run("backup")
    assert result.returncode == 1 and "strict" in result.stdout + result.stderr
    box.stop()
    box.write_config(encrypt="strict")
    box.start()
    box.ok("check")
    box.ok("backup")
    server.script("USE small;\nGO\nDELETE FROM dbo.down;\nGO\n")
    box.ok("restore", "small")
    again = box.ok("restore", "small", "--what-if")
    assert "already as in the snapshot" in again, again


def test_a_named_instance_is_found_by_sql_browser_even_after_its_port_has_moved(world):
    address = "127.77.14.34"
    server = small(world, "--instance", "RTC", "--browser-port", "1434", address=address)
    box = world.box(server, databases="small", profile="any", host=address, start=False)
    box.write_config(port=None, instance="RTC")
    box.init(), box.start()
    the_whole_way(server, box)
    first = server.port
    server.stop()
    holder = stage.socket.socket()  # the port is taken now: the server must move
    holder.setsockopt(stage.socket.SOL_SOCKET, stage.socket.SO_REUSEADDR, 1)
    holder.bind((address, first))
    stage.os.remove(server.port_file)
    server.start()
    assert server.port != first
    the_whole_way(server, box)
    server.tell("wire browser=silent")
    box.stop()
    box.write_config(connect_seconds=1)
    box.start()
    result = box.run("backup")
    assert result.returncode == 1 and "1434" in result.stdout + result.stderr
    holder.close()


def test_a_windows_login_by_ntlm(world):
    """The backup login of a domain account; the restore login stays a SQL login."""
    domain = ("BRANCH\\backup", "Domain-Pass-1")
    server = small(world, "--login", "=".join(domain))
    box = world.box(server, databases="small", profile="any", start=False)
    with open(f"{box.directory}/backup.password", "w") as file:
        file.write(domain[1] + "\n")
    box.write_config(backup_login=domain[0])
    box.init(), box.start()
    the_whole_way(server, box)
    assert any("BRANCH" in line for line in server.tell("statements") if line.split(" ")[1] == "login")
    with open(f"{box.directory}/backup.password", "w") as file:
        file.write("wrong\n")
    result = box.run("backup")
    assert result.returncode == 1 and "18456" in result.stdout + result.stderr


@pytest.mark.parametrize("collation", ["Latin1_General_CS_AS", "Latin1_General_BIN2", "Turkish_CI_AS", "Japanese_CI_AS"])
def test_a_database_whose_collation_tells_cases_apart(world, collation):
    server = small(world, collate=f" COLLATE {collation}")
    the_whole_way(server, world.box(server, databases="small", profile="any"))


def test_messages_in_another_language_are_known_by_their_numbers(world):
    server = small(world, "--set", "language=french")
    box = world.box(server, databases="small", profile="any")
    the_whole_way(server, box)
    server.sql("DENY SELECT ON dbo.down TO coffret_backup", "small")
    result = box.run("backup")
    assert result.returncode == 1 and "[dbo].[down]" in result.stdout + result.stderr
    server.sql("GRANT SELECT ON dbo.down TO coffret_backup", "small")
    server.tell("forget")
    server.tell("set fail=1205@select:12")
    box.ok("backup")  # a deadlock restarts a backup
    assert len([line for line in server.tell("statements") if "ISOLATION LEVEL SNAPSHOT" in line]) == 2

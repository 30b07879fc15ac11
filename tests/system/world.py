# SPDX-License-Identifier: Apache-2.0
"""A world for system tests and the demo: certificates, a stand-in SQL Server, and a box with coffretd in it.

Everything lives in one folder that is thrown away, on ports that the kernel picks. Nothing here looks inside the
product: it is driven through its programs, its configuration and its sockets, like anybody would.
"""
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("COFFRET_BUILD", os.path.join(ROOT, "build")))
STANDIN = os.environ.get("COFFRET_STANDIN", os.path.join(BUILD, "tests/sqlserver/sqlserver"))

ADMIN = ("sa", "Admin-Pass-1")
BACKUP = ("coffret_backup", "Backup-Pass-1")
RESTORE = ("coffret_restore", "Restore-Pass-1")
PATIENCE = 4  # a busy machine is no fault of the product


def wait_for(condition, seconds=30, what="something"):
    """Polls until the condition is true; a test that waits asserts that it happens, not when."""
    seconds *= PATIENCE
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


def flip(path, places):
    with open(path, "r+b") as file:
        for place in places:
            file.seek(place)
            byte = file.read(1)
            file.seek(place)
            file.write(bytes([byte[0] ^ 1]))


def all_text(directory, but=()):
    """What is in all of its files, of which some may go while they are looked at."""
    text = ""
    for root, _, names in os.walk(directory):
        for path in (os.path.join(root, name) for name in names if not name.endswith(tuple(but))):
            try:
                text += open(path, errors="replace").read() if os.path.isfile(path) else ""
            except FileNotFoundError:
                pass
    return text


def is_durable(path):
    """Whether the file system of a folder outlives a power cut."""
    out = subprocess.run(["stat", "-f", "-c", "%t", path], capture_output=True, text=True).stdout.strip()
    return out not in ("1021994", "858458f6", "6969", "65735546", "1021997", "c36400", "4d44")


class Certificates:
    """A CA and what it issues, made by tests/support/certificates."""

    def __init__(self, directory):
        self.directory = directory
        subprocess.run([os.path.join(ROOT, "tests/support/certificates"), directory], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def path(self, name):
        return os.path.join(self.directory, name)


class Server:
    """A stand-in SQL Server."""

    def __init__(self, directory, certificates, *options, certificate="server", version=16, port=0,
                 address="127.0.0.1"):
        self.directory, self.address, self.version = directory, address, version
        self.has_logins = False
        os.makedirs(directory, exist_ok=True)
        self.port_file = os.path.join(directory, "port")
        self.control = os.path.join(directory, "control")
        if os.path.exists(self.port_file):
            os.remove(self.port_file)
        self.command = [STANDIN, "--directory", os.path.join(directory, "databases"), "--address", address,
                        "--port", str(port), "--port-file", self.port_file, "--certificate", certificates.path(certificate + ".pem"), "--key",
                        certificates.path("new-key.key" if certificate == "new-key" else "server.key"), "--version", str(version), "--control", self.control,
                        "--login", "=".join(ADMIN), *options]
        self.start()

    def start(self):
        self.log = open(os.path.join(self.directory, "log"), "ab")
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)

        def ready():
            if self.process.poll() is not None:
                raise AssertionError("the stand-in server ended: " + open(os.path.join(self.directory, "log")).read()[-3000:])
            return os.path.exists(self.port_file)
        wait_for(ready, 60, "the stand-in server")
        self.port = int(open(self.port_file).read())

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(120)
        self.log.close()

    def tell(self, command):
        """One command to the control socket; its answer's lines."""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(self.control)
            control.sendall(command.encode() + b"\n")
            control.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := control.recv(65536):
                answer += chunk
        lines = answer.decode(errors="replace").splitlines()
        if not lines or lines[-1] != "ok":
            raise AssertionError(f"{command}: {lines[-1] if lines else 'no answer'}")
        return lines[:-1]

    def freetds(self, directory):
        """A FreeTDS configuration for clients that are not ours."""
        path = os.path.join(directory, "freetds.conf")
        with open(path, "w") as file:
            file.write(f"[standin]\nhost = {self.address}\nport = {self.port}\ntds version = 7.4\nclient charset = UTF-8\n"
                       "encryption = require\ntext size = 2147483647\n")
        return path

    def sql(self, text, database="master", login=ADMIN, check=True):
        """Runs T-SQL through tsql, FreeTDS's own client; returns what it printed."""
        conf = self.freetds(self.directory)
        result = subprocess.run(["tsql", "-S", "standin", "-U", login[0], "-P", login[1], "-D", database, "-o", "qfh"],
                                input=text + "\nGO\nexit\n", capture_output=True, text=True, errors="replace",
                                env={**os.environ, "FREETDSCONF": conf}, timeout=900)
        bad = re.search(r"^Msg \d+ \(severity (?:1[1-9]|2\d),", result.stdout + result.stderr, re.M)
        if check and (bad or result.returncode):
            raise AssertionError(f"tsql: {result.stdout}{result.stderr}\nfor: {text[:500]}")
        return result.stdout

    def script(self, text):
        """Runs T-SQL with GO lines as an administrator."""
        path = os.path.join(self.directory, "script.sql")
        with open(path, "w") as file:
            file.write(text)
        try:
            self.tell(f"script {path}")
        except AssertionError as error:
            raise AssertionError(f"{error}: " + open(os.path.join(self.directory, "log"), errors="replace").read()[-1000:]) from None

    def add_logins(self, *databases):
        """Coffret's two logins, by the very script that server.md points to."""
        text = open(os.path.join(ROOT, "agent/sql/logins.sql")).read()
        text = text.replace("change-this-1", BACKUP[1]).replace("change-this-2", RESTORE[1])
        head, first, *_ = re.split(r"(?m)^(?=USE (?!master))", text)
        if self.has_logins:
            head = ""
        self.has_logins = True
        for database in databases:
            head += re.sub(r"\bmgc\b", f"[{database}]", first)
        self.script(re.sub(r";\s*\n", ";\nGO\n", head))

    def tables(self, database):
        """[schema].[table] of all user tables, as the server lists them."""
        out = self.sql("SET NOCOUNT ON SELECT s.name + '.' + t.name FROM sys.tables t JOIN sys.schemas s "
                       "ON s.schema_id = t.schema_id ORDER BY 1", database)
        return [line for line in out.splitlines() if "." in line and not line.startswith(("Msg", "locale", "using"))]

    def select_lists(self, database):
        """{table: its columns, characters as the bytes that they are}: no client's conversion comes in between."""
        out = self.sql("SET NOCOUNT ON SELECT s.name + '.' + t.name + CHAR(9) + QUOTENAME(c.name) + CHAR(9) + y.name FROM "
                       "sys.columns c JOIN sys.tables t ON t.object_id = c.object_id JOIN sys.schemas s ON s.schema_id = "
                       "t.schema_id JOIN sys.types y ON y.user_type_id = c.system_type_id ORDER BY 1", database)
        lists = {}
        for line in out.splitlines():
            if line.count("\t") != 2:
                continue
            table, column, kind = line.split("\t")
            form = {"text": f"CAST(CAST({column} AS varchar(max)) AS varbinary(max))",
                    "ntext": f"CAST(CAST({column} AS nvarchar(max)) AS varbinary(max))",
                    "xml": f"CAST(CAST({column} AS nvarchar(max)) AS varbinary(max))"}
            if kind in ("char", "varchar", "nchar", "nvarchar", "sysname"):
                form[kind] = f"CAST({column} AS varbinary(max))"
            lists.setdefault(table, []).append(form.get(kind, column))
        return lists

    def fingerprint(self, database, tables=None, lists=None):
        """{table: (rows, sha256)} as freebcp sees it: rows as text, sorted, hashed. Not our code at any point.

        lists: what select_lists said, where a test looks often and knows that no column comes or goes."""
        conf = self.freetds(self.directory)
        prints = {}
        for table, columns in (lists or self.select_lists(database)).items():
            if tables and table not in tables:
                continue
            with tempfile.NamedTemporaryFile(dir=self.directory) as out:
                result = subprocess.run(
                    ["freebcp", f"SELECT {', '.join(columns)} FROM {database}.{table}", "queryout", out.name, "-S", "standin",
                     "-U", ADMIN[0], "-P", ADMIN[1], "-c", "-t", "|", "-T", "2147483647"], capture_output=True, text=True, errors="replace",
                    env={**os.environ, "FREETDSCONF": conf}, timeout=900)
                if result.returncode or "rows copied" not in result.stdout or "Msg" in result.stderr:
                    raise AssertionError(f"freebcp {table}: {result.stdout}{result.stderr[-500:]}")
                rows = sorted(open(out.name, "rb").read().split(b"\n"))
                prints[table] = (len(rows) - 1, hashlib.sha256(b"\n".join(rows)).hexdigest())
        return prints


class Box:
    """A backup box: configuration, store, coffretd."""

    def __init__(self, directory, server, certificates, databases="mgc, mgccomp", profile="persistent-chat", extra="",
                 box_extra="", host="127.0.0.1", name="sql", faults=False, store=None):
        self.directory = directory
        self.faults = os.path.join(directory, "faults") if faults else None
        self.faults_under = directory if faults == "all" else store or os.path.join(directory, "store")
        os.makedirs(directory, exist_ok=True)
        self.config = os.path.join(directory, "coffret.conf")
        self.store = store or os.path.join(directory, "store")
        os.makedirs(self.store, exist_ok=True)
        for file, login in (("backup.password", BACKUP), ("restore.password", RESTORE)):
            path = os.path.join(directory, file)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
                out.write(login[1] + "\n")
        self.settings = dict(
            host=host, port=server.port, certificate_name="localhost", ca_file=certificates.path("ca.pem"),
            profile=profile, databases=databases, backup_login=BACKUP[0],
            backup_password_file=os.path.join(directory, "backup.password"), restore_login=RESTORE[0],
            restore_password_file=os.path.join(directory, "restore.password"))
        self.box_extra, self.extra, self.name = box_extra, extra, name
        self.accept_risk = not is_durable(self.store)  # where the tests' own folder is in memory
        self.write_config()
        self.process = None

    def write_config(self, **changes):
        self.settings.update(changes)
        lines = ["[box]", f"volume = {self.store}", f"key_file = {self.directory}/key",
                 f"state_directory = {self.directory}/state", f"socket = {self.directory}/socket",
                 f"panel_socket = {self.directory}/panel", f"accept_risk = {'yes' if self.accept_risk else 'no'}",
                 self.box_extra, f"[server {self.name}]"]
        lines += [f"{key} = {value}" for key, value in self.settings.items() if value is not None] + [self.extra]
        with open(self.config, "w") as file:
            file.write("\n".join(lines) + "\n")

    def program(self, name):
        return os.path.join(BUILD, name)

    def init(self):
        done = subprocess.run([self.program("coffretd"), "--config", self.config, "--init"], check=True,
                              capture_output=True, text=True)
        keys = [line.strip() for line in done.stdout.splitlines() if re.fullmatch(r" {4}[A-Z2-7]{56}", line)]
        self.recovery_key = keys[0] if keys else None
        return done

    def start(self):
        self.log = open(os.path.join(self.directory, "log"), "ab")
        self.process = subprocess.Popen([self.program("coffretd"), "--config", self.config], stdout=self.log,
                                        stderr=self.log, stdin=subprocess.DEVNULL, env=self.environment())
        wait_for(self.ready, 30, "coffretd")

    def environment(self):
        """With faults: a library between the daemon and its volume (tests/faults/preload/volume_faults.c); "all": and its state."""
        if not self.faults:
            return None
        if not os.path.exists(self.faults):
            self.fault("none")
        return {**os.environ, "LD_PRELOAD": os.path.join(BUILD, "tests/volume_faults.so"), "COFFRET_FAULTS": self.faults,
                "COFFRET_FAULTS_UNDER": self.faults_under}

    def fault(self, action, countdown=1):
        """What goes wrong at the countdown-th operation of the volume from now on: enum action of the library."""
        actions = ("none", "kill-before", "kill-after", "gone", "full", "cut", "torn", "unreadable")
        with open(self.faults, "r+b" if os.path.exists(self.faults) else "w+b") as file:
            file.write(struct.pack("=4I", 0 if action == "none" else countdown, actions.index(action), 0, 0))

    def struck(self):
        """How often it did, since fault()."""
        with open(self.faults, "rb") as file:
            return struct.unpack("=4I", file.read(16))[2]

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError("coffretd ended: " + open(os.path.join(self.directory, "log")).read()[-3000:])
        return os.path.exists(f"{self.directory}/socket") and self.run("status").returncode == 0

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(180)
        self.process = None

    def command(self, *arguments):
        return [self.program("coffret"), "--config", self.config, *arguments]

    def run(self, *arguments, timeout=900, typed=None):
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=timeout,
                              **({"input": typed} if typed else {"stdin": subprocess.DEVNULL}))

    def ok(self, *arguments):
        result = self.run(*arguments)
        if result.returncode:
            raise AssertionError(f"coffret {' '.join(arguments)}: exit {result.returncode}\n{result.stdout}{result.stderr}"
                                 + open(os.path.join(self.directory, "log")).read()[-2000:])
        return result.stdout

    def json(self, *arguments):
        """The last JSON value that a command printed."""
        out = self.ok(*arguments, "--json").strip()
        try:
            return json.loads(out)
        except json.JSONDecodeError:
            return json.loads(out.splitlines()[-1])


class World:
    """All of it, in one folder."""

    def __init__(self, directory=None):
        self.directory = directory or tempfile.mkdtemp(prefix="coffret-")
        self.certificates = Certificates(os.path.join(self.directory, "certificates"))
        self.started = []

    def server(self, *options, name="server", **keywords):
        server = Server(os.path.join(self.directory, name), self.certificates, *options, **keywords)
        self.started.append(server)
        return server

    def box(self, server, name="box", start=True, **keywords):
        box = Box(os.path.join(self.directory, name), server, self.certificates, **keywords)
        self.started.append(box)
        if start:
            box.init()
            box.start()
        return box

    def close(self, keep=False):
        for thing in reversed(self.started):
            try:
                thing.stop()
            except Exception:
                thing.process.kill()
        if not keep:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

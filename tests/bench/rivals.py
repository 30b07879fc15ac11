# SPDX-License-Identifier: Apache-2.0
"""What people would use instead: freebcp with a compressor, and restic or borg fed with a dump. None of it is ours."""
import os
import shlex
import subprocess
import time
import zlib

import world as stage

CHAT = "mgc.dbo.tblChat"
# freebcp ends without a word at the first lone surrogate: characters are asked for as the bytes that they are.
CHAT_COLUMNS = ("[channelId]", "[chatId]", "[chatDate]", "[userId]", "[isAlert]", "[content]", "[rtf]")
CHAT_BYTES = ("SELECT channelId, chatId, chatDate, userId, isAlert, CAST(content AS varbinary(max)), CAST(rtf AS varbinary(max)) "
              "FROM mgc.dbo.tblChat ORDER BY channelId, chatId")
TEXT_LIMIT = ["-T", "2147483647"]


def run(command, environment=None, **keywords):
    """Runs a command that must succeed; its seconds of wall time."""
    begin = time.monotonic()
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL,
                            env={**os.environ, **(environment or {})}, **keywords)
    seconds = time.monotonic() - begin
    if result.returncode:
        raise AssertionError(f"{command}: {result.stdout[-1000:]}{result.stderr[-1000:]}")
    return seconds, result.stdout


def freebcp(server, what, direction, path, *options):
    """Over TLS, as the freetds.conf of the world demands. (seconds, rows)"""
    command = ["freebcp", what, direction, path, "-S", "standin", "-U", stage.ADMIN[0], "-P", stage.ADMIN[1], *TEXT_LIMIT,
               *options]
    seconds, out = run(command, {"FREETDSCONF": server.freetds(server.directory)})
    rows = [int(line.split()[0]) for line in out.splitlines() if line.endswith("rows copied.")]
    if not rows:
        raise AssertionError(f"freebcp {what} {direction}: {out[-1000:]}")
    return seconds, rows[-1]


def native_out(server, rows, compressor=None):
    """freebcp -n of the chat table: to nothing, or through a FIFO into a compressor; wall seconds and bytes kept."""
    def out(path):
        took, copied = freebcp(server, CHAT_BYTES, "queryout", path, "-n")
        if copied != rows:
            raise AssertionError(f"freebcp copied {copied} of {rows} rows")
        return took
    if not compressor:
        return out("/dev/null"), 0
    fifo, kept = (os.path.join(server.directory, name) for name in ("fifo", "kept"))
    if not os.path.exists(fifo):
        os.mkfifo(fifo)
    begin = time.monotonic()
    pipe = subprocess.Popen(f"{compressor} <{shlex.quote(fifo)} >{shlex.quote(kept)}", shell=True)
    try:
        out(fifo)
    except AssertionError:
        pipe.kill()
        raise
    if pipe.wait(600):
        raise AssertionError(f"{compressor} failed")
    seconds, size = time.monotonic() - begin, os.path.getsize(kept)
    os.remove(kept)
    return seconds, size


def as_text(field, column):
    """What freebcp wrote as hexadecimal digits is text again, UTF-8; numbers stay what they were."""
    if not column.startswith("CAST("):
        return field
    data = bytes.fromhex(field.strip(b"\0").decode())  # freebcp's empty string is a NUL
    return data if "[rtf]" in column else data.decode("utf-16-le", "surrogatepass").encode("utf-8", "surrogatepass")


def dump(server, directory, database="mgc"):
    """Every table as text in key order, one file each: what a careful person would feed to restic or borg."""
    os.makedirs(directory, exist_ok=True)
    raw = os.path.join(server.directory, "raw")
    for table, columns in server.select_lists(database).items():
        columns = sorted(columns, key=lambda column: [i for i, name in enumerate(CHAT_COLUMNS) if name in column] or [-1])
        order = " ORDER BY channelId, chatId" if table == "dbo.tblChat" else ""
        rows = freebcp(server, f"SELECT {', '.join(columns)} FROM {database}.{table}{order}", "queryout", raw, "-c")[1]
        with open(raw, "rb") as lines, open(os.path.join(directory, table), "wb") as out:
            for line in lines:
                rows -= 1
                out.write(b"\t".join(map(as_text, line.rstrip(b"\n").split(b"\t"), columns)) + b"\n")
        if rows:
            raise AssertionError(f"the dump of {table} is {rows} rows short")


def plain(text):
    """What freebcp loads: it stops at some characters, and at rows that it finds too large."""
    return "".join(c if " " <= c <= "~" else "?" for c in text[:1500])


def loadable(server, path):
    """tblChat as text that freebcp takes in again (see plain), one row a line; how many rows."""
    directory = os.path.join(server.directory, "loadable")
    dump(server, directory)
    rows = [[]]
    for line in open(os.path.join(directory, "dbo.tblChat"), encoding="utf-8", errors="replace", newline="\n"):
        fields = line.rstrip("\n").split("\t", 5)
        if len(fields) == 6 and all(field.isdigit() for field in fields[:5]):
            rows.append(fields)
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        for *numbers, text in rows[1:]:
            content, _, rtf = text.rpartition("\t")
            out.write("\t".join([*numbers, plain(content) or " ", plain(rtf)]) + "\n")
    return len(rows) - 1


def deflated(blocks):
    packer = zlib.compressobj(6)
    return sum(len(packer.compress(block)) for block in blocks) + len(packer.flush())


def files(directory):
    return [os.path.join(directory, name) for name in sorted(os.listdir(directory))]


def deflated_dump(directory):
    return deflated(open(path, "rb").read() for path in files(directory))


ARCHIVERS = ("gzip -6", "zstd -3", "zstd -19")
# zstd 1.5.4 was seen to wait for itself for ever with its threads for input and output.
ARCHIVER_OPTIONS = {"gzip": "-q -c", "zstd": "-q -c --no-asyncio"}


def archived(directory, command):
    """Bytes of the whole dump through a compressor."""
    pipe = f"cat {' '.join(map(shlex.quote, files(directory)))} | {command} {ARCHIVER_OPTIONS[command.split()[0]]} | wc -c"
    return int(run(["/bin/sh", "-c", pipe], timeout=600)[1])


def new_lines(old, new):
    """(bytes, bytes deflated) of the lines of a dump that the dump before did not have."""
    found = []
    for path in files(new):
        before = os.path.join(old, os.path.basename(path))
        known = set(open(before, "rb")) if os.path.exists(before) else set()
        found += [line for line in open(path, "rb") if line not in known]
    return sum(map(len, found)), deflated(found)


def size_of(directory):
    """Bytes of all files under a directory."""
    return sum(os.path.getsize(os.path.join(root, name)) for root, _, names in os.walk(directory) for name in names)


class Restic:
    name = "restic --compression max"

    def __init__(self, directory):
        self.repository = os.path.join(directory, "restic")
        self.environment = {"RESTIC_PASSWORD": "bench", "RESTIC_REPOSITORY": self.repository}
        run(["restic", "init", "--no-cache"], self.environment)

    def keep(self, directory):
        run(["restic", "backup", "--no-cache", "--compression", "max", "."], self.environment, cwd=directory)
        return size_of(self.repository)


class Borg:
    name = "borg zlib,6"

    def __init__(self, directory):
        self.repository, self.count = os.path.join(directory, "borg"), 0
        self.environment = {"BORG_BASE_DIR": os.path.join(directory, "borg-base"), "BORG_PASSPHRASE": "bench",
                            "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"}
        run(["borg", "init", "-e", "repokey", self.repository], self.environment)

    def keep(self, directory):
        self.count += 1
        run(["borg", "create", "--compression", "zlib,6", f"{self.repository}::{self.count}", "."], self.environment,
            cwd=directory)
        return size_of(self.repository)

# SPDX-License-Identifier: Apache-2.0
"""Little damage restored by difference against whole-table replacement: rows, log, time, time under locks."""
import json
import statistics
import subprocess
import threading
import time

LOG = ("SET NOCOUNT ON SELECT ISNULL(MAX(database_transaction_log_bytes_used), 0) FROM sys.dm_tran_database_transactions "
       "WHERE database_id = DB_ID('mgc')")


class Watch(threading.Thread):
    """The most log that a transaction of the database was seen to hold. A sample may come too early, never too high."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.most, self.over = server, 0, threading.Event()

    def run(self):
        while not self.over.is_set():
            self.most = max(self.most, int(self.server.sql(LOG, "mgc").strip() or 0))
            self.over.wait(0.1)


def restore(box, server, *options):
    """Rows deleted and inserted, log bytes, seconds in all, and seconds from the first lock to the answer to COMMIT."""
    watch = Watch(server)
    watch.start()
    began, locked, free = time.monotonic(), None, None
    run = subprocess.Popen(box.command("restore", "mgc", "--json", *options), stdout=subprocess.PIPE, text=True)
    outcome = None
    for line in run.stdout:
        block = json.loads(line)
        phase = block.get("phase")
        if phase == "lock" and not locked:
            locked = time.monotonic()
        if phase == "statistics" and not free:
            free = time.monotonic()
        if block["block"] == "outcome":
            outcome = block
    run.wait()
    ended = time.monotonic()
    watch.over.set()
    watch.join()
    if run.returncode or outcome["state"] != "done":
        raise AssertionError(f"the restore failed: {outcome}")
    return {"rows": outcome["rows_deleted"] + outcome["rows_inserted"], "log": watch.most, "time": ended - began,
            "locked": (free or ended) - (locked or began)}


def lose_room(server):
    """Deletes a room of about the median size; returns what that was."""
    rooms = sorted((int(count), int(room)) for room, count in (line.split() for line in server.sql(
        "SET NOCOUNT ON SELECT channelId, COUNT(*) FROM dbo.tblChat GROUP BY channelId", "mgc").splitlines() if line.strip()))
    count, room = rooms[len(rooms) // 2]
    server.sql(f"DELETE FROM dbo.tblChat WHERE channelId = {room}", "mgc")
    return f"a lost room of {count} messages, one of {len(rooms)}"


def spoil_rows(server):
    """Changes one message in fifty, all over the table: as many ranges of one row."""
    count = int(server.sql("SET NOCOUNT ON UPDATE dbo.tblChat SET content = N'spoilt' WHERE chatId % 50 = 7; "
                           "SELECT COUNT(*) FROM dbo.tblChat WHERE chatId % 50 = 7", "mgc").strip())
    return f"{count} messages changed, one in fifty"


def compare_damage(box, server, report, rounds, damage):
    """By difference and whole in turns; whole is what a restore does that has no list of the present state."""
    taken = {"range": [], "whole": []}
    for _ in range(rounds):
        for way in taken:
            done = damage(server)
            taken[way].append(restore(box, server, *([] if way == "range" else ["--without-safety"])))
    middle = {way: {what: statistics.median(one[what] for one in runs) for what in runs[0]} for way, runs in taken.items()}
    report.line(f"{done}: rows deleted and inserted", f"{middle['range']['rows']:.0f}")
    for what, name, form in (("rows", "rows of the whole table", "{:.0f}"), ("log", "log bytes of the transaction", "{:.0f}"),
                             ("time", "seconds of the whole restore", "{:.2f}"), ("locked", "seconds under locks", "{:.2f}")):
        ours, theirs = middle["range"][what], middle["whole"][what]
        report.line(f"  by difference against whole: {name}", form.format(ours) + " : " + form.format(theirs),
                    ours / theirs if theirs else None)


def compare(box, server, report, rounds):
    box.ok("backup", "mgc")
    for damage in (lose_room, spoil_rows):
        compare_damage(box, server, report, rounds, damage)

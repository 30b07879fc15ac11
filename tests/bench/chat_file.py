# SPDX-License-Identifier: Apache-2.0
"""Chat to measure with: what the stand-in makes up, or real messages of a file.

These go in by INSERT, as freebcp stops at some characters.

A line of the file is a message number, a room, a user, seconds since 1970 and text, tab-separated, in time order.
"""
import os
import re

TICKS_1970 = 621355968000000000


def part_of_room(room, number, parts):
    """Few rooms become many, as rowgroup.c does it: talk stays together in blocks of 50, low parts get most of it."""
    mask = (1 << 64) - 1
    h = ((number // 50 + 1) * 0x9e3779b97f4a7c15) & mask
    h = ((h ^ h >> 29) * 0xbf58476d1ce4e5b9) & mask
    h = (h ^ h >> 32) % 1000
    return room * parts + h * h * parts // 1000000


class MadeUp:
    """Messages out of the stand-in's own generator."""

    def __init__(self, count, night):
        self.count, self.night, self.what = count, night, f"{count} made-up messages in 300 rooms"

    def options(self, count=None):
        return ["--chat", f"messages={count or self.count},rooms=300,users=500,seed=1"]

    def load(self, server):
        pass

    def add_night(self, server):
        server.tell(f"chat night={self.night}")


class Real:
    """Messages out of a file: the last nights of it are kept back for later."""

    def __init__(self, path, count, night, nights, parts):
        with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
            self.lines = [line.rstrip("\n").split("\t", 4) for line in file]
        base = len(self.lines) - night * nights
        if count:
            base = min(base, count)
        if base <= 0:
            raise SystemExit(f"{path}: too few messages for {nights} nights of {night}")
        self.night, self.base, self.at, self.parts, self.next_id = night, base, 0, parts, {}
        rooms = {part_of_room(int(line[1]), int(line[0]), parts) for line in self.lines[:base]}
        self.count, self.what = base, f"{base} messages of {os.path.basename(path)} in {len(rooms)} rooms"

    def options(self, count=None):
        return ["--chat", "messages=1000,rooms=300,users=500,seed=1"]

    def row(self, line):
        room = part_of_room(int(line[1]), int(line[0]), self.parts)
        self.next_id[room] = self.next_id.get(room, 0) + 1
        text = line[4].replace("'", "''")
        return f"({room}, {self.next_id[room]}, {int(line[3]) * 10**7 + TICKS_1970}, {line[2]}, 0, N'{text}', NULL)"

    def insert(self, server, count):
        lines = self.lines[self.at:self.at + count]
        self.at += count
        script = []
        for first in range(0, len(lines), 500):
            script.append("INSERT INTO dbo.tblChat (channelId, chatId, chatDate, userId, isAlert, content, rtf) VALUES "
                          + ",\n".join(map(self.row, lines[first:first + 500])))
        server.script("USE mgc\nGO\n" + "\nGO\n".join(script) + "\nGO\n")
        loaded = re.search(r"^\d+$", server.sql("SET NOCOUNT ON SELECT COUNT(*) FROM dbo.tblChat", "mgc"), re.M)
        if int(loaded.group()) != self.at:
            raise AssertionError(f"the server has {loaded.group()} of {self.at} messages")

    def load(self, server):
        server.sql("DELETE FROM dbo.tblChat", "mgc")
        self.insert(server, self.base)

    def add_night(self, server):
        self.insert(server, self.night)

# SPDX-License-Identifier: Apache-2.0
"""Peak memory of keeper and worker together does not grow with the database, and is small."""
import os
import re
import threading
import time

import world as stage

LIMIT_KIB = 24 * 1024
SPREAD_KIB = 1024


def proportional_kib(pid):
    """Resident memory with shared pages shared out, as the kernel counts it."""
    try:
        return int(re.search(r"^Pss:\s+(\d+)", open(f"/proc/{pid}/smaps_rollup").read(), re.M).group(1))
    except (OSError, AttributeError):
        return 0




def all_children(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            found += [int(p) for p in open(f"/proc/{pid}/task/{task}/children").read().split()]
        except OSError:
            pass
    return found


def peak_of_backup(box):
    peak = 0
    ended = threading.Event()

    def watch():
        nonlocal peak
        while not ended.is_set():
            pid = box.process.pid
            peak = max(peak, proportional_kib(pid) + sum(map(proportional_kib, all_children(pid))))
            time.sleep(0.01)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        box.ok("backup", "mgc")
    finally:
        ended.set()
        watcher.join()
    return peak


def test_a_backup_takes_the_same_memory_at_ten_times_the_rows(world):
    peaks = {}
    for messages in (200_000, 2_000_000):
        server = world.server("--chat", f"messages={messages},rooms=300,users=500,seed=1", name=f"server{messages}")
        server.add_logins("mgc", "mgccomp")
        box = world.box(server, name=f"box{messages}")
        peaks[messages] = peak_of_backup(box)
        box.stop()
        server.stop()
    print(f"peak KiB of keeper and worker: {peaks}")
    assert max(peaks.values()) < LIMIT_KIB
    assert abs(peaks[2_000_000] - peaks[200_000]) <= SPREAD_KIB

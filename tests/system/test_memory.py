# SPDX-License-Identifier: Apache-2.0
"""Peak memory of keeper and worker together does not grow with the database, and is small."""
import os
import re
import shutil
import threading
import time

import world as stage

LIMIT_KIB = 24 * 1024
SPREAD_KIB = 1024


def high_water_kib(pid):
    """The most that was ever resident, shared libraries included, as the kernel counts it; 0 once the process is gone."""
    try:
        return int(re.search(r"^VmHWM:\s+(\d+)", open(f"/proc/{pid}/status").read(), re.M).group(1))
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
    """The keeper's high-water mark and its workers' highest: libraries that both map are counted twice."""
    workers = {}
    ended = threading.Event()

    def watch():
        while not ended.is_set():
            for pid in all_children(box.process.pid):
                workers[pid] = max(workers.get(pid, 0), high_water_kib(pid))
            time.sleep(0.005)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        box.ok("backup", "mgc")
    finally:
        ended.set()
        watcher.join()
    assert workers
    return high_water_kib(box.process.pid) + max(workers.values())


def test_a_backup_takes_the_same_memory_at_ten_times_the_rows(world):
    peaks = {}
    for messages in (200_000, 2_000_000):
        server = world.server("--chat", f"messages={messages},rooms=300,users=500,seed=1", name=f"server{messages}")
        server.add_logins("mgc", "mgccomp")
        box = world.box(server, name=f"box{messages}")
        runs = []
        for _ in range(2):  # the kernel maps more or less of a library around each page that is touched: the lesser counts
            runs.append(peak_of_backup(box))
            box.stop()
            shutil.rmtree(box.store)
            os.makedirs(box.store)
            os.remove(f"{box.directory}/key")
            box.init()
            box.start()
        peaks[messages] = min(runs)
        box.stop()
        server.stop()
    print(f"peak KiB of keeper and worker: {peaks}")
    assert max(peaks.values()) < LIMIT_KIB
    assert abs(peaks[2_000_000] - peaks[200_000]) <= SPREAD_KIB

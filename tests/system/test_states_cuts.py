# SPDX-License-Identifier: Apache-2.0
"""What goes away in a restore, at whatever point: the worker, the box, its volume. The database is the old one or the wanted
one, and the box says which. As test_states.py, which has the rest; a file of its own, so that both can run at once.
"""
import os
import signal

import pytest

import world as stage
from test_states import EXHAUSTIVE, Scene, worker_of


@pytest.fixture(scope="module")
def scene(shared):
    return Scene(shared, "cuts")


def test_a_worker_that_is_killed_at_a_packet_leaves_the_old_rows_or_the_wanted_ones(scene):
    kills = 0
    for n in range(1, 10000, 1 if EXHAUSTIVE else 9):
        before = scene.strikes()
        scene.server.tell(f"wire stall-at-packet={n}:ever")
        run = scene.begin()
        stage.wait_for(lambda: scene.strikes() > before or run.poll() is not None, 30, "the packet")
        struck = scene.strikes() > before
        worker = worker_of(scene.box) if struck else None
        if worker:
            os.kill(worker, signal.SIGKILL)
        said = run.communicate()[0]
        scene.server.tell("wire none")
        restored = scene.whole(f"a worker killed at packet {n}")
        if not struck:
            assert run.returncode == 0 and restored, said
            break
        kills += 1
        assert run.returncode in (0, 1, 5), said
        if run.returncode != 5:
            assert restored == (run.returncode == 0), said
        else:
            told = scene.settle(said)
            assert (told["state"] == "done") == restored, (told, said)
        if restored:
            assert scene.safety_is_there()
            scene.damage()
    print(f"{kills} workers killed")
    assert kills > 10
    scene.damage()


def kill_and_find_out(scene, what):
    """The daemon is dead: the next start says what is true of the server, and goes on."""
    scene.server.tell("wire none")
    restored = scene.whole(what)
    scene.box.start()
    told = scene.settle(what)
    assert told["recovered"], (what, told)
    assert (told["state"] == "done") == restored, (what, told)
    if restored:
        assert scene.safety_is_there(), what
        scene.damage()
    return told


def test_a_box_that_loses_power_at_a_packet_says_at_the_next_start_what_is_true(scene):
    cuts, sentences = 0, set()
    total = scene.packets_of_a_restore()
    for n in range(3, total) if EXHAUSTIVE else (*range(3, total - 12, 29), *range(total - 12, total)):
        before = scene.strikes()
        scene.server.tell(f"wire stall-at-packet={n}:ever")
        run = scene.begin()
        stage.wait_for(lambda: scene.strikes() > before or run.poll() is not None, 30, "the packet")
        if scene.strikes() == before:  # the last ones come and go with the statistics
            assert n >= total - 12 and run.wait(60) == 0
            run.communicate()
            scene.server.tell("wire none")
            scene.damage()
            continue
        scene.box.stop(signal.SIGKILL)
        run.communicate()
        sentences.add(kill_and_find_out(scene, f"a power cut at packet {n}")["sentence"])
        cuts += 1
    print(f"{cuts} power cuts, told as: {sentences}")
    assert any("before anything was changed" in s for s in sentences)
    assert any("has undone it" in s for s in sentences)
    assert any("after COMMIT was sent" in s for s in sentences)


def test_a_box_that_loses_power_at_any_sync_of_a_restore_says_what_is_true(world):
    scene = Scene(world, "writes", faults=True)
    ended = set()
    for n in range(1, 1000):
        scene.box.fault("kill-before" if n % 2 else "kill-after", n)
        run = scene.begin()
        said = run.communicate()[0]
        struck = scene.box.struck()
        scene.box.fault("none")
        if not struck:
            assert run.returncode == 0, said
            break
        scene.box.stop(signal.SIGKILL)
        what = f"a power cut at sync {n}"
        restored = scene.whole(what)
        scene.box.start()
        told = scene.settle(what)
        assert not told or (told["state"] == "done") == restored, (what, told)
        ended.add(told["sentence"] if told else "nothing to tell")  # before the journal had begun, or after it had ended
        if restored:
            assert scene.safety_is_there(), what
            scene.damage()
    print(f"{n} syncs: {ended}")
    assert n > 10 and len(ended) >= 4
    assert scene.look() == scene.wanted
    scene.damage()
    scene.restores_without_hands()
    scene.box.ok("undo", "small")
    assert scene.look() == scene.broken


@pytest.mark.parametrize("fault", ["full", "gone"])
def test_a_volume_that_is_full_or_pulled_at_any_write_of_a_restore_leaves_a_whole_database(world, fault):
    scene = Scene(world, fault, faults=True)
    refused = 0
    for n in range(1, 1000, 1 if EXHAUSTIVE else 3):
        scene.box.fault(fault, n)
        result = scene.box.run("restore", "small")
        struck = scene.box.struck()
        scene.box.fault("none")
        said = f"{fault} at {n}: exit {result.returncode}: {result.stdout}{result.stderr}"
        restored = scene.whole(said)
        if not struck:
            assert result.returncode == 0, said
            break
        assert result.returncode in (0, 1, 5), said
        if result.returncode == 1:
            refused += 1
            assert not restored, said
        elif result.returncode == 0:
            assert restored, said
        if restored:
            scene.damage()
        scene.box.stop(signal.SIGKILL)  # a volume that has failed is opened anew
        scene.box.start()
        scene.settle(said)
    print(f"{n} writes, {refused} refused")
    assert refused > 3
    scene.damage()
    scene.restores_without_hands()

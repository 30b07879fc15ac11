# SPDX-License-Identifier: Apache-2.0
import fcntl
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests/system")]

from world import BUILD, World  # noqa: E402


@pytest.fixture
def world():
    with World() as made:
        yield made


@pytest.fixture(scope="session")
def headless():
    """The build for a box without a panel, whose flash is the kernel's."""
    build = BUILD + "-headless"
    with open(build + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the files here run side by side
        subprocess.run(["make", "-s", "-j2", f"O={build}", "headless_defconfig", "all"], cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL)
    return build

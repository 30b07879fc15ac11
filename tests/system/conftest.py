# SPDX-License-Identifier: Apache-2.0
import pytest

import world as stage


@pytest.fixture
def world():
    with stage.World() as made:
        yield made


@pytest.fixture(scope="module")
def shared():
    """One world for the tests of a file that do not hurt each other."""
    with stage.World() as made:
        yield made

# SPDX-License-Identifier: Apache-2.0
"""What the checks with clients that are not ours share: counting, and the stand-in they talk to."""
import os
import sys
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from world import World  # noqa: E402


def expect(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


def check(tests, *options, **keywords):
    """Runs each test(server, world) against one server; says how many passed; the exit code is theirs."""
    passed = failed = 0
    with World() as world:
        server = world.server(*options, **keywords)
        for test in tests:
            try:
                test(server, world)
                violations = server.tell("violations")
                server.tell("forget")
                expect("breaches of the protocol", violations, [])
                passed += 1
                print(f"ok      {test.__name__}")
            except Exception:
                failed += 1
                print(f"FAILED  {test.__name__}")
                traceback.print_exc(file=sys.stdout)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)

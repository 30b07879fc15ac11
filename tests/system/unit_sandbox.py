#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a program as agent/coffretd.service lets it run, where there is no systemd to do it.

usage: unit_sandbox.py [--write FOLDER] -- PROGRAM ARGUMENT ...

What of the unit counts here: SystemCallFilter (which calls a group has says systemd-analyze), RestrictAddressFamilies,
MemoryDenyWriteExecute, CapabilityBoundingSet, NoNewPrivileges, ProtectSystem=strict with its ReadWritePaths, TasksMax not.
FOLDER stands for what StateDirectory and RuntimeDirectory would be. Needs root.
"""
import ctypes
import os
import re
import socket
import subprocess
import sys

UNIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../agent/coffretd.service")
CLONE_NEWNS, PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP = 0x20000, 38, 24
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | 1  # SCMP_ACT_ERRNO(EPERM)
EQUAL, MASKED_EQUAL = 4, 7
WRITE, EXECUTE = 2, 4
CAPABILITIES = {"CAP_CHOWN": 0, "CAP_FOWNER": 3}
libc = ctypes.CDLL(None, use_errno=True)


class Argument(ctypes.Structure):
    _fields_ = [("number", ctypes.c_uint), ("how", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def settings(key):
    with open(UNIT) as unit:
        return [word for line in unit if line.startswith(key + "=") for word in [line.split("=", 1)[1].strip()]]


def check(result, what):
    if result:
        raise OSError(abs(result) if result < -1 else ctypes.get_errno(), what)


def groups():
    """Of systemd: group -> calls and groups in it."""
    found, name = {}, None
    text = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], capture_output=True, text=True, check=True).stdout
    for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines():
        if line.startswith("@"):
            name = line.strip()
            found[name] = []
        elif name and line.strip() and not line.strip().startswith("#"):
            found[name].append(line.strip())
    return found


def allowed_calls():
    known = groups()

    def spread(word):
        return set().union(*map(spread, known[word])) if word in known else {word}

    allowed = spread("@default")
    for line in settings("SystemCallFilter"):
        words = set().union(*map(spread, line.lstrip("~").split()))
        allowed = allowed - words if line.startswith("~") else allowed | words
    return allowed


def filter_calls():
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p

    def number(name):
        return seccomp.seccomp_syscall_resolve_name(name.encode())

    def rule(at, action, name, *arguments):
        array = (Argument * len(arguments))(*arguments)
        seccomp.seccomp_rule_add_array(ctypes.c_void_p(at), ctypes.c_uint32(action), number(name), len(arguments), array)

    both = Argument(2, MASKED_EQUAL, WRITE | EXECUTE, WRITE | EXECUTE)
    no_code = seccomp.seccomp_init(ctypes.c_uint32(ALLOW))
    rule(no_code, REFUSE, "mmap", both)
    rule(no_code, REFUSE, "mprotect", Argument(2, MASKED_EQUAL, EXECUTE, EXECUTE))
    few_calls = seccomp.seccomp_init(ctypes.c_uint32(REFUSE))
    for name in allowed_calls() - {"socket"}:
        if number(name) >= 0:
            rule(few_calls, ALLOW, name)
    for family in " ".join(settings("RestrictAddressFamilies")).split():
        rule(few_calls, ALLOW, "socket", Argument(0, EQUAL, int(getattr(socket, family)), 0))
    for context in (no_code, few_calls):
        check(seccomp.seccomp_load(ctypes.c_void_p(context)), "seccomp_load")


def is_under(path, folders):
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


def protect_system(more):
    """All is read-only but what the unit names, /dev, /proc and /sys; what is mounted outside later comes in."""
    def mount(*arguments):
        return subprocess.run(["mount", *arguments], capture_output=True, text=True)

    check(libc.unshare(CLONE_NEWNS), "unshare")
    mount("--make-rslave", "/")
    named = [path.lstrip("-") for line in settings("ReadWritePaths") for path in line.split()]
    writable = [os.path.realpath(path) for path in named + more if os.path.exists(path)]
    for folder in writable:
        mount("--rbind", folder, folder)
    with open("/proc/self/mountinfo") as info:
        mounted = [line.split()[4] for line in info]
    for place in mounted:
        if not is_under(place, writable + ["/dev", "/proc", "/sys"]):
            mount("-o", "remount,bind,ro", place)


def drop_powers():
    keep = [CAPABILITIES[name] for line in settings("CapabilityBoundingSet") for name in line.split()]
    last = int(open("/proc/sys/kernel/cap_last_cap").read())
    for capability in set(range(last + 1)) - set(keep):
        check(libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), "capability")
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def main():
    at = sys.argv.index("--")
    protect_system([folder for word, folder in zip(sys.argv[1:at], sys.argv[2:at]) if word == "--write"])
    drop_powers()
    filter_calls()
    os.execv(sys.argv[at + 1], sys.argv[at + 1:])


main()

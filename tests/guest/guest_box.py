# SPDX-License-Identifier: Apache-2.0
"""A box in a guest machine: coffretd and coffret there, the stand-in server on the machine below."""
import glob
import json

from guest import Guest
from world import BACKUP, BUILD, RESTORE

# What FreeTDS converts with; the C library looks for it where it lies here.
CONVERTERS = [path for name in ("UTF-16.so", "ISO8859-1.so", "gconv-modules.cache")
              for path in glob.glob("/usr/lib/*/gconv/" + name)]
CONFIG = """
[box]
volume = {volume}
key_file = /box/key
state_directory = /box/state
socket = /box/socket
{box_extra}
[server sql]
host = 10.0.2.2
port = {port}
certificate_name = localhost
ca_file = /box/ca.pem
profile = any
databases = small
backup_login = {backup}
backup_password_file = /box/backup.password
restore_login = {restore}
restore_password_file = /box/restore.password
{extra}
"""


class GuestBox(Guest):
    def __init__(self, world, server, build, modules=(), programs=(), converters=CONVERTERS):
        self.server = server
        ours = [f"{build}/{name}" for name in ("coffretd", "coffret", "coffret-worker")]
        super().__init__(BUILD, modules, [*ours, *programs], {
            "box/ca.pem": open(world.certificates.path("ca.pem")).read(),
            "box/backup.password": BACKUP[1] + "\n", "box/restore.password": RESTORE[1] + "\n"}, converters)

    def configure(self, volume, box_extra="", extra=""):
        self.send("/box/conf", CONFIG.format(
            volume=volume, box_extra=box_extra, extra=extra, port=self.server.port,
            backup=BACKUP[0], restore=RESTORE[0]))

    def init(self):
        return self.ok("coffretd --config /box/conf --init")

    def start_daemon(self):
        self.ok("coffretd --config /box/conf >>/box/log 2>&1 & echo $! >/box/pid")
        self.ok("until coffret --config /box/conf status >/dev/null; do kill -0 $(cat /box/pid) || "
                "{ cat /box/log; exit 1; }; sleep 0.2; done", 120)

    def stop_daemon(self, how="TERM"):
        self.ok(f"kill -{how} $(cat /box/pid); while kill -0 $(cat /box/pid); do sleep 0.1; done", 120)

    def coffret(self, arguments):
        return self.ok(f"coffret --config /box/conf {arguments}")

    def json(self, arguments):
        """The last JSON value that a command printed."""
        out = self.coffret(arguments + " --json").strip()
        try:
            return json.loads(out)
        except json.JSONDecodeError:
            return json.loads(out.splitlines()[-1])

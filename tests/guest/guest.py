# SPDX-License-Identifier: Apache-2.0
"""A guest machine: Debian's kernel in an emulator, for drivers and file systems that the machine below has not.

All that is in it lies in one archive in memory: busybox, kernel modules, and programs with their libraries. Commands go
down a serial line, one after the other; 10.0.2.2 is the machine below. What is plugged in by `plug` can be pulled out.
"""
import base64
import contextlib
import fcntl
import glob
import json
import lzma
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# Debian's generic kernel, unpacked; the one for clouds has neither MTD nor FAT. Its name moves with each update.
KERNEL = "linux-image-amd64"
# For the network, and for sticks that are plugged in.
MODULES = ("virtio_pci", "virtio_net", "xhci_pci", "usb_storage delay_use=0", "sd_mod")
END = re.compile(rb"guest: exit (\d+)\r?\n$")


def output(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def fetch_kernel(directory):
    """Downloads and unpacks it. vmlinux boots in a second; the packed one takes three more to unpack itself."""
    package = re.search(r"Depends: (linux-image-\S+)", output("apt-cache", "depends", KERNEL)).group(1)
    output("apt-get", "-o", "APT::Sandbox::User=root", "download", package, cwd=directory)
    archive, = glob.glob(os.path.join(directory, "*.deb"))
    output("dpkg-deb", "-x", archive, directory)
    os.remove(archive)
    version, = os.listdir(os.path.join(directory, "lib/modules"))
    output("/sbin/depmod", "-b", directory, version)
    with open(os.path.join(directory, "boot", "vmlinuz-" + version), "rb") as file:
        packed = file.read()
    with open(os.path.join(directory, "vmlinux"), "wb") as file:
        file.write(lzma.LZMADecompressor().decompress(packed[packed.index(b"\xfd7zXZ\x00"):]))


def kernel(build):
    """The folder of the unpacked kernel, made at the first call; tests that run side by side share it."""
    os.makedirs(os.path.join(build, "guest"), exist_ok=True)
    done = os.path.join(build, "guest", "kernel")
    with open(os.path.join(build, "guest", "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(done):
            made = tempfile.mkdtemp(dir=os.path.join(build, "guest"))
            fetch_kernel(made)
            os.rename(made, done)
    return done


class Guest:
    """`programs` are paths here, found in the guest's PATH by their names, `files` texts by their paths there, `copies`
    lie where they lie here; `modules` are put in in that order, each behind what it depends on, and may have
    parameters."""

    def __init__(self, build, modules=(), programs=(), files=(), copies=()):
        self.kernel = kernel(build)
        self.directory = tempfile.mkdtemp(prefix="coffret-guest-")
        self.root = self.path("root")
        for name in ("bin", "proc", "sys", "dev", "tmp", "mnt"):
            os.makedirs(os.path.join(self.root, name))
        self.put(shutil.which("busybox"), "bin/busybox")
        self.put(os.path.join(HERE, "init"), "init")
        self.put_modules([*MODULES, *modules])
        for program in programs:
            self.put_program(program)
        for path in copies:
            self.put(path, path)
        for path, text in {"etc/passwd": "root:x:0:0:root:/:/bin/sh\n", "etc/group": "root:x:0:\n",
                           "etc/hosts": "127.0.0.1 localhost\n", **dict(files)}.items():
            self.write(path, text)
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def path(self, name):
        return os.path.join(self.directory, name)

    # ---- what is in it ----

    def put(self, source, path):
        path = os.path.join(self.root, path.lstrip("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy(source, path)

    def write(self, path, text):
        path = os.path.join(self.root, path.lstrip("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)

    def put_program(self, path):
        """With the libraries that the loader would take for it here."""
        self.put(path, "bin/" + os.path.basename(path))
        for library in re.findall(r"(/\S+) \(0x", output("ldd", path)):
            self.put(library, library)

    def put_modules(self, modules):
        version, = os.listdir(os.path.join(self.kernel, "lib/modules"))
        lines = {}
        for module in modules:
            name, *parameters = module.split()
            needed = output("/sbin/modprobe", "-d", self.kernel, "-S", version, "-D", name)
            for path in re.findall(r"^insmod (\S+)", needed, re.M):
                self.put(path, "modules/" + os.path.basename(path))
                lines.setdefault(path, ["/modules/" + os.path.basename(path)])
            lines[path] += parameters
        self.write("modules.order", "".join(" ".join(line) + "\n" for line in lines.values()))

    def pack(self):
        with open(self.path("initramfs"), "wb") as file:
            subprocess.run(["busybox", "cpio", "-o", "-H", "newc"], cwd=self.root, stdout=file, check=True,
                           input=output("find", ".", cwd=self.root).encode(), stderr=subprocess.DEVNULL)
        shutil.rmtree(self.root)
        return self.path("initramfs")

    # ---- its life ----

    def start(self):
        """Emulated whatever the machine below is: slow, but the same everywhere."""
        self.command = [
            "qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-m", "1024", "-smp", "1",
            "-nodefaults", "-display", "none", "-monitor", "none", "-no-reboot",
            "-serial", "file:" + self.path("console"), "-serial", f"unix:{self.path('line')},server=on,wait=off",
            "-qmp", f"unix:{self.path('qmp')},server=on,wait=off", "-device", "qemu-xhci,id=usb",
            "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=",
            "-kernel", os.path.join(self.kernel, "vmlinux"), "-initrd", self.pack(),
            "-append", "console=ttyS0 quiet panic=-1 rdinit=/init"]
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stderr=open(self.path("errors"), "wb"))
        self.line = self.connect("line")
        self.qmp = self.connect("qmp").makefile("rw")
        self.tell("qmp_capabilities")
        assert self.read(120)[0] == 0

    def connect(self, name):
        for _ in range(600):
            with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                line = socket.socket(socket.AF_UNIX)
                line.connect(self.path(name))
                return line
            assert self.process.poll() is None, open(self.path("errors")).read()
            time.sleep(0.05)
        raise AssertionError(f"the emulator does not answer at {name}")

    def stop(self):
        if getattr(self, "process", None):
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # ---- what is done in it ----

    def read(self, seconds):
        self.line.settimeout(seconds)
        text = b""
        while not (end := END.search(text)):
            try:
                part = self.line.recv(65536)
            except TimeoutError:
                part = b""
            if not part:
                console = open(self.path("console"), errors="replace").read()
                raise AssertionError(f"the guest says no more: {text.decode(errors='replace')}\n{console[-3000:]}")
            text += part
        return int(end.group(1)), text[:end.start()].decode(errors="replace").replace("\r\n", "\n")

    def run(self, command, seconds=600):
        """A line for its shell: (exit code, what it printed). seconds: the longest silence."""
        self.line.sendall(command.encode() + b"\n")
        return self.read(seconds)

    def ok(self, command, seconds=600):
        code, text = self.run(command, seconds)
        assert code == 0, f"{command}: exit code {code}\n{text}"
        return text

    def send(self, path, text):
        self.ok(f"echo {base64.b64encode(text.encode()).decode()} | base64 -d >{path}")

    def tell(self, command, **arguments):
        """The emulator, in its own protocol."""
        self.qmp.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.qmp.flush()
        while not {"return", "error"} & (answer := json.loads(self.qmp.readline())).keys():
            pass
        assert "return" in answer, answer

    def plug(self, image):
        """A USB stick, a file here. Until it is there, waits at the block device /dev/sda."""
        self.tell("blockdev-add", **{"node-name": "stick", "driver": "raw", "file": {"driver": "file", "filename": image}})
        self.tell("device_add", driver="usb-storage", id="stick", bus="usb.0", drive="stick")
        self.ok("until [ -b /dev/sda ]; do sleep 0.1; done", 60)

    def pull(self):
        """Out with it, whatever is under way."""
        self.tell("device_del", id="stick")
        self.ok("while [ -b /dev/sda ]; do sleep 0.1; done", 60)
        self.tell("blockdev-del", **{"node-name": "stick"})

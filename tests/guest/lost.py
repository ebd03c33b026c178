# SPDX-License-Identifier: Apache-2.0
"""The file of persistent memory is cut short, or has no room on its file system, while a guest uses it: weft and the
guest go on, and it is said which device it is, where the file has it, and what to do."""
import ctypes
import os
import pathlib
import re
import subprocess

from weftbare import BareMachine
from weftguest import BARE, Tap

MIB = 1 << 20
GO = b"cut."  # what the guest waits for (bare/lost.c)
WAY_OUT = r"; mend it while the guest is off, and start the guest again"


def base_of(m):
    """Where the guest finds the memory: state.yaml keeps it."""
    path = m.directory / "private/state/weft" / m.name / "state.yaml"
    m.until("the state is on the disk", lambda: path.exists() and "base:" in path.read_text())
    return int(re.search(r"base: (\w+)", path.read_text())[1], 0)


class Lost(BareMachine):
    """A guest that uses its memory in some order, at the place that a first machine had it."""

    def __init__(self, tap, kind, order, path="data.img", **disk):
        super().__init__(tap, name="lost", devices={
            "serial": {"type": "serial", "output": {"type": "file", "path": "serial.log"}},
            "disk": {"type": "virtio-blk", "path": "disk.img", **disk},
            "data": {"type": kind, "path": path, "size": "2MiB"},
        })
        self.order = order
        self.disk("disk.img", MIB, b"\xab" * MIB)

    def start_guest(self):
        self.start().wait_up()
        self.description["boot"] = {"kernel": str(BARE / "lost"),
                                    "cmdline": f"{base_of(self):x} {2 * MIB:x} {self.order}"}
        self.kill()
        self.start().wait_up()
        self.until("the guest is ready", lambda: "READY" in self.said())

    def cut(self, size):
        os.truncate(self.path("data.img"), size)
        self.go_on("data.img")

    def go_on(self, name):
        with open(self.path(name), "r+b") as f:
            f.write(GO)

    def said(self):
        path = self.directory / "serial.log"
        return path.read_text() if path.exists() else ""

    def facts(self):
        return {k: int(v) for k, v in re.findall(r"^([\w-]+)=(\d+)$", self.said(), re.M)}


def cut(tap, kind, order, size, **disk):
    what = f"{kind} cut to {size}, {order} {disk or ''}"
    with Lost(tap, kind, order, **disk) as m:
        m.start_guest()
        m.cut(size)
        tap.equal(f"{what}: the guest ends in order", m.wait_exit(60), 0)
        found, log = m.facts(), m.log()
        tap.check(f"{what}: what is gone reads as zeros and can be used, what is left is left", m.said().rstrip().endswith("PASS")
                  and [found.get(k) for k in ("user", "written", "kernel", "kernel-written", "first")] == [0, 6, 0, 7, 5],
                  m.said() + log)
        # A request whose buffer nobody has looked for yet may fail; later there is memory.
        tap.check(f"{what}: requests with buffers there come back", {found.get("in"), found.get("out")} <= {0, 1}, m.said())
        tap.check(f"{what}: it is said once which device, where and what to do", len(re.findall(
            rf"devices\.data \(\S*machine\.yaml:\d+\): '\S*data\.img' was cut short to .*{WAY_OUT}", log)) == 1, log)
        tap.equal(f"{what}: nobody makes the file longer", os.stat(m.path("data.img")).st_size, size)
        m.check_nothing_left()


def condition(tap, kind):
    """While the guest runs on."""
    with Lost(tap, kind, "uw") as m:
        m.start_guest()
        m.cut(MIB)
        m.until("it is lost", lambda: m.holds("Degraded"))
        now = m.conditions()["Degraded"]
        tap.check(f"{kind}: a condition says so", now["reason"] == "BackingLost" and "data.img" in now["message"], now)
        m.description["devices"]["rng"] = {"type": "virtio-rng"}
        m.write_description()
        m.until_devices("serial", "disk", "data", "rng")
        tap.check(f"{kind}: an edit of something else does not hide it", m.holds("Degraded"))
        tap.equal(f"{kind}: it is logged once", m.log().count("was cut short"), 1)


def ram(tap):
    """RAM that others may map cannot be cut short by them."""
    with BareMachine(tap, name="ram", memory={"size": "16MiB", "shared": True}) as m:
        m.start().wait_up()
        files = [f for f in pathlib.Path(f"/proc/{m.pid}/fd").iterdir() if "weft-ram" in os.readlink(f)]
        tap.check("shared RAM is a file", len(files) == 1, files)
        try:
            os.truncate(files[0], 0)
            tap.check("that nobody can cut short", False)
        except PermissionError:
            tap.check("that nobody can cut short", m.alive())


def full(tap):
    """A sparse file on a file system without room: the guest's pages go nowhere."""
    if os.geteuid() != 0 or ctypes.CDLL(None, use_errno=True).unshare(0x00020000) != 0:
        tap.skip("a file system that is full", "it takes root")
        return
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    with Lost(tap, "nvdimm", "uk", path="small/data.img") as m:
        (m.directory / "small").mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", m.path("small")], check=True)
        m.disk("small/data.img", 2 * MIB)
        m.start_guest()
        m.go_on("small/data.img")
        tap.equal("a full file system: the guest ends in order", m.wait_exit(60), 0)
        tap.check("a full file system: its pages are memory", m.said().rstrip().endswith("PASS") and
                  m.facts().get("user") == 5, m.said())
        tap.check("a full file system: it is said", re.search(
            rf"devices\.data \(\S*machine\.yaml:\d+\): pages of '\S*data\.img' cannot be had .*{WAY_OUT}", m.log()), m.log())
        subprocess.run(["umount", m.path("small")], check=True)


def main():
    tap = Tap()
    cut(tap, "nvdimm", "ukio", MIB)
    cut(tap, "nvdimm", "kuio", 3000)
    cut(tap, "nvdimm", "ioku", MIB)
    cut(tap, "virtio-pmem", "ukio", 3000)
    cut(tap, "virtio-pmem", "oiuk", MIB)
    cut(tap, "virtio-pmem", "iouk", MIB, engine="threads")
    condition(tap, "nvdimm")
    condition(tap, "virtio-pmem")
    ram(tap)
    full(tap)
    tap.done()


main()

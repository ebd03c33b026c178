#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What an edit costs: from the file to the machine and to the guest; beside QEMU; and what many edits leave behind.

    make bench-reload [N=20] [EDITS=10000] [LINUX=5]

Times of stages are those of weft's own log; those to the guest are measured from outside, from the moment the file is
closed (and SIGHUP sent) to the byte that a guest writes when the new device is in its configuration space: arrive.c,
which looks all the time. The debounce of the watch (150 ms of quiet) is apart. With LINUX, a Linux guest as well: there
it is /dev/vda that counts, after ACPI, PCI and virtio_blk; where KVM emulates kernel code, that is what is measured.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "guest"))
from weftbare import BareMachine  # noqa: E402
from weftguest import BARE, GUEST, Guest, Tap, signal  # noqa: E402

N = int(os.environ.get("N") or 20)
EDITS = int(os.environ.get("EDITS") or 10000)
LINUX = int(os.environ.get("LINUX") or 0)
LINE = re.compile(r"^weft: (\d+\.\d+) debug: edit: (\w+)", re.M)
MIB = 1 << 20


def show(name, values, target=None):
    values = sorted(v * 1e3 for v in values)
    median = statistics.median(values)
    verdict = "" if target is None else f"   target < {target} ms: {'met' if median < target else 'MISSED'}"
    print(f"{name:58} {median:8.3f} ms   worst {values[-1]:8.3f} ms{verdict}", flush=True)
    return median


def memory(m):
    """Resident kB that are the process's own."""
    return int(re.search(r"^RssAnon:\s+(\d+)", pathlib.Path(f"/proc/{m.pid}/status").read_text(), re.M)[1])


def connect(path, alive=lambda: True):
    end = time.monotonic() + 60
    while True:
        peer = socket.socket(socket.AF_UNIX)
        try:
            peer.connect(path)
            peer.settimeout(60)
            return peer
        except OSError:
            peer.close()
            if time.monotonic() > end or not alive():
                raise
            time.sleep(0.01)


class Reporter:
    """The other end of the guest's debug port."""

    def __init__(self, peer):
        self.peer = peer

    def wait(self, byte):
        """When it came."""
        while True:
            got = self.peer.recv(1)
            assert got, "the guest's debug port is closed"
            if got == byte:
                return time.monotonic()


class Machine(BareMachine):
    reporter = None

    def begin(self):
        """Starts it, with the guest that looks."""
        self.description["devices"]["report"] = {"type": "debug-console", "output": {"type": "socket", "path": "report"}}
        self.start().wait_up()
        self.reporter = Reporter(connect(self.path("report")))
        self.reporter.wait(b"U")
        return self

    def wait_log_from(self, start, text):
        end = time.monotonic() + 30
        while text not in self.log()[start:]:
            assert self.alive() and time.monotonic() < end, self.log()[-2000:]
            time.sleep(0.002)

    def edit(self, text=None):
        """When the file was closed."""
        self.file.write_text(self.text() if text is None else text)
        closed = time.monotonic()
        self.signal(signal.SIGHUP)
        return closed

    def stages(self):
        """The times of one edit, in seconds: read and planned, committed, saved, and when the file was closed."""
        start = len(self.log())
        closed = self.edit()
        self.wait_log_from(start, "edit: saved")
        at = {name: float(t) for t, name in LINE.findall(self.log()[start:])}
        return at["planned"] - at["reading"], at["committed"] - at["planned"], at["saved"] - at["committed"], closed

    def remove(self, name):
        del self.description["devices"][name]
        self.edit()
        self.until("the disk has gone", lambda: name not in self.devices())


def fill(m, pci, others):
    """A description of @pci disks and of @others that sit on no bus of PCI."""
    devices = m.description["devices"]
    for i in range(pci):
        devices[f"disk{i}"] = {"type": "virtio-blk", "path": m.disk(f"{i}.img", MIB)}
    rest = {f"nvdimm{i}": {"type": "nvdimm", "path": m.disk(f"{i}.nv", 2 * MIB), "size": "2MiB"} for i in range(8)}
    rest["serial"] = {"type": "serial", "output": None}
    rest["debug"] = {"type": "debug-console", "port": 1026, "output": None}
    devices.update(list(rest.items())[:others])


def measure(pci, others, n):
    """The stages of adding one disk to so many devices (and the one that reports); the machine's, then the guest's."""
    planned, committed, saved, live, seen = [], [], [], [], []
    with Machine(Tap(), guest="arrive") as m:
        m.arguments = ["-vv"]
        m.description["reload"] = {"watch": "off"}
        fill(m, pci, others)
        last = {"type": "virtio-blk", "path": m.disk("last.img", MIB)}
        m.begin()
        for i in range(n):
            m.description["lifecycle"] = {"reset": ("stop", "reboot")[i % 2]}
            live.append(sum(m.stages()[:2]))
            m.description["devices"]["last"] = last
            times = m.stages()
            for values, t in zip((planned, committed, saved), times):
                values.append(t)
            seen.append(m.reporter.wait(b"+") - times[3])
            m.remove("last")
        return planned, committed, saved, live, seen, os.path.getsize(m.file)


def latency():
    medians = []
    for pci, others in ((8, 1), (19, 1), (30, 1)):
        medians.append((pci + others + 2, statistics.median(measure(pci, others, max(5, N // 4))[0])))
    planned, committed, saved, live, seen, size = measure(30, 10, N)
    medians.append((42, statistics.median(planned)))
    print(f"one virtio-blk more in a full machine: 42 devices (31 on PCI, 8 nvdimm, 3 ports; there is room for no more), "
          f"{size} bytes of description, {N} times:")
    show("  file read, checked, compiled, planned", planned, 2)
    show("  prepared and committed", committed, 5)
    show("  told and handed over to be saved", saved)
    show("  file closed → the guest sees it", seen)
    show("  a live property instead: all but saving", live)
    slope, base = statistics.linear_regression([n for n, _ in medians], [t for _, t in medians])
    print("  planned by number of devices: " + ", ".join(f"{n}: {t * 1e3:.3f} ms" for n, t in medians)
          + f"; on this line 64 would take {(base + 64 * slope) * 1e3:.3f} ms")


def watched():
    """The same with the watch of the file, which waits until the file is quiet."""
    values = []
    with Machine(Tap(), guest="arrive") as m:
        m.begin()
        for i in range(max(5, N // 4)):
            m.description["devices"]["last"] = {"type": "virtio-blk", "path": m.disk("last.img", MIB)}
            m.file.write_text(m.text())
            closed = time.monotonic()
            values.append(m.reporter.wait(b"+") - closed)
            m.remove("last")
            time.sleep(0.4)  # for what the watch has seen of that
    show("by the watch: file closed → the guest sees it", values)
    show("  without its 150 ms of quiet", [v - 0.15 for v in values])


class Qemu:
    """A machine of QEMU whose first bus takes devices while it runs."""

    def __init__(self, directory):
        self.directory = directory
        report, monitor = str(directory / "report"), str(directory / "qmp")
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-M", "pc", "-enable-kvm", "-cpu", "host,-arch-capabilities,-cx16", "-m", "16",
             "-kernel", str(BARE / "arrive"), "-nodefaults", "-no-user-config", "-display", "none",
             "-chardev", f"socket,id=r,path={report},server=on,wait=off", "-device", "isa-debugcon,iobase=0xe9,chardev=r",
             "-qmp", f"unix:{monitor},server=on,wait=off"], stdin=subprocess.DEVNULL)
        self.reporter = Reporter(connect(report, lambda: self.process.poll() is None))
        self.monitor = connect(monitor).makefile("rw")
        self.monitor.readline()
        self.ask("qmp_capabilities")
        self.reporter.wait(b"U")

    def ask(self, command, **arguments):
        self.monitor.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.monitor.flush()
        while True:
            answer = json.loads(self.monitor.readline())
            assert "error" not in answer, answer
            if "return" in answer:
                return time.monotonic()

    def add(self, name, path):
        """How long until the commands have returned, and until the guest sees it."""
        began = time.monotonic()
        self.ask("blockdev-add", **{"driver": "raw", "node-name": name, "file": {"driver": "file", "filename": path}})
        done = self.ask("device_add", driver="virtio-blk-pci", id=f"d{name}", drive=name)
        return done - began, self.reporter.wait(b"+") - began

    def end(self):
        self.process.kill()
        self.process.wait()


def beside_qemu():
    """The first disk of an empty machine, in turns; each machine is given N disks one after the other."""
    n = min(N, 24)
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as directory, contextlib.ExitStack() as stack:
        here = pathlib.Path(directory)
        qemu = Qemu(here)
        stack.callback(qemu.end)
        m = stack.enter_context(Machine(Tap(), guest="arrive"))
        m.description["reload"] = {"watch": "off"}
        m.begin()
        ours, theirs, returned = [], [], []
        for i in range(n):
            path = m.disk(f"{i}.img", MIB)
            m.description["devices"][f"disk{i}"] = {"type": "virtio-blk", "path": path}
            closed = m.edit()
            ours.append(m.reporter.wait(b"+") - closed)
            with open(here / f"{i}.img", "wb") as f:
                f.truncate(MIB)
            done, seen = qemu.add(f"n{i}", str(here / f"{i}.img"))
            returned.append(done)
            theirs.append(seen)
    print(f"{n} disks, one after the other, in turns:")
    a = show("  weft: file closed → the guest sees it", ours)
    b = show("  QEMU: blockdev-add, device_add → the guest sees it", theirs)
    show("        … until the commands have returned", returned)
    print(f"  weft takes {a / b:.2f} of it")


def linux():
    values = []
    with Guest(Tap(linux=True), name="bench", devices={}) as g:
        g.arguments.append("-v")  # for follow()
        g.boot()
        for _ in range(LINUX):
            g.description["devices"]["last"] = {"type": "virtio-blk", "path": g.disk("last.img", MIB)}
            g.write_description()
            closed = time.monotonic()
            g.command("wait /dev/vda 60000")
            values.append(time.monotonic() - closed - 0.15)
            del g.description["devices"]["last"]
            g.follow()
    show("Linux: file closed → /dev/vda, without the 150 ms of quiet", values)


def growth():
    with Machine(Tap(), guest="eject") as m:
        m.description["reload"] = {"watch": "off"}
        m.start().wait_up()
        state = m.directory / "private/state/weft/bare/state.yaml"
        m.until("its state is saved", state.exists)
        first = m.status()["generation"]

        def live(n):
            for _ in range(n):
                m.edit(m.text(lifecycle={"power-off-timeout": f"{10 + live.count % 97}s"}))
                live.count += 1
                while state.read_text() == live.before:
                    pass
                live.before = state.read_text()

        def plugs(n):
            for _ in range(n):
                m.edit(m.text("a", "b"))
                m.until("they are there", lambda: m.devices() == {"a", "b"})
                m.edit(m.text())
                m.until("they are gone", lambda: m.devices() == set())
        live.count, live.before = 0, ""
        live(500)
        plugs(20)
        before, fds, threads = memory(m), m.descriptors(), m.threads()
        began = time.monotonic()
        live(EDITS)
        middle = memory(m)
        took = time.monotonic() - began
        plugs(EDITS // 100)
        print(f"{m.status()['generation'] - first} generations: {EDITS} live edits in {took:.1f} s, "
              f"{EDITS // 100} times two devices in and out")
        print(f"  memory {before} kB, {middle} kB after the live edits, {memory(m)} kB after the devices")
        print(f"  descriptors {fds} → {m.descriptors()}, threads {threads} → {m.threads()}")


latency()
watched()
if shutil.which("qemu-system-x86_64"):
    beside_qemu()
if LINUX and (GUEST / "vmlinux").exists():
    linux()
if EDITS:
    growth()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What an edit costs: from the file to the machine, with a full bus; and what many edits leave behind.

    make bench-reload [N=20] [EDITS=10000]

The times are those of weft's own log. The debounce of the watch (150 ms) is not in them.
"""
import os
import pathlib
import re
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "guest"))
from weftbare import BareMachine  # noqa: E402
from weftguest import Tap, signal  # noqa: E402

N = int(os.environ.get("N") or 20)
EDITS = int(os.environ.get("EDITS") or 10000)
LINE = re.compile(r"^weft: (\d+\.\d+) debug: edit: (\w+)", re.M)


def show(name, values, target=None):
    values = sorted(v * 1e3 for v in values)
    print(f"{name:44} {statistics.median(values):8.3f} ms   worst {values[-1]:8.3f} ms"
          + (f"   target < {target} ms" if target else ""))


def memory(m):
    """Resident kB that are the process's own."""
    return int(re.search(r"^RssAnon:\s+(\d+)", pathlib.Path(f"/proc/{m.pid}/status").read_text(), re.M)[1])


def descriptors(m):
    return len(os.listdir(f"/proc/{m.pid}/fd"))


def stages(m, edit):
    """The times of the newest edit, in seconds: read and planned, committed, saved."""
    start = len(m.log())
    edit()
    m.wait_log_from(start, "edit: saved")
    at = {name: float(t) for t, name in LINE.findall(m.log()[start:])}
    return at["planned"] - at["reading"], at["committed"] - at["planned"], at["saved"] - at["committed"]


class Machine(BareMachine):
    def wait_log_from(self, start, text):
        end = time.monotonic() + 30
        while text not in self.log()[start:]:
            assert self.alive() and time.monotonic() < end, self.log()[-2000:]
            time.sleep(0.002)

    def edit(self, text):
        self.file.write_text(text)
        self.signal(signal.SIGHUP)


def latency(guest):
    with Machine(Tap(), guest=guest) as m:
        m.arguments = ["-vv"]
        disks = {f"disk{i}": {"type": "virtio-blk", "path": m.disk(f"{i}.img", 1 << 20)} for i in range(31)}
        last = disks.pop("disk30")
        m.description["devices"] = dict(disks)
        m.description["reload"] = {"watch": "off"}
        m.start().wait_up()
        planned, committed, saved, empty = [], [], [], []
        for i in range(N):
            m.description["lifecycle"] = {"reset": ("stop", "reboot")[i % 2]}
            empty.append(sum(stages(m, lambda: m.edit(m.text()))[:2]))
            m.description["devices"]["disk30"] = last
            times = stages(m, lambda: m.edit(m.text()))
            for values, t in zip((planned, committed, saved), times):
                values.append(t)
            del m.description["devices"]["disk30"]
            m.edit(m.text())
            m.until("the disk has gone", lambda: "disk30" not in m.devices())
        print(f"31 virtio-blk, {os.path.getsize(m.file)} bytes of description, {N} times:")
        show("  file read, checked, compiled, planned", planned, 2)
        show("  one added: prepared and committed", committed, 5)
        show("  told and handed over to be saved", saved)
        show("  a live property: all but saving", empty)


def growth():
    with Machine(Tap(), guest="eject") as m:
        m.description["reload"] = {"watch": "off"}
        m.start().wait_up()
        first = m.status()["generation"]

        def live(n):
            for i in range(n):
                m.edit(m.text(lifecycle={"power-off-timeout": f"{10 + live.count % 97}s"}))
                live.count += 1
                while pathlib.Path(m.directory / "private/state/weft/bare/state.yaml").read_text() == live.before:
                    pass
                live.before = pathlib.Path(m.directory / "private/state/weft/bare/state.yaml").read_text()

        def plugs(n):
            for i in range(n):
                m.edit(m.text("a", "b"))
                m.until("they are there", lambda: m.devices() == {"a", "b"})
                m.edit(m.text())
                m.until("they are gone", lambda: m.devices() == set())
        live.count, live.before = 0, ""
        live(500)
        plugs(20)
        before, fds, threads = memory(m), descriptors(m), m.threads()
        began = time.monotonic()
        live(EDITS)
        middle = memory(m)
        took = time.monotonic() - began
        plugs(EDITS // 100)
        print(f"{m.status()['generation'] - first} generations: {EDITS} live edits in {took:.1f} s, "
              f"{EDITS // 100} times two devices in and out")
        print(f"  memory {before} kB, {middle} kB after the live edits, {memory(m)} kB after the devices")
        print(f"  descriptors {fds} → {descriptors(m)}, threads {threads} → {m.threads()}")


latency("eject")
growth()

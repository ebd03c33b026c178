# SPDX-License-Identifier: Apache-2.0
"""A long walk: Linux with one CPU, 256 MiB, a console and a disk, and thirty edits of its file. After every one the guest
is asked what it has, and that is compared with the file."""
import contextlib
import copy
import json
import shutil
import time

from weftguest import PATIENCE, Failure, Guest, Refused, Tap, run_weft

MIB = 1 << 20
NAMES = {"0x1041": "virtio-net", "0x1042": "virtio-blk", "0x1044": "virtio-rng", "0x105b": "virtio-pmem"}
RNG = {"type": "virtio-rng"}


class Walk:
    def __init__(self, tap, g):
        self.tap = tap
        self.g = g
        self.steps = 0
        self.base = None  # KiB that Linux has with the memory it starts with
        self.running = copy.deepcopy(g.description)  # what of the file should have taken effect
        self.seen = None

    def status(self):
        return json.loads(run_weft("status", "-f", "json", "walk", env=self.g.environment()).stdout)

    def holds(self):
        return {c["type"] for c in self.status()["conditions"] if c["status"]}

    def guest(self):
        """What Linux says it has."""
        facts = self.g.facts()
        self.g.command("lspci")
        pci = {l.split()[0][-5:-2]: NAMES.get(l.split()[1].split(":")[1]) for l in self.g.lines}
        self.g.command("ls /sys/block")
        blocks = {}
        for name in [n for n in self.g.lines if n.startswith(("vd", "pmem"))]:
            with contextlib.suppress(Refused):  # it goes just now
                self.g.command(f"cat /sys/block/{name}/size")
                blocks[name] = int(self.g.lines[-1]) * 512
        memory = int(facts["MEMTOTAL_KB"])
        if self.base is None:
            self.base = memory
        return {
            "cpus": facts["CPUS_PRESENT"],
            "memory": f"{256 + round((memory - self.base) / 1024 / 32) * 32}MiB",
            "pci": sorted(n for n in pci.values() if n),
            "disks": sorted(s for n, s in blocks.items() if n.startswith("vd")),
            "pmems": sorted(s for n, s in blocks.items() if n.startswith("pmem")),
        }

    def file(self):
        """What it should have."""
        devices = self.running["devices"].values()
        count = self.running["cpus"]["count"]
        return {
            "cpus": f"0-{count - 1}" if count > 1 else "0",
            "memory": self.running["memory"]["size"],
            "pci": sorted(d["type"] for d in devices if d["type"] in NAMES.values()),
            "disks": sorted(self.size(d) for d in devices if d["type"] == "virtio-blk"),
            "pmems": sorted(self.size(d) for d in devices if d["type"] in ("nvdimm", "virtio-pmem")),
        }

    def size(self, device):
        return int(device["size"][:-3]) * MIB if "size" in device else (self.g.directory / device["path"]).stat().st_size

    def compare(self, what, conditions=()):
        """Both agree in the end, and the conditions are these."""
        self.steps += 1
        end = time.monotonic() + 90 * PATIENCE
        wanted = (self.file(), {"Ready", *conditions})
        while (got := (self.guest(), self.holds())) != wanted and time.monotonic() < end:
            time.sleep(0.2)
        self.tap.equal(f"{self.steps}. {what}", got, wanted)

    def edit(self, what, change, conditions=(), done=True):
        """Edits the file; `done` says whether it takes effect."""
        change(self.g.description)
        self.g.write_description()
        if done:
            self.running = copy.deepcopy(self.g.description)
        else:
            time.sleep(0.4)  # what should not happen had the time to
        self.compare(what, conditions)

    def text(self, what, text, conditions=()):
        if text is None:
            self.g.file.unlink()
        else:
            self.g.file.write_text(text)
        self.compare(what, conditions)

    def revert(self, what):
        self.g.description = copy.deepcopy(self.running)
        self.edit(what, lambda d: None)


def devices(add=None, remove=()):
    def change(description):
        for name in remove:
            del description["devices"][name]
        description["devices"].update(add or {})
    return change


def sized(count=None, memory=None):
    def change(description):
        if count:
            description["cpus"]["count"] = count
        if memory:
            description["memory"]["size"] = memory
    return change


def cmdline(description):
    description["boot"]["cmdline"] += " restart=only"


def first_half(w):
    w.edit("CPUs 1 → 4", sized(count=4))
    w.edit("a disk comes", devices({"data": {"type": "virtio-blk", "path": "data.img"}}))
    w.edit("256 → 512 MiB", sized(memory="512MiB"))
    w.edit("an rng comes", devices({"rng": RNG}))
    w.edit("a network card comes", devices({"net": {"type": "virtio-net", "backend": w.backend}}))
    w.edit("CPUs 4 → 2", sized(count=2))
    w.text("a key that is not known", w.g.file.read_text().replace('"cpus"', '"cups"'), {"ConfigInvalid"})
    w.revert("the file as it was")
    w.edit("a virtio-pmem comes", devices({"pmem": {"type": "virtio-pmem", "path": "pmem.img", "size": "16MiB"}}))
    w.edit("512 → 384 MiB", sized(memory="384MiB"))
    before = w.status()["devices"]["data"]["address"]
    w.edit("the disk has another name", devices({"store": {"type": "virtio-blk", "path": "data.img", "formerly": "data"}}, ["data"]))
    w.tap.equal("and the same place", w.status()["devices"]["store"]["address"], before)
    w.edit("the rng goes", devices(remove=["rng"]))
    w.edit("an NVDIMM comes", devices({"nvdimm": {"type": "nvdimm", "path": "nvdimm.img", "size": "128MiB"}}))
    w.edit("a command line waits for a restart", cmdline, {"RestartRequired"}, done=False)
    w.revert("it is taken back")
    w.edit("the network card goes", devices(remove=["net"]))


def second_half(w):
    w.edit("two rngs at once", devices({"rng": RNG, "rng2": RNG}))
    w.edit("CPUs 2 → 3 and 384 → 512 MiB at once", sized(3, "512MiB"))
    store = {"type": "virtio-blk", "path": "other.img", "formerly": "data"}
    w.edit("another image waits, as replug is never", devices({"store": store}), {"RestartRequired"}, done=False)
    w.revert("it is taken back")
    w.edit("another image, with replug allowed", lambda d: (devices({"store": store})(d), d.update(reload={"replug": "allowed"})))
    w.edit("the virtio-pmem goes", devices(remove=["pmem"]))
    w.edit("an NVDIMM waits for the guest", devices(remove=["nvdimm"]), {"Converging"}, done=False)
    w.revert("and is left")
    w.text("half a file", w.g.file.read_text()[:100], {"ConfigInvalid"})
    w.text("no file", None, {"ConfigInvalid"})
    w.edit("it is back, without an rng", devices(remove=["rng2"]))
    w.edit("CPUs 3 → 1", sized(count=1))
    w.edit("512 → 256 MiB", sized(memory="256MiB"))
    w.g.command("write /sys/bus/container/devices/ACPI0004:00/online 0")
    w.edit("all goes, the NVDIMM as well now", devices(remove=["store", "rng", "nvdimm"]))
    w.edit("and all of it comes in one edit", lambda d: (sized(4, "512MiB")(d), devices(
        {"store": {**store, "path": "data.img"}, "rng": RNG, "rng2": RNG,
         "pmem": {"type": "virtio-pmem", "path": "pmem.img", "size": "16MiB"}})(d)))


def main():
    tap = Tap(linux=True)
    with Guest(tap, name="walk", cpus={"count": 1, "max": 4}, memory={"size": "256MiB", "max": "1GiB"},
               devices={"root": {"type": "virtio-blk", "path": "root.img"}}) as g:
        for name, size in (("root", 8), ("data", 4), ("other", 6), ("pmem", 16), ("nvdimm", 128)):
            g.disk(f"{name}.img", size * MIB)
        g.arguments.append("-v")
        g.boot()
        w = Walk(tap, g)
        w.backend = {"type": "user"} if shutil.which("passt") else {"type": "tap", "name": "weft-walk"}
        w.compare("as it was booted")
        try:
            first_half(w)
            second_half(w)
        except Failure as e:
            tap.note(json.dumps(w.status()))
            raise e
        tap.equal("power-off ends weft with status 0", g.power_off(), 0)
        g.check_nothing_left()
    tap.done()


main()

# SPDX-License-Identifier: Apache-2.0
"""Persistent memory in Linux: NVDIMMs and virtio-pmem at boot, added and removed by edits, what is on
the host's disk when, labels, read-only memory, and files that cannot be used."""
import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import subprocess
import time

from weftguest import PATIENCE, Failure, Guest, Refused, Tap, crc, pattern, run_weft

MIB = 1 << 20
KIB = 1 << 10
ROUNDS = int(os.environ.get("WEFT_TEST_ROUNDS", "20"))
CONTAINER = "/sys/bus/container/devices/ACPI0004:03/online"  # of the fourth


def sysfs(g, path):
    g.command(f"cat {path}")
    return g.lines[-1].strip() if g.lines else ""


def pmems(g):
    """Sizes of the guest's pmem devices, by name."""
    found = {}
    g.command("ls /sys/block")
    for name in sorted(g.lines):
        if name.startswith("pmem"):
            with contextlib.suppress(Refused):  # it goes just now
                found[name] = int(sysfs(g, f"/sys/block/{name}/size")) * 512
    return found


def nvdimms(g):
    g.command("ls /sys/bus/nd/devices")
    return [name for name in g.lines if name.startswith("nmem")]


def until(what, test, timeout=60):
    end = time.monotonic() + timeout * PATIENCE
    while not test():
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {timeout * PATIENCE:.0f} s")
        time.sleep(0.5)  # a guest that is asked all the time gets nowhere where KVM emulates it


def edit(g, **devices):
    """Adds devices to the description, or takes them out (None), by editing the file."""
    for name, device in devices.items():
        if device is None:
            del g.description["devices"][name]
        else:
            g.description["devices"][name] = device
    g.write_description()


def syncs(g, command, inject=""):
    """How often weft syncs a file while the guest obeys a command; with inject=… the host only says that it did."""
    out = g.path("strace")
    with subprocess.Popen(["strace", "-f", "-q", "-e", "trace=fdatasync", *(["-e", f"inject=fdatasync:{inject}"] if inject else []),
                           "-o", out, "-p", str(g.pid)], stderr=subprocess.DEVNULL) as tracer:
        # Every thread is traced, also one that was born meanwhile.
        until("strace traces weft", lambda: all(f"TracerPid:\t{tracer.pid}" in (t / "status").read_text()
                                               for t in pathlib.Path(f"/proc/{g.pid}/task").iterdir()))
        g.command(command)
        tracer.terminate()
    return pathlib.Path(out).read_text().count("fdatasync(")


def dirty(path):
    """Pages of a file that are not on the disk (cachestat); None where the host cannot tell, or there is no disk."""
    if subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, text=True, check=True).stdout == "tmpfs\n":
        return None
    everything, found = (ctypes.c_uint64 * 2)(), (ctypes.c_uint64 * 5)()
    with open(path, "rb") as f:
        failed = ctypes.CDLL(None).syscall(451, f.fileno(), everything, found, 0)
    return None if failed else found[1] + found[2]


def check_boot(tap, g):
    tap.equal("an NVDIMM, one with labels, one to read", pmems(g),
              {"pmem0": 2 * MIB, "pmem1": 4 * MIB, "pmem2": 2 * MIB})
    tap.equal("files that were missing are made, with labels behind",
              [os.stat(g.path(f)).st_size for f in ("data.img", "labels.img")], [2 * MIB, 4 * MIB + 128 * KIB])
    tap.check("the third is read-only", " ro=1 " in g.command("size /dev/pmem2"))
    tap.equal("and shows the file", g.command(f"sum /dev/pmem2 {MIB} {64 * KIB}"),
              f"{crc(pattern(9, 64 * KIB))} {64 * KIB}")
    tap.equal("NVDIMMs by their handles", [sysfs(g, f"/sys/bus/nd/devices/nmem{i}/nfit/handle") for i in range(3)],
              ["0x1", "0x2", "0x3"])
    tap.equal("every flush has a hint to go to", sysfs(g, "/sys/bus/nd/devices/region0/deep_flush"), "1")


def check_data(tap, g):
    g.command(f"fill /dev/pmem0 {MIB} {64 * KIB} 21")
    with open(g.path("data.img"), "rb") as f:
        f.seek(MIB)
        tap.check("what the guest writes is in the file", f.read(64 * KIB) == pattern(21, 64 * KIB))
    if shutil.which("strace"):
        tap.check("a flush in the guest syncs the file", syncs(g, "flush /dev/pmem0") > 0)
        syncs(g, f"fill /dev/pmem0 0 {64 * KIB} 22", "retval=0")
        before = dirty(g.path("data.img"))
        g.command("flush /dev/pmem0")
        tap.check("what it wrote is not on the disk without that, and is with it",
                  before is None or (before >= 16 and dirty(g.path("data.img")) == 0), f"{before} pages were dirty")
        syncs(g, f"fill /dev/pmem0 0 {64 * KIB} 23", "error=EIO")
        syncs(g, f"fill /dev/pmem0 0 {64 * KIB} 24", "error=EIO")
        tap.equal("a disk that fails is said, once", g.log().count("data: what the guest has flushed is not on the disk: Input"), 1)
    else:
        tap.skip("a flush in the guest syncs the file", "strace is missing")


def check_labels(tap, g):
    tap.equal("Linux can read and write labels", sysfs(g, "/sys/bus/nd/devices/nmem1/commands"),
              "get_size get_data set_data cmd_call")
    tap.equal("without labels it cannot", sysfs(g, "/sys/bus/nd/devices/nmem0/commands"), "cmd_call")
    # Linux writes no labels of an NVDIMM in use.
    g.command("write /sys/bus/nd/drivers/nd_region/unbind region1")
    g.command("label-fill /dev/nmem1 4096 200 77")
    tap.equal("labels are read as they were written", g.command("label-sum /dev/nmem1 4096 200"), crc(pattern(77, 200)))
    with open(g.path("labels.img"), "rb") as f:
        f.seek(4 * MIB + 4096)
        tap.check("they are behind the memory in the file", f.read(256) == pattern(77, 200) + bytes(56))
    for offset, length in ((128 * KIB, 8), (128 * KIB - 4, 8), (0xffffffff, 8)):
        try:
            g.command(f"label-sum /dev/nmem1 {offset} {length}")
            tap.check(f"labels from {offset} on are refused", False)
        except Refused as e:
            tap.check(f"labels from {offset} on are refused", True, e)


LATE = {"type": "nvdimm", "path": "late.img", "size": "2MiB", "label-size": "128KiB"}


def check_add(tap, g):
    """An NVDIMM comes, and goes when the guest's administrator lets it."""
    edit(g, late=LATE)
    until("a fourth NVDIMM", lambda: pmems(g).get("pmem3") == 2 * MIB)
    g.command(f"fill /dev/pmem3 0 {16 * KIB} 5")
    tap.check("an NVDIMM that is added is there by itself",
              pathlib.Path(g.path("late.img")).read_bytes()[:16 * KIB] == pattern(5, 16 * KIB))
    edit(g, late=None)
    said = g.wait_condition("Converging", True).get("Converging", "")
    time.sleep(1)
    there = f"{crc(pattern(5, 16 * KIB))} {16 * KIB}"
    tap.equal("one that is taken out stays in the guest", g.command(f"sum /dev/pmem3 0 {16 * KIB}"), there)
    tap.check("which is said, and how it goes", "devices.late: " in said and CONTAINER in said, said)
    edit(g, late=LATE)
    tap.equal("it can be left there", g.wait_condition("Converging", False), {"Ready": "the guest runs"})
    tap.equal("with its data", g.command(f"sum /dev/pmem3 0 {16 * KIB}"), there)


def check_remove(tap, g):
    """Twenty times, while the others are in use."""
    first = None
    others = {"pmem0": 2 * MIB, "pmem2": 2 * MIB}  # the second was unbound for its labels
    for i in range(ROUNDS):
        edit(g, late=None)
        g.wait_condition("Converging", True)
        g.command(f"write {CONTAINER} 0")
        until("weft lets go of it", lambda: g.path("late.img") not in pathlib.Path(f"/proc/{g.pid}/maps").read_text())
        if i == 0:
            tap.equal("the others stay", pmems(g), others)
            tap.equal("and no NVDIMM is left of it", sorted(nvdimms(g)), ["nmem0", "nmem1", "nmem2"])
            tap.equal("nor a condition", g.wait_condition("Converging", False), {"Ready": "the guest runs"})
        edit(g, late=LATE)
        until("it comes again", lambda: pmems(g).get("pmem3") == 2 * MIB)
        tap.equal(f"with what was in it, {i + 1} of {ROUNDS}", g.command("sum /dev/pmem3 0 4096"),
                  f"{crc(pattern(5, 4096))} 4096")
        if i == 1:
            first = resources(g), weft_kb(g)
    tap.equal("nothing grows", resources(g), first[0])
    tap.check("nor memory", weft_kb(g) < first[1] + 256, f"{first[1]} KiB, then {weft_kb(g)} KiB")
    tap.equal("the first is as it was", g.command(f"sum /dev/pmem0 {MIB} {64 * KIB}"),
              f"{crc(pattern(21, 64 * KIB))} {64 * KIB}")
    g.command("write /sys/bus/nd/drivers/nd_region/unbind region3")
    g.command("label-fill /dev/nmem3 0 200 78")
    tap.equal("and it has its labels", g.command("label-sum /dev/nmem3 0 200"), crc(pattern(78, 200)))


def without(g, name):
    description = dict(g.description, devices={k: v for k, v in g.description["devices"].items() if k != name})
    pathlib.Path(g.path("without.yaml")).write_text(json.dumps(description))
    return g.path("without.yaml")


def resources(g):
    maps = pathlib.Path(f"/proc/{g.pid}/maps").read_text().splitlines()
    return {"descriptors": g.descriptors(), "threads": g.threads(), "maps": len(maps)}


def weft_kb(g):
    """Memory of weft, without the guest's RAM and NVDIMMs."""
    return g.private_kb(without=("memfd", ".img"))


def check_virtio(tap, g):
    first = None
    for i in range(ROUNDS):
        edit(g, fast={"type": "virtio-pmem", "path": "fast.img", "size": "2MiB"})
        until("a virtio-pmem device", lambda: pmems(g).get("pmem4") == 2 * MIB)
        if i == 0:
            g.command(f"fill /dev/pmem4 0 {16 * KIB} 6")
            g.command("flush /dev/pmem4")
            tap.check("virtio-pmem: what the guest has flushed is in the file, on the disk",
                      pathlib.Path(g.path("fast.img")).read_bytes()[:16 * KIB] == pattern(6, 16 * KIB) and
                      not dirty(g.path("fast.img")))
        tap.equal(f"virtio-pmem comes, {i + 1} of {ROUNDS}", g.command("sum /dev/pmem4 0 4096"),
                  f"{crc(pattern(6, 4096))} 4096")
        edit(g, fast=None)
        until("virtio-pmem goes", lambda: "pmem4" not in pmems(g))
        until("weft lets go of it", lambda: g.path("fast.img") not in pathlib.Path(f"/proc/{g.pid}/maps").read_text())
        if i == 1:
            first = resources(g), weft_kb(g)
    tap.equal("nothing grows", resources(g), first[0])
    tap.check("nor memory", weft_kb(g) < first[1] + 256, f"{first[1]} KiB, then {weft_kb(g)} KiB")


def check_refused(tap):
    """Files that cannot be used: what is said, and that nothing is left behind."""
    with Guest(tap, name="refused") as g:
        g.disk("short.img", 2 * MIB)
        os.mkdir(g.path("directory"))
        cases = (
            ("shorter", {"path": "short.img", "size": "4MiB"}, "has 2MiB, less than 4MiB", "truncate -s 4194304"),
            ("without room for labels", {"path": "short.img", "size": "2MiB", "label-size": "128KiB"},
             "less than 2MiB and labels of 128KiB", "truncate -s 2228224"),
            ("a directory", {"path": "directory", "size": "2MiB"}, "directory", ""),
            ("in no directory", {"path": "none/a.img", "size": "2MiB"}, "No such file", "make its directory first"),
            ("not there, to be read", {"path": "none.img", "size": "2MiB", "read-only": True}, "No such file", ""),
            ("too large for the disk", {"path": "huge.img", "size": "16TiB"}, "cannot make", ""),
        )
        for name, device, message, hint in cases:
            edit(g, bad={"type": "nvdimm", **device})
            said = run_weft("run", g.file, env=g.environment())
            tap.check(f"a file that is {name} is refused", said.returncode == 3 and message in said.stderr and
                      hint in said.stderr and "machine.yaml:" in said.stderr, f"{said.returncode} {said.stderr}")
        tap.equal("no file is made for nothing", [p.name for p in g.directory.glob("*.img")], ["short.img"])


def main():
    tap = Tap(linux=True)
    check_refused(tap)
    with Guest(tap, name="pmem", memory={"size": "64MiB", "shared": True}) as g:
        g.disk("tools.img", 2 * MIB, bytes(MIB) + pattern(9, 64 * KIB))
        g.description["devices"].update({
            "data": {"type": "nvdimm", "path": "data.img", "size": "2MiB"},
            "labels": {"type": "nvdimm", "path": "labels.img", "size": "4MiB", "label-size": "128KiB"},
            "tools": {"type": "nvdimm", "path": "tools.img", "size": "2MiB", "read-only": True},
        })
        g.description["reload"] = {"detach-timeout": "1s"}
        g.boot()
        check_boot(tap, g)
        check_data(tap, g)
        check_labels(tap, g)
        check_add(tap, g)
        check_remove(tap, g)
        check_virtio(tap, g)
        other = run_weft("run", without(g, "console"), env=dict(os.environ, XDG_STATE_HOME=g.path("other")))
        tap.check("a second user is refused, with who uses it",
                  other.returncode == 3 and f"is in use by process {g.pid}" in other.stderr, other.stderr)
        g.command(f"fill /dev/pmem0 0 {64 * KIB} 22")
        g.kill()
        with open(g.path("data.img"), "rb") as f:
            tap.check("it is there when weft is killed", f.read(64 * KIB) == pattern(22, 64 * KIB))
        g.console.close()
        g.console.text, g.console.seen = "", 0
        os.unlink(g.path("console.sock"))
        g.boot()
        tap.equal("and in the next machine", g.command(f"sum /dev/pmem0 0 {64 * KIB}"),
                  f"{crc(pattern(22, 64 * KIB))} {64 * KIB}")
        tap.equal("with its labels", g.command("label-sum /dev/nmem1 4096 200"), crc(pattern(77, 200)))
        tap.equal("and with what was added, each in its place", pmems(g),
                  {"pmem0": 2 * MIB, "pmem1": 4 * MIB, "pmem2": 2 * MIB, "pmem3": 2 * MIB})
        tap.check("the third is still the one to read", " ro=1 " in g.command("size /dev/pmem2"))
        tap.equal("powers off with status 0", g.power_off(), 0)
        g.check_nothing_left()
    tap.done()


main()

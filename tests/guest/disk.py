# SPDX-License-Identifier: Apache-2.0
"""Disks of a Linux guest: contents compared on the host, sizes, serial numbers, read-only, discard, locks."""
import json
import os
import pathlib

from weftguest import Guest, Refused, Tap, crc, pattern, run_weft

MIB = 1 << 20


def sysfs(guest, disk, name):
    guest.command(f"cat /sys/block/{disk}/{name}")
    return guest.lines[-1].strip() if guest.lines else ""


def check_identity(tap, g):
    tap.equal("size", g.command("size /dev/vda"), f"{4 * MIB} ro=0 logical=512")
    tap.equal("read-only, of an odd size", g.command("size /dev/vdb"), f"{MIB + 512} ro=1 logical=512")
    tap.equal("serial number", sysfs(g, "vda", "serial"), "WEFT-0123456789-ABCD")
    tap.equal("serial number is the name when none is given", sysfs(g, "vdb", "serial"), "tools")
    tap.equal("the cache writes back", sysfs(g, "vda", "queue/write_cache"), "write back")
    g.command("interrupts virtio")
    requests = [l for l in g.lines if "-req." in l]
    tap.check("an interrupt for every queue", len(requests) == 4 and all("MSI" in l for l in requests),
              g.lines)


def check_contents(tap, g, disk, image):
    """In both directions, at places that are no multiples of each other."""
    tap.equal(f"{disk}: the guest reads what the host wrote",
              g.command(f"sum /dev/{disk} 0 {96 << 10}"), f"{crc(pattern(7, 96 << 10))} {96 << 10}")
    answer = g.command(f"fill /dev/{disk} {512 << 10} {64 << 10} 42")
    tap.equal(f"{disk}: the guest writes", answer, f"{crc(pattern(42, 64 << 10))} {64 << 10}")
    g.command(f"flush /dev/{disk}")
    with open(image, "rb") as f:
        f.seek(512 << 10)
        tap.check(f"{disk}: after a flush it is in the image", f.read(64 << 10) == pattern(42, 64 << 10))


def check_discard(tap, g, image):
    before = os.stat(image).st_blocks
    g.command(f"discard /dev/vda {2 * MIB} {MIB}")
    after = os.stat(image).st_blocks
    tap.check("discard makes a hole", after <= before - MIB // 512, f"{before} {after} blocks")
    g.command(f"zero /dev/vda {3 * MIB} {64 << 10}")
    with open(image, "rb") as f:
        f.seek(3 * MIB)
        tap.check("write zeroes", f.read(64 << 10) == bytes(64 << 10) and f.read(1) != b"\0")


def check_errors(tap, g, image):
    try:
        g.command("fill /dev/vdb 0 4096 1")
        tap.check("a read-only disk cannot be written", False)
    except Refused as e:
        tap.check("a read-only disk cannot be written", True, e)
    other = dict(g.description, name="other", devices={"same": {"type": "virtio-blk", "path": image}})
    with open(g.path("other.yaml"), "w") as f:
        json.dump(other, f)
    second = run_weft("run", g.path("other.yaml"))
    tap.check("a second user is refused, with who uses it",
              second.returncode == 3 and f"'{image}' is in use by process {g.pid}" in second.stderr,
              f"{second.returncode}: {second.stderr}")
    os.truncate(image, MIB)
    try:
        g.command(f"sum /dev/vda {2 * MIB} 4096")
        tap.check("a file that was cut is an I/O error", False)
    except Refused as e:
        tap.equal("a file that was cut is an I/O error", e.errno, 5)
    g.command("echo still here")
    tap.equal("and the guest lives", g.lines[-1], "still here")


def main():
    tap = Tap(linux=True)
    with Guest(tap, name="disk", cpus={"count": 2}, memory={"size": "96MiB"}) as g:
        data = g.disk("data.img", 4 * MIB, pattern(7, 4 * MIB))
        threads = g.disk("threads.img", MIB, pattern(7, MIB))
        tools = g.disk("tools.img", MIB + 100, pattern(9, MIB))
        g.description["devices"].update({
            "data": {"type": "virtio-blk", "path": "data.img", "serial": "WEFT-0123456789-ABCD", "queues": 2,
                     "slot": 4},
            "tools": {"type": "virtio-blk", "path": "tools.img", "read-only": True, "slot": 5},
            "threads": {"type": "virtio-blk", "path": "threads.img", "engine": "threads", "slot": 6},
        })
        g.boot()
        check_identity(tap, g)
        check_contents(tap, g, "vda", data)
        check_contents(tap, g, "vdc", threads)
        tap.equal("a read-only disk is read", g.command(f"sum /dev/vdb {MIB - 4096} 4096"),
                  f"{crc(pattern(9, MIB)[-4096:])} 4096")
        check_discard(tap, g, data)
        check_errors(tap, g, data)
        tap.equal("powers off with status 0", g.power_off(), 0)
        tap.equal("the read-only image is as it was", pathlib.Path(tools).read_bytes(),
                  pattern(9, MIB) + bytes(100))
        g.check_nothing_left()
    tap.done()


main()

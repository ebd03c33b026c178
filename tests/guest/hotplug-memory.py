# SPDX-License-Identifier: Apache-2.0
"""Memory of a running Linux follows the file, in DIMMs and by virtio-mem."""
import pathlib
import re
import time

from weftguest import PATIENCE, Guest, Tap

MIB = 1024


def change(g, size):
    g.description["memory"]["size"] = f"{size}MiB"
    g.follow()


def near(tap, g, name, wanted):
    """Linux has about so many KiB; it counts a new block a moment after it took it."""
    end = time.monotonic() + 20 * PATIENCE
    while abs((got := int(g.command("mem"))) - wanted) > 4 * MIB and time.monotonic() < end:
        time.sleep(0.1)
    tap.check(name, abs(got - wanted) <= 4 * MIB, f"Linux has {got} KiB, wanted about {wanted}")


def address_space(g):
    """KiB of all mappings of weft: memory that goes leaves its addresses for the next, and no more."""
    return int(re.search(r"VmSize:\s*(\d+)", pathlib.Path(f"/proc/{g.pid}/status").read_text())[1])


def waits(tap, g, what, size, reason, **more):
    before = dict(g.description["memory"])
    g.description["memory"].update(size=f"{size}MiB", **more)
    g.write_description()
    now = g.wait_condition("RestartRequired", True)
    tap.check(f"{what} waits for a restart, with the reason", reason in now.get("RestartRequired", ""), now)
    g.description["memory"] = before
    g.write_description()
    now = g.wait_condition("RestartRequired", False)
    tap.check("until the file says what runs", "RestartRequired" not in now, now)


def again_and_again(tap, g, usual, more):
    sizes = []
    for i in range(20):
        change(g, more)
        change(g, usual)
        if i in (4, 19):
            sizes.append((g.descriptors(), g.threads(), address_space(g)))
    tap.equal("descriptors and threads are as many after 5 and 20 times", sizes[1][:2], sizes[0][:2])
    # The heap may have grown a little; no DIMM is as small.
    tap.check("and addresses", sizes[1][2] < sizes[0][2] + 4096, sizes)


def dimms(tap):
    with Guest(tap, name="dimms", memory={"size": "128MiB", "max": "512MiB"}) as g:
        g.arguments.append("-v")
        g.boot()
        first = int(g.command("mem"))
        change(g, 384)
        near(tap, g, "128 → 384 MiB", first + 256 * MIB)
        change(g, 256)
        near(tap, g, "384 → 256 MiB", first + 128 * MIB)
        waits(tap, g, "more than the maximum", 1024, "the machine was started with memory.max: 512MiB", max="1GiB")
        waits(tap, g, "a size between two blocks", 300, "the nearest sizes are 256MiB and 384MiB")
        waits(tap, g, "less than at the start", 64, "the machine was started with 128MiB, which it keeps")
        change(g, 128)
        near(tap, g, "256 → 128 MiB", first)
        again_and_again(tap, g, 128, 256)
        near(tap, g, "as at the start after twenty times", first)
        change(g, 256)
        g.console.send("reboot\n")
        g.wait_up()
        near(tap, g, "after a reboot there is as much as the file says", first + 128 * MIB)
        tap.equal("power-off ends weft with status 0", g.power_off(), 0)
        g.check_nothing_left()


def virtio_mem(tap):
    with Guest(tap, name="virtio-mem",
               memory={"size": "96MiB", "max": "352MiB", "hotplug": "virtio-mem"}) as g:
        g.arguments.append("-v")
        g.boot()
        first = int(g.command("mem"))
        for size in 160, 164, 240, 132:  # this kernel has no huge pages: 4 MiB at once
            change(g, size)
            near(tap, g, f"virtio-mem: {size} MiB", first + (size - 96) * MIB)
        # Linux keeps the block of 128 MiB that some of is still there, which is faster than making it anew.
        again_and_again(tap, g, 132, 140)
        change(g, 96)
        near(tap, g, "virtio-mem: as at the start after that", first)
        waits(tap, g, "virtio-mem: a size between two steps", 99, "the nearest sizes are 98MiB and 100MiB")
        tap.equal("power-off ends weft with status 0", g.power_off(), 0)
        g.check_nothing_left()


def main():
    tap = Tap(linux=True)
    dimms(tap)
    virtio_mem(tap)
    tap.done()


main()

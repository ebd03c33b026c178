# SPDX-License-Identifier: Apache-2.0
"""Memory of a running Linux follows the file, in DIMMs and by virtio-mem."""
import time

from weftguest import PATIENCE, Guest, Tap

MIB = 1024


def edit(g, size):
    g.description["memory"]["size"] = f"{size}MiB"
    g.write_description()


def total(g):
    return int(g.command("mem"))


def until_near(g, wanted, timeout=60):
    """The KiB that Linux has, as soon as they are within 4 MiB of what is wanted, or when the time is up."""
    end = time.monotonic() + timeout * PATIENCE
    while abs((got := total(g)) - wanted) > 4 * MIB and time.monotonic() < end:
        time.sleep(0.1)
    return got


def near(tap, name, got, wanted):
    tap.check(name, abs(got - wanted) <= 4 * MIB, f"Linux has {got} KiB, wanted about {wanted}")


def dimms(tap):
    with Guest(tap, name="dimms", memory={"size": "128MiB", "max": "512MiB"}) as g:
        g.arguments.append("-v")
        g.boot()
        first = total(g)
        edit(g, 384)
        near(tap, "128 → 384 MiB", until_near(g, first + 256 * MIB), first + 256 * MIB)
        edit(g, 256)
        near(tap, "384 → 256 MiB", until_near(g, first + 128 * MIB), first + 128 * MIB)
        tap.equal("power-off ends weft with status 0", g.power_off(), 0)
        g.check_nothing_left()


def virtio_mem(tap):
    with Guest(tap, name="virtio-mem",
               memory={"size": "96MiB", "max": "352MiB", "hotplug": "virtio-mem"}) as g:
        g.arguments.append("-v")
        g.boot()
        first = total(g)
        for size in 160, 162, 240, 130, 96:
            edit(g, size)
            wanted = first + (size - 96) * MIB
            near(tap, f"{size} MiB", until_near(g, wanted), wanted)
        tap.equal("power-off ends weft with status 0", g.power_off(), 0)
        g.check_nothing_left()


def main():
    tap = Tap(linux=True)
    dimms(tap)
    virtio_mem(tap)
    tap.done()


main()

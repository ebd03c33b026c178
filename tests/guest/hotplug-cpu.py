# SPDX-License-Identifier: Apache-2.0
"""CPUs of a running Linux follow the file: up, down, refused, too many, and over a reboot."""
import time

from weftguest import PATIENCE, Failure, Guest, Tap


def present(g):
    return g.facts()["CPUS_PRESENT"]


def edit(g, count):
    g.description["cpus"]["count"] = count
    g.write_description()


def until(g, what, wanted, timeout=60):
    """What `what` gives, as soon as it is what is wanted, or when the time is up."""
    end = time.monotonic() + timeout * PATIENCE
    while (got := what(g)) != wanted and time.monotonic() < end:
        time.sleep(0.1)
    return got


def main():
    tap = Tap(linux=True)
    with Guest(tap, name="hotplug-cpu", cpus={"count": 1, "max": 4}) as g:
        g.arguments.append("-v")
        g.boot()
        tap.equal("one CPU", present(g), "0")
        edit(g, 4)
        tap.equal("1 → 4", until(g, present, "0-3"), "0-3")
        for i in 1, 2, 3:
            g.command(f"online cpu{i}")
        tap.equal("all four run", g.command("nproc"), "4")
        edit(g, 2)
        tap.equal("4 → 2", until(g, present, "0-1"), "0-1")
        tap.equal("two run", g.command("nproc"), "2")
        edit(g, 3)
        tap.equal("2 → 3", until(g, present, "0-2"), "0-2")
        g.command("online cpu2")
        tap.equal("three run", g.command("nproc"), "3")
        tap.equal("power-off ends weft with status 0", g.power_off(), 0)
        g.check_nothing_left()
    tap.done()


main()

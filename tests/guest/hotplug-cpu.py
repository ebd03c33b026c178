# SPDX-License-Identifier: Apache-2.0
"""CPUs of a running Linux follow the file: up, down, twenty times, too many, and over a reboot."""
import time

from weftguest import PATIENCE, Guest, Tap


def change(g, count):
    g.description["cpus"]["count"] = count
    g.follow()


def present(g, wanted):
    """The CPUs that Linux has, as soon as they are those. It forgets one a moment after it gave it back."""
    end = time.monotonic() + 5 * PATIENCE
    while (got := g.facts()["CPUS_PRESENT"]) != wanted and time.monotonic() < end:
        time.sleep(0.05)
    return got


def walk(tap, g):
    tap.equal("one CPU", present(g, "0"), "0")
    change(g, 4)
    tap.equal("1 → 4", present(g, "0-3"), "0-3")
    for i in 1, 2, 3:
        g.command(f"online cpu{i}")
    tap.equal("all four run", g.command("nproc"), "4")
    change(g, 2)
    tap.equal("4 → 2: the last go first", present(g, "0-1"), "0-1")
    tap.equal("two run", g.command("nproc"), "2")
    change(g, 3)
    tap.equal("2 → 3", present(g, "0-2"), "0-2")
    g.command("online cpu2")
    tap.equal("a CPU that was away runs again", g.command("nproc"), "3")


def again_and_again(tap, g):
    sizes = []
    for i in range(20):
        change(g, 1)
        change(g, 3)
        if i in (4, 19):
            sizes.append((g.descriptors(), g.threads(), g.pss_kb()))
    tap.equal("three CPUs after twenty times", present(g, "0-2"), "0-2")
    tap.equal("no descriptor and no thread more", sizes[1][:2], sizes[0][:2])
    tap.note(f"descriptors, threads, KiB after 5 and 20 times: {sizes}")


def too_many(tap, g):
    g.description["cpus"].update(count=9, max=9)
    g.write_description()
    now = g.wait_condition("RestartRequired", True)
    tap.check("more than there is room for waits for a restart, with the reason",
              "the machine was started with cpus.max: 4" in now.get("RestartRequired", ""), now)
    tap.equal("and nothing changes", present(g, "0-2"), "0-2")
    g.description["cpus"].update(count=3, max=4)
    g.write_description()
    now = g.wait_condition("RestartRequired", False)
    tap.check("until the file says what runs", "RestartRequired" not in now, now)


def main():
    tap = Tap(linux=True)
    with Guest(tap, name="hotplug-cpu", cpus={"count": 1, "max": 4}) as g:
        g.arguments.append("-v")
        g.boot()
        walk(tap, g)
        again_and_again(tap, g)
        too_many(tap, g)
        change(g, 2)
        g.console.send("reboot\n")
        g.wait_up()
        tap.equal("after a reboot there are as many as the file says", g.facts()["NPROC"], "2")
        change(g, 1)
        tap.equal("a CPU of power-on can go, too", present(g, "0"), "0")
        tap.equal("power-off ends weft with status 0", g.power_off(), 0)
        g.check_nothing_left()
    tap.done()


main()

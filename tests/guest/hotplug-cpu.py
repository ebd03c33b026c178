# SPDX-License-Identifier: Apache-2.0
"""CPUs of a running Linux follow the file: up, down, twenty times, too many, and over a reboot."""
import pathlib
import time

from weftbare import BareMachine
from weftguest import PATIENCE, Failure, Guest, Tap, kvm_emulates


def change(g, count):
    g.description["cpus"]["count"] = count
    g.follow()


def present(g, wanted):
    """The CPUs that Linux has, as soon as they are those. It forgets one a moment after it gave it back."""
    end = time.monotonic() + 30 * PATIENCE
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
        change(g, 2)
        change(g, 3)
        if i in (4, 19):
            # One that runs: its offlining is part of the way out.
            g.command("online cpu2")
            sizes.append((g.descriptors(), g.threads(), g.private_kb(without=("memfd",))))
    tap.equal("three CPUs after twenty times", present(g, "0-2"), "0-2")
    tap.equal("no descriptor and no thread more", sizes[1][:2], sizes[0][:2])
    tap.check("no more memory", sizes[1][2] <= sizes[0][2] + 256, sizes)
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


def refused(tap):
    """A guest that answers nothing keeps its CPUs, and weft says that it does."""
    def waiting():
        return m.conditions()["Converging"]["message"] if m.holds("Converging") else ""

    def threads():
        return sum(t.read_text().startswith("vcpu") for t in pathlib.Path(f"/proc/{m.pid}/task").glob("*/comm"))

    def wait(count, what, *words):
        m.description["cpus"]["count"] = count
        m.write_description()
        m.until(what, lambda: all(w in waiting() for w in words) if words else not waiting())

    with BareMachine(tap, cpus={"count": 1, "max": 3}) as m, tap.case("a guest that does not let go keeps its CPUs"):
        m.start().wait_up()
        wait(3, "two wait to be taken", "CPU 1: the guest has not taken it yet", "CPU 2: ")
        wait(1, "two wait to be let go of", "CPU 1: the guest has not let go of it yet", "CPU 2: ")
        if threads() != 3:
            raise Failure(f"{threads()} vCPUs have a thread")
        wait(3, "nothing waits when they may stay")
        wait(2, "one waits to be let go of", "CPU 2: the guest has not let go of it yet")
        if threads() != 3:
            raise Failure(f"{threads()} vCPUs have a thread")


def main():
    tap = Tap(linux=True)
    refused(tap)
    # Linux sends interrupts to several CPUs by a hypercall when not all that it ever had are there. Where KVM
    # emulates all of the guest's kernel, hypercalls never end (it rewrites the instruction and begins again).
    features = {"features": {"kvm_pv_send_ipi": "off"}} if kvm_emulates() else {}
    with Guest(tap, name="hotplug-cpu", memory={"size": "64MiB", "shared": True},
               cpus={"count": 1, "max": 4, **features}) as g:
        g.arguments.append("-v")
        g.boot()
        walk(tap, g)
        again_and_again(tap, g)
        too_many(tap, g)
        change(g, 2)
        g.command("online cpu1")
        g.console.send("reboot\n")
        g.wait_up()
        tap.equal("after a reboot with others running there are as many as the file says", g.facts()["NPROC"], "2")
        change(g, 1)
        tap.equal("a CPU of power-on can go, too", present(g, "0"), "0")
        change(g, 4)
        for i in 1, 2, 3:
            g.command(f"online cpu{i}")
        change(g, 3)
        tap.equal("three of four still run", g.command("nproc"), "3")
        tap.equal("power-off with all of them running ends weft with status 0", g.power_off(), 0)
        g.check_nothing_left()
    tap.done()


main()

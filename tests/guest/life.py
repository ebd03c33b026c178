# SPDX-License-Identifier: Apache-2.0
"""The life of a machine: reboot, the power button, the end by force, and a guest that crashes."""
import time

from weftguest import BARE, Failure, Guest, Machine, Tap, cannot_emulate, signal


def reboot_and_power_button(tap):
    with Guest(tap, name="life", lifecycle={"power-off-timeout": "20s"}) as g:
        g.boot()
        first = g.pid
        g.console.send("reboot\n")
        g.wait_up()
        tap.check("reboot starts the guest again in the same process", g.alive() and g.pid == first)
        tap.check("uptime starts anew", float(g.command("uptime")) < 60)
        g.signal(signal.SIGTERM)
        tap.check("SIGTERM presses the power button", bool(g.console.wait(r"^POWER-BUTTON$", 20)))
        tap.equal("a power-off by the button ends with status 0", g.wait_exit(20), 0)
        g.check_nothing_left()


def stubborn_guest(tap):
    with Guest(tap, name="stubborn", lifecycle={"power-off-timeout": "2s", "reset": "stop"}) as g:
        g.boot()
        g.command("power-button ignore")
        began = time.monotonic()
        g.signal(signal.SIGTERM)
        g.console.wait(r"^POWER-BUTTON$", 20)
        status = g.wait_exit(20)
        took = time.monotonic() - began
        tap.check("a guest that ignores the button is ended when its time is up", took >= 1.9, f"{took:.2f} s")
        tap.check("which is not a success", status > 0, status)
        g.check_nothing_left()


def reset_policy(tap):
    with Guest(tap, name="reset-stop", lifecycle={"reset": "stop"}) as g:
        g.boot()
        g.console.send("reboot\n")
        tap.equal("reset: stop ends weft with status 0", g.wait_exit(30), 0)
        g.check_nothing_left()


def bare(tap, guest, **description):
    return Machine(tap, name=guest, memory={"size": "16MiB"}, boot={"kernel": str(BARE / guest)},
                   devices={"serial": {"type": "serial", "output": {"type": "file", "path": "serial.log"}}},
                   **description)


def triple_fault(tap):
    with bare(tap, "triple-fault") as m:
        m.start()
        status = m.wait_exit(10)
        tap.check("a triple fault ends weft with an error", status > 0, status)
        tap.check("that says so", "triple fault" in m.log(), m.log())
        m.check_nothing_left()
    with bare(tap, "triple-fault", lifecycle={"triple-fault": "reboot"}) as m:
        m.start()
        serial = m.directory / "serial.log"
        end = time.monotonic() + 20
        while not (serial.exists() and serial.read_text().count("!") >= 3):
            if time.monotonic() > end or not m.alive():
                raise Failure("triple-fault: reboot does not start the guest again")
            time.sleep(0.01)
        tap.check("triple-fault: reboot starts the guest again and again", m.alive())
        m.signal(signal.SIGINT)  # the power button, which nobody hears
        m.signal(signal.SIGINT)  # and now by force
        m.wait_exit(10)
        m.check_nothing_left()


def instruction_that_kvm_may_lack(tap):
    with bare(tap, "fwait") as m:
        m.start()
        status = m.wait_exit(10)
        # The host's KVM decides. Where it emulates the guest's kernel, the report must be whole.
        if status == 0:
            tap.check("KVM runs FWAIT", m.log() == "", m.log())
        else:
            tap.equal("an instruction that KVM cannot emulate ends weft with status 3", status, 3)
            tap.check("the report has rip, the instruction's bytes and the registers", cannot_emulate(m.log(), "9b"), m.log())
        m.check_nothing_left()


def bare_power_off(tap):
    for guest in ("first-byte", "power-off"):
        with bare(tap, guest) as m:
            m.start()
            tap.equal(f"{guest} ends with status 0", m.wait_exit(10), 0)
            m.check_nothing_left()


def main():
    tap = Tap(linux=True)
    bare_power_off(tap)
    triple_fault(tap)
    instruction_that_kvm_may_lack(tap)
    reboot_and_power_button(tap)
    stubborn_guest(tap)
    reset_policy(tap)
    tap.done()


main()

# SPDX-License-Identifier: Apache-2.0
"""The life of a machine: reboot, the power button, the end by force, and a guest that crashes."""
import os
import pathlib
import re
import shutil
import subprocess
import time

from weftguest import BARE, Failure, Guest, Machine, Tap, WEFT, signal


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
    # reboot=b: through the vector of a BIOS, as a kernel that can do UEFI does.
    with Guest(tap, name="reset-stop", cmdline="reboot=b", lifecycle={"reset": "stop"}) as g:
        g.boot()
        g.console.send("reboot\n")
        tap.equal("reset: stop ends weft with status 0", g.wait_exit(30), 0)
        g.check_nothing_left()


def cannot_emulate(log, instruction):
    """Whether the log has the whole report of an instruction that KVM could not emulate."""
    parts = [r"KVM could not emulate this instruction", rf"at rip 0x[0-9a-f]+ .*, instruction bytes: {instruction}",
             r"\brax [0-9a-f]{16} .*\brdx [0-9a-f]{16}", r"\bcr0 [0-9a-f]+ .*\bcr3 [0-9a-f]+", r"\bcs [0-9a-f]{4} base "]
    return all(re.search(p, log) for p in parts)


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


# A /dev/kvm that everybody may open, where only this machine sees it; then no user, no group and no capability.
DROP_ALL = """
mount -t tmpfs tmpfs "$1" && mknod -m 666 "$1/kvm" c "$2" "$3" && mount --bind "$1/kvm" /dev/kvm && shift 3 &&
exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all -- "$@"
"""


def without_privileges(tap):
    if os.geteuid() != 0:
        return tap.note("all of these tests run without privileges")
    with bare(tap, "halt") as m:
        kvm = os.stat("/dev/kvm").st_rdev
        (m.directory / "dev").mkdir()
        # What a user would have somewhere in a home directory.
        m.description["boot"]["kernel"] = shutil.copy(BARE / "halt", m.directory)
        weft = shutil.copy(WEFT, m.directory)
        m.wrapper = ["unshare", "--mount", "sh", "-c", DROP_ALL, "sh", m.path("dev"), str(os.major(kvm)),
                     str(os.minor(kvm)), "sh", "-c", f'shift; exec {weft} "$@"', "sh"]
        m.description["devices"].update({
            "console": {"type": "virtio-console", "output": {"type": "socket", "path": m.path("console.sock")}},
            "disk": {"type": "virtio-blk", "path": m.disk("disk.img", 1 << 20)},
            "rng": {"type": "virtio-rng"},
            "nvdimm": {"type": "nvdimm", "size": "128MiB", "path": m.disk("nvdimm.img", 128 << 20)},
            "net": {"type": "virtio-net", "backend": {"type": "user"}}})
        for path in (m.directory, *m.directory.rglob("*")):
            os.chown(path, 65534, 65534)
        m.start()
        serial = m.directory / "serial.log"
        end = time.monotonic() + 20
        while m.alive() and not (serial.exists() and serial.read_text()) and time.monotonic() < end:
            time.sleep(0.01)
        tap.check("a user without privileges runs a machine with a disk, a network card and an NVDIMM", m.alive() and
                  serial.read_text() == "!", m.log())
        tap.check("and weft asked for none", "Uid:\t65534\t65534\t65534\t65534" in
                  (status := pathlib.Path(f"/proc/{m.pid}/status").read_text()) and "CapEff:\t0000000000000000" in
                  status, status)
        tap.equal("its owner ends it", subprocess.run(
            [*m.wrapper[:-4], weft, "kill", "halt"], env=m.environment(), check=False).returncode, 0)
        m.wait_exit(10)
        m.check_nothing_left()


def main():
    tap = Tap(linux=True)
    bare_power_off(tap)
    triple_fault(tap)
    instruction_that_kvm_may_lack(tap)
    without_privileges(tap)
    reboot_and_power_button(tap)
    stubborn_guest(tap)
    reset_policy(tap)
    tap.done()


main()

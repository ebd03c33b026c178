# SPDX-License-Identifier: Apache-2.0
"""Debian's cloud kernel, as examples/debian-cloud.yaml boots it: fetched, unpacked by weft, entered."""
import re
import subprocess
import time

from weftguest import GUEST, PATIENCE, SOURCE, Failure, Machine, Tap, cannot_emulate, run_weft

DIRECTORY = GUEST / "debian-cloud"

# What the kernel says of the machine before anything that a KVM may lack.
EARLY = {
    "it has the command line": r"Command line: console=ttyS0 earlyprintk=serial",
    "and the memory map": r"BIOS-e820: \[mem 0x0+100000-0x0+fffffff\] usable",
    "it knows the machine": r"DMI: weft weft virtual machine",
    "and the hypervisor": r"Hypervisor detected: KVM",
    "it finds the initramfs": r"RAMDISK: \[mem 0x[0-9a-f]+-0x0+fffffff\]",
    "and the ACPI tables": r"ACPI: FACP 0x[0-9A-F]+ .*WEFT",
}


def fetch(tap):
    try:
        made = subprocess.run([SOURCE / "examples/debian-cloud.sh", str(DIRECTORY)], capture_output=True, text=True,
                              timeout=120, check=False)
    except subprocess.TimeoutExpired:
        tap.skip_all("the download takes too long")
    if made.returncode:
        tap.skip_all("examples/debian-cloud.sh: " + (made.stderr.strip().splitlines() or ["?"])[-1])
    tap.note(made.stdout.strip())


def boot(tap):
    kernel = {"kernel": str(DIRECTORY / "vmlinuz"), "initramfs": str(DIRECTORY / "initramfs.cpio"),
              "cmdline": "console=ttyS0 earlyprintk=serial,ttyS0,115200"}
    with Machine(tap, name="debian-cloud", memory={"size": "256MiB"}, boot=kernel, devices={
            "serial": {"type": "serial", "output": {"type": "file", "path": "serial.log"}}}) as m:
        m.start()
        serial = m.directory / "serial.log"

        def text():
            return serial.read_text(errors="replace") if serial.exists() else ""

        def said(regex, timeout):
            end = time.monotonic() + timeout * PATIENCE
            while time.monotonic() < end and m.alive() and not re.search(regex, text()):
                time.sleep(0.1)
            return bool(re.search(regex, text()))

        if not said(r"Linux version 6\.\d+\.\d+.*Debian", 180):
            raise Failure("the kernel does not speak")
        tap.check("the distribution's bzImage is unpacked and entered", True)
        for what, line in EARLY.items():
            tap.check(what, said(line, 120), text())
        if said(r"Hello from Linux", 10 if m.alive() else 0):
            tap.check("it reaches user space", True)
        elif not m.alive():
            # A KVM that emulates the guest's kernel lacks instructions that this one is built with.
            tap.check("what ends it is an instruction that KVM lacks, and weft says which", cannot_emulate(m.log()),
                      m.log() + text())
        else:
            tap.note("it is still booting; that it comes to user space was not seen")


def main():
    tap = Tap()
    fetch(tap)
    checked = run_weft("validate", SOURCE / "examples/debian-cloud.yaml")
    tap.equal("the example is valid", (checked.returncode, checked.stderr), (0, ""))
    boot(tap)
    tap.done()


main()

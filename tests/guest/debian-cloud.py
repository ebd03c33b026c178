# SPDX-License-Identifier: Apache-2.0
"""Debian's cloud kernel, as examples/debian-cloud.yaml boots it: fetched, unpacked by weft, entered."""
import re
import subprocess
import time

from weftguest import GUEST, SOURCE, Failure, Machine, Tap, run_weft

DIRECTORY = GUEST / "debian-cloud"


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

        def said(regex, timeout):
            end = time.monotonic() + timeout
            while time.monotonic() < end and m.alive():
                if serial.exists() and re.search(regex, serial.read_text(errors="replace")):
                    return True
                time.sleep(0.1)
            return serial.exists() and bool(re.search(regex, serial.read_text(errors="replace")))

        if not said(r"Linux version 6\.\d+\.\d+.*Debian", 60):
            raise Failure("the kernel does not speak")
        tap.check("the distribution's bzImage is unpacked and entered", True)
        if said("Hello from Linux", 10):
            tap.check("it reaches user space", True)
        elif m.alive():
            tap.skip("it reaches user space", "it is still booting: this KVM is slow")
        elif "could not emulate" in m.log():
            tap.skip("it reaches user space", "this KVM emulates the kernel and lacks an instruction")
            tap.check("and weft says which instruction", bool(re.search("rip", m.log(), re.I)), m.log())
        else:
            tap.check("it reaches user space", False, m.log() + serial.read_text(errors="replace")[-2000:])


def main():
    tap = Tap()
    fetch(tap)
    checked = run_weft("validate", SOURCE / "examples/debian-cloud.yaml")
    tap.equal("the example is valid", (checked.returncode, checked.stderr), (0, ""))
    boot(tap)
    tap.done()


main()

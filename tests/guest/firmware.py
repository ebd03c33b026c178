# SPDX-License-Identifier: Apache-2.0
"""`boot: {firmware: …}`: a firmware finds what EDK II's CLOUDHV.fd needs (bare/firmware.c). WEFT_FIRMWARE names a real
one, which must say something to its debug console: WEFT_FIRMWARE_SAYS is what, WEFT_FIRMWARE_TIMEOUT in how many seconds.
"""
import os
import re
import struct
import time
import uuid

from weftguest import BARE, Machine, Tap, cannot_emulate

UUID = uuid.UUID("8f5b3a52-6b1e-4c39-9a3b-2f1d7f7e4c11")
MACHINE_AT, EM_386 = 18, 3  # of an ELF file's header


def machine(tap, firmware, name):
    m = Machine(tap, name=name, memory={"size": "128MiB"}, boot={"firmware": str(firmware)})
    sector = bytes(510) + b"\x55\xaa"
    m.description["devices"] = {
        "serial": {"type": "serial", "output": {"type": "file", "path": "serial.log"}},
        "debug": {"type": "debug-console", "port": 0x402, "output": {"type": "file", "path": "debug.log"}},
        "disk": {"type": "virtio-blk", "path": m.disk("disk.img", 1 << 20, sector)},
    }
    return m


def contract(tap):
    elf = bytearray((BARE / "firmware").read_bytes())
    struct.pack_into("<H", elf, MACHINE_AT, EM_386)  # as CLOUDHV.fd has it: its entry is 32-bit
    with machine(tap, "firmware.elf", "firmware") as m:
        (m.directory / "firmware.elf").write_bytes(elf)
        m.description["smbios"] = {"uuid": str(UUID), "serial": "ds=nocloud;s=http://10.0.2.2/"}
        m.start()
        tap.equal("a firmware is entered, and powers off", m.wait_exit(20), 0)
        said = (m.directory / "serial.log").read_text()
        tap.check("it finds its tables, the host bridge, the timer and the disk", said.endswith("PASS\n"), said)
        # The first three fields are little endian.
        tap.check("and what the machine is", f"uuid {UUID.bytes_le.hex()} serial ds=nocloud;s=http://10.0.2.2/\n" in said,
                  said)
        tap.equal("its messages are on the debug console", (m.directory / "debug.log").read_text(),
                  "firmware\nboot sector read\n")
        m.check_nothing_left()


def real(tap, firmware):
    wanted = os.environ.get("WEFT_FIRMWARE_SAYS", "SecCoreStartup")
    with machine(tap, os.path.abspath(firmware), "real-firmware") as m:
        m.start()
        log = m.directory / "debug.log"

        def said():
            return log.exists() and re.search(wanted, log.read_text(errors="replace"))

        end = time.monotonic() + float(os.environ.get("WEFT_FIRMWARE_TIMEOUT", "20"))
        while time.monotonic() < end and m.alive() and not said():
            time.sleep(0.1)
        tap.check(f"{os.path.basename(firmware)} says '{wanted}'", bool(said()), m.log())
        if not m.alive():
            tap.check("where it ends, weft's report names the instruction", cannot_emulate(m.log()), m.log())


def main():
    tap = Tap()
    contract(tap)
    if os.environ.get("WEFT_FIRMWARE"):
        real(tap, os.environ["WEFT_FIRMWARE"])
    tap.done()


main()

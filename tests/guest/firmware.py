# SPDX-License-Identifier: Apache-2.0
"""`boot: {firmware: …}`: a firmware finds what EDK II's CLOUDHV.fd needs (bare/firmware.c). uefi.py has that itself."""
import struct
import uuid

from weftguest import BARE, Machine, Tap

UUID = uuid.UUID("8f5b3a52-6b1e-4c39-9a3b-2f1d7f7e4c11")
MACHINE_AT, EM_386 = 18, 3  # of an ELF file's header


def main():
    tap = Tap()
    elf = bytearray((BARE / "firmware").read_bytes())
    struct.pack_into("<H", elf, MACHINE_AT, EM_386)  # as CLOUDHV.fd has it: its entry is 32-bit
    with Machine(tap, name="firmware", memory={"size": "128MiB"}, boot={"firmware": "firmware.elf"},
                 smbios={"uuid": str(UUID), "serial": "ds=nocloud;s=http://10.0.2.2/"}) as m:
        (m.directory / "firmware.elf").write_bytes(elf)
        m.description["devices"] = {
            "serial": {"type": "serial", "output": {"type": "file", "path": "serial.log"}},
            "debug": {"type": "debug-console", "port": 0x402, "output": {"type": "file", "path": "debug.log"}},
            "disk": {"type": "virtio-blk", "path": m.disk("disk.img", 1 << 20, bytes(510) + b"\x55\xaa")},
        }
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
    tap.done()


main()

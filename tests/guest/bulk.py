# SPDX-License-Identifier: Apache-2.0
"""256 MiB through virtio-blk and back by a bare-metal guest; the host reads the same bytes in the image."""
import re
import zlib

from weftguest import BARE, Machine, Tap

SIZE = 256 << 20


def file_crc(path):
    value = 0
    with open(path, "rb") as f:
        while chunk := f.read(1 << 20):
            value = zlib.crc32(chunk, value)
    return f"{value:08x}"


def run(tap, name, **disk):
    with Machine(tap, name="bulk", memory={"size": "64MiB"}, boot={"kernel": str(BARE / "blk-bulk")}) as m:
        image = m.disk("disk.img", SIZE)
        m.description["devices"] = {
            "serial": {"type": "serial", "output": {"type": "file", "path": "serial.log"}},
            "disk": {"type": "virtio-blk", "path": image, **disk},
        }
        m.start()
        tap.equal(f"{name}: weft ends with status 0", m.wait_exit(60), 0)
        said = (m.directory / "serial.log").read_text()
        facts = dict(re.findall(r"^(\w+)=(\w+)$", said, re.M))
        tap.check(f"{name}: the guest reads what it wrote", said.rstrip().endswith("PASS"), said)
        tap.equal(f"{name}: all of it", facts.get("BYTES"), str(SIZE))
        tap.equal(f"{name}: the image holds what the guest wrote", file_crc(image), facts.get("WRITTEN"))
        m.check_nothing_left()


def main():
    tap = Tap()
    run(tap, "default engine")
    run(tap, "direct", direct=True)
    tap.done()


main()

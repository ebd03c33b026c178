# SPDX-License-Identifier: Apache-2.0
"""Linux reaches user space by each boot protocol, with 1, 2 and 4 CPUs, and sees what it was given.

WEFT_TEST_ALL=1: each protocol with each number of CPUs, which takes three times as long."""
import os

from weftguest import Guest, Tap

PROTOCOLS = {
    "PVH": {"kernel": "vmlinux", "protocol": "pvh"},
    "64-bit ELF": {"kernel": "vmlinux", "protocol": "linux64"},
    "bzImage": {"kernel": "bzImage"},  # its payload is unpacked by weft
}
MEMORY_MB = {1: 64, 2: 96, 4: 128}
# A protocol starts one CPU; the others are started by Linux, in the same way after each protocol.
USUAL = {"PVH": 1, "64-bit ELF": 2, "bzImage": 4}


def check_facts(tap, name, guest, cpus):
    facts = guest.facts()
    tap.equal(f"{name}: nproc", facts.get("NPROC"), str(cpus))
    total = int(facts.get("MEMTOTAL_KB", 0))
    size = MEMORY_MB[cpus] * 1024
    # The kernel's image and the pages that describe memory are not in MemTotal.
    tap.check(f"{name}: MemTotal", size - 20 * 1024 < total <= size, f"{total} of {size} kB")
    tap.check(f"{name}: command line", "marker=as-written" in facts.get("CMDLINE", ""), facts)


def main():
    tap = Tap(linux=True)
    for protocol, boot in PROTOCOLS.items():
        for cpus, size in MEMORY_MB.items():
            if cpus != USUAL[protocol] and not os.environ.get("WEFT_TEST_ALL"):
                continue
            name = f"{protocol}, {cpus} CPU{'s' if cpus > 1 else ''}"
            with Guest(tap, name=f"boot-{cpus}", cpus={"count": cpus}, memory={"size": f"{size}MiB"},
                       cmdline="marker=as-written", **boot) as g:
                g.boot()
                tap.check(f"{name}: reaches user space", True)
                check_facts(tap, name, g, cpus)
                tap.equal(f"{name}: power-off ends weft with status 0", g.power_off(), 0)
                g.check_nothing_left()
    tap.done()


main()

# SPDX-License-Identifier: Apache-2.0
"""Debian's cloud kernel, as it is in the package: examples/debian-cloud.yaml as its user has it, 1, 2 and 4 CPUs, and
what another test does with the Linux of this folder. Where KVM emulates, all of it is on a host of its own (svmhost.py).

WEFT_TEST_ALL=1: what every test does that boots a Linux."""
import os
import pathlib
import re
import subprocess
import sys

import svmhost
from svmhost import CLOUD
from weftguest import GUEST, SOURCE, Console, Guest, Machine, Tap, crc, pattern, signal

HERE = pathlib.Path(__file__).parent
KIB, MIB = 1 << 10, 1 << 20
RELEASE = r"6\.\d+\.\d+-\d+-cloud-amd64"
# What the kernel says of the machine that the example describes.
SAID = {
    "it has the command line": r"Command line: console=ttyS0$",
    "and the memory map": r"BIOS-e820: \[mem 0x0+100000-0x0+1fffffff\] usable",
    "it knows the machine": r"DMI: weft weft virtual machine",
    "and the hypervisor": r"Hypervisor detected: KVM",
    "it finds the initramfs": r"RAMDISK: \[mem 0x[0-9a-f]+-0x0*1fffffff\]",
    "and the ACPI tables": r"ACPI: FACP 0x[0-9A-F]+ .*WEFT",
}
# Tests of other files that are done with this kernel, too.
USUAL = ("walk",)
ALL = ("disk", "network", "virtio", "consoles", "life", "hotplug-cpu", "hotplug-memory", "hotplug-pci", "live", "nvdimm", "walk")


def example(tap):
    """The example, as it is but for where it is."""
    with Machine(tap, name="debian-cloud") as m:
        text = (SOURCE / "examples/debian-cloud.yaml").read_text(encoding="utf-8")
        m.file.write_text(text.replace("../build/guest", str(GUEST)))
        terminal = Console(m)
        m.start_on_terminal(terminal)
        tap.check("the example greets on the terminal",
                  re.fullmatch(RELEASE, terminal.wait(r"^Hello from Linux (\S+), woven by weft\.$", 120)[1]))
        for what, line in SAID.items():
            tap.check(what, re.search(line, terminal.text, re.M), terminal.text[:4000])
        terminal.wait(r"^weft /root # ", 30)
        terminal.send("nproc; head -c 16 /dev/hwrng | wc -c\n")
        tap.check("its shell has two CPUs and random bytes", terminal.wait(r"^2\n16$", 60))
        terminal.send("poweroff\n")
        tap.equal("poweroff ends weft with status 0", m.wait_exit(60), 0)
        terminal.close()
        m.check_nothing_left()


def boots(tap):
    for cpus in (1, 2, 4):
        with Guest(tap, name=f"cloud-{cpus}", cpus={"count": cpus}, memory={"size": "256MiB"}) as g:
            image = g.disk("disk.img", 16 * MIB, pattern(3, 64 * KIB))
            g.description["devices"].update({
                "disk": {"type": "virtio-blk", "path": image, "queues": cpus},
                "hvc": {"type": "virtio-console", "output": {"type": "file", "path": "hvc.log"}},
                "rng": {"type": "virtio-rng"}})
            g.boot()
            facts = g.facts()
            tap.check(f"{cpus} CPUs: the kernel of the package", re.fullmatch("Linux " + RELEASE, facts["UNAME"]), facts)
            tap.equal(f"{cpus} CPUs: nproc", facts["NPROC"], str(cpus))
            total = int(facts["MEMTOTAL_KB"])
            tap.check(f"{cpus} CPUs: MemTotal", 180 * KIB < total < 256 * KIB, f"{total} kB")
            g.command("interrupts virtio")
            vectors = {re.search(r"\bvirtio\S+$", l)[0].partition("-")[2] for l in g.lines if "MSI" in l}
            tap.check(f"{cpus} CPUs: an MSI-X vector for each queue",
                      vectors >= {"input", "output", *(f"req.{i}" for i in range(cpus))}, g.lines)
            tap.equal(f"{cpus} CPUs: reads the disk", g.command(f"sum /dev/vda 0 {64 * KIB}"),
                      f"{crc(pattern(3, 64 * KIB))} {64 * KIB}")
            g.command(f"fill /dev/vda {MIB} {64 * KIB} 9")
            g.command("flush /dev/vda")
            with open(image, "rb") as f:
                f.seek(MIB)
                tap.check(f"{cpus} CPUs: what it writes is in the image", f.read(64 * KIB) == pattern(9, 64 * KIB))
            tap.equal(f"{cpus} CPUs: hwrng", g.command("hwrng 4096").split()[0], "4096")
            if cpus == 2:
                g.console.send("reboot\n")
                g.wait_up()
                tap.equal("after a reboot, too", g.command("nproc"), "2")
                g.signal(signal.SIGTERM)
                tap.check("SIGTERM presses the power button, whose driver hears it",
                          g.console.wait(r"^POWER-BUTTON$", 20))
                tap.equal("which powers off", g.wait_exit(60), 0)
            else:
                tap.equal(f"{cpus} CPUs: powers off with status 0", g.power_off(), 0)
            g.check_nothing_left()


def others(tap):
    """Other tests, whose Linux is this one. Each of their results is one here."""
    for test in ALL if os.environ.get("WEFT_TEST_ALL") else USUAL:
        plan = False
        run = subprocess.Popen([sys.executable, HERE / f"{test}.py"], stdout=subprocess.PIPE, text=True)
        for line in map(str.rstrip, run.stdout):
            result = re.match(r"(ok|not ok) \d+ - (.*)", line)
            if not result:
                Tap.note(line.removeprefix("# "))
                plan = plan or line.startswith("1..")
            elif "# SKIP" in result[2]:
                tap.skip(f"{test}: {result[2].partition(' # SKIP')[0]}", result[2].partition("# SKIP ")[2])
            else:
                tap.check(f"{test}: {result[2]}", result[1] == "ok")
        run.wait()
        tap.check(f"{test}: runs to its end", plan)


def main():
    svmhost.take_over()
    tap = Tap()
    os.environ["WEFT_TEST_LINUX"] = str(CLOUD)
    example(tap)
    boots(tap)
    others(tap)
    tap.done()


main()

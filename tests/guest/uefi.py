# SPDX-License-Identifier: Apache-2.0
"""EDK II starts Debian's cloud kernel from a disk that is like a distribution's image: a GPT with an EFI system partition,
and on that systemd-boot with an entry for the kernel. Where KVM emulates, on a host of its own (svmhost.py).

    examples/firmware.sh && cd build && python3 ../tests/guest/uefi.py

Not a part of `make check`: no package has the firmware, and building it takes some minutes. It needs systemd-boot-efi,
mtools and fdisk. QEMU's SVM fails an assertion (in tcg_handle_interrupt) when a guest writes CR8 while an interrupt waits
for it, as EDK II does: such a host needs a QEMU without that, or its accel-tcg module in QEMU_MODULE_DIR.
"""
import pathlib
import re
import shutil
import subprocess

import svmhost
from svmhost import CLOUD
from weftguest import GUEST, Guest, Tap

FIRMWARE = GUEST / "firmware/CLOUDHV.fd"
LOADER = pathlib.Path("/usr/lib/systemd/boot/efi/systemd-bootx64.efi")
MIB = 1 << 20
START = MIB  # of the partition
ENTRY = """title Debian's cloud kernel
linux /vmlinuz
initrd /initramfs.cpio
options console=ttyS0 weft.obey quiet from=uefi
"""


def make_disk(g):
    files = {"EFI/BOOT/BOOTX64.EFI": LOADER, "vmlinuz": CLOUD / "vmlinuz", "initramfs.cpio": CLOUD / "initramfs.cpio",
             "loader/entries/cloud.conf": g.directory / "cloud.conf"}
    files["loader/entries/cloud.conf"].write_text(ENTRY)
    image = g.disk("disk.img", 64 * MIB)
    subprocess.run(["/sbin/sfdisk", "-q", image], input=f"label: gpt\nstart={START // 512}, type=uefi\n", text=True,
                   check=True)
    partition = f"{image}@@{START}"
    subprocess.run(["mformat", "-i", partition, "-F", "-T", str(62 * MIB // 512), "::"], check=True)
    for directory in ("EFI", "EFI/BOOT", "loader", "loader/entries"):
        subprocess.run(["mmd", "-i", partition, f"::{directory}"], check=True)
    for name, file in files.items():
        subprocess.run(["mcopy", "-i", partition, file, f"::{name}"], check=True)
    return image


def main():
    if not FIRMWARE.exists():
        Tap.skip_all(f"there is no {FIRMWARE}: examples/firmware.sh builds it")
    for tool in (LOADER, "/sbin/sfdisk", "mformat"):
        if not shutil.which(tool) and not pathlib.Path(tool).exists():
            Tap.skip_all(f"there is no {tool}")
    svmhost.take_over()
    tap = Tap()
    with Guest(tap, name="uefi", cpus={"count": 2}, memory={"size": "512MiB"}) as g:
        g.description["boot"] = {"firmware": str(FIRMWARE)}
        g.description["devices"] |= {"disk": {"type": "virtio-blk", "path": make_disk(g)}, "rng": {"type": "virtio-rng"}}
        g.boot()
        facts = g.facts()
        tap.check("the kernel of the disk is in user space", re.fullmatch(r"Linux 6\.\S+-cloud-amd64", facts["UNAME"]), facts)
        tap.check("as its entry says", "from=uefi" in facts["CMDLINE"], facts)
        tap.equal("with both CPUs", facts["NPROC"], "2")
        g.command("ls /sys/firmware/efi")
        tap.check("it was started by UEFI", "runtime" in " ".join(g.lines) or "systab" in " ".join(g.lines), g.lines)
        g.console.send("reboot\n")
        g.wait_up()
        tap.equal("it comes back after a reboot by UEFI's runtime service", g.command("nproc"), "2")
        tap.equal("powers off with status 0", g.power_off(60), 0)
        g.check_nothing_left()
    tap.done()


main()

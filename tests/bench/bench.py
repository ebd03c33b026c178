#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What weft costs around a guest, beside other virtual machine monitors in the same run.

    make bench [N=20] [CLOUD_HYPERVISOR=PATH] [FIRECRACKER=PATH] [LKVM=PATH] [BENCH_JSON=FILE]

QEMU (microvm and q35) takes part when it is installed, the others when a path is given. The programs
take turns, so that a busy moment of the host hits all of them; the numbers are medians. `floor` is floor.c, the
least that KVM allows. Guests are those of tests/guest/bare: the same file for everybody.
"""
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(os.environ.get("WEFT_BUILD", ".")).resolve()
WEFT = os.environ.get("WEFT", str(BUILD / "weft"))
BARE = BUILD / "tests/guest/bare"
SPAWN = str(BUILD / "tests/bench/spawn")
FLOOR = str(BUILD / "tests/bench/floor")
N = int(os.environ.get("N") or 20)
RAM_MB = 64


class Program:
    """A way to boot a bare guest with a serial port on standard output, and maybe a disk."""

    def __init__(self, name, binary, command):
        self.name = name
        self.binary = binary
        self.command = command  # (directory, guest, disk or None) -> argv


def weft(directory, guest, disk):
    devices = {"serial": {"type": "serial", "output": {"type": "file", "path": "/dev/stdout"}}}
    if disk:
        devices["disk"] = {"type": "virtio-blk", "path": disk}
    path = directory / "weft.yaml"
    path.write_text(json.dumps({
        "version": 1, "name": "bench", "memory": {"size": f"{RAM_MB}MiB"},
        "boot": {"kernel": guest}, "devices": devices}))
    return [WEFT, "run", str(path)]


def qemu(machine, disk_device):
    def command(directory, guest, disk):
        argv = ["qemu-system-x86_64", "-M", machine, "-enable-kvm", "-cpu", "host,-arch-capabilities,-cx16",
                "-m", str(RAM_MB), "-kernel", guest, "-nodefaults", "-no-user-config", "-display", "none",
                "-no-reboot", "-serial", "stdio"]
        if disk:
            argv += ["-drive", f"if=none,id=d,format=raw,file={disk}", "-device", f"{disk_device},drive=d"]
        return argv
    return command


def cloud_hypervisor(directory, guest, disk):
    return [os.environ["CLOUD_HYPERVISOR"], "--kernel", guest, "--memory", f"size={RAM_MB}M", "--cpus", "boot=1",
            "--serial", "file=/dev/stdout", "--console", "off", *(["--disk", f"path={disk}"] if disk else [])]


def firecracker(directory, guest, disk):
    path = directory / "firecracker.json"
    drives = [{"drive_id": "d", "path_on_host": disk, "is_root_device": False, "is_read_only": False}]
    path.write_text(json.dumps({
        "boot-source": {"kernel_image_path": guest, "boot_args": ""}, "drives": drives if disk else [],
        "machine-config": {"vcpu_count": 1, "mem_size_mib": RAM_MB}}))
    return [os.environ["FIRECRACKER"], "--no-api", "--config-file", str(path)]


def lkvm(directory, guest, disk):
    # kvmtool knows flat binaries, entered in real mode: minimal.S means the same there.
    flat = directory / (pathlib.Path(guest).name + ".flat")
    subprocess.run(["objcopy", "-O", "binary", "-j", ".text", guest, str(flat)], check=True)
    return [os.environ["LKVM"], "run", "--kernel", str(flat), "--mem", str(RAM_MB), "--cpus", "1",
            "--console", "serial", *(["--disk", disk] if disk else [])]


def programs():
    found = [Program("weft", WEFT, weft)]
    found.append(Program("floor", FLOOR, lambda directory, guest, disk: [FLOOR]))
    if shutil.which("qemu-system-x86_64"):
        binary = shutil.which("qemu-system-x86_64")
        found.append(Program("qemu microvm", binary, qemu("microvm,rtc=off", "virtio-blk-device")))
        found.append(Program("qemu q35", binary, qemu("q35", "virtio-blk-pci")))
    for variable, command in (("CLOUD_HYPERVISOR", cloud_hypervisor), ("FIRECRACKER", firecracker),
                              ("LKVM", lkvm)):
        if os.environ.get(variable):
            found.append(Program(variable.lower().replace("_", "-"), os.environ[variable], command))
    return found


def spawn(argv, speaks=True):
    """First byte, last byte and end after exec in ms; a failure says why."""
    run = subprocess.run([SPAWN, *argv], capture_output=True, text=True, check=False, timeout=90)
    if run.returncode:
        raise RuntimeError(run.stderr.strip()[-500:])
    first, last, end, status = map(int, run.stdout.split())
    if status or (speaks and not first):
        raise RuntimeError(f"status {status}, {'a' if first else 'no'} byte from the guest: {run.stderr.strip()[-500:]}")
    return first / 1e6, last / 1e6, end / 1e6


def times(program, directory, results):
    # What ran before was another program, for seconds perhaps: its leavings are in the caches, and no page is free at once.
    spawn(program.command(directory, str(BARE / "first-byte"), None))
    first, last, end = spawn(program.command(directory, str(BARE / "first-byte"), None))
    results["exec to first guest byte, ms"].append(first)
    results["guest's power-off to end of process, ms"].append(end - last)
    if program.name != "floor":
        # By then all that a monitor does beside starting a guest is done, and has to be ended, too.
        _, last, end = spawn(program.command(directory, str(BARE / "linger"), None))
        results["the same of a guest that ran for a while, ms"].append(end - last)
        _, _, end = spawn(program.command(directory, str(BARE / "power-off"), None), speaks=False)
        results["exec to end of a guest that powers off, ms"].append(end)


def guest_ram(size):
    return RAM_MB * 1024 <= size < RAM_MB * 1024 + 4096


def pss(program, directory):
    """KiB of proportional memory but that of guest RAM, while a guest with a disk and a console idles."""
    disk = directory / "disk.img"
    with open(disk, "wb") as f:
        f.truncate(16 << 20)
    process = subprocess.Popen(program.command(directory, str(BARE / "halt"), str(disk)), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        if not process.stdout.read(1):
            raise RuntimeError("ended before its guest ran")
        time.sleep(0.3)
        total, size = 0, 0
        for line in pathlib.Path(f"/proc/{process.pid}/smaps").read_text().splitlines():
            if line.startswith("Size:"):
                size = int(line.split()[1])
            elif line.startswith("Pss:") and not guest_ram(size):
                total += int(line.split()[1])
        return total
    finally:
        process.kill()
        process.wait()


def system_calls(program, directory):
    """System calls of all threads until the first KVM_RUN."""
    trace = directory / "trace"
    subprocess.run(["timeout", "60", "strace", "-f", "-o", str(trace),
                    *program.command(directory, str(BARE / "first-byte"), None)], stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    count = 0
    for line in trace.read_text(errors="replace").splitlines():
        if "KVM_RUN" in line:
            return count
        if re.match(r"\d+ +\w+\(", line):
            count += 1
    raise RuntimeError("no KVM_RUN in the trace")


def binary_size(program, directory):
    stripped = directory / "stripped"
    subprocess.run(["strip", "-o", str(stripped), program.binary], check=True)
    return stripped.stat().st_size / 1024


def measure(all_programs, directory):
    results = {}
    broken = {}
    for turn in range(N + 1):
        for p in all_programs:
            if p.name in broken:
                continue
            row = results.setdefault(p.name, {})
            if turn == 0:  # reads every file once
                row.update({k: [] for k in ("exec to first guest byte, ms", "guest's power-off to end of process, ms",
                                            "the same of a guest that ran for a while, ms",
                                            "exec to end of a guest that powers off, ms")})
            try:
                times(p, directory, row if turn else {k: [] for k in row})
            except (RuntimeError, OSError, subprocess.SubprocessError) as e:
                broken[p.name] = e
    for p in all_programs:
        row = results[p.name]
        for name, function in (("memory beyond guest RAM (Pss), KiB", pss),
                               ("system calls to the first guest instruction", system_calls),
                               ("stripped binary, KiB", binary_size)):
            if p.name in broken or (p.name == "floor" and function is pss):
                continue
            try:
                row[name] = [function(p, directory)]
            except (RuntimeError, OSError, subprocess.SubprocessError) as e:
                print(f"# {p.name}: {name}: {e}", file=sys.stderr)
    for name, error in broken.items():
        print(f"# {name}: {error}", file=sys.stderr)
    return results


def report(results):
    names = list(results)
    print(f"{'medians of ' + str(N):48}" + "".join(f"{n:>16}" for n in names))
    rows = []
    for row in results.values():
        rows += [k for k in row if k not in rows]
    for key in rows:
        medians = {n: statistics.median(results[n][key]) for n in names if results[n].get(key)}
        cells = "".join(f"{medians[n]:16.2f}" if n in medians else f"{'-':>16}" for n in names)
        peers = [v for n, v in medians.items() if n not in ("weft", "floor")]
        ratio = f"   {medians['weft'] / min(peers):5.2f} of the best peer" if peers and "weft" in medians else ""
        print(f"{key:48}{cells}{ratio}")


def main():
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        sys.exit("bench.py: /dev/kvm cannot be opened")
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as directory:
        os.environ["XDG_STATE_HOME"] = directory
        results = measure(programs(), pathlib.Path(directory))
    report(results)
    if os.environ.get("BENCH_JSON"):
        pathlib.Path(os.environ["BENCH_JSON"]).write_text(json.dumps(results, indent=2) + "\n")


main()

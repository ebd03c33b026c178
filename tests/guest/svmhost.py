#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a host whose KVM uses SVM, wherever QEMU runs: its processor is emulated, with AMD's virtualization.

    svmhost.py [-m MEMORY] [-t SECONDS] COMMAND...

That host boots Debian's cloud kernel, which is fetched. It has this machine's file system; what it writes there is in its
memory, and gone with it. It has a network without a way out. The command has the caller's environment, working
directory and output, and the caller has its status; 125 when there is none.

A KVM that emulates its guests' kernels (kvm_emulates()) cannot run a distribution's: there, a test that needs one is on
such a host as a whole (take_over()).
"""
import argparse
import os
import pathlib
import re
import select
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

from weftguest import GUEST, SOURCE, Tap, kvm_emulates

HERE = pathlib.Path(__file__).resolve().parent
CLOUD = GUEST / "debian-cloud"
VIRTIOFSD = "/usr/lib/qemu/virtiofsd"
NO_STATUS = 125
INSIDE = "WEFT_TEST_INSIDE"
# What the first file system has to load to get at this machine's; what is then loaded from there.
FIRST_MODULES = ("virtio_pci", "virtiofs", "overlay", "virtio_net")
MODULES = ("kvm_amd", "tun", "loop")
ENDED = re.compile(rb"^svmhost: status (\d+)\r?\n", re.M)
# With more, QEMU 7.2 comes to a stand now and then.
CPUS = 1

INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /bin /proc /sys /dev /host /memory /root
/bin/busybox --install -s /bin
mount -t devtmpfs devtmpfs /dev
exec </dev/null >/dev/ttyS1 2>&1
stty -F /dev/ttyS1 raw
mount -t proc proc /proc
mount -t sysfs sysfs /sys
while read -r module; do insmod "$module"; done </modules/order
mount -t virtiofs -o ro host /host
mount -t tmpfs -o size=60% tmpfs /memory
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work overlay /root
for d in dev proc sys; do mount --move /$d /root/$d; done
mkdir -p /root/dev/pts /root/dev/shm
mount -t devpts devpts /root/dev/pts
for d in dev/shm run; do mount -t tmpfs tmpfs /root/$d; done
mkdir /root/run/tmp
ip link set lo up
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
ip route add default via 10.0.2.2
cp /command /root/run/command
# Not chroot: whoever is in one cannot make a user namespace.
exec switch_root /root /bin/sh /run/command
"""


class Unable(Exception):
    """Such a host cannot be made here; the message says why."""


def fetch():
    """Makes what examples/debian-cloud.yaml boots, in CLOUD; what the script said. Raises Unable."""
    try:
        made = subprocess.run([SOURCE / "examples/debian-cloud.sh", CLOUD], capture_output=True, text=True, timeout=120,
                              check=False)
    except subprocess.TimeoutExpired:
        raise Unable("the download takes too long") from None
    if made.returncode:
        raise Unable("examples/debian-cloud.sh: " + (made.stderr.strip().splitlines() or ["?"])[-1])
    return made.stdout.strip()


def _check_tools():
    for tool in ("qemu-system-x86_64", VIRTIOFSD, "/bin/busybox", "modprobe"):
        if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            raise Unable(f"there is no {tool}")
    if os.geteuid() != 0:
        raise Unable("virtiofsd needs root")


def _show_depends(package, release, module):
    shown = subprocess.run(["modprobe", "-d", package, "-S", release, "--show-depends", module], text=True,
                           capture_output=True, check=False, env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"})
    return re.findall(r"^insmod (\S+)", shown.stdout, re.M)


def _script(package, command, environment):
    exports = [f"export {k}={shlex.quote(v)}" for k, v in environment.items() if re.fullmatch(r"\w+", k)]
    modules = [f"/sbin/modprobe -q -d {shlex.quote(str(package))} {m}" for m in MODULES]
    return "\n".join([*exports, "export TMPDIR=/run/tmp", *modules, f"cd {shlex.quote(os.getcwd())}", shlex.join(command),
                      'echo "svmhost: status $?"', "exec /bin/busybox reboot -f"]) + "\n"


def _initramfs(directory, package, release, script):
    files = list(dict.fromkeys(f for m in FIRST_MODULES for f in _show_depends(package, release, m)))
    if not files:
        raise Unable(f"there are no modules in {package}")
    (directory / "init").write_text(INIT)
    (directory / "init").chmod(0o755)
    (directory / "command").write_text(script)
    (directory / "order").write_text("".join(f"/modules/{os.path.basename(f)}\n" for f in files))
    entries = [f"init={directory}/init", f"command={directory}/command", f"modules/order={directory}/order",
               "bin/busybox=/bin/busybox", "dev/", "dev/console!c:5:1", "dev/null!c:1:3"]
    entries += [f"modules/{os.path.basename(f)}={f}" for f in files]
    subprocess.run([HERE / "mkcpio.py", directory / "initramfs", *entries], check=True)


def _relay(process, seconds):
    """Passes on what COMMAND says until it has ended; its status."""
    tail, end = b"", time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if not select.select([process.stdout], [], [], left)[0]:
            break
        data = os.read(process.stdout.fileno(), 65536)
        if not data:
            break
        tail += data
        ended = ENDED.search(tail)
        # What may be the beginning of the last line waits.
        ready = ended.start() if ended else tail.rfind(b"\n") + 1
        sys.stdout.buffer.write(tail[:ready])
        sys.stdout.flush()
        if ended:
            return int(ended[1])
        tail = tail[ready:]
    return None


def take_over():
    """Where KVM emulates, runs the calling program on a host of its own and leaves with its status; else returns with what
    CLOUD needs fetched. A program that cannot have such a host is skipped.
    """
    try:
        if INSIDE not in os.environ:
            Tap.note(fetch())
        if kvm_emulates():
            sys.exit(run([sys.executable, *sys.argv], seconds=3600 if "WEFT_TEST_ALL" in os.environ else 600,
                         environment={"WEFT_TEST_PATIENCE": "4", **os.environ, INSIDE: "1"}))
    except Unable as e:
        Tap.skip_all(str(e))


def run(command, memory="3G", seconds=600, environment=os.environ):
    """The status of @command on a host of its own, whose kernel is in CLOUD. Raises Unable."""
    _check_tools()
    package = (CLOUD / "package").resolve()
    kernel = next(package.glob("boot/vmlinuz-*"))
    release = kernel.name.removeprefix("vmlinuz-")
    with tempfile.TemporaryDirectory(prefix="weft-svmhost-") as name:
        directory = pathlib.Path(name)
        _initramfs(directory, package, release, _script(package, command, environment))
        with open(directory / "log", "wb") as log:
            files = subprocess.Popen([VIRTIOFSD, f"--socket-path={directory}/files", "-o", "source=/,sandbox=chroot",
                                      "-o", "cache=always", "--thread-pool-size=2"], stdout=log, stderr=log)
        qemu = None
        try:
            qemu = subprocess.Popen(
                ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max,+svm,+npt", "-M", "q35,memory-backend=ram",
                 "-object", f"memory-backend-memfd,id=ram,share=on,size={memory}", "-m", memory, "-smp", str(CPUS),
                 "-nodefaults", "-nographic", "-no-reboot", "-kernel", kernel, "-initrd", directory / "initramfs",
                 "-append", "console=ttyS0 quiet panic=-1",
                 "-serial", f"file:{directory}/kernel.log", "-serial", "file:/dev/stdout",
                 "-chardev", f"socket,id=files,path={directory}/files",
                 "-device", "vhost-user-fs-pci,chardev=files,tag=host",
                 "-netdev", "user,id=net,restrict=on", "-device", "virtio-net-pci,netdev=net,romfile="],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            status = _relay(qemu, seconds)
            if status is None:
                for file in ("log", "kernel.log"):
                    if (directory / file).exists():
                        sys.stderr.write((directory / file).read_text(errors="replace")[-3000:])
                sys.stderr.write(f"svmhost: no status after {seconds} s or the end of QEMU\n")
            return NO_STATUS if status is None else status
        finally:
            for process in (qemu, files):
                if process:
                    process.kill()
                    process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--memory", default="3G", help="of that host, as QEMU wants it")
    parser.add_argument("-t", "--seconds", type=float, default=600, help="after which it is killed")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    try:
        fetch()
        sys.exit(run(options.command, options.memory, options.seconds))
    except Unable as e:
        sys.exit(f"svmhost: {e}")


if __name__ == "__main__":
    main()

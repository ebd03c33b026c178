#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The diagnostics of what a host lacks: each is caused, and has its code, a place in the file and a way out where there is one.
What no test can cause on a host that works is in UNSEEN of golden.py, with the reason."""
import os
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile

SOURCE = os.path.abspath(os.environ.get("srcdir", os.path.join(os.path.dirname(__file__), "../..")))
sys.path.insert(0, os.path.join(SOURCE, "tests/meta"))
from tap import Tap

BUILD = os.path.abspath(os.environ.get("builddir", "."))
WEFT = os.environ.get("WEFT", os.path.join(BUILD, "weft"))
KERNEL = os.path.join(BUILD, "guest/vmlinux")
NO_KVM = not os.access("/dev/kvm", os.R_OK | os.W_OK)

# Code, what the description says beside version and name, what the message says and what the hint, and how weft is called.
# "run" is weft run, which does not come to the guest; the rest is weft validate --host.
CASES = [
    ("E0410", "memory: { size: 1GiB }\nboot: { kernel: vmlinuz }", "the host has no 1GiB", "ulimit -v", "little-memory"),
    ("E0411", "memory: { size: 512GiB, hugepages: 1GiB }\nboot: { kernel: vmlinuz }", "huge pages", "", "kvm"),
    ("E0423", "cpus: { features: { FEATURE: 'on' } }\nboot: { kernel: vmlinuz }", "FEATURE", "", "kvm"),
    ("E0424", "cpus: { phys-bits: 52 }\nboot: { kernel: vmlinuz }", "address", "", "kvm"),
    ("E0430", "boot: { kernel: vmlinuz }\ndevices: { d: { type: virtio-blk, path: no.img } }", "no.img' cannot be opened for writing",
     "truncate -s 10G", ""),
    ("E0430", "boot: { kernel: vmlinuz }\ndevices: { d: { type: nvdimm, path: no/n.img, size: 2MiB } }", "cannot be made", "mkdir", ""),
    ("E0431", "boot: { kernel: vmlinuz }\ndevices: { d: { type: virtio-blk, path: d.qcow2 } }", "in the format qcow2",
     "qemu-img convert -O raw", ""),
    ("E0431", "boot: { kernel: vmlinux }\ndevices: { d: { type: virtio-blk, path: empty.img } }", "is empty", "truncate -s 1G", "run"),
    ("E0432", "boot: { kernel: vmlinuz }\ndevices: { n: { type: virtio-net, backend: { type: user } } }", "needs the program passt",
     "apt-get install passt", "no-path"),
    ("E0433", "boot: { kernel: vmlinux }\ndevices: { d: { type: nvdimm, path: short.img, size: 2MiB, read-only: true } }", "", "", "run"),
    ("E0440", "boot: { kernel: vmlinuz }", "/dev/kvm", "", "nobody"),
    ("E0442", "boot: { kernel: vmlinuz }", "", "", "few-files"),
    ("E0451", "boot: { kernel: no-such-file }", "cannot open kernel", "relative to the description", ""),
    ("E0452", "boot: { kernel: . }", "is a directory, not a file", "", ""),
    ("E0453", "boot: { kernel: text }", "", "", ""),
    ("E0454", "boot: { firmware: bzimage }", "", "", ""),
    ("E0455", "boot: { kernel: vmlinux, protocol: bzimage }", "", "", "kernel"),
    ("E0456", "boot: { kernel: bzimage, cmdline: '" + "a " * 300 + "' }", "", "", ""),
    ("E0457", "boot: { kernel: vmlinux, initramfs: empty.img }", "", "", "kernel"),
    ("E0458", "memory: { size: 16MiB }\nboot: { kernel: vmlinux }", "needs RAM at", "more memory", "kernel run"),
    ("E0701", "boot: { kernel: vmlinux }\ndevices: { s: { type: serial, output: { type: file, path: no/s.log } } }", "no/s.log", "", "run kernel"),
]


def bzimage():
    """A bzImage as far as its header says: protocol 2.15, a command line of 255 bytes at most."""
    image = bytearray(64 * 1024)
    image[0x1f1] = 4  # sectors of set-up
    image[0x1fe:0x200] = b"\x55\xaa"
    image[0x202:0x206] = b"HdrS"
    image[0x206:0x208] = struct.pack("<H", 0x20f)
    image[0x211] = 1  # loaded high
    image[0x238:0x23c] = struct.pack("<I", 255)
    return bytes(image)


def missing_feature():
    """A feature of processors that this one does not have: no processor has all."""
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        there = set(re.search(r"^flags\s*:(.*)$", f.read(), re.M)[1].split())
    return next(name for name in ("sse4a", "avx512_fp16", "xop", "amx_tile") if name not in there)


def has_asan():
    with open(WEFT, "rb") as f:
        return b"__asan_init" in f.read()


def limit(how):
    """What the child gives away before it becomes weft; None: nothing."""
    def give():
        if "little-memory" in how:
            resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))
        if "few-files" in how:
            resource.setrlimit(resource.RLIMIT_NOFILE, (7, 7))
        if "nobody" in how:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
    return give if how.split() and set(how.split()) & {"little-memory", "few-files", "nobody"} else None


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        for name, content in (("text", b"no kernel\n" * 100), ("empty.img", b""), ("short.img", b"x" * 4096),
                              ("d.qcow2", b"QFI\xfb" + bytes(508)), ("bzimage", bzimage()), ("vmlinuz", bzimage())):
            with open(os.path.join(folder, name), "wb") as f:
                f.write(content)
        with open(os.path.join(folder, "large.img"), "wb") as f:
            f.truncate(64 << 20)
        # Where nobody may run it, whoever may look into the folders of the build.
        weft = shutil.copy(WEFT, os.path.join(folder, "weft"))
        if os.path.exists(KERNEL):
            os.symlink(os.path.realpath(KERNEL), os.path.join(folder, "vmlinux"))
        for i, (code, text, message, hint, how) in enumerate(CASES):
            name = f"{code} {message}".strip()
            if ("kernel" in how or "run" in how) and not os.path.exists(KERNEL):
                tap.result(True, f"{name} # SKIP there is no guest kernel")
            elif NO_KVM and code not in ("E0430", "E0432", "E0440", "E0451", "E0452", "E0453", "E0454", "E0455", "E0456", "E0457"):
                tap.result(True, f"{name} # SKIP there is no /dev/kvm")
            elif "little-memory" in how and has_asan():
                tap.result(True, f"{name} # SKIP AddressSanitizer itself takes terabytes of addresses")
            elif "nobody" in how and os.geteuid() != 0:
                tap.result(True, f"{name} # SKIP only root can become nobody")
            else:
                path = os.path.join(folder, f"{i}.yaml")
                text, message = (s.replace("FEATURE", missing_feature()) for s in (text, message))
                with open(path, "w", encoding="utf-8") as f:
                    f.write(f"version: 1\nname: host-{i}\n{text}\n")
                env = {**os.environ, "XDG_STATE_HOME": folder, "XDG_RUNTIME_DIR": folder, **({"PATH": folder} if how == "no-path" else {})}
                words = ["run", path] if "run" in how else ["validate", "--host", path]
                run = subprocess.run([weft, *words], capture_output=True, text=True, timeout=60, check=False, cwd=folder, env=env,
                                     preexec_fn=limit(how), stdin=subprocess.DEVNULL)
                out = run.stdout + run.stderr
                here = [m.group(0) for m in re.finditer(rf"^.*\[{code}\]$(\n .*)*", out, re.M)]
                good = run.returncode not in (0, 1) and any(message in m and hint in m for m in here)
                tap.result(good, name, f"exit {run.returncode}", *out.splitlines())
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""`weft import` as a command: where it writes, what it never overwrites, its exit status, and that hostile files are answered
at once. What it makes of sources is in tests/golden/import."""
import os
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import Tap, need_devices

WEFT = os.path.abspath(os.environ.get("WEFT", "./weft"))
SECONDS, KIB = 0.3, 48 << 10  # of CPU, with room for a slow host; sanitizers need more
if subprocess.run(["grep", "-qs", "__asan_init", WEFT], check=False).returncode == 0:
    SECONDS, KIB = 10, 1 << 20
PLAIN = b"<domain type='kvm'><name>a</name><os><kernel>/k</kernel></os></domain>"
PARTLY = PLAIN.replace(b"</domain>", b"<genid/></domain>")

need_devices(WEFT, "serial", "virtio-blk", "virtio-net")
tap = Tap()


def run(*words, text=b"", source="libvirt"):
    return subprocess.run([WEFT, "import", "--from", source, *words], input=text, capture_output=True, timeout=60, check=False)


def test_status():
    for name, text, status in ("all is mapped", PLAIN, 0), ("something is not", PARTLY, 2), ("no XML", b"<", 1), \
            ("nothing at all", b"", 1):
        got = run("-", text=text)
        tap.result(got.returncode == status and bool(got.stdout) == (status != 1), f"{name}: {status}", got)
    for words in (["import", "x"], ["import", "--from", "xen", "x"], ["import", "--from", "libvirt"],
                  ["import", "--from", "libvirt", "a", "b"]):
        got = subprocess.run([WEFT, *words], capture_output=True, timeout=20, check=False)
        tap.result(got.returncode == 64 and b"--help" in got.stderr, f"usage: {' '.join(words)}", got)


def test_output(folder):
    path = os.path.join(folder, "a.yaml")
    first = run("-o", path, "-", text=PLAIN)
    with open(path, "rb") as f:
        written = f.read()
    tap.result(first.returncode == 0 and not first.stdout and written == run("-", text=PLAIN).stdout, "a file is written", first)
    again = run("-o", path, "-", text=PARTLY)
    with open(path, "rb") as f:
        tap.result(again.returncode == 64 and f.read() == written, "and not replaced", again)
    forced = run("-o", path, "--force", "-", text=PARTLY)
    with open(path, "rb") as f:
        tap.result(forced.returncode == 2 and f.read() != written, "but with --force", forced)
    kept = run("-o", path, "--force", "-", text=b"<domain")
    tap.result(kept.returncode == 1 and os.path.getsize(path) > 0, "a source that is none leaves it", kept)
    nowhere = run("-o", os.path.join(folder, "no/such/a.yaml"), "-", text=PLAIN)
    tap.result(nowhere.returncode == 5, "a file that cannot be written: 5", nowhere)
    full = subprocess.run([WEFT, "import", "--from", "libvirt", "-"], input=PLAIN, stdout=open("/dev/full", "wb"),
                          stderr=subprocess.PIPE, timeout=20, check=False)
    tap.result(full.returncode == 5, "nor standard output: 5", full)
    named = run("-n", "Other One", "-", text=PLAIN)
    tap.result(b"name: other-one" in named.stdout, "a name of the user's choice", named)


def hostile():
    """Names, sources and what is done about them: None when anything but a crash is right."""
    mib = (1 << 20) - 100
    many = b"".join(b"<feature policy='disable' name='f%d'/>" % i for i in range(5000))
    drives = b",".join(b'{"drive_id":"d","path_on_host":"x%d"}' % i for i in range(3000))
    yield "1MiB of <", "libvirt", b"<" * mib, 1
    yield "elements in elements", "libvirt", b"<a>" * (mib // 3), 1
    yield "100000 elements", "libvirt", b"<domain>" + b"<a/>" * 100000 + b"</domain>", 1
    yield "100000 attributes", "libvirt", b"<domain " + b" ".join(b"a%d=''" % i for i in range(70000)) + b"/>", 1
    yield "a bomb of entities", "libvirt", b"<!DOCTYPE a [" + b"".join(
        b'<!ENTITY a%d "%s">' % (i, b"&a%d;" % (i - 1) * 20 if i else b"x" * 20) for i in range(20)) + b"]><a>&a19;</a>", 1
    yield "a file by an entity", "libvirt", b"<!DOCTYPE a [<!ENTITY f SYSTEM '/etc/passwd'>]><domain><name>&f;</name></domain>", 1
    yield "UTF-16", "libvirt", PLAIN.decode().encode("utf-16"), 1
    yield "another encoding", "libvirt", b"<?xml version='1.0' encoding='ISO-8859-1'?>" + PLAIN.replace(b">a<", b">\xe9<"), 1
    yield "5000 features", "libvirt", b"<domain type='kvm'><cpu>" + many + b"</cpu></domain>", 2
    yield "1000 interfaces", "libvirt", b"<domain type='kvm'><devices>" + b"<interface type='bridge'/>" * 1000 + b"</devices></domain>", 2
    yield "1MiB of a name", "libvirt", b"<domain type='kvm'><name>" + b"x" * (mib - 100) + b"</name></domain>", 1
    yield "1MiB of an attribute", "libvirt", b"<domain type='" + b"x" * (mib - 100) + b"'/>", 1
    yield "1MiB of [", "firecracker", b"[" * mib, 1
    yield "3000 drives", "firecracker", b'{"boot-source":{},"drives":[' + drives + b"]}", 2
    yield "1MiB of a command line", "firecracker", b'{"boot-source":{"boot_args":"' + b"a " * (mib // 2 - 50) + b'"}}', 1
    yield "100000 keys", "firecracker", b"{" + b",".join(b'"%d":1' % i for i in range(80000)) + b"}", 1
    yield "a quote that is not closed", "cloud-hypervisor", b"cloud-hypervisor '" + b"a" * mib, None
    yield "a variable in a variable", "cloud-hypervisor", b"A=" + b"x" * 50000 + b"\ncloud-hypervisor --cmdline " + b"$A" * 9000, 2
    yield "100000 options", "cloud-hypervisor", b"cloud-hypervisor " + b"--disk a=b " * 90000, 1
    yield "9000 pins", "cloud-hypervisor", b"cloud-hypervisor --cpus affinity=[" + b"1@[2]," * 9000 + b"]", 2
    yield "more than 1MiB", "libvirt", b"<a>" + b" " * (1 << 20) + b"</a>", 1


def test_hostile(folder):
    for name, source, text, status in hostile():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        got = run("-", text=text, source=source)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        good = got.returncode == status if status is not None else got.returncode in (0, 1, 2)
        tap.result(good and seconds < SECONDS and after.ru_maxrss < KIB, f"{name}: {got.returncode}",
                   f"{seconds:.3f} s, {after.ru_maxrss} KiB", got.stderr[-500:], got.stdout[:500])
    fifo = os.path.join(folder, "fifo")
    os.mkfifo(fifo)
    for path in fifo, "/dev/zero", folder, os.path.join(folder, "missing"):
        got = run(path)
        tap.result(got.returncode == 1 and b"E0101" in got.stderr, f"{os.path.basename(path)} is no file", got)
    # A comment holds no line break, no end of a comment and no direction mark of a source.
    got = run("-", text=PLAIN.replace(b"<name>", "<title>a&#10;devices: {}&#13;b\u202ec</title><name>".encode()))
    lines = got.stdout.decode().splitlines()
    tap.result(got.returncode == 0 and not [l for l in lines if l.startswith("devices")] and "\u202e" not in got.stdout.decode(),
               "a title stays in its comment", *lines)


with tempfile.TemporaryDirectory() as directory:
    test_status()
    test_output(directory)
    test_hostile(directory)
raise SystemExit(tap.done())

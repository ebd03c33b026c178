# SPDX-License-Identifier: Apache-2.0
"""Ten guests that mean harm (bare/hostile.h): weft neither crashes, hangs nor grows, and its log stays short.

Worth running with a weft that was built with --enable-asan --enable-ubsan: WEFT=…/weft. WEFT_HOSTILE_SEED and
WEFT_HOSTILE_ROUNDS make longer and other runs.
"""
import os

from weftguest import BARE, Console, Machine, Tap

GUESTS = ["ports", "platform", "ecam", "cf8", "bars", "msix", "queues", "rings", "requests", "serial"]
SEED = int(os.environ.get("WEFT_HOSTILE_SEED", "1"))
ROUNDS = int(os.environ.get("WEFT_HOSTILE_ROUNDS", "3"))
GROWTH_KB = 768  # buffers that are had at their first use, and what an allocator keeps
LOG_BYTES = 64 << 10
DESCRIPTORS = 160

# What a sanitizer keeps of freed memory is not growth.
os.environ.setdefault("ASAN_OPTIONS", "quarantine_size_mb=1:detect_leaks=1")


def devices(m):
    found = {
        "serial": {"type": "serial", "output": {"type": "socket", "path": "console.sock"}},
        "debug": {"type": "debug-console", "output": {"type": "file", "path": "/dev/null"}},
        "disk": {"type": "virtio-blk", "path": m.disk("disk.img", 4 << 20), "queues": 2, "discard": True},
        "console": {"type": "virtio-console", "output": {"type": "pty"}},
        "rng": {"type": "virtio-rng"},
    }
    if os.geteuid() == 0 and os.path.exists("/dev/net/tun"):
        found["net"] = {"type": "virtio-net", "backend": {"type": "tap", "name": f"weft{os.getpid()}"}}
    return found


def run(tap, name):
    with Machine(tap, name=f"hostile-{name}", memory={"size": "32MiB", "prefault": True},
                 boot={"kernel": str(BARE / "hostile"),
                       "cmdline": f"guest={name} seed={SEED} rounds={ROUNDS}"}) as m:
        m.description["devices"] = devices(m)
        m.start()
        console = Console(m).connect(m.path("console.sock"))
        sizes = []
        for n in range(1, ROUNDS + 1):
            console.wait(rf"^ROUND {n}$", 60)
            sizes.append(m.private_kb())
            descriptors = m.descriptors()
            console.send("g")
        console.wait(r"^PASS$", 10)
        status = m.wait_exit(10)
        console.close()
        tap.equal(f"{name}: weft ends with status 0", status, 0)
        tap.check(f"{name}: weft does not grow", sizes[-1] - sizes[0] < GROWTH_KB, f"KiB after each round: {sizes}")
        tap.check(f"{name}: descriptors are bounded", descriptors < DESCRIPTORS, descriptors)
        tap.check(f"{name}: the log is short", len(m.log()) < LOG_BYTES, f"{len(m.log())} bytes")
        if status:
            m.explain()
        m.check_nothing_left()


def main():
    tap = Tap()
    for name in GUESTS:
        run(tap, name)
    tap.done()


main()

# SPDX-License-Identifier: Apache-2.0
"""PCI devices come and go by editing the file, while Linux runs; and with a guest that does not listen."""
import contextlib
import json
import os
import re
import shutil
import time

from weftguest import BARE, BUILD, Failure, Guest, Machine, PATIENCE, Refused, Tap, crc, pattern, run_weft

MIB = 1 << 20
REPETITIONS = 20
RNG = {"type": "virtio-rng"}


def status(m):
    answer = run_weft("status", "--format", "json", m.description["name"], env=m.environment())
    return json.loads(answer.stdout) if answer.stdout else {}


def wait_status(m, what, good, timeout=30):
    """The status once good(status) holds."""
    end = time.monotonic() + timeout * PATIENCE
    while True:
        now = status(m)
        with contextlib.suppress(KeyError):
            if good(now):
                return now
        if time.monotonic() > end:
            raise Failure(f"{what}: {json.dumps(now)}")
        time.sleep(0.05)


def condition(now, name):
    found = [c for c in now["conditions"] if c["type"] == name]
    return found[0] if found else {"status": False}


def edit(m, add=None, remove=()):
    devices = m.description["devices"]
    for name in remove:
        del devices[name]
    devices.update(add or {})
    m.write_description()


def address(slot):
    return f"/sys/bus/pci/devices/0000:00:{slot:02x}.0"


def wait_bound(g, slot):
    """Until the device's driver has said DRIVER_OK. It is named before its probe begins."""
    g.command(f"wait {address(slot)}/driver/bind 20000")
    end = time.monotonic() + 20 * PATIENCE
    while time.monotonic() < end:
        g.command(f"ls {address(slot)}")
        found = [l for l in g.lines if re.fullmatch(r"virtio\d+", l)]
        if found and g.command(f"grep 0x0000000f {address(slot)}/{found[0]}/status") == "1":
            return
    raise Failure(f"the driver of the device in slot {slot} is not ready")


def wait_gone(g, *slots):
    """Out of the guest, and then out of the machine."""
    for slot in slots:
        g.command(f"wait-gone {address(slot)} 20000")
    wait_status(g, "it was not taken out", lambda s: not any(
        d["address"] in [f"0000:00:{slot:02x}.0" for slot in slots] for d in s["devices"].values()))


def pci(g):
    g.command("lspci")
    return {l.split()[0][-4:-2]: l.split()[1].split(":")[1] for l in g.lines if "virtio" in l}


def read_disk(g, length=4096):
    """The checksum of the disk's start. A disk that has just come has a name before it can be opened."""
    g.command("wait /dev/vda 20000")
    end = time.monotonic() + 10 * PATIENCE
    while True:
        try:
            return g.command(f"sum /dev/vda 0 {length}")
        except Refused:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def during_boot(tap, g):
    """Edits of a guest that does not listen yet: one device comes and one goes before ACPI is there."""
    g.start()
    wait_status(g, "weft does not answer", lambda s: "early" in s["devices"])
    edit(g, {"late": RNG}, ["early"])
    g.console.connect(g.path("console.sock"))
    g.wait_up()
    wait_bound(g, 2)
    wait_gone(g, 1)
    tap.equal("edits while the guest starts are not lost", pci(g), {"02": "0x1044"})
    edit(g, remove=["late"])
    wait_gone(g, 2)


def every_type(tap, g):
    devices = {
        "disk": {"type": "virtio-blk", "path": g.disk("disk.img", 2 * MIB, pattern(7, 64 << 10)), "queues": 1},
        "hvc": {"type": "virtio-console", "output": {"type": "file", "path": "hvc.log"}},
        "rng": RNG,
    }
    ids = {"01": "0x1042", "02": "0x1043", "03": "0x1044"}
    if shutil.which("passt"):
        devices["zz-net"] = {"type": "virtio-net", "backend": {"type": "user"}, "mac": "52:54:00:ab:cd:ef"}
        ids["04"] = "0x1041"
    before = g.descriptors(), g.threads()
    edit(g, devices)
    for slot in range(1, len(devices) + 1):
        wait_bound(g, slot)
    tap.equal("every type has come, in one edit", pci(g), ids)

    tap.equal("disk: the guest reads what the host wrote", read_disk(g, 64 << 10),
              f"{crc(pattern(7, 64 << 10))} {64 << 10}")
    g.command(f"fill /dev/vda {MIB} {64 << 10} 42")
    g.command("flush /dev/vda")
    with open(g.path("disk.img"), "rb") as f:
        f.seek(MIB)
        tap.check("disk: what the guest writes is in the image", f.read(64 << 10) == pattern(42, 64 << 10))
    tap.equal("rng: random bytes", g.command("hwrng 256").split()[0], "256")
    g.command("write /dev/hvc0 woven")
    end = time.monotonic() + 10
    while "woven" not in (text := open(g.path("hvc.log"), encoding="utf-8").read()) and time.monotonic() < end:
        time.sleep(0.05)
    tap.check("console: what the guest writes arrives", "woven" in text, text)
    if "zz-net" in devices:
        g.command("ifup eth0 10.0.2.15/24 10.0.2.2")
        tap.check("net: the link is up", "mac=52:54:00:ab:cd:ef running=1" in g.wait_link("eth0", True))
    g.command("interrupts MSI")
    tap.check("each has interrupts of its own", len(g.lines) >= 2 * len(devices), g.lines)

    edit(g, remove=devices)
    wait_gone(g, *range(1, len(devices) + 1))
    tap.equal("every type has gone", pci(g), {})
    # The I/O thread stays for the next one.
    after = g.descriptors(), g.threads()
    tap.check("with all that they held", after[1] <= before[1] + 1 and after[0] <= before[0] + 5, f"{before} {after}")


def again_and_again(tap, g):
    """A disk and one of the other types at a time; WEFT_TEST_ALL=1: and all of them."""
    others = [("0x1044", RNG), ("0x1043", {"type": "virtio-console", "output": None})]
    if shutil.which("passt"):
        others.append(("0x1041", {"type": "virtio-net", "backend": {"type": "user"}}))
    disk = {"type": "virtio-blk", "path": g.disk("again.img", MIB, pattern(9, 4096))}
    wanted = f"{crc(pattern(9, 4096))} 4096"
    held, good = [], 0
    for i in range(REPETITIONS):
        beside = others if os.environ.get("WEFT_TEST_ALL") else [others[i % len(others)]]
        # They come in the order of their names: the disk is the first in one round, and the last in the next.
        named = {"c": disk, **{f"{'b' if i % 2 else 'z'}{n}": device for n, (_, device) in enumerate(beside)}}
        edit(g, named)
        now = wait_status(g, "they do not come", lambda s: all(s["devices"][name]["address"] for name in named))
        slots = [int(now["devices"][name]["address"][-4:-2], 16) for name in named]
        for slot in slots:
            wait_bound(g, slot)
        good += read_disk(g) == wanted and sorted(pci(g).values()) == sorted(["0x1042", *(id for id, _ in beside)])
        held.append((g.descriptors(), g.threads(), g.private_kb(without=("memfd",))))
        edit(g, remove=named)
        wait_gone(g, *slots)
    tap.equal(f"{REPETITIONS} times the same disk works, beside others that come and go", good, REPETITIONS)
    # The same types as in the last round.
    early = REPETITIONS - 1 - len(others) * ((REPETITIONS - 3) // len(others))
    tap.note(f"descriptors, threads, KiB: {held[early]} after {early + 1}, {held[-1]} after {REPETITIONS}")
    tap.equal("descriptors and threads do not grow", held[-1][:2], held[early][:2])
    tap.check("memory does not grow", held[-1][2] <= held[early][2] + 256, held)


def names(tap, g):
    """What a name means: reused for another type, changed, kept by a new disk."""
    edit(g, {"one": RNG})
    wait_bound(g, 1)
    edit(g, remove=["one"])
    wait_gone(g, 1)
    g.disk("one.img", MIB, pattern(1, 4096))
    g.disk("two.img", MIB, pattern(2, 4096))
    edit(g, {"one": {"type": "virtio-blk", "path": "one.img"}})
    g.command("wait /dev/vda 20000")
    tap.equal("a name is reused for a device of another type", pci(g), {"01": "0x1042"})

    edit(g, {"root": dict(g.description["devices"]["one"], formerly="one")}, ["one"])
    now = wait_status(g, "it has no new name", lambda s: "root" in s["devices"])
    tap.check("a renamed device stays where it is", "one" not in now["devices"] and
              now["devices"]["root"]["address"] == "0000:00:01.0" and now["devices"]["root"]["phase"] == "Attached", now)
    tap.equal("and the guest has seen nothing of it", read_disk(g), f"{crc(pattern(1, 4096))} 4096")

    g.description["devices"]["root"]["path"] = "two.img"
    g.write_description()
    wait_status(g, "nothing waits", lambda s: condition(s, "RestartRequired")["status"])
    tap.check("another image waits: reload.replug is never", True)
    g.description["reload"]["replug"] = "allowed"
    g.write_description()
    wait_status(g, "it still waits", lambda s: not condition(s, "RestartRequired")["status"] and
                s["devices"]["root"]["phase"] == "Attached" and not condition(s, "Converging")["status"])
    tap.equal("with replug the guest gets the other image", read_disk(g),
              f"{crc(pattern(2, 4096))} 4096")

    # The same file under another name: the new device has to wait for the old one to close it.
    edit(g, {"again": {"type": "virtio-blk", "path": "two.img"}}, ["root"])
    wait_status(g, "it was not replaced", lambda s: set(s["devices"]) == {"console", "again"})
    tap.equal("a disk changes its name without 'formerly'", read_disk(g),
              f"{crc(pattern(2, 4096))} 4096")
    tap.check("in the slot that was left over", pci(g) in ({"01": "0x1042"}, {"02": "0x1042"}))
    return status(g)["devices"]["again"]["address"]


def off_and_on(tap, g, slot):
    """The guest turns a slot off that nobody asked for: the device stays in it."""
    g.command(f"write /sys/bus/pci/slots/{slot}/power 0")
    g.command(f"wait-gone {address(slot)} 20000")
    time.sleep(0.3)
    tap.equal("a device that the guest turned off is not taken out", status(g)["devices"]["again"]["phase"], "Attached")
    g.command(f"write /sys/bus/pci/slots/{slot}/power 1")
    tap.equal("and works when it is turned on", read_disk(g), f"{crc(pattern(2, 4096))} 4096")


def over_a_reset(tap, g):
    edit(g, {"fresh": RNG}, ["again"])
    g.console.send("reboot\n")
    g.wait_up()
    now = wait_status(g, "it did not converge", lambda s: set(s["devices"]) == {"console", "fresh"})
    tap.equal("a removal over a reset is done", pci(g), {now["devices"]["fresh"]["address"][-4:-2]: "0x1044"})


def in_linux(tap):
    with Guest(tap, name="hotplug-pci", memory={"size": "64MiB", "shared": True}, devices={"early": RNG},
               reload={"detach-timeout": "5s"}) as g:
        g.arguments.append("-v")
        during_boot(tap, g)
        every_type(tap, g)
        again_and_again(tap, g)
        slot = int(names(tap, g)[-4:-2], 16)
        off_and_on(tap, g, slot)
        over_a_reset(tap, g)
        tap.equal("power-off ends weft with status 0", g.power_off(), 0)
        g.check_nothing_left()


def refused(tap):
    """A guest that halts hears nothing: nothing is taken from it, and it is asked again."""
    rngs = {f"rng{i:02}": RNG for i in range(31)}
    with Machine(tap, name="deaf", boot={"kernel": str(BARE / "halt")}, memory={"size": "64MiB"},
                 reload={"detach-timeout": "300ms"}, devices=dict(rngs)) as m:
        m.arguments.append("-v")
        m.start()
        wait_status(m, "it does not run", lambda s: len(s["devices"]) == 31)
        held = m.descriptors(), m.threads()
        edit(m, {"more": RNG})
        m.wait_log(r"machine\.yaml:\d+:\d+: error: there is no PCI slot left for 'more'")
        now = wait_status(m, "a full bus is no fault", lambda s: condition(s, "ConfigInvalid")["status"])
        line = [i for i, l in enumerate(m.file.read_text().splitlines(), 1) if '"more"' in l][0]
        tap.equal("a full bus is told with the line of the file", now["diagnostics"][0]["line"]
                  if isinstance(now["diagnostics"], list) else now["diagnostics"]["diagnostics"][0]["span"]["line"], line)
        tap.equal("and changes nothing", len(now["devices"]), 31)

        edit(m, remove=["rng07"])
        now = wait_status(m, "it is not asked for", lambda s: s["devices"]["rng07"]["phase"] == "Detaching" and
                          not condition(s, "ConfigInvalid")["status"])
        tap.check("a full bus can be changed: the new device waits", now["devices"]["more"]["phase"] == "Pending", now)
        tap.check("status says who is waited for", condition(now, "Converging")["status"] and
                  "rng07" in condition(now, "Converging")["message"], now["conditions"])
        time.sleep(1)
        tap.equal("a guest that does not let go keeps the device", status(m)["devices"]["rng07"]["phase"], "Detaching")
        tap.check("and status tells since when", re.fullmatch(r"the guest has not let go for \d+ s, asked \d+ times",
                                                              status(m)["devices"]["rng07"]["message"]), status(m))
        tap.equal("nothing is given back before", (m.descriptors(), m.threads()), held)

        edit(m, {"rng07": RNG}, ["more"])
        wait_status(m, "it is not taken back", lambda s: s["devices"]["rng07"]["phase"] == "Attached" and
                    not condition(s, "Converging")["status"])
        tap.check("a removal that is reverted is taken back", True)
        m.process.terminate()
        m.wait_log("power button")
        m.process.terminate()
        m.wait_exit()
        m.check_nothing_left()


def main():
    if "#define PCI_HOTPLUG 0" in (BUILD / "config.h").read_text():
        Tap.skip_all("PCI hotplug is not built in")
    tap = Tap(linux=True)
    refused(tap)
    in_linux(tap)
    tap.done()


main()

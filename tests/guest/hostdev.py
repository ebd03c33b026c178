# SPDX-License-Identifier: Apache-2.0
"""Disks by `match`: they wait for a device of the host, come when it comes, and go when it goes. The devices are loop devices."""
import json
import os
import shutil
import subprocess
import time

from weftbare import BareMachine
from weftguest import Failure, Guest, Tap

MIB = 1 << 20


def sh(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


class Loop:
    """A loop device that is given a file, and loses it, while it may be open."""

    def __init__(self, directory, name):
        self.path = os.path.join(directory, name)
        self.device = None

    def appear(self, size=MIB):
        with open(self.path, "wb") as f:
            f.truncate(size)
        self.device = sh("losetup", "--find", "--show", self.path)
        return self

    def vanish(self):
        """The medium goes first: a device that is in use stays until it is closed."""
        os.truncate(self.path, 0)
        subprocess.run(["losetup", "-c", self.device], check=False)
        subprocess.run(["losetup", "-d", self.device], check=False)


class Matching(BareMachine):
    def __init__(self, tap, name, **rest):
        super().__init__(tap, name=name, guest="eject", **rest)
        self.loops = []

    def __exit__(self, *exception):
        result = super().__exit__(*exception)
        for loop in self.loops:
            if loop.device:
                subprocess.run(["losetup", "-d", loop.device], capture_output=True, check=False)
        return result

    def loop(self, name):
        self.loops.append(Loop(str(self.directory), name))
        return self.loops[-1]

    def disk_of(self, pattern, **rest):
        return {"type": "virtio-blk", "match": {"loop/backing_file": str(self.directory / pattern), **rest}}

    def phase(self, device):
        found = self.status()["devices"].get(device)
        return found and found["phase"]

    def until_phase(self, device, phase):
        self.until(f"{device} is {phase}", lambda: self.phase(device) == phase)

    def reason(self, device):
        return self.status()["devices"][device].get("message")


def comes_and_goes(tap):
    with Matching(tap, "usb") as m:
        stick = m.loop("stick")
        m.description["devices"] = {"usb": m.disk_of("stick")}
        m.start().wait_up()
        with tap.case("it waits, and says so"):
            m.until_phase("usb", "Pending")
            tap.equal("the reason", m.reason("usb"), "no matching host device")
            ready = m.conditions()["Ready"]
            tap.equal("Ready tells of it", (ready["status"], ready["message"]),
                      (True, "the guest runs; devices.usb is pending: no matching host device"))
            plan = json.loads(m.ask("plan", "-f", "json", str(m.file)).stdout)
            plan = plan.get("plan", plan)
            tap.check("the plan shows it", [s.get("waiting") for s in plan["steps"]] == [True], plan)
            shown = m.ask("status", "usb").stdout
            tap.check("weft status shows it", "Pending" in shown and "no matching host device" in shown, shown)
        time.sleep(0.2)
        descriptors = m.descriptors()
        for i in range(20):
            with tap.case(f"it comes and goes, round {i}"):
                stick.appear()
                m.until_phase("usb", "Attached")
                if stick.device not in m.opened() or m.status()["devices"]["usb"]["host"] != stick.device:
                    raise Failure(f"another device than {stick.device}: {m.status()['devices']}")
                stick.vanish()
                m.until_phase("usb", "Pending")
        with tap.case("no descriptor is left"):  # but for a moment that of who asked for the status
            m.until(f"{descriptors} descriptors", lambda: m.descriptors() <= descriptors)
        with tap.case("the slot is the same, and the history tells why"):
            stick.appear()
            m.until_phase("usb", "Attached")
            history = m.ask("history", "-f", "json", "usb").stdout
            tap.check("history", '"host"' in history, history[-500:])
        with tap.case("an edit takes it away, another gives it back"):
            m.file.write_text(m.text(devices=None).replace('"usb"', '"other"'))
            m.until_phase("other", "Attached")
            if m.phase("usb"):
                raise Failure("the old name is still there")
            tap.check("it is one device, moved", stick.device in m.opened())


def which_one(tap):
    with Matching(tap, "choice") as m:
        one, two = m.loop("one"), m.loop("two")
        m.description["devices"] = {"d": m.disk_of("[ot]*")}
        one.appear()
        two.appear()
        m.start().wait_up()
        with tap.case("of two none is taken"):
            m.until_phase("d", "Pending")
            tap.check("both are named", all(l.device in m.reason("d") for l in (one, two)), m.reason("d"))
            two.vanish()
            m.until_phase("d", "Attached")
        with tap.case("what it has it keeps, whatever else comes"):
            two.appear()
            time.sleep(0.5)
            if m.phase("d") != "Attached" or one.device not in m.opened():
                raise Failure(m.status()["devices"])
        with tap.case("two disks do not get one device"):
            m.description["devices"]["e"] = m.disk_of("one")
            m.file.write_text(m.text())
            m.until_phase("e", "Pending")
            m.description["devices"]["e"] = m.disk_of("two")
            m.file.write_text(m.text())
            m.until_phase("e", "Attached")
        with tap.case("a rename is no replug"):
            before = m.status()["devices"]["e"]["address"]
            m.description["devices"]["f"] = {**m.description["devices"].pop("e"), "formerly": "e"}
            m.file.write_text(m.text())
            m.until_phase("f", "Attached")
            tap.equal("it is where it was", m.status()["devices"]["f"]["address"], before)
        with tap.case("another device under what matched: replugged without leave"):
            one.vanish()
            m.until_phase("d", "Pending")
            one.appear(2 * MIB)
            m.until_phase("d", "Attached")
    with Matching(tap, "staged", reload={"policy": "stage"}) as m:
        loop = m.loop("late")
        m.description["devices"] = {"late": m.disk_of("late")}
        m.start().wait_up()
        with tap.case("no policy holds back what the host does"):
            loop.appear()
            m.until_phase("late", "Attached")
            loop.vanish()
            m.until_phase("late", "Pending")


def in_linux(tap):
    with Guest(tap, name="hostdev", memory={"size": "64MiB"}) as g:
        loop = Loop(str(g.directory), "stick")
        g.description["devices"]["usb"] = {"type": "virtio-blk", "match": {"loop/backing_file": loop.path}}
        try:
            g.boot()
            g.command("echo up")
            loop.appear()
            wait_for(g, lambda: has_disk(g))
            tap.check("the guest has the disk when the host has the device", True)
            tap.check("of its size", g.command("size /dev/vda").startswith(f"{MIB} "))
            loop.vanish()
            wait_for(g, lambda: not has_disk(g))
            tap.check("and has none when it is gone", True)
            tap.equal("powers off with status 0", g.power_off(), 0)
            g.check_nothing_left()
        finally:
            if loop.device:
                subprocess.run(["losetup", "-d", loop.device], capture_output=True, check=False)


def has_disk(g):
    try:
        g.command("size /dev/vda")
        return True
    except Failure:
        return False


def wait_for(g, holds):
    end = time.monotonic() + 40
    while not holds():
        if time.monotonic() > end:
            raise Failure(f"the guest did not follow; {g.log()[-1000:]}")
        time.sleep(0.2)


def main():
    tap = Tap(linux=True)
    if os.geteuid() != 0 or not shutil.which("losetup") or not os.path.exists("/dev/loop-control"):
        tap.skip_all("loop devices need root, losetup and /dev/loop-control")
    if subprocess.run(["losetup", "--find"], capture_output=True, check=False).returncode:
        tap.skip_all("there is no free loop device")
    comes_and_goes(tap)
    which_one(tap)
    in_linux(tap)
    tap.done()


main()

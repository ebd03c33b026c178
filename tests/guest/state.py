# SPDX-License-Identifier: Apache-2.0
"""The state directory: weft killed at any moment, and a directory that is broken, full or another's."""
import ctypes
import os
import random
import re
import socket
import subprocess
import time

from weftbare import BareMachine
from weftguest import Tap, run_weft, signal

SEED = int(os.environ.get("WEFT_TEST_SEED", "1"))
KILLS = int(os.environ.get("WEFT_TEST_KILLS", "100"))
DEVICES = [f"d{i}" for i in range(8)]


def state_of(m):
    return m.directory / "private/state/weft" / m.name


def slots(m):
    return {n: d["address"] for n, d in m.status()["devices"].items()}


def listens(path):
    with socket.socket(socket.AF_UNIX) as s:
        return s.connect_ex(str(path)) == 0


def pinned(m):
    """The addresses in state.yaml, by device."""
    text = (state_of(m) / "state.yaml").read_text()
    return {d: f"0000:00:{int(slot):02x}.0" for d, slot in re.findall(r"device: devices\.(\w+)\n\s+slot: (\d+)", text)}


def kill_once(m, rng, ran, pins):
    """Starts, checks what the last kill left, edits, kills. What was edited, and what went wrong."""
    state, wrong = state_of(m), []
    m.start_as_it_is()
    m.until("it starts", lambda: listens(state / "control.sock"))
    moved = {d: (pins[d], slot) for d, slot in slots(m).items() if pins.get(d, slot) != slot}
    if moved:
        wrong.append(f"devices moved: {moved}")
    m.until("half-written files have gone", lambda: not list(state.glob(".*.new")))
    wanted = set(rng.sample(DEVICES, rng.randrange(len(DEVICES))))
    m.file.write_text(m.text(*wanted, lifecycle={"reset": rng.choice(["stop", "reboot"])}))
    m.signal(signal.SIGHUP)
    time.sleep(rng.random() * rng.choice([0.002, 0.01, 0.05]))
    m.kill()
    good = run_weft("validate", state / "last-good.yaml")
    if good.returncode != 0:
        wrong.append(f"last-good.yaml: {good.stderr}")
    text = (state / "last-good.yaml").read_text()
    said = {d for d in DEVICES if re.search(rf"\b{d}\b", text)}
    if said not in (ran, wanted):
        wrong.append(f"last-good.yaml is neither {ran} nor {wanted}: {said}")
    return wanted, said == ran, wrong


def kills(tap):
    """The kill comes anywhere from the edit to well after it; the next start must not notice."""
    rng = random.Random(SEED)
    tap.note(f"WEFT_TEST_SEED={SEED}")
    ran, pins, before, wrong = set(), {}, 0, []
    with Started(tap, name="kill", devices={"anchor": {"type": "virtio-rng"}}) as m:
        m.write_description()
        for i in range(KILLS):
            ran, early, faults = kill_once(m, rng, ran, pins)
            pins = {d: s for d, s in pinned(m).items() if d in ran or d == "anchor"}
            before += early
            wrong += [f"{i}: {fault}" for fault in faults]
        tap.check(f"{KILLS} kills during edits: every next start is clean", not wrong, "\n".join(wrong[:5]))
        tap.check("and nothing was said of it", not re.search("warning|error", m.log()), m.log()[-2000:])
        tap.note(f"{before} came before the edit was done")


class Started(BareMachine):
    """Starts with the file as it is."""

    def start_as_it_is(self):
        write, self.write_description = self.write_description, lambda: None
        self.start()
        self.write_description = write


def memories(m):
    """What state.yaml says of persistent memory: number of the NVDIMM, address and size, by device."""
    text = (state_of(m) / "state.yaml").read_text()
    return {d: tuple(int(x, 0) for x in rest) for d, *rest in
            re.findall(r"device: devices\.(\w+)\n\s+nvdimm: (\w+)\n\s+base: (\w+)\n\s+size: (\w+)", text)}


def restart(m):
    m.kill()
    m.log_path.unlink(missing_ok=True)
    m.start()
    return m.wait_up()


def broken(tap):
    with BareMachine(tap, name="broken", devices={n: {"type": "virtio-rng"} for n in ("b", "c", "d")}) as m:
        m.start().wait_up()
        first = slots(m)
        with tap.case("slots outlive a kill, whatever comes before them in the alphabet"):
            m.description["devices"]["a"] = {"type": "virtio-rng"}
            restart(m)
            now = slots(m)
            tap.equal("b, c and d stay", {n: now[n] for n in first}, first)
        state = state_of(m) / "state.yaml"
        whole = state.read_bytes()
        for name, data in (("empty", b""), ("truncated", whole[:len(whole) // 2]), ("garbage", os.urandom(500)),
                           ("of another shape", b"generation: x\nhash: []\n"),
                           ("with slots that are none", whole.replace(b"slot: ", b"slot: 99"))):
            with tap.case(f"a state.yaml that is {name}"):
                m.kill()
                state.write_bytes(data)
                restart(m)
                tap.equal("the machine runs", set(slots(m)), {"a", "b", "c", "d"})
                if name != "with slots that are none":
                    tap.check("and it is said", "state.yaml cannot be read" in m.log(), m.log())
        with tap.case("a history with half a line"):
            m.kill()
            with open(state_of(m) / "history.ndjson", "ab") as f:
                f.write(b'{"time": "20')
            restart(m)
            tap.equal("it is shown", m.ask("history", m.name).returncode, 0)
            tap.check("and goes on in a line of its own", (state_of(m) / "history.ndjson").read_text().splitlines()[-1]
                      .endswith("}"))
        with tap.case("a stale socket and half-written files"):
            m.kill()
            (state_of(m) / ".state.yaml.new").write_text("x")
            restart(m)
            tap.check("are gone", not (state_of(m) / ".state.yaml.new").exists())
        with tap.case("two machines of one name"):
            second = run_weft("run", m.file, env=m.environment())
            tap.check("the second is refused and told who", second.returncode == 5 and str(m.pid) in second.stderr,
                      second.stderr)


def persistent_memory(tap):
    """NVDIMMs and virtio-pmem are where they were, whatever the file says before them."""
    def pmem(name, kind="nvdimm", size="2MiB"):
        return {"type": kind, "path": f"{name}.img", "size": size}
    with BareMachine(tap, name="pmem", devices={"c": pmem("c"), "d": pmem("d", size="1GiB"), "e": pmem("e"),
                                                "v": pmem("v", "virtio-pmem")}) as m:
        m.start().wait_up()
        m.description["devices"]["b"] = pmem("b")
        m.write_description()
        m.until_devices("b", "c", "d", "e", "v")
        m.until("it is on the disk", lambda: "b" in memories(m))
        first, addresses = memories(m), slots(m)
        tap.equal("numbers in the order in which they came", {d: n for d, (n, _, _) in first.items()},
                  {"b": 4, "c": 1, "d": 2, "e": 3, "v": 0})
        m.description["devices"].update(a=pmem("a"), u=pmem("u", "virtio-pmem"))
        del m.description["devices"]["c"]
        restart(m)
        m.until("it is on the disk", lambda: "u" in memories(m))
        now = memories(m)
        tap.equal("NVDIMMs and virtio-pmem stay at their addresses when weft is killed",
                  {d: now[d] for d in ("b", "d", "e", "v")}, {d: first[d] for d in ("b", "d", "e", "v")})
        tap.equal("and keep their numbers", {d: slots(m)[d] for d in ("b", "d", "e", "v")},
                  {d: addresses[d] for d in ("b", "d", "e", "v")})
        tap.equal("what went leaves its number to what is new", now["a"][0], first["c"][0])
        state = state_of(m) / "state.yaml"

        def each_has_its_own():
            places = list(memories(m).values())
            numbers = [n for n, _, _ in places if n]
            return len({base for _, base, _ in places}) == 6 and sorted(numbers) == sorted(set(numbers)) and \
                len(numbers) == 4

        for what, pattern, by in (("no addresses", r"base: \w+", "base: 12345"), ("of no range", r"base: \w+",
                                  "base: 0xffffffffffffffff"), ("of no size", r"size: \w+", "size: 0"),
                                 ("of no NVDIMM", r"nvdimm: \w+", "nvdimm: 200"),
                                 ("all of one NVDIMM", r"nvdimm: \w+", "nvdimm: 1")):
            with tap.case(f"places that are {what} are given anew"):
                m.kill()
                state.write_text(re.sub(pattern, by, state.read_text()))
                restart(m)
                m.until_devices("a", "b", "d", "e", "u", "v")
                # The state is written a moment after the start.
                m.until("each has its own", each_has_its_own)


def mounts(tap):
    """Runs in a mount namespace of its own, as root there."""
    if os.geteuid() != 0 or ctypes.CDLL(None, use_errno=True).unshare(0x00020000) != 0:
        tap.skip("a state directory that is read-only, full or another's", "it takes root")
        return
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)

    def runs(m, why):
        m.start()
        m.wait_log(why)
        time.sleep(0.3)
        m.file.write_text(m.text("a"))
        time.sleep(0.5)
        tap.check("the machine runs", m.alive(), m.log())
        m.kill()

    def over(m, *options):
        base = m.directory / "private/state"
        subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", str(base)], check=True)
        return base
    with BareMachine(tap, name="read-only") as m, tap.case("a state directory on a read-only file system"):
        base = over(m, "-o", "ro")
        runs(m, "no state directory.*Read-only")
        subprocess.run(["umount", str(base)], check=True)
    with BareMachine(tap, name="full") as m, tap.case("a full disk"):
        base = over(m, "-o", "size=64k")
        (base / "weft/full").mkdir(parents=True)
        with open(base / "ballast", "wb", buffering=0) as f:
            try:
                while f.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        runs(m, "cannot be written|no state directory")
        tap.equal("no half-written file is left", list(base.rglob(".*.new")), [])
        subprocess.run(["umount", str(base)], check=True)
    with BareMachine(tap, name="foreign") as m, tap.case("a directory of another user"):
        (m.directory / "private/state/weft/foreign").mkdir(parents=True)
        os.chown(m.directory / "private/state/weft/foreign", 12345, 12345)
        runs(m, "belongs to another user")


def main():
    tap = Tap()
    broken(tap)
    persistent_memory(tap)
    kills(tap)
    mounts(tap)
    tap.done()


main()

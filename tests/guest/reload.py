# SPDX-License-Identifier: Apache-2.0
"""Every way in which a description can change reaches the machine; what is no edit does not."""
import json
import os
import pathlib
import re
import socket
import subprocess
import time

from weftbare import BareMachine
from weftguest import Tap, signal


def sh(m, command, **names):
    """A shell command in the machine's directory, as a person would type it."""
    subprocess.run(["sh", "-euc", command], cwd=m.directory, check=True, capture_output=True,
                   env=dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null", **names))


class Described(BareMachine):
    """Its description is where the test has put it."""

    def write_description(self):
        pass


def editors(tap):
    with BareMachine(tap) as m:
        m.start().wait_up()
        with tap.case("rewritten in place"):
            m.file.write_text(m.text("a"))
            m.until_devices("a")
        with tap.case("replaced by a rename"):
            sh(m, "printf %s \"$TEXT\" >new; mv new machine.yaml", TEXT=m.text("a", "b"))
            m.until_devices("a", "b")
        with tap.case("sed -i"):
            sh(m, """sed -i 's/"b": {/"x": {"type": "virtio-rng"}, &/' machine.yaml""")
            m.until_devices("a", "b", "x")
        with tap.case("written slowly: half of it never counts"):
            before = m.status()["generation"]
            text = m.text("a", "b", "x", "y")
            sh(m, "(exec >machine.yaml; for p in \"$A\" \"$B\" \"$C\"; do printf %s \"$p\"; touch other; sleep 0.3; done)",
               A=text[:60], B=text[60:200], C=text[200:])
            m.until_devices("a", "b", "x", "y")
            tap.check("and it is one generation", m.status()["generation"] == before + 1)
            tap.check("that was never invalid", "error" not in m.log(), m.log())
        with tap.case("touched: nothing happens"):
            before = m.status()
            sh(m, "touch machine.yaml; : >unrelated; rm unrelated")
            time.sleep(0.5)
            after = m.status()
            tap.equal("the generation stays", after["generation"], before["generation"])
        with tap.case("gone for good, and back"):
            sh(m, "mv machine.yaml away")
            m.until("ConfigInvalid", lambda: m.holds("ConfigInvalid"))
            tap.equal("the machine runs on as it was", m.devices(), {"a", "b", "x", "y"})
            sh(m, "mv away machine.yaml")
            m.until("no ConfigInvalid", lambda: not m.holds("ConfigInvalid"))
        with tap.case("broken, and mended"):
            good = m.file.read_text()
            m.file.write_text(good.replace("virtio-rng", "virtio-rnd", 1))
            m.until("ConfigInvalid", lambda: m.holds("ConfigInvalid"))
            tap.check("with its diagnostics", "E0" in str(m.status().get("diagnostics")))
            m.file.write_text(good)
            m.until("no ConfigInvalid", lambda: not m.holds("ConfigInvalid"))


GIT = "git -c user.name=t -c user.email=t@t.invalid -c init.defaultBranch=main -c advice.detachedHead=false"


def git(tap):
    with Described(tap) as m:
        sh(m, f"mkdir origin; cd origin; {GIT} init -q .; printf %s \"$A\" >vm.yaml; {GIT} add .; {GIT} commit -qm a;"
              f"printf %s \"$B\" >vm.yaml; {GIT} commit -qam b; cd ..; {GIT} clone -q origin work; cd work;"
              f"{GIT} checkout -q main~1", A=m.text("a"), B=m.text("a", "b"))
        m.file = m.directory / "work/vm.yaml"
        m.start().wait_up()
        m.until_devices("a")
        with tap.case("git checkout, to and fro"):
            sh(m, f"cd work; {GIT} checkout -q main")
            m.until_devices("a", "b")
            # What leaves has to be let go of by the guest, which does not: it is asked, and kept when it is wanted again.
            sh(m, f"cd work; {GIT} checkout -q main~1")
            m.until("b is leaving", lambda: m.status()["devices"]["b"]["phase"] == "Detaching")
            sh(m, f"cd work; {GIT} checkout -q main")
            m.until("b stays", lambda: m.status()["devices"]["b"]["phase"] == "Attached")
        with tap.case("git pull"):
            sh(m, f"cd origin; printf %s \"$C\" >vm.yaml; {GIT} commit -qam c", C=m.text("a", "b", "c"))
            sh(m, f"cd work; {GIT} pull -q")
            m.until_devices("a", "b", "c")
        with tap.case("the file missing for a moment is no fault"):
            away = m.file.with_name("x")
            m.file.rename(away)
            time.sleep(0.2)
            away.rename(m.file)
            time.sleep(0.5)
            tap.check("nothing was said", "error" not in m.log(), m.log())


def links(tap):
    with Described(tap) as m:
        sh(m, "mkdir -p map/..1 map/..2; printf %s \"$A\" >map/..1/vm.yaml; printf %s \"$B\" >map/..2/vm.yaml;"
              "ln -s ..1 map/..data; ln -s ..data/vm.yaml map/vm.yaml", A=m.text("a"), B=m.text("a", "b"))
        m.file = m.directory / "map/vm.yaml"
        m.start().wait_up()
        with tap.case("a ConfigMap is swapped"):
            m.until_devices("a")
            sh(m, "ln -s ..2 map/..tmp; mv -T map/..tmp map/..data; rm -r map/..1")
            m.until_devices("a", "b")
            sh(m, "mkdir map/..3; printf %s \"$C\" >map/..3/vm.yaml; ln -s ..3 map/..tmp; mv -T map/..tmp map/..data;"
                  "rm -r map/..2", C=m.text("a", "b", "c"))
            m.until_devices("a", "b", "c")
    with Described(tap) as m:
        sh(m, "mkdir -p r1/etc r2/etc; printf %s \"$A\" >r1/etc/vm.yaml; printf %s \"$B\" >r2/etc/vm.yaml; ln -s r1 current;"
              "ln -s current/etc/vm.yaml two; ln -s \"$PWD/two\" one", A=m.text("a"), B=m.text("a", "b"))
        m.file = m.directory / "one"
        m.start().wait_up()
        with tap.case("a directory behind a chain of links is swapped"):
            m.until_devices("a")
            sh(m, "ln -s r2 t; mv -T t current")
            m.until_devices("a", "b")
            sh(m, "printf %s \"$C\" >r2/etc/vm.yaml", C=m.text("a", "b", "c"))
            m.until_devices("a", "b", "c")


RNG = "devices: {%s: {type: virtio-rng}}\n"


def includes(tap):
    with Described(tap) as m:
        common = m.text("a")
        m.file = m.directory / "vm.yaml"
        (m.directory / "parts").mkdir()
        (m.directory / "common.yaml").write_text(common)
        m.file.write_text("include: [common.yaml, 'parts/*.yaml']\nversion: 1\n")
        m.start().wait_up()
        m.until_devices("a")
        with tap.case("a new file that a pattern matches"):
            (m.directory / "parts/b.yaml").write_text(RNG % "b")
            m.until_devices("a", "b")
        with tap.case("an included file is edited"):
            (m.directory / "parts/b.yaml").write_text((RNG % "b") + "reload: {detach-timeout: 3s}\n")
            (m.directory / "common.yaml").write_text(m.text("a", "c"))
            m.until_devices("a", "b", "c")
        with tap.case("an included file breaks, and is mended there"):
            (m.directory / "parts/b.yaml").write_text("devices: {b: {type: rng}}\n")
            m.until("ConfigInvalid", lambda: m.holds("ConfigInvalid"))
            (m.directory / "parts/b.yaml").write_text("include: more/x.yaml\n" + RNG % "b")
            # Still not valid: what it includes is missing, and comes.
            time.sleep(0.6)
            tap.check("a missing one is a fault", m.holds("ConfigInvalid"))
            (m.directory / "parts/more").mkdir()
            (m.directory / "parts/more/x.yaml").write_text(RNG % "d")
            m.until("no ConfigInvalid", lambda: not m.holds("ConfigInvalid"))
            m.until_devices("a", "b", "c", "d")
        with tap.case("a file that was included by an edit is watched"):
            (m.directory / "parts/more/x.yaml").write_text("devices: {d: {type: virtio-rng}, e: {type: virtio-rng}}\n")
            m.until_devices("a", "b", "c", "d", "e")
        with tap.case("a file of a pattern goes"):
            (m.directory / "parts/b.yaml").unlink()
            m.until("its devices leave", lambda: {n for n, d in m.status()["devices"].items()
                                                  if d["phase"] == "Detaching"} == {"b", "d", "e"})


def modes(tap):
    with BareMachine(tap, reload={"watch": "poll", "poll-interval": "100ms"}) as m:
        m.start().wait_up()
        with tap.case("polling"):
            m.file.write_text(m.text("a"))
            m.until_devices("a")
            sh(m, "printf %s \"$B\" >n; mv n machine.yaml", B=m.text("a", "b"))
            m.until_devices("a", "b")
        with tap.case("switched off while it runs: only SIGHUP counts"):
            m.file.write_text(m.text("a", "b", reload={"watch": "off"}))
            m.until("the edit is taken", lambda: m.status()["generation"] == 4)
            m.file.write_text(m.text("a", "b", "c", reload={"watch": "off"}))
            time.sleep(0.6)
            tap.equal("nothing is read", m.devices(), {"a", "b"})
            m.signal(signal.SIGHUP)
            m.until_devices("a", "b", "c")
            m.file.write_text(m.text("a", "b", "c", reload={"watch": "inotify"}))
            m.signal(signal.SIGHUP)
            m.until("the edit is taken", lambda: m.status()["generation"] == 6)
            m.file.write_text(m.text("a", "b", "c", "d"))
            m.until_devices("a", "b", "c", "d")
        with tap.case("how it is watched comes with an apply, too"):
            m.file.write_text(m.text("a", "b", "c", "d", reload={"watch": "off"}))
            m.until("the edit is taken", lambda: m.status()["generation"] == 8)
            m.file.write_text(m.text("a", "b", "c", "d", reload={"watch": "poll", "poll-interval": "100ms"}))
            tap.equal("weft apply", m.ask("apply", str(m.file)).returncode, 0)
            m.file.write_text(m.text("a", "b", "c", "d", "e"))
            m.until_devices("a", "b", "c", "d", "e")
    with BareMachine(tap) as m:
        m.start().wait_up()
        with tap.case("a flood of other files"):
            flood = subprocess.Popen(["sh", "-c", "i=0; while [ $i -lt 30000 ]; do : >f; i=$((i+1)); done"], cwd=m.directory)
            time.sleep(0.2)
            began = time.monotonic()
            m.file.write_text(m.text("a"))
            m.until_devices("a")
            took = time.monotonic() - began
            flood.kill()
            flood.wait()
            tap.check("does not keep an edit waiting for long", took < 5, took)


def swapped_taps(tap):
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        tap.skip("two network devices swap their taps", "it takes root and /dev/net/tun")
        return
    with BareMachine(tap, guest="eject", wrapper=["unshare", "-n"], reload={"replug": "allowed"}) as m:
        def wires(one, two):
            return {n: {"type": "virtio-net", "backend": {"type": "tap", "name": t}} for n, t in (("m", one), ("n", two))}

        def taps():
            names = [re.search(r"^iff:\t(\w+)$", f.read_text(), re.M) for f in pathlib.Path(f"/proc/{m.pid}/fdinfo").iterdir()]
            return sorted(n[1] for n in names if n)
        m.arguments = ["-v"]
        m.description["devices"] = wires("weft0", "weft1")
        m.start().wait_up()
        with tap.case("two network devices swap their taps"):
            tap.equal("they have them", taps(), ["weft0", "weft1"])
            m.description["devices"] = wires("weft1", "weft0")
            m.file.write_text(m.text())
            m.until("the guest has let go of both", lambda: m.log().count("let go of") == 2)
            m.until("both are back", lambda: m.devices() == {"m", "n"} and not m.holds("Converging"))
            tap.equal("and have them", taps(), ["weft0", "weft1"])
            tap.check("and nothing failed", "error" not in m.log() and not m.holds("ConfigInvalid"), m.log())


QUEUE = "/proc/sys/fs/inotify/max_queued_events"


def what_no_event_tells(tap):
    with BareMachine(tap) as m:
        m.start().wait_up()
        with tap.case("an edit of which the kernel had no room to tell"):
            time.sleep(0.5)
            m.signal(signal.SIGSTOP)
            with open(QUEUE, encoding="ascii") as f:
                for i in range(int(f.read()) + 100):
                    os.close(os.open(m.path(f"f{i % 2}"), os.O_CREAT | os.O_WRONLY))  # alternating: each is an event
            m.file.write_text(m.text("a"))
            m.signal(signal.SIGCONT)
            m.until_devices("a")
    if os.geteuid() != 0:
        tap.skip("a file that is mounted over another", "it takes root")
        return
    # The file is another's, in a directory that nobody watches: an edit of it is no event here.
    mount = "mount --make-rprivate /; mount --bind real/machine.yaml machine.yaml; exec \"$@\""
    for watch in ("inotify", "poll"):
        with Described(tap, wrapper=["unshare", "-m", "sh", "-ec", f"cd {{}}; {mount}", "sh"]) as m:
            m.wrapper = [w.format(m.directory) for w in m.wrapper]
            real = m.directory / "real/machine.yaml"
            real.parent.mkdir()
            how = {"watch": watch, "poll-interval": "100ms"}
            real.write_text(m.text("a", reload=how))
            m.file.write_text("")
            m.start().wait_up()
            with tap.case(f"a file that is mounted over another, edited on the other side: {watch}"):
                m.until_devices("a")
                real.write_text(m.text("a", "b", reload=how))
                if watch == "inotify":  # as reload.watch says of it; SIGHUP works
                    time.sleep(0.6)
                    tap.equal("is not seen", m.devices(), {"a"})
                    m.signal(signal.SIGHUP)
                m.until_devices("a", "b")


def policies(tap):
    with BareMachine(tap, reload={"policy": "stage"}) as m:
        m.start().wait_up()
        with tap.case("stage: it waits, and reverting takes it back"):
            original = m.text()
            m.file.write_text(m.text("a", memory={"size": "32MiB"}))
            m.until("RestartRequired", lambda: m.holds("RestartRequired"))
            message = m.conditions()["RestartRequired"]["message"]
            tap.check("every reason is there", "memory.size" in message and "devices.a" in message and "stage" in message,
                      message)
            tap.equal("nothing was added", m.devices(), set())
            m.file.write_text(original)
            m.until("no RestartRequired", lambda: not m.holds("RestartRequired"))
        with tap.case("stage → live"):
            m.file.write_text(m.text("a", reload={"policy": "stage"}))
            m.until("RestartRequired", lambda: m.holds("RestartRequired"))
            m.file.write_text(m.text("a", reload={"policy": "live"}))
            m.until_devices("a")
            tap.check("nothing waits any more", not m.holds("RestartRequired"))
    with BareMachine(tap, reload={"policy": "manual"}) as m:
        m.start().wait_up()
        last_good = m.directory / "private/state/weft/bare/last-good.yaml"
        m.until("the description of the start is kept", last_good.exists)
        good = last_good.read_text()
        with tap.case("manual: weft apply does it"):
            m.file.write_text(m.text("a"))
            m.until("RestartRequired", lambda: m.holds("RestartRequired"))
            tap.equal("nothing was added", m.devices(), set())
            tap.equal("and it is not the last good one", last_good.read_text(), good)
            answer = m.ask("apply", str(m.file))
            tap.equal("weft apply", (answer.returncode, answer.stderr), (0, ""))
            m.until_devices("a")
            tap.check("nothing waits any more", not m.holds("RestartRequired"))
            m.until("now it is the last good one", lambda: last_good.read_text() != good)
    with BareMachine(tap) as m:
        m.start().wait_up()
        with tap.case("what takes a restart waits; the rest does not"):
            m.file.write_text(m.text("a", memory={"size": "32MiB"}))
            m.until_devices("a")
            m.until("RestartRequired", lambda: m.holds("RestartRequired"))
            m.file.write_text(m.text("a"))
            m.until("no RestartRequired", lambda: not m.holds("RestartRequired"))
        with tap.case("another name is another machine"):
            m.file.write_text(m.text("a", name="other"))
            m.until("RestartRequired", lambda: m.holds("RestartRequired"))
            m.file.write_text(m.text("a"))
            m.until("no RestartRequired", lambda: not m.holds("RestartRequired"))


def replug(tap):
    with BareMachine(tap, guest="eject", name="replug") as m:
        for name in ("one", "two"):
            m.disk(name, 1 << 20)
        disk = {"type": "virtio-blk", "path": m.path("one")}
        m.description["devices"] = {"d": disk}
        m.start().wait_up()

        def opened(name):
            return m.path(name) in m.opened()

        with tap.case("replug: never"):
            m.description["devices"]["d"] = {**disk, "path": m.path("two")}
            m.file.write_text(m.text())
            m.until("RestartRequired", lambda: m.holds("RestartRequired"))
            tap.check("the old image is still there", opened("one") and not opened("two"))
        with tap.case("replug: allowed, switched on by an edit"):
            m.description["reload"] = {"replug": "allowed"}
            m.file.write_text(m.text())
            m.until("the other image", lambda: opened("two") and not opened("one"))
            m.until("no RestartRequired", lambda: not m.holds("RestartRequired"))
            m.until("settled", lambda: not m.holds("Converging"))
        with tap.case("a disk under another name, and another with its image"):
            m.description["devices"] = {"e": {**disk, "path": m.path("two")}, "f": disk}
            m.file.write_text(m.text())
            m.until_devices("e", "f")
        with tap.case("two disks swap their images"):
            m.description["devices"] = {"e": disk, "f": {**disk, "path": m.path("two")}}
            m.file.write_text(m.text())
            time.sleep(0.4)  # read by then
            m.until("both are back", lambda: not m.holds("Converging") and opened("one") and opened("two"))
            tap.equal("by their names", m.devices(), {"e", "f"})
        with tap.case("another device in a slot that is let go"):
            m.description["devices"] = {"g": {"type": "virtio-rng", "slot": 1}, "h": {"type": "virtio-rng", "slot": 2}}
            m.file.write_text(m.text())
            m.until_devices("g", "h")
            tap.equal("in it", {n: d["address"] for n, d in m.status()["devices"].items()},
                      {"g": "0000:00:01.0", "h": "0000:00:02.0"})
        with tap.case("everything goes, and the full bus comes"):
            m.file.write_text(m.text(*(f"r{i}" for i in range(29))))
            m.until_devices("g", "h", *(f"r{i}" for i in range(29)))
            m.description["devices"] = {}
            m.file.write_text(m.text(*(f"s{i}" for i in range(31))))
            m.until_devices(*(f"s{i}" for i in range(31)))
            m.file.write_text(m.text())
            m.until_devices()
        tap.check("nothing failed", "error" not in m.log(), m.log())


def outputs(tap):
    with BareMachine(tap, guest="eject") as m:
        def to(name, kind="socket"):
            return {"type": kind, "path": m.path(name)}

        def edit(**outputs):
            types = {"com": "serial", "debug": "debug-console", "hvc": "virtio-console"}
            m.description["devices"] = {n: {"type": types[n], "output": o} for n, o in outputs.items()}
            m.file.write_text(m.text())

        def peer(name):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(0.3)
            s.connect(m.path(name))
            return s

        def hears_serial(name):
            """The guest has said UP on the serial port, and nothing anywhere else."""
            try:
                with peer(name) as s:
                    return s.recv(100) == b"UP\n"
            except OSError:
                return False
        edit(com=to("one"), debug=to("two"))
        m.start().wait_up()
        with tap.case("two consoles swap their sockets"):
            m.until("serial at one", lambda: hears_serial("one"))
            edit(com=to("two"), debug=to("one"))
            m.until("serial at two", lambda: hears_serial("two"))
            tap.check("and the other is at one", not hears_serial("one") and peer("one"))
        with tap.case("an edit of which a part fails changes neither"):
            stays = peer("two")
            tap.equal("who is there", stays.recv(100), b"UP\n")
            edit(com=to("one"), debug=to("missing/two"))
            m.until("ConfigInvalid", lambda: m.holds("ConfigInvalid"))
            tap.check("names are as they were", hears_serial("two") and not hears_serial("one"))
            stays.sendall(b"x")
            stays.settimeout(0.2)
            try:
                tap.check("stays", stays.recv(1) != b"")
            except TimeoutError:
                pass
            edit(com=to("two"), debug=to("one"))
            m.until("no ConfigInvalid", lambda: not m.holds("ConfigInvalid"))
        with tap.case("one takes the socket of a device that is removed, when it has gone"):
            edit(com=to("two"), debug=to("one"), hvc=to("three"))
            m.until_devices("com", "debug", "hvc")
            edit(com=to("three"), debug=to("two"))
            m.until("serial at three", lambda: hears_serial("three"))
            m.until_devices("com", "debug")
            tap.check("and its own is another's", not hears_serial("two") and peer("two"))
        with tap.case("two files swap"):
            edit(com=to("f1", "file"), debug=to("f2", "file"))
            m.until("in one", lambda: os.path.exists(m.path("f1")) and open(m.path("f1")).read() == "UP\n")
            edit(com=to("f2", "file"), debug=to("f1", "file"))
            m.until("in the other", lambda: [open(m.path(f)).read() for f in ("f1", "f2")] == ["", "UP\n"])
        with tap.case("a rehearsal opens nothing that anybody sees"):
            m.disk("precious", 5, b"data\n")
            other = m.directory / "other.yaml"
            hvc = {"type": "virtio-console", "output": [to("precious", "file"), to("four"), to("f3", "file")]}
            com = {"type": "serial", "output": to("precious2", "file")}
            changed = {**m.description["devices"], "hvc": hvc, "com": com}
            other.write_text(json.dumps({**m.description, "devices": changed}))
            tap.equal("apply --dry-run", m.ask("apply", "--dry-run", str(other)).returncode, 0)
            tap.equal("nothing was emptied", (m.directory / "precious").read_bytes(), b"data\n")
            tap.equal("nothing was made", [n for n in ("four", "f3", "precious2") if os.path.exists(m.path(n))], [])
        tap.equal("nothing lies around", sorted(p.name for p in m.directory.iterdir()),
                  ["f1", "f2", "log", "machine.yaml", "other.yaml", "precious", "private"])


def reasons(tap):
    with BareMachine(tap, reload={"detach-timeout": "300ms"}) as m:  # the guest hears nothing
        for name in ("one", "two"):
            m.disk(name, 1 << 20)
        m.description["devices"] = {"disk": {"type": "virtio-blk", "path": m.path("one")}, "gone": {"type": "virtio-rng", "slot": 9}}
        m.start().wait_up()

        def why(device):
            return m.status()["devices"].get(device, {}).get("message")
        with tap.case("status has a reason for every device that is not as the file says"):
            tap.equal("none for one that is", [why("disk"), why("gone")], [None, None])
            m.description["devices"] = {"disk": {"type": "virtio-blk", "path": m.path("two"), "queues": 1},
                                        "new": {"type": "virtio-rng", "slot": 9},
                                        "serial": {"type": "serial"}}
            m.file.write_text(m.text())
            m.until("it was asked three times", lambda: re.fullmatch(
                r"the guest has not let go for \d+ s, asked 3 times", why("gone") or ""))
            now = m.status()["devices"]
            tap.equal("the phases", {n: d["phase"] for n, d in now.items()},
                      {"disk": "Attached", "gone": "Detaching", "new": "Pending", "serial": "Pending"})
            tap.equal("of a property", now["disk"]["message"], "path: reload.replug is never")
            tap.equal("of one whose place is taken", now["new"]["message"],
                      "waits for the guest to let go: devices.gone has what it needs")
            tap.equal("of one that cannot come now", now["serial"]["message"], "it cannot join a running guest")
            line = [i for i, l in enumerate(m.file.read_text().splitlines(), 1) if '"new"' in l][0]
            tap.equal("and its line", now["new"]["line"], f"{m.file}:{line}")
            shown = m.ask("status", m.name).stdout
            tap.check("in words, too", all(f"    {d['message']}\n" in re.sub(r"\d+ s, asked \d+", "0 s, asked 0", shown)
                                           for n, d in now.items() if n != "gone") and "asked" in shown, shown)
        with tap.case("a newer description supersedes one that waits"):
            m.description["devices"] = {"disk": m.description["devices"]["disk"], "newer": {"type": "virtio-rng", "slot": 10}}
            m.file.write_text(m.text())
            m.until("the newer device", lambda: "newer" in m.devices())
            now = m.status()["devices"]
            tap.equal("of the other nothing is left", {n: d["phase"] for n, d in now.items()},
                      {"disk": "Attached", "gone": "Detaching", "newer": "Attached"})
            m.description["devices"]["gone"] = {"type": "virtio-rng", "slot": 9}
            m.file.write_text(m.text())
            m.until("gone stays", lambda: why("gone") is None)
            del m.description["devices"]["newer"]
        with tap.case("and none when it is"):
            m.description["devices"] = {"disk": {"type": "virtio-blk", "path": m.path("one")}, "gone": {"type": "virtio-rng", "slot": 9}}
            m.file.write_text(m.text())
            m.until("all is as it was", lambda: why("disk") is None and why("gone") is None)


def confirm(tap):
    with BareMachine(tap, guest="eject") as m:
        m.start().wait_up()
        with tap.case("an apply that is not confirmed is taken back"):
            m.file.write_text(m.text(reload={"policy": "manual"}))
            m.until("the edit is taken", lambda: m.status()["generation"] == 2)
            m.file.write_text(m.text("a", reload={"policy": "manual"}))
            answer = m.ask("apply", "--confirm-timeout", "1s", str(m.file))
            tap.equal("weft apply", (answer.returncode, answer.stderr), (0, ""))
            m.until_devices("a")
            m.until_devices()
            time.sleep(0.5)
            tap.equal("and not tried again", m.devices(), set())
            m.file.write_text(m.text("a"))  # with policy live, it is another description
            m.until_devices("a")
        with tap.case("one that is confirmed stays"):
            m.file.write_text(m.text("a", "b", reload={"watch": "off"}))
            answer = m.ask("apply", "--confirm-timeout", "1s", str(m.file))
            tap.equal("weft confirm", m.ask("confirm", m.name).returncode, 0)
            time.sleep(1.3)
            m.until_devices("a", "b")


def main():
    tap = Tap()
    for part in (editors, git, links, includes, modes, what_no_event_tells, policies, replug, swapped_taps, outputs, reasons, confirm):
        tap.note(part.__name__)
        part(tap)
    tap.done()


main()

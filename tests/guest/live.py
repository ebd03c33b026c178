# SPDX-License-Identifier: Apache-2.0
"""Every property that the schemas call live is edited in the file of a running machine, and the effect is seen: in Linux, or
on the host. tests/meta/live.py fails when a property is not here, or where ELSEWHERE says."""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import time

from weftbare import BareMachine
from weftguest import PATIENCE, Failure, Guest, Tap, run_weft, signal

MIB = 1 << 20

# Tests of the parts that the properties belong to: the file, below tests/, and what it has to hold.
ELSEWHERE = {
    "cpus.count": ("guest/hotplug-cpu.py", "count"),
    "memory.size": ("guest/hotplug-memory.py", "size"),
    "machine.include": ("guest/reload.py", "def includes"),
    "machine.devices": ("guest/reload.py", "until_devices"),
    "reload.policy": ("guest/reload.py", 'reload={"policy": "live"}'),
    "reload.watch": ("guest/reload.py", 'reload={"watch": "inotify"}'),
    "reload.replug": ("guest/reload.py", '["reload"] = {"replug": "allowed"}'),
    "*.formerly": ("plan/rename/new.yaml", "formerly"),
}


def live(tap, prop):
    """A case that changes the property."""
    return tap.case(f"live: {prop}")


def until(what, holds, timeout=20):
    end = time.monotonic() + timeout * PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise Failure(f"not in {timeout} s: {what}")
        time.sleep(0.05)


def edit(g, device=None, **changes):
    """The file is replaced, and the machine has taken it when the generation counts on."""
    before = generation(g)
    target = g.description["devices"][device] if device else g.description
    for key, value in changes.items():
        key = key.replace("_", "-")
        if value is None:
            target.pop(key, None)
        else:
            target[key] = value
    g.write_description()
    until("a new generation", lambda: generation(g) > before)


def generation(g):
    answer = run_weft("status", "-f", "json", g.description["name"], env=g.environment())
    if answer.returncode not in (0, 2):
        raise Failure(f"weft status: {answer.returncode} {answer.stderr}")
    return json.loads(answer.stdout)["generation"]


# ---- on the host: a guest of a few instructions ----

SAID = "!"  # by the guest, when it starts: a new output gets it, too


def outputs(tap, kind, device):
    """The sinks of a console: one is opened, one is closed, what both have stays."""
    with BareMachine(tap, name=kind) as m:
        m.description["devices"][device] = {"type": kind, "output": {"type": "file", "path": "old.log"}}
        m.start().wait_up()
        here = {p: (m.directory / p) for p in ("old.log", "new.log", "a.pty", "b.pty", "a.sock", "b.sock")}
        here["old.log"].write_text("kept")
        with live(tap, f"{kind}.output"):
            edit(m, device, output=[{"type": "file", "path": "new.log"}, {"type": "pty", "link": "a.pty"},
                                    {"type": "socket", "path": "a.sock"}])
            until("three sinks", lambda: all(here[p].exists() for p in ("new.log", "a.pty", "a.sock")))
        if kind != "serial":
            return
        pty = os.readlink(here["a.pty"])
        with live(tap, "console-output.path"):
            edit(m, device, output=[{"type": "pty", "link": "a.pty"}, {"type": "socket", "path": "b.sock"}])
            until("another socket", lambda: here["b.sock"].exists() and not here["a.sock"].exists())
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(str(here["b.sock"]))
            if os.readlink(here["a.pty"]) != pty:
                raise Failure("the pty, which was not edited, is another one")
        with live(tap, "console-output.link"):
            edit(m, device, output={"type": "pty", "link": "b.pty"})
            until("another link", lambda: here["b.pty"].is_symlink() and not here["a.pty"].is_symlink())
        with live(tap, "console-output.append"):
            edit(m, device, output={"type": "file", "path": "old.log", "append": True})
            until("the file goes on", lambda: here["old.log"].read_text() == "kept" + SAID)
            edit(m, device, output={"type": "file", "path": "old.log", "append": False})
            until("a new file", lambda: here["old.log"].read_text() == SAID)


def machine_itself(tap):
    with BareMachine(tap, name="itself", vars={"log": "one.log"}) as m:
        m.description["devices"]["serial"] = {"type": "serial", "output": {"type": "file", "path": "${log}"}}
        m.start().wait_up()
        with live(tap, "machine.vars"):
            edit(m, vars={"log": "two.log"})
            until("the other file", (m.directory / "two.log").exists)
        with live(tap, "machine.reload"), live(tap, "reload.poll-interval"):
            edit(m, reload={"watch": "poll", "poll-interval": "1h"})
            m.description["devices"]["rng"] = {"type": "virtio-rng"}
            m.write_description()
            time.sleep(0.5)
            if "rng" in m.devices():
                raise Failure("it does not poll, it watches")
            m.description["reload"]["poll-interval"] = "100ms"
            m.write_description()
            m.signal(signal.SIGHUP)
            m.until_devices("serial", "rng")
        with live(tap, "reload.detach-timeout"):
            edit(m, reload={"detach-timeout": "1h"})
            edit(m, reload={"detach-timeout": "200ms"})
            del m.description["devices"]["rng"]
            m.write_description()
            # The guest never lets go: what is left is said after the time that was edited.
            m.until("Converging", lambda: m.holds("Converging"))
        with live(tap, "machine.lifecycle"), live(tap, "lifecycle.power-off-timeout"):
            edit(m, lifecycle={"power-off-timeout": "300ms"})
            began = time.monotonic()
            m.signal(signal.SIGTERM)
            m.wait_exit(20)
            if time.monotonic() - began > 10 * PATIENCE:
                raise Failure("it waited for longer than was edited")
    with BareMachine(tap, name="faults", guest="triple-fault", lifecycle={"triple-fault": "reboot"}) as m:
        m.start()
        m.wait_log("triple fault")
        with live(tap, "lifecycle.triple-fault"):
            m.description["lifecycle"] = {"triple-fault": "stop"}
            m.write_description()
            m.wait_exit(20)


# ---- in Linux ----

def seconds(g, command):
    began = time.monotonic()
    g.command(command)
    return time.monotonic() - began


def disks(tap, g):
    with live(tap, "virtio-blk: the size of the image"):
        os.truncate(g.path("grow.img"), 3 * MIB)
        g.signal(signal.SIGHUP)
        until("the guest sees 3 MiB", lambda: g.command("size /dev/vda").startswith(f"{3 * MIB} "))
        tap.equal("what was added can be used", g.command(f"sum /dev/vda {3 * MIB - 4096} 4096").split()[1], "4096")
        os.truncate(g.path("grow.img"), MIB)
        g.signal(signal.SIGHUP)
        g.wait_log("the image shrank to 1MiB under a disk of 3MiB")
        tap.check("a smaller image is no smaller disk", g.command("size /dev/vda").startswith(f"{3 * MIB} "))
    free = seconds(g, f"sum /dev/vdb 0 {512 << 10}")
    tap.note(f"512 KiB without a limit: {free:.2f} s")
    with live(tap, "virtio-blk.rate"), live(tap, "rate-limit.bandwidth"):
        edit(g, "data", rate={"bandwidth": "100KiB/s", "burst": "20ms"})
        slow = seconds(g, f"sum /dev/vdb 0 {512 << 10}")
        # What the first and the last request take beyond the limit is within the error.
        check_time(tap, "512 KiB at 100 KiB/s", slow, 384 / 100, 512 / 100 + free)
    with live(tap, "rate-limit.operations"):
        edit(g, "data", rate={"operations": 2, "burst": "20ms"})
        check_time(tap, "4 requests of 128 KiB at 2 a second", seconds(g, f"sum /dev/vdb 0 {512 << 10}"), 1.4, 2.2 + free)
    with live(tap, "rate-limit.burst"):
        edit(g, "data", rate={"operations": 2, "burst": "1h"})
        check_time(tap, "the same within a burst", seconds(g, f"sum /dev/vdb 0 {512 << 10}"), 0, 1.2 + free)
        edit(g, "data", rate=None)


def check_time(tap, what, took, least, most):
    tap.check(f"{what}: {least:.1f} to {most:.1f} s", least * 0.9 <= took <= most * 1.2 * PATIENCE, f"{took:.2f} s")


def network(tap, g, inside):
    subprocess.run([*inside, "ip", "addr", "add", "10.9.0.1/24", "dev", "weft0"], check=True)
    g.command("ifup eth0 10.9.0.2/24")
    g.command("ping 10.9.0.1 2")
    with live(tap, "virtio-net.link"):
        edit(g, "net", link="down")
        until("no carrier", lambda: "running=0" in g.command("ifinfo eth0"))
        edit(g, "net", link="up")
        until("the carrier", lambda: "running=1" in g.command("ifinfo eth0"))
        g.command("ping 10.9.0.1 2")
    for prop, command, what in (("virtio-net.transmit-rate", transmit, "sent"), ("virtio-net.receive-rate", receive, "received")):
        with live(tap, prop):
            edit(g, "net", **{prop.split(".")[1].replace("-", "_"): {"bandwidth": "32KiB/s", "burst": "20ms"}})
            took = command(g, inside, 128 << 10)
            tap.check(f"128 KiB at 32 KiB/s are {what} in 3.6 to 6 s", 3.6 <= took <= 6 * PATIENCE, f"{took:.2f} s")
            edit(g, "net", **{prop.split(".")[1].replace("-", "_"): None})


SINK = "import socket; s = socket.create_server(('10.9.0.1', 7)); print(flush=True); c = s.accept()[0]\nwhile c.recv(65536): pass"


def transmit(g, inside, size):
    with subprocess.Popen([*inside, "python3", "-c", SINK], stdout=subprocess.PIPE) as sink:
        sink.stdout.readline()
        began = time.monotonic()
        g.command(f"tcp-send 10.9.0.1 7 {size} 5")
        sink.wait(30 * PATIENCE)
        return time.monotonic() - began


def receive(g, inside, size):
    send = ("import socket; c = socket.create_connection(('10.9.0.2', 80), timeout=20); "
            f"c.sendall(bytes({size})); c.shutdown(socket.SHUT_WR); c.recv(1)")
    g.console.send("tcp-serve 80\n")
    g.console.wait("^LISTENING$")
    began = time.monotonic()
    subprocess.run([*inside, "python3", "-c", send], check=True, timeout=60 * PATIENCE)
    g.console.wait(r"^OK (\w+ \d+)\n", 60)
    return time.monotonic() - began


@contextlib.contextmanager
def namespace():
    """Where a tap can be made; [] and no name where it cannot."""
    name = f"weft-live-{os.getpid()}"
    can = os.geteuid() == 0 and shutil.which("ip") and os.path.exists("/dev/net/tun") and \
        subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
    try:
        yield ["ip", "netns", "exec", name] if can else []
    finally:
        if can:
            subprocess.run(["ip", "netns", "del", name], check=False)


def in_linux(tap):
    with namespace() as inside, Guest(tap, name="live", wrapper=inside, memory={"size": "96MiB"}) as g:
        g.disk("grow.img", 2 * MIB)
        g.disk("data.img", MIB)
        g.description["devices"].update({
            "grow": {"type": "virtio-blk", "path": "grow.img", "slot": 4},
            "data": {"type": "virtio-blk", "path": "data.img", "slot": 5}})
        if inside:
            g.description["devices"]["net"] = {"type": "virtio-net", "backend": {"type": "tap", "name": "weft0"}}
        g.boot()
        disks(tap, g)
        if inside:
            network(tap, g, inside)
        else:
            tap.skip("virtio-net", "needs root, ip and /dev/net/tun")
        with live(tap, "lifecycle.reset"):
            edit(g, lifecycle={"reset": "stop"})
            g.console.send("reboot\n")
            if g.wait_exit(30) != 0:
                raise Failure("it did not end when the guest restarted")
        g.check_nothing_left()


def main():
    tap = Tap(linux=True)
    for kind, device in (("serial", "port"), ("virtio-console", "hvc"), ("debug-console", "debug")):
        outputs(tap, kind, device)
    machine_itself(tap)
    in_linux(tap)
    tap.done()


main()

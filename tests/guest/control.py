# SPDX-License-Identifier: Apache-2.0
"""The control interface and its commands: every route, hostile and slow clients, and the life of a Linux guest."""
import concurrent.futures
import glob
import hashlib
import http.client
import json
import os
import pty
import pathlib
import resource
import socket
import subprocess
import sys
import time

from weftguest import BARE, GUEST, PATIENCE, Failure, Guest, Machine, Tap, WEFT, run_weft, signal

try:
    import jsonschema
except ImportError:
    jsonschema = None


# What a sanitizer keeps of freed memory is not growth.
os.environ.setdefault("ASAN_OPTIONS", "quarantine_size_mb=1:detect_leaks=1")


class Http(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("weft", timeout=30 * PATIENCE)
        self.socket_path = path

    def connect(self):
        self.sock = reach(self.socket_path)
        self.sock.settimeout(self.timeout)


def reach(path):
    """A connection; by the directory, because the path may be too long for an address."""
    peer = socket.socket(socket.AF_UNIX)
    directory = os.open(os.path.dirname(path), os.O_PATH)
    try:
        peer.connect(f"/proc/self/fd/{directory}/{os.path.basename(path)}")
    finally:
        os.close(directory)
    return peer


class Control:
    """What a machine serves, and the commands on it."""

    def __init__(self, machine):
        self.machine = machine
        self.name = machine.description["name"]
        self.directory = machine.private / "state/weft" / self.name
        self.path = str(self.directory / "control.sock")

    def wait(self):
        end = time.monotonic() + 20 * PATIENCE
        while True:
            try:
                reach(self.path).close()
                return self
            except OSError as e:
                if time.monotonic() > end or not self.machine.alive():
                    raise Failure(f"there is no control interface: {e}") from None
                time.sleep(0.02)

    def ask(self, method, path, body=None, raw=None):
        """The status and the JSON of an answer."""
        connection = Http(self.path)
        try:
            connection.request(method, path, raw if raw is not None else body and json.dumps(body))
            answer = connection.getresponse()
            text = answer.read().decode()
            return answer.status, json.loads(text) if "json" in answer.headers["Content-Type"] else text
        finally:
            connection.close()

    def weft(self, *arguments, **options):
        return run_weft(*arguments, env=self.machine.environment(), **options)

    def send(self, data):
        """All that comes back for some bytes."""
        with reach(self.path) as peer:
            peer.settimeout(30 * PATIENCE)
            try:
                peer.sendall(data)
            except BrokenPipeError:
                pass
            got = b""
            try:
                while more := peer.recv(65536):
                    got += more
            except ConnectionResetError:
                pass
            return got

    def settled(self):
        """Descriptors and threads, when those of connections that have ended are gone."""
        end = time.monotonic() + 20 * PATIENCE
        while self.ask("GET", "/v1/status")[0] == 200:
            now = self.machine.descriptors(), self.machine.threads()
            time.sleep(0.3)
            if now == (self.machine.descriptors(), self.machine.threads()) or time.monotonic() > end:
                return now

    def follow(self, path="/v1/events"):
        peer = reach(self.path)
        peer.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        peer.settimeout(20 * PATIENCE)
        return peer.makefile("r", encoding="utf-8", newline="\n")


def skip_head(stream):
    while stream.readline().strip():
        pass
    return stream


def bare(tap, name, guest="halt", **description):
    return Machine(tap, name=name, memory={"size": "16MiB"}, boot={"kernel": str(BARE / guest)},
                   devices={"serial": {"type": "serial", "output": {"type": "socket", "path": "serial.sock"}}},
                   arguments=["-v"], **description)


def write(machine, file=None, **changes):
    """Another description beside the machine's, or the machine's own."""
    description = {**machine.description, **changes}
    path = machine.path(file) if file else str(machine.file)
    with open(path + ".new", "w", encoding="utf-8") as f:
        json.dump(description, f)
    os.rename(path + ".new", path)
    return path


# --- answers ---

def check_schemas(tap, control):
    status, document = control.ask("GET", "/v1/openapi")
    printed = json.loads(control.weft("schema", "--format", "openapi").stdout)
    tap.check("the machine serves what 'weft schema --format openapi' prints", status == 200 and document == printed)
    if jsonschema is None:
        return tap.skip("answers are as the document says", "python3-jsonschema is needed")
    wrong = []
    for path, operations in document["paths"].items():
        schema = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {}).get(
            "application/json", {}).get("schema")
        if schema:
            _, answer = control.ask("GET", path)
            wrong += [f"{path}: {e.json_path}: {e.message[:200]}"
                      for e in jsonschema.Draft202012Validator({**document, **schema}).iter_errors(answer)]
    _, answer = control.ask("GET", "/nothing")
    wrong += [e.message for e in jsonschema.Draft202012Validator(
        {**document, "$ref": "#/components/schemas/Error"}).iter_errors(answer)]
    tap.equal("answers are as the document says", wrong, [])


def check_refusals(tap, control):
    cases = [
        ("GET", "/", None, 404), ("GET", "/v1/status/", None, 404), ("GET", "/v1/console/", None, 404),
        ("GET", "/v1/console/a/b", None, 404), ("POST", "/v1/status", None, 405), ("DELETE", "/v1/plan", None, 405),
        ("GET", "/v1/kill", None, 405), ("GET", "/v1/console/serial", None, 426),
        ("POST", "/v1/apply", "{", 400), ("POST", "/v1/apply", "[]", 400), ("POST", "/v1/apply", "\xff\xfe", 400),
        ("POST", "/v1/apply", '{"path": 1}', 400), ("POST", "/v1/apply", '{"pth": "/x"}', 400),
        ("POST", "/v1/apply", '{"path": "x.yaml"}', 400), ("POST", "/v1/apply", '{"dry_run": 1}', 400),
        ("POST", "/v1/apply", '{"dry_run": true, "dry_run": false}', 400),
        ("POST", "/v1/apply", '{"confirm_timeout": 60}', 400), ("POST", "/v1/apply", '{"confirm_timeout": "60"}', 400),
        ("POST", "/v1/apply", '{"if_generation": -1}', 400), ("POST", "/v1/apply", '{"if_generation": 4711}', 409),
        ("POST", "/v1/apply", '{"path": "/nonexistent.yaml"}', 422), ("POST", "/v1/confirm", None, 409),
        ("POST", "/v1/pause", '{"why": "x"}', 400), ("POST", "/v1/plan", "[" * 60000, 400),
        ("POST", "/v1/plan", " " * 70000, 413),
    ]
    wrong = []
    for method, path, raw, wanted in cases:
        status, answer = control.ask(method, path, raw=raw)
        error = answer.get("error", {})
        if status != wanted or not error.get("code") or not error.get("message"):
            wrong.append((method, path, (raw or "")[:40], status, answer))
    tap.equal("what is wrong is refused with a code and a message", wrong, [])
    tap.check("a body of megabytes is refused", b" 413 " in control.send(
        b"POST /v1/plan HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n" + b" " * 3000000)[:40])


def check_garbage(tap, control):
    for data in (b"\r\n\r\n", b"GET\r\n\r\n", b"\0" * 100 + b"\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                 b"GET /v1/status HTTP/1.1\r\n" + b"X: " + b"y" * 100000 + b"\r\n\r\n",
                 b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n", b"BREW / HTTP/1.1\r\n\r\n",
                 b"POST /v1/apply HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                 b"POST /v1/apply HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
                 b"POST /v1/apply HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
                 b"POST /v1/apply HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n",
                 b"GET http://other/v1/status HTTP/1.1\r\n\r\n", b"GET //v1/status HTTP/1.1\r\n\r\n",
                 b"GET /v1/status%00 HTTP/1.1\r\n\r\n", b"GET /v1/status?%zz&&== HTTP/1.1\r\n\r\n"):
        with reach(control.path) as peer:
            peer.settimeout(0.3)
            try:
                peer.sendall(data)
                peer.shutdown(socket.SHUT_WR)
                peer.recv(65536)
            except OSError:
                pass
    tap.equal("after garbage it answers as before", control.ask("GET", "/v1/status")[0], 200)


def check_numbers(tap, control):
    m = control.machine
    before = m.descriptors()
    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(lambda _: control.ask("GET", "/v1/status")[0], range(200)))
    tap.equal("200 requests at once are answered", answers, [200] * 200)
    idle = [reach(control.path) for _ in range(100)]
    time.sleep(0.5)
    tap.check("of 100 silent connections no more are taken than there may be", m.descriptors() <= before + 70,
              m.descriptors() - before)
    for peer in idle:
        peer.close()
    began = time.monotonic()
    tap.equal("when they are gone it answers", control.ask("GET", "/v1/status")[0], 200)
    tap.check("at once", time.monotonic() - began < 3 * PATIENCE)
    end = time.monotonic() + 25 * PATIENCE
    while m.descriptors() > before and time.monotonic() < end:
        time.sleep(0.2)
    tap.check("no descriptor is left of them", m.descriptors() <= before, m.descriptors() - before)


class Dripper:
    """A client that sends its request a byte at a time: never silent, never done."""

    def __init__(self, control):
        self.peer = reach(control.path)
        self.began = time.monotonic()
        drip = "import os, time\nwhile True: os.write(1, b'x'); time.sleep(.5)"
        self.child = subprocess.Popen([sys.executable, "-c", drip], stdout=self.peer, stderr=subprocess.DEVNULL)

    def check(self, tap):
        self.peer.settimeout(40 * PATIENCE)
        try:
            ended = self.peer.recv(1) == b""
        except ConnectionResetError:
            ended = True
        except TimeoutError:
            ended = False
        took = time.monotonic() - self.began
        self.child.kill()
        self.child.wait()
        self.peer.close()
        tap.check("who sends a byte now and then is cut off", ended, f"after {took:.1f} s")


# --- streams ---

def check_events(tap, control):
    readers = [skip_head(control.follow()) for _ in range(3)]
    first = [json.loads(r.readline()) for r in readers]
    tap.check("a stream begins with the status", all(e["type"] == "status" and e["status"]["name"] == control.name
                                                     for e in first), first)
    write(control.machine, lifecycle={"power-off-timeout": "7s"})
    told = [json.loads(r.readline()) for r in readers]
    tap.check("every reader is told of an edit of the file", all(e["type"] == "generation" for e in told) and
              told[0] == told[1] == told[2], told)
    tap.equal("and what it changed", [c["path"] for s in told[0]["steps"] for c in s["changes"]],
              ["lifecycle.power-off-timeout"])
    for reader in readers:
        reader.close()


def check_slow_reader(tap, control):
    slow = control.follow()
    quick = skip_head(control.follow())
    quick.readline()
    before = control.machine.private_kb()
    for i in range(2200):
        control.ask("POST", "/v1/resume" if i % 2 else "/v1/pause")
        quick.readline()
    grown = control.machine.private_kb() - before
    tap.check("neither thousands of requests nor a reader that does not read cost memory", grown < 8192, f"{grown} KiB")
    lines = skip_head(slow).read().splitlines()
    tap.check("it is dropped, and told so", json.loads(lines[-1])["type"] == "dropped" and
              all(json.loads(l) for l in lines), lines[-1:])
    tap.equal("the others are not", control.ask("POST", "/v1/pause")[0], 200)
    tap.equal("they read on", json.loads(quick.readline())["reason"], "Paused")
    control.ask("POST", "/v1/resume")
    quick.close()
    slow.close()


# --- edits ---

def check_edits(tap, control):
    m = control.machine
    generation = control.ask("GET", "/v1/status")[1]["generation"]
    history = (control.directory / "history.ndjson").read_text()
    other = write(m, "other.yaml", lifecycle={"power-off-timeout": "9s"},
                  devices={**m.description["devices"], "extra": {"type": "virtio-rng"}})
    held = control.settled()
    run = control.weft("apply", "--dry-run", other)
    tap.check("apply --dry-run shows the plan", run.returncode == 0 and "devices.extra" in run.stdout, run)
    status = control.ask("GET", "/v1/status")[1]
    tap.check("and leaves nothing", status["generation"] == generation and "extra" not in status["devices"] and
              control.settled() == held and
              (control.directory / "history.ndjson").read_text() == history, status)
    tap.equal("plan FILE asks the machine that FILE names", control.weft("plan", other).returncode, 2)
    tap.equal("apply --if-generation of another one fails",
              control.weft("apply", "--if-generation", generation + 1, other).returncode, 3)

    calm = write(m, "calm.yaml", lifecycle={"power-off-timeout": "11s"})
    run = control.weft("apply", "--confirm-timeout", "1s", calm)
    tap.equal("apply --confirm-timeout", run.returncode, 0)
    tap.equal("only one at a time", control.weft("apply", calm).returncode, 3)
    time.sleep(2)
    status = control.ask("GET", "/v1/status")[1]
    tap.check("what is not confirmed is taken back", status["generation"] == generation + 2 and
              status["file"] == str(m.file) and not status["confirm"], status)
    control.weft("apply", "--confirm-timeout", "1s", calm)
    tap.equal("confirm", control.weft("confirm", control.name).returncode, 0)
    time.sleep(1.5)
    status = control.ask("GET", "/v1/status")[1]
    tap.check("what is confirmed stays", status["generation"] == generation + 3 and status["file"] == calm, status)

    bad = write(m, "bad.yaml", cpus={"count": 0})
    run = control.weft("apply", bad)
    tap.check("a bad file is refused with its faults", run.returncode == 1 and "cpus" in run.stderr, run)
    status, answer = control.ask("POST", "/v1/apply", {"path": bad})
    tap.check("over HTTP, too", status == 422 and answer["diagnostics"] and answer["exit"] == 1, answer)
    tap.equal("back to the file", control.weft("apply", m.file).returncode, 0)
    entries = [json.loads(l) for l in (control.directory / "history.ndjson").read_text().splitlines()]
    applied = [e for e in entries if e["trigger"] == "apply"]
    tap.check("the history says who applied", len(applied) >= 3 and all(
        e["by"]["uid"] == os.geteuid() and e["by"]["pid"] > 1 for e in applied), applied)
    tap.equal("the history is served", control.ask("GET", "/v1/history?limit=1000")[1]["entries"], entries)
    run = control.weft("history", control.name)
    tap.check("and printed", run.returncode == 0 and "revert: applied" in run.stdout and "by uid" in run.stdout, run)


def check_drift(tap, control):
    m = control.machine
    write(m, memory={"size": "32MiB"})
    deadline = time.monotonic() + 10 * PATIENCE
    while not (status := control.ask("GET", "/v1/status")[1])["pending"]["steps"] and time.monotonic() < deadline:
        time.sleep(0.1)
    text = control.weft("status").stdout
    tap.check("status tells what waits, with its reason", "memory.size" in text and "RestartRequired  yes" in text,
              text)
    m.file.write_text("version: 1\nname: [")
    time.sleep(1)
    status = control.ask("GET", "/v1/status")[1]
    invalid = next(c for c in status["conditions"] if c["type"] == "ConfigInvalid")
    tap.check("and of a broken file", invalid["status"] and status["drift"]["file"] == "Invalid" and
              status["drift"]["diagnostics"], status)
    write(m)
    time.sleep(1)
    text = control.weft("status").stdout
    tap.check("which a good one clears", "ConfigInvalid    no" in text and "RestartRequired  no" in text, text)


# --- who, and where ---

def check_strangers(tap, control):
    if os.geteuid() != 0:
        return tap.skip("another user is refused", "needs root")
    script = ("import os, socket, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
              "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
              "s.sendall(b'POST /v1/kill HTTP/1.0\\r\\n\\r\\n'); print(s.recv(4096).decode())")

    def stranger():
        return subprocess.run([sys.executable, "-c", script, control.path], capture_output=True, text=True, check=False)

    mode = (os.stat(control.directory).st_mode & 0o777, os.stat(control.path).st_mode & 0o777)
    tap.equal("the socket is its owner's alone", [oct(x) for x in mode], ["0o700", "0o600"])
    tap.check("another user does not reach it", "PermissionError" in stranger().stderr)
    opened = [p for p in (control.directory, *control.directory.parents) if p.is_relative_to(control.machine.directory)]
    modes = [(p, os.stat(p).st_mode & 0o777) for p in [*opened, pathlib.Path(control.path)]]
    for path, _ in modes:
        os.chmod(path, 0o777)
    answer = stranger().stdout
    for path, mode in modes:
        os.chmod(path, mode)
    tap.check("and is refused by the machine when the files let it in", " 403 " in answer and
              "forbidden" in answer, answer)
    tap.check("nothing happened", control.machine.alive())


def check_reach(tap, control):
    m = control.machine
    run = control.weft("list", "--format", "json")
    tap.equal("list", [(e["name"], e["phase"]) for e in json.loads(run.stdout)], [(control.name, "Running")])
    tap.equal("the only machine needs no name", control.weft("status").returncode, 0)
    run = control.weft("status", "nobody")
    tap.check("a machine that does not run has an exit code of its own", run.returncode == 6 and
              "nobody" in run.stderr and "weft list" in run.stderr, run)
    tap.equal("a path is no name", control.weft("status", "../x").returncode, 64)
    m.kill()
    run = control.weft("status")
    tap.check("without a machine", run.returncode == 6 and "weft run" in run.stderr, run)
    tap.equal("nobody answers at what kill -9 left", control.weft("status", control.name).returncode, 6)
    tap.check("list --all knows it", "Stopped" in control.weft("list", "--all").stdout)
    m.start()
    control.wait()
    tap.equal("a stale socket is replaced", control.weft("status", control.name).returncode, 0)


def check_bare(tap):
    with bare(tap, "control") as m:
        m.start()
        control = Control(m).wait()
        dripper = Dripper(control)
        check_schemas(tap, control)
        check_refusals(tap, control)
        check_garbage(tap, control)
        check_events(tap, control)
        write(m)
        time.sleep(1)
        check_edits(tap, control)
        check_drift(tap, control)
        check_strangers(tap, control)
        check_slow_reader(tap, control)
        dripper.check(tap)
        check_numbers(tap, control)
        check_reach(tap, control)
        events = skip_head(control.follow())
        run = control.weft("kill", control.name)
        tap.check("kill ends it at once", run.returncode == 0 and m.wait_exit(5) == 3, run)
        tap.check("the stream ends with it", len(events.read()) > 0)
        tap.check("no socket is left", not os.path.exists(control.path))
        m.check_nothing_left()


def check_long_path(tap):
    with bare(tap, "far-away") as m:
        m.private = m.directory / ("x" * 120)
        for name in ("tmp", "state", "run"):
            (m.private / name).mkdir(parents=True)
        m.start()
        control = Control(m).wait()
        tap.equal("a state directory with a long name is no hindrance", control.weft("stop", "--no-wait").returncode, 0)
        m.signal(signal.SIGTERM)
        m.wait_exit(10)


# --- Linux ---

def cpu_ticks(guest):
    ticks = 0
    for stat in glob.glob(f"/proc/{guest.pid}/task/*/stat"):
        text = pathlib.Path(stat).read_text()
        if "(vcpu" in text:
            ticks += sum(map(int, text[text.rindex(")") + 2:].split()[11:13]))
    return ticks


def memory_digest(guest):
    digest = hashlib.sha256()
    for fd in glob.glob(f"/proc/{guest.pid}/fd/*"):
        if "/memfd:" in os.readlink(fd):
            with open(fd, "rb") as f:
                while data := f.read(1 << 20):
                    digest.update(data)
    return digest.hexdigest()


def check_pause(tap, g, control):
    g.console.send("fill /dev/vda 0 8388608 9\n")
    g.console.send("fill /dev/vda 0 8388608 9\n")
    time.sleep(0.5)
    tap.equal("pause", control.weft("pause").returncode, 0)
    tap.equal("and once more", control.weft("pause", "linux").returncode, 0)
    tap.check("status says so", "paused" in control.weft("status").stdout and "Paused" in control.weft("list").stdout)
    before, memory = cpu_ticks(g), memory_digest(g)
    time.sleep(1.5)
    tap.equal("no CPU of a paused guest runs", cpu_ticks(g), before)
    tap.equal("nobody touches its memory", memory_digest(g), memory)
    tap.equal("it cannot hear the button", control.weft("power-button").returncode, 3)
    tap.equal("resume", control.weft("resume").returncode, 0)
    for _ in range(2):
        answer = g.console.wait(r"^(OK|ERR) .*\n", 120)[0]
    tap.check("what it was doing goes on", answer.startswith("OK"), answer)
    g.command("flush /dev/vda")
    tap.check("and it has not noticed", "lockup" not in g.console.text and "stall" not in g.console.text)


def check_terminal(tap, g):
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(WEFT, [WEFT, "console", "linux", "console"], g.environment())
    text = b""
    while b"GUEST-UP" not in text:
        text += os.read(fd, 65536)
    os.write(fd, b"echo typed\n")
    g.console.wait(r"^typed\nOK\n", 20)
    os.write(fd, b"\x1d")
    status = os.waitpid(pid, 0)[1]
    os.close(fd)
    tap.check("console: a terminal, which Ctrl-] leaves", status == 0 and b"Ctrl-] leaves" in text, (status, text[:200]))


def check_console(tap, g, control):
    attach = subprocess.Popen([WEFT, "console", "linux"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              env=g.environment())
    attach.stdin.write(b"echo through the socket\n")
    attach.stdin.flush()
    g.console.wait(r"^through the socket\nOK\n", 20)
    text = b""
    end = time.monotonic() + 20 * PATIENCE
    while not text.replace(b"\r", b"").endswith(b"through the socket\nOK\n") and time.monotonic() < end:
        text += os.read(attach.stdout.fileno(), 65536)
    tap.check("console: the boot, and then both ways", b"GUEST-UP" in text and b"through the socket" in text,
              text[-300:])
    check_terminal(tap, g)
    attach.kill()
    attach.communicate()
    tap.equal("console: a device that has none", control.weft("console", "linux", "disk").returncode, 6)
    g.command("echo x")
    tap.equal("it goes on without the peer", g.lines, ["x"])


def check_logs(tap, control):
    stream = skip_head(control.follow("/v1/logs?follow=1"))
    lines = control.weft("logs").stdout
    tap.check("logs: what happened", "the guest is paused" in lines and "the guest goes on" in lines, lines)
    control.ask("POST", "/v1/pause")
    control.ask("POST", "/v1/resume")
    got = ""
    while got.count("the guest goes on") < 2:
        got += stream.readline()
    stream.close()
    tap.check("logs: what happens", got.startswith("weft: "))


def check_life(tap, g, control):
    g.command("power-button ignore")
    tap.equal("power-button", control.weft("power-button").returncode, 0)
    g.console.wait(r"^POWER-BUTTON$", 20)
    g.command("power-button poweroff")
    first = g.pid
    write(g, cpus={"count": 2})
    time.sleep(1)
    tap.equal("reboot", control.weft("reboot").returncode, 0)
    g.wait_up()
    tap.check("it is the same process, and the edit that waited is there", g.pid == first and g.command("nproc") == "2")
    tap.check("and nothing waits any more", "RestartRequired  no" in control.weft("status").stdout)
    control.weft("pause")
    began = time.monotonic()
    run = control.weft("stop")
    tap.check("stop: also a paused guest powers off, and the command waits for it", run.returncode == 0 and
              g.wait_exit(1) == 0, run)
    tap.note(f"stop took {time.monotonic() - began:.1f} s")
    g.check_nothing_left()


def check_linux(tap):
    devices = {"disk": {"type": "virtio-blk", "path": "disk.img"}, "rng": {"type": "virtio-rng"}}
    with Guest(tap, name="linux", devices=devices, lifecycle={"power-off-timeout": "60s"}) as g:
        g.disk("disk.img", 16 << 20)
        g.boot()
        control = Control(g).wait()
        check_pause(tap, g, control)
        check_console(tap, g, control)
        check_logs(tap, control)
        check_life(tap, g, control)


def main():
    tap = Tap()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    check_bare(tap)
    check_long_path(tap)
    if (GUEST / "vmlinux").exists():
        check_linux(tap)
    else:
        tap.skip("a Linux guest", "no guest kernel: run ./setup.sh, or make guest")
    tap.done()


main()

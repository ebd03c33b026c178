# SPDX-License-Identifier: Apache-2.0
"""Harness of the tests that start a machine.

    from weftguest import Guest, Tap

    tap = Tap()
    with Guest(tap, cpus={"count": 2}, devices={"rng": {"type": "virtio-rng"}}) as g:
        g.boot()
        tap.check("two CPUs", g.command("nproc") == "2")
        tap.check("powers off with status 0", g.power_off() == 0)
        g.check_nothing_left()
    tap.done()

A Machine runs weft on a description in a directory of its own; a Guest is a Machine that boots the
Linux and the init of this folder and drives it over its console. Whatever happens, the weft that was
started is dead when the `with` block ends. The program under test is $WEFT, else ./weft of the build directory, which is
$WEFT_BUILD, the current directory, or build/ of the source. $WEFT_TEST_LINUX is a directory with another Linux for
the guests that boot it: vmlinuz and initramfs.cpio, as examples/debian-cloud.sh makes them.
"""
import contextlib
import fcntl
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import traceback
import zlib

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def _build_directory():
    if "WEFT_BUILD" in os.environ:
        return pathlib.Path(os.environ["WEFT_BUILD"]).resolve()
    here = pathlib.Path.cwd()
    return here if (here / "config.status").exists() else SOURCE / "build"


BUILD = _build_directory()
WEFT = os.environ.get("WEFT", str(BUILD / "weft"))
GUEST = BUILD / "guest"
DISTRIBUTION_LEAST_MB = 96
BARE = BUILD / "tests/guest/bare"
# Slow machines and sanitizers: all timeouts are multiplied.
PATIENCE = float(os.environ.get("WEFT_TEST_PATIENCE", "1"))
BOOT_TIMEOUT = 240


class Failure(Exception):
    """Something did not happen; the message says what."""


class Refused(Failure):
    """The guest answered ERR."""

    def __init__(self, command, errno, text):
        super().__init__(f"{command}: ERR {errno} {text}")
        self.errno = errno


class Tap:
    """Prints results as TAP. Leaves the program when the test as a whole must be skipped."""

    def __init__(self, kvm=True, linux=False):
        self.count = 0
        self.failed = 0
        if kvm and not os.access("/dev/kvm", os.R_OK | os.W_OK):
            self.skip_all("/dev/kvm cannot be opened")
        if linux and not (GUEST / "vmlinux").exists():
            self.skip_all("no guest kernel: run ./setup.sh, or make guest")

    @staticmethod
    def skip_all(reason):
        print(f"1..0 # SKIP {reason}")
        sys.exit(0)

    def check(self, name, good, detail=""):
        self.count += 1
        if not good:
            self.failed += 1
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}", flush=True)
        if not good and detail != "":
            self.note(detail)
        return good

    def equal(self, name, got, wanted):
        return self.check(name, got == wanted, f"got {got!r}, wanted {wanted!r}")

    def skip(self, name, reason):
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {reason}", flush=True)

    @staticmethod
    def note(text):
        for line in str(text).splitlines():
            print(f"# {line}", flush=True)

    @contextlib.contextmanager
    def case(self, name):
        """A block that is one result: it fails by raising."""
        try:
            yield
        except Exception as e:  # whatever it is, it is this case's failure
            self.check(name, False, e if isinstance(e, Failure) else traceback.format_exc())
        else:
            self.check(name, True)

    def done(self):
        print(f"1..{self.count}", flush=True)
        sys.exit(1 if self.failed else 0)


def pattern(seed, length, position=0):
    """The bytes that `fill` and `tcp-send` of the guest's init make."""
    mask = (1 << 64) - 1
    words = []
    for i in range(position, position + (length + 7) // 8):
        z = (seed + (i + 1) * 0x9E3779B97F4A7C15) & mask
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        words.append(z ^ (z >> 31))
    return struct.pack(f"<{len(words)}Q", *words)[:length]


def kvm_emulates():
    """Whether this machine has neither VMX nor SVM, so that its KVM, if any, runs guests in software."""
    flags = re.search(r"^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return not flags or not {"vmx", "svm"} & set(flags[1].split())


def crc(data):
    """A checksum as the guest prints it."""
    return f"{zlib.crc32(data):08x}"


def _processes_of_session(session):
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = pathlib.Path("/proc", entry, "stat").read_text()
        except OSError:
            continue
        name, fields = stat[stat.index("(") + 1:stat.rindex(")")], stat[stat.rindex(")") + 2:].split()
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(f"{entry} ({name})")
    return found


class Machine:
    """One run of weft on a description made from keyword arguments (the top keys of the file)."""

    def __init__(self, tap, wrapper=(), arguments=(), **description):
        self.tap = tap
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="weft-test-"))
        self.private = self.directory / "private"  # what weft may think of as the system's
        self.file = self.directory / "machine.yaml"
        self.log_path = self.directory / "log"
        self.description = {"version": 1, "name": "test", **description}
        self.wrapper = list(wrapper)
        self.arguments = list(arguments)
        self.process = None
        self.interfaces = set(os.listdir("/sys/class/net"))
        self.shm = set(os.listdir("/dev/shm"))
        for name in ("tmp", "state", "run"):
            (self.private / name).mkdir(parents=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            if kind is not None and issubclass(kind, Exception):
                self.tap.check(f"{self.description['name']}: {value}", False,
                               "" if issubclass(kind, Failure) else "".join(
                                   traceback.format_exception(kind, value, trace)))
                self.explain()
        finally:
            self.kill()
            shutil.rmtree(self.directory, ignore_errors=True)
        return kind is not None and issubclass(kind, Exception)

    def path(self, name):
        return str(self.directory / name)

    def disk(self, name, size, data=b""):
        """A raw image in the machine's directory."""
        with open(self.directory / name, "wb") as f:
            f.write(data)
            f.truncate(size)
        return self.path(name)

    def write_description(self):
        # JSON is YAML. Replaced by a rename, as editors do.
        tmp = self.directory / ".machine.yaml"
        tmp.write_text(json.dumps(self.description, indent=2) + "\n")
        tmp.rename(self.file)

    def environment(self):
        return dict(os.environ, TMPDIR=str(self.private / "tmp"),
                    XDG_STATE_HOME=str(self.private / "state"),
                    XDG_RUNTIME_DIR=str(self.private / "run"))

    def start(self):
        self.write_description()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, WEFT, "run", *self.arguments, str(self.file)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=self.environment(), start_new_session=True)
        return self

    def start_on_terminal(self, console):
        """Starts weft on the file that is there, on a terminal of its own. @console is at its other end."""
        console.fd, slave = os.openpty()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [WEFT, "run", str(self.file)], stdin=slave, stdout=slave, stderr=log, env=self.environment(),
                start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        return console.fd

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def explain(self):
        if self.process and self.process.poll() is not None:
            self.tap.note(f"weft ended with status {self.process.returncode}")
        self.tap.note("weft said: " + (self.log()[-4000:] or "nothing"))

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.alive():
            self.process.kill()
        if self.process:
            self.process.wait()

    def wait_exit(self, timeout=30):
        """The exit status; a failure when weft does not end in time."""
        try:
            return self.process.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failure(f"weft was still running after {timeout * PATIENCE:.0f} s") from None

    def wait_log(self, regex, timeout=30):
        end = time.monotonic() + timeout * PATIENCE
        while time.monotonic() < end:
            found = re.search(regex, self.log(), re.M)
            if found:
                return found
            if not self.alive():
                break
            time.sleep(0.02)
        found = re.search(regex, self.log(), re.M)
        if not found:
            raise Failure(f"weft did not log /{regex}/")
        return found

    def conditions(self):
        """What `weft status` says of the machine: the conditions that are true, with their messages."""
        answer = run_weft("status", "--format", "json", self.description["name"], env=self.environment())
        return {c["type"]: c["message"] for c in json.loads(answer.stdout)["conditions"] if c["status"]}

    def wait_condition(self, condition, present, timeout=10):
        """The conditions, as soon as one of them is there or gone, or when the time is up."""
        end = time.monotonic() + timeout * PATIENCE
        while (condition in (now := self.conditions())) != present and time.monotonic() < end:
            time.sleep(0.05)
        return now

    def follow(self, timeout=60):
        """Writes the description, which differs in what can be done now, and waits until the guest has followed."""
        seen = len(self.log())
        self.write_description()
        end = time.monotonic() + timeout * PATIENCE
        while " to do now" not in self.log()[seen:]:
            if time.monotonic() > end:
                raise Failure("weft did not take the edit up (with -v it says so)")
            time.sleep(0.02)
        left = self.wait_condition("Converging", False, timeout).get("Converging")
        if left:
            raise Failure(f"the guest does not follow: {left}")

    def leftovers(self):
        """What a weft that has ended left behind."""
        left = [f"process {p}" for p in _processes_of_session(self.pid)]
        # Other tests run beside this one, with interfaces of their own.
        mine = json.dumps(self.description)
        left += [f"interface {i}" for i in set(os.listdir("/sys/class/net")) - self.interfaces if f'"{i}"' in mine]
        left += [f"/dev/shm/{n}" for n in set(os.listdir("/dev/shm")) - self.shm if "weft" in n]
        for top in ("tmp", "run"):
            left += [str(p) for p in (self.private / top).rglob("*") if not p.is_dir()]
        left += [p.name for p in self.directory.iterdir() if p.is_socket()]
        return left

    def check_nothing_left(self):
        self.tap.equal("nothing is left behind", self.leftovers(), [])

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def cpu_times(self):
        """Seconds of CPU that each thread has used, by name."""
        used = []
        if self.alive():
            for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
                with contextlib.suppress(OSError):
                    name, _, stat = (task / "stat").read_text().partition("(")[2].rpartition(")")
                    ticks = sum(map(int, stat.split()[11:13]))
                    used.append(f"{name} {ticks / os.sysconf('SC_CLK_TCK'):.1f}")
        return ", ".join(sorted(used)) or "not running"

    def opened(self):
        """The names of what weft has open."""
        names = set()
        for link in pathlib.Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # it was closed a moment ago
                names.add(os.readlink(link))
        return names

    def descriptors(self):
        """How many weft holds. Those of a client that has just left are closed a moment after it: the least counts."""
        counts = []
        for _ in range(8):
            counts.append(len(os.listdir(f"/proc/{self.pid}/fd")))
            time.sleep(0.04)
        return min(counts)

    def private_kb(self, without=()):
        """What weft has written, in KiB, but in mappings whose name contains one of `without`. What it shares with
        others, its code for one, comes and goes with them."""
        total, counted = 0, True
        for line in pathlib.Path(f"/proc/{self.pid}/smaps").read_text().splitlines():
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                counted = not any(word in line for word in without)
            elif line.startswith(("Private_Dirty:", "Swap:")) and counted:
                total += int(line.split()[1])
        return total


class Console:
    """The far end of a guest's console: a unix socket that weft listens on, or a terminal."""

    def __init__(self, machine):
        self.machine = machine
        self.fd = None
        self.keep = None  # the socket whose descriptor fd is
        self.text = ""  # all that came, without carriage returns
        self.seen = 0  # up to here it was waited for

    def connect(self, path, timeout=30):
        end = time.monotonic() + timeout * PATIENCE
        while True:
            self.keep = socket.socket(socket.AF_UNIX)
            try:
                self.keep.connect(path)
                break
            except OSError as e:
                self.keep.close()
                if not self.machine.alive() or time.monotonic() > end:
                    raise Failure(f"cannot reach the console at {path}: {e}") from None
                time.sleep(0.01)
        self.fd = self.keep.fileno()
        return self

    def open_terminal(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        return self

    def close(self):
        if self.keep:
            self.keep.close()
        elif self.fd is not None:
            os.close(self.fd)
        self.fd = self.keep = None

    def send(self, text):
        data = text.encode() if isinstance(text, str) else text
        while data:
            data = data[os.write(self.fd, data):]

    def read(self, timeout):
        """Takes what is there; False at the end of the stream."""
        ready, _, _ = select.select([self.fd], [], [], timeout)
        if not ready:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.text += data.decode(errors="replace").replace("\r", "")
        return bool(data)

    def wait(self, regex, timeout=30):
        """Waits for a line, from the last one waited for on; the match."""
        end = time.monotonic() + timeout * PATIENCE
        compiled = re.compile(regex, re.M)
        while True:
            found = compiled.search(self.text, self.seen)
            if found:
                self.seen = found.end()
                return found
            left = end - time.monotonic()
            if left <= 0:
                raise Failure(f"the guest did not say /{regex}/ in {timeout * PATIENCE:.0f} s; "
                              f"its last words: {self.text[-1500:]!r}")
            if not self.read(min(left, 1)):
                raise Failure(f"the console ended before /{regex}/; "
                              f"its last words: {self.text[-1500:]!r}")


class Guest(Machine):
    """Linux with the init of tests/guest/init on a serial port, or on `console`."""

    def __init__(self, tap, kernel="vmlinux", protocol="auto", cmdline="", memory=None, devices=None,
                 initramfs="initramfs.cpio", console="ttyS0", **rest):
        rest.setdefault("memory", memory or {"size": "64MiB"})
        files, other = GUEST, os.environ.get("WEFT_TEST_LINUX")
        if other and kernel == "vmlinux":
            files, kernel = pathlib.Path(other), "vmlinuz"
            # The shell's initramfs, and what a distribution leaves to its udev.
            cmdline += " weft.obey memhp_default_state=online_movable"
            if int(rest["memory"]["size"].removesuffix("MiB")) < DISTRIBUTION_LEAST_MB:
                rest["memory"] = {**rest["memory"], "size": f"{DISTRIBUTION_LEAST_MB}MiB"}
        boot = {"kernel": str(files / kernel), "initramfs": str(files / initramfs),
                "cmdline": f"console={console} quiet {cmdline}".strip()}
        if protocol != "auto":
            boot["protocol"] = protocol
        super().__init__(tap, boot=boot, **rest)
        output = {"type": "socket", "path": "console.sock"}
        kind = "virtio-console" if console.startswith("hvc") else "serial"
        self.description["devices"] = {"console": {"type": kind, "output": output}, **(devices or {})}
        self.console = Console(self)
        self.lines = []  # what the last command printed before its answer

    def __exit__(self, kind, value, trace):
        result = super().__exit__(kind, value, trace)
        self.console.close()
        return result

    def boot(self):
        self.start()
        self.console.connect(self.path("console.sock"))
        return self.wait_up()

    def wait_up(self):
        began = time.monotonic()
        try:
            self.console.wait(r"^GUEST-UP$", BOOT_TIMEOUT)
        except Failure as e:
            # A slow guest has used its CPUs, one that hangs has not.
            raise Failure(f"the guest did not boot: {e}; CPU time: {self.cpu_times()}") from None
        self.tap.note(f"in user space after {time.monotonic() - began:.1f} s")
        return self

    def command(self, text, timeout=60):
        """What stands behind OK; the lines before it are in self.lines. Refused when it was ERR."""
        start = self.console.seen
        self.console.send(text + "\n")
        answer = self.console.wait(r"^(OK|ERR (\d+))\b ?(.*)\n", timeout)
        self.lines = [l for l in self.console.text[start:answer.start()].splitlines() if l]
        if answer[1] != "OK":
            raise Refused(text, int(answer[2]), answer[3])
        return answer[3]

    def facts(self):
        self.command("facts")
        return dict(l.split("=", 1) for l in self.lines if "=" in l)

    def wait_link(self, interface, running):
        """What `ifinfo` says as soon as the link is up or down, which Linux tells a moment after it is, or after 20 s."""
        end = time.monotonic() + 20 * PATIENCE
        while f"running={int(running)}" not in (info := self.command(f"ifinfo {interface}")) and time.monotonic() < end:
            time.sleep(0.1)
        return info

    def power_off(self, timeout=30):
        """The exit status of weft after the guest powered itself off."""
        self.console.send("poweroff\n")
        return self.wait_exit(timeout)


def run_weft(*arguments, timeout=30, **options):
    """Runs another command of weft to its end."""
    return subprocess.run([WEFT, *map(str, arguments)], timeout=timeout * PATIENCE, text=True,
                          capture_output=True, check=False, **options)


__all__ = ["BARE", "BUILD", "Console", "Failure", "GUEST", "Guest", "Machine", "PATIENCE", "Refused",
           "SOURCE", "Tap", "WEFT", "crc", "kvm_emulates", "pattern", "run_weft", "signal"]

# SPDX-License-Identifier: Apache-2.0
"""`weft init`: what it writes is valid and laid out, from options and from answers on a terminal; nothing is overwritten."""
import os
import pty
import select
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import Tap, need_devices

WEFT = os.path.abspath(os.environ.get("WEFT", "./weft"))

need_devices(WEFT, "serial", "virtio-blk", "virtio-console", "virtio-net", "virtio-rng")
tap = Tap()


def weft(*words, cwd, text=None):
    """Without a terminal."""
    return subprocess.run([WEFT, *words], input=text or "", capture_output=True, text=True, timeout=20, cwd=cwd, check=False)


def read(*path):
    try:
        with open(os.path.join(*path), encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def is_good(name, path, *wanted):
    folder, text = os.path.dirname(path), read(path)
    valid, neat = weft("validate", path, cwd=folder), weft("fmt", "--check", path, cwd=folder)
    missing = [w for w in wanted if w not in text]
    tap.result(valid.returncode == 0 and neat.returncode == 0 and not missing, name, valid.stdout, neat.stdout, *missing,
               *text.splitlines())


def on_terminal(folder, answers):
    """Runs weft init on a terminal of its own and answers each question. Returns exit status and what it said."""
    child, master = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execv(WEFT, [WEFT, "init"])
    said, answers = b"", list(answers)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        ready, _, _ = select.select([master], [], [], 0.2)
        if ready:
            try:
                data = os.read(master, 4096)
            except OSError:
                break
            if not data:
                break
            said += data
            if said.endswith(b": ") and answers:
                answer = answers.pop(0)
                os.write(master, answer.encode() if answer == "\x04" else answer.encode() + b"\n")
    _, status = os.waitpid(child, 0)
    os.close(master)
    return os.waitstatus_to_exitcode(status), said.decode()


with tempfile.TemporaryDirectory() as folder:
    run = weft("init", "--kernel", "vmlinuz", cwd=folder)
    is_good("the least", os.path.join(folder, "machine.yaml"), "name: machine", "type: user", "size: 512MiB", "# ")
    tap.result(run.returncode == 0 and "weft run machine.yaml" in run.stdout, "it tells what is next", run.stdout)
    before = read(folder, "machine.yaml")
    run = weft("init", "--kernel", "other", cwd=folder)
    tap.result(run.returncode == 64 and read(folder, "machine.yaml") == before and "--force" in run.stderr,
               "a file that is there stays", run.stderr)
    run = weft("init", "--force", "--kernel", "other", cwd=folder)
    tap.result(run.returncode == 0 and "kernel: other" in read(folder, "machine.yaml"), "but with --force", run.stderr)
    weft("init", "--name", "web", "--kernel", "my kernel", "--initramfs", "yes", "--disk", "root.img", "--disk", "${x} # y.img",
         "--memory", "4G", "--cpus", "3", "--net", "tap:lan0", cwd=folder)
    is_good("all options", os.path.join(folder, "web.yaml"), "name: web", 'kernel: "my kernel"', 'initramfs: "yes"', "size: 4GiB",
            "count: 3", "disk2:", '"$${x} # y.img"', "name: lan0", "cmdline: console=ttyS0\n")
    weft("init", "--firmware", "/fw.elf", "--net", "none", "fw.yaml", cwd=folder)
    is_good("a firmware", os.path.join(folder, "fw.yaml"), "firmware: /fw.elf", "name: fw\n")
    os.mkdir(os.path.join(folder, "vms"))
    weft("init", "--kernel", "k", "--disk", "/abs.img", "vms/My VM_1.yaml", cwd=folder)
    is_good("a name from the file, paths from here", os.path.join(folder, "vms/My VM_1.yaml"), "name: my-vm-1",
            f"kernel: {os.path.realpath(folder)}/k", "path: /abs.img")
    for name, words, code, why in (
            ("a size that is none", ["--kernel", "k", "--memory", "lots"], 64, "size"),
            ("too little memory", ["--kernel", "k", "--memory", "1K", "x.yaml"], 1, "nothing is written"),
            ("no CPUs", ["--kernel", "k", "--cpus", "0"], 64, "at least one"),
            ("too many CPUs", ["--kernel", "k", "--cpus", "1000", "x.yaml"], 1, "between 1 and 255"),
            ("a bad name", ["--kernel", "k", "--name", "Not A Name", "x.yaml"], 1, "lower-case"),
            ("a network of no kind", ["--kernel", "k", "--net", "wifi"], 64, "'wifi' is not"),
            ("nothing to start", ["--name", "x"], 64, "--kernel FILE"),
            ("no options and no terminal", [], 64, "--kernel FILE"),
            ("two beginnings", ["--kernel", "k", "--firmware", "f"], 64, "cannot be together"),
            ("a directory that is not there", ["--kernel", "k", "no/x.yaml"], 5, "cannot be written")):
        run = weft("init", *words, cwd=folder)
        tap.result(run.returncode == code and why in run.stderr and not os.path.exists(os.path.join(folder, "x.yaml")), name,
                   f"exit {run.returncode}", run.stderr)
    run = weft("init", "--kernel", "k", "-", cwd=folder)
    tap.result(weft("validate", "-", cwd=folder, text=run.stdout).returncode == 0, "- is standard output")

    status, said = on_terminal(folder, ["asked", "vmlinuz", "", "disk.img", "12 potatoes", "1GiB", "", "wlan", "none"])
    is_good("answers on a terminal", os.path.join(folder, "asked.yaml"), "name: asked", "size: 1GiB", "path: disk.img", "count: 1")
    tap.result(status == 0 and said.count("Memory") == 2 and said.count("Network") == 2, "what is no answer is asked again", said)
    status, said = on_terminal(folder, ["ended", "\x04"])
    tap.result(status == 64 and not os.path.exists(os.path.join(folder, "ended.yaml")), "the end of the input writes nothing", said)
raise SystemExit(tap.done())

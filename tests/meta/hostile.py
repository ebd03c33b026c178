# SPDX-License-Identifier: Apache-2.0
"""Files that mean harm are answered at once and in little memory: each within 50 ms of processor time and 32 MiB. Neither depends on
how busy the machine is; that nothing waits (for a FIFO, a terminal) is told by a wall clock with much room."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import Tap

WEFT = os.path.abspath(os.environ.get("WEFT", "./weft"))
SECONDS, MEGABYTES = 0.050, 32
WALL = 20
MIB = 1 << 20

START = "version: 1\nname: a\nboot: { kernel: k }\n"


def bomb(levels, width):
    """Each level names the one below many times."""
    return "x-0: &a0 [x]\n" + "".join(f"x-{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]\n" for i in range(1, levels)) + START


def merge_bomb(levels):
    return START + "x-0: &m0 { k0: 1 }\n" + "".join(
        f"x-{i}: &m{i} {{ <<: [*m{i - 1}, *m{i - 1}], k{i}: 1 }}\n" for i in range(1, levels))


def vars_bomb(levels):
    return "vars:\n  v0: xxxxxxxxxx\n" + "".join(f"  v{i}: \"{f'${{v{i - 1}}}' * 50}\"\n" for i in range(1, levels)) + \
        f"version: 1\nname: a\nboot: {{ kernel: k, cmdline: \"${{v{levels - 1}}}\" }}\n"


def devices(n, text):
    return START + "devices:\n" + "".join(f"  d{i}: {text}\n" for i in range(n))


TEXTS = {
    "an alias bomb": bomb(20, 10),
    "an alias bomb of 400 bytes": bomb(9, 9)[:400] + "\n",
    "aliases in a wide list": "x-a: &a { k: v }\nx-b: [" + "*a, " * 900 + "*a]\n" + START,
    "a bomb of merges": merge_bomb(64),
    "a bomb of variables": vars_bomb(30),
    "a variable of itself": "vars: { a: '${b}${b}', b: '${a}${a}' }\nversion: 1\nname: ${a}\nboot: { kernel: k }\n",
    "1 MiB of [": "[" * MIB,
    "1 MiB of {": "{" * MIB,
    "1 MiB of [{": "[{" * (MIB // 2),
    "1 MiB of '- '": "- " * (MIB // 2),
    "1 MiB of '? '": "? " * (MIB // 2),
    "1 MiB of '- ' deeper and deeper": "".join(" " * i + "-\n" for i in range(1400)),
    "1 MiB of keys deeper and deeper": "".join(" " * i + "a:\n" for i in range(1400)),
    "1 MiB of [] beside each other": "[" + "[]," * (MIB // 3 - 1) + "]",
    "1 MiB of !": "!" * MIB,
    "1 MiB of &": "&" * MIB,
    "1 MiB of quotes": "'" * MIB,
    "1 MiB of an open quote": 'a: "' + "x" * (MIB - 5),
    "1 MiB of tabs": "\t" * MIB,
    "1 MiB of spaces": " " * MIB,
    "1 MiB of line breaks": "\n" * MIB,
    "1 MiB of carriage returns": "\r" * MIB,
    "1 MiB of comments": "#\n" * (MIB // 2),
    "1 MiB of one comment": "#" * MIB,
    "1 MiB of % lines": "%a\n" * (MIB // 3),
    "1 MiB of documents": "---\n" * (MIB // 4),
    "1 MiB of colons": ":" * MIB,
    "1 MiB of ': '": ": " * (MIB // 2),
    "1 MiB of commas": "[" + "," * (MIB - 2) + "]",
    "1 MiB of a plain text": START + "x-a: " + "a" * (MIB - 64),
    "1 MiB of words": START + "x-a: " + "a " * (MIB // 2 - 32),
    "1 MiB of digits": START + "cpus: { count: " + "1" * (MIB - 128) + " }",
    "1 MiB of $": START + "x-a: '" + "$" * (MIB - 64) + "'",
    "1 MiB of ${": START + "x-a: '" + "${" * 20000 + "'\nlifecycle: { reset: '" + "${" * 20000 + "' }\n",
    "1 MiB in one line of a fault": START + "cpus: { " + "x: 1, " * 10000 + "}\n",
    "a key of 1 MiB": "a" * (MIB - 4) + ": 1\n",
    "a million faults in flow": "{" + "a b: c, " * 40000 + "}\n",
    "100,000 keys": "".join(f"k{i}: 1\n" for i in range(100000))[:MIB - 10] + "\n",
    "100,000 keys that are the same": "k: 1\n" * 100000,
    "20,000 unknown keys near a known one": START + "cpus:\n" + "".join(f"  coun{i}: 1\n" for i in range(20000)),
    "10,000 words that are not known": devices(1000, "{ type: virtio-blkk, " + ", ".join(f"k{i}: 1" for i in range(10)) + " }"),
    "20,000 devices": devices(20000, "{ type: virtio-rng }"),
    "1,000 devices that use one file": devices(1000, "{ type: virtio-blk, path: a }"),
    "1,000 devices in one slot": devices(1000, "{ type: virtio-rng, slot: 3 }"),
    "30 devices with 64 forwards of one port": devices(
        30, "{ type: virtio-net, backend: { type: user, forward: [" + ", ".join(["'80:80'"] * 64) + "] } }"),
    "a million diagnostics": START + "x-a: [" + "*b, " * 200000 + "]\n",
    "a map with 100,000 empty keys": "".join("? \n" for i in range(100000)),
    "a list of 300,000 in a row": START + "x-a: [" + "1," * 300000 + "1]\n",
    "affinities of all CPUs": START + "cpus:\n  count: 255\n  affinity:\n" + "".join(f"    {i}: 0-4095\n" for i in range(255)),
    "4 MiB": "#" * (4 * MIB),
}
MANY = START + "cpus:\n" + "".join(f"  coun{i}: 1\n" for i in range(5000))
BYTES = {
    "NUL": b"version: 1\0\n",
    "1 MiB of NUL": bytes(MIB),
    "invalid UTF-8": b"name: \xff\xfe\xc0\x80\n" * 1000,
    "1 MiB of invalid UTF-8": b"\xff" * MIB,
    "a cut sequence": b"name: \xe2\x82",
    "UTF-16": (START * 1000).encode("utf-16"),
    "wide characters": ("version: 1\nname: " + "漢" * 20000 + "\n").encode(),
    "random bytes": bytes((i * i * 7 + (i >> 3)) & 255 for i in range(MIB // 4)),
    "a gzip": bytes.fromhex("1f8b0800000000000003") + bytes(range(256)) * 100,
}

# What is odd and not wrong.
HARMLESS = {"aliases in a wide list", "a bomb of merges", "affinities of all CPUs"}

tap = Tap()


# What a process took is the most that it ever had, and before it became weft it was the one that started it: a small one.
STARTER = """
import os, sys
pid = os.fork()
if not pid:
    os.setsid()
    os.execv(sys.argv[1], sys.argv[1:])
status, used = os.wait4(pid, 0)[1:]
print(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, file=sys.stderr)
"""


def once(words, stdin):
    """Exit status, seconds, megabytes, what was said."""
    with open(os.path.join(folder, "out"), "wb+") as out:
        run = subprocess.run([sys.executable, "-ISc", STARTER, "/bin/sh", "-c", 'exec "$@" 2>&1', "sh", WEFT, "validate", *words],
                             stdout=out, stderr=subprocess.PIPE, stdin=stdin or subprocess.DEVNULL, timeout=WALL, check=False)
        out.seek(0)
        said = out.read()
    status, seconds, megabytes = run.stderr.split()
    return int(status), float(seconds), float(megabytes), said


def measure(name, *words, stdin=None):
    """The best of three: a machine that is busy makes a program slower, and never faster."""
    try:
        for _ in range(3):
            status, seconds, megabytes, said = once(words, stdin)
            if seconds <= SECONDS:
                break
    except subprocess.TimeoutExpired:
        tap.result(False, name, f"not answered within {WALL} s")
        return
    worst.append((seconds, megabytes, name))
    tap.result(status == (name not in HARMLESS) and seconds <= SECONDS and megabytes <= MEGABYTES and 0 < len(said) < MIB,
               name, f"exit {status}, {seconds * 1000:.0f} ms, {megabytes:.1f} MiB, {len(said)} bytes said",
               said[:300].decode(errors="replace"))


worst = []
if os.path.exists("config.status") and "-fsanitize" in open("config.status", encoding="utf-8").read():
    print("1..0 # SKIP sanitizers take more of both")
    raise SystemExit(0)

with tempfile.TemporaryDirectory() as folder:
    def put(name, content):
        path = os.path.join(folder, name)
        with open(path, "wb") as f:
            f.write(content if isinstance(content, bytes) else content.encode())
        return path

    for name, text in {**TEXTS, **BYTES}.items():
        measure(name, put("file.yaml", text))
    measure("5,000 faults, with --annotate", "--annotate", put("file.yaml", MANY))
    measure("5,000 faults, as JSON", "--format", "json", put("file.yaml", MANY))
    measure("5,000 faults, as SARIF", "--format", "sarif", put("file.yaml", MANY))
    measure("/dev/zero", "/dev/zero")
    measure("/dev/zero as standard input", "-", stdin=open("/dev/zero", "rb"))
    measure("/dev/random", "/dev/random")
    os.mkfifo(os.path.join(folder, "fifo"))
    measure("a FIFO", os.path.join(folder, "fifo"))
    measure("a FIFO that is included", put("f.yaml", "include: fifo\n" + START))
    measure("/dev/zero that is included", put("f.yaml", "include: /dev/zero\n" + START))
    measure("the memory of a process", "/proc/self/mem")
    os.mkdir(os.path.join(folder, "directory"))
    measure("a directory that is included", put("f.yaml", "include: directory\n" + START))
    measure("a directory with nothing", os.path.join(folder, "directory"))
    sparse = put("sparse.yaml", "")
    os.truncate(sparse, 10 << 30)
    measure("10 GiB of nothing", sparse)
    measure("10 GiB of nothing that are included", put("f.yaml", "include: sparse.yaml\n" + START))
    os.symlink("loop.yaml", os.path.join(folder, "loop.yaml"))
    measure("a link to itself", os.path.join(folder, "loop.yaml"))
    measure("a file that includes itself", put("self.yaml", "include: self.yaml\n" + START))
    put("one.yaml", "include: [two.yaml, two.yaml]\n")
    put("two.yaml", "include: [one.yaml, one.yaml]\n")
    measure("files that include each other twice", os.path.join(folder, "one.yaml"))
    for i in range(20):
        put(f"chain-{i}.yaml", f"include: [chain-{i + 1}.yaml, chain-{i + 1}.yaml, chain-{i + 1}.yaml]\n")
    measure("files that include the next one three times", os.path.join(folder, "chain-0.yaml"))
    measure("a file that includes all of a folder", put("all.yaml", "include: [/proc/self/fd/*, /dev/*, '*']\n" + START))
    measure("a pattern that takes for ever", put("f.yaml", "include: '" + "*a" * 60 + "'\n" + START))
    measure("a long name", "a" * 5000)
    measure("overrides", "--set", "a." * 10000 + "b=1", put("f.yaml", START))
    measure("an override of much", "--set", "x=" + "[" * 100000, put("f.yaml", START))
    slowest, largest = max(worst), max(worst, key=lambda w: w[1])
    print(f"# the slowest: {slowest[0] * 1000:.0f} ms, {slowest[2]}; the largest: {largest[1]:.1f} MiB, {largest[2]}")
raise SystemExit(tap.done())

# SPDX-License-Identifier: Apache-2.0
"""`weft fmt`: the layout is the canonical one, is its own layout, and changes neither what a file means nor its comments."""
import glob
import json
import os
import random
import re
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import Tap, need_devices

try:
    import descriptions
    import yaml
except ImportError as e:
    print(f"1..0 # SKIP {e}: python3-yaml is needed")
    raise SystemExit(0)

WEFT = os.path.abspath(os.environ.get("WEFT", "./weft"))
SOURCE = os.path.abspath(os.environ.get("srcdir", ".."))
N_RANDOM = 300

need_devices(WEFT, "serial", "virtio-blk", "virtio-console", "virtio-net", "virtio-rng")
tap = Tap()


def weft(*words, text=None, cwd=None):
    return subprocess.run([WEFT, *words], input=text, capture_output=True, text=True, timeout=20, cwd=cwd, check=False)


def fmt(text):
    run = weft("fmt", text=text)
    return run.stdout if run.returncode == 0 else f"exit {run.returncode}: {run.stderr}"


def load(text):
    return descriptions.as_json(yaml.load(text, descriptions.Loader))


examples = [p for p in glob.glob(os.path.join(SOURCE, "examples/**/*.y*ml"), recursive=True)]
run = weft("fmt", "--check", *examples)
tap.result(run.returncode == 0, "every example is laid out so", run.stdout, run.stderr)

UGLY = """\
---
# header

# of devices
devices: # all
      # the disk
      disk :   {path: a.img,type: virtio-blk}   # main disk
      net0:
            backend: {type: user,
               forward: ["8080:80", # web
                         '22:22']
               } # end
            type:     virtio-net    # a card

            # queues: 4
      con:
         output:
         - terminal
         # the log
         -   path: log # where
             type: file
         - type: pty
         # after the list
         type: virtio-console
      # last of devices
# of boot
boot:   # start
   cmdline: >-
        console=hvc0
          root=/dev/vda

        quiet
   kernel: "a
     b"   # two lines
cpus:

   count:   2 # two
   affinity: {0: 1}
   max:   4           # four
x-a: &net {type: virtio-net}
name: ugly


memory:
# at column 0
   size: 1GiB
vars: {a: b}
version: 1
# end
...
"""
NEAT = """\
# header

version: 1
name: ugly
x-a: &net { type: virtio-net }
vars: { a: b }
cpus:
  count: 2  # two
  max: 4    # four
  affinity: { 0: 1 }

memory:
  # at column 0
  size: 1GiB
# of boot
boot:  # start
  kernel: "a
    b"  # two lines
  cmdline: >-
    console=hvc0
      root=/dev/vda

    quiet

# of devices
devices:  # all
  # the disk
  disk: { type: virtio-blk, path: a.img }  # main disk
  net0:
    type: virtio-net  # a card
    backend: {
      type: user,
      forward: [
        "8080:80",  # web
        '22:22',
      ],
    }  # end

    # queues: 4
  con:
    # after the list
    type: virtio-console
    output:
      - terminal
      # the log
      - type: file
        path: log  # where
      - type: pty
  # last of devices
# end
"""
got = fmt(UGLY)
tap.result(got == NEAT, "order, indentation, comments, blank lines", *got.splitlines())
tap.result(fmt(NEAT) == NEAT, "and again: nothing changes")
tap.result(fmt(UGLY.replace("\n", "\r\n")) == NEAT, "ends of lines are plain")
tap.result(load(UGLY) == load(NEAT), "it means the same to another reader")

for name, text, wanted in (
        ("an alias stays behind what it names", "version: 1\ndevices: { a: &d { type: serial } }\nname: a\nboot: *b\n", None),
        ("keys stay where an alias needs them", "devices:\n  s: { type: serial, output: &o [pty] }\n  d: { type: debug-console, output: *o }\nversion: 1\n",
         "version: 1\ndevices:\n  s: { type: serial, output: &o [pty] }\n  d: { type: debug-console, output: *o }\n"),
        ("an order that an alias forbids is not taken", "memory: { size: &m 1GiB }\ncpus: { count: 2 }\nname: *m\n",
         "memory: { size: &m 1GiB }\ncpus: { count: 2 }\nname: *m\n"),
        ("a merge key comes first", "x-a: &a { count: 1 }\ncpus:\n  max: 4\n  <<: *a\n", "x-a: &a { count: 1 }\ncpus:\n  <<: *a\n  max: 4\n"),
        ("unknown keys come last, in their order", "zz: 1\nname: a\naa: 2\n", "name: a\nzz: 1\naa: 2\n"),
        ("nothing", "", ""), ("only comments", "\n\n# a\n\n\n# b\n", "# a\n\n# b\n"),
        ("an empty value", "boot:\ndevices: {a: , b}\n", "boot:\ndevices: { a: null, b: null }\n"),
        ("kept line ends", "boot:\n      cmdline: |+\n         a\n\n\nname: a\n", "name: a\nboot:\n  cmdline: |+\n    a\n\n\n"),
        ("an indentation that is said", "boot:\n      cmdline: |2\n          a\n        b\nname: a\n", "name: a\nboot:\n  cmdline: |2\n      a\n    b\n"),
        ("long and wide comments", "name: ü # x\nversion: 1 # 漢\n", "version: 1  # 漢\nname: ü     # x\n")):
    got = fmt(text)
    if wanted is None:
        tap.result(got.startswith("exit 1") and "names no anchor" in got, "what is no YAML is refused, with the reason", got)
    else:
        tap.result(got == wanted and fmt(got) == got, name, *got.splitlines())
for name, text, why in (("a list", "- a\n", "is a map"), ("directives", "%YAML 1.2\n---\nname: a\n", "directives"),
                        ("a double key", "name: a\nname: b\n", "is there twice")):
    got = fmt(text)
    tap.result(got.startswith("exit 1") and why in got, f"{name}: refused", got)

# Files.
with tempfile.TemporaryDirectory() as folder:
    path, link = os.path.join(folder, "real/vm.yaml"), os.path.join(folder, "link.yaml")
    os.mkdir(os.path.dirname(path))
    with open(path, "w", encoding="utf-8") as f:
        f.write("name: a\nversion: 1\nboot: {kernel: k}\n")
    os.chmod(path, 0o640)
    os.symlink("real/vm.yaml", link)
    before = json.loads(weft("show", "--format", "json", path).stdout)["hash"]
    run = weft("fmt", "--check", link)
    tap.result(run.returncode == 2 and run.stdout == link + "\n", "--check names the file and ends with 2", run.stdout)
    run = weft("fmt", link)
    with open(path, encoding="utf-8") as f:
        text = f.read()
    tap.result(run.returncode == 0 and text == "version: 1\nname: a\nboot: { kernel: k }\n", "a file is replaced", text)
    tap.result(os.path.islink(link) and stat.S_IMODE(os.stat(path).st_mode) == 0o640, "links and modes stay")
    tap.result(os.listdir(os.path.dirname(path)) == ["vm.yaml"], "nothing is left beside it")
    tap.result(json.loads(weft("show", "--format", "json", path).stdout)["hash"] == before, "it is the same machine")
    run = weft("fmt", folder)
    tap.result(run.returncode == 0 and run.stdout == "", "a directory, in which nothing is to do", run.stdout)
    if os.geteuid() == 0:
        os.chown(path, 1234, 1234)
        with open(path, "a", encoding="utf-8") as f:
            f.write("cpus: {count: 1}\n")
        weft("fmt", path)
        tap.result(os.stat(path).st_uid == 1234, "the owner stays")
    run = weft("fmt", os.path.join(folder, "none.yaml"))
    tap.result(run.returncode == 1 and "cannot be read" in run.stderr, "a file that is not there")

# Random texts: what they mean is kept, and all comments.
rng = random.Random(4)
SCALARS = ["1", "text", "two words", '"a b"', "'it''s'", "512MiB", "true", "null", '"x # y"', "a#b", "- 1"[2:], '"\\u00fc"', "http://a/b",
           "${name}", "[]", "{}"]
KEYS = ["name", "version", "cpus", "memory", "boot", "devices", "count", "max", "size", "type", "path", "output", "kernel", "x-a",
        "vars", "zz", '"quoted"', "backend"]


def comment():
    return rng.choice(["# c", "#", "# key: value", "#x", "# – ü", "#   - a"]) + str(rng.randint(0, 99))


def gap(indent):
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        yield rng.choice(["", "", " " * indent + comment(), " " * rng.randint(0, 9) + comment()])


def flow(depth):
    what = rng.random()
    if depth > 3 or what < 0.5:
        return rng.choice(SCALARS[:-2])
    space = lambda: rng.choice(["", " ", "  "])
    if what < 0.75:
        return "[" + ",".join(space() + flow(depth + 1) + space() for _ in range(rng.randint(0, 3))) + "]"
    keys = rng.sample(KEYS, rng.randint(0, 3))
    return "{" + ",".join(f"{space()}{k}: {flow(depth + 1)}{space()}" for k in keys) + "}"


def end():
    return " " * rng.randint(1, 5) + comment() if rng.random() < 0.25 else rng.choice(["", "", "  "])


def block(indent, depth):
    lines = []
    step = rng.randint(1, 5)
    if rng.random() < 0.75 or depth == 0:
        for key in rng.sample(KEYS, rng.randint(1, 5)):
            lines += gap(indent)
            lines += entry(" " * indent + key + ":", indent, step, depth)
    else:
        for _ in range(rng.randint(1, 4)):
            lines += gap(indent)
            if depth < 4 and rng.random() < 0.4:
                inner = block(indent + 2, depth + 1)
                while inner and (not inner[0].strip() or inner[0].lstrip().startswith("#")):
                    inner.pop(0)
                inner[0] = " " * indent + "- " + inner[0][indent + 2:]
                lines += inner
            else:
                lines += entry(" " * indent + "-", indent, step, depth)
    return lines


def entry(head, indent, step, depth):
    what = rng.random()
    if what < 0.3 and depth < 4:
        return [head + end()] + block(indent + step, depth + 1)
    if what < 0.4:
        inner = " " * (indent + step)
        return [head + rng.choice([" |", " >", " |-", " >-"])] + [inner + "line one", "", inner + "  # no comment", inner + "end"]
    if what < 0.45:
        return [head + ' "first', " " * (indent + step) + 'second"' + end()]
    if what < 0.5:
        return [head + end()]
    return [head + " " * rng.randint(1, 3) + flow(0) + end()]


def comments_of(text):
    """Comments by the author's hand: generated ones all end in digits and are in no scalar."""
    return sorted(re.findall(r"(?:^|(?<=\s))(#(?: c| key: value|x| – ü|   - a|)\d+)\s*$", text, re.M))


bad = []
formatted = 0
for i in range(N_RANDOM):
    text = "\n".join(block(0, 0) + list(gap(0))) + "\n"
    try:
        meaning = load(text)
    except yaml.YAMLError:
        continue
    run = weft("fmt", text=text)
    if run.returncode:
        bad.append(f"exit {run.returncode}: {run.stderr}\n{text}")
        continue
    formatted += 1
    if load(run.stdout) != meaning:
        bad.append(f"another meaning:\n{text}\n---\n{run.stdout}")
    elif fmt(run.stdout) != run.stdout:
        bad.append(f"not its own layout:\n{run.stdout}\n---\n{fmt(run.stdout)}")
    elif comments_of(text) != comments_of(run.stdout):
        bad.append(f"other comments:\n{text}\n---\n{run.stdout}")
tap.result(not bad and formatted > N_RANDOM // 2, f"{formatted} random texts keep meaning and comments, and their layout is its own",
           *"\n".join(bad[:3]).splitlines())
raise SystemExit(tap.done())

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How many descriptions are validated in a second of one processor, beside validators that are made of the same schema.

    make bench-validate [N=20] [BENCH_JSON=FILE]

weft reads YAML, checks the shape, the rules between objects and the places of all devices, and with a directory what
machines take from each other. The others check the shape of JSON: `python3 -m jsonschema` as it is run by hand, a process a
file, and python3-jsonschema and ajv of npm with the schema compiled once. They are also timed with what makes objects
of a text: libyaml for Python, JSON.parse for ajv. All take turns; a number is the median, of the processor's time.

There are two corpora: a machine of 40 lines, as people write them, in many files; and one with 500 devices. No machine has
room for those: weft has nothing against the shape, and then tells of each disk that finds the bus full.
"""
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("builddir", os.environ.get("WEFT_BUILD", "."))
os.environ.setdefault("WEFT", os.path.join(os.environ["builddir"], "weft"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "meta"))
import descriptions  # noqa: E402
import judges  # noqa: E402
import yaml  # noqa: E402

N = int(os.environ.get("N") or 20)
TARGET = 10000
BUS_FULL = "E0312"

MACHINE = """\
# The web front end of rack {i}. Edits are followed while it runs.
version: 1
name: web-{i}
cpus:
  count: 2
  max: 8
  affinity: {{ 0: 2, 1: 4-7 }}
memory:
  size: 2GiB
  max: 16GiB
boot:
  kernel: /srv/weft/vmlinuz
  initramfs: /srv/weft/initrd.img
  cmdline: console=hvc0 root=/dev/vda1 ro quiet
lifecycle:
  triple-fault: reboot
  power-off-timeout: 90s
reload:
  policy: live
  replug: allowed
devices:
  console:
    type: virtio-console
    output: [{{ type: socket, path: /run/weft/web-{i}.sock }}, {{ type: file, path: /var/log/weft/web-{i}.log }}]
  root:
    type: virtio-blk
    path: /srv/disks/web-{i}.img
    queues: 2
  data:
    type: virtio-blk
    path: /dev/vg0/web-{i}
    direct: true
    rate: {{ bandwidth: 100MiB/s, operations: 2000, burst: 1s }}
  net:
    type: virtio-net
    backend: {{ type: tap, name: web-{i} }}
    mac: 52:54:00:{high:02x}:{low:02x}:01
    queues: 2
  # Entropy, and a disk that survives the machine.
  rng: {{ type: virtio-rng }}
"""


def machine(i):
    return MACHINE.format(i=i, high=i >> 8, low=i & 255)


def many_devices(i):
    return machine(i) + "".join(f"""\
  disk{n}:
    type: virtio-blk
    path: /srv/disks/{i}/{n}.img
    read-only: {"true" if n % 2 else "false"}
""" for n in range(495))


class Corpus:
    """Files with their documents."""

    def __init__(self, directory, name, make, files, lines):
        self.name, self.directory = name, directory / name.replace(" ", "-")
        self.directory.mkdir()
        self.texts = [make(i) for i in range(files)]
        if lines and self.texts[0].count("\n") != lines:
            raise RuntimeError(f"{name}: {self.texts[0].count(chr(10))} lines")
        for i, text in enumerate(self.texts):
            (self.directory / f"{i}.yaml").write_text(text)
        self.documents = [descriptions.as_json(yaml.load(t, Loader)) for t in self.texts]
        self.json = self.directory / "0.json"
        self.json.write_text(json.dumps(self.documents[0]))


class Loader(yaml.CSafeLoader):
    """As that of the tests, in C."""


Loader.yaml_implicit_resolvers = descriptions.Loader.yaml_implicit_resolvers
Loader.add_constructor("tag:yaml.org,2002:int", descriptions.integer)


def children(argv):
    """The result of a program, and the processor's time that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(argv, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return run, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def by_weft(corpus):
    run, seconds = children([descriptions.WEFT, "validate", "--format", "json", str(corpus.directory)])
    said = {d["code"] for f in json.loads(run.stdout)["files"] for d in f["diagnostics"]}
    if said - {BUS_FULL}:
        raise RuntimeError(f"weft says {said}")
    return len(corpus.texts) / seconds


def by_jsonschema_process(corpus, schema):
    run, seconds = children([sys.executable, "-W", "ignore", "-m", "jsonschema", "-i", str(corpus.json), schema])
    if run.returncode:
        raise RuntimeError(run.stderr)
    return 1 / seconds


def turn(corpus, schema, path, results):
    def add(name, value):
        results.setdefault(name, []).append(value)

    n, few = len(corpus.texts), min(len(corpus.texts), 200)  # which Python takes long enough for
    add("weft validate DIRECTORY", by_weft(corpus))
    add("python3 -m jsonschema, a process a file", by_jsonschema_process(corpus, path))
    started = time.process_time()
    documents = [descriptions.as_json(yaml.load(t, Loader)) for t in corpus.texts[:few]]
    read = time.process_time() - started
    answers, seconds = judges.by_jsonschema(schema, documents)
    add("python3-jsonschema, objects", few / seconds)
    add("python3-jsonschema, with libyaml", few / (seconds + read))
    if not judges.no_ajv():
        theirs, seconds = judges.by_ajv(schema, corpus.documents)
        answers += theirs
        add("ajv, objects", n / seconds["validate"])
        add("ajv, with JSON.parse", n / (seconds["validate"] + seconds["read"]))
    if any(a is not None for a in answers):
        raise RuntimeError("a validator has something against the corpus")


def report(corpus, results):
    weft = statistics.median(results["weft validate DIRECTORY"])
    print(f"\n{corpus.name}, {len(corpus.texts)} files, medians of {N}: files a second of one processor")
    for name, values in results.items():
        median = statistics.median(values)
        print(f"{name:48}{median:12.1f}" + (f"   weft: {weft / median:8.2f} times that" if name[:4] != "weft" else ""))


def main():
    schema, found = descriptions.schema(), {}
    if judges.no_ajv():
        print(f"# {judges.no_ajv()}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as directory:
        directory = pathlib.Path(directory)
        (directory / "schema.json").write_text(json.dumps(schema))
        corpora = [Corpus(directory, "40 lines", machine, 1000, 40), Corpus(directory, "500 devices", many_devices, 20, 0)]
        for corpus in corpora:
            results = found.setdefault(corpus.name, {})
            for i in range(N + 1):
                turn(corpus, schema, str(directory / "schema.json"), results if i else {})  # first it reads every file once
            report(corpus, results)
    rate = statistics.median(found["40 lines"]["weft validate DIRECTORY"])
    print(f"\nweft, 40 lines: {rate:.0f} files a second, {'the target is' if rate >= TARGET else 'BELOW the target of'} {TARGET}")
    if os.environ.get("BENCH_JSON"):
        # Beside what bench.py wrote there.
        path = pathlib.Path(os.environ["BENCH_JSON"])
        before = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps({**before, "validate": found}, indent=2) + "\n")


main()

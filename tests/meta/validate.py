# SPDX-License-Identifier: Apache-2.0
"""`weft validate` beyond what the corpus of bad files shows: directories, SARIF, --annotate, --host."""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import Tap, need_devices

WEFT = os.path.abspath(os.environ.get("WEFT", "./weft"))
SOURCE = os.path.abspath(os.environ.get("srcdir", ".."))
BAD = os.path.join(SOURCE, "tests/golden/bad")
FLEET = os.path.join(SOURCE, "tests/golden/fleet")

need_devices(WEFT, "serial", "virtio-blk", "virtio-console", "virtio-net", "virtio-rng")
tap = Tap()


def weft(*words, text=None, cwd=None, env=None):
    return subprocess.run([WEFT, "validate", *words], input=text, capture_output=True, text=True, timeout=60,
                          cwd=cwd, env={**os.environ, **(env or {})}, check=False)


def expect(name, run, code, *wanted, without=()):
    out = run.stdout + run.stderr
    missing = [w for w in wanted if w not in out] + [f"not: {w}" for w in without if w in out]
    tap.result(run.returncode == code and not missing, name, f"exit {run.returncode}", *missing, *out.splitlines())


def write(folder, files):
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)


def machine(name, *devices):
    return f"version: 1\nname: {name}\nboot: {{ kernel: vmlinuz }}\ndevices:\n" + \
        "".join(f"  {d}\n" for d in ("s: { type: serial }", *devices))


with tempfile.TemporaryDirectory() as folder:
    tap1 = "n: { type: virtio-net, backend: { type: tap, name: tap1 } }"
    mac = 'm: { type: virtio-net, backend: { type: user }, mac: "52:54:00:00:00:01" }'
    write(folder, {
        "b/z.yaml": machine("z", tap1),
        "b/a.yml": machine("a"),
        "a/one.yaml": machine("one", tap1),
        "a/deep/er/two.yaml": machine("two"),
        "a/.hidden/bad.yaml": "not: valid\n",
        "a/notes.txt": "not yaml",
        "a/layer.yaml": "cpus: { count: 2 }\n",
        "a/layered.yaml": "include: layer.yaml\n" + machine("layered"),
    })
    os.symlink("one.yaml", os.path.join(folder, "a/alias.yaml"))
    os.symlink("..", os.path.join(folder, "a/deep/up"))
    run = weft("a", "b", cwd=folder)
    expect("directories are searched, hidden files are not, layers and second names do not count", run, 1,
           "5 files: 5 valid, 0 invalid; 1 included by others; 1 error across files",
           "the tap tap1 is used by two machines, 'one' and 'z'", without=(".hidden", "notes", "layer.yaml "))
    rows = [line.split()[0] for line in run.stdout.splitlines() if line.endswith(" valid")]
    tap.result(rows == ["a/alias.yaml", "a/deep/er/two.yaml", "a/layered.yaml", "b/a.yml", "b/z.yaml"],
               "the order is that of the names", *rows)
    tap.result(weft("a", "b", cwd=folder).stdout == run.stdout, "and always the same")
    expect("--separate: each operand is a host", weft("--separate", "a", "b", cwd=folder), 0)
    expect("--exclude", weft("--exclude", "z.*", "--exclude", "a/deep*", "a", "b", cwd=folder), 0,
           without=("z.yaml", "two.yaml"))
    expect("files alone are not compared", weft("a/one.yaml", "b/z.yaml", cwd=folder), 0)
    expect("but with --fleet", weft("--fleet", "a/one.yaml", "b/z.yaml", cwd=folder), 1, "tap1")
    expect("a layer that is named is checked", weft("a", "a/layer.yaml", cwd=folder), 1, "has no 'version'")
    write(folder, {"c/m.yaml": machine("m", mac), "d/n.yaml": machine("n", mac)})
    expect("a MAC address is unique in the world", weft("--separate", "c", "d", cwd=folder), 1,
           "the MAC address 52:54:00:00:00:01 is used by two machines")
    os.mkdir(os.path.join(folder, "empty"))
    expect("a directory without descriptions is an error: the gate would check nothing", weft("empty", cwd=folder), 1,
           "there is no description in the directory")
    write(folder, {f"many/{i:03}.yaml": machine(f"m{i}", mac.replace("00:01", f"{i // 256:02x}:{i % 256:02x}"))
                   for i in range(300)})
    expect("three hundred machines", weft("many", cwd=folder), 0, "300 files: 300 valid, 0 invalid")

# SARIF: what the standard requires and GitHub reads. SARIF_SCHEMA names the published schema, to check against it.
log = json.loads(weft("--format", "sarif", "conflicts", cwd=FLEET).stdout)
results = log["runs"][0]["results"]
rules = log["runs"][0]["tool"]["driver"]["rules"]
tap.result(log["version"] == "2.1.0" and len(log["runs"]) == 1 and log["runs"][0]["tool"]["driver"]["name"] == "weft",
           "SARIF: one run of weft")
codes = sorted(r["ruleId"] for r in results)
tap.result(codes == ["E0201", "E0321", "E0321", "E0321", "E0321", "E0322"], "SARIF: a result for each diagnostic", str(codes))
bad = []
for r in results:
    place = r["locations"][0]["physicalLocation"]
    region, uri = place["region"], place["artifactLocation"]["uri"]
    if rules[r["ruleIndex"]]["id"] != r["ruleId"] or r["level"] != "error" or not r["message"]["text"]:
        bad.append(f"rule, level or message: {r}")
    if not os.path.isfile(os.path.join(FLEET, uri)) or not 1 <= region["startColumn"] <= region["endColumn"]:
        bad.append(f"place: {r}")
    if r["ruleId"].startswith("E032") and not r["relatedLocations"][0]["message"]["text"]:
        bad.append(f"related place: {r}")
tap.result(not bad, "SARIF: places are files below the working directory, related places are there", *bad)
top = json.loads(weft("--format", "sarif", "--set", "cpus.count=0", "-", text=machine("x")).stdout)
tap.result(top["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 1,
           "SARIF: what stands in no file is told at the top of it")
if os.environ.get("SARIF_SCHEMA"):
    import jsonschema
    with open(os.environ["SARIF_SCHEMA"], encoding="utf-8") as f:
        schema = json.load(f)
    everything = json.loads(weft("--format", "sarif", BAD, cwd=BAD).stdout)
    for name, log in ("a fleet", log), ("the corpus", everything):
        errors = [e.message for e in jsonschema.validators.validator_for(schema)(schema).iter_errors(log)]
        tap.result(not errors, f"SARIF: {name} by the published schema", *errors[:5])

# --annotate
text = machine("x").replace("boot", "boto")
run = weft("--annotate", "-", text=text)
expect("--annotate marks the place", run, 1,
       "boto: { kernel: vmlinuz }\n#^~~ error: unknown key 'boto' [E0201]\n#  hint: did you mean 'boot'?\n")
tap.result("".join(line + "\n" for line in run.stdout.splitlines() if not line.startswith("#")) == text,
           "--annotate: without the comments it is the file")
expect("--annotate of a good file is the file", weft("--annotate", "-", text=machine("x")), 0, machine("x"))
expect("--annotate: other files come after", weft("-a", "include-fault-inside.yaml", cwd=BAD), 1,
       "# In other files:\n# parts/cpus.yaml:2:16: error: 'count' is 0")
expect("--annotate: the second place is told as well", weft("-a", "rules-disk-twice.yaml", cwd=BAD), 1,
       "note: first used here [E0305 of line 6]")
bad = []
for name in sorted(os.listdir(BAD)):
    if not name.endswith(".yaml"):
        continue
    with open(os.path.join(BAD, name), "rb") as f:
        options = f.readline().startswith(b"# options:")
    if not options:
        run = weft("-a", name, cwd=BAD)
        if run.returncode != 1:
            bad.append(f"{name}: exit {run.returncode} {run.stderr}")
tap.result(not bad, "--annotate takes every bad file", *bad)

# --host
with tempfile.TemporaryDirectory() as folder:
    write(folder, {"disk.img": "x" * 512, "secret.img": "x", "vm.yaml": machine("vm")})
    run = weft("--host", "--format", "json", "vm.yaml", cwd=folder)
    host = json.loads(run.stdout)["files"][0]["host"]
    tap.result(run.returncode == 5 and not host["ready"] and json.loads(run.stdout)["valid"] and
               "E0451" in [d["code"] for d in host["diagnostics"]],
               "--host: a valid file that this host cannot run ends with 5", run.stdout)
    kernel = os.path.join(os.environ.get("builddir", "."), "guest/vmlinux")
    files = machine("vm", "a: { type: virtio-blk, path: missing.img }", "b: { type: virtio-blk, path: disk.img }",
                    "c: { type: virtio-rng, source: /nowhere/rng }",
                    "d: { type: virtio-console, output: { type: file, path: no/such/log } }",
                    "e: { type: virtio-net, backend: { type: tap, name: lo } }",
                    "f: { type: virtio-console, output: { type: socket, path: con.sock } }")
    write(folder, {"vm.yaml": files})
    run = weft("--host", "vm.yaml", cwd=folder)
    expect("--host: everything that is missing is told", run, 5, "missing.img' cannot be opened for writing",
           "rng' cannot be read", "no/such/log' cannot be made", "this host cannot run it", without=("disk.img'", "con.sock'"))
    if os.access("/dev/net/tun", os.R_OK | os.W_OK):
        expect("--host: an interface that is no tap", run, 5, "'lo' is there and is no tap")
    tap.result(sorted(os.listdir(folder)) == ["disk.img", "secret.img", "vm.yaml"], "--host leaves nothing behind",
               str(os.listdir(folder)))
    expect("--host: an invalid file is invalid first", weft("--host", "-", text="version: 1\n"), 1)
    expect("--host: no passt", weft("--host", "-", text=machine("x", "n: { type: virtio-net, backend: { type: user } }"),
                                    env={"PATH": folder}), 5, "needs the program passt")
    if os.path.exists(kernel) and os.access("/dev/kvm", os.R_OK | os.W_OK):
        text = machine("ready").replace("vmlinuz", os.path.abspath(kernel))
        expect("--host: a machine that can run", weft("--host", "-", text=text), 0, "valid; this host can run it")
        expect("--host: huge pages that are not there", weft("--host", "--set", "memory={size: 512GiB, hugepages: 1GiB}",
                                                           "-", text=text), 5, "huge pages")
raise SystemExit(tap.done())

# SPDX-License-Identifier: Apache-2.0
"""What `weft show` prints is a description of the same machine, and shows itself; what it tells of origins is so."""
import glob
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import Tap, need_devices

WEFT = os.path.abspath(os.environ.get("WEFT", "./weft"))
SOURCE = os.path.abspath(os.environ.get("srcdir", ".."))

need_devices(WEFT, "serial", "virtio-blk", "virtio-net", "virtio-rng")
tap = Tap()


def weft(*words, text=None):
    return subprocess.run([WEFT, *words], input=text, capture_output=True, text=True, timeout=20, check=False)


def shown(operand, *options, text=None):
    run = weft("show", *options, operand, text=text)
    return run.stdout if run.returncode == 0 else f"exit {run.returncode}: {run.stderr}"


def same_machine(name, path):
    text, data = shown(path), shown(path, "--format", "json")
    if "this weft was built without" in text:
        tap.skip(f"{name}: what is shown is the same machine", "it has a device that is not built in")
        return
    try:
        data = json.loads(data)
        again = json.loads(shown("-", "--format", "json", text=text))
        from_json = json.loads(shown("-", "--format", "json", text=json.dumps(data["description"])))
    except json.JSONDecodeError as e:
        tap.result(False, name, str(e), text, str(data))
        return
    tap.result(again["hash"] == data["hash"], f"{name}: what is shown is the same machine", text)
    tap.result(from_json["hash"] == data["hash"], f"{name}: so is its JSON")
    tap.result(shown("-", text=text) == text, f"{name}: what is shown shows itself", text)
    commented = shown(path, "--origin")
    tap.result(shown("-", text=commented) == text, f"{name}: origins are comments", commented)


for path in sorted(glob.glob(os.path.join(SOURCE, "examples/*.yaml"))):
    same_machine(os.path.basename(path), path)

ODD = r'''
version: 1
name: odd
boot:
  kernel: "k \"q\" \\ ünï 漢 #x: y"
  cmdline: "a=$${b} c='d' \x7f \t \u2028 - # $${x} $$${y}"
cpus: { count: 2, affinity: { "0": "0-3,8" }, features: { cx16: off, sse: on } }
memory: { size: 1048576K, hugepages: "off" }
lifecycle: { power-off-timeout: 1500ms }
devices:
  n: { type: virtio-net, backend: { type: user, forward: ["8080:80", "[::1]:8081:81"] }, mac: 52:54:00:AB:00:01 }
  "0": { type: serial, output: [{ type: null }, off, pty, { type: file, path: "-", append: true }] }
'''
with tempfile.TemporaryDirectory() as folder:
    odd = os.path.join(folder, "odd.yaml")
    with open(odd, "w", encoding="utf-8") as f:
        f.write(ODD)
    same_machine("odd values", odd)
    text = shown(odd)
    for wanted in "size: 1GiB", "power-off-timeout: 1500ms", 'mac: "52:54:00:ab:00:01"', "cx16: off", 'type: "off"', \
            "type: null", f"kernel: \"{folder}/k":
        tap.result(wanted in text, f"units and words: {wanted}", text)

layers = shown(os.path.join(SOURCE, "examples/layers.yaml"), "--origin", "-D", "cpus=4", "--set", "memory.shared=true")
for wanted in "layers/common.yaml:6, from -D cpus=4", "layers.yaml:9", "shared: true", "# --set memory.shared=true", \
        "layers/devices-base.yaml:4", "# default":
    tap.result(wanted in layers, f"--origin tells {wanted}", layers)
origins = json.loads(shown(os.path.join(SOURCE, "examples/layers.yaml"), "--origin", "--format", "json"))["origins"]
tap.result(origins["cpus.count"]["line"] == 6 and origins["cpus.nested"] == {"default": True}, "origins in JSON")

bad = weft("show", "-", text="version: 1\nnmae: x\n")
tap.result(bad.returncode == 1 and not bad.stdout and "did you mean 'name'" in bad.stderr, "what is invalid is not shown")
raise SystemExit(tap.done())

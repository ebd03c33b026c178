# SPDX-License-Identifier: Apache-2.0
"""The schema compiler refuses what CONTRIBUTING.md forbids, with file and line; and its words reach the manual."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import Tap

SOURCE = os.environ.get("srcdir", "..")
WEFT = os.environ.get("WEFT", "./weft")
tap = Tap()

# (what is changed in memory.yaml or virtio-rng.yaml, the error it gives)
RNG, MEMORY = "devices/virtio-rng.yaml", "memory.yaml"
CASES = [
    (MEMORY, "    default: 512MiB\n", "    default: 1KiB\n", "the default is no value"),
    (MEMORY, "    default: 512MiB\n", "    default: 513KiB\n", "the default is no value"),
    (MEMORY, '    default: "off"\n', "    default: none\n", "the default is no value"),
    (MEMORY, "    x-change: restart\n", "    x-change: never\n", "x-change is live, replug, restart or fixed"),
    (MEMORY, "    x-change: restart\n", "", "has no x-change"),
    (MEMORY, "    x-since:", "    x-sinc:", "is no keyword or annotation"),
    (MEMORY, "additionalProperties: false\n", "", "additionalProperties: false"),
    (MEMORY, "units.yaml#/$defs/size", "units.yaml#/$defs/sighs", "leads nowhere"),
    (MEMORY, "    type: boolean\n", "    type: bool\n", "no shape that weft knows"),
    (RNG, "    const: virtio-rng\n", "    const: virtio-rgn\n", "the name of the file"),
    (RNG, "required: [type]\n", "required: [type, colour]\n", "is required and no property"),
    (MEMORY, "    description: Whether the host may merge equal pages of several machines (KSM). It saves memory and costs time and isolation.\n",
     "", "has no description"),
    (MEMORY, "time and isolation.\n", "time and isolation\n", "no sentence"),
    ("units.yaml", "pattern: ^[a-z0-9](", "pattern: ^[a-z0-9](?!", "pattern:"),
    ("units.yaml", "[a-z0-9])?$", "[a-z0-9])?", "starts with ^ and ends with $"),
    ("units.yaml", "{5}$", "{50}$", "more than 64"),
    ("units.yaml", "    x-unit: size\n", "    x-unit: length\n", "unknown x-unit"),
]


def compile_changed(file, old, new):
    with tempfile.TemporaryDirectory() as folder:
        schemas = os.path.join(folder, "schemas")
        shutil.copytree(os.path.join(SOURCE, "schemas"), schemas)
        path = os.path.join(schemas, file)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        if old not in text:
            return None, f"'{old.strip()}' is not in {file}"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new, 1))
        result = subprocess.run(["src/schema/compile", "tables", schemas, os.path.join(folder, "out.c"), "virtio-rng",
                                 "virtio-net"], capture_output=True, text=True)
        return result.returncode, result.stderr


for file, old, new, message in CASES:
    code, error = compile_changed(file, old, new)
    good = code == 1 and message in error and f"/schemas/{file}:" in error
    tap.result(good, f"{file}: {new.strip() or 'without ' + old.strip()}", f"exit {code}", error)

manual = subprocess.run([WEFT, "schema", "--format", "man"], capture_output=True, text=True, check=True).stdout
if shutil.which("groff"):
    warnings = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-z"], input=manual, capture_output=True, text=True).stderr
    tap.result(not warnings, "weft.yaml(5) has no warning of groff", warnings)
else:
    tap.result(True, "weft.yaml(5) has no warning of groff # SKIP groff is missing")
raise SystemExit(tap.done())

# SPDX-License-Identifier: Apache-2.0
"""The house rules of CONTRIBUTING.md that a reader of the tree can check: the floors, the four things of a device, and
that no property is described and then not used."""
import glob
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import Tap

SOURCE = os.environ.get("srcdir", "..")
CONFIG_H = "src/schema/config.h"

# What a floor may include beside itself and base.
FLOORS = {
    "base": set(),
    "document": set(),
    "schema": {"document"},
    "graph": {"document", "schema"},
    "plan": {"document", "schema", "graph"},
    "kvm": set(),
    "loop": {"kvm"},
    "machine": {"kvm", "loop"},
    "boot": {"kvm", "loop", "machine"},
    "acpi": {"kvm", "loop", "machine"},
    "pci": {"kvm", "loop", "machine"},
    "virtio": {"kvm", "loop", "machine", "acpi", "pci"},
    "console": {"kvm", "loop", "machine"},
    "block": {"kvm", "loop", "machine", "virtio"},
    "net": {"kvm", "loop", "machine", "virtio"},
    "devices": {"loop", "machine", "boot", "acpi", "pci", "virtio", "console", "block", "net"},
    "build": {"document", "schema", "graph", "plan", "kvm", "loop", "machine", "boot", "acpi", "pci", "virtio", "console",
              "devices"},
}
FLOORS["import"] = {"document", "schema", "graph"}
FLOORS["reload"] = FLOORS["build"] | {"build"}
FLOORS["control"] = FLOORS["reload"] | {"reload"}
FLOORS["cmd"] = FLOORS["control"] | {"control", "block", "net", "import"}

# Contracts that stand lower than the folder they are kept in: constants, and structs without functions of their floor.
CONTRACTS = {
    "machine/layout.h": {"graph"},
    "graph/graph.h": {"boot", "acpi", "pci", "virtio", "console", "block", "net", "machine", "devices"},
    "graph/device-type.h": {"boot", "acpi", "pci", "virtio", "console", "block", "net", "machine", "devices"},
    "schema/config.h": {"machine", "boot", "virtio", "console", "block", "net", "devices"},
}


def sources(*folders):
    for folder in folders:
        for path in glob.glob(os.path.join(SOURCE, folder, "**", "*.[ch]"), recursive=True):
            with open(path, encoding="utf-8") as f:
                yield os.path.relpath(path, SOURCE), f.read()


def floor_of(path):
    parts = path.split("/")
    return "devices" if parts[0] == "devices" else parts[1]


def floors():
    for path, text in sources("src", "devices"):
        floor = floor_of(path)
        for included in re.findall(r'^#include "([a-z0-9_-]+/[^"]+)"', text, re.M):
            other = included.split("/")[0]
            if other not in FLOORS or other in {floor, "base"} or other in FLOORS[floor]:
                continue
            if floor not in CONTRACTS.get(included, ()):
                yield f"{path} includes {included}: {floor} stands below {other} or beside it"


def device_parts():
    with open(os.path.join(SOURCE, "devices/devices.list"), encoding="utf-8") as f:
        types = re.findall(r"^([a-z][a-z0-9-]*)", f.read(), re.M)
    for name in types:
        for part in f"devices/{name}.c", f"schemas/devices/{name}.yaml", f"examples/{name}.yaml":
            if not os.path.exists(os.path.join(SOURCE, part)):
                yield f"{name} is in devices.list and has no {part}"
    for path in glob.glob(os.path.join(SOURCE, "schemas/devices/*.yaml")):
        with open(path, encoding="utf-8") as f:
            if not re.search(r"^  formerly:$", f.read(), re.M):
                yield f"{os.path.relpath(path, SOURCE)}: no 'formerly', which every device has"
        if os.path.basename(path)[:-5] not in types:
            yield f"{os.path.relpath(path, SOURCE)} is in no line of devices.list"


def unpaused_devices():
    """A device that moves guest memory by itself, or takes input, and goes on while the machine is paused."""
    for path, text in sources("devices"):
        if "DEVICE_BUS_NVDIMM" in text:  # vCPUs alone make one do something
            continue
        if re.search(r"\.request_unplug|console_read\(", text) and not (".pause = " in text and ".resume = " in text):
            yield f"{path}: it is not paused and resumed with the machine"


def unused_members():
    """Members of the generated structs that no code reads: a property that does nothing."""
    with open(CONFIG_H, encoding="utf-8") as f:
        header = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    code = "\n".join(text for path, text in sources("src", "devices") if not path.startswith("src/schema/"))
    by_path = set(re.findall(r'value_(?:child|find)\([^"]*"([a-z0-9.-]+)"', code))
    for struct, body in re.findall(r"^struct (\w+) \{\n(.*?)^\};", header, re.M | re.S):
        for member in re.findall(r"(\w+);", body):
            if member.startswith("has_") or member in {"n", "key", "value", "items", "none"}:
                continue
            if not re.search(rf"(?:\.|->){member}\b", code) and member.replace("_", "-") not in by_path:
                yield f"struct {struct}: {member} is read nowhere"


def secrets():
    """What sounds like a secret is said by reference: the name of a file."""
    for path in glob.glob(os.path.join(SOURCE, "schemas/**/*.yaml"), recursive=True):
        with open(path, encoding="utf-8") as f:
            text = f.read()
        for name, body in re.findall(r"^ +([a-z-]*(?:secret|password|passphrase|token|credential)[a-z-]*):\n((?: +.*\n){1,8})",
                                     text, re.M):
            if "$defs/path" not in body:
                yield f"{os.path.relpath(path, SOURCE)}: {name} is no path"


def layout():
    """C that is not as clang-format lays it out by .clang-format."""
    files = sorted(path for path, _ in sources("src", "devices", "tests"))
    run = subprocess.run(["clang-format", "--dry-run", *files], cwd=SOURCE, capture_output=True, text=True, check=False)
    return {line.split(":")[0] for line in run.stderr.splitlines() if ": warning:" in line}


def clang_format():
    """Its major version. Another one has other ideas."""
    run = shutil.which("clang-format") and subprocess.run(["clang-format", "--version"], capture_output=True, text=True,
                                                          check=False).stdout
    return int(re.search(r"version (\d+)", run)[1]) if run else None


tap = Tap()
for name, rule in ("includes keep to the floors", floors), ("a device is four things", device_parts), \
        ("devices pause with the machine", unpaused_devices), ("every property does something", unused_members), \
        ("secrets are said by reference", secrets):
    found = sorted(set(rule()))
    tap.result(not found, name, *found)
if clang_format() == 14:
    found = sorted(layout())
    tap.result(not found, "C is laid out by clang-format", *found)
else:
    tap.skip("C is laid out by clang-format", f"it takes version 14 of Debian 12, here is {clang_format() or 'none'}")
raise SystemExit(tap.done())

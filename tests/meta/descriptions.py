# SPDX-License-Identifier: Apache-2.0
"""Reads descriptions as YAML 1.2 with PyYAML (which is 1.1), and runs weft validate on many at once."""
import glob
import json
import os
import re
import subprocess

import yaml

WEFT = os.environ.get("WEFT", "./weft")
SOURCE = os.environ.get("srcdir", "..")


class Loader(yaml.SafeLoader):
    """The core schema of YAML 1.2: only true and false, no octal, no dates, no base 60."""


Loader.yaml_implicit_resolvers = {}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|)$"), ["~", "n", ""])
Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^(?:-?[0-9]+|0x[0-9a-fA-F]+)$"), list("-0123456789"))
Loader.add_implicit_resolver("tag:yaml.org,2002:float",
                             re.compile(r"^-?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?$|^-?[0-9]+[eE][-+]?[0-9]+$"),
                             list("-.0123456789"))
Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])


def integer(loader, node):
    text = loader.construct_scalar(node)
    return int(text, 16 if text.startswith("0x") else 10)


Loader.add_constructor("tag:yaml.org,2002:int", integer)


def as_json(value):
    """JSON's keys are strings."""
    if isinstance(value, dict):
        return {k if isinstance(k, str) else json.dumps(k): as_json(v) for k, v in value.items()}
    if isinstance(value, list):
        return [as_json(v) for v in value]
    return value


def load(path):
    with open(path, encoding="utf-8") as f:
        return as_json(yaml.load(f, Loader))


def schema(kind="json"):
    return json.loads(subprocess.run([WEFT, "schema", "--format", kind], check=True, capture_output=True, text=True).stdout)


def device_types():
    """Those that have a schema."""
    return sorted(os.path.basename(p)[:-5] for p in glob.glob(os.path.join(SOURCE, "schemas/devices/*.yaml")))


def left_out():
    """The device types that this weft was built without."""
    return set(device_types()) - set(schema()["$defs"]["device"]["properties"]["type"]["anyOf"][0]["enum"])


def validate(paths):
    """{path: [diagnostic, …]} by weft."""
    result = subprocess.run([WEFT, "validate", "--format", "json", *paths], capture_output=True, text=True)
    if result.returncode not in (0, 1):
        raise RuntimeError(f"weft validate: exit {result.returncode}: {result.stderr}")
    return {f["file"]: f["diagnostics"] for f in json.loads(result.stdout)["files"]}

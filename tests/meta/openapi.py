# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document is whole: every reference leads somewhere, every schema in it is a valid JSON Schema, every
operation has a name of its own and says what it answers; and weft(1) has every command and option."""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import Tap

try:
    import jsonschema
except ImportError:
    print("1..0 # SKIP python3-jsonschema is needed")
    raise SystemExit(0)

WEFT = os.environ.get("WEFT", "./weft")
tap = Tap()


def weft(*arguments):
    return subprocess.run([WEFT, *arguments], capture_output=True, text=True, check=True).stdout


document = json.loads(weft("schema", "--format", "openapi"))


def references(part):
    # The schema of descriptions has an $id: what it refers to is its own.
    if isinstance(part, dict):
        if "$id" in part:
            return
        if "$ref" in part:
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def leads_nowhere(reference):
    here = document
    for name in reference.removeprefix("#/").split("/"):
        here = here.get(name) if isinstance(here, dict) else None
    return here is None


def faults():
    yield from (f"{r} leads nowhere" for r in references(document) if leads_nowhere(r))
    names = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            if method not in ("get", "post"):
                yield f"{where}: no such method"
            if operation["operationId"] in names:
                yield f"{where}: the name is another's"
            names.add(operation["operationId"])
            if not any(code[0] in "12" for code in operation["responses"]):
                yield f"{where}: no answer when all is well"
            for parameter in re.findall(r"{(\w+)}", path):
                if not any(p["name"] == parameter and p["in"] == "path" for p in operation.get("parameters", [])):
                    yield f"{where}: {parameter} is not described"
    for name, schema in document["components"]["schemas"].items():
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as e:
            yield f"{name}: {e.message}"


found = list(faults())
tap.result(document["openapi"] == "3.1.0" and not found, "the OpenAPI document is whole", *found)
tap.result(document["components"]["schemas"]["Description"] == json.loads(weft("schema")),
           "it has the schema of descriptions")

manual = weft("--manual").replace("\\-", "-").replace("\\&", "")
commands = re.findall(r"^  ([a-z][a-z-]*) ", weft("--help"), re.M)
missing = [c for c in commands if f".SS weft {c}" not in manual]
for command in commands:
    options = re.findall(r"^ +(?:-\w, )?--([a-z-]+)", weft(command, "--help"), re.M)
    missing += [f"{command} --{o}" for o in options if o != "help" and f"--{o}" not in manual]
tap.result(commands and not missing, "weft(1) has every command and option", *missing)
if shutil.which("groff"):
    groff = subprocess.run(["groff", "-Kutf8", "-man", "-Tutf8", "-ww"], input=weft("--manual"), capture_output=True, text=True,
                           check=False)
    tap.result(groff.returncode == 0 and not groff.stderr, "groff has nothing against weft(1)", groff.stderr)
raise SystemExit(tap.done())

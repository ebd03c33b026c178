# SPDX-License-Identifier: Apache-2.0
"""An independent validator reads what `weft schema` prints, and agrees with weft on descriptions: on the examples, on
the corpus of bad ones, on every default and example in the schemas, and on ones made by changing good ones."""
import copy
import glob
import json
import os
import random
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import Tap

try:
    import jsonschema
    import descriptions
except ImportError as e:
    print(f"1..0 # SKIP {e}: python3-jsonschema and python3-yaml are needed")
    raise SystemExit(0)

# What weft finds and shape alone can judge. E0204 of a number is one, of a text such as 1KiB it is not; E0207 likewise.
SHAPE = {"E0201", "E0202", "E0203", "E0205", "E0206", "E0208", "E0209", "E0210", "E0211", "E0212", "E0213"}
N_CHANGED = 400

tap = Tap()
schema = descriptions.schema()
validator = jsonschema.Draft202012Validator(schema)


def follow(part):
    while "$ref" in part:
        part = {**schema["$defs"][part["$ref"].removeprefix("#/$defs/")], **{k: v for k, v in part.items() if k != "$ref"}}
    return part


def disagreement(document, diags):
    """Why the two do not agree, or None."""
    errors = [d for d in diags if d["severity"] == "error"]
    theirs = [f"{e.json_path}: {e.message[:100]}" for e in validator.iter_errors(document)]
    codes = {d["code"] for d in errors}
    if theirs and not errors:
        return f"weft takes it, the validator does not: {theirs[:3]}"
    if codes & SHAPE and not theirs:
        return f"the validator takes it, weft does not: {[(d['code'], d['message']) for d in errors][:3]}"
    return None


def compare(named):
    """Validates {name: document} with both; returns the disagreements."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for i, (name, document) in enumerate(named.items()):
            path = os.path.join(folder, f"{i}.yaml")
            with open(path, "w", encoding="utf-8") as f:
                json.dump(document, f)
            paths[path] = name
        diags = descriptions.validate(list(paths))
        return [f"{name}: {why}" for path, name in paths.items()
                if (why := disagreement(named[name], diags[path]))], diags, paths


def good_object(part):
    """The required keys of an object, from their examples."""
    part = follow(part)
    value = {}
    for key in part.get("required", []):
        sub = follow(part["properties"][key])
        value[key] = sub["const"] if "const" in sub else sub["examples"][0]
    for choice in part.get("oneOf", [])[:1]:
        for key in choice.get("required", []):
            value[key] = follow(part["properties"][key])["examples"][0]
    for key in list(value):
        for needed in part.get("dependentRequired", {}).get(key, []):
            value[needed] = follow(part["properties"][needed])["examples"][0]
    return value


def said_values():
    """Every default and example of a property, in a description that is good around it."""
    base = good_object(schema)
    for key, sub in schema["properties"].items():
        for v in follow(sub).get("examples", []):
            yield f"{key}: {v}", {**base, key: v}
        inner = follow(sub)
        if "properties" in inner:
            for name, p in inner["properties"].items():
                p = follow(p)
                for v in p.get("examples", []) + ([p["default"]] if "default" in p else []):
                    needs = {n: follow(inner["properties"][n])["examples"][0]
                             for n in inner.get("dependentRequired", {}).get(name, [])}
                    start = needs or ({} if name in {"firmware", "kernel"} else good_object(inner))
                    yield f"{key}.{name}: {v}", {**base, key: {**start, name: v}}
    for key, device in schema["$defs"].items():
        if not key.startswith("device-") or "properties" not in device:
            continue
        for name, p in device["properties"].items():
            p = follow(p)
            for v in p.get("examples", []) + ([p["default"]] if "default" in p else []):
                # Of keys that exclude each other it is the only one.
                choices = {k for choice in device.get("oneOf", []) for k in choice.get("required", [])}
                good = {k: g for k, g in good_object(device).items() if name not in choices or k not in choices}
                yield f"{key}.{name}: {v}", {**base, "devices": {"d": {**good, name: v}}}


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for k, v in items:
        yield from places(v, path + (k,))


ODD = [None, True, False, 0, 1, -1, 3, 300, 2**40, "", "x", "off", "on", "null", "auto", "1", "512MiB", "10s", "A_b", [], ["x"],
       [1], {}, {"type": "serial"}, {"type": "virtio-rng"}, {"x": 1}, "terminal", "pty", "52:54:00:12:34:56", "a" * 70]


def change(document, rng):
    """A description with one to three things other than they were."""
    document = copy.deepcopy(document)
    for _ in range(rng.randint(1, 3)):
        path = rng.choice([p for p in places(document) if p])
        holder = document
        for k in path[:-1]:
            holder = holder[k]
        what = rng.random()
        if what < 0.55:
            holder[path[-1]] = copy.deepcopy(rng.choice(ODD))
        elif what < 0.75 and isinstance(holder, dict):
            del holder[path[-1]]
        elif isinstance(holder, dict):
            holder[rng.choice(["x", "x-y", "type", "path", "count", "kernel", "firmware", "output", "0", "Bad"])] = copy.deepcopy(rng.choice(ODD))
        if not document:
            document = {"version": 1}
    return document


try:
    jsonschema.Draft202012Validator.check_schema(schema)
    tap.result(True, "weft schema prints a valid JSON Schema 2020-12")
except jsonschema.SchemaError as e:
    tap.result(False, "weft schema prints a valid JSON Schema 2020-12", e.message)

for path in sorted(glob.glob(os.path.join(descriptions.SOURCE, "schemas/**/*.yaml"), recursive=True)):
    try:
        jsonschema.Draft202012Validator.check_schema(descriptions.load(path))
        why = None
    except jsonschema.SchemaError as e:
        why = e.message
    tap.result(not why, f"{os.path.relpath(path, descriptions.SOURCE)} is a valid JSON Schema", why)

for kind, pattern in ("example", "examples/*.yaml"), ("bad description", "tests/golden/bad/*.yaml"):
    files = sorted(glob.glob(os.path.join(descriptions.SOURCE, pattern)))
    diags = descriptions.validate(files) if files else {}
    for path in files:
        if any(d["code"].startswith("E01") for d in diags[path]):
            continue  # the text itself: nothing for a schema to judge
        try:
            document = descriptions.load(path)
        except Exception as e:  # PyYAML is stricter than YAML in places
            print(f"# {path}: {e}")
            continue
        if "include" in document:
            continue  # a layer is no whole description: only what comes of all layers has the shape
        why = disagreement(document, diags[path])
        tap.result(not why, f"{kind} {os.path.basename(path)}", why)
        if kind == "example":
            tap.result(not diags[path], f"{os.path.basename(path)} is valid", *[d["message"] for d in diags[path]])

said = dict(said_values())
bad, diags, paths = compare(said)
tap.result(not bad, f"both agree on {len(said)} defaults and examples of the schemas", *bad)
refused = [f"{paths[p]}: {d[0]['message']}" for p, d in diags.items() if d and d[0]["code"].startswith("E02")]
tap.result(not refused, "every default and example is a value of its property", *refused)

rng = random.Random(2)
good = list(said.values()) + [descriptions.load(p) for p in glob.glob(os.path.join(descriptions.SOURCE, "examples/*.yaml"))]
good = [d for d in good if "include" not in d]
changed = {f"{i}: {(d := change(rng.choice(good), rng))}": d for i in range(N_CHANGED)}
bad, _, _ = compare(changed)
tap.result(not bad, f"both agree on {N_CHANGED} changed descriptions", *bad[:20])
raise SystemExit(tap.done())

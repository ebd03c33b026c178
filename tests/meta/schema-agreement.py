# SPDX-License-Identifier: Apache-2.0
"""Two independent validators read what `weft schema` prints, and agree with weft on descriptions: on the examples, on the
corpus of bad ones, on every default and example in the schemas, and on thousands that are made of the schema, good ones
and others that are a little different."""
import collections
import glob
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import Tap

try:
    import jsonschema
    import descriptions
    import generate
    import judges
except ImportError as e:
    print(f"1..0 # SKIP {e}: python3-jsonschema and python3-yaml are needed")
    raise SystemExit(0)

# What shape alone can judge, by the code of weft's diagnostic. Of a number that is out of its range it can (E0204, E0207);
# of a text such as 1KiB it cannot, that takes weft's units. E01… is the text, and what it is composed of; E03… are rules
# between objects, which are looked at when the shape is good.
SHAPE = {"E0201", "E0202", "E0203", "E0205", "E0206", "E0208", "E0209", "E0210", "E0211", "E0212", "E0213"}
UNITS = {"E0204", "E0207"}
LEFT_OUT = "E0212"  # a device type that is not built in
N_GOOD = N_CHANGED = 2500
TURNS = 5

tap = Tap()
schema = descriptions.schema()
no_ajv = judges.no_ajv()
if no_ajv:
    print(f"# {no_ajv}")
folder = tempfile.TemporaryDirectory()


def value_at(document, path):
    """What stands at "devices.net0.mtu"; keys can have dots of their own."""
    if path == "":
        return document
    if isinstance(document, dict):
        for key, below in document.items():
            if path == key or path.startswith(key + "."):
                return value_at(below, path[len(key) + 1:])
    if isinstance(document, list):
        index, _, rest = path.partition(".")
        return value_at(document[int(index)], rest) if index.isdigit() and int(index) < len(document) else None
    return None


def shape_is_good(document, diags):
    """What weft says of the shape: True, False, or None where shape alone cannot judge what weft says."""
    said = {}
    for d in diags:
        if d["severity"] == "error":
            said.setdefault(d["code"], []).append(d)
    numbers = [d for code in UNITS for d in said.get(code, [])
               if isinstance(value_at(document, d.get("path", "")), (int, float))]
    if any(code < "E02" for code in said):
        return None
    if said.keys() & SHAPE or numbers:
        return False
    return None if said.keys() & UNITS else True


def disagreements(named, diags):
    """{name: (document, …)} against {name: diagnostics}: a line for each on which a validator does not agree."""
    documents = list(named.values())
    answers = {"jsonschema": judges.by_jsonschema(schema, documents)[0]}
    if not no_ajv:
        answers["ajv"] = judges.by_ajv(schema, documents)[0]
    for who, theirs in answers.items():
        for name, wrong in zip(named, theirs):
            good = shape_is_good(named[name], diags[name])
            if good is True and wrong is not None:
                yield f"{name}: weft takes it, {who} does not: {wrong}"
            if good is False and wrong is None:
                found = [(d["code"], d["message"]) for d in diags[name]][:3]
                yield f"{name}: {who} takes it, weft does not: {found}"


def compare(named):
    """Has weft validate {name: document}; returns its diagnostics and the disagreements."""
    paths = {}
    for i, (name, document) in enumerate(named.items()):
        path = os.path.join(folder.name, f"{i}.yaml")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(document, f)
        paths[path] = name
    diags = {paths[p]: d for p, d in descriptions.validate(list(paths)).items()}
    return diags, list(disagreements(named, diags))


def follow(part):
    return generate.Generator(schema, 0).follow(part)


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
        if sub.get("x-document"):
            continue
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


try:
    jsonschema.Draft202012Validator.check_schema(schema)
    tap.result(True, "weft schema prints a valid JSON Schema 2020-12")
except jsonschema.SchemaError as e:
    tap.result(False, "weft schema prints a valid JSON Schema 2020-12", e.message)
if no_ajv:
    tap.skip("ajv reads it in its strict mode", no_ajv)
else:
    try:
        judges.by_ajv(schema, [])
        tap.result(True, "ajv reads it in its strict mode")
    except RuntimeError as e:
        tap.result(False, "ajv reads it in its strict mode", *str(e).splitlines())

for path in sorted(glob.glob(os.path.join(descriptions.SOURCE, "schemas/**/*.yaml"), recursive=True)):
    try:
        jsonschema.Draft202012Validator.check_schema(descriptions.load(path))
        why = None
    except jsonschema.SchemaError as e:
        why = e.message
    tap.result(not why, f"{os.path.relpath(path, descriptions.SOURCE)} is a valid JSON Schema", why)

for kind, pattern in ("example", "examples/**/*.yaml"), ("bad description", "tests/golden/bad/*.yaml"):
    paths = sorted(glob.glob(os.path.join(descriptions.SOURCE, pattern), recursive=True))
    files, diags = {}, descriptions.validate(paths)
    for path in paths:
        try:
            document = descriptions.load(path)
        except Exception as e:  # what is no YAML weft says, too (E01…); PyYAML is stricter than YAML in places
            print(f"# {path}: {e.__class__.__name__}")
            continue
        # Only what comes of all layers and with the values of all variables has the shape.
        if isinstance(document, dict) and not {"include", "vars"} & set(document) and "layers" not in path:
            files[path] = document
            if kind == "example":
                tap.result(not diags[path], f"{os.path.basename(path)} is valid", *[d["message"] for d in diags[path]])
    bad = list(disagreements(files, diags))
    judged = [shape_is_good(files[p], diags[p]) for p in files]
    tap.result(not bad, f"all agree on {kind}s: of {len(judged)} shape can judge {len(judged) - judged.count(None)}", *bad)

said = dict(said_values())
diags, bad = compare(said)
tap.result(not bad, f"all agree on {len(said)} defaults and examples of the schemas", *bad)
refused = [f"{name}: {d[0]['message']}" for name, d in diags.items() if d and d[0]["code"].startswith("E02")]
tap.result(not refused, "every default and example is a value of its property", *refused)

with open(os.path.join(folder.name, "layer.yaml"), "w", encoding="utf-8") as f:
    f.write("x-layer: {}\n")
generator = generate.Generator(schema, 2, given={"/include": "layer.yaml", "/vars": {"unused": 1}})
made = {f"good {i}": generator.good() for i in range(N_GOOD)}
documents = {name: document for name, (document, _) in made.items()}
documents |= {f"changed {i}: {(d := generator.changed(made[f'good {i % N_GOOD}'][0]))}": d for i in range(N_CHANGED)}
diags, bad = compare(documents)
tap.result(not bad, f"all agree on {len(documents)} generated descriptions", *bad[:20])

shapes = {name: shape_is_good(documents[name], diags[name]) for name in documents}
wrong = [f"{documents[name]}: {diags[name][0]['message']}" for name in made if shapes[name] is False]
tap.result(not wrong, f"{N_GOOD} that are made to be good are", *wrong[:5])
turns = collections.Counter(where for name, (_, taken) in made.items() if shapes[name] for where in taken)
missing = [f"{where}: {turns[where]} times" for where in sorted(set(generator.everything())) if turns[where] < TURNS]
tap.result(not missing, f"every property, alternative and word, {len(turns)} in all, is in {TURNS} of them or more", *missing)
codes = collections.Counter(d["code"] for name in documents for d in diags[name])
missing = sorted(c for c in SHAPE | UNITS if not codes[c] and (c != LEFT_OUT or descriptions.left_out()))
tap.result(not missing, "every fault of shape is in the changed ones", *missing)
judged = collections.Counter(shapes[name] for name in documents if name not in made)
tap.result(judged[None] * 4 < N_CHANGED and judged[True] * 20 > N_CHANGED,
           f"the changed ones: shape is good in {judged[True]}, bad in {judged[False]}, for weft alone in {judged[None]}")
raise SystemExit(tap.done())

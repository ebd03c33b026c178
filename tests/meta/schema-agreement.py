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
LEFT_OUT = {"E0212", "E0310", "E0315"}  # something is not built in
N_GOOD, N_CHANGED, N_LAYERED = 4000, 2200, 300
TURNS = 1

tap = Tap()
schema = descriptions.schema()
layer_schema = descriptions.schema("layer")
no_ajv = judges.no_ajv()
if no_ajv:
    print(f"# {no_ajv}")
folder = tempfile.TemporaryDirectory()


def on_the_way(document, path):
    """All that stands on the way to "devices.net0.mtu", and there; keys can have dots of their own."""
    yield document
    if isinstance(document, dict):
        for key, below in document.items():
            if path == key or path.startswith(key + "."):
                yield from on_the_way(below, path[len(key) + 1:])
                return
    if isinstance(document, list):
        index, _, rest = path.partition(".")
        if index.isdigit() and int(index) < len(document):
            yield from on_the_way(document[int(index)], rest)


def is_variable(value):
    return isinstance(value, str) and "${" in value


def shape_can_judge(document, diag):
    """Whether what weft says can be seen from the shape of this one file."""
    *way, value = on_the_way(document, diag.get("path", ""))
    if is_variable(value) or any(is_variable(v.get("type")) for v in [*way, value] if isinstance(v, dict)):
        return False
    return diag["code"] in SHAPE or diag["code"] in UNITS and isinstance(value, (int, float))


def shape_is_good(document, diags):
    """What weft says of the shape: True, False, or None where the shape of this one file cannot tell."""
    errors = [d for d in diags if d["severity"] == "error"]
    if not any(d["code"] < "E03" for d in errors):
        return True
    # Of a text that is faulty, or that others are laid below, weft says nothing about its shape alone.
    if any(d["code"] < "E02" for d in errors) or isinstance(document, dict) and "include" in document:
        return None
    return False if any(shape_can_judge(document, d) for d in errors) else None


def judge(by, documents):
    """{name of the validator: its answers}"""
    answers = {"jsonschema": judges.by_jsonschema(by, documents)[0]}
    if not no_ajv:
        answers["ajv"] = judges.by_ajv(by, documents)[0]
    return answers


def disagreements(named, diags, by=None):
    """{name: document} against {name: diagnostics}: a line for each on which not all agree."""
    answers = judge(by or schema, list(named.values()))
    for i, name in enumerate(named):
        good, theirs = shape_is_good(named[name], diags[name]), {who: all[i] for who, all in answers.items()}
        refused = {who: str(why) for who, why in theirs.items() if why is not None}
        if good is True and refused:
            yield f"{name}: weft takes it, not so {refused}"
        elif good is False and len(refused) < len(theirs):
            yield f"{name}: only {list(refused)} and weft refuse it: {[(d['code'], d['message']) for d in diags[name]][:3]}"
        elif refused and len(refused) < len(theirs):
            yield f"{name}: one alone refuses it: {refused}"


def write(name, document):
    path = os.path.join(folder.name, name)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(document, f)
    return path


def validate(named):
    """Has weft validate {name: document}; returns {name: diagnostics}."""
    paths = {write(f"{i}.yaml", document): name for i, (name, document) in enumerate(named.items())}
    return {paths[p]: d for p, d in descriptions.validate(list(paths)).items()}


def follow(part):
    """A part with what its $ref leads to, its own keys before those; of a value and a variable it is the value."""
    while "$ref" in part or "anyOf" in part:
        own = {k: v for k, v in part.items() if k not in ("$ref", "anyOf")}
        part = {**part["anyOf"][0], **own} if "anyOf" in part else {**generate.part_at(schema, part["$ref"]), **own}
    return part


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
    whole = schema["$defs"]["machine"]
    base = good_object(whole)
    for key, sub in whole["properties"].items():
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


for what, by in ("weft schema", schema), ("weft schema --format layer", layer_schema):
    try:
        jsonschema.Draft202012Validator.check_schema(by)
        why = None
    except jsonschema.SchemaError as e:
        why = e.message
    tap.result(not why, f"{what} prints a valid JSON Schema 2020-12", why)
    name = f"ajv reads what {what} prints, in its strict mode"
    if no_ajv:
        tap.skip(name, no_ajv)
        continue
    try:
        judges.by_ajv(by, [])
        tap.result(True, name)
    except RuntimeError as e:
        tap.result(False, name, *str(e).splitlines())

for path in sorted(glob.glob(os.path.join(descriptions.SOURCE, "schemas/**/*.yaml"), recursive=True)):
    try:
        jsonschema.Draft202012Validator.check_schema(descriptions.load(path))
        why = None
    except jsonschema.SchemaError as e:
        why = e.message
    tap.result(not why, f"{os.path.relpath(path, descriptions.SOURCE)} is a valid JSON Schema", why)

paths = sorted(glob.glob(os.path.join(descriptions.SOURCE, "tests/golden/bad/*.yaml")))
files, diags = {}, descriptions.validate(paths)
for path in paths:
    try:
        files[path] = descriptions.load(path)
    except Exception as e:  # what is no YAML weft says, too (E01…); PyYAML is stricter than YAML in places
        print(f"# {path}: {e.__class__.__name__}")
bad = list(disagreements(files, diags))
judged = [shape_is_good(files[p], diags[p]) for p in files]
tap.result(not bad, f"all agree on bad descriptions: of {len(judged)} shape can judge {len(judged) - judged.count(None)}", *bad)


def schema_named(path):
    """The schema that a file names for editors, and whether it is where the build makes it, or, of files that are to be
    copied, at the top of their tree."""
    with open(path, encoding="utf-8") as f:
        first = f.readline()
    file = first.removeprefix("# yaml-language-server: $schema=").rstrip("\n")
    top = os.path.join(descriptions.SOURCE, "examples/gitops" if "/gitops/" in path else "build")
    there = os.path.relpath(os.path.join(os.path.dirname(path), file), top)
    return {"weft.schema.json": schema, "weft.layer.schema.json": layer_schema}.get(there) if file != first else None


examples = sorted(p for p in glob.glob(os.path.join(descriptions.SOURCE, "examples/**/*.yaml"), recursive=True))
named = {path: schema_named(path) for path in examples}
tap.result(all(named.values()), "every example names its schema for editors", *[p for p in examples if not named[p]])
whole = [p for p in examples if named[p] is schema]
diags = descriptions.validate(whole)
said = [(p, d) for p in whole for d in diags[p]]
for path in {p for p, d in said if d["code"] in LEFT_OUT}:
    tap.skip(f"{path} is valid", next(d["message"] for d in diags[path]))
said = [f"{p}: {d['message']}" for p, d in said if d["code"] not in LEFT_OUT]
tap.result(not said, f"{len(whole)} examples are valid", *said)
bad = list(disagreements({p: descriptions.load(p) for p in whole}, diags))
layers = [p for p in examples if named[p] is layer_schema and
          not any(f"type: {name}" in open(p, encoding="utf-8").read() for name in descriptions.left_out())]
bad += list(disagreements({p: descriptions.load(p) for p in layers}, {p: [] for p in layers}, layer_schema))
tap.result(not bad, f"all agree on them, and on {len(layers)} layers", *bad)

said = dict(said_values())
diags = validate(said)
bad = list(disagreements(said, diags))
tap.result(not bad, f"all agree on {len(said)} defaults and examples of the schemas", *bad)
refused = [f"{name}: {d[0]['message']}" for name, d in diags.items() if d and d[0]["code"].startswith("E02")]
tap.result(not refused, "every default and example is a value of its property", *refused)

empty = write("empty.yaml", {"x-nothing": 0})
given = {f"{generate.WHOLE}/include": [empty, [empty]]}
generator = generate.Generator(schema, 2, 0.25, descriptions.device_types(), given)
made = {f"good {i}": generator.good() for i in range(N_GOOD)}
documents = {name: document for name, (document, _) in made.items()}
layers = {}
for i in range(N_LAYERED):
    layers[f"layered {i}"], above = generator.layers(documents[f"good {i}"])
    documents[f"layered {i}"] = {**above, "include": write(f"below-{i}.yaml", layers[f"layered {i}"])}
generator = generate.Generator(schema, 3, 0.02, descriptions.device_types(), given)
for i in range(N_CHANGED):
    document, _ = generator.good()
    if i % 4:
        document.pop("include", None)  # most are whole: of a layer weft says less
    changed = generator.changed(document)
    documents[f"changed {i}: {changed}"] = changed
diags = validate(documents)
bad = list(disagreements(documents, diags))
tap.result(not bad, f"all agree on {len(documents)} generated descriptions", *bad[:20])

shapes = {name: shape_is_good(documents[name], diags[name]) for name in documents}
wrong = [f"{documents[name]}: {diags[name][0]['message']}" for name in made if not shapes[name]]
tap.result(not wrong, f"{N_GOOD} that are made to be good are", *wrong[:5])
turns = collections.Counter(where for name, (_, taken) in made.items() if shapes[name] for where in taken)
missing = [f"{where}: {turns[where]} times" for where in sorted(set(generator.everything({"$ref": generate.WHOLE}, "")))
           if turns[where] < TURNS]
tap.result(not missing, f"every property, alternative and word, {len(turns)} in all, is in one of them", *missing)
codes = collections.Counter(d["code"] for name in documents for d in diags[name])
missing = sorted(c for c in SHAPE | UNITS if not codes[c] and (c == "E0212") == bool(descriptions.left_out()))
tap.result(not missing, "every fault of shape is in the changed ones", *missing)
judged = collections.Counter(shapes[name] for name in documents if name.startswith("changed"))
tap.result(judged[None] * 4 < N_CHANGED and judged[True] * 20 > N_CHANGED,
           f"the changed ones: shape is good in {judged[True]}, bad in {judged[False]}, for weft alone in {judged[None]}")

valid = {name: layer for name, layer in layers.items() if shapes[name]}
bad = list(disagreements(valid, {name: [] for name in valid}, layer_schema))
tap.result(not bad and len(valid) * 2 > N_LAYERED, f"{len(valid)} in two layers are good, and so is each layer", *bad[:20])
changed = {f"{name}: {(d := generator.changed(layer))}": d for name, layer in layers.items() if layer}
answers = judge(layer_schema, list(changed.values()))
refused = [sum(a is not None for a in all) for all in answers.values()]
tap.result(min(refused) * 3 > len(changed) and len(set(refused)) == 1, f"of {len(changed)} changed layers {refused[0]} are refused", str(refused))
raise SystemExit(tap.done())

# SPDX-License-Identifier: Apache-2.0
"""Everything that tells people what a description may say has the words of schemas/, each of them: `weft explain`,
weft.yaml(5), what shells complete, the JSON Schema and the OpenAPI document. The files are read here by another reader than
weft's. That each comparison sees a word that differs is tried, too, on every single property."""
import copy
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import Tap

try:
    import descriptions
except ImportError as e:
    print(f"1..0 # SKIP {e}: python3-yaml is needed")
    raise SystemExit(0)

SCHEMAS = os.path.join(descriptions.SOURCE, "schemas")
BUILD = os.environ.get("builddir", ".")
STRUCTURE = {"$schema", "$defs", "$ref", "x-struct", "properties", "patternProperties", "items", "additionalProperties", "oneOf",
             "anyOf", "propertyNames", "required", "dependentRequired", "x-variants", "type"}
tap = Tap()


def weft(*words):
    return subprocess.run([descriptions.WEFT, *words], check=True, capture_output=True, text=True).stdout


class Files:
    """schemas/, and what a $ref in them leads to."""

    def __init__(self):
        self.files = {}

    def file(self, name):
        if name not in self.files:
            self.files[name] = descriptions.load(os.path.join(SCHEMAS, name))
            self.mark(self.files[name], name)
        return self.files[name]

    def mark(self, part, name):
        """Has each part know its file, to which its $ref is relative."""
        if isinstance(part, dict):
            if isinstance(part.get("$ref"), str):
                part["$ref"] = (name, part["$ref"])
            for below in part.values():
                self.mark(below, name)
        elif isinstance(part, list):
            for below in part:
                self.mark(below, name)

    def follow(self, part):
        """A part with what it refers to; its own keys win."""
        while "$ref" in part:
            (name, (ref, _, pointer)) = part["$ref"][0], part["$ref"][1].partition("#")
            there = self.file(os.path.normpath(os.path.join(os.path.dirname(name), ref)) if ref else name)
            for key in pointer.split("/")[1:]:
                there = there[key]
            part = {**there, **{k: v for k, v in part.items() if k != "$ref"}}
        return part


class Entry:
    """A place of the schema that is told of: a property, or a variant by the word of its type."""

    def __init__(self, path, name, part, required, is_property):
        self.path, self.name, self.part, self.required, self.is_property = path, name, part, required, is_property
        self.below = []

    def all(self):
        yield self
        for entry in self.below:
            yield from entry.all()


def inside(files, part):
    """What the items of lists and maps are."""
    while True:
        part = files.follow(part)
        choice = part.get("oneOf", []) if "properties" not in part else []
        if choice and choice[-1].get("type") == "array":
            part = choice[0]
        elif choice and isinstance(choice[0].get("type"), list) and "enum" not in choice[0]:
            part = choice[-1]  # a value, or a map that says more
        elif isinstance(part.get("items"), dict):
            part = part["items"]
        elif "properties" not in part and isinstance(part.get("additionalProperties"), dict):
            part = part["additionalProperties"]
        else:
            return part


def entries(files, part, path, types):
    """The entries below a part, in the order of the files."""
    part, found = inside(files, part), []

    def add(name, below, required, is_property):
        entry = Entry(f"{path}.{name}".lstrip("."), name, files.follow(below), required, is_property)
        entry.below = entries(files, below, entry.path, types)
        found.append(entry)

    if "x-variants" in part:
        for name in types:
            add(name, files.file(f"devices/{name}.yaml"), False, False)
        return found
    for variant in part.get("oneOf", []) if "properties" not in part else []:
        word = variant.get("properties", {}).get("type", {})
        for name in word.get("enum", [word["const"]] if "const" in word else []):
            add("null" if name is None else name, variant, False, False)
    for name, below in part.get("properties", {}).items():
        if "x-change" in below:  # all but the word that tells variants apart
            add(name, below, name in part.get("required", []), True)
    for below in part.get("patternProperties", {}).values():
        add("x-*", below, False, True)
    return found


def as_text(value):
    return "null" if value is None else json.dumps(value) if isinstance(value, bool) else str(value)


def words(text):
    return " ".join(text.split())


def default_of(entry):
    """The default as it is told, or None."""
    default = entry.part.get("default")
    return None if entry.required or "default" not in entry.part or default in ({}, []) else as_text(default)


def says_example(line, entry):
    """Whether "NAME: VALUE" is the first example."""
    said = yaml_of(line)
    return said == {entry.name: entry.part["examples"][0]}


def yaml_of(text):
    return descriptions.as_json(descriptions.yaml.load(text, descriptions.Loader))


def first_sentence(text):
    return text.split(". ")[0].rstrip(".") + "."


def explain_faults(entry, output):
    """What `weft explain` of an entry says otherwise than the files."""
    blocks = output.rstrip("\n").split("\n\n")
    facts, path = blocks.pop(0).splitlines(), entry.path
    if not facts[0].startswith(f"{path}: "):
        yield f"{path}: it begins with {facts[0]}"
    wanted = []
    if entry.is_property:
        wanted = ["required"] if entry.required else \
            [f"default: {default_of(entry)}"] if default_of(entry) is not None else []
        told = [f.strip() for f in facts[1:]]
        change = [f for f in told if f.startswith("an edit ")]
        if len(change) != 1 or not change[0].endswith(f"({entry.part['x-change']})"):
            yield f"{path}: an edit is {entry.part['x-change']}, not {change}"
        wanted += change + [f"{what} {entry.part[key]}" for what, key in (("since version", "x-since"),
                                                                         ("deprecated:", "x-deprecated")) if key in entry.part]
        if told != wanted:
            yield f"{path}: {told}, not {wanted}"
    said = words(blocks.pop(0)) if "description" in entry.part and blocks else None
    if said != (words(entry.part["description"]) if "description" in entry.part else None):
        yield f"{path}: it is described as {said}"
    if entry.is_property and "examples" in entry.part:
        line = blocks.pop(0).strip() if blocks else ""
        if not line.startswith("example: ") or not says_example(line.removeprefix("example: "), entry):
            yield f"{path}: {line}"
    told = words("\n".join(blocks))
    wanted = words(" ".join(f"{e.name} {first_sentence(e.part.get('description', ''))}" for e in entry.below))
    if told != wanted:
        yield f"{path}: below it is {told}, not {wanted}"


def manual_entries(text):
    """[heading, description, facts] of each entry of the manual page."""
    unescaped = text
    for escape, meant in ("\\-", "-"), ("\\&", ""), ("\\(aq", "'"), ("\\(ga", "`"), ("\\(dq", '"'), ("\\e", "\\"):
        unescaped = unescaped.replace(escape, meant)
    found, into, take = [], None, False
    for line in unescaped.split(".SH KEYS\n")[1].split(".SH EXAMPLE\n")[0].splitlines():
        if line.startswith(".SS ") or take:
            found.append([line.removeprefix(".SS ").removeprefix(".B "), "", ""])
            into, take = 1, False
        elif line == ".TP":
            take = True
        elif line in (".br", ".PP"):
            into = 2
            found[-1][2] += "\n"
        elif not line.startswith(".SH "):
            found[-1][into] += f" {line}"
    return [[heading, words(said), facts] for heading, said, facts in found]


def manual_wanted(below, prefix=""):
    """[(heading, entry)] in the order of the manual page."""
    before = None
    for entry in below:
        path = f"{prefix}.{entry.name}".lstrip(".")
        if entry.is_property:
            yield path, entry, words(entry.part["description"])
            yield from manual_wanted(entry.below, path)
        else:
            said = words(entry.part["description"])
            yield f"{prefix}: ", entry, said if said != before else "As above, by its type."
            before = said
            yield from manual_wanted(entry.below, prefix)


def manual_faults(below, told):
    devices = next(e for e in below if e.name == "devices")
    wanted = []
    for entry in below:
        kept, entry.below = entry.below, [] if entry is devices else entry.below
        wanted += manual_wanted([entry])
        entry.below = kept
    for entry in devices.below:
        wanted += [(entry.name, entry, words(entry.part["description"])), *manual_wanted(entry.below)]
    if len(told) != len(wanted):
        yield f"the manual page has {len(told)} entries, not {len(wanted)}"
    for (heading, said, facts), (path, entry, description) in zip(told, wanted):
        if not (heading.startswith(path) and entry.name in heading if path.endswith(": ") else heading == path):
            yield f"{path} is called {heading}"
        if said != description:
            yield f"{path} is described as {said}"
        default = re.search(r" Default: (.*?)\.(?:$| An edit)", facts, re.M)
        if entry.is_property and (default[1] if default else None) != default_of(entry):
            yield f"{path}: {facts}"
        example = re.search(r"^ Example: (.*)$", facts, re.M)
        if entry.is_property and (not says_example(example[1], entry) if example else "examples" in entry.part):
            yield f"{path}: {facts}"


def completion_faults(below, told):
    wanted = [e.path for entry in below for e in entry.all() if e.name != "x-*"]
    for path in sorted(set(wanted) ^ set(told)):
        yield f"{path} is {'not ' if path in wanted else ''}completed"


def json_faults(files, part, said, whole, path=""):
    """What the JSON Schema says otherwise than a part of the files. Structure is compared by its leaves."""
    if "$ref" in said and "$ref" in part:
        there, meant = whole["$defs"][said["$ref"].removeprefix("#/$defs/")], files.follow({"$ref": part["$ref"]})
        for key in "title", "description":  # which the place may have words of its own for
            if there.get(key) != meant.get(key):
                yield f"{said['$ref']}: {key} is {there.get(key)}"
        said = {**there, **{k: v for k, v in said.items() if k != "$ref"}}
        part = {**meant, **{k: v for k, v in part.items() if k != "$ref"}}
    if "anyOf" in said:
        yield from json_faults(files, part, {**{k: v for k, v in said.items() if k != "anyOf"}, **said["anyOf"][0]}, whole, path)
        return
    for key in (part.keys() | said.keys()) - STRUCTURE:
        if part.get(key) != said.get(key):
            yield f"{path}: {key} is {said.get(key)}, not {part.get(key)}"
    for key in "required", "dependentRequired", "type":
        if part.get(key) != said.get(key):
            yield f"{path}: {key} is {said.get(key)}, not {part.get(key)}"
    for key in "properties", "patternProperties":
        if list(part.get(key, {})) != list(said.get(key, {})):
            yield f"{path}: {key} are {list(said.get(key, {}))}"
            continue
        for name, below in part.get(key, {}).items():
            yield from json_faults(files, below, said[key][name], whole, f"{path}.{name}")
    for key in "items", "additionalProperties", "propertyNames":
        if isinstance(part.get(key), dict) and "x-variants" not in part[key]:
            yield from json_faults(files, part[key], said[key], whole, f"{path}.{key}")
    for i, below in enumerate(part.get("oneOf", [])):
        yield from json_faults(files, below, said["oneOf"][i], whole, f"{path}#{i}")


def schema_faults(files, types, whole):
    """Of the bundled JSON Schema: the title and the words of the root, the machine, and each device type."""
    machine = files.file("machine.yaml")
    for key in "title", "description":
        if whole[key] != machine[key]:
            yield f"{key}: {whole[key]}"
    yield from json_faults(files, machine, whole["$defs"]["machine"], whole)
    for name in types:
        yield from json_faults(files, files.file(f"devices/{name}.yaml"), whole["$defs"][f"device-{name}"], whole, name)


schema = descriptions.schema()
types = sorted(set(descriptions.device_types()) - descriptions.left_out())
read = Files()
below = entries(read, read.file("machine.yaml"), "", types)
all_entries = [e for entry in below for e in entry.all()]
explained = {e.path: weft("explain", e.path) for e in all_entries}
told_by_manual = manual_entries(weft("schema", "--format", "man"))
completed = re.search(r"^_weft_paths=' (.*)'$", weft("completion", "bash"), re.M)[1].split()
settable = re.search(r"^_weft_settable=' (.*)'$", weft("completion", "bash"), re.M)[1].replace("=", "").split()
openapi = json.loads(weft("schema", "--format", "openapi"))["components"]["schemas"]["Description"]

found = [f for e in all_entries for f in explain_faults(e, explained[e.path])]
tap.result(not found, f"weft explain: {len(all_entries)} keys have the words of schemas/", *found[:20])
found = list(manual_faults(below, told_by_manual))
tap.result(not found, f"weft.yaml(5): {len(told_by_manual)} entries have the words of schemas/", *found[:20])
found = list(completion_faults(below, completed))
tap.result(not found and set(settable) < set(completed), f"shells complete the {len(completed)} keys of schemas/", *found[:20])
found = list(schema_faults(read, types, schema))
tap.result(not found, "the JSON Schema has the words of schemas/", *found[:20])
found = list(schema_faults(read, types, openapi))
tap.result(not found and openapi == schema, "the OpenAPI document has the words of schemas/", *found[:20])

for name, output in ("weft.yaml.5", ("schema", "-f", "man")), ("weft.schema.json", ("schema",)), \
        ("weft.layer.schema.json", ("schema", "-f", "layer")), ("weft.1", ("--manual",)), \
        ("completion/weft", ("completion", "bash")), ("completion/_weft", ("completion", "zsh")):
    path = os.path.join(BUILD, name)
    if not os.path.exists(path):
        tap.skip(f"{name} is what weft says", "it is not made")
        continue
    with open(path, encoding="utf-8") as f:
        tap.result(f.read() == weft(*output), f"{name} is what weft says")

# Now one word is another, in one place after the other.
blind = {"explain": [], "manual": [], "JSON Schema": []}
for entry in all_entries:
    kept = entry.part
    entry.part = {**kept, "description": re.sub(r"\b(the|a|an|is|of|in|and|it)\b|\w+", "another", kept["description"], count=1)}
    if not list(explain_faults(entry, explained[entry.path])):
        blind["explain"].append(entry.path)
    # A variant of several words has them but once.
    if not list(manual_faults(below, told_by_manual)):
        blind["manual"].append(entry.path)
    entry.part = kept
changed = copy.deepcopy(schema)


def described(part):
    """All parts of a schema with words in them."""
    if isinstance(part, dict):
        if isinstance(part.get("description"), str):
            yield part
        for v in part.values():
            yield from described(v)
    elif isinstance(part, list):
        for v in part:
            yield from described(v)


for name, part in changed["$defs"].items():
    if name.startswith("layer-") or name in ("device", "variable"):
        continue
    for place in described(part):
        kept = place["description"]
        place["description"] = kept.replace(kept.split()[-1], "another.")
        if not list(schema_faults(read, types, changed)):
            blind["JSON Schema"].append(f"{name}: {kept}")
        place["description"] = kept
for what, places in blind.items():
    tap.result(not places, f"a word that differs is seen in the {what}", *places[:20])
tap.result(list(completion_faults(below, completed[1:])) and list(completion_faults(below, completed + ["cpus.cout"])),
           "a key that differs is seen in the completion")
raise SystemExit(tap.done())

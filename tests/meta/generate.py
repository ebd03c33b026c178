# SPDX-License-Identifier: Apache-2.0
"""Makes descriptions from the schema that `weft schema` prints: good ones, in which every property, every alternative
and every word has its turn, and others that are a little different from good ones."""
import copy
import random
import re
import uuid

try:  # it was renamed, and the old name warns
    from re import _parser as sre_parse
except ImportError:
    import sre_parse

SIZES = ("B", 1), ("KiB", 2**10), ("MiB", 2**20), ("GiB", 2**30), ("TiB", 2**40)
DURATIONS = ("ns", 1), ("us", 10**3), ("ms", 10**6), ("s", 10**9), ("m", 60 * 10**9), ("h", 3600 * 10**9)
RATES = ("B/s", 1), ("KiB/s", 2**10), ("MiB/s", 2**20), ("Mbit/s", 125000), ("Gbit/s", 125000000)
LARGEST = 2**44
OF_TYPE = {"string": "text", "integer": 2, "boolean": True, "size": "1GiB", "duration": "10s"}

ODD = [None, True, False, 0, 1, -1, 3, 300, 2**40, 1.5, "", "x", "off", "on", "null", "auto", "1", "512MiB", "10s", "1/s",
       "1MiB/s", "A_b", [], ["x"], [1], [None], {}, {"type": "serial"}, {"type": "virtio-rng"}, {"type": None}, {"x": 1},
       "terminal", "pty", "52:54:00:12:34:56", "52:54:00:12:34:5", "a" * 70, "a" * 300, "é" * 40, "0-3,8", "5-", [3] * 20, ["off"] * 9, {f"k{i}": "x" for i in range(20)}]
ODD_KEYS = ["x", "x-y", "type", "path", "count", "kernel", "firmware", "output", "match", "0", "300", "Bad", "a" * 70]


def is_variant_variable(part):
    """Whether an alternative is that of maps whose `type` is a variable."""
    return part.get("properties", {}).get("type") == IS_VARIABLE


def choices_of(part):
    """The alternatives of a value; `oneOf` beside properties is about keys."""
    return part.get("anyOf", []) + ([] if "properties" in part else part.get("oneOf", []))


def part_at(schema, pointer):
    for name in pointer.removeprefix("#").split("/")[1:]:
        schema = schema[name.replace("~1", "/").replace("~0", "~")]
    return schema


WHOLE = "#/$defs/machine"  # of which the root takes what includes nothing
IS_VARIABLE = {"$ref": "#/$defs/variable"}


class Generator:
    """Descriptions of one schema, and the places of it that had their turn: properties, alternatives, words."""

    def __init__(self, schema, seed, variables, types, given=None):
        self.schema = schema
        self.rng = random.Random(seed)
        self.types = types  # of devices: what a type may be changed into
        self.variables = variables  # how often a variable stands where one can
        self.vars = {}  # of the description that is being made
        self.given = given or {}  # {place: a value for each of its alternatives}, where not any value will do

    def follow(self, part):
        """A part with what its $ref leads to; its own keys win, which is what the two together mean here."""
        while "$ref" in part:
            there = part_at(self.schema, part["$ref"])
            part = {**there, **{k: v for k, v in part.items() if k != "$ref"}}
        return part

    def everything(self, part, where, seen=None):
        """All that can have its turn: a walk over the schema that knows nothing of how descriptions are made."""
        seen = set() if seen is None else seen
        if "$ref" in part:
            if part["$ref"] not in seen:
                seen.add(part["$ref"])
                yield from self.everything(part_at(self.schema, part["$ref"]), part["$ref"], seen)
            return
        for key, below in part.get("properties", {}).items():
            yield f"{where}/{key}"
            yield from self.everything(below, f"{where}/{key}", seen)
        for key in "items", "additionalProperties":
            if isinstance(part.get(key), dict):
                yield from self.everything(part[key], f"{where}/{key}", seen)
        for i, below in enumerate(choices_of(part)):
            yield f"{where}#{i}"
            if not is_variant_variable(below):
                yield from self.everything(below, f"{where}#{i}", seen)
        for word in part.get("enum", []):
            yield f"{where}={word}"
        for i, below in enumerate(part.get("allOf", [])):
            yield from self.everything(below["then"], f"{where}.{i}", seen)

    def value(self, part, where, taken):
        rng = self.rng
        if where in self.given:
            i = rng.randrange(len(self.given[where]))
            taken.add(f"{where}#{i}")
            return self.given[where][i]
        if "$ref" in part:
            ref = part["$ref"]
            own = {k: v for k, v in part.items() if k != "$ref"}
            there = part_at(self.schema, ref)
            return self.value({**there, **own} if isinstance(there.get("type"), (str, list)) else there, ref, taken)
        if choices_of(part):
            return self.choice(part, where, taken)
        if "allOf" in part:
            return self.device(part, where, taken)
        if "const" in part:
            return part["const"]
        if "enum" in part:
            word = rng.choice(part["enum"])
            taken.add(f"{where}={word}")
            return word
        if "properties" in part:
            return self.object(part, where, taken)
        if isinstance(part.get("additionalProperties"), dict):
            return self.map(part, where, taken)
        if part.get("type") == "array":
            n = rng.randint(max(part.get("minItems", 0), rng.randint(0, 1)), min(part.get("maxItems", 3), 3))
            return [self.value(part["items"], f"{where}/items", taken) for _ in range(n)]
        return self.scalar(part)

    def choice(self, part, where, taken):
        """One of the alternatives. In a variable is what another one gives."""
        choices, words = choices_of(part), {k: part[k] for k in ("examples", "default") if k in part}
        variables = [i for i, c in enumerate(choices) if c == IS_VARIABLE or is_variant_variable(c)]
        others = [i for i in range(len(choices)) if i not in variables]
        i = self.rng.choice(others)
        value = self.value({**words, **choices[i]}, f"{where}#{i}", taken)
        taken.add(f"{where}#{i}")
        if not variables or self.rng.random() > self.variables:
            return value
        if choices[variables[0]] == IS_VARIABLE and value is not None:
            value = self.variable(value)
        elif isinstance(value, dict) and isinstance(value["type"], str):
            value["type"] = self.variable(value["type"])
        else:
            return value
        taken.add(f"{where}#{variables[0]}")
        return value

    def variable(self, value):
        """Has a new variable hold the value, or the number that it begins with; returns what stands in its place."""
        name, rest = self.rng.choice(["v", "a_variable-", "_"]) + str(len(self.vars)), ""
        number = re.match(r"[1-9]\d{0,8}(?=\D)", value) if isinstance(value, str) and self.rng.random() < 0.5 else None
        if number:
            value, rest = int(number[0]), value[number.end():]
        self.vars[name] = {"default": value, "description": "What it is for."} if self.rng.random() < 0.5 else value
        return f"${{{name}}}{rest}"

    def device(self, part, where, taken):
        i = self.rng.randrange(len(part["allOf"]))
        device = self.value(part["allOf"][i]["then"], where, taken)
        taken |= {f"{where}/type", f"{where}/type#0", f"{where}/type#0={device['type']}"}
        if self.rng.random() < self.variables:
            device["type"] = self.variable(device["type"])
            taken.add(f"{where}/type#1")
        return device

    def object(self, part, where, taken):
        rng, properties = self.rng, part["properties"]
        keys = set(part.get("required", []))
        share = rng.random() ** 2
        keys |= {k for k in properties if rng.random() < share}
        alone = [c["required"][0] for c in part.get("oneOf", [])]
        if alone:
            keys = (keys - set(alone)) | {rng.choice(alone)}
        for key, needs in part.get("dependentRequired", {}).items():
            if key in keys and not set(needs) <= keys:
                keys -= {key}
        result = {}
        for key in sorted(keys, key=list(properties).index):
            taken.add(f"{where}/{key}")
            result[key] = self.value(properties[key], f"{where}/{key}", taken)
        return result

    def map(self, part, where, taken):
        names = self.follow(part.get("propertyNames", {}))
        n = self.rng.randint(part.get("minProperties", 0), min(part.get("maxProperties", 4), 4))
        keys = [self.text(names) if "pattern" in names else f"k{i}" for i in range(n)]
        return {k: self.value(part["additionalProperties"], f"{where}/additionalProperties", taken) for k in keys}

    def scalar(self, part):
        rng, unit = self.rng, part.get("x-unit")
        if rng.random() < 0.2 and part.get("examples"):
            return rng.choice(part["examples"])
        if rng.random() < 0.1 and "default" in part:
            return part["default"]
        if unit in ("size", "duration", "rate"):
            units = {"size": SIZES, "duration": DURATIONS, "rate": RATES}[unit]
            number = self.number(part)
            name, factor = rng.choice([u for u in units if number % u[1] == 0])
            return number if unit == "size" and rng.random() < 0.3 else f"{number // factor}{name}"
        if unit == "mac":
            return "02" + "".join(f":{rng.randrange(256):02x}" for _ in range(5))
        if unit == "uuid":
            return str(uuid.UUID(int=rng.getrandbits(128), version=4))
        if unit == "cpulist":
            return rng.choice([rng.randrange(64), "0-3", "1,5-7"])
        if unit == "path":
            return rng.choice(["", "./", "/dev/", "../"]) + f"file-{rng.randrange(10**6)}"
        if isinstance(part["type"], list):
            return rng.choice([None, 1, 2.5, "text", True])
        if part["type"] == "boolean":
            return rng.random() < 0.5
        if part["type"] == "integer":
            return self.number(part)
        return self.text(part)

    def number(self, part):
        """Between its limits, or at one of them."""
        rng, step = self.rng, part.get("multipleOf", 1)
        least, most = -(-part.get("minimum", 0) // step), part.get("maximum", LARGEST) // step
        return rng.choice([least, most, rng.randint(least, most), min(most, least + rng.randrange(8))]) * step

    def text(self, part):
        least, most = part.get("minLength", 0), part.get("maxLength", 20)
        if "pattern" not in part:
            return "".join(self.rng.choice("abcz 0-9:=/é") for _ in range(self.rng.randint(least, min(most, 30))))
        for _ in range(50):
            text = self.matching(sre_parse.parse(part["pattern"])).replace("${", "$$")
            if least <= len(text) <= most:
                return text
        raise ValueError(f"no text of {least} to {most} characters for {part['pattern']}")

    def matching(self, tree):
        """A text that matches a pattern, out of what patterns of schemas may hold."""
        text, rng = "", self.rng
        for op, argument in tree:
            op = str(op)
            if op == "LITERAL":
                text += chr(argument)
            elif op == "IN":
                kind, what = rng.choice(argument)
                text += chr(what if str(kind) == "LITERAL" else rng.randint(*what))
            elif op == "BRANCH":
                text += self.matching(rng.choice(argument[1]))
            elif op == "SUBPATTERN":
                text += self.matching(argument[3])
            elif op == "MAX_REPEAT":
                least, most, what = argument
                text += "".join(self.matching(what) for _ in range(rng.randint(least, min(int(most), least + 6))))
            elif op != "AT":
                raise ValueError(f"a pattern with {op}")
        return text

    def good(self):
        """A description, and what had its turn in it."""
        taken, self.vars = set(), {}
        document = self.value({"$ref": WHOLE}, "", taken)
        for variable in document.get("vars", {}).values():
            if isinstance(variable, dict) and {"type", "default"} <= variable.keys():
                variable["default"] = OF_TYPE[variable["type"]]
        if self.vars:
            document["vars"] = {**document.get("vars", {}), **self.vars}
        return document, taken

    def layers(self, document):
        """The description as two: one, and one that is laid over it and removes things, too."""
        below, above = self.split(document)
        return below, {"include": None, **above}

    def split(self, whole):
        below, above, rng = {}, {}, self.rng
        for key, value in whole.items():
            where = rng.random()
            if isinstance(value, dict) and where < 0.6:
                below[key], above[key] = self.split(value)
            elif where < 0.7:
                below[key], above[key] = value, value
            elif where < 0.75:
                below[key], above[key] = value, None
            else:
                (below if where < 0.9 else above)[key] = value
        return below, above

    def changed(self, document):
        """The description with one to three things other than they were."""
        rng, document = self.rng, copy.deepcopy(document)
        for _ in range(rng.choice([1, 1, 2, 3])):
            path = rng.choice([p for p in places(document) if p] or [("version",)])
            holder = document
            for k in path[:-1]:
                holder = holder[k]
            what, old = rng.random(), holder[path[-1]] if path else None
            if what < 0.3 and isinstance(old, (int, str, list)):
                holder[path[-1]] = self.near(old)
            elif what < 0.6:
                holder[path[-1]] = copy.deepcopy(rng.choice(ODD))
            elif what < 0.8 and isinstance(holder, dict):
                del holder[path[-1]]
            elif isinstance(holder, dict):
                key = rng.choice([rng.choice(ODD_KEYS), str(path[-1]) + "s", str(path[-1]).replace("-", "_")])
                holder[key] = copy.deepcopy(rng.choice([old, *ODD]))
            document = document or {"version": 1}
        return document

    def near(self, value):
        """A scalar that is almost what it was, or a list with none or more of what it had."""
        rng = self.rng
        if isinstance(value, list):
            return copy.deepcopy(rng.choice([[], value * 2, value * 70]))
        if isinstance(value, bool):
            return rng.choice(["on", "yes", str(value), int(value)])
        if isinstance(value, int):
            return rng.choice([value - 1, value + 1, -value, value * 1000, str(value), float(value) + 0.5])
        if value in self.types and rng.random() < 0.7:
            return rng.choice(self.types)
        number = re.match(r"\d+", value)
        return rng.choice([value + "x", value[:-1], value.upper(), value * 4, " " + value, value + "\n",
                           str(int(number[0]) + 1) + value[number.end():] if number else value + "-"])


def places(value, path=()):
    """Every place of a tree, as the keys that lead to it."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for k, v in items:
        yield from places(v, path + (k,))

# SPDX-License-Identifier: Apache-2.0
"""Every property that the schemas call live has a test that edits it: a case of tests/guest/live.py, or what its table
ELSEWHERE names."""
import ast
import glob
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import Tap

try:
    import yaml
except ImportError as e:
    print(f"1..0 # SKIP {e}: python3-yaml is needed")
    raise SystemExit(0)

SOURCE = os.environ.get("srcdir", "..")
TESTS = os.path.join(SOURCE, "tests")


def live_properties(schema, found):
    """The names of properties that change live, wherever they are in a schema."""
    for name, sub in schema.get("properties", {}).items():
        if sub.get("x-change") == "live":
            found.add(name)
        if not sub.get("x-document"):  # what is inside of `vars` is gone when the check begins
            live_properties(sub, found)
    for key in ("oneOf", "items", "$defs", "additionalProperties"):
        sub = schema.get(key)
        subs = sub.values() if key == "$defs" and sub else sub if isinstance(sub, list) else [sub]
        for s in subs:
            if isinstance(s, dict):
                live_properties(s, found)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


tap = Tap()
wanted = set()
for path in glob.glob(os.path.join(SOURCE, "schemas/**/*.yaml"), recursive=True):
    names = set()
    live_properties(yaml.safe_load(read(path)), names)
    wanted |= {f"{os.path.basename(path)[:-5]}.{name}" for name in names}

text = read(os.path.join(TESTS, "guest/live.py"))
tree = ast.parse(text)
table = [n.value for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "ELSEWHERE"]
elsewhere = ast.literal_eval(table[0])
# A case of one property, or of one for every value of a loop.
cases = set(re.findall(r'live\(tap, "([a-z.-]+)"\)', text)) | set(re.findall(r'\("(virtio-net\.[a-z-]+)", ', text))
if 'live(tap, f"{kind}.output")' in text:
    cases |= {f"{kind}.output" for kind in re.findall(r'\("([a-z-]+)", "[a-z]+"\)', text)}


def tested(prop):
    return prop in cases or prop in elsewhere or f"*.{prop.split('.')[1]}" in elsewhere


missing = sorted(p for p in wanted if not tested(p))
tap.result(len(wanted) > 20, f"there are {len(wanted)} live properties")
tap.result(not missing, "each has a test", *missing)
gone = sorted(p for p in set(elsewhere) - wanted if not p.startswith("*."))
tap.result(not gone, "what has a test is live", *gone)
wrong = [f"{prop}: {path} does not have {words!r}" for prop, (path, words) in elsewhere.items()
         if not os.path.exists(os.path.join(TESTS, path)) or words not in read(os.path.join(TESTS, path))]
tap.result(not wrong, "and is tested where it is said to be", *wrong)
raise SystemExit(tap.done())

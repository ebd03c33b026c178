#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Messages are API: what weft says about every file of bad/ is recorded beside it, as text and JSON.

    golden.py            compares (TAP); part of `make check`
    golden.py --update   records anew; read the difference before committing it

A file may begin with a line `# options: …`: options of weft validate. What is no file is in SPECIAL.
A file of import/ is named NAME.FROM.SUFFIX; what weft import makes of it is in NAME.FROM.yaml, its exit status and what it
says in NAME.FROM.expected. What it makes must be valid, and laid out.

Every file of examples/ must be valid. Every code of src/base/diag-codes.h must be in the corpus or in the cases of
host.py, or in UNSEEN with the reason, and every code used in the sources must be in that table.
"""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

SOURCE = os.path.abspath(os.environ.get("srcdir", os.path.join(os.path.dirname(__file__), "../..")))
BUILD = os.path.abspath(os.environ.get("builddir", "."))
WEFT = os.environ.get("WEFT", os.path.join(BUILD, "weft"))
BAD = os.path.join(SOURCE, "tests/golden/bad")
IMPORT = os.path.join(SOURCE, "tests/golden/import")

# Codes that no corpus has, and why. A code that is in one must not be here.
UNSEEN = {
    "E0126": "of weft fmt alone: tests/meta/fmt.py",
    "E0212": "depends on what was built in",
    "E0214": "nothing is deprecated yet",
    "E0310": "depends on what was built in",
    "E0315": "depends on what was built in",
    "E0412": "takes all the memory of the host",
    "E0413": "the schema and E0304 see it before: for a caller that has no description",
    "E0414": "no address that the graph gives out",
    "E0420": "takes a KVM that fails",
    "E0421": "takes a host without room for a thread, and a user who may use KVM there",
    "E0434": "of a running machine: tests/guest/live.py",
    "E0441": "takes an old kernel",
    "E0490": "of a running machine",
    "E0491": "no size that the schema allows",
    "E0492": "takes a KVM that fails",
    "E0493": "takes a KVM that fails",
    "E0494": "takes a KVM that fails",
    "E0495": "takes a KVM that fails",
    "E0496": "takes a KVM that fails",
    "E0504": "depends on what is installed",
}


def special(directory):
    """Cases that are no file of the corpus: name, operands."""
    fifo = os.path.join(directory, "fifo")
    large = os.path.join(directory, "large")
    os.mkfifo(fifo)
    with open(large, "w", encoding="ascii") as f:
        f.write("# 1 MiB and more\n" * 65600)
    return [
        ("special-missing", ["no-such-file.yaml"]),
        ("fleet-conflicts", ["../fleet/conflicts"]),
        ("fleet-empty", ["../fleet/empty"]),
        ("special-device", ["/dev/zero"]),
        ("special-fifo", [fifo]),
        ("special-large", [large]),
    ]


def validate(operands):
    """The outcome of weft validate on operands: exit status and text, JSON."""
    outcome = []
    for form in ("text", "json"):
        run = subprocess.run([WEFT, "validate", "--format", form, *operands], cwd=BAD, timeout=20,
                             capture_output=True, stdin=subprocess.DEVNULL, check=False)
        text = (run.stdout + run.stderr).decode()
        if run.returncode != 1:
            text += f"exit status {run.returncode}, expected 1\n"
        outcome.append(text)
    return outcome


def imported(name):
    """What weft import makes of a file of import/: the description, and the rest; and whether it is as it has to be."""
    run = subprocess.run([WEFT, "import", "--from", name.split(".")[1], name], cwd=IMPORT, timeout=20, capture_output=True,
                         stdin=subprocess.DEVNULL, check=False)
    description = run.stdout.decode()
    wrong = "" if run.returncode in (0, 1, 2) else f"exit status {run.returncode}"
    if (run.returncode == 1) != (description == ""):
        wrong = f"exit status {run.returncode} and a description of {len(description)} characters"
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "m.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(description)
        for check in (["validate", path], ["fmt", "--check", path]) if description else ():
            checked = subprocess.run([WEFT, *check], cwd=directory, timeout=20, capture_output=True, check=False)
            if checked.returncode:
                wrong += (checked.stdout + checked.stderr).decode()
    return description, f"exit status {run.returncode}\n{run.stderr.decode()}", wrong


def imports():
    return [n for n in sorted(os.listdir(IMPORT)) if n.count(".") == 2 and not n.endswith((".yaml", ".expected"))]


def left_out():
    """The device types that this weft was built without."""
    run = subprocess.run([WEFT, "schema"], timeout=20, check=True, capture_output=True)
    built_in = json.loads(run.stdout)["$defs"]["device"]["properties"]["type"]["anyOf"][0]["enum"]
    return {n[:-len(".yaml")] for n in os.listdir(os.path.join(SOURCE, "schemas/devices"))} - set(built_in)


LEFT_OUT = left_out()


def other_build(*texts):
    """Why weft says something else than it would with all that can be built in, or None. What is recorded is that of all."""
    for text in texts:
        found = re.search(r"this weft was built without ([^\n:;\[\\\"]*)", text)
        if found:
            return f"this weft was built without {found[1].strip()}"
        for name in LEFT_OUT:
            if re.search(rf"(?<![\w-]){name}(?![\w-])", text):
                return f"this weft was built without {name}"
    return None


def compare(tap, path, got, update, file=""):
    """Compares what weft says of a text with what is recorded, or records."""
    name = os.path.basename(path)
    if update:
        with open(path, "w", encoding="utf-8") as f:
            f.write(got)
    recorded = read(path)
    why = other_build(got, recorded, file) if recorded != got else None
    if why:
        tap.skip(name, why)
    else:
        tap.result(recorded == got, name, difference(name, recorded, got))


def cases(directory):
    """All cases: name, operands."""
    found = list(special(directory))
    for entry in sorted(os.listdir(BAD)):
        if not entry.endswith(".yaml"):
            continue
        with open(os.path.join(BAD, entry), "rb") as f:
            first = f.readline()
        options = []
        if first.startswith(b"# options: "):
            options = shlex.split(first[len(b"# options: "):].decode())
        found.append((entry[:-len(".yaml")], [*options, entry]))
    return found


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return "(nothing is recorded)\n"


def codes_of_sources():
    """Codes used in the sources, and codes of the table."""
    used = {}
    for folder in ("src", "devices"):
        for root, _, names in os.walk(os.path.join(SOURCE, folder)):
            for name in names:
                if not name.endswith((".c", ".h")) or name == "diag-codes.h":
                    continue
                for code in re.findall(r'"([EW]0\d{3})"', read(os.path.join(root, name))):
                    used.setdefault(code, name)
    table = re.findall(r'CODE\("(\w+)"', read(os.path.join(SOURCE, "src/base/diag-codes.h")))
    return used, table


class Tap:
    def __init__(self):
        self.n = self.failed = 0
        self.skipped = None  # why something was

    def result(self, good, name, details=""):
        self.n += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.n} - {name}")
        for line in details.splitlines() if not good else []:
            print(f"# {line}")


    def skip(self, name, why):
        self.n += 1
        self.skipped = why
        print(f"ok {self.n} - {name} # SKIP {why}")


def difference(name, recorded, got):
    import difflib
    lines = difflib.unified_diff(recorded.splitlines(), got.splitlines(), f"{name} recorded",
                                 f"{name} now", lineterm="", n=1)
    return "\n".join(lines)


def main():
    update = "--update" in sys.argv
    tap, seen = Tap(), set()
    with tempfile.TemporaryDirectory() as directory:
        for name, operands in cases(directory):
            text, data = (out.replace(directory, "/tmp") for out in validate(operands))
            seen |= set(re.findall(r"\[([EW]0\d{3})\]$", text, re.M))
            for suffix, got in ((".expected", text), (".json", data)):
                if update and "exit status" in got:
                    tap.result(False, name + suffix, got)
                file = os.path.join(BAD, name + ".yaml")
                compare(tap, os.path.join(BAD, name + suffix), got, update, read(file))
    for name in imports():
        description, said, wrong = imported(name)
        seen |= set(re.findall(r"\[([EW]0\d{3})\]$", said, re.M))
        tap.result(not wrong, f"{name} becomes a description that is valid, or none", wrong)
        base = os.path.join(IMPORT, name.rsplit(".", 1)[0])
        compare(tap, base + ".expected", said, update)
        if description:
            compare(tap, base + ".yaml", description, update)
    examples = os.path.join(SOURCE, "examples")
    for example in sorted(os.listdir(examples)) if os.path.isdir(examples) else []:
        if example.endswith(".yaml"):
            run = subprocess.run([WEFT, "validate", example], cwd=examples, timeout=20, check=False,
                                 capture_output=True)
            said = (run.stdout + run.stderr).decode()
            if run.returncode and other_build(said):
                tap.skip(f"examples/{example} is valid", other_build(said))
            else:
                tap.result(run.returncode == 0, f"examples/{example} is valid", said)
    used, table = codes_of_sources()
    seen |= set(re.findall(r'^    \("([EW]0\d{3})"', read(os.path.join(SOURCE, "tests/golden/host.py")), re.M))
    for code in sorted(set(table)):
        tap.result(table.count(code) == 1, f"{code} is once in the table")
        if code in UNSEEN:
            tap.result(code not in seen or bool(tap.skipped), f"{code} is in no corpus: {UNSEEN[code]}")
        else:
            if code not in seen and tap.skipped:
                tap.skip(f"{code} is in a corpus", tap.skipped)
            else:
                tap.result(code in seen, f"{code} is in a corpus")
    for code, name in sorted(used.items()):
        tap.result(code in table, f"{code}, used in {name}, is in the table")
    print(f"1..{tap.n}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())

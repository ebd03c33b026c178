# SPDX-License-Identifier: Apache-2.0
"""Validators that others wrote: python3-jsonschema, and ajv of npm, which `setup.sh --tests` puts into the build tree.
Each judges many documents in one process and gives for each None, or what is wrong first."""
import json
import os
import re
import shutil
import subprocess
import time

import jsonschema

SOURCE = os.environ.get("srcdir", "..")
MODULES = os.path.abspath(os.path.join(os.environ.get("builddir", "."), "tests/ajv/node_modules"))


class Why:
    """What is wrong, looked for when somebody wants to read it: it takes longer than to see that something is."""

    def __init__(self, validator, document):
        self.validator, self.document = validator, document

    def __str__(self):
        return "; ".join(f"{e.json_path}: {e.message[:100]}" for e in self.validator.iter_errors(self.document))


def for_python(part):
    """The schema with patterns of Python: `$` is the end of the text, and not what stands before a newline at the end."""
    if isinstance(part, dict):
        return {k: re.sub(r"(?<!\\)\$$", r"\\Z", v) if k == "pattern" and isinstance(v, str) else for_python(v)
                for k, v in part.items()}
    return [for_python(v) for v in part] if isinstance(part, list) else part


def by_jsonschema(schema, documents):
    """The answers, and how many seconds of the processor's time validating took."""
    validator = jsonschema.Draft202012Validator(for_python(schema))
    started = time.process_time()
    good = [validator.is_valid(d) for d in documents]
    seconds = time.process_time() - started
    return [None if g else Why(validator, d) for g, d in zip(good, documents)], seconds


def no_ajv():
    """Why ajv cannot judge, or None."""
    if not shutil.which("node"):
        return "nodejs is not installed"
    if not os.path.isdir(os.path.join(MODULES, "ajv")):
        return "ajv is not installed: setup.sh --tests does it, by npm"
    return None


def by_ajv(schema, documents):
    """The answers, and the seconds of the processor's time: {"compile", "read" (JSON), "validate"}."""
    lines = "".join(json.dumps(d) + "\n" for d in [schema, *documents])
    result = subprocess.run(["node", os.path.join(SOURCE, "tests/meta/ajv/judge.js")], input=lines, capture_output=True,
                            text=True, check=False, env={**os.environ, "NODE_PATH": MODULES})
    if result.returncode:
        raise RuntimeError(f"ajv: {result.stderr}")
    *answers, seconds = [json.loads(line) for line in result.stdout.splitlines()]
    return answers, seconds

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The words of a description, from the JSON Schema that `weft schema` prints, as a dictionary of libFuzzer."""
import json
import subprocess
import sys

YAML = ["<<: ", "&a ", "*a", "- ", ": ", "\n", "\n  ", "\n    ", "{", "}", "[", "]", "'", '"', "|\n", ">\n", "!!str ", "#", "---\n", "~",
        "null", "true", "false", "0x", "${", "${a}", "vars: ", "x-a: &a ", "include: ", ", "]
VALUES = ["512MiB", "1GiB", "2MiB", "10s", "250ms", "100MiB/s", "1Gbit/s", "52:54:00:12:34:56", "0-3,8", "8080:80", "1", "31", "255"]


def words(part):
    """Keys, words and examples of a schema, wherever they stand."""
    if isinstance(part, dict):
        for key, below in part.items():
            if key in ("properties", "patternProperties"):
                yield from (f"{name}: " for name in below)
            if key in ("enum", "examples"):
                yield from (w for w in below if isinstance(w, str))
            if key in ("const", "default") and isinstance(below, str):
                yield below
            yield from words(below)
    elif isinstance(part, list):
        for below in part:
            yield from words(below)


schema = json.loads(subprocess.run([sys.argv[1], "schema"], capture_output=True, check=True).stdout)
for word in sorted({w for w in words(schema) if len(w) < 60} | set(YAML) | set(VALUES)):
    print('"' + "".join(c if c.isprintable() and c.isascii() and c not in '"\\' else f"\\x{b:02x}"
                        for c in word for b in c.encode()) + '"')

# SPDX-License-Identifier: Apache-2.0
"""TAP for tests in Python."""
import subprocess


def need_devices(weft, *types):
    """Ends the test, which uses these device types, where weft was built without one."""
    for name in types:
        if subprocess.run([weft, "explain", name], capture_output=True, check=False).returncode:
            print(f"1..0 # SKIP this weft was built without the device type {name}")
            raise SystemExit(0)


class Tap:
    """Results, with the plan at the end."""

    def __init__(self):
        self.n = self.failed = 0

    def result(self, good, name, *why):
        self.n += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.n} - {name}")
        if not good:
            for line in why:
                print(f"# {line}")

    def skip(self, name, why):
        self.n += 1
        print(f"ok {self.n} - {name} # SKIP {why}")

    def done(self):
        print(f"1..{self.n}")
        return 1 if self.failed else 0

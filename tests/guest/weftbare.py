# SPDX-License-Identifier: Apache-2.0
"""A machine whose guest is a few instructions, for tests of what weft does around a guest."""
import json
import time

from weftguest import BARE, PATIENCE, Failure, Machine, run_weft


class BareMachine(Machine):
    """Runs a program of tests/guest/bare; the tests write the description as they like."""

    def __init__(self, tap, name="bare", guest="halt", **rest):
        rest.setdefault("memory", {"size": "16MiB"})
        rest.setdefault("devices", {})
        super().__init__(tap, name=name, boot={"kernel": str(BARE / guest)}, **rest)
        self.name = name

    def text(self, *devices, **changes):
        """The description, with devices of these names beside its own."""
        description = {**self.description, **changes}
        description["devices"] = {**self.description["devices"], **{d: {"type": "virtio-rng"} for d in devices}}
        return json.dumps(description, indent=2) + "\n"

    def ask(self, command, *arguments, **options):
        return run_weft(command, *arguments, env=self.environment(), **options)

    def status(self):
        answer = self.ask("status", "-f", "json", self.name)
        if answer.returncode not in (0, 2):
            raise Failure(f"weft status: {answer.returncode} {answer.stderr}")
        return json.loads(answer.stdout)

    def wait_up(self):
        self.until("the machine answers", lambda: (self.directory / "private/state/weft" / self.name / "control.sock")
                   .exists() and self.ask("status", self.name).returncode in (0, 2))
        return self

    def conditions(self):
        return {c["type"]: c for c in self.status()["conditions"]}

    def holds(self, condition):
        return self.conditions()[condition]["status"]

    def devices(self):
        """Those that are in the machine; one that waits to come is not."""
        return {name for name, d in self.status()["devices"].items() if d["phase"] != "Pending"}

    def until(self, what, holds, timeout=10):
        """Waits until holds() does; a failure that says what did not happen."""
        end = time.monotonic() + timeout * PATIENCE
        while not holds():
            if not self.alive():
                raise Failure(f"weft ended before {what}: {self.log()[-2000:]}")
            if time.monotonic() > end:
                raise Failure(f"not in {timeout} s: {what}; {self.log()[-1500:]} {json.dumps(self.status())}")
            time.sleep(0.05)

    def until_devices(self, *names, what=""):
        self.until(f"{what} devices {names}", lambda: self.devices() == set(names))

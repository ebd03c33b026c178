# SPDX-License-Identifier: Apache-2.0
"""A typed line through the serial port and through hvc0, on a terminal, a pty, and a unix socket that is read late."""
import fcntl
import struct
import termios

from weftguest import Console, Guest, Tap


class TerminalGuest(Guest):
    """A guest whose weft has a terminal of its own, and three other outputs."""

    def __init__(self, tap, console, **rest):
        super().__init__(tap, console=console, **rest)
        self.description["devices"]["console"]["output"] = [
            "terminal", {"type": "pty", "link": "console.pty"}, {"type": "socket", "path": "console.sock"},
            {"type": "file", "path": "console.log"}]

    def boot(self):
        self.write_description()
        self.cooked = termios.tcgetattr(self.start_on_terminal(self.console))
        return self.wait_up()

    def is_raw(self):
        return not termios.tcgetattr(self.console.fd)[3] & (termios.ICANON | termios.ECHO | termios.ISIG)

    def is_cooked(self):
        return termios.tcgetattr(self.console.fd)[:4] == self.cooked[:4]


def answers(tap, name, console, text):
    console.send(f"echo {text}\n")
    tap.check(name, console.wait(rf"^{text}\nOK$", 60) is not None)


def window(tap, guest):
    """The terminal gets another size, and the guest is told."""
    fcntl.ioctl(guest.console.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 37, 101, 0, 0))
    for _ in range(20):
        size = guest.command("winsize")
        if "101" in size:
            break
        guest.command("sleep 100")
    tap.check("hvc0: the window's size reaches the guest", "101" in size and "37" in size, size)


def run(tap, name):
    with TerminalGuest(tap, name, name=f"consoles-{name.lower()}") as g:
        g.boot()
        tap.check(f"{name}: the terminal is raw", g.is_raw())
        answers(tap, f"{name}: a line typed at the terminal is answered", g.console, "terminal")
        if name == "hvc0":
            window(tap, g)
        late = Console(g).connect(g.path("console.sock"))
        tap.check(f"{name}: a late peer of the socket sees the boot", late.wait(r"^GUEST-UP$", 10) is not None)
        answers(tap, f"{name}: a line typed at the socket is answered", late, "socket")
        pty = Console(g).open_terminal(g.path("console.pty"))
        tap.check(f"{name}: a late reader of the pty sees the boot", pty.wait(r"^GUEST-UP$", 10) is not None)
        answers(tap, f"{name}: a line typed at the pty is answered", pty, "pty")
        g.console.wait(r"^pty\nOK$", 10)
        tap.check(f"{name}: everybody sees what the others typed", late.wait(r"^pty\nOK$", 10) is not None)
        # Ctrl-] q presses the power button; the guest's init powers off by itself.
        g.console.send("\x1dqpoweroff\n")
        tap.equal(f"{name}: power-off ends weft with status 0", g.wait_exit(60), 0)
        g.console.read(0.1)
        tap.check(f"{name}: the terminal is put back", g.is_cooked())
        log = open(g.path("console.log"), encoding="utf-8", errors="replace").read()
        tap.check(f"{name}: the file has all of it", "GUEST-UP" in log and "\npty" in log.replace("\r", ""), log[-500:])
        late.close()
        pty.close()
        g.check_nothing_left()


def main():
    tap = Tap(linux=True)
    for name in ("ttyS0", "hvc0"):
        run(tap, name)
    tap.done()


main()

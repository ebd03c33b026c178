# SPDX-License-Identifier: Apache-2.0
"""The virtio transport in Linux: an MSI-X vector for every queue, entropy, a console with input,
output and the size of its window."""
import fcntl
import re
import struct
import termios
import time

from weftguest import Console, Guest, Tap

# By the names that Linux's drivers give their queues.
VECTORS = {
    "rng": ["config", "input"],
    "hvc": ["config", "input", "output"],
    "disk": ["config", "req.0", "req.1"],
}
IDS = {0x1044: "rng", 0x1043: "hvc", 0x1042: "disk"}


def set_window(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def is_vector_of(line, address):
    """Whether a line of /proc/interrupts is of the function at @address: Linux before 6.2 has a number that is made of
    the function's and the vector's."""
    number = re.search(r"PCI-MSI (\d+)-edge", line)
    bus, slot, function = (int(n, 16) for n in re.split("[:.]", address)[1:])
    return f"MSIX-{address} " in line or bool(number) and int(number[1]) >> 11 == bus << 8 | slot << 3 | function


def check_vectors(tap, g):
    g.command("lspci")
    slots = {}
    for line in g.lines:
        address, ids, *rest = line.removeprefix("PCI=").split()
        name = IDS.get(int(ids.split(":")[1], 16))
        if name:
            slots[name] = address
            tap.check(f"{name} has its driver", "driver=virtio-pci" in rest, line)
    g.command("interrupts")
    for name, queues in VECTORS.items():
        got = [l.split()[-1].split("-", 1)[1] for l in g.lines if name in slots and is_vector_of(l, slots[name])]
        tap.equal(f"{name}: a vector for the configuration and every queue", got, queues)


def check_entropy(tap, g):
    values = set()
    for _ in range(3):
        tap.equal("32 KiB from hwrng", g.command("hwrng 32768").split()[0], "32768")
        values.add(g.lines[0])
    tap.equal("each time others", len(values), 3)


def check_console(tap, g, terminal, listener):
    # The commands move to hvc0, and so do their answers, to every output of it.
    g.console.send("console /dev/hvc0\n")
    serial, g.console = g.console, terminal
    terminal.wait("^OK$")
    for name, text in (("a typed line", "the weft goes in"), ("a long one", "pick " * 299 + "pick")):
        g.command(f"echo {text}")
        tap.equal(f"{name} comes back", g.lines, [text])
    listener.wait("^the weft goes in$")
    tap.check("the socket has the same", True)
    for columns, rows in ((100, 40), (132, 50)):
        set_window(terminal.fd, columns, rows)
        end = time.monotonic() + 20
        while (got := g.command("winsize")) != f"{columns} {rows}" and time.monotonic() < end:
            time.sleep(0.2)
        tap.equal(f"the window becomes {columns}x{rows}", got, f"{columns} {rows}")
    terminal.send("console /dev/ttyS0\n")
    g.console = serial
    g.console.wait("^OK$")


def main():
    tap = Tap(linux=True)
    with Guest(tap, name="virtio", cpus={"count": 2}, memory={"size": "96MiB"}) as g:
        g.disk("disk.img", 1 << 20)
        g.description["devices"].update({
            "rng": {"type": "virtio-rng"},
            "hvc": {"type": "virtio-console", "output": ["pty", {"type": "socket", "path": "hvc.sock"}]},
            "disk": {"type": "virtio-blk", "path": "disk.img", "queues": 2},
        })
        g.arguments.append("-v")
        g.boot()
        check_vectors(tap, g)
        check_entropy(tap, g)
        name = g.wait_log(r"hvc: (/dev/pts/\d+)")[1]
        terminal, listener = Console(g).open_terminal(name), Console(g)
        listener.connect(g.path("hvc.sock"))
        check_console(tap, g, terminal, listener)
        terminal.close()
        listener.close()
        tap.equal("power-off ends weft with status 0", g.power_off(), 0)
        g.check_nothing_left()
    tap.done()


main()

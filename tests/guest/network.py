# SPDX-License-Identifier: Apache-2.0
"""Network of a Linux guest: over a tap in a network namespace, and over passt without privilege."""
import json
import os
import shutil
import socket
import subprocess
import sys

from weftguest import PATIENCE, Guest, Tap, crc, pattern

BYTES = 256 << 10
# Run in the namespace of the tap: the other side of a TCP connection.
PEER = """
import socket, sys, zlib
what, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
if what == "serve":
    s = socket.create_server((address, port)); print("ready", flush=True); c, _ = s.accept()
    total = check = 0
    while data := c.recv(65536):
        total += len(data); check = zlib.crc32(data, check)
    print(f"{check:08x} {total}", flush=True)
else:
    data = sys.stdin.buffer.read()
    c = socket.create_connection((address, port), timeout=20); c.sendall(data); c.shutdown(socket.SHUT_WR)
    c.recv(1); c.close()
"""


def peer(prefix, *arguments):
    return subprocess.Popen([*prefix, sys.executable, "-c", PEER, *map(str, arguments)],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def check_transfers(tap, g, name, prefix, host, listen, guest, port):
    """TCP in both directions: to @host, where we listen on @listen; and to @guest:@port from here."""
    server = peer(prefix, "serve", listen, 7001)
    server.stdout.readline()
    sent = g.command(f"tcp-send {host} 7001 {BYTES} 5")
    tap.equal(f"{name}: what the guest sends arrives", server.communicate(timeout=30)[0].decode().strip(), sent)
    tap.equal(f"{name}: all of it", sent, f"{crc(pattern(5, BYTES))} {BYTES}")

    g.console.send("tcp-serve 80\n")
    g.console.wait("^LISTENING$")
    client = peer(prefix, "connect", guest, port)
    client.communicate(pattern(6, BYTES), timeout=60 * PATIENCE)
    answer = g.console.wait(r"^OK (\w+ \d+)\n", 60)[1]
    tap.equal(f"{name}: what is sent to the guest arrives", answer, f"{crc(pattern(6, BYTES))} {BYTES}")


def over_tap(tap):
    namespace = f"weft-{os.getpid()}"
    if os.geteuid() != 0 or not shutil.which("ip") or not os.path.exists("/dev/net/tun"):
        return tap.skip("tap", "needs root, ip and /dev/net/tun")
    if subprocess.run(["ip", "netns", "add", namespace], capture_output=True, check=False).returncode:
        return tap.skip("tap", "no network namespace can be made")
    inside = ["ip", "netns", "exec", namespace]
    try:
        # In a chroot a namespace can be made, but not entered.
        if subprocess.run([*inside, "ip", "link", "set", "lo", "up"], capture_output=True, check=False).returncode:
            return tap.skip("tap", "the network namespace cannot be entered")
        with Guest(tap, name="tap", wrapper=inside, cpus={"count": 2}) as g:
            g.description["devices"]["net"] = {
                "type": "virtio-net", "backend": {"type": "tap", "name": "weft0"},
                "mac": "52:54:00:ab:cd:ef", "mtu": 1400, "queues": 2}
            g.boot()
            subprocess.run([*inside, "ip", "addr", "add", "10.9.0.1/24", "dev", "weft0"], check=True)
            g.command("ifup eth0 10.9.0.2/24")
            info = g.wait_link("eth0", True)
            tap.equal("tap: MAC, link and MTU", info, "mac=52:54:00:ab:cd:ef running=1 mtu=1400")
            g.command("ping 10.9.0.1 3")
            tap.check("tap: ping", True)
            check_transfers(tap, g, "tap", inside, "10.9.0.1", "10.9.0.1", "10.9.0.2", 80)
            g.command("interrupts virtio")
            tap.check("tap: two queue pairs, an interrupt each",
                      sum("MSI" in l and ("-input." in l or "-output." in l) for l in g.lines) == 4, g.lines)
            tap.equal("tap: powers off with status 0", g.power_off(), 0)
            left = subprocess.run([*inside, "ip", "link", "show", "weft0"], capture_output=True, check=False)
            tap.check("tap: it went with the machine", left.returncode != 0)
            g.check_nothing_left()
    finally:
        subprocess.run(["ip", "netns", "del", namespace], check=False)


def host_address():
    """The address that passt gives to the guest, and the gateway that it plays; None without a route."""
    try:
        routes = json.loads(subprocess.run(["ip", "-j", "-4", "route", "show", "default"], capture_output=True,
                                           check=True).stdout)
        device, gateway = routes[0]["dev"], routes[0]["gateway"]
        info = json.loads(subprocess.run(["ip", "-j", "-4", "addr", "show", "dev", device], capture_output=True,
                                         check=True).stdout)[0]["addr_info"][0]
        return f"{info['local']}/{info['prefixlen']}", gateway
    except (OSError, subprocess.CalledProcessError, ValueError, LookupError):
        return None


def over_passt(tap):
    where = host_address()
    if not shutil.which("passt") or not where:
        return tap.skip("passt", "needs passt and a default route")
    address, gateway = where
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    with Guest(tap, name="user") as g:
        g.description["devices"]["net"] = {
            "type": "virtio-net", "backend": {"type": "user", "forward": [f"127.0.0.1:{port}:80"]}}
        g.boot()
        g.command(f"ifup eth0 {address} {gateway}")
        info = g.wait_link("eth0", True)
        tap.check("passt: an address of its own, the link is up",
                  info.split()[0][5] in "26ae" and "running=1" in info, info)
        check_transfers(tap, g, "passt", [], gateway, "127.0.0.1", "127.0.0.1", port)
        children = open(f"/proc/{g.pid}/task/{g.pid}/children").read().split()
        tap.equal("passt: one process", len(children), 1)
        os.kill(int(children[0]), 9)
        g.wait_log("passt ended")
        info = g.wait_link("eth0", False)
        tap.check("passt: when it dies the link is down", "running=0" in info, info)
        tap.equal("passt: powers off with status 0", g.power_off(), 0)
        g.check_nothing_left()


def main():
    tap = Tap(linux=True)
    over_tap(tap)
    over_passt(tap)
    tap.done()


main()

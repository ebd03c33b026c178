# SPDX-License-Identifier: Apache-2.0
"""A domain of libvirt, imported: Linux boots, and has what the XML says. It is examples/libvirt.xml with other paths."""
import json

from weftguest import GUEST, SOURCE, Guest, Tap, run_weft

MIB = 1 << 20


class Imported(Guest):
    """A guest whose description weft import writes."""

    def write_description(self):
        pass

    def import_domain(self):
        xml = (SOURCE / "examples/libvirt.xml").read_text()
        for old, new in (("../build/guest/vmlinux", str(GUEST / "vmlinux")),
                         ("../build/guest/hello.cpio", str(GUEST / "initramfs.cpio")),
                         ("<serial type='stdio'>", "<serial type='unix'><source mode='bind' path='console.sock'/>")):
            assert old in xml, old
            xml = xml.replace(old, new)
        source = self.directory / "domain.xml"
        source.write_text(xml)
        made = run_weft("import", "--from", "libvirt", "-o", self.file, source)
        self.tap.check("the domain is imported, and what is not is told", made.returncode == 2 and "guest_agent" not in made.stdout
                       and made.stderr.count(" is left out") == 1, (made.returncode, made.stdout, made.stderr))


tap = Tap(linux=True)
checked = run_weft("import", "--from", "libvirt", SOURCE / "examples/libvirt.xml")
tap.equal("the example can be imported", checked.returncode, 2)
with Imported(tap) as g:
    g.disk("libvirt.img", 4 * MIB)
    g.import_domain()
    shown = json.loads(run_weft("show", "--format", "json", g.file).stdout)["description"]
    tap.equal("more CPUs and memory can come", (shown["cpus"]["max"], shown["memory"]["max"]), (2, "128MiB"))
    g.boot()
    tap.equal("one CPU", g.command("nproc"), "1")
    tap.equal("the disk", g.command("size /dev/vda"), f"{4 * MIB} ro=0 logical=512")
    g.command("cat /sys/block/vda/serial")
    tap.equal("its serial number", g.lines[-1].strip(), "LIBVIRT-1")
    g.command("cat /sys/class/misc/hw_random/rng_available")
    tap.check("entropy", "virtio_rng" in g.lines[-1], g.lines)
    memory = int(g.facts()["MEMTOTAL_KB"])
    tap.check("64MiB of memory", 44 << 10 < memory <= 64 << 10, f"{memory} KiB")
    tap.equal("powers off", g.power_off(), 0)
    g.check_nothing_left()
tap.done()

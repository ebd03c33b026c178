/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of other programs (QEMU, libvirt, Cloud Hypervisor, Firecracker, Docker) that people write
 * where weft has another: only for hints, no word is taken for another.
 */
#include <string.h>

#include "base/compiler.h"
#include "base/suggest.h"
#include "schema/check-internal.h"

/* What they say, what it is here. Where one means several things, what is known in its place is
 * meant. */
static const char *const words[][2] = {
	/* keys of the description */
	{"smp", "cpus"},
	{"vcpus", "cpus"},
	{"vcpu", "cpus"},
	{"machine-config", "cpus"},
	{"m", "memory"},
	{"ram", "memory"},
	{"os", "boot"},
	{"payload", "boot"},
	{"platform", "smbios"},
	{"sysinfo", "smbios"},
	{"dmi", "smbios"},
	{"hostname", "name"},
	{"title", "name"},
	{"id", "name"},
	{"variables", "vars"},
	{"parameters", "vars"},
	{"imports", "include"},
	{"import", "include"},
	{"extends", "include"},
	/* boot, cpus, memory, lifecycle */
	{"initrd", "initramfs"},
	{"ramdisk", "initramfs"},
	{"initrd-path", "initramfs"},
	{"append", "cmdline"},
	{"args", "cmdline"},
	{"boot-args", "cmdline"},
	{"kernel-args", "cmdline"},
	{"command-line", "cmdline"},
	{"kernel-image-path", "kernel"},
	{"linux", "kernel"},
	{"bios", "firmware"},
	{"uefi", "firmware"},
	{"loader", "firmware"},
	{"vcpus", "count"},
	{"vcpu", "count"},
	{"boot-vcpus", "count"},
	{"vcpu-count", "count"},
	{"number", "count"},
	{"cpus", "count"},
	{"pin", "affinity"},
	{"flags", "features"},
	{"amount", "size"},
	{"mem-size-mib", "size"},
	{"hugetlb", "hugepages"},
	{"ksm", "mergeable"},
	{"prealloc", "prefault"},
	{"preallocate", "prefault"},
	{"on-reboot", "reset"},
	{"reboot", "reset"},
	{"on-crash", "triple-fault"},
	{"shutdown-timeout", "power-off-timeout"},
	{"timeout", "power-off-timeout"},
	{"mode", "policy"},
	/* devices */
	{"kind", "type"},
	{"driver", "type"},
	{"model", "type"},
	{"file", "path"},
	{"filename", "path"},
	{"image", "path"},
	{"source", "path"},
	{"src", "path"},
	{"disk", "path"},
	{"path-on-host", "path"},
	{"ro", "read-only"},
	{"is-read-only", "read-only"},
	{"aio", "engine"},
	{"io", "engine"},
	{"bus", "slot"},
	{"addr", "slot"},
	{"network", "backend"},
	{"bridge", "backend"},
	{"tap", "backend"},
	{"netdev", "backend"},
	{"ports", "forward"},
	{"hostfwd", "forward"},
	{"ifname", "name"},
	{"interface", "name"},
	{"tap", "name"},
	{"hwaddr", "mac"},
	{"address", "mac"},
	{"labels", "label-size"},
	{"iops", "operations"},
	{"bytes", "bandwidth"},
	{"bps", "bandwidth"},
	{"mode", "output"},
	{"log", "output"},
	/* device types */
	{"disk", "virtio-blk"},
	{"disks", "virtio-blk"},
	{"drive", "virtio-blk"},
	{"drives", "virtio-blk"},
	{"volumes", "virtio-blk"},
	{"images", "virtio-blk"},
	{"blk", "virtio-blk"},
	{"block", "virtio-blk"},
	{"nvme", "virtio-blk"},
	{"scsi", "virtio-blk"},
	{"virtio-scsi", "virtio-blk"},
	{"ide", "virtio-blk"},
	{"cdrom", "virtio-blk"},
	{"net", "virtio-net"},
	{"nic", "virtio-net"},
	{"nics", "virtio-net"},
	{"network", "virtio-net"},
	{"networks", "virtio-net"},
	{"interface", "virtio-net"},
	{"interfaces", "virtio-net"},
	{"network-interfaces", "virtio-net"},
	{"e1000", "virtio-net"},
	{"rng", "virtio-rng"},
	{"random", "virtio-rng"},
	{"entropy", "virtio-rng"},
	{"console", "virtio-console"},
	{"tty", "serial"},
	{"uart", "serial"},
	{"isa-serial", "serial"},
	{"serial", "serial"},
	{"pmem", "virtio-pmem"},
	/* outputs and backends */
	{"stdio", "terminal"},
	{"stdout", "terminal"},
	{"tty", "terminal"},
	{"none", "off"},
	{"unix", "socket"},
	{"log", "file"},
	{"bridge", "tap"},
	{"nat", "user"},
	{"slirp", "user"},
	{"passt", "user"},
	/* other values */
	{"restart", "reboot"},
	{"halt", "stop"},
	{"poweroff", "stop"},
	{"shutdown", "stop"},
	{"destroy", "stop"},
	{"native", "io_uring"},
	{"uring", "io_uring"},
	{"never", "off"},
	{"always", "allowed"},
};

static bool same_word(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		char c = *a == '_' ? '-' : *a;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 'a' - 'A');
		if (c != *b)
			return false;
	}
	return !*a && !*b;
}

const char *check_word_meant(const char *word, const char *const *known, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!same_word(word, words[i][0]))
			continue;
		for (size_t j = 0; j < n; j++)
			if (strcmp(known[j], words[i][1]) == 0)
				return known[j];
	}
	return suggest(word, known, n);
}

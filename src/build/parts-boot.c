/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start of the guest: firmware tables and kernel into memory, registers into the first vCPU,
 * go. It is the last part that is committed, and so the first that is taken away.
 */
#include <config.h>
#include <errno.h>
#include <string.h>

#include "acpi/acpi.h"
#include "acpi/reset-vector.h"
#include "base/arena.h"
#include "boot/boot.h"
#include "boot/smbios.h"
#include "build/parts-internal.h"
#include "devices/platform/nvdimm-bus.h"
#include "devices/platform/pci-hotplug.h"
#include "graph/memory-layout.h"
#include "machine/build.h"
#include "machine/layout.h"
#include "schema/config.h"

struct boot_part {
	struct boot *boot;
	const struct graph_node *node;
};

void parts_boot_source(const struct graph_node *node, struct boot_source *ret)
{
	const struct config_boot *config = node->config;

	*ret = (struct boot_source){
		.node = node,
		.kernel = config->kernel,
		.firmware = config->firmware,
		.initramfs = config->initramfs,
		.cmdline = config->cmdline,
		.protocol = (enum boot_protocol)config->protocol,
	};
}

static int boot_part_prepare(void *context, const struct graph_node *node, void **ret_object,
			     struct diag_list *diags)
{
	struct boot_source source;
	struct boot_part *part = calloc(1, sizeof(*part));
	int r;

	if (!part)
		return -ENOMEM;
	part->node = node;
	parts_boot_source(node, &source);
	r = boot_prepare(&source, &part->boot, diags);
	if (r < 0) {
		free(part);
		return r;
	}
	*ret_object = part;
	return 0;
}

static bool has_serial(const struct graph *graph)
{
	const struct graph_node *node;
	size_t i;

	graph_for_each_node (graph, node, i)
		if (node->irq == IRQ_COM1)
			return true;
	return false;
}

static int write_acpi(struct parts *parts, uint64_t *ret_rsdp)
{
	cleanup_arena struct arena *arena = arena_create();
	struct memory_layout layout;
	struct machine_cpus cpus;
	struct acpi_machine acpi = {
		.mmio64_base = parts->graph->mmio64_base,
		.mmio64_end = parts->graph->mmio64_end,
		.pci = true,
		.pci_hotplug = PCI_HOTPLUG,
		.serial = has_serial(parts->graph),
		.rtc = true,
	};
	uint8_t nfit[NFIT_MAX_SIZE];
	uint32_t *apic_ids;

	if (NVDIMM) {
		acpi.nvdimm = true;
		acpi.nfit = nfit;
		acpi.nfit_size = nvdimm_bus_fit(parts->nvdimms, nfit);
	}
	parts_cpus(graph_find(parts->graph, "cpus"), &cpus, arena);
	apic_ids = arena_new_array(arena, cpus.max, uint32_t);
	for (unsigned i = 0; i < cpus.max; i++)
		apic_ids[i] = cpu_topology_apic_id(&cpus.topology, i);
	acpi.apic_ids = apic_ids;
	acpi.n_cpus = cpus.count;
	acpi.max_cpus = cpus.max;
	acpi.cpu_hotplug = parts_cpus_can_change(graph_find(parts->graph, "cpus"));
	if (parts->graph->config->memory.hotplug == CONFIG_MEMORY_HOTPLUG_ACPI) {
		memory_layout(&parts->graph->config->memory, &layout);
		acpi.dimm_base = layout.base;
		acpi.dimm_size = layout.block;
		acpi.n_dimms = layout.n_blocks;
	}
	return acpi_write(&acpi, machine_memory(parts->machine), ret_rsdp);
}

static int write_smbios(struct parts *parts)
{
	cleanup_arena struct arena *arena = arena_create();
	const struct config_machine *config = parts->graph->config;
	struct machine_cpus cpus;
	struct smbios_machine smbios;

	parts_cpus(graph_find(parts->graph, "cpus"), &cpus, arena);
	smbios = (struct smbios_machine){
		.serial = config->smbios.serial,
		.uuid = config->smbios.has_uuid ? config->smbios.uuid.bytes : NULL,
		.name = config->name,
		.version = PACKAGE_VERSION,
		.sockets = cpus.topology.sockets,
		.cores = cpus.topology.cores * cpus.topology.dies,
		.threads = cpus.topology.cores * cpus.topology.dies * cpus.topology.threads,
		.ram_size = config->memory.size,
	};
	return smbios_write(&smbios, machine_memory(parts->machine));
}

static int set_registers(struct parts *parts, const struct boot_entry *entry)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	int r;

	r = machine_get_boot_registers(parts->machine, &regs, &sregs);
	if (r < 0)
		return r;
	boot_entry_apply(entry, &regs, &sregs);
	return machine_set_boot_registers(parts->machine, &regs, &sregs);
}

static int boot_part_commit(void *context, void *object, struct diag_list *diags)
{
	struct parts *parts = context;
	struct boot_part *part = object;
	uint64_t size = parts->graph->config->memory.size;
	const struct boot_ram ram[] = {
		{0, MIN(size, (uint64_t)LAYOUT_RAM_SPLIT)},
		{LAYOUT_RAM_HIGH, size > LAYOUT_RAM_SPLIT ? size - LAYOUT_RAM_SPLIT : 0},
	};
	struct boot_machine machine = {
		.memory = machine_memory(parts->machine),
		.ram = ram,
		.n_ram = size > LAYOUT_RAM_SPLIT ? 2 : 1,
		.memory_is_zero = true,
		.node = part->node,
	};
	struct boot_entry entry;
	int r;

	r = write_acpi(parts, &machine.rsdp);
	if (r >= 0)
		r = write_smbios(parts);
	if (r >= 0)
		r = reset_vector_write(machine_memory(parts->machine));
	if (r < 0) {
		diag_add(diags, "E0491", DIAG_ERROR, part->node->span,
			 "the firmware tables of the guest do not fit: %s", strerror(-r));
		return r;
	}
	r = boot_load(part->boot, &machine, &entry, diags);
	if (r < 0)
		return r;
	r = set_registers(parts, &entry);
	if (r < 0) {
		diag_add(diags, "E0492", DIAG_ERROR, part->node->span,
			 "KVM refused the registers the guest starts with: %s", strerror(-r));
		return r;
	}
	if (PCI_HOTPLUG)
		pci_hotplug_start(parts->pci_hotplug);
	if (NVDIMM)
		nvdimm_bus_start(parts->nvdimms);
	return machine_start(parts->machine, diags);
}

static void boot_part_destroy(void *context, void *object)
{
	struct parts *parts = context;
	struct boot_part *part = object;

	machine_stop(parts->machine);
	boot_destroy(part->boot);
	free(part);
}

const struct part_ops parts_boot_ops = {
	.prepare = boot_part_prepare,
	.commit = boot_part_commit,
	.destroy = boot_part_destroy,
};

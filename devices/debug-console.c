/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A debug console: a port that takes bytes, 0xe9 of Bochs or 0x402 of EDK II. Reading it gives
 * 0xe9, by which a guest finds it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "console/console.h"
#include "graph/graph.h"
#include "machine/address-space.h"
#include "machine/layout.h"
#include "machine/machine.h"
#include "schema/config.h"

#define SIGNATURE 0xe9

struct debug_console {
	struct device device;
	struct console *console;
	uint16_t port;
};

static struct debug_console *to_debug(struct device *device)
{
	return container_of(device, struct debug_console, device);
}

static uint64_t debug_read(void *opaque, uint64_t offset, unsigned size)
{
	return SIGNATURE;
}

static void debug_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct debug_console *debug = opaque;
	uint8_t byte = (uint8_t)value;

	console_write(debug->console, &byte, 1);
}

static const struct io_ops debug_ops = {.read = debug_read, .write = debug_write};

static void debug_needs(const struct graph_node *node, struct device_needs *needs,
			struct arena *arena)
{
	const struct debug_console_config *config = node->config;

	needs->irq = -1;
	needs->port = (uint16_t)config->port;
	console_needs(&config->output, "output", false, needs, arena);
}

static int debug_prepare(struct machine *machine, const struct graph_node *node,
			 struct device **ret, struct diag_list *diags)
{
	/* No input: the terminal stays as it is. */
	static const struct console_events events = {0};
	const struct debug_console_config *config = node->config;
	struct debug_console *debug = calloc(1, sizeof(*debug));
	int r;

	if (!debug)
		return -ENOMEM;
	device_init(&debug->device, machine, node);
	debug->port = (uint16_t)config->port;
	r = console_open(machine_consoles(machine), node, "output", &config->output, &events, debug,
			 &debug->console, diags);
	if (r < 0) {
		free(debug);
		return r;
	}
	*ret = &debug->device;
	return 0;
}

static int debug_commit(struct device *device, struct diag_list *diags)
{
	struct debug_console *debug = to_debug(device);
	struct io_region region = {
		.name = "debug-console",
		.base = debug->port,
		.size = 1,
		.ops = &debug_ops,
		.opaque = debug,
	};

	console_start(debug->console);
	return address_space_add(machine_pio(device->machine), &region);
}

static int debug_prepare_update(struct device *device, const struct graph_node *node,
				struct diag_list *diags)
{
	const struct debug_console_config *config = node->config;

	return console_prepare(to_debug(device)->console, node, "output", &config->output, diags);
}

static void debug_cancel_update(struct device *device)
{
	console_cancel(to_debug(device)->console);
}

static int debug_update(struct device *device, const struct graph_node *node,
			struct diag_list *diags)
{
	const struct debug_console_config *config = node->config;

	return console_update(to_debug(device)->console, node, "output", &config->output, diags);
}

static void debug_destroy(struct device *device)
{
	struct debug_console *debug = to_debug(device);
	struct address_space *pio = machine_pio(device->machine);

	if (device->committed) {
		address_space_remove(pio, debug->port);
		address_space_quiesce(pio);
	}
	console_close(debug->console);
	free(debug);
}

const struct device_type device_debug_console = {
	.name = "debug-console",
	.bus = DEVICE_BUS_PLATFORM,
	.needs = debug_needs,
	.prepare = debug_prepare,
	.commit = debug_commit,
	.prepare_update = debug_prepare_update,
	.cancel_update = debug_cancel_update,
	.update = debug_update,
	.destroy = debug_destroy,
};

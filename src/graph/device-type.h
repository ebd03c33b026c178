/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device contract: what every devices/TYPE.c gives to the graph (what it needs) and to the
 * builder (how it comes and goes). The structures of the running machine are opaque here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct device;
struct diag_list;
struct graph_node;
struct json_t;
struct machine;
struct schema;
struct strbuf;

enum device_bus {
	DEVICE_BUS_PCI,      /* takes a slot on the host bridge */
	DEVICE_BUS_PLATFORM, /* fixed ports or addresses, an IOAPIC pin */
	DEVICE_BUS_NVDIMM,   /* takes a slot of the NVDIMM root device */
};

#define DEVICE_MAX_BARS 6

/* What a device takes from the machine, as a function of its configuration alone. */
struct device_needs {
	unsigned msi_vectors;                /* MSI-X vectors, 0 for none */
	uint64_t bar_sizes[DEVICE_MAX_BARS]; /* bytes, a power of two; 0 for none; all are 64-bit */
	unsigned memory_slots;               /* KVM memory slots */
	uint64_t memory_size; /* guest-physical memory that is no BAR, bytes; 0: none */
	int irq;              /* the IOAPIC pin of a platform device, -1 for none */
	uint16_t port;        /* the I/O port that the property `port` gives it, 0 for none */
	/*
	 * Host things that no second device may have: "write:/path", "tap:name", "mac:…". Two nodes
	 * with the same key are an error of the description.
	 */
	struct {
		const char *key;
		const char *property; /* the property that asks for it, "path" or "backend.tap" */
	} exclusive[8];
	unsigned n_exclusive;
};

/**
 * struct device_type - one type of device a description can name
 *
 * The life of a device: prepare → commit → (update)* → request_unplug → destroy. A type without
 * update has no live properties but those of every device. All run on the main thread. Errors:
 * prepare, commit and update add a diagnostic that points into the file (graph_node_span()) for
 * what a person can mend, and return a negative errno.
 */
struct device_type {
	const char *name; /* "virtio-blk" */
	enum device_bus bus;
	bool singleton; /* at most one in a machine */

	/* Optional. Fills @needs from the configuration; no side effects, no host access. */
	void (*needs)(const struct graph_node *node, struct device_needs *needs,
		      struct arena *arena);

	/*
	 * Optional. What no schema can say of the properties of one device: a diagnostic E0317 for
	 * each that does not go with the others. No side effects, no host access.
	 */
	void (*check)(const struct graph_node *node, struct diag_list *diags);

	/*
	 * Opens, allocates, checks: may fail; the guest sees nothing. What it took it gives back in
	 * destroy. The node's configuration does not outlive the generation: copy what is kept.
	 */
	int (*prepare)(struct machine *machine, const struct graph_node *node,
		       struct device **ret_device, struct diag_list *diags);

	/* Plugs it in: must not fail for a reason that prepare could have seen. */
	int (*commit)(struct device *device, struct diag_list *diags);

	/*
	 * Opens what an update will need; nobody sees it. update() or cancel_update() follows, with
	 * @node still there. Optional.
	 */
	int (*prepare_update)(struct device *device, const struct graph_node *node,
			      struct diag_list *diags);
	void (*cancel_update)(struct device *device);

	/*
	 * Changes properties marked `x-change: live`; @node is the wanted node. On undo it goes
	 * back to the old one without having been prepared. Optional.
	 */
	int (*update)(struct device *device, const struct graph_node *node,
		      struct diag_list *diags);

	/*
	 * Looks at what the host has behind the device, which may have changed by itself (a file
	 * that grew): after every reading of the description. @node: as it runs. Optional.
	 */
	void (*refresh)(struct device *device, const struct graph_node *node,
			struct diag_list *diags);

	/*
	 * Asks the guest to let go; asynchronous, machine_device_unplugged() is called when it has.
	 * NULL where a device cannot go while the guest runs.
	 */
	int (*request_unplug)(struct device *device);

	/*
	 * Takes the request back: the description wants the device again. A guest that has heard of
	 * the request may let go all the same. Optional.
	 */
	void (*cancel_unplug)(struct device *device);

	/* Adds what keeps the device in the guest that was asked for it, if that is known.
	 * Optional. */
	void (*explain_unplug)(struct device *device, struct strbuf *why);

	/* Adds what has gone wrong with the device for good, if something has, for people.
	 * Optional. */
	void (*explain_loss)(struct device *device, struct strbuf *why);

	/*
	 * Takes the device out of the machine if it was committed, and frees it. The builder calls
	 * it after the guest let go, on undo, and at the end of the machine with vCPUs stopped.
	 */
	void (*destroy)(struct device *device);

	/* To the state after power-on, with vCPUs stopped. Optional. */
	void (*reset)(struct device *device);

	/* Stop and go on touching guest memory and host resources. Optional. */
	void (*pause)(struct device *device);
	void (*resume)(struct device *device);
};

/* The base of every device object: the first member of the model's own structure. */
struct device {
	const struct device_type *type;
	struct machine *machine;
	/* The key in `devices`; for logs: an edit may rename the device while other threads read
	 * it. */
	char id[64];
	bool committed;
};

/* All types that are built in, ended by NULL (made from devices/devices.list). */
extern const struct device_type *const device_types[];

/* What `memory.hotplug: virtio-mem` makes: no description names it. */
extern const struct device_type device_virtio_mem;

/* The built-in type called @name, or NULL. */
const struct device_type *device_type_find(const char *name);

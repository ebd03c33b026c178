/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile guests that bring devices up, and then break what they gave them; and one that shouts. */
#include <linux/serial_reg.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#include "hostile.h"

#define COMMON(field) __builtin_offsetof(struct virtio_pci_common_cfg, field)

enum { MAX_QUEUES = 8 };

static void linger(void)
{
	for (unsigned i = 0; i < 20000; i++)
		pause();
}

/* --- Queues at addresses and of sizes that cannot be, enabled, kicked and reset in any order. ---
 */

static void poke_queue(struct virtio_device *device, uint16_t index)
{
	uint64_t common = device->common;

	write16(common + COMMON(queue_select), index);
	if (one_in(3))
		write16(common + COMMON(queue_size), (uint16_t)rnd_value());
	for (uint64_t at = COMMON(queue_desc_lo); at <= COMMON(queue_used_hi); at += 8) {
		uint64_t address = rnd_address();

		write32(common + at, (uint32_t)address);
		write32(common + at + 4, (uint32_t)(address >> 32));
	}
	write16(common + COMMON(queue_enable), (uint16_t)(one_in(8) ? rnd_value() : 1));
}

/* Anything in the playground may be a ring: let it be full of small numbers and its own addresses.
 */
static void fill_playground(unsigned words)
{
	for (unsigned i = 0; i < words; i++)
		write64(playground() + (rnd() & (PLAYGROUND_SIZE - 8)),
			one_in(2) ? rnd_value() : rnd_address());
}

static void queues_round(void)
{
	struct virtio_device device = {0};

	while (next_virtio(&device)) {
		for (unsigned i = 0; i < 60; i++) {
			bool started = hostile_start(&device);

			fill_playground(2000);
			for (uint16_t q = 0; q < 3; q++)
				poke_queue(&device, q);
			if (started || one_in(2))
				virtio_driver_ok(&device);
			for (uint16_t q = 0; q < 4; q++)
				write16(device.notify + (uint64_t)q * device.notify_multiplier, q);
			linger();
		}
		write8(device.common + COMMON(device_status), 0);
	}
}

const struct hostile hostile_queues = {"queues", queues_round};

/* --- Good queues with bad rings: loops, lengths, addresses, indices that jump. --- */

static void poke_descriptor(struct vring_desc *desc, uint16_t size)
{
	*desc = (struct vring_desc){
		.addr = rnd_address(),
		.len = (uint32_t)(one_in(2) ? rnd_value() : rnd_below(8192)),
		.flags = (uint16_t)(one_in(8) ? rnd_value() : rnd_below(8)),
		.next = (uint16_t)(one_in(8) ? rnd_value() : rnd_below(size)),
	};
}

static void poke_ring(struct virtqueue *queue)
{
	for (unsigned i = 0; i < queue->size; i++) {
		poke_descriptor(&queue->desc[i], queue->size);
		queue->avail->ring[i] =
			(uint16_t)(one_in(8) ? rnd_value() : rnd_below(queue->size));
	}
	/* A loop through all of them, which only a bound can end. */
	if (one_in(4))
		for (unsigned i = 0; i < queue->size; i++) {
			queue->desc[i].flags = VRING_DESC_F_NEXT;
			queue->desc[i].next = (uint16_t)((i + 1) % queue->size);
		}
	/* Tables of descriptors for those that are indirect, loops and tables in tables as well. */
	for (unsigned i = 0; i < 1024; i++)
		poke_descriptor((void *)(playground() + (rnd() & (PLAYGROUND_SIZE - 16) & ~15ULL)),
				64);
}

static void shake_queues(struct virtqueue *queues, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct virtqueue *queue = &queues[i];

		poke_ring(queue);
		barrier();
		queue->avail->flags = (uint16_t)rnd_below(2);
		*(volatile uint16_t *)&queue->avail->idx +=
			(uint16_t)(one_in(4) ? rnd_value() : rnd_below(queue->size));
		virtqueue_kick(queue);
	}
}

static void rings_of(struct virtio_device *device)
{
	struct virtqueue queues[MAX_QUEUES];
	uint64_t at = playground();
	unsigned n = 0;

	if (!hostile_start(device))
		return;
	for (; n < MAX_QUEUES; n++) {
		uint64_t size = hostile_queue(device, &queues[n], (uint16_t)n, at);

		if (!size)
			break;
		at += size;
	}
	virtio_driver_ok(device);
	for (unsigned i = 0; i < 4; i++) {
		shake_queues(queues, n);
		linger();
	}
	/* Sometimes the next start finds requests of this one in flight. */
	if (one_in(2))
		write8(device->common + COMMON(device_status), 0);
}

static void rings_round(void)
{
	struct virtio_device device = {0};

	while (next_virtio(&device))
		for (unsigned i = 0; i < 30; i++)
			rings_of(&device);
}

const struct hostile hostile_rings = {"rings", rings_round};

/* --- Good rings with bad requests. --- */

enum { REQUESTS = PLAYGROUND_SIZE / 2 }; /* offset of what the chains point to */

/* Headers of any device: small numbers where types and commands are, anything where sectors are. */
static uint64_t make_piece(bool small)
{
	uint64_t at = playground() + REQUESTS + (rnd() & (REQUESTS / 2 - 1));

	for (unsigned i = 0; i < 8; i++)
		write32(at + 4ULL * i, (uint32_t)(small ? rnd_below(16) : rnd_value()));
	return at;
}

static void make_chain(struct virtqueue *queue, uint16_t head, unsigned n)
{
	static const uint32_t lengths[] = {0,  1,   2,   8,   10,   12,    15,     16,
					   17, 511, 512, 513, 4096, 65536, 1 << 20};
	bool writable = one_in(4);

	for (unsigned i = 0; i < n; i++) {
		struct vring_desc *desc = &queue->desc[(head + i) % queue->size];

		if (one_in(3) || i + 1 == n)
			writable = !one_in(6);
		desc->addr = make_piece(i == 0 || one_in(2));
		desc->len = lengths[rnd_below(sizeof(lengths) / sizeof(lengths[0]))];
		desc->flags = (uint16_t)((writable ? VRING_DESC_F_WRITE : 0) |
					 (i + 1 < n ? VRING_DESC_F_NEXT : 0));
		desc->next = (uint16_t)((head + i + 1) % queue->size);
	}
}

static void requests_of(struct virtio_device *device)
{
	struct virtqueue queues[MAX_QUEUES];
	uint64_t at = playground();
	unsigned n = 0;

	if (!hostile_start(device))
		return;
	for (; n < MAX_QUEUES; n++) {
		uint64_t size = hostile_queue(device, &queues[n], (uint16_t)n, at);

		if (!size)
			break;
		at += size;
	}
	virtio_driver_ok(device);
	for (unsigned i = 0; i < 40 * n; i++) {
		struct virtqueue *queue = &queues[rnd_below(n)];
		unsigned length = 1 + rnd_below(one_in(8) ? queue->size : 5);
		uint16_t head = queue->next_free;

		make_chain(queue, head, length);
		queue->next_free = (uint16_t)((head + length) % queue->size);
		queue->avail->ring[queue->avail->idx % queue->size] = head;
		barrier();
		*(volatile uint16_t *)&queue->avail->idx = (uint16_t)(queue->avail->idx + 1);
		virtqueue_kick(queue);
		if (one_in(4))
			linger();
		if (device->specific && one_in(8))
			poke_around(device->specific, 64, 4);
	}
	write8(device->common + COMMON(device_status), 0);
}

static void requests_round(void)
{
	struct virtio_device device = {0};

	while (next_virtio(&device))
		for (unsigned i = 0; i < 6; i++)
			requests_of(&device);
}

const struct hostile hostile_requests = {"requests", requests_round};

/* --- A guest that shouts: on the serial port, the debug console and the POST port, without end.
 * --- */

static void serial_round(void)
{
	for (unsigned i = 0; i < 6000; i++) {
		out8(PORT_COM1 + UART_TX, (uint8_t)rnd());
		out8(PORT_DEBUGCON, (uint8_t)rnd());
		out8(PORT_POST, (uint8_t)rnd());
		if (one_in(4))
			poke_port((uint16_t)(PORT_COM1 + rnd_below(8)), 1u << rnd_below(3),
				  (uint32_t)rnd_value());
		if (one_in(4))
			peek_port((uint16_t)(PORT_COM1 + rnd_below(8)), 1u << rnd_below(3));
	}
}

const struct hostile hostile_serial = {"serial", serial_round};

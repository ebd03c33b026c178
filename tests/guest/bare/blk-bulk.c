/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves 256 MiB through the first virtio-blk and back, eight requests of 1 MiB at a time, at native
 * speed. Prints the checksum of what it wrote, which the test compares with the file on the host. A
 * disk that is smaller is filled as far as it goes.
 */
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>

#include "bare-pci.h"
#include "tests/guest/checksum.h"

enum { REQUEST = 1 << 20, DEPTH = 8, SEED = 42 };

static struct slot {
	struct virtio_blk_outhdr header;
	uint8_t status;
	uint8_t *data;
} slots[DEPTH];

static void submit(struct virtqueue *queue, struct slot *slot, uint32_t type, uint64_t offset)
{
	struct segment segments[] = {
		{&slot->header, sizeof(slot->header), false},
		{slot->data, REQUEST, type == VIRTIO_BLK_T_IN},
		{&slot->status, 1, true},
	};

	slot->header = (struct virtio_blk_outhdr){.type = type, .sector = offset / 512};
	slot->status = 0xff;
	if (!virtqueue_add(queue, segments, 3))
		fail("the ring is too small for %u requests", DEPTH);
}

/* Waits for @n requests, which the device may end in any order. */
static void await(struct virtqueue *queue, unsigned n)
{
	uint32_t head, length;

	virtqueue_kick(queue);
	for (uint64_t end = tsc() + (60ULL << 31); n;) {
		if (virtqueue_poll(queue, &head, &length))
			n--;
		else if (tsc() > end)
			fail("%u requests do not come back", n);
		else
			pause();
	}
	for (unsigned i = 0; i < DEPTH; i++)
		if (slots[i].status != VIRTIO_BLK_S_OK && slots[i].status != 0xff)
			fail("request with type %u at sector %lu: status %u", slots[i].header.type,
			     (uint64_t)slots[i].header.sector, slots[i].status);
}

static uint32_t pass(struct virtqueue *queue, uint32_t type, uint64_t total)
{
	uint32_t crc = 0;

	for (uint64_t at = 0; at < total; at += (uint64_t)DEPTH * REQUEST) {
		for (unsigned i = 0; i < DEPTH; i++) {
			uint64_t offset = at + (uint64_t)i * REQUEST;

			if (type == VIRTIO_BLK_T_OUT) {
				pattern(SEED, offset / 8, slots[i].data, REQUEST);
				crc = crc32(crc, slots[i].data, REQUEST);
			}
			submit(queue, &slots[i], type, offset);
		}
		await(queue, DEPTH);
		if (type == VIRTIO_BLK_T_IN)
			for (unsigned i = 0; i < DEPTH; i++)
				crc = crc32(crc, slots[i].data, REQUEST);
	}
	return crc;
}

bool bare_main(void)
{
	struct virtio_device device;
	struct virtqueue queue;
	uint64_t capacity, total;
	uint32_t written, read;

	if (!virtio_find(&device, VIRTIO_ID_BLOCK, 0))
		fail("there is no virtio-blk");
	virtio_start(&device, 0);
	virtio_queue(&device, &queue, 0);
	virtio_driver_ok(&device);
	capacity = read32(device.specific) | (uint64_t)read32(device.specific + 4) << 32;
	total = MIN(256 * MiB, ALIGN_DOWN(capacity * 512, (uint64_t)DEPTH * REQUEST));
	for (unsigned i = 0; i < DEPTH; i++)
		slots[i].data = allocate(REQUEST, 4096);

	written = pass(&queue, VIRTIO_BLK_T_OUT, total);
	print("BYTES=%lu\nWRITTEN=%08x\n", total, written);
	read = pass(&queue, VIRTIO_BLK_T_IN, total);
	print("READ=%08x\n", read);
	return written == read && total;
}

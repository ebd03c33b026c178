/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Persistent memory whose file is cut short while it is used. The command line is its address and
 * size in hexadecimal. The guest says READY, waits for the host to write a word into the first
 * page, and then uses what has gone: from user mode, from kernel mode, and as a buffer of the first
 * virtio-blk.
 */
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>

#include "bare-pci.h"

enum { PAGE = 4096, WORD = 0x2e747563 };

static uint64_t number(const char **text)
{
	uint64_t value = 0;

	for (; **text && **text != ' '; ++*text)
		value = value * 16 + (uint64_t)(**text <= '9' ? **text - '0' : **text - 'a' + 10);
	while (**text == ' ')
		++*text;
	return value;
}

static uint64_t kernel_read(uint64_t address)
{
	return read64(address);
}

static uint64_t kernel_write(uint64_t address)
{
	write64(address, 7);
	return read64(address);
}

static unsigned request(struct virtqueue *queue, uint32_t type, uint64_t buffer)
{
	static struct virtio_blk_outhdr header;
	static uint8_t status;
	const struct segment segments[] = {
		{&header, sizeof(header), false},
		{(const void *)buffer, PAGE, type == VIRTIO_BLK_T_IN},
		{&status, 1, true},
	};
	uint32_t head, length;

	header = (struct virtio_blk_outhdr){.type = type};
	status = 0xff;
	virtqueue_add(queue, segments, 3);
	virtqueue_kick(queue);
	for (uint64_t end = tsc() + (20ULL << 31); !virtqueue_poll(queue, &head, &length); pause())
		if (tsc() > end)
			fail("a request does not come back");
	return status;
}

bool bare_main(void)
{
	const char *text = command_line();
	uint64_t at = number(&text), size = number(&text), last = at + size - PAGE;
	struct virtio_device device;
	struct virtqueue queue;

	map(at, size);
	for (uint64_t page = at; page <= last; page += PAGE)
		write64(page + 8, 5);
	if (!virtio_find(&device, VIRTIO_ID_BLOCK, 0))
		fail("there is no virtio-blk");
	virtio_start(&device, 0);
	virtio_queue(&device, &queue, 0);
	virtio_driver_ok(&device);
	print("READY\n");
	while (read32(at) != WORD)
		pause();
	/* The first to touch what has gone is each of these in its turn; w: no end. */
	for (; *text; text++)
		switch (*text) {
		case 'w':
			for (;;)
				pause();
		case 'u':
			print("user=%lu\n", read64(last + 8));
			write64(last + 8, 6);
			print("written=%lu\n", read64(last + 8));
			break;
		case 'k':
			print("kernel=%lu\n", privileged(kernel_read, last - PAGE + 8));
			print("kernel-written=%lu\n", privileged(kernel_write, last - PAGE + 8));
			break;
		case 'i':
			print("in=%u\n", request(&queue, VIRTIO_BLK_T_IN, last - 2 * PAGE));
			break;
		case 'o':
			print("out=%u\n", request(&queue, VIRTIO_BLK_T_OUT, last - 3 * PAGE));
			break;
		}
	print("first=%lu\n", read64(at + 8));
	return true;
}

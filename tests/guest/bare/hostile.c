/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of the hostile guests: `guest=NAME seed=N rounds=N` on the command line. After each
 * round it says so and waits for a byte, so that the test can look at the machine from outside.
 */
#include <linux/pci_regs.h>
#include <linux/serial_reg.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_pci.h>

#include "hostile.h"

#define COMMON(field) __builtin_offsetof(struct virtio_pci_common_cfg, field)

static const struct hostile *const guests[] = {
	&hostile_ports, &hostile_platform, &hostile_ecam,  &hostile_cf8,      &hostile_bars,
	&hostile_msix,  &hostile_queues,   &hostile_rings, &hostile_requests, &hostile_serial,
};

static uint64_t state;

uint64_t rnd(void)
{
	return random64(&state);
}

unsigned rnd_below(unsigned n)
{
	return (unsigned)(rnd() % n);
}

bool one_in(unsigned n)
{
	return rnd_below(n) == 0;
}

uint64_t rnd_value(void)
{
	switch (rnd_below(6)) {
	case 0:
		return 0;
	case 1:
		return ~0ULL;
	case 2:
		return (1ULL << rnd_below(64)) - rnd_below(3) + 1;
	case 3:
		return rnd_below(64);
	default:
		return rnd() >> rnd_below(64);
	}
}

uint64_t playground(void)
{
	static uint64_t start;

	if (!start)
		start = ram_end() - PLAYGROUND_SIZE;
	return start;
}

uint64_t rnd_address(void)
{
	switch (rnd_below(8)) {
	case 0:
		return ram_end() - rnd_below(64);
	case 1:
		return ram_end() + (rnd() & 0xffffff);
	case 2:
		return LAYOUT_MMIO32 + (rnd() & 0x3fffffff);
	case 3:
		return ~0ULL - rnd_below(8192);
	case 4:
		return rnd() | 1ULL << (40 + rnd_below(24));
	default:
		return playground() +
		       (rnd() & (PLAYGROUND_SIZE - 1) & (one_in(4) ? ~0ULL : ~15ULL));
	}
}

unsigned rnd_width(void)
{
	return 1u << rnd_below(4);
}

void poke(uint64_t address, unsigned width, uint64_t value)
{
	switch (width) {
	case 1:
		write8(address, (uint8_t)value);
		break;
	case 2:
		write16(address, (uint16_t)value);
		break;
	case 4:
		write32(address, (uint32_t)value);
		break;
	default:
		write64(address, value);
	}
}

void peek(uint64_t address, unsigned width)
{
	switch (width) {
	case 1:
		read8(address);
		break;
	case 2:
		read16(address);
		break;
	case 4:
		read32(address);
		break;
	default:
		read64(address);
	}
}

/* Takes out of @value what would end the machine if it came to @port. */
static uint8_t disarm(uint16_t port, uint8_t value)
{
	switch (port) {
	case PORT_ACPI_SLEEP_CONTROL:
		return value & (uint8_t)~0x20; /* SLP_EN */
	case PORT_ACPI_RESET:
		return 0;
	case PORT_I8042:
	case PORT_I8042_COMMAND:
		return value | 1; /* the reset line, which is active low */
	case PORT_PCI_CONFIG + 1: /* the reset control register of a PC */
		return value & (uint8_t)~4;
	default:
		return value;
	}
}

void poke_port(uint16_t port, unsigned width, uint32_t value)
{
	uint32_t safe = 0;

	for (unsigned i = 0; i < width; i++)
		safe |= (uint32_t)disarm((uint16_t)(port + i), (uint8_t)(value >> (8 * i)))
			<< (8 * i);
	if (width == 1)
		out8(port, (uint8_t)safe);
	else if (width == 2)
		out16(port, (uint16_t)safe);
	else
		out32(port, safe);
}

void peek_port(uint16_t port, unsigned width)
{
	if (width == 1)
		in8(port);
	else if (width == 2)
		in16(port);
	else
		in32(port);
}

void poke_around(uint64_t base, uint64_t size, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned width = rnd_width();
		uint64_t at = base + rnd() % size;

		if (!one_in(8))
			at = ALIGN_DOWN(at, (uint64_t)width);
		if (one_in(3))
			peek(at, width);
		else
			poke(at, width, rnd_value());
	}
}

bool next_virtio(struct virtio_device *device)
{
	static const uint8_t types[] = {VIRTIO_ID_NET, VIRTIO_ID_BLOCK, VIRTIO_ID_CONSOLE,
					VIRTIO_ID_RNG, VIRTIO_ID_PMEM,  VIRTIO_ID_MEM};
	struct virtio_device found;
	unsigned best = PCI_SLOTS;

	for (unsigned i = 0; i < sizeof(types); i++)
		for (unsigned n = 0; virtio_find(&found, types[i], n); n++)
			if (found.pci.slot > device->pci.slot && found.pci.slot < best)
				best = found.pci.slot;
	for (unsigned i = 0; i < sizeof(types) && best < PCI_SLOTS; i++)
		for (unsigned n = 0; virtio_find(&found, types[i], n); n++)
			if (found.pci.slot == best) {
				*device = found;
				return true;
			}
	return false;
}

bool hostile_start(struct virtio_device *device)
{
	uint64_t common = device->common, mask = one_in(2) ? ~0ULL : rnd(), offered = 0;

	write8(common + COMMON(device_status), 0);
	read8(common + COMMON(device_status));
	write8(common + COMMON(device_status),
	       VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	for (uint32_t word = 0; word < 2; word++) {
		write32(common + COMMON(device_feature_select), word);
		offered |= (uint64_t)read32(common + COMMON(device_feature)) << (32 * word);
	}
	device->features = offered & (mask | 1ULL << VIRTIO_F_VERSION_1);
	for (uint32_t word = 0; word < 2; word++) {
		write32(common + COMMON(guest_feature_select), word);
		write32(common + COMMON(guest_feature),
			(uint32_t)(device->features >> (32 * word)));
	}
	write8(common + COMMON(device_status),
	       VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK);
	return read8(common + COMMON(device_status)) & VIRTIO_CONFIG_S_FEATURES_OK;
}

static void write_address(uint64_t at, uint64_t address)
{
	write32(at, (uint32_t)address);
	write32(at + 4, (uint32_t)(address >> 32));
}

uint64_t hostile_queue(struct virtio_device *device, struct virtqueue *queue, uint16_t index,
		       uint64_t at)
{
	uint64_t common = device->common;
	uint64_t avail_at, used_at, end;

	*queue = (struct virtqueue){.device = device, .index = index};
	write16(common + COMMON(queue_select), index);
	queue->size = read16(common + COMMON(queue_size));
	if (!queue->size)
		return 0;
	if (queue->size > VIRTQUEUE_SIZE_MAX)
		queue->size = VIRTQUEUE_SIZE_MAX;
	write16(common + COMMON(queue_size), queue->size);
	avail_at = at + sizeof(*queue->desc) * queue->size;
	used_at = ALIGN_UP(avail_at + sizeof(*queue->avail) + 2ULL * queue->size + 2, 16);
	end = used_at + sizeof(*queue->used) + sizeof(queue->used->ring[0]) * queue->size + 2;
	queue->desc = (void *)at;
	queue->avail = (void *)avail_at;
	queue->used = (void *)used_at;
	for (uint64_t p = at; p < end; p += 8)
		write64(p, 0);
	write_address(common + COMMON(queue_desc_lo), at);
	write_address(common + COMMON(queue_avail_lo), avail_at);
	write_address(common + COMMON(queue_used_lo), used_at);
	queue->doorbell = device->notify + (uint64_t)read16(common + COMMON(queue_notify_off)) *
						   device->notify_multiplier;
	write16(common + COMMON(queue_enable), 1);
	return ALIGN_UP(end, 4096) - at;
}

/* --- The frame. --- */

static bool starts_with(const char *text, const char *word)
{
	while (*word)
		if (*text++ != *word++)
			return false;
	return true;
}

/* What stands behind @key in the command line, or "". */
static const char *argument(const char *key)
{
	for (const char *at = command_line(); *at; at++)
		if (starts_with(at, key)) {
			while (*key++)
				at++;
			return at;
		}
	return "";
}

static uint64_t number(const char *text, uint64_t otherwise)
{
	uint64_t value = 0;

	if (*text < '0' || *text > '9')
		return otherwise;
	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (uint64_t)(*text - '0');
	return value;
}

static void mend_serial(void)
{
	out8(PORT_COM1 + UART_MCR, 0);
	out8(PORT_COM1 + UART_LCR, UART_LCR_WLEN8);
	out8(PORT_COM1 + UART_IER, 0);
	out8(PORT_COM1 + UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
}

static void await_byte(void)
{
	while (!(in8(PORT_COM1 + UART_LSR) & UART_LSR_DR))
		for (unsigned i = 0; i < 10000; i++)
			pause();
	in8(PORT_COM1 + UART_RX);
}

bool bare_main(void)
{
	const char *name = argument("guest=");
	uint64_t rounds = number(argument("rounds="), 4);
	const struct hostile *guest = NULL;

	for (unsigned i = 0; i < sizeof(guests) / sizeof(guests[0]); i++)
		if (starts_with(name, guests[i]->name))
			guest = guests[i];
	if (!guest)
		fail("no guest '%s'", name);
	state = number(argument("seed="), 1);
	for (uint64_t n = 1; n <= rounds; n++) {
		guest->round();
		mend_serial();
		print("\nROUND %lu\n", n);
		await_byte();
	}
	return true;
}

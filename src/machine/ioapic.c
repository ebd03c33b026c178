/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The IOAPIC.
 *
 * An edge is remembered while its pin is masked and delivered when the mask goes, so a guest that
 * masks for a moment loses nothing. A level is delivered once, sets "remote IRR", and again after
 * the guest has ended the interrupt if the pin is still driven.
 */
#include <pthread.h>
#include <stdlib.h>

#include "machine/ioapic.h"
#include "machine/layout.h"

/* Offsets in the page. */
#define IOREGSEL 0x00
#define IOWIN    0x10
#define IOEOI    0x40

/* Indirect registers. */
#define REG_ID      0x00
#define REG_VERSION 0x01
#define REG_ARB     0x02
#define REG_TABLE   0x10 /* two for each pin */

#define VERSION ((IOAPIC_PINS - 1) << 16 | 0x20)

/* Redirection entry. */
#define RTE_VECTOR        0xffULL
#define RTE_DELIVERY      (7ULL << 8)
#define RTE_LOGICAL       (1ULL << 11)
#define RTE_STATUS        (1ULL << 12)
#define RTE_POLARITY      (1ULL << 13)
#define RTE_REMOTE_IRR    (1ULL << 14)
#define RTE_LEVEL         (1ULL << 15)
#define RTE_MASKED        (1ULL << 16)
#define RTE_EXT_DEST(rte) ((rte) >> 49 & 0x7f) /* KVM_FEATURE_MSI_EXT_DEST_ID */
#define RTE_DEST(rte)     ((rte) >> 56)
#define RTE_WRITABLE                                                                       \
	(RTE_VECTOR | RTE_DELIVERY | RTE_LOGICAL | RTE_POLARITY | RTE_LEVEL | RTE_MASKED | \
	 0xfffeULL << 48)

/* Messages (SDM 3, "Message Signalled Interrupts"). */
#define MSI_BASE        0xfee00000ULL
#define MSI_DEST_SHIFT  12
#define MSI_EXT_SHIFT   5
#define MSI_LOGICAL     (1ULL << 2)
#define MSI_DATA_ASSERT (1u << 14)
#define MSI_DATA_LEVEL  (1u << 15)
#define MSI_DATA_COPIED 0x7ffu /* vector and delivery mode are where they are in the entry */

struct pin {
	uint64_t rte;
	uint64_t routed_address; /* what KVM was told last, for level pins */
	uint32_t routed_data;
	bool routed;
	bool line;    /* driven */
	bool pending; /* an edge that is not delivered yet */
};

struct ioapic {
	pthread_mutex_t lock;
	const struct ioapic_ops *ops;
	void *opaque;
	uint8_t select;
	uint8_t id;
	struct pin pins[IOAPIC_PINS];
};

struct ioapic *ioapic_create(const struct ioapic_ops *ops, void *opaque)
{
	struct ioapic *ioapic = calloc(1, sizeof(*ioapic));

	if (!ioapic)
		return NULL;
	pthread_mutex_init(&ioapic->lock, NULL);
	ioapic->ops = ops;
	ioapic->opaque = opaque;
	for (unsigned i = 0; i < IOAPIC_PINS; i++)
		ioapic->pins[i].rte = RTE_MASKED;
	return ioapic;
}

struct ioapic *ioapic_destroy(struct ioapic *ioapic)
{
	if (!ioapic)
		return NULL;
	pthread_mutex_destroy(&ioapic->lock);
	free(ioapic);
	return NULL;
}

static uint64_t message_address(uint64_t rte)
{
	return MSI_BASE | RTE_DEST(rte) << MSI_DEST_SHIFT | RTE_EXT_DEST(rte) << MSI_EXT_SHIFT |
	       (rte & RTE_LOGICAL ? MSI_LOGICAL : 0);
}

static uint32_t message_data(uint64_t rte)
{
	return (uint32_t)(rte & MSI_DATA_COPIED) | MSI_DATA_ASSERT |
	       (rte & RTE_LEVEL ? MSI_DATA_LEVEL : 0);
}

/* Tells KVM of a level pin that can fire, before it does. */
static void route(struct ioapic *ioapic, unsigned i)
{
	struct pin *pin = &ioapic->pins[i];
	uint64_t address = message_address(pin->rte);
	uint32_t data = message_data(pin->rte);

	if (!(pin->rte & RTE_LEVEL) || pin->rte & RTE_MASKED)
		return;
	if (pin->routed && pin->routed_address == address && pin->routed_data == data)
		return;
	pin->routed = true;
	pin->routed_address = address;
	pin->routed_data = data;
	ioapic->ops->route(ioapic->opaque, i, address, data);
}

/* Delivers what the pin has to deliver now. */
static void service(struct ioapic *ioapic, unsigned i)
{
	struct pin *pin = &ioapic->pins[i];

	if (pin->rte & RTE_MASKED)
		return;
	if (pin->rte & RTE_LEVEL) {
		if (!pin->line || pin->rte & RTE_REMOTE_IRR)
			return;
		pin->rte |= RTE_REMOTE_IRR;
	} else {
		if (!pin->pending)
			return;
		pin->pending = false;
	}
	ioapic->ops->deliver(ioapic->opaque, i, message_address(pin->rte), message_data(pin->rte));
}

void ioapic_set_level(struct ioapic *ioapic, unsigned i, bool level)
{
	struct pin *pin;

	if (i >= IOAPIC_PINS)
		return;
	pthread_mutex_lock(&ioapic->lock);
	pin = &ioapic->pins[i];
	if (level && !pin->line && !(pin->rte & RTE_LEVEL))
		pin->pending = true;
	pin->line = level;
	service(ioapic, i);
	pthread_mutex_unlock(&ioapic->lock);
}

static void end_of_interrupt(struct ioapic *ioapic, uint8_t vector)
{
	for (unsigned i = 0; i < IOAPIC_PINS; i++) {
		struct pin *pin = &ioapic->pins[i];

		if ((pin->rte & RTE_VECTOR) != vector || !(pin->rte & RTE_REMOTE_IRR))
			continue;
		pin->rte &= ~RTE_REMOTE_IRR;
		service(ioapic, i);
	}
}

void ioapic_eoi(struct ioapic *ioapic, uint8_t vector)
{
	pthread_mutex_lock(&ioapic->lock);
	end_of_interrupt(ioapic, vector);
	pthread_mutex_unlock(&ioapic->lock);
}

static void write_entry(struct ioapic *ioapic, unsigned i, unsigned half, uint32_t value)
{
	struct pin *pin = &ioapic->pins[i];
	uint64_t half_mask = half ? 0xffffffffULL << 32 : 0xffffffffULL;
	uint64_t writable = RTE_WRITABLE & half_mask;

	pin->rte = (pin->rte & ~writable) | ((half ? (uint64_t)value << 32 : value) & writable);
	if (pin->rte & RTE_LEVEL)
		pin->pending = false;
	else
		/* Drivers of chips without the EOI register clear it this way. */
		pin->rte &= ~RTE_REMOTE_IRR;
	route(ioapic, i);
	service(ioapic, i);
}

static uint32_t read_register(const struct ioapic *ioapic)
{
	uint8_t reg = ioapic->select;

	if (reg >= REG_TABLE && reg < REG_TABLE + 2 * IOAPIC_PINS) {
		uint64_t rte = ioapic->pins[(reg - REG_TABLE) / 2].rte;

		return (uint32_t)(reg & 1 ? rte >> 32 : rte);
	}
	switch (reg) {
	case REG_ID:
	case REG_ARB:
		return (uint32_t)ioapic->id << 24;
	case REG_VERSION:
		return VERSION;
	default:
		return 0;
	}
}

static void write_register(struct ioapic *ioapic, uint32_t value)
{
	uint8_t reg = ioapic->select;

	if (reg == REG_ID)
		ioapic->id = value >> 24 & 0xf;
	else if (reg >= REG_TABLE && reg < REG_TABLE + 2 * IOAPIC_PINS)
		write_entry(ioapic, (reg - REG_TABLE) / 2, reg & 1, value);
}

static uint64_t io_read(void *opaque, uint64_t offset, unsigned size)
{
	struct ioapic *ioapic = opaque;
	uint32_t value = 0;

	pthread_mutex_lock(&ioapic->lock);
	if (offset == IOREGSEL)
		value = ioapic->select;
	else if (offset == IOWIN)
		value = read_register(ioapic);
	pthread_mutex_unlock(&ioapic->lock);
	return value;
}

static void io_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct ioapic *ioapic = opaque;

	pthread_mutex_lock(&ioapic->lock);
	if (offset == IOREGSEL)
		ioapic->select = (uint8_t)value;
	else if (offset == IOWIN && size >= 4) /* narrower writes are undefined: here, nothing */
		write_register(ioapic, (uint32_t)value);
	else if (offset == IOEOI)
		end_of_interrupt(ioapic, (uint8_t)value);
	pthread_mutex_unlock(&ioapic->lock);
}

const struct io_ops ioapic_io_ops = {.read = io_read, .write = io_write};

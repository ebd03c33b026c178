/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio-pci transport by register accesses, as a driver makes them: discovery, negotiation,
 * the status machine, queues, notifications, interrupts, reset, and drivers that do none of it
 * right.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"
#include "machine/address-space.h"
#include "machine/layout.h"
#include "pci/bus.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/fake-machine.h"
#include "virtio/virtio.h"

#define SLOT     4
#define HOME     0x200000000ULL
#define GSI      8
#define N_QUEUES 2
#define FEATURE  5 /* the toy's own */
#define ISR      0x2000
#define DEVICE   0x4000
#define NOTIFY   0x6000
#define TABLE    0x8000

#define BIT(n)  (1ULL << (n))
#define ACK     VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVER  VIRTIO_CONFIG_S_DRIVER
#define FEAT_OK VIRTIO_CONFIG_S_FEATURES_OK
#define DRV_OK  VIRTIO_CONFIG_S_DRIVER_OK
#define BROKEN  VIRTIO_CONFIG_S_NEEDS_RESET

static struct toy {
	struct virtio_device vdev; /* first */
	unsigned activated, deactivated;
	int activate_result;
	uint8_t config[8];
} toy;

static struct pci_bus *bus;

static int toy_activate(struct virtio_device *vdev)
{
	CU_ASSERT_PTR_EQUAL(vdev, &toy.vdev);
	toy.activated++;
	return toy.activate_result;
}

static void toy_deactivate(struct virtio_device *vdev unused)
{
	toy.deactivated++;
}

static void toy_config_read(struct virtio_device *vdev unused, unsigned offset, void *buf,
			    unsigned size)
{
	CU_ASSERT_FATAL(offset + size <= sizeof(toy.config));
	memcpy(buf, toy.config + offset, size);
}

static void toy_config_write(struct virtio_device *vdev unused, unsigned offset, const void *buf,
			     unsigned size)
{
	CU_ASSERT_FATAL(offset + size <= sizeof(toy.config));
	memcpy(toy.config + offset, buf, size);
}

static const struct virtio_ops toy_ops = {
	.activate = toy_activate,
	.deactivate = toy_deactivate,
	.config_read = toy_config_read,
	.config_write = toy_config_write,
};

static const struct device_type toy_type = {.name = "toy"};

static uint64_t rd(uint64_t offset, unsigned size)
{
	uint64_t value;

	CU_ASSERT_TRUE(fake_mmio_read(HOME + offset, size, &value));
	return value;
}

static void wr(uint64_t offset, unsigned size, uint64_t value)
{
	CU_ASSERT_TRUE(fake_mmio_write(HOME + offset, size, value));
}

static uint32_t config(unsigned offset, unsigned size)
{
	uint64_t value;

	fake_mmio_read(LAYOUT_ECAM + (SLOT << 15) + offset, size, &value);
	return (uint32_t)value;
}

static void set_config(unsigned offset, unsigned size, uint32_t value)
{
	fake_mmio_write(LAYOUT_ECAM + (SLOT << 15) + offset, size, value);
}

/* The offset of a virtio capability of @type, or of the capability @id. */
static unsigned find_cap(uint8_t id, uint8_t type)
{
	unsigned at = config(PCI_CAPABILITY_LIST, 1);

	for (unsigned n = 0; at && n < 20; n++, at = config(at + 1, 1)) {
		if (config(at, 1) == id && (id != PCI_CAP_ID_VNDR || config(at + 3, 1) == type))
			return at;
	}
	return 0;
}

static void start(void)
{
	struct machine *machine = fake_machine_init();
	struct graph_node node = {
		.id = "toy0", .type = &toy_type, .pci_slot = SLOT, .gsi_base = GSI};
	struct device_needs needs = {.irq = -1};

	CU_ASSERT_EQUAL_FATAL(pci_bus_create(machine, &bus), 0);
	fake.pci = bus;
	virtio_needs(&needs, N_QUEUES);
	node.n_gsis = needs.msi_vectors;
	node.bars[0] = (struct graph_bar){HOME, needs.bar_sizes[0]};
	toy = (struct toy){.vdev.ops = &toy_ops,
			   .vdev.info = {.device_id = 4,
					 .features = BIT(FEATURE),
					 .n_queues = N_QUEUES,
					 .queue_size = 256,
					 .config_size = sizeof(toy.config),
					 .pci_class = 0x00ff00}};
	CU_ASSERT_EQUAL_FATAL(virtio_init(&toy.vdev, machine, &node), 0);
	CU_ASSERT_EQUAL_FATAL(virtio_commit(&toy.vdev.device, NULL), 0);
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void stop(void)
{
	virtio_fini(&toy.vdev);
	CU_ASSERT_EQUAL(toy.activated, toy.deactivated + (toy.activate_result < 0));
	CU_ASSERT_EQUAL(fake.n_ioeventfds, 0);
	bus = pci_bus_destroy(bus);
	fake_machine_fini();
}

static uint8_t status(void)
{
	return (uint8_t)rd(VIRTIO_PCI_COMMON_STATUS, 1);
}

static void set_status(uint8_t value)
{
	wr(VIRTIO_PCI_COMMON_STATUS, 1, value);
}

static uint64_t device_features(void)
{
	uint64_t features;

	wr(VIRTIO_PCI_COMMON_DFSELECT, 4, 0);
	features = rd(VIRTIO_PCI_COMMON_DF, 4);
	wr(VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
	return features | rd(VIRTIO_PCI_COMMON_DF, 4) << 32;
}

static void set_features(uint64_t features)
{
	wr(VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
	wr(VIRTIO_PCI_COMMON_GF, 4, (uint32_t)features);
	wr(VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	wr(VIRTIO_PCI_COMMON_GF, 4, (uint32_t)(features >> 32));
}

static void negotiate(uint64_t features)
{
	set_status(0);
	set_status(ACK);
	set_status(ACK | DRIVER);
	set_features(features);
	set_status(ACK | DRIVER | FEAT_OK);
}

static void set_queue(unsigned queue, uint64_t base)
{
	wr(VIRTIO_PCI_COMMON_Q_SELECT, 2, queue);
	wr(VIRTIO_PCI_COMMON_Q_SIZE, 2, 64);
	wr(VIRTIO_PCI_COMMON_Q_MSIX, 2, queue + 1);
	wr(VIRTIO_PCI_COMMON_Q_DESCLO, 4, (uint32_t)base);
	wr(VIRTIO_PCI_COMMON_Q_DESCHI, 4, (uint32_t)(base >> 32));
	wr(VIRTIO_PCI_COMMON_Q_AVAILLO, 8, base + 0x1000);
	wr(VIRTIO_PCI_COMMON_Q_USEDLO, 4, (uint32_t)base + 0x2000);
	wr(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
}

static void enable_msix(void)
{
	for (unsigned i = 0; i <= N_QUEUES; i++) {
		wr(TABLE + i * 16, 4, 0xfee00000);
		wr(TABLE + i * 16 + 8, 4, i);
		wr(TABLE + i * 16 + 12, 4, 0);
	}
	set_config(find_cap(PCI_CAP_ID_MSIX, 0) + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	wr(VIRTIO_PCI_COMMON_MSIX, 2, 0);
}

/* All that a good driver does. */
static void bring_up(void)
{
	negotiate(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(FEATURE));
	enable_msix();
	set_queue(0, 0x10000);
	set_queue(1, 0x20000);
	set_status(ACK | DRIVER | FEAT_OK | DRV_OK);
}

static bool readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void the_function_is_described(void)
{
	static const struct {
		uint8_t type;
		uint32_t offset;
	} parts[] = {
		{VIRTIO_PCI_CAP_COMMON_CFG, 0},
		{VIRTIO_PCI_CAP_ISR_CFG, ISR},
		{VIRTIO_PCI_CAP_DEVICE_CFG, DEVICE},
		{VIRTIO_PCI_CAP_NOTIFY_CFG, NOTIFY},
	};
	unsigned cap;

	start();
	CU_ASSERT_EQUAL(config(0, 4), 0x10441af4);
	CU_ASSERT_EQUAL(config(PCI_CLASS_REVISION, 4), 0x00ff0001);
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
		cap = find_cap(PCI_CAP_ID_VNDR, parts[i].type);
		CU_ASSERT_NOT_EQUAL_FATAL(cap, 0);
		CU_ASSERT_EQUAL(config(cap + VIRTIO_PCI_CAP_BAR, 1), 0);
		CU_ASSERT_EQUAL(config(cap + VIRTIO_PCI_CAP_OFFSET, 4), parts[i].offset);
		CU_ASSERT(config(cap + VIRTIO_PCI_CAP_LENGTH, 4) > 0);
	}
	CU_ASSERT_EQUAL(config(cap + VIRTIO_PCI_NOTIFY_CAP_MULT, 4), 4);
	CU_ASSERT_EQUAL(config(cap + VIRTIO_PCI_CAP_LEN, 1), 20);
	CU_ASSERT_NOT_EQUAL(find_cap(PCI_CAP_ID_VNDR, VIRTIO_PCI_CAP_PCI_CFG), 0);
	cap = find_cap(PCI_CAP_ID_MSIX, 0);
	CU_ASSERT_EQUAL(config(cap + PCI_MSIX_FLAGS, 2), N_QUEUES);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_NUMQ, 2), N_QUEUES);
	CU_ASSERT_EQUAL(status(), 0);
	stop();
}

static void nothing_is_asked_of_the_host_before_the_driver(void)
{
	start();
	CU_ASSERT_EQUAL(fake.n_ioeventfds, 0);
	CU_ASSERT_EQUAL(fake.routes, 0);
	CU_ASSERT_PTR_NULL(virtio_queue(&toy.vdev, 0));
	wr(NOTIFY, 2, 0); /* a kick for nobody */
	negotiate(BIT(VIRTIO_F_VERSION_1));
	set_queue(0, 0x10000);
	CU_ASSERT_EQUAL(fake.n_ioeventfds, 0);
	CU_ASSERT_EQUAL(toy.activated, 0);
	stop();
}

static void features_are_negotiated(void)
{
	const uint64_t offered = BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_EVENT_IDX) |
				 BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(FEATURE);

	start();
	CU_ASSERT_EQUAL(device_features(), offered);
	wr(VIRTIO_PCI_COMMON_DFSELECT, 4, 2);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_DF, 4), 0);
	wr(VIRTIO_PCI_COMMON_DFSELECT, 4, 0xffffffff);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_DF, 4), 0);

	negotiate(0); /* a legacy driver */
	CU_ASSERT_EQUAL(status(), ACK | DRIVER);
	negotiate(offered | BIT(7));
	CU_ASSERT_EQUAL(status(), ACK | DRIVER);
	/* Without FEATURES_OK there is no DRIVER_OK. */
	set_status(ACK | DRIVER | DRV_OK);
	CU_ASSERT_EQUAL(status(), ACK | DRIVER);
	CU_ASSERT_EQUAL(toy.activated, 0);

	negotiate(BIT(VIRTIO_F_VERSION_1) | BIT(FEATURE));
	CU_ASSERT_EQUAL(status(), ACK | DRIVER | FEAT_OK);
	set_features(offered); /* too late */
	wr(VIRTIO_PCI_COMMON_GFSELECT, 4, 2);
	wr(VIRTIO_PCI_COMMON_GF, 4, 1);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_GF, 4), 0);
	set_status(ACK | DRIVER | FEAT_OK | DRV_OK);
	CU_ASSERT_EQUAL(toy.vdev.features, BIT(VIRTIO_F_VERSION_1) | BIT(FEATURE));
	CU_ASSERT_TRUE(virtio_has_feature(&toy.vdev, FEATURE));
	CU_ASSERT_FALSE(virtio_has_feature(&toy.vdev, VIRTIO_RING_F_EVENT_IDX));
	stop();
}

static void the_status_only_grows_until_reset(void)
{
	start();
	bring_up();
	CU_ASSERT_EQUAL(status(), ACK | DRIVER | FEAT_OK | DRV_OK);
	set_status(ACK);
	CU_ASSERT_EQUAL(status(), ACK | DRIVER | FEAT_OK | DRV_OK);
	set_status(ACK | DRIVER | FEAT_OK | DRV_OK);
	CU_ASSERT_EQUAL(toy.activated, 1);
	set_status(ACK | DRIVER | FEAT_OK | DRV_OK | BROKEN | 0x30); /* not the driver's bits */
	CU_ASSERT_EQUAL(status(), ACK | DRIVER | FEAT_OK | DRV_OK);
	set_status(0);
	CU_ASSERT_EQUAL(status(), 0);
	CU_ASSERT_EQUAL(toy.deactivated, 1);
	CU_ASSERT_FALSE(toy.vdev.active);
	set_status(0);
	CU_ASSERT_EQUAL(toy.deactivated, 1);
	stop();
}

static void queue_registers_are_checked(void)
{
	start();
	negotiate(BIT(VIRTIO_F_VERSION_1));
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_Q_SIZE, 2), 256);
	for (unsigned i = 0; i < 5; i++) {
		static const uint16_t bad[] = {0, 3, 100, 512, 0xffff};

		wr(VIRTIO_PCI_COMMON_Q_SIZE, 2, bad[i]);
		CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_Q_SIZE, 2), 256);
	}
	wr(VIRTIO_PCI_COMMON_Q_MSIX, 2, N_QUEUES + 1);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_Q_MSIX, 2), 0xffff);
	wr(VIRTIO_PCI_COMMON_MSIX, 2, 7);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_MSIX, 2), 0xffff);
	set_queue(1, 0x123450000ULL);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_Q_NOFF, 2), 1);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_Q_DESCLO, 8), 0x123450000ULL);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_Q_DESCHI, 4), 1);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_Q_AVAILLO, 8), 0x123451000ULL);
	/* Enabled: it stands. */
	wr(VIRTIO_PCI_COMMON_Q_SIZE, 2, 8);
	wr(VIRTIO_PCI_COMMON_Q_DESCLO, 4, 0);
	wr(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 0);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_Q_SIZE, 2), 64);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_Q_DESCLO, 4), 0x23450000);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
	/* A queue that does not exist. */
	wr(VIRTIO_PCI_COMMON_Q_SELECT, 2, N_QUEUES);
	wr(VIRTIO_PCI_COMMON_Q_SIZE, 2, 8);
	wr(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	wr(VIRTIO_PCI_COMMON_Q_MSIX, 2, 1);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_Q_MSIX, 2), 0xffff);
	/* Back to the defaults. */
	set_status(0);
	wr(VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_Q_SIZE, 2), 256);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_Q_DESCLO, 8), 0);
	CU_ASSERT_EQUAL(rd(VIRTIO_PCI_COMMON_Q_MSIX, 2), 0xffff);
	stop();
}

static void kicks_follow_the_bar(void)
{
	struct virtqueue *vq;

	start();
	bring_up();
	CU_ASSERT_EQUAL_FATAL(fake.n_ioeventfds, N_QUEUES);
	for (unsigned i = 0; i < N_QUEUES; i++) {
		vq = virtio_queue(&toy.vdev, i);
		CU_ASSERT_PTR_NOT_NULL_FATAL(vq);
		CU_ASSERT_EQUAL(virtqueue_size(vq), 64);
		CU_ASSERT_EQUAL(fake.ioeventfds[i].gpa, HOME + NOTIFY + 4 * i);
		CU_ASSERT_EQUAL(fake.ioeventfds[i].fd, virtqueue_kick_fd(vq));
	}
	/* A move, as one of 64 bits in two writes. */
	set_config(PCI_BASE_ADDRESS_1, 4, 3);
	CU_ASSERT_EQUAL_FATAL(fake.n_ioeventfds, N_QUEUES);
	CU_ASSERT_EQUAL(fake.ioeventfds[0].gpa, 0x300000000ULL + NOTIFY);
	set_config(PCI_COMMAND, 2, 0);
	CU_ASSERT_EQUAL(fake.n_ioeventfds, 0);
	set_config(PCI_BASE_ADDRESS_1, 4, 2);
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	CU_ASSERT_EQUAL(fake.n_ioeventfds, N_QUEUES);
	set_status(0);
	CU_ASSERT_EQUAL(fake.n_ioeventfds, 0);

	/* A host that has none left: the access itself kicks. */
	fake.refuse_ioeventfds = true;
	bring_up();
	vq = virtio_queue(&toy.vdev, 1);
	CU_ASSERT_FALSE(readable(virtqueue_kick_fd(vq)));
	wr(NOTIFY + 4, 2, 1);
	CU_ASSERT_TRUE(readable(virtqueue_kick_fd(vq)));
	CU_ASSERT_FALSE(readable(virtqueue_kick_fd(virtio_queue(&toy.vdev, 0))));
	wr(NOTIFY + 4 * N_QUEUES, 2, 0);
	wr(NOTIFY + 0xffc, 4, 0);
	stop();
}

static void queues_that_are_not_enabled_are_not_there(void)
{
	start();
	negotiate(BIT(VIRTIO_F_VERSION_1));
	set_queue(1, 0x10000);
	set_status(ACK | DRIVER | FEAT_OK | DRV_OK);
	CU_ASSERT_EQUAL(toy.activated, 1);
	CU_ASSERT_PTR_NULL(virtio_queue(&toy.vdev, 0));
	CU_ASSERT_PTR_NOT_NULL(virtio_queue(&toy.vdev, 1));
	CU_ASSERT_EQUAL(fake.n_ioeventfds, 1);
	stop();
}

static void what_cannot_start_needs_a_reset(void)
{
	start();
	negotiate(BIT(VIRTIO_F_VERSION_1));
	set_queue(0, FAKE_RAM_SIZE); /* rings where no memory is */
	set_status(ACK | DRIVER | FEAT_OK | DRV_OK);
	CU_ASSERT_EQUAL(status(), ACK | DRIVER | FEAT_OK | DRV_OK | BROKEN);
	CU_ASSERT_EQUAL(toy.activated, 0);
	CU_ASSERT_EQUAL(rd(ISR, 1), 2); /* no MSI-X: the configuration bit, cleared by the read */
	CU_ASSERT_EQUAL(rd(ISR, 1), 0);

	toy.activate_result = -EIO;
	bring_up();
	CU_ASSERT_EQUAL(status() & BROKEN, BROKEN);
	CU_ASSERT_EQUAL(fake.sent[GSI], 1);
	CU_ASSERT_EQUAL(fake.n_ioeventfds, 0);
	CU_ASSERT_FALSE(toy.vdev.active);
	stop();
}

static void a_broken_ring_needs_a_reset(void)
{
	struct iovec iov[4];
	struct virtq_chain chain = {.iov = iov, .max_iov = 4};
	struct virtqueue *vq;

	start();
	for (unsigned i = 0; i < 3; i++) {
		bring_up();
		vq = virtio_queue(&toy.vdev, 0);
		*(uint16_t *)fake_ram(0x11002, 2) = 1000;
		CU_ASSERT_EQUAL(virtqueue_pop(vq, &chain), -EPROTO);
		CU_ASSERT_EQUAL(status() & BROKEN, BROKEN);
		CU_ASSERT_EQUAL(fake.sent[GSI], i + 1);
	}
	*(uint16_t *)fake_ram(0x11002, 2) = 0;
	bring_up();
	CU_ASSERT_EQUAL(status() & BROKEN, 0);
	CU_ASSERT_EQUAL(virtqueue_pop(virtio_queue(&toy.vdev, 0), &chain), 0);
	stop();
}

static void interrupts_go_to_their_vectors(void)
{
	struct virtqueue *vq;

	start();
	bring_up();
	vq = virtio_queue(&toy.vdev, 1);
	virtqueue_push(vq, 0, 0);
	virtqueue_notify(vq);
	CU_ASSERT_EQUAL(fake.sent[GSI + 2], 1);
	CU_ASSERT_EQUAL(fake.sent[GSI + 1], 0);
	CU_ASSERT_EQUAL(fake.last_data, 2);
	CU_ASSERT_EQUAL(rd(ISR, 1), 0);
	/* A queue without a vector is silent. */
	wr(VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
	wr(VIRTIO_PCI_COMMON_Q_MSIX, 2, 0xffff);
	*(uint16_t *)fake_ram(0x21000 + 4 + 2 * 64, 2) = 1; /* used_event */
	virtqueue_push(vq, 0, 0);
	virtqueue_notify(vq);
	CU_ASSERT_EQUAL(fake.sent[GSI + 2], 1);
	stop();
}

static void the_configuration_has_generations(void)
{
	uint64_t generation;

	start();
	memcpy(toy.config, "\1\2\3\4\5\6\7\10", 8);
	CU_ASSERT_EQUAL(rd(DEVICE, 8), 0x0807060504030201ULL);
	CU_ASSERT_EQUAL(rd(DEVICE + 7, 1), 8);
	CU_ASSERT_EQUAL(rd(DEVICE + 6, 4), 0); /* across the end */
	CU_ASSERT_EQUAL(rd(DEVICE + 0xff8, 8), 0);
	wr(DEVICE + 2, 2, 0xabcd);
	wr(DEVICE + 7, 2, 0xffff);
	CU_ASSERT_EQUAL(toy.config[2], 0xcd);
	CU_ASSERT_EQUAL(toy.config[7], 8);

	generation = rd(VIRTIO_PCI_COMMON_CFGGENERATION, 1);
	virtio_config_changed(&toy.vdev);
	CU_ASSERT_NOT_EQUAL(rd(VIRTIO_PCI_COMMON_CFGGENERATION, 1), generation);
	CU_ASSERT_EQUAL(rd(ISR, 1), 0); /* no driver yet */
	bring_up();
	virtio_config_changed(&toy.vdev);
	CU_ASSERT_EQUAL(fake.sent[GSI], 1);
	stop();
}

static void the_bar_is_reached_through_configuration_space(void)
{
	unsigned cap;

	start();
	set_config(PCI_COMMAND, 2, 0);
	cap = find_cap(PCI_CAP_ID_VNDR, VIRTIO_PCI_CAP_PCI_CFG);
	set_config(cap + VIRTIO_PCI_CAP_OFFSET, 4, VIRTIO_PCI_COMMON_STATUS);
	set_config(cap + VIRTIO_PCI_CAP_LENGTH, 4, 1);
	set_config(cap + 16, 1, ACK);
	CU_ASSERT_EQUAL(config(cap + 16, 1), ACK);
	set_config(cap + VIRTIO_PCI_CAP_OFFSET, 4, VIRTIO_PCI_COMMON_NUMQ);
	set_config(cap + VIRTIO_PCI_CAP_LENGTH, 4, 2);
	CU_ASSERT_EQUAL(config(cap + 16, 4), N_QUEUES);
	/* Lengths, places and BARs that do not exist. */
	set_config(cap + VIRTIO_PCI_CAP_LENGTH, 4, 3);
	set_config(cap + 16, 4, 0x55);
	CU_ASSERT_EQUAL(config(cap + 16, 4), 0x55);
	set_config(cap + VIRTIO_PCI_CAP_LENGTH, 4, 4);
	set_config(cap + VIRTIO_PCI_CAP_OFFSET, 4, 0xfffffffc);
	CU_ASSERT_EQUAL(config(cap + 16, 4), 0x55);
	set_config(cap + VIRTIO_PCI_CAP_OFFSET, 4, 0);
	set_config(cap + VIRTIO_PCI_CAP_BAR, 1, 2);
	CU_ASSERT_EQUAL(config(cap + 16, 4), 0x55);
	set_config(cap + VIRTIO_PCI_CAP_OFFSET, 4, 2);
	set_config(cap + VIRTIO_PCI_CAP_BAR, 1, 0);
	CU_ASSERT_EQUAL(config(cap + 16, 4), 0x55);
	stop();
}

static void power_on_again(void)
{
	start();
	bring_up();
	virtio_reset(&toy.vdev.device);
	CU_ASSERT_EQUAL(toy.deactivated, 1);
	CU_ASSERT_EQUAL(fake.n_ioeventfds, 0);
	CU_ASSERT_EQUAL(config(PCI_COMMAND, 2), 0);
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	CU_ASSERT_EQUAL(status(), 0);
	bring_up();
	CU_ASSERT_EQUAL(toy.activated, 2);
	CU_ASSERT_EQUAL(fake.n_ioeventfds, N_QUEUES);
	stop(); /* while active: everything goes */
}

static void random_accesses_do_no_harm(void)
{
	srand(3);
	start();
	bring_up();
	for (unsigned i = 0; i < 300000; i++) {
		static const uint32_t parts[] = {0, 0, 0, ISR, DEVICE, NOTIFY, TABLE, 0x48000};
		uint64_t offset = parts[rand() % 8] + (unsigned)rand() % 80, value;
		unsigned size = 1u << (rand() % 4);

		if (rand() % 2)
			fake_mmio_read(HOME + offset, size, &value);
		else
			fake_mmio_write(HOME + offset, size,
					(uint64_t)rand() << 32 ^ (uint64_t)rand());
		if (rand() % 4096 == 0)
			bring_up();
	}
	bring_up();
	CU_ASSERT_EQUAL(status(), ACK | DRIVER | FEAT_OK | DRV_OK);
	stop();
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"the function is described", the_function_is_described},
		{"nothing is asked of the host before there is a driver",
		 nothing_is_asked_of_the_host_before_the_driver},
		{"features are negotiated", features_are_negotiated},
		{"the status only grows until a reset", the_status_only_grows_until_reset},
		{"queue registers are checked", queue_registers_are_checked},
		{"kicks follow the BAR", kicks_follow_the_bar},
		{"queues that are not enabled are not there",
		 queues_that_are_not_enabled_are_not_there},
		{"what cannot start needs a reset", what_cannot_start_needs_a_reset},
		{"a broken ring needs a reset", a_broken_ring_needs_a_reset},
		{"interrupts go to their vectors", interrupts_go_to_their_vectors},
		{"the configuration has generations", the_configuration_has_generations},
		{"the BAR is reached through configuration space",
		 the_bar_is_reached_through_configuration_space},
		{"power-on again", power_on_again},
		{"300,000 random accesses do no harm", random_accesses_do_no_harm},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"virtio-pci", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}

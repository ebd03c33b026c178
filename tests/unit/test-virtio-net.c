/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-net as its driver meets it, through the PCI transport, with a tap in a network namespace
 * of its own; skipped where there can be none.
 */
#define virtio_net_config virtio_net_space
#include <linux/virtio_net.h>
#undef virtio_net_config

#include <errno.h>
#include <linux/virtio_config.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/log.h"
#include "net/net.h"
#include "schema/config.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/fake-driver.h"
#include "tests/unit/fake-machine.h"

#define COMMAND DRIVER_BUFFERS
#define ACK     (DRIVER_BUFFERS + 0x800)
#define FRAME   (DRIVER_BUFFERS + 0x1000)
#define BIT(n)  (1ULL << (n))

extern const struct device_type device_virtio_net;

static struct virtio_net_config config;
static struct device *net;

static int prepare(void)
{
	cleanup_arena struct arena *arena = arena_create();
	struct diag_list *diags = diag_list_create(arena);
	struct graph_node node;
	struct machine *machine = driver_machine(&device_virtio_net, &config, &node);
	int r;

	node.machine = "web";
	device_virtio_net.check(&node, diags);
	r = diag_errors(diags) ? -EINVAL : device_virtio_net.prepare(machine, &node, &net, diags);
	CU_ASSERT_EQUAL(diag_errors(diags), r < 0);
	if (r == 0) {
		CU_ASSERT_EQUAL_FATAL(device_virtio_net.commit(net, diags), 0);
		driver_bring_up(0, 0); /* so that its registers answer */
		driver_reset();
	}
	return r;
}

static void stop(void)
{
	device_virtio_net.destroy(net);
	driver_machine_fini();
}

static void reset_config(void)
{
	config = (struct virtio_net_config){
		.backend = {.type = VIRTIO_NET_BACKEND_TYPE_TAP, .tap = {.name = "weft-tap"}},
		.queues = 1,
		.queue_size = 256,
		.offload = true,
	};
}

/* A control command; its answer, or -1. */
static int control(unsigned queue, uint8_t class, uint8_t cmd, const void *data, uint32_t len)
{
	const struct driver_buffer b[] = {
		{COMMAND, 2, false}, {COMMAND + 2, len, false}, {ACK, 1, true}};
	uint8_t *out = fake_ram(COMMAND, 2 + len), *ack = fake_ram(ACK, 1);

	out[0] = class;
	out[1] = cmd;
	memcpy(out + 2, data, len);
	*ack = 0xaa;
	driver_add(queue, b, 3);
	return driver_wait(queue, 1) == 1 ? *ack : -1;
}

static uint64_t mac(void)
{
	return driver_config_read(0, 4) | driver_config_read(4, 2) << 32;
}

static void the_address_is_derived_given_and_set(void)
{
	const uint8_t given[6] = {0x52, 0x54, 0, 1, 2, 3}, wanted[6] = {2, 9, 8, 7, 6, 5};
	uint64_t first, value = 0;

	CU_ASSERT_EQUAL_FATAL(prepare(), 0);
	first = mac();
	CU_ASSERT_EQUAL(first & 3, 2);
	/* Without MQ the control queue is the third. */
	driver_bring_up(BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(VIRTIO_NET_F_CTRL_MAC_ADDR), 3);
	CU_ASSERT_EQUAL(control(2, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, wanted, 6),
			VIRTIO_NET_OK);
	memcpy(&value, wanted, 6);
	CU_ASSERT_EQUAL(mac(), value);
	driver_reset();
	CU_ASSERT_EQUAL(mac(), first);
	stop();
	config.has_mac = true;
	memcpy(config.mac.bytes, given, 6);
	CU_ASSERT_EQUAL_FATAL(prepare(), 0);
	value = 0;
	memcpy(&value, given, 6);
	CU_ASSERT_EQUAL(mac(), value);
	stop();
}

static void commands_are_checked(void)
{
	const uint8_t zero[16] = {0};

	CU_ASSERT_EQUAL_FATAL(prepare(), 0);
	driver_bring_up(BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(VIRTIO_NET_F_CTRL_RX), 3);
	CU_ASSERT_EQUAL(control(2, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, zero, 1),
			VIRTIO_NET_OK);
	CU_ASSERT_EQUAL(control(2, VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD, zero, 2),
			VIRTIO_NET_OK);
	CU_ASSERT_EQUAL(control(2, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, zero, 8),
			VIRTIO_NET_OK);
	CU_ASSERT_EQUAL(control(2, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, zero, 5),
			VIRTIO_NET_ERR);
	CU_ASSERT_EQUAL(control(2, VIRTIO_NET_CTRL_RX, 99, zero, 1), VIRTIO_NET_ERR);
	CU_ASSERT_EQUAL(control(2, 99, 0, zero, 1), VIRTIO_NET_ERR);
	CU_ASSERT_EQUAL(control(2, VIRTIO_NET_CTRL_MQ, 0, (uint8_t[]){1, 0}, 2), VIRTIO_NET_ERR);
	stop();
}

static void queue_pairs_come_and_go(void)
{
	config.queues = 3; /* as many as the fake driver has rings for */
	CU_ASSERT_EQUAL_FATAL(prepare(), 0);
	CU_ASSERT(driver_offered_features() & BIT(VIRTIO_NET_F_MQ));
	CU_ASSERT_EQUAL(driver_config_read(8, 2), 3);
	for (unsigned round = 0; round < 3; round++) {
		static const struct {
			uint8_t pairs[2], answer;
		} steps[] = {
			{{3, 0}, VIRTIO_NET_OK},  {{1, 0}, VIRTIO_NET_OK},
			{{2, 0}, VIRTIO_NET_OK},  {{0, 0}, VIRTIO_NET_ERR},
			{{4, 0}, VIRTIO_NET_ERR}, {{3, 1}, VIRTIO_NET_ERR},
		};

		driver_bring_up(BIT(VIRTIO_NET_F_CTRL_VQ), 3);
		CU_ASSERT_EQUAL(control(2, VIRTIO_NET_CTRL_MQ, 0, (uint8_t[]){2, 0}, 2),
				VIRTIO_NET_ERR);
		driver_bring_up(BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(VIRTIO_NET_F_MQ), 7);
		for (unsigned i = 0; i < ARRAY_SIZE(steps); i++)
			CU_ASSERT_EQUAL(control(6, VIRTIO_NET_CTRL_MQ, 0, steps[i].pairs, 2),
					steps[i].answer);
	}
	stop();
}

/* What Linux sends by itself when the tap is up (neighbour discovery) needs no other side. */
static void frames_go_out_and_offloads_are_taken(void)
{
	const struct driver_buffer frame = {FRAME, 12 + 60, false};
	uint64_t offloads = BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) |
			    BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6) |
			    BIT(VIRTIO_NET_F_GUEST_ECN) | BIT(VIRTIO_NET_F_GUEST_UFO);
	char line[256] = "", *found = NULL;
	FILE *f;

	CU_ASSERT_EQUAL_FATAL(prepare(), 0);
	CU_ASSERT_EQUAL(driver_offered_features() & offloads, offloads);
	driver_bring_up(offloads | BIT(VIRTIO_NET_F_MRG_RXBUF), 2);
	CU_ASSERT(!(driver_status() & VIRTIO_CONFIG_S_NEEDS_RESET));
	memset(fake_ram(FRAME + 12, 60), 0xff, 60);
	for (unsigned i = 0; i < 7; i++) {
		driver_add(1, &frame, 1);
		CU_ASSERT_EQUAL(driver_wait(1, 1), 0);
	}
	f = fopen("/proc/net/dev", "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, "weft-tap:");
	CU_ASSERT_PTR_NOT_NULL_FATAL(found);
	CU_ASSERT_EQUAL(atoi(strchr(found, ':') + 1), 7 * 60);
	fclose(f);
	stop();
	config.offload = false;
	CU_ASSERT_EQUAL_FATAL(prepare(), 0);
	CU_ASSERT_EQUAL(driver_offered_features() & offloads, 0);
	stop();
}

static void what_cannot_be_had_is_a_diagnostic(void)
{
	uint64_t fds[] = {3000};

	config.backend.tap.name = NULL;
	config.backend.tap.fds.n = 1;
	config.backend.tap.fds.items = fds;
	CU_ASSERT_EQUAL(prepare(), -EBADF);
	driver_machine_fini();
	config.queues = 2;
	CU_ASSERT_EQUAL(prepare(), -EINVAL);
	driver_machine_fini();
	reset_config();
	config.backend.tap.name = "lo";
	CU_ASSERT(prepare() < 0);
	driver_machine_fini();
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"the address is derived, given, and set", the_address_is_derived_given_and_set},
		{"commands are checked", commands_are_checked},
		{"queue pairs come and go", queue_pairs_come_and_go},
		{"frames go out, and offloads are taken", frames_go_out_and_offloads_are_taken},
		{"what cannot be had is a diagnostic", what_cannot_be_had_is_a_diagnostic},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"virtio-net", NULL, NULL, reset_config, NULL, tests},
		CU_SUITE_INFO_NULL,
	};
	struct net_backend *tap;
	struct net_failure failure;

	log_level = LOG_ERROR;
	if ((unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) ||
	    net_tap_open("probe", NULL, 1, &tap, &failure) < 0) {
		printf("1..0 # SKIP no tap can be made in a network namespace\n");
		return 0;
	}
	net_backend_close(tap);
	return cu_tap_run(suites);
}

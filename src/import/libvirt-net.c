/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network cards of libvirt.
 */
#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "document/quote.h"
#include "import/libvirt-internal.h"

#define MAX_FORWARDS 64
#define SECOND       1000000000ULL

/* libvirt makes and names these, and removes them with the machine. */
static bool is_passing(const struct item *tap)
{
	return !tap || !strncmp(tap->text, "vnet", 4) || !strncmp(tap->text, "macvtap", 7);
}

static void map_to_tap(struct libvirt *l, struct draft_block *block, struct item *interface,
		       const struct item *tap)
{
	map_tap(l->draft, l->arena, block, tap ? tap : interface,
		is_passing(tap) ? NULL : tap->text);
}

/* What libvirt does to a tap besides, somebody else has to do. */
static void map_to_bridge(struct libvirt *l, struct draft_block *block, struct item *interface,
			  const struct item *tap)
{
	struct item *source = item_find(interface, "source");
	const struct item *network = item_take_item(source, "network");
	const struct item *bridge = item_take_item(source, "bridge");
	const char *name = bridge ? bridge->text : "BRIDGE";

	item_ignore(source);
	map_to_tap(l, block, interface, tap);
	if (network && !bridge && item_is(network, "default"))
		name = "virbr0";
	draft_remark(l->draft, block, DRAFT_CHANGED, source ? source : interface,
		     "weft opens the tap, and connects it to nothing");
	draft_advise(l->draft,
		     "connect it: ip link set dev TAP master %.20s up; or take 'backend: { type: "
		     "user }' for what this host reaches, without privileges",
		     name);
}

static void put_forward(struct strbuf *out, const char *protocol, const char *address,
			uint64_t host, uint64_t guest, unsigned *n)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	if (++*n > MAX_FORWARDS)
		return;
	strbuf_printf(&text, "%s%s%s%" PRIu64 ":%" PRIu64, protocol, address, *address ? ":" : "",
		      host, guest);
	strbuf_puts(out, *n > 1 ? ", " : "");
	quote_put(out, text.text);
}

static void map_forward(struct libvirt *l, struct item *forward, struct strbuf *out, unsigned *n)
{
	const struct item *protocol = item_take_item(forward, "proto");
	const struct item *address = item_take_item(forward, "address");

	for (struct item *range = item_find(forward, "range"); range; range = item_again(range)) {
		uint64_t start, end, to;

		if (!map_number(l->draft, range, "start", &start) || start > 65535)
			continue;
		end = to = start;
		map_number(l->draft, range, "end", &end);
		map_number(l->draft, range, "to", &to);
		if (item_is(item_find(range, "exclude"), "yes"))
			continue;
		for (uint64_t port = start; port <= MIN(end, (uint64_t)65535); port++, to++)
			put_forward(out, item_is(protocol, "udp") ? "udp:" : "",
				    address ? address->text : "", port, to, n);
	}
}

static void map_to_user(struct libvirt *l, struct draft_block *block, struct item *interface)
{
	cleanup_strbuf struct strbuf forwards = STRBUF_INIT;
	unsigned n = 0;

	item_ignore_named(interface, "source");
	item_ignore_named(interface, "backend");
	draft_put(block, "backend", "type", interface, "user");
	strbuf_putc(&forwards, '[');
	for (struct item *f = item_find(interface, "portForward"); f; f = item_again(f))
		map_forward(l, f, &forwards, &n);
	strbuf_putc(&forwards, ']');
	if (n)
		draft_put(block, "backend", "forward", item_find(interface, "portForward"),
			  forwards.text);
	if (n > MAX_FORWARDS)
		draft_remark(l->draft, block, DRAFT_UNMAPPED, interface,
			     "%u ports are forwarded, weft forwards %d", n, MAX_FORWARDS);
}

/* Kilobytes in a second, and kilobytes that may come at once. */
static void map_bandwidth(struct libvirt *l, struct draft_block *block, struct item *interface)
{
	static const char *const names[][2] = {{"inbound", "receive-rate"},
					       {"outbound", "transmit-rate"}};
	struct item *bandwidth = item_find(interface, "bandwidth");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct item *side = item_find(bandwidth, names[i][0]);
		uint64_t average = 0, burst = 0;

		if (!side || !map_number(l->draft, side, "average", &average) || !average)
			continue;
		average = MIN(average, UINT64_MAX / KiB);
		map_number(l->draft, side, "burst", &burst);
		burst = MIN(burst, (uint64_t)UINT32_MAX);
		burst = burst ? burst * 1000 / average * (SECOND / 1000) : SECOND / 10;
		map_rate(block, names[i][1], side, average * KiB, 0, burst);
	}
}

static void map_driver(struct libvirt *l, struct draft_block *block, struct item *interface)
{
	struct item *driver = item_find(interface, "driver");
	const struct item *size;

	item_ignore_named(driver, "name"); /* the data path of weft is its own */
	item_ignore_named(driver, "txmode");
	item_ignore_named(driver, "ioeventfd");
	item_ignore_named(driver, "event_idx");
	map_number_to(l->draft, block, "queues", driver, "queues");
	map_number_to(l->draft, block, "queue-size", driver, "rx_queue_size");
	size = item_take_item(driver, "tx_queue_size");
	if (size)
		map_digits_to(block, NULL, "queue-size", size, size->text);
}

static void map_model(struct libvirt *l, struct draft_block *block, struct item *interface)
{
	struct item *model = item_find(interface, "model");
	const struct item *type = item_take_item(model, "type");

	if (!type || !strncmp(type->text, "virtio", strlen("virtio")))
		return;
	draft_remark(l->draft, block, DRAFT_CHANGED, type,
		     "this is a virtio card here, and not %.20s", type->text);
	draft_advise(l->draft, "the guest needs the driver virtio_net");
}

void libvirt_map_interface(struct libvirt *l, struct item *interface)
{
	static const char *const bridged[] = {"bridge", "network", "direct"};
	const struct item *type = item_take_item(interface, "type");
	struct item *target = item_find(interface, "target");
	const struct item *tap = item_take_item(target, "dev");
	struct draft_block *block;
	bool bridge = false;

	for (size_t i = 0; i < ARRAY_SIZE(bridged); i++)
		bridge |= item_is(type, bridged[i]);
	if (!bridge && !item_is(type, "ethernet") && !item_is(type, "user")) {
		draft_unmapped(l->draft, NULL, interface,
			       "weft connects a card to a tap or to passt");
		item_ignore(interface);
		return;
	}
	block = draft_device(l->draft, "virtio-net", "net0", interface);
	if (bridge)
		map_to_bridge(l, block, interface, tap);
	else if (item_is(type, "ethernet"))
		map_to_tap(l, block, interface, tap);
	else
		map_to_user(l, block, interface);
	item_ignore_named(target, "managed");
	map_string_to(block, NULL, "mac", item_find(interface, "mac"), "address");
	map_number_to(l->draft, block, "mtu", item_find(interface, "mtu"), "size");
	if (item_is(item_take_item(item_find(interface, "link"), "state"), "down"))
		draft_put(block, NULL, "link", item_find(interface, "link"), "down");
	map_driver(l, block, interface);
	map_model(l, block, interface);
	map_bandwidth(l, block, interface);
}

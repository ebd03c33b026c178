/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor is listening before anything is enumerated, so nothing falls between. Its events are
 * read and forgotten: a lost one (ENOBUFS) is as good as one that came. Where no udevd runs
 * (containers, small systems) they are the kernel's, and there are fewer properties to match.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "loop/loop.h"
#include "plan/plan.h"
#include "reload/hostdev.h"
#include "reload/udev.h"
#include "schema/value.h"

#define SETTLE_DELAY 50000000ULL /* ns: one device makes many events */
#define SUBSYSTEM    "block"

struct hostdev {
	struct loop *loop;
	void (*changed)(void *opaque);
	void *opaque;
	const struct udev_library *lib; /* NULL before the first use */
	int error;                      /* why there is no lib */
	struct udev *udev;
	struct udev_monitor *monitor;
	bool has_udevd, armed;
	struct loop_source *source, *timer;
};

/* A device of the host that could be taken. */
struct candidate {
	struct candidate *next;
	struct udev_device *device;
	struct graph_host host;
	bool taken;
};

struct hostdev *hostdev_create(struct loop *loop, void (*changed)(void *opaque), void *opaque)
{
	struct hostdev *h = calloc(1, sizeof(*h));

	invariant(h != NULL);
	h->loop = loop;
	h->changed = changed;
	h->opaque = opaque;
	return h;
}

struct hostdev *hostdev_destroy(struct hostdev *h)
{
	if (!h)
		return NULL;
	loop_source_remove(h->source);
	loop_source_remove(h->timer);
	if (h->monitor)
		h->lib->monitor_unref(h->monitor);
	if (h->udev)
		h->lib->unref(h->udev);
	free(h);
	return NULL;
}

static void on_settled(void *opaque)
{
	struct hostdev *h = opaque;

	h->armed = false;
	h->changed(h->opaque);
}

static void on_event(int fd, unsigned events, void *opaque)
{
	struct hostdev *h = opaque;
	struct udev_device *device;

	do {
		errno = 0;
		device = h->lib->monitor_receive_device(h->monitor);
		if (device)
			h->lib->device_unref(device);
	} while (device || errno == ENOBUFS || errno == EINTR);
	/* Not put off by every event: something may change all the time. */
	h->armed = h->armed || loop_timer_arm(h->timer, SETTLE_DELAY) == 0;
}

static int listen_for_events(struct hostdev *h)
{
	int r;

	h->has_udevd = access("/run/udev/control", F_OK) == 0;
	h->monitor = h->lib->monitor_new_from_netlink(h->udev, h->has_udevd ? "udev" : "kernel");
	if (!h->monitor)
		return errno ? -errno : -ENOMEM;
	r = h->lib->monitor_filter_add(h->monitor, SUBSYSTEM, NULL);
	if (r >= 0)
		r = h->lib->monitor_enable_receiving(h->monitor);
	if (r >= 0)
		r = loop_add_timer(h->loop, on_settled, h, &h->timer);
	if (r >= 0)
		r = loop_add_fd(h->loop, h->lib->monitor_get_fd(h->monitor), LOOP_READ, on_event, h,
				&h->source);
	return r;
}

/* Once. Without events devices are still found, when somebody asks. */
static bool is_open(struct hostdev *h)
{
	int r;

	if (h->udev || h->error)
		return h->udev;
	h->error = udev_library_open(&h->lib);
	if (h->error < 0)
		return false;
	h->udev = h->lib->new ();
	if (!h->udev) {
		h->error = -ENOMEM;
		return false;
	}
	r = listen_for_events(h);
	if (r < 0)
		log_warn(
			"devices of the host that come and go are not noticed (%s): SIGHUP makes weft look",
			strerror(-r));
	return true;
}

/* ---- what is there ---- */

static const char *property(const struct hostdev *h, struct udev_device *device, const char *name)
{
	return h->lib->device_get_property_value(device, name);
}

/* A reader without a card, a loop device without a file: there is nothing to give to a guest. */
static bool has_medium(const struct hostdev *h, struct udev_device *device)
{
	const char *sectors = h->lib->device_get_sysattr_value(device, "size");

	return sectors && strtoull(sectors, NULL, 10) > 0;
}

static void add_candidate(const struct hostdev *h, const char *syspath, struct candidate **list,
			  struct arena *arena)
{
	struct udev_device *device = h->lib->device_new_from_syspath(h->udev, syspath);
	const char *node = device ? h->lib->device_get_devnode(device) : NULL;
	struct candidate *candidate;
	const char *sequence;

	if (!node || strlen(node) >= sizeof(candidate->host.device) || !has_medium(h, device) ||
	    (h->has_udevd && h->lib->device_get_is_initialized(device) == 0)) {
		if (device)
			h->lib->device_unref(device);
		return;
	}
	candidate = arena_new(arena, struct candidate);
	candidate->device = device;
	strcpy(candidate->host.device, node);
	sequence = h->lib->device_get_sysattr_value(device, "diskseq");
	candidate->host.sequence = sequence ? strtoull(sequence, NULL, 10) : 0;
	candidate->next = *list;
	*list = candidate;
}

static struct candidate *enumerate(const struct hostdev *h, struct arena *arena)
{
	struct udev_enumerate *e = h->lib->enumerate_new(h->udev);
	struct candidate *list = NULL;
	struct udev_list_entry *entry;

	if (!e)
		return NULL;
	if (h->lib->enumerate_add_match_subsystem(e, SUBSYSTEM) >= 0 &&
	    h->lib->enumerate_scan_devices(e) >= 0)
		for (entry = h->lib->enumerate_get_list_entry(e); entry;
		     entry = h->lib->list_entry_get_next(entry))
			add_candidate(h, h->lib->list_entry_get_name(entry), &list, arena);
	h->lib->enumerate_unref(e);
	return list;
}

/* ---- what matches ---- */

static bool is_capital(const char *name)
{
	return *name >= 'A' && *name <= 'Z';
}

static bool fits(const char *pattern, const char *value)
{
	return value && fnmatch(pattern, value, 0) == 0;
}

static bool matches_one(const struct hostdev *h, struct udev_device *device,
			const struct value *wanted)
{
	const char *name = wanted->name, *pattern = wanted->string;

	if (strcmp(name, "subsystem") == 0)
		return fits(pattern, SUBSYSTEM);
	if (strcmp(name, "name") == 0)
		return fits(pattern, h->lib->device_get_sysname(device));
	if (strcmp(name, "serial") == 0 &&
	    (fits(pattern, property(h, device, "ID_SERIAL_SHORT")) ||
	     fits(pattern, property(h, device, "ID_SERIAL")) ||
	     fits(pattern, h->lib->device_get_sysattr_value(device, "device/serial"))))
		return true;
	return fits(pattern, is_capital(name) ? property(h, device, name)
					      : h->lib->device_get_sysattr_value(device, name));
}

/* Partitions have the properties of their disk: they are only meant where that is said. */
static bool matches(const struct hostdev *h, struct udev_device *device, const struct value *match)
{
	if (!value_child(match, "DEVTYPE") && !fits("disk", property(h, device, "DEVTYPE")))
		return false;
	for (size_t i = 0; i < match->n; i++)
		if (!matches_one(h, device, match->children[i]))
			return false;
	return true;
}

static bool is_same(const struct graph_host *a, const struct graph_host *b)
{
	return strcmp(a->device, b->device) == 0 && a->sequence == b->sequence;
}

/* Whether a running device is the one of @node, perhaps under its former name. */
static bool is_of(const struct plan_running *running, const struct graph_node *node)
{
	const char *path = running->live->path, *id = graph_node_formerly(node);

	if (strcmp(path, node->path) == 0)
		return true;
	return id && strncmp(path, "devices.", 8) == 0 && strcmp(path + 8, id) == 0;
}

/* What runs has its device until it has gone, and keeps it as long as that matches. */
static void keep(const struct hostdev *h, const struct graph *graph,
		 const struct plan_running *running, struct candidate *candidates)
{
	const struct graph_node *node;
	struct candidate *c;
	size_t i;

	for (c = candidates; c && !is_same(&c->host, &running->host); c = c->next)
		;
	if (!c)
		return;
	c->taken = true;
	graph_for_each_node (graph, node, i)
		if (node->host && is_of(running, node) &&
		    matches(h, c->device, value_child(node->value, "match")))
			*node->host = c->host;
}

static void choose(const struct hostdev *h, const struct graph_node *node,
		   struct candidate *candidates)
{
	const struct value *match = value_child(node->value, "match");
	struct graph_host *host = node->host;
	struct candidate *c, *found = NULL;

	for (c = candidates; c; c = c->next) {
		if (c->taken || !matches(h, c->device, match))
			continue;
		if (found) {
			snprintf(host->missing, sizeof(host->missing),
				 "more than one host device matches: %s and %s", c->host.device,
				 found->host.device);
			return;
		}
		found = c;
	}
	if (!found)
		return;
	found->taken = true;
	*host = found->host;
}

/* Says of all that there is none. Return: whether there is anything to find. */
static bool forget(const struct graph *graph, const char *why)
{
	const struct graph_node *node;
	bool any = false;
	size_t i;

	graph_for_each_node (graph, node, i)
		if (node->host) {
			*node->host = (struct graph_host){.sequence = 0};
			snprintf(node->host->missing, sizeof(node->host->missing), "%s", why);
			any = true;
		}
	return any;
}

void hostdev_resolve(struct hostdev *h, const struct graph *graph,
		     const struct plan_running *running, size_t n)
{
	cleanup_arena struct arena *arena = NULL;
	const struct graph_node *node;
	struct candidate *candidates;
	size_t i;

	if (!forget(graph, "no matching host device"))
		return;
	if (!is_open(h)) {
		forget(graph, "libudev.so.1 cannot be loaded");
		return;
	}
	arena = arena_create();
	candidates = enumerate(h, arena);
	for (i = 0; i < n; i++)
		if (running[i].host.device[0])
			keep(h, graph, &running[i], candidates);
	graph_for_each_node (graph, node, i)
		if (node->host && node->host->missing[0])
			choose(h, node, candidates);
	for (struct candidate *c = candidates; c; c = c->next)
		h->lib->device_unref(c->device);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What convergence tells: status, events, history. All of it is read from what is there when it is
 * asked for; nothing is kept twice.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/source.h"
#include "base/strbuf.h"
#include "reload/converge-internal.h"
#include "reload/state.h"
#include "schema/config.h"

static const char *const trigger_names[] = {
	[CONVERGE_BOOT] = "boot",   [CONVERGE_REBOOT] = "reboot",
	[CONVERGE_WATCH] = "watch", [CONVERGE_HANGUP] = "hangup",
	[CONVERGE_APPLY] = "apply", [CONVERGE_UNPLUGGED] = "unplugged",
	[CONVERGE_HOST] = "host",   [CONVERGE_REVERT] = "revert",
};

const char *converge_trigger_name(enum converge_trigger trigger)
{
	return trigger_names[trigger];
}

static json_t *time_now(void)
{
	struct timespec now;
	char text[40];
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, sizeof(text) - n, ".%03ldZ", now.tv_nsec / 1000000);
	return json_string(text);
}

void converge_emit(struct converge *c, const char *type, struct json_t *fields)
{
	json_t *event;

	if (!c->listener) {
		json_decref(fields);
		return;
	}
	event = json_pack("{s:o, s:s}", "time", time_now(), "type", type);
	if (fields)
		json_object_update_new(event, fields);
	c->listener(event, c->opaque);
	json_decref(event);
}

void converge_record(struct converge *c, enum converge_trigger trigger,
		     const struct converge_request *request, const char *outcome, json_t *plan)
{
	char hex[SHA256_HEX_SIZE] = "";
	json_t *entry;
	int r;

	if (c->accepted)
		sha256_hex(c->accepted->graph->hash, hex);
	entry = json_pack("{s:o, s:I, s:s, s:s, s:s}", "time", time_now(), "generation",
			  (json_int_t)c->number, "hash", hex, "trigger",
			  converge_trigger_name(trigger), "outcome", outcome);
	if (request)
		json_object_set_new(entry, "by",
				    json_pack("{s:I, s:I}", "uid", (json_int_t)request->uid, "pid",
					      (json_int_t)request->pid));
	if (plan)
		json_object_set(entry, "steps", json_object_get(plan, "steps"));
	r = c->state ? state_record(c->state, entry) : 0;
	if (r < 0)
		log_warn("the history cannot be written: %s", strerror(-r));
	converge_emit(c, "generation", json_incref(entry));
	json_decref(entry);
	json_decref(plan);
}

void converge_condition(struct converge *c, enum condition_type type, bool status,
			const char *reason, const char *message)
{
	if (!conditions_set(&c->conditions, type, status, reason, message, c->number))
		return;
	converge_emit(c, "condition",
		      json_pack("{s:s, s:b, s:s?, s:s?}", "condition", condition_name(type),
				"status", status, "reason", reason, "message", message));
}

static json_t *place_of(const struct graph_node *node)
{
	const struct source *source = node->span.source;

	return source ? json_sprintf("%s:%u", source->name, node->span.line) : json_null();
}

static json_t *address_of(const struct graph_node *node)
{
	if (node->pci_slot >= 0)
		return json_sprintf("0000:00:%02x.0", (unsigned)node->pci_slot);
	if (node->irq >= 0)
		return json_sprintf("pin %d", node->irq);
	if (node->nvdimm_slot >= 0)
		return json_sprintf("NVDIMM %d", node->nvdimm_slot + 1);
	return json_null();
}

/* What of a device waits, and why: "path: reload.replug is never; queues: …"; of the whole the
 * reason alone. */
static void explain_step(const json_t *step, const char *path, struct strbuf *why)
{
	const json_t *change;
	size_t i;

	json_array_foreach(json_object_get(step, "changes"), i, change)
	{
		const char *property = json_string_value(json_object_get(change, "path"));
		const char *reason = json_string_value(json_object_get(change, "reason"));

		if (why->size)
			strbuf_puts(why, "; ");
		if (strcmp(property, path) != 0)
			strbuf_printf(why, "%s: ",
				      strncmp(property, path, strlen(path)) == 0
					      ? property + strlen(path) + 1
					      : property);
		strbuf_puts(why, reason ? reason : "waits for the next start of the guest");
	}
}

static void explain_what_waits(const struct converge *c, const struct graph_node *node,
			       struct strbuf *why)
{
	const json_t *step;
	size_t i;

	json_array_foreach(json_object_get(c->undone, "steps"), i,
			   step) if (strcmp(json_string_value(json_object_get(step, "path")),
					    node->path) == 0) explain_step(step, node->path, why);
}

/* What the description has and the machine has not yet. */
static void add_pending(const struct converge *c, json_t *devices)
{
	const struct graph_node *node;
	size_t i;

	graph_for_each_node (c->accepted->graph, node, i) {
		cleanup_strbuf struct strbuf why = STRBUF_INIT;

		if (node->kind != GRAPH_DEVICE || json_object_get(devices, node->id))
			continue;
		if (node->host && node->host->missing[0])
			strbuf_puts(&why, node->host->missing);
		else
			explain_what_waits(c, node, &why);
		json_object_set_new(devices, node->id,
				    json_pack("{s:s, s:s, s:s, s:o, s:o}", "type", node->type->name,
					      "phase", "Pending", "message",
					      why.text ? why.text : "", "address", json_null(),
					      "line", place_of(node)));
	}
}

static json_t *device_to_json(const struct converge *c, const struct plan_running *running)
{
	cleanup_strbuf struct strbuf why = STRBUF_INIT;
	const struct graph_node *node = running->live;
	json_t *device;

	if (running->leaving)
		builder_explain_leaving(c->builder, node->path, &why);
	else
		explain_what_waits(c, node, &why);
	device = json_pack("{s:s, s:s, s:o, s:o}", "type", node->type->name, "phase",
			   running->leaving ? "Detaching" : "Attached", "address",
			   address_of(running->base), "line", place_of(node));
	if (why.size)
		json_object_set_new(device, "message", json_string(why.text));
	if (running->host.device[0])
		json_object_set_new(device, "host", json_string(running->host.device));
	return device;
}

static json_t *devices_to_json(const struct converge *c)
{
	cleanup_arena struct arena *arena = arena_create();
	const struct plan_running *running;
	json_t *devices = json_object();
	size_t n;

	running = builder_running(c->builder, arena, &n);
	for (size_t i = 0; i < n; i++)
		if (running[i].live->kind == GRAPH_DEVICE)
			json_object_set_new(devices, running[i].live->id,
					    device_to_json(c, &running[i]));
	add_pending(c, devices);
	return devices;
}

json_t *converge_status(const struct converge *c)
{
	char hex[SHA256_HEX_SIZE];
	json_t *status;

	if (!c->accepted)
		return json_object();
	status = json_pack("{s:i, s:s, s:s, s:I, s:s, s:o, s:o}", "format_version", 1, "name",
			   c->accepted->config->name, "file", c->path, "generation",
			   (json_int_t)c->number, "hash", sha256_hex(c->accepted->graph->hash, hex),
			   "conditions", conditions_to_json(&c->conditions), "devices",
			   devices_to_json(c));
	json_object_set(status, "pending", c->pending);
	if (c->diagnostics)
		json_object_set(status, "diagnostics", c->diagnostics);
	json_object_set_new(status, "confirm", json_boolean(c->before != NULL));
	json_object_set_new(status, "phase", json_string(c->paused ? "Paused" : "Running"));
	return status;
}

const char *converge_state_path(const struct converge *c, const char *file)
{
	return c->state ? state_path(c->state, file) : NULL;
}

void converge_set_listener(struct converge *c, void (*fn)(json_t *event, void *opaque),
			   void *opaque)
{
	c->listener = fn;
	c->opaque = opaque;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of slots, changed by the main thread and by the guest. What the guest can repeat at
 * will costs an interrupt to itself at most: the main thread hears of a slot once for each time
 * that it asked something of the guest.
 */
#include <errno.h>
#include <pthread.h>

#include "base/strbuf.h"
#include "devices/platform/ged.h"
#include "devices/platform/hotplug-slots.h"
#include "loop/loop.h"
#include "machine/address-space.h"
#include "machine/machine.h"

#define REGISTER 4u

/* Notify codes and _OST events and status (ACPI 6.4 §5.6.6, §6.3.5). */
enum {
	NOTIFY_DEVICE_CHECK = 1,
	NOTIFY_EJECT_REQUEST = 3,
	OST_OSPM_EJECT = 0x103, /* as an event: the guest did it unasked */
	OST_SUCCESS = 0,
	OST_EJECT_NOT_SUPPORTED = 0x80,
	OST_DEVICE_IN_USE = 0x81,
	OST_DEVICE_BUSY = 0x82,
	OST_DEPENDENCY_BUSY = 0x83,
	OST_EJECT_IN_PROGRESS = 0x84,
};

struct slot {
	enum hotplug_slot_state state;
	uint16_t event;   /* what the guest is to be told, 0: nothing */
	uint16_t refusal; /* the status with which it refused what was asked last, 0: it did not */
	/*
	 * It was given back, and the guest has not said yet how that went: Linux looks at _STA
	 * after _EJ0, and does not look for what comes before it is through with what went.
	 */
	bool ejecting;
};

struct hotplug_slots {
	struct machine *machine;
	struct hotplug_slots_params params;
	struct loop_source *bell;
	pthread_mutex_t lock; /* below */
	unsigned n_events;    /* slots with an event */
	struct slot slots[];
};

static void set_event(struct hotplug_slots *s, struct slot *slot, uint16_t event)
{
	s->n_events += (event != 0) - (slot->event != 0);
	slot->event = event;
}

/* What comes is told in order, then what is to go, the last first. */
static uint32_t take_event(struct hotplug_slots *s)
{
	unsigned n = s->n_events ? s->params.n : 0;

	for (unsigned i = 0; i < 2 * n; i++) {
		uint32_t index = i < n ? i : 2 * n - 1 - i;
		uint32_t wanted = i < n ? NOTIFY_DEVICE_CHECK : NOTIFY_EJECT_REQUEST;

		if (s->slots[index].event != wanted || s->slots[index].ejecting)
			continue;
		set_event(s, &s->slots[index], 0);
		return wanted << 16 | index;
	}
	return 0;
}

static uint64_t slots_read(void *opaque, uint64_t offset, unsigned size)
{
	struct hotplug_slots *s = opaque;
	uint32_t value;

	if (size != REGISTER || offset % REGISTER)
		return 0;
	pthread_mutex_lock(&s->lock);
	if (offset == 0) {
		value = take_event(s);
	} else {
		const struct slot *slot = &s->slots[offset / REGISTER - 1];

		value = slot->state == HOTPLUG_ABSENT || slot->state == HOTPLUG_GIVEN_BACK ||
					slot->ejecting
				? 0
				: HOTPLUG_SLOT_PRESENT;
	}
	pthread_mutex_unlock(&s->lock);
	return value;
}

/*
 * Only what was asked for leaves. A guest that gives back something else, or something that is
 * wanted again by now, is told that it is there.
 */
static bool give_back(struct hotplug_slots *s, struct slot *slot)
{
	if (slot->state == HOTPLUG_LEAVING) {
		slot->ejecting = true;
		slot->state = HOTPLUG_GIVEN_BACK;
		set_event(s, slot, 0);
		return true;
	}
	if (slot->state == HOTPLUG_PRESENT || slot->state == HOTPLUG_INSERTED) {
		slot->ejecting = true;
		slot->state = HOTPLUG_INSERTED;
		set_event(s, slot, NOTIFY_DEVICE_CHECK);
	}
	return false;
}

/* Return: whether there is something to tell the guest, which was kept back until now. */
static bool is_through(struct slot *slot, uint32_t event, uint32_t status)
{
	if (!slot->ejecting || status == OST_EJECT_IN_PROGRESS ||
	    (event != NOTIFY_EJECT_REQUEST && event != OST_OSPM_EJECT))
		return false;
	slot->ejecting = false;
	return slot->event != 0;
}

/* Return: whether it says something new of what was asked. */
static bool take_answer(struct slot *slot, uint32_t event, uint32_t status)
{
	if (event == NOTIFY_DEVICE_CHECK && slot->state == HOTPLUG_INSERTED) {
		if (status == OST_SUCCESS) {
			slot->state = HOTPLUG_PRESENT;
			slot->refusal = 0;
			return true;
		}
	} else if (event != NOTIFY_EJECT_REQUEST || slot->state != HOTPLUG_LEAVING ||
		   status == OST_EJECT_IN_PROGRESS || status == OST_SUCCESS) {
		return false;
	}
	if (slot->refusal)
		return false;
	slot->refusal = (uint16_t)status;
	return true;
}

static void slots_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct hotplug_slots *s = opaque;
	bool tell = false, changed;
	struct slot *slot;

	if (size != REGISTER || offset % REGISTER || offset == 0)
		return;
	slot = &s->slots[offset / REGISTER - 1];
	pthread_mutex_lock(&s->lock);
	if (value & HOTPLUG_SLOT_GIVEN_BACK) {
		changed = give_back(s, slot);
	} else {
		tell = is_through(slot, (uint32_t)value >> 16, value & 0xffff);
		changed = take_answer(slot, (uint32_t)value >> 16, value & 0xffff);
	}
	pthread_mutex_unlock(&s->lock);
	if (changed)
		loop_wake(s->bell);
	if (tell)
		ged_raise(s->params.ged, s->params.event);
}

static const struct io_ops slots_ops = {
	.read = slots_read,
	.write = slots_write,
};

static void on_bell(void *opaque)
{
	struct hotplug_slots *s = opaque;

	s->params.changed(s->params.opaque);
}

int hotplug_slots_create(struct machine *machine, const struct hotplug_slots_params *params,
			 struct hotplug_slots **ret)
{
	cleanup_free struct hotplug_slots *s =
		calloc(1, sizeof(*s) + params->n * sizeof(s->slots[0]));
	struct io_region region = {
		.name = params->name,
		.base = params->base,
		.size = REGISTER * (1 + params->n),
		.ops = &slots_ops,
		.opaque = s,
	};
	int r;

	invariant(params->n <= HOTPLUG_SLOTS_MAX && params->n_present <= params->n);
	if (!s)
		return -ENOMEM;
	s->machine = machine;
	s->params = *params;
	for (unsigned i = 0; i < params->n_present; i++)
		s->slots[i].state = HOTPLUG_PRESENT;
	r = loop_add_bell(machine_loop(machine), on_bell, s, &s->bell);
	if (r < 0)
		return r;
	pthread_mutex_init(&s->lock, NULL);
	r = address_space_add(machine_mmio(machine), &region);
	if (r < 0) {
		pthread_mutex_destroy(&s->lock);
		loop_source_remove(s->bell);
		return r;
	}
	*ret = TAKE_PTR(s);
	return 0;
}

struct hotplug_slots *hotplug_slots_destroy(struct hotplug_slots *s)
{
	if (!s)
		return NULL;
	address_space_remove(machine_mmio(s->machine), s->params.base);
	address_space_quiesce(machine_mmio(s->machine));
	loop_source_remove(s->bell);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}

enum hotplug_slot_state hotplug_slots_state(struct hotplug_slots *s, unsigned i)
{
	enum hotplug_slot_state state;

	pthread_mutex_lock(&s->lock);
	state = s->slots[i].state;
	pthread_mutex_unlock(&s->lock);
	return state;
}

void hotplug_slots_found(struct hotplug_slots *s, unsigned i)
{
	pthread_mutex_lock(&s->lock);
	s->slots[i].state = HOTPLUG_PRESENT;
	pthread_mutex_unlock(&s->lock);
}

void hotplug_slots_insert(struct hotplug_slots *s, unsigned i)
{
	struct slot *slot = &s->slots[i];
	bool tell = false;

	pthread_mutex_lock(&s->lock);
	invariant(slot->state != HOTPLUG_GIVEN_BACK);
	if (slot->state == HOTPLUG_LEAVING && slot->event) {
		/* The guest has not heard of it. */
		slot->state = HOTPLUG_PRESENT;
		set_event(s, slot, 0);
	} else if (slot->state != HOTPLUG_PRESENT) {
		/* A guest that has still not said how it went never will. */
		if (slot->state == HOTPLUG_INSERTED)
			slot->ejecting = false;
		/* A guest that has let go of it half-way takes it again when it is told. */
		slot->state = HOTPLUG_INSERTED;
		set_event(s, slot, NOTIFY_DEVICE_CHECK);
		tell = true;
	}
	slot->refusal = 0;
	pthread_mutex_unlock(&s->lock);
	if (tell)
		ged_raise(s->params.ged, s->params.event);
}

void hotplug_slots_ask(struct hotplug_slots *s, unsigned i)
{
	struct slot *slot = &s->slots[i];
	bool tell = false;

	pthread_mutex_lock(&s->lock);
	if (slot->state != HOTPLUG_ABSENT && slot->state != HOTPLUG_GIVEN_BACK) {
		slot->state = HOTPLUG_LEAVING;
		slot->refusal = 0;
		set_event(s, slot, NOTIFY_EJECT_REQUEST);
		tell = true;
	}
	pthread_mutex_unlock(&s->lock);
	if (tell)
		ged_raise(s->params.ged, s->params.event);
}

void hotplug_slots_removed(struct hotplug_slots *s, unsigned i)
{
	pthread_mutex_lock(&s->lock);
	set_event(s, &s->slots[i], 0);
	s->slots[i] = (struct slot){.state = HOTPLUG_ABSENT, .ejecting = s->slots[i].ejecting};
	pthread_mutex_unlock(&s->lock);
}

static const char *refusal_words(uint16_t status)
{
	switch (status) {
	case OST_EJECT_NOT_SUPPORTED:
		return "it cannot be removed";
	case OST_DEVICE_IN_USE:
	case OST_DEVICE_BUSY:
		return "it is in use";
	case OST_DEPENDENCY_BUSY:
		return "something that depends on it is in use";
	default:
		return "it gives no reason";
	}
}

void hotplug_slots_explain(struct hotplug_slots *s, unsigned i, struct strbuf *why)
{
	struct slot slot;

	pthread_mutex_lock(&s->lock);
	slot = s->slots[i];
	pthread_mutex_unlock(&s->lock);
	if (slot.state == HOTPLUG_LEAVING && slot.refusal)
		strbuf_printf(why, "the guest refused to let go of it: %s (_OST 0x%x)",
			      refusal_words(slot.refusal), slot.refusal);
	else if (slot.state == HOTPLUG_LEAVING || slot.state == HOTPLUG_GIVEN_BACK)
		strbuf_printf(why, "the guest has not let go of it yet");
	else if (slot.refusal)
		strbuf_printf(why, "the guest refused to take it (_OST 0x%x)", slot.refusal);
	else
		strbuf_printf(why, "the guest has not taken it yet");
}

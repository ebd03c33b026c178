/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following a wanted number of slots, level-based: whatever happened, the states of the slots and
 * the wanted number say what is to be done.
 */
#include <errno.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "build/parts-slots.h"
#include "build/parts.h"
#include "devices/platform/hotplug-slots.h"

/* Makes what is missing, all or nothing: the guest has not heard of it. */
static int plug_missing(struct parts_slots *s, struct diag_list *diags)
{
	unsigned i;
	int r = 0;

	for (i = s->first; i < s->wanted && r >= 0; i++)
		if (hotplug_slots_state(s->controller, i) == HOTPLUG_ABSENT)
			r = s->ops->plug(s->opaque, i, diags);
	if (r >= 0)
		return 0;
	/* The last one was not made. */
	for (i--; i-- > s->first;)
		if (hotplug_slots_state(s->controller, i) == HOTPLUG_ABSENT)
			(void)!s->ops->unplug(s->opaque, i);
	return r;
}

static void unplug_given_back(struct parts_slots *s)
{
	for (unsigned i = s->first; i < s->n; i++)
		if (hotplug_slots_state(s->controller, i) == HOTPLUG_GIVEN_BACK &&
		    s->ops->unplug(s->opaque, i) >= 0)
			hotplug_slots_removed(s->controller, i);
}

/* @again: what was asked of the guest is asked once more. */
static int follow(struct parts_slots *s, bool again, struct diag_list *diags)
{
	int r;

	unplug_given_back(s);
	r = plug_missing(s, diags);
	if (r < 0)
		return r;
	for (unsigned i = s->first; i < s->n; i++) {
		enum hotplug_slot_state state = hotplug_slots_state(s->controller, i);

		if (state == HOTPLUG_GIVEN_BACK)
			continue;
		if (i < s->wanted && (state != HOTPLUG_INSERTED || again))
			hotplug_slots_insert(s->controller, i);
		else if (i >= s->wanted && (state != HOTPLUG_LEAVING || again))
			hotplug_slots_ask(s->controller, i);
	}
	return 0;
}

static void follow_now(struct parts_slots *s, bool again)
{
	cleanup_arena struct arena *arena = arena_create();

	if (follow(s, again, diag_list_create(arena)) < 0)
		log_error("a %s that the guest gave back, and that is wanted again, could not be "
			  "made",
			  s->ops->noun);
}

/* The guest gave something back, or said how it went. */
static void on_changed(void *opaque)
{
	struct parts_slots *s = opaque;

	follow_now(s, false);
	s->parts->on_followed(s->parts->opaque);
}

int parts_slots_create(struct parts_slots *s, uint64_t base, uint32_t event)
{
	const struct hotplug_slots_params params = {
		.name = s->ops->noun,
		.base = base,
		.event = event,
		.ged = s->parts->ged,
		.n = s->n,
		.n_present = s->wanted,
		.changed = on_changed,
		.opaque = s,
	};

	return hotplug_slots_create(s->parts->machine, &params, &s->controller);
}

void parts_slots_destroy(struct parts_slots *s)
{
	s->controller = hotplug_slots_destroy(s->controller);
}

int parts_slots_set(struct parts_slots *s, unsigned wanted, struct diag_list *diags)
{
	unsigned before = s->wanted;
	int r;

	/* The plan knows that as well. */
	if (!s->controller || wanted > s->n)
		return -EOPNOTSUPP;
	s->wanted = wanted;
	r = follow(s, false, diags);
	if (r < 0)
		s->wanted = before;
	return r;
}

bool parts_slots_settled(const struct parts_slots *s, struct strbuf *why)
{
	bool settled = true;

	for (unsigned i = s->first; s->controller && i < s->n; i++) {
		enum hotplug_slot_state state = hotplug_slots_state(s->controller, i);

		if (state == (i < s->wanted ? HOTPLUG_PRESENT : HOTPLUG_ABSENT))
			continue;
		strbuf_printf(why, "%s%s %u: ", why->size ? "; " : "", s->ops->noun, i);
		hotplug_slots_explain(s->controller, i, why);
		settled = false;
	}
	return settled;
}

void parts_slots_ask_again(struct parts_slots *s)
{
	if (s->controller)
		follow_now(s, true);
}

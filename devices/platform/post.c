/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every code a guest writes is a line of the log, with the time since the start of the program: who
 * boots (by the range of the code) and how far it is. Guests also write here to pass the time, so a
 * code that repeats says nothing, and after MAX_CODES there is silence.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "devices/platform/post.h"
#include "machine/address-space.h"
#include "machine/layout.h"
#include "machine/machine.h"

#define MAX_CODES 64

struct post {
	struct machine *machine;
	atomic_uchar code; /* the last one; 0, which is none, at first */
	atomic_uint n_codes;
};

static const char *code_kind(uint8_t code)
{
	static const char *const kinds[] = {"firmware", "bootloader", "kernel", "userspace"};

	return code / 0x20 < ARRAY_SIZE(kinds) ? kinds[code / 0x20] : "other";
}

static uint64_t post_read(void *opaque, uint64_t offset, unsigned size)
{
	struct post *post = opaque;

	return atomic_load(&post->code);
}

static void post_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct post *post = opaque;
	uint8_t code = (uint8_t)value;

	if (atomic_exchange(&post->code, code) == code || atomic_load(&post->n_codes) >= MAX_CODES)
		return;
	atomic_fetch_add(&post->n_codes, 1);
	log_info("boot: %s code 0x%02x", code_kind(code), code);
}

static const struct io_ops post_ops = {.read = post_read, .write = post_write};

int post_create(struct machine *machine, struct post **ret)
{
	struct post *post = calloc(1, sizeof(*post));
	struct io_region region = {
		.name = "post",
		.base = PORT_POST,
		.size = 1,
		.ops = &post_ops,
		.opaque = post,
	};
	int r;

	if (!post)
		return -ENOMEM;
	post->machine = machine;
	r = address_space_add(machine_pio(machine), &region);
	if (r < 0) {
		free(post);
		return r;
	}
	*ret = post;
	return 0;
}

struct post *post_destroy(struct post *post)
{
	if (!post)
		return NULL;
	address_space_remove(machine_pio(post->machine), PORT_POST);
	address_space_quiesce(machine_pio(post->machine));
	free(post);
	return NULL;
}

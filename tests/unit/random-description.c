/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "tests/unit/random-description.h"

uint64_t random_seed = 1;

unsigned random_below(unsigned n)
{
	random_seed ^= random_seed << 13;
	random_seed ^= random_seed >> 7;
	random_seed ^= random_seed << 17;
	return (unsigned)((random_seed >> 11) % n);
}

bool random_maybe(unsigned percent)
{
	return random_below(100) < percent;
}

static const char *pick(const char *const *words, unsigned n)
{
	return words[random_below(n)];
}

#define PICK(...) \
	pick((const char *const[]){__VA_ARGS__}, ARRAY_SIZE(((const char *const[]){__VA_ARGS__})))

#define ADD(list, n, ...) invariant(asprintf(&(list)[(n)++], __VA_ARGS__) >= 0)

void random_text_fini(struct random_text *text)
{
	for (unsigned i = 0; i < text->n_top; i++)
		free(text->top[i]);
	for (unsigned i = 0; i < text->n_devices; i++)
		free(text->devices[i]);
}

static void random_output(struct strbuf *out)
{
	switch (random_below(3)) {
	case 0:
		strbuf_puts(out, "terminal");
		break;
	case 1:
		strbuf_printf(out, "{type: file, path: /tmp/c%u}", random_below(4));
		break;
	default:
		strbuf_printf(out, "[{type: socket, path: /tmp/s%u}, {type: file, path: /tmp/c%u}]",
			      random_below(4), random_below(4));
	}
}

static void random_properties(const char *type, struct strbuf *out)
{
	strbuf_printf(out, "type: %s", type);
	if (strcmp(type, "virtio-blk") == 0) {
		strbuf_printf(out, ", path: /srv/%u.img", random_below(8));
		if (random_maybe(40))
			strbuf_printf(out, ", read-only: %s", PICK("true", "false"));
		if (random_maybe(20))
			strbuf_printf(out, ", queues: %u", 1 + random_below(4));
	} else if (strcmp(type, "virtio-net") == 0) {
		if (random_maybe(50))
			strbuf_puts(out, ", backend: {type: user}");
		else
			strbuf_printf(out, ", backend: {type: tap, name: tap%u}", random_below(4));
		if (random_maybe(40))
			strbuf_printf(out, ", mac: \"52:54:00:00:00:%02x\"", random_below(8));
		if (random_maybe(20))
			strbuf_printf(out, ", queues: %u", 1 + random_below(4));
	} else if (strcmp(type, "virtio-console") == 0 || strcmp(type, "serial") == 0 ||
		   strcmp(type, "debug-console") == 0) {
		strbuf_puts(out, ", output: ");
		random_output(out);
	} else if (strcmp(type, "nvdimm") == 0 || strcmp(type, "virtio-pmem") == 0) {
		strbuf_printf(out, ", path: /srv/p%u.img, size: %uMiB", random_below(8),
			      2 << random_below(8));
	} else if (strcmp(type, "virtio-rng") == 0) {
		if (random_maybe(30))
			strbuf_puts(out, ", source: /dev/random");
	}
}

/* Types that this generator knows; what is not built in is not a valid description, and left out.
 */
static const char *random_type(void)
{
	if (random_maybe(3))
		return PICK("serial", "debug-console", "nvdimm");
	return PICK("virtio-blk", "virtio-blk", "virtio-net", "virtio-rng", "virtio-console",
		    "virtio-pmem");
}

static bool has_id(const struct random_text *text, const char *id)
{
	size_t len = strlen(id);

	for (unsigned i = 0; i < text->n_devices; i++)
		if (strncmp(text->devices[i], id, len) == 0 && text->devices[i][len] == ':')
			return true;
	return false;
}

static void random_device(struct random_text *text, const char *id)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	const char *type = random_type();

	random_properties(type, &out);
	if (random_maybe(10) && strncmp(type, "virtio-", 7) == 0)
		strbuf_printf(&out, ", slot: %u",
			      random_maybe(50) ? 1 + random_below(6) : 1 + random_below(31));
	if (random_maybe(8))
		strbuf_printf(&out, ", formerly: d%u", random_below(10));
	ADD(text->devices, text->n_devices, "%s: {%s}", id, out.text);
}

static void random_top(struct random_text *text)
{
	ADD(text->top, text->n_top, "version: 1");
	ADD(text->top, text->n_top, "name: test");
	ADD(text->top, text->n_top, "cpus: {count: %u, max: %u}", 1 + random_below(4),
	    random_maybe(90) ? 4 : 8);
	ADD(text->top, text->n_top, "memory: {size: %uMiB, max: %s}", 256 << random_below(3),
	    random_maybe(90) ? "4GiB" : "8GiB");
	ADD(text->top, text->n_top, "boot: {kernel: /k, cmdline: %s}",
	    random_maybe(90) ? "a" : "b");
	ADD(text->top, text->n_top, "reload: {replug: %s, policy: %s}",
	    random_maybe(85) ? "allowed" : "never", PICK("live", "live", "stage"));
	if (random_maybe(30))
		ADD(text->top, text->n_top, "lifecycle: {reset: %s}", PICK("stop", "reboot"));
}

void random_text(struct random_text *text)
{
	unsigned n = random_maybe(8) ? 24 + random_below(10) : random_below(9),
		 ids = n > 10 ? 36 : 12;
	char id[8];

	*text = (struct random_text){0};
	random_top(text);
	for (unsigned i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "d%u", random_below(ids));
		if (!has_id(text, id))
			random_device(text, id);
	}
}

void random_edit(const struct random_text *from, struct random_text *text)
{
	char id[8];

	*text = (struct random_text){0};
	if (random_maybe(30)) {
		random_top(text);
	} else {
		for (unsigned i = 0; i < from->n_top; i++)
			ADD(text->top, text->n_top, "%s", from->top[i]);
	}
	for (unsigned i = 0; i < from->n_devices; i++) {
		snprintf(id, sizeof(id), "%.*s", (int)strcspn(from->devices[i], ":"),
			 from->devices[i]);
		if (random_maybe(60))
			ADD(text->devices, text->n_devices, "%s", from->devices[i]);
		else if (random_maybe(50))
			random_device(text, id);
	}
	for (unsigned i = random_below(5); i && text->n_devices < RANDOM_MAX_DEVICES; i--) {
		snprintf(id, sizeof(id), "d%u", random_below(from->n_devices > 10 ? 36 : 12));
		if (has_id(text, id))
			continue;
		/* What one had comes back under another name, as when somebody renames it. */
		if (from->n_devices && random_maybe(30))
			ADD(text->devices, text->n_devices, "%s%s", id,
			    strchr(from->devices[random_below(from->n_devices)], ':'));
		else
			random_device(text, id);
	}
}

void random_shuffle(char **lines, unsigned n)
{
	for (unsigned i = n; i > 1; i--) {
		unsigned j = random_below(i);
		char *line = lines[j];

		lines[j] = lines[i - 1];
		lines[i - 1] = line;
	}
}

struct generation *random_text_load(const struct random_text *text, const struct graph_pins *pins)
{
	cleanup_strbuf struct strbuf yaml = STRBUF_INIT;
	struct generation *generation;
	char path[32];
	int fd;

	for (unsigned i = 0; i < text->n_top; i++)
		strbuf_printf(&yaml, "%s\n", text->top[i]);
	strbuf_puts(&yaml, "devices:\n");
	for (unsigned i = 0; i < text->n_devices; i++)
		strbuf_printf(&yaml, "  %s\n", text->devices[i]);
	if (!text->n_devices)
		strbuf_puts(&yaml, "  {}\n");
	fd = memfd_create("description", MFD_CLOEXEC);
	invariant(fd >= 0 && write(fd, yaml.text, yaml.size) == (ssize_t)yaml.size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	generation = generation_load(path, NULL, pins);
	close(fd);
	return generation;
}

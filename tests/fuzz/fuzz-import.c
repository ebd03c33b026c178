/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a machine of another program: what is refused has a diagnostic, and what comes out
 * is a description that weft takes, in its canonical layout. The first byte says which program; a
 * text that is none of it is put between the words that make it one, since few random texts are XML
 * or JSON.
 */
#include <string.h>

#include "base/arena.h"
#include "base/diag-render.h"
#include "base/source.h"
#include "base/strbuf.h"
#include "graph/generation.h"
#include "import/import.h"
#include "schema/format.h"
#include "tests/fuzz/fuzz.h"

const char *const fuzz_seeds[] = {"tests/golden/import", NULL};
const char *const fuzz_seed_names = "*.[xjs]*"; /* .xml .json .sh */
unsigned long fuzz_goal;

static const struct {
	enum import_from from;
	const char *before, *after;
} forms[] = {
	{IMPORT_LIBVIRT, "", ""},
	{IMPORT_CLOUD_HYPERVISOR, "", ""},
	{IMPORT_FIRECRACKER, "", ""},
	{IMPORT_LIBVIRT, "<domain type='kvm'><name>a</name><devices>", "</devices></domain>"},
	{IMPORT_CLOUD_HYPERVISOR, "{\"payload\":{\"kernel\":\"k\"},", "}"},
	{IMPORT_CLOUD_HYPERVISOR, "cloud-hypervisor --disk path=a", ""},
	{IMPORT_FIRECRACKER, "{\"boot-source\":{\"kernel_image_path\":\"k\"},", "}"},
};

static void check_description(struct arena *arena, const struct strbuf *text)
{
	cleanup_generation struct generation *generation =
		generation_parse("fuzz.yaml", text->text, text->size);
	cleanup_strbuf struct strbuf again = STRBUF_INIT;
	struct diag_list *diags = diag_list_create(arena);

	invariant(generation->graph != NULL);
	invariant(format_source(arena, source_from_text(arena, "fuzz.yaml", text->text, text->size),
				diags, &again) == 0);
	invariant(again.size == text->size && memcmp(again.text, text->text, text->size) == 0);
}

static void import(enum import_from from, const struct strbuf *text)
{
	cleanup_arena struct arena *arena = arena_create();
	cleanup_strbuf struct strbuf out = STRBUF_INIT, said = STRBUF_INIT;
	struct diag_list *diags = diag_list_create(arena);
	struct import_options options = {.from = from};

	if (import_source(arena, source_from_text(arena, "fuzz", text->text, text->size), &options,
			  diags, &out) == 0) {
		check_description(arena, &out);
		fuzz_goal++;
	} else {
		invariant(diag_errors(diags) > 0);
	}
	diag_render_text(&said, diags, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	size_t form;

	if (!size)
		return 0;
	form = data[0];
	if (form < ARRAY_SIZE(forms)) {
		strbuf_puts(&text, forms[form].before);
		strbuf_add(&text, (const char *)data + 1, size - 1);
		strbuf_puts(&text, forms[form].after);
		strbuf_putc(&text, '\n');
		import(forms[form].from, &text);
		return 0;
	}
	strbuf_add(&text, (const char *)data, size);
	if (data[0] != '{')
		import(data[0] == '<' ? IMPORT_LIBVIRT : IMPORT_CLOUD_HYPERVISOR, &text);
	for (int from = IMPORT_CLOUD_HYPERVISOR; data[0] == '{' && from <= IMPORT_FIRECRACKER;
	     from++)
		import((enum import_from)from, &text);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft.yaml(5): the schema's words in man's roff. What stands before and after them is here.
 */
#include <string.h>

#include "base/roff.h"
#include "base/strbuf.h"
#include "schema/describe.h"

static const char head[] =
	".\\\" Made from schemas/ by weft schema.\n"
	".TH WEFT.YAML 5 \"\" \"weft\" \"Description of a machine\"\n"
	".SH NAME\nweft.yaml \\- the description of a virtual machine\n"
	".SH DESCRIPTION\n"
	"A description is a YAML 1.2 file that says what a virtual machine is.\n"
	".BR weft (1)\nruns the machine, and keeps it equal to the file when the file is edited.\n"
	".PP\n"
	"Only\n.B true\nand\n.B false\nare booleans; integers are decimal or begin with 0x.\n"
	"Sizes are written as\n.BR 4KiB ,\n.B 512MiB\nor\n.BR 2GiB ;\n"
	"durations as\n.BR 250ms ,\n.B 10s\nor\n.BR 5m .\n"
	"A relative path is relative to the file that says it.\n"
	"A key that is not listed here is an error, but for those at the top that begin with\n"
	".BR x\\- ,\nwhich are passed over.\n";

static const char example[] =
	".SH EXAMPLE\n.EX\n"
	"version: 1\nname: web\ncpus: { count: 2 }\nmemory: { size: 1GiB }\n"
	"boot:\n  kernel: vmlinuz\n  initramfs: initrd.img\n  cmdline: console=hvc0\n"
	"devices:\n  console: { type: virtio\\-console, output: terminal }\n"
	"  entropy: { type: virtio\\-rng }\n.EE\n"
	".SH SEE ALSO\n.BR weft (1)\n";

static void put_facts(struct strbuf *out, const struct schema_property *p)
{
	cleanup_strbuf struct strbuf facts = STRBUF_INIT;

	schema_describe_type(schema_type(p->type), &facts);
	if (p->flags & SCHEMA_REQUIRED)
		strbuf_puts(&facts, ". Required");
	else if (p->flags & SCHEMA_HAS_DEFAULT && strcmp(schema_text(p->default_text), "{}") &&
		 strcmp(schema_text(p->default_text), "[]"))
		strbuf_printf(&facts, ". Default: %s", schema_text(p->default_text));
	strbuf_printf(&facts, ". An edit %s.", schema_change_words(p->change));
	strbuf_puts(out, "Value: ");
	roff_put_sentences(out, facts.text);
	if (p->example) {
		strbuf_puts(out, ".br\nExample: ");
		roff_put_text(out, schema_text(p->name));
		strbuf_puts(out, ": ");
		roff_put_text(out, schema_text(p->example));
		strbuf_putc(out, '\n');
	}
}

static void put_property(const char *path, const struct schema_property *p, struct strbuf *out)
{
	strbuf_puts(out, ".TP\n.B ");
	roff_put_text(out, path);
	strbuf_putc(out, '\n');
	roff_put_sentences(out, schema_text(p->description));
	if (p->deprecated) {
		strbuf_puts(out, "Deprecated: ");
		roff_put_sentences(out, schema_text(p->deprecated));
	}
	strbuf_puts(out, ".br\n");
	put_facts(out, p);
}

static void put_object(struct strbuf *out, const struct schema_type *type, const char *prefix);

static const struct schema_type *inside(const struct schema_type *type)
{
	while (type->kind == SCHEMA_ARRAY || type->kind == SCHEMA_MAP)
		type = schema_type(type->items);
	return type;
}

static void put_variants(struct strbuf *out, const struct schema_type *type, const char *prefix)
{
	const char *before = NULL;

	for (size_t i = 0; i < type->parts.n; i++) {
		const struct schema_variant *v = &schema_variants[type->parts.first + i];
		const struct schema_type *object = schema_type(v->type);
		const char *description = schema_text(object->description);

		strbuf_puts(out, ".TP\n.B ");
		roff_put_text(out, prefix);
		strbuf_puts(out, ": ");
		strbuf_printf(out, v->shorthand ? "%s" : "{type: %s}", schema_text(v->name));
		strbuf_putc(out, '\n');
		/* Words that share a variant share its text. */
		roff_put_sentences(out, description && description != before
						? description
						: "As above, by its type.");
		before = description;
		put_object(out, object, prefix);
	}
}

static void put_object(struct strbuf *out, const struct schema_type *type, const char *prefix)
{
	for (size_t i = 0; i < type->parts.n; i++) {
		const struct schema_property *p = schema_property_in_order(type, i);
		const struct schema_type *below = inside(schema_type(p->type));
		cleanup_strbuf struct strbuf path = STRBUF_INIT;

		if (p->flags & SCHEMA_DISCRIMINATOR)
			continue;
		strbuf_printf(&path, "%s%s%s", prefix, *prefix ? "." : "", schema_text(p->name));
		put_property(path.text, p, out);
		if (below->kind == SCHEMA_OBJECT)
			put_object(out, below, path.text);
		else if (below->kind == SCHEMA_UNION)
			put_variants(out, below, path.text);
	}
}

static void put_heading(struct strbuf *out, const char *request, const char *text)
{
	strbuf_printf(out, "%s ", request);
	roff_put_text(out, text);
	strbuf_putc(out, '\n');
}

static void put_devices(struct strbuf *out, const struct schema_type *type)
{
	put_heading(out, ".SH", "DEVICE TYPES");
	for (size_t i = 0; i < type->parts.n; i++) {
		const struct schema_variant *v = &schema_variants[type->parts.first + i];
		const struct schema_type *object = schema_type(v->type);

		put_heading(out, ".SS", schema_text(v->name));
		if (object->description)
			roff_put_sentences(out, schema_text(object->description));
		put_object(out, object, "");
	}
}

void schema_manual(struct strbuf *out)
{
	const struct schema_type *root = schema_type(schema_root), *devices = NULL;

	strbuf_puts(out, head);
	put_heading(out, ".SH", "KEYS");
	for (size_t i = 0; i < root->parts.n; i++) {
		const struct schema_property *p = schema_property_in_order(root, i);
		const struct schema_type *type = inside(schema_type(p->type));

		if (type->kind == SCHEMA_DEVICES)
			devices = type;
		put_heading(out, ".SS", schema_text(p->name));
		roff_put_sentences(out, schema_text(p->description));
		strbuf_puts(out, ".PP\n");
		put_facts(out, p);
		if (type->kind == SCHEMA_OBJECT)
			put_object(out, type, schema_text(p->name));
	}
	if (devices)
		put_devices(out, devices);
	strbuf_puts(out, example);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML with places, by libexpat. There is no document type here: none means no entities but the five
 * of XML, so that nothing in a text can grow, and nothing refers to another file.
 */
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/source.h"
#include "base/strbuf.h"
#include "document/load.h"
#include "import/readers.h"
#include "import/xml-library.h"

struct reader {
	const struct xml_library *xml;
	XML_Parser parser;
	struct arena *arena;
	const struct source *source;
	struct diag_list *diags;
	struct item *root, *at;
	struct strbuf text; /* since the last tag */
	size_t depth, n;
	bool failed;
};

static struct span here(const struct reader *r)
{
	uint32_t line = (uint32_t)r->xml->get_current_line_number(r->parser);
	uint32_t column = (uint32_t)r->xml->get_current_column_number(r->parser) + 1;

	return (struct span){.source = r->source,
			     .line = line,
			     .column = column,
			     .end_line = line,
			     .end_column = column + 1};
}

static void over_budget(struct reader *r, const char *message)
{
	if (!r->failed)
		diag_add(r->diags, "E0503", DIAG_ERROR, here(r), "%s", message);
	r->failed = true;
	r->xml->stop_parser(r->parser, XML_FALSE);
}

/* Steps over a character of the text, counting lines and columns. */
static void step(const char *text, size_t *at, struct span *place)
{
	if (text[*at] == '\n') {
		place->line++;
		place->column = 0;
	}
	do
		(*at)++;
	while ((text[*at] & 0xc0) == 0x80);
	place->column++;
}

/* Where each attribute stands in the tag at @at: libexpat tells the place of the tag alone. */
static void place_attributes(const struct reader *r, struct item *element, size_t at)
{
	const char *text = r->source->text;
	struct span place = element->span;

	while (at < r->source->size && !strchr(" \t\r\n/>", text[at]))
		step(text, &at, &place);
	for (struct item *item = element->first; item; item = item->next) {
		char quote;

		while (at < r->source->size && strchr(" \t\r\n", text[at]))
			step(text, &at, &place);
		item->span = place;
		while (at < r->source->size && text[at] != '"' && text[at] != '\'')
			step(text, &at, &place);
		quote = text[at];
		if (at < r->source->size)
			step(text, &at, &place);
		while (at < r->source->size && text[at] != quote)
			step(text, &at, &place);
		if (at < r->source->size)
			step(text, &at, &place);
		item->span.end_line = place.line;
		item->span.end_column = place.column;
	}
}

static void start_element(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *r = data;
	struct span span = here(r);
	struct item *element;
	XML_Index offset = r->xml->get_current_byte_index(r->parser);

	if (r->failed)
		return;
	if (++r->depth > ITEM_MAX_DEPTH) {
		over_budget(r, "elements are nested too deep here: no machine needs that");
		return;
	}
	strbuf_clear(&r->text);
	element = item_add(r->arena, r->at, ITEM_ELEMENT, arena_strdup(r->arena, name), NULL, span);
	r->n++;
	for (size_t i = 0; attributes[i] && r->n <= ITEM_MAX_COUNT; i += 2, r->n++) {
		if (strlen(attributes[i + 1]) > ITEM_MAX_TEXT) {
			over_budget(r, "an attribute is too long here: no machine needs that");
			return;
		}
		item_add(r->arena, element, ITEM_ATTRIBUTE, arena_strdup(r->arena, attributes[i]),
			 arena_strdup(r->arena, attributes[i + 1]), span);
	}
	if (r->n > ITEM_MAX_COUNT) {
		over_budget(r, "there are too many elements: no machine needs that");
		return;
	}
	element->span.end_column = span.column + 1 + (uint32_t)strlen(name);
	if (offset >= 0)
		place_attributes(r, element, (size_t)offset);
	if (!r->root)
		r->root = element;
	r->at = element;
}

static void end_element(void *data, const XML_Char *name)
{
	static const char spaces[] = " \t\r\n";
	struct reader *r = data;
	const char *text = r->text.size ? r->text.text : "";
	size_t size;

	if (r->failed)
		return;
	text += strspn(text, spaces);
	size = strlen(text);
	while (size && strchr(spaces, text[size - 1]))
		size--;
	if (size)
		r->at->text = arena_strndup(r->arena, text, size);
	strbuf_clear(&r->text);
	r->at = r->at->parent;
	r->depth--;
}

static void character_data(void *data, const XML_Char *text, int size)
{
	struct reader *r = data;

	if (r->text.size + (size_t)size > ITEM_MAX_TEXT)
		over_budget(r, "this text is too long: no machine needs that");
	else
		strbuf_add(&r->text, text, (size_t)size);
}

static void start_doctype(void *data, const XML_Char *name, const XML_Char *system,
			  const XML_Char *public, int has_subset)
{
	over_budget(data, "a document type is declared here, which libvirt never does: "
			  "entities are not read");
}

static void run(struct reader *r)
{
	struct diag *diag;

	r->xml->set_user_data(r->parser, r);
	r->xml->set_element_handler(r->parser, start_element, end_element);
	r->xml->set_character_data_handler(r->parser, character_data);
	r->xml->set_start_doctype_decl_handler(r->parser, start_doctype);
	if (r->xml->parse(r->parser, r->source->text, (int)r->source->size, 1) == XML_STATUS_OK ||
	    r->failed)
		return;
	r->failed = true;
	diag = diag_add(r->diags, "E0501", DIAG_ERROR, here(r), "this is no XML: %s",
			r->xml->error_string(r->xml->get_error_code(r->parser)));
	if (r->source->text[strspn(r->source->text, " \t\r\n")] == '{')
		diag_hint(r->diags, diag,
			  "this looks like JSON: --from cloud-hypervisor and firecracker read it");
}

int import_read_xml(struct arena *arena, const struct source *source, struct diag_list *diags,
		    struct item **ret_root)
{
	struct reader r = {.arena = arena, .source = source, .diags = diags, .text = STRBUF_INIT};
	const char *why;

	if (!text_check(source, diags))
		return -EINVAL;
	if (xml_library_open(&r.xml, &why) < 0) {
		diag_add(diags, "E0504", DIAG_ERROR, (struct span){.source = source},
			 "XML cannot be read: %s", why);
		return -ENOPKG;
	}
	/* The text is UTF-8, whatever it says of itself. */
	r.parser = r.xml->parser_create("UTF-8");
	invariant(r.parser != NULL);
	run(&r);
	r.xml->parser_free(r.parser);
	strbuf_fini(&r.text);
	if (r.failed)
		return -EINVAL;
	*ret_root = r.root;
	return 0;
}

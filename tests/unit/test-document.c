/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/source.h"
#include "base/strbuf.h"
#include "document/document.h"
#include "tests/unit/cu-tap.h"

static struct arena *arena;
static struct diag_list *diags;

static void set_up(void)
{
	arena = arena_create();
	diags = diag_list_create(arena);
}

static void tear_down(void)
{
	arena = arena_destroy(arena);
}

static const struct node *parse_with(const char *text, size_t size,
				     const struct document_options *options)
{
	diags = diag_list_create(arena);
	return document_parse(arena, source_from_text(arena, "t.yaml", text, size), options, diags)
		->root;
}

static const struct node *parse(const char *text)
{
	return parse_with(text, strlen(text), NULL);
}

/* The code of the only diagnostic, or "" when there is not exactly one. */
static const char *only_code(void)
{
	return diag_count(diags) == 1 ? diag_get(diags, 0)->code : "";
}

static void scalars_are_typed_by_the_core_schema(void)
{
	static const struct {
		const char *text;
		enum node_kind kind;
	} cases[] = {
		{"true", NODE_BOOL},       {"False", NODE_BOOL},
		{"yes", NODE_STRING},      {"on", NODE_STRING},
		{"NO", NODE_STRING},       {"~", NODE_NULL},
		{"null", NODE_NULL},       {"", NODE_NULL},
		{"nil", NODE_STRING},      {"0", NODE_INT},
		{"-12", NODE_INT},         {"+3", NODE_INT},
		{"0x10de", NODE_INT},      {"0o17", NODE_STRING},
		{"1.5", NODE_FLOAT},       {"1e6", NODE_FLOAT},
		{".inf", NODE_FLOAT},      {"--", NODE_STRING},
		{"1_000", NODE_STRING},    {"12abc", NODE_STRING},
		{"1:30", NODE_STRING},     {"2024-01-01", NODE_STRING},
		{"512MiB", NODE_STRING},   {"'42'", NODE_STRING},
		{"\"true\"", NODE_STRING}, {"''", NODE_STRING},
		{"|\n  5\n", NODE_STRING}, {"!!str 5", NODE_STRING},
		{"! 5", NODE_STRING},      {"!!int 5", NODE_INT},
		{".", NODE_STRING},        {"1.", NODE_FLOAT},
		{"1.2.3", NODE_STRING},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct node *node;
		char text[64];

		snprintf(text, sizeof(text), "a: %s\n", cases[i].text);
		node = node_get(parse(text), "a");
		CU_ASSERT_PTR_NOT_NULL_FATAL(node);
		CU_ASSERT_EQUAL(node->kind, cases[i].kind);
		CU_ASSERT_EQUAL(diag_count(diags), 0);
	}
}

static void spans_count_characters_from_one(void)
{
	const struct node *root = parse("\xc3\xa9: 1\nmap:\n  k\xce\xbb: [x, 'yy']\n");
	const struct node_entry *entry = node_find(node_get(root, "map"), "k\xce\xbb");
	const struct node *item;

	CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
	CU_ASSERT_EQUAL(entry->key->span.line, 3);
	CU_ASSERT_EQUAL(entry->key->span.column, 3);
	CU_ASSERT_EQUAL(entry->key->span.end_column, 5);
	item = node_at(root, "map.k\xce\xbb.1");
	CU_ASSERT_PTR_NOT_NULL_FATAL(item);
	CU_ASSERT_EQUAL(item->span.column, 11);
	CU_ASSERT_EQUAL(item->span.end_column, 15);
	CU_ASSERT_STRING_EQUAL(item->text, "yy");
}

static void aliases_share_and_merges_keep_order_of_power(void)
{
	const struct node *root = parse("x-a: &a {p: 1, q: 1}\n"
					"x-b: &b {q: 2, r: 2}\n"
					"m: {r: 3, <<: [*a, *b]}\n"
					"n: *a\n");
	const struct node_entry *n = node_find(root, "n");

	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	CU_ASSERT_EQUAL(root->n_entries, 2);
	CU_ASSERT_EQUAL(node_at(root, "m.p")->integer.magnitude, 1);
	CU_ASSERT_EQUAL(node_at(root, "m.q")->integer.magnitude, 1);
	CU_ASSERT_EQUAL(node_at(root, "m.r")->integer.magnitude, 3);
	CU_ASSERT_EQUAL(node_get(root, "m")->n_entries, 3);
	CU_ASSERT(node_find(node_get(root, "m"), "p")->merged);
	CU_ASSERT_EQUAL(n->alias.line, 4);
	CU_ASSERT_EQUAL(n->value->span.line, 1);
	CU_ASSERT_EQUAL(diag_count(diags), 0);
}

static void duplicate_keys_are_told_and_the_first_stays(void)
{
	struct strbuf text = STRBUF_INIT;
	const struct node *root;

	root = parse("a: 1\nb: {c: 1, c: 2}\na: 3\n");
	CU_ASSERT_EQUAL(diag_errors(diags), 2);
	CU_ASSERT_EQUAL(node_get(root, "a")->integer.magnitude, 1);
	CU_ASSERT_EQUAL(diag_get(diags, 0)->n_related, 1);

	/* many: through the index */
	for (unsigned i = 0; i < 40; i++)
		strbuf_printf(&text, "k%u: %u\n", i % 20, i);
	root = parse(text.text);
	CU_ASSERT_EQUAL(diag_errors(diags), 20);
	CU_ASSERT_EQUAL(root->n_entries, 20);
	for (unsigned i = 0; i < 20; i++) {
		char key[8];

		snprintf(key, sizeof(key), "k%u", i);
		CU_ASSERT_EQUAL(node_get(root, key)->integer.magnitude, i);
	}
	CU_ASSERT_PTR_NULL(node_get(root, "k20"));
	strbuf_fini(&text);
}

static void overrides_are_laid_over(void)
{
	const char *sets[] = {"cpus.count=4", "devices.net0={type: virtio-net}",
			      "devices.old=", "name=web: 1"};
	struct document_options options = {.sets = sets, .n_sets = 3};
	const char text[] =
		"cpus: {count: 2, max: 8}\ndevices: {old: {type: x}, keep: {type: y}}\n";
	const struct node *root = parse_with(text, strlen(text), &options), *count;

	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	count = node_at(root, "cpus.count");
	CU_ASSERT_EQUAL(count->integer.magnitude, 4);
	CU_ASSERT_EQUAL(count->span.column, 12);
	CU_ASSERT_STRING_EQUAL(count->span.source->name, "--set");
	CU_ASSERT_EQUAL(node_at(root, "cpus.max")->integer.magnitude, 8);
	CU_ASSERT_STRING_EQUAL(node_at(root, "devices.net0.type")->text, "virtio-net");
	CU_ASSERT_PTR_NULL(node_at(root, "devices.old"));
	CU_ASSERT_PTR_NOT_NULL(node_at(root, "devices.keep"));

	sets[0] = "cpus.count";
	options.n_sets = 1;
	CU_ASSERT_PTR_NULL(parse_with(text, strlen(text), &options));
	CU_ASSERT_STRING_EQUAL(only_code(), "E0120");
	sets[0] = ".count=1";
	parse_with(text, strlen(text), &options);
	CU_ASSERT_STRING_EQUAL(only_code(), "E0120");
	sets[0] = "name=[";
	CU_ASSERT_PTR_NULL(parse_with(text, strlen(text), &options));
	CU_ASSERT(diag_errors(diags) > 0);
}

static void variables_are_typed_after_they_are_replaced(void)
{
	const char *defines[] = {"name=2024", "n=4"};
	struct document_options options = {.defines = defines, .n_defines = 2};
	const char text[] = "vars:\n"
			    "  n: { type: integer, default: 2 }\n"
			    "  name: { type: string }\n"
			    "  quoted: '5'\n"
			    "  disk: /srv/${name}.img\n"
			    "count: ${n}\n"
			    "also: {count: \"${n}\"}\n"
			    "name: ${name}\n"
			    "text: ${quoted}\n"
			    "long: ${n}GiB\n"
			    "path: ${disk}\n"
			    "plain: $${n}\n";
	const struct node *root = parse_with(text, strlen(text), &options);

	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	CU_ASSERT_EQUAL(diag_count(diags), 0);
	CU_ASSERT_PTR_NULL(node_get(root, "vars"));
	CU_ASSERT_EQUAL(node_get(root, "count")->kind, NODE_INT);
	CU_ASSERT_EQUAL(node_get(root, "count")->integer.magnitude, 4);
	CU_ASSERT_EQUAL(node_at(root, "also.count")->integer.magnitude, 4);
	CU_ASSERT_EQUAL(node_get(root, "name")->kind, NODE_STRING);
	CU_ASSERT_STRING_EQUAL(node_get(root, "name")->text, "2024");
	CU_ASSERT_EQUAL(node_get(root, "text")->kind, NODE_STRING);
	CU_ASSERT_STRING_EQUAL(node_get(root, "long")->text, "4GiB");
	CU_ASSERT_STRING_EQUAL(node_get(root, "path")->text, "/srv/2024.img");
	CU_ASSERT_STRING_EQUAL(node_get(root, "plain")->text, "${n}");
	CU_ASSERT_PTR_NOT_NULL(node_get(root, "count")->origin);
	CU_ASSERT_EQUAL(node_get(root, "count")->span.line, 6);
}

static void variables_do_not_explode(void)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	parse("vars: {a: '${b}', b: '${a}'}\nx: ${a}\n");
	CU_ASSERT_STRING_EQUAL(only_code(), "E0123");

	/* each of seven calls the next a thousand times, the last is empty */
	strbuf_puts(&text, "vars:\n  v7: ''\n");
	for (unsigned i = 0; i < 7; i++) {
		strbuf_printf(&text, "  v%u: \"", i);
		for (unsigned j = 0; j < 1000; j++)
			strbuf_printf(&text, "${v%u}", i + 1);
		strbuf_puts(&text, "\"\n");
	}
	strbuf_puts(&text, "x: ${v0}\n");
	CU_ASSERT_PTR_NULL(parse(text.text));
	CU_ASSERT_STRING_EQUAL(only_code(), "E0119");
}

static void write_file(const char *directory, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	fclose(file);
}

static struct document *load(const char *directory, const char *name)
{
	diags = diag_list_create(arena);
	return document_load(arena, arena_printf(arena, "%s/%s", directory, name), NULL, diags);
}

static void includes_are_laid_below(void)
{
	static const char *const names[] = {"top", "base", "d1", "d2", "self", "a", "b", "none"};
	char directory[] = "/tmp/weft-test-XXXXXX";
	const struct document *document;
	const struct node *root;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(directory));
	write_file(directory, "top",
		   "include: [base, d?]\nname: top\ndevices: {gone: null, kept: {b: 2}}\n"
		   "list: [3]\n");
	write_file(directory, "base",
		   "name: base\ndevices: {gone: {a: 1}, kept: {a: 1}}\nlist: [1, 2]\n");
	write_file(directory, "d1", "devices: {one: {a: 1}, two: {a: 1}}\n");
	write_file(directory, "d2", "devices: {two: {a: 2}}\n");
	write_file(directory, "self", "include: self\n");
	write_file(directory, "a", "include: b\n");
	write_file(directory, "b", "include: a\n");
	write_file(directory, "none", "include: [missing, '*/x']\n");

	document = load(directory, "top");
	root = document->root;
	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	CU_ASSERT_EQUAL(diag_count(diags), 0);
	CU_ASSERT_EQUAL(document->n_sources, 4);
	CU_ASSERT_EQUAL(document->n_watched, 5); /* the files, and the directory of the pattern */
	CU_ASSERT_STRING_EQUAL(node_get(root, "name")->text, "top");
	CU_ASSERT_PTR_NULL(node_at(root, "devices.gone"));
	CU_ASSERT_EQUAL(node_at(root, "devices.kept.a")->integer.magnitude, 1);
	CU_ASSERT_EQUAL(node_at(root, "devices.kept.b")->integer.magnitude, 2);
	CU_ASSERT_EQUAL(node_at(root, "devices.two.a")->integer.magnitude, 2);
	CU_ASSERT_EQUAL(node_at(root, "devices.one.a")->integer.magnitude, 1);
	CU_ASSERT_EQUAL(node_get(root, "list")->n_entries, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(node_at(root, "devices.one.a")->span.source->name, "/d1"));
	CU_ASSERT_PTR_NULL(node_get(root, "include"));

	CU_ASSERT_PTR_NULL(load(directory, "self")->root);
	CU_ASSERT_STRING_EQUAL(only_code(), "E0121");
	CU_ASSERT_PTR_NULL(load(directory, "a")->root);
	CU_ASSERT_STRING_EQUAL(only_code(), "E0121");
	CU_ASSERT_PTR_NULL(load(directory, "none")->root);
	CU_ASSERT_EQUAL(diag_errors(diags), 2);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		remove(arena_printf(arena, "%s/%s", directory, names[i]));
	remove(directory);
}

static void hostile_texts_are_refused_at_once(void)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	struct timespec start, end;
	long ms;

	clock_gettime(CLOCK_MONOTONIC, &start);

	strbuf_puts(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
	for (unsigned i = 1; i < 12; i++) {
		strbuf_printf(&text, "a%u: &a%u [", i, i);
		for (unsigned j = 0; j < 9; j++)
			strbuf_printf(&text, "*a%u, ", i - 1);
		strbuf_puts(&text, "]\n");
	}
	CU_ASSERT_PTR_NULL(parse(text.text));
	CU_ASSERT_STRING_EQUAL(only_code(), "E0119");

	strbuf_clear(&text);
	strbuf_fill(&text, '[', DOCUMENT_MAX_FILE);
	CU_ASSERT_PTR_NULL(parse(text.text));
	CU_ASSERT_STRING_EQUAL(only_code(), "E0119");

	strbuf_clear(&text);
	for (unsigned i = 0; i < 100000; i++)
		strbuf_printf(&text, "k%u: \n", i);
	CU_ASSERT_PTR_NULL(parse(text.text));
	CU_ASSERT_STRING_EQUAL(only_code(), "E0119");

	strbuf_clear(&text);
	for (unsigned i = 0; i < 20000; i++)
		strbuf_puts(&text, "k: \n");
	CU_ASSERT_PTR_NOT_NULL(parse(text.text));
	CU_ASSERT_EQUAL(diag_errors(diags), 19999);

	strbuf_clear(&text);
	strbuf_puts(&text, "a: ");
	strbuf_fill(&text, 'x', DOCUMENT_MAX_SCALAR + 1);
	CU_ASSERT_PTR_NULL(parse(text.text));
	CU_ASSERT_STRING_EQUAL(only_code(), "E0119");

	/* 2000 aliases of a map merged: by count, and by what the merges would copy */
	strbuf_clear(&text);
	strbuf_puts(&text, "x-a: &a {");
	for (unsigned i = 0; i < 1000; i++)
		strbuf_printf(&text, "k%u: 1, ", i);
	strbuf_puts(&text, "}\n");
	for (unsigned i = 0; i < 999; i++)
		strbuf_printf(&text, "m%u: {<<: *a}\n", i);
	CU_ASSERT_PTR_NULL(parse(text.text));
	CU_ASSERT_STRING_EQUAL(only_code(), "E0119");

	clock_gettime(CLOCK_MONOTONIC, &end);
	ms = (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000;
	printf("# all hostile texts: %ld ms\n", ms);
	CU_ASSERT(ms < 5000);
}

static void depth_is_bounded_through_aliases_too(void)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	strbuf_puts(&text, "a: &a ");
	strbuf_fill(&text, '[', 40);
	strbuf_fill(&text, ']', 40);
	strbuf_puts(&text, "\nb: ");
	strbuf_fill(&text, '[', 40);
	strbuf_puts(&text, "*a");
	strbuf_fill(&text, ']', 40);
	CU_ASSERT_PTR_NULL(parse(text.text));
	CU_ASSERT_STRING_EQUAL(only_code(), "E0119");
}

static void bytes_that_are_no_text_are_placed(void)
{
	parse_with("a: 1\nb\0: 2\n", 11, NULL);
	CU_ASSERT_STRING_EQUAL(only_code(), "E0102");
	CU_ASSERT_EQUAL(diag_get(diags, 0)->span.line, 2);
	CU_ASSERT_EQUAL(diag_get(diags, 0)->span.column, 2);
	parse("a: \xc3\xa9\xff\n");
	CU_ASSERT_STRING_EQUAL(only_code(), "E0102");
	CU_ASSERT_EQUAL(diag_get(diags, 0)->span.column, 5);
	parse("a: x\x1by\n");
	CU_ASSERT_STRING_EQUAL(only_code(), "E0102");
	parse_with("\xff\xfe"
		   "a\0:\0",
		   6, NULL);
	CU_ASSERT_STRING_EQUAL(only_code(), "E0102");
	CU_ASSERT_PTR_NOT_NULL(parse("\xef\xbb\xbf"
				     "a: 1\r\nb: 2\r\n"));
	CU_ASSERT_EQUAL(diag_count(diags), 0);
}

static void json_is_yaml(void)
{
	const struct node *root =
		parse("{\n\t\"cpus\": {\"count\": 2, \"x\": [true, null, \"\\/\"]}\n}\n");

	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	CU_ASSERT_EQUAL(node_at(root, "cpus.count")->integer.magnitude, 2);
	CU_ASSERT_STRING_EQUAL(node_at(root, "cpus.x.2")->text, "/");
	CU_ASSERT_EQUAL(node_at(root, "cpus.count")->span.line, 2);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"scalars are typed by the core schema", scalars_are_typed_by_the_core_schema},
		{"spans count characters from one", spans_count_characters_from_one},
		{"aliases share, and merges keep the order of power",
		 aliases_share_and_merges_keep_order_of_power},
		{"duplicate keys are told, and the first stays",
		 duplicate_keys_are_told_and_the_first_stays},
		{"overrides are laid over", overrides_are_laid_over},
		{"variables are typed after they are replaced",
		 variables_are_typed_after_they_are_replaced},
		{"variables do not explode", variables_do_not_explode},
		{"includes are laid below", includes_are_laid_below},
		{"hostile texts are refused at once", hostile_texts_are_refused_at_once},
		{"depth is bounded through aliases too", depth_is_bounded_through_aliases_too},
		{"bytes that are no text are placed", bytes_that_are_no_text_are_placed},
		{"JSON is YAML", json_is_yaml},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"document", NULL, NULL, set_up, tear_down, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}

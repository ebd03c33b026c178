/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/source.h"
#include "base/strbuf.h"
#include "document/document.h"
#include "schema/bind.h"
#include "schema/check.h"
#include "schema/config.h"
#include "schema/describe.h"
#include "schema/value.h"
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

static const struct value *check(const char *text)
{
	struct source *source = source_from_text(arena, "t.yaml", text, strlen(text));
	const struct document *document;

	diags = diag_list_create(arena);
	source->directory = "/vm/./web//";
	document = document_parse(arena, source, NULL, diags);
	return document->root ? schema_check(arena, document->root, diags) : NULL;
}

/* A description with @rest in it that is valid without. */
static const struct value *check_with(const char *rest)
{
	return check(
		arena_printf(arena, "version: 1\nname: web\nboot: {kernel: vmlinuz}\n%s\n", rest));
}

static bool faults(const char *rest, const char *code, const char *path)
{
	const struct value *value = check_with(rest);
	const struct diag *diag = diag_count(diags) ? diag_get(diags, 0) : NULL;
	bool as_said = !value && diag_count(diags) == 1 && !strcmp(diag->code, code) &&
		       diag->path && !strcmp(diag->path, path);

	for (size_t i = 0; !as_said && i < diag_count(diags); i++)
		printf("# %s: %s %s at %s\n", rest, diag_get(diags, i)->code,
		       diag_get(diags, i)->message,
		       diag_get(diags, i)->path ? diag_get(diags, i)->path : "-");
	if (!as_said && !diag_count(diags))
		printf("# %s: no fault\n", rest);
	return as_said;
}

static void defaults_are_filled_in_and_bound(void)
{
	const struct value *root = check_with("");
	const struct config_machine *machine;

	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	machine = schema_bind(arena, root);
	CU_ASSERT_STRING_EQUAL(machine->name, "web");
	CU_ASSERT_EQUAL(machine->cpus.count, 1);
	CU_ASSERT(!machine->cpus.has_max && machine->cpus.nested);
	CU_ASSERT_PTR_NULL(machine->cpus.topology);
	CU_ASSERT_EQUAL(machine->memory.size, 512 * MiB);
	CU_ASSERT_EQUAL(machine->memory.hugepages, CONFIG_MEMORY_HUGEPAGES_OFF);
	CU_ASSERT_STRING_EQUAL(machine->boot.kernel, "/vm/web/vmlinuz");
	CU_ASSERT_PTR_NULL(machine->boot.firmware);
	CU_ASSERT_EQUAL(machine->lifecycle.power_off_timeout, 60000000000);
	CU_ASSERT_EQUAL(machine->devices.n, 0);
	CU_ASSERT(!value_find(root, "cpus.count")->written);
	CU_ASSERT_PTR_EQUAL(value_find(root, "cpus.count")->bound, &machine->cpus.count);
}

static void what_is_written_is_bound(void)
{
	const struct value *root = check_with(
		"cpus: {count: 0x4, max: 8, topology: {cores: 4, sockets: 2}, phys-bits: 40,\n"
		"       affinity: {10: 1, 2: '0,2-3'}, features: {cx16: off, avx: true}}\n"
		"memory: {size: 1GiB, hugepages: 2MiB}\n"
		"lifecycle: {triple-fault: reboot, power-off-timeout: 250ms}\n"
		"x-anchor: {anything: [1]}\n");
	const struct config_machine *machine;

	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	machine = schema_bind(arena, root);
	CU_ASSERT_EQUAL(machine->cpus.count, 4);
	CU_ASSERT(machine->cpus.has_max && machine->cpus.max == 8);
	CU_ASSERT_PTR_NOT_NULL_FATAL(machine->cpus.topology);
	CU_ASSERT_EQUAL(machine->cpus.topology->threads, 1);
	CU_ASSERT_EQUAL(machine->cpus.topology->cores, 4);
	CU_ASSERT_EQUAL(machine->cpus.phys_bits, 40);
	CU_ASSERT_EQUAL_FATAL(machine->cpus.affinity.n, 2);
	CU_ASSERT_STRING_EQUAL(machine->cpus.affinity.items[1].key, "2");
	CU_ASSERT(cpu_list_has(&machine->cpus.affinity.items[0].value, 1));
	CU_ASSERT(cpu_list_has(&machine->cpus.affinity.items[1].value, 3));
	CU_ASSERT(!cpu_list_has(&machine->cpus.affinity.items[1].value, 1));
	CU_ASSERT_EQUAL_FATAL(machine->cpus.features.n, 2);
	CU_ASSERT_STRING_EQUAL(machine->cpus.features.items[0].key, "avx");
	CU_ASSERT(machine->cpus.features.items[0].value && !machine->cpus.features.items[1].value);
	CU_ASSERT_EQUAL(machine->memory.hugepages, CONFIG_MEMORY_HUGEPAGES_2MIB);
	CU_ASSERT_EQUAL(machine->lifecycle.triple_fault, CONFIG_LIFECYCLE_TRIPLE_FAULT_REBOOT);
	CU_ASSERT_EQUAL(machine->lifecycle.power_off_timeout, 250000000);
}

static const struct serial_config *serial(const char *output)
{
	const struct value *root = check_with(arena_printf(
		arena, "devices: {rng: {type: virtio-rng}, s: {type: serial%s}}", output));
	const struct config_machine *machine;

	if (!root)
		return NULL;
	machine = schema_bind(arena, root);
	CU_ASSERT_EQUAL_FATAL(machine->devices.n, 2);
	CU_ASSERT_STRING_EQUAL(machine->devices.items[1].key, "s");
	CU_ASSERT_STRING_EQUAL(machine->devices.items[1].value.type, "serial");
	CU_ASSERT_PTR_EQUAL(
		value_find(root, "devices.s.output")->bound,
		&((const struct serial_config *)machine->devices.items[1].value.config)->output);
	return machine->devices.items[1].value.config;
}

static void variants_lists_and_shorthands(void)
{
	const struct serial_config *config = serial("");

	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	CU_ASSERT_EQUAL_FATAL(config->output.n, 1);
	CU_ASSERT_EQUAL(config->output.items[0].type, CONSOLE_SINK_TYPE_TERMINAL);
	config = serial(", output: {type: file, path: a.log, append: true}");
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	CU_ASSERT_EQUAL_FATAL(config->output.n, 1);
	CU_ASSERT_EQUAL(config->output.items[0].type, CONSOLE_SINK_TYPE_FILE);
	CU_ASSERT_STRING_EQUAL(config->output.items[0].file.path, "/vm/web/a.log");
	CU_ASSERT(config->output.items[0].file.append);
	config = serial(", output: [off, null, {type: null}, {type: socket, path: /s}]");
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	CU_ASSERT_EQUAL_FATAL(config->output.n, 4);
	CU_ASSERT_EQUAL(config->output.items[0].type, CONSOLE_SINK_TYPE_OFF);
	CU_ASSERT_EQUAL(config->output.items[1].type, CONSOLE_SINK_TYPE_NULL);
	CU_ASSERT_EQUAL(config->output.items[2].type, CONSOLE_SINK_TYPE_NULL);
	CU_ASSERT_STRING_EQUAL(config->output.items[3].socket.path, "/s");
	config = serial(", output: []");
	CU_ASSERT(config && config->output.n == 0);
}

static void every_kind_of_fault_has_its_code_and_path(void)
{
	CU_ASSERT(faults("cpu: {}", "E0201", "cpu"));
	CU_ASSERT(faults("devices: {s: {type: serial, output: {type: file}}}", "E0202",
			 "devices.s.output"));
	CU_ASSERT(faults("devices: {s: {type: serial, output: [pty, {type: file}]}}", "E0202",
			 "devices.s.output.1"));
	CU_ASSERT(faults("devices: {s: {}}", "E0202", "devices.s"));
	CU_ASSERT(faults("cpus: {count: two}", "E0203", "cpus.count"));
	CU_ASSERT(faults("cpus: {count: '2'}", "E0203", "cpus.count"));
	CU_ASSERT(faults("cpus:", "E0203", "cpus"));
	CU_ASSERT(faults("cpus: []", "E0203", "cpus"));
	CU_ASSERT(faults("devices: {a: [serial]}", "E0203", "devices.a"));
	CU_ASSERT(faults("devices: {a: serial}", "E0203", "devices.a"));
	CU_ASSERT(faults("cpus: {nested: yes}", "E0203", "cpus.nested"));
	CU_ASSERT(faults("cpus: {count: 0}", "E0204", "cpus.count"));
	CU_ASSERT(faults("cpus: {count: -1}", "E0204", "cpus.count"));
	CU_ASSERT(faults("cpus: {count: 18446744073709551615}", "E0204", "cpus.count"));
	CU_ASSERT_PTR_NOT_NULL(check_with("memory: {size: 17MiB}"));
	CU_ASSERT(faults("memory: {size: 1025KiB}", "E0204", "memory.size"));
	CU_ASSERT(faults("memory: {size: 1048577000}", "E0204", "memory.size"));
	CU_ASSERT(faults("memory: {hugepages: 4MiB}", "E0205", "memory.hugepages"));
	CU_ASSERT(faults("memory: {size: big}", "E0207", "memory.size"));
	CU_ASSERT(faults("lifecycle: {power-off-timeout: 10}", "E0207",
			 "lifecycle.power-off-timeout"));
	CU_ASSERT(faults("lifecycle: {power-off-timeout: 0}", "E0203",
			 "lifecycle.power-off-timeout"));
	CU_ASSERT(faults("devices: {r: {type: virtio-rng, source: ''}}", "E0208",
			 "devices.r.source"));
	CU_ASSERT(faults(
		"devices: {s: {type: serial, output: [off, off, off, off, off, off, off, off, off]}}",
		"E0209", "devices.s.output"));
	CU_ASSERT(faults("devices: {s: {type: cereal}}", "E0211", "devices.s.type"));
	CU_ASSERT(faults("devices: {s: {type: serial, output: tty}}", "E0211", "devices.s.output"));
	CU_ASSERT(faults("devices: {Bad: {type: serial}}", "E0213", "devices.Bad"));
	CU_ASSERT(faults("cpus: {affinity: {one: 2}}", "E0213", "cpus.affinity.one"));
}

static void keys_that_go_together(void)
{
	CU_ASSERT_PTR_NULL(check("version: 1\nname: a\nboot: {}\n"));
	CU_ASSERT_STRING_EQUAL(diag_get(diags, 0)->code, "E0202");
	CU_ASSERT_PTR_NULL(check("version: 1\nname: a\nboot: {kernel: a, firmware: b}\n"));
	CU_ASSERT_STRING_EQUAL(diag_get(diags, 0)->code, "E0210");
	CU_ASSERT_PTR_NULL(check("version: 1\nname: a\nboot: {firmware: b, cmdline: c}\n"));
	CU_ASSERT_STRING_EQUAL(diag_get(diags, 0)->code, "E0210");
	CU_ASSERT_PTR_NOT_NULL(check("version: 1\nname: a\nboot: {firmware: b}\n"));
}

static void all_faults_in_one_run_at_their_places(void)
{
	check("version: 2\nname: A\ncpus: {cont: 1}\nboot: {kernel: 3}\ndevices:\n  a: {type: x}\n");
	CU_ASSERT_EQUAL_FATAL(diag_count(diags), 5);
	CU_ASSERT_EQUAL(diag_get(diags, 2)->span.line, 3);
	CU_ASSERT_EQUAL(diag_get(diags, 2)->span.column, 8);
	CU_ASSERT_STRING_EQUAL(diag_get(diags, 2)->hint, "did you mean 'count'?");
}

static void the_canonical_form_is_of_the_meaning(void)
{
	cleanup_strbuf struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
	const struct value *x =
		check_with("memory: {size: 1GiB}\ncpus: {features: {b: on, a: off}}");
	const struct value *y = check_with(
		"x-a: 3\ncpus: {features: {a: false, b: true}, count: 1}\nmemory: {size: 0x40000000, thp: true}");

	CU_ASSERT_FATAL(x && y);
	value_canonical(x, &a);
	value_canonical(y, &b);
	CU_ASSERT_STRING_EQUAL(a.text, b.text);
	strbuf_clear(&a);
	value_canonical(value_find(x, "cpus.features"), &a);
	CU_ASSERT_STRING_EQUAL(a.text, "{\"a\":false,\"b\":true}");
	strbuf_clear(&a);
	value_print(value_find(x, "memory.size"), &a);
	CU_ASSERT_STRING_EQUAL(a.text, "1GiB");
}

static void values_are_found_by_path(void)
{
	const struct value *root =
		check_with("devices: {s: {type: serial, output: [pty, {type: file,\n"
			   "  path: x}]}}");

	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	CU_ASSERT_STRING_EQUAL(value_find(root, "devices.s.output.1.path")->string, "/vm/web/x");
	CU_ASSERT_EQUAL(value_span(root, "devices.s.output.1.path").line, 5);
	CU_ASSERT_PTR_NULL(value_find(root, "devices.s.output.2"));
	CU_ASSERT_PTR_NULL(value_find(root, "devices.s.output.99999999999999999999"));
	CU_ASSERT_PTR_NULL(value_find(root, "devices.ss"));
	CU_ASSERT_PTR_NULL(value_find(root, "device"));
	CU_ASSERT_PTR_NULL(value_find(root, "name.x"));
	CU_ASSERT_EQUAL(value_span(root, "devices.s.output.7.path").line, 4);
	CU_ASSERT_PTR_EQUAL(value_find(root, NULL), root);
}

static bool label(const char *text)
{
	const struct schema_property *p = schema_property_find(schema_type(schema_root), "name");

	return schema_pattern_matches(&schema_patterns[schema_type(p->type)->pattern], text,
				      strlen(text));
}

static void patterns_match_whole_texts(void)
{
	CU_ASSERT(label("a") && label("a-b") && label("0") && label("a--9"));
	CU_ASSERT(!label("") && !label("-a") && !label("a-") && !label("A") && !label("a_b"));
	CU_ASSERT(!label("a\n") && !label("\xc3\xa9"));
}

static void paths_below_the_root_are_unique(const char *path,
					    const struct schema_property *property, void *data)
{
	struct schema_place place;
	const char *unknown;

	(*(size_t *)data)++;
	CU_ASSERT(schema_place_find(path, &place, &unknown));
	CU_ASSERT_PTR_EQUAL(place.property, property);
	if (property)
		CU_ASSERT_PTR_NOT_NULL(property->description ? property : NULL);
}

static void every_path_is_explained(void)
{
	struct schema_place place;
	const char *unknown;
	size_t n = 0;

	schema_each_path(paths_below_the_root_are_unique, &n);
	CU_ASSERT(n > 30);
	CU_ASSERT(schema_place_find("serial.output.file.path", &place, &unknown));
	CU_ASSERT(!schema_place_find("memory.siz", &place, &unknown));
	CU_ASSERT_STRING_EQUAL(unknown, "siz");
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"defaults are filled in and bound", defaults_are_filled_in_and_bound},
		{"what is written is bound", what_is_written_is_bound},
		{"variants, lists and shorthands", variants_lists_and_shorthands},
		{"every kind of fault has its code and path",
		 every_kind_of_fault_has_its_code_and_path},
		{"keys that go together", keys_that_go_together},
		{"all faults in one run, at their places", all_faults_in_one_run_at_their_places},
		{"the canonical form is of the meaning", the_canonical_form_is_of_the_meaning},
		{"values are found by path", values_are_found_by_path},
		{"patterns match whole texts", patterns_match_whole_texts},
		{"every path is explained", every_path_is_explained},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"schema", NULL, NULL, set_up, tear_down, tests},
		CU_SUITE_INFO_NULL,
	};

	if (schema_is_left_out("serial") || schema_is_left_out("virtio-rng")) {
		puts("1..0 # SKIP this weft was built without the devices that are described here");
		return 0;
	}
	return cu_tap_run(suites);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formats of weft validate.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag-render.h"
#include "base/units.h"
#include "cmd/sarif.h"
#include "cmd/validate-report.h"
#include "graph/generation.h"
#include "schema/config.h"

#define FORMAT_VERSION 1
#define FLUSH_FROM     (64 * 1024) /* bytes of output that are gathered before they are written */

void report_flush(struct report *report)
{
	int r = strbuf_write(&report->out, STDOUT_FILENO);

	if (r < 0)
		report->write_error = r;
	strbuf_clear(&report->out);
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* "2 errors, 1 warning" */
static void put_counts(struct strbuf *out, size_t errors, size_t warnings)
{
	if (errors)
		strbuf_printf(out, "%zu error%s%s", errors, plural(errors), warnings ? ", " : "");
	if (warnings)
		strbuf_printf(out, "%zu warning%s", warnings, plural(warnings));
}

static void report_text(struct report *report, struct record *record,
			const struct generation *generation, struct diag_list *host)
{
	struct strbuf *out = &record->text;

	diag_render_text(out, generation->diags, report->color);
	if (host)
		diag_render_text(out, host, report->color);
	if (report->fleet) /* the table tells */
		return;
	strbuf_printf(out, "%s: ", record->path);
	if (!record->errors)
		strbuf_printf(out, "valid%s", record->warnings ? ", " : "");
	put_counts(out, record->errors, record->warnings);
	if (host && !record->errors && record->host_errors)
		strbuf_printf(out, "; this host cannot run it: %zu error%s", record->host_errors,
			      plural(record->host_errors));
	else if (host && !record->errors)
		strbuf_puts(out, "; this host can run it");
	strbuf_putc(out, '\n');
}

static json_t *machine_json(const struct record *record)
{
	json_t *machine = json_object();

	json_object_set_new(machine, "name", json_string(record->name));
	json_object_set_new(machine, "cpus", json_integer((json_int_t)record->cpus));
	json_object_set_new(machine, "memory", json_integer((json_int_t)record->memory));
	json_object_set_new(machine, "devices", json_integer((json_int_t)record->n_devices));
	return machine;
}

static json_t *file_json(const struct report *report, const struct record *record,
			 const struct generation *generation, struct diag_list *host)
{
	json_t *file = json_object(), *name = json_string(record->path);

	/* JSON is UTF-8, a file name need not be. */
	json_object_set_new(file, "file", name ? name : json_null());
	json_object_set_new(file, "valid", json_boolean(!record->errors));
	json_object_set_new(file, "errors", json_integer((json_int_t)record->errors));
	json_object_set_new(file, "warnings", json_integer((json_int_t)record->warnings));
	json_object_set_new(file, "diagnostics", diag_render_json(generation->diags));
	if (report->fleet && record->name)
		json_object_set_new(file, "machine", machine_json(record));
	if (host) {
		json_t *object = json_object();

		json_object_set_new(object, "ready", json_boolean(!record->host_errors));
		json_object_set_new(object, "diagnostics", diag_render_json(host));
		json_object_set_new(file, "host", object);
	}
	return file;
}

static void report_annotated(struct report *report, struct record *record,
			     const struct generation *generation, struct diag_list *host)
{
	if (generation->n_sources)
		diag_render_annotated(&record->text, generation->sources[0], generation->diags,
				      report->color);
	else
		diag_render_text(&record->text, generation->diags, report->color);
	if (host)
		diag_render_text(&record->text, host, report->color);
}

void report_file(struct report *report, struct record *record, const struct generation *generation,
		 struct diag_list *host)
{
	record->errors = diag_errors(generation->diags);
	record->warnings = diag_warnings(generation->diags);
	record->host_errors = host ? diag_errors(host) : 0;
	switch (report->format) {
	case REPORT_TEXT:
		report_text(report, record, generation, host);
		break;
	case REPORT_GCC:
		diag_render_gcc(&record->text, generation->diags);
		if (host)
			diag_render_gcc(&record->text, host);
		break;
	case REPORT_ANNOTATED:
		report_annotated(report, record, generation, host);
		break;
	case REPORT_JSON:
		record->json = file_json(report, record, generation, host);
		break;
	case REPORT_SARIF:
		record->json = sarif_results();
		sarif_add(record->json, generation->diags, record->path);
		if (host)
			sarif_add(record->json, host, record->path);
		break;
	}
	/* Of a fleet it is not known yet whether the file is a machine. */
	if (report->fleet || !record->text.size)
		return;
	strbuf_add(&report->out, record->text.text, record->text.size);
	strbuf_fini(&record->text);
	if (report->out.size >= FLUSH_FROM)
		report_flush(report);
}

static void put_cell(struct strbuf *out, const char *text, size_t width)
{
	size_t cells = 0;

	for (const char *c = text; *c; c++)
		cells += (*c & 0xc0) != 0x80;
	strbuf_puts(out, text);
	strbuf_fill(out, ' ', width > cells ? width - cells + 2 : 2);
}

static void put_row(struct strbuf *out, const struct record *record, size_t path_width,
		    size_t name_width)
{
	char cpus[UNITS_TEXT_MAX] = "-", memory[UNITS_TEXT_MAX] = "-",
	     devices[UNITS_TEXT_MAX] = "-";

	if (record->name) {
		snprintf(cpus, sizeof(cpus), "%" PRIu64, record->cpus);
		size_format(record->memory, memory);
		snprintf(devices, sizeof(devices), "%zu", record->n_devices);
	}
	put_cell(out, record->path, path_width);
	put_cell(out, record->name ? record->name : "-", name_width);
	put_cell(out, cpus, strlen("CPUS"));
	put_cell(out, memory, strlen("MEMORY"));
	put_cell(out, devices, strlen("DEVICES"));
	if (!record->errors)
		strbuf_puts(out, record->warnings || record->host_errors ? "valid, " : "valid");
	put_counts(out, record->errors, record->warnings);
	if (record->host_errors)
		strbuf_printf(out, "%s%zu on this host", record->warnings ? ", " : "",
			      record->host_errors);
	strbuf_putc(out, '\n');
}

static void put_table(struct strbuf *out, const struct record *records, size_t n)
{
	size_t path_width = strlen("FILE"), name_width = strlen("MACHINE");

	for (size_t i = 0; i < n; i++) {
		path_width = MAX(path_width, strlen(records[i].path));
		name_width = MAX(name_width, records[i].name ? strlen(records[i].name) : 1);
	}
	put_cell(out, "FILE", path_width);
	put_cell(out, "MACHINE", name_width);
	strbuf_puts(out, "CPUS  MEMORY  DEVICES  RESULT\n");
	for (size_t i = 0; i < n; i++)
		if (!records[i].layer)
			put_row(out, &records[i], path_width, name_width);
}

struct totals {
	size_t files, valid, layers, errors, warnings;
};

static void put_totals(struct strbuf *out, const struct totals *t, const struct diag_list *general)
{
	size_t conflicts = diag_errors(general);

	strbuf_printf(out, "%zu file%s: %zu valid, %zu invalid", t->files, plural(t->files),
		      t->valid, t->files - t->valid);
	if (t->layers)
		strbuf_printf(out, "; %zu included by others", t->layers);
	if (conflicts)
		strbuf_printf(out, "; %zu error%s across files", conflicts, plural(conflicts));
	strbuf_putc(out, '\n');
}

static void end_json(struct report *report, struct record *records, size_t n,
		     const struct totals *t, struct diag_list *general)
{
	json_t *all = json_object(), *files = json_array(), *layers = json_array();
	char *text;

	for (size_t i = 0; i < n; i++)
		if (records[i].layer)
			json_array_append_new(layers, json_string(records[i].path));
		else
			json_array_append(files, records[i].json);
	json_object_set_new(all, "format_version", json_integer(FORMAT_VERSION));
	json_object_set_new(all, "command", json_string("validate"));
	json_object_set_new(all, "valid",
			    json_boolean(t->valid == t->files && !diag_errors(general)));
	json_object_set_new(all, "errors",
			    json_integer((json_int_t)(t->errors + diag_errors(general))));
	json_object_set_new(all, "warnings", json_integer((json_int_t)t->warnings));
	json_object_set(all, "files", files);
	if (report->fleet) {
		json_object_set(all, "layers", layers);
		json_object_set_new(all, "diagnostics", diag_render_json(general));
	}
	text = json_dumps(all, JSON_INDENT(2));
	invariant(text != NULL);
	strbuf_printf(&report->out, "%s\n", text);
	free(text);
	json_decref(files);
	json_decref(layers);
	json_decref(all);
}

static void end_sarif(struct report *report, const struct record *records, size_t n,
		      struct diag_list *general, int exit_code)
{
	json_t *results = sarif_results(), *log;
	char *text;

	for (size_t i = 0; i < n; i++)
		if (!records[i].layer)
			json_array_extend(results, records[i].json);
	sarif_add(results, general, ".");
	log = sarif_log(results, exit_code);
	text = json_dumps(log, JSON_INDENT(2));
	invariant(text != NULL);
	strbuf_printf(&report->out, "%s\n", text);
	free(text);
	json_decref(log);
}

void report_end(struct report *report, struct record *records, size_t n, struct diag_list *general,
		int exit_code)
{
	struct totals t = {0};

	for (size_t i = 0; i < n; i++) {
		t.layers += records[i].layer;
		if (records[i].layer)
			continue;
		t.files++;
		t.valid += records[i].errors == 0;
		t.errors += records[i].errors;
		t.warnings += records[i].warnings;
		if (records[i].text.size)
			strbuf_add(&report->out, records[i].text.text, records[i].text.size);
	}
	if (report->format == REPORT_JSON) {
		end_json(report, records, n, &t, general);
	} else if (report->format == REPORT_SARIF) {
		end_sarif(report, records, n, general, exit_code);
	} else if (report->format == REPORT_GCC) {
		diag_render_gcc(&report->out, general);
	} else {
		diag_render_text(&report->out, general, report->color);
		if (report->fleet && t.files)
			put_table(&report->out, records, n);
		if (report->format == REPORT_TEXT && (report->fleet || n > 1))
			put_totals(&report->out, &t, general);
	}
	report_flush(report);
}

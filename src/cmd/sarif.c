/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SARIF 2.1.0: one run, a rule for each code, a result for each diagnostic. Paths are as the user
 * said them, so that a run in the root of a repository gives what its host wants: paths relative to
 * the root.
 */
#include <config.h>
#include <jansson.h>
#include <string.h>

#include "base/diag.h"
#include "base/source.h"
#include "base/strbuf.h"
#include "cmd/sarif.h"

static const struct {
	const char *code, *meaning;
} rules[] = {
#define CODE(code, meaning) {code, meaning},
#include "base/diag-codes.h"
#undef CODE
};

static const char *const levels[] = {
	[DIAG_ERROR] = "error",
	[DIAG_WARNING] = "warning",
	[DIAG_NOTE] = "note",
};

static json_t *text_object(const char *text)
{
	json_t *object = json_object();

	json_object_set_new(object, "text", json_string(text));
	return object;
}

/* A path as a URI reference: RFC 3986's unreserved characters and '/' stay. */
static json_t *uri(const char *path)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
	cleanup_strbuf struct strbuf out = STRBUF_INIT;

	while (!strncmp(path, "./", 2))
		path += 2;
	strbuf_puts(&out, *path == '/' ? "file://" : "");
	for (; *path; path++) {
		if (strchr(plain, *path))
			strbuf_putc(&out, *path);
		else
			strbuf_printf(&out, "%%%02X", *path & 0xff);
	}
	return json_string(out.text);
}

static json_t *location(const struct span *span, const char *file)
{
	bool known = span->source && span->source->inode && span->line;
	json_t *location = json_object(), *physical = json_object(), *artifact = json_object();
	json_t *region = json_object();

	/* A place without a line is the top of its file: there is no result without a region on
	 * GitHub. */
	if (span->source && (span->source->inode || !span->line))
		file = span->source->name;
	json_object_set_new(artifact, "uri", uri(file));
	json_object_set_new(region, "startLine", json_integer(known ? span->line : 1));
	if (known) {
		json_object_set_new(region, "startColumn", json_integer(span->column));
		json_object_set_new(region, "endLine", json_integer(span->end_line));
		json_object_set_new(region, "endColumn", json_integer(span->end_column));
	}
	json_object_set_new(physical, "artifactLocation", artifact);
	json_object_set_new(physical, "region", region);
	json_object_set_new(location, "physicalLocation", physical);
	return location;
}

static json_t *related_locations(const struct diag *diag, const char *file)
{
	json_t *array = json_array();

	for (size_t i = 0; i < diag->n_related; i++) {
		json_t *related = location(&diag->related[i].span, file);

		json_object_set_new(related, "id", json_integer((json_int_t)i + 1));
		json_object_set_new(related, "message", text_object(diag->related[i].message));
		json_array_append_new(array, related);
	}
	return array;
}

static size_t rule_of(const char *code)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(rules) && strcmp(rules[i].code, code) != 0)
		i++;
	return i;
}

static json_t *result(const struct diag *diag, const char *file)
{
	cleanup_strbuf struct strbuf message = STRBUF_INIT;
	json_t *result = json_object(), *locations = json_array();
	size_t rule = rule_of(diag->code);

	strbuf_puts(&message, diag->message);
	if (diag->hint)
		strbuf_printf(&message, " (%s)", diag->hint);
	json_object_set_new(result, "ruleId", json_string(diag->code));
	if (rule < ARRAY_SIZE(rules))
		json_object_set_new(result, "ruleIndex", json_integer((json_int_t)rule));
	json_object_set_new(result, "level", json_string(levels[diag->severity]));
	json_object_set_new(result, "message", text_object(message.text));
	json_array_append_new(locations, location(&diag->span, file));
	json_object_set_new(result, "locations", locations);
	if (diag->n_related)
		json_object_set_new(result, "relatedLocations", related_locations(diag, file));
	return result;
}

json_t *sarif_results(void)
{
	return json_array();
}

void sarif_add(json_t *results, struct diag_list *diags, const char *file)
{
	diag_sort(diags);
	for (size_t i = 0; i < diag_count(diags); i++)
		json_array_append_new(results, result(diag_get(diags, i), file));
}

static json_t *tool(void)
{
	json_t *tool = json_object(), *driver = json_object(), *all = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		json_t *rule = json_object();

		json_object_set_new(rule, "id", json_string(rules[i].code));
		json_object_set_new(rule, "shortDescription", text_object(rules[i].meaning));
		json_array_append_new(all, rule);
	}
	json_object_set_new(driver, "name", json_string("weft"));
	json_object_set_new(driver, "version", json_string(PACKAGE_VERSION));
	json_object_set_new(driver, "rules", all);
	json_object_set_new(tool, "driver", driver);
	return tool;
}

json_t *sarif_log(json_t *results, int exit_code)
{
	json_t *log = json_object(), *runs = json_array(), *run = json_object();
	json_t *invocations = json_array(), *invocation = json_object();

	json_object_set_new(invocation, "executionSuccessful", json_true());
	json_object_set_new(invocation, "exitCode", json_integer(exit_code));
	json_array_append_new(invocations, invocation);
	json_object_set_new(run, "tool", tool());
	json_object_set_new(run, "invocations", invocations);
	json_object_set_new(run, "columnKind", json_string("unicodeCodePoints"));
	json_object_set_new(run, "results", results);
	json_array_append_new(runs, run);
	json_object_set_new(log, "$schema",
			    json_string("https://json.schemastore.org/sarif-2.1.0.json"));
	json_object_set_new(log, "version", json_string("2.1.0"));
	json_object_set_new(log, "runs", runs);
	return log;
}

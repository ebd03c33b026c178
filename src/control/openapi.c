/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAPI: paths from the table of routes, answers from the schemas below, and the schema of
 * descriptions as it is, because OpenAPI 3.1 speaks the same JSON Schema.
 */
#include <config.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "control/openapi.h"
#include "control/routes.h"
#include "schema/describe.h"

/*
 * What the answers look like. They say what a client may count on; more members may come.
 */
static const char schemas[] =
#include "control/answers.inc"
	;

static json_t *reference(const char *schema)
{
	return json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", schema));
}

static json_t *field_schema(const struct route_field *field)
{
	switch (field->type) {
	case ROUTE_STRING:
		return json_pack("{s:s}", "type", "string");
	case ROUTE_BOOLEAN:
		return json_pack("{s:s}", "type", "boolean");
	case ROUTE_INTEGER:
		return json_pack("{s:s, s:i}", "type", "integer", "minimum", 0);
	case ROUTE_DURATION:
		return json_pack("{s:s, s:s}", "type", "string", "pattern",
				 "^(0|[1-9][0-9]*(ns|us|ms|s|m|h|d))$");
	}
	return json_object();
}

static json_t *content(const char *type, json_t *schema)
{
	return json_pack("{s:{s:o}}", type, "schema", schema);
}

static json_t *body_of(const struct route *route)
{
	json_t *properties = json_object();

	for (size_t i = 0; i < ROUTE_MAX_FIELDS && route->body[i].name; i++) {
		json_t *schema = field_schema(&route->body[i]);

		json_object_set_new(schema, "description", json_string(route->body[i].description));
		json_object_set_new(properties, route->body[i].name, schema);
	}
	return json_pack("{s:o}", "content",
			 content("application/json", json_pack("{s:s, s:b, s:o}", "type", "object",
							       "additionalProperties", false,
							       "properties", properties)));
}

static json_t *parameters_of(const struct route *route)
{
	json_t *list = json_array();

	if (strchr(route->path, '{'))
		json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:{s:s}}", "name", "id",
						      "in", "path", "required", true, "schema",
						      "type", "string"));
	for (size_t i = 0; i < ROUTE_MAX_FIELDS && route->query[i].name; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "name",
						      route->query[i].name, "in", "query",
						      "description", route->query[i].description,
						      "schema", field_schema(&route->query[i])));
	return list;
}

/* The answer when all is well. */
static void add_success(json_t *answers, const struct route *route)
{
	const char *type = route->type ? route->type : "application/json";
	const char *code = "200";
	json_t *answer = json_pack("{s:s}", "description", route->summary);

	if (route->result && strcmp(route->result, "Accepted") == 0)
		code = "202";
	if (strchr(route->path, '{'))
		code = "101";
	else
		json_object_set_new(
			answer, "content",
			content(type, route->result ? reference(route->result) : json_object()));
	json_object_set_new(answers, code, answer);
}

static void add_errors(json_t *answers, const char *codes)
{
	cleanup_free char *copy = strdup(codes);
	char *rest = copy, *code;

	invariant(copy);
	while ((code = strsep(&rest, " ")))
		json_object_set_new(answers, code,
				    json_pack("{s:s}", "$ref", "#/components/responses/Error"));
}

static json_t *operation(const struct route *route)
{
	json_t *answers = json_object(), *operation, *parameters = parameters_of(route);

	add_success(answers, route);
	add_errors(answers, "400 403 413");
	if (route->answers)
		add_errors(answers, route->answers);
	operation = json_pack("{s:s, s:s, s:o}", "operationId", route->name, "summary",
			      route->summary, "responses", answers);
	if (route->body[0].name)
		json_object_set_new(operation, "requestBody", body_of(route));
	if (json_array_size(parameters))
		json_object_set(operation, "parameters", parameters);
	json_decref(parameters);
	return operation;
}

static json_t *paths(void)
{
	json_t *all = json_object();

	for (size_t i = 0; i < control_n_routes; i++) {
		const struct route *route = &control_routes[i];
		json_t *path = json_object_get(all, route->path);
		char method[8] = "";

		for (size_t j = 0; j < sizeof(method) - 1 && route->method[j]; j++)
			method[j] = (char)(route->method[j] | 0x20);
		if (!path) {
			path = json_object();
			json_object_set_new(all, route->path, path);
		}
		json_object_set_new(path, method, operation(route));
	}
	return all;
}

json_t *control_openapi(void)
{
	json_t *answers = json_loads(schemas, 0, NULL);
	json_t *description = json_loadb(schema_json, schema_json_size, 0, NULL);

	invariant(answers && description);
	json_object_set_new(answers, "Description", description);
	return json_pack("{s:s, s:{s:s, s:s, s:s}, s:[{s:s, s:s}], s:o, s:{s:o, s:{s:{s:s, s:o}}}}",
			 "openapi", "3.1.0", "info", "title", "weft", "version", PACKAGE_VERSION,
			 "description",
			 "The control interface of one machine: HTTP over control.sock in its "
			 "state directory.",
			 "servers", "url", "http://localhost", "description",
			 "control.sock; the host's name means nothing", "paths", paths(),
			 "components", "schemas", answers, "responses", "Error", "description",
			 "What is wrong, and what to do about it", "content",
			 content("application/json", reference("Error")));
}

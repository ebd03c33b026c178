/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes, and the way from a request to one of them.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/exit-code.h"
#include "base/suggest.h"
#include "base/units.h"
#include "control/console.h"
#include "control/history.h"
#include "control/internal.h"
#include "control/openapi.h"
#include "control/routes.h"
#include "control/stream.h"
#include "reload/converge.h"

static struct converge *converge_of(struct request *request)
{
	return supervisor_converge(request->control->supervisor);
}

/* --- What is. --- */

/*
 * How the file, what was accepted of it and the machine differ. What was accepted and is not done
 * waits for a restart (pending) or for the guest (the condition Converging).
 */
static json_t *drift_of(struct converge *converge)
{
	json_t *plan = NULL, *steps, *drift;
	int code = converge_plan(converge, NULL, &plan);

	steps = json_object_get(json_object_get(plan, "plan"), "steps");
	drift = json_pack("{s:s}", "file",
			  code == EXIT_INVALID     ? "Invalid"
			  : json_array_size(steps) ? "Differs"
						   : "Same");
	if (steps)
		json_object_set(drift, "steps", steps);
	if (code == EXIT_INVALID)
		json_object_set(drift, "diagnostics", json_object_get(plan, "diagnostics"));
	json_decref(plan);
	return drift;
}

static void get_status(struct request *request)
{
	json_t *status = converge_status(converge_of(request));
	const char *file = json_string_value(json_object_get(status, "file"));

	/* Standard input cannot be read again. */
	if (file && strcmp(file, "-") != 0)
		json_object_set_new(status, "drift", drift_of(converge_of(request)));
	request_reply(request, 200, status);
}

static void get_openapi(struct request *request)
{
	request_reply(request, 200, control_openapi());
}

static void get_history(struct request *request)
{
	const char *path = converge_state_path(converge_of(request), "history.ndjson");
	json_t *entries = NULL;
	int r = history_read(path, request_query(request, "limit", 100, HISTORY_MAX_ENTRIES),
			     &entries);

	if (r < 0)
		request_error(request, 500, "history", NULL, "the history cannot be read: %s",
			      strerror(-r));
	else
		request_reply(request, 200,
			      json_pack("{s:i, s:o}", "format_version", 1, "entries", entries));
}

/* --- Edits. --- */

/* The answer to a plan or an apply; takes the reference of @result. */
static void reply_result(struct request *request, int code, json_t *result)
{
	switch (code) {
	case EXIT_INVALID:
		request_error_with(request, 422, "invalid", "the diagnostics tell where", result,
				   "the description is not valid");
		break;
	case EXIT_ROLLED_BACK:
		request_error_with(request, 500, "rolled-back", "the diagnostics tell why", result,
				   "the edit failed; everything is as it was");
		break;
	case EXIT_DEGRADED:
		request_error_with(request, 500, "degraded", "the diagnostics tell why", result,
				   "the edit failed, and not all of it could be undone");
		break;
	default:
		request_reply(request, 200, result);
	}
}

/*
 * The VMM has a working directory of its own, so a path has to be whole. Return: false when the
 * request was answered.
 */
static bool read_path(struct request *request, const char **ret_path)
{
	*ret_path = json_string_value(json_object_get(request->body, "path"));
	if (!*ret_path || **ret_path == '/')
		return true;
	request_error(request, 400, "relative-path", "give it from the root on",
		      "the path '%s' is relative", *ret_path);
	return false;
}

static void post_plan(struct request *request)
{
	const char *path;
	json_t *result = NULL;
	int code;

	if (!read_path(request, &path))
		return;
	code = converge_plan(converge_of(request), path, &result);
	reply_result(request, code, result);
}

static void get_plan(struct request *request)
{
	post_plan(request);
}

static void post_apply(struct request *request)
{
	const char *timeout = json_string_value(json_object_get(request->body, "confirm_timeout"));
	struct converge_request wanted = {
		.dry_run = json_is_true(json_object_get(request->body, "dry_run")),
		.if_generation = (uint64_t)json_integer_value(
			json_object_get(request->body, "if_generation")),
		.uid = request->peer.uid,
		.pid = request->peer.pid,
	};
	json_t *result = NULL;
	int code;

	if (!read_path(request, &wanted.path))
		return;
	if (timeout)
		duration_parse(timeout, &wanted.confirm_timeout, NULL);
	code = converge_apply(converge_of(request), &wanted, &result);
	if (code == -EAGAIN)
		request_error(request, 409, "generation", "look at the plan again",
			      "generation %llu is not what runs",
			      (unsigned long long)wanted.if_generation);
	else if (code == -EBUSY)
		request_error(request, 409, "unconfirmed", "confirm it, or wait until it reverts",
			      "an apply waits to be confirmed");
	else
		reply_result(request, code, result);
}

static void post_confirm(struct request *request)
{
	if (converge_confirm(converge_of(request)) < 0)
		request_error(request, 409, "nothing-to-confirm", NULL,
			      "no apply waits to be confirmed");
	else
		request_reply(request, 200, json_pack("{s:b}", "confirmed", true));
}

/* --- The life of the machine. --- */

static void act(struct request *request, enum supervisor_action action)
{
	if (supervisor_act(request->control->supervisor, action) < 0)
		request_error(request, 409, "paused", "resume it first",
			      "the guest is paused and would not notice");
	else
		request_reply(request, 200,
			      json_pack("{s:b}", "paused",
					supervisor_is_paused(request->control->supervisor)));
}

/* What may end the machine waits until the answer is out. */
static void act_later(struct request *request, enum supervisor_action action)
{
	request->connection->has_action = true;
	request->connection->action = action;
	request_reply(request, 202, json_pack("{s:b}", "accepted", true));
}

static void post_pause(struct request *request)
{
	act(request, SUPERVISOR_PAUSE);
}

static void post_resume(struct request *request)
{
	act(request, SUPERVISOR_RESUME);
}

static void post_power_button(struct request *request)
{
	act(request, SUPERVISOR_POWER_BUTTON);
}

static void post_reboot(struct request *request)
{
	act_later(request, json_is_true(json_object_get(request->body, "force"))
				   ? SUPERVISOR_RESET
				   : SUPERVISOR_REBOOT);
}

static void post_stop(struct request *request)
{
	act_later(request, SUPERVISOR_STOP);
}

static void post_kill(struct request *request)
{
	act_later(request, SUPERVISOR_KILL);
}

/* --- The table. --- */

#define BODY_PATH                                                                              \
	{                                                                                      \
		"path", ROUTE_STRING,                                                          \
			"Another description, from the root on; the machine's own when absent" \
	}

const struct route control_routes[] = {
	{
		.method = "GET",
		.path = "/v1/status",
		.name = "getStatus",
		.summary = "Generation, conditions, devices, what waits, and how file and machine "
			   "differ",
		.result = "Status",
		.handler = get_status,
	},
	{
		.method = "GET",
		.path = "/v1/plan",
		.name = "getPlan",
		.summary = "What the description as it is now would change",
		.result = "Result",
		.answers = "422",
		.handler = get_plan,
	},
	{
		.method = "POST",
		.path = "/v1/plan",
		.name = "planOther",
		.summary = "What another description would change",
		.result = "Result",
		.answers = "422",
		.body = {BODY_PATH},
		.handler = post_plan,
	},
	{
		.method = "POST",
		.path = "/v1/apply",
		.name = "apply",
		.summary = "Go to a description",
		.result = "Result",
		.answers = "409 422 500",
		.body =
			{
				BODY_PATH,
				{"dry_run", ROUTE_BOOLEAN, "Prepare everything, then take it back"},
				{"confirm_timeout", ROUTE_DURATION,
				 "Go back by itself unless it is confirmed in this time"},
				{"if_generation", ROUTE_INTEGER, "Only if this generation runs"},
			},
		.handler = post_apply,
	},
	{
		.method = "POST",
		.path = "/v1/confirm",
		.name = "confirm",
		.summary = "Keep what an apply with a confirm_timeout did",
		.result = "Confirmed",
		.answers = "409",
		.handler = post_confirm,
	},
	{
		.method = "GET",
		.path = "/v1/events",
		.name = "getEvents",
		.summary = "The status, then every event as it comes, a JSON object a line",
		.result = "Event",
		.type = "application/x-ndjson",
		.answers = "503",
		.handler = stream_events,
	},
	{
		.method = "GET",
		.path = "/v1/history",
		.name = "getHistory",
		.summary = "What was applied, when and by whom, oldest first",
		.result = "History",
		.query = {{"limit", ROUTE_INTEGER, "How many of the newest entries (100)"}},
		.handler = get_history,
	},
	{
		.method = "POST",
		.path = "/v1/pause",
		.name = "pause",
		.summary = "Stop the CPUs and the devices",
		.result = "Paused",
		.handler = post_pause,
	},
	{
		.method = "POST",
		.path = "/v1/resume",
		.name = "resume",
		.summary = "Let the guest go on",
		.result = "Paused",
		.handler = post_resume,
	},
	{
		.method = "POST",
		.path = "/v1/power-button",
		.name = "powerButton",
		.summary = "Press the power button",
		.result = "Paused",
		.answers = "409",
		.handler = post_power_button,
	},
	{
		.method = "POST",
		.path = "/v1/reboot",
		.name = "reboot",
		.summary = "Power off by the button, then start with the newest description",
		.result = "Accepted",
		.body = {{"force", ROUTE_BOOLEAN, "Reset at once instead"}},
		.handler = post_reboot,
	},
	{
		.method = "POST",
		.path = "/v1/stop",
		.name = "stop",
		.summary = "Press the power button; end by force after lifecycle.power-off-timeout",
		.result = "Accepted",
		.handler = post_stop,
	},
	{
		.method = "POST",
		.path = "/v1/kill",
		.name = "kill",
		.summary = "End the machine at once",
		.result = "Accepted",
		.handler = post_kill,
	},
	{
		.method = "GET",
		.path = "/v1/console/{id}",
		.name = "attachConsole",
		.summary = "The last output of a console and then both ways, after 'Upgrade: "
			   "weft-console'",
		.answers = "404 426",
		.handler = console_connect,
	},
	{
		.method = "GET",
		.path = "/v1/logs",
		.name = "getLogs",
		.summary = "The newest lines of weft's own log",
		.type = "text/plain",
		.answers = "503",
		.query = {{"follow", ROUTE_INTEGER, "1: go on with new lines as they come"}},
		.handler = stream_logs,
	},
	{
		.method = "GET",
		.path = "/v1/openapi",
		.name = "getOpenapi",
		.summary = "This interface as an OpenAPI 3.1 document",
		.handler = get_openapi,
	},
};

const size_t control_n_routes = ARRAY_SIZE(control_routes);

/* --- Dispatch. --- */

/* Whether @path is the route's; what stands for the parameter, if it has one. */
static bool path_matches(const struct route *route, const char *path, const char **ret_parameter)
{
	size_t prefix = strcspn(route->path, "{");

	*ret_parameter = NULL;
	if (!route->path[prefix])
		return strcmp(route->path, path) == 0;
	if (strncmp(route->path, path, prefix) != 0 || !path[prefix] || strchr(path + prefix, '/'))
		return false;
	*ret_parameter = path + prefix;
	return true;
}

static bool type_matches(const struct route_field *field, const json_t *value)
{
	uint64_t duration;

	switch (field->type) {
	case ROUTE_STRING:
		return json_is_string(value);
	case ROUTE_BOOLEAN:
		return json_is_boolean(value);
	case ROUTE_INTEGER:
		return json_is_integer(value) && json_integer_value(value) >= 0;
	case ROUTE_DURATION:
		return json_is_string(value) &&
		       duration_parse(json_string_value(value), &duration, NULL) == 0;
	}
	return false;
}

static const struct route_field *find_field(const struct route *route, const char *name)
{
	for (size_t i = 0; i < ROUTE_MAX_FIELDS && route->body[i].name; i++)
		if (strcmp(route->body[i].name, name) == 0)
			return &route->body[i];
	return NULL;
}

static void refuse_member(struct request *request, const struct route *route, const char *name)
{
	const char *names[ROUTE_MAX_FIELDS] = {0}, *near;
	char hint[96];

	for (size_t i = 0; i < ROUTE_MAX_FIELDS; i++)
		names[i] = route->body[i].name;
	near = suggest(name, names, ROUTE_MAX_FIELDS);
	if (near)
		snprintf(hint, sizeof(hint), "did you mean '%s'?", near);
	request_error(request, 400, "unknown-member", near ? hint : NULL,
		      "the body has an unknown member '%.64s'", name);
}

/* Return: false when the request was answered. */
static bool check_members(struct request *request, const struct route *route)
{
	static const char *const words[] = {
		[ROUTE_STRING] = "a string",
		[ROUTE_BOOLEAN] = "true or false",
		[ROUTE_INTEGER] = "an integer from 0 on",
		[ROUTE_DURATION] = "a duration in quotes, as in \"60s\"",
	};
	const char *name;
	json_t *value;

	json_object_foreach(request->body, name, value)
	{
		const struct route_field *field = find_field(route, name);

		if (!field) {
			refuse_member(request, route, name);
			return false;
		}
		if (!type_matches(field, value)) {
			request_error(request, 400, "wrong-type", NULL, "'%s' has to be %s", name,
				      words[field->type]);
			return false;
		}
	}
	return true;
}

/* No body is an empty object. Return: false when the request was answered. */
static bool read_body(struct request *request, const struct route *route, const void *body,
		      size_t size)
{
	json_error_t error;

	if (size == 0) {
		request->body = json_object();
		return true;
	}
	request->body = json_loadb(body, size, JSON_REJECT_DUPLICATES, &error);
	if (request->body && json_is_object(request->body))
		return check_members(request, route);
	if (request->body)
		request_error(request, 400, "not-an-object", NULL,
			      "the body has to be a JSON object");
	else
		request_error(request, 400, "not-json", NULL, "the body is not JSON: %d:%d: %s",
			      error.line, error.column, error.text);
	return false;
}

void control_dispatch(struct request *request, const char *method, const char *path,
		      const void *body, size_t size)
{
	const struct route *found = NULL;

	for (size_t i = 0; i < control_n_routes; i++) {
		const struct route *route = &control_routes[i];

		if (!path_matches(route, path, &request->parameter))
			continue;
		found = route;
		if (strcmp(route->method, method) != 0)
			continue;
		if (read_body(request, route, body, size))
			route->handler(request);
		return;
	}
	if (found)
		request_error(request, 405, "method", NULL, "%s takes no %s", found->path, method);
	else
		request_error(request, 404, "not-found", "GET /v1/openapi lists what there is",
			      "there is no '%.128s'", path);
}

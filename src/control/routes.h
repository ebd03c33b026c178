/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the control interface can be asked for: one table, from which requests are answered and the
 * OpenAPI document is made.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct request;

enum route_type {
	ROUTE_STRING,
	ROUTE_BOOLEAN,
	ROUTE_INTEGER,
	ROUTE_DURATION, /* "60s"; see base/units.h */
};

/* A member of a body, all of them optional, or a parameter in the query. */
struct route_field {
	const char *name;
	enum route_type type;
	const char *description;
};

#define ROUTE_MAX_FIELDS 4

struct route {
	const char *method;
	const char *path; /* "/v1/console/{id}": the parameter is the last part */
	const char *name; /* "getStatus" */
	const char *summary;
	const char *result;  /* the schema of the answer in openapi.c; NULL: none */
	const char *type;    /* of the answer; NULL: application/json */
	const char *answers; /* other status codes it may give: "409 422" */
	struct route_field body[ROUTE_MAX_FIELDS],
		query[ROUTE_MAX_FIELDS]; /* ended by a zero entry */
	void (*handler)(struct request *request);
};

extern const struct route control_routes[];
extern const size_t control_n_routes;

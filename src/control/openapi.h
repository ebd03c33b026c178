/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control interface as an OpenAPI 3.1 document.
 */
#pragma once

struct json_t;

/* Made from the table of routes and the schema of descriptions; the caller owns the reference. */
struct json_t *control_openapi(void);

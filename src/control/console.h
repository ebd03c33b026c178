/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that becomes a console.
 */
#pragma once

struct request;

/*
 * GET /v1/console/{id} with 'Upgrade: weft-console': after the answer 101 the connection is the
 * console, first the last output, then both ways. What the peer sends before it has the answer is
 * lost.
 */
void console_connect(struct request *request);

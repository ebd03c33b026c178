/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers without an end: events and the log. A reader that does not keep up is dropped, and told
 * so in its last line; the others are not held up. Main thread.
 */
#pragma once

#include "base/compiler.h"

struct control;
struct request;

/* What may wait for one reader. */
#define STREAM_MAX_BACKLOG (256 * 1024)
#define STREAM_MAX_READERS 32

int streams_start(struct control *control) must_use;

/* Ends every stream; harmless when none was started. */
void streams_stop(struct control *control);

/* Answer with NDJSON: what is now, then every event. */
void stream_events(struct request *request);

/* Answer with the lines of the log; with ?follow=1 also those to come. */
void stream_logs(struct request *request);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan for people and for programs.
 */
#pragma once

#include "plan/plan.h"

struct json_t;
struct strbuf;

/*
 * One line a step, one a change under it:
 *
 *     + devices.scratch          hotplug
 *     ~ devices.root             live
 *         rate.bandwidth: 10MiB → 20MiB
 *     ! boot                     restart
 *         cmdline: "quiet" → ""  (the kernel reads it when it starts)
 *
 * and a last line that counts them.
 */
void plan_print(const struct plan *plan, struct strbuf *out);

/* The same of a plan that another process made; what is missing in it is left out. */
void plan_print_json(const struct json_t *plan, struct strbuf *out);

/* The plan as {"format_version", "class", "steps": [...]}; the caller owns the reference. */
struct json_t *plan_to_json(const struct plan *plan);

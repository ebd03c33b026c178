/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules that no schema can say: what must hold between the objects of a description.
 */
#pragma once

#include <stdbool.h>

#include "base/diag.h"

struct arena;
struct config_machine;
struct device_needs;
struct graph_node;
struct value;

/*
 * Rules within the description's own objects. Return: false with diagnostics when one is broken;
 * all are checked in any case.
 */
bool rules_check(const struct value *root, const struct config_machine *config, struct arena *arena,
		 struct diag_list *diags);

/* Part of it: what stands in lists and maps of devices, and only one can have. */
void rules_check_uses(const struct value *root, struct arena *arena, struct diag_list *diags);

/*
 * What an exclusive key of a device (struct device_needs) stands for, in words: "the file", and its
 * name: "root.img" of "write:/srv/root.img".
 */
const char *rules_resource_words(const char *key);
const char *rules_resource_name(const char *key);

/*
 * Rules between devices, once their needs are known: nothing of the host or of the chipset is used
 * twice. @needs has an entry for each of @devices.
 */
bool rules_check_devices(const struct graph_node *const *devices, const struct device_needs *needs,
			 size_t n, struct diag_list *diags);

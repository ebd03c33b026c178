/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machines of this user.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "control/client.h"
#include "control/machines.h"
#include "reload/state.h"

#define NAME_MAX_LENGTH 63

bool machine_name_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n <= NAME_MAX_LENGTH && !name[n] && name[0] != '-' && name[n - 1] != '-';
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int machines_find(struct machines *machines)
{
	cleanup_free char *base = state_directory();
	DIR *directory = base ? opendir(base) : NULL;
	struct dirent *entry;

	*machines = (struct machines){0};
	if (!directory)
		return base && errno == ENOENT ? 0 : base ? -errno : -ENOENT;
	machines->names = calloc(MACHINES_MAX, sizeof(char *));
	machines->running = calloc(MACHINES_MAX, sizeof(bool));
	invariant(machines->names && machines->running);
	while ((entry = readdir(directory)) && machines->n < MACHINES_MAX) {
		char *name = machine_name_valid(entry->d_name) ? strdup(entry->d_name) : NULL;

		if (name)
			machines->names[machines->n++] = name;
	}
	closedir(directory);
	qsort(machines->names, machines->n, sizeof(char *), compare);
	for (size_t i = 0; i < machines->n; i++)
		machines->running[i] = client_is_running(machines->names[i]);
	return 0;
}

void machines_fini(struct machines *machines)
{
	for (size_t i = 0; i < machines->n; i++)
		free(machines->names[i]);
	free(machines->names);
	free(machines->running);
	*machines = (struct machines){0};
}

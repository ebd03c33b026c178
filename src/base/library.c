/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/library.h"

int library_open(const char *soname, const struct library_function *functions, size_t n,
		 void *table, const char **ret_why)
{
	static char why[300];
	void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);

	*ret_why = why;
	if (!library) {
		snprintf(why, sizeof(why), "%s", dlerror());
		return -ENOENT;
	}
	for (size_t i = 0; i < n; i++) {
		void *function = dlsym(library, functions[i].name);

		if (!function) {
			snprintf(why, sizeof(why), "%s has no %s", soname, functions[i].name);
			dlclose(library);
			return -ENOENT;
		}
		memcpy((char *)table + functions[i].offset, &function, sizeof(function));
	}
	return 0;
}

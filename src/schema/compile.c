/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile OUTPUT SCHEMADIR FILE TYPE…: writes one of the outputs to FILE. Each TYPE is a device
 * type to build in.
 */
#include <errno.h>
#include <string.h>

#include "schema/compile.h"

static const struct {
	const char *name;
	void (*emit)(FILE *out, struct model *model);
} outputs[] = {
	{"header", emit_header},
	{"tables", emit_tables},
	{"json", emit_json},
};

int main(int argc, char **argv)
{
	struct model model = {0};
	FILE *out;

	if (argc < 4)
		compile_die("usage: compile OUTPUT SCHEMADIR FILE TYPE...");
	compile_arena = arena_create();
	model.directory = argv[2];
	model_build(&model, (const char **)argv + 4, (size_t)argc - 4);
	if (compile_errors)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(outputs); i++) {
		if (strcmp(outputs[i].name, argv[1]))
			continue;
		out = fopen(argv[3], "we");
		if (!out)
			compile_die("%s: %s", argv[3], strerror(errno));
		outputs[i].emit(out, &model);
		if (fflush(out) || ferror(out) || fclose(out))
			compile_die("%s: %s", argv[3], strerror(errno));
		if (compile_errors)
			return 1;
		arena_destroy(compile_arena);
		return 0;
	}
	compile_die("no output called %s", argv[1]);
}

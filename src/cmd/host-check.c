/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host against a description. What schemas say of a path (x-access) tells what is tried with
 * it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fd.h"
#include "block/block.h"
#include "boot/boot.h"
#include "build/parts.h"
#include "cmd/host-check.h"
#include "graph/generation.h"
#include "loop/loop.h"
#include "schema/config.h"
#include "schema/value.h"

static void on_event(enum machine_event event, void *opaque)
{
}

static void on_unplugged(struct device *device, void *opaque)
{
}

static const struct graph_node *node_of_kind(const struct graph *graph, enum graph_kind kind)
{
	const struct graph_node *node;
	size_t i;

	graph_for_each_node (graph, node, i)
		if (node->kind == kind)
			return node;
	return NULL;
}

static bool try_part(struct parts *parts, const struct graph_node *node, struct diag_list *diags)
{
	size_t before = diag_errors(diags);
	void *object = NULL;
	int r = parts_ops[node->kind]->prepare(parts, node, &object, diags);

	if (r < 0 && diag_errors(diags) == before)
		diag_add(diags, "E0430", DIAG_ERROR, node->span, "'%s' cannot be had: %s", node->id,
			 strerror(-r));
	if (r >= 0 && node->kind != GRAPH_MACHINE)
		parts_ops[node->kind]->destroy(parts, object);
	return r >= 0;
}

static void check_memory(struct parts *parts, const struct graph_node *node,
			 struct diag_list *diags)
{
	struct config_memory config = *(const struct config_memory *)node->config;
	struct graph_node lazy = *node;

	/* Taking it all would stand in the way of whoever uses the host now. */
	config.prefault = false;
	lazy.config = &config;
	try_part(parts, &lazy, diags);
}

static void check_machine(const struct graph *graph, struct diag_list *diags)
{
	struct loop *loop = loop_create();
	struct parts parts = {
		.loop = loop,
		.on_event = on_event,
		.on_unplugged = on_unplugged,
		.graph = graph,
	};

	if (try_part(&parts, node_of_kind(graph, GRAPH_MACHINE), diags)) {
		check_memory(&parts, node_of_kind(graph, GRAPH_MEMORY), diags);
		try_part(&parts, node_of_kind(graph, GRAPH_CPUS), diags);
		parts_ops[GRAPH_MACHINE]->destroy(&parts, &parts);
	}
	loop_destroy(loop);
}

static void check_boot(const struct graph_node *node, struct diag_list *diags)
{
	struct boot_source source;
	struct boot *boot;

	parts_boot_source(node, &source);
	if (boot_prepare(&source, &boot, diags) >= 0)
		boot_destroy(boot);
}

static void put_fault(struct diag_list *diags, const struct graph_node *node, struct span span,
		      const char *what, const char *path, int error)
{
	struct diag *diag = diag_add(diags, "E0430", DIAG_ERROR, span, "'%s' cannot be %s: %s",
				     path, what, strerror(error));

	diag_set_path(diags, diag, node->path);
	if (error == EACCES || error == EPERM)
		diag_hint(diags, diag,
			  "you are user %d: look at ls -l, and at the directories above",
			  (int)geteuid());
	else if (error == ENOENT && strcmp(what, "made") == 0)
		diag_hint(diags, diag,
			  "the directory that it is to be in does not exist: mkdir -p");
	else if (error == ENOENT && strcmp(what, "opened for writing") == 0 && path[0] == '/' &&
		 strncmp(path, "/dev/", 5) != 0)
		diag_hint(diags, diag, "make an image that is empty: truncate -s 10G %s", path);
	else if (error == ENOENT)
		diag_hint(diags, diag, "paths are relative to the description");
}

/* Opens it as the machine would; a socket can only be looked at. Return: 0 or an errno. */
static int try_open(const char *path, bool writes)
{
	cleanup_fd int fd = -1;
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	if (S_ISSOCK(st.st_mode))
		return access(path, R_OK | W_OK) < 0 ? errno : 0;
	/* A FIFO without a writer must not be waited for. */
	fd = open(path, (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? errno : 0;
}

/* What is made needs a directory to be in; what is there already has to be writable. */
static int try_make(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *directory =
		slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
	struct stat st;

	if (stat(path, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)))
		return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0 ? errno : 0;
	if (stat(directory, &st) == 0 && !S_ISDIR(st.st_mode))
		return ENOTDIR;
	return faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) < 0 ? errno : 0;
}

static void check_path(const struct generation *g, const struct graph_node *node,
		       const struct value *up, const struct value *value, struct diag_list *diags)
{
	const struct value *read_only = value_child(up, "read-only");
	struct block_failure failure;
	struct diag *diag;
	bool writes =
		value->property->access != SCHEMA_ACCESS_READ && !(read_only && read_only->boolean);
	int error;

	if (writes && value->property->access == SCHEMA_ACCESS_MAKE) {
		error = try_make(g->arena, value->string);
		if (error)
			put_fault(diags, node, value->span, "made", value->string, error);
		return;
	}
	error = try_open(value->string, writes);
	if (!error && node->type == device_type_find("virtio-blk") &&
	    block_check_container(value->string, &failure) < 0) {
		diag = diag_add(diags, "E0431", DIAG_ERROR, value->span, "%s", failure.message);
		diag_set_path(diags, diag, node->path);
		diag_hint(diags, diag, "%s", failure.hint);
	}
	if (error)
		put_fault(diags, node, value->span, writes ? "opened for writing" : "read",
			  value->string, error);
}

static void check_paths(const struct generation *g, const struct graph_node *node,
			const struct value *value, struct diag_list *diags)
{
	if (value->type->kind < SCHEMA_ARRAY)
		return;
	for (size_t i = 0; i < value->n; i++) {
		const struct value *child = value->children[i];

		if (child->type->kind == SCHEMA_PATH && child->property)
			check_path(g, node, value, child, diags);
		else
			check_paths(g, node, child, diags);
	}
}

static bool has_net_admin(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	return syscall(SYS_capget, &header, data) == 0 &&
	       data[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN);
}

/* A number of a tap in sysfs; -1 when there is none. */
static long read_attribute(const char *tap, const char *attribute)
{
	char path[96], text[32] = "";
	cleanup_fd int fd = -1;

	snprintf(path, sizeof(path), "/sys/class/net/%.16s/%s", tap, attribute);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 ? -1 : strtol(text, NULL, 0);
}

static void check_tap(const struct graph_node *node, const char *name, struct diag_list *diags)
{
	struct span span = graph_node_span(node, "backend.name");
	int error = try_open("/dev/net/tun", true);
	struct diag *diag;
	long owner;

	if (error) {
		put_fault(diags, node, graph_node_span(node, "backend"), "opened for writing",
			  "/dev/net/tun", error);
		return;
	}
	if (read_attribute(name, "flags") >= 0 && read_attribute(name, "tun_flags") < 0) {
		diag = diag_add(diags, "E0432", DIAG_ERROR, span,
				"the interface '%s' is there and is no tap", name);
		diag_hint(diags, diag, "give the tap another name");
		return;
	}
	owner = read_attribute(name, "owner");
	if (has_net_admin() || (owner >= 0 && (uid_t)owner == geteuid()))
		return;
	diag = diag_add(diags, "E0432", DIAG_ERROR, span,
			owner >= 0
				? "the tap '%s' belongs to another user"
				: "there is no tap '%s' that you may use, and you may not make one",
			name);
	diag_hint(diags, diag, "sudo ip tuntap add dev %s mode tap user $USER", name);
}

static void check_passt(const struct graph_node *node, struct diag_list *diags)
{
	const char *path = getenv("PATH");
	struct diag *diag;

	while (path && *path) {
		char program[4096];
		size_t size = strcspn(path, ":");

		snprintf(program, sizeof(program), "%.*s/passt",
			 (int)MIN(size, sizeof(program) / 2), path);
		if (access(program, X_OK) == 0)
			return;
		path += size + (path[size] == ':');
	}
	diag = diag_add(diags, "E0432", DIAG_ERROR, graph_node_span(node, "backend"),
			"user-mode networking needs the program passt, which is not installed");
	diag_hint(diags, diag, "apt-get install passt, or use a tap");
}

static void check_network(const struct graph_node *node, struct diag_list *diags)
{
	const struct value *backend = value_child(node->value, "backend");
	const struct value *name = value_child(backend, "name"), *fds = value_child(backend, "fds");

	if (strcmp(schema_text(backend->variant->name), "user") == 0)
		check_passt(node, diags);
	else if (name)
		check_tap(node, name->string, diags);
	for (size_t i = 0; fds && i < fds->n; i++)
		if (fcntl((int)fds->children[i]->number, F_GETFD) < 0)
			diag_add(diags, "E0432", DIAG_ERROR, fds->children[i]->span,
				 "the descriptor %d is not open", (int)fds->children[i]->number);
}

void host_check(const struct generation *generation, struct diag_list *diags)
{
	const struct graph_node *node;
	size_t i;

	check_machine(generation->graph, diags);
	graph_for_each_node (generation->graph, node, i) {
		if (node->kind == GRAPH_BOOT)
			check_boot(node, diags);
		if (node->kind != GRAPH_DEVICE)
			continue;
		check_paths(generation, node, node->value, diags);
		if (strcmp(node->type->name, "virtio-net") == 0)
			check_network(node, diags);
	}
}

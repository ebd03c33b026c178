/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a description's `boot` object to a guest that can start. Preparing tells what a file is and
 * refuses what cannot boot; loading reads again, because a file may change between two resets.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/diag.h"
#include "base/fd.h"
#include "boot/boot.h"
#include "boot/bzimage.h"
#include "boot/elf.h"
#include "boot/tables.h"
#include "graph/graph.h"
#include "machine/layout.h"
#include "machine/memory.h"

/* Linux's COMMAND_LINE_SIZE on x86, without the NUL; a bzImage says its own. */
#define CMDLINE_MAX 2047u

#define PAGE_SIZE 4096u

/* A file of the description, and the property that names it. */
struct boot_file {
	int fd;
	const char *property;
	char *path;
};

/* The files stay open: a load finds the file that was checked. */
struct boot {
	struct boot_file kernel, initramfs;
	char *cmdline;
	enum boot_protocol protocol;
};

static const char *const prepare_hint = "weft boots an ELF vmlinux, a bzImage (Debian's "
					"/boot/vmlinuz-* is one) or an ELF firmware with "
					"a PVH entry";

/* Who has no kernel yet may take that of the host. */
static void explain_missing(struct diag *diag, const char *property, int error,
			    struct diag_list *diags)
{
	bool kernel = strcmp(property, "kernel") == 0,
	     initramfs = strcmp(property, "initramfs") == 0;
	char path[128];
	struct utsname host;

	if (error == -EACCES) {
		diag_hint(diags, diag,
			  "you are user %d: look at ls -l, and at the directories above",
			  (int)geteuid());
		return;
	}
	if (error != -ENOENT || uname(&host) < 0)
		return;
	snprintf(path, sizeof(path), "/boot/%s%.65s", kernel ? "vmlinuz-" : "initrd.img-",
		 host.release);
	if ((kernel || initramfs) && access(path, F_OK) == 0)
		diag_hint(diags, diag,
			  "paths are relative to the description; that of this host is %s", path);
	else
		diag_hint(diags, diag, "paths are relative to the description");
}

static int open_file(struct boot_file *file, const struct graph_node *node, const char *property,
		     const char *path, uint64_t *ret_size, struct diag_list *diags)
{
	struct span span = graph_node_span(node, property);
	cleanup_fd int fd = -1;
	struct stat st;

	/* Not to wait for a writer should it be a FIFO. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0) {
		int r = -errno;

		explain_missing(diag_add(diags, "E0451", DIAG_ERROR, span,
					 "cannot open %s '%s': %s", property, path, strerror(-r)),
				property, r, diags);
		return r;
	}
	if (!S_ISREG(st.st_mode)) {
		diag_add(diags, "E0452", DIAG_ERROR, span, "%s '%s' is %s, not a file", property,
			 path, S_ISDIR(st.st_mode) ? "a directory" : "a device or socket");
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	}
	file->path = strdup(path);
	invariant(file->path != NULL);
	file->property = property;
	file->fd = TAKE_FD(fd);
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

/* What a kernel or firmware file was found to be. */
struct boot_kernel {
	struct boot_image file;
	bool is_bzimage;
	struct bzimage bz;
	struct elf_kernel elf; /* of the file, or of what was unpacked of it */
};

static int read_kernel(int fd, uint64_t size, struct boot_kernel *ret, struct boot_problem *problem)
{
	uint8_t head[BOOT_IMAGE_HEAD];
	size_t len = (size_t)MIN(size, (uint64_t)sizeof(head));
	const char *kind;
	int r;

	ret->file = (struct boot_image){.fd = fd, .size = size};
	ret->is_bzimage = false;
	r = boot_image_read(&ret->file, 0, head, len);
	if (r < 0)
		return boot_problem_read(problem, r, "its head");
	if (elf_recognise(head, len))
		return elf_parse(&ret->file, head, len, &ret->elf, problem);
	if (bzimage_recognise(head, len)) {
		ret->is_bzimage = true;
		return bzimage_parse(&ret->file, head, len, &ret->bz, problem);
	}
	kind = boot_image_kind(head, len);
	if (kind)
		return boot_problem_set(problem, -ENOEXEC, "is %s", kind);
	return boot_problem_set(problem, -ENOEXEC, "is no kernel that weft knows");
}

/* A diagnostic at the kernel or firmware, from the problem found in it. */
static int kernel_error(const struct boot *boot, const struct graph_node *node, int error,
			const struct boot_problem *problem, const char *hint,
			struct diag_list *diags)
{
	struct diag *diag = diag_add(diags, error == -ENOSPC ? "E0458" : "E0453", DIAG_ERROR,
				     graph_node_span(node, boot->kernel.property), "%s '%s' %s",
				     boot->kernel.property, boot->kernel.path, problem->text);

	if (error == -ENOSPC)
		diag_hint(diags, diag, "give the guest more memory: memory: { size: 512MiB }");
	else if (hint)
		diag_hint(diags, diag, "%s", hint);
	return error;
}

static int check_kernel(const struct boot *boot, const struct graph_node *node,
			const struct boot_kernel *kernel, struct diag_list *diags)
{
	if (strcmp(boot->kernel.property, "firmware") == 0 &&
	    (kernel->is_bzimage || !kernel->elf.has_pvh)) {
		struct diag *diag = diag_add(
			diags, "E0454", DIAG_ERROR, graph_node_span(node, boot->kernel.property),
			"firmware '%s' is %s", boot->kernel.path,
			kernel->is_bzimage ? "a Linux kernel" : "an ELF file without a PVH entry");

		if (kernel->is_bzimage || kernel->elf.has_entry)
			diag_hint(diags, diag, "give it as 'kernel'");
		return -ENOEXEC;
	}
	if (kernel->is_bzimage)
		return 0;
	if (boot->protocol == BOOT_PROTOCOL_BZIMAGE ||
	    (boot->protocol == BOOT_PROTOCOL_PVH && !kernel->elf.has_pvh) ||
	    (boot->protocol == BOOT_PROTOCOL_LINUX64 && !kernel->elf.has_entry)) {
		diag_add(diags, "E0455", DIAG_ERROR, graph_node_span(node, "protocol"),
			 "kernel '%s' %s", boot->kernel.path,
			 boot->protocol == BOOT_PROTOCOL_BZIMAGE ? "is an ELF file, not a bzImage"
			 : boot->protocol == BOOT_PROTOCOL_PVH   ? "has no PVH entry"
								 : "has no 64-bit entry");
		return -ENOEXEC;
	}
	return 0;
}

static int check_cmdline(const struct boot *boot, const struct graph_node *node,
			 const struct boot_kernel *kernel, struct diag_list *diags)
{
	size_t len = boot->cmdline ? strlen(boot->cmdline) : 0;
	size_t max = CMDLINE_MAX;

	if (kernel->is_bzimage)
		max = MIN((size_t)kernel->bz.cmdline_max, (size_t)LAYOUT_CMDLINE_MAX - 1);
	if (len <= max)
		return 0;
	diag_add(diags, "E0456", DIAG_ERROR, graph_node_span(node, "cmdline"),
		 "the command line has %zu bytes; this kernel takes %zu", len, max);
	return -E2BIG;
}

static int prepare(struct boot *boot, const struct boot_source *source, struct diag_list *diags)
{
	const struct graph_node *node = source->node;
	struct boot_problem problem;
	struct boot_kernel kernel;
	uint64_t size;
	int r;

	r = open_file(&boot->kernel, node, source->kernel ? "kernel" : "firmware",
		      source->kernel ? source->kernel : source->firmware, &size, diags);
	if (r == 0) {
		r = read_kernel(boot->kernel.fd, size, &kernel, &problem);
		if (r < 0)
			kernel_error(boot, node, r, &problem, prepare_hint, diags);
		else
			r = check_kernel(boot, node, &kernel, diags);
		if (r == 0)
			r = check_cmdline(boot, node, &kernel, diags);
	}
	/* One run shows what is wrong with both files. */
	if (source->initramfs) {
		int e = open_file(&boot->initramfs, node, "initramfs", source->initramfs, &size,
				  diags);

		if (e == 0 && size == 0) {
			diag_add(diags, "E0457", DIAG_ERROR, graph_node_span(node, "initramfs"),
				 "initramfs '%s' is empty", source->initramfs);
			e = -ENODATA;
		}
		r = r < 0 ? r : e;
	}
	return r;
}

int boot_prepare(const struct boot_source *source, struct boot **ret, struct diag_list *diags)
{
	struct boot *boot = calloc(1, sizeof(*boot));
	int r;

	invariant(boot != NULL);
	invariant(!source->kernel != !source->firmware);
	boot->kernel.fd = boot->initramfs.fd = -1;
	boot->protocol = source->firmware ? BOOT_PROTOCOL_PVH : source->protocol;
	if (source->cmdline && source->cmdline[0]) {
		boot->cmdline = strdup(source->cmdline);
		invariant(boot->cmdline != NULL);
	}
	r = prepare(boot, source, diags);
	if (r < 0) {
		boot_destroy(boot);
		return r;
	}
	*ret = boot;
	return 0;
}

struct boot *boot_destroy(struct boot *boot)
{
	if (!boot)
		return NULL;
	fd_close(boot->kernel.fd);
	fd_close(boot->initramfs.fd);
	free(boot->kernel.path);
	free(boot->initramfs.path);
	free(boot->cmdline);
	free(boot);
	return NULL;
}

static uint64_t ram_size(const struct boot_machine *machine)
{
	uint64_t size = 0;

	for (size_t i = 0; i < machine->n_ram; i++)
		size += machine->ram[i].size;
	return size;
}

/* Enters an ELF kernel as the description wants it. */
static void choose_entry(const struct elf_kernel *elf, enum boot_protocol wanted,
			 struct boot_entry *entry)
{
	bool pvh = wanted == BOOT_PROTOCOL_PVH || (wanted == BOOT_PROTOCOL_AUTO && elf->has_pvh);

	/* What was prepared had it; a bzImage shows only now what is in it. */
	if (pvh && elf->has_pvh) {
		entry->protocol = BOOT_PROTOCOL_PVH;
		entry->rip = elf->pvh_entry;
	} else if (!pvh && elf->has_entry) {
		entry->protocol = BOOT_PROTOCOL_LINUX64;
		entry->long_mode = true;
		entry->rip = elf->entry;
	}
}

static int load_elf(const struct boot *boot, const struct boot_machine *machine,
		    const struct boot_image *image, const struct elf_kernel *elf,
		    struct boot_entry *entry, uint64_t *ret_end, struct boot_problem *problem)
{
	choose_entry(elf, boot->protocol, entry);
	if (entry->protocol == BOOT_PROTOCOL_AUTO)
		return boot_problem_set(problem, -ENOEXEC, "has no %s entry",
					boot->protocol == BOOT_PROTOCOL_PVH ? "PVH" : "64-bit");
	*ret_end = elf_end(elf);
	return elf_load(elf, image, machine->memory, machine->memory_is_zero, problem);
}

static int load_bzimage(const struct boot *boot, const struct boot_machine *machine,
			struct boot_kernel *kernel, struct boot_entry *entry, uint64_t *ret_end,
			struct boot_problem *problem)
{
	struct boot_image vmlinux = {.fd = -1};
	int r = -EOPNOTSUPP;

	if (boot->protocol != BOOT_PROTOCOL_BZIMAGE)
		r = bzimage_unpack(&kernel->bz, &kernel->file, ram_size(machine), &vmlinux,
				   problem);
	if (r == 0) {
		r = elf_parse(&vmlinux, vmlinux.bytes, MIN(vmlinux.size, (uint64_t)BOOT_IMAGE_HEAD),
			      &kernel->elf, problem);
		if (r == 0)
			r = load_elf(boot, machine, &vmlinux, &kernel->elf, entry, ret_end,
				     problem);
		bzimage_unpack_free(&vmlinux);
		return r;
	}
	if (r != -EOPNOTSUPP)
		return r;
	if (boot->protocol == BOOT_PROTOCOL_PVH)
		return boot_problem_set(problem, -ENOEXEC,
					"has a payload that weft cannot unpack, so no PVH entry");
	entry->protocol = BOOT_PROTOCOL_BZIMAGE;
	entry->long_mode = true;
	entry->rip = kernel->bz.load_address + 0x200;
	*ret_end = kernel->bz.load_address + kernel->bz.init_size;
	return bzimage_load(&kernel->bz, &kernel->file, machine->memory, problem);
}

static int load_kernel(const struct boot *boot, const struct boot_machine *machine,
		       struct boot_kernel *kernel, struct boot_entry *entry, uint64_t *ret_end,
		       struct boot_problem *problem)
{
	struct stat st;
	int r;

	if (fstat(boot->kernel.fd, &st) < 0)
		return boot_problem_read(problem, -errno, "its size");
	r = read_kernel(boot->kernel.fd, (uint64_t)st.st_size, kernel, problem);
	if (r < 0)
		return r;
	if (kernel->is_bzimage)
		return load_bzimage(boot, machine, kernel, entry, ret_end, problem);
	return load_elf(boot, machine, &kernel->file, &kernel->elf, entry, ret_end, problem);
}

/* The highest place in the first range of RAM that the kernel takes an initramfs from. */
static uint64_t initramfs_address(const struct boot_machine *machine,
				  const struct boot_kernel *kernel, uint64_t kernel_end,
				  uint64_t size)
{
	uint64_t end = MIN(machine->ram[0].size, LAYOUT_RAM_SPLIT);

	if (kernel->is_bzimage && kernel->bz.initrd_max)
		end = MIN(end, (uint64_t)kernel->bz.initrd_max + 1);
	if (size > end || ALIGN_DOWN(end - size, (uint64_t)PAGE_SIZE) < kernel_end)
		return 0;
	return ALIGN_DOWN(end - size, (uint64_t)PAGE_SIZE);
}

static int initramfs_error(const struct boot *boot, const struct graph_node *node, int error,
			   struct diag_list *diags, const char *what)
{
	diag_add(diags, "E0457", DIAG_ERROR, graph_node_span(node, "initramfs"),
		 "initramfs '%s' %s", boot->initramfs.path, what);
	return error;
}

static int load_initramfs(const struct boot *boot, const struct boot_machine *machine,
			  const struct boot_kernel *kernel, uint64_t kernel_end,
			  struct boot_tables *tables, struct diag_list *diags)
{
	struct boot_image image = {.fd = boot->initramfs.fd};
	struct boot_problem problem;
	struct stat st;
	uint8_t *host;
	int r;

	if (image.fd < 0)
		return 0;
	if (fstat(image.fd, &st) < 0)
		return initramfs_error(boot, machine->node, -errno, diags, "cannot be read");
	image.size = (uint64_t)st.st_size;
	tables->initramfs_size = image.size;
	tables->initramfs =
		initramfs_address(machine, kernel, MAX(kernel_end, LAYOUT_HIGH_RAM), image.size);
	host = tables->initramfs ? guest_memory_host(machine->memory, tables->initramfs, image.size)
				 : NULL;
	if (!host) {
		snprintf(problem.text, sizeof(problem.text),
			 "has %" PRIu64 " MiB, which do not fit beside the kernel into %" PRIu64
			 " MiB of RAM",
			 (uint64_t)((image.size + MiB - 1) / MiB),
			 (uint64_t)(MIN(machine->ram[0].size, LAYOUT_RAM_SPLIT) / MiB));
		return initramfs_error(boot, machine->node, -ENOSPC, diags, problem.text);
	}
	r = boot_image_read(&image, 0, host, image.size);
	if (r < 0) {
		boot_problem_read(&problem, r, "its content");
		return initramfs_error(boot, machine->node, r, diags, problem.text);
	}
	if (elf_recognise(host, image.size) || bzimage_recognise(host, image.size))
		return initramfs_error(boot, machine->node, -EINVAL, diags, "is a kernel");
	return 0;
}

/* Low memory and the tables in it. */
static int write_tables(const struct boot *boot, const struct boot_machine *machine,
			const struct boot_kernel *kernel, struct boot_tables *tables,
			struct boot_entry *entry)
{
	int r;

	if (boot->cmdline) {
		r = guest_memory_write(machine->memory, LAYOUT_CMDLINE, boot->cmdline,
				       strlen(boot->cmdline) + 1);
		if (r < 0)
			return r;
		tables->has_cmdline = true;
	}
	if (entry->long_mode) {
		tables->setup_header = kernel->is_bzimage ? kernel->bz.header : NULL;
		entry->rsi = LAYOUT_ZERO_PAGE;
		r = boot_write_linux(machine, tables);
	} else {
		entry->rbx = LAYOUT_PVH_START_INFO;
		r = boot_write_pvh(machine, tables);
	}
	return r < 0 ? r : boot_write_entry(machine, entry);
}

int boot_load(struct boot *boot, const struct boot_machine *machine, struct boot_entry *ret_entry,
	      struct diag_list *diags)
{
	struct boot_entry entry = {.protocol = BOOT_PROTOCOL_AUTO};
	struct boot_tables tables = {.setup_header = NULL};
	struct boot_problem problem;
	struct boot_kernel kernel;
	uint64_t end = 0;
	int r;

	invariant(machine->n_ram > 0 && machine->ram[0].base == 0);
	r = load_kernel(boot, machine, &kernel, &entry, &end, &problem);
	if (r < 0)
		return kernel_error(boot, machine->node, r, &problem, NULL, diags);
	r = check_cmdline(boot, machine->node, &kernel, diags);
	if (r < 0)
		return r;
	r = load_initramfs(boot, machine, &kernel, end, &tables, diags);
	if (r < 0)
		return r;
	r = write_tables(boot, machine, &kernel, &tables, &entry);
	if (r < 0) {
		diag_add(diags, "E0458", DIAG_ERROR,
			 graph_node_span(machine->node, boot->kernel.property),
			 "the machine has too little RAM to boot");
		return r;
	}
	*ret_entry = entry;
	return 0;
}

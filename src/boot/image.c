/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading of images, and the names of files that people give as a kernel by mistake.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boot/image.h"

int boot_image_read(const struct boot_image *image, uint64_t offset, void *buf, size_t len)
{
	char *p = buf;

	if (offset > image->size || len > image->size - offset)
		return -ENODATA;
	if (image->bytes) {
		memcpy(buf, image->bytes + offset, len);
		return 0;
	}
	while (len > 0) {
		ssize_t n = pread(image->fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA;
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int boot_problem_set(struct boot_problem *problem, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(problem->text, sizeof(problem->text), fmt, ap);
	va_end(ap);
	return error;
}

int boot_problem_read(struct boot_problem *problem, int error, const char *what)
{
	if (error == -ENODATA)
		return boot_problem_set(problem, -ENOEXEC, "is cut off: it ends within %s", what);
	return boot_problem_set(problem, error, "cannot be read (%s): %s", what, strerror(-error));
}

/* Telling names for what has a magic number. */
static const struct {
	uint16_t offset, len;
	const char *magic;
	const char *name;
} magics[] = {
	{0x38, 4, "ARM\x64", "an ARM64 kernel image"},
	{0x24, 4, "\x18\x28\x6f\x01", "a 32-bit ARM zImage"},
	{0x30, 5, "RISCV", "a RISC-V kernel image"},
	{0, 2, "MZ", "an EFI program"},
	{0, 2, "\x1f\x8b", "a gzip file"},
	{0, 6, "\3757zXZ\0", "an xz file"},
	{0, 5, "\x5d\0\0\x80\0", "an lzma file"},
	{0, 4, "\x28\xb5\x2f\xfd", "a zstd file"},
	{0, 4, "\x02\x21\x4c\x18", "an lz4 file"},
	{0, 4, "\x04\x22\x4d\x18", "an lz4 file"},
	{0, 3, "BZh", "a bzip2 file"},
	{0, 4, "\x89LZO", "an lzo file"},
	{0, 6, "070701", "a cpio archive (an initramfs)"},
	{0, 6, "070702", "a cpio archive (an initramfs)"},
	{0, 4, "QFI\xfb", "a qcow2 disk image"},
	{0, 8, "ANDROID!", "an Android boot image"},
	{0, 4, "\x27\x05\x19\x56", "a U-Boot image"},
	{0, 4, "\xd0\x0d\xfe\xed", "a device tree or FIT image"},
	{0, 8, "!<arch>\n", "an archive (a Debian package or a static library)"},
	{0, 4, "\xed\xab\xee\xdb", "an RPM package"},
	{0, 4, "PK\x03\x04", "a zip file"},
	{0, 2, "#!", "a script"},
	{257, 5, "ustar", "a tar archive"},
	{510, 2, "\x55\xaa", "a disk image"},
};

const char *boot_image_kind(const uint8_t *head, size_t len)
{
	size_t text = 0;

	if (len == 0)
		return "an empty file";
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
		if (len >= (size_t)magics[i].offset + magics[i].len &&
		    memcmp(head + magics[i].offset, magics[i].magic, magics[i].len) == 0)
			return magics[i].name;
	while (text < len && (head[text] == '\t' || head[text] == '\n' || head[text] == '\r' ||
			      (head[text] >= ' ' && head[text] < 0x7f)))
		text++;
	return text == len ? "a text file" : NULL;
}

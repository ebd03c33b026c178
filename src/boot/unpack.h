/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload of a bzImage, unpacked on the host: faster than the guest, and the guest needs no
 * memory for it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

enum unpack_format {
	UNPACK_UNKNOWN,
	UNPACK_NONE, /* an ELF file as it is */
	UNPACK_GZIP,
	UNPACK_XZ,
	UNPACK_LZMA,
	UNPACK_ZSTD,
	UNPACK_LZ4, /* the "legacy" framing, which Linux uses */
};

/* Tells a format by its first bytes. bzip2 and lzo are UNPACK_UNKNOWN. */
enum unpack_format unpack_recognise(const uint8_t *in, size_t len);

/**
 * unpack() - unpack into memory of the caller
 * @format: from unpack_recognise(), one that is known
 * @in: the packed bytes; what follows the end of the packed stream is ignored
 * @in_len: how many
 * @out: receives the bytes
 * @out_len: room in @out; the unpacker never writes more, whatever @in says
 * @ret_len: bytes written
 *
 * Return: 0, -EBADMSG for damaged bytes, -E2BIG when there is not enough room, -ENOMEM.
 */
int unpack(enum unpack_format format, const uint8_t *in, size_t in_len, uint8_t *out,
	   size_t out_len, size_t *ret_len) must_use;

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpackers: each turns one library's interface into "these bytes into that room".
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "boot/unpack.h"

/* Kernels are packed with dictionaries of up to 128 MiB. */
#define LZMA_MEMORY_LIMIT (160 * MiB)

#define LZ4_MAGIC     0x184c2102u
#define LZ4_BLOCK_MAX (8 * MiB) /* unpacked bytes of one block in the legacy framing */

enum unpack_format unpack_recognise(const uint8_t *in, size_t len)
{
	static const struct {
		const char *magic;
		size_t len;
		enum unpack_format format;
	} formats[] = {
		{"\177ELF", 4, UNPACK_NONE},          {"\x1f\x8b\x08", 3, UNPACK_GZIP},
		{"\3757zXZ\0", 6, UNPACK_XZ},         {"\x5d\0\0", 3, UNPACK_LZMA},
		{"\x28\xb5\x2f\xfd", 4, UNPACK_ZSTD}, {"\x02\x21\x4c\x18", 4, UNPACK_LZ4},
	};

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (len >= formats[i].len && memcmp(in, formats[i].magic, formats[i].len) == 0)
			return formats[i].format;
	return UNPACK_UNKNOWN;
}

static int unpack_gzip(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len,
		       size_t *ret_len)
{
	z_stream z = {
		.next_in = (Bytef *)in,
		.avail_in = (uInt)in_len,
		.next_out = out,
		.avail_out = (uInt)out_len,
	};
	int r;

	if (in_len > UINT32_MAX || out_len > UINT32_MAX)
		return -E2BIG;
	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return -ENOMEM;
	r = inflate(&z, Z_FINISH);
	*ret_len = out_len - z.avail_out;
	inflateEnd(&z);
	if (r == Z_STREAM_END)
		return 0;
	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	return r == Z_BUF_ERROR && z.avail_out == 0 ? -E2BIG : -EBADMSG;
}

/* xz, and the older lzma of the same library. */
static int unpack_lzma(bool xz, const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len,
		       size_t *ret_len)
{
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_ret r = xz ? lzma_stream_decoder(&s, LZMA_MEMORY_LIMIT, 0)
			: lzma_alone_decoder(&s, LZMA_MEMORY_LIMIT);

	if (r != LZMA_OK)
		return -ENOMEM;
	s.next_in = in;
	s.avail_in = in_len;
	s.next_out = out;
	s.avail_out = out_len;
	do {
		r = lzma_code(&s, LZMA_RUN);
	} while (r == LZMA_OK && s.avail_out > 0 && s.avail_in > 0);
	*ret_len = out_len - s.avail_out;
	/* A stream that fills the room exactly has its end still to be read. */
	if (r == LZMA_OK && s.avail_out == 0)
		r = lzma_code(&s, LZMA_RUN);
	lzma_end(&s);
	switch (r) {
	case LZMA_STREAM_END:
		return 0;
	case LZMA_MEM_ERROR:
	case LZMA_MEMLIMIT_ERROR:
		return -ENOMEM;
	case LZMA_OK:
	case LZMA_BUF_ERROR:
		return *ret_len == out_len ? -E2BIG : -EBADMSG;
	default:
		return -EBADMSG;
	}
}

static int unpack_zstd(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len,
		       size_t *ret_len)
{
	size_t frame = ZSTD_findFrameCompressedSize(in, in_len);
	size_t n;

	if (ZSTD_isError(frame))
		return -EBADMSG;
	/* In one piece the unpacked bytes are their own window: nothing more is allocated. */
	n = ZSTD_decompress(out, out_len, in, frame);
	if (!ZSTD_isError(n)) {
		*ret_len = n;
		return 0;
	}
	return ZSTD_getErrorCode(n) == ZSTD_error_dstSize_tooSmall ? -E2BIG : -EBADMSG;
}

static uint32_t read_le32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Blocks of {length, bytes}; a magic number may come again where two files were joined. */
static int unpack_lz4(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len,
		      size_t *ret_len)
{
	size_t at = 0, made = 0;

	while (in_len - at >= 4) {
		uint32_t block = read_le32(in + at);
		size_t room = MIN(out_len - made, (size_t)LZ4_BLOCK_MAX);
		int n;

		at += 4;
		if (block == LZ4_MAGIC)
			continue;
		if (block == 0)
			break;
		if (block > in_len - at || block > (uint32_t)LZ4_COMPRESSBOUND(LZ4_BLOCK_MAX))
			return -EBADMSG;
		n = LZ4_decompress_safe((const char *)in + at, (char *)out + made, (int)block,
					(int)room);
		if (n < 0)
			return room < LZ4_BLOCK_MAX ? -E2BIG : -EBADMSG;
		at += block;
		made += (size_t)n;
	}
	*ret_len = made;
	return 0;
}

int unpack(enum unpack_format format, const uint8_t *in, size_t in_len, uint8_t *out,
	   size_t out_len, size_t *ret_len)
{
	switch (format) {
	case UNPACK_NONE:
		if (in_len > out_len)
			return -E2BIG;
		memcpy(out, in, in_len);
		*ret_len = in_len;
		return 0;
	case UNPACK_GZIP:
		return unpack_gzip(in, in_len, out, out_len, ret_len);
	case UNPACK_XZ:
	case UNPACK_LZMA:
		return unpack_lzma(format == UNPACK_XZ, in, in_len, out, out_len, ret_len);
	case UNPACK_ZSTD:
		return unpack_zstd(in, in_len, out, out_len, ret_len);
	case UNPACK_LZ4:
		return unpack_lz4(in, in_len, out, out_len, ret_len);
	case UNPACK_UNKNOWN:
		break;
	}
	return -EBADMSG;
}

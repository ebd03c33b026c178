/* SPDX-License-Identifier: Apache-2.0 */
/* See checksum.h; runs in guests, without a C library. */
#include "tests/guest/checksum.h"

uint32_t crc32(uint32_t crc, const void *buf, size_t n)
{
	static uint32_t table[256];
	const uint8_t *p = buf;

	if (!table[1])
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t c = i;

			for (int bit = 0; bit < 8; bit++)
				c = (c >> 1) ^ (c & 1 ? 0xedb88320 : 0);
			table[i] = c;
		}
	crc = ~crc;
	while (n--)
		crc = (crc >> 8) ^ table[(crc ^ *p++) & 0xff];
	return ~crc;
}

static uint64_t splitmix64(uint64_t seed, uint64_t index)
{
	uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

void pattern(uint64_t seed, uint64_t position, void *buf, size_t n)
{
	uint8_t *p = buf;

	for (; n >= sizeof(uint64_t); n -= sizeof(uint64_t), p += sizeof(uint64_t)) {
		uint64_t word = splitmix64(seed, position++);

		__builtin_memcpy(p, &word, sizeof(word));
	}
	for (uint64_t word = n ? splitmix64(seed, position) : 0; n; n--, word >>= 8)
		*p++ = (uint8_t)word;
}

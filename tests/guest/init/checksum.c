/* SPDX-License-Identifier: Apache-2.0 */
/* The checksum and the byte stream that the guest and the test on the host agree on. */
#include "sys.h"

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

	for (; n; position++) {
		uint64_t word = splitmix64(seed, position);
		size_t chunk = n < sizeof(word) ? n : sizeof(word);

		memcpy(p, &word, chunk);
		p += chunk;
		n -= chunk;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The checksum and the byte stream that guests and the tests on the host agree on. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* As zlib's; start with 0. */
uint32_t crc32(uint32_t crc, const void *buf, size_t n);

/* The stream of splitmix64 numbers of @seed, little endian, from its word @position (8 bytes each)
 * on. */
void pattern(uint64_t seed, uint64_t position, void *buf, size_t n);

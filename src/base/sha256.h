/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (FIPS 180-4): names a description's meaning and a file's content. Not for secrets.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE     32
#define SHA256_HEX_SIZE (2 * SHA256_SIZE + 1)

struct sha256 {
	uint32_t state[8];
	uint64_t size; /* bytes so far */
	uint8_t block[64];
};

void sha256_init(struct sha256 *hash);
void sha256_update(struct sha256 *hash, const void *data, size_t size);
/* Ends the hash; @hash must be initialised again before it is used again. */
void sha256_final(struct sha256 *hash, uint8_t digest[SHA256_SIZE]);

/* All three at once. */
void sha256(const void *data, size_t size, uint8_t digest[SHA256_SIZE]);

/* Lower-case hexadecimal, ended by NUL. Returns @hex. */
char *sha256_hex(const uint8_t digest[SHA256_SIZE], char hex[SHA256_HEX_SIZE]);

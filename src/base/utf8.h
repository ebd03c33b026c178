/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 without a locale: decoding, and how many cells of a terminal a character takes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/**
 * utf8_decode() - the first character of a text
 * @text: the text
 * @size: bytes in it, at least 1
 * @ret_char: its code point
 *
 * Refuses what RFC 3629 refuses: overlong forms, surrogates, above U+10FFFF, cut sequences.
 *
 * Return: how many bytes it takes, or 0 when the bytes are no UTF-8.
 */
size_t utf8_decode(const char *text, size_t size, uint32_t *ret_char);

/* The byte of @text where its first malformed sequence begins; @size when there is none. */
size_t utf8_check(const char *text, size_t size);

/* Cells of a terminal: 0 (combining), 1, or 2 (East Asian wide, emoji). */
unsigned utf8_width(uint32_t c);

/* Whether it would disturb a terminal or mislead a reader: controls, direction marks, separators.
 */
int utf8_is_control(uint32_t c);

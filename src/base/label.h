/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of machines and devices, made from what others call them.
 */
#pragma once

#include <stddef.h>

struct arena;

#define LABEL_SIZE_MAX 63

/**
 * label_from() - a name of weft's that is like a text
 * @arena: holds the name
 * @text: any text: a file's name, another program's name of a machine
 * @size: bytes of it that count
 *
 * Capital letters become small, what a name cannot have becomes '-', and none is at an end.
 *
 * Return: the name ("Web 1" gives "web-1"), NULL when nothing is left.
 */
char *label_from(struct arena *arena, const char *text, size_t size);

/* The same for the file at @path, without its folder and what follows the first dot. */
char *label_from_path(struct arena *arena, const char *path);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MSI-X (PCI Local Bus 3.0 §6.8.2): the capability, the table and the pending bits of a function,
 * on top of the machine's interrupt messages.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct machine;
struct msix;
struct pci_function;

#define MSIX_ENTRY_SIZE 16

/**
 * msix_create() - give a function the MSI-X capability
 * @fn: not plugged; owns nothing of it, but points to it
 * @n_vectors: 1 to 2048
 * @gsi_base: the GSI of vector 0; the others follow
 * @table_bar, @table_offset, @pba_bar, @pba_offset: where the caller's BARs pass accesses on
 *
 * Return: the object, to be given to msix_destroy() when nobody sends any more; NULL: out of
 * memory.
 */
struct msix *msix_create(struct machine *machine, struct pci_function *fn, unsigned n_vectors,
			 uint32_t gsi_base, unsigned table_bar, uint32_t table_offset,
			 unsigned pba_bar, uint32_t pba_offset);
struct msix *msix_destroy(struct msix *msix); /* takes NULL */

/* Guest accesses at @offset into the table or the pending bits, hostile. Any thread. */
uint64_t msix_table_read(struct msix *msix, uint64_t offset, unsigned size);
void msix_table_write(struct msix *msix, uint64_t offset, unsigned size, uint64_t value);
uint64_t msix_pba_read(struct msix *msix, uint64_t offset, unsigned size);

/*
 * Sends the message of a vector, or makes it pending while it is masked. Any thread. Does nothing
 * while MSI-X is off and for a vector that does not exist.
 */
void msix_send(struct msix *msix, unsigned vector);

bool msix_enabled(const struct msix *msix); /* any thread */
unsigned msix_vectors(const struct msix *msix);

/* The guest wrote the capability; the function is reset, and nobody sends. For pci/function.c. */
void msix_control_written(struct msix *msix);
void msix_reset(struct msix *msix);
unsigned msix_cap(const struct msix *msix); /* the capability's offset */

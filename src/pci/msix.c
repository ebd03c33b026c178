/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MSI-X. A vector can send when MSI-X is on, the function is not masked and the vector is not
 * masked; only then does the interrupt message get its route. The lock orders the guest's writes,
 * which come by two ways (configuration space and the BAR); sending takes no lock.
 */
#include <linux/pci_regs.h>
#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "machine/irq.h"
#include "pci/function.h"
#include "pci/msix.h"

struct msix_vector {
	uint32_t words[4]; /* address low, high, data, control: as the guest sees them */
	bool live;         /* the message is unmasked in the machine */
	struct irq_message message;
};

struct msix {
	struct pci_function *fn;
	struct machine *machine;
	pthread_mutex_t lock;
	unsigned cap;
	uint32_t gsi_base;
	bool enabled, masked; /* from the capability */
	bool failed;          /* a route could not be made; logged once */
	unsigned n_vectors;
	struct msix_vector vectors[];
};

static void init_vector(struct msix *msix, unsigned i)
{
	struct msix_vector *v = &msix->vectors[i];

	memset(v->words, 0, sizeof(v->words));
	v->words[PCI_MSIX_ENTRY_VECTOR_CTRL / 4] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
	v->live = false;
	irq_message_init(&v->message, msix->machine, msix->gsi_base + i);
}

struct msix *msix_create(struct machine *machine, struct pci_function *fn, unsigned n_vectors,
			 uint32_t gsi_base, unsigned table_bar, uint32_t table_offset,
			 unsigned pba_bar, uint32_t pba_offset)
{
	struct msix *msix;

	invariant(n_vectors >= 1 && n_vectors <= PCI_MSIX_FLAGS_QSIZE + 1);
	invariant(IS_ALIGNED(table_offset, 8) && IS_ALIGNED(pba_offset, 8));
	msix = calloc(1, sizeof(*msix) + n_vectors * sizeof(msix->vectors[0]));
	if (!msix)
		return NULL;
	msix->fn = fn;
	msix->machine = machine;
	msix->gsi_base = gsi_base;
	msix->n_vectors = n_vectors;
	pthread_mutex_init(&msix->lock, NULL);
	for (unsigned i = 0; i < n_vectors; i++)
		init_vector(msix, i);

	msix->cap = pci_function_add_cap(fn, PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF);
	pci_set16(fn, msix->cap + PCI_MSIX_FLAGS, (uint16_t)(n_vectors - 1));
	pci_set32(fn, msix->cap + PCI_MSIX_TABLE, table_offset | table_bar);
	pci_set32(fn, msix->cap + PCI_MSIX_PBA, pba_offset | pba_bar);
	fn->writable[msix->cap + PCI_MSIX_FLAGS + 1] =
		(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8;
	fn->msix = msix;
	return msix;
}

struct msix *msix_destroy(struct msix *msix)
{
	if (!msix)
		return NULL;
	for (unsigned i = 0; i < msix->n_vectors; i++)
		irq_message_fini(&msix->vectors[i].message);
	msix->fn->msix = NULL;
	pthread_mutex_destroy(&msix->lock);
	free(msix);
	return NULL;
}

/* Under the lock. */
static void update_vector(struct msix *msix, unsigned i)
{
	struct msix_vector *v = &msix->vectors[i];
	bool live = msix->enabled && !msix->masked &&
		    !(v->words[PCI_MSIX_ENTRY_VECTOR_CTRL / 4] & PCI_MSIX_ENTRY_CTRL_MASKBIT);
	uint64_t address = v->words[PCI_MSIX_ENTRY_LOWER_ADDR / 4] |
			   (uint64_t)v->words[PCI_MSIX_ENTRY_UPPER_ADDR / 4] << 32;
	int r;

	/* A driver fills in a masked entry word by word: the machine hears of it once. */
	if (!live && !v->live)
		return;
	v->live = live;
	r = irq_message_set(&v->message, address, v->words[PCI_MSIX_ENTRY_DATA / 4], !live);
	if (r < 0 && !msix->failed) {
		log_error(
			"%s: MSI-X vector %u cannot be routed: %s; the guest will miss interrupts",
			msix->fn->name, i, strerror(-r));
		msix->failed = true;
	}
}

/* Aligned double words and quad words are defined; other accesses do nothing here. */
static bool aligned_access(uint64_t offset, unsigned size, uint64_t end)
{
	return (size == 4 || size == 8) && IS_ALIGNED(offset, size) && offset < end;
}

uint64_t msix_table_read(struct msix *msix, uint64_t offset, unsigned size)
{
	uint64_t value = 0;
	struct msix_vector *v;

	if (!aligned_access(offset, size, msix->n_vectors * MSIX_ENTRY_SIZE))
		return 0;
	pthread_mutex_lock(&msix->lock);
	v = &msix->vectors[offset / MSIX_ENTRY_SIZE];
	memcpy(&value, (uint8_t *)v->words + offset % MSIX_ENTRY_SIZE, size);
	pthread_mutex_unlock(&msix->lock);
	return value;
}

void msix_table_write(struct msix *msix, uint64_t offset, unsigned size, uint64_t value)
{
	struct msix_vector *v;

	if (!aligned_access(offset, size, msix->n_vectors * MSIX_ENTRY_SIZE))
		return;
	pthread_mutex_lock(&msix->lock);
	v = &msix->vectors[offset / MSIX_ENTRY_SIZE];
	memcpy((uint8_t *)v->words + offset % MSIX_ENTRY_SIZE, &value, size);
	v->words[PCI_MSIX_ENTRY_VECTOR_CTRL / 4] &= PCI_MSIX_ENTRY_CTRL_MASKBIT;
	update_vector(msix, (unsigned)(offset / MSIX_ENTRY_SIZE));
	pthread_mutex_unlock(&msix->lock);
}

uint64_t msix_pba_read(struct msix *msix, uint64_t offset, unsigned size)
{
	uint64_t value = 0;

	if (!aligned_access(offset, size, ALIGN_UP(msix->n_vectors, 64) / 8))
		return 0;
	for (unsigned bit = 0; bit < size * 8; bit++) {
		uint64_t i = offset * 8 + bit;

		if (i < msix->n_vectors &&
		    __atomic_load_n(&msix->vectors[i].message.pending, __ATOMIC_RELAXED))
			value |= 1ULL << bit;
	}
	return value;
}

void msix_send(struct msix *msix, unsigned vector)
{
	if (vector < msix->n_vectors && msix_enabled(msix))
		irq_message_send(&msix->vectors[vector].message);
}

bool msix_enabled(const struct msix *msix)
{
	return __atomic_load_n(&msix->enabled, __ATOMIC_RELAXED);
}

unsigned msix_vectors(const struct msix *msix)
{
	return msix->n_vectors;
}

void msix_control_written(struct msix *msix)
{
	uint16_t control = pci_get16(msix->fn, msix->cap + PCI_MSIX_FLAGS);
	bool enabled = control & PCI_MSIX_FLAGS_ENABLE;
	bool masked = control & PCI_MSIX_FLAGS_MASKALL;

	pthread_mutex_lock(&msix->lock);
	if (enabled != msix->enabled || masked != msix->masked) {
		__atomic_store_n(&msix->enabled, enabled, __ATOMIC_RELAXED);
		msix->masked = masked;
		for (unsigned i = 0; i < msix->n_vectors; i++)
			update_vector(msix, i);
	}
	pthread_mutex_unlock(&msix->lock);
}

void msix_reset(struct msix *msix)
{
	pthread_mutex_lock(&msix->lock);
	msix->enabled = msix->masked = false;
	for (unsigned i = 0; i < msix->n_vectors; i++) {
		irq_message_fini(&msix->vectors[i].message);
		init_vector(msix, i);
	}
	pthread_mutex_unlock(&msix->lock);
}

unsigned msix_cap(const struct msix *msix)
{
	return msix->cap;
}

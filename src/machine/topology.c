/* SPDX-License-Identifier: Apache-2.0 */
/*
 * APIC ids from the topology (Intel SDM 3, "Hierarchical Mapping of Shared Resources").
 */
#include "machine/topology.h"

/* Bits that tell @n things apart. */
static unsigned width(unsigned n)
{
	return n <= 1 ? 0 : 32 - (unsigned)__builtin_clz(n - 1);
}

unsigned cpu_topology_count(const struct cpu_topology *t)
{
	return t->threads * t->cores * t->dies * t->sockets;
}

unsigned cpu_topology_core_shift(const struct cpu_topology *t)
{
	return width(t->threads);
}

unsigned cpu_topology_die_shift(const struct cpu_topology *t)
{
	return cpu_topology_core_shift(t) + width(t->cores);
}

unsigned cpu_topology_socket_shift(const struct cpu_topology *t)
{
	return cpu_topology_die_shift(t) + width(t->dies);
}

uint32_t cpu_topology_apic_id(const struct cpu_topology *t, unsigned index)
{
	unsigned thread = index % t->threads;
	unsigned core = index / t->threads % t->cores;
	unsigned die = index / (t->threads * t->cores) % t->dies;
	unsigned socket = index / (t->threads * t->cores * t->dies);

	return thread | core << cpu_topology_core_shift(t) | die << cpu_topology_die_shift(t) |
	       socket << cpu_topology_socket_shift(t);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How vCPUs are arranged in threads, cores, dies and sockets, and the APIC ids that follow: an id
 * is made of one field of bits a level, so ids have gaps where a count is no power of two.
 */
#pragma once

#include <stdint.h>

/* Each at least 1. */
struct cpu_topology {
	unsigned threads; /* of a core */
	unsigned cores;   /* of a die */
	unsigned dies;    /* of a socket */
	unsigned sockets;
};

/* How many vCPUs it holds. */
unsigned cpu_topology_count(const struct cpu_topology *topology);

/* Bits of an APIC id below the core, the die and the socket. */
unsigned cpu_topology_core_shift(const struct cpu_topology *topology);
unsigned cpu_topology_die_shift(const struct cpu_topology *topology);
unsigned cpu_topology_socket_shift(const struct cpu_topology *topology);

/* APIC id of the vCPU with this number. */
uint32_t cpu_topology_apic_id(const struct cpu_topology *topology, unsigned index);

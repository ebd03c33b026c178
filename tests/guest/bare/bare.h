/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a bare-metal guest has at hand. A guest is a C file with bare_main(), linked with crt.S and
 * bare.c; it runs at CPL 3, so that its loops run natively even where KVM emulates CPL 0, with all
 * ports allowed and the first 4 GiB mapped. What needs CPL 0 goes through privileged().
 *
 * It says what it found with print() on COM1, ends with a line `PASS` or `FAIL …`, and powers off.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/layout.h"

/* x86/HVM start info, version 1. */
struct start_info {
	uint32_t magic, version, flags, modules;
	uint64_t module_list, cmdline, rsdp, memory_map;
	uint32_t memory_map_entries, zero;
};

struct memory_range {
	uint64_t address, size;
	uint32_t type, zero; /* type 1: RAM */
};

extern struct start_info *pvh_start_info;

/* The guest's own: returns false to end with FAIL. */
bool bare_main(void);

/* bare.c */
void print(const char *format, ...); /* %s %c %d %u %x and l for 64 bits, %08x */
void power_off(void) __attribute__((noreturn));
void finish(bool good) __attribute__((noreturn)); /* prints PASS or FAIL, powers off */
void fail(const char *format, ...) __attribute__((noreturn));

/* Memory that nobody else uses, zeroed by the loader's grace; never freed. */
void *allocate(size_t size, size_t align);
const char *command_line(void);
uint64_t ram_end(void); /* of the RAM below 4 GiB, from the PVH memory map */

/* Maps [@address, @address + @size) above 4 GiB to itself; below it already is. */
volatile void *map(uint64_t address, uint64_t size);

/* Runs fn(argument) at CPL 0 and returns what it returned. No floating point, no long loops there.
 */
uint64_t privileged(uint64_t (*fn)(uint64_t), uint64_t argument);

/* A cheap source of numbers for guests that try everything: the same seed gives the same run. */
uint64_t random64(uint64_t *state);

static inline void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out16(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint16_t in16(uint16_t port)
{
	uint16_t value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint32_t in32(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

/* An access of exactly this width at this address, as one plain MOV that any emulator knows. */
#define BARE_MMIO(bits, constraint, reg)                                       \
	static inline uint##bits##_t read##bits(uint64_t address)              \
	{                                                                      \
		uint##bits##_t value;                                          \
		__asm__ volatile("mov (%1), %" reg "0"                         \
				 : "=" constraint(value)                       \
				 : "r"(address)                                \
				 : "memory");                                  \
		return value;                                                  \
	}                                                                      \
	static inline void write##bits(uint64_t address, uint##bits##_t value) \
	{                                                                      \
		__asm__ volatile("mov %" reg "0, (%1)"                         \
				 :                                             \
				 : constraint(value), "r"(address)             \
				 : "memory");                                  \
	}
BARE_MMIO(8, "q", "b")
BARE_MMIO(16, "r", "w")
BARE_MMIO(32, "r", "k")
BARE_MMIO(64, "r", "q")

/* The order of two accesses to memory that a device looks at. */
static inline void barrier(void)
{
	__asm__ volatile("lock; addl $0, (%%rsp)" : : : "memory", "cc");
}

static inline void pause(void)
{
	__asm__ volatile("pause" : : : "memory");
}

static inline uint64_t tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

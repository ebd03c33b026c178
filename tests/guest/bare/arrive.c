/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that looks all the time whether a device has come to bus 0, and says so on the debug
 * port: a 'U' when it looks, a '+' for each. It asks the configuration space and nothing else, so
 * it is the same under any monitor. It lets go at once of what weft asks back.
 */
#include "bare.h"

enum { DEBUG = 0xe9, ADDRESS = 0xcf8, DATA = 0xcfc, SLOTS = 32 };
enum { UP = 0, DOWN = 4, EJECT = 8 };
enum {
	WAIT = 1 << 16 /* cycles between two looks: a monitor must get at its own locks */,
	ROUNDS = 64
};

static bool is_there(unsigned slot)
{
	out32(ADDRESS, 1u << 31 | slot << 11);
	return (in32(DATA) & 0xffff) != 0xffff;
}

/* Only weft has these registers; elsewhere nothing answers, with ones. */
static uint32_t let_go(void)
{
	uint32_t down = read32(LAYOUT_PCI_HOTPLUG + DOWN);

	if (!down || down == UINT32_MAX)
		return 0;
	write32(LAYOUT_PCI_HOTPLUG + DOWN, down);
	write32(LAYOUT_PCI_HOTPLUG + UP, read32(LAYOUT_PCI_HOTPLUG + UP));
	write32(LAYOUT_PCI_HOTPLUG + EJECT, down);
	/* Another thread takes it out. */
	for (unsigned slot = 0; slot < SLOTS; slot++)
		while (down >> slot & 1 && is_there(slot))
			pause();
	return down;
}

bool bare_main(void)
{
	uint32_t there = 0;
	unsigned next;

	for (unsigned slot = 0; slot < SLOTS; slot++)
		there |= (uint32_t)is_there(slot) << slot;
	out8(DEBUG, 'U');
	for (unsigned round = 0;; round++) {
		if (round % ROUNDS == 0)
			there &= ~let_go();
		/* The lowest that is free is the next to be taken. */
		next = there == UINT32_MAX ? 0 : (unsigned)__builtin_ctz(~there);
		if (next && is_there(next)) {
			there |= 1u << next;
			out8(DEBUG, '+');
		}
		for (uint64_t end = tsc() + WAIT; tsc() < end;)
			pause();
	}
}

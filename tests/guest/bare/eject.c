/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that has no driver for anything and lets go of every device that it is asked for, at
 * once.
 */
#include "bare.h"

enum { UP = 0, DOWN = 4, EJECT = 8, WAIT = 1 << 19 /* cycles between two looks */ };

bool bare_main(void)
{
	print("UP\n");
	for (;;) {
		uint32_t up = read32(LAYOUT_PCI_HOTPLUG + UP),
			 down = read32(LAYOUT_PCI_HOTPLUG + DOWN);

		if (up)
			write32(LAYOUT_PCI_HOTPLUG + UP, up);
		if (down) {
			write32(LAYOUT_PCI_HOTPLUG + DOWN, down);
			write32(LAYOUT_PCI_HOTPLUG + EJECT, down);
		}
		for (uint64_t end = tsc() + WAIT; tsc() < end;)
			pause();
	}
}

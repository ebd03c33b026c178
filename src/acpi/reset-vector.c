/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "acpi/acpi.h"
#include "acpi/reset-vector.h"
#include "machine/layout.h"
#include "machine/memory.h"

int reset_vector_write(struct guest_memory *memory)
{
	static const struct {
		uint8_t mov_dx;
		uint16_t port;
		uint8_t mov_al, value, out_dx_al, hlt, jmp;
		int8_t to_hlt;
	} __attribute__((packed)) code = {
		.mov_dx = 0xba,
		.port = PORT_ACPI_RESET,
		.mov_al = 0xb0,
		.value = ACPI_RESET_VALUE,
		.out_dx_al = 0xee,
		.hlt = 0xf4,
		.jmp = 0xeb,
		.to_hlt = -3,
	};

	_Static_assert(LAYOUT_RESET_VECTOR + sizeof(code) <= LAYOUT_HIGH_RAM, "it fits");
	return guest_memory_write(memory, LAYOUT_RESET_VECTOR, &code, sizeof(code));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accesses of every width to the registers of the 16550A, and typing in between. The model may do
 * anything but lose what was typed, except where the guest asks for it (it clears the FIFO).
 */
#include <linux/serial_reg.h>
#include <string.h>

#include "graph/graph.h"
#include "machine/layout.h"
#include "schema/config.h"
#include "tests/unit/fake-console.h"
#include "tests/unit/fake-machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct device_type device_serial;

/* One operation: what, where and how wide, and four bytes of value. */
static void step(const uint8_t *op)
{
	static const unsigned sizes[] = {1, 2, 4, 8};
	unsigned width = sizes[op[0] & 3], reg = op[1] & 7;
	uint32_t value;

	memcpy(&value, op + 2, sizeof(value));
	switch (op[0] >> 6) {
	case 0:
		fake_pio_read((uint16_t)(PORT_COM1 + reg), width);
		break;
	case 1:
		fake_pio_write((uint16_t)(PORT_COM1 + reg), width, value);
		break;
	case 2:
		fake_pio_write((uint16_t)(PORT_COM1 + reg), 1, value);
		break;
	default:
		fake_console_type(op + 2, op[1] & 3);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct serial_config config;
	struct graph_node node = {
		.kind = GRAPH_DEVICE, .id = "serial", .type = &device_serial, .config = &config};
	struct machine *machine = fake_machine_init();
	struct device *device;
	uint8_t seen;

	invariant(device_serial.prepare(machine, &node, &device, NULL) == 0);
	invariant(device_serial.commit(device, NULL) == 0);
	device->committed = true;
	for (; size >= 6; data += 6, size -= 6)
		step(data);
	/* Whatever it was left in, a driver that starts over gets a working port. */
	fake_pio_write(PORT_COM1 + UART_MCR, 1, 0);
	fake_pio_write(PORT_COM1 + UART_LCR, 1, 0);
	fake_pio_write(PORT_COM1 + UART_IER, 1, 0);
	fake_pio_write(PORT_COM1 + UART_FCR, 1, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	while (fake_pio_read(PORT_COM1 + UART_LSR, 1) & UART_LSR_DR)
		fake_pio_read(PORT_COM1, 1);
	invariant(!fake.levels[IRQ_COM1]);
	fake_pio_write(PORT_COM1 + UART_IER, 1, UART_IER_RDI);
	fake_console_type("w", 1);
	invariant(fake.levels[IRQ_COM1]);
	seen = (uint8_t)fake_pio_read(PORT_COM1, 1);
	invariant(seen == 'w' && !fake.levels[IRQ_COM1]);
	device_serial.destroy(device);
	fake_machine_fini();
	return 0;
}

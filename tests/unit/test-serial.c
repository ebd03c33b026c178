/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 16550A, register by register, as a driver sees it.
 */
#include <linux/serial_reg.h>
#include <stdio.h>
#include <string.h>

#include "graph/graph.h"
#include "machine/layout.h"
#include "schema/config.h"
#include "tests/unit/cu-tap.h"
#include "tests/unit/fake-console.h"
#include "tests/unit/fake-machine.h"

extern const struct device_type device_serial;

static const struct serial_config config;
static const struct graph_node node = {
	.kind = GRAPH_DEVICE, .id = "serial", .type = &device_serial, .config = &config};
static struct device *device;

static void set_up(void)
{
	struct machine *machine = fake_machine_init();

	CU_ASSERT_EQUAL_FATAL(device_serial.prepare(machine, &node, &device, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(device_serial.commit(device, NULL), 0);
	device->committed = true;
}

static void tear_down(void)
{
	device_serial.destroy(device);
	CU_ASSERT_EQUAL(fake_console.closed, 1);
	/* Nobody answers any more. */
	CU_ASSERT_EQUAL(fake_pio_read(PORT_COM1 + UART_SCR, 1), 0xff);
	fake_machine_fini();
}

static uint8_t in(unsigned reg)
{
	return (uint8_t)fake_pio_read((uint16_t)(PORT_COM1 + reg), 1);
}

static void out(unsigned reg, uint8_t value)
{
	fake_pio_write((uint16_t)(PORT_COM1 + reg), 1, value);
}

static bool irq(void)
{
	return fake.levels[IRQ_COM1];
}

static void registers_keep_what_they_should(void)
{
	CU_ASSERT_EQUAL(in(UART_IIR), UART_IIR_NO_INT);
	CU_ASSERT_EQUAL(in(UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
	CU_ASSERT_EQUAL(in(UART_MSR), UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD);
	out(UART_SCR, 0xa5);
	CU_ASSERT_EQUAL(in(UART_SCR), 0xa5);
	out(UART_IER, 0xff);
	CU_ASSERT_EQUAL(in(UART_IER), 0x0f);
	out(UART_IER, 0);
	out(UART_LCR, UART_LCR_DLAB | UART_LCR_WLEN8);
	out(UART_DLL, 1);
	out(UART_DLM, 2);
	CU_ASSERT_EQUAL(in(UART_DLL), 1);
	CU_ASSERT_EQUAL(in(UART_DLM), 2);
	CU_ASSERT_EQUAL(fake_console.written, 0);
	out(UART_LCR, UART_LCR_WLEN8);
	CU_ASSERT_EQUAL(in(UART_LCR), UART_LCR_WLEN8);
	CU_ASSERT_EQUAL(in(UART_IER), 0);
	/* A 16550A says so in IIR. */
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	CU_ASSERT_EQUAL(in(UART_IIR), 0xc0 | UART_IIR_NO_INT);
	/* Wide accesses are one of each byte. */
	fake_pio_write(PORT_COM1 + UART_LCR, 2, UART_MCR_DTR << 8 | UART_LCR_WLEN7);
	CU_ASSERT_EQUAL(fake_pio_read(PORT_COM1 + UART_LCR, 2), UART_MCR_DTR << 8 | UART_LCR_WLEN7);
}

static void output_goes_to_the_console(void)
{
	const char *text = "weft\r\n";

	for (size_t i = 0; i < strlen(text); i++)
		out(UART_TX, (uint8_t)text[i]);
	CU_ASSERT_EQUAL(fake_console.output_len, strlen(text));
	CU_ASSERT_EQUAL(memcmp(fake_console.output, text, strlen(text)), 0);
	CU_ASSERT_EQUAL(in(UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
	CU_ASSERT_FALSE(irq());
}

static void the_transmitter_interrupts_once(void)
{
	out(UART_IER, UART_IER_THRI);
	CU_ASSERT(irq()); /* it is empty: enabling is enough */
	CU_ASSERT_EQUAL(in(UART_IIR), UART_IIR_THRI);
	CU_ASSERT_FALSE(irq()); /* reading it out of IIR acknowledges it */
	CU_ASSERT_EQUAL(in(UART_IIR), UART_IIR_NO_INT);
	out(UART_TX, 'x');
	CU_ASSERT(irq());
	out(UART_IER, 0);
	CU_ASSERT_FALSE(irq());
	out(UART_IER, UART_IER_THRI);
	CU_ASSERT(irq());
}

static void the_receiver_interrupts_by_level_and_time_out(void)
{
	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_8);
	out(UART_IER, UART_IER_RDI);
	fake_console_type("1234567", 7);
	CU_ASSERT(irq());
	CU_ASSERT_EQUAL(in(UART_IIR)&0x3f, UART_IIR_RX_TIMEOUT);
	fake_console_type("8", 1);
	CU_ASSERT_EQUAL(in(UART_IIR)&0x3f, UART_IIR_RDI);
	CU_ASSERT(in(UART_LSR)&UART_LSR_DR);
	for (char c = '1'; c <= '8'; c++)
		CU_ASSERT_EQUAL(in(UART_RX), c);
	CU_ASSERT_FALSE(irq());
	CU_ASSERT_FALSE(in(UART_LSR)&UART_LSR_DR);
	CU_ASSERT_EQUAL(in(UART_RX), 0);
}

static void interrupts_have_their_priorities(void)
{
	out(UART_IER, UART_IER_RDI | UART_IER_THRI | UART_IER_RLSI | UART_IER_MSI);
	in(UART_IIR); /* THRI of the enabling */
	out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT1);
	out(UART_MCR, UART_MCR_LOOP); /* RI ends: a delta */
	out(UART_TX, 'a');
	out(UART_TX, 'b'); /* no FIFO: an overrun */
	CU_ASSERT_EQUAL(in(UART_IIR), UART_IIR_RLSI);
	CU_ASSERT(in(UART_LSR)&UART_LSR_OE);
	CU_ASSERT_EQUAL(in(UART_IIR), UART_IIR_RDI);
	CU_ASSERT_EQUAL(in(UART_RX), 'a');
	CU_ASSERT_EQUAL(in(UART_IIR), UART_IIR_THRI);
	CU_ASSERT_EQUAL(in(UART_IIR), UART_IIR_MSI);
	CU_ASSERT(in(UART_MSR)&UART_MSR_TERI);
	CU_ASSERT_EQUAL(in(UART_IIR), UART_IIR_NO_INT);
	CU_ASSERT_FALSE(irq());
}

static void loopback_keeps_to_itself(void)
{
	/* What Linux does to tell a 16550 (autoconfig). */
	out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	CU_ASSERT_EQUAL(in(UART_MSR)&0xf0, UART_MSR_DCD | UART_MSR_CTS);
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	for (unsigned i = 0; i < 20; i++)
		out(UART_TX, (uint8_t)i);
	CU_ASSERT_EQUAL(fake_console.written, 0);
	fake_console_type("typed", 5); /* waits */
	for (unsigned i = 0; i < 16; i++)
		CU_ASSERT_EQUAL(in(UART_RX), i);
	CU_ASSERT_FALSE(in(UART_LSR)&UART_LSR_DR);
	out(UART_MCR, 0);
	CU_ASSERT_EQUAL(in(UART_RX), 't');
}

static void typing_ahead_loses_nothing(void)
{
	static char text[5000], seen[5000];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7);
	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_14);
	out(UART_IER, UART_IER_RDI);
	for (size_t i = 0; i < sizeof(text); i += 100) {
		fake_console_type(text + i, 100);
		/* A slow guest takes a little each time. */
		for (unsigned k = 0; k < 40 && irq(); k++)
			seen[n++] = (char)in(UART_RX);
	}
	while (n < sizeof(seen) && irq())
		seen[n++] = (char)in(UART_RX);
	CU_ASSERT_EQUAL(n, sizeof(text));
	CU_ASSERT_EQUAL(memcmp(seen, text, sizeof(text)), 0);
	CU_ASSERT_FALSE(in(UART_LSR)&UART_LSR_OE);
}

static void typing_waits_while_it_is_paused(void)
{
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	out(UART_IER, UART_IER_RDI);
	device_serial.pause(device);
	fake_console_type("abc", 3);
	CU_ASSERT(!(in(UART_LSR)&UART_LSR_DR) && !irq());
	CU_ASSERT_EQUAL(fake_console.input_len, 3);
	device_serial.resume(device);
	CU_ASSERT(irq());
	CU_ASSERT_EQUAL(in(UART_RX), 'a');
}

static void a_reset_is_a_power_on(void)
{
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	out(UART_IER, UART_IER_THRI | UART_IER_RDI);
	out(UART_LCR, UART_LCR_DLAB);
	device_serial.reset(device);
	CU_ASSERT_FALSE(irq());
	CU_ASSERT_EQUAL(in(UART_IIR), UART_IIR_NO_INT);
	CU_ASSERT_EQUAL(in(UART_LCR), 0);
	CU_ASSERT_EQUAL(in(UART_IER), 0);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"registers keep what they should", registers_keep_what_they_should},
		{"output goes to the console", output_goes_to_the_console},
		{"the transmitter interrupts once", the_transmitter_interrupts_once},
		{"the receiver interrupts by level and time-out",
		 the_receiver_interrupts_by_level_and_time_out},
		{"interrupts have their priorities", interrupts_have_their_priorities},
		{"loopback keeps to itself", loopback_keeps_to_itself},
		{"typing ahead loses nothing", typing_ahead_loses_nothing},
		{"typing waits while it is paused", typing_waits_while_it_is_paused},
		{"a reset is a power-on", a_reset_is_a_power_on},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"serial", NULL, NULL, set_up, tear_down, tests},
		CU_SUITE_INFO_NULL,
	};

	return cu_tap_run(suites);
}

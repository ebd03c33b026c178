/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 16550A at COM1 (National Semiconductor PC16550D). The line is infinitely fast: the transmitter
 * is always empty, and a byte that waits below the trigger level counts as timed out at once. The
 * receiver takes from the console only what it has room for, so what is typed waits on the host.
 *
 * The interrupt is not gated by OUT2, as on a PC: small guests forget to set it, and nothing shares
 * the pin.
 */
#include <errno.h>
#include <linux/serial_reg.h>
#include <pthread.h>
#include <string.h>

#include "console/console.h"
#include "graph/graph.h"
#include "machine/address-space.h"
#include "machine/irq.h"
#include "machine/layout.h"
#include "machine/machine.h"
#include "schema/config.h"

#define N_REGISTERS 8
#define FIFO_SIZE   16

#define MSR_DELTAS   (UART_MSR_DCTS | UART_MSR_DDSR | UART_MSR_TERI | UART_MSR_DDCD)
#define MSR_ATTACHED (UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD)

struct serial {
	struct device device;
	struct console *console;

	pthread_mutex_t lock; /* guards what follows; taken before the console's and the IOAPIC's */
	uint8_t fifo[FIFO_SIZE];
	unsigned fifo_start, fifo_len;
	uint8_t ier, fcr, lcr, mcr, lsr, msr, scratch;
	uint8_t divisor[2];
	bool thre_pending; /* the transmitter became empty and IIR has not said so */
	bool irq;
	bool paused; /* what is typed waits on the host */
};

/* --- Interrupts. --- */

static unsigned trigger_level(const struct serial *serial)
{
	static const uint8_t levels[] = {1, 4, 8, 14};

	return serial->fcr & UART_FCR_ENABLE_FIFO ? levels[serial->fcr >> 6] : 1;
}

/* IIR without the FIFO bits; by priority, PC16550D table III. */
static uint8_t interrupt_cause(const struct serial *serial)
{
	if (serial->ier & UART_IER_RLSI && serial->lsr & UART_LSR_BRK_ERROR_BITS)
		return UART_IIR_RLSI;
	if (serial->ier & UART_IER_RDI && serial->fifo_len > 0)
		return serial->fifo_len >= trigger_level(serial) ? UART_IIR_RDI
								 : UART_IIR_RX_TIMEOUT;
	if (serial->ier & UART_IER_THRI && serial->thre_pending)
		return UART_IIR_THRI;
	if (serial->ier & UART_IER_MSI && serial->msr & MSR_DELTAS)
		return UART_IIR_MSI;
	return UART_IIR_NO_INT;
}

static void update_irq(struct serial *serial)
{
	bool irq = interrupt_cause(serial) != UART_IIR_NO_INT;

	if (irq == serial->irq)
		return;
	serial->irq = irq;
	irq_set_level(serial->device.machine, IRQ_COM1, irq);
}

/* --- The receiver. --- */

static unsigned fifo_room(const struct serial *serial)
{
	unsigned size = serial->fcr & UART_FCR_ENABLE_FIFO ? FIFO_SIZE : 1;

	return size - serial->fifo_len;
}

static void fifo_put(struct serial *serial, uint8_t byte)
{
	serial->fifo[(serial->fifo_start + serial->fifo_len++) % FIFO_SIZE] = byte;
}

/* In loopback the line is cut off from the receiver. */
static void take_input(struct serial *serial)
{
	uint8_t buf[FIFO_SIZE];
	size_t n;

	if (serial->mcr & UART_MCR_LOOP || serial->paused)
		return;
	n = console_read(serial->console, buf, fifo_room(serial));
	for (size_t i = 0; i < n; i++)
		fifo_put(serial, buf[i]);
}

static uint8_t receive(struct serial *serial)
{
	uint8_t byte = 0;

	if (serial->fifo_len > 0) {
		byte = serial->fifo[serial->fifo_start];
		serial->fifo_start = (serial->fifo_start + 1) % FIFO_SIZE;
		serial->fifo_len--;
	}
	/* The console is asked once a batch, not once a byte. */
	if (serial->fifo_len == 0)
		take_input(serial);
	return byte;
}

static void on_readable(void *opaque)
{
	struct serial *serial = opaque;

	pthread_mutex_lock(&serial->lock);
	take_input(serial);
	update_irq(serial);
	pthread_mutex_unlock(&serial->lock);
}

/* --- Modem lines. --- */

/* In loopback the outputs are wired to the inputs (PC16550D §8.6.7). */
static uint8_t modem_lines(const struct serial *serial)
{
	if (!(serial->mcr & UART_MCR_LOOP))
		return MSR_ATTACHED;
	return (serial->mcr & UART_MCR_DTR ? UART_MSR_DSR : 0) |
	       (serial->mcr & UART_MCR_RTS ? UART_MSR_CTS : 0) |
	       (serial->mcr & UART_MCR_OUT1 ? UART_MSR_RI : 0) |
	       (serial->mcr & UART_MCR_OUT2 ? UART_MSR_DCD : 0);
}

static void update_modem_lines(struct serial *serial)
{
	uint8_t now = modem_lines(serial), changed = (now ^ serial->msr) & 0xf0;

	/* A delta bit is four below its line; RI counts when it ends. */
	if (now & UART_MSR_RI)
		changed &= (uint8_t)~UART_MSR_RI;
	serial->msr = now | (serial->msr & MSR_DELTAS) | changed >> 4;
}

/* --- Registers. --- */

static void transmit(struct serial *serial, uint8_t byte)
{
	if (!(serial->mcr & UART_MCR_LOOP))
		console_write(serial->console, &byte, 1);
	else if (fifo_room(serial) > 0)
		fifo_put(serial, byte);
	else
		serial->lsr |= UART_LSR_OE;
	serial->thre_pending = true;
}

static void write_fcr(struct serial *serial, uint8_t value)
{
	bool toggled = (value ^ serial->fcr) & UART_FCR_ENABLE_FIFO;

	/* The other bits count only together with the enable bit. */
	serial->fcr = value & UART_FCR_ENABLE_FIFO ? value & (UART_FCR_ENABLE_FIFO | 0xc0) : 0;
	if (toggled || (value & UART_FCR_ENABLE_FIFO && value & UART_FCR_CLEAR_RCVR))
		serial->fifo_len = 0;
	if (toggled || (value & UART_FCR_ENABLE_FIFO && value & UART_FCR_CLEAR_XMIT))
		serial->thre_pending = true;
	take_input(serial);
}

static void write_ier(struct serial *serial, uint8_t value)
{
	/* Enabling the interrupt of an empty transmitter raises it. */
	if (value & ~serial->ier & UART_IER_THRI)
		serial->thre_pending = true;
	serial->ier = value & (UART_IER_RDI | UART_IER_THRI | UART_IER_RLSI | UART_IER_MSI);
}

static void write_register(struct serial *serial, unsigned reg, uint8_t value)
{
	bool dlab = serial->lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_TX:
		if (dlab)
			serial->divisor[0] = value;
		else
			transmit(serial, value);
		break;
	case UART_IER:
		if (dlab)
			serial->divisor[1] = value;
		else
			write_ier(serial, value);
		break;
	case UART_FCR:
		write_fcr(serial, value);
		break;
	case UART_LCR:
		serial->lcr = value;
		break;
	case UART_MCR:
		serial->mcr = value & (UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT1 | UART_MCR_OUT2 |
				       UART_MCR_LOOP);
		update_modem_lines(serial);
		take_input(serial);
		break;
	case UART_SCR:
		serial->scratch = value;
		break;
	default: /* LSR and MSR are for factory tests */
		break;
	}
}

static uint8_t read_iir(struct serial *serial)
{
	uint8_t cause = interrupt_cause(serial);

	if (cause == UART_IIR_THRI)
		serial->thre_pending = false;
	return cause | (serial->fcr & UART_FCR_ENABLE_FIFO ? 0xc0 : 0);
}

static uint8_t read_lsr(struct serial *serial)
{
	uint8_t lsr = serial->lsr | UART_LSR_THRE | UART_LSR_TEMT |
		      (serial->fifo_len > 0 ? UART_LSR_DR : 0);

	serial->lsr = 0;
	return lsr;
}

static uint8_t read_msr(struct serial *serial)
{
	uint8_t msr = serial->msr;

	serial->msr &= (uint8_t)~MSR_DELTAS;
	return msr;
}

static uint8_t read_register(struct serial *serial, unsigned reg)
{
	bool dlab = serial->lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_RX:
		return dlab ? serial->divisor[0] : receive(serial);
	case UART_IER:
		return dlab ? serial->divisor[1] : serial->ier;
	case UART_IIR:
		return read_iir(serial);
	case UART_LCR:
		return serial->lcr;
	case UART_MCR:
		return serial->mcr;
	case UART_LSR:
		return read_lsr(serial);
	case UART_MSR:
		return read_msr(serial);
	default:
		return serial->scratch;
	}
}

/* A wide access is one of each byte, as the ISA bus splits it. */
static uint64_t serial_read(void *opaque, uint64_t offset, unsigned size)
{
	struct serial *serial = opaque;
	uint64_t value = 0;

	pthread_mutex_lock(&serial->lock);
	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)read_register(serial, (unsigned)offset + i) << (8 * i);
	update_irq(serial);
	pthread_mutex_unlock(&serial->lock);
	return value;
}

static void serial_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct serial *serial = opaque;

	pthread_mutex_lock(&serial->lock);
	for (unsigned i = 0; i < size; i++)
		write_register(serial, (unsigned)offset + i, (uint8_t)(value >> (8 * i)));
	update_irq(serial);
	pthread_mutex_unlock(&serial->lock);
}

static const struct io_ops serial_ops = {.read = serial_read, .write = serial_write};

/* --- The device. --- */

static struct serial *to_serial(struct device *device)
{
	return container_of(device, struct serial, device);
}

static void serial_needs(const struct graph_node *node, struct device_needs *needs,
			 struct arena *arena)
{
	const struct serial_config *config = node->config;

	needs->irq = IRQ_COM1;
	console_needs(&config->output, "output", true, needs, arena);
}

/* With the lock, or before anybody else knows of it. */
static void set_power_on_state(struct serial *serial)
{
	serial->fifo_start = serial->fifo_len = 0;
	serial->ier = serial->fcr = serial->lcr = serial->mcr = serial->lsr = serial->scratch = 0;
	serial->divisor[0] = 12; /* 9600 */
	serial->divisor[1] = 0;
	serial->msr = MSR_ATTACHED;
	serial->thre_pending = false;
}

static int serial_prepare(struct machine *machine, const struct graph_node *node,
			  struct device **ret, struct diag_list *diags)
{
	static const struct console_events events = {.readable = on_readable};
	const struct serial_config *config = node->config;
	struct serial *serial = calloc(1, sizeof(*serial));
	int r;

	if (!serial)
		return -ENOMEM;
	device_init(&serial->device, machine, node);
	pthread_mutex_init(&serial->lock, NULL);
	set_power_on_state(serial);
	r = console_open(machine_consoles(machine), node, "output", &config->output, &events,
			 serial, &serial->console, diags);
	if (r < 0) {
		pthread_mutex_destroy(&serial->lock);
		free(serial);
		return r;
	}
	*ret = &serial->device;
	return 0;
}

static int serial_commit(struct device *device, struct diag_list *diags)
{
	struct io_region region = {
		.name = "serial",
		.base = PORT_COM1,
		.size = N_REGISTERS,
		.ops = &serial_ops,
		.opaque = to_serial(device),
	};

	console_start(to_serial(device)->console);
	return address_space_add(machine_pio(device->machine), &region);
}

static int serial_prepare_update(struct device *device, const struct graph_node *node,
				 struct diag_list *diags)
{
	const struct serial_config *config = node->config;

	return console_prepare(to_serial(device)->console, node, "output", &config->output, diags);
}

static void serial_cancel_update(struct device *device)
{
	console_cancel(to_serial(device)->console);
}

static int serial_update(struct device *device, const struct graph_node *node,
			 struct diag_list *diags)
{
	const struct serial_config *config = node->config;

	return console_update(to_serial(device)->console, node, "output", &config->output, diags);
}

static void serial_destroy(struct device *device)
{
	struct serial *serial = to_serial(device);
	struct address_space *pio = machine_pio(device->machine);

	if (device->committed) {
		address_space_remove(pio, PORT_COM1);
		address_space_quiesce(pio);
	}
	console_close(serial->console);
	pthread_mutex_destroy(&serial->lock);
	free(serial);
}

static void serial_reset(struct device *device)
{
	struct serial *serial = to_serial(device);

	pthread_mutex_lock(&serial->lock);
	set_power_on_state(serial);
	update_irq(serial);
	pthread_mutex_unlock(&serial->lock);
}

static void serial_pause(struct device *device)
{
	struct serial *serial = to_serial(device);

	pthread_mutex_lock(&serial->lock);
	serial->paused = true;
	pthread_mutex_unlock(&serial->lock);
}

static void serial_resume(struct device *device)
{
	struct serial *serial = to_serial(device);

	pthread_mutex_lock(&serial->lock);
	serial->paused = false;
	pthread_mutex_unlock(&serial->lock);
	on_readable(serial);
}

const struct device_type device_serial = {
	.name = "serial",
	.bus = DEVICE_BUS_PLATFORM,
	.singleton = true,
	.needs = serial_needs,
	.prepare = serial_prepare,
	.commit = serial_commit,
	.prepare_update = serial_prepare_update,
	.cancel_update = serial_cancel_update,
	.update = serial_update,
	.destroy = serial_destroy,
	.reset = serial_reset,
	.pause = serial_pause,
	.resume = serial_resume,
};

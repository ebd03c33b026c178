/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts: pins go to the IOAPIC, messages to KVM.
 *
 * A message is masked or not, and pending or not; both are single words that the guest's side and
 * the device's side change without a lock. The sender sets "pending" and then looks at the mask
 * again; who takes the mask away looks at "pending" after it. Whoever comes second sends, exactly
 * once.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "machine/internal.h"
#include "machine/irq.h"

void irq_set_level(struct machine *machine, unsigned pin, bool level)
{
	ioapic_set_level(machine->ioapic, pin, level);
}

void irq_message_init(struct irq_message *msg, struct machine *machine, uint32_t gsi)
{
	*msg = (struct irq_message){.machine = machine, .gsi = gsi, .fd = -1, .masked = true};
}

void irq_message_fini(struct irq_message *msg)
{
	if (msg->fd < 0)
		return;
	(void)!kvm_irqfd(&msg->machine->kvm, msg->gsi, msg->fd, false);
	kvm_route_remove(&msg->machine->kvm, msg->gsi);
	msg->fd = fd_close(msg->fd);
	msg->masked = true;
}

/* The route first: an irqfd without one loses what it is given. */
static int connect(struct irq_message *msg, uint64_t address, uint32_t data)
{
	struct kvm *kvm = &msg->machine->kvm;
	int r;

	r = kvm_route_set(kvm, msg->gsi, address, data);
	if (r < 0 || msg->fd >= 0)
		return r;
	cleanup_fd int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = fd < 0 ? -errno : kvm_irqfd(kvm, msg->gsi, fd, true);
	if (r < 0) {
		kvm_route_remove(kvm, msg->gsi);
		return r;
	}
	msg->fd = TAKE_FD(fd);
	return 0;
}

static void signal_fd(const struct irq_message *msg)
{
	uint64_t one = 1;

	/* Full only when the guest has not seen 2^64 interrupts: one more tells it nothing. */
	(void)!write(msg->fd, &one, sizeof(one));
}

static void send_pending(struct irq_message *msg)
{
	if (__atomic_exchange_n(&msg->pending, false, __ATOMIC_SEQ_CST))
		signal_fd(msg);
}

int irq_message_set(struct irq_message *msg, uint64_t address, uint32_t data, bool masked)
{
	int r;

	if (masked) {
		__atomic_store_n(&msg->masked, true, __ATOMIC_SEQ_CST);
		return 0;
	}
	if (msg->fd < 0 || msg->address != address || msg->data != data) {
		r = connect(msg, address, data);
		if (r < 0)
			return r;
		msg->address = address;
		msg->data = data;
	}
	__atomic_store_n(&msg->masked, false, __ATOMIC_SEQ_CST);
	send_pending(msg);
	return 0;
}

void irq_message_send(struct irq_message *msg)
{
	if (!__atomic_load_n(&msg->masked, __ATOMIC_SEQ_CST)) {
		signal_fd(msg);
		return;
	}
	__atomic_store_n(&msg->pending, true, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&msg->masked, __ATOMIC_SEQ_CST))
		send_pending(msg);
}

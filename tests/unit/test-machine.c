/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine under real KVM: a few bytes of bare code run in 32-bit protected mode at 1 MiB and
 * talk to devices of the test by ports and memory.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/log.h"
#include "loop/loop.h"
#include "machine/address-space.h"
#include "machine/build.h"
#include "machine/irq.h"
#include "machine/layout.h"
#include "machine/memory.h"
#include "tests/unit/cu-tap.h"

#define CODE     0x100000ULL
#define AP_CODE  0x8000ULL
#define GDT      0x500ULL
#define IDT      0x1000ULL
#define STACK    0x7000ULL
#define MMIO     0xd0000000ULL
#define DOORBELL 0xd0001000ULL

#define PORT_OUT  0xe9 /* a byte for the test */
#define PORT_OFF  0xf4 /* power off */
#define PORT_DOWN 0xf5 /* lowers pin 4 */

#define VECTOR 0x40
#define SECOND 1000000000ULL

#define GUEST(name, code)                                                     \
	__asm__(".pushsection .rodata\n.code32\n" #name ":\n" code "\n" #name \
		"_end:\n.code64\n.popsection\n");                             \
	extern const char name[], name##_end[]

/* IRET, but emulators that know only its 64-bit form run it too. */
#define RETURN "pop %edx; add $4, %esp; popf; jmp *%edx"

/* A letter, what an unclaimed port reads as, a string, and a word read from a device and written
 * back. */
GUEST(guest_io,
      "mov $'a', %al; out %al, $0xe9\n"
      "in $0x10, %al; out %al, $0xe9\n"
      "call 1f; .ascii \"weft\"; 1: pop %esi; mov $4, %ecx; mov $0xe9, %edx; cld; rep outsb\n"
      "mov 0xd0000000, %eax; mov %eax, 0xd0000004\n"
      "movw $0x1234, 0xd0000fff\n"
      "out %al, $0xf4; 1: hlt; jmp 1b");

/* Sleeps until an interrupt comes, whose handler (at +0x100) writes 'i'. */
GUEST(guest_hlt, "movl $0x1ff, 0xfee000f0\n"
		 "mov $'r', %al; out %al, $0xe9; sti; hlt; out %al, $0xf4; 1: hlt; jmp 1b\n"
		 ".org guest_hlt + 0x100\n"
		 "mov $'i', %al; out %al, $0xe9; movl $0, 0xfee000b0\n" RETURN);

/* Routes pin 4, level-triggered; each interrupt writes 'l' and lowers the pin; two are enough. */
GUEST(guest_level, "movl $0x1ff, 0xfee000f0\n"
		   "movl $0x19, 0xfec00000; movl $0, 0xfec00010\n"
		   "movl $0x18, 0xfec00000; movl $0x8040, 0xfec00010\n"
		   "xor %ebx, %ebx; mov $'r', %al; out %al, $0xe9; sti\n"
		   "1: hlt; cmp $2, %ebx; jne 1b; out %al, $0xf4; 1: hlt; jmp 1b\n"
		   ".org guest_level + 0x100\n"
		   "inc %ebx; out %al, $0xf5; movl $0, 0xfee000b0\n"
		   "mov $'l', %al; out %al, $0xe9\n" RETURN);

GUEST(guest_triple, "ud2");

/* An operand in MMIO makes the host's processor ask KVM, and KVM knows no such instruction. */
GUEST(guest_sse, "mov %cr4, %eax; or $0x200, %eax; mov %eax, %cr4\n"
		 "paddb 0xd0000000, %xmm0; out %al, $0xf4; 1: hlt; jmp 1b");

/* INIT and SIPI to the other vCPU; both say who they are. */
GUEST(guest_sipi, "movl $0x1ff, 0xfee000f0\n"
		  "movl $0x01000000, 0xfee00310; movl $0x4500, 0xfee00300\n"
		  "movl $0x01000000, 0xfee00310; movl $0x4608, 0xfee00300\n"
		  "1: cmpb $1, 0x9000; jne 1b\n"
		  "mov $'b', %al; out %al, $0xe9; out %al, $0xf4; 1: hlt; jmp 1b");
GUEST(guest_ap, ".code16\n"
		"xor %ax, %ax; mov %ax, %ds; mov $'a', %al; out %al, $0xe9\n"
		"movb $1, 0x9000; 1: hlt; jmp 1b");

GUEST(guest_busy, "1: jmp 1b");

GUEST(guest_kicks, "mov $100, %ecx; 1: movl $0, 0xd0001000; dec %ecx; jnz 1b\n"
		   "out %al, $0xf4; 1: hlt; jmp 1b");

struct fixture {
	struct arena *arena;
	struct diag_list *diags;
	struct loop *loop;
	struct loop_source *timer, *bell;
	struct machine *machine;
	char out[64];
	size_t n_out; /* written by vCPUs, one at a time in these guests */
	uint64_t mmio_written[2];
	unsigned n_mmio_written;
	int event; /* -1 until there is one */
	void (*on_out)(struct fixture *f);
};

static uint64_t port_read(void *opaque, uint64_t offset, unsigned size)
{
	return 0;
}

static void out_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct fixture *f = opaque;
	size_t n = __atomic_load_n(&f->n_out, __ATOMIC_SEQ_CST);

	if (n < sizeof(f->out) - 1)
		f->out[n++] = (char)value;
	__atomic_store_n(&f->n_out, n, __ATOMIC_SEQ_CST);
	if (f->on_out)
		loop_wake(f->bell);
}

static void off_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct fixture *f = opaque;

	machine_request(f->machine, MACHINE_POWER_OFF);
}

static void down_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct fixture *f = opaque;

	irq_set_level(f->machine, 4, false);
}

static uint64_t mmio_read(void *opaque, uint64_t offset, unsigned size)
{
	return 0x123456789abcdef0;
}

static void mmio_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct fixture *f = opaque;

	if (f->n_mmio_written < ARRAY_SIZE(f->mmio_written))
		f->mmio_written[f->n_mmio_written++] = offset << 48 | (uint64_t)size << 32 | value;
}

static const struct io_ops out_ops = {port_read, out_write};
static const struct io_ops off_ops = {port_read, off_write};
static const struct io_ops down_ops = {port_read, down_write};
static const struct io_ops mmio_ops = {mmio_read, mmio_write};

static void on_event(void *opaque, enum machine_event event)
{
	struct fixture *f = opaque;

	f->event = (int)event;
	loop_quit(f->loop);
}

static const struct machine_handlers handlers = {.event = on_event};

static void on_timeout(void *opaque)
{
	struct fixture *f = opaque;

	loop_quit(f->loop);
}

static void on_bell(void *opaque)
{
	struct fixture *f = opaque;

	if (f->on_out)
		f->on_out(f);
}

static void add_devices(struct fixture *f)
{
	struct io_region regions[] = {
		{"out", PORT_OUT, 1, &out_ops, f},
		{"off", PORT_OFF, 1, &off_ops, f},
		{"down", PORT_DOWN, 1, &down_ops, f},
	};
	struct io_region mmio = {"mmio", MMIO, 4096, &mmio_ops, f};

	for (size_t i = 0; i < ARRAY_SIZE(regions); i++)
		CU_ASSERT_EQUAL(address_space_add(machine_pio(f->machine), &regions[i]), 0);
	CU_ASSERT_EQUAL(address_space_add(machine_mmio(f->machine), &mmio), 0);
}

static void write_tables(struct fixture *f)
{
	static const uint64_t gdt[] = {0, 0x00cf9b000000ffff, 0x00cf93000000ffff,
				       0x00008b0000000067};
	/* An interrupt gate to CODE + 0x100. */
	uint64_t gate = ((CODE + 0x100) & 0xffff) | 8ULL << 16 | 0x8e00ULL << 32 |
			((CODE + 0x100) >> 16) << 48;

	CU_ASSERT_EQUAL(guest_memory_write(machine_memory(f->machine), GDT, gdt, sizeof(gdt)), 0);
	CU_ASSERT_EQUAL(guest_memory_write(machine_memory(f->machine), IDT + VECTOR * 8, &gate,
					   sizeof(gate)),
			0);
}

static void set_registers(struct fixture *f)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_segment code = {.selector = 8,
				   .limit = 0xffffffff,
				   .type = 11,
				   .present = 1,
				   .s = 1,
				   .db = 1,
				   .g = 1};
	struct kvm_segment data = {.selector = 16,
				   .limit = 0xffffffff,
				   .type = 3,
				   .present = 1,
				   .s = 1,
				   .db = 1,
				   .g = 1};

	CU_ASSERT_EQUAL(machine_get_boot_registers(f->machine, &regs, &sregs), 0);
	regs.rip = CODE;
	regs.rsp = STACK;
	sregs.cr0 = 0x11;
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.ss = sregs.fs = sregs.gs = data;
	sregs.gdt = (struct kvm_dtable){.base = GDT, .limit = 31};
	sregs.idt = (struct kvm_dtable){.base = IDT, .limit = 0x7ff};
	CU_ASSERT_EQUAL(machine_set_boot_registers(f->machine, &regs, &sregs), 0);
}

static void set_up(struct fixture *f, unsigned vcpus, const char *code, const char *end)
{
	const struct machine_ram ram = {.size = 2 * MiB};
	const struct machine_cpus cpus = {
		.count = vcpus,
		.max = vcpus,
		.topology = {.threads = 1, .cores = vcpus, .dies = 1, .sockets = 1},
	};

	*f = (struct fixture){.event = -1};
	f->arena = arena_create();
	f->diags = diag_list_create(f->arena);
	f->loop = loop_create();
	CU_ASSERT_EQUAL_FATAL(loop_add_timer(f->loop, on_timeout, f, &f->timer), 0);
	CU_ASSERT_EQUAL_FATAL(loop_add_bell(f->loop, on_bell, f, &f->bell), 0);
	CU_ASSERT_EQUAL_FATAL(machine_create(f->loop, NULL, &handlers, f, &f->machine, f->diags),
			      0);
	CU_ASSERT_EQUAL_FATAL(machine_add_memory(f->machine, &ram, f->diags), 0);
	CU_ASSERT_EQUAL_FATAL(machine_add_vcpus(f->machine, &cpus, f->diags), 0);
	CU_ASSERT_EQUAL(
		guest_memory_write(machine_memory(f->machine), CODE, code, (size_t)(end - code)),
		0);
	write_tables(f);
	set_registers(f);
	add_devices(f);
}

/* Runs the guest until its first event, or for ten seconds. */
static void run(struct fixture *f)
{
	CU_ASSERT_EQUAL_FATAL(machine_start(f->machine, f->diags), 0);
	loop_timer_arm(f->timer, 10 * SECOND);
	CU_ASSERT_EQUAL(loop_run(f->loop), 0);
}

static void tear_down(struct fixture *f)
{
	machine_destroy(f->machine);
	loop_source_remove(f->timer);
	loop_source_remove(f->bell);
	loop_destroy(f->loop);
	arena_destroy(f->arena);
}

static void ports_strings_and_memory_reach_devices(void)
{
	struct fixture f;

	set_up(&f, 1, guest_io, guest_io_end);
	run(&f);
	CU_ASSERT_EQUAL(f.event, MACHINE_POWER_OFF);
	CU_ASSERT_STRING_EQUAL(f.out, "a\xffweft");
	CU_ASSERT_EQUAL(f.n_mmio_written, 2);
	CU_ASSERT_EQUAL(f.mmio_written[0], 4ULL << 48 | 4ULL << 32 | 0x9abcdef0);
	/* Half of it lies beyond the device. */
	CU_ASSERT_EQUAL(f.mmio_written[1], 0xfffULL << 48 | 1ULL << 32 | 0x34);
	tear_down(&f);
}

static struct irq_message message;

static void send_message(struct fixture *f)
{
	if (__atomic_load_n(&f->n_out, __ATOMIC_SEQ_CST) == 1)
		irq_message_send(&message);
}

static void a_message_wakes_a_halted_vcpu(void)
{
	struct fixture f;

	set_up(&f, 1, guest_hlt, guest_hlt_end);
	irq_message_init(&message, f.machine, GSI_MSI_FIRST);
	/* Sent while masked: it is pending, and comes when the mask goes. */
	irq_message_send(&message);
	CU_ASSERT_EQUAL(message.fd, -1);
	CU_ASSERT_EQUAL(irq_message_set(&message, 0xfee00000, VECTOR, false), 0);
	CU_ASSERT_EQUAL(irq_message_set(&message, 0xfee00000, VECTOR, true), 0);
	CU_ASSERT_FALSE(message.pending);
	CU_ASSERT_EQUAL(irq_message_set(&message, 0xfee00000, VECTOR, false), 0);
	f.on_out = send_message;
	run(&f);
	CU_ASSERT_EQUAL(f.event, MACHINE_POWER_OFF);
	CU_ASSERT_STRING_EQUAL(f.out, "ri");
	irq_message_fini(&message);
	tear_down(&f);
}

static void raise_pin(struct fixture *f)
{
	if (__atomic_load_n(&f->n_out, __ATOMIC_SEQ_CST) <= 2)
		irq_set_level(f->machine, 4, true);
}

static void level_interrupts_come_again_after_their_end(void)
{
	struct fixture f;

	set_up(&f, 1, guest_level, guest_level_end);
	f.on_out = raise_pin;
	run(&f);
	CU_ASSERT_EQUAL(f.event, MACHINE_POWER_OFF);
	CU_ASSERT_STRING_EQUAL(f.out, "rll");
	tear_down(&f);
}

/* Runs with standard error in a file; gives back what was written. */
static void run_logged(struct fixture *f, char *text, size_t size)
{
	int saved = dup(STDERR_FILENO);
	int file = memfd_create("log", 0);
	ssize_t n;

	dup2(file, STDERR_FILENO);
	run(f);
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = pread(file, text, size - 1, 0);
	text[MAX(n, 0)] = '\0';
	close(file);
}

static void a_triple_fault_is_an_event_with_registers(void)
{
	struct fixture f;
	char text[8192];

	set_up(&f, 1, guest_triple, guest_triple_end);
	run_logged(&f, text, sizeof(text));
	CU_ASSERT_EQUAL(f.event, MACHINE_TRIPLE_FAULT);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "triple fault"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "32-bit protected mode"));
	tear_down(&f);
}

static void an_emulation_failure_says_what_happened(void)
{
	struct fixture f;
	char text[8192];

	set_up(&f, 1, guest_sse, guest_sse_end);
	run_logged(&f, text, sizeof(text));
	CU_ASSERT_EQUAL(f.event, MACHINE_FAILED);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "KVM could not emulate this instruction"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(text, "at rip 0x10000b (cs 0x8), 32-bit protected mode, CPL 0"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "66 0f fc 05 00 00 00 d0"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "rax "));
	tear_down(&f);
}

static void a_second_vcpu_starts_by_sipi(void)
{
	struct fixture f;

	set_up(&f, 2, guest_sipi, guest_sipi_end);
	CU_ASSERT_EQUAL(guest_memory_write(machine_memory(f.machine), AP_CODE, guest_ap,
					   (size_t)(guest_ap_end - guest_ap)),
			0);
	run(&f);
	CU_ASSERT_EQUAL(f.event, MACHINE_POWER_OFF);
	CU_ASSERT_STRING_EQUAL(f.out, "ab");
	tear_down(&f);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static void pauses_take_vcpus_out_of_a_busy_guest(void)
{
	struct fixture f;
	uint64_t longest = 0;

	/* The second one waits to be started: it can be paused too. */
	set_up(&f, 2, guest_busy, guest_busy_end);
	CU_ASSERT_EQUAL_FATAL(machine_start(f.machine, f.diags), 0);
	for (int i = 0; i < 50; i++) {
		struct kvm_regs regs = {0};
		struct kvm_sregs sregs;
		uint64_t start = now();

		machine_pause(f.machine);
		longest = MAX(longest, now() - start);
		machine_pause(f.machine);
		machine_resume(f.machine);
		CU_ASSERT_EQUAL(machine_get_boot_registers(f.machine, &regs, &sregs), 0);
		CU_ASSERT_EQUAL(sregs.cr0 & 1, 1);
		machine_resume(f.machine);
	}
	printf("# longest of 50 pauses: %llu us\n", (unsigned long long)(longest / 1000));
	CU_ASSERT(longest < SECOND);
	machine_stop(f.machine);
	tear_down(&f);
}

static void writes_to_a_doorbell_are_counted_without_exits(void)
{
	struct fixture f;
	uint64_t count = 0;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	set_up(&f, 1, guest_kicks, guest_kicks_end);
	CU_ASSERT_EQUAL(machine_ioeventfd_add(f.machine, DOORBELL, 0, fd), 0);
	run(&f);
	CU_ASSERT_EQUAL(f.event, MACHINE_POWER_OFF);
	CU_ASSERT_EQUAL(read(fd, &count, sizeof(count)), sizeof(count));
	CU_ASSERT_EQUAL(count, 100);
	CU_ASSERT_EQUAL(machine_ioeventfd_remove(f.machine, DOORBELL, 0, fd), 0);
	close(fd);
	tear_down(&f);
}

static void wrong_features_are_diagnosed(void)
{
	static const struct machine_cpu_feature features[] = {
		{.name = "cx16", .enabled = false},
		{.name = "3dnowext", .enabled = true},
	};
	struct machine_cpus cpus = {
		.count = 1,
		.max = 1,
		.topology = {1, 1, 1, 1},
		.features = features,
		.n_features = ARRAY_SIZE(features),
	};
	struct fixture f = {.event = -1};

	f.arena = arena_create();
	f.diags = diag_list_create(f.arena);
	f.loop = loop_create();
	CU_ASSERT_EQUAL_FATAL(machine_create(f.loop, NULL, &handlers, &f, &f.machine, f.diags), 0);
	CU_ASSERT(machine_add_vcpus(f.machine, &cpus, f.diags) < 0);
	CU_ASSERT_EQUAL(diag_errors(f.diags), 1);
	cpus.n_features = 1;
	cpus.phys_bits = 200;
	CU_ASSERT(machine_add_vcpus(f.machine, &cpus, f.diags) < 0);
	CU_ASSERT_EQUAL(diag_errors(f.diags), 2);
	/* What failed left nothing behind. */
	cpus.phys_bits = 36;
	CU_ASSERT_EQUAL(machine_add_vcpus(f.machine, &cpus, f.diags), 0);
	CU_ASSERT_EQUAL(machine_phys_bits(f.machine), 36);
	tear_down(&f);
}

static void memory_splits_at_the_hole_and_can_be_plugged(void)
{
	const struct machine_ram ram = {.size = LAYOUT_RAM_SPLIT + 4 * MiB, .shared = true};
	const struct machine_ram more = {.size = 2 * MiB, .prefault = true};
	const struct machine_ram huge = {.size = 1ULL << 50, .hugepage_size = GiB};
	/* More than the host has: refused before a page is taken. */
	const struct machine_ram all = {.size = 1ULL << 46, .prefault = true};
	struct fixture f = {.event = -1};
	struct guest_memory *mem;
	uint64_t gpa = LAYOUT_RAM_HIGH + GiB;

	f.arena = arena_create();
	f.diags = diag_list_create(f.arena);
	f.loop = loop_create();
	CU_ASSERT_EQUAL_FATAL(machine_create(f.loop, NULL, &handlers, &f, &f.machine, f.diags), 0);
	CU_ASSERT_EQUAL_FATAL(machine_add_memory(f.machine, &ram, f.diags), 0);
	mem = machine_memory(f.machine);
	CU_ASSERT_PTR_NOT_NULL(guest_memory_host(mem, LAYOUT_RAM_SPLIT - 8, 8));
	CU_ASSERT_PTR_NULL(guest_memory_host(mem, LAYOUT_RAM_SPLIT - 8, 9));
	CU_ASSERT_PTR_NOT_NULL(guest_memory_host(mem, LAYOUT_RAM_HIGH, 4 * MiB));
	CU_ASSERT_EQUAL(machine_plug_memory(f.machine, gpa, 2, &more, f.diags), 0);
	CU_ASSERT_PTR_NOT_NULL(guest_memory_host(mem, gpa, 2 * MiB));
	CU_ASSERT(machine_plug_memory(f.machine, gpa, 3, &more, f.diags) < 0);
	CU_ASSERT(machine_plug_memory(f.machine, gpa + GiB, 3, &huge, f.diags) < 0);
	CU_ASSERT(machine_plug_memory(f.machine, gpa + GiB, 3, &all, f.diags) < 0);
	CU_ASSERT_EQUAL(diag_errors(f.diags), 3);
	CU_ASSERT_EQUAL(machine_unplug_memory(f.machine, gpa), 0);
	CU_ASSERT_PTR_NULL(guest_memory_host(mem, gpa, 1));
	tear_down(&f);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"ports, strings and memory reach devices", ports_strings_and_memory_reach_devices},
		{"a message wakes a halted vCPU", a_message_wakes_a_halted_vcpu},
		{"level interrupts come again after their end",
		 level_interrupts_come_again_after_their_end},
		{"a triple fault is an event with registers",
		 a_triple_fault_is_an_event_with_registers},
		{"an emulation failure says what happened",
		 an_emulation_failure_says_what_happened},
		{"a second vCPU starts by SIPI", a_second_vcpu_starts_by_sipi},
		{"pauses take vCPUs out of a busy guest", pauses_take_vcpus_out_of_a_busy_guest},
		{"writes to a doorbell are counted without exits",
		 writes_to_a_doorbell_are_counted_without_exits},
		{"wrong features are diagnosed", wrong_features_are_diagnosed},
		{"memory splits at the hole and can be plugged",
		 memory_splits_at_the_hole_and_can_be_plugged},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"machine", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};
	cleanup_fd int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0) {
		printf("1..0 # SKIP /dev/kvm cannot be opened\n");
		return 0;
	}
	return cu_tap_run(suites);
}

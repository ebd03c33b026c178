/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime of bare-metal guests: exceptions, the way to CPL 3 and back, output, memory. */
#include "bare.h"

/* What the stubs of crt.S push, lowest address first. */
struct frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

struct gate {
	uint16_t low, selector;
	uint8_t stack, type;
	uint16_t middle;
	uint32_t high, zero;
};

enum {
	STUB_SIZE = 16,
	EXCEPTIONS = 32,
	VECTOR_UD = 6,
	PAGE = 4096,
	MAP_POOL_PAGES = 16,
};

extern const char exception_stubs[], privileged_ud2[];
extern char user_stack[], _end[];
extern uint64_t pml4[512], pdpt[512];
void bare_enter_user(void (*entry)(void), void *stack);
void bare_start(void);
void bare_exception(struct frame *frame);

static struct gate idt[EXCEPTIONS];
static uint64_t map_pool[MAP_POOL_PAGES][512] __attribute__((aligned(PAGE)));
static unsigned map_pool_used;
static uintptr_t allocated;

static void put(char c)
{
	out8(PORT_COM1, (uint8_t)c);
}

static void put_number(uint64_t value, unsigned base, unsigned width)
{
	char digits[20];
	unsigned n = 0;

	do
		digits[n++] = "0123456789abcdef"[value % base];
	while ((value /= base));
	for (; width > n; width--)
		put('0');
	while (n)
		put(digits[--n]);
}

static void print_arguments(const char *format, va_list ap)
{
	for (; *format; format++) {
		unsigned width = 0;
		bool wide = false;

		if (*format != '%') {
			put(*format);
			continue;
		}
		for (format++; *format >= '0' && *format <= '9'; format++)
			width = width * 10 + (unsigned)(*format - '0');
		for (; *format == 'l'; format++)
			wide = true;
		switch (*format) {
		case 's':
			for (const char *s = va_arg(ap, const char *); *s; s++)
				put(*s);
			break;
		case 'c':
			put((char)va_arg(ap, int));
			break;
		case 'd': {
			int64_t v = wide ? va_arg(ap, long) : va_arg(ap, int);

			if (v < 0)
				put('-');
			put_number(v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, width);
			break;
		}
		case 'u':
		case 'x':
			put_number(wide ? va_arg(ap, unsigned long) : va_arg(ap, unsigned),
				   *format == 'x' ? 16 : 10, width);
			break;
		default:
			put('%');
		}
	}
}

void print(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_arguments(format, ap);
	va_end(ap);
}

void fail(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print("FAIL ");
	print_arguments(format, ap);
	va_end(ap);
	put('\n');
	power_off();
}

void finish(bool good)
{
	print(good ? "PASS\n" : "FAIL\n");
	power_off();
}

void power_off(void)
{
	/* SLP_EN and the sleep type of S5, as the _S5_ object gives it. */
	out8(PORT_ACPI_SLEEP_CONTROL, 5 << 2 | 1 << 5);
	for (;;)
		pause();
}

uint64_t random64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

const char *command_line(void)
{
	return pvh_start_info->cmdline ? (const char *)pvh_start_info->cmdline : "";
}

uint64_t ram_end(void)
{
	const struct memory_range *range = (void *)pvh_start_info->memory_map;
	uint64_t end = 0;

	for (uint32_t i = 0; i < pvh_start_info->memory_map_entries; i++)
		if (range[i].type == 1 && range[i].address < LAYOUT_RAM_HIGH &&
		    range[i].address + range[i].size > end)
			end = range[i].address + range[i].size;
	return end;
}

void *allocate(size_t size, size_t align)
{
	uintptr_t start;

	if (!allocated)
		allocated = (uintptr_t)_end;
	start = ALIGN_UP(allocated, align);
	if (start + size > ram_end())
		fail("out of memory: %lu bytes wanted", size);
	allocated = start + size;
	return (void *)start;
}

static uint64_t *next_table(uint64_t *entry)
{
	if (!(*entry & 1)) {
		if (map_pool_used == MAP_POOL_PAGES)
			fail("map: out of page tables");
		*entry = (uintptr_t)map_pool[map_pool_used++] | 7;
	}
	return (uint64_t *)(*entry & ~0xfffULL);
}

volatile void *map(uint64_t address, uint64_t size)
{
	for (uint64_t at = ALIGN_DOWN(address, 2 * MiB); at < address + size; at += 2 * MiB) {
		uint64_t *directory = next_table(&pml4[at >> 39 & 511]);
		uint64_t *table = next_table(&directory[at >> 30 & 511]);

		if (!(table[at >> 21 & 511] & 1))
			table[at >> 21 & 511] = at | 0x87;
	}
	return (volatile void *)address;
}

void bare_exception(struct frame *frame)
{
	if (frame->vector == VECTOR_UD && frame->rip == (uintptr_t)privileged_ud2) {
		uint64_t (*fn)(uint64_t) = (uint64_t(*)(uint64_t))frame->rdi;

		frame->rax = fn(frame->rsi);
		frame->rip += 2;
		return;
	}
	fail("exception %lu error %lx at %lx, CS %lx, RSP %lx, RAX %lx, RCX %lx, RDX %lx",
	     frame->vector, frame->error, frame->rip, frame->cs, frame->rsp, frame->rax, frame->rcx,
	     frame->rdx);
}

static void user_main(void)
{
	finish(bare_main());
}

/* At CPL 0, from crt.S. */
void bare_start(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) pointer = {sizeof(idt) - 1, (uintptr_t)idt};

	for (unsigned i = 0; i < EXCEPTIONS; i++) {
		uintptr_t stub = (uintptr_t)exception_stubs + i * STUB_SIZE;

		idt[i] = (struct gate){.low = (uint16_t)stub,
				       .selector = 0x08,
				       .type = 0x8e,
				       .middle = (uint16_t)(stub >> 16)};
	}
	__asm__ volatile("lidt %0" : : "m"(pointer));
	bare_enter_user(user_main, user_stack);
}

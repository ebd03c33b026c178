/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start of a bare-metal guest: from the PVH entry (32 bit, no paging) to long mode, then to
 * bare_start() at CPL 0. Everything that can be laid out by the assembler is, because a loop at CPL 0 is slow
 * where KVM emulates.
 */
#include "pvh-note.h"

	PVH_NOTE _start

	.section .text.start, "ax"
	.code32
	.globl _start
_start:
	cld
	movl	$boot_stack_end, %esp
	movl	%ebx, pvh_start_info
	lgdt	gdt_pointer
	movl	%cr4, %eax
	orl	$0x20, %eax			/* PAE */
	movl	%eax, %cr4
	movl	$pml4, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx		/* EFER.LME */
	rdmsr
	orl	$0x100, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$0x80000001, %eax		/* PG, PE */
	movl	%eax, %cr0
	ljmp	$0x08, $start64

	.code64
start64:
	movl	$0x10, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	movl	$tss, %eax			/* its base is in three pieces in the descriptor */
	movw	%ax, gdt_tss + 2
	shrl	$16, %eax
	movb	%al, gdt_tss + 4
	movb	%ah, gdt_tss + 7
	movl	$0x28, %eax
	ltr	%ax
	xorl	%ebp, %ebp
	call	bare_start
1:	hlt
	jmp	1b

/* bare_enter_user(entry, stack): to CPL 3, interrupts off; port access by the bitmap of the TSS. */
	.globl bare_enter_user
bare_enter_user:
	pushq	$0x1b
	pushq	%rsi
	pushq	$0x2
	pushq	$0x23
	pushq	%rdi
	movl	$0x1b, %eax
	movl	%eax, %ds
	movl	%eax, %es
	iretq

/*
 * privileged(fn, argument): UD2 at a known address is the way from CPL 3 to CPL 0 (SYSCALL and INT n
 * are not to be relied on everywhere). The handler calls fn and steps over it.
 */
	.globl privileged, privileged_ud2
privileged:
privileged_ud2:
	ud2
	ret

/* One stub for each exception; all end in bare_exception(frame). */
	.altmacro
	.macro STUB vector
	.balign 16
stub_\vector:
	/* Vectors that push an error code: 8, 10-14, 17, 21, 29, 30. */
	.if (1 << \vector) & 0x60227d00
	.else
	pushq	$0
	.endif
	pushq	$\vector
	jmp	exception_common
	.endm

	.balign 16
	.globl exception_stubs
exception_stubs:
	.set	v, 0
	.rept	32
	STUB	%v
	.set	v, v + 1
	.endr

exception_common:
	.irp	r, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
	pushq	%\r
	.endr
	movq	%rsp, %rdi
	movl	$0x10, %eax
	movl	%eax, %ds
	movl	%eax, %es
	call	bare_exception
	testb	$3, 18 * 8(%rsp)		/* CS of the frame */
	jz	1f
	movl	$0x1b, %eax
	movl	%eax, %ds
	movl	%eax, %es
1:
	.irp	r, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax
	popq	%\r
	.endr
	addq	$16, %rsp
	iretq

	.data
	.balign 16
gdt:
	.quad	0
	.quad	0x00af9b000000ffff		/* 0x08: code, CPL 0 */
	.quad	0x00cf93000000ffff		/* 0x10: data, CPL 0 */
	.quad	0x00cff3000000ffff		/* 0x1b: data, CPL 3 */
	.quad	0x00affb000000ffff		/* 0x23: code, CPL 3 */
gdt_tss:
	.quad	0x0000890000002068, 0		/* 0x28: TSS of 0x68 bytes and the I/O bitmap */
gdt_end:
	.balign 4
gdt_pointer:
	.word	gdt_end - gdt - 1
	.quad	gdt

	.balign 16
	.globl tss
tss:
	.long	0
	.quad	exception_stack_end		/* RSP0 */
	.skip	0x66 - 12
	.word	0x68				/* the I/O bitmap: all ports allowed */
	.skip	8192
	.byte	0xff

/* The first 4 GiB, identity mapped by 2 MiB pages, for CPL 3 too. */
	.balign 4096
	.globl pml4
pml4:
	.quad	pdpt + 7
	.skip	4096 - 8
	.globl pdpt
pdpt:
	.quad	pd + 7, pd + 0x1007, pd + 0x2007, pd + 0x3007
	.skip	4096 - 32
pd:
	.set	page, 0
	.rept	2048
	.quad	page + 0x87
	.set	page, page + 0x200000
	.endr

	.bss
	.balign 16
	.skip	4096
boot_stack_end:
	.skip	8192
exception_stack_end:
	.globl user_stack
	.skip	65536 - 8
user_stack:				/* as a call leaves it: 8 below a multiple of 16 */
	.skip	8
	.globl pvh_start_info
pvh_start_info:
	.skip	8

	.section .note.GNU-stack, "", @progbits

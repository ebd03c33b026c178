/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest guests, built from this file by what is defined:
 *
 *   FIRST_BYTE    its first instructions write a byte to COM1
 *   LINGER        spends 2^30 cycles, some tenths of a second
 *   POWER_OFF     powers off
 *   FWAIT         an instruction that KVM lacks where it emulates
 *   TRIPLE_FAULT  an exception without a table to handle it
 *   none          halts for good
 *
 * The instructions mean the same in 32-bit mode (the PVH entry) and in 64-bit mode (the ELF entry), and the machine is
 * left by every door that a virtual machine monitor may have, so that benches can run them anywhere.
 */
#include "pvh-note.h"

	PVH_NOTE _start

	.section .text.start, "ax"
	.code32
	.globl _start
_start:
#ifdef LINGER
	rdtsc
	movl	%eax, %ebx
2:	rdtsc
	subl	%ebx, %eax
	cmpl	$0x40000000, %eax
	jb	2b
#endif
#ifdef FIRST_BYTE
	movl	$0x3f8, %edx
	movb	$'!', %al
	outb	%al, %dx
#endif
#ifdef FWAIT
	fwait
#endif
#ifdef POWER_OFF
	movl	$0x600, %edx			/* weft and Cloud Hypervisor: the sleep control register */
	movb	$0x34, %al
	outb	%al, %dx
	movl	$0x604, %edx			/* QEMU's q35: PM1a control, after its firmware */
	movl	$0x2000, %eax
	outw	%ax, %dx
	movl	$0x64, %edx			/* Firecracker: the keyboard controller's reset */
	movb	$0xfe, %al
	outb	%al, %dx
#endif
#if defined(POWER_OFF) || defined(TRIPLE_FAULT)
	lidt	empty				/* QEMU's microvm with -no-reboot */
	ud2
#endif
1:	hlt
	jmp	1b

empty:
	.quad	0, 0

	.section .note.GNU-stack, "", @progbits

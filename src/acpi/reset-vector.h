/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest finds where it looks for a BIOS to start it again. */
#pragma once

#include "base/compiler.h"

struct guest_memory;

/**
 * reset_vector_write() - write code for real mode to LAYOUT_RESET_VECTOR (F000:FFF0) that resets
 * the machine
 * @memory: guest memory; no vCPU runs
 *
 * Linux that was not started by UEFI goes there when ACPI is hardware-reduced and the kernel can do
 * UEFI, as every distribution's can: it then never tries the reset register
 * (drivers/firmware/efi/reboot.c, arch/x86/kernel/reboot.c).
 *
 * Return: 0, or -EFAULT when there is no RAM.
 */
int reset_vector_write(struct guest_memory *memory) must_use;

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages that cannot be had. Behind a file that is mapped there may be nothing all at once: somebody
 * cut it short, its file system is full, its disk is broken. Whoever touches such a page gets
 * SIGBUS, on whichever thread; that must neither end the machine nor end it without a word.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

/*
 * Puts something at @address that can be had, or says false. Async-signal-safe; on any thread.
 */
typedef bool (*fault_fn)(uintptr_t address);

/*
 * From now on @fn is asked. One for the whole program; again is harmless. Main thread. Return: 0 or
 * a negative errno.
 */
int fault_install(fault_fn fn) must_use;

/*
 * For another handler of SIGBUS that may lie over this one: whether the page is there now, so that
 * the thread can go on. Async-signal-safe.
 */
bool fault_mend(const siginfo_t *info);

/*
 * What a thread blocks that leaves signals to the main loop: all but faults of its own, which the
 * kernel would answer with the end of the program.
 */
void fault_fill_mask(sigset_t *ret);

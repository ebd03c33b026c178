/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving memory back that only the start of the program needed.
 */
#pragma once

/**
 * memory_trim() - let go of what is not needed now
 *
 * Free heap goes back to the kernel, and so does the program's own code, which comes back a page at
 * a time from the page cache where it runs again. A machine runs for months on a small part of the
 * code that read its description. Any thread; costs a few system calls.
 */
void memory_trim(void);

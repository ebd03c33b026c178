/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handler of SIGBUS. What it cannot mend is said, with write(2), and left to whoever had the
 * signal before: a sanitizer, or the kernel.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"

static _Atomic(fault_fn) mender;
static struct sigaction before;

bool fault_mend(const siginfo_t *info)
{
	fault_fn fn = atomic_load(&mender);
	int saved_errno = errno;
	bool mended;

	/* Sent by somebody, or memory of the host that is broken: the page is not what is missing.
	 */
	if (!fn || info->si_code != BUS_ADRERR)
		return false;
	mended = fn((uintptr_t)info->si_addr);
	errno = saved_errno;
	return mended;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	static const char words[] = "error: a page of memory cannot be had (SIGBUS): a file that "
				    "is mapped was cut short, "
				    "its disk failed, or memory of the host is broken\n";

	if (fault_mend(info))
		return;
	if (info->si_code > 0)
		(void)!write(STDERR_FILENO, words, sizeof(words) - 1);
	sigaction(sig, &before, NULL);
	/* A fault comes again by itself, and then with its own address for whoever reports it. */
	if (info->si_code <= 0)
		raise(sig);
}

int fault_install(fault_fn fn)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	static bool installed;

	atomic_store(&mender, fn);
	if (installed)
		return 0;
	sigfillset(&action.sa_mask);
	if (sigaction(SIGBUS, NULL, &before) < 0 || sigaction(SIGBUS, &action, NULL) < 0)
		return -errno;
	installed = true;
	return 0;
}

void fault_fill_mask(sigset_t *ret)
{
	sigfillset(ret);
	sigdelset(ret, SIGBUS);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vCPUs: one thread each. A thread runs the guest until it is kicked out: the kicker sets
 * immediate_exit, then sends a signal. Either the next KVM_RUN returns at once, or the one under
 * way is interrupted; there is no moment in which a kick is lost.
 *
 * A thread parks only after KVM_RUN returned EINTR. So an access that the guest had begun is
 * complete by then (KVM finishes it on the way in), and registers may be read and written.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/units.h"
#include "machine/cpuid.h"
#include "machine/internal.h"

/* The first signal that the C library leaves free. */
#define KICK_SIGNAL SIGRTMIN

/* Deep enough for every device model; only pages that are touched count. Sanitizers need more. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_SIZE (1 * MiB)
#else
#define STACK_SIZE (256 * KiB)
#endif

static __thread struct vcpu *current;

struct vcpu *vcpu_current(void)
{
	return current;
}

static void on_kick(int signal)
{
	/* Its coming is all it is for. */
}

int vcpu_install_signal(void)
{
	/* Calls of devices that it falls into go on; KVM_RUN returns all the same. */
	struct sigaction action = {.sa_handler = on_kick, .sa_flags = SA_RESTART};

	return sigaction(KICK_SIGNAL, &action, NULL) < 0 ? -errno : 0;
}

void vcpu_hold(struct vcpu *vcpu)
{
	vcpu->held = true;
	kvm_vcpu_set_immediate_exit(&vcpu->kvm, true);
}

/* Under the lock. */
static void kick(struct vcpu *vcpu)
{
	if (!vcpu_is_made(vcpu))
		return;
	kvm_vcpu_set_immediate_exit(&vcpu->kvm, true);
	if (vcpu->running && !vcpu->parked)
		pthread_kill(vcpu->thread, KICK_SIGNAL);
}

/*
 * On its own thread: waits while the vCPU is not to run. Return: false when its thread is to end.
 */
static bool park(struct vcpu *vcpu)
{
	struct machine *machine = vcpu->machine;
	bool stopping;

	pthread_mutex_lock(&machine->run_lock);
	while (!machine->stopping && !vcpu->leaving && (machine->pauses > 0 || vcpu->held)) {
		if (!vcpu->parked) {
			vcpu->parked = true;
			pthread_cond_broadcast(&machine->parked);
		}
		pthread_cond_wait(&machine->unpark, &machine->run_lock);
	}
	vcpu->parked = false;
	stopping = machine->stopping || vcpu->leaving;
	/* Under the lock, so that it is not the next pause's flag that is taken back. */
	kvm_vcpu_set_immediate_exit(&vcpu->kvm, false);
	pthread_mutex_unlock(&machine->run_lock);
	return !stopping;
}

static void *vcpu_thread(void *opaque)
{
	struct vcpu *vcpu = opaque;
	char name[16];
	sigset_t set;

	current = vcpu;
	fault_fill_mask(&set);
	sigdelset(&set, KICK_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	snprintf(name, sizeof(name), "vcpu%u", vcpu->index);
	pthread_setname_np(pthread_self(), name);
	for (;;) {
		int r = kvm_vcpu_run(&vcpu->kvm);

		if (r == 0) {
			vcpu_handle_exit(vcpu);
		} else if (r == -EINTR || r == -EAGAIN) {
			if (!park(vcpu))
				return NULL;
		} else {
			vcpu_handle_run_error(vcpu, -r);
		}
	}
}

int vcpu_start(struct vcpu *vcpu)
{
	pthread_attr_t attr;
	int r;

	/* It begins by parking if the others are parked. */
	kvm_vcpu_set_immediate_exit(&vcpu->kvm, vcpu->machine->pauses > 0);

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (vcpu->affinity)
		pthread_attr_setaffinity_np(&attr, sizeof(vcpu->affinity->words),
					    (const cpu_set_t *)vcpu->affinity->words);
	r = pthread_create(&vcpu->thread, &attr, vcpu_thread, vcpu);
	pthread_attr_destroy(&attr);
	if (r == 0)
		vcpu->running = true;
	return -r;
}

int machine_start(struct machine *machine, struct diag_list *diags)
{
	static const struct span nowhere;
	unsigned i;
	int r = 0;

	/* A thread that begins to run finds itself known. */
	pthread_mutex_lock(&machine->run_lock);
	for (i = 0; i < machine->max_vcpus && r == 0; i++)
		if (vcpu_is_made(&machine->vcpus[i]))
			r = vcpu_start(&machine->vcpus[i]);
	machine->started = r == 0;
	pthread_mutex_unlock(&machine->run_lock);
	if (r == 0)
		return 0;
	diag_add(diags, "E0421", DIAG_ERROR, nowhere,
		 "the thread of vCPU %u cannot be started: %s%s", i - 1, strerror(-r),
		 machine->vcpus[i - 1].affinity ? " (does the host have the CPUs it is tied to?)"
						: "");
	machine_stop(machine);
	return r;
}

static bool all_parked(const struct machine *machine)
{
	for (unsigned i = 0; i < machine->max_vcpus; i++)
		if (machine->vcpus[i].running && !machine->vcpus[i].parked)
			return false;
	return true;
}

void machine_pause(struct machine *machine)
{
	pthread_mutex_lock(&machine->run_lock);
	if (machine->pauses++ == 0)
		for (unsigned i = 0; i < machine->max_vcpus; i++)
			kick(&machine->vcpus[i]);
	while (!all_parked(machine))
		pthread_cond_wait(&machine->parked, &machine->run_lock);
	pthread_mutex_unlock(&machine->run_lock);
}

void machine_note_pause(struct machine *machine)
{
	for (unsigned i = 0; i < machine->max_vcpus; i++)
		if (vcpu_is_made(&machine->vcpus[i]))
			kvm_vcpu_note_pause(&machine->vcpus[i].kvm);
}

void machine_resume(struct machine *machine)
{
	pthread_mutex_lock(&machine->run_lock);
	invariant(machine->pauses > 0);
	if (--machine->pauses == 0)
		pthread_cond_broadcast(&machine->unpark);
	pthread_mutex_unlock(&machine->run_lock);
}

void vcpu_stop(struct vcpu *vcpu)
{
	struct machine *machine = vcpu->machine;

	if (!vcpu->running)
		return;
	pthread_mutex_lock(&machine->run_lock);
	vcpu->leaving = true;
	kick(vcpu);
	pthread_cond_broadcast(&machine->unpark);
	pthread_mutex_unlock(&machine->run_lock);
	pthread_join(vcpu->thread, NULL);
	vcpu->running = vcpu->leaving = false;
}

void machine_stop(struct machine *machine)
{
	pthread_mutex_lock(&machine->run_lock);
	machine->stopping = true;
	for (unsigned i = 0; i < machine->max_vcpus; i++)
		kick(&machine->vcpus[i]);
	pthread_cond_broadcast(&machine->unpark);
	pthread_mutex_unlock(&machine->run_lock);
	for (unsigned i = 0; i < machine->max_vcpus; i++) {
		struct vcpu *vcpu = &machine->vcpus[i];

		if (vcpu->running)
			pthread_join(vcpu->thread, NULL);
		vcpu->running = false;
	}
}

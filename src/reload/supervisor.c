/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a machine:
 *
 *     boot ──► running ──► (guest resets) ──► stop, read the description again, boot
 *                 │
 *                 ├─► guest powers off, or policy says stop ──► end
 *                 └─► SIGTERM ──► power button ──► guest powers off, or the timeout ──► end
 *
 * A guest that is started again gets the newest description that is valid; when the file is broken
 * by then it gets the one it ran with. What happens between is convergence (reload/converge.c).
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/exit-code.h"
#include "base/log.h"
#include "base/trim.h"
#include "build/parts.h"
#include "console/console.h"
#include "loop/loop.h"
#include "reload/converge.h"
#include "reload/supervisor.h"
#include "schema/config.h"

/* When state, control socket and watch come, after the guest started. */
#define AFTER_START_NS (50 * 1000000ULL)

/* When all of that is done, and what it needed is not needed for long. */
#define SETTLED_NS (100 * 1000000ULL)

struct supervisor {
	struct loop *loop;
	struct console_hub *consoles;
	struct builder *builder;
	struct parts parts;
	struct converge *converge;
	struct loop_source *signals[3], *power_off_timer, *started_timer, *settled_timer;
	bool power_off_asked; /* the next power-off or reset is the end */
	bool start_again;     /* … but for a reboot that was asked for */
	bool paused;
	const struct supervisor_attendant *attendant;
	void *attending;
	enum exit_code exit_code;
};

static void end(struct supervisor *s, enum exit_code exit_code)
{
	s->exit_code = exit_code;
	loop_quit(s->loop);
}

static const struct config_lifecycle *policy_of(const struct supervisor *s)
{
	return &converge_generation(s->converge)->config->lifecycle;
}

static void set_paused(struct supervisor *s, bool paused)
{
	if (s->paused == paused)
		return;
	s->paused = paused;
	converge_set_paused(s->converge, paused);
}

static void restart(struct supervisor *s)
{
	enum exit_code code;

	s->power_off_asked = s->start_again = false;
	loop_timer_arm(s->power_off_timer, 0);
	builder_teardown(s->builder);
	set_paused(s, false);
	code = converge_boot(s->converge, CONVERGE_REBOOT);
	if (code != EXIT_DONE)
		end(s, code);
}

static void on_machine_event(enum machine_event event, void *opaque)
{
	struct supervisor *s = opaque;
	const struct config_lifecycle *policy = policy_of(s);

	switch (event) {
	case MACHINE_POWER_OFF:
		log_info("the guest powered off");
		if (s->start_again)
			restart(s);
		else
			end(s, EXIT_DONE);
		break;
	case MACHINE_RESET:
		log_info("the guest asked for a reset");
		if (s->start_again)
			restart(s);
		else if (s->power_off_asked || policy->reset == CONFIG_LIFECYCLE_RESET_STOP)
			end(s, EXIT_DONE);
		else
			restart(s);
		break;
	case MACHINE_TRIPLE_FAULT:
		log_error("the guest crashed its CPU (triple fault)");
		if (s->start_again ||
		    (!s->power_off_asked &&
		     policy->triple_fault == CONFIG_LIFECYCLE_TRIPLE_FAULT_REBOOT))
			restart(s);
		else
			end(s, EXIT_ROLLED_BACK);
		break;
	case MACHINE_FAILED:
		end(s, EXIT_ROLLED_BACK);
		break;
	}
}

static void on_device_unplugged(struct device *device, void *opaque)
{
	struct supervisor *s = opaque;

	log_info("the guest let go of '%s'", device->id);
	converge_unplugged(s->converge, device);
}

static void on_followed(void *opaque)
{
	struct supervisor *s = opaque;

	converge_followed(s->converge);
}

static void on_lost(void *opaque)
{
	struct supervisor *s = opaque;

	converge_say_what_is_lost(s->converge);
}

static void on_power_off_timeout(void *opaque)
{
	struct supervisor *s = opaque;

	if (s->start_again) {
		log_warn("the guest did not power off in time and is started again by force");
		restart(s);
		return;
	}
	log_error("the guest did not power off in time and was stopped");
	end(s, EXIT_ROLLED_BACK);
}

static void pause_machine(struct supervisor *s)
{
	if (s->paused)
		return;
	parts_pause(&s->parts, s->builder);
	set_paused(s, true);
	log_info("the guest is paused");
}

static void resume_machine(struct supervisor *s)
{
	if (!s->paused)
		return;
	parts_resume(&s->parts, s->builder);
	set_paused(s, false);
	log_info("the guest goes on");
}

/* A guest that is to power off has to run. */
static void ask_to_power_off(struct supervisor *s, bool start_again)
{
	resume_machine(s);
	s->power_off_asked = true;
	s->start_again = start_again;
	parts_power_button(&s->parts);
	loop_timer_arm(s->power_off_timer, policy_of(s)->power_off_timeout);
}

int supervisor_act(struct supervisor *s, enum supervisor_action action)
{
	switch (action) {
	case SUPERVISOR_PAUSE:
		pause_machine(s);
		break;
	case SUPERVISOR_RESUME:
		resume_machine(s);
		break;
	case SUPERVISOR_POWER_BUTTON:
		if (s->paused)
			return -EBUSY;
		parts_power_button(&s->parts);
		break;
	case SUPERVISOR_REBOOT:
	case SUPERVISOR_STOP:
		log_info("asked to %s: pressing the power button",
			 action == SUPERVISOR_STOP ? "stop" : "start the guest again");
		ask_to_power_off(s, action == SUPERVISOR_REBOOT);
		break;
	case SUPERVISOR_RESET:
		log_info("asked for a reset");
		restart(s);
		break;
	case SUPERVISOR_KILL:
		log_warn("asked for the end: the guest is stopped at once");
		end(s, EXIT_ROLLED_BACK);
		break;
	}
	return 0;
}

bool supervisor_is_paused(const struct supervisor *s)
{
	return s->paused;
}

struct loop *supervisor_loop(struct supervisor *s)
{
	return s->loop;
}

struct converge *supervisor_converge(struct supervisor *s)
{
	return s->converge;
}

struct console_hub *supervisor_consoles(struct supervisor *s)
{
	return s->consoles;
}

static void on_end_signal(int signal, void *opaque)
{
	struct supervisor *s = opaque;

	if (s->power_off_asked && !s->start_again) {
		log_warn("%s again: the guest is stopped at once", strsignal(signal));
		end(s, EXIT_ROLLED_BACK);
		return;
	}
	log_info("%s: pressing the power button", strsignal(signal));
	ask_to_power_off(s, false);
}

static void on_hangup(int signal, void *opaque)
{
	struct supervisor *s = opaque;

	converge_now(s->converge, CONVERGE_HANGUP);
}

static void on_started(void *opaque)
{
	struct supervisor *s = opaque;

	/*
	 * The guest has its first moments to itself: what it writes then is not kept waiting, and
	 * one that ends at once pays for none of this. An edit made meanwhile is seen by this
	 * reading.
	 */
	converge_started(s->converge);
	if (s->attendant)
		s->attending = s->attendant->start(s);
	converge_now(s->converge, CONVERGE_WATCH);
	loop_timer_arm(s->settled_timer, SETTLED_NS);
}

static void on_settled(void *opaque)
{
	memory_trim();
}

static int listen_to_signals(struct supervisor *s)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		r = loop_add_signal(s->loop, signals[i],
				    signals[i] == SIGHUP ? on_hangup : on_end_signal, s,
				    &s->signals[i]);
		if (r < 0)
			return r;
	}
	r = loop_add_timer(s->loop, on_started, s, &s->started_timer);
	if (r >= 0)
		r = loop_add_timer(s->loop, on_settled, s, &s->settled_timer);
	return r < 0 ? r : loop_add_timer(s->loop, on_power_off_timeout, s, &s->power_off_timer);
}

static enum exit_code run(struct supervisor *s)
{
	enum exit_code code;
	int r = listen_to_signals(s);

	if (r >= 0) {
		code = converge_boot(s->converge, CONVERGE_BOOT);
		if (code != EXIT_DONE)
			return code;
		loop_timer_arm(s->started_timer, AFTER_START_NS);
		r = loop_run(s->loop);
		if (s->attending)
			s->attendant->stop(s->attending);
	}
	if (r < 0) {
		log_error("the event loop failed: %s", strerror(-r));
		return EXIT_HOST;
	}
	return s->exit_code;
}

int supervisor_run(const char *path, const struct document_options *options,
		   const struct supervisor_attendant *attendant)
{
	struct supervisor s = {.exit_code = EXIT_DONE, .attendant = attendant};
	enum exit_code code;

	/*
	 * Threads allocate little: an arena of malloc's for each would only cost memory. A disk
	 * image at the limit of the file size is an error of one write, not the end of the machine.
	 */
	mallopt(M_ARENA_MAX, 1);
	signal(SIGXFSZ, SIG_IGN);
	s.loop = loop_create();
	s.consoles = console_hub_create(s.loop);
	s.parts = (struct parts){
		.loop = s.loop,
		.consoles = s.consoles,
		.on_event = on_machine_event,
		.on_unplugged = on_device_unplugged,
		.on_followed = on_followed,
		.on_lost = on_lost,
		.opaque = &s,
	};
	s.builder = builder_create(parts_ops, &s.parts);
	s.converge = converge_create(s.loop, s.builder, &s.parts, path, options);
	code = run(&s);
	builder_destroy(s.builder);
	converge_destroy(s.converge);
	console_hub_destroy(s.consoles);
	for (size_t i = 0; i < ARRAY_SIZE(s.signals); i++)
		loop_source_remove(s.signals[i]);
	loop_source_remove(s.power_off_timer);
	loop_source_remove(s.started_timer);
	loop_source_remove(s.settled_timer);
	loop_destroy(s.loop);
	return (int)code;
}

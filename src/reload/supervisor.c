/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a machine:
 *
 *     boot ──► running ──► (guest resets) ──► stop, read the description again, boot
 *                 │
 *                 ├─► guest powers off, or policy says stop ──► end
 *                 └─► SIGTERM ──► power button ──► guest powers off, or the timeout ──► end
 *
 * A guest that is started again gets the newest description that is valid; when the file is broken by
 * then it gets the one it ran with. What happens between is convergence (reload/converge.c).
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/exit-code.h"
#include "base/log.h"
#include "build/parts.h"
#include "console/console.h"
#include "loop/loop.h"
#include "reload/converge.h"
#include "reload/supervisor.h"
#include "schema/config.h"

struct supervisor {
	struct loop *loop;
	struct console_hub *consoles;
	struct builder *builder;
	struct parts parts;
	struct converge *converge;
	struct loop_source *signals[3], *power_off_timer;
	bool power_off_asked;
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

static void restart(struct supervisor *s)
{
	enum exit_code code;

	builder_teardown(s->builder);
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
		end(s, EXIT_DONE);
		break;
	case MACHINE_RESET:
		log_info("the guest asked for a reset");
		if (s->power_off_asked || policy->reset == CONFIG_LIFECYCLE_RESET_STOP)
			end(s, EXIT_DONE);
		else
			restart(s);
		break;
	case MACHINE_TRIPLE_FAULT:
		log_error("the guest crashed its CPU (triple fault)");
		if (!s->power_off_asked &&
		    policy->triple_fault == CONFIG_LIFECYCLE_TRIPLE_FAULT_REBOOT)
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

static void on_power_off_timeout(void *opaque)
{
	log_error("the guest did not power off in time and was stopped");
	end(opaque, EXIT_ROLLED_BACK);
}

static void on_end_signal(int signal, void *opaque)
{
	struct supervisor *s = opaque;

	if (s->power_off_asked) {
		log_warn("%s again: the guest is stopped at once", strsignal(signal));
		end(s, EXIT_ROLLED_BACK);
		return;
	}
	s->power_off_asked = true;
	log_info("%s: pressing the power button", strsignal(signal));
	parts_power_button(&s->parts);
	loop_timer_arm(s->power_off_timer, policy_of(s)->power_off_timeout);
}

static void on_hangup(int signal, void *opaque)
{
	struct supervisor *s = opaque;

	converge_now(s->converge, CONVERGE_HANGUP);
}

static int listen_to_signals(struct supervisor *s)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		r = loop_add_signal(s->loop, signals[i],
				    signals[i] == SIGHUP ? on_hangup : on_end_signal, s,
				    &s->signals[i]);
		if (r < 0)
			return r;
	}
	return loop_add_timer(s->loop, on_power_off_timeout, s, &s->power_off_timer);
}

static void on_started(void *opaque)
{
	struct supervisor *s = opaque;

	/* The guest runs by now: what follows is not waited for. */
	converge_now(s->converge, CONVERGE_WATCH);
}

static enum exit_code run(struct supervisor *s)
{
	enum exit_code code;
	int r = listen_to_signals(s);

	if (r >= 0) {
		code = converge_boot(s->converge, CONVERGE_BOOT);
		if (code != EXIT_DONE)
			return code;
		loop_post(s->loop, on_started, s);
		r = loop_run(s->loop);
	}
	if (r < 0) {
		log_error("the event loop failed: %s", strerror(-r));
		return EXIT_HOST;
	}
	return s->exit_code;
}

int supervisor_run(const char *path, const struct document_options *options)
{
	struct supervisor s = { .exit_code = EXIT_DONE };
	enum exit_code code;

	/*
	 * Threads allocate little: an arena of malloc's for each would only cost memory. A disk image at
	 * the limit of the file size is an error of one write, not the end of the machine.
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
	loop_destroy(s.loop);
	return (int)code;
}

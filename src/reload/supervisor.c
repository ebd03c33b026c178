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
 * then it gets the one it ran with.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag-render.h"
#include "base/exit-code.h"
#include "base/log.h"
#include "build/parts.h"
#include "console/console.h"
#include "graph/generation.h"
#include "loop/loop.h"
#include "reload/supervisor.h"
#include "schema/config.h"

struct supervisor {
	const char *path;
	const struct document_options *options;
	struct loop *loop;
	struct console_hub *consoles;
	struct builder *builder;
	struct parts parts;
	struct generation *running;
	struct loop_source *signals[2], *power_off_timer;
	bool power_off_asked;
	int exit_code;
};

static void end(struct supervisor *s, int exit_code)
{
	s->exit_code = exit_code;
	loop_quit(s->loop);
}

static int exit_code_of_failure(const struct supervisor *s, enum build_result result)
{
	if (s->parts.host_problem)
		return EXIT_HOST;
	return result == BUILD_DEGRADED ? EXIT_DEGRADED : EXIT_ROLLED_BACK;
}

/* Boots @generation: the plan from nothing. The caller's reference stays the caller's. */
static enum build_result boot(struct supervisor *s, struct generation *generation)
{
	cleanup_arena struct arena *arena = arena_create();
	struct diag_list *diags = diag_list_create(arena);
	enum build_result result;

	s->parts.graph = generation->graph;
	result = builder_apply(s->builder, plan_create(NULL, 0, generation->graph, arena),
			       generation, diags);
	diag_print(diags, STDERR_FILENO);
	if (result == BUILD_DONE) {
		generation_ref(generation);
		generation_unref(s->running);
		s->running = generation;
	}
	return result;
}

/* Reads the description anew; NULL, with its diagnostics shown, when it is not valid. */
static struct generation *load(struct supervisor *s)
{
	struct generation *generation =
		generation_load(s->path, s->options, s->running ? &s->running->pins : NULL);

	diag_print(generation->diags, STDERR_FILENO);
	return generation->graph ? generation : generation_unref(generation);
}

static void restart(struct supervisor *s)
{
	cleanup_generation struct generation *newest = load(s);
	enum build_result result;

	builder_teardown(s->builder);
	if (!newest)
		log_warn("%s is not valid now: the guest starts again as it was",
			 s->path);
	result = boot(s, newest ? newest : s->running);
	if (result != BUILD_DONE && newest) {
		log_warn("the new description could not be started: the guest starts again as it was");
		result = boot(s, s->running);
	}
	if (result != BUILD_DONE)
		end(s, exit_code_of_failure(s, result));
}

static void on_machine_event(enum machine_event event, void *opaque)
{
	struct supervisor *s = opaque;
	const struct config_lifecycle *policy = &s->running->config->lifecycle;

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

static void on_power_off_timeout(void *opaque)
{
	struct supervisor *s = opaque;

	log_error("the guest did not power off in time and was stopped");
	end(s, EXIT_ROLLED_BACK);
}

static void on_signal(int signal, void *opaque)
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
	loop_timer_arm(s->power_off_timer, s->running->config->lifecycle.power_off_timeout);
}

static int listen_to_signals(struct supervisor *s)
{
	static const int signals[] = { SIGTERM, SIGINT };
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		r = loop_add_signal(s->loop, signals[i], on_signal, s, &s->signals[i]);
		if (r < 0)
			return r;
	}
	return loop_add_timer(s->loop, on_power_off_timeout, s, &s->power_off_timer);
}

int supervisor_run(const char *path, const struct document_options *options)
{
	struct supervisor s = { .path = path, .options = options, .exit_code = EXIT_DONE };
	cleanup_generation struct generation *first = load(&s);
	enum build_result result;
	int r;

	if (!first)
		return EXIT_INVALID;
	s.loop = loop_create();
	s.consoles = console_hub_create(s.loop);
	s.parts = (struct parts){
		.loop = s.loop,
		.consoles = s.consoles,
		.on_event = on_machine_event,
		.opaque = &s,
	};
	s.builder = builder_create(parts_ops, &s.parts);
	r = listen_to_signals(&s);
	result = r < 0 ? BUILD_ROLLED_BACK : boot(&s, first);
	if (result == BUILD_DONE)
		r = loop_run(s.loop);
	else
		s.exit_code = exit_code_of_failure(&s, result);
	if (r < 0) {
		log_error("the event loop failed: %s", strerror(-r));
		s.exit_code = EXIT_HOST;
	}
	builder_destroy(s.builder);
	console_hub_destroy(s.consoles);
	for (size_t i = 0; i < ARRAY_SIZE(s.signals); i++)
		loop_source_remove(s.signals[i]);
	loop_source_remove(s.power_off_timer);
	loop_destroy(s.loop);
	generation_unref(s.running);
	return s.exit_code;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "cli/commands.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "cli/boot.h"
#include "cli/terminal.h"

static void on_signal(void *ctx, int fd, uint32_t events)
{
	struct signalfd_siginfo info;

	(void)events;
	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD)
		boot_reap(ctx);
	else
		boot_stop(ctx);
}

static void on_quit(void *ctx)
{
	boot_stop(ctx);
}

/* Signals come through the loop, children's ends among them; a closed standard
 * output is no reason to end a VM. */
static int take_signals(int *out)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT,
				       SIGCHLD };
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		(void)sigaddset(&set, signals[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	*out = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *out < 0 ? -errno : 0;
}

static enum machine_end boot_again_and_again(struct boot *boot)
{
	for (;;) {
		enum machine_end end = boot_run(boot);

		if (end != MACHINE_REBOOT || boot->opt->exit_on_reboot)
			return end;
		if (boot_stopping(boot))
			return MACHINE_STOPPED;
		log_info("run", "the guest reboots");
	}
}

static enum machine_end run(const struct run_options *opt, int signal_fd)
{
	enum machine_end end = MACHINE_FAILED;
	struct run_files files;
	struct boot boot;
	int ret;

	if (files_open(opt, &files))
		return MACHINE_USAGE;
	boot_init(&boot);
	boot.opt = opt;
	boot.files = &files;
	ret = loop_create(&boot.loop);
	if (ret)
		goto out_files;
	ret = loop_add(boot.loop, signal_fd, EPOLLIN, on_signal, &boot);
	if (ret)
		goto out_loop;
	ret = terminal_create(boot.loop, on_quit, &boot, &boot.terminal);
	if (ret)
		goto out_loop;

	end = boot_again_and_again(&boot);

	terminal_destroy(boot.terminal);
out_loop:
	loop_destroy(boot.loop);
out_files:
	files_close(&files);
	if (ret)
		log_err("run", "can not be set up: %s", strerror(-ret));
	return end;
}

int run_command(int argc, char *const *argv)
{
	char why[RUN_WHY_MAX];
	struct run_options opt;
	int signal_fd, ret;
	enum machine_end end;

	if (options_parse(argc, argv, &opt, why)) {
		log_err("run", "%s", why);
		return MACHINE_USAGE;
	}
	if (opt.help) {
		(void)printf("pviommu run [OPTION]...\n");
		options_help(stdout);
		return MACHINE_POWEROFF;
	}
	ret = take_signals(&signal_fd);
	if (ret) {
		log_err("run", "signals: %s", strerror(-ret));
		return MACHINE_FAILED;
	}
	end = run(&opt, signal_fd);
	fd_close(&signal_fd);
	return (int)end;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/standalone.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/box.h"

static struct box box;
static pthread_t thread;
static atomic_bool over;
static bool running;

static void *run(void *arg)
{
	(void)arg;
	while (!over)
		if (loop_step(&box.loop, 200) < 0)
			break;
	return NULL;
}

/* Signals are for the thread that waits for blocks. */
static int start_thread(void)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int result = -pthread_create(&thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	running = result == 0;
	return result;
}

static int open_box(const char *config, char *sentence, size_t size)
{
	char why[512], remedy[512];
	int result = config_read(&box.config, config, sentence, size);
	if (result < 0)
		return result;
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* for the engine's thread */
	result = box_open(&box, false, why, sizeof(why), remedy, sizeof(remedy));
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result < 0)
		snprintf(sentence, size, "%s%s%s", why, remedy[0] ? " " : "", remedy);
	return result;
}

int standalone_open(const char *config, char *sentence, size_t size)
{
	int pair[2];
	mallopt(M_ARENA_MAX, 1);
	signal(SIGPIPE, SIG_IGN);
	int result = open_box(config, sentence, size);
	if (result < 0)
		return result;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	result = api_adopt(&box.api, pair[0], getuid());
	if (result == 0)
		result = start_thread();
	if (result < 0) {
		snprintf(sentence, size, "It cannot be done here: %s.", strerror(-result));
		close(pair[1]);
		return result;
	}
	return pair[1];
}

void standalone_cancel(void)
{
	if (box.engine)
		engine_cancel(box.engine, 0);
}

void standalone_close(void)
{
	over = true;
	if (running)
		pthread_join(thread, NULL);
	running = false;
	box_close(&box);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* coffretd: puts the box together, then sleeps in one event loop. */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/base/say.h"
#include "agent/base/version.h"
#include "agent/box.h"
#include "agent/front.h"
#include "agent/job/story.h"
#include "board/board.h"

#define END_SECONDS 85 /* systemd waits 90 by default */

static struct box box;
static struct front front;
static struct loop_timer patience;

static const char usage[] =
	"Usage: coffretd [--config FILE] [--init | --check]\n"
	"Backs up SQL Server databases, keeps them, and restores them when somebody asks.\n"
	"\n"
	"  -c, --config FILE   read FILE instead of " CONFIG_PATH "\n"
	"      --init          make the store and its key, show the recovery key once, and end\n"
	"      --check         read the configuration, say whether it is good, and end\n"
	"  -h, --help          this text\n"
	"  -V, --version       the version\n"
	"\n"
	"It stays in the foreground and writes to standard error. SIGTERM cancels what runs, waits for its undo, and ends it.\n";

/* ---- systemd ---- */

static void notify(const char *state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(address.sun_path))
		return;
	strcpy(address.sun_path, path);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, size) < 0)
		say(SAY_WARNING, "The service manager could not be told: %s.", strerror(errno));
	close(fd);
}

/* ---- the end ---- */

static void lose_patience(void *arg)
{
	(void)arg;
	say(SAY_WARNING, "What runs did not end in %d seconds; the server undoes it by itself.", END_SECONDS);
	/* The journal says what was going on; the next start tells. */
	_exit(1);
}

static void end(const char *why)
{
	if (box.service.ending)
		return;
	say(SAY_NOTICE, "%s: stopping.", why);
	notify("STOPPING=1");
	patience = (struct loop_timer){ .due = lose_patience };
	loop_timer_set(&box.loop, &patience, END_SECONDS * 1000);
	box_end(&box);
}

static void take_signal(void *arg, short revents)
{
	struct signalfd_siginfo info;
	int fd = *(int *)arg;
	(void)revents;
	if (read(fd, &info, sizeof(info)) == sizeof(info))
		end(info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
}

static int block_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* ---- making a store ---- */

static void tell_made(const struct store *store)
{
	char size[32], free_size[32];
	struct repository_status status;
	for (uint32_t i = 0; i < store->count; i++) {
		struct repository *repository = store->stories[i].repository;
		if (!repository)
			printf("%s %s\n", store->volumes[i].sentence, store->volumes[i].remedy);
		else if (repository_status(repository, &status) == 0)
			printf("The store in %s is there (%s, %s free); its key is in %s.\n", box.config.volumes[i].path,
				story_size(status.size, size), story_size(status.free, free_size), box.config.key_file);
	}
}

static int init(void)
{
	static struct store store;
	char recovery_key[64];
	int result = store_create(&store, &box.config, recovery_key);
	if (result < 0) {
		store_close(&store);
		fprintf(stderr, "coffretd: %s\n%s%s", store.sentence, store.remedy, store.remedy[0] ? "\n" : "");
		return 1;
	}
	tell_made(&store);
	if (recovery_key[0])
		printf("\nRecovery key, shown this once. Write it down and keep it away from the box:\n\n    %s\n\n"
			   "With it and the disk alone, everything can be read; without it and the key file, nothing can.\n",
			recovery_key);
	explicit_bzero(recovery_key, sizeof(recovery_key));
	store_close(&store);
	return 0;
}

/* ---- running ---- */

static int listen_for_commands(void)
{
	int result = api_listen(&box.api, box.config.socket, box.config.socket_group);
	if (result == -ENOENT && box.api.listener >= 0)
		say(SAY_WARNING, "There is no group %s: only root can use coffret.", box.config.socket_group);
	else if (result == -EPERM && box.api.listener >= 0)
		say(SAY_WARNING, "The socket cannot be given to the group %s.", box.config.socket_group);
	else if (result < 0)
		say(SAY_ERROR, "Cannot listen at %s: %s.", box.config.socket, strerror(-result));
	return box.api.listener >= 0 ? 0 : result;
}

static int open_all(void)
{
	char sentence[512], remedy[512];
	box.clock = board.clock;
	int result = box_open(&box, true, sentence, sizeof(sentence), remedy, sizeof(remedy));
	if (result < 0) {
		say(SAY_ERROR, "%s %s", sentence, remedy);
		return result;
	}
	result = listen_for_commands();
	if (result < 0)
		return result;
	result = front_start(&front, &box);
	if (result < 0)
		say(SAY_ERROR, "The front panel cannot be opened: %s.", strerror(-result));
	return result;
}

static int run(void)
{
	int signals = block_signals();
	int result = signals < 0 ? signals : open_all();
	if (result == 0)
		result = loop_add(&box.loop, signals, POLLIN, take_signal, &signals);
	if (result == 0) {
		say(SAY_INFO, "Ready: %u server%s, store in %s.", box.config.server_count,
			box.config.server_count == 1 ? "" : "s", box.config.volumes[0].path);
		notify("READY=1");
		result = loop_run(&box.loop);
	}
	front_stop(&front);
	box_close(&box);
	if (result == 0)
		say(SAY_INFO, "Ended.");
	return result == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
		{ "init", no_argument, NULL, 'i' }, { "check", no_argument, NULL, 'C' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' }, { NULL, 0, NULL, 0 } };
	const char *path = CONFIG_PATH;
	char message[600];
	int option, what = 0;
	mallopt(M_ARENA_MAX, 1);
	while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
		if (option == 'c') {
			path = optarg;
		} else if (option == 'h') {
			fputs(usage, stdout);
			return 0;
		} else if (option == 'V') {
			puts("coffretd " COFFRET_VERSION);
			return 0;
		} else if (option == '?' || (what && what != option)) {
			fputs(option == '?' ? "Try coffretd --help.\n" : "coffretd: --init and --check are two things.\n", stderr);
			return 2;
		} else {
			what = option;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "coffretd: \"%s\" is not expected here.\nTry coffretd --help.\n", argv[optind]);
		return 2;
	}
	if (config_read(&box.config, path, message, sizeof(message)) < 0) {
		fprintf(stderr, "coffretd: %s\n", message);
		return 2;
	}
	if (what == 'C')
		puts("The configuration is good.");
	return what == 'C' ? 0 : what == 'i' ? init() : run();
}

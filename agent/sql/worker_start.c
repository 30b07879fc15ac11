/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/net/clock.h"
#include "agent/net/sql_browser.h"
#include "agent/sql/login_message.h"
#include "agent/sql/worker_private.h"

#define SLICE_MS 500 /* between two questions whether to stop */

/* ---- to a TCP connection ---- */

static bool should_stop(const struct worker_watcher *watcher)
{
	return watcher->stop && watcher->stop(watcher->arg);
}

static int cancelled(struct sql_error *error)
{
	sql_error_set(error, SQL_ERROR_CANCELLED, NULL, "cancelled");
	return -ECANCELED;
}

static int resolve(const char *host, struct addrinfo **addresses, struct sql_error *error)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	int code = getaddrinfo(host, NULL, &hints, addresses);

	if (!code)
		return 0;
	return sql_error_set(
		error, SQL_ERROR_RESOLVE, host, "%s", code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
}

static void set_port(struct sockaddr *address, uint16_t port)
{
	if (address->sa_family == AF_INET6)
		((struct sockaddr_in6 *)address)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)address)->sin_port = htons(port);
}

static int explain_browser(int code, const struct worker_login *login, struct sql_error *error)
{
	const char *why = code == -ENOENT ? "the instance does not listen on TCP: enable TCP/IP for it"
		: code == -EPROTO             ? "what answered is not SQL Server Browser, or knows another instance"
		: code == -EINVAL
		? "that is no name of an instance"
		: "SQL Server Browser does not answer on UDP 1434, or knows no such instance: start it, or configure the port";

	return sql_error_set(error, SQL_ERROR_BROWSER, login->instance, "%s", why);
}

static int ask_browser(const struct worker_login *login, struct addrinfo *addresses, uint16_t browser_port,
	uint16_t *port, struct sql_error *error)
{
	int result = -ETIMEDOUT;

	for (struct addrinfo *item = addresses; item && result; item = item->ai_next) {
		int seconds = login->connect_seconds / (item->ai_next ? 2 : 1);

		set_port(item->ai_addr, browser_port);
		result = sql_browser_ask(item->ai_addr, item->ai_addrlen, login->instance, seconds > 0 ? seconds : 1, port);
	}
	return result ? explain_browser(result, login, error) : 0;
}

static int await_connection(int fd, int64_t deadline_ms, const struct worker_watcher *watcher)
{
	for (;;) {
		int64_t slice = net_now_ms() + SLICE_MS;
		int result = net_wait(fd, POLLOUT, slice < deadline_ms ? slice : deadline_ms);

		if (!result) {
			int code = 0;
			socklen_t size = sizeof(code);

			return getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) ? -errno : -code;
		}
		if (result != -ETIMEDOUT || net_now_ms() >= deadline_ms)
			return result;
		if (should_stop(watcher))
			return -ECANCELED;
	}
}

/* A server that is silent for minutes while it works is normal; one whose machine is gone is found out below TCP. */
static void keep_alive(int fd)
{
	const int on = 1, idle = 30, interval = 10, count = 6;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int connect_to(const struct addrinfo *item, int64_t deadline_ms, const struct worker_watcher *watcher)
{
	int fd = socket(item->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;

	int result = connect(fd, item->ai_addr, item->ai_addrlen) ? -errno : 0;

	if (result == -EINPROGRESS)
		result = await_connection(fd, deadline_ms, watcher);
	if (result) {
		close(fd);
		return result;
	}
	keep_alive(fd);
	return fd;
}

static int connect_to_any(const struct worker_login *login, struct addrinfo *addresses, uint16_t port,
	const struct worker_watcher *watcher, struct sql_error *error)
{
	int64_t deadline = net_now_ms() + (int64_t)login->connect_seconds * 1000;
	int result = -EADDRNOTAVAIL;

	for (struct addrinfo *item = addresses; item && result < 0 && result != -ECANCELED; item = item->ai_next) {
		int64_t now = net_now_ms();
		/* One address that does not answer must not cost the next one its chance. */
		int64_t until = item->ai_next ? now + (deadline - now) / 2 : deadline;

		set_port(item->ai_addr, port);
		result = connect_to(item, until, watcher);
	}
	if (result == -ECANCELED)
		return cancelled(error);
	if (result < 0)
		return sql_error_set(error, SQL_ERROR_CONNECT, login->host, "port %u: %s", port, strerror(-result));
	return result;
}

static int reach_server(const struct worker_login *login, const struct worker_watcher *watcher,
	const struct worker_place *place, struct sql_error *error)
{
	struct addrinfo *addresses;
	uint16_t port = login->port;
	int result = resolve(login->host, &addresses, error);

	if (result)
		return result;
	if (login->instance && login->instance[0])
		result = ask_browser(
			login, addresses, place->browser_port ? place->browser_port : SQL_BROWSER_PORT, &port, error);
	if (!result)
		result = connect_to_any(login, addresses, port, watcher, error);
	freeaddrinfo(addresses);
	return result;
}

/* ---- the process ---- */

static int find_program(char path[4096])
{
	ssize_t size = readlink("/proc/self/exe", path, 4000);

	if (size <= 0)
		return -errno;
	path[size] = '\0';

	char *slash = strrchr(path, '/');

	if (!slash)
		return -ENOENT;
	strcpy(slash + 1, "coffret-worker");
	return 0;
}

/* Descriptors above those of the child, so that moving them into place overwrites none. */
static int out_of_the_way(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	int error = -errno;

	close(fd);
	return moved < 0 ? error : moved;
}

static int spawn_with(const char *program, int server, int keeper, posix_spawn_file_actions_t *files,
	posix_spawnattr_t *attributes, pid_t *process)
{
	static char name[] = "coffret-worker";
	char *arguments[] = { name, NULL }, *environment[] = { NULL };
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	/* A group of its own: Ctrl-C on the terminal is for us, and we end the worker in order. */
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setpgroup(attributes, 0);

	int error = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);

	if (!error)
		error = posix_spawn_file_actions_addopen(files, 1, "/dev/null", O_WRONLY, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(files, server, 3);
	if (!error)
		error = posix_spawn_file_actions_adddup2(files, keeper, 4);
	return error ? -error : -posix_spawn(process, program, files, attributes, arguments, environment);
}

static int spawn(const char *program, int server, int keeper, pid_t *process)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int error = posix_spawn_file_actions_init(&files);

	if (error)
		return -error;
	error = posix_spawnattr_init(&attributes);
	if (!error) {
		error = -spawn_with(program, server, keeper, &files, &attributes, process);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&files);
	return -error;
}

/* Takes the server's socket in every case. */
static int start_process(struct worker *worker, int server, const struct worker_place *place, struct sql_error *error)
{
	char found[4096];
	int pair[2];
	int result = place->program ? 0 : find_program(found);
	const char *program = place->program ? place->program : found;

	if (!result && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		result = -errno;
	if (result) {
		close(server);
		return sql_error_set(error, SQL_ERROR_WORKER, NULL, "cannot start the SQL worker: %s", strerror(-result));
	}
	worker->socket = pair[0];
	server = out_of_the_way(server);

	int keeper = out_of_the_way(pair[1]);

	result = server < 0 ? server : keeper < 0 ? keeper : spawn(program, server, keeper, &worker->process);
	if (server >= 0)
		close(server);
	if (keeper >= 0)
		close(keeper);
	if (result)
		return sql_error_set(error, SQL_ERROR_WORKER, program, "cannot start the SQL worker: %s", strerror(-result));
	return 0;
}

/* ---- the login ---- */

static void note_login_answer(struct worker *worker)
{
	struct unpacker unpacker = { .bytes = worker->buffer, .size = 256, .at = 8 };
	const void *sha256;

	worker->server_version = (int)unpack_u32(&unpacker);
	unpack_string(&unpacker, worker->tls_description, sizeof(worker->tls_description));
	sha256 = unpack_bytes(&unpacker, sizeof(worker->certificate_sha256));
	if (sha256)
		memcpy(worker->certificate_sha256, sha256, sizeof(worker->certificate_sha256));
}

static int log_in(struct worker *worker, const struct worker_login *login, struct sql_error *error)
{
	struct packer packer = { .bytes = worker->buffer, .capacity = MESSAGE_SIZE_MAX };

	pack_login(&packer, login);
	if (packer.failed)
		return sql_error_set(error, SQL_ERROR_CERTIFICATE, NULL, "the file of trusted certificates is too large");

	worker->heard_ms = net_now_ms();

	int result = worker_send(worker, MESSAGE_LOGIN, packer.bytes, packer.size, NULL, 0, error);

	explicit_bzero(packer.bytes, packer.size);
	/* While it logs in it says nothing, but it has limits of its own: the handshake's, the login's, two batches'. */
	worker->silence_limit_seconds = 2 * login->login_seconds + 2 * login->catalogue_seconds + 30;
	worker->logging_in = true;
	if (!result)
		result = worker_await(worker, error);
	worker->logging_in = false;
	worker->silence_limit_seconds = WORKER_SILENCE_SECONDS;
	if (!result)
		note_login_answer(worker);
	return result;
}

static int start(
	struct worker *worker, const struct worker_login *login, const struct worker_place *place, struct sql_error *error)
{
	worker->socket = -1;
	worker->restore = login->restore;
	worker->silence_limit_seconds = WORKER_SILENCE_SECONDS;
	worker->buffer = malloc(MESSAGE_SIZE_MAX);
	if (!worker->buffer)
		return sql_error_set(error, SQL_ERROR_MEMORY, NULL, "no memory for a worker");

	int server = reach_server(login, &worker->watcher, place, error);

	if (server < 0)
		return server;

	int result = start_process(worker, server, place, error);

	return result ? result : log_in(worker, login, error);
}

int worker_start_at(struct worker **result, struct worker_login *login, const struct worker_watcher *watcher,
	const struct worker_place *place, struct sql_error *error)
{
	static const struct worker_watcher nobody;
	struct worker *worker = calloc(1, sizeof(*worker));
	int failed;

	*result = NULL;
	if (worker) {
		worker->watcher = watcher ? *watcher : nobody;
		failed = start(worker, login, place, error);
	} else {
		failed = sql_error_set(error, SQL_ERROR_MEMORY, NULL, "no memory for a worker");
	}
	if (login->password)
		explicit_bzero(login->password, strlen(login->password));
	if (failed) {
		worker_stop(worker);
		return failed;
	}
	*result = worker;
	return 0;
}

int worker_start(
	struct worker **worker, struct worker_login *login, const struct worker_watcher *watcher, struct sql_error *error)
{
	static const struct worker_place usual;

	return worker_start_at(worker, login, watcher, &usual, error);
}

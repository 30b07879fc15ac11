/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coffret-worker: one session with one SQL Server, for a keeper that is its parent. Started with the connected TCP
 * socket as descriptor 3 and the socket to the keeper as 4, no arguments, no environment. It is of no use to anybody
 * else, and holds nothing worth having but the one password, which it forgets as soon as it is logged in.
 */
#include <errno.h>
#include <iconv.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/sql/confine.h"
#include "agent/sql/interposed_connect.h"
#include "agent/sql/login_message.h"
#include "agent/sql/requests.h"

#define SERVER_FD 3
#define KEEPER_FD 4
#define LOGIN_WAIT_MS 30000
#define DEADLOCK_LOW (-5)
#define DEADLOCK_HIGH 5

static uint8_t buffer[MESSAGE_SIZE_MAX];
static struct login_message login;

/* The address space bounds what a hostile server can make FreeTDS allocate. Sanitizers need more of it than there is. */
static void limit_resources(void)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__
	const rlim_t bytes = (rlim_t)CONFIG_AGENT_SQL_WORKER_MEMORY_MIB << 20;
	const struct rlimit memory = { bytes, bytes };

	setrlimit(RLIMIT_AS, &memory);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

static int give_up_surroundings(void)
{
	clearenv();
	limit_resources();
	signal(SIGPIPE, SIG_IGN);
	syscall(SYS_close_range, KEEPER_FD + 1, ~0u, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || chdir("/"))
		return -errno;
	return 0;
}

/* Under sanitizers the process may not be confined: what they do at exit needs files and threads. */
static int confine_worker(void)
{
#ifdef __SANITIZE_ADDRESS__
	return 0;
#else
	return confine();
#endif
}

static int receive_login(void)
{
	enum message_type type;
	size_t size;
	int got = message_receive(KEEPER_FD, LOGIN_WAIT_MS, &type, buffer, &size);

	if (got <= 0)
		return got ? got : -ETIMEDOUT;
	if (type != MESSAGE_LOGIN)
		return -EPROTO;

	struct unpacker unpacker = { .bytes = buffer, .size = size };
	int error = unpack_login(&unpacker, &login);

	explicit_bzero(buffer, size);
	return error;
}

static int report_error(const struct sql_error *error)
{
	struct packer packer = { .bytes = buffer, .capacity = sizeof(buffer) };

	pack_error(&packer, error);
	return message_send(KEEPER_FD, MESSAGE_ERROR, buffer, packer.size);
}

/* The answer to a login: after the usual number of rows, what `coffret check` tells of the server. */
static int report_login(const struct session *session)
{
	struct packer packer = { .bytes = buffer, .capacity = sizeof(buffer) };

	pack_u64(&packer, 0);
	pack_u32(&packer, (uint32_t)session_server_version(session));
	pack_string(&packer, session_tls_description(session));
	pack_bytes(&packer, session_certificate_sha256(session), 32);
	return message_send(KEEPER_FD, MESSAGE_DONE, buffer, packer.size);
}

/*
 * FreeTDS takes what it needs from the C library, whose converters are files that a small system may lack: it would then
 * cut every name after its first letter, or not connect at all. NULL where all are there.
 */
static const char *missing_conversion(void)
{
	static const char *const needed[] = { "ISO-8859-1", "UCS-2LE", "UTF-16LE" };

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		iconv_t conversion = iconv_open(needed[i], "UTF-8");

		if (conversion == (iconv_t)-1)
			return needed[i];
		iconv_close(conversion);
	}
	return NULL;
}

static int open_session(struct session **session, struct sql_error *error)
{
	struct session_options options = {
		.socket = SERVER_FD,
		.host = login.host,
		.authorities = login.authorities,
		.certificate_name = login.certificate_name[0] ? login.certificate_name : NULL,
		.strict = login.strict,
		.legacy_tls = login.legacy_tls,
		.read_only = !login.restore,
		.login = login.login,
		.password = login.password,
		.database = login.database,
		.application = login.restore ? "Coffret restore" : "Coffret backup",
		.deadlock_priority = login.restore ? DEADLOCK_HIGH : DEADLOCK_LOW,
		.lock_timeout_ms = (int)login.lock_timeout_ms,
		.login_seconds = (int)login.login_seconds,
		.stall_seconds = (int)login.stall_seconds,
		.catalogue_seconds = (int)login.catalogue_seconds,
		.confine = confine_worker,
	};

	memcpy(options.pin, login.pin, sizeof(options.pin));

	const char *missing = missing_conversion();

	if (missing)
		return sql_error_set(error, SQL_ERROR_CONFIGURATION, NULL,
			"its C library cannot convert %s: put glibc's gconv modules on it (on Debian: libc6)", missing);
	if (session_self_test())
		return sql_error_set(error, SQL_ERROR_WORKER, NULL, "FreeTDS would connect by itself, so nothing was sent");

	int failed = session_open(session, &options, error);

	free(login.authorities);
	login.authorities = NULL;
	explicit_bzero(login.password, sizeof(login.password));
	return failed;
}

/*
 * Without a keeper there is nobody to answer to, and nothing to wait for: the end of the connection makes the server undo
 * what was begun, sooner than an attention that it may not answer for a minute.
 */
static bool stop_or_end(void *arg)
{
	struct uplink *uplink = arg;
	bool stop = uplink_stop(uplink);

	if (uplink->gone)
		_exit(0);
	return stop;
}

static int serve(void)
{
	struct session *session = NULL;
	struct sql_error error = { .kind = SQL_OK };
	struct uplink uplink;

	if (open_session(&session, &error))
		return report_error(&error);
	uplink_init(&uplink, KEEPER_FD);
	session_on_wait(session, stop_or_end, &uplink);

	const struct worker_setting setting = {
		.restore = login.restore,
		.read_kib_per_second = login.read_kib_per_second,
		.database = login.database,
	};
	int failed = report_login(session);

	if (!failed)
		failed = requests_run(session, &uplink, &setting, buffer);
	session_close(session);
	return failed;
}

int main(void)
{
	/* One arena: the relay's thread allocates next to nothing. Large values are given back to the system at once. */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 256 * 1024);
	mallopt(M_TRIM_THRESHOLD, 256 * 1024);

	int error = give_up_surroundings();

	if (!error)
		error = receive_login();
	if (!error)
		error = serve();
	if (!error || error == -EPIPE)
		return 0;
	fprintf(stderr, "coffret-worker: %s\n", strerror(-error));
	return 1;
}

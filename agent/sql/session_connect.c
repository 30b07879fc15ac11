/* SPDX-License-Identifier: Apache-2.0 */
/* How FreeTDS is kept from the machine: its connect is ours, its configuration comes from memory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/sql/session_private.h"

/* There is one connect in the process, so there is one session that it may serve. */
static bool expected, was_ours;
static struct session *connect_session;
static struct sql_error *connect_error;

/* Puts one end of a socketpair in the place of FreeTDS's socket. Returns the other end, or a negative errno. */
static int replace_socket(int fd)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return -errno;

	int error = dup3(pair[0], fd, O_CLOEXEC) < 0 ? -errno : 0;

	close(pair[0]);
	if (error)
		close(pair[1]);
	return error ? error : pair[1];
}

static int reach_server(struct session *session)
{
	int result = session->confine ? session->confine() : 0;

	if (result)
		return sql_error_set(
			connect_error, SQL_ERROR_WORKER, NULL, "the worker cannot be confined: %s", strerror(-result));
	return relay_connect(session->relay, connect_error);
}

void session_expect_connect(struct session *session, struct sql_error *error)
{
	connect_session = session;
	connect_error = error;
	expected = true;
	was_ours = false;
}

bool session_connect_was_ours(void)
{
	expected = false;
	connect_session = NULL;
	connect_error = NULL;
	return was_ours;
}

int session_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
		return (int)syscall(SYS_connect, fd, address, size);
	if (!expected) {
		errno = EPERM;
		return -1;
	}
	expected = false;
	was_ours = true;

	int other = replace_socket(fd);

	if (other < 0) {
		errno = EPERM;
		return -1;
	}
	if (connect_session && !reach_server(connect_session)) {
		connect_session->fd = fd;
		relay_start(connect_session->relay, other);
	} else {
		/* A refused connection FreeTDS tries again until its time is over; one that has ended it gives up at once. */
		close(other);
	}
	return 0;
}

/* FreeTDS reads its configuration from a file; this one nobody else can write, and no other is looked at. */
int session_configuration(const char *section)
{
	int fd = memfd_create("freetds.conf", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;

	int written = dprintf(fd,
		"[%s]\n\thost = 127.0.0.1\n\tport = 1\n\ttds version = 7.4\n\tencryption = off\n"
		"\tclient charset = UTF-8\n\tuse ntlmv2 = yes\n\ttext size = 2147483647\n",
		section);

	if (written < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		close(fd);
		return -EIO;
	}
	return fd;
}

/* FreeTDS lets all of these override where it connects, or write what it sends into a file. */
void session_clear_environment(void)
{
	static const char *const names[] = {
		"TDSDUMP",
		"TDSDUMPCONFIG",
		"TDSHOST",
		"TDSPORT",
		"TDSVER",
		"TDSQUERY",
		"DSQUERY",
		"FREETDSCONF",
		"FREETDS",
		"SYBASE",
		"HOME",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
}

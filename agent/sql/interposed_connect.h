/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Defines connect() for the whole program, so that libsybdb finds ours instead of the C library's. Include it in exactly
 * one file of a program that opens sessions, and in no other program: what is defined here is everybody's connect there.
 */
#ifndef AGENT_SQL_INTERPOSED_CONNECT_H
#define AGENT_SQL_INTERPOSED_CONNECT_H

#include <sys/socket.h>

#include "agent/sql/session.h"

int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t size)
{
	return session_connect(fd, address.__sockaddr__, size);
}

#endif

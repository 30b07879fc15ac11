/* SPDX-License-Identifier: Apache-2.0 */
/* The stand-in server as a process, for tests of whole conversations. Anything that goes wrong ends the test. */
#ifndef TESTS_SUPPORT_STANDIN_H
#define TESTS_SUPPORT_STANDIN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct standin {
	char directory[64];  /* scratch, with ca.pem in it */
	char program[4300], worker[4300]; /* the stand-in, and coffret-worker, of the same build */
	pid_t process;
	uint16_t port;
	char *authorities;   /* PEM of its CA */
};

/* Starts one of that version with login sa, password Secret-1, and runs a script (T-SQL, GO between batches). */
void standin_start(struct standin *standin, const char *version, const char *script);
void standin_stop(struct standin *standin);
/* A command of its control socket; the answer goes into `answer`. Fails the test unless it ends in "ok". */
void standin_tell(struct standin *standin, const char *command, char *answer, size_t size);
/* Runs T-SQL as an administrator. */
void standin_script(struct standin *standin, const char *script);

#endif

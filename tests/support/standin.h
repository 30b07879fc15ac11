/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stand-in server as a process beside a test program, and its control socket; tests/sqlserver/README.md has its
 * options and commands. What goes wrong here, rather than there, ends the test.
 */
#ifndef TESTS_SUPPORT_STANDIN_H
#define TESTS_SUPPORT_STANDIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct standin {
	pid_t process;
	uint16_t port, browser_port;
	char directory[64]; /* scratch */
	char worker[4200];  /* coffret-worker, of the same build */
	char *authorities;  /* PEM of its CA */
};

/* The options are those of its command line beyond certificate, directory and ports, ended by NULL. */
void standin_start(struct standin *standin, const char *const *options);
void standin_stop(struct standin *standin);

/* One command of the control socket; false where it said error. */
bool standin_tell(struct standin *standin, const char *command);
/* A command that answers with a number. */
uint64_t standin_number(struct standin *standin, const char *command);
/* Runs T-SQL as an administrator, GO between batches. */
void standin_script(struct standin *standin, const char *script);
/* What clients did that SQL Server drops connections for, or "". To be freed. */
char *standin_violations(struct standin *standin);
/* Its journal since it was told to forget: "SPID KIND TEXT" a line. To be freed. */
char *standin_statements(struct standin *standin);

#endif

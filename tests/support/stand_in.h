/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the stand-in server beside a test program, and talks to its control socket. tests/sqlserver/README.md has more. */
#ifndef TESTS_SUPPORT_STAND_IN_H
#define TESTS_SUPPORT_STAND_IN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct stand_in {
	pid_t process;
	uint16_t port, browser_port;
	char directory[64];
};

/* The options are those of its command line beyond certificate, directory and ports, ended by NULL. */
void stand_in_start(struct stand_in *server, const char *const *options);
void stand_in_stop(struct stand_in *server);

/* One command of the control socket; false where it said error. A number that it answered is *answer, if not NULL. */
bool stand_in_tell(struct stand_in *server, const char *command, uint64_t *answer);
/* What clients did that SQL Server drops connections for, or "". To be freed. */
char *stand_in_violations(struct stand_in *server);

/* The folder of the build, from the test program's own path. */
const char *build_folder(void);

#endif

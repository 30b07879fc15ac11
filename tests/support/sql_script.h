/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A SQL Server in a script, for what happens on the wire: it welcomes a login, lets the SET options hold, and answers
 * what follows with replies that the test has put together. The stand-in server is for SQL.
 */
#ifndef TESTS_SUPPORT_SQL_SCRIPT_H
#define TESTS_SUPPORT_SQL_SCRIPT_H

#include <semaphore.h>

#include "tests/support/tds_reply.h"
#include "tests/support/tls_peer.h"

struct sql_script {
	struct tls_peer *peer;         /* while it runs */
	struct tds_reply login_answer; /* empty: welcome */
	int32_t options;               /* that @@OPTIONS says */
	uint8_t collation[5];          /* that the login is told: at first SQL_Latin1_General_CP1_CI_AS */
	int32_t lock_timeout_ms;       /* that @@LOCK_TIMEOUT says */
	int32_t edition;               /* EngineEdition */
	struct tds_reply answers[4];   /* to the batches that follow, in turn; answers[1] to a bulk load if there is one */
	size_t answer_count;
	void (*instead)(struct sql_script *script); /* for the batch that comes when there are no more answers */

	uint8_t packet[65536], bulk[200000];
	size_t bulk_size, bulk_packets, bulk_short; /* short: packets but the last that were not full, as 4 096 bytes are */
	char batches[8192];                         /* the text of all batches, a line each */
	struct tds_reply scratch;
	sem_t reached, go_on;
};

#define SQL_SCRIPT_OPTIONS (8 | 16 | 32 | 64 | 256 | 512 | 4096 | 16384)

/* Everything holds, nothing is answered. */
struct sql_script *sql_script_new(void);
/* For struct tls_peer_options; arg is the script. */
void sql_script_run(struct tls_peer *peer, void *arg);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's requests between requests.c and requests_restore.c. */
#ifndef AGENT_SQL_REQUESTS_RESTORE_H
#define AGENT_SQL_REQUESTS_RESTORE_H

#include "agent/sql/examine.h"
#include "agent/sql/reader.h"
#include "agent/sql/replace.h"
#include "agent/sql/requests.h"

/* Names that came with a request; owned. */
struct request_names {
	char **names;
	size_t count;
};

struct worker_requests {
	struct session *session;
	struct uplink *uplink;
	const struct worker_setting *setting;
	uint8_t *buffer;        /* MESSAGE_SIZE_MAX */
	struct sql_error error; /* of the request that runs */

	uint8_t *wanted_bytes; /* pieces of the wanted catalogue as they come */
	size_t wanted_size;
	struct catalogue *wanted;
	struct rowgroup_params params; /* of the restore */
	struct request_names unread;   /* tables that it must not read */
	struct replace *replace;       /* from BEGIN to STATISTICS or ROLLBACK */

	bool waits; /* a request that came in another's place is in `buffer` */
	enum message_type waiting_type;
	size_t waiting_size;
};

/* A struct rowgroup_params that came as a blob. -EPROTO. */
int request_params(struct rowgroup_params *params, struct unpacker *unpacker);
/* u32 n and n strings. -EPROTO, -ENOMEM; what is there must be freed all the same. */
int request_names(struct request_names *list, struct unpacker *unpacker);
void request_names_free(struct request_names *list);
/* DONE with rows where result >= 0, else ERROR. Returns what sending returned. */
int request_answer(struct worker_requests *requests, int result, uint64_t rows);

/*
 * WANTED, BEGIN, PREPARE, DELETE, EMPTY, REPLACE, PUT_BACK, COMMIT, STATISTICS, ROLLBACK, AWAIT_UNDO. A negative errno
 * where the socket failed.
 */
int requests_restore(struct worker_requests *requests, enum message_type type, struct unpacker *unpacker);
void requests_restore_free(struct worker_requests *requests);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A failure as a person reads it: what was being done, to what, why it failed; and what to do next.
 */
#ifndef AGENT_JOB_EXPLAIN_H
#define AGENT_JOB_EXPLAIN_H

#include "agent/config/config.h"
#include "agent/net/sql_error.h"

/* Both buffers are filled and NUL-terminated, cut at a character where they are too small. */
void explain_sql_error(const struct sql_error *error, const struct server_config *server, char *sentence,
	size_t sentence_size, char *remedy, size_t remedy_size);

/* An errno of the storage side: "writing the snapshot: the volume is full", and what would help. */
void explain_storage_error(
	int error, const char *doing, char *sentence, size_t sentence_size, char *remedy, size_t remedy_size);

#endif

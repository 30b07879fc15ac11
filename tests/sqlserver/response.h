/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine answers, as tokens: the engine's result_sink on a connection's writer. */
#ifndef TESTS_SQLSERVER_RESPONSE_H
#define TESTS_SQLSERVER_RESPONSE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine.h"
#include "tokens.h"
#include "writer.h"

struct response {
	struct result_sink sink;
	struct writer *writer;
	struct faults *faults;
	const char *server_name;
	atomic_bool *attention; /* set by the watch: rows stop at once */
	enum length_class *lengths;
	size_t count, capacity;
	uint16_t outputs;   /* of this RPC so far */
	bool more_follows;  /* another RPC of the same message comes: no DONE is the last one */
	bool ended;         /* a DONE without MORE was written */
	bool fatal;         /* a message of severity 20 or more: the connection ends */
	bool cut;           /* a fault ended the message in its middle */
	char database[514]; /* for ENVCHANGE's old value */
};

void response_open(struct response *response, struct writer *writer, struct faults *faults, atomic_bool *attention,
	const char *server_name);
void response_close(struct response *response);

/* Before each request. */
void response_begin(struct response *response);

/*
 * After the engine returned `result`: answers an attention, makes up the DONE that a failed call left out, sends EOM.
 */
int response_end(struct response *response, int result, bool attention);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks as JSON. Keys are in small letters with '_'; numbers and true/false where a key has them (API.md), everything
 * else a string. What follows a job is a stream, one object a line; everything else is one document: the fields of status
 * and end at the top, other blocks in lists named after them. Without CONFIG_AGENT_CLI_JSON it says that it cannot.
 */
#ifndef AGENT_CLI_JSON_H
#define AGENT_CLI_JSON_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "agent/base/block.h"

#ifdef CONFIG_AGENT_CLI_JSON

struct json;

/* list NULL: a stream; else a document, which has this list ("": none) though nothing may come for it. NULL: no memory. */
struct json *json_begin(FILE *out, const char *list);
/* -ENOMEM, or -EIO of the stream. */
int json_block(struct json *json, const struct block_fields *fields);
/* Writes the document. Frees; NULL is nothing. */
int json_end(struct json *json);

#else

struct json;
static inline struct json *json_begin(FILE *out, const char *list)
{
	(void)out;
	(void)list;
	return NULL;
}

static inline int json_block(struct json *json, const struct block_fields *fields)
{
	(void)json;
	(void)fields;
	return -ENOTSUP;
}

static inline int json_end(struct json *json)
{
	(void)json;
	return 0;
}

#endif
#endif

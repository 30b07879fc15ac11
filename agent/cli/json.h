/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks as JSON, one object a line: keys in small letters with '_', numbers and true/false where a key has them
 * (API.md), everything else a string. Without CONFIG_AGENT_CLI_JSON it says that it cannot.
 */
#ifndef AGENT_CLI_JSON_H
#define AGENT_CLI_JSON_H

#include <errno.h>
#include <stdio.h>

#include "agent/block.h"

#ifdef CONFIG_AGENT_CLI_JSON

/* -ENOMEM, or -EIO of the stream. */
int json_block(FILE *out, const struct block_fields *fields);

#else

static inline int json_block(FILE *out, const struct block_fields *fields)
{
	(void)out;
	(void)fields;
	return -ENOTSUP;
}

#endif
#endif

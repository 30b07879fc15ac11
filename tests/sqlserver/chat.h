/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A realistic Persistent Chat for the stand-in: databases mgc and mgccomp with their documented tables, filled with
 * conversations that have the skew of real ones. The same options make the same rows, byte for byte.
 */
#ifndef TESTS_SQLSERVER_CHAT_H
#define TESTS_SQLSERVER_CHAT_H

#include <stdint.h>

#include "engine.h"

struct chat_options {
	uint32_t messages, rooms, users;
	uint64_t seed;
};

/* Reads "messages=200000,rooms=300,users=500,seed=1"; what is not named keeps a default. -EINVAL. */
int chat_parse(struct chat_options *options, const char *text);

/* Creates and fills both databases. Errors are said on standard error; -EIO. */
int chat_create(struct engine *engine, const struct chat_options *options);

/* A working day more: so many new messages in 40 to 60 rooms. */
int chat_night(struct engine *engine, uint32_t messages);

#endif

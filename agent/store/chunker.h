/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How this repository's rows are cut: the record in its superblock, and the seed derived from its key. FORMAT.md.
 */
#ifndef AGENT_STORE_CHUNKER_H
#define AGENT_STORE_CHUNKER_H

#include "agent/table/rowgroup.h"
#include "storage/repository.h"

/* The record of a new repository. */
void chunker_default(uint8_t record[64]);
/* -EBADMSG: a record of a later version, or with a limit that this build cannot hold. */
int chunker_params(struct rowgroup_params *params, const struct repository *repository, const uint8_t record[64]);

#endif

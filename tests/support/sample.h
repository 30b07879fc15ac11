/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots with known content, for tests of storage: put, and read back bit for bit. */
#ifndef TESTS_SUPPORT_SAMPLE_H
#define TESTS_SUPPORT_SAMPLE_H

#include "storage/repository.h"

/* Deterministic content: streams "stream 0"..., of chunks whose bytes are a function of seed, stream and chunk. */
struct sample {
	uint32_t seed; /* chunks of two samples are equal where their seed is, and where below `shared` */
	unsigned streams, chunks, shared;
	uint32_t chunk_size; /* on average */
	bool early;          /* reads back what it can after each chunk */
};

extern const struct repository_secret sample_secret;
struct repository_settings sample_settings(void);

/* One chunk of it, into twice its size; how long it is. */
size_t sample_chunk(const struct sample *sample, unsigned stream, unsigned chunk, uint8_t *bytes);
/* The first error of any call, or 0 after the commit. */
int sample_store(struct repository *repository, const struct sample *sample, bool verified, uint64_t *id);
/* 0: whole and equal bit for bit. -EBADMSG and other errors are the repository's; -EILSEQ: it differs. */
int sample_compare(struct repository *repository, const struct sample *sample, uint64_t id);

/* The one secret of its kind from now on. */
int sample_set_secret(struct repository *repository, const struct repository_secret *secret);
int sample_renew_recovery(struct repository *repository, char recovery_key[64]);

/* A repository on a volume: opened, or created where it is blank. */
int sample_open(struct repository **repository, struct volume *volume);
/* Created so that nothing can be healed: for tests of what damage does. */
int sample_open_without_parity(struct repository **repository, struct volume *volume);

#endif

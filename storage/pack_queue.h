/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks being packed by threads beside the one that stores. They come out in the order in which they went in, so what
 * is on the medium does not depend on the threads. Bounded: threads + 1 chunks, at least one; without threads the work
 * is done where it is submitted. All functions are for the one thread that stores.
 */
#ifndef STORAGE_PACK_QUEUE_H
#define STORAGE_PACK_QUEUE_H

#include "storage/pack.h"

#define PACK_THREADS_MAX 16

struct pack_job {
	uint8_t *bytes;
	uint32_t size;
	struct chunk_head head;
	uint8_t *stored;
	int error;
	enum { JOB_IDLE, JOB_WAITING, JOB_RUNNING, JOB_DONE } state;
};

struct pack_queue;

int pack_queue_create(struct pack_queue **queue, const struct pack_keys *keys, int level, int threads);
/* Waits for what runs. NULL is nothing. */
void pack_queue_free(struct pack_queue *queue);
/* A job to fill in and submit, or NULL while the queue is full. */
struct pack_job *pack_queue_idle(struct pack_queue *queue);
void pack_queue_submit(struct pack_queue *queue, struct pack_job *job);
/* The oldest job, waited for, or NULL where there is none. It stays the caller's until pack_queue_release. */
struct pack_job *pack_queue_oldest(struct pack_queue *queue);
void pack_queue_release(struct pack_queue *queue, struct pack_job *job);
bool pack_queue_holds(const struct pack_queue *queue, const struct chunk_name *name);
unsigned pack_queue_count(const struct pack_queue *queue);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/pack_queue.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct worker {
	struct pack_queue *queue;
	struct packer *packer;
	pthread_t thread;
};

struct pack_queue {
	struct pack_job jobs[PACK_THREADS_MAX + 1]; /* a ring: `count` jobs from `oldest` on */
	unsigned size, oldest, count;
	struct worker workers[PACK_THREADS_MAX];
	unsigned threads;   /* started */
	struct packer *own; /* where there are none */
	pthread_mutex_t lock;
	pthread_cond_t waiting, done;
	bool stop;
};

static struct pack_job *at(struct pack_queue *queue, unsigned i)
{
	return &queue->jobs[(queue->oldest + i) % queue->size];
}

static void run(struct packer *packer, struct pack_job *job)
{
	job->error = packer_pack(packer, job->bytes, job->size, &job->head, job->stored);
}

static struct pack_job *next_waiting(struct pack_queue *queue)
{
	for (unsigned i = 0; i < queue->count; i++)
		if (at(queue, i)->state == JOB_WAITING)
			return at(queue, i);
	return NULL;
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct pack_queue *queue = worker->queue;
	pthread_mutex_lock(&queue->lock);
	while (!queue->stop) {
		struct pack_job *job = next_waiting(queue);
		if (!job) {
			pthread_cond_wait(&queue->waiting, &queue->lock);
			continue;
		}
		job->state = JOB_RUNNING;
		pthread_mutex_unlock(&queue->lock);
		run(worker->packer, job);
		pthread_mutex_lock(&queue->lock);
		job->state = JOB_DONE;
		pthread_cond_signal(&queue->done);
	}
	pthread_mutex_unlock(&queue->lock);
	return NULL;
}

static int start_worker(struct pack_queue *queue, const struct pack_keys *keys, int level)
{
	struct worker *worker = &queue->workers[queue->threads];
	worker->queue = queue;
	int error = packer_create(&worker->packer, keys, level);
	if (error)
		return error;
	/* Signals are for the thread that waits for them. */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = -pthread_create(&worker->thread, NULL, work, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		packer_free(worker->packer);
	else
		queue->threads++;
	return error;
}

static int allocate_jobs(struct pack_queue *queue)
{
	for (unsigned i = 0; i < queue->size; i++) {
		queue->jobs[i].bytes = malloc(CHUNK_SIZE_MAX);
		queue->jobs[i].stored = malloc(STORED_SIZE_MAX);
		if (!queue->jobs[i].bytes || !queue->jobs[i].stored)
			return -ENOMEM;
	}
	return 0;
}

int pack_queue_create(struct pack_queue **queue, const struct pack_keys *keys, int level, int threads)
{
	if (threads < 0 || threads > PACK_THREADS_MAX)
		return -EINVAL;
	struct pack_queue *q = calloc(1, sizeof *q);
	if (!q)
		return -ENOMEM;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->waiting, NULL);
	pthread_cond_init(&q->done, NULL);
	q->size = (unsigned)threads + 1;
	int error = allocate_jobs(q);
	if (!error && !threads)
		error = packer_create(&q->own, keys, level);
	while (!error && q->threads < (unsigned)threads)
		error = start_worker(q, keys, level);
	if (error) {
		pack_queue_free(q);
		return error;
	}
	*queue = q;
	return 0;
}

void pack_queue_free(struct pack_queue *queue)
{
	if (!queue)
		return;
	pthread_mutex_lock(&queue->lock);
	queue->stop = true;
	pthread_cond_broadcast(&queue->waiting);
	pthread_mutex_unlock(&queue->lock);
	for (unsigned i = 0; i < queue->threads; i++) {
		pthread_join(queue->workers[i].thread, NULL);
		packer_free(queue->workers[i].packer);
	}
	packer_free(queue->own);
	for (unsigned i = 0; i < queue->size; i++) {
		free(queue->jobs[i].bytes);
		free(queue->jobs[i].stored);
	}
	pthread_cond_destroy(&queue->waiting);
	pthread_cond_destroy(&queue->done);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

struct pack_job *pack_queue_idle(struct pack_queue *queue)
{
	return queue->count < queue->size ? at(queue, queue->count) : NULL;
}

void pack_queue_submit(struct pack_queue *queue, struct pack_job *job)
{
	if (!queue->threads) {
		run(queue->own, job);
		job->state = JOB_DONE;
		queue->count++;
		return;
	}
	pthread_mutex_lock(&queue->lock);
	job->state = JOB_WAITING;
	queue->count++;
	pthread_cond_signal(&queue->waiting);
	pthread_mutex_unlock(&queue->lock);
}

struct pack_job *pack_queue_oldest(struct pack_queue *queue)
{
	if (!queue->count)
		return NULL;
	struct pack_job *job = at(queue, 0);
	pthread_mutex_lock(&queue->lock);
	while (job->state != JOB_DONE)
		pthread_cond_wait(&queue->done, &queue->lock);
	pthread_mutex_unlock(&queue->lock);
	return job;
}

void pack_queue_release(struct pack_queue *queue, struct pack_job *job)
{
	pthread_mutex_lock(&queue->lock);
	job->state = JOB_IDLE;
	queue->oldest = (queue->oldest + 1) % queue->size;
	queue->count--;
	pthread_mutex_unlock(&queue->lock);
}

bool pack_queue_holds(const struct pack_queue *queue, const struct chunk_name *name)
{
	for (unsigned i = 0; i < queue->count; i++) {
		const struct pack_job *job = &queue->jobs[(queue->oldest + i) % queue->size];
		if (!memcmp(&job->head.name, name, sizeof *name))
			return true;
	}
	return false;
}

unsigned pack_queue_count(const struct pack_queue *queue)
{
	return queue->count;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

/*
 * Again and again until the statement has ended: the first interrupt may come before the engine has begun, and find
 * nothing to stop.
 */
static void insist(struct watch *watch)
{
	struct pollfd wake = { .fd = watch->link->wake, .events = POLLIN };

	do
		session_interrupt(watch->session);
	while (poll(&wake, 1, 20) <= 0);
}

static void note_attention(struct watch *watch)
{
	atomic_store(&watch->attention, true);
	journal_add(watch->link->journal, watch->link->session, JOURNAL_ATTENTION, "while a statement runs");
	insist(watch);
}

static int next_packet(struct watch *watch, struct packet *packet)
{
	int error;

	do
		error = link_wait(watch->link, packet);
	while (!error && packet->type == PACKET_ATTENTION && faults_settings(watch->link->faults).deaf);
	return error;
}

/* Until woken, an error, or a packet that is a request: that one waits for the connection's thread. */
static void listen_to_client(struct watch *watch)
{
	struct packet packet;
	int error = next_packet(watch, &packet);

	if (error == -EAGAIN)
		return;
	if (error) {
		watch->error = error;
		insist(watch);
	} else if (packet.type == PACKET_ATTENTION) {
		note_attention(watch);
	} else {
		watch->packet = packet;
		watch->has_packet = true;
	}
}

static void *run(void *argument)
{
	struct watch *watch = argument;

	pthread_mutex_lock(&watch->lock);
	while (watch->state != WATCH_QUIT) {
		if (watch->state == WATCH_LISTENING) {
			pthread_mutex_unlock(&watch->lock);
			listen_to_client(watch);
			pthread_mutex_lock(&watch->lock);
			watch->state = WATCH_IDLE;
			pthread_cond_broadcast(&watch->changed);
		}
		if (watch->state == WATCH_IDLE)
			pthread_cond_wait(&watch->changed, &watch->lock);
	}
	pthread_mutex_unlock(&watch->lock);
	return NULL;
}

int watch_open(struct watch *watch, struct link *link, struct session *session)
{
	pthread_mutex_init(&watch->lock, NULL);
	pthread_cond_init(&watch->changed, NULL);
	watch->link = link;
	watch->session = session;
	watch->state = WATCH_IDLE;
	watch->open = pthread_create(&watch->thread, NULL, run, watch) == 0;
	return watch->open ? 0 : -EAGAIN;
}

void watch_close(struct watch *watch)
{
	if (!watch->open)
		return;
	pthread_mutex_lock(&watch->lock);
	watch->state = WATCH_QUIT;
	pthread_cond_broadcast(&watch->changed);
	pthread_mutex_unlock(&watch->lock);
	pthread_join(watch->thread, NULL);
	pthread_mutex_destroy(&watch->lock);
	pthread_cond_destroy(&watch->changed);
	watch->open = false;
}

void watch_begin(struct watch *watch)
{
	atomic_store(&watch->attention, false);
	pthread_mutex_lock(&watch->lock);
	watch->state = WATCH_LISTENING;
	pthread_cond_broadcast(&watch->changed);
	pthread_mutex_unlock(&watch->lock);
}

int watch_end(struct watch *watch)
{
	uint64_t count = 1;

	/* An eventfd takes and gives whole numbers: neither call can be partial. */
	if (write(watch->link->wake, &count, sizeof(count)) < 0)
		return -errno;
	pthread_mutex_lock(&watch->lock);
	while (watch->state == WATCH_LISTENING)
		pthread_cond_wait(&watch->changed, &watch->lock);
	pthread_mutex_unlock(&watch->lock);
	if (read(watch->link->wake, &count, sizeof(count)) < 0)
		return -errno;
	return watch->error;
}

const struct packet *watch_early_packet(struct watch *watch)
{
	if (!watch->has_packet)
		return NULL;
	watch->has_packet = false;
	return &watch->packet;
}

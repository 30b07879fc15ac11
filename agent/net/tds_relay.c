/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/net/tds_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/net/clock.h"
#include "agent/net/tds_relay_private.h"

#if defined(__SANITIZE_ADDRESS__)
#define STACK_SIZE (1024 * 1024)
#else
#define STACK_SIZE (128 * 1024)
#endif

/* ---- the thread ---- */

static void *run(void *arg)
{
	struct relay *relay = arg;

	while (sem_wait(&relay->go))
		;
	if (atomic_load(&relay->stopping))
		return NULL;
	relay_set_transport(relay);
	while (!atomic_load(&relay->stopping) && relay_turn(relay) == 0)
		;
	tls_goodbye(relay->tls);
	shutdown(relay->local, SHUT_RDWR);
	shutdown(relay->socket, SHUT_RDWR);
	return NULL;
}

/* ---- life ---- */

static int start_thread(struct relay *relay)
{
	pthread_attr_t attributes;
	int error = pthread_attr_init(&attributes);

	if (error)
		return -error;
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	error = pthread_create(&relay->thread, &attributes, run, relay);
	pthread_attr_destroy(&attributes);
	return -error;
}

static int set_up(struct relay *relay, const struct relay_options *options, struct sql_error *error)
{
	const struct tls_client_options tls = {
		.name = options->certificate_name && options->certificate_name[0] ? options->certificate_name : options->host,
		.authorities = options->authorities,
		.pin = options->pin,
		.alpn = options->strict ? "tds/8.0" : NULL,
		.legacy = options->legacy_tls,
	};
	int result = tls_client(&relay->tls, &tls);

	if (result == -EINVAL)
		return tds_tls_error(relay->tls, error);
	if (!result)
		result = start_thread(relay);
	if (result)
		return sql_error_set(error, SQL_ERROR_MEMORY, NULL, "the relay cannot be started: %s", strerror(-result));
	relay->connect = (struct tds_connect){
		.socket = relay->socket,
		.tls = relay->tls,
		.strict = options->strict,
		.legacy_tls = options->legacy_tls,
	};
	return 0;
}

static void release(struct relay *relay)
{
	tls_free(relay->tls);
	tds_stream_free(&relay->stream);
	free(relay->held);
	close(relay->socket);
	if (relay->local >= 0)
		close(relay->local);
	sem_destroy(&relay->go);
	pthread_mutex_destroy(&relay->lock);
	explicit_bzero(relay->up, sizeof(relay->up));
	free(relay);
}

int relay_open(struct relay **result, const struct relay_options *options, struct sql_error *error)
{
	struct relay *relay = calloc(1, sizeof(*relay));

	*result = NULL;
	if (!relay) {
		close(options->socket);
		return sql_error_set(error, SQL_ERROR_MEMORY, NULL, "no memory for the relay");
	}
	relay->socket = options->socket;
	relay->local = -1;
	relay->login_seconds = options->login_seconds;
	relay->stall_seconds = options->stall_seconds;
	relay->stream.collect_all = true;
	atomic_store(&relay->packet_size, TDS_PACKET_SIZE);
	sem_init(&relay->go, 0, 0);
	pthread_mutex_init(&relay->lock, NULL);
	fcntl(relay->socket, F_SETFL, fcntl(relay->socket, F_GETFL) | O_NONBLOCK);
	if (set_up(relay, options, error)) {
		release(relay);
		return -EIO;
	}
	*result = relay;
	return 0;
}

int relay_connect(struct relay *relay, struct sql_error *error)
{
	relay->connect.deadline_ms = net_now_ms() + (int64_t)relay->login_seconds * 1000;

	int result = tds_connect(&relay->connect, error);

	tls_forget_authorities(relay->tls);
	return result;
}

void relay_start(struct relay *relay, int local)
{
	relay->local = local;
	fcntl(local, F_SETFL, fcntl(local, F_GETFL) | O_NONBLOCK);
	relay->login_deadline_ms = net_now_ms() + (int64_t)relay->login_seconds * 1000;
	sem_post(&relay->go);
}

void relay_close(struct relay *relay)
{
	if (!relay)
		return;
	atomic_store(&relay->stopping, true);
	if (relay->local >= 0) {
		shutdown(relay->local, SHUT_RDWR);
		shutdown(relay->socket, SHUT_RD);
	} else {
		sem_post(&relay->go);
	}
	pthread_join(relay->thread, NULL);
	release(relay);
}

/* ---- questions ---- */

bool relay_error(struct relay *relay, struct sql_error *error)
{
	pthread_mutex_lock(&relay->lock);

	bool failed = relay->error.kind != SQL_OK;

	if (failed)
		*error = relay->error;
	pthread_mutex_unlock(&relay->lock);
	return failed;
}

void relay_expect(struct relay *relay, int seconds)
{
	atomic_store(&relay->expect_seconds, seconds);
}

void relay_enter(struct relay *relay)
{
	atomic_fetch_or(&relay->calls, 1);
}

void relay_leave(struct relay *relay)
{
	unsigned calls = atomic_load(&relay->calls);

	if (calls & 1)
		atomic_store(&relay->calls, calls + 1);
}

size_t relay_type_info(struct relay *relay, size_t column, const void **bytes, uint16_t *flags)
{
	struct tds_column found;

	pthread_mutex_lock(&relay->lock);

	int error = tds_column(relay->stream.columns, relay->stream.columns_size, column, &found);

	pthread_mutex_unlock(&relay->lock);
	if (error)
		return 0;
	*bytes = found.type_info;
	*flags = found.flags;
	return found.type_info_size;
}

int relay_server_version(struct relay *relay)
{
	return atomic_load(&relay->server_version);
}

size_t relay_packet_size(struct relay *relay)
{
	return (size_t)atomic_load(&relay->packet_size);
}

uint64_t relay_received(struct relay *relay)
{
	return atomic_load_explicit(&relay->received, memory_order_relaxed);
}

const char *relay_tls_description(const struct relay *relay)
{
	return tls_description(relay->tls);
}

const uint8_t *relay_certificate_sha256(const struct relay *relay)
{
	return tls_certificate_sha256(relay->tls);
}

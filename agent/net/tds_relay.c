/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/net/tds_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/net/clock.h"
#include "agent/net/tds_connect.h"
#include "agent/net/tds_stream.h"

#define UP_SIZE (2 * TLS_RECORD_MAX)
#define RECORDS_A_TURN 8     /* downstream, before it is looked whether there is something upstream */
#define TURN_MS 1000
#if defined(__SANITIZE_ADDRESS__)
#define STACK_SIZE (1024 * 1024)
#else
#define STACK_SIZE (128 * 1024)
#endif

struct relay {
	pthread_t thread;
	sem_t go;
	atomic_bool stopping;
	atomic_int expect_seconds;
	atomic_uint calls;          /* odd while somebody waits for us */
	atomic_ullong received;
	atomic_int server_version, packet_size;
	int socket, local;
	int login_seconds, stall_seconds;
	struct tds_connect connect;
	struct tls *tls;

	pthread_mutex_t lock;       /* of what follows up to the blank line */
	struct sql_error error;
	struct tds_stream stream;

	/* Upstream: bytes from FreeTDS, whole packets of which become records. */
	uint8_t up[UP_SIZE];
	size_t up_start, up_end;
	bool up_blocked;            /* the packet at up_start was given to TLS and could not leave yet */
	bool prelogin_answered;

	/* Downstream: out points into down or held. */
	uint8_t down[TLS_RECORD_MAX];
	const uint8_t *out;
	size_t out_size;
	uint8_t *held;              /* the packets of a reply to a login, until it has been looked through */
	size_t held_size;

	bool logged_in, awaiting, attention;
	bool began;                 /* bytes came since the last request */
	int64_t login_deadline_ms, request_ms, attention_ms, sent_ms, received_ms, idle_ms;
	unsigned idle_call;
};

/* ---- errors ---- */

static int fail(struct relay *relay, enum sql_error_kind kind, const char *object, const char *detail)
{
	pthread_mutex_lock(&relay->lock);
	sql_error_set(&relay->error, kind, object, "%s", detail);
	pthread_mutex_unlock(&relay->lock);
	return -EIO;
}

static int fail_tls(struct relay *relay)
{
	pthread_mutex_lock(&relay->lock);
	tds_tls_error(relay->tls, &relay->error);
	pthread_mutex_unlock(&relay->lock);
	return -EIO;
}

bool relay_error(struct relay *relay, struct sql_error *error)
{
	pthread_mutex_lock(&relay->lock);

	bool failed = relay->error.kind != SQL_OK;

	if (failed)
		*error = relay->error;
	pthread_mutex_unlock(&relay->lock);
	return failed;
}

/* ---- the socket under TLS ---- */

static ssize_t socket_send(void *arg, const void *bytes, size_t size)
{
	struct relay *relay = arg;
	ssize_t sent = send(relay->socket, bytes, size, MSG_NOSIGNAL);

	if (sent < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	relay->sent_ms = net_now_ms();
	return sent;
}

static ssize_t socket_receive(void *arg, void *bytes, size_t size)
{
	struct relay *relay = arg;
	ssize_t got = recv(relay->socket, bytes, size, 0);

	if (got < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	relay->received_ms = net_now_ms();
	relay->began = true;
	return got;
}

/* ---- downstream ---- */

static int hold(struct relay *relay, const uint8_t *bytes, size_t size)
{
	uint8_t *held = size > TDS_STREAM_LIMIT - relay->held_size ? NULL : realloc(relay->held, relay->held_size + size);

	if (!held)
		return fail(relay, SQL_ERROR_PROTOCOL, NULL, "the answer to the login is too long");
	relay->held = held;
	memcpy(held + relay->held_size, bytes, size);
	relay->held_size += size;
	return 0;
}

/* The reply to a login is whole: FreeTDS gets it unless it would lead astray. */
static int look_through_login(struct relay *relay)
{
	struct tds_login_reply reply;

	if (tds_scan_login(relay->stream.kept, relay->stream.kept_size, &reply))
		return fail(relay, SQL_ERROR_PROTOCOL, NULL, "the answer to the login is no TDS");
	if (reply.redirected)
		return fail(relay, SQL_ERROR_REDIRECT, reply.target,
			"the server sends its clients on to another one, which nobody has vouched for: name that one as the host");
	if (reply.packet_size > TDS_PACKET_SIZE || (reply.packet_size && reply.packet_size < 512))
		return fail(relay, SQL_ERROR_PROTOCOL, NULL, "the server wants packets of a size that cannot be");
	atomic_store(&relay->server_version, reply.version);
	if (reply.packet_size)
		atomic_store(&relay->packet_size, (int)reply.packet_size);
	relay->logged_in = reply.accepted;
	relay->stream.collect_all = !reply.accepted;
	relay->out = relay->held;
	relay->out_size = relay->held_size;
	relay->held_size = 0;
	return 0;
}

static void message_ended(struct relay *relay)
{
	relay->awaiting = false;
	if (relay->attention && tds_stream_acknowledged(&relay->stream))
		relay->attention = false;
	relay->idle_ms = net_now_ms();
}

static int take_record(struct relay *relay, size_t size)
{
	uint64_t before = relay->stream.messages;

	pthread_mutex_lock(&relay->lock);

	int error = tds_stream_pass(&relay->stream, relay->down, size);

	pthread_mutex_unlock(&relay->lock);
	if (error)
		return fail(relay, error == -ENOMEM ? SQL_ERROR_MEMORY : SQL_ERROR_PROTOCOL, NULL, "what came is no TDS");
	atomic_fetch_add_explicit(&relay->received, size, memory_order_relaxed);

	bool ended = relay->stream.messages != before;

	if (ended && !relay->stream.in_message)
		message_ended(relay);
	if (relay->logged_in) {
		relay->out = relay->down;
		relay->out_size = size;
		return 0;
	}
	error = hold(relay, relay->down, size);
	return error || !ended ? error : look_through_login(relay);
}

/* 1 where all is delivered, 0 where the local side takes no more for now. */
static int deliver(struct relay *relay)
{
	while (relay->out_size) {
		/* Taken before: what follows from the delivery must not be earlier than it. */
		int64_t now = net_now_ms();
		ssize_t sent = send(relay->local, relay->out, relay->out_size, MSG_NOSIGNAL);

		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (sent < 0)
			return -ECONNABORTED;
		relay->out += sent;
		relay->out_size -= (size_t)sent;
		/* As long as nobody took what had come, the server was not late with more. */
		relay->received_ms = relay->idle_ms = now;
	}
	return 1;
}

static int pump_down(struct relay *relay)
{
	for (int i = 0; i < RECORDS_A_TURN; i++) {
		int delivered = deliver(relay);

		if (delivered <= 0)
			return delivered;

		ssize_t got = tls_read(relay->tls, relay->down, sizeof(relay->down));

		if (got == -EAGAIN)
			return 0;
		if (got < 0)
			return fail_tls(relay);
		if (got == 0)
			return fail(relay, SQL_ERROR_LOST, NULL, "the server closed the connection");

		int error = take_record(relay, (size_t)got);

		if (error)
			return error;
	}
	return deliver(relay) < 0 ? -ECONNABORTED : 0;
}

/* ---- upstream ---- */

static void request_sent(struct relay *relay, enum tds_packet_type type, int64_t now)
{
	relay->began = false;
	if (type == TDS_ATTENTION) {
		relay->attention = true;
		relay->attention_ms = now;
	} else {
		relay->awaiting = true;
		relay->request_ms = now;
	}
}

static int answer_prelogin(struct relay *relay)
{
	if (relay->prelogin_answered)
		return fail(relay, SQL_ERROR_PROTOCOL, NULL, "FreeTDS began a TLS handshake of its own");
	relay->prelogin_answered = true;
	tds_put_header(relay->down, TDS_REPLY, true, relay->connect.prelogin_size, 1);
	memcpy(relay->down + TDS_HEADER_SIZE, relay->connect.prelogin, relay->connect.prelogin_size);
	relay->out = relay->down;
	relay->out_size = TDS_HEADER_SIZE + relay->connect.prelogin_size;
	return 0;
}

static int send_packet(struct relay *relay, uint8_t *packet, size_t length)
{
	if (packet[0] == TDS_PRELOGIN)
		return answer_prelogin(relay);

	int64_t now = net_now_ms();

	if (!relay->up_blocked)
		relay->sent_ms = now;

	int error = tls_write(relay->tls, packet, length);

	relay->up_blocked = error == -EAGAIN;
	if (relay->up_blocked)
		return -EAGAIN;
	if (error)
		return fail_tls(relay);
	if ((packet[1] & TDS_STATUS_EOM) || packet[0] == TDS_ATTENTION)
		request_sent(relay, packet[0], now);
	if (packet[0] == TDS_LOGIN7)
		explicit_bzero(packet, length);
	return 0;
}

static int send_packets(struct relay *relay)
{
	while (relay->up_end - relay->up_start >= TDS_HEADER_SIZE) {
		uint8_t *packet = relay->up + relay->up_start;
		size_t length = tds_packet_length(packet);

		if (length < TDS_HEADER_SIZE || length > TDS_PACKET_SIZE)
			return fail(relay, SQL_ERROR_PROTOCOL, NULL, "FreeTDS sent a packet of an impossible size");
		if (length > relay->up_end - relay->up_start)
			return 0;

		int error = send_packet(relay, packet, length);

		if (error)
			return error == -EAGAIN ? 0 : error;
		relay->up_start += length;
	}
	return 0;
}

static void make_room(struct relay *relay)
{
	size_t size = relay->up_end - relay->up_start;

	if (relay->up_start && (!size || relay->up_start >= UP_SIZE / 2)) {
		memmove(relay->up, relay->up + relay->up_start, size);
		relay->up_start = 0;
		relay->up_end = size;
	}
}

static int pump_up(struct relay *relay)
{
	if (!relay->up_blocked) {
		make_room(relay);

		ssize_t got = recv(relay->local, relay->up + relay->up_end, UP_SIZE - relay->up_end, 0);

		if (got < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -ECONNABORTED;
		if (got == 0)
			return -ECONNABORTED;
		relay->up_end += (size_t)got;
	}
	return send_packets(relay);
}

/* ---- limits ---- */

static bool passed(int64_t since_ms, int seconds, int64_t now)
{
	return seconds > 0 && now - since_ms >= (int64_t)seconds * 1000;
}

static bool idle(const struct relay *relay)
{
	return relay->logged_in && !relay->awaiting && !relay->stream.in_message && !relay->attention && !relay->out_size &&
		!relay->up_blocked;
}

/* FreeTDS 1.3.17 waits for ever where an answer ends too early; nothing else tells that from patience. */
static bool hangs(struct relay *relay, int64_t now)
{
	unsigned call = atomic_load(&relay->calls);
	int unread = 0;

	if (!idle(relay) || !(call & 1) || call != relay->idle_call) {
		relay->idle_call = call;
		relay->idle_ms = now;
		return false;
	}
	if (!passed(relay->idle_ms, RELAY_HANG_SECONDS, now))
		return false;
	return ioctl(relay->local, SIOCOUTQ, &unread) == 0 && unread == 0;
}

static int check_limits(struct relay *relay)
{
	int64_t now = net_now_ms();
	bool waits = !relay->out_size;

	if (!relay->logged_in && now >= relay->login_deadline_ms)
		return fail(relay, SQL_ERROR_TIMEOUT, NULL, "the server did not answer the login in time");
	if (relay->up_blocked && passed(relay->sent_ms, relay->stall_seconds, now))
		return fail(relay, SQL_ERROR_STALLED, NULL, "the server takes no more bytes");
	if (relay->attention) {
		if (waits && passed(relay->attention_ms, RELAY_ATTENTION_SECONDS, now))
			return fail(relay, SQL_ERROR_TIMEOUT, NULL, "the server did not acknowledge the cancel in time");
		return 0;
	}
	if (waits && (relay->stream.in_message || (relay->awaiting && relay->began)) &&
		passed(relay->received_ms, relay->stall_seconds, now))
		return fail(relay, SQL_ERROR_STALLED, NULL, "the server began to answer and stopped");
	if (waits && relay->awaiting && !relay->began &&
		passed(relay->request_ms, atomic_load(&relay->expect_seconds), now))
		return fail(relay, SQL_ERROR_TIMEOUT, NULL, "the server did not answer in time");
	if (hangs(relay, now))
		return fail(relay, SQL_ERROR_PROTOCOL, NULL, "the server's answer ended before it was complete");
	return 0;
}

/* ---- the thread ---- */

static int wait_for_work(struct relay *relay, bool *up)
{
	short tcp = (short)((relay->out_size ? 0 : POLLIN) | (relay->up_blocked ? POLLOUT : 0));
	short local = (short)((relay->up_blocked ? 0 : POLLIN) | (relay->out_size ? POLLOUT : 0));
	struct pollfd items[2] = {
		{ .fd = tcp ? relay->socket : -1, .events = tcp },
		{ .fd = local ? relay->local : -1, .events = local },
	};
	int ready = net_poll(items, 2, TURN_MS);

	*up = relay->up_blocked || (items[1].revents & (POLLIN | POLLHUP | POLLERR));
	return ready < 0 ? ready : 0;
}

static int turn(struct relay *relay)
{
	bool up;
	int error = pump_down(relay);

	if (!error)
		error = check_limits(relay);
	if (!error)
		error = wait_for_work(relay, &up);
	if (!error && up)
		error = pump_up(relay);
	return error;
}

static void *run(void *arg)
{
	struct relay *relay = arg;
	const struct tls_transport transport = { .arg = relay, .send = socket_send, .receive = socket_receive };

	while (sem_wait(&relay->go))
		;
	if (atomic_load(&relay->stopping))
		return NULL;
	tls_set_transport(relay->tls, &transport);
	while (!atomic_load(&relay->stopping) && turn(relay) == 0)
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
		.socket = relay->socket, .tls = relay->tls, .strict = options->strict, .legacy_tls = options->legacy_tls,
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

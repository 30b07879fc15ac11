/* SPDX-License-Identifier: Apache-2.0 */
/* The work of the relay's thread: packets up, packets down, and the time that each may take. */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "agent/net/clock.h"
#include "agent/net/tds_relay_private.h"

#define RECORDS_A_TURN 8 /* downstream, before it is looked whether there is something upstream */
#define TURN_MS 1000

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

void relay_set_transport(struct relay *relay)
{
	const struct tls_transport transport = { .arg = relay, .send = socket_send, .receive = socket_receive };

	tls_set_transport(relay->tls, &transport);
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

	if (relay->up_start && (!size || relay->up_start >= RELAY_UP_SIZE / 2)) {
		memmove(relay->up, relay->up + relay->up_start, size);
		relay->up_start = 0;
		relay->up_end = size;
	}
}

static int pump_up(struct relay *relay)
{
	if (!relay->up_blocked) {
		make_room(relay);

		ssize_t got = recv(relay->local, relay->up + relay->up_end, RELAY_UP_SIZE - relay->up_end, 0);

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

/* ---- a turn ---- */

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

int relay_turn(struct relay *relay)
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

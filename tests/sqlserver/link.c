/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"

int link_open(struct link *link, int fd, struct faults *faults, struct journal *journal)
{
	int on = 1;

	memset(link, 0, offsetof(struct link, plain));
	link->fd = fd;
	link->faults = faults;
	link->journal = journal;
	link->packet_size = PACKET_DEFAULT;
	link->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (link->wake < 0)
		return -errno;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		return -errno;
	return 0;
}

void link_close(struct link *link)
{
	tls_close(link->tls);
	if (link->wake >= 0)
		close(link->wake);
	close(link->fd);
}

void link_cut(struct link *link)
{
	atomic_store(&link->closed, true);
	shutdown(link->fd, SHUT_RDWR);
}

int link_violation(struct link *link, const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	journal_add(link->journal, link->session, JOURNAL_VIOLATION, text);
	return -EPROTO;
}

/* Waits for the socket; -EAGAIN if `wakeable` and woken. */
static int await(struct link *link, short events, bool wakeable)
{
	struct pollfd fds[2] = { { .fd = link->fd, .events = events }, { .fd = link->wake, .events = POLLIN } };

	while (poll(fds, wakeable ? 2 : 1, -1) < 0)
		if (errno != EINTR)
			return -errno;
	if (atomic_load(&link->closed))
		return -ECONNRESET;
	return wakeable && fds[1].revents ? -EAGAIN : 0;
}

static int receive_bytes(struct link *link, uint8_t *to, size_t capacity, bool wakeable)
{
	for (;;) {
		ssize_t got = recv(link->fd, to, capacity, 0);

		if (atomic_load(&link->closed) || got == 0)
			return -ECONNRESET;
		if (got > 0)
			return (int)got;
		if (errno != EAGAIN && errno != EINTR)
			return -ECONNRESET;
		int error = await(link, POLLIN, wakeable);
		if (error)
			return error;
	}
}

static int send_bytes(struct link *link, const uint8_t *from, size_t size)
{
	size_t allowed = faults_count_bytes(link->faults, size);
	bool cut = allowed < size;

	while (allowed) {
		ssize_t sent = send(link->fd, from, allowed, MSG_NOSIGNAL);

		if (sent > 0) {
			from += sent;
			allowed -= (size_t)sent;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -ECONNRESET;
		int error = await(link, POLLOUT, false);
		if (error)
			return error;
	}
	if (!cut)
		return atomic_load(&link->closed) ? -ECONNRESET : 0;
	link_cut(link);
	return -ECONNRESET;
}

int link_first_byte(struct link *link, uint8_t *byte)
{
	for (;;) {
		ssize_t got = recv(link->fd, byte, 1, MSG_PEEK);

		if (got == 1)
			return 0;
		if (got == 0 || (errno != EAGAIN && errno != EINTR))
			return -ECONNRESET;
		int error = await(link, POLLIN, false);
		if (error)
			return error;
	}
}

/* Silent for some seconds or for ever; the client's leaving, a kill or the server's end wakes it. */
static int stall(struct link *link, int seconds)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	time_t end = now.tv_sec + seconds;
	while (seconds == STALL_FOR_EVER || now.tv_sec < end) {
		struct pollfd fd = { .fd = link->fd, .events = POLLRDHUP };

		if (poll(&fd, 1, 1000) > 0 || atomic_load(&link->closed))
			return -ECONNRESET;
		clock_gettime(CLOCK_MONOTONIC, &now);
	}
	return 0;
}

/* What a packet just counted brings about. */
struct effect {
	enum packet_fault fault;
	int seconds;
};

static struct effect count_packet(struct link *link, atomic_uint_fast64_t *counter)
{
	struct effect effect = { 0 };

	atomic_fetch_add(counter, 1);
	effect.fault = faults_count_packet(link->faults, link->received + link->sent, &effect.seconds);
	return effect;
}

static int suffer(struct link *link, struct effect effect)
{
	switch (effect.fault) {
	case PACKET_CUT:
		link_cut(link);
		return -ECONNRESET;
	case PACKET_STALL:
		return stall(link, effect.seconds);
	default:
		return 0;
	}
}

static size_t packet_length(const struct link *link)
{
	return get16be(link->plain + link->start + 2);
}

/* Judges the record of `size` bytes that has just been put at link->end. */
static int check_record(struct link *link, size_t size)
{
	size_t held = link->end - link->start;

	if (!link->record_rules)
		return 0;
	if (size > link->packet_size)
		return link_violation(
			link, "a TLS record of %zu bytes exceeds the negotiated packet of %u", size, link->packet_size);
	if (faults_settings(link->faults).loose_records)
		return 0;
	if (held || size < PACKET_HEADER || get16be(link->plain + link->end + 2) != size)
		return link_violation(link, "a TLS record of %zu bytes is not exactly one TDS packet", size);
	return 0;
}

static int fill_from_tls(struct link *link, bool wakeable)
{
	uint8_t ciphertext[16384];

	for (;;) {
		int got = tls_read_record(link->tls, link->plain + link->end, sizeof(link->plain) - link->end);

		if (got > 0) {
			int error = check_record(link, (size_t)got);

			link->end += (size_t)got;
			return error;
		}
		if (got == 0)
			return -ECONNRESET;
		if (got != -EAGAIN)
			return link_violation(link, "TLS: %s", tls_error(link->tls));
		got = receive_bytes(link, ciphertext, sizeof(ciphertext), wakeable);
		int error = got < 0 ? got : tls_feed(link->tls, ciphertext, (size_t)got);
		if (error)
			return error;
	}
}

/* Clear text is read packet by packet, so that what follows the last one before TLS begins stays in the socket. */
static int fill_from_socket(struct link *link, size_t wanted, bool wakeable)
{
	int got = receive_bytes(link, link->plain + link->end, wanted - (link->end - link->start), wakeable);

	if (got < 0)
		return got;
	link->end += (size_t)got;
	return 0;
}

static int fill(struct link *link, size_t wanted, bool wakeable)
{
	while (link->end - link->start < wanted) {
		int error = link->tls ? fill_from_tls(link, wakeable) : fill_from_socket(link, wanted, wakeable);

		if (error)
			return error;
	}
	return 0;
}

/* PRELOGIN packets that carry TLS may have any size: only what a session sends must fill its packets. */
static int check_packet(struct link *link, const struct packet *packet, size_t length)
{
	if (length > link->packet_size && packet->type != PACKET_PRELOGIN)
		return link_violation(link, "a packet of %zu bytes exceeds the negotiated %u", length, link->packet_size);
	if (!(packet->status & STATUS_EOM) && length != link->packet_size && packet->type != PACKET_PRELOGIN)
		return link_violation(
			link, "a packet of %zu bytes before the end of its message, negotiated are %u", length, link->packet_size);
	if (link->record_rules && length > PACKET_TLS_LIMIT)
		return link_violation(link, "an encrypted packet of %zu bytes", length);
	return 0;
}

static int receive_packet(struct link *link, struct packet *packet, bool wakeable)
{
	memmove(link->plain, link->plain + link->start, link->end - link->start);
	link->end -= link->start;
	link->start = 0;
	int error = fill(link, PACKET_HEADER, wakeable);
	if (error)
		return error;
	size_t length = packet_length(link);
	if (length < PACKET_HEADER || length > PACKET_LIMIT)
		return link_violation(link, "a packet header says %zu bytes", length);
	error = fill(link, length, wakeable);
	if (error)
		return error;
	const uint8_t *header = link->plain + link->start;
	*packet = (struct packet){ header[0], header[1], header + PACKET_HEADER, length - PACKET_HEADER };
	link->start += length;
	error = check_packet(link, packet, length);
	return error ? error : suffer(link, count_packet(link, &link->received));
}

int link_receive(struct link *link, struct packet *packet)
{
	return receive_packet(link, packet, false);
}

int link_wait(struct link *link, struct packet *packet)
{
	return receive_packet(link, packet, true);
}

static int send_pending(struct link *link)
{
	size_t size;
	const uint8_t *pending = tls_pending(link->tls, &size);

	return size ? send_bytes(link, pending, size) : 0;
}

static void put_header(const struct link *link, uint8_t type, uint8_t status, uint8_t *packet, size_t length)
{
	packet[0] = type;
	packet[1] = status;
	put16be(packet + 2, (uint16_t)length);
	put16be(packet + 4, (uint16_t)link->session);
	packet[6] = (uint8_t)(link->sent + 1);
	packet[7] = 0;
}

int link_send(struct link *link, uint8_t type, uint8_t status, uint8_t *packet, size_t size)
{
	int error;

	put_header(link, type, status, packet, PACKET_HEADER + size);
	/* Counted before it leaves: who has received a packet can be sure that it was counted. */
	struct effect effect = count_packet(link, &link->sent);
	if (link->tls && link->record_rules) {
		error = tls_write(link->tls, packet, PACKET_HEADER + size);
		if (!error)
			error = send_pending(link);
	} else {
		error = send_bytes(link, packet, PACKET_HEADER + size);
	}
	return error ? error : suffer(link, effect);
}

/* Sends a handshake flight as one PRELOGIN message, split only where it exceeds a packet. */
static int send_wrapped_flight(struct link *link, struct tls_channel *tls)
{
	uint8_t packet[PACKET_DEFAULT];
	size_t size, room = sizeof(packet) - PACKET_HEADER;
	const uint8_t *flight = tls_pending(tls, &size);

	while (size) {
		size_t part = size < room ? size : room;

		memcpy(packet + PACKET_HEADER, flight, part);
		int error = link_send(link, PACKET_PRELOGIN, part == size ? STATUS_EOM : 0, packet, part);
		if (error)
			return error;
		flight += part;
		size -= part;
	}
	return 0;
}

static int finish_handshake(struct link *link, struct tls_channel *tls, int done)
{
	if (done < 0)
		journal_addf(link->journal, 0, JOURNAL_TLS, "handshake failed: %s", tls_error(tls));
	if (done <= 0)
		return -ECONNRESET;
	link->record_rules = true;
	return 0;
}

int link_start_wrapped_tls(struct link *link, struct tls_server *server)
{
	struct tls_channel *tls;
	struct packet packet;
	int done = 0, error = tls_open(&tls, server, false);

	while (!error && !done) {
		error = link_receive(link, &packet);
		if (!error && packet.type != PACKET_PRELOGIN)
			error = link_violation(link, "a packet of type 0x%02x in a TLS handshake", packet.type);
		if (!error)
			error = tls_feed(tls, packet.payload, packet.size);
		if (error)
			break;
		done = tls_handshake(tls);
		error = send_wrapped_flight(link, tls);
	}
	if (!error)
		error = finish_handshake(link, tls, done);
	if (error) {
		tls_close(tls);
		return error;
	}
	link->tls = tls;
	return 0;
}

int link_start_tls(struct link *link, struct tls_server *server)
{
	uint8_t ciphertext[4096];
	int done = 0, error = tls_open(&link->tls, server, true);

	while (!error && !done) {
		int got = receive_bytes(link, ciphertext, sizeof(ciphertext), false);

		error = got < 0 ? got : tls_feed(link->tls, ciphertext, (size_t)got);
		if (error)
			break;
		done = tls_handshake(link->tls);
		error = send_pending(link);
	}
	if (!error)
		error = finish_handshake(link, link->tls, done);
	if (!error && !tls_is_tds8(link->tls))
		error = link_violation(link, "TLS first, but the client does not offer the ALPN tds/8.0");
	return error;
}

void link_stop_tls(struct link *link)
{
	tls_close(link->tls);
	link->tls = NULL;
	link->record_rules = false;
}

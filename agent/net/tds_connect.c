/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/net/tds_connect.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/net/clock.h"

#define FLIGHT_MAX 8192 /* a client's flight without a certificate of its own has some hundred bytes */

/* The handshake's bytes on their way through PRELOGIN packets: a flight out is one packet, one write. */
struct wrapping {
	struct tds_connect *connect;
	uint8_t flight[TDS_HEADER_SIZE + FLIGHT_MAX];
	size_t flight_size; /* payload collected */
	size_t left;        /* payload left in the packet that is being read */
};

static const char too_old[] =
	"the server speaks only TLS 1.0 or 1.1, which are not safe. Install the SQL Server update "
	"that brings TLS 1.2 (KB 3135244: SQL Server 2014 SP1 CU5 or RTM CU12, 2012 SP3 CU1 or SP2 CU10, 2008 R2 SP3), or "
	"accept the risk for this server alone with legacy_tls = yes";

int tds_tls_error(const struct tls *tls, struct sql_error *error)
{
	const char *detail = tls_detail(tls), *names = tls_certificate_names(tls);

	switch (tls_problem(tls)) {
	case TLS_PROBLEM_OLD:
		return sql_error_set(error, SQL_ERROR_TLS_OLD, NULL, "%s", too_old);
	case TLS_PROBLEM_CERTIFICATE:
	case TLS_PROBLEM_SETTINGS:
		return sql_error_set(error, SQL_ERROR_CERTIFICATE, names, "%s", detail);
	case TLS_PROBLEM_NAME:
		return sql_error_set(error, SQL_ERROR_NAME, names, "%s", detail);
	case TLS_PROBLEM_PIN:
		return sql_error_set(error, SQL_ERROR_PIN, names, "%s", detail);
	case TLS_PROBLEM_LOST:
		return sql_error_set(error, SQL_ERROR_LOST, NULL, "%s", detail);
	case TLS_PROBLEM_TIMEOUT:
		return sql_error_set(error, SQL_ERROR_TIMEOUT, NULL, "the server did not finish the handshake in time");
	default:
		return sql_error_set(error, SQL_ERROR_TLS, NULL, "%s", detail);
	}
}

/* ---- blocking input and output, up to the deadline ---- */

static int wait_until_deadline(struct tds_connect *connect, short events)
{
	return net_wait(connect->socket, events, connect->deadline_ms);
}

static int send_all(struct tds_connect *connect, const uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t sent = send(connect->socket, bytes, size, MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (sent < 0) {
			int error = wait_until_deadline(connect, POLLOUT);

			if (error)
				return error;
			continue;
		}
		bytes += sent;
		size -= (size_t)sent;
	}
	return 0;
}

static ssize_t receive_some(struct tds_connect *connect, void *bytes, size_t size)
{
	for (;;) {
		ssize_t got = recv(connect->socket, bytes, size, 0);

		if (got >= 0)
			return got;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;

		int error = wait_until_deadline(connect, POLLIN);

		if (error)
			return error;
	}
}

static int receive_all(struct tds_connect *connect, uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t got = receive_some(connect, bytes, size);

		if (got <= 0)
			return got ? (int)got : -ECONNRESET;
		bytes += got;
		size -= (size_t)got;
	}
	return 0;
}

static int explain(struct sql_error *error, int code, const char *doing)
{
	if (code == -ETIMEDOUT)
		return sql_error_set(error, SQL_ERROR_TIMEOUT, NULL, "no answer in time to %s", doing);
	if (code == -EPROTO)
		return sql_error_set(error, SQL_ERROR_PROTOCOL, NULL, "what came in answer to %s is no TDS", doing);
	return sql_error_set(error, SQL_ERROR_LOST, NULL, "the connection ended during %s: %s", doing, strerror(-code));
}

/* ---- TLS inside PRELOGIN packets (TDS 7) ---- */

static ssize_t wrapped_send(void *arg, const void *bytes, size_t size)
{
	struct wrapping *wrapping = arg;

	if (size > FLIGHT_MAX - wrapping->flight_size)
		return -EMSGSIZE;
	memcpy(wrapping->flight + TDS_HEADER_SIZE + wrapping->flight_size, bytes, size);
	wrapping->flight_size += size;
	return (ssize_t)size;
}

static int flush_flight(struct wrapping *wrapping)
{
	size_t size = wrapping->flight_size;

	if (!size)
		return 0;
	wrapping->flight_size = 0;
	tds_put_header(wrapping->flight, TDS_PRELOGIN, true, size, 1);
	return send_all(wrapping->connect, wrapping->flight, TDS_HEADER_SIZE + size);
}

static int next_packet(struct wrapping *wrapping)
{
	uint8_t header[TDS_HEADER_SIZE];
	int error = receive_all(wrapping->connect, header, sizeof(header));

	if (error)
		return error;
	if ((header[0] != TDS_PRELOGIN && header[0] != TDS_REPLY) || tds_packet_length(header) < TDS_HEADER_SIZE)
		return -EPROTO;
	wrapping->left = tds_packet_length(header) - TDS_HEADER_SIZE;
	return 0;
}

static ssize_t wrapped_receive(void *arg, void *bytes, size_t size)
{
	struct wrapping *wrapping = arg;
	int error = flush_flight(wrapping);

	while (!error && !wrapping->left)
		error = next_packet(wrapping);
	if (error)
		return error;

	ssize_t got = receive_some(wrapping->connect, bytes, size < wrapping->left ? size : wrapping->left);

	if (got > 0)
		wrapping->left -= (size_t)got;
	return got;
}

static int handshake_inside_prelogin(struct tds_connect *connect, struct sql_error *error)
{
	struct wrapping wrapping = { .connect = connect };
	const struct tls_transport transport = { .arg = &wrapping, .send = wrapped_send, .receive = wrapped_receive };

	tls_set_transport(connect->tls, &transport);

	int result = tls_handshake(connect->tls);
	int flushed = flush_flight(&wrapping); /* the last message, or the alert that says why not */

	if (result)
		return tds_tls_error(connect->tls, error);
	if (wrapping.left)
		return sql_error_set(error, SQL_ERROR_PROTOCOL, NULL, "bytes were left over after the TLS handshake");
	return flushed ? explain(error, flushed, "the TLS handshake") : 0;
}

/* ---- PRELOGIN ---- */

static int send_prelogin(struct tds_connect *connect, enum tds_encryption encryption,
	int (*send_bytes)(struct tds_connect *, const uint8_t *, size_t))
{
	uint8_t packet[TDS_HEADER_SIZE + 64];
	size_t size = tds_prelogin_request(packet + TDS_HEADER_SIZE, encryption);

	tds_put_header(packet, TDS_PRELOGIN, true, size, 1);
	return send_bytes(connect, packet, TDS_HEADER_SIZE + size);
}

/* One packet, which is whole: no server has more to say in PRELOGIN. */
static int receive_prelogin(struct tds_connect *connect, int (*receive_bytes)(struct tds_connect *, uint8_t *, size_t))
{
	uint8_t header[TDS_HEADER_SIZE];
	int error = receive_bytes(connect, header, sizeof(header));

	if (error)
		return error;

	size_t length = tds_packet_length(header);

	if (header[0] != TDS_REPLY || !(header[1] & TDS_STATUS_EOM) || length < TDS_HEADER_SIZE ||
		length - TDS_HEADER_SIZE > sizeof(connect->prelogin))
		return -EPROTO;
	connect->prelogin_size = length - TDS_HEADER_SIZE;
	return receive_bytes(connect, connect->prelogin, connect->prelogin_size);
}

static int clear_prelogin(struct tds_connect *connect, struct sql_error *error)
{
	int result = send_prelogin(connect, TDS_ENCRYPT_ON, send_all);

	if (!result)
		result = receive_prelogin(connect, receive_all);
	if (result)
		return explain(error, result, "PRELOGIN (a server that demands TDS 8.0 hangs up here: encrypt = strict)");

	int at = tds_prelogin_encryption(connect->prelogin, connect->prelogin_size);

	if (at < 0)
		return explain(error, -EPROTO, "PRELOGIN");

	uint8_t answer = connect->prelogin[at];

	/* All of this came in clear, so anybody may have written it: there is one answer that we go on with. */
	if (answer != TDS_ENCRYPT_ON && answer != TDS_ENCRYPT_REQUIRED)
		return sql_error_set(error, SQL_ERROR_NO_ENCRYPTION, NULL,
			"the server, or someone between, answered that it would not encrypt (ENCRYPTION %u)", answer);
	return 0;
}

/* ---- TDS 8.0: TLS first ---- */

static ssize_t plain_send(void *arg, const void *bytes, size_t size)
{
	int error = send_all(arg, bytes, size);

	return error ? error : (ssize_t)size;
}

static ssize_t plain_receive(void *arg, void *bytes, size_t size)
{
	return receive_some(arg, bytes, size);
}

static int send_tls(struct tds_connect *connect, const uint8_t *bytes, size_t size)
{
	return tls_write(connect->tls, bytes, size);
}

static int receive_tls(struct tds_connect *connect, uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t got = tls_read(connect->tls, bytes, size);

		if (got <= 0)
			return got ? (int)got : -ECONNRESET;
		bytes += got;
		size -= (size_t)got;
	}
	return 0;
}

static int connect_strict(struct tds_connect *connect, struct sql_error *error)
{
	const struct tls_transport transport = { .arg = connect, .send = plain_send, .receive = plain_receive };

	tls_set_transport(connect->tls, &transport);
	if (tls_handshake(connect->tls))
		return tds_tls_error(connect->tls, error);

	int result = send_prelogin(connect, TDS_ENCRYPT_NOT_SUPPORTED, send_tls);

	if (!result)
		result = receive_prelogin(connect, receive_tls);
	if (tls_problem(connect->tls))
		return tds_tls_error(connect->tls, error);
	return result ? explain(error, result, "PRELOGIN") : 0;
}

int tds_connect(struct tds_connect *connect, struct sql_error *error)
{
	int result = connect->strict ? connect_strict(connect, error) : clear_prelogin(connect, error);

	if (!result && !connect->strict)
		result = handshake_inside_prelogin(connect, error);
	if (result)
		return result;

	/* FreeTDS is to believe that there is no encryption here, and to leave it to us. */
	int at = tds_prelogin_encryption(connect->prelogin, connect->prelogin_size);

	if (at < 0)
		return explain(error, -EPROTO, "PRELOGIN");
	connect->prelogin[at] = TDS_ENCRYPT_NOT_SUPPORTED;
	return 0;
}

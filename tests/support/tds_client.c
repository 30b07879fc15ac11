/* SPDX-License-Identifier: Apache-2.0 */
#include "tds_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { HEADER = 8, PRELOGIN = 0x12, LOGIN7 = 0x10, BATCH = 0x01, EOM = 0x01 };

void tds_put(struct tds_bytes *bytes, const void *data, size_t size)
{
	if (bytes->size + size > bytes->capacity) {
		bytes->capacity = (bytes->size + size) * 2 + 64;
		bytes->data = realloc(bytes->data, bytes->capacity);
		assert_non_null(bytes->data);
	}
	if (size)
		memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

static void put_little(struct tds_bytes *bytes, uint64_t value, size_t size)
{
	uint8_t little[8];

	for (size_t i = 0; i < size; i++)
		little[i] = (uint8_t)(value >> 8 * i);
	tds_put(bytes, little, size);
}

void tds_put8(struct tds_bytes *bytes, unsigned value)
{
	put_little(bytes, value, 1);
}

void tds_put16(struct tds_bytes *bytes, unsigned value)
{
	put_little(bytes, value, 2);
}

void tds_put32(struct tds_bytes *bytes, uint32_t value)
{
	put_little(bytes, value, 4);
}

void tds_put64(struct tds_bytes *bytes, uint64_t value)
{
	put_little(bytes, value, 8);
}

void tds_put_ascii(struct tds_bytes *bytes, const char *text)
{
	for (; *text; text++)
		tds_put16(bytes, (uint8_t)*text);
}

void tds_free(struct tds_bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct tds_bytes){ 0 };
}

void tds_put_headers(struct tds_bytes *bytes, const struct tds_client *client)
{
	tds_put32(bytes, 22);
	tds_put32(bytes, 18);
	tds_put16(bytes, 2);
	tds_put64(bytes, client->descriptor);
	tds_put32(bytes, 1);
}

static bool send_all(int fd, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		data += sent;
		size -= (size_t)sent;
	}
	return true;
}

static bool receive_all(int fd, uint8_t *data, size_t size)
{
	while (size) {
		ssize_t got = recv(fd, data, size, 0);

		if (got <= 0)
			return false;
		data += got;
		size -= (size_t)got;
	}
	return true;
}

static void make_header(struct tds_client *client, uint8_t *header, uint8_t type, uint8_t status, size_t length)
{
	const uint8_t bytes[HEADER] = { type, status, (uint8_t)(length >> 8), (uint8_t)length, 0, 0, ++client->id, 0 };

	memcpy(header, bytes, sizeof(bytes));
}

/* A handshake flight leaves as one PRELOGIN packet, when the other side's answer is wanted. */
static int send_flight(struct tds_client *client)
{
	uint8_t packet[HEADER + sizeof(client->flight)];
	size_t size = client->flight_size;

	client->flight_size = 0;
	if (size == 0)
		return 0;
	make_header(client, packet, PRELOGIN, EOM, HEADER + size);
	memcpy(packet + HEADER, client->flight, size);
	return send_all(client->fd, packet, HEADER + size) ? 0 : -1;
}

static int give(void *context, const unsigned char *from, size_t size)
{
	struct tds_client *client = context;

	if (!client->wrapping)
		return send_all(client->fd, from, size) ? (int)size : MBEDTLS_ERR_SSL_CONN_EOF;
	assert_true(client->flight_size + size <= sizeof(client->flight));
	memcpy(client->flight + client->flight_size, from, size);
	client->flight_size += size;
	return (int)size;
}

static int take_wrapped(struct tds_client *client)
{
	uint8_t header[HEADER];

	if (send_flight(client) || !receive_all(client->fd, header, HEADER))
		return -1;
	assert_int_equal(header[0], PRELOGIN);
	client->wrapped_start = 0;
	client->wrapped_end = (size_t)(header[2] << 8 | header[3]) - HEADER;
	return receive_all(client->fd, client->wrapped, client->wrapped_end) ? 0 : -1;
}

static int take(void *context, unsigned char *to, size_t size)
{
	struct tds_client *client = context;

	if (!client->wrapping) {
		ssize_t got = recv(client->fd, to, size, 0);

		return got > 0 ? (int)got : MBEDTLS_ERR_SSL_CONN_EOF;
	}
	if (client->wrapped_start == client->wrapped_end && take_wrapped(client))
		return MBEDTLS_ERR_SSL_CONN_EOF;
	if (size > client->wrapped_end - client->wrapped_start)
		size = client->wrapped_end - client->wrapped_start;
	memcpy(to, client->wrapped + client->wrapped_start, size);
	client->wrapped_start += size;
	return (int)size;
}

static int fill_random(void *context, unsigned char *to, size_t size)
{
	(void)context;
	return getrandom(to, size, 0) == (ssize_t)size ? 0 : -1;
}

static bool handshake(struct tds_client *client)
{
	static const char *protocols[] = { "tds/8.0", NULL };

	mbedtls_ssl_config_init(&client->config);
	mbedtls_ssl_init(&client->ssl);
	assert_int_equal(mbedtls_ssl_config_defaults(&client->config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
						 MBEDTLS_SSL_PRESET_DEFAULT),
		0);
	mbedtls_ssl_conf_rng(&client->config, fill_random, NULL);
	mbedtls_ssl_conf_authmode(&client->config, MBEDTLS_SSL_VERIFY_NONE);
	if (client->security == TDS_STRICT)
		assert_int_equal(mbedtls_ssl_conf_alpn_protocols(&client->config, protocols), 0);
	assert_int_equal(mbedtls_ssl_setup(&client->ssl, &client->config), 0);
	mbedtls_ssl_set_bio(&client->ssl, client, give, take, NULL);
	client->encrypted = true;
	client->wrapping = client->security < TDS_STRICT;
	bool done = mbedtls_ssl_handshake(&client->ssl) == 0 && send_flight(client) == 0;
	client->wrapping = false;
	return done;
}

static int prelogin(struct tds_client *client)
{
	static const uint8_t wishes[] = {
		[TDS_CLEAR] = 2, [TDS_LOGIN_ONLY] = 0, [TDS_ENCRYPTED] = 1, [TDS_STRICT] = 2, [TDS_NO_ALPN] = 2
	};
	const uint8_t options[] = { 0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 9, 0, 0, 0, 0, 0, wishes[client->security] };
	struct tds_bytes answer = { 0 };
	int encryption = -1;

	if (tds_send_packet(client, PRELOGIN, EOM, options, sizeof(options)) && tds_receive(client, &answer)) {
		assert_int_equal(answer.data[5], 1); /* the second option is ENCRYPTION */
		encryption = answer.data[answer.data[6] << 8 | answer.data[7]];
	}
	tds_free(&answer);
	return encryption;
}

int tds_connect(struct tds_client *client, uint16_t port, enum tds_security security)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	const struct timeval patience = { .tv_sec = 20 };

	memset(client, 0, sizeof(*client));
	client->security = security;
	client->packet_size = 4096;
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* A server that never answers fails the test instead of hanging it. */
	assert_int_equal(setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(connect(client->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (security >= TDS_STRICT && !handshake(client))
		return -1;
	int encryption = prelogin(client);
	if (encryption < 0 || encryption == 2 || security >= TDS_STRICT)
		return encryption;
	return security == TDS_CLEAR || handshake(client) ? encryption : -1;
}

static void stop_encryption(struct tds_client *client)
{
	mbedtls_ssl_free(&client->ssl);
	mbedtls_ssl_config_free(&client->config);
	client->encrypted = false;
}

void tds_close(struct tds_client *client)
{
	if (client->encrypted)
		stop_encryption(client);
	close(client->fd);
}

bool tds_send_raw(struct tds_client *client, const void *data, size_t size)
{
	if (client->encrypted)
		return mbedtls_ssl_write(&client->ssl, data, size) == (int)size;
	return send_all(client->fd, data, size);
}

bool tds_send_packet(struct tds_client *client, uint8_t type, uint8_t status, const void *payload, size_t size)
{
	uint8_t packet[65536];

	make_header(client, packet, type, status, HEADER + size);
	if (size)
		memcpy(packet + HEADER, payload, size);
	return tds_send_raw(client, packet, HEADER + size);
}

bool tds_send(struct tds_client *client, uint8_t type, const struct tds_bytes *message)
{
	size_t room = client->packet_size - HEADER, at = 0;

	for (;;) {
		size_t part = message->size - at < room ? message->size - at : room;
		bool last = at + part == message->size;

		if (!tds_send_packet(client, type, last ? EOM : 0, message->data + at, part))
			return false;
		if (last)
			return true;
		at += part;
	}
}

bool tds_send_batch(struct tds_client *client, const char *text)
{
	struct tds_bytes message = { 0 };

	tds_put_headers(&message, client);
	tds_put_ascii(&message, text);
	bool sent = tds_send(client, BATCH, &message);
	tds_free(&message);
	return sent;
}

static bool receive_exactly(struct tds_client *client, uint8_t *to, size_t size)
{
	if (!client->encrypted)
		return receive_all(client->fd, to, size);
	while (size) {
		int got = mbedtls_ssl_read(&client->ssl, to, size);

		if (got <= 0)
			return false;
		to += got;
		size -= (size_t)got;
	}
	return true;
}

int tds_receive_packet(struct tds_client *client, struct tds_bytes *payload)
{
	uint8_t header[HEADER], bytes[65536];

	if (!receive_exactly(client, header, HEADER))
		return -1;
	size_t length = (size_t)(header[2] << 8 | header[3]);
	assert_true(length >= HEADER && length <= client->packet_size);
	if (!receive_exactly(client, bytes, length - HEADER))
		return -1;
	tds_put(payload, bytes, length - HEADER);
	return header[1];
}

bool tds_receive(struct tds_client *client, struct tds_bytes *message)
{
	message->size = 0;
	for (;;) {
		int status = tds_receive_packet(client, message);

		if (status < 0)
			return false;
		if (status & EOM)
			return true;
	}
}

static void put_field(struct tds_bytes *message, size_t at, const char *text, bool secret)
{
	size_t start = message->size, length = text ? strlen(text) : 0;

	message->data[at] = (uint8_t)start;
	message->data[at + 1] = (uint8_t)(start >> 8);
	message->data[at + 2] = (uint8_t)length;
	tds_put_ascii(message, text ? text : "");
	for (size_t i = start; secret && i < message->size; i++)
		message->data[i] = (uint8_t)((message->data[i] << 4 | message->data[i] >> 4) ^ 0xa5);
}

static void build_login(struct tds_bytes *message, const struct tds_login *login)
{
	static const uint8_t zeros[94];

	tds_put(message, zeros, 4);
	tds_put32(message, login->tds_version ? login->tds_version : 0x74000004);
	tds_put32(message, login->packet_size ? login->packet_size : 4096);
	tds_put(message, zeros, 13);
	tds_put8(message, login->odbc ? 0x03 : 0x01);
	tds_put(message, zeros, 68);
	put_field(message, 36, "test", false);
	put_field(message, 40, login->user, false);
	put_field(message, 44, login->password, true);
	put_field(message, 48, "unit test", false);
	put_field(message, 68, login->database, false);
	message->data[0] = (uint8_t)message->size;
	message->data[1] = (uint8_t)(message->size >> 8);
}

bool tds_login(struct tds_client *client, const struct tds_login *login, struct tds_bytes *answer)
{
	struct tds_bytes message = { 0 };

	build_login(&message, login);
	bool sent = tds_send(client, LOGIN7, &message);
	tds_free(&message);
	if (client->security == TDS_LOGIN_ONLY)
		stop_encryption(client);
	if (!sent || !tds_receive(client, answer))
		return false;
	if (login->packet_size)
		client->packet_size = login->packet_size;
	return true;
}

bool tds_has_message(const struct tds_bytes *message, int32_t number)
{
	for (size_t i = 0; i + 7 <= message->size; i++)
		if ((message->data[i] == 0xaa || message->data[i] == 0xab) && !memcmp(message->data + i + 3, &number, 4))
			return true;
	return false;
}

int tds_last_done(const struct tds_bytes *message, uint64_t *rows)
{
	if (message->size < 13)
		return -1;
	const uint8_t *done = message->data + message->size - 13;
	if (done[0] < 0xfd)
		return -1;
	if (rows)
		memcpy(rows, done + 5, 8);
	return done[1] | done[2] << 8;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tls_peer.h"

#include <arpa/inet.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/sha256.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FLIGHT_MAX 16000

struct tls_peer {
	pthread_t thread;
	struct tls_peer_options options;
	int socket, listener;
	bool wrapped, complete;
	uint8_t flight[8 + FLIGHT_MAX];
	size_t flight_size, left;
	const char *alpn[2];
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config config;
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context random;
	mbedtls_x509_crt certificate;
	mbedtls_pk_context key;
};

/* ---- files ---- */

static const char *directory(void)
{
	static char path[64];

	if (!path[0]) {
		char command[300];

		snprintf(path, sizeof(path), "/tmp/coffret-certificates.%d", (int)getuid());
		snprintf(
			command, sizeof(command), "mkdir -p %s && flock %s sh tests/support/certificates %s", path, path, path);
		if (system(command)) {
			fprintf(stderr, "tests/support/certificates failed\n");
			abort();
		}
	}
	return path;
}

static void path_of(char path[128], const char *name)
{
	snprintf(path, 128, "%s/%s", directory(), name);
}

const char *tls_peer_path(const char *name)
{
	static char paths[4][128];
	static unsigned next;
	char *path = paths[next++ % 4];

	path_of(path, name);
	return path;
}

char *tls_peer_file(const char *name)
{
	char path[128], *text = calloc(1, 65536);

	path_of(path, name);

	FILE *file = fopen(path, "r");

	if (!file || !text || !fread(text, 1, 65535, file))
		abort();
	fclose(file);
	return text;
}

void tls_peer_sha256(const char *name, uint8_t sha256[32])
{
	mbedtls_x509_crt certificate;
	char path[128];

	path_of(path, name);
	mbedtls_x509_crt_init(&certificate);
	if (mbedtls_x509_crt_parse_file(&certificate, path) ||
		mbedtls_sha256_ret(certificate.raw.p, certificate.raw.len, sha256, 0))
		abort();
	mbedtls_x509_crt_free(&certificate);
}

/* ---- the transport ---- */

static bool write_all(int fd, const uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		bytes += sent;
		size -= (size_t)sent;
	}
	return true;
}

static bool read_all(int fd, uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t got = recv(fd, bytes, size, 0);

		if (got <= 0)
			return false;
		bytes += got;
		size -= (size_t)got;
	}
	return true;
}

static void put_header(uint8_t *header, uint8_t type, bool last, size_t payload)
{
	const uint8_t bytes[8] = { type, last, (uint8_t)((payload + 8) >> 8), (uint8_t)(payload + 8), 0, 0, 1, 0 };

	memcpy(header, bytes, sizeof(bytes));
}

static bool flush(struct tls_peer *peer)
{
	size_t size = peer->flight_size;

	peer->flight_size = 0;
	if (!size)
		return true;
	put_header(peer->flight, 0x12, true, size);
	return write_all(peer->socket, peer->flight, 8 + size);
}

static int peer_send(void *arg, const unsigned char *bytes, size_t size)
{
	struct tls_peer *peer = arg;

	if (!peer->wrapped)
		return write_all(peer->socket, bytes, size) ? (int)size : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
	if (size > FLIGHT_MAX - peer->flight_size)
		abort();
	memcpy(peer->flight + 8 + peer->flight_size, bytes, size);
	peer->flight_size += size;
	return (int)size;
}

static int peer_receive(void *arg, unsigned char *bytes, size_t size)
{
	struct tls_peer *peer = arg;
	uint8_t header[8];

	if (peer->wrapped) {
		if (!flush(peer))
			return 0;
		if (!peer->left) {
			if (!read_all(peer->socket, header, 8))
				return 0;
			peer->left = (size_t)(header[2] << 8 | header[3]) - 8;
		}
		size = size < peer->left ? size : peer->left;
	}

	ssize_t got = recv(peer->socket, bytes, size, 0);

	if (got < 0)
		return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
	if (peer->wrapped)
		peer->left -= (size_t)got;
	return (int)got;
}

/* ---- PRELOGIN ---- */

static bool answer_prelogin(struct tls_peer *peer)
{
	uint8_t packet[512],
		good[] = {
			0,
			0,
			11,
			0,
			6,
			1,
			0,
			17,
			0,
			1,
			0xff,
			15,
			0,
			0x10,
			0x40,
			0,
			0,
			(uint8_t)peer->options.encryption,
		};
	const uint8_t *answer = peer->options.prelogin_answer ? peer->options.prelogin_answer : good;
	size_t size = peer->options.prelogin_answer ? peer->options.prelogin_answer_size : sizeof(good);

	if (peer->options.encryption < 0)
		good[17] = 1;
	if (!read_all(peer->socket, packet, 8) || packet[0] != 0x12)
		return false;
	if (!read_all(peer->socket, packet + 8, (size_t)(packet[2] << 8 | packet[3]) - 8))
		return false;
	put_header(packet, 0x04, true, size);
	memcpy(packet + 8, answer, size);
	return write_all(peer->socket, packet, 8 + size);
}

/* ---- the thread ---- */

static void set_up(struct tls_peer *peer)
{
	char path[128];
	int versions[] = { MBEDTLS_SSL_MINOR_VERSION_1, MBEDTLS_SSL_MINOR_VERSION_2, MBEDTLS_SSL_MINOR_VERSION_3 };
	int maximum = peer->options.maximum ? versions[peer->options.maximum - 10] : MBEDTLS_SSL_MINOR_VERSION_3;

	mbedtls_ssl_init(&peer->ssl);
	mbedtls_ssl_config_init(&peer->config);
	mbedtls_entropy_init(&peer->entropy);
	mbedtls_ctr_drbg_init(&peer->random);
	mbedtls_x509_crt_init(&peer->certificate);
	mbedtls_pk_init(&peer->key);
	path_of(path, peer->options.certificate);
	if (mbedtls_x509_crt_parse_file(&peer->certificate, path))
		abort();
	path_of(path, peer->options.key);
	if (mbedtls_pk_parse_keyfile(&peer->key, path, NULL) ||
		mbedtls_ctr_drbg_seed(&peer->random, mbedtls_entropy_func, &peer->entropy, NULL, 0) ||
		mbedtls_ssl_config_defaults(
			&peer->config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT))
		abort();
	mbedtls_ssl_conf_rng(&peer->config, mbedtls_ctr_drbg_random, &peer->random);
	mbedtls_ssl_conf_min_version(&peer->config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_1);
	mbedtls_ssl_conf_cbc_record_splitting(&peer->config, MBEDTLS_SSL_CBC_RECORD_SPLITTING_DISABLED);
	mbedtls_ssl_conf_max_version(&peer->config, MBEDTLS_SSL_MAJOR_VERSION_3, maximum);
	if (peer->options.alpn) {
		peer->alpn[0] = peer->options.alpn;
		mbedtls_ssl_conf_alpn_protocols(&peer->config, peer->alpn);
	}
	if (mbedtls_ssl_conf_own_cert(&peer->config, &peer->certificate, &peer->key) ||
		mbedtls_ssl_setup(&peer->ssl, &peer->config))
		abort();
	mbedtls_ssl_set_bio(&peer->ssl, peer, peer_send, peer_receive, NULL);
}

static void *run(void *arg)
{
	struct tls_peer *peer = arg;

	if (peer->listener >= 0)
		peer->socket = accept(peer->listener, NULL, NULL);
	if (!peer->options.prelogin || answer_prelogin(peer)) {
		peer->wrapped = peer->options.prelogin;
		peer->complete = mbedtls_ssl_handshake(&peer->ssl) == 0;
		if (peer->wrapped)
			flush(peer);
		peer->wrapped = false;
		if (peer->complete && peer->options.script)
			peer->options.script(peer, peer->options.arg);
	}
	shutdown(peer->socket, SHUT_RDWR);
	return NULL;
}

static struct tls_peer *start(const struct tls_peer_options *options, int socket, int listener)
{
	struct tls_peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		abort();
	peer->options = *options;
	peer->socket = socket;
	peer->listener = listener;
	set_up(peer);
	if (pthread_create(&peer->thread, NULL, run, peer))
		abort();
	return peer;
}

struct tls_peer *tls_peer_start(const struct tls_peer_options *options, int *client)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		abort();
	*client = pair[0];
	return start(options, pair[1], -1);
}

struct tls_peer *tls_peer_listen(const struct tls_peer_options *options, uint16_t *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1) ||
		getsockname(listener, (struct sockaddr *)&address, &size))
		abort();
	*port = ntohs(address.sin_port);
	return start(options, -1, listener);
}

bool tls_peer_end(struct tls_peer *peer)
{
	bool complete;

	/* Nobody came: then nobody is to be waited for. */
	if (peer->listener >= 0)
		shutdown(peer->listener, SHUT_RDWR);
	pthread_join(peer->thread, NULL);
	complete = peer->complete;
	if (peer->socket >= 0)
		close(peer->socket);
	if (peer->listener >= 0)
		close(peer->listener);
	mbedtls_ssl_free(&peer->ssl);
	mbedtls_ssl_config_free(&peer->config);
	mbedtls_x509_crt_free(&peer->certificate);
	mbedtls_pk_free(&peer->key);
	mbedtls_ctr_drbg_free(&peer->random);
	mbedtls_entropy_free(&peer->entropy);
	free(peer);
	return complete;
}

/* ---- for scripts ---- */

ssize_t tls_peer_read_record(struct tls_peer *peer, uint8_t *bytes, size_t size)
{
	int got = mbedtls_ssl_read(&peer->ssl, bytes, size);

	return got > 0 ? got : -1;
}

void tls_peer_write(struct tls_peer *peer, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	while (size) {
		int sent = mbedtls_ssl_write(&peer->ssl, at, size);

		if (sent <= 0)
			return;
		at += sent;
		size -= (size_t)sent;
	}
}

ssize_t tls_peer_read_packet(struct tls_peer *peer, uint8_t packet[65536])
{
	size_t have = 0, wanted = 8;

	while (have < wanted) {
		int got = mbedtls_ssl_read(&peer->ssl, packet + have, wanted - have);

		if (got <= 0)
			return -1;
		have += (size_t)got;
		if (have == 8)
			wanted = (size_t)(packet[2] << 8 | packet[3]);
	}
	return (ssize_t)wanted;
}

void tls_peer_write_packet(struct tls_peer *peer, uint8_t type, bool last, const void *payload, size_t size)
{
	uint8_t *packet = malloc(8 + size);

	if (!packet)
		abort();
	put_header(packet, type, last, size);
	memcpy(packet + 8, payload, size);
	tls_peer_write(peer, packet, 8 + size);
	free(packet);
}

void tls_peer_cut(struct tls_peer *peer)
{
	shutdown(peer->socket, SHUT_RDWR);
}

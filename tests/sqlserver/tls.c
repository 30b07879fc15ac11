/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include <errno.h>
#include <mbedtls/error.h>
#include <mbedtls/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define CIPHER_LIMIT 32

struct tls_server {
	mbedtls_ssl_config config, direct; /* direct: with the ALPN of TDS 8.0 */
	mbedtls_x509_crt certificate;
	mbedtls_pk_context key;
	int ciphers[CIPHER_LIMIT + 1];
};

struct bytes {
	uint8_t *data;
	size_t start, end, capacity;
};

struct tls_channel {
	pthread_mutex_t lock;
	mbedtls_ssl_context ssl;
	struct bytes in, out, sending;
	char error[160];
};

/* What Schannel offers a SQL Server: no ChaCha20, and AES-256 first. */
static const char default_ciphers[] =
	"TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384,TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384,"
	"TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256,TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256,"
	"TLS-DHE-RSA-WITH-AES-256-GCM-SHA384,TLS-DHE-RSA-WITH-AES-128-GCM-SHA256,"
	"TLS-ECDHE-ECDSA-WITH-AES-256-CBC-SHA384,TLS-ECDHE-RSA-WITH-AES-256-CBC-SHA384,"
	"TLS-ECDHE-ECDSA-WITH-AES-128-CBC-SHA256,TLS-ECDHE-RSA-WITH-AES-128-CBC-SHA256,"
	"TLS-ECDHE-ECDSA-WITH-AES-256-CBC-SHA,TLS-ECDHE-RSA-WITH-AES-256-CBC-SHA,"
	"TLS-RSA-WITH-AES-256-GCM-SHA384,TLS-RSA-WITH-AES-128-GCM-SHA256,TLS-RSA-WITH-AES-256-CBC-SHA";

static const char *tds8_protocols[] = { "tds/8.0", NULL };

static int fill_random(void *context, unsigned char *to, size_t size)
{
	(void)context;
	while (size) {
		ssize_t got = getrandom(to, size, 0);

		if (got < 0)
			return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
		to += got;
		size -= (size_t)got;
	}
	return 0;
}

static int append(struct bytes *bytes, const void *data, size_t size)
{
	if (bytes->start == bytes->end)
		bytes->start = bytes->end = 0;
	if (bytes->end + size > bytes->capacity) {
		size_t capacity = (bytes->end + size) * 2;
		uint8_t *grown = realloc(bytes->data, capacity);

		if (!grown)
			return -ENOMEM;
		bytes->data = grown;
		bytes->capacity = capacity;
	}
	memcpy(bytes->data + bytes->end, data, size);
	bytes->end += size;
	return 0;
}

static int take(void *context, unsigned char *to, size_t size)
{
	struct bytes *in = &((struct tls_channel *)context)->in;
	size_t available = in->end - in->start;

	if (available == 0)
		return MBEDTLS_ERR_SSL_WANT_READ;
	if (size > available)
		size = available;
	memcpy(to, in->data + in->start, size);
	in->start += size;
	return (int)size;
}

static int give(void *context, const unsigned char *from, size_t size)
{
	struct tls_channel *channel = context;

	return append(&channel->out, from, size) ? MBEDTLS_ERR_SSL_ALLOC_FAILED : (int)size;
}

static int explain(const char *what, const char *file, int error)
{
	char text[160];

	mbedtls_strerror(error, text, sizeof(text));
	fprintf(stderr, "sqlserver: %s %s: %s\n", what, file, text);
	return -EBADMSG;
}

/* "A,B,C" into suite numbers, ended by 0 */
static int parse_ciphers(struct tls_server *server, const char *names)
{
	char name[128];
	size_t count = 0;

	while (*names) {
		size_t length = strcspn(names, ",");

		if (length >= sizeof(name) || count == CIPHER_LIMIT)
			return -EINVAL;
		memcpy(name, names, length);
		name[length] = 0;
		server->ciphers[count] = mbedtls_ssl_get_ciphersuite_id(name);
		if (server->ciphers[count++] == 0)
			return -EINVAL;
		names += length + (names[length] == ',');
	}
	server->ciphers[count] = 0;
	return 0;
}

static int minor_version(int version)
{
	return version == 10 ? MBEDTLS_SSL_MINOR_VERSION_1
		: version == 11  ? MBEDTLS_SSL_MINOR_VERSION_2
		: version == 12  ? MBEDTLS_SSL_MINOR_VERSION_3
						 : -EINVAL;
}

static int configure(mbedtls_ssl_config *config, struct tls_server *server, const struct tls_settings *settings)
{
	int minimum = minor_version(settings->minimum), maximum = minor_version(settings->maximum);

	if (minimum < 0 || maximum < minimum)
		return -EINVAL;
	if (mbedtls_ssl_config_defaults(
			config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT))
		return -ENOMEM;
	mbedtls_ssl_conf_rng(config, fill_random, NULL);
	mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, minimum);
	mbedtls_ssl_conf_max_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, maximum);
	/* Record splitting would make two records of one packet under TLS 1.0; Schannel's clients do not split either. */
	mbedtls_ssl_conf_cbc_record_splitting(config, MBEDTLS_SSL_CBC_RECORD_SPLITTING_DISABLED);
	mbedtls_ssl_conf_ciphersuites(config, server->ciphers);
	mbedtls_ssl_conf_ca_chain(config, server->certificate.next, NULL);
	return mbedtls_ssl_conf_own_cert(config, &server->certificate, &server->key) ? -ENOMEM : 0;
}

static int load(struct tls_server *server, const struct tls_settings *settings)
{
	int error = mbedtls_x509_crt_parse_file(&server->certificate, settings->certificate);

	if (error)
		return explain("certificate", settings->certificate, error);
	error = mbedtls_pk_parse_keyfile(&server->key, settings->key, NULL);
	if (error)
		return explain("key", settings->key, error);
	if (mbedtls_pk_check_pair(&server->certificate.pk, &server->key))
		return explain("key does not belong to the certificate:", settings->key, 0);
	return parse_ciphers(server, settings->ciphers ? settings->ciphers : default_ciphers);
}

int tls_server_open(struct tls_server **result, const struct tls_settings *settings)
{
	struct tls_server *server = calloc(1, sizeof(*server));

	if (!server)
		return -ENOMEM;
	mbedtls_ssl_config_init(&server->config);
	mbedtls_ssl_config_init(&server->direct);
	mbedtls_x509_crt_init(&server->certificate);
	mbedtls_pk_init(&server->key);
	int error = load(server, settings);
	if (!error)
		error = configure(&server->config, server, settings);
	if (!error)
		error = configure(&server->direct, server, settings);
	if (!error && mbedtls_ssl_conf_alpn_protocols(&server->direct, tds8_protocols))
		error = -ENOMEM;
	if (error) {
		tls_server_close(server);
		return error;
	}
	*result = server;
	return 0;
}

void tls_server_close(struct tls_server *server)
{
	if (!server)
		return;
	mbedtls_ssl_config_free(&server->config);
	mbedtls_ssl_config_free(&server->direct);
	mbedtls_x509_crt_free(&server->certificate);
	mbedtls_pk_free(&server->key);
	free(server);
}

int tls_open(struct tls_channel **result, struct tls_server *server, bool direct)
{
	struct tls_channel *channel = calloc(1, sizeof(*channel));

	if (!channel)
		return -ENOMEM;
	pthread_mutex_init(&channel->lock, NULL);
	mbedtls_ssl_init(&channel->ssl);
	if (mbedtls_ssl_setup(&channel->ssl, direct ? &server->direct : &server->config)) {
		tls_close(channel);
		return -ENOMEM;
	}
	mbedtls_ssl_set_bio(&channel->ssl, channel, give, take, NULL);
	*result = channel;
	return 0;
}

void tls_close(struct tls_channel *channel)
{
	if (!channel)
		return;
	mbedtls_ssl_free(&channel->ssl);
	pthread_mutex_destroy(&channel->lock);
	free(channel->in.data);
	free(channel->out.data);
	free(channel->sending.data);
	free(channel);
}

static int fail(struct tls_channel *channel, int error)
{
	mbedtls_strerror(error, channel->error, sizeof(channel->error));
	return -EPROTO;
}

int tls_feed(struct tls_channel *channel, const void *ciphertext, size_t size)
{
	pthread_mutex_lock(&channel->lock);
	int error = append(&channel->in, ciphertext, size);
	pthread_mutex_unlock(&channel->lock);
	return error;
}

int tls_handshake(struct tls_channel *channel)
{
	pthread_mutex_lock(&channel->lock);
	int error = mbedtls_ssl_handshake(&channel->ssl);
	int result = error == 0 ? 1 : error == MBEDTLS_ERR_SSL_WANT_READ ? 0 : fail(channel, error);
	pthread_mutex_unlock(&channel->lock);
	return result;
}

bool tls_is_tds8(const struct tls_channel *channel)
{
	const char *protocol = mbedtls_ssl_get_alpn_protocol(&channel->ssl);

	return protocol && strcmp(protocol, tds8_protocols[0]) == 0;
}

int tls_read_record(struct tls_channel *channel, uint8_t *plain, size_t capacity)
{
	pthread_mutex_lock(&channel->lock);
	int got = mbedtls_ssl_read(&channel->ssl, plain, capacity);
	if (got == MBEDTLS_ERR_SSL_WANT_READ)
		got = -EAGAIN;
	else if (got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
		got = 0;
	else if (got < 0)
		got = fail(channel, got);
	pthread_mutex_unlock(&channel->lock);
	return got;
}

int tls_write(struct tls_channel *channel, const uint8_t *plain, size_t size)
{
	int error = 0;

	pthread_mutex_lock(&channel->lock);
	while (size && !error) {
		int written = mbedtls_ssl_write(&channel->ssl, plain, size);

		if (written < 0) {
			error = fail(channel, written);
		} else {
			plain += written;
			size -= (size_t)written;
		}
	}
	pthread_mutex_unlock(&channel->lock);
	return error;
}

/* Two buffers that change places: the reader may append an alert to one while the writer sends the other. */
const uint8_t *tls_pending(struct tls_channel *channel, size_t *size)
{
	pthread_mutex_lock(&channel->lock);
	struct bytes full = channel->out;
	channel->out = channel->sending;
	channel->out.start = channel->out.end = 0;
	channel->sending = full;
	pthread_mutex_unlock(&channel->lock);
	*size = full.end - full.start;
	return full.data + full.start;
}

const char *tls_version(struct tls_channel *channel)
{
	return mbedtls_ssl_get_version(&channel->ssl);
}

const char *tls_cipher(struct tls_channel *channel)
{
	const char *cipher = mbedtls_ssl_get_ciphersuite(&channel->ssl);

	return cipher ? cipher : "none";
}

const char *tls_error(struct tls_channel *channel)
{
	return channel->error;
}

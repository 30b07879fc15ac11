/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/oid.h>
#include <mbedtls/sha256.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FALLBACK_SUBJECT "SSL_Self_Signed_Fallback" /* of the certificate that SQL Server makes for itself */

struct tls {
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config config;
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context random;
	mbedtls_x509_crt authorities;
	struct tls_transport transport;
	const char *alpn[2];
	bool has_authorities, has_pin, has_address, leaf_seen, pin_differs;
	uint8_t pin[32], sha256[32];
	uint32_t verify_flags; /* of the whole chain */
	int transport_error;   /* the errno that the transport last failed with */
	enum tls_problem problem;
	char name[256], names[256], description[96], detail[480];
};

/* ---- what went wrong ---- */

static int fail(struct tls *tls, enum tls_problem problem, const char *detail)
{
	if (tls->problem == TLS_FINE) {
		tls->problem = problem;
		if (detail != tls->detail)
			snprintf(tls->detail, sizeof(tls->detail), "%s", detail);
	}
	return problem == TLS_PROBLEM_SETTINGS ? -EINVAL : -EPROTO;
}

static int fail_with_code(struct tls *tls, enum tls_problem problem, int code)
{
	char text[160];

	mbedtls_strerror(code, text, sizeof(text));
	return fail(tls, problem, text);
}

static void put_hex(char *text, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static int fail_pin(struct tls *tls)
{
	char expected[65], found[65];

	put_hex(expected, tls->pin, sizeof(tls->pin));
	put_hex(found, tls->sha256, sizeof(tls->sha256));
	snprintf(tls->detail, sizeof(tls->detail), "pinned %s, but the server shows %s (for %.150s)", expected, found,
		tls->names);
	return fail(tls, TLS_PROBLEM_PIN, tls->detail);
}

static int fail_name(struct tls *tls)
{
	snprintf(tls->detail, sizeof(tls->detail), "the certificate is for %.200s, not for %.200s%s", tls->names, tls->name,
		tls->has_address ? " (an IP address never matches)" : "");
	return fail(tls, TLS_PROBLEM_NAME, tls->detail);
}

static int fail_certificate(struct tls *tls, uint32_t flags)
{
	char found[65], reasons[256];
	int size = mbedtls_x509_crt_verify_info(reasons, sizeof(reasons), "", flags);

	if (size > 0 && reasons[size - 1] == '\n')
		reasons[size - 1] = '\0';
	for (char *at = reasons; size > 0 && *at; at++)
		*at = *at == '\n' ? ';' : *at;
	put_hex(found, tls->sha256, sizeof(tls->sha256));
	snprintf(tls->detail, sizeof(tls->detail), "%.200s%s (SHA-256 %s, for %.100s)",
		size > 0 ? reasons : "the certificate was refused",
		strstr(tls->names, FALLBACK_SUBJECT) ? " SQL Server made it for itself and makes another at every start" : "",
		found, tls->names);
	return fail(tls, TLS_PROBLEM_CERTIFICATE, tls->detail);
}

static bool peer_said_protocol_version(const struct tls *tls, int code)
{
	return code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE && tls->ssl.in_msg &&
		tls->ssl.in_msg[1] == MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION;
}

static int explain_stream(struct tls *tls, int code)
{
	if (tls->transport_error == -ETIMEDOUT)
		return fail(tls, TLS_PROBLEM_TIMEOUT, "no answer in time");
	if (tls->transport_error)
		return fail(tls, TLS_PROBLEM_LOST, strerror(-tls->transport_error));
	return fail_with_code(tls, TLS_PROBLEM_HANDSHAKE, code);
}

static int explain_handshake(struct tls *tls, int code)
{
	uint32_t flags = tls->verify_flags;

	if (tls->pin_differs)
		return fail_pin(tls);
	if (code == MBEDTLS_ERR_SSL_CONN_EOF)
		return fail(tls, TLS_PROBLEM_LOST, "the server closed the connection during the handshake");
	if (code == MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION || peer_said_protocol_version(tls, code))
		return fail(tls, TLS_PROBLEM_OLD, "the server speaks only TLS 1.0 or 1.1");
	if (code != MBEDTLS_ERR_X509_CERT_VERIFY_FAILED && code != MBEDTLS_ERR_SSL_BAD_HS_CERTIFICATE)
		return explain_stream(tls, code);

	uint32_t more = mbedtls_ssl_get_verify_result(&tls->ssl);

	if (more != UINT32_MAX)
		flags |= more;
	if (flags == MBEDTLS_X509_BADCERT_CN_MISMATCH)
		return fail_name(tls);
	return fail_certificate(tls, flags);
}

/* ---- who the peer is ---- */

static bool is_noted(const char *names, const char *name, size_t size)
{
	for (const char *at = names; at; at = strchr(at, ',')) {
		at += strspn(at, ", ");
		if (strncmp(at, name, size) == 0 && (at[size] == '\0' || at[size] == ','))
			return true;
	}
	return false;
}

static void add_name(struct tls *tls, const uint8_t *name, size_t size)
{
	size_t used = strlen(tls->names);
	int width = size < 200 ? (int)size : 200;

	if (is_noted(tls->names, (const char *)name, size))
		return;
	snprintf(tls->names + used, sizeof(tls->names) - used, "%s%.*s", used ? ", " : "", width, (const char *)name);
}

static void note_names(struct tls *tls, const mbedtls_x509_crt *leaf)
{
	tls->names[0] = '\0';
	for (const mbedtls_x509_name *part = &leaf->subject; part; part = part->next)
		if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) == 0)
			add_name(tls, part->val.p, part->val.len);
	for (const mbedtls_x509_sequence *item = &leaf->subject_alt_names; item && item->buf.p; item = item->next)
		if ((item->buf.tag & 0x1f) == MBEDTLS_X509_SAN_DNS_NAME)
			add_name(tls, item->buf.p, item->buf.len);
	/* Hostile bytes that go to logs and terminals. */
	for (char *at = tls->names; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
}

/* Called from the top of the chain down to the server's own certificate, which is depth 0. */
static int look_at_certificate(void *arg, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
	struct tls *tls = arg;

	tls->verify_flags |= *flags;
	if (depth > 0)
		return 0;
	if (mbedtls_sha256_ret(certificate->raw.p, certificate->raw.len, tls->sha256, 0))
		return MBEDTLS_ERR_X509_FATAL_ERROR;
	note_names(tls, certificate);
	tls->leaf_seen = true;
	tls->pin_differs = tls->has_pin && memcmp(tls->pin, tls->sha256, sizeof(tls->pin)) != 0;
	return tls->pin_differs ? MBEDTLS_ERR_X509_FATAL_ERROR : 0;
}

/* ---- the transport, in mbedTLS's terms ---- */

static int translate_transport(struct tls *tls, ssize_t moved, int again)
{
	if (moved >= 0)
		return (int)moved;
	if (moved == -EAGAIN)
		return again;
	tls->transport_error = (int)moved;
	return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int transport_send(void *arg, const unsigned char *bytes, size_t size)
{
	struct tls *tls = arg;

	return translate_transport(tls, tls->transport.send(tls->transport.arg, bytes, size), MBEDTLS_ERR_SSL_WANT_WRITE);
}

static int transport_receive(void *arg, unsigned char *bytes, size_t size)
{
	struct tls *tls = arg;

	return translate_transport(tls, tls->transport.receive(tls->transport.arg, bytes, size), MBEDTLS_ERR_SSL_WANT_READ);
}

void tls_set_transport(struct tls *tls, const struct tls_transport *transport)
{
	tls->transport = *transport;
}

/* ---- a client ---- */

static bool is_address(const char *name)
{
	uint8_t address[16];

	return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

static int read_authorities(struct tls *tls, const char *pem)
{
	int code = mbedtls_x509_crt_parse(&tls->authorities, (const unsigned char *)pem, strlen(pem) + 1);

	if (code < 0)
		return fail_with_code(tls, TLS_PROBLEM_SETTINGS, code);
	if (code > 0)
		return fail(tls, TLS_PROBLEM_SETTINGS, "some of the trusted certificates cannot be read");
	tls->has_authorities = true;
	return 0;
}

static void configure_versions(struct tls *tls, bool legacy)
{
	mbedtls_ssl_conf_min_version(
		&tls->config, MBEDTLS_SSL_MAJOR_VERSION_3, legacy ? MBEDTLS_SSL_MINOR_VERSION_1 : MBEDTLS_SSL_MINOR_VERSION_3);
	/* SQL Server wants each TDS packet in one record; TLS 1.0's defence against BEAST would cut off its first byte. */
	mbedtls_ssl_conf_cbc_record_splitting(&tls->config, MBEDTLS_SSL_CBC_RECORD_SPLITTING_DISABLED);
}

static int configure_trust(struct tls *tls, const struct tls_client_options *options)
{
	if (options->pin) {
		memcpy(tls->pin, options->pin, sizeof(tls->pin));
		tls->has_pin = true;
	}
	if (options->authorities && options->authorities[0]) {
		int error = read_authorities(tls, options->authorities);

		if (error)
			return error;
		mbedtls_ssl_conf_ca_chain(&tls->config, &tls->authorities, NULL);
	}
	if (!tls->has_authorities && !tls->has_pin)
		return fail(tls, TLS_PROBLEM_SETTINGS, "there is neither a CA file nor a pin to know the server by");
	/* With a pin alone the chain need not be good; the pin itself is checked by look_at_certificate. */
	mbedtls_ssl_conf_authmode(
		&tls->config, tls->has_authorities ? MBEDTLS_SSL_VERIFY_REQUIRED : MBEDTLS_SSL_VERIFY_OPTIONAL);
	mbedtls_ssl_conf_verify(&tls->config, look_at_certificate, tls);
	return 0;
}

static int configure(struct tls *tls, const struct tls_client_options *options)
{
	int code = mbedtls_ssl_config_defaults(
		&tls->config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);

	if (!code)
		code = mbedtls_ctr_drbg_seed(&tls->random, mbedtls_entropy_func, &tls->entropy, NULL, 0);
	if (code)
		return fail_with_code(tls, TLS_PROBLEM_SETTINGS, code);
	mbedtls_ssl_conf_rng(&tls->config, mbedtls_ctr_drbg_random, &tls->random);
	mbedtls_ssl_conf_session_tickets(&tls->config, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
	mbedtls_ssl_conf_renegotiation(&tls->config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
	configure_versions(tls, options->legacy);
	if (options->alpn) {
		tls->alpn[0] = options->alpn;
		mbedtls_ssl_conf_alpn_protocols(&tls->config, tls->alpn);
	}
	return configure_trust(tls, options);
}

static int set_up(struct tls *tls, const struct tls_client_options *options)
{
	int error = configure(tls, options);

	if (error)
		return error;
	if (!options->name || strlen(options->name) >= sizeof(tls->name))
		return fail(tls, TLS_PROBLEM_SETTINGS, "the server's name is missing or too long");
	strcpy(tls->name, options->name);
	tls->has_address = is_address(tls->name);

	int code = mbedtls_ssl_setup(&tls->ssl, &tls->config);

	/* An address is no SNI. To verify by authorities the name is needed nevertheless: without it any name would do. */
	if (!code && (tls->has_authorities || !tls->has_address))
		code = mbedtls_ssl_set_hostname(&tls->ssl, tls->name);
	if (code)
		return fail_with_code(tls, TLS_PROBLEM_SETTINGS, code);
	mbedtls_ssl_set_bio(&tls->ssl, tls, transport_send, transport_receive, NULL);
	return 0;
}

int tls_client(struct tls **result, const struct tls_client_options *options)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	*result = tls;
	if (!tls)
		return -ENOMEM;
	mbedtls_ssl_init(&tls->ssl);
	mbedtls_ssl_config_init(&tls->config);
	mbedtls_entropy_init(&tls->entropy);
	mbedtls_ctr_drbg_init(&tls->random);
	mbedtls_x509_crt_init(&tls->authorities);
	return set_up(tls, options);
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	mbedtls_ssl_free(&tls->ssl);
	mbedtls_ssl_config_free(&tls->config);
	mbedtls_x509_crt_free(&tls->authorities);
	mbedtls_ctr_drbg_free(&tls->random);
	mbedtls_entropy_free(&tls->entropy);
	free(tls);
}

void tls_forget_authorities(struct tls *tls)
{
	mbedtls_ssl_conf_ca_chain(&tls->config, NULL, NULL);
	mbedtls_x509_crt_free(&tls->authorities);
	mbedtls_x509_crt_init(&tls->authorities);
}

/* ---- the channel ---- */

static void describe(struct tls *tls)
{
	const char *version = mbedtls_ssl_get_version(&tls->ssl);
	const char *cipher = mbedtls_ssl_get_ciphersuite(&tls->ssl);

	if (strncmp(version, "TLSv", 4) == 0)
		version += 4;
	if (strncmp(cipher, "TLS-", 4) == 0)
		cipher += 4;
	snprintf(tls->description, sizeof(tls->description), "TLS %s, %s", version, cipher);
}

int tls_handshake(struct tls *tls)
{
	if (tls->problem)
		return -EPROTO;

	int code = mbedtls_ssl_handshake(&tls->ssl);

	if (code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE)
		return -EAGAIN;
	if (code)
		return explain_handshake(tls, code);
	if (!tls->leaf_seen)
		return fail(tls, TLS_PROBLEM_CERTIFICATE, "the server showed no certificate");
	if (tls->alpn[0]) {
		const char *agreed = mbedtls_ssl_get_alpn_protocol(&tls->ssl);

		if (!agreed || strcmp(agreed, tls->alpn[0]) != 0)
			return fail(tls, TLS_PROBLEM_PROTOCOL, "the server did not agree to TDS 8.0 (ALPN tds/8.0)");
	}
	describe(tls);
	return 0;
}

ssize_t tls_read(struct tls *tls, void *bytes, size_t size)
{
	int got = mbedtls_ssl_read(&tls->ssl, bytes, size);

	if (got >= 0)
		return got;
	if (got == MBEDTLS_ERR_SSL_WANT_READ || got == MBEDTLS_ERR_SSL_WANT_WRITE)
		return -EAGAIN;
	if (got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || got == MBEDTLS_ERR_SSL_CONN_EOF)
		return 0;
	return explain_stream(tls, got);
}

int tls_write(struct tls *tls, const void *bytes, size_t size)
{
	int sent = mbedtls_ssl_write(&tls->ssl, bytes, size);

	if (sent == MBEDTLS_ERR_SSL_WANT_READ || sent == MBEDTLS_ERR_SSL_WANT_WRITE)
		return -EAGAIN;
	if (sent >= 0 && (size_t)sent != size)
		return fail(tls, TLS_PROBLEM_HANDSHAKE, "a packet did not fit into one TLS record");
	return sent < 0 ? explain_stream(tls, sent) : 0;
}

void tls_goodbye(struct tls *tls)
{
	if (!tls->problem)
		mbedtls_ssl_close_notify(&tls->ssl);
}

enum tls_problem tls_problem(const struct tls *tls)
{
	return tls->problem;
}

const char *tls_detail(const struct tls *tls)
{
	return tls->detail;
}

const char *tls_description(const struct tls *tls)
{
	return tls->description;
}

const uint8_t *tls_certificate_sha256(const struct tls *tls)
{
	return tls->sha256;
}

const char *tls_certificate_names(const struct tls *tls)
{
	return tls->names;
}

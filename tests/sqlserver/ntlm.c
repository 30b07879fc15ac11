/* SPDX-License-Identifier: Apache-2.0 */
/* NTLMv2 as a server: a challenge, then the proof that the client knows the password. */
#include <errno.h>
#include <mbedtls/md.h>
#include <mbedtls/md4.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <wctype.h>

#include "bytes.h"
#include "connection.h"
#include "wire_text.h"

enum {
	NEGOTIATE_UNICODE = 0x00000001,
	REQUEST_TARGET = 0x00000004,
	NEGOTIATE_NTLM = 0x00000200,
	NEGOTIATE_ALWAYS_SIGN = 0x00008000,
	TARGET_IS_DOMAIN = 0x00010000,
	EXTENDED_SESSION = 0x00080000,
	NEGOTIATE_TARGET_INFO = 0x00800000,
};

#define TOKEN_SSPI 0xed
#define ANSWER_LIMIT (64u << 10)
#define HASH 16u

struct answer { /* fields of AUTHENTICATE, within its bytes */
	const uint8_t *lm, *nt, *domain, *user;
	size_t lm_size, nt_size, domain_size, user_size;
};

static size_t put_pair(uint8_t *to, uint16_t id, const void *value, size_t size)
{
	put16le(to, id);
	put16le(to + 2, (uint16_t)size);
	memcpy(to + 4, value, size);
	return 4 + size;
}

static size_t make_challenge(uint8_t *to, const char *server_name, const uint8_t challenge[8])
{
	static const uint8_t start[12] = { 'N', 'T', 'L', 'M', 'S', 'S', 'P', 0, 2, 0, 0, 0 };
	static const uint8_t epoch[8] = { 0x00, 0x80, 0x3e, 0xd5, 0xde, 0xb1, 0x9d, 0x01 }; /* 1970, as FILETIME */
	enum { NETBIOS_COMPUTER = 1, NETBIOS_DOMAIN = 2, TIMESTAMP = 7, HEADER = 56 };
	uint8_t name[64];
	size_t size = utf16_from_utf8(name, sizeof(name), server_name), info = HEADER + size, at = info;

	memset(to, 0, HEADER);
	memcpy(to, start, sizeof(start));
	put16le(to + 12, (uint16_t)size);
	put16le(to + 14, (uint16_t)size);
	put32le(to + 16, HEADER);
	put32le(to + 20,
		NEGOTIATE_UNICODE | REQUEST_TARGET | NEGOTIATE_NTLM | NEGOTIATE_ALWAYS_SIGN | TARGET_IS_DOMAIN |
			EXTENDED_SESSION | NEGOTIATE_TARGET_INFO);
	memcpy(to + 24, challenge, 8);
	memcpy(to + HEADER, name, size);
	at += put_pair(to + at, NETBIOS_DOMAIN, name, size);
	at += put_pair(to + at, NETBIOS_COMPUTER, name, size);
	at += put_pair(to + at, TIMESTAMP, epoch, sizeof(epoch));
	at += put_pair(to + at, 0, "", 0);
	put16le(to + 40, (uint16_t)(at - info));
	put16le(to + 42, (uint16_t)(at - info));
	put32le(to + 44, (uint32_t)info);
	return at;
}

static int find_field(const uint8_t *bytes, size_t size, size_t at, const uint8_t **field, size_t *length)
{
	size_t offset = get32le(bytes + at + 4);

	*length = get16le(bytes + at);
	*field = bytes + offset;
	return offset > size || *length > size - offset ? -EBADMSG : 0;
}

static int parse_answer(const uint8_t *bytes, size_t size, struct answer *answer)
{
	enum { LM_RESPONSE = 12, NT_RESPONSE = 20, DOMAIN_NAME = 28, USER_NAME = 36, SMALLEST = 52, AUTHENTICATE = 3 };

	if (size < SMALLEST || memcmp(bytes, "NTLMSSP", 8) || get32le(bytes + 8) != AUTHENTICATE)
		return -EBADMSG;
	int error = find_field(bytes, size, LM_RESPONSE, &answer->lm, &answer->lm_size);
	if (!error)
		error = find_field(bytes, size, NT_RESPONSE, &answer->nt, &answer->nt_size);
	if (!error)
		error = find_field(bytes, size, DOMAIN_NAME, &answer->domain, &answer->domain_size);
	if (!error)
		error = find_field(bytes, size, USER_NAME, &answer->user, &answer->user_size);
	return error;
}

/* HMAC-MD5(MD4(password), upper(user) + domain), all UTF-16LE */
static void derive_key(const char *password, const struct answer *answer, uint8_t key[HASH])
{
	const mbedtls_md_info_t *md5 = mbedtls_md_info_from_type(MBEDTLS_MD_MD5);
	uint8_t secret[2 * 256], hash[HASH], identity[2 * 256];
	size_t size = utf16_from_utf8(secret, sizeof(secret), password), at = 0;

	mbedtls_md4_ret(secret, size, hash);
	for (size_t i = 0; i + 1 < answer->user_size && at < 256; i += 2, at += 2)
		put16le(identity + at, (uint16_t)towupper(get16le(answer->user + i)));
	size = answer->domain_size < 256 ? answer->domain_size : 256;
	memcpy(identity + at, answer->domain, size);
	mbedtls_md_hmac(md5, hash, sizeof(hash), identity, at + size, key);
	memset(secret, 0, sizeof(secret));
}

/* A response is HMAC-MD5(key, challenge + what follows it), then what follows it. */
static bool is_response(const uint8_t key[HASH], const uint8_t challenge[8], const uint8_t *response, size_t size)
{
	const mbedtls_md_info_t *md5 = mbedtls_md_info_from_type(MBEDTLS_MD_MD5);
	mbedtls_md_context_t context;
	uint8_t proof[HASH];

	mbedtls_md_init(&context);
	bool failed = mbedtls_md_setup(&context, md5, 1) || mbedtls_md_hmac_starts(&context, key, HASH) ||
		mbedtls_md_hmac_update(&context, challenge, 8) ||
		mbedtls_md_hmac_update(&context, response + HASH, size - HASH) || mbedtls_md_hmac_finish(&context, proof);
	mbedtls_md_free(&context);
	return !failed && memcmp(proof, response, HASH) == 0;
}

/*
 * By NTLMv2 or, as Windows takes it too, by LMv2: tedious declares its NTLMv2 response too short to be one and is let in
 * by the other. Responses of NTLMv1 have no such form and are refused.
 */
static bool proves_password(const struct answer *answer, const char *password, const uint8_t challenge[8])
{
	enum { SMALLEST_NT = HASH + 28, LM = HASH + 8 };
	uint8_t key[HASH];

	derive_key(password, answer, key);
	if (answer->nt_size >= SMALLEST_NT)
		return is_response(key, challenge, answer->nt, answer->nt_size);
	return answer->lm_size == LM && is_response(key, challenge, answer->lm, answer->lm_size);
}

static int send_challenge(struct connection *connection, const uint8_t challenge[8])
{
	uint8_t bytes[512];
	size_t size = make_challenge(bytes, connection->server->options.name, challenge);

	writer_put8(&connection->writer, TOKEN_SSPI);
	writer_put16(&connection->writer, (uint16_t)size);
	writer_put(&connection->writer, bytes, size);
	return writer_end(&connection->writer);
}

static int receive_answer(struct connection *connection, uint8_t **bytes, size_t *size)
{
	struct message message;
	int error = message_open(&message, &connection->link, NULL);

	if (error)
		return error;
	if (message.type != PACKET_SSPI)
		return link_violation(&connection->link, "a packet of type 0x%02x where an SSPI answer belongs", message.type);
	return message_read_all(&message, bytes, size, ANSWER_LIMIT);
}

static bool check_answer(struct connection *connection, const uint8_t *bytes, size_t size, const uint8_t challenge[8])
{
	struct login *login = &connection->login;
	char domain[190], user[190], password[256];
	struct answer answer;

	if (parse_answer(bytes, size, &answer))
		return false;
	utf8_from_utf16(domain, sizeof(domain), answer.domain, answer.domain_size / 2);
	utf8_from_utf16(user, sizeof(user), answer.user, answer.user_size / 2);
	snprintf(login->user, sizeof(login->user), "%s\\%s", domain, user);
	if (engine_password(connection->server->engine, login->user, password, sizeof(password)))
		return false;
	bool proved = proves_password(&answer, password, challenge);
	memset(password, 0, sizeof(password));
	return proved;
}

int ntlm_serve(struct connection *connection, const uint8_t *negotiate, size_t negotiate_size)
{
	uint8_t challenge[8], *bytes = NULL;
	size_t size = 0;
	char text[512];

	if (negotiate_size < 12 || memcmp(negotiate, "NTLMSSP", 8))
		return login_refuse(connection, 18452, "Login failed. The stand-in knows NTLM, but not Kerberos or SPNEGO.");
	if (getrandom(challenge, sizeof(challenge), 0) != sizeof(challenge))
		return -EIO;
	int error = send_challenge(connection, challenge);
	if (!error)
		error = receive_answer(connection, &bytes, &size);
	if (error)
		return error;
	bool proved = check_answer(connection, bytes, size, challenge);
	free(bytes);
	if (proved)
		return 0;
	snprintf(text, sizeof(text), "Login failed for user '%s'.", connection->login.user);
	return login_refuse(connection, 18456, text);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a session needs its relay for: the connection, the clock, and what is known of the server. */
#include <string.h>

#include "agent/net/clock.h"
#include "agent/sql/session_private.h"

#define STOP_EVERY_MS 1000

int session_open_relay(struct session *session, const struct session_options *options, struct sql_error *error)
{
	static const uint8_t none[32];
	const struct relay_options relay = {
		.socket = options->socket,
		.host = options->host,
		.certificate_name = options->certificate_name,
		.authorities = options->authorities,
		.strict = options->strict,
		.legacy_tls = options->legacy_tls,
		.pin = memcmp(options->pin, none, sizeof(none)) != 0 ? options->pin : NULL,
		.login_seconds = options->login_seconds,
		.stall_seconds = options->stall_seconds,
	};

	return relay_open(&session->relay, &relay, error);
}

int session_begin(struct session *session, enum request_kind kind, struct sql_error *error)
{
	if (session->dead)
		return sql_error_set(error, SQL_ERROR_LOST, NULL, "the session has ended");
	session->message.kind = SQL_OK;
	session->library[0] = '\0';
	session->cancelled = false;
	relay_expect(session->relay, kind == REQUEST_CATALOGUE ? session->catalogue_seconds : 0);
	return 0;
}

bool session_should_stop(struct session *session)
{
	int64_t now = net_now_ms();

	if (session->cancelled || !session->stop || now - session->stop_asked_ms < STOP_EVERY_MS)
		return session->cancelled;
	session->stop_asked_ms = now;
	session->cancelled = session->stop(session->stop_arg);
	return session->cancelled;
}

int session_server_version(const struct session *session)
{
	return session->server_version;
}

const char *session_tls_description(const struct session *session)
{
	return relay_tls_description(session->relay);
}

const uint8_t *session_certificate_sha256(const struct session *session)
{
	return relay_certificate_sha256(session->relay);
}

size_t session_type_info(const struct session *session, size_t column, const void **bytes, uint16_t *flags)
{
	return relay_type_info(session->relay, column, bytes, flags);
}

void session_on_wait(struct session *session, bool (*stop)(void *arg), void *arg)
{
	session->stop = stop;
	session->stop_arg = arg;
}

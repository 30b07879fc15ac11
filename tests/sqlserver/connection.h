/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client from its first byte to its last: PRELOGIN, TLS, login, then requests one after the other.
 */
#ifndef TESTS_SQLSERVER_CONNECTION_H
#define TESTS_SQLSERVER_CONNECTION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "link.h"
#include "message.h"
#include "response.h"
#include "server.h"
#include "watch.h"
#include "writer.h"

/* What LOGIN7 asked for. */
struct login {
	uint32_t tds_version, packet_size;
	bool odbc, integrated, wants_utf8, wants_fed_auth;
	char host[386], user[386], password[386], program[386], database[386], language[386];
};

struct connection {
	struct connection *next, *previous; /* of the server's list, under its lock */
	struct server *server;
	struct session *session;
	struct link link;
	struct writer writer;
	struct response response;
	struct watch watch;
	struct login login;
	bool tds8;
	bool login_only_tls; /* ENCRYPT_OFF: TLS ends with the LOGIN7 message */
	bool running;        /* a statement: for the list of sessions */
	char summary[2048];  /* of the login, under the server's lock; "" before it */
	const char *tls_version, *tls_cipher;
};

/* Serves the client until either side closes. Returns the reason. */
int connection_serve(struct connection *connection);

/* The phases, each in its own file. */
int prelogin_serve(struct connection *connection);
int login_serve(struct connection *connection);
int bulk_serve(struct connection *connection, struct message *message);
int rpc_serve(struct connection *connection, struct message *message);
int transaction_serve(struct connection *connection, struct message *message);

/* Skips ALL_HEADERS and judges the transaction descriptor in it: -EPROTO after answering error 3989. */
int request_headers(struct connection *connection, struct message *message);

/* NTLM: the challenge for a NEGOTIATE, then the check of the AUTHENTICATE; user becomes DOMAIN\user. */
int ntlm_serve(struct connection *connection, const uint8_t *negotiate, size_t size);

/* A login error's message and DONE; the connection ends after it. */
int login_refuse(struct connection *connection, int32_t number, const char *text);

#endif

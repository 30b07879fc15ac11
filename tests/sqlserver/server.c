/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection.h"

/* A statement may nest deep in the engine's parser. */
#define STACK_SIZE (4u << 20)

static int bind_listener(struct server *server)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(server->options.port) };
	socklen_t size = sizeof(address);
	int on = 1;

	if (inet_pton(AF_INET, server->options.address, &address.sin_addr) != 1)
		return -EINVAL;
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server->listener < 0 || setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
		bind(server->listener, (struct sockaddr *)&address, sizeof(address)) || listen(server->listener, 64) ||
		getsockname(server->listener, (struct sockaddr *)&address, &size))
		return -errno;
	server->port = ntohs(address.sin_port);
	return 0;
}

int server_open(struct server *server, const struct server_options *options)
{
	*server = (struct server){ .options = *options, .listener = -1 };
	faults_init(&server->faults);
	journal_init(&server->journal);
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->emptied, NULL);
	int error = tls_server_open(&server->tls, &options->tls);
	if (!error)
		error = engine_open(&server->engine, options->directory, options->version);
	if (!error)
		error = bind_listener(server);
	if (error)
		server_close(server);
	return error;
}

static void add(struct server *server, struct connection *connection)
{
	pthread_mutex_lock(&server->lock);
	connection->next = server->connections;
	if (connection->next)
		connection->next->previous = connection;
	server->connections = connection;
	server->connection_count++;
	server->connection_total++;
	if (server->stopping)
		link_cut(&connection->link);
	pthread_mutex_unlock(&server->lock);
}

static void drop(struct server *server, struct connection *connection)
{
	pthread_mutex_lock(&server->lock);
	if (connection->previous)
		connection->previous->next = connection->next;
	else
		server->connections = connection->next;
	if (connection->next)
		connection->next->previous = connection->previous;
	/* Closed under the lock: a kill must not reach a descriptor that is someone else's by then. */
	link_close(&connection->link);
	free(connection);
	if (--server->connection_count == 0)
		pthread_cond_broadcast(&server->emptied);
	pthread_mutex_unlock(&server->lock);
}

static void *serve(void *argument)
{
	struct connection *connection = argument;

	connection_serve(connection);
	drop(connection->server, connection);
	return NULL;
}

static int start_connection(struct server *server, int fd)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	pthread_attr_t attributes;
	pthread_t thread;

	if (!connection) {
		close(fd);
		return -ENOMEM;
	}
	connection->server = server;
	if (link_open(&connection->link, fd, &server->faults, &server->journal)) {
		link_close(&connection->link);
		free(connection);
		return -EMFILE;
	}
	add(server, connection);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	int error = pthread_create(&thread, &attributes, serve, connection);
	pthread_attr_destroy(&attributes);
	if (error)
		drop(server, connection);
	return -error;
}

static bool is_stopping(struct server *server)
{
	pthread_mutex_lock(&server->lock);
	bool stopping = server->stopping;
	pthread_mutex_unlock(&server->lock);
	return stopping;
}

int server_run(struct server *server)
{
	while (!is_stopping(server)) {
		int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			start_connection(server, fd);
		else if (errno != EINTR && errno != ECONNABORTED && !is_stopping(server))
			return -errno;
	}
	pthread_mutex_lock(&server->lock);
	while (server->connection_count)
		pthread_cond_wait(&server->emptied, &server->lock);
	pthread_mutex_unlock(&server->lock);
	return 0;
}

size_t server_kill(struct server *server, int session)
{
	size_t count = 0;

	pthread_mutex_lock(&server->lock);
	for (struct connection *connection = server->connections; connection; connection = connection->next)
		if (session == 0 || connection->link.session == session) {
			link_cut(&connection->link);
			count++;
		}
	pthread_mutex_unlock(&server->lock);
	return count;
}

void server_stop(struct server *server)
{
	pthread_mutex_lock(&server->lock);
	server->stopping = true;
	pthread_mutex_unlock(&server->lock);
	shutdown(server->listener, SHUT_RDWR);
	server_kill(server, 0);
}

void server_close(struct server *server)
{
	if (server->listener >= 0)
		close(server->listener);
	if (server->engine)
		engine_close(server->engine);
	tls_server_close(server->tls);
	journal_destroy(&server->journal);
	faults_destroy(&server->faults);
	pthread_cond_destroy(&server->emptied);
	pthread_mutex_destroy(&server->lock);
}

size_t server_print_sessions(struct server *server, FILE *to)
{
	size_t count = 0;

	pthread_mutex_lock(&server->lock);
	for (struct connection *connection = server->connections; connection; connection = connection->next) {
		if (!connection->summary[0])
			continue;
		fprintf(to, "spid=%d state=%s received=%llu sent=%llu %s\n", connection->link.session,
			__atomic_load_n(&connection->running, __ATOMIC_RELAXED) ? "running" : "idle",
			(unsigned long long)connection->link.received, (unsigned long long)connection->link.sent,
			connection->summary);
		count++;
	}
	pthread_mutex_unlock(&server->lock);
	return count;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void client_take(struct client *client, int fd)
{
	client->fd = fd;
	client->size = client->taken = 0;
}

int client_dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

int client_connect(struct client *client, const char *path)
{
	int fd = client_dial(path);
	if (fd < 0)
		return fd;
	client_take(client, fd);
	return 0;
}

int client_send(struct client *client, struct block *request)
{
	int result = block_end(request);
	if (result < 0)
		return result;
	for (size_t sent = 0; sent < request->size;) {
		ssize_t took = send(client->fd, request->bytes + sent, request->size - sent, MSG_NOSIGNAL);
		if (took < 0 && errno != EINTR)
			return -errno;
		sent += took > 0 ? (size_t)took : 0;
	}
	return 0;
}

int client_next(struct client *client, struct block_fields *fields)
{
	memmove(client->bytes, client->bytes + client->taken, client->size - client->taken);
	client->size -= client->taken;
	client->taken = 0;
	int length;
	while ((length = block_length(client->bytes, client->size)) == 0) {
		ssize_t got = recv(client->fd, client->bytes + client->size, sizeof(client->bytes) - client->size, 0);
		if (got < 0)
			return -errno;
		if (got == 0)
			return -EPIPE;
		client->size += (size_t)got;
	}
	if (length < 0)
		return -EBADMSG;
	client->taken = (size_t)length;
	return block_parse(fields, client->bytes, (size_t)length);
}

void client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}

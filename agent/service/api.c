/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/service/api.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void serve(void *arg, short revents);

void api_init(struct api *api, struct loop *loop, const struct api_ops *ops, void *arg)
{
	memset(api, 0, offsetof(struct api, clients));
	api->loop = loop;
	api->ops = ops;
	api->arg = arg;
	api->listener = -1;
	for (size_t i = 0; i < API_CLIENTS_MAX; i++)
		api->clients[i].fd = -1;
}

/* ---- clients ---- */

/* From /etc/passwd alone: getpwuid would load the name services' libraries into the daemon. */
static void find_user(uint32_t uid, char *user, size_t size)
{
	FILE *file = fopen("/etc/passwd", "re");
	struct passwd *entry = NULL;
	while (file && (entry = fgetpwent(file)) && entry->pw_uid != uid)
		;
	if (entry)
		snprintf(user, size, "%s", entry->pw_name);
	else
		snprintf(user, size, "uid %u", uid);
	if (file)
		fclose(file);
}

static void drop(struct api_client *client)
{
	if (client->busy)
		client->api->ops->gone(client->api->arg, client);
	loop_remove(client->api->loop, client->fd);
	close(client->fd);
	explicit_bzero(client->in, client->in_size);
	explicit_bzero(client->out, client->out_size);
	client->fd = -1;
	client->busy = false;
}

int api_adopt(struct api *api, int fd, uint32_t uid)
{
	struct api_client *client = NULL;
	for (size_t i = 0; i < API_CLIENTS_MAX && !client; i++)
		if (api->clients[i].fd < 0)
			client = &api->clients[i];
	int result = client ? loop_add(api->loop, fd, POLLIN, serve, client) : -EBUSY;
	if (result < 0) {
		close(fd);
		return result;
	}
	client->api = api;
	client->fd = fd;
	client->uid = uid;
	client->busy = client->closing = client->silent = false;
	client->in_size = client->out_from = client->out_size = 0;
	find_user(uid, client->user, sizeof(client->user));
	return 0;
}

static void refuse_client(int fd, const char *sentence)
{
	struct block block;
	block_begin(&block, "end");
	block_add(&block, "Result", "failed");
	block_add_number(&block, "Code", 1);
	block_add(&block, "Sentence", sentence);
	block_end(&block);
	send(fd, block.bytes, block.size, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void take_client(void *arg, short revents)
{
	struct api *api = arg;
	struct ucred peer;
	socklen_t size = sizeof(peer);
	(void)revents;
	int fd = accept4(api->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	bool full = true;
	for (size_t i = 0; i < API_CLIENTS_MAX; i++)
		full = full && api->clients[i].fd >= 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		refuse_client(fd, "Who asks cannot be told.");
	else if (full)
		refuse_client(fd, "Too many commands are being answered at this moment; try again.");
	else
		api_adopt(api, fd, peer.uid);
}

/* ---- the socket ---- */

static int give_to_group(const char *path, const char *name)
{
	FILE *file = fopen("/etc/group", "re");
	struct group *group = NULL;
	while (file && (group = fgetgrent(file)) && strcmp(group->gr_name, name) != 0)
		;
	gid_t gid = group ? group->gr_gid : 0;
	if (file)
		fclose(file);
	if (!group)
		return -ENOENT;
	return chown(path, (uid_t)-1, gid) < 0 || chmod(path, 0660) < 0 ? -errno : 0;
}

static bool somebody_answers(const struct sockaddr_un *address)
{
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answered = probe >= 0 && connect(probe, (const struct sockaddr *)address, sizeof(*address)) == 0;
	if (probe >= 0)
		close(probe);
	return answered;
}

/* Made with mode 0600 and opened to the group only then, so that there is no moment at which others may connect. */
static int bind_socket(int fd, const struct sockaddr_un *address)
{
	mode_t mask = umask(0177);
	int result = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
	umask(mask);
	return result == 0 && listen(fd, API_CLIENTS_MAX) < 0 ? -errno : result;
}

int api_listen(struct api *api, const char *path, const char *group)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	if (somebody_answers(&address))
		return -EADDRINUSE;
	unlink(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int result = fd < 0 ? -errno : bind_socket(fd, &address);
	if (result == 0)
		result = loop_add(api->loop, fd, POLLIN, take_client, api);
	if (result < 0) {
		if (fd >= 0)
			close(fd);
		return result;
	}
	api->listener = fd;
	strcpy(api->path, path);
	return give_to_group(path, group);
}

void api_close(struct api *api)
{
	for (size_t i = 0; i < API_CLIENTS_MAX; i++)
		if (api->clients[i].fd >= 0)
			drop(&api->clients[i]);
	if (api->listener < 0)
		return;
	loop_remove(api->loop, api->listener);
	close(api->listener);
	unlink(api->path);
	api->listener = -1;
}

/* ---- sending ---- */

/* The first `length` bytes of a buffer; where they were and where the others were, nothing stays to be read. */
static void take_out(char *bytes, size_t *size, size_t length)
{
	memmove(bytes, bytes + length, *size - length);
	explicit_bzero(bytes + *size - length, length);
	*size -= length;
}

bool api_room(const struct api_client *client)
{
	return API_OUT_SIZE - (client->out_size - client->out_from) >= BLOCK_SIZE;
}

/* All that the socket takes now. False: the client is gone. */
static bool flush(struct api_client *client)
{
	while (client->out_from < client->out_size) {
		ssize_t sent = send(client->fd, client->out + client->out_from, client->out_size - client->out_from,
			MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			break;
		if (sent < 0)
			return false;
		client->out_from += (size_t)sent;
	}
	if (client->out_from == client->out_size) {
		explicit_bzero(client->out, client->out_size);
		client->out_from = client->out_size = 0;
	}
	return true;
}

void api_send(struct api_client *client, struct block *block)
{
	if (client->closing || block_end(block) < 0 || !api_room(client)) {
		client->closing = true;
		return;
	}
	if (client->out_size + block->size > API_OUT_SIZE) {
		take_out(client->out, &client->out_size, client->out_from);
		client->out_from = 0;
	}
	memcpy(client->out + client->out_size, block->bytes, block->size);
	client->out_size += block->size;
	client->produced++;
}

void api_end(struct api_client *client, struct block *block)
{
	api_send(client, block);
	client->busy = false;
}

/* ---- receiving ---- */

/* False: the client is gone. One that only closed its sending side still gets its answers. */
static bool receive(struct api_client *client, bool hung_up)
{
	ssize_t got = recv(client->fd, client->in + client->in_size, BLOCK_SIZE - client->in_size, MSG_DONTWAIT);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	client->in_size += (size_t)got;
	client->silent = client->silent || got == 0;
	return got > 0 || !hung_up;
}

static void answer_request(struct api_client *client, size_t length)
{
	struct block_fields request;
	struct block block;
	int result = block_parse(&request, client->in, length);
	take_out(client->in, &client->in_size, length);
	client->busy = true;
	memset(client->task, 0, sizeof(client->task));
	if (result == 0)
		client->api->ops->request(client->api->arg, client, &request);
	explicit_bzero(&request, sizeof(request));
	if (result == 0)
		return;
	block_begin(&block, "end");
	block_add(&block, "Result", "failed");
	block_add_number(&block, "Code", 2);
	block_add(&block, "Sentence", "That is no request block.");
	api_end(client, &block);
	client->closing = true;
}

/* False: what came is longer than a block. */
static bool take_request(struct api_client *client)
{
	int length = client->busy || client->closing ? 0 : block_length(client->in, client->in_size);
	if (length > 0)
		answer_request(client, (size_t)length);
	return length >= 0;
}

static bool is_over(const struct api_client *client)
{
	return client->out_size == 0 && !client->busy && (client->closing || client->silent);
}

/* Answers what has come, asks for more, sends: until nothing moves, or the client must take something first. */
static void work(struct api_client *client)
{
	struct api *api = client->api;
	uint64_t before;
	do {
		before = client->produced;
		bool alive = flush(client) && take_request(client);
		if (client->busy && client->closing) {
			client->api->ops->gone(api->arg, client);
			client->busy = false;
		}
		if (client->busy && api_room(client))
			api->ops->more(api->arg, client);
		if (!alive || !flush(client)) {
			drop(client);
			return;
		}
	} while (client->produced != before && client->out_size == 0);
	if (is_over(client)) {
		drop(client);
		return;
	}
	bool reading = !client->closing && !client->silent && client->in_size < BLOCK_SIZE;
	loop_change(api->loop, client->fd, (short)((reading ? POLLIN : 0) | (client->out_size > 0 ? POLLOUT : 0)));
}

static void serve(void *arg, short revents)
{
	struct api_client *client = arg;
	bool gone = revents & (POLLERR | POLLNVAL), hung_up = revents & POLLHUP;
	if (!gone && (revents & POLLIN) && client->in_size < BLOCK_SIZE)
		gone = !receive(client, hung_up);
	else if (hung_up)
		gone = true;
	if (gone)
		drop(client);
	else
		work(client);
}

void api_changed(struct api *api)
{
	for (size_t i = 0; i < API_CLIENTS_MAX; i++)
		if (api->clients[i].fd >= 0 && api->clients[i].busy)
			work(&api->clients[i]);
}

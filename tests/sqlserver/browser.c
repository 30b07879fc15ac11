/* SPDX-License-Identifier: Apache-2.0 */
#include "browser.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bytes.h"
#include "tokens.h"

enum { CLNT_BCAST_EX = 0x02, CLNT_UCAST_EX = 0x03, CLNT_UCAST_INST = 0x04, SVR_RESP = 0x05 };

/* Whether this request asks for us: all instances, or ours by name. */
static bool concerns_us(const struct browser *browser, const uint8_t *request, size_t size)
{
	char name[33];

	if (size == 1)
		return request[0] == CLNT_UCAST_EX || request[0] == CLNT_BCAST_EX;
	if (request[0] != CLNT_UCAST_INST || size > sizeof(name))
		return false;
	memcpy(name, request + 1, size - 1);
	name[size - 1] = 0;
	return strcasecmp(name, browser->server->options.instance) == 0;
}

static int compose(struct browser *browser, uint8_t *answer, size_t capacity)
{
	const struct server_options *options = &browser->server->options;
	struct fault_settings settings = faults_settings(&browser->server->faults);
	char *text = (char *)answer + 3;
	int size;

	if (settings.silent_browser)
		return 0;
	if (settings.browser_answer[0])
		size = snprintf(text, capacity - 3, "%s", settings.browser_answer);
	else
		size = snprintf(text, capacity - 3, "ServerName;%s;InstanceName;%s;IsClustered;No;Version;%d.0.%u.0;tcp;%u;;",
			options->name, options->instance, options->version, build_of_version(options->version),
			browser->server->port);
	answer[0] = SVR_RESP;
	put16le(answer + 1, (uint16_t)size);
	return size + 3;
}

static void *run(void *argument)
{
	struct browser *browser = argument;
	struct sockaddr_in client;
	uint8_t request[64], answer[1100];

	for (;;) {
		socklen_t size = sizeof(client);
		ssize_t got = recvfrom(browser->fd, request, sizeof(request), 0, (struct sockaddr *)&client, &size);

		if (atomic_load(&browser->closing))
			return NULL;
		if (got <= 0)
			continue;
		while (request[got - 1] == 0 && got > 1)
			got--;
		if (!concerns_us(browser, request, (size_t)got))
			continue;
		int length = compose(browser, answer, sizeof(answer));
		if (length > 0 && sendto(browser->fd, answer, (size_t)length, 0, (struct sockaddr *)&client, size) < 0)
			perror("sqlserver: browser");
	}
}

int browser_open(struct browser *browser, struct server *server, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	socklen_t size = sizeof(address);

	browser->server = server;
	atomic_store(&browser->closing, false);
	if (inet_pton(AF_INET, server->options.address, &address.sin_addr) != 1)
		return -EINVAL;
	browser->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (browser->fd < 0 || bind(browser->fd, (struct sockaddr *)&address, sizeof(address)) ||
		getsockname(browser->fd, (struct sockaddr *)&address, &size)) {
		int error = -errno;

		if (browser->fd >= 0)
			close(browser->fd);
		return error;
	}
	browser->port = ntohs(address.sin_port);
	if (pthread_create(&browser->thread, NULL, run, browser)) {
		close(browser->fd);
		return -EAGAIN;
	}
	return 0;
}

void browser_close(struct browser *browser)
{
	atomic_store(&browser->closing, true);
	shutdown(browser->fd, SHUT_RDWR); /* an unconnected UDP socket answers ENOTCONN, and yet wakes the thread */
	pthread_join(browser->thread, NULL);
	close(browser->fd);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/net/sql_browser.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "agent/net/clock.h"

#define ASK_INSTANCE 0x04 /* CLNT_UCAST_INST: this byte and the name, NUL-terminated */
#define ANSWER 0x05       /* SVR_RESP: this byte, u16 length, then "name;value;" ... and a second semicolon */
#define INSTANCE_MAX 32   /* characters, as MC-SQLR has it */
#define ASK_AGAIN_MS 1000

/* A field up to the next semicolon. */
struct field {
	const char *text;
	size_t size;
};

static bool next_field(const char **at, const char *end, struct field *field)
{
	const char *stop = memchr(*at, ';', (size_t)(end - *at));

	if (!stop)
		return false;
	*field = (struct field){ *at, (size_t)(stop - *at) };
	*at = stop + 1;
	return true;
}

static bool is(const struct field *field, const char *text)
{
	return field->size == strlen(text) && strncasecmp(field->text, text, field->size) == 0;
}

static int read_port(const struct field *field, uint16_t *port)
{
	uint32_t number = 0;

	if (!field->size || field->size > 5)
		return -EPROTO;
	for (size_t i = 0; i < field->size; i++) {
		if (field->text[i] < '0' || field->text[i] > '9')
			return -EPROTO;
		number = number * 10 + (uint32_t)(field->text[i] - '0');
	}
	if (!number || number > UINT16_MAX)
		return -EPROTO;
	*port = (uint16_t)number;
	return 0;
}

int sql_browser_parse(const uint8_t *answer, size_t size, const char *instance, uint16_t *port)
{
	if (size < 3 || answer[0] != ANSWER || (size_t)(answer[1] | answer[2] << 8) != size - 3)
		return -EPROTO;

	const char *at = (const char *)answer + 3, *end = (const char *)answer + size;
	struct field name, value;
	bool ours = false;
	uint16_t found = 0;

	while (next_field(&at, end, &name) && name.size && next_field(&at, end, &value)) {
		if (is(&name, "InstanceName")) {
			/* One answer, one instance; another's name is an answer to another question. */
			if (ours || !is(&value, instance))
				return -EPROTO;
			ours = true;
		} else if (is(&name, "tcp") && (found || read_port(&value, &found))) {
			return -EPROTO;
		}
	}
	if (!ours)
		return -EPROTO;
	if (!found)
		return -ENOENT;
	*port = found;
	return 0;
}

static int send_question(int fd, const char *instance)
{
	uint8_t question[1 + INSTANCE_MAX + 1];
	size_t size = strlen(instance);

	question[0] = ASK_INSTANCE;
	memcpy(question + 1, instance, size + 1);
	return send(fd, question, size + 2, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Reads answers until one fits or the time is over; nonsense is only remembered, for a true answer may still come. */
static int await_answer(int fd, const char *instance, int64_t deadline_ms, int *nonsense, uint16_t *port)
{
	uint8_t answer[SQL_BROWSER_ANSWER_MAX];

	for (;;) {
		int error = net_wait(fd, POLLIN, deadline_ms);

		if (error)
			return error;

		ssize_t got = recv(fd, answer, sizeof(answer), 0);

		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (got < 0)
			continue;
		error = sql_browser_parse(answer, (size_t)got, instance, port);
		if (error != -EPROTO)
			return error;
		*nonsense = -EPROTO;
	}
}

static int ask(int fd, const char *instance, int64_t deadline_ms, uint16_t *port)
{
	int nonsense = 0;

	for (;;) {
		int64_t again_ms = net_now_ms() + ASK_AGAIN_MS;
		int error = send_question(fd, instance);

		if (!error)
			error = await_answer(fd, instance, again_ms < deadline_ms ? again_ms : deadline_ms, &nonsense, port);
		if (error != -ETIMEDOUT)
			return error;
		if (net_now_ms() >= deadline_ms)
			return nonsense ? nonsense : -ETIMEDOUT;
	}
}

int sql_browser_ask(const struct sockaddr *browser, socklen_t size, const char *instance, int seconds, uint16_t *port)
{
	if (!instance[0] || strlen(instance) > INSTANCE_MAX || strchr(instance, ';'))
		return -EINVAL;

	int fd = socket(browser->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;

	/* A connected socket takes answers from there only, and is told that nobody listens. */
	int error = connect(fd, browser, size) ? -errno : 0;

	if (!error)
		error = ask(fd, instance, net_now_ms() + (int64_t)seconds * 1000, port);
	close(fd);
	return error;
}

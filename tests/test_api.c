/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/service/api.h"

/* ---- a server that counts to what it is asked for, or waits ---- */

struct count_task {
	uint64_t next, last;
	bool waiting;
};

static int requests, gone;
static bool release;
static uint32_t last_uid;

static void begin(void *arg, struct api_client *client, const struct block_fields *request)
{
	struct count_task *task = (struct count_task *)client->task;
	(void)arg;
	requests++;
	last_uid = client->uid;
	assert_int_equal(task->next + task->last, 0);
	block_get_number(request, "Count", 1000000, &task->last);
	task->waiting = block_get_flag(request, "Wait");
}

static void more(void *arg, struct api_client *client)
{
	struct count_task *task = (struct count_task *)client->task;
	struct block block;
	(void)arg;
	if (task->waiting && !release)
		return;
	while (task->next < task->last && api_room(client)) {
		block_begin(&block, "number");
		block_add_number(&block, "Value", ++task->next);
		api_send(client, &block);
	}
	if (task->next == task->last && api_room(client)) {
		block_begin(&block, "end");
		api_end(client, &block);
	}
}

static void client_gone(void *arg, struct api_client *client)
{
	(void)arg;
	(void)client;
	gone++;
}

/* ---- what stays in memory ---- */

#define SECRET "a-recovery-key-that-nobody-may-find"

static void begin_secret(void *arg, struct api_client *client, const struct block_fields *request)
{
	struct block block;
	(void)arg;
	assert_string_equal(block_get(request, "Recovery-Key"), SECRET);
	block_begin(&block, "recovery-key");
	block_add(&block, "Recovery-Key", SECRET);
	api_send(client, &block);
	explicit_bzero(&block, sizeof(block));
	block_begin(&block, "end");
	api_end(client, &block);
}

static const struct api_ops ops = { begin, more, client_gone };
static struct loop loop;
static struct api api;
static char directory[64], path[96];

static int set_up(void **state)
{
	(void)state;
	requests = gone = 0;
	release = false;
	strcpy(directory, "/tmp/coffret-api-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
	loop_init(&loop);
	api_init(&api, &loop, &ops, NULL);
	int result = api_listen(&api, path, "root");
	assert_true(result == 0 || result == -EPERM);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	api_close(&api);
	assert_int_equal(access(path, F_OK), -1);
	return rmdir(directory);
}

static int connect_client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	loop_step(&loop, 100);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void turn(int times)
{
	while (times-- > 0)
		loop_step(&loop, 0);
}

/* In the api's own buffers. */
static bool holds_secret(void)
{
	return memmem(&api, sizeof(api), SECRET, strlen(SECRET)) != NULL;
}

static void a_secret_stays_in_no_buffer(void **state)
{
	(void)state;
	static const struct api_ops secret_ops = { begin_secret, more, client_gone };
	char answer[BLOCK_SIZE];
	int fd = connect_client();
	api.ops = &secret_ops;
	for (int i = 0; i < 3; i++) {
		say(fd, "Command: x\nRecovery-Key: " SECRET "\n");
		turn(3);
		assert_true(holds_secret()); /* so that looking finds what is there */
		say(fd, i == 1 ? "\nCommand: y\nOther: longer than what was before it, so that it is moved over it\n" : "\n");
		turn(3);
		assert_true(recv(fd, answer, sizeof(answer), 0) > 0);
		turn(3);
		assert_false(holds_secret());
		if (i == 1) {
			close(fd);
			turn(3);
			fd = connect_client();
		}
	}
	/* Whoever goes in the middle leaves nothing, neither of what came nor of what was to be sent. */
	say(fd, "Command: x\nRecovery-Key: " SECRET "\n");
	turn(3);
	assert_true(holds_secret());
	close(fd);
	turn(3);
	assert_false(holds_secret());
}

/* Answers that are not taken pile up; then the secret is moved in its buffer. */
static void a_secret_that_waits_to_be_sent_is_wiped_when_it_was(void **state)
{
	(void)state;
	static const struct api_ops secret_ops = { begin_secret, more, client_gone };
	char answer[BLOCK_SIZE];
	int fd = connect_client(), size = 1, seen = 0;
	assert_int_equal(setsockopt(api.clients[0].fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	api.ops = &secret_ops;
	for (int i = 0; i < 200; i++) {
		say(fd, "Command: x\nRecovery-Key: " SECRET "\n\n");
		turn(2);
		seen += holds_secret();
		if (i % 40 == 39)
			while (recv(fd, answer, sizeof(answer), 0) > 0)
				turn(2);
	}
	while (recv(fd, answer, sizeof(answer), 0) > 0)
		turn(2);
	assert_true(seen > 0);
	assert_false(holds_secret());
	/* Nor does one that goes without taking it leave it there. */
	for (int i = 0; i < 200 && !holds_secret(); i++) {
		say(fd, "Command: x\nRecovery-Key: " SECRET "\n\n");
		turn(2);
	}
	assert_true(holds_secret());
	close(fd);
	turn(2);
	assert_false(holds_secret());
}

/* All that comes until the other side closes or `end` was seen so many times. Returns blocks; checks that they count. */
static int read_numbers(int fd, int ends, bool *closed)
{
	static char bytes[BLOCK_SIZE];
	size_t size = 0;
	int numbers = 0, idle = 0;
	*closed = false;
	while (ends > 0 && idle < 100 && !*closed) {
		ssize_t got = recv(fd, bytes + size, sizeof(bytes) - size, 0);
		if (got < 0 && errno == ECONNRESET) {
			*closed = true;
			break;
		}
		if (got < 0) {
			assert_int_equal(errno, EAGAIN);
			loop_step(&loop, 1);
			idle++;
			continue;
		}
		*closed = got == 0;
		size += (size_t)got;
		idle = 0;
		int length;
		while ((length = block_length(bytes, size)) > 0) {
			struct block_fields fields;
			uint64_t value;
			assert_int_equal(block_parse(&fields, bytes, (size_t)length), 0);
			if (strcmp(block_get(&fields, "Block"), "end") == 0) {
				ends--;
			} else {
				numbers++;
				assert_int_equal(block_get_number(&fields, "Value", UINT64_MAX, &value), 0);
				assert_int_equal(value, numbers);
			}
			memmove(bytes, bytes + length, size -= (size_t)length);
		}
	}
	return ends > 0 ? -1 : numbers;
}

static void a_request_is_answered_and_the_caller_is_known(void **state)
{
	(void)state;
	bool closed;
	int fd = connect_client();
	say(fd, "Count: 3\n\n");
	assert_int_equal(read_numbers(fd, 1, &closed), 3);
	assert_int_equal(last_uid, getuid());
	close(fd);
}

static void a_long_answer_waits_for_a_slow_reader_and_loses_nothing(void **state)
{
	(void)state;
	bool closed;
	int fd = connect_client(), small = 4096;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	say(fd, "Count: 100000\n\n");
	turn(20);
	assert_true(api.clients[0].busy);
	assert_int_equal(read_numbers(fd, 1, &closed), 100000);
	assert_false(api.clients[0].busy);
	close(fd);
}

static void a_request_may_come_byte_by_byte_and_two_at_once(void **state)
{
	(void)state;
	bool closed;
	int fd = connect_client();
	for (const char *byte = "Count: 2\n\n"; *byte; byte++) {
		assert_int_equal(requests, 0);
		assert_int_equal(send(fd, byte, 1, 0), 1);
		loop_step(&loop, 100);
	}
	assert_int_equal(read_numbers(fd, 1, &closed), 2);
	say(fd, "Count: 1\n\nCount: 0\n\n");
	assert_int_equal(read_numbers(fd, 2, &closed), 1);
	assert_int_equal(requests, 3);
	close(fd);
}

static void what_is_no_request_is_told_so_and_closed(void **state)
{
	(void)state;
	bool closed;
	int fd = connect_client();
	say(fd, "GET / HTTP/1.1\r\nHost: x\r\n\n\n");
	read_numbers(fd, 2, &closed);
	assert_true(closed);
	assert_int_equal(requests, 0);
	assert_int_equal(api.clients[0].fd, -1);
	close(fd);
}

static void one_that_never_ends_its_request_is_closed(void **state)
{
	(void)state;
	bool closed;
	static char flood[BLOCK_SIZE + 100];
	memset(flood, 'x', sizeof(flood));
	int fd = connect_client();
	for (size_t sent = 0; sent < BLOCK_SIZE; sent += 1000) {
		send(fd, flood, 1000, MSG_NOSIGNAL);
		loop_step(&loop, 10);
	}
	turn(3);
	read_numbers(fd, 1, &closed);
	assert_int_equal(api.clients[0].fd, -1);
	close(fd);
}

static void one_that_leaves_lets_its_task_go(void **state)
{
	(void)state;
	int fd = connect_client();
	say(fd, "Count: 1\nWait: yes\n\n");
	turn(3);
	assert_int_equal(requests, 1);
	assert_int_equal(gone, 0);
	close(fd);
	turn(3);
	assert_int_equal(gone, 1);
	assert_int_equal(api.clients[0].fd, -1);
	assert_int_equal(loop.source_count, 1);
}

static void one_that_only_stops_talking_still_gets_its_answer(void **state)
{
	(void)state;
	bool closed;
	int fd = connect_client();
	say(fd, "Count: 2\nWait: yes\n\n");
	shutdown(fd, SHUT_WR);
	turn(5);
	assert_int_equal(gone, 0);
	release = true;
	api_changed(&api);
	assert_int_equal(read_numbers(fd, 1, &closed), 2);
	turn(2);
	assert_int_equal(api.clients[0].fd, -1);
	close(fd);
}

static void a_waiting_answer_comes_when_something_changed(void **state)
{
	(void)state;
	bool closed;
	int fd = connect_client();
	say(fd, "Count: 1\nWait: yes\n\n");
	turn(5);
	release = true;
	turn(2);
	api_changed(&api);
	assert_int_equal(read_numbers(fd, 1, &closed), 1);
	close(fd);
}

static void one_too_many_is_told_so(void **state)
{
	(void)state;
	int fds[API_CLIENTS_MAX + 1];
	char text[400] = "";
	for (int i = 0; i <= API_CLIENTS_MAX; i++)
		fds[i] = connect_client();
	turn(2);
	assert_true(recv(fds[API_CLIENTS_MAX], text, sizeof(text) - 1, 0) > 0);
	assert_non_null(strstr(text, "Too many"));
	close(fds[0]);
	turn(3);
	bool closed;
	int fd = connect_client();
	say(fd, "Count: 1\n\n");
	assert_int_equal(read_numbers(fd, 1, &closed), 1);
	close(fd);
	for (int i = 1; i <= API_CLIENTS_MAX; i++)
		close(fds[i]);
}

static void the_socket_is_for_its_owner_and_group(void **state)
{
	(void)state;
	struct stat stat_socket;
	assert_int_equal(stat(path, &stat_socket), 0);
	assert_int_equal(stat_socket.st_mode & 07777, 0660);
	struct api other;
	char other_path[128];
	snprintf(other_path, sizeof(other_path), "%s/other", directory);
	api_init(&other, &loop, &ops, NULL);
	assert_int_equal(api_listen(&other, other_path, "no-such-group"), -ENOENT);
	assert_int_equal(stat(other_path, &stat_socket), 0);
	assert_int_equal(stat_socket.st_mode & 07777, 0600);
	api_close(&other);
}

static void a_stale_socket_is_replaced_and_a_live_one_is_not(void **state)
{
	(void)state;
	struct api second;
	api_init(&second, &loop, &ops, NULL);
	assert_int_equal(api_listen(&second, path, "root"), -EADDRINUSE);
	/* As after a -9: the file is there, nobody listens. */
	loop_remove(&loop, api.listener);
	close(api.listener);
	api.listener = -1;
	assert_int_equal(api_listen(&second, path, "root"), 0);
	api_close(&second);
}

static void a_descriptor_can_be_taken_in_as_a_client(void **state)
{
	(void)state;
	int pair[2];
	bool closed;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(api_adopt(&api, pair[0], 4711), 0);
	say(pair[1], "Count: 1\n\n");
	assert_int_equal(read_numbers(pair[1], 1, &closed), 1);
	assert_int_equal(last_uid, 4711);
	close(pair[1]);
}

#define api_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(a_request_is_answered_and_the_caller_is_known),
		api_test(a_long_answer_waits_for_a_slow_reader_and_loses_nothing),
		api_test(a_request_may_come_byte_by_byte_and_two_at_once),
		api_test(what_is_no_request_is_told_so_and_closed),
		api_test(one_that_never_ends_its_request_is_closed),
		api_test(one_that_leaves_lets_its_task_go),
		api_test(a_secret_stays_in_no_buffer),
		api_test(a_secret_that_waits_to_be_sent_is_wiped_when_it_was),
		api_test(one_that_only_stops_talking_still_gets_its_answer),
		api_test(a_waiting_answer_comes_when_something_changed),
		api_test(one_too_many_is_told_so),
		api_test(the_socket_is_for_its_owner_and_group),
		api_test(a_stale_socket_is_replaced_and_a_live_one_is_not),
		api_test(a_descriptor_can_be_taken_in_as_a_client),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

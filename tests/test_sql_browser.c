/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/net/sql_browser.h"
#include "tests/support/fake_clock.h"

static size_t make_answer(uint8_t *answer, const char *text)
{
	size_t size = strlen(text);

	answer[0] = 5;
	answer[1] = (uint8_t)size;
	answer[2] = (uint8_t)(size >> 8);
	memcpy(answer + 3, text, size);
	return size + 3;
}

static int parse(const char *text, const char *instance, uint16_t *port)
{
	uint8_t answer[2000];
	size_t size = make_answer(answer, text);
	/* Of exactly its size, so that a sanitizer sees any byte read beyond it. */
	uint8_t *exact = malloc(size);

	assert_non_null(exact);
	memcpy(exact, answer, size);

	int result = sql_browser_parse(exact, size, instance, port);

	free(exact);
	return result;
}

static void the_port_of_our_instance_is_found(void **state)
{
	(void)state;
	uint16_t port = 0;

	assert_int_equal(parse("ServerName;CHAT01;InstanceName;RTC;IsClustered;No;Version;14.0.1000.169;tcp;49172;"
						   "np;\\\\CHAT01\\pipe\\MSSQL$RTC\\sql\\query;;",
						 "rtc", &port),
		0);
	assert_int_equal(port, 49172);
}

static void an_instance_without_tcp_is_known_as_such(void **state)
{
	(void)state;
	uint16_t port;

	assert_int_equal(parse("ServerName;A;InstanceName;RTC;IsClustered;No;Version;14.0;;", "RTC", &port), -ENOENT);
}

static void answers_that_are_none_are_refused(void **state)
{
	(void)state;
	static const char *const answers[] = {
		"",
		";",
		";;",
		"InstanceName",
		"InstanceName;RTC",
		"tcp;1433;;",
		"InstanceName;OTHER;tcp;1433;;",
		"InstanceName;RTC;InstanceName;RTC;tcp;1;;",
		"InstanceName;RTC;tcp;0;;",
		"InstanceName;RTC;tcp;65536;;",
		"InstanceName;RTC;tcp;-1;;",
		"InstanceName;RTC;tcp;99999999999999999999;;",
		"InstanceName;RTC;tcp;;;",
		"InstanceName;RTC;tcp;14x3;;",
		"InstanceName;RTC;tcp;1;tcp;2;;",
		"InstanceName;RTCX;tcp;1;;",
	};
	uint16_t port;

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (parse(answers[i], "RTC", &port) != -EPROTO)
			fail_msg("\"%s\" was taken for an answer", answers[i]);
}

static void an_answer_whose_length_lies_is_refused(void **state)
{
	(void)state;
	uint8_t answer[100];
	uint16_t port;
	size_t size = make_answer(answer, "InstanceName;RTC;tcp;1433;;");

	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(sql_browser_parse(answer, cut, "RTC", &port), -EPROTO);
	answer[0] = 4;
	assert_int_equal(sql_browser_parse(answer, size, "RTC", &port), -EPROTO);
}

/* ---- over UDP ---- */

struct browser {
	pthread_t thread;
	int socket;
	struct sockaddr_in address;
	const char *answers[3]; /* to the questions, in turn; NULL: silence */
	char question[64];
};

static void *play(void *arg)
{
	struct browser *browser = arg;

	for (int i = 0; i < 3; i++) {
		struct sockaddr_in client;
		socklen_t size = sizeof(client);
		uint8_t answer[2000];
		ssize_t got = recvfrom(
			browser->socket, browser->question, sizeof(browser->question), 0, (struct sockaddr *)&client, &size);

		if (got <= 0)
			break;
		if (browser->answers[i])
			sendto(
				browser->socket, answer, make_answer(answer, browser->answers[i]), 0, (struct sockaddr *)&client, size);
		else
			fake_clock_advance(2);
	}
	return NULL;
}

static void start(struct browser *browser)
{
	socklen_t size = sizeof(browser->address);

	fake_clock_install();
	browser->address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	browser->socket = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(browser->socket, (struct sockaddr *)&browser->address, size), 0);
	assert_int_equal(getsockname(browser->socket, (struct sockaddr *)&browser->address, &size), 0);
	assert_int_equal(pthread_create(&browser->thread, NULL, play, browser), 0);
}

static int ask(struct browser *browser, uint16_t *port)
{
	int result = sql_browser_ask((struct sockaddr *)&browser->address, sizeof(browser->address), "RTC", 5, port);

	shutdown(browser->socket, SHUT_RDWR);
	pthread_join(browser->thread, NULL);
	close(browser->socket);
	fake_clock_remove();
	return result;
}

static void a_browser_is_asked_again_when_it_is_silent(void **state)
{
	(void)state;
	struct browser browser = { .answers = { NULL, "InstanceName;RTC;tcp;1500;;" } };
	uint16_t port = 0;

	start(&browser);
	assert_int_equal(ask(&browser, &port), 0);
	assert_int_equal(port, 1500);
	assert_memory_equal(browser.question, "\4RTC", 5);
}

static void a_browser_that_stays_silent_is_given_up(void **state)
{
	(void)state;
	struct browser browser = { .answers = { NULL } };
	uint16_t port = 0;

	start(&browser);
	assert_int_equal(ask(&browser, &port), -ETIMEDOUT);
}

static void nonsense_is_waited_out_and_then_named(void **state)
{
	(void)state;
	struct browser browser = { .answers = { "InstanceName;EVIL;tcp;1;;", NULL } };
	uint16_t port = 0;

	/* The nonsense comes at once; then only time passes. */
	start(&browser);
	fake_clock_remove();

	struct sockaddr_in *address = &browser.address;

	assert_int_equal(sql_browser_ask((struct sockaddr *)address, sizeof(*address), "RTC", 1, &port), -EPROTO);
	shutdown(browser.socket, SHUT_RDWR);
	pthread_join(browser.thread, NULL);
	close(browser.socket);
}

static void a_name_that_cannot_be_is_not_asked_for(void **state)
{
	(void)state;
	const struct sockaddr_in nowhere = { .sin_family = AF_INET };
	static const char *const names[] = { "", "A;B", "THIS_NAME_HAS_MORE_THAN_THIRTY_TWO_LETTERS" };
	uint16_t port;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(
			sql_browser_ask((const struct sockaddr *)&nowhere, sizeof(nowhere), names[i], 1, &port), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_port_of_our_instance_is_found),
		cmocka_unit_test(an_instance_without_tcp_is_known_as_such),
		cmocka_unit_test(answers_that_are_none_are_refused),
		cmocka_unit_test(an_answer_whose_length_lies_is_refused),
		cmocka_unit_test(a_browser_is_asked_again_when_it_is_silent),
		cmocka_unit_test(a_browser_that_stays_silent_is_given_up),
		cmocka_unit_test(nonsense_is_waited_out_and_then_named),
		cmocka_unit_test(a_name_that_cannot_be_is_not_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket of the sim board, spoken to as coffret press and coffret-panel do. Its clock is frozen throughout. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "board/board.h"
#include "board/sim/panel/front_state.h"

static char directory[64], path[96];

static int set_up(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/coffret-sim-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/panel", directory);
	return board_start(&(struct board_options){ .panel_socket = path });
}

static int tear_down(void **state)
{
	(void)state;
	struct button_event event;
	board_stop();
	while (button_next(board.panel.restore, &event) == 1)
		;
	unlink(path);
	return rmdir(directory);
}

static int reach(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Lets the board do whatever waits for it. */
static void settle(void)
{
	struct pollfd waiting = { .fd = board_fd(), .events = POLLIN };
	while (poll(&waiting, 1, 0) > 0)
		assert_int_equal(board_service(), 0);
}

static const char *ask(int fd, const char *line)
{
	static char answer[2048];
	size_t size = 0;
	assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
	settle();
	ssize_t got = recv(fd, answer, sizeof(answer) - 1, 0);
	size = got > 0 ? (size_t)got : 0;
	answer[size] = '\0';
	return answer;
}

static int frozen(void)
{
	int fd = reach();
	assert_string_equal(ask(fd, "freeze\n"), "ok\n");
	return fd;
}

static void a_pressed_button_is_down_until_it_is_released(void **state)
{
	(void)state;
	int fd = frozen();
	struct button_event event;
	assert_string_equal(ask(fd, "press restore\n"), "ok\n");
	assert_int_equal(button_level(board.panel.restore), 1);
	assert_string_equal(ask(fd, "press restore\n"), "ok\n");
	assert_int_equal(button_next(board.panel.restore, &event), 1);
	assert_true(event.down);
	assert_int_equal(event.when_ms, clock_monotonic(board.clock));
	assert_int_equal(button_next(board.panel.restore, &event), 0);
	assert_string_equal(ask(fd, "release restore\n"), "ok\n");
	assert_int_equal(button_level(board.panel.restore), 0);
	close(fd);
}

static void a_hold_ends_at_its_time_and_answers_then(void **state)
{
	(void)state;
	int fd = frozen(), other = reach();
	struct button_event event;
	int64_t start = clock_monotonic(board.clock);
	assert_string_equal(ask(fd, "hold restore 5000\n"), "");
	assert_string_equal(ask(other, "advance 4999\n"), "ok\n");
	assert_int_equal(button_level(board.panel.restore), 1);
	assert_string_equal(ask(other, "press restore\n"), "error a hold is going on\n");
	assert_string_equal(ask(other, "advance 1000\n"), "ok\n");
	assert_int_equal(button_level(board.panel.restore), 0);
	assert_string_equal(ask(fd, "freeze\n"), "ok\nok\n");
	assert_int_equal(button_next(board.panel.restore, &event), 1);
	assert_int_equal(button_next(board.panel.restore, &event), 1);
	assert_int_equal(event.when_ms, start + 5000);
	close(fd);
	close(other);
}

static void a_hold_in_real_time_ends_by_itself(void **state)
{
	(void)state;
	int fd = frozen();
	char answer[8] = "";
	struct pollfd waiting = { .fd = board_fd(), .events = POLLIN };
	assert_string_equal(ask(fd, "run\n"), "ok\n");
	assert_string_equal(ask(fd, "hold restore 50\n"), "");
	assert_int_equal(button_level(board.panel.restore), 1);
	while (button_level(board.panel.restore) == 1) {
		assert_int_equal(poll(&waiting, 1, 10000), 1);
		board_service();
	}
	assert_int_equal(recv(fd, answer, sizeof(answer) - 1, 0), 3);
	assert_string_equal(answer, "ok\n");
	close(fd);
}

static void a_finger_is_lifted_though_its_client_has_gone(void **state)
{
	(void)state;
	int fd = reach(), other = frozen();
	assert_string_equal(ask(fd, "hold restore 1000\n"), "");
	close(fd);
	settle();
	assert_string_equal(ask(other, "advance 1000\n"), "ok\n");
	assert_int_equal(button_level(board.panel.restore), 0);
	close(other);
}

static void the_state_tells_button_lights_text_and_clock(void **state)
{
	(void)state;
	int fd = frozen();
	struct display_text text = { { "All is well", "Sauvé il y a 5 h" } };
	assert_int_equal(display_show(board.panel.display, &text), 0);
	assert_int_equal(led_show(board.panel.ready, LED_ON), 0);
	assert_int_equal(led_show(board.panel.attention, LED_SLOW), 0);
	assert_string_equal(ask(fd, "wall 1700000000 untrusted\n"), "ok\n");
	char expected[512];
	snprintf(expected, sizeof(expected),
		"button restore up\nlight ready green on\nlight action blue off\n"
		"light attention red slow\ntext 1 All is well\ntext 2 Sauvé il y a 5 h\n"
		"clock %lld 1700000000 untrusted frozen\nok\n",
		(long long)clock_monotonic(board.clock));
	assert_string_equal(ask(fd, "state\n"), expected);
	close(fd);
}

static void whoever_watches_is_told_of_every_change_and_of_nothing_else(void **state)
{
	(void)state;
	int fd = frozen(), watcher = reach();
	char seen[2048];
	struct display_text text = { { "RESTORE mgc?", "██········" } };
	assert_non_null(strstr(ask(watcher, "watch\n"), "ok\n"));
	while (recv(watcher, seen, sizeof(seen), 0) > 0)
		;
	display_show(board.panel.display, &text);
	settle();
	ssize_t got = recv(watcher, seen, sizeof(seen) - 1, 0);
	assert_true(got > 0);
	seen[got] = '\0';
	assert_non_null(strstr(seen, "text 1 RESTORE mgc?\n"));
	display_show(board.panel.display, &text);
	ask(fd, "advance 10\n");
	assert_int_equal(recv(watcher, seen, sizeof(seen), 0), -1);
	ask(fd, "press restore\n");
	assert_true(recv(watcher, seen, sizeof(seen), 0) > 0);
	ask(fd, "release restore\n");
	close(fd);
	close(watcher);
}

static void what_a_board_does_not_know_is_refused_and_changes_nothing(void **state)
{
	(void)state;
	static const char *const lines[] = { "\n", "jump\n", "press\n", "press undo\n", "press restore now\n",
		"hold restore\n", "hold restore -1\n", "hold restore 5s\n", "hold restore 99999999999999999999\n", "advance\n",
		"advance -60000\n", "wall 1 perhaps\n", "state please\n" };
	int fd = frozen();
	int64_t before = clock_monotonic(board.clock);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_memory_equal(ask(fd, lines[i]), "error ", 6);
	assert_int_equal(button_level(board.panel.restore), 0);
	assert_int_equal(clock_monotonic(board.clock), before);
	close(fd);
}

static void a_line_without_end_and_a_crowd_are_turned_away(void **state)
{
	(void)state;
	int fds[12], fd = frozen();
	char line[300];
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	assert_memory_equal(ask(fd, line), "error line too long\n", 20);
	close(fd);
	for (int i = 0; i < 12; i++)
		fds[i] = reach(), settle();
	assert_string_equal(ask(fds[0], "freeze\n"), "ok\n");
	for (int i = 0; i < 12; i++)
		close(fds[i]);
	settle();
	close(frozen());
}

static void the_socket_is_the_owners_alone_and_one_box_holds_it(void **state)
{
	(void)state;
	struct stat stat_of;
	assert_int_equal(stat(path, &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 0777, 0600);
	assert_int_equal(board_start(&(struct board_options){ .panel_socket = path }), -EADDRINUSE);
	board_stop();
	assert_int_equal(stat(path, &stat_of), -1);
	int stale = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(stale, (struct sockaddr *)&address, sizeof(address)), 0);
	close(stale);
	assert_int_equal(board_start(&(struct board_options){ .panel_socket = path }), 0);
	close(frozen());
}

static void a_state_that_was_sent_is_read_back_as_it_was(void **state)
{
	(void)state;
	int fd = frozen();
	struct front_state front = { .light_count = 0 };
	struct display_text text = { { "Échec: RESTAURER", "mgc: inchangé" } };
	bool whole = false;
	char *rest = NULL, copy[2048];
	display_show(board.panel.display, &text);
	led_show(board.panel.action, LED_PULSE);
	ask(fd, "press restore\n");
	snprintf(copy, sizeof(copy), "%s", ask(fd, "state\n"));
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		whole = front_state_line(&front, line);
	assert_true(whole && front.down);
	assert_int_equal(front.light_count, 3);
	assert_int_equal(front.lights[1].pattern, LED_PULSE);
	assert_int_equal(front.lights[1].colour, LED_BLUE);
	assert_string_equal(front.text.line[0], text.line[0]);
	assert_string_equal(front.text.line[1], text.line[1]);
	ask(fd, "release restore\n");
	close(fd);
}

int main(void)
{
#define SIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SIM(a_pressed_button_is_down_until_it_is_released),
		SIM(a_hold_ends_at_its_time_and_answers_then),
		SIM(a_hold_in_real_time_ends_by_itself),
		SIM(a_finger_is_lifted_though_its_client_has_gone),
		SIM(the_state_tells_button_lights_text_and_clock),
		SIM(whoever_watches_is_told_of_every_change_and_of_nothing_else),
		SIM(what_a_board_does_not_know_is_refused_and_changes_nothing),
		SIM(a_line_without_end_and_a_crowd_are_turned_away),
		SIM(the_socket_is_the_owners_alone_and_one_box_holds_it),
		SIM(a_state_that_was_sent_is_read_back_as_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

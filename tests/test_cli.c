/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/cli/client.h"
#include "agent/cli/command.h"
#include "agent/cli/json.h"
#include "agent/cli/press.h"
#include "agent/cli/progress.h"
#include "agent/cli/screen.h"
#include "agent/cli/text.h"

static struct options options;
static char message[300];

/* ---- what one types ---- */

static int type(const char *line)
{
	static char copy[512];
	static char *arguments[24];
	int count = 1;
	char *rest = copy;
	snprintf(copy, sizeof(copy), "%s", line);
	arguments[0] = (char[]){ "coffret" };
	for (char *word; (word = strsep(&rest, " "));)
		if (*word)
			arguments[count++] = word;
	arguments[count] = NULL;
	return options_parse(&options, count, arguments, message, sizeof(message));
}

static void requests(const char *line, const char *block)
{
	struct block request;
	if (type(line) < 0)
		fail_msg("%s: %s", line, message);
	options_request(&options, &request);
	request.bytes[request.size] = '\0';
	if (strcmp(request.bytes, block) != 0)
		fail_msg("%s\nfound\n%s\nexpected\n%s", line, request.bytes, block);
}

static void what_is_typed_becomes_a_request(void **state)
{
	(void)state;
	requests("backup", "Command: backup\n");
	requests("backup sql1/mgc --no-wait", "Command: backup\nTarget: sql1/mgc\nWait: no\n");
	requests("restore mgc -s 5f0c --with-users-connected --without-safety -y",
		"Command: restore\nTarget: mgc\nSnapshot: 5f0c\nUsers-Connected: yes\nWithout-Safety: yes\n");
	requests("--what-if restore mgc", "Command: restore\nTarget: mgc\nWhat-If: yes\n");
	requests("verify 5f0c --data", "Command: verify\nSnapshot: 5f0c\nData: yes\n");
	requests("show 5f", "Command: show\nSnapshot: 5f\n");
	requests("pin 5f", "Command: pin\nSnapshot: 5f\n");
	requests("unpin 5f --no-wait", "Command: unpin\nSnapshot: 5f\nWait: no\n");
	requests("prune --what-if", "Command: prune\nWhat-If: yes\n");
	requests("accept 5f", "Command: accept\nSnapshot: 5f\n");
	requests("clean", "Command: clean\n");
	requests("remove 5f -y", "Command: remove\nSnapshot: 5f\n");
	requests("take-over disk", "Command: take-over\nVolume: disk\n");
	requests("passphrase", "Command: passphrase\n");
	requests("passphrase --remove disk -y", "Command: passphrase\nVolume: disk\nRemove: yes\n");
	requests("passphrase --check", "Command: passphrase\nCheck: yes\n");
	requests("recovery-key --renew", "Command: recovery-key\nRenew: yes\n");
	requests("recovery-key disk --confirm", "Command: recovery-key\nVolume: disk\nConfirm: yes\n");
	requests("recovery-key --check", "Command: recovery-key\nCheck: yes\n");
	requests("cancel 12", "Command: cancel\nJob: 12\n");
	requests("cancel", "Command: cancel\n");
	requests("jobs --audit --json", "Command: jobs\nAudit: yes\n");
	assert_true(options.json);
	requests("list --socket /s --standalone --config=/c", "Command: list\n");
	assert_string_equal(options.socket, "/s");
	assert_string_equal(options.config, "/c");
	assert_true(options.standalone);
}

static void what_makes_no_sense_is_refused_with_a_hint(void **state)
{
	(void)state;
	static const char *const wrong[][2] = {
		{ "", "--help" },
		{ "bakcup", "bakcup" },
		{ "backup a b", "\"b\"" },
		{ "status x", "\"x\"" },
		{ "show", "show ID" },
		{ "trust", "trust SERVER" },
		{ "list --data", "does not take --data" },
		{ "backup --what-if", "--what-if" },
		{ "list --nothing", "--nothing" },
		{ "list --socket", "needs a value" },
		{ "verify --yes", "--yes" },
		{ "backup --snapshot 1", "--snapshot" },
		{ "restore --hold 5s", "--hold" },
		{ "remove", "remove ID" },
		{ "pin 5f -y", "--yes" },
		{ "recovery-key", "Say which way. Usage: coffret recovery-key --renew | --confirm | --check" },
		{ "recovery-key --renew --confirm", "One way at a time" },
		{ "recovery-key --remove", "does not take --remove" },
		{ "passphrase --remove --check", "One way at a time" },
		{ "passphrase --passphrase", "does not take --passphrase" },
		{ "passphrase disk hunter2", "\"hunter2\"" },
		{ "list --renew", "does not take --renew" },
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (type(wrong[i][0]) != -EINVAL || !strstr(message, wrong[i][1]))
			fail_msg("coffret %s: \"%s\"", wrong[i][0], message);
}

static void every_command_has_help_with_usage_and_summary(void **state)
{
	(void)state;
	for (size_t i = 0; i < command_count; i++) {
		char line[64];
		assert_memory_equal(commands[i].usage, commands[i].name, strlen(commands[i].name));
		assert_true(commands[i].summary[0] >= 'a' && commands[i].summary[0] <= 'z');
		snprintf(line, sizeof(line), "%s --help", commands[i].name);
		assert_int_equal(type(line), 0);
		assert_true(options.help);
		assert_ptr_equal(options.command, &commands[i]);
	}
	assert_int_equal(type("--help"), 0);
	assert_int_equal(type("-V"), 0);
}

/* ---- secrets ---- */

/* The shadow that a sanitizer keeps of all memory cannot be searched. */
#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/*
 * Whether any memory of this process that is written has the text, but where it stands itself. Its end: the beginning of
 * what was freed is written over by the allocator.
 */
static bool remembers(const char *text)
{
	char line[256];
	bool found = false;
	FILE *maps = fopen("/proc/self/maps", "re");
	assert_non_null(maps);
	while (!found && fgets(line, sizeof(line), maps)) {
		unsigned long begin = 0, end = 0;
		if (sscanf(line, "%lx-%lx rw", &begin, &end) != 2 || strncmp(strchr(line, ' '), " rw", 3) != 0)
			continue;
		const char *at = (const char *)begin; /* NOLINT: an address is what it is */
		while ((at = memmem(at, end - (size_t)(uintptr_t)at, text + 24, 32))) {
			found = found || at != text + 24;
			at++;
		}
	}
	fclose(maps);
	return found;
}

static void what_json_made_of_a_secret_is_wiped(void **state)
{
	(void)state;
	static char secret[57], out[4096], buffer[4096];
	struct block_fields fields = {
		.count = 2, .keys = { "Block", "Recovery-Key" }, .values = { "recovery-key", secret }
	};
	if (SANITIZED)
		skip();
	for (size_t i = 0; i < 56; i++)
		secret[i] = (char)('A' + (i * 11 + 5) % 26);
	FILE *file = fmemopen(out, sizeof(out), "w");
	assert_non_null(file);
	setvbuf(file, buffer, _IOFBF, sizeof(buffer)); /* as main does with standard output */
	assert_false(remembers(secret));
	struct json *json = json_begin(file, "");
	assert_int_equal(json_block(json, &fields), 0);
	assert_true(remembers(secret)); /* it is in the document */
	assert_int_equal(json_end(json), 0);
	assert_non_null(strstr(out, secret));
	memset(out, 0, sizeof(out));
	memset(buffer, 0, sizeof(buffer));
	assert_false(remembers(secret));
	fclose(file);
}

/* ---- numbers and foreign text ---- */

static void numbers_read_as_people_write_them(void **state)
{
	(void)state;
	char a[CLI_TEXT];
	assert_string_equal(text_count(a, 0), "0");
	assert_string_equal(text_count(a, 999), "999");
	assert_string_equal(text_count(a, 1234567), "1 234 567");
	assert_string_equal(text_count(a, UINT64_MAX), "18 446 744 073 709 551 615");
	assert_string_equal(text_size(a, 0), "0 B");
	assert_string_equal(text_size(a, 999), "999 B");
	assert_string_equal(text_size(a, 1000), "1.0 kB");
	assert_string_equal(text_size(a, 99949), "99.9 kB");
	assert_string_equal(text_size(a, 999700), "1.0 MB");
	assert_string_equal(text_size(a, UINT64_MAX), "18447 PB");
	assert_string_equal(text_duration(a, 449), "0.4 s");
	assert_string_equal(text_duration(a, 59999), "59 s");
	assert_string_equal(text_duration(a, 184000), "3 min 04 s");
	assert_string_equal(text_duration(a, 7500000), "2 h 05 min");
	assert_string_equal(text_ago(a, 1000, 1300), "5 min ago");
	assert_string_equal(text_ago(a, 13000, 2200), "in 3 h");
	assert_string_equal(text_ago(a, 0, 400000), "4 days ago");
	assert_string_equal(text_ratio(a, 81, 10), "8.1x");
	assert_string_equal(text_ratio(a, 5, 0), "-");
	setenv("TZ", "UTC0", 1);
	tzset();
	assert_string_equal(text_time(a, 1704067200), "2024-01-01 00:00");
	assert_string_equal(text_time(a, 0), "-");
	assert_string_equal(text_phase("read_back"), "reading back");
}

static void foreign_text_cannot_steer_the_terminal(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "plain", "plain" },
		{ "a\033[31mb", "a?[31mb" },
		{ "a\nb\rc\tb\x7f", "a?b?c?b?" },
		{ "\xc2\x9b"
		  "31m",
			"?31m" },
		{ "\xe2\x80\xae"
		  "evil",
			"?evil" },
		{ "\xe2\x81\xa6x", "?x" },
		{ "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "\xff\xc3(\xe2\x82",
			"??"
			"(??" },
	};
	char out[64];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text_clean(out, sizeof(out), cases[i][0], 0);
		assert_string_equal(out, cases[i][1]);
	}
	assert_int_equal(text_clean(out, sizeof(out), "\xc3\xa9\xc3\xa9\xc3\xa9", 2), 2);
	assert_string_equal(out, "\xc3\xa9\xc3\xa9");
	text_clean(out, 4, "\xc3\xa9\xc3\xa9", 0); /* a character is never cut in two */
	assert_string_equal(out, "\xc3\xa9");
}

/* ---- what one sees ---- */

static struct block_fields fields;

static void parse(const char *text)
{
	assert_int_equal(block_parse(&fields, text, strlen(text)), 0);
}

static const char *seen(const char *const *blocks, size_t count)
{
	static char text[4096];
	struct screen screen;
	memset(text, 0, sizeof(text));
	FILE *out = fmemopen(text, sizeof(text), "w");
	screen_init(&screen, out);
	screen.utf8 = false;
	for (size_t i = 0; i < count; i++) {
		parse(blocks[i]);
		screen_block(&screen, &fields);
	}
	fclose(out);
	return text;
}

static void a_pipe_gets_one_line_a_phase_and_the_outcome(void **state)
{
	(void)state;
	static const char *const blocks[] = {
		"Block: accepted\nJob: 4\nAhead: 0\n\n",
		"Block: progress\nJob: 4\nState: running\nPhase: waiting\nDatabase: \n\n",
		"Block: progress\nJob: 4\nState: running\nPhase: read\nDatabase: mgc\nDone: 1\nExpected: 10\n\n",
		"Block: progress\nJob: 4\nState: running\nPhase: read\nDatabase: mgc\nDone: 9\nExpected: 10\n\n",
		"Block: progress\nJob: 4\nState: stopping\nPhase: read\nDatabase: mgc\n\n",
		"Block: outcome\nState: cancelled\nSentence: Stopped\\n\\x1b[2J.\nRemedy: Again?\nMilliseconds: 1500\n\n",
		"Block: change\nTable: [dbo].[a]\nWay: ranges\nWhy: \nDeleted: 12\nInserted: 1034\nKept: 5\n\n",
		"Block: change\nTable: [dbo].[b]\nWay: whole\nWhy: most of it differs\nDeleted: 3\nInserted: 0\nKept: 0\n\n",
		"Block: note\nText: Mind this.\n\n",
		"Block: end\nCode: 4\nSentence: Stopped.\n\n",
	};
	assert_string_equal(seen(blocks, 10),
		"Job 4.\nmgc: reading\nmgc: stopping\ncancelled: Stopped??[2J. (1.5 s)\n"
		"  -> Again?\n  [dbo].[a]                          -12 +1 034 rows, 5 stay\n"
		"  [dbo].[b]                          -3 +0 rows, the whole table: most of it differs\nnote: Mind this.\n");
}

static void a_list_is_a_table_with_one_head(void **state)
{
	(void)state;
	static const char *const blocks[] = {
		"Block: snapshot\nId: 00aabbccddeeff11\nTime: 1704067200\nServer: sql1\nDatabase: mgc\nClass: backup\nVerified: yes\n"
		"Kept-Because: daily\n"
		"Bytes: 81000000\nStored-Bytes: 10000000\nReadable: yes\nRows: 1234567\n\n",
		"Block: snapshot\nId: 11aabbccddeeff11\nTime: 1704067260\nServer: sql1\nDatabase: mgc\nClass: safety\nSuspect: yes\n"
		"Kept-Because: suspect\nBytes: 81000000\nStored-Bytes: 0\nReadable: no\n\n",
		"Block: end\nCode: 0\n\n",
	};
	setenv("TZ", "UTC0", 1);
	tzset();
	const char *text = seen(blocks, 3);
	assert_non_null(strstr(text, "00aabbcc  2024-01-01 00:00  sql1/mgc                  backup    1 234 567"));
	assert_non_null(strstr(text, "  81.0 MB    10.0 MB    8.1x  yes       daily\n"));
	assert_non_null(strstr(text, "safety            ?    81.0 MB        0 B       -  SUSPECT   suspect\n"));
	assert_null(strstr(strstr(text, "verified") + 1, "verified"));
}

static void an_end_that_went_wrong_says_why_and_what_to_do(void **state)
{
	(void)state;
	static const char *const blocks[] = {
		"Block: end\nCode: 7\nSentence: Job 3 does that already.\nRemedy: Wait.\n\n"
	};
	assert_string_equal(seen(blocks, 1), "Job 3 does that already.\n-> Wait.\n");
}

static void the_bar_has_share_rate_and_time_to_go_and_fits(void **state)
{
	(void)state;
	char line[1024];
	parse("Block: progress\nState: running\nPhase: read\nDatabase: mgc\nObject: [dbo].[tblChat]\nDone: 50000\n"
		  "Expected: 200000\nPhase-Ms: 5000\n\n");
	progress_line(line, sizeof(line), 200, false, &fields);
	assert_string_equal(line,
		"mgc  reading  #####...............  25 %  50 000 of 200 000  10 000/s  15 s to go"
		"  [dbo].[tblChat]");
	for (int width = 10; width < 120; width++)
		assert_true(progress_line(line, sizeof(line), width, false, &fields) < (size_t)width);
	/* The server's count was only an estimate. */
	parse("Block: progress\nPhase: read\nDatabase: mgc\nDone: 210\nExpected: 200\nPhase-Ms: 10\n\n");
	progress_line(line, sizeof(line), 200, false, &fields);
	assert_non_null(strstr(line, "100 %  210 of 210"));
	parse("Block: progress\nPhase: write\nDatabase: mgc\nDone: 7\nExpected: 0\nPhase-Ms: 2000\n\n");
	progress_line(line, sizeof(line), 200, true, &fields);
	assert_string_equal(line, "mgc  writing  7  3/s");
	parse("Block: progress\nPhase: lock\nDatabase: mgc\n\n");
	progress_line(line, sizeof(line), 200, true, &fields);
	assert_string_equal(line, "mgc  locking");
}

/* ---- JSON ---- */

#ifdef CONFIG_AGENT_CLI_JSON
static const char *json_of(const char *list, const char *const *blocks, size_t count)
{
	static char text[4096];
	memset(text, 0, sizeof(text));
	FILE *out = fmemopen(text, sizeof(text), "w");
	struct json *json = json_begin(out, list);
	assert_non_null(json);
	for (size_t i = 0; i < count; i++) {
		parse(blocks[i]);
		assert_int_equal(json_block(json, &fields), 0);
	}
	assert_int_equal(json_end(json), 0);
	fclose(out);
	return text;
}

static void a_stream_is_one_object_a_line_with_numbers_and_flags(void **state)
{
	(void)state;
	static const char *const blocks[] = {
		"Block: outcome\nJob: 4\nRows: 18446744073709551615\nError-Number: -5\nStored-Bytes: 007\nStoppable: no\n"
		"Database: 123\nSentence: a \"b\"\\n\\x01\n\n",
		"Block: end\nCode: 0\n\n",
	};
	assert_string_equal(json_of(NULL, blocks, 2),
		"{\"block\":\"outcome\",\"job\":4,\"rows\":18446744073709551615,"
		"\"error_number\":-5,\"stored_bytes\":\"007\",\"stoppable\":false,\"database\":\"123\","
		"\"sentence\":\"a \\\"b\\\"\\n\\u0001\"}\n{\"block\":\"end\",\"code\":0}\n");
}

static void a_document_has_its_list_even_when_it_is_empty(void **state)
{
	(void)state;
	static const char *const end[] = { "Block: end\nCode: 0\n\n" };
	assert_string_equal(json_of("snapshots", end, 1), "{\n\t\"snapshots\":\t[],\n\t\"code\":\t0\n}\n");
	static const char *const blocks[] = { "Block: snapshot\nId: 1\n\n", "Block: snapshot\nId: 2\n\n",
		"Block: end\nCode: 0\n\n" };
	const char *text = json_of("snapshots", blocks, 3);
	assert_non_null(strstr(text, "\"id\":\t\"1\""));
	assert_non_null(strstr(text, "\"id\":\t\"2\""));
	static const char *const status[] = { "Block: status\nState: busy\n\n", "Block: progress\nJob: 3\nPhase: write\n\n",
		"Block: end\nCode: 0\n\n" };
	assert_non_null(
		strstr(json_of("databases", status, 3), "\"job\":\t{\n\t\t\"job\":\t3,\n\t\t\"phase\":\t\"write\"\n\t}"));
}

static void what_is_no_utf8_is_replaced_so_that_json_stays_json(void **state)
{
	(void)state;
	static const char *const blocks[] = { "Block: note\nText: a\xed\xa0\x80"
										  "b\xff\xc3\xa9\n\n" };
	assert_string_equal(json_of(NULL, blocks, 1),
		"{\"block\":\"note\",\"text\":\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
		"b\xef\xbf\xbd\xc3\xa9\"}\n");
}
#endif

/* ---- reading from the daemon ---- */

static void blocks_are_read_however_they_come(void **state)
{
	(void)state;
	static const char text[] = "Block: note\nText: one\n\nBlock: note\nText: two\n\nBlock: end\nCode: 0\n\n";
	struct client client;
	for (size_t piece = 1; piece < sizeof(text); piece += 6) {
		int pair[2];
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		client_take(&client, pair[0]);
		pid_t child = fork();
		if (child == 0) {
			for (size_t at = 0; at < sizeof(text) - 1; at += piece)
				if (write(pair[1], text + at, at + piece < sizeof(text) ? piece : sizeof(text) - 1 - at) < 0)
					_exit(1);
			_exit(0);
		}
		close(pair[1]);
		assert_int_equal(client_next(&client, &fields), 0);
		assert_string_equal(block_get(&fields, "Text"), "one");
		assert_int_equal(client_next(&client, &fields), 0);
		assert_string_equal(block_get(&fields, "Text"), "two");
		assert_int_equal(client_next(&client, &fields), 0);
		assert_int_equal(client_next(&client, &fields), -EPIPE);
		client_close(&client);
		waitpid(child, NULL, 0);
	}
}

static void a_daemon_that_is_not_there_is_an_error_not_a_wait(void **state)
{
	(void)state;
	struct client client;
	assert_int_equal(client_connect(&client, "/nowhere/socket"), -ENOENT);
}

#ifdef CONFIG_HAL_SIM
static void a_hold_is_written_in_seconds_or_milliseconds(void **state)
{
	(void)state;
	assert_int_equal(press_parse_time("5s"), 5000);
	assert_int_equal(press_parse_time("1.5s"), 1500);
	assert_int_equal(press_parse_time("3"), 3000);
	assert_int_equal(press_parse_time("800ms"), 800);
	static const char *const wrong[] = { "", "s", "-1s", "5m", "601s", "0", "0ms", "1e9s", "5 s" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(press_parse_time(wrong[i]), -EINVAL);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_typed_becomes_a_request),
		cmocka_unit_test(what_makes_no_sense_is_refused_with_a_hint),
		cmocka_unit_test(every_command_has_help_with_usage_and_summary),
		cmocka_unit_test(what_json_made_of_a_secret_is_wiped),
		cmocka_unit_test(numbers_read_as_people_write_them),
		cmocka_unit_test(foreign_text_cannot_steer_the_terminal),
		cmocka_unit_test(a_pipe_gets_one_line_a_phase_and_the_outcome),
		cmocka_unit_test(a_list_is_a_table_with_one_head),
		cmocka_unit_test(an_end_that_went_wrong_says_why_and_what_to_do),
		cmocka_unit_test(the_bar_has_share_rate_and_time_to_go_and_fits),
#ifdef CONFIG_AGENT_CLI_JSON
		cmocka_unit_test(a_stream_is_one_object_a_line_with_numbers_and_flags),
		cmocka_unit_test(a_document_has_its_list_even_when_it_is_empty),
		cmocka_unit_test(what_is_no_utf8_is_replaced_so_that_json_stays_json),
#endif
		cmocka_unit_test(blocks_are_read_however_they_come),
		cmocka_unit_test(a_daemon_that_is_not_there_is_an_error_not_a_wait),
#ifdef CONFIG_HAL_SIM
		cmocka_unit_test(a_hold_is_written_in_seconds_or_milliseconds),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

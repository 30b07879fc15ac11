/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/job/audit.h"

static char directory[64], log_path[96], old_path[96];

static int make_directory(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/coffret-audit-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(log_path, sizeof(log_path), "%s/audit.log", directory);
	snprintf(old_path, sizeof(old_path), "%s/audit.log.old", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(log_path);
	unlink(old_path);
	return rmdir(directory);
}

static void note(struct audit *audit, const char *event, const char *who)
{
	struct audit_record record;
	audit_begin(&record, event);
	audit_add(&record, "who", who);
	assert_int_equal(audit_write(audit, &record, 1704067200), 0);
}

static void write_three(void)
{
	struct audit audit;
	assert_int_equal(audit_open(&audit, directory), 0);
	note(&audit, "asked", "anna");
	note(&audit, "asked", "bert");
	note(&audit, "ended", "bert");
	audit_close(&audit);
}

static size_t read_log(char *bytes, size_t size)
{
	int file = open(log_path, O_RDONLY);
	ssize_t got = read(file, bytes, size);
	close(file);
	assert_true(got >= 0);
	return (size_t)got;
}

static void write_log(const char *bytes, size_t size)
{
	int file = open(log_path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(file, bytes, size), size);
	close(file);
}

static void records_are_lines_that_a_person_can_read(void **state)
{
	(void)state;
	struct audit audit;
	char text[4096] = "";
	assert_int_equal(audit_open(&audit, directory), 0);
	note(&audit, "asked", "anna \"the\nboss\"");
	audit_close(&audit);
	read_log(text, sizeof(text) - 1);
	const char *expected = "1 2024-01-01T00:00:00Z event=\"asked\" who=\"anna \\x22the\\x0aboss\\x22\" chain=";
	assert_memory_equal(text, expected, strlen(expected));
}

static void the_chain_goes_on_over_opens(void **state)
{
	(void)state;
	struct audit_verdict verdict;
	write_three();
	write_three();
	assert_int_equal(audit_verify(directory, &verdict), 0);
	assert_int_equal(verdict.records, 6);
	assert_int_equal(verdict.last, 6);
}

static void every_changed_byte_is_noticed(void **state)
{
	(void)state;
	char text[4096], changed[4096];
	struct audit_verdict verdict;
	write_three();
	size_t size = read_log(text, sizeof(text));
	for (size_t i = 0; i < size; i++) {
		memcpy(changed, text, size);
		changed[i] ^= 1;
		write_log(changed, size);
		if (audit_verify(directory, &verdict) != -EBADMSG)
			fail_msg("byte %zu changed and nobody noticed", i);
	}
	write_log(text, size);
	assert_int_equal(audit_verify(directory, &verdict), 0);
}

static void a_line_that_was_taken_out_is_noticed(void **state)
{
	(void)state;
	char text[4096] = "";
	struct audit_verdict verdict;
	write_three();
	size_t size = read_log(text, sizeof(text) - 1);
	char *second = strchr(text, '\n') + 1, *third = strchr(second, '\n') + 1;
	memmove(second, third, size - (size_t)(third - text));
	write_log(text, size - (size_t)(third - second));
	assert_int_equal(audit_verify(directory, &verdict), -EBADMSG);
	assert_int_equal(verdict.broken, 2);
}

static void each_chain_value_depends_on_all_lines_before_it(void **state)
{
	(void)state;
	char one[4096] = "", other[4096] = "";
	struct audit audit;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(audit_open(&audit, directory), 0);
		note(&audit, i ? "other" : "asked", "anna");
		note(&audit, "asked", "bert");
		audit_close(&audit);
		read_log(i ? other : one, sizeof(one) - 1);
		unlink(log_path);
	}
	char *second = strchr(one, '\n') + 1, *second_other = strchr(other, '\n') + 1;
	char *chain = strstr(second, " chain="), *chain_other = strstr(second_other, " chain=");
	assert_memory_equal(second, second_other, (size_t)(chain - second));
	assert_string_not_equal(chain, chain_other);
}

static void a_torn_last_line_is_cut_off_and_the_chain_goes_on(void **state)
{
	(void)state;
	char text[4096];
	struct audit_verdict verdict;
	write_three();
	size_t size = read_log(text, sizeof(text));
	for (size_t torn = 1; torn < 40; torn += 7) {
		write_log(text, size - torn);
		struct audit audit;
		assert_int_equal(audit_open(&audit, directory), 0);
		assert_int_equal(audit.number, 2);
		note(&audit, "asked", "carl");
		audit_close(&audit);
		assert_int_equal(audit_verify(directory, &verdict), 0);
		assert_int_equal(verdict.records, 3);
	}
}

static void the_file_is_bounded_and_the_chain_spans_both(void **state)
{
	(void)state;
	struct audit audit;
	struct audit_verdict verdict;
	struct stat stat_log, stat_old;
	char who[1500];
	memset(who, 'x', sizeof(who) - 1);
	who[sizeof(who) - 1] = '\0';
	assert_int_equal(audit_open(&audit, directory), 0);
	for (int i = 0; i < 1500; i++)
		note(&audit, "asked", who);
	audit_close(&audit);
	assert_int_equal(stat(log_path, &stat_log), 0);
	assert_int_equal(stat(old_path, &stat_old), 0);
	assert_true(stat_log.st_size < AUDIT_FILE_MAX + AUDIT_LINE_MAX);
	assert_true(stat_old.st_size < AUDIT_FILE_MAX + AUDIT_LINE_MAX);
	assert_int_equal(audit_verify(directory, &verdict), 0);
	assert_int_equal(verdict.last, 1500);
	assert_true(verdict.first > 1 && verdict.records == 1500 - verdict.first + 1);
}

static void a_cut_right_after_the_rename_loses_no_chain(void **state)
{
	(void)state;
	struct audit audit;
	struct audit_verdict verdict;
	write_three();
	assert_int_equal(rename(log_path, old_path), 0);
	assert_int_equal(audit_open(&audit, directory), 0);
	note(&audit, "asked", "dora");
	audit_close(&audit);
	assert_int_equal(audit_verify(directory, &verdict), 0);
	assert_int_equal(verdict.last, 4);
}

static void a_record_that_is_too_long_is_cut_not_broken(void **state)
{
	(void)state;
	struct audit audit;
	struct audit_verdict verdict;
	char who[4000];
	memset(who, '\n', sizeof(who) - 1);
	who[sizeof(who) - 1] = '\0';
	assert_int_equal(audit_open(&audit, directory), 0);
	note(&audit, "asked", who);
	note(&audit, "asked", "anna");
	audit_close(&audit);
	assert_int_equal(audit_verify(directory, &verdict), 0);
	assert_int_equal(verdict.records, 2);
	char log[3 * AUDIT_LINE_MAX];
	log[read_log(log, sizeof(log) - 1)] = '\0';
	assert_non_null(strstr(log, "...\" chain=")); /* whoever reads it sees that it was cut, and its last word ends */
}

/* With no descriptor left, for a moment. */
static void a_new_file_that_could_not_be_opened_is_opened_at_the_next_record(void **state)
{
	(void)state;
	struct audit audit;
	struct audit_record record;
	struct audit_verdict verdict;
	struct rlimit limit, none = { 0 };
	write_three();
	assert_int_equal(audit_open(&audit, directory), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none.rlim_max = limit.rlim_max;
	audit.size = AUDIT_FILE_MAX; /* so that it is full */
	audit_begin(&record, "asked");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int failed = audit_write(&audit, &record, 1704067200);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(failed, -EMFILE);
	note(&audit, "asked", "dora");
	audit_close(&audit);
	assert_int_equal(audit_write(&audit, &record, 1704067200), -EBADF);
	assert_int_equal(audit_verify(directory, &verdict), 0);
	assert_int_equal(verdict.last, 4);
}

#define audit_test(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		audit_test(records_are_lines_that_a_person_can_read),
		audit_test(the_chain_goes_on_over_opens),
		audit_test(every_changed_byte_is_noticed),
		audit_test(a_line_that_was_taken_out_is_noticed),
		audit_test(each_chain_value_depends_on_all_lines_before_it),
		audit_test(a_torn_last_line_is_cut_off_and_the_chain_goes_on),
		audit_test(the_file_is_bounded_and_the_chain_spans_both),
		audit_test(a_cut_right_after_the_rename_loses_no_chain),
		audit_test(a_record_that_is_too_long_is_cut_not_broken),
		audit_test(a_new_file_that_could_not_be_opened_is_opened_at_the_next_record),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

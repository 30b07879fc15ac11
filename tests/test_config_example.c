/* SPDX-License-Identifier: Apache-2.0 */
/* config.example.conf says that it shows each key, with its default: held against the code. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/config/config_keys.h"

#define EXAMPLE "agent/config/config.example.conf"
#define SECTIONS_MAX 16

static uint64_t shown[SECTIONS_MAX]; /* a bit for each key of a section */

static size_t find_section(const char *line)
{
	size_t size = strcspn(line + 1, " ]");
	for (size_t i = 0; i < config_section_count; i++)
		if (strlen(config_sections[i].name) == size && strncmp(config_sections[i].name, line + 1, size) == 0)
			return i;
	fail_msg("there is no section %s", line);
	return 0;
}

/* A key, whether it is there or behind a semicolon; remarks go on behind blanks. */
static void note_key(size_t section, const char *line)
{
	const struct config_section *of = &config_sections[section];
	size_t size = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
	if (!size || strncmp(line + size, " = ", 3) != 0)
		return;
	for (size_t i = 0; i < of->count; i++) {
		if (strlen(of->keys[i].name) == size && strncmp(of->keys[i].name, line, size) == 0) {
			shown[section] |= UINT64_C(1) << i;
			return;
		}
	}
	fail_msg("there is no such key in [%s]: %s", of->name, line);
}

static void it_shows_every_key_and_no_other(void **state)
{
	(void)state;
	char line[256];
	size_t section = 0;
	FILE *file = fopen(EXAMPLE, "r");
	assert_non_null(file);
	assert_in_range(config_section_count, 1, SECTIONS_MAX);
	while (fgets(line, sizeof(line), file)) {
		const char *text = line + (line[0] == ';');
		if (*text == '[')
			section = find_section(text);
		else
			note_key(section, text);
	}
	fclose(file);
	for (size_t i = 0; i < config_section_count; i++)
		for (size_t k = 0; k < config_sections[i].count; k++)
			if (!(shown[i] >> k & 1))
				fail_msg("[%s] %s is not in the example", config_sections[i].name, config_sections[i].keys[k].name);
}

/* What has no default, or where the example shows something else: the rest is as if it were not there. */
static void it_shows_the_defaults(void **state)
{
	(void)state;
	static const char least[] = "[box]\ntimezone = UTC\n[schedule]\nbackup = mon-fri 22:30\nbackup = sat,sun 06:00\n"
								"[server sql1]\nhost = sql1.branch.example\nca_file = /etc/coffret/branch-ca.pem\n"
								"profile = persistent-chat\nbackup_login = coffret_backup\n"
								"backup_password_file = /etc/coffret/sql1-backup.password\n"
								"restore_login = coffret_restore\n"
								"restore_password_file = /etc/coffret/sql1-restore.password\n";
	static struct config example, defaults;
	char path[] = "/tmp/coffret-example-XXXXXX", message[600];
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, least, strlen(least)), strlen(least));
	close(fd);
	int result = config_read(&defaults, path, message, sizeof(message));
	unlink(path);
	if (result < 0 || config_read(&example, EXAMPLE, message, sizeof(message)) < 0)
		fail_msg("%s", message);
	assert_memory_equal(&example, &defaults, sizeof(example));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_shows_every_key_and_no_other),
		cmocka_unit_test(it_shows_the_defaults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

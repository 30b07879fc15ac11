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
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config/config.h"
#include "agent/config/trust.h"
#include "agent/sql/worker.h"

#define SERVER "[server sql1]\nhost = sql.example\nca_file = /etc/ca.pem\nbackup_login = b\nbackup_password_file = pb\n"

static char directory[64], path[96], password_path[96], message[600];
static struct config config;

static void write_file(const char *name, const char *text)
{
	int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(file >= 0);
	assert_int_equal(write(file, text, strlen(text)), strlen(text));
	close(file);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/coffret-config-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/coffret.conf", directory);
	snprintf(password_path, sizeof(password_path), "%s/password", directory);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "coffret.conf", "password", "trust", "ca.pem" };
	char name[128];
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(name, sizeof(name), "%s/%s", directory, names[i]);
		unlink(name);
	}
	return rmdir(directory);
}

static int read_text(const char *text)
{
	write_file(path, text);
	return config_read(&config, path, message, sizeof(message));
}

/* The sentence must hold the place and every word. */
static void refused(const char *text, int line, const char *found, const char *expected)
{
	char place[160];
	int result = read_text(text);
	snprintf(place, sizeof(place), "%s:%d: ", path, line);
	if (result != -EINVAL || strncmp(message, place, strlen(place)) != 0 || !strstr(message, found) ||
		!strstr(message, expected))
		fail_msg("%s\n%d: %s\nlooked for line %d, \"%s\", \"%s\"", text, result, message, line, found, expected);
}

static void defaults_stand_where_nothing_is_said(void **state)
{
	(void)state;
	assert_int_equal(read_text(SERVER "profile = persistent-chat\n"), 0);
	assert_int_equal(config.server_count, 1);
	const struct server_config *server = config_server(&config, "");
	assert_string_equal(server->name, "sql1");
	assert_int_equal(server->port, 1433);
	assert_int_equal(server->database_count, 2);
	assert_string_equal(server->databases[1], "mgccomp");
	assert_int_equal(server->consistency, CONSISTENCY_SNAPSHOT);
	assert_false(server->pinned || server->strict || server->legacy_tls);
	assert_int_equal(config.deflate_level, 5);
	assert_string_equal(config.socket, "/run/coffret/socket");
	assert_int_equal(config.time_count, 0);
}

static void everything_that_is_said_is_taken(void **state)
{
	(void)state;
	const char *text =
		"[box]\nvolume = /v ; a remark\nkey_file = /k\nstate_directory=/s\nsocket = /x\nsocket_group = wheel\n"
		"panel_socket = /p\nlanguage = fr\ntimezone = CET-1CEST,M3.5.0,M10.5.0/3\n"
		"[store]\ndeflate_level = 9\n"
		"[schedule]\nbackup = mon-fri 22:30\nbackup = sat,sun 06:05\nbackup = daily 12:00\nbackup = 00:01\n"
		"# another remark\n"
		"[server A-1]\nhost = 10.0.0.1\ninstance = RTC\nport = 1500\ncertificate_name = n\nencrypt = strict\n"
		"pin = SHA256:00:11:22:33:44:55:66:77:88:99:aa:BB:cc:dd:ee:ff00112233445566778899aabbccddeeff\n"
		"databases = one, [two, three] four\nbackup_login = DOMAIN\\user\nbackup_password_file = /pw\n"
		"restore_login = r\nrestore_password_file = rp\nconsistency = lock\nconnect_seconds = 1\nlogin_seconds = 2\n"
		"stall_seconds = 5\ncatalogue_seconds = 6\nlock_seconds = 7\nread_kib_per_second = 8\n";
	assert_int_equal(read_text(text), 0);
	assert_string_equal(config.volumes[0].path, "/v");
	assert_string_equal(config.language, "fr");
	assert_int_equal(config.time_count, 4);
	assert_int_equal(config.times[0].days, 0x1f);
	assert_int_equal(config.times[0].hour * 100 + config.times[0].minute, 2230);
	assert_int_equal(config.times[1].days, 0x60);
	assert_int_equal(config.times[3].days, 0x7f);
	const struct server_config *server = config_server(&config, "a-1");
	assert_true(server->strict && server->pinned && !server->legacy_tls);
	assert_int_equal(server->pin[10], 0xaa);
	assert_int_equal(server->pin[11], 0xbb);
	assert_int_equal(server->database_count, 3);
	assert_string_equal(server->databases[1], "two, three");
	assert_string_equal(server->backup.login, "DOMAIN\\user");
	assert_int_equal(server->consistency, CONSISTENCY_LOCK);
	assert_int_equal(server->connect_seconds + server->login_seconds * 10 + server->stall_seconds * 100, 521);
	assert_int_equal(server->read_kib_per_second, 8);
}

static void a_typo_is_refused_with_its_line_and_the_nearest_key(void **state)
{
	(void)state;
	refused("[box]\nvolum = /v\n", 2, "\"volum\"", "\"volume\"");
	refused("[box]\n\n# x\nlangage = fr\n", 4, "\"langage\"", "\"language\"");
	refused("[boxx]\nvolume = /v\n", 2, "[boxx]", "[server NAME]");
	refused("volume = /v\n", 1, "\"volume\" before any section", "[box] first");
	refused(SERVER "bakup_paswrd_file = x\n", 6, "\"bakup_paswrd_file\"", "\"backup_password_file\"");
	refused("[store]\ndeflatelevel = 6\n", 2, "\"deflatelevel\" in [store]", "deflate_level");
}

static void what_is_no_line_is_refused(void **state)
{
	(void)state;
	char text[600];
	refused("[box]\nnonsense\n", 2, "expected", "key = value");
	refused("[box\nvolume = /v\n", 1, "expected", "[section]");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "[box]\nvolume = /", 16);
	refused(text, 2, "longer than", "bytes");
	refused(
		"[server aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\nhost = x\n", 2, "too long", "section");
}

static void every_value_is_checked(void **state)
{
	(void)state;
	static const struct {
		const char *key, *value, *expected;
	} wrong[] = {
		{ "port", "0", "1 to 65535" },
		{ "port", "65536", "1 to 65535" },
		{ "port", "12a", "1 to 65535" },
		{ "port", "-1", "1 to 65535" },
		{ "port", "99999999999999999999", "1 to 65535" },
		{ "port", "", "1 to 65535" },
		{ "encrypt", "yes", "tds7 or strict" },
		{ "legacy_tls", "true", "yes or no" },
		{ "profile", "chat", "persistent-chat or any" },
		{ "consistency", "none", "snapshot, lock or loose" },
		{ "pin", "abcd", "64 hex" },
		{ "pin", "zz", "64 hex" },
		{ "pin", "0000000000000000000000000000000000000000000000000000000000000000", "64 hex" },
		{ "databases", ",", "names of databases" },
		{ "databases", "a, A", "none twice" },
		{ "databases", "[a", "names of databases" },
		{ "connect_seconds", "301", "1 to 300" },
		{ "stall_seconds", "4", "5 to 3600" },
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char text[400];
		snprintf(text, sizeof(text), SERVER "%s = %s\n", wrong[i].key, wrong[i].value);
		refused(text, 6, "", wrong[i].expected);
	}
	refused("[server a]\nhost = sql\\RTC\n", 2, "sql\\RTC", "keys of their own");
	refused("[box]\nvolume = here\n", 2, "here", "absolute");
	refused("[box]\nlanguage = de\n", 2, "de", "en or fr");
	refused("[box]\ntimezone = Europe/Pariss\n", 2, "Europe/Pariss", "time zone");
	refused("[box]\ntimezone = ../../etc/passwd\n", 2, "etc", "time zone");
	refused("[store]\ndeflate_level = 0\n", 2, "0", "1 to 9");
}

static void times_are_checked(void **state)
{
	(void)state;
	static const char *const wrong[] = { "24:00", "22:60", "7:30", "22.30", "mon", "mun 22:30", "mon- 22:30",
		"mon22:30", "mon,, 22:30", "22:30 mon", "", "mon 22:300", "daily", "dailyx 22:30" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char text[100];
		snprintf(text, sizeof(text), "[schedule]\nbackup = %s\n", wrong[i]);
		refused(text, 2, wrong[i], "mon-fri 22:30");
	}
	assert_int_equal(read_text(SERVER "databases=a\n[schedule]\nbackup = fri-mon 01:00\n"), 0);
	assert_int_equal(config.times[0].days, 0x71);
	char nine[300] = "[schedule]\n";
	for (int i = 0; i < 9; i++)
		strcat(nine, "backup = 01:00\n");
	refused(nine, 10, "01:00", "at most 8");
}

static void a_key_may_come_once(void **state)
{
	(void)state;
	refused("[box]\nvolume = /v\n[store]\ndeflate_level = 1\n[box]\nvolume = /w\n", 6, "second time", "once");
	refused(SERVER "databases = a\n  b\n", 7, "\"databases\"", "once");
}

static void a_server_must_be_whole(void **state)
{
	(void)state;
	refused("\n[server a]\nport = 1\n", 2, "[server a]", "host");
	refused("[server a]\nhost = x\nbackup_login = b\nbackup_password_file = p\ndatabases = d\n", 1, "neither", "trust");
	refused("[server a]\nhost = x\nca_file = /c\ndatabases = d\n", 1, "no backup_login", "");
	refused("[server a]\nhost = x\nca_file = /c\nbackup_login = b\ndatabases = d\n", 1, "expected both", "backup");
	refused(SERVER "restore_login = r\ndatabases = d\n", 1, "expected both", "restore");
	refused(SERVER, 1, "names no databases", "");
	refused(SERVER "databases = d\nleave_out_volatile = yes\n", 1, "leave_out_volatile", "persistent-chat");
	refused(SERVER "databases = d\nencrypt = strict\nlegacy_tls = yes\n", 1, "strict", "1.2");
	refused("[server a b]\nhost = x\n", 2, "a b", "letters");
}

static void the_example_is_a_good_configuration(void **state)
{
	(void)state;
	int result = config_read(&config, "agent/config/config.example.conf", message, sizeof(message));
	if (result < 0)
		fail_msg("%s", message);
	assert_true(config.server_count > 0);
	assert_true(config.time_count > 0);
}

static void a_file_that_is_not_there_is_named(void **state)
{
	(void)state;
	assert_int_equal(config_read(&config, "/nowhere/coffret.conf", message, sizeof(message)), -ENOENT);
	assert_non_null(strstr(message, "/nowhere/coffret.conf"));
}

static void with_several_servers_a_name_is_needed(void **state)
{
	(void)state;
	assert_int_equal(read_text(SERVER "databases=a\n[server sql2]\nhost=h\nca_file=/c\nbackup_login=b\n"
									  "backup_password_file=p\ndatabases=a\n"),
		0);
	assert_null(config_server(&config, ""));
	assert_string_equal(config_server(&config, "SQL2")->name, "sql2");
	assert_null(config_server(&config, "sql3"));
}

/* ---- passwords ---- */

static struct credential of_file(const char *name)
{
	struct credential credential = { .login = "b" };
	snprintf(credential.password_file, sizeof(credential.password_file), "%s", name);
	return credential;
}

static void a_password_is_its_file_without_the_line_end(void **state)
{
	(void)state;
	struct credential credential = of_file(password_path);
	char password[16];
	write_file(password_path, "s3 cret\r\n");
	assert_int_equal(credential_password(&credential, password, sizeof(password)), 0);
	assert_string_equal(password, "s3 cret");
	write_file(password_path, "\n");
	assert_int_equal(credential_password(&credential, password, sizeof(password)), -ENODATA);
	write_file(password_path, "0123456789abcdef");
	assert_int_equal(credential_password(&credential, password, sizeof(password)), -EMSGSIZE);
	char wiped[sizeof(password)] = { 0 };
	assert_memory_equal(password, wiped, sizeof(wiped));
}

static void a_password_that_others_may_read_is_refused(void **state)
{
	(void)state;
	struct credential credential = of_file(password_path);
	char password[16];
	write_file(password_path, "secret\n");
	static const mode_t modes[] = { 0640, 0604, 0610, 0666 };
	for (size_t i = 0; i < 4; i++) {
		chmod(password_path, modes[i]);
		assert_int_equal(credential_password(&credential, password, sizeof(password)), -EPERM);
	}
}

static void a_bare_name_is_one_of_systemds_credentials(void **state)
{
	(void)state;
	struct credential credential = of_file("password");
	char password[16];
	write_file(password_path, "secret\n");
	chmod(password_path, 0440);
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(credential_password(&credential, password, sizeof(password)), -ENOENT);
	setenv("CREDENTIALS_DIRECTORY", directory, 1);
	assert_int_equal(credential_password(&credential, password, sizeof(password)), 0);
	assert_string_equal(password, "secret");
	unsetenv("CREDENTIALS_DIRECTORY");
}

/* ---- trust ---- */

static void read_server(const char *host, const char *more)
{
	char text[600];
	write_file(password_path, "secret\n");
	snprintf(text, sizeof(text),
		"[box]\nstate_directory=%s\n[server a]\nhost=%s\nca_file=%s/ca.pem\nbackup_login=b\n"
		"backup_password_file=%s\ndatabases=d\n%s",
		directory, host, directory, password_path, more);
	if (read_text(text) < 0)
		fail_msg("%s", message);
}

/* As if the configuration alone had been written: the password file is left as it is. */
static void read_again(const char *host, const char *more)
{
	char text[600];
	snprintf(text, sizeof(text),
		"[box]\nstate_directory=%s\n[server a]\nhost=%s\nca_file=%s/ca.pem\nbackup_login=b\n"
		"backup_password_file=%s\ndatabases=d\n%s",
		directory, host, directory, password_path, more);
	if (read_text(text) < 0)
		fail_msg("%s", message);
}

static int password_now(void)
{
	char password[16];
	return credential_password(&config.servers[0].backup, password, sizeof(password));
}

static void another_server_does_not_get_the_password(void **state)
{
	(void)state;
	static const char *const more[] = { "port=1434\n", "instance=RTC\n", "certificate_name=x\n", "legacy_tls=yes\n",
		"pin=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n" };
	read_server("good", "");
	assert_int_equal(trust_apply(&config), 0);
	read_again("evil", "");
	assert_int_equal(trust_apply(&config), 1);
	assert_int_equal(password_now(), -EKEYREJECTED);
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		read_again("good", more[i]);
		assert_int_equal(trust_apply(&config), 1);
		assert_int_equal(password_now(), -EKEYREJECTED);
	}
	char ca[128];
	snprintf(ca, sizeof(ca), "%s/ca.pem", directory);
	write_file(ca, "another authority");
	read_again("good", "");
	assert_int_equal(trust_apply(&config), 1);
	assert_int_equal(password_now(), -EKEYREJECTED);
	unlink(ca);
	read_again("good", "connect_seconds=3\n");
	assert_int_equal(trust_apply(&config), 0);
	assert_int_equal(password_now(), 0);
}

static void a_restart_does_not_make_another_server_trusted(void **state)
{
	(void)state;
	read_server("good", "");
	assert_int_equal(trust_apply(&config), 0);
	for (int i = 0; i < 3; i++) {
		read_again("evil", "");
		assert_int_equal(trust_apply(&config), 1);
	}
	assert_int_equal(password_now(), -EKEYREJECTED);
}

static void a_password_written_anew_is_for_the_new_server(void **state)
{
	(void)state;
	read_server("old", "");
	assert_int_equal(trust_apply(&config), 0);
	read_again("new", "");
	assert_int_equal(trust_apply(&config), 1);
	usleep(20000); /* ctime moves with the kernel's tick */
	write_file(password_path, "other\n");
	assert_int_equal(password_now(), 0);
	read_again("new", "");
	assert_int_equal(trust_apply(&config), 0);
}

static void a_person_may_say_that_the_change_was_meant(void **state)
{
	(void)state;
	read_server("old", "");
	assert_int_equal(trust_apply(&config), 0);
	read_again("new", "");
	assert_int_equal(trust_apply(&config), 1);
	assert_int_equal(trust_accept(&config, "b"), -ENOENT);
	assert_int_equal(trust_accept(&config, "a"), 0);
	assert_int_equal(password_now(), 0);
	read_again("new", "");
	assert_int_equal(trust_apply(&config), 0);
	assert_int_equal(password_now(), 0);
}

#define with_files(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void volumes_come_in_the_order_of_the_file(void **state)
{
	(void)state;
	assert_int_equal(read_text(SERVER "databases = d\n"), 0);
	assert_int_equal(config.volume_count, 1);
	assert_string_equal(config.volumes[0].name, "store");
	assert_string_equal(config.volumes[0].path, "/var/lib/coffret/store");
	assert_int_equal(
		read_text("[box]\nvolume = /v\naccept_risk = yes\n[volume disk]\npath = /mnt/d\ncopy = yes\n" SERVER
				  "databases = d\n"),
		0);
	assert_int_equal(config.volume_count, 2);
	assert_string_equal(config.volumes[0].name, "store");
	assert_true(config.volumes[0].accept_risk && !config.volumes[0].copy && !config.volumes[0].own_disk);
	assert_string_equal(config.volumes[1].path, "/mnt/d");
	assert_true(!config.volumes[1].accept_risk && config.volumes[1].copy && config.volumes[1].own_disk);
	assert_ptr_equal(config_volume(&config, "disk"), &config.volumes[1]);
	assert_null(config_volume(&config, "tape"));
	/* Without `volume` in [box], the sections are all there is. */
	assert_int_equal(read_text("[volume a]\npath = /a\n[volume b]\npath = /b\n" SERVER "databases = d\n"), 0);
	assert_int_equal(config.volume_count, 2);
	assert_string_equal(config.volumes[0].name, "a");
	assert_string_equal(config.volumes[1].path, "/b");
	assert_null(config_volume(&config, "store"));
}

static void volumes_that_cannot_be_meant_are_refused(void **state)
{
	(void)state;
	refused("[volume a]\ncopy = yes\n" SERVER "databases = d\n", 1, "[volume a]", "has no path");
	refused(
		"[volume a]\npath = /a\n[volume b]\npath = /a\n" SERVER "databases = d\n", 3, "[volume b]", "path of another");
	refused("[box]\nvolume = /v\n[volume store]\npath = /a\n" SERVER "databases = d\n", 3, "[volume store]",
		"expected another");
	refused("[volume a/b]\npath = /a\n" SERVER "databases = d\n", 2, "[volume a/b]", "letters");
	refused("[volume a]\npath = a\n" SERVER "databases = d\n", 2, "path = \"a\"", "absolute path");
	refused("[volume a]\npath = /a\n[volume b]\npath = /b\n[volume c]\npath = /c\n[volume d]\npath = /d\n" SERVER
			"databases = d\n",
		8, "[volume d]", "at most 3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_files(defaults_stand_where_nothing_is_said),
		with_files(everything_that_is_said_is_taken),
		with_files(a_typo_is_refused_with_its_line_and_the_nearest_key),
		with_files(what_is_no_line_is_refused),
		with_files(every_value_is_checked),
		with_files(times_are_checked),
		with_files(a_key_may_come_once),
		with_files(a_server_must_be_whole),
		with_files(volumes_come_in_the_order_of_the_file),
		with_files(volumes_that_cannot_be_meant_are_refused),
		with_files(the_example_is_a_good_configuration),
		with_files(a_file_that_is_not_there_is_named),
		with_files(with_several_servers_a_name_is_needed),
		with_files(a_password_is_its_file_without_the_line_end),
		with_files(a_password_that_others_may_read_is_refused),
		with_files(a_bare_name_is_one_of_systemds_credentials),
		with_files(another_server_does_not_get_the_password),
		with_files(a_restart_does_not_make_another_server_trusted),
		with_files(a_password_written_anew_is_for_the_new_server),
		with_files(a_person_may_say_that_the_change_was_meant),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

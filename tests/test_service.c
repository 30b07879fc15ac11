/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon answers, over its own socket code, with stories that the test tells and a shelf that it fills. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/cli/client.h"
#include "agent/service/service.h"
#include "agent/store/store.h"
#include "tests/support/fake_engine.h"

static struct loop loop;
static struct api api;
static struct service service;
static struct config config;
static struct shelf shelf;
static struct audit audit;
static struct check check;
static struct engine *engine;
static struct client client;
static struct block_fields fields;
static char directory[64];
static sem_t arrived, go;
static bool waits;
static enum job_state ends;
static struct job_request last;
static int store_error;
static struct store store; /* without any volume */

/* ---- the world ---- */

static enum job_state story(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	struct job_progress progress = { .phase = JOB_PHASE_READ, .done = 5, .expected = 10, .database = "mgc" };
	struct job_outcome *outcome = job_report_outcome(report, request->server, "mgc");
	last = *request;
	context->progress(context->engine, &progress);
	if (waits) {
		sem_post(&arrived);
		sem_wait(&go);
	}
	job_report_note(report, "First note.");
	job_report_note(report, "Second\nnote.");
	outcome->snapshot = 0xabcdef0123456789u;
	outcome->store_error = store_error;
	strcpy(outcome->sentence, "It went as it went.");
	strcpy(outcome->remedy, "Do this.");
	return outcome->state = context->stop(context->engine) ? JOB_CANCELLED : ends;
}

/* What takes seconds: PBKDF2. */

uint32_t store_own(const struct store *of)
{
	(void)of;
	return 1;
}

int store_try(
	struct store *of, uint32_t volumes, const struct repository_secret *secret, uint32_t *opened, uint32_t *away)
{
	(void)of, (void)volumes, (void)secret;
	*opened = *away = 0;
	sem_post(&arrived);
	sem_wait(&go);
	return -ENOKEY;
}

int store_set_passphrase(struct store *of, uint32_t volumes, const char *passphrase)
{
	(void)of, (void)volumes, (void)passphrase;
	return 0;
}

int store_remove_passphrase(struct store *of, uint32_t volumes)
{
	(void)of, (void)volumes;
	return 0;
}

int store_add_recovery_key(struct store *of, uint32_t volumes, char recovery_key[64])
{
	(void)of, (void)volumes, (void)recovery_key;
	return 0;
}

int store_confirm_recovery_key(struct store *of, uint32_t volumes, const char *recovery_key)
{
	(void)of, (void)volumes, (void)recovery_key;
	return 0;
}

static void put_on_shelf(uint64_t id, enum snapshot_class class, uint32_t flags, const char *subject)
{
	struct shelf_entry *entry = &shelf.entries[shelf.count++];
	*entry = (struct shelf_entry){ .readable = true, .rows = 1000 + id, .tables = 3 };
	entry->info = (struct snapshot_info){ .id = id,
		.sequence = shelf.count,
		.wall_time = 1700000000 + (int64_t)id,
		.class = class,
		.flags = flags,
		.bytes = 100,
		.stored_bytes = 10 };
	snprintf(entry->info.subject, sizeof(entry->info.subject), "%s", subject);
	shelf.total = shelf.count;
}

static void write_config(void)
{
	char path[128], text[1200], message[600];
	snprintf(path, sizeof(path), "%s/c.conf", directory);
	snprintf(text, sizeof(text),
		"[box]\nstate_directory = %s\n[server sql1]\nhost = 127.0.0.1\nport = 1\nca_file = /ca\n"
		"databases = mgc, mgccomp\nbackup_login = b\nbackup_password_file = %s/pw\nrestore_login = r\n"
		"restore_password_file = %s/pw\n[server sql2]\nhost = h\nca_file = /ca\ndatabases = Sales\nbackup_login = b\n"
		"backup_password_file = %s/pw\n",
		directory, directory, directory, directory);
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(file, text, strlen(text)), strlen(text));
	close(file);
	if (config_read(&config, path, message, sizeof(message)) < 0)
		fail_msg("%s", message);
	unlink(path);
}

static void connect_client(void)
{
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	assert_int_equal(api_adopt(&api, pair[0], 0), 0);
	client_take(&client, pair[1]);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/coffret-service-XXXXXX");
	assert_non_null(mkdtemp(directory));
	write_config();
	waits = false;
	ends = JOB_DONE;
	store_error = 0;
	sem_init(&arrived, 0, 0);
	sem_init(&go, 0, 0);
	shelf_init(&shelf);
	assert_int_equal(check_init(&check), 0);
	assert_int_equal(audit_open(&audit, directory), 0);
	struct engine_ground ground = { .backup = story,
		.restore = story,
		.undo = story,
		.verify = story,
		.record_read = fake_record_read,
		.record_write = fake_record_write };
	assert_int_equal(engine_start(&engine, &ground), 0);
	service = (struct service){
		.config = &config, .engine = engine, .store = &store, .shelf = &shelf, .audit = &audit, .check = &check
	};
	loop_init(&loop);
	api_init(&api, &loop, &service_ops, &service);
	connect_client();
	return 0;
}

static int tear_down(void **state)
{
	char path[128];
	(void)state;
	client_close(&client);
	for (int i = 0; i < 4; i++)
		sem_post(&go); /* a story that still waits must not keep a failed test from ending */
	engine_stop(engine);
	api_close(&api);
	check_close(&check);
	audit_close(&audit);
	snprintf(path, sizeof(path), "%s/audit.log", directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/trust", directory);
	unlink(path);
	sem_destroy(&arrived);
	sem_destroy(&go);
	return rmdir(directory);
}

/* ---- asking ---- */

static void ask(const char *text)
{
	assert_int_equal(send(client.fd, text, strlen(text), 0), strlen(text));
}

/* Turns the loop until a block came; false where none comes for a while. */
static bool next(void)
{
	for (int i = 0; i < 400; i++) {
		int result = client_next(&client, &fields);
		if (result == 0)
			return true;
		assert_int_equal(result, -EAGAIN);
		loop_step(&loop, 5);
		engine_seen(engine);
		api_changed(&api);
	}
	return false;
}

static const char *value(const char *key)
{
	const char *text = block_get(&fields, key);
	return text ? text : "";
}

/* The next block must be of this type. */
static void expect(const char *type)
{
	if (!next() || strcmp(value("Block"), type) != 0)
		fail_msg("expected a block %s, found %s: %s", type, value("Block"), value("Sentence"));
}

static void expect_end(const char *code)
{
	expect("end");
	assert_string_equal(value("Code"), code);
}

/* Over accepted, progress, outcomes and notes to the end. */
static void skip_to_end(void)
{
	do {
		assert_true(next());
	} while (strcmp(value("Block"), "end") != 0);
}

/* ---- what opens the stores ---- */

/* Of the group that may use the command, and not root. */
static void only_root_may_say_what_opens_the_stores(void **state)
{
	(void)state;
	static const char *const requests[] = { "Command: passphrase\nPassphrase: seven herons count the tide\n\n",
		"Command: passphrase\nRemove: yes\n\n", "Command: passphrase\nCheck: yes\nPassphrase: x\n\n",
		"Command: recovery-key\nRenew: yes\n\n",
		"Command: recovery-key\nRecovery-Key: MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43UOV3HO6DZPIYTEMZUGU3BAPBG\n\n" };
	int pair[2];
	client_close(&client);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	assert_int_equal(api_adopt(&api, pair[0], geteuid() + 4711), 0);
	client_take(&client, pair[1]);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		ask(requests[i]);
		expect_end(i == 4 ? "2" : "1");
		assert_non_null(strstr(value("Sentence"), i == 4 ? "mistyped" : "Only root"));
	}
	ask("Command: list\n\n"); /* all else is for the group */
	expect_end("0");
}

static void what_is_no_secret_is_told_before_anything_is_asked(void **state)
{
	(void)state;
	static const char *const wrong[][2] = {
		{ "Command: passphrase\n\n", "none was given" },
		{ "Command: passphrase\nPassphrase: \n\n", "none was given" },
		{ "Command: passphrase\nPassphrase: short\n\n", "12 characters" },
		{ "Command: passphrase\nCheck: yes\n\n", "none was given" },
		{ "Command: passphrase\nVolume: tape\nPassphrase: seven herons count the tide\n\n", "no volume \"tape\"" },
		{ "Command: recovery-key\n\n", "none was given" },
		{ "Command: recovery-key\nConfirm: yes\nRecovery-Key: ABCD\n\n", "mistyped" },
		{ "Command: take-over\nVolume: store\n\n", "none was given" },
		{ "Command: take-over\nVolume: store\nRecovery-Key: ABCD\n\n", "mistyped" },
		{ "Command: take-over\nVolume: tape\nPassphrase: x\n\n", "no volume \"tape\"" },
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ask(wrong[i][0]);
		expect_end("2");
		if (!strstr(value("Sentence"), wrong[i][1]))
			fail_msg("%s: %s", wrong[i][0], value("Sentence"));
	}
}

/* Whether the audit log has a line with these words, in time. */
static bool is_recorded(const char *words)
{
	char path[128], line[AUDIT_LINE_MAX + 2];
	snprintf(path, sizeof(path), "%s/audit.log", directory);
	for (int i = 0; i < 1000; i++) {
		FILE *file = fopen(path, "r");
		bool found = false;
		while (file && !found && fgets(line, sizeof(line), file))
			found = strstr(line, words) != NULL;
		if (file)
			fclose(file);
		if (found)
			return true;
		usleep(5000);
	}
	return false;
}

/* A passphrase is tried for seconds on a small box: neither the panel nor others wait for who went away. */
static void who_goes_away_while_a_secret_is_tried_keeps_nobody_waiting(void **state)
{
	(void)state;
	alarm(60); /* were it waited for, it would be for ever */
	ask("Command: passphrase\nCheck: yes\nPassphrase: seven herons count the tide\n\n");
	while (sem_trywait(&arrived) < 0)
		loop_step(&loop, 5);
	client_close(&client);
	while (api.clients[0].fd >= 0)
		loop_step(&loop, 5);
	connect_client();
	ask("Command: list\n\n");
	expect_end("0");
	sem_post(&go);
	assert_true(is_recorded("event=\"passphrase\" who=\"root\" by=\"command\" what=\"try one, all volumes\" "
							"result=\"it does not open all of them\""));
	ask("Command: passphrase\nCheck: yes\nPassphrase: seven herons count the tide\n\n");
	sem_post(&go);
	expect_end("1");
	alarm(0);
}

/* ---- jobs ---- */

static void a_backup_is_accepted_followed_and_told_to_its_end(void **state)
{
	(void)state;
	waits = true;
	ask("Command: backup\nTarget: SQL1/MGC\n\n");
	expect("accepted");
	assert_string_equal(value("Kind"), "backup");
	sem_wait(&arrived);
	do
		expect("progress");
	while (strcmp(value("Done"), "5") != 0);
	assert_string_equal(value("Phase"), "read");
	assert_string_equal(value("Database"), "mgc");
	sem_post(&go);
	expect("outcome");
	assert_string_equal(value("State"), "done");
	assert_string_equal(value("Snapshot"), "abcdef0123456789");
	expect("note");
	expect("note");
	assert_string_equal(value("Text"), "Second\nnote.");
	expect_end("0");
	assert_string_equal(value("Sentence"), "It went as it went.");
	assert_string_equal(last.server, "sql1");
	assert_string_equal(last.database, "mgc");
	assert_int_equal(last.origin, ORIGIN_COMMAND);
	assert_string_equal(last.asked_by, "root");
}

static void the_code_of_the_end_says_how_it_went(void **state)
{
	(void)state;
	static const struct {
		const char *command;
		enum job_state state;
		int store_error;
		const char *code;
	} ways[] = {
		{ "backup", JOB_DONE, 0, "0" },
		{ "backup", JOB_FAILED, -EBADMSG, "1" },
		{ "backup", JOB_CANCELLED, 0, "4" },
		{ "backup", JOB_OUTCOME_UNKNOWN, 0, "5" },
		{ "verify", JOB_FAILED, -EBADMSG, "6" },
		{ "verify", JOB_FAILED, -EIO, "1" },
		{ "verify", JOB_DONE, 0, "0" },
	};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char text[64];
		ends = ways[i].state;
		store_error = ways[i].store_error;
		snprintf(text, sizeof(text), "Command: %s\n\n", ways[i].command);
		ask(text);
		skip_to_end();
		if (strcmp(value("Code"), ways[i].code) != 0)
			fail_msg("%s, state %d: code %s", ways[i].command, ways[i].state, value("Code"));
	}
}

static void a_full_queue_is_told_as_one(void **state)
{
	(void)state;
	uint64_t id;
	waits = true;
	for (uint64_t i = 0; i <= ENGINE_QUEUE_MAX; i++) {
		const struct job_request request = { .kind = JOB_VERIFY, .snapshot = 1 + i };
		assert_int_equal(engine_submit(engine, &request, 0, &id), 0);
		while (i == 0 && sem_trywait(&arrived) < 0)
			usleep(1000);
	}
	ask("Command: backup\n\n");
	expect_end("7");
	assert_non_null(strstr(value("Sentence"), "8 jobs wait already"));
	assert_true(is_recorded("result=\"refused: the queue is full\""));
	waits = false;
	sem_post(&go);
}

static void who_does_not_wait_gets_the_number_at_once(void **state)
{
	(void)state;
	waits = true;
	ask("Command: backup\nWait: no\n\n");
	expect("accepted");
	char job[24];
	snprintf(job, sizeof(job), "%s", value("Job"));
	expect_end("0");
	sem_wait(&arrived);
	ask("Command: backup\n\n");
	expect_end("7");
	assert_non_null(strstr(value("Sentence"), job));
	sem_post(&go);
	char text[64];
	snprintf(text, sizeof(text), "Command: follow\nJob: %s\n\n", job);
	ask(text);
	skip_to_end();
	assert_string_equal(value("Code"), "0");
}

static void a_cancel_is_answered_at_once_and_the_end_comes_later(void **state)
{
	(void)state;
	waits = true;
	ask("Command: restore\nServer: sql1\nDatabase: mgc\nWait: no\n\n");
	expect("accepted");
	expect_end("0");
	sem_wait(&arrived);
	ask("Command: cancel\n\n");
	expect_end("0");
	ask("Command: status\n\n");
	expect("status");
	assert_string_equal(value("State"), "busy");
	expect("progress");
	assert_string_equal(value("State"), "stopping");
	skip_to_end();
	sem_post(&go);
	ask("Command: follow\nJob: 1\n\n");
	skip_to_end();
	assert_string_equal(value("Code"), "4");
	ask("Command: cancel\n\n");
	expect_end("1");
	ask("Command: cancel\nJob: x\n\n");
	expect_end("2");
}

static void a_restore_must_say_of_what(void **state)
{
	(void)state;
	ask("Command: restore\n\n");
	expect_end("2");
	assert_non_null(strstr(value("Sentence"), "Which server"));
	ask("Command: restore\nTarget: sql1\n\n");
	expect_end("2");
	assert_non_null(strstr(value("Sentence"), "Which database"));
	ask("Command: restore\nTarget: sql3/mgc\n\n");
	expect_end("2");
	ask("Command: restore\nTarget: sql2\nWhat-If: yes\n\n");
	skip_to_end();
	assert_string_equal(value("Code"), "0");
	assert_string_equal(last.database, "Sales");
	assert_true(last.what_if);
	assert_false(last.users_connected || last.without_safety);
}

static void a_restore_of_a_snapshot_is_of_its_database(void **state)
{
	(void)state;
	put_on_shelf(0x1200000000000000u, SNAPSHOT_BACKUP, 0, "sql1/mgc");
	put_on_shelf(0x1300000000000000u, SNAPSHOT_BACKUP, 0, "sql1/mgccomp");
	ask("Command: restore\nSnapshot: 1\n\n");
	expect_end("2");
	assert_non_null(strstr(value("Sentence"), "Several"));
	ask("Command: restore\nSnapshot: 99\n\n");
	expect_end("2");
	ask("Command: restore\nSnapshot: xyz\n\n");
	expect_end("2");
	ask("Command: restore\nSnapshot: 13\nUsers-Connected: yes\nWithout-Safety: yes\n\n");
	skip_to_end();
	assert_true(last.snapshot == 0x1300000000000000u);
	assert_string_equal(last.database, "mgccomp");
	assert_true(last.users_connected && last.without_safety);
}

static void nothing_is_restored_without_a_record_of_it(void **state)
{
	(void)state;
	int file = audit.file;
	memset(&last, 0, sizeof(last));
	audit.file = open("/dev/full", O_WRONLY | O_CLOEXEC);
	ask("Command: restore\nTarget: sql1/mgc\n\n");
	expect_end("1");
	assert_non_null(strstr(value("Sentence"), "audit log"));
	assert_int_equal(last.kind, 0);
	close(audit.file);
	audit.file = file;
}

static void each_job_is_in_the_audit_log_from_asking_to_end(void **state)
{
	(void)state;
	static char text[8192];
	char path[128];
	ask("Command: restore\nTarget: sql1/mgc\n\n");
	skip_to_end();
	service_tell_ended(&service);
	snprintf(path, sizeof(path), "%s/audit.log", directory);
	int file = open(path, O_RDONLY);
	ssize_t size = read(file, text, sizeof(text) - 1);
	close(file);
	assert_true(size > 0);
	assert_non_null(strstr(text, "event=\"asked\" who=\"root\" by=\"command\" what=\"restore sql1/mgc\""));
	assert_non_null(strstr(text, "result=\"job 1\""));
	assert_non_null(strstr(text, "event=\"ended\""));
	assert_non_null(strstr(text, "done: It went as it went."));
	ask("Command: jobs\nAudit: yes\n\n");
	expect("job");
	assert_string_equal(value("Who"), "root");
	expect_end("0");
	assert_non_null(strstr(value("Sentence"), "whole"));
}

static void a_log_that_was_changed_is_said_to_be(void **state)
{
	(void)state;
	ask("Command: backup\n\n");
	skip_to_end();
	assert_int_equal(pwrite(audit.file, "9", 1, 0), 1);
	char path[128];
	snprintf(path, sizeof(path), "%s/audit.log", directory);
	int file = open(path, O_WRONLY);
	assert_int_equal(pwrite(file, "9", 1, 30), 1);
	close(file);
	ask("Command: jobs\nAudit: yes\n\n");
	skip_to_end();
	assert_string_equal(value("Code"), "6");
}

/* ---- looking ---- */

static void a_list_shows_what_there_is_oldest_first(void **state)
{
	(void)state;
	put_on_shelf(0x11, SNAPSHOT_BACKUP, SNAPSHOT_VERIFIED, "sql1/mgc");
	put_on_shelf(0x22, SNAPSHOT_SAFETY, SNAPSHOT_APPLIED, "sql1/mgc");
	put_on_shelf(0x33, SNAPSHOT_BACKUP, SNAPSHOT_SUSPECT, "sql2/Sales/2");
	ask("Command: list\n\n");
	expect("snapshot");
	assert_string_equal(value("Id"), "0000000000000011");
	assert_string_equal(value("Verified"), "yes");
	assert_string_equal(value("Rows"), "1017");
	expect("snapshot");
	assert_string_equal(value("Class"), "safety");
	assert_string_equal(value("Applied"), "yes");
	expect("snapshot");
	assert_string_equal(value("Server"), "sql2");
	assert_string_equal(value("Database"), "Sales/2");
	assert_string_equal(value("Suspect"), "yes");
	expect_end("0");
	ask("Command: list\nTarget: sql1\n\n");
	expect("snapshot");
	expect("snapshot");
	expect_end("0");
	ask("Command: list\nDatabase: nothing\n\n");
	expect_end("0");
}

static void a_long_list_comes_whole_through_a_narrow_socket(void **state)
{
	(void)state;
	int small = 2048, count = 0;
	setsockopt(api.clients[0].fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	for (uint64_t i = 0; i < SHELF_MAX; i++)
		put_on_shelf(0x100 + i, SNAPSHOT_BACKUP, 0, "sql1/mgc");
	ask("Command: list\n\n");
	while (next() && strcmp(value("Block"), "snapshot") == 0)
		count++;
	assert_int_equal(count, SHELF_MAX);
	assert_string_equal(value("Block"), "end");
}

static void status_names_the_newest_good_backup_of_each_database(void **state)
{
	(void)state;
	put_on_shelf(0x11, SNAPSHOT_BACKUP, SNAPSHOT_VERIFIED, "sql1/mgc");
	put_on_shelf(0x22, SNAPSHOT_BACKUP, SNAPSHOT_SUSPECT, "sql1/mgc");
	put_on_shelf(0x33, SNAPSHOT_SAFETY, 0, "sql1/mgc");
	ask("Command: status\n\n");
	expect("status");
	assert_string_equal(value("State"), "idle");
	assert_string_equal(value("Snapshot-Count"), "3");
	expect("database");
	assert_string_equal(value("Newest"), "0000000000000011");
	assert_string_equal(value("Undo"), ""); /* that restore was never committed */
	assert_string_equal(value("Can-Restore"), "yes");
	expect("database");
	assert_string_equal(value("Newest"), "");
	expect("database");
	assert_string_equal(value("Server"), "sql2");
	assert_string_equal(value("Can-Restore"), "no");
	expect_end("0");
}

static void a_check_tells_each_step_up_to_the_one_that_fails(void **state)
{
	(void)state;
	char path[128];
	snprintf(path, sizeof(path), "%s/pw", directory);
	config.servers[0].ca_file[0] = '\0';
	config.servers[0].pinned = true;
	close(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
	ask("Command: check\nTarget: sql1/mgc\n\n");
	expect("finding");
	assert_string_equal(value("Step"), "configuration");
	assert_string_equal(value("Result"), "failed"); /* an empty password file */
	skip_to_end();
	assert_string_equal(value("Code"), "1");
	int file = open(path, O_WRONLY);
	assert_int_equal(write(file, "x", 1), 1);
	close(file);
	ask("Command: check\nTarget: sql1/mgc\n\n");
	expect("finding");
	assert_string_equal(value("Step"), "name");
	assert_string_equal(value("Result"), "ok");
	expect("finding");
	assert_string_equal(value("Step"), "port");
	assert_string_equal(value("Result"), "failed");
	assert_true(value("Remedy")[0] != '\0');
	expect("end"); /* the other login would not get any further */
	assert_string_equal(value("Code"), "1");
	unlink(path);
}

/* In the store both would be one, and the one restored as the other. */
static void a_database_whose_name_a_store_would_cut_is_refused(void **state)
{
	(void)state;
	char text[256];
	for (int length = 130; length <= 131; length++) {
		snprintf(text, sizeof(text), "Command: check\nServer: sql1\nDatabase: %0*d\n\n", length, 7);
		ask(text);
		expect("finding");
		assert_string_equal(value("Step"), "configuration");
		assert_int_equal(strstr(value("Detail"), "134 bytes") != NULL, length == 131);
		skip_to_end();
	}
}

static bool check_is_over(void)
{
	pthread_mutex_lock(&check.lock);
	bool over = check.over;
	pthread_mutex_unlock(&check.lock);
	return over;
}

/* What one client has not read yet is not mixed with what another one asks for. */
static void a_check_is_read_to_its_end_before_another_one_begins(void **state)
{
	(void)state;
	char path[128];
	snprintf(path, sizeof(path), "%s/pw", directory);
	config.servers[0].ca_file[0] = '\0';
	config.servers[0].pinned = true;
	assert_int_equal(mkfifo(path, 0600), 0); /* it waits for its password */
	ask("Command: check\nTarget: sql1/mgc\n\n");
	while (!check.active)
		loop_step(&loop, 5);
	int password = open(path, O_WRONLY);
	unlink(path);
	close(password);
	while (!check_is_over())
		usleep(1000);
	struct client first = client; /* to whom nothing of it was told yet */
	connect_client();
	ask("Command: check\nTarget: sql2\n\n");
	expect_end("7");
	struct client second = client;
	client = first;
	expect("finding");
	assert_string_equal(value("Server"), "sql1");
	skip_to_end();
	client_close(&client);
	client = second;
	ask("Command: check\nTarget: sql2\n\n");
	expect("finding");
	assert_string_equal(value("Server"), "sql2");
	skip_to_end();
}

static void a_server_is_trusted_by_name(void **state)
{
	(void)state;
	config.servers[1].backup.dropped = true;
	ask("Command: trust\nTarget: sql9\n\n");
	expect_end("2");
	ask("Command: trust\nTarget: SQL2\n\n");
	expect_end("0");
	assert_false(config.servers[1].backup.dropped);
}

/* An hour of it is not nothing. */
static void time_that_is_held_back_is_never_said_to_count(void **state)
{
	(void)state;
	_Atomic int64_t held_back = 0;
	service.held_back = &held_back;
	ask("Command: count-time\n\n");
	expect_end("0");
	held_back = 3600;
	ask("Command: count-time\n\n");
	expect_end("1"); /* there is no panel to confirm it */
	assert_non_null(strstr(value("Sentence"), "off for 1 days more"));
}

static void what_is_no_command_is_told_so(void **state)
{
	(void)state;
	ask("Command: destroy\n\n");
	expect_end("2");
	ask("Nothing: here\n\n");
	expect_end("2");
	ask("\n");
	expect_end("2");
	ask("Command: show\n\n");
	expect_end("2");
	ask("Command: follow\nJob: 77\n\n");
	expect_end("2");
}

static void a_client_that_leaves_in_the_middle_leaves_no_trace(void **state)
{
	(void)state;
	waits = true;
	ask("Command: backup\n\n");
	expect("accepted");
	client_close(&client);
	for (int i = 0; i < 5; i++)
		loop_step(&loop, 1);
	sem_wait(&arrived);
	sem_post(&go);
	connect_client();
	ask("Command: follow\nJob: 1\n\n");
	skip_to_end();
	assert_string_equal(value("Code"), "0");
}

#define service_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		service_test(only_root_may_say_what_opens_the_stores),
		service_test(what_is_no_secret_is_told_before_anything_is_asked),
		service_test(who_goes_away_while_a_secret_is_tried_keeps_nobody_waiting),
		service_test(a_backup_is_accepted_followed_and_told_to_its_end),
		service_test(the_code_of_the_end_says_how_it_went),
		service_test(a_full_queue_is_told_as_one),
		service_test(who_does_not_wait_gets_the_number_at_once),
		service_test(a_cancel_is_answered_at_once_and_the_end_comes_later),
		service_test(a_restore_must_say_of_what),
		service_test(a_restore_of_a_snapshot_is_of_its_database),
		service_test(nothing_is_restored_without_a_record_of_it),
		service_test(each_job_is_in_the_audit_log_from_asking_to_end),
		service_test(a_log_that_was_changed_is_said_to_be),
		service_test(a_list_shows_what_there_is_oldest_first),
		service_test(a_long_list_comes_whole_through_a_narrow_socket),
		service_test(status_names_the_newest_good_backup_of_each_database),
		service_test(a_check_tells_each_step_up_to_the_one_that_fails),
		service_test(a_database_whose_name_a_store_would_cut_is_refused),
		service_test(a_check_is_read_to_its_end_before_another_one_begins),
		service_test(a_server_is_trusted_by_name),
		service_test(time_that_is_held_back_is_never_said_to_count),
		service_test(what_is_no_command_is_told_so),
		service_test(a_client_that_leaves_in_the_middle_leaves_no_trace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

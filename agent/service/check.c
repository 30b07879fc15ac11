/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/service/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "agent/job/explain.h"
#include "agent/job/server.h"
#include "agent/restore/preflight.h"
#include "agent/sql/examine.h"

#define STACK_SIZE (256 * 1024)

const char *check_step_name(uint8_t step)
{
	static const char *const names[] = {
		[CHECK_CONFIG] = "configuration",
		[CHECK_RESOLVE] = "name",
		[CHECK_INSTANCE] = "instance",
		[CHECK_CONNECT] = "port",
		[CHECK_ENCRYPTION] = "encryption",
		[CHECK_CERTIFICATE] = "certificate",
		[CHECK_LOGIN] = "login",
		[EXAMINE_SERVER] = "server",
		[EXAMINE_DATABASE] = "database",
		[EXAMINE_ISOLATION] = "isolation",
		[EXAMINE_READ] = "may read",
		[EXAMINE_DEFINITIONS] = "definitions",
		[EXAMINE_HIDDEN] = "hidden tables",
		[EXAMINE_UNMASK] = "masked columns",
		[EXAMINE_FEATURES] = "features",
		[EXAMINE_SIZE] = "size",
		[EXAMINE_RECOVERY] = "recovery model",
		[EXAMINE_WRITE] = "may write",
		[EXAMINE_ALTER] = "may alter",
		[EXAMINE_SESSIONS] = "sessions",
		[EXAMINE_LOG] = "log space",
		[EXAMINE_FILES] = "data space",
		[EXAMINE_TEMPDB] = "tempdb",
		[EXAMINE_RESTORABLE] = "restorable",
		[EXAMINE_TRIGGERS] = "DDL triggers",
		[EXAMINE_PARTNERS] = "partners",
		[EXAMINE_FEEDS] = "change feeds",
		[EXAMINE_UNSEEN] = "not seen",
	};
	return step < sizeof(names) / sizeof(names[0]) && names[step] ? names[step] : "step";
}

/* ---- findings ---- */

static void add(struct check *check, unsigned step, enum finding_result result, const char *detail, const char *remedy)
{
	pthread_mutex_lock(&check->lock);
	if (check->count < CHECK_FINDINGS_MAX) {
		struct check_finding *finding = &check->findings[check->count++];
		*finding = (struct check_finding){ .restore = check->at_restore, .step = (uint8_t)step, .result = result };
		snprintf(finding->server, sizeof(finding->server), "%s", check->at_server ? check->at_server->name : "");
		snprintf(finding->database, sizeof(finding->database), "%.127s", check->at_database ? check->at_database : "");
		snprintf(finding->detail, sizeof(finding->detail), "%s", detail ? detail : "");
		snprintf(finding->remedy, sizeof(finding->remedy), "%s", remedy ? remedy : "");
	}
	pthread_mutex_unlock(&check->lock);
	eventfd_write(check->event, 1);
}

__attribute__((format(printf, 4, 5))) static void addf(
	struct check *check, unsigned step, enum finding_result result, const char *format, ...)
{
	char detail[512];
	va_list args;
	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	add(check, step, result, detail, "");
}

static void take_finding(void *arg, uint8_t step, enum finding_result result, const char *detail, const char *remedy)
{
	add(arg, step, result, detail, remedy);
}

static bool is_stopped(void *arg)
{
	struct check *check = arg;
	return check->stop;
}

/* ---- the way to a login ---- */

static enum check_step failed_step(enum sql_error_kind kind)
{
	switch (kind) {
	case SQL_ERROR_CONFIGURATION:
		return CHECK_CONFIG;
	case SQL_ERROR_RESOLVE:
		return CHECK_RESOLVE;
	case SQL_ERROR_BROWSER:
		return CHECK_INSTANCE;
	case SQL_ERROR_CONNECT:
		return CHECK_CONNECT;
	case SQL_ERROR_NO_ENCRYPTION:
	case SQL_ERROR_TLS:
	case SQL_ERROR_TLS_OLD:
		return CHECK_ENCRYPTION;
	case SQL_ERROR_CERTIFICATE:
	case SQL_ERROR_NAME:
	case SQL_ERROR_PIN:
		return CHECK_CERTIFICATE;
	case SQL_ERROR_SERVER:
	case SQL_ERROR_DATABASE_STATE:
		return CHECK_LOGIN + 1; /* logged in, and then something went wrong */
	default:
		return CHECK_LOGIN;
	}
}

static void tell_step(struct check *check, enum check_step step)
{
	const struct server_config *server = check->at_server;
	const char *login = check->at_restore ? server->restore.login : server->backup.login;
	switch (step) {
	case CHECK_RESOLVE:
		addf(check, step, FINDING_OK, "%s has an address", server->host);
		break;
	case CHECK_INSTANCE:
		if (server->instance[0])
			addf(check, step, FINDING_OK, "SQL Server Browser knows the instance %s", server->instance);
		break;
	case CHECK_CONNECT:
		if (server->instance[0])
			addf(check, step, FINDING_OK, "the instance's port answers");
		else
			addf(check, step, FINDING_OK, "port %u answers", server->port);
		break;
	case CHECK_ENCRYPTION:
		addf(check, step, FINDING_OK, "encrypted (%s)", server->strict ? "TDS 8.0 strict" : "TLS inside TDS 7.4");
		break;
	case CHECK_CERTIFICATE:
		addf(check, step, FINDING_OK, "the certificate is the expected one (%s)",
			!server->pinned          ? "ca_file"
				: server->ca_file[0] ? "ca_file and pin"
									 : "pin");
		break;
	default:
		addf(check, step, FINDING_OK, "logged in as %s", login);
	}
}

/* Every step up to the one that failed was passed. The way to a server is told once, each login by itself. */
static void tell_way(struct check *check, enum check_step failed, const struct sql_error *error)
{
	char sentence[512], remedy[512];
	for (enum check_step step = check->way_told ? CHECK_LOGIN : CHECK_RESOLVE; step < failed; step++)
		tell_step(check, step);
	check->way_told = true;
	if (error->kind == SQL_OK)
		return;
	explain_sql_error(error, check->at_server, sentence, sizeof(sentence), remedy, sizeof(remedy));
	add(check,
		failed <= CHECK_LOGIN                         ? (unsigned)failed
			: error->kind == SQL_ERROR_DATABASE_STATE ? EXAMINE_DATABASE
													  : EXAMINE_SERVER,
		FINDING_FAILED, sentence, remedy);
	check->unreachable = failed < CHECK_LOGIN;
}

/* ---- what a restore's pre-flight would say now ---- */

static unsigned step_of(enum preflight_topic topic)
{
	static const uint8_t steps[] = {
		[PREFLIGHT_ON_STATE] = EXAMINE_DATABASE,
		[PREFLIGHT_ON_SERVER] = EXAMINE_SERVER,
		[PREFLIGHT_ON_SESSIONS] = EXAMINE_SESSIONS,
		[PREFLIGHT_ON_RIGHTS] = EXAMINE_WRITE,
		[PREFLIGHT_ON_TRIGGERS] = EXAMINE_TRIGGERS,
		[PREFLIGHT_ON_RECOVERY] = EXAMINE_RECOVERY,
		[PREFLIGHT_ON_PARTNERS] = EXAMINE_PARTNERS,
		[PREFLIGHT_ON_FEEDS] = EXAMINE_FEEDS,
		[PREFLIGHT_ON_UNSEEN] = EXAMINE_UNSEEN,
		[PREFLIGHT_ON_DATA] = EXAMINE_FILES,
		[PREFLIGHT_ON_LOG] = EXAMINE_LOG,
		[PREFLIGHT_ON_TEMPDB] = EXAMINE_TEMPDB,
	};

	return (unsigned)topic < sizeof steps / sizeof steps[0] && steps[topic] ? steps[topic] : EXAMINE_DATABASE;
}

/* Who is connected now may be gone when there is something to restore; and few restores replace every row. */
static enum finding_result result_of(const struct preflight_verdict *verdict)
{
	if (verdict->grade == PREFLIGHT_TELLS)
		return verdict->topic == PREFLIGHT_ON_UNSEEN ? FINDING_UNKNOWN : FINDING_OK;
	if (verdict->grade == PREFLIGHT_WARNS || verdict->kind == SQL_ERROR_BUSY || verdict->kind == SQL_ERROR_ROOM)
		return FINDING_WARNING;
	return FINDING_FAILED;
}

static void tell_verdict(struct check *check, const struct preflight_verdict *verdict)
{
	bool room = verdict->topic == PREFLIGHT_ON_DATA || verdict->topic == PREFLIGHT_ON_LOG;
	char detail[512];

	snprintf(detail, sizeof detail, "%s%s", room ? "if every row is replaced: " : "", verdict->text);
	add(check, step_of(verdict->topic), result_of(verdict), detail, verdict->remedy);
}

static bool is_told(const struct preflight_judgement *judgement, enum preflight_topic topic)
{
	for (size_t i = 0; i < judgement->count; i++)
		if (judgement->verdicts[i].topic == topic)
			return true;
	return false;
}

static void tell_judgement(struct check *check, const struct preflight_judgement *judgement)
{
	for (size_t i = 0; i < judgement->count; i++)
		tell_verdict(check, &judgement->verdicts[i]);
	if (!is_told(judgement, PREFLIGHT_ON_SESSIONS))
		add(check, EXAMINE_SESSIONS, FINDING_OK, "nobody else is in the database", "");
	if (!is_told(judgement, PREFLIGHT_ON_TRIGGERS))
		add(check, EXAMINE_TRIGGERS, FINDING_OK, "no DDL trigger that can be seen stands in a restore's way", "");
}

/* As if the present state were the snapshot, and every row of it another one. */
static void judge_restore(
	struct check *check, const struct preflight_facts *facts, const struct catalogue *present, enum profile profile)
{
	const struct preflight_case about = { .facts = facts, .wanted = present, .present = present, .profile = profile };
	struct preflight_judgement *judgement = calloc(1, sizeof *judgement);
	struct preflight_rows *rows = calloc(present->table_count + 1u, sizeof *rows);

	for (uint32_t i = 0; rows && i < present->table_count; i++)
		if (present->tables[i].rows > 0)
			rows[i].deleted = rows[i].inserted = (uint64_t)present->tables[i].rows;
	if (judgement && rows) {
		preflight_judge(&about, judgement);
		preflight_judge_room(&about, rows, judgement);
		tell_judgement(check, judgement);
	}
	free(judgement);
	free(rows);
}

static int check_restore(
	struct check *check, struct worker *worker, const struct worker_watcher *watcher, struct sql_error *error)
{
	struct preflight_facts *facts = NULL;
	struct catalogue *present = NULL;
	int result = preflight_ask(worker, watcher, &facts, &present, error);

	if (result == 0)
		judge_restore(check, facts, present, check->at_server->profile);
	catalogue_free(present);
	free(facts);
	return result;
}

static void check_database(struct check *check, const char *database, bool restore)
{
	struct worker_watcher watcher = { .arg = check, .finding = take_finding, .stop = is_stopped };
	struct sql_error error = { .kind = SQL_OK };
	struct worker *worker = NULL;
	char sentence[512], remedy[512];
	check->at_database = database;
	check->at_restore = restore;
	int result = server_connect(&worker, check->at_server, database, restore, &watcher, &error);
	if (result < 0)
		server_diagnose(check->at_server, database, restore, &error, NULL);
	bool config = result < 0 && error.kind == SQL_ERROR_LOGIN && error.number == 0;
	if (config) {
		explain_sql_error(&error, check->at_server, sentence, sizeof(sentence), remedy, sizeof(remedy));
		add(check, CHECK_CONFIG, FINDING_FAILED, sentence, remedy);
	} else if (result < 0) {
		tell_way(check, failed_step(error.kind), &error);
	} else {
		tell_way(check, CHECK_LOGIN + 1, &error);
		result = worker_examine(worker, &error);
		if (result == 0 && restore)
			result = check_restore(check, worker, &watcher, &error);
		if (result < 0) {
			explain_sql_error(&error, check->at_server, sentence, sizeof(sentence), remedy, sizeof(remedy));
			add(check, EXAMINE_SERVER, FINDING_FAILED, sentence, remedy);
		}
	}
	worker_stop(worker);
}

static void check_server(struct check *check, const struct server_config *server)
{
	const char *databases[CONFIG_DATABASES_MAX];
	size_t count = server_databases(server, check->database, false, databases);
	check->at_server = server;
	check->way_told = check->unreachable = false;
	for (size_t i = 0; i < count && !check->stop && !check->unreachable; i++)
		check_database(check, databases[i], false);
	check->at_database = NULL;
	check->at_restore = true;
	if (!server->restore.login[0])
		add(check, CHECK_CONFIG, FINDING_WARNING, "no restore_login is configured: a restore is not possible yet",
			"Set restore_login and restore_password_file when you need one.");
	for (size_t i = 0; server->restore.login[0] && i < count && !check->stop && !check->unreachable; i++)
		check_database(check, databases[i], true);
}

static void *run_check(void *arg)
{
	struct check *check = arg;
	for (uint32_t i = 0; i < check->config->server_count && !check->stop; i++)
		if (!check->server[0] || strcasecmp(check->server, check->config->servers[i].name) == 0)
			check_server(check, &check->config->servers[i]);
	pthread_mutex_lock(&check->lock);
	check->over = true;
	pthread_mutex_unlock(&check->lock);
	eventfd_write(check->event, 1);
	return NULL;
}

/* ---- for others ---- */

int check_init(struct check *check)
{
	memset(check, 0, sizeof(*check));
	pthread_mutex_init(&check->lock, NULL);
	check->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return check->event < 0 ? -errno : 0;
}

static void join(struct check *check)
{
	if (check->active)
		pthread_join(check->thread, NULL);
	check->active = false;
}

static bool is_running(struct check *check)
{
	pthread_mutex_lock(&check->lock);
	bool running = check->active && !check->over;
	pthread_mutex_unlock(&check->lock);
	return running;
}

int check_start(struct check *check, const struct config *config, const char *server, const char *database)
{
	pthread_attr_t attributes;
	if (check->read || is_running(check))
		return -EBUSY;
	join(check);
	if (!check->findings)
		check->findings = calloc(CHECK_FINDINGS_MAX, sizeof(*check->findings));
	if (!check->findings)
		return -ENOMEM;
	check->config = config;
	check->over = false;
	check->stop = false;
	check->count = 0;
	check->at_server = NULL;
	snprintf(check->server, sizeof(check->server), "%s", server);
	snprintf(check->database, sizeof(check->database), "%s", database);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	int result = -pthread_create(&check->thread, &attributes, run_check, check);
	pthread_attr_destroy(&attributes);
	check->active = check->read = result == 0;
	return result;
}

int check_get(struct check *check, size_t index, struct check_finding *finding)
{
	pthread_mutex_lock(&check->lock);
	int result = index < check->count ? 1 : check->over ? -ENOENT : 0;
	if (result > 0)
		*finding = check->findings[index];
	pthread_mutex_unlock(&check->lock);
	return result;
}

void check_abandon(struct check *check)
{
	check->stop = true;
	check->read = false;
}

void check_close(struct check *check)
{
	check->stop = true;
	join(check);
	free(check->findings);
	check->findings = NULL;
	if (check->event >= 0)
		close(check->event);
	check->event = -1;
	pthread_mutex_destroy(&check->lock);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts at the start: what a test's world is made of, as T-SQL. */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"
#include "wire_text.h"

struct script_sink {
	struct result_sink sink;
	FILE *log;
	bool failed;
};

static struct script_sink *script_of(struct result_sink *sink)
{
	return (struct script_sink *)(void *)((char *)sink - offsetof(struct script_sink, sink));
}

static int ignore_columns(struct result_sink *sink, const struct result_column *columns, size_t count)
{
	(void)sink, (void)columns, (void)count;
	return 0;
}

static int ignore_row(struct result_sink *sink, const struct result_value *values, size_t count)
{
	(void)sink, (void)values, (void)count;
	return 0;
}

static int note_done(
	struct result_sink *sink, enum result_end end, uint16_t command, bool counted, uint64_t rows, bool error, bool more)
{
	(void)end, (void)command, (void)counted, (void)rows, (void)more;
	script_of(sink)->failed |= error;
	return 0;
}

static int log_message(struct result_sink *sink, int32_t number, uint8_t state, uint8_t severity, const char *text,
	const char *procedure, int32_t line)
{
	struct script_sink *script = script_of(sink);

	(void)procedure;
	if (severity > 10)
		script->failed = true;
	if (severity > 10 || number == 0)
		fprintf(script->log, "Msg %d, Level %u, State %u, Line %d: %s\n", number, severity, state, line, text);
	return 0;
}

static int ignore_database(struct result_sink *sink, const char *name)
{
	(void)sink, (void)name;
	return 0;
}

static int ignore_transaction(struct result_sink *sink, uint8_t kind, uint64_t descriptor)
{
	(void)sink, (void)kind, (void)descriptor;
	return 0;
}

static int ignore_status(struct result_sink *sink, int32_t status)
{
	(void)sink, (void)status;
	return 0;
}

static int ignore_output(
	struct result_sink *sink, const char *name, const struct result_column *type, const struct result_value *value)
{
	(void)sink, (void)name, (void)type, (void)value;
	return 0;
}

static int ignore_flush(struct result_sink *sink)
{
	(void)sink;
	return 0;
}

static const struct result_sink sink_to_log = {
	.columns = ignore_columns,
	.row = ignore_row,
	.done = note_done,
	.message = log_message,
	.database_changed = ignore_database,
	.transaction_changed = ignore_transaction,
	.return_status = ignore_status,
	.output = ignore_output,
	.flush = ignore_flush,
};

static int run_batch(struct session *session, const char *text, struct script_sink *script)
{
	size_t length = strlen(text);
	uint8_t *units = malloc(2 * length + 1);

	if (!units)
		return -ENOMEM;
	int error = session_execute(session, units, utf16_from_utf8(units, 2 * length, text), &script->sink);
	free(units);
	return error ? error : script->failed ? -EIO : 0;
}

static bool is_go(const char *line)
{
	while (*line == ' ' || *line == '\t')
		line++;
	if (tolower((unsigned char)line[0]) != 'g' || tolower((unsigned char)line[1]) != 'o')
		return false;
	return line[2 + strspn(line + 2, " \t\r\n;")] == 0;
}

static int append(char **batch, size_t *size, const char *line)
{
	size_t length = strlen(line);
	char *grown = realloc(*batch, *size + length + 1);

	if (!grown)
		return -ENOMEM;
	memcpy(grown + *size, line, length + 1);
	*batch = grown;
	*size += length;
	return 0;
}

static int run_file(struct session *session, FILE *file, struct script_sink *script)
{
	char *line = NULL, *batch = NULL;
	size_t capacity = 0, size = 0;
	int error = append(&batch, &size, "");

	while (!error) {
		bool more = getline(&line, &capacity, file) >= 0;

		if (more && !is_go(line)) {
			error = append(&batch, &size, line);
			continue;
		}
		if (size)
			error = run_batch(session, batch, script);
		if (!more)
			break;
		size = 0;
		batch[0] = 0;
	}
	free(line);
	free(batch);
	return error;
}

int server_run_script(struct server *server, const char *path, FILE *log)
{
	struct script_sink script = { .sink = sink_to_log, .log = log };
	struct session *session;
	int32_t number;
	FILE *file = fopen(path, "re");

	if (!file)
		return -errno;
	int error = session_login_trusted(&session, server->engine, "sa", "master", "localhost", "script", &number);
	if (!error) {
		session_set_odbc(session, true);
		error = run_file(session, file, &script);
		session_close(session);
	}
	fclose(file);
	return error;
}

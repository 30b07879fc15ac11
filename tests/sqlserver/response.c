/* SPDX-License-Identifier: Apache-2.0 */
#include "response.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

enum { TOKEN_ROW = 0xd1, TOKEN_DONE = 0xfd, TOKEN_DONE_PROC = 0xfe, TOKEN_DONE_IN_PROC = 0xff };

static struct response *response_of(struct result_sink *sink)
{
	return container_of(sink, struct response, sink);
}

static int stopped(const struct response *response)
{
	if (response->writer->error)
		return response->writer->error;
	return atomic_load_explicit(response->attention, memory_order_relaxed) || response->cut ? -ECANCELED : 0;
}

static int send_columns(struct result_sink *sink, const struct result_column *columns, size_t count)
{
	struct response *response = response_of(sink);

	if (count > response->capacity) {
		enum length_class *grown = realloc(response->lengths, count * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		response->lengths = grown;
		response->capacity = count;
	}
	response->count = count;
	for (size_t i = 0; i < count; i++)
		response->lengths[i] = sent_lengths(&columns[i]);
	write_column_metadata(response->writer, columns, count, response->lengths);
	return stopped(response);
}

static void write_values(struct response *response, const struct result_value *values, size_t count)
{
	writer_put8(response->writer, TOKEN_ROW);
	for (size_t i = 0; i < count; i++)
		write_value(response->writer, response->lengths[i], &values[i]);
}

static void write_huge_plp(struct writer *writer)
{
	writer_put64(writer, INT64_MAX);
	writer_put32(writer, INT32_MAX);
	writer_put8(writer, 'x');
}

static void write_error_inside(struct response *response)
{
	const struct message_token token = { .number = 9001,
		.state = 4,
		.severity = 21,
		.line = 1,
		.text = "The log for database 'mgc' is not available.",
		.server = response->server_name };

	write_message(response->writer, &token);
	write_done(response->writer, TOKEN_DONE, DONE_ERROR, 0, 0);
}

/* A row that no server should send, and the message ends there. */
static int send_bad_row(struct response *response, enum row_fault fault, const struct result_value *values)
{
	struct writer *writer = response->writer;
	static const uint8_t bad_tokens[] = { 0x42, 0x00, 0x17, 0xd1 };
	static const uint8_t wrong_type[] = { 0x81, 1, 0, 0, 0, 0, 0, 9, 0, 0x99, 4, 0 };

	response->cut = true;
	switch (fault) {
	case ROW_BAD_TOKEN:
		writer_put(writer, bad_tokens, sizeof(bad_tokens));
		break;
	case ROW_WRONG_TYPE:
		writer_put(writer, wrong_type, sizeof(wrong_type));
		break;
	case ROW_LENGTH_BEYOND:
		writer_put8(writer, TOKEN_ROW);
		for (size_t i = 0; i < response->count; i++)
			writer_put32(writer, 0x7ffffffe);
		break;
	case ROW_HUGE_PLP:
		writer_put8(writer, TOKEN_ROW);
		for (size_t i = 0; i < response->count && response->lengths[i] != LENGTH_PLP; i++)
			write_value(writer, response->lengths[i], &values[i]);
		write_huge_plp(writer);
		break;
	default:
		write_values(response, values, response->count / 2);
		if (fault == ROW_ERROR_INSIDE)
			write_error_inside(response);
	}
	return -ECANCELED;
}

static int send_row(struct result_sink *sink, const struct result_value *values, size_t count)
{
	struct response *response = response_of(sink);
	enum row_fault fault = faults_count_row(response->faults);

	if (fault != ROW_GOOD)
		return send_bad_row(response, fault, values);
	write_values(response, values, count);
	return stopped(response);
}

static int send_done(
	struct result_sink *sink, enum result_end end, uint16_t command, bool counted, uint64_t rows, bool error, bool more)
{
	static const uint8_t tokens[] = {
		[END_STATEMENT] = TOKEN_DONE,
		[END_IN_PROC] = TOKEN_DONE_IN_PROC,
		[END_PROC] = TOKEN_DONE_PROC,
	};
	struct response *response = response_of(sink);
	uint16_t status = 0;

	if (stopped(response))
		return stopped(response);
	if (more || response->more_follows)
		status |= DONE_MORE;
	if (error)
		status |= DONE_ERROR;
	if (counted)
		status |= DONE_COUNT;
	response->ended = !more;
	write_done(response->writer, tokens[end], status, command, counted ? rows : 0);
	return response->writer->error;
}

static int send_message(struct result_sink *sink, int32_t number, uint8_t state, uint8_t severity, const char *text,
	const char *procedure, int32_t line)
{
	struct response *response = response_of(sink);
	const struct message_token token = { .number = number,
		.state = state,
		.severity = severity,
		.text = text,
		.server = response->server_name,
		.procedure = procedure,
		.line = line };

	if (stopped(response))
		return stopped(response);
	if (severity >= 20)
		response->fatal = true;
	write_message(response->writer, &token);
	return response->writer->error;
}

static int send_database(struct result_sink *sink, const char *name)
{
	struct response *response = response_of(sink);

	write_environment_text(response->writer, ENV_DATABASE, name, response->database);
	snprintf(response->database, sizeof(response->database), "%s", name);
	return response->writer->error;
}

static int send_transaction(struct result_sink *sink, uint8_t kind, uint64_t descriptor)
{
	struct response *response = response_of(sink);
	uint8_t bytes[8];
	bool begins = kind == ENV_BEGIN;

	put64le(bytes, descriptor);
	write_environment_bytes(response->writer, (enum environment)kind, bytes, begins ? 8 : 0, bytes, begins ? 0 : 8);
	return response->writer->error;
}

static int send_status(struct result_sink *sink, int32_t status)
{
	struct response *response = response_of(sink);

	write_return_status(response->writer, status);
	return stopped(response);
}

static int send_output(
	struct result_sink *sink, const char *name, const struct result_column *type, const struct result_value *value)
{
	struct response *response = response_of(sink);

	write_return_value(response->writer, response->outputs++, name, type, value);
	return stopped(response);
}

static int send_now(struct result_sink *sink)
{
	return writer_flush(response_of(sink)->writer);
}

static const struct result_sink sink_to_wire = {
	.columns = send_columns,
	.row = send_row,
	.done = send_done,
	.message = send_message,
	.database_changed = send_database,
	.transaction_changed = send_transaction,
	.return_status = send_status,
	.output = send_output,
	.flush = send_now,
};

void response_open(struct response *response, struct writer *writer, struct faults *faults, atomic_bool *attention,
	const char *server_name)
{
	*response = (struct response){
		.sink = sink_to_wire, .writer = writer, .faults = faults, .attention = attention, .server_name = server_name
	};
}

void response_close(struct response *response)
{
	free(response->lengths);
}

void response_begin(struct response *response)
{
	response->ended = response->more_follows = response->fatal = response->cut = false;
	response->outputs = 0;
}

/* An engine that failed without a word is a bug of the stand-in: say so rather than leave the client waiting. */
static void write_failure(struct response *response, int result)
{
	char text[128];

	snprintf(text, sizeof(text), "The stand-in failed: %s.", strerror(-result));
	const struct message_token token = {
		.number = 50000, .state = 1, .severity = 16, .text = text, .server = response->server_name, .line = 1
	};
	if (result)
		write_message(response->writer, &token);
	write_done(response->writer, TOKEN_DONE, result ? DONE_ERROR : 0, 0, 0);
}

int response_end(struct response *response, int result, bool attention)
{
	if (response->writer->error)
		return response->writer->error;
	if (!response->ended && attention)
		write_done(response->writer, TOKEN_DONE, DONE_ERROR, 0, 0);
	else if (!response->ended && !response->cut)
		write_failure(response, result);
	int error = writer_end(response->writer);
	/* The acknowledgement is a message of its own: tedious, which is written against SQL Server, waits for two. */
	if (!error && attention) {
		write_done(response->writer, TOKEN_DONE, DONE_ATTENTION, 0, 0);
		error = writer_end(response->writer);
	}
	return error ? error : response->fatal ? -ECONNRESET : 0;
}

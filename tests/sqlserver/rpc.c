/* SPDX-License-Identifier: Apache-2.0 */
/* RPC requests: one or more calls of a procedure by its name or its well-known number. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "connection.h"
#include "typeinfo.h"
#include "wire_text.h"

#define PARAMETER_LIMIT 2100u

static const char *const procedures[] = {
	[1] = "sp_cursor",
	[2] = "sp_cursoropen",
	[3] = "sp_cursorprepare",
	[4] = "sp_cursorexecute",
	[5] = "sp_cursorprepexec",
	[6] = "sp_cursorunprepare",
	[7] = "sp_cursorfetch",
	[8] = "sp_cursoroption",
	[9] = "sp_cursorclose",
	[10] = "sp_executesql",
	[11] = "sp_prepare",
	[12] = "sp_execute",
	[13] = "sp_prepexec",
	[14] = "sp_prepexecrpc",
	[15] = "sp_unprepare",
};

struct call {
	char procedure[3 * 1024 + 1];
	struct parameter *parameters;
	size_t *offsets; /* of each value in `values` */
	size_t count, capacity;
	struct value_buffer values;
	bool another; /* another call follows in this message */
};

static void call_free(struct call *call)
{
	free(call->parameters);
	free(call->offsets);
	value_buffer_free(&call->values);
}

static int read_procedure(struct message *message, struct call *call)
{
	uint8_t bytes[2], name[2 * 1024];
	int error = message_read(message, bytes, 2);
	size_t units = error ? 0 : get16le(bytes);

	if (error)
		return error;
	if (units == 0xffff) {
		error = message_read(message, bytes, 2);
		if (error || get16le(bytes) == 0 || get16le(bytes) >= sizeof(procedures) / sizeof(procedures[0]))
			return -EBADMSG;
		strcpy(call->procedure, procedures[get16le(bytes)]);
	} else {
		if (units == 0 || units > 1024)
			return -EBADMSG;
		error = message_read(message, name, 2 * units);
		utf8_from_utf16(call->procedure, sizeof(call->procedure), name, error ? 0 : units);
	}
	return error ? error : message_read(message, bytes, 2); /* option flags: none of them matters here */
}

static int grow(struct call *call)
{
	if (call->count < call->capacity)
		return 0;
	size_t capacity = call->capacity ? 2 * call->capacity : 8;
	struct parameter *parameters = realloc(call->parameters, capacity * sizeof(*parameters));
	if (!parameters)
		return -ENOMEM;
	call->parameters = parameters;
	size_t *offsets = realloc(call->offsets, capacity * sizeof(*offsets));
	if (!offsets)
		return -ENOMEM;
	call->offsets = offsets;
	call->capacity = capacity;
	return 0;
}

static int read_parameter(struct message *message, uint8_t name_units, struct call *call)
{
	enum { BY_REFERENCE = 0x01 };
	uint8_t name[2 * 255], status;
	struct wire_column column = { 0 };
	int error = call->count == PARAMETER_LIMIT ? -EBADMSG : grow(call);

	if (error)
		return error;
	struct parameter *parameter = &call->parameters[call->count];
	memset(parameter, 0, sizeof(*parameter));
	error = message_read(message, name, 2u * name_units);
	if (!error)
		error = message_read(message, &status, 1);
	if (!error)
		error = read_type(message, IN_PARAMETERS, &column);
	if (!error)
		error = read_value(message, &column, &call->values, &call->offsets[call->count], &parameter->value.size);
	if (error)
		return error;
	utf8_from_utf16(parameter->name, sizeof(parameter->name), name, name_units);
	parameter->output = status & BY_REFERENCE;
	parameter->type = column.column;
	call->count++;
	return 0;
}

static int read_call(struct message *message, struct call *call)
{
	enum { ANOTHER = 0xff, ANOTHER_UNEXECUTED = 0xfe, ANOTHER_OLD = 0x80 };
	uint8_t first;
	int error = read_procedure(message, call);

	while (!error) {
		error = message_read(message, &first, 1);
		if (error == -ENODATA) {
			error = 0;
			break;
		}
		if (error)
			break;
		call->another = first == ANOTHER || first == ANOTHER_UNEXECUTED || first == ANOTHER_OLD;
		if (call->another)
			break;
		error = read_parameter(message, first, call);
	}
	for (size_t i = 0; i < call->count && !error; i++)
		point_value(&call->values, call->offsets[i], call->parameters[i].value.size, &call->parameters[i].value);
	return error;
}

/* The name, and the first parameter where it is the text of a statement. */
static void note_call(struct connection *connection, const struct call *call)
{
	const struct parameter *text = NULL;
	size_t name = strlen(call->procedure), units = 0;

	for (size_t i = 0; i < call->count && !text; i++)
		if (call->parameters[i].type.type == TDS_NVARCHAR && call->parameters[i].value.data)
			text = &call->parameters[i];
	if (text)
		units = text->value.size / 2 < 65536 ? text->value.size / 2 : 65536;
	char *line = malloc(name + 1 + utf8_capacity(units));
	if (!line)
		return;
	memcpy(line, call->procedure, name);
	line[name] = ' ';
	utf8_from_utf16(line + name + 1, utf8_capacity(units), text ? text->value.data : NULL, units);
	journal_add(&connection->server->journal, connection->link.session, JOURNAL_RPC, line);
	free(line);
}

static int run_call(struct connection *connection, struct message *message, bool *another)
{
	struct call call = { .values.limit = connection->server->options.request_limit };
	int error = read_call(message, &call);

	if (error == -EBADMSG || error == -ENODATA)
		error = link_violation(&connection->link, "a malformed RPC");
	*another = call.another;
	if (!error) {
		connection->response.more_follows = call.another;
		connection->response.outputs = 0;
		note_call(connection, &call);
		error = session_call(
			connection->session, call.procedure, call.parameters, call.count, &connection->response.sink);
	}
	call_free(&call);
	return error;
}

int rpc_serve(struct connection *connection, struct message *message)
{
	uint8_t *bytes;
	size_t size;
	bool another = true;
	int error = request_headers(connection, message);

	if (!error)
		error = message_read_all(message, &bytes, &size, connection->server->options.request_limit);
	if (error)
		return error;
	/* All of it is here before any of it runs: the watch reads the connection meanwhile. */
	struct message whole = {
		.link = &connection->link, .type = message->type, .last = true, .at = bytes, .end = bytes + size
	};
	int result = 0;
	watch_begin(&connection->watch);
	while (!result && another)
		result = run_call(connection, &whole, &another);
	error = watch_end(&connection->watch);
	free(bytes);
	if (!error && result == -EPROTO)
		error = result;
	return error ? error : response_end(&connection->response, result, connection->watch.attention);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "chat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_fill.h"
#include "chat_schema.h"
#include "chat_text.h"

int chat_parse(struct chat_options *options, const char *text)
{
	char copy[200], *rest = copy;

	*options = (struct chat_options){ .messages = 20000, .rooms = 100, .users = 200, .seed = 1 };
	snprintf(copy, sizeof copy, "%s", text);
	for (char *one = strsep(&rest, ","); one; one = strsep(&rest, ",")) {
		char name[16];
		unsigned long long value;
		if (sscanf(one, "%15[a-z]=%llu", name, &value) != 2)
			return -EINVAL;
		if (strcmp(name, "messages") == 0)
			options->messages = (uint32_t)value;
		else if (strcmp(name, "rooms") == 0)
			options->rooms = (uint32_t)value;
		else if (strcmp(name, "users") == 0)
			options->users = (uint32_t)value;
		else if (strcmp(name, "seed") == 0)
			options->seed = value;
		else
			return -EINVAL;
	}
	return options->rooms && options->users > 20 ? 0 : -EINVAL;
}

static int run_all(struct session *session, const char *const *statements)
{
	int error = 0;

	for (; *statements && !error; statements++)
		error = bulk_run(session, *statements, NULL, 0, NULL);
	return error;
}

static int log_in(struct engine *engine, const char *database, struct session **session)
{
	int32_t number = 0;
	int error = session_login_trusted(session, engine, "sa", database, "localhost", "chat", &number);

	if (error)
		fprintf(stderr, "chat: login to %s: message %d\n", database, (int)number);
	else
		error = bulk_run(*session,
			"SET QUOTED_IDENTIFIER, ANSI_NULLS, ANSI_PADDING, ANSI_WARNINGS, ARITHABORT, "
			"CONCAT_NULL_YIELDS_NULL ON; SET NOCOUNT ON",
			NULL, 0, NULL);
	return error;
}

static int create_databases(struct engine *engine)
{
	struct session *session;
	int error = log_in(engine, "master", &session);

	if (error)
		return error;
	error = bulk_run(session, "CREATE DATABASE mgc", NULL, 0, NULL);
	if (!error)
		error = bulk_run(session, "CREATE DATABASE mgccomp", NULL, 0, NULL);
	session_close(session);
	return error;
}

static int fill(struct engine *engine, const struct chat_options *options, const char *database,
	const char *const *schema, int (*const *steps)(struct chat *chat))
{
	struct chat chat = { .options = *options, .state = options->seed };
	int error = log_in(engine, database, &chat.session);

	if (error)
		return error;
	error = run_all(chat.session, schema);
	for (; !error && *steps; steps++)
		error = (*steps)(&chat);
	session_close(chat.session);
	return error;
}

int chat_create(struct engine *engine, const struct chat_options *options)
{
	static int (*const mgc[])(struct chat *) = { chat_fill_people, chat_fill_messages, chat_fill_passing, NULL };
	static int (*const mgccomp[])(struct chat *) = { chat_fill_compliance, NULL };
	int error = create_databases(engine);

	if (!error)
		error = fill(engine, options, "mgc", chat_schema_mgc, mgc);
	return error ? error : fill(engine, options, "mgccomp", chat_schema_mgccomp, mgccomp);
}

/* ---- a night more ---- */

#define ROOMS_MAX 40000

static int append(struct chat *chat, int64_t *numbers, size_t rooms, uint32_t messages)
{
	struct bulk_writer writer;
	uint32_t busy = 40 + chat_below(&chat->state, 21);
	uint32_t each = messages / busy + 1;
	int error = bulk_run(chat->session, "BEGIN TRANSACTION", NULL, 0, NULL);

	if (error)
		return error;
	bulk_writer_begin(&writer, chat->session, "dbo.tblChat", CHAT_MESSAGE_COLUMNS);
	for (uint32_t i = 0; i < busy && messages; i++) {
		/* Steps through distinct rooms, the busiest among them. */
		size_t at = i < 8 ? i : 8 + (i * 7919u + 13u) % (rooms > 8 ? rooms - 8 : 1);
		uint32_t count = i + 1 == busy || messages < each ? messages : each;
		numbers[2 * at + 1] = chat_write_room(chat, &writer, (uint32_t)numbers[2 * at], numbers[2 * at + 1] + 1, count,
			CHAT_TICKS_2012 + 1100 * CHAT_TICKS_DAY, CHAT_TICKS_DAY / 3);
		messages -= count;
	}
	error = bulk_writer_end(&writer);
	if (!error)
		error = bulk_run(chat->session,
			"UPDATE l SET lastChatID = c.last FROM dbo.tblLastChatId l JOIN (SELECT channelId, "
			"MAX(chatId) AS last FROM dbo.tblChat GROUP BY channelId) c ON c.channelId = l.nodeID "
			"WHERE c.last > l.lastChatID",
			NULL, 0, NULL);
	return error ? error : bulk_run(chat->session, "COMMIT", NULL, 0, NULL);
}

int chat_night(struct engine *engine, uint32_t messages)
{
	struct chat chat = { .options = { .users = 40 }, .state = messages };
	int64_t *numbers = calloc(2 * ROOMS_MAX, sizeof *numbers);
	size_t rooms = 0;
	int error = numbers ? log_in(engine, "mgc", &chat.session) : -ENOMEM;

	if (error) {
		free(numbers);
		return error;
	}
	error = bulk_run(chat.session, "SELECT nodeID, lastChatID FROM dbo.tblLastChatId ORDER BY lastChatID DESC, nodeID",
		numbers, 2 * ROOMS_MAX, &rooms);
	if (!error && rooms < 64)
		error = -EINVAL;
	chat.state += (uint64_t)(rooms ? numbers[1] : 0);
	if (!error)
		error = append(&chat, numbers, rooms < ROOMS_MAX ? rooms : ROOMS_MAX, messages);
	session_close(chat.session);
	free(numbers);
	return error;
}

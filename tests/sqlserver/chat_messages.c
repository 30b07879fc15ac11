/* SPDX-License-Identifier: Apache-2.0 */
/* tblChat: a few rooms with most of the rows, numbers dense in each room but for what was purged. */
#include <stdlib.h>

#include "chat_fill.h"
#include "chat_text.h"

int64_t chat_write_room(struct chat *chat, struct bulk_writer *writer, uint32_t room, int64_t first, uint32_t messages,
	int64_t ticks, int64_t span)
{
	static _Thread_local uint8_t content[16384], rtf[16384];
	uint32_t members = 6 + room * 31 % 40;
	int64_t id = first - 1;

	for (uint32_t i = 0; i < messages; i++) {
		size_t size;
		id += chat_below(&chat->state, 60) == 0 ? 2 : 1; /* a gap is a purged message */
		bulk_put_number(writer, room);
		bulk_put_number(writer, id);
		bulk_put_number(writer, ticks + span / (messages + 1) * i + (int64_t)chat_below(&chat->state, 20000000));
		bulk_put_number(
			writer, 3 + (int64_t)((room * 17 + chat_below(&chat->state, members)) % (chat->options.users - 3)));
		bulk_put_number(writer, chat_below(&chat->state, 200) == 0);
		size = chat_message(&chat->state, room, content, sizeof content);
		bulk_put_bytes(writer, content, size);
		if (chat_below(&chat->state, 8) == 0)
			bulk_put_bytes(writer, rtf, chat_rtf(&chat->state, content, size, rtf, sizeof rtf));
		else
			bulk_put_null(writer);
		bulk_writer_row(writer);
	}
	return id;
}

/* Shares of the messages: large rooms (3 in 100) have half, medium ones (20 in 100) a third, small ones the rest. */
static uint32_t room_messages(const struct chat_options *options, uint32_t room)
{
	uint32_t large = options->rooms * 3 / 100 + 1, medium = options->rooms / 5 + 1;
	uint32_t small = options->rooms > large + medium ? options->rooms - large - medium : 1;

	if (room < large)
		return (uint32_t)((uint64_t)options->messages * 52 / 100 * 2 * (large - room) / (large * (large + 1)));
	if (room < large + medium)
		return (uint32_t)((uint64_t)options->messages * 34 / 100 / medium);
	return (uint32_t)((uint64_t)options->messages * 14 / 100 / small);
}

int chat_fill_messages(struct chat *chat)
{
	const struct chat_options *options = &chat->options;
	int64_t *last = calloc(options->rooms, sizeof *last);
	uint32_t left = options->messages;
	struct bulk_writer writer;
	int error;

	if (!last)
		return -1;
	bulk_writer_begin(&writer, chat->session, "dbo.tblChat", CHAT_MESSAGE_COLUMNS);
	for (uint32_t room = 0; room < options->rooms; room++) {
		uint32_t count = room + 1 == options->rooms ? left : room_messages(options, room);
		count = count < left ? count : left;
		left -= count;
		last[room] = chat_write_room(
			chat, &writer, CHAT_FIRST_ROOM + room, 1, count, CHAT_TICKS_2012, 1000 * CHAT_TICKS_DAY);
	}
	error = bulk_writer_end(&writer);
	if (!error) {
		bulk_writer_begin(&writer, chat->session, "dbo.tblLastChatId", "nodeID int, lastChatID bigint");
		for (uint32_t room = 0; room < options->rooms; room++) {
			bulk_put_number(&writer, CHAT_FIRST_ROOM + room);
			bulk_put_number(&writer, last[room]);
			bulk_writer_row(&writer);
		}
		error = bulk_writer_end(&writer);
	}
	free(last);
	return error;
}

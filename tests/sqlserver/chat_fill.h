/* SPDX-License-Identifier: Apache-2.0 */
/* What chat.c and the files that fill tables share. */
#ifndef TESTS_SQLSERVER_CHAT_FILL_H
#define TESTS_SQLSERVER_CHAT_FILL_H

#include "bulk_writer.h"
#include "chat.h"

#define CHAT_FIRST_ROOM 12 /* nodes: 1 the root, 2 to 11 categories, then rooms */
#define CHAT_CATEGORIES 10
#define CHAT_TICKS_2012 634610592000000000 /* 2012-01-02 */
#define CHAT_TICKS_DAY 864000000000

struct chat {
	struct session *session;
	struct chat_options options;
	uint64_t state; /* of the random numbers */
};

int chat_fill_people(struct chat *chat);     /* lookups, principals, nodes, roles, invitations */
int chat_fill_messages(struct chat *chat);   /* tblChat, tblLastChatId */
int chat_fill_passing(struct chat *chat);    /* tokens, locks, preferences: state that comes and goes */
int chat_fill_compliance(struct chat *chat); /* mgccomp */

/* So many messages of one room, numbers from `first` on, with gaps. Returns the last number. */
int64_t chat_write_room(struct chat *chat, struct bulk_writer *writer, uint32_t room, int64_t first, uint32_t messages,
	int64_t ticks, int64_t span);
#define CHAT_MESSAGE_COLUMNS                                                                          \
	"channelId int, chatId bigint, chatDate bigint, userId int, isAlert bit, content nvarchar(max), " \
	"rtf varchar(max)"

void chat_put_guid(
	struct chat *chat, struct bulk_writer *writer, uint32_t kind, uint32_t n); /* always the same for kind, n */
void chat_put_datetime(struct bulk_writer *writer, int32_t days, uint32_t three_hundredths);

#endif

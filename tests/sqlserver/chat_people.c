/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups, principals, rooms, and who may do what in them. */
#include <stdio.h>
#include <string.h>

#include "chat_fill.h"
#include "chat_text.h"

void chat_put_guid(struct chat *chat, struct bulk_writer *writer, uint32_t kind, uint32_t n)
{
	uint64_t state = chat->options.seed * 1000003 + (uint64_t)kind * 7919 + n;
	uint64_t halves[2] = { chat_random(&state), chat_random(&state) };

	bulk_put_bytes(writer, halves, sizeof halves);
}

void chat_put_datetime(struct bulk_writer *writer, int32_t days, uint32_t three_hundredths)
{
	bulk_put_number(writer, (int64_t)((uint64_t)(uint32_t)days | (uint64_t)three_hundredths << 32));
}

static const char lookups[] =
	"INSERT INTO dbo.tblEnumAttribute VALUES (1, N'Visibility'), (2, N'Behavior');"
	"INSERT INTO dbo.tblEnumValue VALUES (2, 1, N'private'), (3, 1, N'scope'), (4, 2, N'normal'), (5, 2, N'auditorium'), "
	"(6, 1, N'open');"
	"INSERT INTO dbo.tblPrincipalType VALUES (1, N'Any', 0, 0), (2, N'AnyUser', 0, 1), (3, N'AnyGroup', 0, 0), "
	"(4, N'SystemUser', 1, 0), (5, N'User', 0, 1), (8, N'DC', 0, 0), (9, N'Group', 0, 0), (10, N'Folder', 0, 0);"
	"INSERT INTO dbo.tblRoleType VALUES (1, N'Member', 132), (2, N'Manager', 7316), (3, N'Voiced', 2176), (4, N'Creator', 1024);"
	"INSERT INTO dbo.tblSystemRevision VALUES (4711);"
	"INSERT INTO dbo.tblConfig VALUES (N'pool', N'<config version=\"1\"/>', '6F9619FF-8B86-D011-B42D-00C04FC964FF');"
	"INSERT INTO dbo.tblSiopWhiteList VALUES ('0E984725-C51C-4BF4-9960-E1C80E27ABA0', N'Tickets', N'https://intranet.contoso.test/addin');"
	"INSERT INTO dbo.tblServerIdentity VALUES (1, N'net.tcp://chat01.contoso.test:881', '2014-11-03T08:15:00.003'), "
	"(2, N'net.tcp://chat02.contoso.test:881', NULL);"
	"INSERT INTO dbo.tblActivePeers VALUES (1, 2), (2, 1);";

static void put_principal(struct chat *chat, struct bulk_writer *writer, uint32_t n)
{
	bool person = n > 2;
	char name[128], text[300];

	chat_name("person", n, name, sizeof name);
	bulk_put_number(writer, n);
	chat_put_guid(chat, writer, 1, n);
	snprintf(text, sizeof text, person ? "sip:user%u@contoso.test" : "ma-grp:system%u", n);
	bulk_put_text(writer, text);
	if (person)
		bulk_put_text(writer, name);
	else
		bulk_put_null(writer);
	bulk_put_text(writer, person ? name : "System");
	bulk_put_text(writer, n % 3 ? "Contoso" : ""); /* empty is not NULL */
	snprintf(text, sizeof text, "user%u@contoso.test", n);
	bulk_put_text(writer, text);
	snprintf(text, sizeof text, "CN=%s,OU=Branch %u,DC=contoso,DC=test", name, n % 12);
	if (person)
		bulk_put_text(writer, text);
	else
		bulk_put_null(writer);
	bulk_put_null(writer);
	bulk_put_number(writer, n % 37 == 0 ? 1 : n % 91 == 0 ? 2 : 0);
	bulk_put_number(writer, person ? 5 : 4);
	bulk_put_number(writer, 1);
	bulk_put_null(writer);
	bulk_put_number(writer, 1);
	bulk_put_number(writer, CHAT_TICKS_2012 + (int64_t)n * 12345678);
	bulk_put_number(writer, 1);
	bulk_put_number(writer, CHAT_TICKS_2012 + (int64_t)n * 12345678 + 5);
	chat_put_datetime(writer, 41000 + (int32_t)(n % 700), n * 997 % 25920000);
	bulk_writer_row(writer);
}

static int fill_principals(struct chat *chat)
{
	struct bulk_writer writer;

	bulk_writer_begin(&writer, chat->session, "dbo.tblPrincipal",
		"prinID int, prinGuid uniqueidentifier, "
		"prinUri nvarchar(256), prinName nvarchar(256), prinDisplayName nvarchar(256), prinCompanyName nvarchar(256), "
		"prinEmail nvarchar(256), prinADPath nvarchar(384), prinADUserPrincipalName nvarchar(256), prinDisabled smallint, "
		"prinTypeID smallint, prinPoolID int, prinPolicyID int, prinAddedBy int, prinAddedOn bigint, prinUpdatedBy int, "
		"prinUpdatedOn bigint, prinVerifiedOn datetime");
	for (uint32_t n = 1; n <= chat->options.users; n++)
		put_principal(chat, &writer, n);
	return bulk_writer_end(&writer);
}

static void put_node(struct chat *chat, struct bulk_writer *writer, uint32_t n)
{
	bool room = n >= CHAT_FIRST_ROOM;
	char name[128];

	chat_name(n == 1 ? "root" : room ? "room" : "category", n, name, sizeof name);
	bulk_put_number(writer, n);
	chat_put_guid(chat, writer, 2, n);
	bulk_put_number(writer, room ? 2 + n % CHAT_CATEGORIES : 1);
	bulk_put_number(writer, !room);
	bulk_put_text(writer, name);
	bulk_put_text(writer, n % 4 ? "Talk about it here" : "");
	for (int i = 0; i < 3; i++) { /* invite, logged, filePost: rooms inherit them */
		if (room)
			bulk_put_null(writer);
		else
			bulk_put_number(writer, i != 0);
	}
	bulk_put_number(writer, n % 29 == 0);
	bulk_put_number(writer, n % 50 == 13 ? 5 : 4);
	bulk_put_number(writer, n % 3 == 0 ? 6 : n % 3 == 1 ? 2 : 3);
	bulk_put_null(writer);
	bulk_put_number(writer, 3 + n % 10);
	bulk_put_number(writer, CHAT_TICKS_2012 + n);
	bulk_put_number(writer, 3 + n % 10);
	bulk_put_number(writer, CHAT_TICKS_2012 + 2 * (int64_t)n);
	if (n % 31 == 0)
		chat_put_datetime(writer, 41700, n);
	else
		bulk_put_null(writer);
	bulk_writer_row(writer);
}

static int fill_nodes(struct chat *chat)
{
	struct bulk_writer writer;

	bulk_writer_begin(&writer, chat->session, "dbo.tblNode",
		"nodeID int, nodeGuid uniqueidentifier, parentID int, "
		"nodeType bit, nodeName nvarchar(256), nodeDesc nvarchar(256), invite bit, logged bit, filePost bit, disabled bit, "
		"behavior smallint, visibility smallint, siopID uniqueidentifier, nodeAddedBy int, nodeAddedOn bigint, "
		"nodeUpdatedBy int, nodeUpdatedOn bigint, purgedOn datetime");
	for (uint32_t n = 1; n < CHAT_FIRST_ROOM + chat->options.rooms; n++)
		put_node(chat, &writer, n);
	return bulk_writer_end(&writer);
}

/* Rows of small integers that depend on a node and a principal. */
static int fill_pairs(struct chat *chat, const char *table, const char *columns, uint32_t each, int extra, int date)
{
	struct bulk_writer writer;
	uint32_t users = chat->options.users - 2;

	bulk_writer_begin(&writer, chat->session, table, columns);
	for (uint32_t room = 0; room < chat->options.rooms; room++)
		for (uint32_t i = 0; i < each && i < users; i++) {
			bulk_put_number(&writer, date ? 3 + (room * 13 + i) % users : CHAT_FIRST_ROOM + room);
			bulk_put_number(&writer, date ? (int64_t)room + 1 : 3 + (room * 17 + i) % users);
			if (date) {
				bulk_put_number(&writer, CHAT_FIRST_ROOM + room);
				chat_put_datetime(&writer, 41000 + (int32_t)room, i * 300);
			} else {
				bulk_put_number(&writer, extra ? 1 + (i % 9 == 0) : i % 5 == 0);
				bulk_put_number(&writer, 3);
			}
			bulk_writer_row(&writer);
		}
	return bulk_writer_end(&writer);
}

static int fill_affiliations(struct chat *chat)
{
	struct bulk_writer writer;

	bulk_writer_begin(&writer, chat->session, "dbo.tblPrincipalAffiliations",
		"principalID int, affiliationID int, index int, updatedBy int");
	for (uint32_t n = 3; n <= chat->options.users; n++)
		for (int32_t i = -1; i < 12; i++) {
			if (i == 0)
				continue;
			bulk_put_number(&writer, n);
			bulk_put_number(&writer, i < 0 ? n : 1 + (n * 7 + (uint32_t)i * 11) % 20);
			bulk_put_number(&writer, i);
			bulk_put_number(&writer, 1);
			bulk_writer_row(&writer);
		}
	return bulk_writer_end(&writer);
}

int chat_fill_people(struct chat *chat)
{
	int error = bulk_run(chat->session, lookups, NULL, 0, NULL);

	if (!error)
		error = fill_principals(chat);
	if (!error)
		error = fill_nodes(chat);
	if (!error)
		error = fill_affiliations(chat);
	if (!error)
		error = fill_pairs(chat, "dbo.tblPrincipalRole",
			"prinRoleNodeID int, prinRolePrinID int, prinRoleTypeID int, prinRoleUpdatedBy int", 20, 1, 0);
	if (!error)
		error = fill_pairs(chat, "dbo.tblScopePrincipal",
			"scopeNodeID int, scopePrinID int, scopeIsDenied bit, scopeUpdatedBy int", 4, 0, 0);
	return error
		? error
		: fill_pairs(chat, "dbo.tblPrincipalInvites", "prinID int, invID int, nodeID int, createdOn datetime", 6, 0, 1);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What comes and goes in mgc, and all of mgccomp. */
#include <stdio.h>

#include "chat_fill.h"
#include "chat_text.h"

static const char passing[] =
	"INSERT INTO dbo.tblAdminLock VALUES ('2014-11-03T08:20:00', 1, 3);"
	"INSERT INTO dbo.tblLastInviteId SELECT prinID, MAX(invID) FROM dbo.tblPrincipalInvites GROUP BY prinID;"
	"INSERT INTO dbo.tblPrincipalMembers SELECT prinID, prinADPath FROM dbo.tblPrincipal WHERE prinADPath IS NOT NULL "
	"AND prinID <= 40;"
	"INSERT INTO dbo.tblPrincipalMeta (prinID, prinAffiliationsDirty, prinAttributesDirty, prinDeleted, nextTry) "
	"SELECT prinID, 1, 0, 0, '2014-11-03T09:00:00' FROM dbo.tblPrincipal WHERE prinID > 5 AND prinID <= 9;"
	"INSERT INTO dbo.tblSkippedAffiliations SELECT prinID, N'guid: {0} uri: {1}> id: {2}', 1 FROM dbo.tblPrincipal "
	"WHERE prinID = 10;"
	"INSERT INTO dbo.tblADUpdates SELECT prinGuid, N'CN=moved', 1, 0, 0, 0, '2014-11-03T07:00:00' FROM dbo.tblPrincipal "
	"WHERE prinID > 10 AND prinID <= 14;"
	"INSERT INTO dbo.tblPrincipalMemberDifference SELECT prinGuid, N'CN=new member', 0 FROM dbo.tblPrincipal WHERE prinID = 4;"
	"INSERT INTO dbo.tblFileToken SELECT N'token-' + CAST(nodeID AS nvarchar(12)), 3, nodeGuid, '2014-11-03T08:45:00', "
	"N'\\\\files\\compliance\\a.docx', NULL, '2014-11-03T08:15:00.1234567', 1, 0 FROM dbo.tblNode WHERE nodeID > 11 AND nodeID <= 20;";

static int fill_cookies(struct chat *chat)
{
	static uint8_t cookie[40000];
	struct bulk_writer writer;

	for (size_t i = 0; i < sizeof cookie; i++)
		cookie[i] = (uint8_t)(chat_random(&chat->state) >> (i % 3 ? 56 : 62));
	bulk_writer_begin(&writer, chat->session, "dbo.tblADCookie",
		"prinGuid uniqueidentifier, prinDCHost nvarchar(255), "
		"adcContent image, lastUpdated datetime, lockedUntil datetime");
	for (uint32_t n = 1; n <= 2; n++) {
		chat_put_guid(chat, &writer, 1, n);
		bulk_put_text(&writer, "dc01.contoso.test");
		bulk_put_bytes(&writer, cookie, n == 1 ? sizeof cookie : 0);
		chat_put_datetime(&writer, 41944, 8 * 3600 * 300 + 1);
		bulk_put_null(&writer);
		bulk_writer_row(&writer);
	}
	return bulk_writer_end(&writer);
}

static int fill_preferences(struct chat *chat)
{
	struct bulk_writer writer;
	char label[128];

	bulk_writer_begin(&writer, chat->session, "dbo.tblPreference",
		"prefLabel nvarchar(255), prefSeqID int, prefContent nvarchar(max), lastModifiedBy int");
	for (uint32_t n = 3; n < chat->options.users; n += 3) {
		snprintf(label, sizeof label, "sip:user%u@contoso.test|user%u.default", n, n);
		bulk_put_text(&writer, label);
		bulk_put_number(&writer, 1);
		bulk_put_text(&writer, n % 2 ? "<preferences><font>Segoe UI</font><rooms order=\"name\"/></preferences>" : "");
		bulk_put_number(&writer, n);
		bulk_writer_row(&writer);
	}
	return bulk_writer_end(&writer);
}

int chat_fill_passing(struct chat *chat)
{
	int error = fill_cookies(chat);

	if (!error)
		error = fill_preferences(chat);
	return error ? error : bulk_run(chat->session, passing, NULL, 0, NULL);
}

static int fill_events(struct chat *chat, uint32_t events)
{
	static uint8_t content[16384];
	struct bulk_writer writer;
	char text[128];

	bulk_writer_begin(&writer, chat->session, "dbo.tblComplianceData",
		"cmplEventID bigint, entryDate smalldatetime, "
		"cmplType int, cmplTime bigint, cmplChannelUri nvarchar(255), cmplChatID bigint, cmplUserID int, "
		"cmplUserUri nvarchar(255), cmplMessage nvarchar(max)");
	for (uint32_t n = 1; n <= events; n++) {
		uint32_t room = CHAT_FIRST_ROOM + chat_below(&chat->state, chat->options.rooms);
		bulk_put_number(&writer, n);
		bulk_put_number(&writer, 41944 + ((480 + n % 15) << 16));
		bulk_put_number(&writer, n % 40 == 0 ? 4 : 1);
		bulk_put_number(&writer, CHAT_TICKS_2012 + 1036 * CHAT_TICKS_DAY + (int64_t)n * 9007);
		snprintf(text, sizeof text, "ma-chan://contoso.test/%u", room);
		bulk_put_text(&writer, text);
		bulk_put_number(&writer, n);
		bulk_put_number(&writer, 3 + n % 30);
		snprintf(text, sizeof text, "sip:user%u@contoso.test", 3 + n % 30);
		bulk_put_text(&writer, text);
		bulk_put_bytes(&writer, content, chat_message(&chat->state, room, content, sizeof content));
		bulk_writer_row(&writer);
	}
	return bulk_writer_end(&writer);
}

static int fill_participants(struct chat *chat)
{
	struct bulk_writer writer;
	char text[128];

	bulk_writer_begin(&writer, chat->session, "dbo.tblComplianceParticipant",
		"channelUri nvarchar(255), userId int, "
		"joinedAt bigint, partedAt bigint, userUri nvarchar(255), serverID int, sessionId bigint");
	for (uint32_t room = 0; room < chat->options.rooms; room++)
		for (uint32_t i = 0; i < 5; i++) {
			snprintf(text, sizeof text, "ma-chan://contoso.test/%u", CHAT_FIRST_ROOM + room);
			bulk_put_text(&writer, text);
			bulk_put_number(&writer, 3 + i);
			bulk_put_number(&writer, CHAT_TICKS_2012 + 1036 * CHAT_TICKS_DAY + room);
			if (i % 2)
				bulk_put_null(&writer);
			else
				bulk_put_number(&writer, CHAT_TICKS_2012 + 1036 * CHAT_TICKS_DAY + room + 100000);
			snprintf(text, sizeof text, "sip:user%u@contoso.test", 3 + i);
			bulk_put_text(&writer, text);
			bulk_put_number(&writer, 1);
			bulk_put_number(&writer, (int64_t)chat_random(&chat->state));
			bulk_writer_row(&writer);
		}
	return bulk_writer_end(&writer);
}

int chat_fill_compliance(struct chat *chat)
{
	int error = fill_events(chat, chat->options.messages / 40 + 10);

	if (!error)
		error = fill_participants(chat);
	return error
		? error
		: bulk_run(chat->session,
			  "INSERT INTO dbo.tblComplianceFanout SELECT cmplEventID, 1 FROM dbo.tblComplianceData WHERE cmplEventID % 3 = 0;"
			  "INSERT INTO dbo.tblComplianceState VALUES (7, -1, '2014-11-03T08:20:00.1234567')",
			  NULL, 0, NULL);
}

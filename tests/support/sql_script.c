/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sql_script.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/net/tds.h"

static void send_reply(struct sql_script *script, const struct tds_reply *reply)
{
	tls_peer_write_packet(script->peer, TDS_REPLY, true, reply->bytes, reply->size);
}

static void note_batch(struct sql_script *script, size_t size)
{
	size_t used = strlen(script->batches);

	/* ALL_HEADERS of 22 bytes, then UTF-16. */
	for (size_t at = TDS_HEADER_SIZE + 22; at + 1 < size && used + 2 < sizeof(script->batches); at += 2)
		script->batches[used++] = (char)script->packet[at];
	script->batches[used] = '\n';
	script->batches[used + 1] = '\0';
}

static ssize_t next_request(struct sql_script *script)
{
	ssize_t got = tls_peer_read_packet(script->peer, script->packet);

	if (got > 0 && script->packet[0] == TDS_BATCH)
		note_batch(script, (size_t)got);
	return got;
}

static bool welcome(struct sql_script *script)
{
	if (next_request(script) < 0)
		return false;
	if (script->login_answer.size) {
		send_reply(script, &script->login_answer);
		return false;
	}
	script->scratch.size = 0;
	reply_packet_size(&script->scratch, "4096");
	/* As every SQL Server does: FreeTDS then looks for the code page, which a confined worker cannot load. */
	reply_bytes(&script->scratch, "\xe3\x08\x00\x07\x05", 5);
	reply_bytes(&script->scratch, script->collation, sizeof(script->collation));
	reply_u8(&script->scratch, 0);
	reply_login_ack(&script->scratch, 15);
	reply_done(&script->scratch, 0, 0);
	send_reply(script, &script->scratch);
	return true;
}

static void answer_batch(struct sql_script *script, size_t *answered)
{
	const char *line = strrchr(script->batches, '\n');

	while (line > script->batches && line[-1] != '\n')
		line--;
	script->scratch.size = 0;
	if (strncmp(line, "SELECT CAST(@@OPTIONS", 20) == 0) {
		reply_int_columns(&script->scratch, 4);
		reply_int_row(&script->scratch,
			(const int32_t[]){ script->options, INT32_MAX, script->lock_timeout_ms, script->edition }, 4);
		reply_done(&script->scratch, TDS_DONE_COUNT, 1);
	} else if (strncasecmp(line, "SET ", 4) == 0) {
		reply_done(&script->scratch, 0, 0);
	} else if (*answered < script->answer_count) {
		script->scratch = script->answers[(*answered)++];
	}
	if (script->scratch.size)
		send_reply(script, &script->scratch);
	else if (script->instead)
		script->instead(script);
}

static void collect_bulk(struct sql_script *script, size_t size)
{
	if (script->bulk_size + size > sizeof(script->bulk))
		abort();
	memcpy(script->bulk + script->bulk_size, script->packet + TDS_HEADER_SIZE, size - TDS_HEADER_SIZE);
	script->bulk_size += size - TDS_HEADER_SIZE;
	script->bulk_packets++;
	if (!(script->packet[1] & TDS_STATUS_EOM) && size != 4096)
		script->bulk_short++;
	if (script->packet[1] & TDS_STATUS_EOM) {
		script->scratch.size = 0;
		reply_done(&script->scratch, TDS_DONE_COUNT, 5);
		send_reply(script, script->answer_count > 1 ? &script->answers[1] : &script->scratch);
	}
}

void sql_script_run(struct tls_peer *peer, void *arg)
{
	struct sql_script *script = arg;
	size_t answered = 0;
	ssize_t got;

	script->peer = peer;
	if (!welcome(script))
		return;
	while ((got = next_request(script)) > 0) {
		if (script->packet[0] == TDS_BATCH) {
			answer_batch(script, &answered);
		} else if (script->packet[0] == TDS_BULK) {
			collect_bulk(script, (size_t)got);
		} else if (script->packet[0] == TDS_ATTENTION) {
			script->scratch.size = 0;
			reply_done(&script->scratch, TDS_DONE_ATTENTION, 0);
			send_reply(script, &script->scratch);
		}
	}
}

struct sql_script *sql_script_new(void)
{
	struct sql_script *script = calloc(1, sizeof(*script));

	if (!script)
		abort();
	script->options = SQL_SCRIPT_OPTIONS;
	script->lock_timeout_ms = 30000;
	script->edition = 4;
	memcpy(script->collation, "\x09\x04\xd0\x00\x34", sizeof(script->collation));
	sem_init(&script->reached, 0, 0);
	sem_init(&script->go_on, 0, 0);
	return script;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeper and worker, each believing nothing of the other: the input is messages, u8 type, u16 size, payload. As reports
 * they go to the keeper's side, whose watcher must only see what worker.h promises; as requests to a worker whose server
 * has nothing in it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/sql/preflight.h"
#include "agent/sql/requests.h"
#include "agent/sql/worker_private.h"
#include "tests/support/fake_session.h"

#define STREAM_MAX 60000 /* so that all of it fits into the socket, and no thread is needed */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- reports ---- */

static volatile uint8_t seen;

static void touch(const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		seen ^= ((const uint8_t *)bytes)[i];
}

static int take_catalogue(void *arg, const void *bytes, size_t size)
{
	(void)arg;
	touch(bytes, size);
	return 0;
}

static int take_chunk(void *arg, enum chunk_kind kind, uint32_t rows, const void *bytes, size_t size)
{
	(void)arg;
	(void)rows;
	if (kind != CHUNK_ROWS && kind != CHUNK_VALUE)
		abort();
	touch(bytes, size);
	return 0;
}

static void take_progress(void *arg, enum worker_phase phase, uint32_t table, uint64_t rows, uint64_t bytes)
{
	(void)arg;
	(void)table;
	(void)rows;
	(void)bytes;
	if (phase < PHASE_CONNECT || phase > PHASE_ROLLBACK)
		abort();
}

static void take_finding(void *arg, uint8_t step, enum finding_result result, const char *detail, const char *remedy)
{
	(void)arg;
	(void)step;
	if (result > FINDING_UNKNOWN)
		abort();
	touch(detail, strlen(detail));
	touch(remedy, strlen(remedy));
}

static void take_note(void *arg, const char *sentence)
{
	(void)arg;
	touch(sentence, strlen(sentence));
}

static void as_reports(const uint8_t *data, size_t size)
{
	static struct preflight_facts facts;
	struct worker worker = { .socket = -1,
		.facts = &facts,
		.watcher = { .catalogue = take_catalogue,
			.chunk = take_chunk,
			.progress = take_progress,
			.finding = take_finding,
			.note = take_note } };

	for (size_t at = 0; size - at >= 3;) {
		enum message_type type = (enum message_type)data[at];
		size_t length = (size_t)(data[at + 1] | data[at + 2] << 8);

		at += 3;
		length = length < size - at ? length : size - at;

		struct unpacker unpacker = { .bytes = data + at, .size = length };

		if (worker_report(&worker, type, &unpacker) < 0)
			break;
		at += length;
	}
	free(worker.catalogue);
}

/* ---- requests ---- */

static void as_requests(const uint8_t *data, size_t size)
{
	static uint8_t buffer[MESSAGE_SIZE_MAX];
	static struct fake_answer answers[] = { { .part = NULL } };
	const struct worker_setting setting = { .restore = size & 1, .database = "mgc" };
	struct uplink uplink;
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
		abort();
	for (size_t at = 0; size - at >= 3;) {
		size_t length = (size_t)(data[at + 1] | data[at + 2] << 8);

		length = length < size - at - 3 ? length : size - at - 3;
		if (message_send(sockets[1], (enum message_type)data[at], data + at + 3, length))
			abort();
		at += 3 + length;
	}
	shutdown(sockets[1], SHUT_WR);
	uplink_init(&uplink, sockets[0]);
	requests_run(fake_session(13, answers), &uplink, &setting, buffer);
	close(sockets[0]);
	close(sockets[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > STREAM_MAX)
		return 0;
	as_reports(data, size);
	as_requests(data, size);
	return 0;
}

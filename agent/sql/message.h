/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between keeper and worker, over a stream socket: u32 length of what follows, u8 type, payload; little-endian.
 * Strings are u16 length and bytes; blobs u32 length and bytes. The other side's bytes are not trusted by either.
 * Functions return 0 or a negative errno: -EPIPE the other side is gone, -EPROTO what came is no message.
 */
#ifndef AGENT_SQL_MESSAGE_H
#define AGENT_SQL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/net/sql_error.h"
#include "agent/table/value.h"

#define MESSAGE_SIZE_MAX (1024u * 1024)

/* struct rowgroup_params as a blob: the seed, then its seven numbers as u32 in the order of the struct. */
#define MESSAGE_PARAMS_SIZE (16 + 8 * 4)

/*
 * Down, keeper to worker: one request at a time, each answered by any number of reports and exactly one MESSAGE_DONE
 * or MESSAGE_ERROR.
 */
enum message_type {
	MESSAGE_LOGIN = 1,   /* worker.h's struct worker_login, field by field; the socket is inherited as fd 3 */
	MESSAGE_EXAMINE = 2, /* for `coffret check`: u8 restore login? -> FINDING ... */
	MESSAGE_READ = 3,    /* u8 consistency, blob rowgroup_params, u8 with chunks, u32 n + strings: tables left out */
	MESSAGE_BEGIN = 4,   /* blob rowgroup_params, u32 n + strings: tables that cannot be read: a restore: transaction,
	                      * application lock, locks on all other tables */
	/*
	 * u32 index of a table in the wanted catalogue: it is opened for loading. Then chunks, CHUNK down, and END, which
	 * alone is answered, with the rows that the server counted. What is in the table already stays. A rows
	 * chunk comes before the value chunks that it refers to, so that none is held in memory. Where it fails, the ERROR
	 * comes at once, what is still under way is dropped, and END gets no second answer.
	 */
	MESSAGE_REPLACE = 5,
	MESSAGE_COMMIT = 6,
	MESSAGE_ROLLBACK = 7,
	MESSAGE_CANCEL = 8, /* at any time; the request that runs ends with SQL_ERROR_CANCELLED */
	MESSAGE_END = 9,
	MESSAGE_PREPARE = 10,     /* u32 n, u32 m <= n, n u32 indices in the wanted catalogue: after BEGIN and READ:
	                         * constraints and triggers of the first m tables, which will change, switched off; the
	                         * others are those of the snapshot that stay, but for their identity values */
	MESSAGE_PUT_BACK = 11,    /* each constraint, trigger, identity and sequence put back exactly as recorded */
	MESSAGE_WANTED = 12,      /* a piece of a catalogue, before BEGIN or UNDO_VALUES, which answer; empty: the last */
	MESSAGE_AWAIT_UNDO = 13,  /* instead of BEGIN: is any restore before over, its undo included? else SQL_ERROR_BUSY */
	MESSAGE_STATISTICS = 14,  /* after COMMIT, which it ends: statistics of what was replaced */
	MESSAGE_UNDO_VALUES = 15, /* after AWAIT_UNDO: identity values back to those of the catalogue that came before */
	MESSAGE_PREFLIGHT = 16,   /* string: "": CATALOGUE and FACTS; the name of a database that cannot be opened: FACTS */
	/* Of a table that was prepared, before its chunks; u64 rows: so many must go, or the request fails. */
	MESSAGE_DELETE = 17, /* u32 table, u32 n, n times u64 rows, two keys: from one to the other, both included */
	MESSAGE_EMPTY = 18,  /* u32 table, u64 rows: all that it has */

	/* Up. CHUNK travels both ways. */
	MESSAGE_CATALOGUE = 32, /* a piece of the encoded catalogue; empty: the last */
	MESSAGE_TABLE = 33,     /* u32 index in the catalogue: its chunks follow */
	MESSAGE_CHUNK = 34,     /* u8 kind, u32 rows, bytes */
	MESSAGE_TABLE_END = 35, /* u32 index, 16 bytes + u64: its digest */
	MESSAGE_PROGRESS = 36,  /* u8 phase, u32 table, u64 rows, u64 bytes from the server */
	MESSAGE_FINDING = 37,   /* u8 step, u8 result, string detail, string remedy */
	MESSAGE_NOTE = 38,      /* string: a sentence for the report */
	MESSAGE_ALIVE = 39,     /* nothing: a worker that waits for the server says every few seconds that it is not hung */
	MESSAGE_FACTS = 40,     /* struct preflight_facts, field by field */
	MESSAGE_DONE = 62,      /* u64 rows */
	MESSAGE_ERROR = 63,     /* struct sql_error, field by field */
};

/* A bounded builder and a bounded reader. Overrun sets `failed` and makes everything after it a no-op. */
struct packer {
	uint8_t *bytes;
	size_t size, capacity;
	bool failed;
};
struct unpacker {
	const uint8_t *bytes;
	size_t size, at;
	bool failed;
};

void pack_u8(struct packer *packer, uint8_t value);
void pack_u16(struct packer *packer, uint16_t value);
void pack_u32(struct packer *packer, uint32_t value);
void pack_u64(struct packer *packer, uint64_t value);
void pack_bytes(struct packer *packer, const void *bytes, size_t size);
void pack_blob(struct packer *packer, const void *bytes, size_t size);
void pack_string(struct packer *packer, const char *string); /* NULL as "" */

uint8_t unpack_u8(struct unpacker *unpacker);
uint16_t unpack_u16(struct unpacker *unpacker);
uint32_t unpack_u32(struct unpacker *unpacker);
uint64_t unpack_u64(struct unpacker *unpacker);
/* Borrowed from the buffer; NULL on overrun. */
const void *unpack_bytes(struct unpacker *unpacker, size_t size);
const void *unpack_blob(struct unpacker *unpacker, size_t *size);
/* Copied, NUL-terminated; a string that does not fit, or holds a NUL, sets failed. */
void unpack_string(struct unpacker *unpacker, char *string, size_t capacity);

/*
 * The values of a key: u16 n, then for each u8 there, and if it is, a blob. Unpacked values borrow the buffer; another
 * number of them than count sets failed.
 */
void pack_key(struct packer *packer, const struct value *values, size_t count);
void unpack_key(struct unpacker *unpacker, struct value *values, size_t count);

/* A struct sql_error field by field, as MESSAGE_ERROR carries it. One that says SQL_OK or an unknown kind fails. */
void pack_error(struct packer *packer, const struct sql_error *error);
void unpack_error(struct unpacker *unpacker, struct sql_error *error);

/* Blocking, all or nothing. -EMSGSIZE: more than MESSAGE_SIZE_MAX, nothing was sent. */
int message_send(int socket, enum message_type type, const void *payload, size_t size);
/* Same with the payload in two parts, so that a chunk need not be copied behind its header. */
int message_send2(
	int socket, enum message_type type, const void *head, size_t head_size, const void *body, size_t body_size);
/* buffer holds MESSAGE_SIZE_MAX bytes. 1 and the message; 0 where timeout_ms went by (-1: never). */
int message_receive(int socket, int timeout_ms, enum message_type *type, uint8_t *buffer, size_t *size);

#endif

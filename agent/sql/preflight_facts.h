/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a restore wants to know of a server and a database before it locks or changes anything: facts, as they were when
 * they were asked for. The worker reads them (preflight.h), the keeper judges them (restore/preflight.h). What the login
 * may not see is said to be unknown and never guessed. The catalogue comes beside them, as with any reading.
 *
 * Sizes are bytes. Strings are UTF-8, cut where they are longer.
 */
#ifndef AGENT_SQL_PREFLIGHT_FACTS_H
#define AGENT_SQL_PREFLIGHT_FACTS_H

#include "agent/sql/message.h"

#define PREFLIGHT_SESSIONS_MAX 16
#define PREFLIGHT_FILES_MAX 64
#define PREFLIGHT_LACKS_MAX 16
#define PREFLIGHT_TRIGGERS_MAX 8
#define PREFLIGHT_NAME_SIZE 280
#define PREFLIGHT_NO_LIMIT INT64_MAX

/* Another session in the database: neither the server's own nor Coffret's. */
struct preflight_session {
	int32_t id;
	int32_t transactions; /* open ones */
	char program[130], host[130], login[130];
};

enum preflight_file_kind { PREFLIGHT_DATA = 0, PREFLIGHT_LOG = 1, PREFLIGHT_TEMPDB = 2 };

struct preflight_file {
	enum preflight_file_kind kind;
	int64_t size;
	int64_t used;     /* -1: unknown */
	int64_t limit;    /* it grows no further; its size where it does not grow; PREFLIGHT_NO_LIMIT */
	int64_t free;     /* on its volume; -1: unknown */
	bool read_only;   /* it, or its filegroup */
	char volume[130]; /* "": unknown */
	char group[130];  /* filegroup; "" for a log */
};

enum preflight_right {
	PREFLIGHT_SELECT = 1 << 0,
	PREFLIGHT_INSERT = 1 << 1,
	PREFLIGHT_DELETE = 1 << 2,
	PREFLIGHT_ALTER = 1 << 3,
};

struct preflight_lack {
	char object[PREFLIGHT_NAME_SIZE]; /* "[schema].[table]", or a sequence's */
	bool sequence;
	uint8_t rights; /* that are missing */
};

/* An enabled DDL trigger that sees what a restore must do. */
struct preflight_trigger {
	char name[130], event[64];
	bool of_server;
};

enum preflight_answer { PREFLIGHT_UNKNOWN = 0, PREFLIGHT_NO = 1, PREFLIGHT_YES = 2 };

struct preflight_facts {
	/* Only of a database that was asked for by name, from master; "": it is not there, or may not be seen. */
	char state[64], user_access[64], mirroring_role[64]; /* ONLINE, SINGLE_USER, MIRROR */

	char log_reuse_wait[64];  /* log_reuse_wait_desc */
	char mirroring_state[64]; /* "" where it is not mirrored */
	char mirroring_partner[130];
	int64_t send_queue; /* to a mirror or replicas; -1: unknown, or there are none */
	bool in_availability_group;
	enum preflight_answer log_shipping;

	bool sessions_seen;     /* false: VIEW SERVER STATE is missing */
	uint32_t session_count; /* all that were found */
	uint32_t sessions_told;
	struct preflight_session sessions[PREFLIGHT_SESSIONS_MAX];

	bool server_triggers_seen; /* false: VIEW ANY DEFINITION is missing */
	uint32_t trigger_count;
	struct preflight_trigger triggers[PREFLIGHT_TRIGGERS_MAX];

	bool may_reseed;     /* DBCC CHECKIDENT: db_ddladmin, db_owner or sysadmin */
	uint32_t lack_count; /* tables and sequences that the login may not do everything with */
	uint32_t lacks_told;
	struct preflight_lack lacks[PREFLIGHT_LACKS_MAX];

	uint32_t file_count;
	struct preflight_file files[PREFLIGHT_FILES_MAX];
};

void preflight_pack(struct packer *packer, const struct preflight_facts *facts);
/* From a worker that is not trusted: what is out of range sets unpacker->failed. */
void preflight_unpack(struct unpacker *unpacker, struct preflight_facts *facts);

#endif

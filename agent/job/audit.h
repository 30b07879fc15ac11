/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: who asked for what, by what right, and how it ended. Text, one line a record, hash-chained.
 *
 * A line is: number, time (UTC), words `key=value` with values in double quotes where needed, and last `chain=` with 64
 * hex digits: the SHA-256 of the chain value before it and of the line up to there. Changing, removing, or inserting a
 * line breaks every chain value that follows. Whoever can write the file can also compute the chain anew from where they
 * changed it: to see that too, compare a chain value that was noted elsewhere (`coffret jobs --audit` prints the newest).
 *
 * The file audit.log in the state directory is appended to and synced before audit_write returns; at AUDIT_FILE_MAX it
 * becomes audit.log.old (the one before goes) and the chain goes on in a new one. A line that a power cut tore is cut
 * off at the next open. audit_write from any thread, everything else from one at a time.
 */
#ifndef AGENT_JOB_AUDIT_H
#define AGENT_JOB_AUDIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUDIT_FILE_MAX (1024 * 1024)
#define AUDIT_LINE_MAX 2048
#define AUDIT_HASH_SIZE 32

struct audit {
	pthread_mutex_t lock; /* of audit_write */
	int directory, file;  /* descriptors */
	int64_t size;
	uint64_t number; /* of the last record */
	uint8_t chain[AUDIT_HASH_SIZE];
};

/* Makes the file where it is missing. -EBADMSG: its last whole line is no record. Else an errno of the file. */
int audit_open(struct audit *audit, const char *state_directory);
void audit_close(struct audit *audit);

/* A record that is being put together. */
struct audit_record {
	size_t size;
	bool cut;
	char line[AUDIT_LINE_MAX];
};

void audit_begin(struct audit_record *record, const char *event);
void audit_add(struct audit_record *record, const char *key, const char *value); /* too long: cut, with a mark: ..." */
/* Durable on return. `now`: seconds since 1970 UTC. */
int audit_write(struct audit *audit, struct audit_record *record, int64_t now);

struct audit_verdict {
	uint64_t records; /* that were checked */
	uint64_t broken;  /* number of the first record that does not fit, 0: none */
	uint64_t first, last;
	uint8_t chain[AUDIT_HASH_SIZE];
};

/* Reads both files from the beginning. 0 whole, -EBADMSG broken (verdict says where), or an errno. Reads only. */
int audit_verify(const char *state_directory, struct audit_verdict *verdict);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the stand-in misbehaves on the wire, and what it counts so that a test can misbehave at every place in turn.
 *
 * A fault strikes once: "the N-th packet" counts from the moment it was set (both directions, every connection), and
 * `strikes` tells whether it has struck. Safe to call from every thread. README.md lists the settings.
 */
#ifndef TESTS_SQLSERVER_FAULTS_H
#define TESTS_SQLSERVER_FAULTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What PRELOGIN answers to the client's wish to encrypt. NORMAL is SQL Server without Force Encryption. */
enum encryption_answer { ENCRYPTION_NORMAL, ENCRYPTION_OFF, ENCRYPTION_NOT_SUPPORTED, ENCRYPTION_REQUIRED };

enum row_fault {
	ROW_GOOD,
	ROW_SHORT,
	ROW_BAD_TOKEN,
	ROW_LENGTH_BEYOND,
	ROW_WRONG_TYPE,
	ROW_HUGE_PLP,
	ROW_ERROR_INSIDE
};

enum packet_fault { PACKET_GOOD, PACKET_CUT, PACKET_STALL };

#define STALL_FOR_EVER (-1)

/* What holds until it is set otherwise, as against the faults that strike once. */
struct fault_settings {
	enum encryption_answer encryption;
	char route_host[256]; /* ENVCHANGE 20 sends clients there; "": no routing */
	uint16_t route_port;
	bool loose_records;      /* allow TLS records that are not one TDS packet each */
	bool bulk_done_required; /* SQL Server tolerates a bulk stream without the DONE that its specification asks for */
	bool deaf;               /* attentions are neither heeded nor answered */
	bool silent_browser;
	char browser_answer[1024]; /* sent by the browser in place of the truth; "": the truth */
};

struct faults {
	pthread_mutex_t lock;
	uint64_t packets; /* of the server's life, both directions */
	uint64_t strikes;
	uint64_t cut_packets; /* packets until the cut; 0: none is set. Likewise below. */
	uint64_t cut_session_packets;
	uint64_t cut_bytes;
	uint64_t stall_packets;
	int stall_seconds; /* or STALL_FOR_EVER */
	uint64_t fault_rows;
	enum row_fault row_fault;
	struct fault_settings settings;
};

void faults_init(struct faults *faults);
void faults_destroy(struct faults *faults);

/* "name=value", or "none" to end every fault. -EINVAL for a name or value that is not known. */
int faults_set(struct faults *faults, const char *setting);

/* Counts a packet; session_packets is its number within its connection, from 1. */
enum packet_fault faults_count_packet(struct faults *faults, uint64_t session_packets, int *stall_seconds);

/* How many of the next `size` bytes may leave; fewer than `size` say that the connection must be cut there. */
size_t faults_count_bytes(struct faults *faults, size_t size);

/* Counts a row about to be sent. */
enum row_fault faults_count_row(struct faults *faults);

/* A copy of the settings as they are now. */
struct fault_settings faults_settings(struct faults *faults);

uint64_t faults_packets(struct faults *faults);
uint64_t faults_strikes(struct faults *faults);

#endif

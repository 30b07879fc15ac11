/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server saw: every statement, and every breach of the protocol that SQL Server would have dropped the
 * connection for. A test asks for it afterwards.
 *
 * Bounded: an entry keeps its first 64 KiB, and the oldest entries go when all of them exceed 16 MiB; `dropped` says
 * how many went. Safe to call from every thread.
 */
#ifndef TESTS_SQLSERVER_JOURNAL_H
#define TESTS_SQLSERVER_JOURNAL_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum journal_kind {
	JOURNAL_TLS,
	JOURNAL_LOGIN,
	JOURNAL_BATCH,
	JOURNAL_RPC,
	JOURNAL_TRANSACTION,
	JOURNAL_BULK,
	JOURNAL_ATTENTION,
	JOURNAL_RESET,
	JOURNAL_VIOLATION
};

struct journal_entry;

struct journal {
	pthread_mutex_t lock;
	struct journal_entry *first, *last;
	size_t bytes;
	uint64_t dropped;
};

void journal_init(struct journal *journal);
void journal_destroy(struct journal *journal);

/* Adds an entry of a session (its @@SPID; 0 before the login). `text` is UTF-8. */
void journal_add(struct journal *journal, int session, enum journal_kind kind, const char *text);
void journal_addf(struct journal *journal, int session, enum journal_kind kind, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

void journal_clear(struct journal *journal);

/*
 * Writes one line an entry: session, kind, text with \n, \r, \t and \\ escaped. Only violations if asked so, else
 * everything else. Returns how many lines it wrote.
 */
size_t journal_print(struct journal *journal, FILE *to, int only_violations);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "journal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_LIMIT (64u << 10)
#define JOURNAL_LIMIT (16u << 20)

struct journal_entry {
	struct journal_entry *next;
	int session;
	enum journal_kind kind;
	size_t size;
	char text[];
};

static const char *const kind_names[] = {
	[JOURNAL_TLS] = "tls",
	[JOURNAL_LOGIN] = "login",
	[JOURNAL_BATCH] = "batch",
	[JOURNAL_RPC] = "rpc",
	[JOURNAL_TRANSACTION] = "transaction",
	[JOURNAL_BULK] = "bulk",
	[JOURNAL_ATTENTION] = "attention",
	[JOURNAL_RESET] = "reset",
	[JOURNAL_VIOLATION] = "violation",
};

void journal_init(struct journal *journal)
{
	*journal = (struct journal){ 0 };
	pthread_mutex_init(&journal->lock, NULL);
}

static void drop_first(struct journal *journal)
{
	struct journal_entry *entry = journal->first;

	journal->first = entry->next;
	if (!journal->first)
		journal->last = NULL;
	journal->bytes -= sizeof(*entry) + entry->size;
	free(entry);
}

void journal_clear(struct journal *journal)
{
	pthread_mutex_lock(&journal->lock);
	while (journal->first)
		drop_first(journal);
	journal->dropped = 0;
	pthread_mutex_unlock(&journal->lock);
}

void journal_destroy(struct journal *journal)
{
	journal_clear(journal);
	pthread_mutex_destroy(&journal->lock);
}

static void append(struct journal *journal, struct journal_entry *entry)
{
	pthread_mutex_lock(&journal->lock);
	if (journal->last)
		journal->last->next = entry;
	else
		journal->first = entry;
	journal->last = entry;
	journal->bytes += sizeof(*entry) + entry->size;
	while (journal->bytes > JOURNAL_LIMIT) {
		drop_first(journal);
		journal->dropped++;
	}
	pthread_mutex_unlock(&journal->lock);
}

void journal_add(struct journal *journal, int session, enum journal_kind kind, const char *text)
{
	size_t size = strnlen(text, ENTRY_LIMIT);
	struct journal_entry *entry = malloc(sizeof(*entry) + size + 1);

	if (!entry)
		return;
	entry->next = NULL;
	entry->session = session;
	entry->kind = kind;
	entry->size = size + 1;
	memcpy(entry->text, text, size);
	entry->text[size] = 0;
	append(journal, entry);
}

void journal_addf(struct journal *journal, int session, enum journal_kind kind, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	journal_add(journal, session, kind, text);
}

static void print_escaped(FILE *to, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '\n':
			fputs("\\n", to);
			break;
		case '\r':
			fputs("\\r", to);
			break;
		case '\t':
			fputs("\\t", to);
			break;
		case '\\':
			fputs("\\\\", to);
			break;
		default:
			fputc(*text, to);
		}
	}
}

size_t journal_print(struct journal *journal, FILE *to, int only_violations)
{
	size_t lines = 0;

	pthread_mutex_lock(&journal->lock);
	for (const struct journal_entry *entry = journal->first; entry; entry = entry->next) {
		if ((entry->kind == JOURNAL_VIOLATION) != !!only_violations)
			continue;
		fprintf(to, "%d %s ", entry->session, kind_names[entry->kind]);
		print_escaped(to, entry->text);
		fputc('\n', to);
		lines++;
	}
	pthread_mutex_unlock(&journal->lock);
	return lines;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of chunks, kept as a tree of pages that are chunks themselves. Where a page ends depends on the names in it, so
 * lists that differ little share most pages. Memory: one page a level, both ways.
 */
#ifndef STORAGE_TREE_H
#define STORAGE_TREE_H

#include "storage/chunk.h"

#define TREE_LEVELS_MAX 16
#define TREE_PAGE_MIN 2 /* entries: each level is at most half as long as the one below */
#define TREE_PAGE_MAX 256
#define TREE_PAGE_RARITY 32 /* a page ends at one name in so many */

/* A chunk of the list, or a page and the sums of what is below it. */
struct tree_entry {
	struct chunk_name name;
	uint32_t size; /* of the chunk or page before compression */
	uint8_t tag;   /* of a chunk; 0 for a page */
	uint64_t chunks, bytes, count;
};

/* The whole list: its topmost page as an entry. Of an empty list all is zero. */
struct tree_top {
	struct tree_entry page;
	uint8_t level;
};

struct tree_page;

struct tree_writer {
	struct chunk_store *store;
	struct tree_page *pages[TREE_LEVELS_MAX]; /* what is gathered at each level; made when it is reached */
};

void tree_writer_start(struct tree_writer *writer, struct chunk_store *store);
int tree_add(struct tree_writer *writer, const struct tree_entry *entry);
/* Stores what is still gathered; nothing but tree_writer_destroy may follow. */
int tree_finish(struct tree_writer *writer, struct tree_top *top);
void tree_writer_destroy(struct tree_writer *writer);

struct tree_reader {
	struct chunk_store *store;
	struct tree_page *pages[TREE_LEVELS_MAX];
	uint8_t top; /* level */
	bool done;
	struct tree_entry failed; /* the page that could not be read, after an error */
	/* Asked before a page below is read; false: pass over it and all below. NULL: read all. */
	bool (*want)(void *arg, const struct tree_entry *page);
	void *arg;
};

/* -EBADMSG: no such tree can be. Reads nothing yet but the topmost page. */
int tree_reader_start(struct tree_reader *reader, struct chunk_store *store, const struct tree_top *top);
/* 1 and the next entry, 0 at the end. After an error, the next call goes on behind the page that failed. */
int tree_next(struct tree_reader *reader, struct tree_entry *entry);
void tree_reader_destroy(struct tree_reader *reader);

/* The bytes of a top, in stream and snapshot records. */
#define TREE_TOP_SIZE 64
void tree_top_put(uint8_t to[TREE_TOP_SIZE], const struct tree_top *top);
int tree_top_get(struct tree_top *top, const uint8_t from[TREE_TOP_SIZE]);
/* That of the record which is this chunk, `at` so many bytes. -EBADMSG: it is no such record. */
int tree_top_read(
	struct tree_top *top, struct chunk_store *store, const struct chunk_name *name, uint32_t size, size_t at);

#endif

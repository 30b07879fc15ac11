/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page: 'P' | level | count 16 | names 32 each | sizes 32 bit each, then by level
 *   0: tags 8 bit, counts 32 bit;  above: chunks, bytes, counts, 64 bit each.
 * Column by column, since that deflates better.
 */
#include "storage/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/bytes.h"

#define PAGE_HEAD 4
#define LEAF_ENTRY (CHUNK_NAME_SIZE + 4 + 1 + 4)
#define NODE_ENTRY (CHUNK_NAME_SIZE + 4 + 3 * 8)
#define PAGE_SIZE_MAX (PAGE_HEAD + TREE_PAGE_MAX * NODE_ENTRY)

struct tree_page {
	uint16_t count, next; /* next: reading only */
	struct tree_entry entries[TREE_PAGE_MAX];
};

static size_t page_size(uint8_t level, uint16_t count)
{
	return PAGE_HEAD + (size_t)count * (level ? NODE_ENTRY : LEAF_ENTRY);
}

static void put_page(uint8_t *to, const struct tree_page *page, uint8_t level)
{
	size_t n = page->count;
	to[0] = 'P';
	to[1] = level;
	put16(to + 2, page->count);
	uint8_t *sizes = to + PAGE_HEAD + n * CHUNK_NAME_SIZE, *rest = sizes + n * 4;
	for (size_t i = 0; i < n; i++) {
		const struct tree_entry *entry = &page->entries[i];
		memcpy(to + PAGE_HEAD + i * CHUNK_NAME_SIZE, entry->name.bytes, CHUNK_NAME_SIZE);
		put32(sizes + i * 4, entry->size);
		if (level == 0) {
			rest[i] = entry->tag;
			put32(rest + n + i * 4, (uint32_t)entry->count);
		} else {
			put64(rest + i * 8, entry->chunks);
			put64(rest + (n + i) * 8, entry->bytes);
			put64(rest + (2 * n + i) * 8, entry->count);
		}
	}
}

static int get_page(struct tree_page *page, const uint8_t *from, size_t size, uint8_t level)
{
	size_t n = get16(from + 2);
	if (from[0] != 'P' || from[1] != level || !n || n > TREE_PAGE_MAX || size != page_size(level, (uint16_t)n))
		return -EBADMSG;
	const uint8_t *sizes = from + PAGE_HEAD + n * CHUNK_NAME_SIZE, *rest = sizes + n * 4;
	page->count = (uint16_t)n;
	page->next = 0;
	for (size_t i = 0; i < n; i++) {
		struct tree_entry *entry = &page->entries[i];
		*entry = (struct tree_entry){ .size = get32(sizes + i * 4), .chunks = 1 };
		memcpy(entry->name.bytes, from + PAGE_HEAD + i * CHUNK_NAME_SIZE, CHUNK_NAME_SIZE);
		if (level == 0) {
			entry->tag = rest[i];
			entry->bytes = entry->size;
			entry->count = get32(rest + n + i * 4);
		} else {
			entry->chunks = get64(rest + i * 8);
			entry->bytes = get64(rest + (n + i) * 8);
			entry->count = get64(rest + (2 * n + i) * 8);
		}
		if (!entry->size || entry->size > CHUNK_SIZE_MAX)
			return -EBADMSG;
	}
	return 0;
}

/* ---- writing ---- */

void tree_writer_start(struct tree_writer *writer, struct chunk_store *store)
{
	*writer = (struct tree_writer){ .store = store };
}

void tree_writer_destroy(struct tree_writer *writer)
{
	for (size_t i = 0; i < TREE_LEVELS_MAX; i++)
		free(writer->pages[i]);
	*writer = (struct tree_writer){ 0 };
}

/* The page at this level becomes a chunk; its entry for the level above. */
static int store_page(struct tree_writer *writer, uint8_t level, struct tree_entry *entry)
{
	struct tree_page *page = writer->pages[level];
	size_t size = page_size(level, page->count);
	uint8_t *bytes = malloc(size);
	if (!bytes)
		return -ENOMEM;
	put_page(bytes, page, level);
	*entry = (struct tree_entry){ .size = (uint32_t)size };
	for (size_t i = 0; i < page->count; i++) {
		entry->chunks += page->entries[i].chunks;
		entry->bytes += page->entries[i].bytes;
		entry->count += page->entries[i].count;
	}
	page->count = 0;
	int error = chunk_put(writer->store, bytes, (uint32_t)size, &entry->name);
	free(bytes);
	return error;
}

static bool ends_page(const struct tree_page *page)
{
	if (page->count == TREE_PAGE_MAX)
		return true;
	return page->count >= TREE_PAGE_MIN && page->entries[page->count - 1].name.bytes[31] % TREE_PAGE_RARITY == 0;
}

static int add_at(struct tree_writer *writer, uint8_t level, const struct tree_entry *entry)
{
	struct tree_entry above = *entry;
	for (;; level++) {
		if (level == TREE_LEVELS_MAX)
			return -E2BIG;
		if (!writer->pages[level] && !(writer->pages[level] = calloc(1, sizeof *writer->pages[level])))
			return -ENOMEM;
		struct tree_page *page = writer->pages[level];
		page->entries[page->count++] = above;
		if (!ends_page(page))
			return 0;
		int error = store_page(writer, level, &above);
		if (error)
			return error;
	}
}

int tree_add(struct tree_writer *writer, const struct tree_entry *entry)
{
	return add_at(writer, 0, entry);
}

int tree_finish(struct tree_writer *writer, struct tree_top *top)
{
	*top = (struct tree_top){ .level = 0 };
	for (uint8_t level = 0; level < TREE_LEVELS_MAX && writer->pages[level]; level++) {
		const struct tree_page *page = writer->pages[level];
		bool highest = level + 1 == TREE_LEVELS_MAX || !writer->pages[level + 1];
		if (highest && level > 0 && page->count == 1) { /* the only page of the level below is the whole tree */
			*top = (struct tree_top){ page->entries[0], (uint8_t)(level - 1) };
			return 0;
		}
		if (!page->count)
			continue;
		struct tree_entry entry;
		int error = store_page(writer, level, &entry);
		if (error)
			return error;
		if (highest) {
			*top = (struct tree_top){ entry, level };
			return 0;
		}
		error = add_at(writer, (uint8_t)(level + 1), &entry);
		if (error)
			return error;
	}
	return 0;
}

/* ---- reading ---- */

static int read_page(struct tree_reader *reader, uint8_t level, const struct tree_entry *entry)
{
	if (!reader->pages[level] && !(reader->pages[level] = malloc(sizeof *reader->pages[level])))
		return -ENOMEM;
	reader->pages[level]->count = reader->pages[level]->next = 0;
	reader->failed = *entry;
	if (entry->size < PAGE_HEAD || entry->size > PAGE_SIZE_MAX)
		return -EBADMSG;
	uint8_t *bytes = malloc(entry->size);
	if (!bytes)
		return -ENOMEM;
	int error = chunk_get(reader->store, &entry->name, bytes, entry->size);
	if (!error)
		error = get_page(reader->pages[level], bytes, entry->size, level);
	free(bytes);
	if (error)
		reader->pages[level]->count = 0;
	return error;
}

int tree_reader_start(struct tree_reader *reader, struct chunk_store *store, const struct tree_top *top)
{
	*reader = (struct tree_reader){ .store = store, .top = top->level };
	if (top->level >= TREE_LEVELS_MAX)
		return -EBADMSG;
	reader->done = !top->page.size;
	return reader->done ? 0 : read_page(reader, top->level, &top->page);
}

static bool is_spent(const struct tree_page *page)
{
	return !page || page->next == page->count;
}

/* Reads pages down to the leaf that follows. 1, or 0 where nothing follows. */
static int descend(struct tree_reader *reader)
{
	for (;;) {
		uint8_t level = 1;
		while (level <= reader->top && is_spent(reader->pages[level]))
			level++;
		if (level > reader->top)
			return 0;
		struct tree_page *page = reader->pages[level];
		const struct tree_entry *below = &page->entries[page->next++];
		if (reader->want && !reader->want(reader->arg, below))
			continue;
		int error = read_page(reader, (uint8_t)(level - 1), below);
		if (error || level == 1)
			return error ? error : 1;
	}
}

int tree_next(struct tree_reader *reader, struct tree_entry *entry)
{
	if (reader->done)
		return 0;
	if (is_spent(reader->pages[0])) {
		int found = descend(reader);
		if (found != 1) {
			reader->done = found == 0;
			return found;
		}
	}
	struct tree_page *leaf = reader->pages[0];
	*entry = leaf->entries[leaf->next++];
	return 1;
}

void tree_reader_destroy(struct tree_reader *reader)
{
	for (size_t i = 0; i < TREE_LEVELS_MAX; i++)
		free(reader->pages[i]);
	*reader = (struct tree_reader){ .done = true };
}

/* ---- the top ---- */

void tree_top_put(uint8_t to[TREE_TOP_SIZE], const struct tree_top *top)
{
	memset(to, 0, TREE_TOP_SIZE);
	memcpy(to, top->page.name.bytes, CHUNK_NAME_SIZE);
	put32(to + 32, top->page.size);
	to[36] = top->level;
	put64(to + 40, top->page.chunks);
	put64(to + 48, top->page.bytes);
	put64(to + 56, top->page.count);
}

int tree_top_get(struct tree_top *top, const uint8_t from[TREE_TOP_SIZE])
{
	*top = (struct tree_top){ .level = from[36] };
	memcpy(top->page.name.bytes, from, CHUNK_NAME_SIZE);
	top->page.size = get32(from + 32);
	top->page.chunks = get64(from + 40);
	top->page.bytes = get64(from + 48);
	top->page.count = get64(from + 56);
	return top->level < TREE_LEVELS_MAX && top->page.size <= CHUNK_SIZE_MAX ? 0 : -EBADMSG;
}

int tree_top_read(
	struct tree_top *top, struct chunk_store *store, const struct chunk_name *name, uint32_t size, size_t at)
{
	if (size < at + TREE_TOP_SIZE || size > CHUNK_SIZE_MAX)
		return -EBADMSG;
	uint8_t *record = malloc(size);
	if (!record)
		return -ENOMEM;
	int error = chunk_get(store, name, record, size);
	if (!error)
		error = tree_top_get(top, record + at);
	free(record);
	return error;
}

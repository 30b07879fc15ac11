/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Space comes back: what no snapshot needs is found by walking all manifests, and segments with nothing needed go. Where
 * any page of a manifest cannot be read, nothing is removed: what lies below it is not known.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/bytes.h"
#include "storage/repository_internal.h"

struct clean {
	struct repository *repository;
	int error; /* of marking, met inside a walk */
	struct clean_segment {
		uint64_t number;
		uint32_t size;
		bool needed;
	} * segments;
	size_t count, capacity;
};

/* ---- marking ---- */

/* True where it was not marked before. A chunk that is not there at all means damage. */
static bool mark(struct clean *clean, const struct chunk_name *name)
{
	bool fresh;
	if (!index_mark(&clean->repository->chunks.index, name, &fresh))
		clean->error = -EBADMSG;
	return fresh;
}

static bool mark_page(void *arg, const struct tree_entry *page)
{
	return mark(arg, &page->name); /* all below a page that was marked before is marked, too */
}

typedef int marked_entry(struct clean *clean, const struct tree_entry *entry);

static int mark_tree(struct clean *clean, const struct tree_top *top, marked_entry *also)
{
	struct tree_reader tree;
	struct tree_entry entry;
	if (!top->page.size || !mark(clean, &top->page.name))
		return clean->error;
	int found = tree_reader_start(&tree, &clean->repository->chunks, top);
	tree.want = mark_page;
	tree.arg = clean;
	while (!found && !clean->error && (found = tree_next(&tree, &entry)) == 1) {
		bool fresh = mark(clean, &entry.name);
		found = fresh && also ? also(clean, &entry) : 0;
	}
	tree_reader_destroy(&tree);
	return found ? found : clean->error;
}

static int mark_record(
	struct clean *clean, const struct chunk_name *name, uint32_t size, size_t top_at, marked_entry *also)
{
	struct tree_top top;
	int error = tree_top_read(&top, &clean->repository->chunks, name, size, top_at);
	return error ? error : mark_tree(clean, &top, also);
}

static int mark_stream(struct clean *clean, const struct tree_entry *entry)
{
	return mark_record(clean, &entry->name, entry->size, STREAM_TOP_AT, NULL);
}

static int mark_all(struct clean *clean)
{
	const struct roots *roots = &clean->repository->roots;
	index_unmark_all(&clean->repository->chunks.index);
	clean->repository->marks++;
	for (uint32_t i = 0; i < roots->count && !clean->error; i++) {
		const struct root_snapshot *snapshot = &roots->snapshots[i];
		if (mark(clean, &snapshot->record) && !clean->error)
			clean->error = mark_record(clean, &snapshot->record, snapshot->record_size, SNAPSHOT_TOP_AT, mark_stream);
	}
	return clean->error;
}

/* ---- sweeping ---- */

static int note_segment(void *arg, uint64_t id, uint32_t size)
{
	struct clean *clean = arg;
	if (id >> 56 != SEGMENT_DATA)
		return 0;
	if (clean->count == clean->capacity) {
		size_t capacity = clean->capacity * 2 + 64;
		struct clean_segment *larger = realloc(clean->segments, capacity * sizeof *larger);
		if (!larger)
			return -ENOMEM;
		clean->segments = larger;
		clean->capacity = capacity;
	}
	clean->segments[clean->count++] = (struct clean_segment){ .number = id, .size = size };
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct clean_segment *x = a, *y = b;
	return x->number < y->number ? -1 : x->number > y->number;
}

static void note_needed(void *arg, const struct place *place, bool marked)
{
	struct clean *clean = arg;
	struct clean_segment key = { .number = place->segment };
	struct clean_segment *segment = bsearch(&key, clean->segments, clean->count, sizeof key, by_number);
	if (segment && marked)
		segment->needed = true;
}

static bool is_dead(void *arg, const struct place *place)
{
	const struct clean *clean = arg;
	struct clean_segment key = { .number = place->segment };
	const struct clean_segment *segment = bsearch(&key, clean->segments, clean->count, sizeof key, by_number);
	return segment && !segment->needed;
}

static int sweep(struct clean *clean, uint64_t *freed)
{
	struct repository *r = clean->repository;
	int error = volume_list(r->volume, note_segment, clean);
	if (error)
		return error;
	if (clean->count)
		qsort(clean->segments, clean->count, sizeof *clean->segments, by_number);
	index_each(&r->chunks.index, note_needed, clean);
	/* First forgotten, then removed: a backup must never find known what is going. */
	index_remove_where(&r->chunks.index, is_dead, clean);
	for (size_t i = 0; i < clean->count && !error; i++) {
		if (clean->segments[i].needed)
			continue;
		heal_forget(&r->chunks.healer, clean->segments[i].number);
		chunk_trust(&r->chunks, clean->segments[i].number);
		error = volume_remove(r->volume, segment_id(SEGMENT_DATA, clean->segments[i].number));
		*freed += error ? 0 : clean->segments[i].size;
	}
	return error;
}

int repository_clean(struct repository *repository, uint64_t *freed)
{
	struct clean clean = { .repository = repository };
	*freed = 0;
	repository_lock(repository);
	int error = repository->read_only ? -EROFS : repository->writer ? -EBUSY : 0;
	if (!error)
		error = mark_all(&clean);
	if (!error)
		error = repository_settle_roots(repository);
	if (!error)
		error = sweep(&clean, freed);
	repository_unlock(repository);
	free(clean.segments);
	return error;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot in another repository of its family: the same chunks under the same names, sealed as they are. The walk
 * goes down the manifest where it comes from; each chunk that is not there, or not whole there, is copied.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/repository_internal.h"

#define CHECKPOINT (UINT64_C(32) << 20)

struct copy {
	struct repository *from, *to;
	const struct copy_watch *watch;
	struct copy_result *result;
	uint64_t stored_before, checkpointed; /* of the target's stored bytes */
	uint8_t *stored, *bytes;
	int error; /* met inside a walk */
};

/* ---- one chunk ---- */

static int is_there(struct copy *copy, const struct chunk_name *name, uint32_t size)
{
	repository_lock(copy->to);
	int there = chunk_is_whole(&copy->to->chunks, name, copy->bytes, size);
	repository_unlock(copy->to);
	return there;
}

static int fetch(struct copy *copy, const struct chunk_name *name, uint32_t size, struct chunk_head *head)
{
	repository_lock(copy->from);
	int error = chunk_get_stored(&copy->from->chunks, name, head, copy->stored, copy->bytes, size);
	repository_unlock(copy->from);
	copy->result->from_failed = error != 0;
	return error;
}

/* What is sealed below a root's next segment is found by the next life. It may not be needed: then cleaning has it. */
static int checkpoint(struct copy *copy)
{
	const struct repository *to = copy->to;
	uint64_t every = copy->watch->checkpoint ? copy->watch->checkpoint : CHECKPOINT;
	if (to->chunks.stored_bytes - copy->checkpointed < every)
		return 0;
	copy->checkpointed = to->chunks.stored_bytes;
	return repository_store_roots(copy->to);
}

static int put(struct copy *copy, const struct chunk_head *head)
{
	repository_lock(copy->to);
	int error = chunk_put_stored(&copy->to->chunks, head, copy->stored);
	if (!error)
		error = checkpoint(copy);
	copy->result->stored = copy->to->chunks.stored_bytes - copy->stored_before;
	repository_unlock(copy->to);
	return error;
}

static int copy_chunk(struct copy *copy, const struct chunk_name *name, uint32_t size)
{
	const struct copy_watch *watch = copy->watch;
	struct chunk_head head = { .codec = 0 };
	if (watch->stop && watch->stop(watch->arg))
		return -ECANCELED;
	if (!size || size > CHUNK_SIZE_MAX)
		return -EBADMSG;
	int there = is_there(copy, name, size);
	int error = there < 0 ? there : there ? 0 : fetch(copy, name, size, &head);
	if (!error && !there)
		error = put(copy, &head);
	if (error)
		return error;
	copy->result->chunks++;
	copy->result->reused += there == 1;
	copy->result->bytes += size;
	if (watch->progress)
		watch->progress(watch->arg, copy->result);
	return 0;
}

/* ---- the manifest ---- */

typedef int copied_entry(struct copy *copy, const struct tree_entry *entry);

static bool copy_page(void *arg, const struct tree_entry *page)
{
	struct copy *copy = arg;
	if (!copy->error)
		copy->error = copy_chunk(copy, &page->name, page->size);
	return !copy->error;
}

/* The next entry where it comes from: 1, 0 at the end, or an error. */
static int next_entry(struct copy *copy, struct tree_reader *tree, struct tree_entry *entry)
{
	repository_lock(copy->from);
	int found = tree_next(tree, entry);
	repository_unlock(copy->from);
	if (found < 0)
		copy->result->from_failed = true;
	return copy->error ? copy->error : found;
}

static int start_tree(struct copy *copy, struct tree_reader *tree, const struct tree_top *top)
{
	repository_lock(copy->from);
	int error = tree_reader_start(tree, &copy->from->chunks, top);
	repository_unlock(copy->from);
	copy->result->from_failed = error != 0;
	tree->want = copy_page;
	tree->arg = copy;
	return error;
}

static int copy_tree(struct copy *copy, const struct tree_top *top, copied_entry *also)
{
	struct tree_reader tree;
	struct tree_entry entry;
	if (!top->page.size)
		return 0;
	int error = copy_chunk(copy, &top->page.name, top->page.size);
	if (error)
		return error;
	int found = start_tree(copy, &tree, top);
	while (!found && (found = next_entry(copy, &tree, &entry)) == 1) {
		found = copy_chunk(copy, &entry.name, entry.size);
		if (!found && also)
			found = also(copy, &entry);
	}
	tree_reader_destroy(&tree);
	return found;
}

/* A record, and the tree whose top is at this offset in it. */
static int copy_record(
	struct copy *copy, const struct chunk_name *name, uint32_t size, size_t top_at, copied_entry *also)
{
	struct tree_top top;
	repository_lock(copy->from);
	int error = tree_top_read(&top, &copy->from->chunks, name, size, top_at);
	repository_unlock(copy->from);
	copy->result->from_failed = error != 0;
	return error ? error : copy_tree(copy, &top, also);
}

static int copy_stream(struct copy *copy, const struct tree_entry *entry)
{
	return copy_record(copy, &entry->name, entry->size, STREAM_TOP_AT, NULL);
}

static int copy_all(struct copy *copy, const struct root_snapshot *snapshot)
{
	int error = copy_chunk(copy, &snapshot->record, snapshot->record_size);
	return error ? error : copy_record(copy, &snapshot->record, snapshot->record_size, SNAPSHOT_TOP_AT, copy_stream);
}

/* ---- together ---- */

static int find_source(struct copy *copy, uint64_t id, struct root_snapshot *snapshot)
{
	repository_lock(copy->from);
	const struct root_snapshot *found = repository_find(copy->from, id);
	if (found)
		*snapshot = *found;
	repository_unlock(copy->from);
	if (!found)
		return -ENOENT;
	memcpy(snapshot->info.origin, copy->from->superblock.repository, sizeof snapshot->info.origin);
	/* What is said of it goes with it, but what was proved or done here. */
	snapshot->info.flags &= (uint32_t) ~(SNAPSHOT_VERIFIED | SNAPSHOT_DAMAGED);
	return 0;
}

static int find_target(struct copy *copy, const struct root_snapshot *snapshot)
{
	repository_lock(copy->to);
	const struct root_snapshot *found = repository_find(copy->to, snapshot->info.id);
	copy->result->there = found != NULL;
	int error = found && memcmp(&found->record, &snapshot->record, sizeof found->record) ? -EEXIST : 0;
	repository_unlock(copy->to);
	return error;
}

static int run(struct copy *copy, const struct root_snapshot *snapshot)
{
	struct snapshot_writer *writer;
	int error = snapshot_begin(copy->to, snapshot->info.class, snapshot->info.subject, &writer);
	if (error)
		return error;
	copy->stored_before = copy->checkpointed = copy->to->chunks.stored_bytes;
	error = copy_all(copy, snapshot);
	if (error)
		snapshot_abort(writer);
	else
		error = snapshot_commit_copy(writer, snapshot, copy->result->there);
	return error;
}

static bool of_one_family(const struct repository *a, const struct repository *b)
{
	return !memcmp(a->superblock.family, b->superblock.family, sizeof a->superblock.family) &&
		crypto_equal(a->key, b->key, sizeof a->key);
}

int snapshot_copy(struct repository *from, struct repository *to, uint64_t id, const struct copy_watch *watch,
	struct copy_result *result)
{
	struct root_snapshot snapshot;
	struct copy copy = { .from = from, .to = to, .watch = watch, .result = result };
	*result = (struct copy_result){ .chunks = 0 };
	if (from == to)
		return -EINVAL;
	if (!of_one_family(from, to))
		return -EXDEV;
	copy.stored = malloc(STORED_SIZE_MAX);
	copy.bytes = malloc(CHUNK_SIZE_MAX);
	int error = copy.stored && copy.bytes ? find_source(&copy, id, &snapshot) : -ENOMEM;
	if (!error)
		error = find_target(&copy, &snapshot);
	if (!error)
		error = run(&copy, &snapshot);
	free(copy.stored);
	free(copy.bytes);
	return error;
}

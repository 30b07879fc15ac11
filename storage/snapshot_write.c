/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stream record: 'S' | 0 | name length 16 | about length 32 | top 64 | name | about
 * Snapshot record: 'M' | version 1 | class 8 | subject length 8 | about length 32 | id | box time | wall time | bytes |
 * top of the list of stream records 64 | subject | about
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/bytes.h"
#include "storage/read_back.h"

struct snapshot_writer {
	struct repository *repository;
	enum snapshot_class class;
	char subject[136];
	struct tree_writer streams, list; /* the stream records so far, and the chunks of the stream that is being put */
	char name[STREAM_NAME_MAX + 1];
	bool in_stream;
	uint64_t bytes;
	uint64_t stored_before, reused_before, new_before;
	uint32_t flags;
	uint64_t first_segment;
	struct read_back back;
};

/* Before a volume is so full that a backup might fail, what nobody needs goes. That it cannot is no reason to stop. */
static void make_room(struct repository *repository)
{
	struct volume_stat stat;
	uint64_t freed;
	if (!repository->garbage || volume_stat(repository->volume, &stat) || stat.free > stat.size / 8)
		return;
	repository->garbage = false;
	repository_clean(repository, &freed);
}

int snapshot_begin(
	struct repository *repository, enum snapshot_class class, const char *subject, struct snapshot_writer **writer)
{
	if (repository->read_only)
		return -EROFS;
	if (strlen(subject) >= sizeof(*writer)->subject || (class != SNAPSHOT_BACKUP && class != SNAPSHOT_SAFETY))
		return -EINVAL;
	struct snapshot_writer *w = calloc(1, sizeof *w);
	if (!w)
		return -ENOMEM;
	repository_lock(repository);
	if (!repository->writer)
		make_room(repository);
	int error = repository->writer ? -EBUSY : roots_reserve(&repository->roots, &repository->place);
	if (!error) {
		w->repository = repository;
		w->class = class;
		strcpy(w->subject, subject);
		w->stored_before = repository->chunks.stored_bytes;
		w->reused_before = repository->chunks.reused;
		w->new_before = repository->chunks.new_bytes;
		w->first_segment = repository->chunks.first_new = repository->chunks.segments.next;
		tree_writer_start(&w->streams, &repository->chunks);
		read_back_start(&w->back, repository);
		repository->writer = w;
		repository->writers++;
	}
	repository_unlock(repository);
	if (error)
		free(w);
	else
		*writer = w;
	return error;
}

int snapshot_stream_begin(struct snapshot_writer *writer, const char *name)
{
	if (writer->in_stream || strlen(name) > STREAM_NAME_MAX)
		return -EINVAL;
	strcpy(writer->name, name);
	writer->in_stream = true;
	tree_writer_start(&writer->list, &writer->repository->chunks);
	return 0;
}

int snapshot_put(struct snapshot_writer *writer, uint8_t tag, uint32_t count, const void *bytes, size_t size)
{
	if (!writer->in_stream || !tag || !size || size > CHUNK_SIZE_MAX)
		return -EINVAL;
	struct tree_entry entry = { .size = (uint32_t)size, .tag = tag, .chunks = 1, .bytes = size, .count = count };
	repository_lock(writer->repository);
	int error = chunk_put(&writer->repository->chunks, bytes, entry.size, &entry.name);
	if (!error)
		error = tree_add(&writer->list, &entry);
	if (!error)
		writer->bytes += size;
	repository_unlock(writer->repository);
	return error;
}

int snapshot_read_back(struct snapshot_writer *writer)
{
	repository_lock(writer->repository);
	int error = read_back_step(&writer->back);
	repository_unlock(writer->repository);
	return error;
}

static int put_stream_record(struct snapshot_writer *writer, const struct tree_top *top, const void *about, size_t size)
{
	size_t name = strlen(writer->name);
	struct tree_entry entry = { .size = (uint32_t)(STREAM_HEAD_SIZE + name + size), .tag = 1, .chunks = 1 };
	uint8_t *record = calloc(1, entry.size);
	if (!record)
		return -ENOMEM;
	record[0] = 'S';
	put16(record + 2, (uint16_t)name);
	put32(record + 4, (uint32_t)size);
	tree_top_put(record + STREAM_TOP_AT, top);
	memcpy(record + STREAM_HEAD_SIZE, writer->name, name);
	if (size)
		memcpy(record + STREAM_HEAD_SIZE + name, about, size);
	int error = chunk_put(&writer->repository->chunks, record, entry.size, &entry.name);
	free(record);
	entry.bytes = entry.size;
	return error ? error : tree_add(&writer->streams, &entry);
}

int snapshot_stream_end(struct snapshot_writer *writer, const void *about, size_t size)
{
	struct tree_top top;
	if (!writer->in_stream || size > STREAM_ABOUT_MAX)
		return -EINVAL;
	repository_lock(writer->repository);
	int error = tree_finish(&writer->list, &top);
	if (!error)
		error = put_stream_record(writer, &top, about, size);
	tree_writer_destroy(&writer->list);
	writer->in_stream = false;
	repository_unlock(writer->repository);
	return error;
}

/* ---- committing ---- */

static int put_snapshot_record(struct snapshot_writer *writer, const struct tree_top *top, const void *about,
	size_t size, struct root_snapshot *snapshot)
{
	const struct snapshot_info *info = &snapshot->info;
	size_t subject = strlen(info->subject);
	snapshot->record_size = (uint32_t)(SNAPSHOT_HEAD_SIZE + subject + size);
	uint8_t *record = calloc(1, snapshot->record_size);
	if (!record)
		return -ENOMEM;
	record[0] = 'M';
	record[1] = 1;
	record[2] = (uint8_t)info->class;
	record[3] = (uint8_t)subject;
	put32(record + 4, (uint32_t)size);
	put64(record + 8, info->id);
	put64(record + 16, (uint64_t)info->box_time);
	put64(record + 24, (uint64_t)info->wall_time);
	put64(record + 32, info->bytes);
	tree_top_put(record + SNAPSHOT_TOP_AT, top);
	memcpy(record + SNAPSHOT_HEAD_SIZE, info->subject, subject);
	if (size)
		memcpy(record + SNAPSHOT_HEAD_SIZE + subject, about, size);
	int error = chunk_put(&writer->repository->chunks, record, snapshot->record_size, &snapshot->record);
	free(record);
	return error;
}

static int make_info(struct snapshot_writer *writer, struct snapshot_info *info)
{
	*info = (struct snapshot_info){ .class = writer->class, .bytes = writer->bytes };
	strcpy(info->subject, writer->subject);
	memcpy(info->maker, writer->repository->superblock.writer, sizeof info->maker);
	repository_now(writer->repository, &info->box_time, &info->wall_time);
	int error = 0;
	while (!error && (!info->id || repository_find(writer->repository, info->id)))
		error = crypto_random(&info->id, sizeof info->id);
	return error;
}

/* The manifest and everything before it, durable but not yet visible. */
static int seal(struct snapshot_writer *writer, const void *about, size_t size, struct root_snapshot *snapshot)
{
	struct tree_top top;
	struct repository *r = writer->repository;
	repository_lock(r);
	int error = make_info(writer, &snapshot->info);
	if (!error)
		error = tree_finish(&writer->streams, &top);
	if (!error)
		error = put_snapshot_record(writer, &top, about, size, snapshot);
	if (!error)
		error = chunk_flush(&r->chunks);
	snapshot->info.stored_bytes = r->chunks.stored_bytes - writer->stored_before;
	repository_unlock(r);
	return error;
}

/* Where the order of making has it: a copy may be older than what is there. */
static uint32_t insert(struct roots *roots, const struct root_snapshot *snapshot)
{
	uint32_t at = roots->count++;
	for (; at > 0 && roots->snapshots[at - 1].info.sequence > snapshot->info.sequence; at--)
		roots->snapshots[at] = roots->snapshots[at - 1];
	roots->snapshots[at] = *snapshot;
	return at;
}

static void take_out(struct roots *roots, uint32_t at)
{
	memmove(&roots->snapshots[at], &roots->snapshots[at + 1], (--roots->count - at) * sizeof *roots->snapshots);
}

/* A sequence of 0 is the next one. */
static int acknowledge(struct repository *r, struct root_snapshot *snapshot)
{
	struct roots *roots = &r->roots;
	repository_lock(r);
	int64_t box_before = roots->box_time;
	int error = roots_reserve(roots, &r->place);
	if (!error) {
		if (!snapshot->info.sequence)
			snapshot->info.sequence = roots->next_sequence;
		if (roots->next_sequence <= snapshot->info.sequence)
			roots->next_sequence = snapshot->info.sequence + 1;
		if (roots->box_time < snapshot->info.box_time)
			roots->box_time = snapshot->info.box_time;
		uint32_t at = insert(roots, snapshot);
		error = repository_store_roots(r);
		if (error) {
			take_out(roots, at);
			roots->box_time = box_before;
		}
	}
	repository_unlock(r);
	return error;
}

/* The writer's end. Nothing is left to discard after a success. */
static void end_writer(struct snapshot_writer *writer, int error)
{
	struct repository *repository = writer->repository;
	bool garbage = repository->garbage || error;
	snapshot_abort(writer);
	repository->garbage = garbage;
}

int snapshot_commit(
	struct snapshot_writer *writer, const void *about, size_t size, bool verified, struct snapshot_info *info)
{
	struct root_snapshot snapshot = { .record_size = 0 };
	int error = writer->in_stream || size > SNAPSHOT_ABOUT_MAX ? -EINVAL : seal(writer, about, size, &snapshot);
	if (!error && verified)
		error = read_back_rest(&writer->back, writer->first_segment);
	snapshot.info.flags |= writer->flags;
	if (verified && (writer->repository->chunks.reused == writer->reused_before || writer->repository->checked))
		snapshot.info.flags |= SNAPSHOT_VERIFIED;
	if (!error)
		error = acknowledge(writer->repository, &snapshot);
	if (!error && info)
		*info = repository_tell(writer->repository, &snapshot);
	end_writer(writer, error);
	return error;
}

/* What was stored anew counts only below a root's next segment. */
static int acknowledge_again(struct repository *r, uint64_t id)
{
	repository_lock(r);
	int error = repository_store_roots(r);
	repository_unlock(r);
	return error ? error : snapshot_set_flags(r, id, SNAPSHOT_VERIFIED, SNAPSHOT_DAMAGED);
}

/* All chunks of it that were here have been read, and those that were not are read back. */
int snapshot_commit_copy(struct snapshot_writer *writer, const struct root_snapshot *copy, bool there)
{
	struct repository *r = writer->repository;
	struct root_snapshot snapshot = *copy;
	repository_lock(r);
	int error = chunk_flush(&r->chunks);
	snapshot.info.stored_bytes = r->chunks.stored_bytes - writer->stored_before;
	repository_unlock(r);
	if (!error)
		error = read_back_rest(&writer->back, writer->first_segment);
	snapshot.info.flags |= SNAPSHOT_VERIFIED;
	if (!error)
		error = there ? acknowledge_again(r, snapshot.info.id) : acknowledge(r, &snapshot);
	end_writer(writer, error);
	return error;
}

void snapshot_abort(struct snapshot_writer *writer)
{
	if (!writer)
		return;
	struct repository *r = writer->repository;
	repository_lock(r);
	chunk_discard(&r->chunks);
	r->writer = NULL;
	r->garbage = true;
	repository_unlock(r);
	tree_writer_destroy(&writer->streams);
	tree_writer_destroy(&writer->list);
	read_back_end(&writer->back);
	free(writer);
}

void snapshot_progress(const struct snapshot_writer *writer, uint64_t *bytes, uint64_t *stored)
{
	repository_lock(writer->repository);
	*bytes = writer->bytes;
	*stored = writer->repository->chunks.stored_bytes - writer->stored_before;
	repository_unlock(writer->repository);
}

int snapshot_new(struct snapshot_writer *writer, uint64_t *bytes, uint64_t *stored)
{
	struct chunk_store *chunks = &writer->repository->chunks;
	repository_lock(writer->repository);
	int error = chunk_drain(chunks);
	*bytes = chunks->new_bytes - writer->new_before;
	*stored = chunks->stored_bytes - writer->stored_before;
	repository_unlock(writer->repository);
	return error;
}

void repository_raise_sequence(struct repository *repository, uint64_t least)
{
	repository_lock(repository);
	if (repository->roots.next_sequence < least)
		repository->roots.next_sequence = least;
	repository_unlock(repository);
}

void snapshot_mark_suspect(struct snapshot_writer *writer)
{
	writer->flags |= SNAPSHOT_SUSPECT;
}

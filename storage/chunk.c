/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/chunk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/crypto.h"

static int open_for_writing(struct chunk_store *store, const struct chunk_settings *settings)
{
	store->reserve = settings->reserve;
	return pack_queue_create(&store->queue, &store->keys, settings->level, settings->threads);
}

int chunk_store_open(struct chunk_store *store, struct volume *volume, const struct chunk_settings *settings)
{
	*store = (struct chunk_store){ .volume = volume, .keys = settings->keys };
	healer_open(&store->healer, volume, settings->repository, settings->parity);
	int error = index_create(&store->index, settings->index_chunks);
	if (!error)
		error = segment_writer_create(&store->segments, volume, settings->repository, settings->parity);
	if (!error)
		error = packer_create(&store->packer, &store->keys, settings->level);
	if (!error && !(store->stored = malloc(STORED_SIZE_MAX)))
		error = -ENOMEM;
	if (!error && !settings->read_only)
		error = open_for_writing(store, settings);
	if (error)
		chunk_store_close(store);
	return error;
}

void chunk_store_close(struct chunk_store *store)
{
	chunk_discard(store);
	pack_queue_free(store->queue);
	packer_free(store->packer);
	segment_writer_destroy(&store->segments);
	healer_close(&store->healer);
	index_destroy(&store->index);
	free(store->stored);
	crypto_wipe(store, sizeof *store);
}

/* ---- damage ---- */

static bool is_suspect(const struct chunk_store *store, uint64_t segment)
{
	for (unsigned i = 0; i < store->suspect_count; i++)
		if (store->suspects[i] == segment)
			return true;
	return store->all_suspect;
}

void chunk_suspect(struct chunk_store *store, uint64_t segment)
{
	for (unsigned i = 0; i < store->suspect_count; i++)
		if (store->suspects[i] == segment)
			return;
	if (store->suspect_count < SUSPECTS_MAX) {
		store->suspects[store->suspect_count++] = segment;
		store->suspects_changed = true;
	} else {
		store->suspects_changed |= !store->all_suspect;
		store->all_suspect = true;
		store->walked_from_start = false;
	}
}

void chunk_trust(struct chunk_store *store, uint64_t segment)
{
	for (unsigned i = 0; i < store->suspect_count; i++) {
		if (store->suspects[i] != segment)
			continue;
		store->suspects[i] = store->suspects[--store->suspect_count];
		store->suspects_changed = true;
		return;
	}
}

void chunk_walk_ended(struct chunk_store *store)
{
	if (!store->walked_from_start || !store->all_suspect)
		return;
	store->all_suspect = false;
	store->suspects_changed = true;
}

static void mark_damaged(struct chunk_store *store, const struct chunk_name *name, const struct place *place)
{
	index_mark_damaged(&store->index, name, place);
	chunk_suspect(store, place->segment);
}

/* ---- finding ---- */

/* Where a chunk is unpacked to, and how long it became. */
struct unpacked {
	void *bytes;
	uint32_t capacity, size;
};

/* What the medium gave was damaged: by parity. The error stays what it was where that has none, either. */
static int heal(
	struct chunk_store *store, const struct place *place, uint32_t offset, void *bytes, uint32_t size, int error)
{
	const struct segment_writer *segments = &store->segments;
	if (segments->open && segments->current == place->segment)
		return error; /* it has no parity yet */
	int healed = heal_read(&store->healer, place->segment, place->offset + offset, bytes, size);
	return healed == -EBADMSG ? error : healed;
}

static int read_head(struct chunk_store *store, const struct place *place, struct chunk_head *head)
{
	uint8_t bytes[CHUNK_HEAD_SIZE];
	int error = segment_read(&store->segments, place->segment, place->offset, bytes, sizeof bytes);
	if (!error)
		error = chunk_head_get(head, bytes);
	if (!heal_is_damage(error))
		return error;
	error = heal(store, place, 0, bytes, sizeof bytes, error);
	return error ? error : chunk_head_get(head, bytes);
}

/* A walk over the places where a chunk may be. Marking one as damaged does not disturb it: each is met once. */
struct search {
	const struct chunk_name *name;
	size_t cursor;
	struct place place; /* the present one */
	struct chunk_head head;
	int damage; /* what kind was met, or 0 */
};

static struct search search_for(const struct chunk_name *name)
{
	return (struct search){ .name = name, .cursor = SIZE_MAX };
}

static void note_damage(struct chunk_store *store, struct search *search, int error)
{
	mark_damaged(store, search->name, &search->place);
	search->damage = error == -EIO ? -EIO : -EBADMSG;
}

/* The next candidate whose full name is on the medium: 1, 0 or an error. */
static int next_named(struct chunk_store *store, struct search *search)
{
	while (index_next(&store->index, search->name, &search->cursor, &search->place)) {
		int error = read_head(store, &search->place, &search->head);
		if (heal_is_damage(error))
			note_damage(store, search, error);
		else if (error)
			return error;
		else if (!memcmp(&search->head.name, search->name, sizeof *search->name))
			return 1;
	}
	return 0;
}

/* So, and not known to be damaged. */
static int next_sound(struct chunk_store *store, struct search *search)
{
	int found;
	do
		found = next_named(store, search);
	while (found == 1 && search->place.damaged);
	return found;
}

int chunk_find(struct chunk_store *store, const struct chunk_name *name, struct place *place, struct chunk_head *head)
{
	struct search search = search_for(name);
	int found = next_sound(store, &search);
	*place = search.place;
	*head = search.head;
	return found;
}

/* The sealed bytes are kept in `stored` where it is not NULL: the packer spoils what it opens. */
static int unpack(struct chunk_store *store, const struct chunk_head *head, uint8_t *stored, struct unpacked *room)
{
	if (stored)
		memcpy(stored, store->stored, head->stored_size);
	return packer_unpack(store->packer, head, store->stored, room->bytes, room->capacity, &room->size);
}

static int read_chunk(struct chunk_store *store, const struct place *place, const struct chunk_head *head,
	uint8_t *stored, struct unpacked *room)
{
	if (head->stored_size > STORED_SIZE_MAX)
		return -EBADMSG;
	int error = segment_read(
		&store->segments, place->segment, place->offset + CHUNK_HEAD_SIZE, store->stored, head->stored_size);
	if (!error)
		error = unpack(store, head, stored, room);
	if (!heal_is_damage(error))
		return error;
	error = heal(store, place, CHUNK_HEAD_SIZE, store->stored, head->stored_size, error);
	return error ? error : unpack(store, head, stored, room);
}

/* One pass over the candidates that are, or are not, known to be damaged. */
static int get_from(struct chunk_store *store, struct search *search, void *bytes, uint32_t size, bool damaged)
{
	int found;
	search->cursor = SIZE_MAX;
	while ((found = next_named(store, search)) == 1) {
		if (search->place.damaged != damaged)
			continue;
		struct unpacked room = { bytes, size, 0 };
		int error = read_chunk(store, &search->place, &search->head, NULL, &room);
		if (!error && room.size != size)
			error = -EBADMSG;
		if (!heal_is_damage(error))
			return error ? error : 1;
		note_damage(store, search, error);
	}
	return found;
}

static int damage_of(const struct search *search)
{
	return search->damage ? search->damage : -EBADMSG;
}

int chunk_get(struct chunk_store *store, const struct chunk_name *name, void *bytes, uint32_t size)
{
	struct search search = search_for(name);
	int found = get_from(store, &search, bytes, size, false);
	if (!found)
		found = get_from(store, &search, bytes, size, true);
	return found == 1 ? 0 : found < 0 ? found : damage_of(&search);
}

/* ---- as it lies there ---- */

int chunk_get_stored(struct chunk_store *store, const struct chunk_name *name, struct chunk_head *head, void *stored,
	void *bytes, uint32_t size)
{
	struct search search = search_for(name);
	int found;
	while ((found = next_sound(store, &search)) == 1) {
		struct unpacked room = { bytes, size, 0 };
		int error = read_chunk(store, &search.place, &search.head, stored, &room);
		if (!error && room.size != size)
			error = -EBADMSG;
		*head = search.head;
		if (!heal_is_damage(error))
			return error;
		note_damage(store, &search, error);
	}
	return found ? found : damage_of(&search);
}

int chunk_is_whole(struct chunk_store *store, const struct chunk_name *name, void *bytes, uint32_t size)
{
	struct search search = search_for(name);
	int found;
	while ((found = next_sound(store, &search)) == 1) {
		int error = chunk_check(store, &search.place, &search.head, bytes, size);
		if (!heal_is_damage(error))
			return error ? error : 1;
	}
	return found;
}

/* ---- putting ---- */

uint64_t chunk_room(const struct chunk_store *store, uint64_t free)
{
	uint64_t size = store->volume->segment_size;
	return free > store->reserve ? (free - store->reserve) / size * segment_capacity(&store->segments) : 0;
}

static int check_room(struct chunk_store *store)
{
	struct volume_stat stat;
	int error = volume_stat(store->volume, &stat);
	if (error)
		return error;
	return chunk_room(store, stat.free) ? 0 : -ENOSPC;
}

static int append(struct chunk_store *store, const struct chunk_head *head, const void *stored)
{
	struct place place = { 0 };
	int error = 0;
	if (segment_is_full(&store->segments, head->stored_size))
		error = segment_seal(&store->segments);
	if (!error && !store->segments.open)
		error = check_room(store);
	if (!error)
		error = segment_append(&store->segments, head, stored, &place.offset);
	if (error)
		return error;
	place.segment = store->segments.current;
	store->stored_bytes += head->stored_size + 2 * CHUNK_HEAD_SIZE;
	return index_insert(&store->index, &head->name, &place);
}

int chunk_put_stored(struct chunk_store *store, const struct chunk_head *head, const void *stored)
{
	if (!store->queue)
		return -EROFS;
	if (store->failed)
		return store->failed;
	store->failed = store->index.used >= store->index.capacity ? -ENOSPC : append(store, head, stored);
	return store->failed;
}

static int collect_oldest(struct chunk_store *store)
{
	struct pack_job *job = pack_queue_oldest(store->queue);
	if (!job)
		return 0;
	int error = job->error ? job->error : store->failed ? store->failed : append(store, &job->head, job->stored);
	pack_queue_release(store->queue, job);
	return error;
}

static int submit(struct chunk_store *store, const void *bytes, uint32_t size, const struct chunk_name *name)
{
	if (store->index.used + pack_queue_count(store->queue) >= store->index.capacity)
		return -ENOSPC;
	struct pack_job *job;
	while (!(job = pack_queue_idle(store->queue))) {
		int error = collect_oldest(store);
		if (error)
			return error;
	}
	memcpy(job->bytes, bytes, size);
	job->size = size;
	job->head.name = *name;
	int error = crypto_random(job->head.nonce, sizeof job->head.nonce);
	if (!error) {
		pack_queue_submit(store->queue, job);
		store->new_bytes += size;
	}
	return error;
}

/* What lies in a suspect segment is read before it is believed. */
static int check_suspect(struct chunk_store *store, const struct search *search, uint32_t size)
{
	if (!is_suspect(store, search->place.segment))
		return 0;
	uint8_t *bytes = malloc(size);
	int error = bytes ? chunk_check(store, &search->place, &search->head, bytes, size) : -ENOMEM;
	free(bytes);
	return error;
}

/* Found known, in a place that can be believed. */
static int find_sound(struct chunk_store *store, const struct chunk_name *name, uint32_t size)
{
	struct search search = search_for(name);
	int found;
	while ((found = next_sound(store, &search)) == 1) {
		int error = check_suspect(store, &search, size);
		if (heal_is_damage(error))
			continue;
		store->reused += !error && search.place.segment < store->first_new;
		return error ? error : 1;
	}
	return found;
}

int chunk_put(struct chunk_store *store, const void *bytes, uint32_t size, struct chunk_name *name)
{
	if (!size || size > CHUNK_SIZE_MAX)
		return -EINVAL;
	if (!store->queue)
		return -EROFS;
	if (store->failed)
		return store->failed;
	int error = pack_name(&store->keys, bytes, size, name);
	if (error || pack_queue_holds(store->queue, name))
		return error;
	int found = find_sound(store, name, size);
	if (found == 1)
		return 0;
	store->failed = found ? found : submit(store, bytes, size, name);
	return store->failed;
}

int chunk_drain(struct chunk_store *store)
{
	while (!store->failed && pack_queue_count(store->queue))
		store->failed = collect_oldest(store);
	return store->failed;
}

int chunk_flush(struct chunk_store *store)
{
	if (!chunk_drain(store))
		store->failed = segment_seal(&store->segments);
	return store->failed;
}

void chunk_discard(struct chunk_store *store)
{
	struct segment_writer *segments = &store->segments;
	struct pack_job *job;
	while (store->queue && (job = pack_queue_oldest(store->queue)))
		pack_queue_release(store->queue, job);
	for (uint32_t i = 0; segments->open && i < segments->count; i++) {
		struct chunk_head head = { .codec = 0 };
		struct place place = { .segment = segments->current };
		segment_entry(segments, i, &head, &place.offset);
		index_remove(&store->index, &head.name, &place);
	}
	segment_discard(segments);
	store->failed = 0;
}

/* ---- mounting and checking ---- */

int chunk_index(struct chunk_store *store, const struct chunk_name *name, const struct place *place)
{
	size_t cursor = SIZE_MAX;
	struct place other;
	while (index_next(&store->index, name, &cursor, &other)) {
		struct chunk_head head = { .codec = 0 };
		int error = read_head(store, &other, &head);
		if (error && !heal_is_damage(error))
			return error;
		if (error || memcmp(&head.name, name, sizeof *name) != 0)
			continue;
		if (other.segment > place->segment)
			return 0;
		index_remove(&store->index, name, &other);
		break;
	}
	return index_insert(&store->index, name, place);
}

int chunk_check(struct chunk_store *store, const struct place *place, const struct chunk_head *head, void *buffer,
	uint32_t capacity)
{
	struct chunk_head there;
	struct unpacked room = { buffer, capacity, 0 };
	/* The head that lies before it, too: `head` may come from the contents, and reading begins with the other one. */
	int error = read_head(store, place, &there);
	if (!error && memcmp(&there.name, &head->name, sizeof there.name) != 0)
		error = -EBADMSG;
	if (!error)
		error = read_chunk(store, place, &there, NULL, &room);
	if (heal_is_damage(error))
		mark_damaged(store, &head->name, place);
	return error;
}

int chunk_stored(
	struct chunk_store *store, const struct place *place, const struct chunk_head *head, uint8_t *stored, void *bytes)
{
	struct unpacked room = { bytes, CHUNK_SIZE_MAX, 0 };
	return read_chunk(store, place, head, stored, &room);
}

bool chunk_replaced(struct chunk_store *store, const struct chunk_name *name, const struct place *place, void *buffer)
{
	struct chunk_head head = { .codec = 0 };
	struct place other;
	mark_damaged(store, name, place);
	if (chunk_find(store, name, &other, &head) != 1 || chunk_check(store, &other, &head, buffer, CHUNK_SIZE_MAX) != 0)
		return false;
	return index_remove(&store->index, name, place);
}

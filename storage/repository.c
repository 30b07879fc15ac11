/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/repository.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "storage/repository_internal.h"

/* ---- creating ---- */

static int fill_recovery_slot(
	struct superblock *superblock, struct key_slot *slot, const uint8_t key[32], char text[64])
{
	struct repository_secret secret = { SECRET_RECOVERY, (const uint8_t *)text, RECOVERY_KEY_CHARS };
	int error = recovery_key_make(text);
	return error ? error : key_slot_fill(slot, superblock->family, key, &secret, 0);
}

static int make_superblock(struct superblock *superblock, const struct volume *volume,
	const struct repository_settings *settings, const struct repository_secret *secret, uint8_t key[32])
{
	static const uint8_t not_told[16];
	*superblock = (struct superblock){ .generation = 1,
		.read = settings->without_parity ? 0 : FEATURE_READ_PARITY,
		.append_only = settings->append_only,
		.segment_size = volume->segment_size };
	memcpy(superblock->chunker, settings->chunker, sizeof superblock->chunker);
	memcpy(superblock->writer, settings->writer, sizeof superblock->writer);
	uint32_t iterations = settings->passphrase_iterations ? settings->passphrase_iterations : PASSPHRASE_ITERATIONS;
	int error = crypto_random(key, 32);
	if (!error)
		error = crypto_random(superblock->repository, sizeof superblock->repository);
	memcpy(superblock->family, superblock->repository, sizeof superblock->family);
	if (!error && !memcmp(superblock->writer, not_told, sizeof not_told))
		error = crypto_random(superblock->writer, sizeof superblock->writer);
	return error ? error : key_slot_fill(&superblock->slots[0], superblock->family, key, secret, iterations);
}

/* What an interrupted creation left: superblocks none of which is valid, roots without any. */
struct leftovers {
	uint64_t ids[16];
	unsigned count;
};

static int note_leftover(void *arg, uint64_t id, uint32_t size)
{
	struct leftovers *leftovers = arg;
	(void)size;
	bool ours = id >> 56 == SEGMENT_SUPERBLOCK || id >> 56 == SEGMENT_ROOT;
	if (ours && leftovers->count < sizeof leftovers->ids / sizeof leftovers->ids[0])
		leftovers->ids[leftovers->count++] = id;
	return 0;
}

static int make_blank(struct volume *volume, uint64_t *superblock_last)
{
	struct superblock_files files;
	struct leftovers leftovers = { .count = 0 };
	int error = superblock_find(volume, &files);
	*superblock_last = files.last;
	if (!error || files.others)
		return -EXDEV;
	if (error != -ENOENT && error != -EBADMSG)
		return error;
	error = volume_list(volume, note_leftover, &leftovers);
	for (unsigned i = 0; !error && i < leftovers.count; i++)
		error = volume_remove(volume, leftovers.ids[i]);
	return error;
}

static int key_sealer(struct sealer **sealer, const uint8_t key[32], const uint8_t repository[16])
{
	uint8_t subkey[32];
	int error = crypto_derive(key, 32, repository, "coffret roots and state", subkey);
	if (!error)
		error = sealer_create(sealer, subkey);
	crypto_wipe(subkey, sizeof subkey);
	return error;
}

static int store_first_roots(struct volume *volume, const struct superblock *superblock, const uint8_t key[32])
{
	struct roots roots = { .next_segment = 1, .next_sequence = 1 };
	struct roots_place place = { .volume = volume };
	memcpy(place.repository, superblock->repository, 16);
	memcpy(place.writer, superblock->writer, 16);
	int error = key_sealer(&place.sealer, key, superblock->repository);
	if (!error)
		error = roots_store(&roots, &place);
	sealer_free(place.sealer);
	return error;
}

int repository_found(struct volume *volume, const struct superblock *superblock, const uint8_t key[32])
{
	uint64_t last = 0;
	struct volume_stat stat;
	int error = volume_stat(volume, &stat);
	if (!error && stat.read_only)
		error = -EROFS;
	if (!error)
		error = make_blank(volume, &last);
	/* The superblock comes last: a repository that has one is complete. */
	if (!error)
		error = store_first_roots(volume, superblock, key);
	return error ? error : superblock_store(volume, superblock, key, &last);
}

int repository_create(struct volume *volume, const struct repository_settings *settings,
	const struct repository_secret *secret, char recovery_key[64])
{
	struct superblock superblock;
	uint8_t key[32];
	int error = make_superblock(&superblock, volume, settings, secret, key);
	if (!error)
		error = fill_recovery_slot(&superblock, &superblock.slots[1], key, recovery_key);
	if (!error)
		error = repository_found(volume, &superblock, key);
	crypto_wipe(key, sizeof key);
	if (error)
		crypto_wipe(recovery_key, 64);
	return error;
}

/* ---- opening ---- */

static int64_t uptime(void)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}

static int find_superblock(struct repository *r, const struct repository_secret *secret, uint64_t best[2])
{
	struct superblock_files files;
	int error = superblock_find(r->volume, &files);
	if (error)
		return error;
	r->superblock = files.superblock;
	r->superblock_last = files.last;
	memcpy(best, files.best, sizeof files.best);
	int slot = key_slots_open(&r->superblock, secret, r->key);
	return slot < 0 ? slot : superblock_check(files.bytes, &r->superblock, r->key);
}

static int decide_read_only(struct repository *r, const struct repository_settings *settings)
{
	static const uint8_t not_told[16];
	struct volume_stat stat;
	int error = volume_stat(r->volume, &stat);
	memcpy(r->box, memcmp(settings->writer, not_told, 16) ? settings->writer : r->superblock.writer, 16);
	r->foreign = memcmp(r->box, r->superblock.writer, 16) != 0;
	r->read_only = settings->read_only || stat.read_only || r->foreign || r->superblock.write & ~FEATURES_WRITE;
	return error;
}

static int load_roots(struct repository *r)
{
	r->place.volume = r->volume;
	memcpy(r->place.repository, r->superblock.repository, 16);
	memcpy(r->place.writer, r->superblock.writer, 16);
	int error = key_sealer(&r->sealer, r->key, r->superblock.repository);
	r->place.sealer = r->sealer;
	if (!error)
		error = roots_load(&r->roots, &r->place);
	r->box_base = r->roots.box_time;
	return error == -ENOENT ? -EBADMSG : error; /* a superblock is there, so roots were */
}

/*
 * An earlier life of the process may have ended between writing and syncing. What this one builds upon must be durable
 * before it acknowledges anything.
 */
static int sync_foundations(struct repository *r, const uint64_t superblocks[2])
{
	int error = volume_sync(r->volume, segment_id(SEGMENT_ROOT, r->roots.number));
	for (int i = 0; !error && i < 2; i++)
		if (superblocks[i])
			error = volume_sync(r->volume, segment_id(SEGMENT_SUPERBLOCK, superblocks[i]));
	return error;
}

/* What should be there twice, and of which a cut or rot has left one: before the other is lost, too. Else it stays so. */
static void make_twice(struct repository *r, const uint64_t superblocks[2])
{
	roots_store_second(&r->roots, &r->place);
	if (!superblocks[1])
		repository_store_superblock(r, &r->superblock);
}

static int open_chunks(struct repository *r, const struct repository_settings *settings)
{
	struct chunk_settings chunks = {
		.index_chunks = settings->index_chunks ? settings->index_chunks : CONFIG_STORAGE_INDEX_CHUNKS,
		.level = settings->deflate_level ? settings->deflate_level : 5,
		.threads = settings->deflate_threads,
		.read_only = r->read_only,
		.parity = r->superblock.read & FEATURE_READ_PARITY,
		.reserve = 2 * (uint64_t)r->volume->segment_size,
	};
	memcpy(chunks.keys.repository, r->superblock.family, 16);
	memcpy(chunks.repository, r->superblock.repository, 16);
	int error = crypto_derive(r->key, 32, r->superblock.family, "coffret chunk names", chunks.keys.name);
	if (!error)
		error = crypto_derive(r->key, 32, r->superblock.family, "coffret chunks", chunks.keys.seal);
	if (!error)
		error = chunk_store_open(&r->chunks, r->volume, &chunks);
	crypto_wipe(&chunks, sizeof chunks);
	return error;
}

static int open_all(struct repository *r, struct repository_settings *settings, const struct repository_secret *secret)
{
	uint64_t superblocks[2];
	int error = find_superblock(r, secret, superblocks);
	if (!error)
		error = decide_read_only(r, settings);
	if (!error)
		error = load_roots(r);
	if (!error && !r->read_only)
		error = sync_foundations(r, superblocks);
	if (!error && !r->read_only)
		make_twice(r, superblocks);
	if (!error)
		error = open_chunks(r, settings);
	if (!error)
		error = repository_mount(r);
	if (!error)
		error = repository_load_suspects(r);
	if (error)
		return error;
	memcpy(settings->chunker, r->superblock.chunker, sizeof settings->chunker);
	settings->append_only = r->superblock.append_only;
	settings->without_parity = !(r->superblock.read & FEATURE_READ_PARITY);
	return 0;
}

static void make_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t recursive;
	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(lock, &recursive);
	pthread_mutexattr_destroy(&recursive);
}

int repository_open(struct repository **repository, struct volume *volume, struct repository_settings *settings,
	const struct repository_secret *secret)
{
	struct repository *r = calloc(1, sizeof *r);
	if (!r)
		return -ENOMEM;
	make_lock(&r->lock);
	r->volume = volume;
	r->garbage = true; /* an earlier life may have left some */
	r->opened_at = uptime();
	r->now = settings->now;
	r->now_arg = settings->now_arg;
	int error = open_all(r, settings, secret);
	if (error)
		repository_close(r);
	else
		*repository = r;
	return error;
}

void repository_close(struct repository *repository)
{
	if (!repository)
		return;
	snapshot_abort(repository->writer);
	if (repository->chunks.volume)
		chunk_store_close(&repository->chunks);
	roots_free(&repository->roots);
	sealer_free(repository->sealer);
	pthread_mutex_destroy(&repository->lock);
	crypto_wipe(repository, sizeof *repository);
	free(repository);
}

/* ---- keys ---- */

void repository_derive(const struct repository *repository, const char *purpose, uint8_t key[32])
{
	/* Apart from our own purposes, none of which has this salt. */
	static const uint8_t salt[16] = "for the agent";
	if (crypto_derive(repository->key, 32, salt, purpose, key))
		abort(); /* arguments of ours: HKDF cannot refuse them */
}

/* ---- what the others share ---- */

void repository_now(const struct repository *repository, int64_t *box_time, int64_t *wall_time)
{
	*box_time = repository->box_base + uptime() - repository->opened_at;
	*wall_time = time(NULL);
	if (repository->now)
		repository->now(repository->now_arg, box_time, wall_time);
	if (*box_time < repository->roots.box_time)
		*box_time = repository->roots.box_time;
}

int64_t repository_box_time(const struct repository *repository)
{
	int64_t box_time, wall_time;
	repository_lock(repository);
	repository_now(repository, &box_time, &wall_time);
	repository_unlock(repository);
	return box_time;
}

/* Segments below are sealed, or nobody needs them. */
static uint64_t next_segment(const struct repository *repository)
{
	const struct segment_writer *segments = &repository->chunks.segments;
	return segments->open ? segments->current : segments->next;
}

static void take_strays(struct repository *repository)
{
	struct segment_writer *segments = &repository->chunks.segments;
	for (unsigned i = 0; i < segments->stray_count; i++)
		roots_add_hole(&repository->roots, segments->strays[i], segments->strays[i] + 1);
	segments->stray_count = 0;
}

int repository_store_roots(struct repository *repository)
{
	if (repository->read_only)
		return -EROFS;
	take_strays(repository);
	repository->roots.next_segment = next_segment(repository);
	return roots_store(&repository->roots, &repository->place);
}

int repository_settle_roots(struct repository *repository)
{
	const struct roots_place *place = &repository->place;
	bool settled = !place->uncertain && !place->alone && repository->roots.next_segment == next_segment(repository);
	int error = settled ? 0 : repository_store_roots(repository);
	/* Without room for two the older one has gone for it; else it is there, and does not know. */
	return error || place->alone == -ENOSPC ? error : place->alone;
}

struct root_snapshot *repository_find(const struct repository *repository, uint64_t id)
{
	for (uint32_t i = 0; i < repository->roots.count; i++)
		if (repository->roots.snapshots[i].info.id == id)
			return &repository->roots.snapshots[i];
	return NULL;
}

static int count_segment(void *arg, uint64_t id, uint32_t size)
{
	uint64_t *count = arg;
	(void)size;
	*count += id >> 56 == SEGMENT_DATA;
	return 0;
}

int repository_status(struct repository *repository, struct repository_status *status)
{
	struct volume_stat stat;
	*status = (struct repository_status){ .read_only = repository->read_only };
	repository_lock(repository);
	int error = volume_stat(repository->volume, &stat);
	if (!error)
		error = volume_list(repository->volume, count_segment, &status->segments);
	status->size = stat.size;
	status->free = stat.free;
	status->room = chunk_room(&repository->chunks, stat.free);
	status->durable = stat.durable;
	status->append_only = repository->superblock.append_only;
	status->bad_blocks = stat.bad_blocks;
	status->max_erase_count = stat.max_erase_count;
	status->read_only |= stat.read_only;
	status->chunks = repository->chunks.index.used;
	status->index_capacity = repository->chunks.index.capacity;
	status->damaged_segments = repository->damaged_segments;
	status->parity = repository->chunks.healer.enabled;
	status->healed = repository->chunks.healer.healed;
	status->wounded_segments = repository->chunks.healer.wounded_count;
	status->root_damaged = repository->place.uncertain;
	memcpy(status->id, repository->superblock.repository, 16);
	memcpy(status->writer, repository->superblock.writer, 16);
	memcpy(status->family, repository->superblock.family, 16);
	status->foreign = repository->foreign;
	repository_count_keys(repository, &status->keys);
	status->next_sequence = repository->roots.next_sequence;
	repository_unlock(repository);
	return error;
}

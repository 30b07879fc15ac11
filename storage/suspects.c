/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What should be known to the next life: segments where damage was met, and those that parity had to heal. Two state
 * records of segment numbers, 8 bytes each; as many suspects as there can be mean that all are, and zeros are none.
 */
#include <errno.h>

#include "storage/bytes.h"
#include "storage/repository_internal.h"

#define SUSPECTS "suspects"
#define WOUNDED "wounded"

struct numbers {
	uint8_t bytes[8 * (SUSPECTS_MAX > WOUNDED_MAX ? SUSPECTS_MAX : WOUNDED_MAX)];
	int size;
};

static int keep(struct repository *repository, const char *name, const uint64_t *list, unsigned count, unsigned least)
{
	struct numbers numbers = { .size = (int)(8 * (count < least ? least : count)) };
	for (unsigned i = 0; i < count; i++)
		put64(numbers.bytes + (size_t)8 * i, list[i]);
	return repository_state_write(repository, name, numbers.bytes, (size_t)numbers.size);
}

int repository_keep_suspects(struct repository *repository)
{
	struct chunk_store *chunks = &repository->chunks;
	struct healer *healer = &chunks->healer;
	int error = 0, other = 0;
	repository_lock(repository);
	if (chunks->suspects_changed && !repository->read_only) {
		error = keep(
			repository, SUSPECTS, chunks->suspects, chunks->suspect_count, chunks->all_suspect ? SUSPECTS_MAX : 0);
		chunks->suspects_changed = error != 0;
	}
	if (healer->wounded_changed && !repository->read_only) {
		other = keep(repository, WOUNDED, healer->wounded, healer->wounded_count, 0);
		healer->wounded_changed = other != 0;
	}
	repository_unlock(repository);
	return error ? error : other;
}

/*
 * Of a record that is there and of no use the size is negative: nobody is kept from the snapshots for it. Any segment may
 * be suspect then, and what parity should heal is met again where it is read again.
 */
static int load(struct repository *repository, const char *name, struct numbers *numbers)
{
	numbers->size = repository_state_read(repository, name, numbers->bytes, sizeof numbers->bytes);
	if (numbers->size == -ENOENT)
		numbers->size = 0;
	return numbers->size == -ENOMEM || numbers->size == -ENODEV ? numbers->size : 0;
}

static bool has(const struct numbers *numbers, uint64_t number)
{
	for (int at = 0; at + 8 <= numbers->size; at += 8)
		if (get64(numbers->bytes + at) == number)
			return true;
	return false;
}

struct known {
	struct repository *repository;
	struct numbers suspects, wounded;
};

/* Of those only that are still there. */
static int note_segment(void *arg, uint64_t id, uint32_t size)
{
	const struct known *known = arg;
	struct chunk_store *chunks = &known->repository->chunks;
	(void)size;
	if (id >> 56 == SEGMENT_DATA && has(&known->suspects, id))
		chunk_suspect(chunks, id);
	if (id >> 56 == SEGMENT_DATA && has(&known->wounded, id))
		heal_wound(&chunks->healer, id);
	return 0;
}

int repository_load_suspects(struct repository *repository)
{
	struct known known = { .repository = repository };
	int error = load(repository, SUSPECTS, &known.suspects);
	if (!error)
		error = load(repository, WOUNDED, &known.wounded);
	if (!error)
		error = volume_list(repository->volume, note_segment, &known);
	struct chunk_store *chunks = &repository->chunks;
	chunks->all_suspect |= known.suspects.size == 8 * SUSPECTS_MAX || known.suspects.size < 0;
	chunks->suspects_changed = 8 * (int)chunks->suspect_count != known.suspects.size;
	chunks->healer.wounded_changed = 8 * (int)chunks->healer.wounded_count != known.wounded.size;
	return error;
}

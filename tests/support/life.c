/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/life.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "storage/memory.h"
#include "storage/retention.h"

/* The last night of the script and the first are of the same bytes in another order of events: see LIFE_ONCE_MORE. */
static struct sample sample_of(unsigned i)
{
	struct sample sample = { .seed = i + 1, .streams = 2, .chunks = 8, .shared = 3, .chunk_size = 400 };
	if (i == LIFE_ONCE_MORE)
		sample.seed = 1;
	if (i >= LIFE_FILLERS) {
		sample.streams = 1;
		sample.shared = 0;
		sample.chunk_size = 2000;
	}
	return sample;
}

int life_begin(struct life *life)
{
	int error = life->medium->start(life->medium, &life->volume);
	if (error)
		life->volume = NULL;
	else if ((error = sample_open(&life->repository, life->volume)))
		life->repository = NULL;
	return error;
}

void life_end(struct life *life)
{
	repository_close(life->repository);
	life->repository = NULL;
	life->medium->end(life->medium, life->volume);
	life->volume = NULL;
}

void life_destroy(struct life *life)
{
	life_end(life);
	repository_close(life->away);
	memory_volume_close(life->away_volume);
	life->away = NULL;
	life->away_volume = NULL;
}

/* ---- the script ---- */

/* The script was told that something is done. The power may go in this moment. */
static void told(struct life *life, bool done)
{
	life->acknowledged += done;
	if (done && life->acknowledged == life->cut_after)
		life->medium->cut(life->medium);
}

int life_store(struct life *life, unsigned i, bool verified)
{
	struct sample sample = sample_of(i);
	int error = sample_store(life->repository, &sample, verified, &life->ids[i]);
	if (error)
		return error;
	life->removing[i] = false;
	told(life, i < LIFE_FILLERS);
	return 0;
}

static void write_state(struct life *life, uint8_t value)
{
	life->state_asked = value;
	if (repository_state_write(life->repository, "journal", &value, 1))
		return;
	life->state = value;
	told(life, true);
}

static void remove_night(struct life *life, unsigned i)
{
	if (!life->ids[i])
		return;
	life->removing[i] = true;
	if (snapshot_remove(life->repository, life->ids[i]))
		return;
	life->ids[i] = 0;
	told(life, true);
}

/* Keeps the newest, and what is pinned. */
static void retain(struct life *life)
{
	static const struct retention_policy policy = { .keep_last = 0 };
	struct snapshot_info list[LIFE_SAMPLES];
	enum retention_why why[LIFE_SAMPLES];
	int count = snapshot_list(life->repository, list, LIFE_SAMPLES);
	if (count > LIFE_SAMPLES)
		fail_msg("%d snapshots cannot be decided about", count);
	if (retention_decide(list, (size_t)count, &policy, 1000, why))
		return; /* no memory */
	for (unsigned i = 0; i < LIFE_NIGHTS; i++)
		for (int j = 0; j < count && life->ids[i]; j++)
			if (list[j].id == life->ids[i] && why[j] == RETENTION_GOES)
				remove_night(life, i);
}

static void clean(struct life *life)
{
	uint64_t freed;
	told(life, !repository_clean(life->repository, &freed));
}

static void compact(struct life *life)
{
	const struct compact_limits limits = { .copy_max = UINT64_MAX };
	struct compact_result result;
	told(life, !repository_compact(life->repository, &limits, &result));
	life->copied += result.copied;
}

static void pin(struct life *life, unsigned i)
{
	if (life->ids[i])
		told(life, !snapshot_set_flags(life->repository, life->ids[i], SNAPSHOT_PINNED, 0));
}

/* What has gone bad is found, and written anew. */
static void scrub(struct life *life)
{
	const struct scrub_limits limits = { .segments_max = UINT64_MAX };
	const struct compact_limits wounded = { .copy_max = UINT64_MAX, .wounded_only = true };
	struct scrub_result result;
	struct compact_result anew;
	uint64_t position = 0;
	if (life->medium->rot)
		life->medium->rot(life->medium);
	told(life, !repository_scrub(life->repository, &position, &limits, &result) && result.ended);
	told(life, !repository_compact(life->repository, &wounded, &anew));
	life->healed += anew.healed;
}

static void open_away(struct life *life)
{
	const struct memory_geometry geometry = { .size = 1u << 20, .segment_size = 16u << 10, .write_unit = 1 };
	struct repository_settings settings = sample_settings();
	if (memory_volume_open(&life->away_volume, &geometry))
		life->away_volume = NULL;
	else if (!repository_create_sister(life->away_volume, life->repository, false))
		told(life, !repository_open(&life->away, life->away_volume, &settings, &sample_secret));
}

static void copy_away(struct life *life, unsigned i)
{
	const struct copy_watch watch = { .stop = NULL };
	struct copy_result result;
	open_away(life);
	if (life->away && life->ids[i])
		told(life, !snapshot_copy(life->repository, life->away, life->ids[i], &watch, &result));
}

/* What retention removed here is there. */
static void copy_back(struct life *life, unsigned i)
{
	const struct copy_watch watch = { .checkpoint = 4096 };
	struct copy_result result;
	struct snapshot_info info;
	if (!life->away || life->ids[i] || snapshot_list(life->away, &info, 1) != 1 ||
		snapshot_copy(life->away, life->repository, info.id, &watch, &result))
		return;
	life->ids[i] = info.id;
	life->removing[i] = false;
	told(life, true);
}

/* Until there is no room; then what fills it goes, and there is room again. */
static void fill_and_make_room(struct life *life)
{
	int error = 0;
	for (unsigned i = LIFE_FILLERS; i < LIFE_SAMPLES && !error; i++)
		error = life_store(life, i, false);
	life->was_full = error == -ENOSPC;
	write_state(life, 3);
	remove_night(life, LIFE_FILLERS);
	remove_night(life, LIFE_FILLERS + 1);
	clean(life);
	life_store(life, 0, true);
}

void life_script(struct life *life)
{
	char recovery[64];
	if (life_begin(life))
		return;
	life_store(life, 0, true);
	life_store(life, 1, false);
	remove_night(life, 0);
	clean(life);
	write_state(life, 1);
	pin(life, 1);
	life_store(life, 2, true);
	life_store(life, 3, true);
	copy_away(life, 2);
	retain(life);
	compact(life);
	copy_back(life, 2);
	scrub(life);
	told(life, !sample_renew_recovery(life->repository, recovery));
	write_state(life, 2);
	fill_and_make_room(life);
	write_state(life, 4);
}

void life_short_script(struct life *life)
{
	if (life_begin(life))
		return;
	life_store(life, 0, false);
	life_store(life, 1, true);
	remove_night(life, 0);
	compact(life);
	write_state(life, 1);
	life_store(life, 2, false);
}

void life_recover(struct life *life)
{
	if (life_begin(life))
		return;
	life_store(life, LIFE_AFTER, false);
	write_state(life, 5);
	clean(life);
}

/* ---- what must be so ---- */

static int compare(struct repository *repository, unsigned i, uint64_t id)
{
	struct sample sample = sample_of(i);
	return sample_compare(repository, &sample, id);
}

/* By its id, or, where it was never acknowledged, by what is in it. */
static int compare_visible(const struct life *life, struct repository *repository, uint64_t id)
{
	for (unsigned i = 0; i < LIFE_SAMPLES; i++)
		if (life->ids[i] == id)
			return compare(repository, i, id);
	for (unsigned i = 0; i < LIFE_SAMPLES; i++)
		if (compare(repository, i, id) == 0)
			return 0;
	return -EILSEQ;
}

static void check_visible(const struct life *life, const char *what)
{
	struct snapshot_info list[LIFE_SAMPLES + 2];
	int count = snapshot_list(life->repository, list, LIFE_SAMPLES + 2);
	if (count > LIFE_SAMPLES + 2)
		fail_msg("%s: %d snapshots are visible", what, count);
	for (int i = 0; i < count; i++) {
		int result = compare_visible(life, life->repository, list[i].id);
		if (result)
			fail_msg("%s: visible snapshot %d is not whole: %d", what, i, result);
	}
}

static void check_away(const struct life *life, const char *what)
{
	struct snapshot_info info;
	if (life->away && snapshot_list(life->away, &info, 1) == 1 && compare_visible(life, life->away, info.id) != 0)
		fail_msg("%s: the copy is not whole", what);
}

void life_check_acknowledged(const struct life *life, const char *what)
{
	for (int i = 0; i < LIFE_SAMPLES; i++) {
		struct snapshot_info info;
		int result = life->ids[i] ? snapshot_find(life->repository, life->ids[i], &info) : 0;
		if (result && !(result == -ENOENT && life->removing[i]))
			fail_msg("%s: acknowledged snapshot %d: %d", what, i, result);
	}
}

static void check_state(const struct life *life, const char *what)
{
	uint8_t value = 0;
	int length = repository_state_read(life->repository, "journal", &value, 1);
	if (length != 1 && !(length == -ENOENT && !life->state) && !(length == -EBADMSG && !life->state))
		fail_msg("%s: state: %d", what, length);
	if (value < life->state || value > life->state_asked)
		fail_msg("%s: state is %d, acknowledged %d", what, value, life->state);
}

void life_check(const struct life *life, const char *what)
{
	life_check_acknowledged(life, what);
	check_state(life, what);
	check_visible(life, what);
	check_away(life, what);
}

static void note_damage(
	void *arg, const struct snapshot_info *snapshot, const char *stream, const struct chunk_entry *chunk, int error)
{
	(void)snapshot, (void)stream, (void)chunk, (void)error;
	++*(unsigned *)arg;
}

void life_check_whole(struct life *life, const char *what)
{
	unsigned damage = 0;
	life_check(life, what);
	int error = repository_verify(life->repository, 0, true, note_damage, &damage, NULL);
	if (error || damage)
		fail_msg("%s: verify: %d, %u damaged", what, error, damage);
}

/* What cannot be opened at the first try must be at the second: a unit that read well once may do so in the wrong moment. */
void life_restart(struct life *life, const char *what)
{
	life_end(life);
	life->medium->restart(life->medium);
	int error = life_begin(life);
	if (error == -EBADMSG) {
		life_end(life);
		error = life_begin(life);
	}
	if (error)
		fail_msg("%s: cannot be opened: %d", what, error);
}

static uint64_t free_space(struct life *life)
{
	struct repository_status status;
	return repository_status(life->repository, &status) ? 0 : status.free;
}

/* One that only filled the medium, acknowledged or not. */
static bool is_filler(struct life *life, uint64_t id)
{
	for (unsigned i = 0; i < LIFE_SAMPLES; i++)
		if (life->ids[i] == id)
			return i >= LIFE_FILLERS;
	for (unsigned i = LIFE_FILLERS; i < LIFE_SAMPLES; i++)
		if (compare(life->repository, i, id) == 0)
			return true;
	return false;
}

static void forget(struct life *life, uint64_t id)
{
	for (unsigned i = 0; i < LIFE_SAMPLES; i++)
		if (life->ids[i] == id)
			life->ids[i] = 0;
}

/* Where it was full: what is left of the fillers makes room. */
static void make_room(struct life *life, const char *what)
{
	struct snapshot_info list[LIFE_SAMPLES + 2];
	uint64_t freed, before = free_space(life);
	int count = snapshot_list(life->repository, list, LIFE_SAMPLES + 2);
	for (int j = 0; j < count; j++) {
		if (!is_filler(life, list[j].id))
			continue;
		int error = snapshot_remove(life->repository, list[j].id);
		if (error)
			fail_msg("%s: removal: %d", what, error);
		forget(life, list[j].id);
	}
	int error = repository_clean(life->repository, &freed);
	if (error)
		fail_msg("%s: cleaning: %d", what, error);
	if (freed && free_space(life) <= before)
		fail_msg("%s: removed, and no room for it", what);
}

void life_check_future(struct life *life, const char *what)
{
	life_check(life, what);
	make_room(life, what);
	int error = life_store(life, LIFE_AFTER, true);
	if (!error)
		error = life_store(life, LIFE_ONCE_MORE, true);
	if (error)
		fail_msg("%s: the next backup fails: %d", what, error);
	life_restart(life, what);
	life_check_acknowledged(life, what);
	make_room(life, what);
	life_restart(life, what);
	life_check_whole(life, what);
}

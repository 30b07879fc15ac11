/* SPDX-License-Identifier: Apache-2.0 */
/* The present list without a snapshot of it: its chunks are compared as they come by. */
#include <errno.h>

#include "agent/restore/plan.h"

static int open_diff(struct plan *plan, size_t wanted, const struct catalogue_table *present)
{
	int result = catalogue_layout(&plan->layout, present);

	if (result == 0)
		result = plan_diff(plan, &(struct plan_table){ .wanted = wanted }, NULL, &plan->layout.layout, &plan->diff);
	if (result == 0) {
		plan->reading = wanted;
		row_diff_begin(&plan->diff);
	}
	return result == -EEXIST ? 0 : result;
}

static void close_diff(struct plan *plan)
{
	row_diff_close(&plan->diff);
	catalogue_layout_free(&plan->layout);
	plan->reading = SIZE_MAX;
}

static int begin_table(struct plan *plan, uint32_t present)
{
	const struct catalogue_table *table = &plan->present->catalogue->tables[present];
	int there = catalogue_find_table(plan->wanted->catalogue, table->schema, table->name);

	close_diff(plan);
	for (size_t i = 0; there >= 0 && i < plan->wanted->table_count; i++)
		if (plan->wanted->tables[i].table == (uint32_t)there)
			return plan_why_whole(plan, i, table) ? 0 : open_diff(plan, i, table);
	return 0;
}

/* The wanted side of a hunk, after its present one. */
static int end_hunk(struct plan *plan)
{
	struct plan_kept *kept = &plan->kept[plan->reading];
	struct chunk_entry entry;
	int result;

	do
		result = row_diff_wanted(&plan->diff, &entry);
	while (result == 1);
	if (result == 0) {
		plan_count_hunk(kept, &plan->diff);
		row_diff_begin(&plan->diff);
	} else if (result == -EILSEQ) {
		*kept = (struct plan_kept){ .disordered = true };
		close_diff(plan);
		result = 0;
	}
	return result;
}

static int take_catalogue(void *arg, const void *bytes, size_t size)
{
	struct plan *plan = arg;

	return plan->under.catalogue(plan->under.arg, bytes, size);
}

static int take_table(void *arg, uint32_t table)
{
	struct plan *plan = arg;
	int result = plan->under.table(plan->under.arg, table);

	return result < 0 ? result : begin_table(plan, table);
}

static int take_chunk(void *arg, enum chunk_kind kind, uint32_t rows, const void *bytes, size_t size)
{
	struct plan *plan = arg;
	struct chunk_entry entry = { .tag = (uint8_t)kind, .size = (uint32_t)size, .count = rows };
	int result = plan->under.chunk(plan->under.arg, kind, rows, bytes, size);

	if (result < 0 || kind != CHUNK_ROWS || plan->reading == SIZE_MAX)
		return result;
	result = chunk_name(plan->context->repository, bytes, size, &entry.name);
	if (result < 0)
		return result;
	return row_diff_is_common(&plan->diff, &entry) ? end_hunk(plan) : row_diff_add(&plan->diff, &entry, bytes);
}

static int take_table_end(void *arg, uint32_t table, const struct table_digest *digest)
{
	struct plan *plan = arg;
	int result = plan->under.table_end(plan->under.arg, table, digest);

	if (result == 0 && plan->reading != SIZE_MAX) {
		result = end_hunk(plan);
		close_diff(plan);
	}
	return result;
}

static void take_progress(void *arg, enum worker_phase phase, uint32_t table, uint64_t rows, uint64_t bytes)
{
	struct plan *plan = arg;

	plan->under.progress(plan->under.arg, phase, table, rows, bytes);
}

static void take_note(void *arg, const char *sentence)
{
	struct plan *plan = arg;

	plan->under.note(plan->under.arg, sentence);
}

static bool asked_to_stop(void *arg)
{
	struct plan *plan = arg;

	return plan->under.stop(plan->under.arg);
}

struct worker_watcher plan_watcher(struct plan *plan, const struct worker_watcher *under)
{
	plan->under = *under;
	plan->counted = true;
	return (struct worker_watcher){
		.arg = plan,
		.catalogue = take_catalogue,
		.table = take_table,
		.chunk = take_chunk,
		.table_end = take_table_end,
		.progress = take_progress,
		.note = take_note,
		.stop = asked_to_stop,
	};
}

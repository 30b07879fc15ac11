/* SPDX-License-Identifier: Apache-2.0 */
/* The present list without a snapshot of it: the names that its chunks would have, counted as they come by. */
#include <errno.h>

#include "agent/plan.h"

static int begin_table(struct plan *plan, uint32_t present)
{
	const struct catalogue_table *table = &plan->present->catalogue->tables[present];
	int there = catalogue_find_table(plan->wanted->catalogue, table->schema, table->name);
	int result = 0;

	plan->reading = SIZE_MAX;
	name_set_close(&plan->names);
	for (size_t i = 0; there >= 0 && i < plan->wanted->table_count; i++)
		if (plan->wanted->tables[i].table == (uint32_t)there && !plan_why_whole(plan, i, table))
			plan->reading = i;
	if (plan->reading != SIZE_MAX)
		result = plan_names(&plan->names, plan->wanted->reader, plan->wanted->tables[plan->reading].stream);
	return result == -EEXIST ? 0 : result;
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
	struct chunk_name name;
	int result = plan->under.chunk(plan->under.arg, kind, rows, bytes, size);

	if (result < 0 || kind != CHUNK_ROWS || plan->reading == SIZE_MAX)
		return result;
	result = chunk_name(plan->context->repository, bytes, size, &name);
	if (result == 0 && name_set_take(&plan->names, &name))
		plan->kept[plan->reading] += rows;
	return result;
}

static int take_table_end(void *arg, uint32_t table, const struct table_digest *digest)
{
	struct plan *plan = arg;

	return plan->under.table_end(plan->under.arg, table, digest);
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

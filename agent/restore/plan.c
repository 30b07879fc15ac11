/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/restore/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sql/next_value.h"
#include "agent/sql/statement.h"

int plan_open(struct plan *plan, const struct job_context *context, const struct stored_snapshot *wanted,
	const struct capture *present)
{
	*plan = (struct plan){ .context = context, .wanted = wanted, .present = present, .reading = SIZE_MAX };
	plan->tables = calloc(wanted->table_count + 1, sizeof *plan->tables);
	plan->kept = calloc(wanted->table_count + 1, sizeof *plan->kept);
	return plan->tables && plan->kept ? 0 : -ENOMEM;
}

void plan_close(struct plan *plan)
{
	row_diff_close(&plan->diff);
	catalogue_layout_free(&plan->layout);
	free(plan->tables);
	free(plan->kept);
	plan->tables = NULL;
	plan->kept = NULL;
	plan->count = 0;
}

/* ---- what stands in the way of ranges ---- */

static const char *key_problem(
	const struct catalogue_table *table, const struct catalogue_layout *layout, int32_t database_code_page)
{
	if (!layout->unique || !layout->order_count)
		return "no unique key names its rows";
	for (size_t i = 0; i < layout->order_count; i++)
		if (!statement_literal_always(&table->columns[layout->source[layout->order[i]]], database_code_page))
			return "no literal can express its key exactly";
	return NULL;
}

const char *plan_why_whole(const struct plan *plan, size_t wanted, const struct catalogue_table *table)
{
	struct catalogue_layout layout;
	struct stream_info info;
	const char *why;

	if (snapshot_stream_info(plan->wanted->reader, plan->wanted->tables[wanted].stream, &info) < 0 ||
		info.chunks > CONFIG_AGENT_PLAN_CHUNKS)
		return "it has more chunks than can be compared (AGENT_PLAN_CHUNKS)";
	if (catalogue_layout(&layout, table) < 0)
		return "its key could not be looked at";
	why = key_problem(table, &layout, plan->present->catalogue->database.code_page);
	catalogue_layout_free(&layout);
	return why;
}

/* ---- the steps ---- */

int plan_compare(struct plan *plan)
{
	const struct stored_snapshot *wanted = plan->wanted;

	for (size_t i = 0; i < wanted->table_count; i++) {
		const struct catalogue_table *name = &wanted->catalogue->tables[wanted->tables[i].table];
		int there = catalogue_find_table(plan->present->catalogue, name->schema, name->name);

		if (there < 0 || (!plan->present->tables[there].seen && !plan->present->tables[there].unread))
			return -EPROTO;
		if (plan->present->tables[there].unread ||
			!table_digest_equal(&wanted->tables[i].digest, &plan->present->tables[there].digest))
			plan->tables[plan->count++] = (struct plan_table){ .wanted = i, .present = (uint32_t)there };
	}
	return 0;
}

/* ---- counting ---- */

int plan_diff(const struct plan *plan, const struct plan_table *table, struct snapshot_reader *safety,
	const struct layout *layout, struct row_diff *diff)
{
	const struct row_diff_lists lists = { .present = safety,
		.present_stream = safety ? plan->present->tables[table->present].stream : 0,
		.wanted = plan->wanted->reader,
		.wanted_stream = plan->wanted->tables[table->wanted].stream };

	return row_diff_open(diff, plan->context->repository, &lists, layout, plan->context->rowgroup);
}

void plan_count_hunk(struct plan_kept *kept, const struct row_diff *diff)
{
	kept->in_rows += diff->both;
	kept->row_ranges += row_diff_ranges(diff);
	kept->chunk_ranges += diff->present_rows != 0;
	kept->in_chunks += diff->common.count;
}

static int count_hunks(struct plan *plan, struct row_diff *diff, struct plan_kept *kept)
{
	struct chunk_entry entry;
	int result;

	while ((result = row_diff_hunk(diff)) == 1) {
		while ((result = row_diff_wanted(diff, &entry)) == 1)
			if (plan->context->stop(plan->context->engine))
				return -ECANCELED;
		if (result < 0)
			return result;
		plan_count_hunk(kept, diff);
	}
	return result;
}

static int count_table(struct plan *plan, const struct plan_table *table, struct snapshot_reader *safety)
{
	const struct catalogue_table *present = &plan->present->catalogue->tables[table->present];
	struct plan_kept *kept = &plan->kept[table->wanted];
	struct catalogue_layout layout;
	struct row_diff diff;
	int result;

	if (plan->present->tables[table->present].unread || plan_why_whole(plan, table->wanted, present))
		return 0;
	result = catalogue_layout(&layout, present);
	if (result < 0)
		return result;
	result = plan_diff(plan, table, safety, &layout.layout, &diff);
	if (result == 0) {
		result = count_hunks(plan, &diff, kept);
		row_diff_close(&diff);
	}
	catalogue_layout_free(&layout);
	if (result == -EILSEQ)
		*kept = (struct plan_kept){ .disordered = true };
	/* -EEXIST: no list of a table with a unique key, so that nothing of it counts as kept. */
	return result == -EILSEQ || result == -EEXIST ? 0 : result;
}

int plan_count(struct plan *plan, struct snapshot_reader *safety)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < plan->count; i++)
		result = count_table(plan, &plan->tables[i], safety);
	plan->counted = result == 0;
	return result;
}

/* ---- deciding ---- */

/*
 * What a range costs, in rows: to compile and run a statement of its own takes a server as long as to delete and insert
 * some dozens within larger ones, but writes no more log than one. The first few are as good as nothing.
 */
#define RANGE_ROWS 16
#define RANGES_FREE 100

static uint64_t cost_of_ranges(uint64_t ranges)
{
	return ranges > RANGES_FREE ? ranges * RANGE_ROWS : 0;
}

/* By rows fewer go and come, by chunks it may take fewer ranges. */
static bool rows_pay(const struct plan_kept *kept)
{
	return cost_of_ranges(kept->row_ranges) <= 2 * kept->in_rows + cost_of_ranges(kept->chunk_ranges);
}

static const char *why_not_by_range(const struct plan *plan, const struct plan_table *table)
{
	const struct catalogue *catalogue = plan->present->catalogue;
	uint64_t present = plan->present->tables[table->present].digest.rows;
	const char *why = plan_why_whole(plan, table->wanted, &catalogue->tables[table->present]);

	if (plan->present->tables[table->present].unread)
		return "it is damaged and cannot be read";
	if (!plan->counted && !why)
		why = "without a safety snapshot there is no list to compare";
	if (!why && plan->kept[table->wanted].disordered)
		why = "its rows came in another order than in the snapshot";
	if (!why && !table->kept)
		why = table->by_rows ? "nothing of it is as it was" : "it differs in too many places";
	if (!why && table->kept < present - table->kept &&
		catalogue_may_truncate(catalogue, &catalogue->tables[table->present]))
		why = table->by_rows ? "most of it differs" : "it differs in too many places";
	return why;
}

/* Of a table that cannot be read only the server's own count is known. */
static uint64_t rows_told(const struct plan *plan, const struct plan_table *table)
{
	int64_t rows = plan->present->catalogue->tables[table->present].rows;

	return rows > 0 ? (uint64_t)rows : 0;
}

void plan_decide(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct plan_table *table = &plan->tables[i];
		const struct plan_kept *kept = &plan->kept[table->wanted];
		uint64_t present = plan->present->tables[table->present].digest.rows;
		uint64_t wanted = plan->wanted->tables[table->wanted].digest.rows;

		table->by_rows = rows_pay(kept);
		table->kept = kept->in_chunks + (table->by_rows ? kept->in_rows : 0);
		/* Of each list alone: were more kept than one has, the list would be none of these rows. */
		if (table->kept > present || table->kept > wanted)
			table->kept = 0;
		table->why = why_not_by_range(plan, table);
		table->whole = table->why != NULL;
		table->kept = table->whole ? 0 : table->kept;
		table->deleted = plan->present->tables[table->present].unread ? rows_told(plan, table) : present - table->kept;
		table->inserted = wanted - table->kept;
	}
}

/* ---- values that no row has ---- */

bool plan_values_differ(const struct plan *plan)
{
	const struct catalogue *wanted = plan->wanted->catalogue, *present = plan->present->catalogue;

	for (size_t i = 0; i < plan->wanted->table_count; i++) {
		const struct catalogue_table *table = &wanted->tables[plan->wanted->tables[i].table];
		int there = catalogue_find_table(present, table->schema, table->name);

		if (there >= 0 && identity_differs(table, &present->tables[there]))
			return true;
	}
	return sequences_differ(wanted, present);
}

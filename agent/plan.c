/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/plan.h"

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
	name_set_close(&plan->names);
	free(plan->tables);
	free(plan->kept);
	plan->tables = NULL;
	plan->kept = NULL;
	plan->count = 0;
}

/* ---- lists ---- */

int plan_next_rows(struct stream_cursor *cursor, struct chunk_entry *entry)
{
	int result;

	while ((result = stream_next(cursor, entry)) == 1) {
		if (entry->tag == CHUNK_ROWS)
			return entry->size <= CHUNK_SIZE_MAX && entry->count ? 1 : -EBADMSG;
		if (entry->tag != CHUNK_VALUE)
			return -EBADMSG;
	}
	return result;
}

int plan_names(struct name_set *names, struct snapshot_reader *reader, size_t stream)
{
	struct stream_cursor *cursor = NULL;
	struct chunk_entry entry;
	struct stream_info info;
	uint64_t count = 0;
	int result = snapshot_stream_info(reader, stream, &info);

	if (result == 0 && info.chunks > CONFIG_AGENT_PLAN_CHUNKS)
		return -E2BIG;
	if (result == 0)
		result = name_set_open(names, (size_t)info.chunks);
	if (result == 0)
		result = stream_open(reader, stream, &cursor);
	if (result < 0)
		return result;
	while ((result = plan_next_rows(cursor, &entry)) == 1)
		if (++count > info.chunks || !name_set_add(names, &entry.name)) {
			result = count > info.chunks ? -EBADMSG : -EEXIST;
			break;
		}
	stream_close(cursor);
	return result;
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

		if (there < 0 || !plan->present->tables[there].seen)
			return -EPROTO;
		if (!table_digest_equal(&wanted->tables[i].digest, &plan->present->tables[there].digest))
			plan->tables[plan->count++] = (struct plan_table){ .wanted = i, .present = (uint32_t)there };
	}
	return 0;
}

static int count_kept(struct plan *plan, const struct plan_table *table, struct snapshot_reader *safety)
{
	struct stream_cursor *cursor;
	struct chunk_entry entry;
	int result = stream_open(safety, plan->present->tables[table->present].stream, &cursor);

	if (result < 0)
		return result;
	while ((result = plan_next_rows(cursor, &entry)) == 1) {
		if (name_set_take(&plan->names, &entry.name))
			plan->kept[table->wanted] += entry.count;
		if (plan->context->stop(plan->context->engine)) {
			result = -ECANCELED;
			break;
		}
	}
	stream_close(cursor);
	return result;
}

int plan_count(struct plan *plan, struct snapshot_reader *safety)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < plan->count; i++) {
		const struct plan_table *table = &plan->tables[i];

		if (plan_why_whole(plan, table->wanted, &plan->present->catalogue->tables[table->present]))
			continue;
		result = plan_names(&plan->names, plan->wanted->reader, plan->wanted->tables[table->wanted].stream);
		if (result == 0)
			result = count_kept(plan, table, safety);
		name_set_close(&plan->names);
		if (result == -EEXIST)
			result = 0; /* no list of a table with a unique key: nothing of it counts as kept */
	}
	plan->counted = result == 0;
	return result;
}

static const char *why_not_by_range(const struct plan *plan, const struct plan_table *table)
{
	const struct catalogue *catalogue = plan->present->catalogue;
	uint64_t present = plan->present->tables[table->present].digest.rows, kept = plan->kept[table->wanted];
	const char *why = plan_why_whole(plan, table->wanted, &catalogue->tables[table->present]);

	if (!plan->counted && !why)
		why = "without a safety snapshot there is no list to compare";
	if (!why && !kept)
		why = "nothing of it is as it was";
	if (!why && kept < present - kept && catalogue_may_truncate(catalogue, &catalogue->tables[table->present]))
		why = "most of it differs";
	return why;
}

void plan_decide(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct plan_table *table = &plan->tables[i];
		uint64_t present = plan->present->tables[table->present].digest.rows;
		uint64_t wanted = plan->wanted->tables[table->wanted].digest.rows;

		/* Of each list alone: were more kept than one has, the list would be none of these rows. */
		if (plan->kept[table->wanted] > present || plan->kept[table->wanted] > wanted)
			plan->kept[table->wanted] = 0;
		table->why = why_not_by_range(plan, table);
		table->whole = table->why != NULL;
		table->kept = table->whole ? 0 : plan->kept[table->wanted];
		table->deleted = present - table->kept;
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

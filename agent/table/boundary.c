/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/table/boundary.h"

#define SCALE_STEP 8 /* from one scale of an open end to the next; part of the format */

static size_t at_least_one(size_t n)
{
	return n ? n : 1;
}

void boundary_rule_init(struct boundary_rule *rule, const struct rowgroup_params *params, size_t max_bytes)
{
	*rule = (struct boundary_rule){
		.rare = UINT64_MAX / params->rare_rows,
		.frequent = UINT64_MAX / params->frequent_rows,
		.min_run = params->group_rows < params->max_rows ? params->group_rows : params->max_rows,
		/* Equal rows of a heap have equal hashes: without a least length each of them might be a chunk. */
		.min_piece = at_least_one(params->frequent_rows / 8),
		.least_bytes = params->least_bytes,
		.max_rows = params->max_rows,
		.max_bytes = max_bytes,
	};
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
	return a / b + (a % b != 0);
}

bool boundary_group_ends(const struct boundary_rule *rule, const struct row_group *group)
{
	uint64_t by_rows = divide_up(rule->min_run, group->rows), by_bytes = divide_up(rule->least_bytes, group->bytes);

	return group->hash <= UINT64_MAX / (by_rows > by_bytes ? by_rows : by_bytes);
}

static bool over_limit(const struct boundary_rule *rule, const struct row_mark *marks, size_t count)
{
	return count > rule->max_rows || (count > 1 && marks[count - 1].end > rule->max_bytes);
}

/* The rows up to the smallest hash in the second half of the run; the last row, beyond the limit, has no say. */
static size_t limit_cut(const struct row_mark *marks, size_t count)
{
	size_t best = count - 2;

	for (size_t i = count - 1; i-- > count / 2;)
		if (marks[i].hash < marks[best].hash)
			best = i;
	return best + 1;
}

enum cut boundary_check(const struct boundary_rule *rule, const struct row_mark *marks, size_t count, size_t *rows)
{
	const struct row_mark *last = &marks[count - 1];

	if (last->ends_run && count > 1) {
		*rows = count - 1;
		return CUT_OPEN;
	}
	if (over_limit(rule, marks, count)) {
		*rows = limit_cut(marks, count);
		return CUT_CLOSED;
	}
	if (last->hash <= rule->rare && count >= rule->min_run && last->end >= rule->least_bytes) {
		*rows = count;
		return CUT_CLOSED;
	}
	return CUT_NONE;
}

size_t boundary_piece(
	const struct boundary_rule *rule, const struct row_mark *marks, size_t count, size_t start, uint64_t *scale)
{
	for (;;) {
		for (size_t i = rule->min_piece; i < count; i++)
			if (marks[i - 1].hash <= *scale && marks[i - 1].end - start >= rule->least_bytes)
				return i;
		if (*scale >= rule->frequent)
			return count;
		*scale = *scale > rule->frequent / SCALE_STEP ? rule->frequent : *scale * SCALE_STEP;
	}
}

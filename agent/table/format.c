/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/table/format.h"

#include <errno.h>
#include <stdlib.h>

#define CHUNK_BYTES_MAX (4u * 1024 * 1024) /* ends of table entries are 23 bits */
#define SECTION_HEAD_MAX 16                /* bytes of a section that no row pays for */
#define CHUNK_HEAD_MAX 64

const struct rowgroup_params rowgroup_params_default = {
	.rare_rows = 1024,
	.frequent_rows = 32,
	.group_rows = 32,
	.max_rows = 8192,
	.max_bytes = 256 * 1024,
	.inline_limit = 16 * 1024,
	.piece_size = 256 * 1024,
	.least_bytes = 2048,
};

bool rowgroup_params_valid(const struct rowgroup_params *p)
{
	return p->frequent_rows && p->rare_rows >= p->frequent_rows && p->group_rows && p->max_rows > 1 &&
		p->max_rows <= 1u << 20 && p->max_bytes >= 1024 && p->max_bytes <= CHUNK_BYTES_MAX && p->inline_limit >= 64 &&
		p->inline_limit <= p->max_bytes / 8 && p->piece_size > p->inline_limit && p->piece_size <= CHUNK_BYTES_MAX &&
		p->least_bytes <= p->max_bytes / 8;
}

static bool layout_valid(const struct layout *layout)
{
	if (!layout->column_count || layout->column_count > LAYOUT_COLUMNS_MAX || layout->key_count > layout->column_count)
		return false;
	for (size_t i = 0; i < layout->column_count; i++)
		if (!column_type_is_known((int)layout->columns[i].type))
			return false;
	for (size_t i = 0; i < layout->key_count; i++)
		if (layout->key[i] >= layout->column_count)
			return false;
	return true;
}

int column_plan_create(struct column_plan **plans, const struct layout *layout)
{
	if (!layout_valid(layout))
		return -EINVAL;

	struct column_plan *plan = calloc(layout->column_count, sizeof(*plan));

	if (!plan)
		return -ENOMEM;
	for (size_t i = 0; i < layout->column_count; i++) {
		enum column_type type = layout->columns[i].type;

		plan[i].type = type;
		plan[i].width = (uint8_t)column_type_size(type);
		plan[i].utf16 = column_type_is_utf16(type);
		plan[i].derived = layout->columns[i].derived || type == COLUMN_ROWVERSION;
	}
	*plans = plan;
	return 0;
}

size_t rowgroup_chunk_max(const struct layout *layout, const struct rowgroup_params *params)
{
	return params->max_bytes + layout->column_count * SECTION_HEAD_MAX + CHUNK_HEAD_MAX;
}

uint64_t large_pieces(uint64_t size, uint32_t piece_size)
{
	return (size + piece_size - 1) / piece_size;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Values that are put together from what their section keeps of them and copies of another column's value. */
#include <errno.h>

#include "agent/table/bytes.h"
#include "agent/table/column_read.h"

/* What is read from, and what comes out. */
struct together {
	const uint8_t *kept, *kept_end, *near;
	size_t near_size, near_at; /* near_at: behind the last copy */
	uint8_t *out, *out_end;
};

static bool put(struct together *together, const uint8_t *bytes, size_t size)
{
	if (size > (size_t)(together->out_end - together->out))
		return false;
	memcpy(together->out, bytes, size);
	together->out += size;
	return true;
}

static bool put_kept(struct together *together, uint64_t size)
{
	const uint8_t *from = together->kept;

	if (size > (size_t)(together->kept_end - from))
		return false;
	together->kept += size;
	return put(together, from, (size_t)size);
}

/* A copy begins anywhere in the other value but at its end; 0 is all up to there. */
static bool put_copy(struct together *together, uint64_t distance, uint64_t size)
{
	uint64_t start = together->near_at + unzigzag(distance);

	if (start >= together->near_size || size > together->near_size - start)
		return false;
	if (!size)
		size = together->near_size - start;
	together->near_at = (size_t)(start + size);
	return put(together, together->near + start, (size_t)size);
}

static bool follow_steps(struct column_cursor *cursor, struct together *together)
{
	uint64_t copies, kept, distance, size;

	if (!varint_get(&cursor->steps, cursor->steps_end, &copies))
		return false;
	while (copies--)
		if (!varint_get(&cursor->steps, cursor->steps_end, &kept) ||
			!varint_get(&cursor->steps, cursor->steps_end, &distance) ||
			!varint_get(&cursor->steps, cursor->steps_end, &size) || !put_kept(together, kept) ||
			!put_copy(together, distance, size))
			return false;
	return put_kept(together, (uint64_t)(together->kept_end - together->kept));
}

int column_put_together(struct column_cursor *cursor, struct column_room *room)
{
	const struct kept *near = &(cursor - cursor->back)->kept;
	struct kept *kept = &cursor->kept;
	struct together together = {
		.kept = kept->bytes,
		.kept_end = kept->bytes + kept->size,
		.near = near->bytes,
		.near_size = near->size,
		.out = room->at,
		.out_end = room->at + room->beside,
	};

	if (!follow_steps(cursor, &together))
		return -EBADMSG;
	kept->bytes = room->at;
	kept->size = (size_t)(together.out - room->at);
	room->at += kept->size;
	room->beside -= kept->size;
	return 0;
}

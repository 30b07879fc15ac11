/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes over the command's socket, and what lies in small records: blocks. Whatever is taken for one must come back
 * the same when it is written and read again.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/base/block.h"
#include "agent/job/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(const struct block_fields *fields)
{
	static struct block block;
	static struct block_fields again;
	block_begin(&block, NULL);
	for (size_t i = 0; i < fields->count; i++)
		block_add(&block, fields->keys[i], fields->values[i]);
	if (block_end(&block) < 0)
		return; /* \xNN for a byte that has a shorter form never comes, but bytes that need none may have been escaped */
	if (block_parse(&again, block.bytes, block.size) < 0 || again.count != fields->count)
		abort();
	for (size_t i = 0; i < fields->count; i++)
		if (strcmp(again.values[i], fields->values[i]) != 0 || strcmp(again.keys[i], fields->keys[i]) != 0)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct block_fields fields;
	static struct journal journal;
	const char *bytes = (const char *)data;
	uint64_t number;
	int length = block_length(bytes, size);
	if (length > (int)size || length > BLOCK_SIZE)
		abort();
	if (length > 0 && block_parse(&fields, bytes, (size_t)length) == 0) {
		write_again(&fields);
		for (size_t i = 0; i < fields.count; i++)
			if (block_get_number(&fields, fields.keys[i], 1000, &number) == 0 && number > 1000)
				abort();
	}
	journal_decode(&journal, data, size);
	return 0;
}

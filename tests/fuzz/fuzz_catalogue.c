/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever decodes must encode, and then decode to the same bytes; its layouts must hold together. */
#include <stdlib.h>
#include <string.h>

#include "agent/sql/catalogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void try_layouts(const struct catalogue *catalogue)
{
	for (uint32_t i = 0; i < catalogue->table_count; i++) {
		struct catalogue_layout layout;
		if (catalogue_layout(&layout, &catalogue->tables[i]) == 0)
			catalogue_layout_free(&layout);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct catalogue *catalogue, *again;
	uint8_t *first, *second;
	size_t first_size, second_size;

	if (catalogue_decode(&catalogue, bytes, size) < 0)
		return 0;
	try_layouts(catalogue);
	if (catalogue_encode(catalogue, &first, &first_size) < 0)
		abort();
	if (catalogue_decode(&again, first, first_size) < 0 || catalogue_encode(again, &second, &second_size) < 0)
		abort();
	if (first_size != second_size || memcmp(first, second, first_size) != 0)
		abort();
	free(first);
	free(second);
	catalogue_free(again);
	catalogue_free(catalogue);
	return 0;
}

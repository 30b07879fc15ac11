/* SPDX-License-Identifier: Apache-2.0 */
/* Rows chunks from anywhere: an error or rows, and no byte is read that is not there. */
#include "tests/support/rowgroup_hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table_digest digest;

	if (!size)
		return 0;

	/* A copy of its own, so that reading one byte too far is seen. */
	uint8_t *copy = malloc(size > 1 ? size - 1 : 1);

	if (!copy)
		return 0;
	for (size_t i = 1; i < size; i++)
		copy[i - 1] = data[i];

	int error = hostile_read(data[0], copy, size - 1, &digest);

	if (error && error != -EBADMSG)
		abort();
	free(copy);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Catalogues made by hand, for tests. */
#ifndef TESTS_SUPPORT_CATALOGUE_SAMPLE_H
#define TESTS_SUPPORT_CATALOGUE_SAMPLE_H

#include "agent/sql/catalogue.h"

struct column_sample {
	const char *name, *type;
	int32_t max_length, precision, scale;
	bool nullable;
};

/* Adds to a catalogue from catalogue_new. Strings are borrowed and must outlive it. */
struct catalogue_table *sample_table(struct catalogue *catalogue, const char *schema, const char *name,
	const struct column_sample *columns, size_t count);
/* keys: column numbers from 1, negative for descending; ends with 0. */
struct catalogue_index *sample_index(
	struct catalogue *catalogue, struct catalogue_table *table, int32_t type, bool unique, const int *keys);

#endif

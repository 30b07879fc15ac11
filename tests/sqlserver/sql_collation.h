/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collations by name: their code page, their five bytes on the wire, their order.
 * A collation, once found, has a number that is good for the life of the process.
 */
#ifndef TESTS_SQLSERVER_SQL_COLLATION_H
#define TESTS_SQLSERVER_SQL_COLLATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct collation {
	char name[64];
	uint32_t lcid;
	unsigned page;
	uint8_t version, sort_id;
	bool ignore_case, ignore_accent, ignore_kana, ignore_width, binary, utf8, supplementary;
};

#define COLLATION_DEFAULT 1 /* SQL_Latin1_General_CP1_CI_AS, the server's */

/* The number of the collation of that name (any case); 0 if there is none in a server of that major version. */
uint16_t collation_find(const char *name, int version);
const struct collation *collation_get(uint16_t number);
void collation_wire(uint16_t number, uint8_t wire[5]);
/* The number for five bytes off the wire; 0 if unknown. */
uint16_t collation_from_wire(const uint8_t wire[5]);
/* Order of two WTF-8 texts; trailing spaces do not count. by_page: a varchar's order (it matters for _BIN2). */
int collation_compare(
	const struct collation *collation, bool by_page, const char *a, size_t size_a, const char *b, size_t size_b);
/* The character as the collation compares it: case and accent folded away where it ignores them. */
uint32_t collation_fold(const struct collation *collation, uint32_t c);

#endif

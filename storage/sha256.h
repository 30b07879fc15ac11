/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 as mbedTLS has it, whole blocks by the CPU's own instructions where it has them: mbedTLS 2.28 knows none, and
 * takes eight times as long. They are believed only if they agree with mbedTLS on a block at first use. Public for
 * crypto.c and its test.
 */
#ifndef STORAGE_SHA256_H
#define STORAGE_SHA256_H

#include <mbedtls/sha256.h>
#include <stdbool.h>

/* As mbedtls_sha256_update_ret, of which it returns the error. */
int sha256_update(mbedtls_sha256_context *hash, const void *bytes, size_t size);
/* The CPU does it. */
bool sha256_is_quick(void);

#endif

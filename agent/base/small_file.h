/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small file that is always the old one or the new one: written beside, synced, renamed, and the directory synced.
 */
#ifndef AGENT_BASE_SMALL_FILE_H
#define AGENT_BASE_SMALL_FILE_H

#include <stddef.h>

/* Returns its length, or -EFBIG where it is longer than `size`, or an errno. */
int small_file_read(const char *directory, const char *name, void *bytes, size_t size);
/* Mode 0600. Durable on return; after an error, or a cut, it is the old one or the new one. */
int small_file_write(const char *directory, const char *name, const void *bytes, size_t size);

#endif

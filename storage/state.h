/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small named records on a volume, for what must survive a power cut: a journal's last step, the head of a log, the box
 * time. After a cut the old record is there or the new one, never a mixture. Two are kept of each name, so that a damaged
 * one leaves the one before. Not encrypted: repository_state_write is.
 *
 * Functions return 0, a length where one is said, or a negative errno of the volume.
 */
#ifndef STORAGE_STATE_H
#define STORAGE_STATE_H

#include "storage/volume.h"

#define STATE_SIZE_MAX 4096
#define STATE_NAME_MAX 31

/* Durable on return. Size 0 is a record too. -EINVAL: name or size too long. -EEXIST: another name has this one's hash. */
int state_write(struct volume *volume, const char *name, const void *bytes, size_t size);
/* The length of the newest whole record. -ENOENT: never written. -ERANGE: longer than capacity. */
int state_read(struct volume *volume, const char *name, void *bytes, size_t capacity);

#endif

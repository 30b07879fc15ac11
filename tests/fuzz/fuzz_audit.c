/* SPDX-License-Identifier: Apache-2.0 */
/* An audit log that someone wrote into. It is checked without fault, and where it can be opened it can be written to. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/job/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/dev/shm/coffret-fuzz-XXXXXX"; /* where a sync costs nothing */

static void remove_all(void)
{
	char path[64];

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/audit.log%s", directory, i ? ".old" : "");
		unlink(path);
	}
	rmdir(directory);
}

static void put(const char *name, const uint8_t *data, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", directory, name);

	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (file < 0 || write(file, data, size) != (ssize_t)size)
		abort();
	close(file);
}

static void write_behind(void)
{
	struct audit audit;
	struct audit_record record;
	struct audit_verdict before, after;
	bool whole = audit_verify(directory, &before) == 0;

	if (audit_open(&audit, directory))
		return;
	audit_begin(&record, "restore-asked");
	audit_add(&record, "by", "panel");
	if (audit_write(&audit, &record, 1000000000))
		abort();
	audit_close(&audit);
	if (whole && (audit_verify(directory, &after) || after.records <= before.records))
		abort(); /* a good log stays one */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool made;

	if (!made && (!mkdtemp(directory) || atexit(remove_all)))
		abort();
	made = true;

	size_t old = size ? data[0] * (size - 1) / 255 : 0;

	put("audit.log.old", data + (size > 0), old);
	put("audit.log", data + (size > 0) + old, size - (size > 0) - old);
	write_behind();
	return 0;
}

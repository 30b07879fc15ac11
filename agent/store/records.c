/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/store/records.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/small_file.h"
#include "agent/job/engine.h"
#include "agent/job/journal.h"

static void file_name(const char *name, char file[48])
{
	snprintf(file, 48, "job-%.40s", name);
}

/* 0 where it is none. */
static uint64_t job_of(const void *bytes, int size)
{
	struct journal journal;
	return size > 0 && journal_decode(&journal, bytes, (size_t)size) == 0 ? journal.job : 0;
}

int records_read(const struct store *store, const char *name, void *bytes, size_t size)
{
	char file[48], sealed[ENGINE_RECORD_SIZE];
	struct repository *home = store_home(store);
	file_name(name, file);
	int here = small_file_read(store->config->state_directory, file, bytes, size);
	int there = home ? repository_state_read(home, name, sealed, size < sizeof(sealed) ? size : sizeof(sealed))
					 : -ENODEV;
	/* The journal says of which job it is, over or not; another record that is empty has been dealt with. */
	bool older = here < 0 || (!strcmp(name, "journal") && job_of(sealed, there) > job_of(bytes, here));
	if (there < 0 || !older)
		return here < 0 ? there : here;
	memcpy(bytes, sealed, (size_t)there);
	return there;
}

int records_write(const struct store *store, const char *name, const void *bytes, size_t size)
{
	char file[48];
	struct repository *home = store_home(store);
	file_name(name, file);
	int result = small_file_write(store->config->state_directory, file, bytes, size);
	return result < 0 || !home ? result : repository_state_write(home, name, bytes, size);
}

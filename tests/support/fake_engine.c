/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fake_engine.h"

#include <errno.h>

int64_t fake_box_time;

void fake_box_now(void *arg, int64_t *box_time, int64_t *wall_time)
{
	(void)arg;
	*box_time = fake_box_time;
	*wall_time = 1700000000;
}

static void no_progress(void *engine, const struct job_progress *progress)
{
	(void)engine, (void)progress;
}

static bool never(void *engine)
{
	(void)engine;
	return false;
}

struct job_context fake_engine_context(struct repository *repository, const struct config *config)
{
	return (struct job_context){ .repository = repository, .config = config, .progress = no_progress, .stop = never };
}

int fake_record_read(void *arg, const char *name, void *bytes, size_t size)
{
	(void)arg, (void)name, (void)bytes, (void)size;
	return -ENOENT;
}

int fake_record_write(void *arg, const char *name, const void *bytes, size_t size)
{
	(void)arg, (void)name, (void)bytes, (void)size;
	return 0;
}

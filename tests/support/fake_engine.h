/* SPDX-License-Identifier: Apache-2.0 */
/* What a story is given where no engine runs it, and the box's clock, which stands where a test puts it. */
#ifndef TESTS_SUPPORT_FAKE_ENGINE_H
#define TESTS_SUPPORT_FAKE_ENGINE_H

#include "agent/job/job.h"

/* Nobody looks how far it is, and nobody stops it; the rest is the test's. */
struct job_context fake_engine_context(struct repository *repository, const struct config *config);

/* For an engine's ground: nothing is kept of its records. */
int fake_record_read(void *arg, const char *name, void *bytes, size_t size);
int fake_record_write(void *arg, const char *name, const void *bytes, size_t size);

extern int64_t fake_box_time; /* seconds */
/* For repository_settings: that, at a wall time that stands still. */
void fake_box_now(void *arg, int64_t *box_time, int64_t *wall_time);

#endif

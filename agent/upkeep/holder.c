/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/upkeep/holder.h"

#include <errno.h>

#include "agent/config/config.h"
#include "storage/repository.h"

int holder_check(const struct job_context *context, const char *database, struct job_report *report)
{
	const struct volume_config *volume = context->volume;
	struct repository_status status;
	int error = volume ? repository_status(context->repository, &status) : 0;
	if (error < 0 || !volume || status.durable)
		return error;
	if (!volume->accept_risk)
		return -EMEDIUMTYPE;
	job_report_note(report,
		"%.120s: snapshots are kept only in %.120s, which cannot promise that a power cut loses nothing; the configuration accepts that",
		database, volume->path);
	return 0;
}

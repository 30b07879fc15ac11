/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/service/catch_up.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/say.h"

/* The newest good one of its database, and not on that volume. */
static bool is_missed(struct service *service, const struct shelf_entry *entry, size_t volume)
{
	struct shelf_entry newest;
	return entry->info.class == SNAPSHOT_BACKUP && !(entry->volumes >> volume & 1) &&
		shelf_newest(service->shelf, entry->info.subject, SNAPSHOT_BACKUP, &newest) == 0 &&
		newest.info.id == entry->info.id;
}

static int ask_for_copy(struct service *service, uint64_t snapshot, const char *volume)
{
	struct job_request request = {
		.kind = JOB_COPY, .snapshot = snapshot, .origin = ORIGIN_SCHEDULE, .asked_by = "schedule"
	};
	uint64_t id;
	snprintf(request.volume, sizeof(request.volume), "%s", volume);
	int result = service_submit(service, &request, &id);
	if (result == 0)
		say(SAY_INFO, "Job %llu: %s missed snapshot %016llx while it was not there, and gets it now.",
			(unsigned long long)id, volume, (unsigned long long)snapshot);
	return result == -EALREADY ? 0 : result;
}

static bool ask_for_all(struct service *service, size_t volume, const char *name)
{
	struct shelf_entry entry;
	for (size_t i = 0; shelf_get(service->shelf, i, &entry) == 0; i++)
		if (is_missed(service, &entry, volume) && ask_for_copy(service, entry.info.id, name) < 0)
			return false;
	return true;
}

void catch_up_look(struct catch_up *catch_up, struct service *service)
{
	struct shelf_volume volume;
	for (size_t i = 0; shelf_volume(service->shelf, i, &volume) == 0; i++) {
		bool takes = service->config->volumes[i].copy && volume.there && !volume.foreign && !volume.error &&
			!volume.status.read_only;
		if (!takes)
			catch_up->done[i] = false;
		else if (!catch_up->done[i])
			catch_up->done[i] = ask_for_all(service, i, volume.name);
	}
}

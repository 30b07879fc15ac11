/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/service/catch_up.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/say.h"

#define DAY_MS 86400000

/* The newest good one of its database, and not on that volume. */
static bool is_missed(struct service *service, const struct shelf_entry *entry, size_t volume)
{
	struct shelf_entry newest;
	return entry->info.class == SNAPSHOT_BACKUP && !(entry->volumes >> volume & 1) &&
		shelf_newest(service->shelf, entry->info.subject, SNAPSHOT_BACKUP, &newest) == 0 &&
		newest.info.id == entry->info.id;
}

static bool is_asked(const struct catch_up_volume *asking, uint64_t snapshot)
{
	for (size_t i = 0; i < asking->asked_count; i++)
		if (asking->asked[i] == snapshot)
			return true;
	return asking->asked_count == CATCH_UP_ASKED_MAX;
}

static bool ask_for_copy(struct service *service, uint64_t snapshot, const char *volume)
{
	struct job_request request = {
		.kind = JOB_COPY, .snapshot = snapshot, .origin = ORIGIN_SCHEDULE, .asked_by = "schedule"
	};
	uint64_t id;
	snprintf(request.volume, sizeof(request.volume), "%s", volume);
	int result = engine_room(service->engine) > ENGINE_QUEUE_MAX / 2 ? service_submit(service, &request, &id) : -ENOSPC;
	if (result == 0)
		say(SAY_INFO, "Job %llu: %s missed snapshot %016llx while it was not there, and gets it now.",
			(unsigned long long)id, volume, (unsigned long long)snapshot);
	return result == 0 || result == -EALREADY;
}

static void remember(struct catch_up_volume *asking, uint64_t snapshot, int64_t now_ms)
{
	if (asking->asked_count == 0 && asking->rounds++ == 0)
		asking->first_ms = now_ms;
	asking->asked[asking->asked_count++] = snapshot;
}

/* True where nothing is left to be asked for. */
static bool ask_for_all(
	struct service *service, struct catch_up_volume *asking, size_t volume, const char *name, int64_t now_ms)
{
	struct shelf_entry entry;
	for (size_t i = 0; shelf_get(service->shelf, i, &entry) == 0; i++) {
		if (!is_missed(service, &entry, volume) || is_asked(asking, entry.info.id))
			continue;
		if (!ask_for_copy(service, entry.info.id, name))
			return false;
		remember(asking, entry.info.id, now_ms);
	}
	return true;
}

static bool may_ask(struct catch_up_volume *asking, int64_t now_ms)
{
	if (asking->rounds && now_ms - asking->first_ms >= DAY_MS)
		asking->rounds = 0;
	return asking->asked_count || asking->rounds < CATCH_UP_ROUNDS;
}

void catch_up_look(struct catch_up *catch_up, struct service *service, int64_t now_ms)
{
	struct shelf_volume volume;
	for (size_t i = 0; shelf_volume(service->shelf, i, &volume) == 0; i++) {
		struct catch_up_volume *asking = &catch_up->volumes[i];
		bool takes = service->config->volumes[i].copy && volume.there && !volume.foreign && !volume.error &&
			!volume.status.read_only;
		if (!takes) {
			asking->done = false;
			asking->asked_count = 0;
		} else if (!asking->done && may_ask(asking, now_ms)) {
			asking->done = ask_for_all(service, asking, i, volume.name, now_ms);
		}
	}
}

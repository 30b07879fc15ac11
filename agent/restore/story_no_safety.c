/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a restore that could not keep what is there now. */
#include <errno.h>
#include <stdio.h>

#include "agent/job/server.h"
#include "agent/job/story.h"
#include "agent/upkeep/keep.h"
#include "agent/upkeep/room.h"

/* What a safety snapshot may take, what there is, and what would give it room. */
static void tell_no_room(struct story *story, char *remedy, size_t size)
{
	char subject[136], free_size[32];
	struct room room;

	server_subject(story->server, story->outcome->database, subject, sizeof subject);
	keep_tell_full(story->context, subject, story->report);
	if (room_look(story->context->repository, subject, &room) == 0)
		snprintf(remedy, size,
			"The safety snapshot does not fit: there is room for %s. coffret remove ID gives back some (the notes say what "
			"could go); or attach a disk, and name it as a volume in coffret.conf.",
			story_size(room.free, free_size));
}

enum job_state story_no_safety(struct story *story, int error, const char *doing)
{
	enum job_state state = story_store_failed(story, error, doing);

	if (state == JOB_CANCELLED)
		return state;
	if (error == -ENOSPC)
		tell_no_room(story, story->outcome->remedy, sizeof story->outcome->remedy);
	story_ask_consent(story, CONSENT_WITHOUT_SAFETY);
	return state;
}

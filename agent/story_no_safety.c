/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a restore that could not keep what is there now. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/keep.h"
#include "agent/room.h"
#include "agent/server.h"
#include "agent/story.h"

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
	struct job_outcome *outcome = story->outcome;
	enum job_state state = story_store_failed(story, error, doing);
	char why[sizeof outcome->sentence], remedy[sizeof outcome->remedy];

	if (state == JOB_CANCELLED)
		return state;
	memcpy(why, outcome->sentence, sizeof why);
	memcpy(remedy, outcome->remedy, sizeof remedy);
	snprintf(outcome->sentence, sizeof outcome->sentence,
		"%.300s The present state of %.120s cannot be kept, and nothing was changed.", why, outcome->database);
	if (error == -ENOSPC)
		tell_no_room(story, remedy, sizeof remedy);
	snprintf(outcome->remedy, sizeof outcome->remedy,
		"%.330s Or ask with --without-safety: what is there now is then lost, and there is no undo.", remedy);
	return state;
}

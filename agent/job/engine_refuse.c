/* SPDX-License-Identifier: Apache-2.0 */
/* Why a job cannot begin, said in its report. */
#include <stdio.h>

#include "agent/job/engine_private.h"

static void refuse_changed(struct engine *engine, const struct job_context *context, const struct journal *unknown)
{
	const struct job_outcome *about = &unknown->outcome;
	const char *away = job_volume_away(context);
	struct job_outcome *outcome = job_report_outcome(engine->report, about->server, about->database);
	snprintf(outcome->sentence, sizeof(outcome->sentence),
		"It is not known yet how job %llu ended, which was changing %.200s; before the server has told, nothing else is changed there.",
		(unsigned long long)unknown->job, about->database);
	snprintf(outcome->remedy, sizeof(outcome->remedy),
		"See that the server can be reached with the restore login%s%s%s. Coffret asks it again by itself and before each "
		"restore.",
		away ? ", and attach the volume " : "", away ? away : "",
		away ? ", or take it out of coffret.conf and restart coffretd if it is gone for good" : "");
}

/* Were its outcome unknown, too, it would be forgotten. */
static void refuse_one_more(struct engine *engine)
{
	const struct job_request *request = &engine->running.request;
	struct job_outcome *outcome = job_report_outcome(engine->report, request->server, request->database);
	snprintf(outcome->sentence, sizeof(outcome->sentence),
		"It is not known yet how %d restores ended, which is as many as the box can look after; nothing was changed.",
		ENGINE_UNKNOWN_MAX);
	snprintf(outcome->remedy, sizeof(outcome->remedy),
		"coffret status names their databases: see that the servers can be reached with the restore login. Coffret asks them "
		"by itself.");
}

static void refuse_without_volume(struct engine *engine)
{
	const struct job_request *request = &engine->running.request;
	struct job_outcome *outcome = job_report_outcome(engine->report, request->server, request->database);
	snprintf(outcome->sentence, sizeof(outcome->sentence), "No volume is there; nothing was done.");
	snprintf(outcome->remedy, sizeof(outcome->remedy), "Attach it again; coffret status says what is missing.");
}

bool engine_refuse(struct engine *engine, const struct job_context *context)
{
	const struct job_request *request = &engine->running.request;
	const struct journal *unknown = engine_concerned(engine, request);
	bool refused = true;
	if (unknown)
		refuse_changed(engine, context, unknown);
	else if (engine_changes_server(request) && engine_unknown_full(engine))
		refuse_one_more(engine);
	else if (!context->repository && engine->ground.volume_count)
		refuse_without_volume(engine);
	else
		refused = false;
	return refused;
}

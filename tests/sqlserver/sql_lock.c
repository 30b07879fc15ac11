/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sqlserver/sql_lock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* compatible[held][wanted] */
static const bool compatible[MODE_COUNT][MODE_COUNT] = {
	[MODE_IS] = { 1, 1, 1, 1, 1, 0, 1, 0 },
	[MODE_S] = { 1, 1, 1, 0, 0, 0, 1, 0 },
	[MODE_U] = { 1, 1, 0, 0, 0, 0, 1, 0 },
	[MODE_IX] = { 1, 0, 0, 1, 0, 0, 1, 0 },
	[MODE_SIX] = { 1, 0, 0, 0, 0, 0, 1, 0 },
	[MODE_X] = { 0, 0, 0, 0, 0, 0, 1, 0 },
	[MODE_SCH_S] = { 1, 1, 1, 1, 1, 1, 1, 0 },
	[MODE_SCH_M] = { 0, 0, 0, 0, 0, 0, 0, 0 },
};

const char *lock_mode_name(enum lock_mode mode)
{
	static const char *const names[] = { "IS", "S", "U", "IX", "SIX", "X", "Sch-S", "Sch-M" };

	return names[mode];
}

static bool same_resource(const struct lock *a, const struct lock *b)
{
	return a->kind == b->kind && a->database == b->database && a->object == b->object && !strcasecmp(a->name, b->name);
}

static bool conflicts(const struct lock *held, const struct lock *wanted)
{
	return held->owner != wanted->owner && same_resource(held, wanted) && !compatible[held->mode][wanted->mode];
}

static struct session *find_conflict(struct engine *engine, const struct lock *wanted)
{
	for (struct lock *held = engine->locks; held; held = held->next)
		if (conflicts(held, wanted))
			return held->owner;
	return NULL;
}

/* Does `from` wait, over any number of others, for `target`? Returns the first session of the circle with low rank. */
static bool waits_for(
	struct engine *engine, struct session *from, struct session *target, int depth, struct session **weakest)
{
	if (!from->waiting_for || depth > 32)
		return false;
	for (struct lock *held = engine->locks; held; held = held->next) {
		if (!conflicts(held, from->waiting_for))
			continue;
		if (held->owner != target && !waits_for(engine, held->owner, target, depth + 1, weakest))
			continue;
		if (from->deadlock_priority < (*weakest)->deadlock_priority)
			*weakest = from;
		return true;
	}
	return false;
}

static void grant(struct engine *engine, const struct lock *wanted)
{
	for (struct lock *held = engine->locks; held; held = held->next) {
		if (held->owner == wanted->owner && held->mode == wanted->mode && held->duration == wanted->duration &&
			same_resource(held, wanted)) {
			held->count++;
			return;
		}
	}
	struct lock *lock = malloc(sizeof(*lock));

	if (!lock)
		abort();
	*lock = *wanted;
	lock->count = 1;
	lock->next = engine->locks;
	engine->locks = lock;
}

static void deadline_after(struct timespec *at, int milliseconds)
{
	clock_gettime(CLOCK_REALTIME, at);
	at->tv_sec += milliseconds / 1000;
	at->tv_nsec += milliseconds % 1000 * 1000000L;
	if (at->tv_nsec >= 1000000000L) {
		at->tv_sec++;
		at->tv_nsec -= 1000000000L;
	}
}

static int wait_turn(struct session *session, const struct timespec *deadline)
{
	struct engine *engine = session->engine;
	struct session *weakest = session;

	if (waits_for(engine, session, session, 0, &weakest)) {
		weakest->victim = true;
		pthread_cond_broadcast(&engine->changed);
	}
	if (session->victim)
		return -EDEADLK;
	if (__atomic_load_n(&session->interrupted, __ATOMIC_RELAXED) || session->killed)
		return -EINTR;
	int error = deadline ? pthread_cond_timedwait(&engine->changed, &engine->mutex, deadline)
						 : pthread_cond_wait(&engine->changed, &engine->mutex);

	return error == ETIMEDOUT ? -ETIMEDOUT : 0;
}

int lock_try(struct session *session, const struct lock *wanted, int timeout)
{
	struct engine *engine = session->engine;
	struct timespec deadline;
	int error = 0;

	if (timeout >= 0)
		deadline_after(&deadline, timeout);
	pthread_mutex_lock(&engine->mutex);
	session->victim = false;
	while ((session->blocker = find_conflict(engine, wanted))) {
		if (timeout == 0) {
			error = -ETIMEDOUT;
			break;
		}
		session->waiting_for = wanted;
		error = wait_turn(session, timeout >= 0 ? &deadline : NULL);
		if (error && (error != -ETIMEDOUT || find_conflict(engine, wanted)))
			break;
		error = 0;
	}
	session->waiting_for = NULL;
	session->blocker = NULL;
	if (!error)
		grant(engine, wanted);
	pthread_mutex_unlock(&engine->mutex);
	return error;
}

int lock_take(struct session *session, enum lock_kind kind, int database, int object, const char *name,
	enum lock_mode mode, enum lock_duration duration)
{
	struct lock wanted = {
		.kind = kind, .database = database, .object = object, .mode = mode, .duration = duration, .owner = session
	};

	if (database == DATABASE_TEMP)
		return 0;
	if (name)
		strncpy(wanted.name, name, sizeof(wanted.name) - 1);
	switch (lock_try(session, &wanted, session->lock_timeout)) {
	case 0:
		return 0;
	case -ETIMEDOUT:
		return session_raise(session, 1222);
	case -EDEADLK:
		return session_raise(session, 1205, session->id);
	default:
		return session_raise_text(session, 3617, 11, 1, "The query was cancelled.");
	}
}

void lock_release(struct session *session, enum lock_duration duration)
{
	struct engine *engine = session->engine;

	pthread_mutex_lock(&engine->mutex);
	for (struct lock **at = &engine->locks; *at;) {
		struct lock *lock = *at;

		if (lock->owner == session && lock->duration <= duration) {
			*at = lock->next;
			free(lock);
		} else {
			at = &lock->next;
		}
	}
	pthread_cond_broadcast(&engine->changed);
	pthread_mutex_unlock(&engine->mutex);
}

bool lock_release_name(struct session *session, int database, const char *name, enum lock_duration duration)
{
	struct engine *engine = session->engine;
	bool found = false;

	pthread_mutex_lock(&engine->mutex);
	for (struct lock **at = &engine->locks; *at && !found;) {
		struct lock *lock = *at;

		found = lock->owner == session && lock->kind == LOCK_APPLICATION && lock->database == database &&
			lock->duration == duration && !strcasecmp(lock->name, name);
		if (found && !--lock->count) {
			*at = lock->next;
			free(lock);
		} else {
			at = &lock->next;
		}
	}
	pthread_cond_broadcast(&engine->changed);
	pthread_mutex_unlock(&engine->mutex);
	return found;
}

const char *lock_held(struct session *session, int database, const char *name, enum lock_duration duration)
{
	static const char *const words[MODE_COUNT] = { "IntentShared", "Shared", "Update", "IntentExclusive",
		"SharedIntentExclusive", "Exclusive", "NoLock", "NoLock" };
	int best = -1;

	pthread_mutex_lock(&session->engine->mutex);
	for (struct lock *l = session->engine->locks; l; l = l->next)
		if (l->owner == session && l->kind == LOCK_APPLICATION && l->database == database && l->duration == duration &&
			!strcasecmp(l->name, name) && (int)l->mode > best)
			best = (int)l->mode;
	pthread_mutex_unlock(&session->engine->mutex);
	return best < 0 ? "NoLock" : words[best];
}

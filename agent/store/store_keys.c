/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What opens the stores. A change takes each of its steps on all volumes before the next one (storage/repository.h): so one
 * secret that the person knows opens all of them, whatever is cut.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/job/explain.h"
#include "agent/store/store.h"

static const char *const names[] = {
	[SECRET_KEY_FILE] = "key file", [SECRET_PASSPHRASE] = "passphrase", [SECRET_RECOVERY] = "recovery key"
};

static int tell(struct store *store, int error, const char *remedy, const char *sentence)
{
	snprintf(store->sentence, sizeof(store->sentence), "%s", sentence);
	snprintf(store->remedy, sizeof(store->remedy), "%s", remedy);
	return error;
}

static const char *path_of(const struct store *store, uint32_t index)
{
	return store->config->volumes[index].path;
}

static bool is_named(uint32_t volumes, uint32_t index)
{
	return volumes >> index & 1;
}

uint32_t store_own(const struct store *store)
{
	uint32_t volumes = 0;
	for (uint32_t i = 0; i < store->count; i++)
		if (!store->stories[i].repository || !store->volumes[i].foreign)
			volumes |= UINT32_C(1) << i;
	return volumes;
}

/* ---- before anything is changed ---- */

static int look_at(struct store *store, uint32_t index)
{
	char sentence[400];
	struct repository_status status;
	const char *path = path_of(store, index);
	if (!store->stories[index].repository) {
		snprintf(sentence, sizeof(sentence),
			"The store in %s is not there, and would keep its old keys: nothing was changed.", path);
		return tell(store, -ENODEV,
			"Attach it. If it is lost, take it out of coffret.conf; or name the volumes that are there, one by one.",
			sentence);
	}
	if (store->volumes[index].foreign) {
		snprintf(sentence, sizeof(sentence),
			"The store in %s is another box's, and so are its keys: nothing was changed.", path);
		return tell(store, -EROFS, "coffret take-over makes it this one's.", sentence);
	}
	int result = repository_status(store->stories[index].repository, &status);
	if (result == 0 && !status.read_only)
		return 0;
	snprintf(sentence, sizeof(sentence), "The store in %s cannot be written: nothing was changed.", path);
	return tell(store, result < 0 ? result : -EROFS, "coffret status says why.", sentence);
}

static int look_at_all(struct store *store, uint32_t volumes)
{
	int result = 0;
	store_look(store, true); /* one may have been taken away, or have come */
	for (uint32_t i = 0; i < store->count && result == 0; i++)
		if (is_named(volumes, i))
			result = look_at(store, i);
	return result;
}

/* ---- the steps ---- */

struct change {
	struct store *store;
	uint32_t volumes;
	const struct repository_secret *secret;
	uint8_t slots[CONFIG_VOLUMES_MAX][16]; /* of the secret, where it is there */
};

/* Says what failed at one volume, which is looked at anew: what is true of it is what lies on it. */
static int fail(struct change *change, uint32_t index, int error, const char *so_far)
{
	struct store *store = change->store;
	char doing[300], sentence[sizeof(store->sentence)];
	snprintf(
		doing, sizeof(doing), "Changing the %s of the store in %s", names[change->secret->kind], path_of(store, index));
	explain_storage_error(error, doing, sentence, sizeof(sentence), store->remedy, sizeof(store->remedy));
	if (error == -EUSERS) {
		snprintf(sentence, sizeof(sentence), "%s: there are too many of them already.", doing);
		snprintf(store->remedy, sizeof(store->remedy),
			"coffret recovery-key --confirm ends all recovery keys but one, coffret passphrase --remove all passphrases.");
	}
	snprintf(store->sentence, sizeof(store->sentence), "%.350s %s", sentence, so_far);
	store_reopen(store, index);
	return error;
}

static void take_back(struct change *change)
{
	for (uint32_t i = 0; i < change->store->count; i++)
		if (is_named(change->volumes, i) && change->store->stories[i].repository)
			repository_drop_secrets(change->store->stories[i].repository, (int)change->secret->kind, true);
}

static int add(struct change *change)
{
	struct store *store = change->store;
	for (uint32_t i = 0; i < store->count; i++) {
		if (!is_named(change->volumes, i))
			continue;
		/* One that was asked for before, and cut, may be there: it takes no second slot. */
		int result = repository_find_secret(store->stories[i].repository, change->secret, change->slots[i]);
		if (result == -ENOKEY)
			result = repository_add_secret(store->stories[i].repository, change->secret, 0, change->slots[i]);
		if (result == 0)
			continue;
		fail(change, i, result, "Everything is opened by what opened it before.");
		take_back(change);
		return result;
	}
	return 0;
}

static int confirm(struct change *change, bool alone)
{
	struct store *store = change->store;
	for (uint32_t i = 0; i < store->count; i++) {
		if (!is_named(change->volumes, i))
			continue;
		int result = repository_confirm_secret(store->stories[i].repository, change->slots[i], alone);
		if (result < 0)
			return fail(change, i, result, "The new one opens it; so may the old one still. Ask for it again.");
	}
	return 0;
}

/* In two steps: no old one ends before the new one stays everywhere. */
static int settle(struct change *change)
{
	int result = confirm(change, false);
	return result < 0 ? result : confirm(change, true);
}

/* ---- what a person asks for ---- */

int store_set_passphrase(struct store *store, uint32_t volumes, const char *passphrase)
{
	struct repository_secret secret = { SECRET_PASSPHRASE, (const uint8_t *)passphrase, strlen(passphrase) };
	struct change change = { .store = store, .volumes = volumes, .secret = &secret };
	int result = look_at_all(store, volumes);
	if (result == 0)
		result = add(&change);
	return result < 0 ? result : settle(&change);
}

int store_remove_passphrase(struct store *store, uint32_t volumes)
{
	struct repository_secret secret = { .kind = SECRET_PASSPHRASE };
	struct change change = { .store = store, .volumes = volumes, .secret = &secret };
	int result = look_at_all(store, volumes);
	for (uint32_t i = 0; i < store->count && result == 0; i++) {
		if (!is_named(volumes, i))
			continue;
		result = repository_drop_secrets(store->stories[i].repository, SECRET_PASSPHRASE, false);
		if (result < 0)
			fail(&change, i, result, "It may still open it.");
	}
	return result;
}

int store_add_recovery_key(struct store *store, uint32_t volumes, char recovery_key[64])
{
	struct repository_secret secret = { SECRET_RECOVERY, (const uint8_t *)recovery_key, 0 };
	struct change change = { .store = store, .volumes = volumes, .secret = &secret };
	int result = look_at_all(store, volumes);
	if (result < 0)
		return result;
	result = recovery_key_make(recovery_key);
	if (result < 0)
		return tell(store, result, "Try again.", "The kernel gave no random bytes for a new recovery key.");
	secret.size = strlen(recovery_key);
	result = add(&change);
	if (result < 0)
		explicit_bzero(recovery_key, 64);
	return result;
}

int store_confirm_recovery_key(struct store *store, uint32_t volumes, const char *recovery_key)
{
	struct repository_secret secret = { SECRET_RECOVERY, (const uint8_t *)recovery_key, strlen(recovery_key) };
	struct change change = { .store = store, .volumes = volumes, .secret = &secret };
	char sentence[400];
	int result = look_at_all(store, volumes);
	for (uint32_t i = 0; i < store->count && result == 0; i++) {
		if (!is_named(volumes, i))
			continue;
		result = repository_find_secret(store->stories[i].repository, &secret, change.slots[i]);
		snprintf(sentence, sizeof(sentence), "That recovery key does not open the store in %s: nothing was changed.",
			path_of(store, i));
		if (result < 0)
			return tell(store, result, "coffret recovery-key --renew makes a new one.", sentence);
	}
	return result < 0 ? result : settle(&change);
}

int store_try(
	struct store *store, uint32_t volumes, const struct repository_secret *secret, uint32_t *opened, uint32_t *away)
{
	uint8_t slot[16];
	*opened = *away = 0;
	for (uint32_t i = 0; i < store->count; i++) {
		struct repository *repository = store->stories[i].repository;
		if (!is_named(volumes, i))
			continue;
		if (!repository)
			*away |= UINT32_C(1) << i;
		else if (repository_find_secret(repository, secret, slot) == 0)
			*opened |= UINT32_C(1) << i;
	}
	if (*away == volumes)
		return tell(store, -ENODEV, "Attach it first.", "No such volume is there.");
	return (*opened | *away) == volumes ? 0 : -ENOKEY;
}

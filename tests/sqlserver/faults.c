/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct named {
	const char *name;
	int value;
};

static const struct named row_faults[] = {
	{ "short-row", ROW_SHORT },
	{ "bad-token", ROW_BAD_TOKEN },
	{ "length-beyond", ROW_LENGTH_BEYOND },
	{ "wrong-type", ROW_WRONG_TYPE },
	{ "huge-plp", ROW_HUGE_PLP },
	{ "error-in-row", ROW_ERROR_INSIDE },
	{ NULL, 0 },
};

static const struct named encryption_answers[] = {
	{ "normal", ENCRYPTION_NORMAL },
	{ "off", ENCRYPTION_OFF },
	{ "not-supported", ENCRYPTION_NOT_SUPPORTED },
	{ "required", ENCRYPTION_REQUIRED },
	{ NULL, 0 },
};

void faults_init(struct faults *faults)
{
	*faults = (struct faults){ .settings.encryption = ENCRYPTION_NORMAL };
	pthread_mutex_init(&faults->lock, NULL);
}

void faults_destroy(struct faults *faults)
{
	pthread_mutex_destroy(&faults->lock);
}

static int find_value(const struct named *table, const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table->value;
	return -EINVAL;
}

static int parse_number(const char *text, uint64_t *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno || *end ? -EINVAL : 0;
}

/* "N:SECONDS" or "N:ever" */
static int parse_stall(struct faults *faults, const char *value)
{
	const char *colon = strchr(value, ':');
	char count[24];
	uint64_t packets, seconds = 0;

	if (!colon || (size_t)(colon - value) >= sizeof(count))
		return -EINVAL;
	memcpy(count, value, (size_t)(colon - value));
	count[colon - value] = 0;
	if (parse_number(count, &packets))
		return -EINVAL;
	bool for_ever = strcmp(colon + 1, "ever") == 0;
	if (!for_ever && (parse_number(colon + 1, &seconds) || seconds > 86400))
		return -EINVAL;
	faults->stall_packets = packets;
	faults->stall_seconds = for_ever ? STALL_FOR_EVER : (int)seconds;
	return 0;
}

/* "KIND" for the next row or "KIND:N" for the N-th from now */
static int parse_malformed(struct faults *faults, const char *value)
{
	char kind[32];
	uint64_t rows = 1;
	size_t length = strcspn(value, ":");

	if (length >= sizeof(kind))
		return -EINVAL;
	memcpy(kind, value, length);
	kind[length] = 0;
	if (value[length] && parse_number(value + length + 1, &rows))
		return -EINVAL;
	int fault = find_value(row_faults, kind);
	if (fault < 0)
		return fault;
	faults->row_fault = (enum row_fault)fault;
	faults->fault_rows = rows;
	return 0;
}

/* "HOST:PORT" */
static int parse_route(struct faults *faults, const char *value)
{
	const char *colon = strrchr(value, ':');
	uint64_t port;

	if (!colon || (size_t)(colon - value) >= sizeof(faults->settings.route_host) || parse_number(colon + 1, &port) ||
		port > 65535)
		return -EINVAL;
	memcpy(faults->settings.route_host, value, (size_t)(colon - value));
	faults->settings.route_host[colon - value] = 0;
	faults->settings.route_port = (uint16_t)port;
	return 0;
}

static int parse_flag(bool *flag, const char *value, const char *on, const char *off)
{
	if (strcmp(value, on) && strcmp(value, off))
		return -EINVAL;
	*flag = strcmp(value, on) == 0;
	return 0;
}

static int set_browser(struct faults *faults, const char *value)
{
	faults->settings.silent_browser = strcmp(value, "silent") == 0;
	faults->settings.browser_answer[0] = 0;
	if (faults->settings.silent_browser || strcmp(value, "truth") == 0)
		return 0;
	if (strlen(value) >= sizeof(faults->settings.browser_answer))
		return -EINVAL;
	snprintf(faults->settings.browser_answer, sizeof(faults->settings.browser_answer), "%s", value);
	return 0;
}

static int set_encryption(struct faults *faults, const char *value)
{
	int answer = find_value(encryption_answers, value);

	if (answer < 0)
		return answer;
	faults->settings.encryption = (enum encryption_answer)answer;
	return 0;
}

static int set_locked(struct faults *faults, const char *name, const char *value)
{
	if (strcmp(name, "cut-after-packets") == 0)
		return parse_number(value, &faults->cut_packets);
	if (strcmp(name, "cut-session-after-packets") == 0)
		return parse_number(value, &faults->cut_session_packets);
	if (strcmp(name, "cut-at-byte") == 0)
		return parse_number(value, &faults->cut_bytes);
	if (strcmp(name, "stall-at-packet") == 0)
		return parse_stall(faults, value);
	if (strcmp(name, "malformed") == 0)
		return parse_malformed(faults, value);
	if (strcmp(name, "encryption") == 0)
		return set_encryption(faults, value);
	if (strcmp(name, "route") == 0)
		return parse_route(faults, value);
	if (strcmp(name, "records") == 0)
		return parse_flag(&faults->settings.loose_records, value, "loose", "strict");
	if (strcmp(name, "attention") == 0)
		return parse_flag(&faults->settings.deaf, value, "ignored", "heeded");
	if (strcmp(name, "bulk-done") == 0)
		return parse_flag(&faults->settings.bulk_done_required, value, "required", "tolerated");
	if (strcmp(name, "browser") == 0)
		return set_browser(faults, value);
	return -EINVAL;
}

/* Counts go on: they belong to the server, not to a fault. */
static void clear_locked(struct faults *faults)
{
	faults->cut_packets = faults->cut_session_packets = faults->cut_bytes = faults->stall_packets = 0;
	faults->fault_rows = 0;
	faults->row_fault = ROW_GOOD;
	faults->settings = (struct fault_settings){ .encryption = ENCRYPTION_NORMAL };
}

int faults_set(struct faults *faults, const char *setting)
{
	const char *equals = strchr(setting, '=');
	char name[64];
	int error = -EINVAL;

	pthread_mutex_lock(&faults->lock);
	if (strcmp(setting, "none") == 0) {
		clear_locked(faults);
		error = 0;
	} else if (equals && (size_t)(equals - setting) < sizeof(name)) {
		memcpy(name, setting, (size_t)(equals - setting));
		name[equals - setting] = 0;
		error = set_locked(faults, name, equals + 1);
	}
	pthread_mutex_unlock(&faults->lock);
	return error;
}

/* True where this is the last of the units that a fault waits for. */
static bool strikes_now(struct faults *faults, uint64_t *remaining)
{
	if (*remaining == 0 || --*remaining > 0)
		return false;
	faults->strikes++;
	return true;
}

enum packet_fault faults_count_packet(struct faults *faults, uint64_t session_packets, int *stall_seconds)
{
	enum packet_fault fault = PACKET_GOOD;

	pthread_mutex_lock(&faults->lock);
	faults->packets++;
	if (strikes_now(faults, &faults->cut_packets)) {
		fault = PACKET_CUT;
	} else if (faults->cut_session_packets && session_packets == faults->cut_session_packets) {
		faults->strikes++;
		fault = PACKET_CUT;
	} else if (strikes_now(faults, &faults->stall_packets)) {
		*stall_seconds = faults->stall_seconds;
		fault = PACKET_STALL;
	}
	pthread_mutex_unlock(&faults->lock);
	return fault;
}

size_t faults_count_bytes(struct faults *faults, size_t size)
{
	pthread_mutex_lock(&faults->lock);
	if (faults->cut_bytes > size) {
		faults->cut_bytes -= size;
	} else if (faults->cut_bytes) {
		size = (size_t)faults->cut_bytes - 1;
		faults->cut_bytes = 0;
		faults->strikes++;
	}
	pthread_mutex_unlock(&faults->lock);
	return size;
}

enum row_fault faults_count_row(struct faults *faults)
{
	enum row_fault fault = ROW_GOOD;

	/* Read without the lock: rows are counted by the million, and a fault set in mid-row may start one row later. */
	if (__atomic_load_n(&faults->fault_rows, __ATOMIC_RELAXED) == 0)
		return ROW_GOOD;
	pthread_mutex_lock(&faults->lock);
	if (faults->fault_rows && --faults->fault_rows == 0) {
		faults->strikes++;
		fault = faults->row_fault;
	}
	pthread_mutex_unlock(&faults->lock);
	return fault;
}

uint64_t faults_packets(struct faults *faults)
{
	pthread_mutex_lock(&faults->lock);
	uint64_t packets = faults->packets;
	pthread_mutex_unlock(&faults->lock);
	return packets;
}

uint64_t faults_strikes(struct faults *faults)
{
	pthread_mutex_lock(&faults->lock);
	uint64_t strikes = faults->strikes;
	pthread_mutex_unlock(&faults->lock);
	return strikes;
}

struct fault_settings faults_settings(struct faults *faults)
{
	pthread_mutex_lock(&faults->lock);
	struct fault_settings settings = faults->settings;
	pthread_mutex_unlock(&faults->lock);
	return settings;
}

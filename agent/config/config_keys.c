/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/config/config_keys.h"

#include <stddef.h>
#include <string.h>

#define member_size(type, member) sizeof(((type *)0)->member)
#define count_of(array) (sizeof(array) / sizeof((array)[0]))

#define BOX_TEXT(key, kind, member, words)                                                                             \
	{                                                                                                                  \
#key, config_parse_##kind, offsetof(struct config, member), member_size(struct config, member), 0, 0, words, 0 \
	}
#define SERVER_TEXT(key, kind, member, words)                                                                         \
	{                                                                                                                 \
#key, config_parse_##kind, offsetof(struct server_config, member), member_size(struct server_config, member), \
			0, 0, words, 0                                                                                            \
	}
#define SERVER_NUMBER(key, kind, member, low, high, words)                                        \
	{                                                                                             \
#key, config_parse_##kind, offsetof(struct server_config, member), 0, low, high, words, 0 \
	}

#define VOLUME_TEXT(key, kind, member, words)                                                                         \
	{                                                                                                                 \
#key, config_parse_##kind, offsetof(struct volume_config, member), member_size(struct volume_config, member), \
			0, 0, words, 0                                                                                            \
	}
#define VOLUME_PATH "the absolute path of a directory, or of a UBI volume such as /dev/ubi0_1"

static const struct config_key box_keys[] = {
	BOX_TEXT(volume, path, volumes[0].path, VOLUME_PATH),
	BOX_TEXT(accept_risk, bool, volumes[0].accept_risk, "yes or no"),
	BOX_TEXT(own_disk, bool, volumes[0].own_disk, "yes or no"),
	BOX_TEXT(key_file, key_place, key_file, "the absolute path of a file, or keyring:NAME"),
	BOX_TEXT(state_directory, path, state_directory, "the absolute path of a directory"),
	BOX_TEXT(socket, path, socket, "an absolute path of at most 107 bytes"),
	BOX_TEXT(socket_group, text, socket_group, "the name of a group"),
	BOX_TEXT(panel_socket, path, panel_socket, "an absolute path of at most 107 bytes"),
	BOX_TEXT(language, language, language, "en or fr"),
	BOX_TEXT(timezone, timezone, timezone, "a time zone such as Europe/Paris"),
};

static const struct config_key volume_keys[] = {
	VOLUME_TEXT(path, path, path, VOLUME_PATH),
	VOLUME_TEXT(accept_risk, bool, accept_risk, "yes or no"),
	VOLUME_TEXT(copy, bool, copy, "yes or no"),
	VOLUME_TEXT(own_disk, bool, own_disk, "yes or no"),
};

static const struct config_key store_keys[] = {
	{ "deflate_level", config_parse_int, offsetof(struct config, deflate_level), 0, 1, 9, "a number from 1 to 9", 0 },
	{ "append_only", config_parse_bool, offsetof(struct config, append_only), 0, 0, 0, "yes or no", 0 },
	{ "clean_max_per_day", config_parse_u32, offsetof(struct config, clean_max_per_day), 0, 0, 100,
		"a number from 0 to 100", 0 },
	{ "scrub_days", config_parse_u32, offsetof(struct config, scrub_days), 0, 0, 3650,
		"a number of days from 0 to 3650", 0 },
	{ "parity", config_parse_bool, offsetof(struct config, parity), 0, 0, 0, "yes or no", 0 },
};

static const struct config_key schedule_keys[] = {
	{ "backup", config_parse_time, offsetof(struct config, times), CONFIG_TIMES_MAX, 0, 0,
		"days and a local time such as \"mon-fri 22:30\" or \"daily 06:00\", at most 8 of them",
		offsetof(struct config, time_count) },
};

#define RETENTION(key, high, words)                                                                                \
	{                                                                                                              \
#key, config_parse_u32, offsetof(struct config, retention) + offsetof(struct retention_policy, key), 0, 0, \
			high, words, 0                                                                                         \
	}

static const struct config_key retention_keys[] = {
	RETENTION(keep_last, 10000, "a number from 0 to 10000"),
	RETENTION(keep_daily, 10000, "a number from 0 to 10000"),
	RETENTION(keep_weekly, 10000, "a number from 0 to 10000"),
	RETENTION(keep_monthly, 10000, "a number from 0 to 10000"),
	RETENTION(keep_within, 36500, "a number of days from 0 to 36500"),
};

static const struct config_key suspect_keys[] = {
	{ "rows_lost", config_parse_u32, offsetof(struct config, suspect.rows_lost), 0, 0, 100,
		"a percentage from 0 to 100", 0 },
	{ "table_rows_lost", config_parse_u32, offsetof(struct config, suspect.table_rows_lost), 0, 0, 100,
		"a percentage from 0 to 100", 0 },
	{ "new_data", config_parse_u32, offsetof(struct config, suspect.new_data), 0, 0, 100, "a percentage from 0 to 100",
		0 },
	{ "incompressible", config_parse_bool, offsetof(struct config, suspect.incompressible), 0, 0, 0, "yes or no", 0 },
};

static const struct config_key server_keys[] = {
	SERVER_TEXT(host, host, host, "a host name or an address (instance and port have keys of their own)"),
	SERVER_TEXT(instance, text, instance, "the name of an instance, at most 63 bytes"),
	SERVER_NUMBER(port, port, port, 1, 65535, "a number from 1 to 65535"),
	SERVER_TEXT(certificate_name, text, certificate_name, "the name in the server's certificate"),
	SERVER_TEXT(ca_file, path, ca_file, "the absolute path of a PEM file"),
	SERVER_TEXT(pin, pin, pin, "the SHA-256 of the server's certificate, 64 hex digits"),
	SERVER_TEXT(encrypt, encrypt, strict, "tds7 or strict"),
	SERVER_TEXT(legacy_tls, bool, legacy_tls, "yes or no"),
	SERVER_TEXT(profile, profile, profile, "persistent-chat or any"),
	{ "databases", config_parse_databases, offsetof(struct server_config, databases), CONFIG_DATABASES_MAX, 0, 0,
		"names of databases parted by commas, none twice, at most 16", offsetof(struct server_config, database_count) },
	SERVER_TEXT(backup_login, text, backup.login, "a SQL login or DOMAIN\\user"),
	SERVER_TEXT(backup_password_file, text, backup.password_file, "a path, or a name in $CREDENTIALS_DIRECTORY"),
	SERVER_TEXT(restore_login, text, restore.login, "a SQL login or DOMAIN\\user"),
	SERVER_TEXT(restore_password_file, text, restore.password_file, "a path, or a name in $CREDENTIALS_DIRECTORY"),
	SERVER_TEXT(consistency, consistency, consistency, "snapshot, lock or loose"),
	SERVER_TEXT(leave_out_volatile, bool, leave_out_volatile, "yes or no"),
	SERVER_NUMBER(connect_seconds, int, connect_seconds, 1, 300, "a number from 1 to 300"),
	SERVER_NUMBER(login_seconds, int, login_seconds, 1, 300, "a number from 1 to 300"),
	SERVER_NUMBER(stall_seconds, int, stall_seconds, 5, 3600, "a number from 5 to 3600"),
	SERVER_NUMBER(catalogue_seconds, int, catalogue_seconds, 5, 3600, "a number from 5 to 3600"),
	SERVER_NUMBER(lock_seconds, int, lock_seconds, 1, 3600, "a number from 1 to 3600"),
	SERVER_NUMBER(read_kib_per_second, u32, read_kib_per_second, 0, 10485760, "a number from 0 (no limit) to 10485760"),
};

const struct config_section config_sections[] = {
	{ "box", box_keys, count_of(box_keys), SECTION_BOX },
	{ "store", store_keys, count_of(store_keys), SECTION_BOX },
	{ "schedule", schedule_keys, count_of(schedule_keys), SECTION_BOX },
	{ "retention", retention_keys, count_of(retention_keys), SECTION_BOX },
	{ "suspect", suspect_keys, count_of(suspect_keys), SECTION_BOX },
	{ "server", server_keys, count_of(server_keys), SECTION_SERVER },
	{ "volume", volume_keys, count_of(volume_keys), SECTION_VOLUME },
};
const size_t config_section_count = count_of(config_sections);

bool config_key_repeats(const struct config_key *key)
{
	return key->parse == config_parse_time;
}

void config_defaults(struct config *config)
{
	memset(config, 0, sizeof(*config));
	config->volume_count = 1;
	strcpy(config->volumes[0].name, "store");
	strcpy(config->volumes[0].path, "/var/lib/coffret/store");
	strcpy(config->key_file, "/var/lib/coffret/key");
	strcpy(config->state_directory, "/var/lib/coffret");
	strcpy(config->socket, "/run/coffret/socket");
	strcpy(config->panel_socket, "/run/coffret/panel");
	strcpy(config->socket_group, "coffret");
	strcpy(config->language, "en");
	config->deflate_level = 5;
	config->clean_max_per_day = 2;
	config->scrub_days = 30;
	config->parity = true;
	config->suspect =
		(struct suspect_policy){ .rows_lost = 20, .table_rows_lost = 50, .new_data = 50, .incompressible = true };
	config->retention = (struct retention_policy){ .keep_last = 3,
		.keep_daily = 14,
		.keep_weekly = 8,
		.keep_monthly = 12,
		.keep_within = 14,
		.keep_safety = 30,
		.safety_quota = 2 };
}

void config_server_defaults(struct server_config *server)
{
	memset(server, 0, sizeof(*server));
	server->port = 1433;
	server->connect_seconds = 15;
	server->login_seconds = 30;
	server->stall_seconds = 120;
	server->catalogue_seconds = 60;
	server->lock_seconds = 30;
}

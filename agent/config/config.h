/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coffret.conf (INI) as one validated struct. Nothing is read from it later: a configuration is whole or refused.
 * config.example.conf beside this file documents every key.
 */
#ifndef AGENT_CONFIG_CONFIG_H
#define AGENT_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "storage/retention.h"

#define CONFIG_PATH "/etc/coffret/coffret.conf" /* where no other is named */

#define SERVER_NAME_SIZE 64    /* the name of a [server NAME] section */
#define VOLUME_NAME_SIZE 32    /* of a [volume NAME] section */
#define DATABASE_NAME_SIZE 520 /* 128 UTF-16 units as UTF-8, and a NUL */

#define CONFIG_SERVERS_MAX 8
#define CONFIG_DATABASES_MAX 16
#define CONFIG_TIMES_MAX 8
#define CONFIG_VOLUMES_MAX 4

enum profile { PROFILE_ANY = 0, PROFILE_PERSISTENT_CHAT = 1 };

struct credential {
	char login[264];           /* SQL login or DOMAIN\user; "" : not set */
	char password_file[256];   /* 0600, or a name in $CREDENTIALS_DIRECTORY; read when needed, wiped after use */
	bool dropped;              /* trust.h: the server is another one than the password was given for */
	int64_t dropped_change[2]; /* unless the file was changed after this: its ctime, seconds and nanoseconds */
};

struct server_config {
	char name[SERVER_NAME_SIZE];  /* [server NAME] */
	char host[256], instance[64]; /* instance "": the port counts */
	uint16_t port;                /* 1433 */
	char certificate_name[256];   /* "": host */
	char ca_file[256];
	uint8_t pin[32]; /* SHA-256 of the certificate */
	bool pinned, strict, legacy_tls;
	struct credential backup, restore;
	enum profile profile;
	char databases[CONFIG_DATABASES_MAX][DATABASE_NAME_SIZE]; /* persistent-chat: mgc, mgccomp */
	uint32_t database_count;
	int consistency;         /* enum consistency of sql/worker.h */
	bool leave_out_volatile; /* persistent-chat: tables of passing state */
	int connect_seconds, login_seconds, stall_seconds, catalogue_seconds, lock_seconds;
	uint32_t read_kib_per_second;
};

/* A place that holds a repository; place.h says what a path may be. */
struct volume_config {
	char name[VOLUME_NAME_SIZE]; /* [volume NAME]; "store" where it is `volume` of [box] */
	char path[256];
	bool accept_risk; /* may be the only holder of a snapshot, though it cannot promise durability */
	bool copy;        /* each good backup is copied there */
	bool own_disk;    /* a store is made there only while that folder is on no file system of the box itself */
};

struct schedule_time {
	uint8_t days;         /* bit 0 Monday ... bit 6 Sunday */
	uint8_t hour, minute; /* local time */
};

/* agent/backup/suspect.h; percent, 0: not looked at. */
struct suspect_policy {
	uint32_t rows_lost, table_rows_lost, new_data;
	bool incompressible;
};

struct config {
	struct server_config servers[CONFIG_SERVERS_MAX];
	uint32_t server_count;
	struct volume_config volumes[CONFIG_VOLUMES_MAX]; /* in the order of preference */
	uint32_t volume_count;                            /* at least 1 */
	char key_file[256];                               /* opens the repositories: key_file.h */
	int deflate_level;
	bool append_only;           /* of a store that is made: no snapshot is ever removed from it */
	uint32_t clean_max_per_day; /* percent of the volume that cleaning may copy in a box day */
	uint32_t scrub_days;        /* in so many box days everything is read again; 0: never by itself */
	bool parity;                /* of a store that is made from now on */
	struct retention_policy retention;
	struct suspect_policy suspect;
	char state_directory[256];
	char socket[108]; /* of the command */
	char socket_group[64];
	char panel_socket[108]; /* sim board only */
	struct schedule_time times[CONFIG_TIMES_MAX];
	uint32_t time_count; /* 0: no schedule */
	char timezone[64];   /* "": the box's */
	char language[8];    /* "en" or "fr": panel */
};

/*
 * Reads and checks the file. On -EINVAL, message says file, line, what was found and what was expected.
 * Other errors: of opening the file.
 */
int config_read(struct config *config, const char *path, char *message, size_t size);

/* NULL where there is none of that name; name "" is the only server, if there is only one. */
const struct server_config *config_server(const struct config *config, const char *name);

/* NULL where there is none of that name. */
const struct volume_config *config_volume(const struct config *config, const char *name);

/*
 * Reads a password into a buffer, without its line end. -EPERM where others may read the file, -ENODATA where it is
 * empty, -EMSGSIZE where it is longer than the buffer, -EKEYREJECTED where it was dropped (trust.h), or an errno of the
 * file. The buffer is wiped after a failure.
 */
int credential_password(const struct credential *credential, char *password, size_t size);

#endif

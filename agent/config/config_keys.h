/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every section and key of coffret.conf, and what a configuration holds where a key is not given.
 */
#ifndef AGENT_CONFIG_CONFIG_KEYS_H
#define AGENT_CONFIG_CONFIG_KEYS_H

#include <stdbool.h>

#include "agent/config/config.h"
#include "agent/config/config_value.h"

struct config_section {
	const char *name;
	const struct config_key *keys; /* of struct server_config, volume_config or config */
	size_t count;                  /* at most 64 */
	enum {
		SECTION_BOX = 0,
		SECTION_SERVER,
		SECTION_VOLUME
	} of; /* [server NAME], [volume NAME]: may come several times */
};

extern const struct config_section config_sections[];
extern const size_t config_section_count;

void config_defaults(struct config *config);
void config_server_defaults(struct server_config *server);
/* A key that may be given several times in its section. */
bool config_key_repeats(const struct config_key *key);

#endif

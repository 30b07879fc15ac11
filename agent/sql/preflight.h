/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's side of a pre-flight. */
#ifndef AGENT_SQL_PREFLIGHT_H
#define AGENT_SQL_PREFLIGHT_H

#include "agent/sql/preflight_facts.h"
#include "agent/sql/session.h"
#include "agent/sql/uplink.h"

/*
 * Reads the catalogue and the facts, outside any transaction, and sends both up: CATALOGUE, then FACTS; the caller
 * answers. Nothing is locked longer than a query of the catalogue takes, nothing is changed. What cannot be seen for
 * lack of rights is a fact, not an error.
 */
int preflight_read(struct session *session, struct uplink *uplink, struct sql_error *error);
/* From master, the state of a database that does not let itself be opened: only FACTS goes up. */
int preflight_read_state(struct session *session, struct uplink *uplink, const char *database, struct sql_error *error);

#endif

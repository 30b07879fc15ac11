/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 31 documented tables of Persistent Chat as T-SQL, one statement an entry, NULL-terminated. Names of constraints,
 * indexes, defaults, identities and the trigger are ours: nobody documents them.
 */
#ifndef TESTS_SQLSERVER_CHAT_SCHEMA_H
#define TESTS_SQLSERVER_CHAT_SCHEMA_H

extern const char *const chat_schema_mgc[];
extern const char *const chat_schema_mgccomp[];

#endif

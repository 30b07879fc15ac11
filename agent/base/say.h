/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's log: sentences on standard error, with the journal's priority in front where the journal reads them. */
#ifndef AGENT_BASE_SAY_H
#define AGENT_BASE_SAY_H

enum say_level { SAY_ERROR = 3, SAY_WARNING = 4, SAY_NOTICE = 5, SAY_INFO = 6 };

void say(enum say_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

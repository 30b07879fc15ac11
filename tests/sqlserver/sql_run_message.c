/* SPDX-License-Identifier: Apache-2.0 */
/* PRINT, RAISERROR, THROW, WAITFOR. */
#include "tests/sqlserver/sql_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int run_print(struct session *session, struct statement *s)
{
	const char *text;

	if (run_text_of(session, s->nodes[0], &text))
		return -5;
	session_flush_done(session);
	session_inform(session, 0, 0, 1, text);
	return 0;
}

/* %s, %d, %i, %u, %x, %o with their widths, filled from the arguments. */
static int format_message(struct session *session, const char *format, struct statement *s, size_t at, const char **out)
{
	struct text text = { .arena = session->arena };

	for (; *format; format++) {
		if (*format != '%') {
			text_add_n(&text, format, 1);
			continue;
		}
		size_t size = strspn(format + 1, "0123456789.-+ #lI*64");
		char kind = format[1 + size];

		if (kind == '%') {
			text_add(&text, "%");
		} else if (kind && strchr("sdiuxXo", kind) && at < s->node_count) {
			const char *argument;

			if (run_text_of(session, s->nodes[at++], &argument))
				return -5;
			text_add(&text, argument);
		}
		format += kind ? size + 1 : 0;
	}
	*out = text_done(&text);
	return 0;
}

int run_raiserror(struct session *session, struct statement *s)
{
	const char *text, *severity, *state;
	int number = 50000;

	if (s->node_count < 3)
		return session_raise_text(session, 102, 15, 1, "Incorrect syntax near 'RAISERROR'.");
	if (run_text_of(session, s->nodes[0], &text) || run_text_of(session, s->nodes[1], &severity) ||
		run_text_of(session, s->nodes[2], &state))
		return -5;
	if (s->nodes[0]->kind == N_INTEGER)
		number = atoi(text);
	else if (format_message(session, text, s, 3, &text))
		return -5;
	int level = atoi(severity);

	if (level > 10)
		return session_raise_text(
			session, number, (uint8_t)(level > 25 ? 25 : level), (uint8_t)atoi(state), "%s", text);
	session_flush_done(session);
	session_inform(session, number, (uint8_t)level, (uint8_t)atoi(state), text);
	return 0;
}

int run_throw(struct session *session, struct statement *s)
{
	const char *number, *text, *state;

	if (s->node_count == 3) {
		if (run_text_of(session, s->nodes[0], &number) || run_text_of(session, s->nodes[1], &text) ||
			run_text_of(session, s->nodes[2], &state))
			return -5;
		return session_raise_text(session, atoi(number), 16, (uint8_t)atoi(state), "%s", text);
	}
	if (!session->frame->caught)
		return session_raise_text(session, 10704, 15, 1,
			"To rethrow an error, a THROW statement must be used inside a CATCH"
			" block.");
	session->error = *session->frame->caught;
	session->failed = true;
	return -5;
}

int run_waitfor(struct session *session, struct statement *s)
{
	const char *text;
	int hours = 0, minutes = 0;
	double seconds = 0;

	if (run_text_of(session, s->nodes[0], &text))
		return -5;
	if (sscanf(text, "%d:%d:%lf", &hours, &minutes, &seconds) < 2)
		return session_raise_text(
			session, 148, 15, 1, "Incorrect time syntax in time string '%s' used with WAITFOR.", text);
	session_pause(session, hours * 3600 + minutes * 60 + seconds);
	return __atomic_load_n(&session->interrupted, __ATOMIC_RELAXED)
		? session_raise_text(session, 3617, 11, 1, "The query was cancelled.")
		: 0;
}

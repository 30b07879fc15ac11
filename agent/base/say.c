/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/base/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* One write a line, so that lines of threads do not mix. */
void say(enum say_level level, const char *format, ...)
{
	char line[2048];
	int used = getenv("JOURNAL_STREAM") ? snprintf(line, sizeof(line), "<%d>", (int)level)
										: snprintf(line, sizeof(line), "coffretd: ");
	va_list args;
	va_start(args, format);
	int length = vsnprintf(line + used, sizeof(line) - 1 - (size_t)used, format, args);
	va_end(args);
	size_t size = (size_t)used + (length < 0 ? 0 : (size_t)length);
	if (size > sizeof(line) - 2)
		size = sizeof(line) - 2;
	/* What somebody else's name put into a sentence must not begin a line of its own. */
	for (size_t i = 0; i < size; i++)
		if (line[i] == '\n' || line[i] == '\r')
			line[i] = ' ';
	line[size++] = '\n';
	if (write(STDERR_FILENO, line, size) < 0)
		return;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/secret.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Byte by byte, so that no buffer of stdio keeps it. */
static int read_line(char *text, size_t size)
{
	size_t used = 0;
	char byte = '\0';
	ssize_t got;
	while ((got = read(STDIN_FILENO, &byte, 1)) == 1 && byte != '\n')
		if (used + 1 < size)
			text[used++] = byte;
	text[used] = '\0';
	text[strcspn(text, "\r")] = '\0';
	return got < 0 ? -errno : text[0] ? 0 : -ENODATA;
}

int secret_read(const char *prompt, char *text, size_t size)
{
	struct termios before, quiet;
	bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
	if (!terminal)
		return read_line(text, size);
	fputs(prompt, stderr);
	quiet = before;
	quiet.c_lflag &= (tcflag_t)~ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	int result = read_line(text, size);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	return result;
}

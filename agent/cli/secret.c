/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/secret.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "agent/cli/failure.h"
#include "agent/store/passphrase.h"
#include "agent/service/service.h"

#define END_CHARS 8 /* of a recovery key, that are typed back */

/* Byte by byte, so that no buffer of stdio keeps it. */
static int read_line(char *text, size_t size)
{
	size_t used = 0;
	char byte = '\0';
	ssize_t got;
	while ((got = read(STDIN_FILENO, &byte, 1)) == 1 && byte != '\n')
		if (used++ + 1 < size)
			text[used - 1] = byte;
	int error = got < 0 ? -errno : used >= size ? -E2BIG : 0;
	text[used < size ? used : size - 1] = '\0';
	if (!error && strlen(text) != used)
		error = -EILSEQ; /* a NUL in it */
	text[strcspn(text, "\r")] = '\0';
	if (!error && !text[0])
		error = -ENODATA;
	if (error)
		explicit_bzero(text, size);
	return error;
}

int secret_read(const char *prompt, char *text, size_t size)
{
	struct termios before, quiet;
	bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
	if (!terminal)
		return read_line(text, size);
	quiet = before;
	quiet.c_lflag &= (tcflag_t)~ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	fputs(prompt, stderr); /* once nothing shows any more, and nothing that is typed from now on is thrown away */
	int result = read_line(text, size);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	return result;
}

static int refuse(struct options *options, const char *sentence)
{
	explicit_bzero(options->secret, sizeof(options->secret));
	return failure_tell(options, CODE_USAGE, sentence, "");
}

/* Weak ones are told before they are typed again. */
static int ask_again(struct options *options)
{
	char again[sizeof(options->secret)];
	const char *weakness = passphrase_weakness(options->secret);
	if (weakness)
		return refuse(options, weakness);
	if (!isatty(STDIN_FILENO))
		return 0;
	bool same = secret_read("Once more: ", again, sizeof(again)) == 0 && strcmp(again, options->secret) == 0;
	explicit_bzero(again, sizeof(again));
	return same ? 0 : refuse(options, "That was not the same twice; nothing was changed.");
}

int secret_ask(struct options *options)
{
	unsigned int takes = options->command->takes;
	bool key = takes & TAKES_KEY ? !options->passphrase : (takes & TAKES_RENEW) != 0;
	bool asks = takes & (TAKES_KEY | TAKES_REMOVE | TAKES_RENEW) && !options->remove && !options->renew;
	if (!asks)
		return 0;
	int result = secret_read(key ? "Recovery key: " : "Passphrase: ", options->secret, sizeof(options->secret));
	if (result == -E2BIG)
		return refuse(
			options, key ? "that is longer than a recovery key." : "that is longer than a passphrase can be.");
	if (result < 0)
		return refuse(options, key ? "no recovery key was given." : "no passphrase was given.");
	options->secret_key = key ? "Recovery-Key" : "Passphrase";
	return takes & TAKES_REMOVE && !options->check ? ask_again(options) : 0;
}

/* Without what people put in between; in capitals. */
static void tidy(char *text)
{
	char *out = text;
	for (const char *in = text; *in; in++)
		if (*in != ' ' && *in != '-' && *in != '\t')
			*out++ = (char)(*in >= 'a' && *in <= 'z' ? *in - 'a' + 'A' : *in);
	*out = '\0';
}

bool secret_is_written_down(const char *recovery_key)
{
	char typed[80];
	bool same = false;
	const char *end = recovery_key + strlen(recovery_key) - END_CHARS;
	for (int i = 0; i < 3 && !same; i++) {
		fputs(i ? "That is not its end. " : "\n", stderr);
		fputs("Type its last eight characters, to show that it is written down: ", stderr);
		if (read_line(typed, sizeof(typed)) < 0)
			break;
		tidy(typed);
		size_t length = strlen(typed);
		same = strcmp(typed, recovery_key) == 0 || (length == END_CHARS && strcmp(typed, end) == 0);
	}
	explicit_bzero(typed, sizeof(typed));
	return same;
}

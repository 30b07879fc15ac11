/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/store/passphrase.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "storage/repository.h"

#define LEAST_DIFFERENT 6
#define LEAST_BESIDE_WORDS 8 /* characters that are of no word below */

/* What is tried first, whoever it is that guesses. */
static const char *const tried_first[] = { "coffret", "passphrase", "password", "passwort", "motdepasse",
	"mot de passe", "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "letmein", "welcome", "backup",
	"administrator", "admin", "skype", "lync", "secret" };

/* Characters of UTF-8, not bytes. */
static size_t count_characters(const char *text)
{
	size_t count = 0;
	for (; *text; text++)
		count += (*text & 0xc0) != 0x80;
	return count;
}

static size_t count_different(const char *text)
{
	bool seen[256] = { false };
	size_t count = 0;
	for (; *text; text++) {
		count += !seen[(unsigned char)*text];
		seen[(unsigned char)*text] = true;
	}
	return count;
}

/* "aaaa", "abcd", "4321": each next to the one before it. */
static bool is_a_run(const char *text)
{
	size_t near = 0, steps = 0;
	for (; text[0] && text[1]; text++, steps++)
		near += text[1] - text[0] >= -1 && text[1] - text[0] <= 1;
	return near * 3 > steps * 2;
}

static const char *word_at(const char *text)
{
	for (size_t i = 0; i < sizeof(tried_first) / sizeof(tried_first[0]); i++)
		if (strncasecmp(text, tried_first[i], strlen(tried_first[i])) == 0)
			return tried_first[i];
	return NULL;
}

static size_t count_beside_words(const char *text)
{
	size_t count = 0;
	while (*text) {
		const char *word = word_at(text);
		count += !word && (*text & 0xc0) != 0x80;
		text += word ? strlen(word) : 1;
	}
	return count;
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			return true;
	return false;
}

const char *passphrase_weakness(const char *text)
{
	size_t size = strlen(text);
	if (size == 0)
		return "A passphrase is needed, and none was given.";
	if (size > PASSPHRASE_MAX)
		return "That passphrase is longer than 200 bytes.";
	if (has_control(text))
		return "That passphrase has characters in it that cannot be seen or typed.";
	if (text[0] == ' ' || text[size - 1] == ' ')
		return "That passphrase begins or ends with a space, which nobody sees and somebody will forget.";
	if (recovery_key_is_whole(text))
		return "That is a recovery key, and no passphrase.";
	if (count_characters(text) < PASSPHRASE_LEAST)
		return "That passphrase is too short: it takes 12 characters at least, and four words that nobody else would put "
			   "together are better.";
	if (count_different(text) < LEAST_DIFFERENT || is_a_run(text))
		return "That passphrase is too easy to guess: it is a few characters over and over, or one after the other.";
	if (count_beside_words(text) < LEAST_BESIDE_WORDS)
		return "That passphrase is too easy to guess: it is hardly more than a word that is tried first.";
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/job/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <mbedtls/sha256.h>

#define FILE_NAME "audit.log"
#define OLD_NAME "audit.log.old"
#define CHAIN_WORD " chain="
#define CUT "...\""
enum {
	CHAIN_LENGTH = sizeof(CHAIN_WORD) - 1 + 2 * AUDIT_HASH_SIZE,
	PREFIX_MAX = 64,
	RECORD_MAX = AUDIT_LINE_MAX - PREFIX_MAX - CHAIN_LENGTH - sizeof(CUT),
};

static int extend_chain(uint8_t chain[AUDIT_HASH_SIZE], const char *text, size_t size)
{
	mbedtls_sha256_context sha;
	mbedtls_sha256_init(&sha);
	int failed = mbedtls_sha256_starts_ret(&sha, 0);
	failed |= mbedtls_sha256_update_ret(&sha, chain, AUDIT_HASH_SIZE);
	failed |= mbedtls_sha256_update_ret(&sha, (const unsigned char *)text, size);
	failed |= mbedtls_sha256_finish_ret(&sha, chain);
	mbedtls_sha256_free(&sha);
	return failed ? -EIO : 0;
}

static void write_hex(char *out, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
}

static int read_hex(uint8_t *bytes, const char *in, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		unsigned int byte;
		if (strspn(in + 2 * i, "0123456789abcdef") < 2 || sscanf(in + 2 * i, "%2x", &byte) != 1)
			return -EBADMSG;
		bytes[i] = (uint8_t)byte;
	}
	return 0;
}

/* Takes a line without its line feed apart: where its chain word begins, and its number. */
static int parse_line(const char *line, size_t *text, uint64_t *number, uint8_t chain[AUDIT_HASH_SIZE])
{
	size_t length = strlen(line);
	char *end;
	if (length <= CHAIN_LENGTH || memcmp(line + length - CHAIN_LENGTH, CHAIN_WORD, sizeof(CHAIN_WORD) - 1) != 0)
		return -EBADMSG;
	*text = length - CHAIN_LENGTH;
	*number = strtoull(line, &end, 10);
	if (end == line || *end != ' ' || *number == 0)
		return -EBADMSG;
	return read_hex(chain, line + length - 2 * AUDIT_HASH_SIZE, AUDIT_HASH_SIZE);
}

/* ---- writing ---- */

/* The last whole line of the file says where the chain stands; what follows it was torn by a cut, and goes. */
static int find_end(struct audit *audit)
{
	char tail[2 * AUDIT_LINE_MAX + 1];
	struct stat stat;
	if (fstat(audit->file, &stat) < 0)
		return -errno;
	off_t from = stat.st_size > 2 * AUDIT_LINE_MAX ? stat.st_size - 2 * AUDIT_LINE_MAX : 0;
	ssize_t got = pread(audit->file, tail, 2 * AUDIT_LINE_MAX, from);
	if (got < 0)
		return -errno;
	tail[got] = '\0';
	char *end = strrchr(tail, '\n');
	audit->size = end ? from + (end - tail) + 1 : from;
	if (audit->size < stat.st_size && ftruncate(audit->file, audit->size) < 0)
		return -errno;
	if (!end)
		return from == 0 ? 0 : -EBADMSG;
	*end = '\0';
	char *start = strrchr(tail, '\n');
	size_t text;
	return parse_line(start ? start + 1 : tail, &text, &audit->number, audit->chain);
}

/* A cut between the rename and the first record of the new file leaves it empty: the chain then stands in the old one. */
static int find_old_end(struct audit *audit)
{
	struct audit old = { .directory = -1, .file = openat(audit->directory, OLD_NAME, O_RDWR | O_CLOEXEC) };
	if (old.file < 0)
		return errno == ENOENT ? 0 : -errno;
	int result = find_end(&old);
	close(old.file);
	audit->number = old.number;
	memcpy(audit->chain, old.chain, AUDIT_HASH_SIZE);
	return result;
}

static int open_file(struct audit *audit)
{
	audit->file = openat(audit->directory, FILE_NAME, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (audit->file < 0)
		return -errno;
	return fsync(audit->directory) < 0 ? -errno : 0;
}

int audit_open(struct audit *audit, const char *state_directory)
{
	*audit = (struct audit){ .lock = PTHREAD_MUTEX_INITIALIZER, .file = -1 };
	audit->directory = open(state_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (audit->directory < 0)
		return -errno;
	int result = open_file(audit);
	if (result == 0)
		result = find_end(audit);
	if (result == 0 && audit->size == 0)
		result = find_old_end(audit);
	if (result < 0)
		audit_close(audit);
	return result;
}

void audit_close(struct audit *audit)
{
	if (audit->file >= 0)
		close(audit->file);
	if (audit->directory >= 0)
		close(audit->directory);
	audit->file = audit->directory = -1;
}

static void put(struct audit_record *record, char byte)
{
	if (record->cut)
		return;
	record->cut = record->size == RECORD_MAX;
	if (!record->cut) {
		record->line[record->size++] = byte;
		return;
	}
	memcpy(record->line + record->size, CUT, sizeof(CUT) - 1);
	record->size += sizeof(CUT) - 1;
}

void audit_begin(struct audit_record *record, const char *event)
{
	record->size = 0;
	record->cut = false;
	audit_add(record, "event", event);
}

/* One word a value, so that a line can be read by eye and split by tools; what could break a line is written as \xNN. */
void audit_add(struct audit_record *record, const char *key, const char *value)
{
	static const char hex[] = "0123456789abcdef";
	put(record, ' ');
	while (*key)
		put(record, *key++);
	put(record, '=');
	put(record, '"');
	for (; *value; value++) {
		unsigned char byte = (unsigned char)*value;
		if (byte >= 0x20 && byte != 0x7f && byte != '"' && byte != '\\') {
			put(record, *value);
			continue;
		}
		put(record, '\\');
		put(record, 'x');
		put(record, hex[byte >> 4]);
		put(record, hex[byte & 15]);
	}
	put(record, '"');
}

static int rotate(struct audit *audit)
{
	if (audit->size < AUDIT_FILE_MAX)
		return 0;
	if (renameat(audit->directory, FILE_NAME, audit->directory, OLD_NAME) < 0)
		return -errno;
	close(audit->file);
	audit->size = 0;
	return open_file(audit);
}

static int append(struct audit *audit, const char *line, size_t size)
{
	ssize_t written = write(audit->file, line, size);
	int result = written < 0 ? -errno : (size_t)written < size ? -ENOSPC : 0;
	if (result == 0 && fdatasync(audit->file) < 0)
		result = -errno;
	/* Half a line must not stay in front of the next one. */
	if (result < 0 && ftruncate(audit->file, audit->size) < 0)
		return result;
	return result;
}

static int write_record(struct audit *audit, const struct audit_record *record, int64_t now)
{
	char line[AUDIT_LINE_MAX];
	uint8_t chain[AUDIT_HASH_SIZE];
	time_t when = (time_t)now;
	struct tm utc;
	/* There is none where the new file could not be opened in the middle of a rotation. */
	int result = audit->file < 0 ? open_file(audit) : rotate(audit);
	if (result < 0)
		return result;
	gmtime_r(&when, &utc);
	size_t length = (size_t)snprintf(line, PREFIX_MAX, "%llu ", (unsigned long long)audit->number + 1);
	length += strftime(line + length, PREFIX_MAX - length, "%Y-%m-%dT%H:%M:%SZ", &utc);
	memcpy(line + length, record->line, record->size);
	length += record->size;
	memcpy(chain, audit->chain, sizeof(chain));
	result = extend_chain(chain, line, length);
	if (result < 0)
		return result;
	memcpy(line + length, CHAIN_WORD, sizeof(CHAIN_WORD) - 1);
	length += sizeof(CHAIN_WORD) - 1;
	write_hex(line + length, chain, sizeof(chain));
	length += 2 * sizeof(chain);
	line[length++] = '\n';
	result = append(audit, line, length);
	if (result < 0)
		return result;
	audit->size += (int64_t)length;
	audit->number++;
	memcpy(audit->chain, chain, sizeof(chain));
	return 0;
}

int audit_write(struct audit *audit, struct audit_record *record, int64_t now)
{
	pthread_mutex_lock(&audit->lock);
	int result = write_record(audit, record, now);
	pthread_mutex_unlock(&audit->lock);
	return result;
}

/* ---- checking ---- */

/* The very first line that there still is cannot be checked against one before it, unless it is number 1. */
static int check_line(struct audit_verdict *verdict, const char *line)
{
	uint8_t stated[AUDIT_HASH_SIZE];
	size_t text;
	uint64_t number;
	if (parse_line(line, &text, &number, stated) < 0 || (verdict->records > 0 && number != verdict->last + 1))
		return -EBADMSG;
	int result = extend_chain(verdict->chain, line, text);
	if (result < 0)
		return result;
	if ((verdict->records > 0 || number == 1) && memcmp(verdict->chain, stated, sizeof(stated)) != 0)
		return -EBADMSG;
	memcpy(verdict->chain, stated, sizeof(stated));
	if (verdict->records++ == 0)
		verdict->first = number;
	verdict->last = number;
	return 0;
}

static int check_file(int directory, const char *name, struct audit_verdict *verdict)
{
	char line[AUDIT_LINE_MAX + 2];
	int descriptor = openat(directory, name, O_RDONLY | O_CLOEXEC);
	if (descriptor < 0)
		return errno == ENOENT ? 0 : -errno;
	FILE *file = fdopen(descriptor, "r");
	if (!file) {
		close(descriptor);
		return -ENOMEM;
	}
	int result = 0;
	while (result == 0 && fgets(line, sizeof(line), file)) {
		char *end = strchr(line, '\n');
		if (end)
			*end = '\0';
		result = end ? check_line(verdict, line) : -EBADMSG;
	}
	fclose(file);
	return result;
}

int audit_verify(const char *state_directory, struct audit_verdict *verdict)
{
	memset(verdict, 0, sizeof(*verdict));
	int directory = open(state_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	int result = check_file(directory, OLD_NAME, verdict);
	if (result == 0)
		result = check_file(directory, FILE_NAME, verdict);
	close(directory);
	if (result == -EBADMSG)
		verdict->broken = verdict->records > 0 ? verdict->last + 1 : 1;
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fake_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct session {
	int version;
	struct fake_answer *answers, *current;
	size_t row;
	const struct fake_type *types;
	size_t type_count;
	char said[65536];
	uint8_t bulk[1 << 20];
	size_t said_size, bulk_size, loads;
	bool in_bulk, open;
	uint64_t count;
};

static struct session fake;

struct session *fake_session(int version, struct fake_answer *answers)
{
	memset(&fake, 0, sizeof fake);
	fake.version = version;
	fake.answers = answers;
	return &fake;
}

void fake_session_types(const struct fake_type *types, size_t count)
{
	fake.types = types;
	fake.type_count = count;
}

const char *fake_session_said(void)
{
	return fake.said;
}

const uint8_t *fake_session_bulk(size_t *size)
{
	*size = fake.bulk_size;
	return fake.bulk;
}

size_t fake_session_bulk_loads(void)
{
	return fake.loads;
}

void fake_session_count(uint64_t rows)
{
	fake.count = rows;
}

static void remember(const char *sql)
{
	size_t size = strlen(sql);

	if (size + 2 > sizeof fake.said - fake.said_size)
		abort();
	memcpy(fake.said + fake.said_size, sql, size);
	fake.said_size += size;
	fake.said[fake.said_size++] = '\n';
}

/* As a real session: where the connection broke, and not where the server answered with an error. */
static bool ends_session(enum sql_error_kind kind)
{
	return kind == SQL_ERROR_LOST || kind == SQL_ERROR_STALLED || kind == SQL_ERROR_TIMEOUT ||
		kind == SQL_ERROR_PROTOCOL;
}

static int answer(const char *sql, struct sql_error *error)
{
	remember(sql);
	fake.current = NULL;
	fake.row = 0;
	/* What a real session would not take, either. */
	if (fake.in_bulk || fake.open)
		abort();
	for (struct fake_answer *at = fake.answers; at && at->part && !fake.current; at++)
		if (!at->used && strstr(sql, at->part))
			fake.current = at;
	if (!fake.current)
		return 0;
	fake.current->used = !fake.current->again;
	if (fake.current->error == SQL_OK)
		return 0;
	sql_error_set(error, fake.current->error, "", "as the test wants");
	return ends_session(fake.current->error) ? -EIO : -EREMOTEIO;
}

int session_server_version(const struct session *session)
{
	return session->version;
}

const char *session_tls_description(const struct session *session)
{
	(void)session;
	return "no TLS";
}

int session_execute(
	struct session *session, enum request_kind kind, const char *sql, uint64_t *rows, struct sql_error *error)
{
	int result = answer(sql, error);

	(void)kind;
	if (rows)
		*rows = session->current ? session->current->affected : 0;
	return result;
}

int session_query(struct session *session, enum request_kind kind, const char *sql, struct sql_error *error)
{
	int result = answer(sql, error);

	(void)kind;
	session->open = result == 0;
	return result;
}

int session_next(struct session *session, struct value *values, size_t count, struct sql_error *error)
{
	const struct fake_answer *current = session->current;

	(void)error;
	if (!current || session->row == current->rows) {
		session->open = false;
		return 0;
	}
	if (count != current->columns)
		abort();
	memcpy(values, current->values + session->row++ * count, count * sizeof *values);
	return 1;
}

int session_cancel(struct session *session, struct sql_error *error)
{
	(void)error;
	remember("<cancel>");
	session->current = NULL;
	session->open = false;
	return 0;
}

int session_bulk_begin(struct session *session, const char *insert_bulk, struct sql_error *error)
{
	int result = answer(insert_bulk, error);

	session->in_bulk = result == 0;
	return result;
}

int session_bulk_write(struct session *session, const void *bytes, size_t size, struct sql_error *error)
{
	(void)error;
	if (!session->in_bulk || size > sizeof session->bulk - session->bulk_size)
		abort();
	memcpy(session->bulk + session->bulk_size, bytes, size);
	session->bulk_size += size;
	return 0;
}

int session_bulk_end(struct session *session, uint64_t *rows, struct sql_error *error)
{
	(void)error;
	session->in_bulk = false;
	session->loads++;
	*rows = session->count;
	return 0;
}

size_t session_type_info(const struct session *session, size_t column, const void **bytes, uint16_t *flags)
{
	if (column >= session->type_count)
		return 0;
	*bytes = session->types[column].info;
	*flags = session->types[column].flags;
	return session->types[column].size;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* LIKE and PATINDEX. */
#include "tests/sqlserver/sql_functions.h"
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_compile.h"

struct span {
	const char *data;
	size_t size;
};

static struct span span(sqlite3_value *value)
{
	const char *data = text_argument(value);

	return (struct span){ data, (size_t)sqlite3_value_bytes(value) };
}

static bool in_set(struct span p, size_t *at, uint32_t c, const struct collation *collation)
{
	size_t i = *at;
	bool negated = i < p.size && p.data[i] == '^', found = false;

	i += negated;
	while (i < p.size && p.data[i] != ']') {
		uint32_t low = collation_fold(collation, wtf8_next(p.data, p.size, &i)), high = low;

		if (i + 1 < p.size && p.data[i] == '-' && p.data[i + 1] != ']') {
			i++;
			high = collation_fold(collation, wtf8_next(p.data, p.size, &i));
		}
		found |= c >= low && c <= high;
	}
	*at = i + (i < p.size);
	return found != negated;
}

static bool like(struct span s, size_t i, struct span p, size_t j, uint32_t escape, const struct collation *collation)
{
	while (j < p.size) {
		uint32_t want = wtf8_next(p.data, p.size, &j);

		if (want == '%' && escape != '%') {
			for (;;) {
				if (like(s, i, p, j, escape, collation))
					return true;
				if (i >= s.size)
					return false;
				wtf8_next(s.data, s.size, &i);
			}
		}
		if (i >= s.size)
			return false;
		uint32_t have = wtf8_next(s.data, s.size, &i);

		if (escape && want == escape && j < p.size) {
			want = wtf8_next(p.data, p.size, &j);
		} else if (want == '_') {
			continue;
		} else if (want == '[') {
			if (!in_set(p, &j, collation_fold(collation, have), collation))
				return false;
			continue;
		}
		if (collation_fold(collation, have) != collation_fold(collation, want))
			return false;
	}
	while (i < s.size && s.data[i] == ' ') /* trailing blanks of the text do not count */
		i++;
	return i == s.size;
}

/* ms_like(text, pattern, escape, collation) */
static void ms_like(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct span s = span(v[0]), p = span(v[1]);
	size_t at = 0;
	uint32_t escape = 0;

	(void)count;
	if (any_null(2, v))
		return;
	if (sqlite3_value_type(v[2]) != SQLITE_NULL && sqlite3_value_bytes(v[2]))
		escape = wtf8_next(text_argument(v[2]), (size_t)sqlite3_value_bytes(v[2]), &at);
	sqlite3_result_int(context, like(s, 0, p, 0, escape, collation_get((uint16_t)sqlite3_value_int(v[3]))));
}

static void patindex(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct span p = span(v[0]), s = span(v[1]);
	bool open = p.size && *p.data == '%';
	int64_t position = 0;

	if (any_null(count, v))
		return;
	p.data += open;
	p.size -= open;
	for (size_t at = 0; at <= s.size;) {
		if (like(s, at, p, 0, 0, collation_get((uint16_t)sqlite3_value_int(v[count - 1])))) {
			position = (int64_t)wtf8_units(s.data, at) + 1;
			break;
		}
		if (!open || at >= s.size)
			break;
		wtf8_next(s.data, s.size, &at);
	}
	sqlite3_result_int64(context, position);
}

int functions_register_likes(struct session *session)
{
	static const struct function_entry entries[] = { { "ms_like", 4, ms_like, 0 }, { "f_patindex", 3, patindex, 0 } };

	return functions_add(session, entries, sizeof(entries) / sizeof(*entries));
}

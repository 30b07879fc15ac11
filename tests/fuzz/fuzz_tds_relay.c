/* SPDX-License-Identifier: Apache-2.0 */
/* What a server sends, as the relay looks at it: PRELOGIN, the reply to a login, the stream of packets, columns. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/net/tds.h"
#include "agent/net/tds_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_columns(const uint8_t *token, size_t size)
{
	struct tds_column column;

	for (size_t i = 0; tds_column(token, size, i, &column) == 0; i++)
		if (column.type_info < token || column.type_info + column.type_info_size > token + size)
			abort();
}

/* The same bytes in pieces of different sizes must come to the same. */
static void pass(struct tds_stream *stream, const uint8_t *data, size_t size, size_t piece, int *error)
{
	*error = 0;
	for (size_t at = 0; !*error && at < size; at += piece)
		*error = tds_stream_pass(stream, data + at, size - at < piece ? size - at : piece);
}

static void compare(const uint8_t *data, size_t size, bool collect)
{
	struct tds_stream whole = { .collect_all = collect }, pieces = { .collect_all = collect };
	int first, second;

	pass(&whole, data, size, size ? size : 1, &first);
	pass(&pieces, data, size, 7, &second);
	if (first != second)
		abort();
	if (!first &&
		(whole.messages != pieces.messages || whole.in_message != pieces.in_message ||
			whole.columns_size != pieces.columns_size ||
			tds_stream_acknowledged(&whole) != tds_stream_acknowledged(&pieces)))
		abort();
	check_columns(whole.columns, whole.columns_size);
	tds_stream_free(&whole);
	tds_stream_free(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tds_login_reply reply;
	int at = tds_prelogin_encryption(data, size);

	if (at >= 0 && (size_t)at >= size)
		abort();
	tds_scan_login(data, size, &reply);
	compare(data, size, false);
	compare(data, size, true);
	return 0;
}

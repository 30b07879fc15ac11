/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/net/sql_error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int sql_error_set(struct sql_error *error, enum sql_error_kind kind, const char *object, const char *format, ...)
{
	if (!error || error->kind != SQL_OK)
		return -EIO;

	va_list arguments;

	error->kind = kind;
	snprintf(error->object, sizeof(error->object), "%s", object ? object : "");
	va_start(arguments, format);
	vsnprintf(error->detail, sizeof(error->detail), format, arguments);
	va_end(arguments);
	return -EIO;
}

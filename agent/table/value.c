/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/table/value.h"

static const uint8_t sizes[] = {
	[COLUMN_BIT] = 1,
	[COLUMN_TINYINT] = 1,
	[COLUMN_SMALLINT] = 2,
	[COLUMN_INT] = 4,
	[COLUMN_BIGINT] = 8,
	[COLUMN_REAL] = 4,
	[COLUMN_FLOAT] = 8,
	[COLUMN_DECIMAL] = 17,
	[COLUMN_SMALLMONEY] = 4,
	[COLUMN_MONEY] = 8,
	[COLUMN_DATE] = 3,
	[COLUMN_SMALLDATETIME] = 4,
	[COLUMN_DATETIME] = 8,
	[COLUMN_TIME] = 5,
	[COLUMN_DATETIME2] = 8,
	[COLUMN_DATETIMEOFFSET] = 10,
	[COLUMN_UNIQUEIDENTIFIER] = 16,
	[COLUMN_ROWVERSION] = 8,
	[COLUMN_UDT] = 0,
};

size_t column_type_size(enum column_type type)
{
	return column_type_is_known((int)type) ? sizes[type] : 0;
}

bool column_type_is_utf16(enum column_type type)
{
	return type == COLUMN_NCHAR || type == COLUMN_NVARCHAR || type == COLUMN_NTEXT || type == COLUMN_XML;
}

bool column_type_is_known(int type)
{
	return type >= COLUMN_BIT && type <= COLUMN_UDT;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of FORMAT.md, from and to the tables of catalogue_fields.c. Depth is that of the tables, never of the input.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sql/catalogue.h"
#include "agent/sql/catalogue_fields.h"
#include "agent/table/bytes.h"

#define HEAD_SIZE 8
#define FIELD_HEAD 6
static const uint8_t head[HEAD_SIZE] = { 'C', 'F', 'C', 'T', 1, 0, 0, 0 };

/* ---- writing ---- */

struct writer {
	uint8_t *bytes;
	size_t size, capacity;
	int error;
};

static uint8_t *reserve(struct writer *writer, size_t size)
{
	if (writer->error || size > CATALOGUE_BYTES_MAX - writer->size) {
		writer->error = writer->error ? writer->error : -EFBIG;
		return NULL;
	}
	if (size > writer->capacity - writer->size) {
		size_t capacity = (writer->size + size) * 3 / 2 + 1024;
		uint8_t *more = realloc(writer->bytes, capacity);
		if (!more) {
			writer->error = -ENOMEM;
			return NULL;
		}
		writer->bytes = more;
		writer->capacity = capacity;
	}
	writer->size += size;
	return writer->bytes + writer->size - size;
}

static void put_field(struct writer *writer, uint16_t tag, const void *bytes, size_t size)
{
	uint8_t *at = reserve(writer, FIELD_HEAD + size);

	if (!at)
		return;
	put_number(at, tag, 2);
	put_number(at + 2, size, 4);
	if (size)
		memcpy(at + FIELD_HEAD, bytes, size);
}

static void put_scalar(struct writer *writer, const struct catalogue_field *field, const char *at)
{
	uint8_t number[8] = { 0 };
	const char *string;

	switch (field->kind) {
	case FIELD_BOOL:
		if (*(const bool *)at)
			put_field(writer, field->tag, NULL, 0);
		return;
	case FIELD_INT:
	case FIELD_LONG: {
		size_t size = field->kind == FIELD_INT ? 4 : 8;
		int64_t value = size == 4 ? *(const int32_t *)(const void *)at : *(const int64_t *)(const void *)at;
		put_number(number, (uint64_t)value, size);
		if (value)
			put_field(writer, field->tag, number, size);
		return;
	}
	default:
		memcpy(&string, at, sizeof string);
		if (string && (*string || field->kind == FIELD_OPTIONAL))
			put_field(writer, field->tag, string, strlen(string));
	}
}

static void put_record(struct writer *writer, const struct catalogue_record *record, const char *item);

static void patch_length(struct writer *writer, size_t at)
{
	if (!writer->error)
		put_number(writer->bytes + at - 4, writer->size - at, 4);
}

static void put_list(struct writer *writer, const struct catalogue_field *field, const char *base)
{
	const char *items;
	uint32_t count;
	size_t start;

	memcpy(&items, base + field->offset, sizeof items);
	memcpy(&count, base + field->count_offset, sizeof count);
	if (!count)
		return;
	put_field(writer, field->tag, NULL, 0);
	start = writer->size;
	for (uint32_t i = 0; i < count; i++) {
		reserve(writer, 4);
		size_t item = writer->size;
		put_record(writer, field->record, items + i * field->record->size);
		patch_length(writer, item);
	}
	patch_length(writer, start);
}

static void put_record(struct writer *writer, const struct catalogue_record *record, const char *item)
{
	for (size_t i = 0; i < record->field_count && !writer->error; i++) {
		const struct catalogue_field *field = &record->fields[i];
		if (field->kind == FIELD_LIST) {
			put_list(writer, field, item);
		} else if (field->kind == FIELD_RECORD) {
			put_field(writer, field->tag, NULL, 0);
			size_t start = writer->size;
			put_record(writer, field->record, item + field->offset);
			patch_length(writer, start);
		} else {
			put_scalar(writer, field, item + field->offset);
		}
	}
}

int catalogue_encode(const struct catalogue *catalogue, uint8_t **bytes, size_t *size)
{
	struct writer writer = { 0 };
	uint8_t *at = reserve(&writer, HEAD_SIZE);

	if (at)
		memcpy(at, head, HEAD_SIZE);
	put_record(&writer, &catalogue_record_root, (const char *)catalogue);
	if (writer.error) {
		free(writer.bytes);
		return writer.error;
	}
	*bytes = writer.bytes;
	*size = writer.size;
	return 0;
}

/* ---- reading ---- */

struct span {
	const uint8_t *bytes;
	size_t size;
};

static int get_record(struct catalogue *catalogue, const struct catalogue_record *record, struct span span, char *item);

/* The next length-prefixed item of a list. */
static bool next_item(struct span *list, struct span *item)
{
	if (list->size < 4)
		return false;
	item->size = (size_t)get_number(list->bytes, 4);
	item->bytes = list->bytes + 4;
	if (item->size > list->size - 4)
		return false;
	list->bytes += 4 + item->size;
	list->size -= 4 + item->size;
	return true;
}

static int get_list(struct catalogue *catalogue, const struct catalogue_field *field, struct span span, char *base)
{
	struct span rest = span, item;
	uint32_t count = 0;
	char *items;
	int result = 0;

	while (rest.size) {
		if (!next_item(&rest, &item))
			return -EBADMSG;
		count++;
	}
	items = catalogue_allocate(catalogue, count * field->record->size);
	if (!items)
		return -ENOMEM;
	for (uint32_t i = 0; result == 0 && i < count && next_item(&span, &item); i++) {
		catalogue_record_init(field->record, items + i * field->record->size);
		result = get_record(catalogue, field->record, item, items + i * field->record->size);
	}
	memcpy(base + field->offset, &items, sizeof items);
	memcpy(base + field->count_offset, &count, sizeof count);
	return result;
}

static int get_string(struct catalogue *catalogue, struct span span, char *at)
{
	const char *string;

	if (span.size && memchr(span.bytes, 0, span.size))
		return -EBADMSG;
	string = catalogue_string(catalogue, span.bytes, span.size);
	if (!string)
		return -ENOMEM;
	memcpy(at, &string, sizeof string);
	return 0;
}

static int get_field(struct catalogue *catalogue, const struct catalogue_field *field, struct span span, char *base)
{
	static const size_t sizes[] = { [FIELD_BOOL] = 0, [FIELD_INT] = 4, [FIELD_LONG] = 8 };
	char *at = base + field->offset;

	if (field->kind <= FIELD_LONG && span.size != sizes[field->kind])
		return -EBADMSG;
	switch (field->kind) {
	case FIELD_BOOL:
		*(bool *)at = true;
		return 0;
	case FIELD_INT:
		*(int32_t *)(void *)at = (int32_t)(uint32_t)get_number(span.bytes, 4);
		return 0;
	case FIELD_LONG:
		*(int64_t *)(void *)at = (int64_t)get64(span.bytes);
		return 0;
	case FIELD_LIST:
		return get_list(catalogue, field, span, base);
	case FIELD_RECORD:
		return get_record(catalogue, field->record, span, at);
	default:
		return get_string(catalogue, span, at);
	}
}

static const struct catalogue_field *find_field(const struct catalogue_record *record, uint32_t tag)
{
	for (size_t i = 0; i < record->field_count; i++)
		if (record->fields[i].tag == tag)
			return &record->fields[i];
	return NULL;
}

static int get_record(struct catalogue *catalogue, const struct catalogue_record *record, struct span span, char *item)
{
	uint32_t last = 0;

	while (span.size) {
		if (span.size < FIELD_HEAD)
			return -EBADMSG;
		uint32_t tag = (uint32_t)get_number(span.bytes, 2);
		struct span value = { span.bytes + FIELD_HEAD, (size_t)get_number(span.bytes + 2, 4) };
		const struct catalogue_field *field = find_field(record, tag);
		if (tag <= last || value.size > span.size - FIELD_HEAD)
			return -EBADMSG;
		int result = field ? get_field(catalogue, field, value, item) : 0;
		if (result < 0)
			return result;
		last = tag;
		span.bytes += FIELD_HEAD + value.size;
		span.size -= FIELD_HEAD + value.size;
	}
	return 0;
}

int catalogue_decode(struct catalogue **decoded, const void *bytes, size_t size)
{
	struct catalogue *catalogue;
	struct span span = { bytes, size };
	int result;

	if (size > CATALOGUE_BYTES_MAX)
		return -EFBIG;
	if (size < HEAD_SIZE || memcmp(bytes, head, HEAD_SIZE) != 0)
		return -EBADMSG;
	result = catalogue_new(&catalogue);
	if (result < 0)
		return result;
	span.bytes += HEAD_SIZE;
	span.size -= HEAD_SIZE;
	result = get_record(catalogue, &catalogue_record_root, span, (char *)catalogue);
	if (result < 0) {
		catalogue_free(catalogue);
		return result;
	}
	*decoded = catalogue;
	return 0;
}

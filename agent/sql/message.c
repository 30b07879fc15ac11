/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/message.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define HEADER_SIZE 5 /* u32 length of type and payload, u8 type */

/* ---- packing ---- */

static uint8_t *reserve(struct packer *packer, size_t size)
{
	if (packer->failed || size > packer->capacity - packer->size) {
		packer->failed = true;
		return NULL;
	}

	uint8_t *place = packer->bytes + packer->size;

	packer->size += size;
	return place;
}

static void pack_number(struct packer *packer, uint64_t value, size_t size)
{
	uint8_t *place = reserve(packer, size);

	for (size_t i = 0; place && i < size; i++)
		place[i] = (uint8_t)(value >> (8 * i));
}

void pack_u8(struct packer *packer, uint8_t value)
{
	pack_number(packer, value, 1);
}

void pack_u16(struct packer *packer, uint16_t value)
{
	pack_number(packer, value, 2);
}

void pack_u32(struct packer *packer, uint32_t value)
{
	pack_number(packer, value, 4);
}

void pack_u64(struct packer *packer, uint64_t value)
{
	pack_number(packer, value, 8);
}

void pack_bytes(struct packer *packer, const void *bytes, size_t size)
{
	uint8_t *place = reserve(packer, size);

	if (place && size)
		memcpy(place, bytes, size);
}

void pack_blob(struct packer *packer, const void *bytes, size_t size)
{
	if (size > UINT32_MAX)
		packer->failed = true;
	pack_u32(packer, (uint32_t)size);
	pack_bytes(packer, bytes, size);
}

void pack_string(struct packer *packer, const char *string)
{
	size_t size = string ? strlen(string) : 0;

	if (size > UINT16_MAX)
		packer->failed = true;
	pack_u16(packer, (uint16_t)size);
	pack_bytes(packer, string, size);
}

/* ---- unpacking ---- */

const void *unpack_bytes(struct unpacker *unpacker, size_t size)
{
	if (unpacker->failed || size > unpacker->size - unpacker->at) {
		unpacker->failed = true;
		return NULL;
	}

	const uint8_t *bytes = unpacker->bytes + unpacker->at;

	unpacker->at += size;
	return bytes;
}

static uint64_t unpack_number(struct unpacker *unpacker, size_t size)
{
	const uint8_t *bytes = unpack_bytes(unpacker, size);
	uint64_t value = 0;

	for (size_t i = 0; bytes && i < size; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

uint8_t unpack_u8(struct unpacker *unpacker)
{
	return (uint8_t)unpack_number(unpacker, 1);
}

uint16_t unpack_u16(struct unpacker *unpacker)
{
	return (uint16_t)unpack_number(unpacker, 2);
}

uint32_t unpack_u32(struct unpacker *unpacker)
{
	return (uint32_t)unpack_number(unpacker, 4);
}

uint64_t unpack_u64(struct unpacker *unpacker)
{
	return unpack_number(unpacker, 8);
}

const void *unpack_blob(struct unpacker *unpacker, size_t *size)
{
	*size = unpack_u32(unpacker);

	const void *bytes = unpack_bytes(unpacker, *size);

	if (!bytes)
		*size = 0;
	return bytes;
}

void unpack_string(struct unpacker *unpacker, char *string, size_t capacity)
{
	size_t size = unpack_u16(unpacker);
	const void *bytes = unpack_bytes(unpacker, size);

	string[0] = '\0';
	if (!bytes)
		return;
	if (size >= capacity || memchr(bytes, '\0', size)) {
		unpacker->failed = true;
		return;
	}
	memcpy(string, bytes, size);
	string[size] = '\0';
}

/* ---- keys ---- */

void pack_key(struct packer *packer, const struct value *values, size_t count)
{
	pack_u16(packer, (uint16_t)count);
	for (size_t i = 0; i < count; i++) {
		pack_u8(packer, values[i].data != NULL);
		if (values[i].data)
			pack_blob(packer, values[i].data, values[i].size);
	}
}

void unpack_key(struct unpacker *unpacker, struct value *values, size_t count)
{
	if (unpack_u16(unpacker) != count)
		unpacker->failed = true;
	for (size_t i = 0; i < count; i++) {
		values[i] = (struct value){ NULL, 0 };
		if (unpack_u8(unpacker))
			values[i].data = unpack_blob(unpacker, &values[i].size);
	}
}

/* ---- a struct sql_error, field by field ---- */

void pack_error(struct packer *packer, const struct sql_error *error)
{
	pack_u8(packer, (uint8_t)error->kind);
	pack_u32(packer, (uint32_t)error->number);
	pack_u8(packer, error->severity);
	pack_u8(packer, error->state);
	pack_string(packer, error->object);
	pack_string(packer, error->doing);
	pack_string(packer, error->detail);
}

void unpack_error(struct unpacker *unpacker, struct sql_error *error)
{
	memset(error, 0, sizeof(*error));

	uint8_t kind = unpack_u8(unpacker);

	error->number = (int32_t)unpack_u32(unpacker);
	error->severity = unpack_u8(unpacker);
	error->state = unpack_u8(unpacker);
	unpack_string(unpacker, error->object, sizeof(error->object));
	unpack_string(unpacker, error->doing, sizeof(error->doing));
	unpack_string(unpacker, error->detail, sizeof(error->detail));
	if (kind == SQL_OK || kind > SQL_ERROR_LAST)
		unpacker->failed = true;
	error->kind = (enum sql_error_kind)kind;
}

/* ---- over the socket ---- */

static int translate_send_error(int error)
{
	return error == EPIPE || error == ECONNRESET || error == ENOTCONN ? -EPIPE : -error;
}

static int wait_for(int socket, short events, int timeout_ms)
{
	struct pollfd item = { .fd = socket, .events = events };
	int ready;

	do
		ready = poll(&item, 1, timeout_ms);
	while (ready < 0 && errno == EINTR);
	return ready < 0 ? -errno : ready;
}

/* Drops the first `sent` bytes from the parts. */
static void advance(struct iovec *parts, size_t count, size_t sent)
{
	for (size_t i = 0; i < count && sent; i++) {
		size_t step = sent < parts[i].iov_len ? sent : parts[i].iov_len;

		parts[i].iov_base = (uint8_t *)parts[i].iov_base + step;
		parts[i].iov_len -= step;
		sent -= step;
	}
}

static int send_parts(int socket, struct iovec *parts, size_t count, size_t left)
{
	while (left) {
		struct msghdr header = { .msg_iov = parts, .msg_iovlen = count };
		ssize_t sent = sendmsg(socket, &header, MSG_NOSIGNAL);

		if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
			int ready = wait_for(socket, POLLOUT, -1);

			if (ready < 0)
				return ready;
			continue;
		}
		if (sent < 0)
			return translate_send_error(errno);
		advance(parts, count, (size_t)sent);
		left -= (size_t)sent;
	}
	return 0;
}

int message_send2(
	int socket, enum message_type type, const void *head, size_t head_size, const void *body, size_t body_size)
{
	if (head_size > MESSAGE_SIZE_MAX || body_size > MESSAGE_SIZE_MAX - head_size)
		return -EMSGSIZE;

	uint32_t length = (uint32_t)(1 + head_size + body_size);
	uint8_t header[HEADER_SIZE] = {
		(uint8_t)length,
		(uint8_t)(length >> 8),
		(uint8_t)(length >> 16),
		(uint8_t)(length >> 24),
		(uint8_t)type,
	};
	struct iovec parts[3] = {
		{ header, sizeof(header) },
		{ (void *)(uintptr_t)head, head_size },
		{ (void *)(uintptr_t)body, body_size },
	};

	return send_parts(socket, parts, 3, sizeof(header) + head_size + body_size);
}

int message_send(int socket, enum message_type type, const void *payload, size_t size)
{
	return message_send2(socket, type, payload, size, NULL, 0);
}

static int receive_all(int socket, uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t got = recv(socket, bytes, size, 0);

		if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
			int ready = wait_for(socket, POLLIN, -1);

			if (ready < 0)
				return ready;
			continue;
		}
		if (got <= 0)
			return -EPIPE;
		bytes += got;
		size -= (size_t)got;
	}
	return 0;
}

int message_receive(int socket, int timeout_ms, enum message_type *type, uint8_t *buffer, size_t *size)
{
	int ready = wait_for(socket, POLLIN, timeout_ms);

	if (ready <= 0)
		return ready;

	uint8_t header[HEADER_SIZE];
	int error = receive_all(socket, header, sizeof(header));

	if (error)
		return error;

	uint32_t length = header[0] | (uint32_t)header[1] << 8 | (uint32_t)header[2] << 16 | (uint32_t)header[3] << 24;

	if (length < 1 || length - 1 > MESSAGE_SIZE_MAX)
		return -EPROTO;
	*type = (enum message_type)header[4];
	*size = length - 1;
	error = receive_all(socket, buffer, *size);
	return error ? error : 1;
}

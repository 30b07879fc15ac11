/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chunk that someone with the key made up: sealed rightly, whatever is in it. It opens if and only if what it holds
 * decodes to exactly as many bytes as it says and these have its name; and then as these bytes.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/crypto.h"
#include "storage/pack.h"

#define CAPACITY 20000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct pack_keys keys = { .repository = "a repository id", .name = { 1 }, .seal = { 2 } };
static struct sealer *sealer;
static struct packer *packer;

/* The size that it decodes to, or 0: it does not. */
static uint32_t decode(int codec, const uint8_t *from, uint32_t size, uint8_t *to)
{
	uLongf length = CAPACITY;
	z_stream stream = {
		.next_in = (uint8_t *)(uintptr_t)from, .avail_in = size, .next_out = to, .avail_out = CAPACITY
	};
	if (codec == CODEC_NONE) {
		memcpy(to, from, size < CAPACITY ? size : 0);
		return size < CAPACITY ? size : 0;
	}
	if (inflateInit2(&stream, -15) != Z_OK)
		abort();
	int result = inflate(&stream, Z_FINISH);
	length = stream.total_out;
	inflateEnd(&stream);
	return result == Z_STREAM_END ? (uint32_t)length : 0;
}

static void seal(struct chunk_head *head, uint8_t *stored)
{
	uint8_t ad[49];
	memcpy(ad, keys.repository, 16);
	ad[16] = 'c';
	memcpy(ad + 17, head->name.bytes, sizeof head->name.bytes);
	struct sealed sealed = { ad, sizeof ad, stored, head->stored_size, head->nonce, head->tag };
	if (sealer_seal(sealer, &sealed))
		abort();
	head->crc = crc32c(0, stored, head->stored_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t stored[CAPACITY], wanted[CAPACITY], got[CAPACITY];
	if (!packer && (sealer_create(&sealer, keys.seal) || packer_create(&packer, &keys, 1)))
		abort();
	if (size < 2 || size > CAPACITY - 4)
		return 0;
	/* The first byte: how it is coded, and how wrong the length is that it says. */
	struct chunk_head head = {
		.codec = data[0] & 1, .cipher = CIPHER_AES_256_GCM, .stored_size = (uint32_t)size - 1 + 4
	};
	uint32_t length = decode((int)head.codec, data + 1, (uint32_t)size - 1, wanted), said = length + (data[0] >> 1) % 3;
	if (data[0] >> 1 == 127)
		said = UINT32_MAX;
	if (pack_name(&keys, wanted, length, &head.name))
		abort();
	bool misnamed = (data[0] >> 1) % 7 == 6;
	head.name.bytes[31] ^= misnamed;
	put32(stored, said);
	memcpy(stored + 4, data + 1, size - 1);
	seal(&head, stored);
	uint32_t opened = 0;
	int error = packer_unpack(packer, &head, stored, got, CAPACITY, &opened);
	bool good = length && said == length && !misnamed;
	if ((error == 0) != good || (good && (opened != length || memcmp(got, wanted, length) != 0)))
		abort();
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/crypto.h"
#include "storage/deflate_block.h"

struct packer {
	struct pack_keys keys;
	struct sealer *sealer;
	z_stream deflate, inflate;
	bool deflate_ready, inflate_ready; /* made at first use: a reader deflates nothing, a worker inflates nothing */
	int level;
};

#define AD_SIZE (16 + 1 + CHUNK_NAME_SIZE)

/* Never a place: a chunk that cleaning or copying moves stays sealed as it is. */
static void authenticated(const struct pack_keys *keys, const struct chunk_name *name, uint8_t ad[AD_SIZE])
{
	memcpy(ad, keys->repository, 16);
	ad[16] = 'c';
	memcpy(ad + 17, name->bytes, CHUNK_NAME_SIZE);
}

int pack_name(const struct pack_keys *keys, const void *bytes, uint32_t size, struct chunk_name *name)
{
	return crypto_hmac(keys->name, bytes, size, name->bytes);
}

int packer_create(struct packer **packer, const struct pack_keys *keys, int level)
{
	struct packer *p = calloc(1, sizeof *p);
	if (!p)
		return -ENOMEM;
	p->keys = *keys;
	p->level = level;
	int error = sealer_create(&p->sealer, keys->seal);
	if (error) {
		packer_free(p);
		return error;
	}
	*packer = p;
	return 0;
}

void packer_free(struct packer *packer)
{
	if (!packer)
		return;
	if (packer->deflate_ready)
		deflateEnd(&packer->deflate);
	if (packer->inflate_ready)
		inflateEnd(&packer->inflate);
	sealer_free(packer->sealer);
	crypto_wipe(packer, sizeof *packer);
	free(packer);
}

static int prepare_deflate(struct packer *p)
{
	if (p->deflate_ready)
		return deflateReset(&p->deflate) == Z_OK ? 0 : -EINVAL;
	int result = deflateInit2(&p->deflate, p->level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
	p->deflate_ready = result == Z_OK;
	return p->deflate_ready ? 0 : result == Z_MEM_ERROR ? -ENOMEM : -EINVAL;
}

static int prepare_inflate(struct packer *p)
{
	if (p->inflate_ready)
		return inflateReset(&p->inflate) == Z_OK ? 0 : -EINVAL;
	int result = inflateInit2(&p->inflate, -15);
	p->inflate_ready = result == Z_OK;
	return p->inflate_ready ? 0 : result == Z_MEM_ERROR ? -ENOMEM : -EINVAL;
}

/* False where what comes out would not be shorter. */
static bool deflate_all(z_stream *stream, const uint8_t *bytes, uint32_t size)
{
	int result = Z_OK;
	for (uint32_t block; size && result == Z_OK && stream->avail_out; bytes += block, size -= block) {
		block = deflate_block(bytes, size);
		stream->next_in = (z_const Bytef *)(uintptr_t)bytes;
		stream->avail_in = block;
		result = deflate(stream, block == size ? Z_FINISH : Z_BLOCK);
	}
	return result == Z_STREAM_END;
}

/* Fills in how long it became; CODEC_NONE where deflate would not make it shorter. */
static int compress_to(struct packer *p, const void *bytes, uint32_t size, uint8_t *to, struct chunk_head *head)
{
	int error = prepare_deflate(p);
	if (error)
		return error;
	p->deflate.next_out = to;
	p->deflate.avail_out = size - 1;
	bool shorter = deflate_all(&p->deflate, bytes, size);
	head->codec = shorter ? CODEC_DEFLATE : CODEC_NONE;
	head->stored_size = 4 + (shorter ? (uint32_t)p->deflate.total_out : size);
	if (!shorter)
		memcpy(to, bytes, size);
	return 0;
}

int packer_pack(struct packer *packer, const void *bytes, uint32_t size, struct chunk_head *head, uint8_t *stored)
{
	uint8_t ad[AD_SIZE];
	put32(stored, size);
	int error = compress_to(packer, bytes, size, stored + 4, head);
	if (error)
		return error;
	authenticated(&packer->keys, &head->name, ad);
	struct sealed sealed = { ad, sizeof ad, stored, head->stored_size, head->nonce, head->tag };
	error = sealer_seal(packer->sealer, &sealed);
	head->cipher = CIPHER_AES_256_GCM;
	head->key_epoch = 0;
	memset(head->dictionary, 0, sizeof head->dictionary);
	head->crc = crc32c(0, stored, head->stored_size);
	return error;
}

static int expand(struct packer *p, const struct chunk_head *head, uint8_t *from, void *bytes, uint32_t size)
{
	uint32_t packed = head->stored_size - 4;
	if (head->codec == CODEC_NONE) {
		if (packed != size)
			return -EBADMSG;
		memcpy(bytes, from, size);
		return 0;
	}
	int error = prepare_inflate(p);
	if (error)
		return error;
	p->inflate.next_in = from;
	p->inflate.avail_in = packed;
	p->inflate.next_out = bytes;
	p->inflate.avail_out = size;
	int result = inflate(&p->inflate, Z_FINISH);
	if (result == Z_MEM_ERROR)
		return -ENOMEM;
	return result == Z_STREAM_END && p->inflate.total_out == size ? 0 : -EBADMSG;
}

static int open_sealed(struct packer *packer, const struct chunk_head *head, uint8_t *stored)
{
	static const uint8_t no_dictionary[8];
	struct chunk_head copy = *head;
	uint8_t ad[AD_SIZE];
	if (head->key_epoch || memcmp(head->dictionary, no_dictionary, 8) != 0)
		return -EPROTONOSUPPORT;
	if (head->stored_size < 4 || crc32c(0, stored, head->stored_size) != head->crc)
		return -EBADMSG;
	authenticated(&packer->keys, &head->name, ad);
	struct sealed sealed = { ad, sizeof ad, stored, head->stored_size, copy.nonce, copy.tag };
	return sealer_open(packer->sealer, &sealed);
}

int packer_unpack(struct packer *packer, const struct chunk_head *head, uint8_t *stored, void *bytes, uint32_t capacity,
	uint32_t *size)
{
	struct chunk_name name;
	int error = open_sealed(packer, head, stored);
	if (error)
		return error;
	*size = get32(stored);
	if (!*size || *size > capacity)
		return -EBADMSG;
	error = expand(packer, head, stored + 4, bytes, *size);
	if (!error)
		error = pack_name(&packer->keys, bytes, *size, &name);
	if (!error && memcmp(&name, &head->name, sizeof name) != 0)
		error = -EBADMSG;
	return error;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks on the reference volume, with fixed keys: names, order, damage, collisions. */
#include "storage/chunk.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/memory.h"

static const struct memory_geometry geometry = { .size = 16u << 20, .segment_size = 1u << 20, .write_unit = 1 };

struct fixture {
	struct volume *volume;
	struct chunk_store store;
};

static struct chunk_settings settings_with(int threads, uint32_t chunks)
{
	return (struct chunk_settings){
		.keys = { .repository = "a family", .name = "a key for names", .seal = "a key for sealing" },
		.repository = "a repository id",
		.index_chunks = chunks,
		.level = 6,
		.threads = threads,
	};
}

static void open_with(struct fixture *f, int threads, uint32_t chunks)
{
	struct chunk_settings settings = settings_with(threads, chunks);
	assert_int_equal(memory_volume_open(&f->volume, &geometry), 0);
	assert_int_equal(chunk_store_open(&f->store, f->volume, &settings), 0);
}

static void close_all(struct fixture *f)
{
	chunk_store_close(&f->store);
	memory_volume_close(f->volume);
}

static uint32_t make_bytes(unsigned i, uint8_t *bytes)
{
	uint32_t size = 1 + i * 97 % 5000, random = i * 7 + 1;
	for (uint32_t j = 0; j < size; j++)
		bytes[j] = (uint8_t)((random = random * 1664525 + 1013904223) >> (i % 2 ? 24 : 30));
	return size;
}

static void what_is_put_is_got_before_and_after_the_flush(void **state)
{
	(void)state;
	struct fixture f;
	uint8_t bytes[5000], got[5000];
	struct chunk_name names[300];
	open_with(&f, 2, 1000);
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(chunk_put(&f.store, bytes, make_bytes(i, bytes), &names[i]), 0);
	for (int flushed = 0; flushed < 2; flushed++) {
		for (unsigned i = 0; i < 290; i++) { /* the last ones may still be with the threads */
			uint32_t size = make_bytes(i, bytes);
			assert_int_equal(chunk_get(&f.store, &names[i], got, size), 0);
			assert_memory_equal(got, bytes, size);
			assert_int_equal(chunk_get(&f.store, &names[i], got, size + 1), -EBADMSG);
		}
		assert_int_equal(chunk_flush(&f.store), 0);
	}
	close_all(&f);
}

static void the_name_is_the_keyed_hash_of_the_bytes(void **state)
{
	(void)state;
	/* Computed by Python's hmac: the key is "a key for names" with zeros behind. */
	static const uint8_t expected[4] = { 0xb2, 0x4b, 0x33, 0x07 };
	struct fixture f;
	struct chunk_name name;
	open_with(&f, 0, 10);
	assert_int_equal(chunk_put(&f.store, "abc", 3, &name), 0);
	assert_memory_equal(name.bytes, expected, 4);
	close_all(&f);
}

struct order {
	unsigned count;
	struct chunk_name names[400];
	uint32_t offsets[400], sizes[400];
};

static int note_order(void *arg, uint64_t number, uint32_t offset, const struct chunk_head *head)
{
	struct order *order = arg;
	order->names[order->count] = head->name;
	order->offsets[order->count] = offset + (uint32_t)(number << 24);
	order->sizes[order->count++] = head->stored_size;
	return 0;
}

struct listing {
	struct segment_file files[16];
	unsigned count;
};

static int note_file(void *arg, uint64_t id, uint32_t size)
{
	struct listing *listing = arg;
	assert_true(id >= 1 && id <= 16);
	listing->files[id - 1] = (struct segment_file){ id, size };
	listing->count++;
	return 0;
}

static void read_order(struct fixture *f, struct order *order)
{
	static uint8_t buffer[SEGMENT_WALK_SIZE];
	struct listing listing = { .count = 0 };
	memset(order, 0, sizeof *order);
	assert_int_equal(volume_list(f->volume, note_file, &listing), 0);
	for (unsigned i = 0; i < listing.count; i++)
		assert_int_equal(segment_walk(&f->store.healer, &listing.files[i], buffer, note_order, order), 0);
}

static void the_medium_does_not_depend_on_threads(void **state)
{
	(void)state;
	static struct order one, more;
	for (int threads = 0; threads <= 5; threads++) {
		struct fixture f;
		uint8_t bytes[5000];
		struct chunk_name name;
		open_with(&f, threads, 1000);
		for (unsigned i = 0; i < 400; i++)
			assert_int_equal(chunk_put(&f.store, bytes, make_bytes(i % 350, bytes), &name), 0);
		assert_int_equal(chunk_flush(&f.store), 0);
		read_order(&f, threads ? &more : &one);
		assert_int_equal(one.count, 350);
		if (threads)
			assert_memory_equal(&one, &more, sizeof one);
		close_all(&f);
	}
}

static int note_nonce(void *arg, uint64_t number, uint32_t offset, const struct chunk_head *head)
{
	uint8_t(**at)[12] = arg;
	(void)number, (void)offset;
	memcpy(*(*at)++, head->nonce, 12);
	return 0;
}

static void no_nonce_is_used_twice(void **state)
{
	(void)state;
	static uint8_t nonces[200][12], buffer[SEGMENT_WALK_SIZE];
	uint8_t(*at)[12] = nonces, bytes[5000];
	struct fixture f;
	struct chunk_name name;
	struct listing listing = { .count = 0 };
	open_with(&f, 2, 1000);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(chunk_put(&f.store, bytes, make_bytes(i, bytes), &name), 0);
	assert_int_equal(chunk_flush(&f.store), 0);
	assert_int_equal(volume_list(f.volume, note_file, &listing), 0);
	for (unsigned i = 0; i < listing.count; i++)
		assert_int_equal(segment_walk(&f.store.healer, &listing.files[i], buffer, note_nonce, &at), 0);
	assert_true(at == nonces + 200);
	for (unsigned i = 0; i < 200; i++)
		for (unsigned j = 0; j < i; j++)
			assert_true(memcmp(nonces[i], nonces[j], 12) != 0);
	close_all(&f);
}

/* "A hit believed only after the full name on the medium matches." */
static void a_shared_prefix_is_no_name(void **state)
{
	(void)state;
	struct fixture f;
	uint8_t bytes[5000], got[5000];
	struct chunk_name a, b, c;
	struct place place;
	struct chunk_head head;
	open_with(&f, 0, 100);
	uint32_t size = make_bytes(1, bytes);
	assert_int_equal(chunk_put(&f.store, bytes, size, &a), 0);
	assert_int_equal(chunk_flush(&f.store), 0);
	assert_int_equal(chunk_find(&f.store, &a, &place, &head), 1);
	/* Another chunk whose name begins with the same 64 bits, as the index sees it. */
	uint32_t other = make_bytes(2, bytes);
	assert_int_equal(pack_name(&f.store.keys, bytes, other, &b), 0);
	assert_int_equal(index_insert(&f.store.index, &b, &place), 0);
	assert_int_equal(chunk_find(&f.store, &b, &place, &head), 0);
	assert_int_equal(chunk_get(&f.store, &b, got, other), -EBADMSG);
	assert_int_equal(chunk_put(&f.store, bytes, other, &c), 0);
	assert_int_equal(chunk_flush(&f.store), 0);
	assert_int_equal(chunk_get(&f.store, &b, got, other), 0);
	assert_memory_equal(got, bytes, other);
	make_bytes(1, bytes);
	assert_int_equal(chunk_get(&f.store, &a, got, size), 0);
	assert_memory_equal(got, bytes, size);
	close_all(&f);
}

/* Whatever is thought of its segment: what is marked is not counted as known, read only where nothing else is there. */
static void a_chunk_that_is_marked_damaged_is_stored_again(void **state)
{
	(void)state;
	struct fixture f;
	uint8_t bytes[5000], got[5000];
	struct chunk_name name, again;
	struct place place, other;
	struct chunk_head head;
	open_with(&f, 0, 100);
	uint32_t size = make_bytes(3, bytes);
	assert_int_equal(chunk_put(&f.store, bytes, size, &name), 0);
	assert_int_equal(chunk_flush(&f.store), 0);
	assert_int_equal(chunk_find(&f.store, &name, &place, &head), 1);
	index_mark_damaged(&f.store.index, &name, &place);
	assert_int_equal(chunk_find(&f.store, &name, &other, &head), 0);
	assert_int_equal(chunk_is_whole(&f.store, &name, got, size), 0);
	assert_int_equal(chunk_get(&f.store, &name, got, size), 0); /* it was whole after all */
	uint64_t before = f.store.stored_bytes;
	assert_int_equal(chunk_put(&f.store, bytes, size, &again), 0);
	assert_int_equal(chunk_flush(&f.store), 0);
	if (f.store.stored_bytes == before)
		fail_msg("a chunk that is known to be damaged was counted as known");
	assert_int_equal(chunk_find(&f.store, &name, &other, &head), 1);
	assert_true(other.segment > place.segment);
	close_all(&f);
}

static void what_cannot_be_shrunk_is_stored_as_it_is(void **state)
{
	(void)state;
	struct fixture f;
	static uint8_t bytes[100000], got[100000];
	struct chunk_name name;
	struct place place;
	struct chunk_head head;
	open_with(&f, 0, 100);
	uint32_t random = 3;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
	assert_int_equal(chunk_put(&f.store, bytes, sizeof bytes, &name), 0);
	assert_int_equal(chunk_flush(&f.store), 0);
	assert_int_equal(chunk_find(&f.store, &name, &place, &head), 1);
	assert_int_equal(head.codec, CODEC_NONE);
	assert_int_equal(head.stored_size, sizeof bytes + 4);
	assert_int_equal(chunk_get(&f.store, &name, got, sizeof got), 0);
	assert_memory_equal(got, bytes, sizeof bytes);
	memset(bytes, 0, sizeof bytes);
	assert_int_equal(chunk_put(&f.store, bytes, sizeof bytes, &name), 0);
	assert_int_equal(chunk_flush(&f.store), 0);
	assert_int_equal(chunk_find(&f.store, &name, &place, &head), 1);
	assert_int_equal(head.codec, CODEC_DEFLATE);
	assert_true(head.stored_size < 1000);
	close_all(&f);
}

static void what_is_discarded_is_not_known(void **state)
{
	(void)state;
	struct fixture f;
	uint8_t bytes[5000];
	struct chunk_name names[20];
	struct place place;
	struct chunk_head head;
	open_with(&f, 1, 100);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(chunk_put(&f.store, bytes, make_bytes(i, bytes), &names[i]), 0);
	chunk_discard(&f.store);
	assert_int_equal(f.store.index.used, 0);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(chunk_find(&f.store, &names[i], &place, &head), 0);
	struct listing listing = { .count = 0 };
	assert_int_equal(volume_list(f.volume, note_file, &listing), 0);
	assert_int_equal(listing.count, 0);
	close_all(&f);
}

/* Damage would take the chunk's snapshots for lost; a later version can read it. */
static void what_a_later_version_sealed_is_refused_and_no_damage(void **state)
{
	(void)state;
	struct chunk_settings settings = settings_with(0, 100);
	struct packer *packer;
	uint8_t bytes[600] = "hello", stored[sizeof(bytes) + 4], copy[sizeof(stored)], got[sizeof(bytes)];
	struct chunk_head head = { .codec = CODEC_NONE };
	uint32_t size;
	assert_int_equal(packer_create(&packer, &settings.keys, 6), 0);
	assert_int_equal(pack_name(&settings.keys, bytes, sizeof(bytes), &head.name), 0);
	assert_int_equal(packer_pack(packer, bytes, sizeof(bytes), &head, stored), 0);
	for (int later = 0; later < 3; later++) {
		struct chunk_head other = head;
		other.key_epoch = later == 1;
		other.dictionary[0] = later == 2;
		memcpy(copy, stored, sizeof(copy));
		assert_int_equal(packer_unpack(packer, &other, copy, got, sizeof(got), &size), later ? -EPROTONOSUPPORT : 0);
	}
	assert_int_equal(size, sizeof(bytes));
	assert_memory_equal(got, bytes, sizeof(bytes));
	packer_free(packer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_got_before_and_after_the_flush),
		cmocka_unit_test(the_name_is_the_keyed_hash_of_the_bytes),
		cmocka_unit_test(the_medium_does_not_depend_on_threads),
		cmocka_unit_test(no_nonce_is_used_twice),
		cmocka_unit_test(a_shared_prefix_is_no_name),
		cmocka_unit_test(a_chunk_that_is_marked_damaged_is_stored_again),
		cmocka_unit_test(what_cannot_be_shrunk_is_stored_as_it_is),
		cmocka_unit_test(what_is_discarded_is_not_known),
		cmocka_unit_test(what_a_later_version_sealed_is_refused_and_no_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

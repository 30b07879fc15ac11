/* SPDX-License-Identifier: Apache-2.0 */
/* A growing set of equally long keys, numbered from 0 in the order in which they came. For walks over state machines. */
#ifndef TESTS_SUPPORT_STATE_SET_H
#define TESTS_SUPPORT_STATE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state_set {
	size_t key_size;
	uint8_t *keys;
	uint32_t *slots;    /* number + 1; 0: free */
	size_t count, room; /* slots: twice the room, a power of two */
};

void state_set_init(struct state_set *set, size_t key_size);
/* The key's number; *added tells whether it is new. Ends the program where memory does. */
uint32_t state_set_add(struct state_set *set, const void *key, bool *added);
const void *state_set_key(const struct state_set *set, uint32_t number);
void state_set_free(struct state_set *set);

#endif

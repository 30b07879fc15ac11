/* SPDX-License-Identifier: Apache-2.0 */
/* A flash of few and small LEBs, for tests that look at what lies on it. */
#ifndef TESTS_SUPPORT_SMALL_FLASH_H
#define TESTS_SUPPORT_SMALL_FLASH_H

#include "hal/sim/flash_sim.h"
#include "storage/flash.h"

#define UNIT 256u
#define PAYLOAD 4096u
#define STRIPS 3u

extern const struct flash_sim_geometry small;
extern uint8_t pattern[PAYLOAD * STRIPS], got[PAYLOAD * STRIPS]; /* to be written, and what was read */

/* Fills `pattern`, too. */
struct flash *make_flash(void);
struct volume *open_volume(struct flash *flash);
void write_segment(struct volume *volume, uint64_t id, uint32_t size);
/* The LEB whose head says that it is this strip. */
uint32_t leb_of(struct flash *flash, uint64_t id, uint32_t strip);

#endif

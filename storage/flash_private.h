/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the flash volume share. */
#ifndef STORAGE_FLASH_PRIVATE_H
#define STORAGE_FLASH_PRIVATE_H

#include "storage/bytes.h"
#include "storage/flash.h"

/* ---- flash_head.c: the record at both ends of a strip ---- */

#define LEB_HEAD_SIZE 128 /* padded with zeros to a whole unit */

enum leb_kind { LEB_LABEL = 1, LEB_STRIP = 2, LEB_REMOVED = 3 };
enum leb_flag { LEB_LAST = 1, LEB_SETTLED = 2 };

struct leb_head {
	enum leb_kind kind;
	bool tail;
	uint16_t flags;
	uint8_t volume[16];
	uint64_t order; /* of this writing: counts up over all LEBs of the volume */
	uint64_t birth; /* of the segment: the same in all its strips, in no other writing of that id */
	uint64_t id;
	uint32_t length; /* of the data */
	uint32_t strip;  /* of the segment, from 0 */
};

/* to: one unit or LEB_HEAD_SIZE, whichever is more. */
void leb_head_put(uint8_t *to, const struct leb_head *head, const struct flash *flash);
/* -EBADMSG: it is none; -EPROTONOSUPPORT: of a later version; -EXDEV: made for another geometry. */
int leb_head_get(struct leb_head *head, const uint8_t from[LEB_HEAD_SIZE], const struct flash *flash);

/* ---- the volume ---- */

enum leb_state {
	/* Free. They are taken in turn, so that all blocks below are worn alike. */
	LEB_UNMAPPED,   /* written as it is */
	LEB_FRESH,      /* mapped and empty since this life: so, too */
	LEB_SPENT,      /* holds nothing that counts: unmapped before it is written */
	LEB_UNREADABLE, /* mapped, and its head cannot be read now: so, but only where nothing else is left */
	LEB_DEAD,       /* a strip of a removed segment: emptied durably before anything is taken */
	/* Not free. */
	LEB_IN_USE, /* a strip */
	LEB_TAKEN,  /* lent to an open segment, or the label's */
};

enum { WHOLE_UNKNOWN, WHOLE_YES, WHOLE_NO };

struct flash_leb {
	uint64_t id, order, birth;
	uint32_t length;
	uint16_t strip;
	uint8_t state, kind;
	uint8_t flags;
	uint8_t whole; /* its tail was looked at */
};

struct open_segment {
	bool open, condemned;
	uint64_t id, birth;
	uint32_t end;    /* bytes written so far */
	uint32_t filled; /* of the strip in memory */
	uint32_t strip;  /* its number */
	uint32_t leb;    /* its LEB, or NO_LEB: none is lent */
	uint8_t was;     /* the state of that LEB before */
	uint8_t *buffer; /* head, data, tail */
};

struct flash_volume {
	struct volume volume;
	struct flash *flash;
	uint8_t id[16];
	bool labelled;
	uint32_t head_size; /* of head and tail each, in whole units */
	uint32_t payload;   /* of a strip */
	uint64_t order;     /* the highest given out */
	uint32_t suspect;   /* the LEB that was written last before this life, so that a cut may have hit it; or NO_LEB */
	uint32_t next;      /* where to look for a free LEB */
	struct flash_leb *lebs;
	uint32_t *strips; /* LEBs in use, sorted by segment and strip */
	uint32_t strip_count;
	struct open_segment segments[VOLUME_OPEN_MAX];
};

#define NO_LEB UINT32_MAX

static inline struct flash_volume *flash_volume_of(struct volume *volume)
{
	return container_of(volume, struct flash_volume, volume);
}

/* flash_scan.c: what is on the flash, into the tables. */
int flash_scan(struct flash_volume *v);

/* flash_read.c. The strips of a segment: how many there are, *first the first of them in v->strips. */
uint32_t flash_find(const struct flash_volume *v, uint64_t id, uint32_t *first);
struct open_segment *flash_find_open(struct flash_volume *v, uint64_t id);
void flash_insert(struct flash_volume *v, uint32_t leb);
/* Of a segment that is not open: its size up to the last strip that is there; whether none is missing. */
uint32_t flash_size_of(const struct flash_volume *v, uint32_t first, uint32_t count);
bool flash_is_complete(const struct flash_volume *v, uint32_t first, uint32_t count);
/* -EBADMSG: the strip was not written to its end. */
int flash_check_whole(struct flash_volume *v, uint32_t leb);
int flash_volume_read(struct volume *volume, uint64_t id, uint32_t offset, void *bytes, uint32_t size);

/* flash_write.c. Called before anything is changed: what an earlier life left is made safe. */
int flash_prepare(struct flash_volume *v);
struct leb_head flash_make_head(struct flash_volume *v, enum leb_kind kind, uint64_t id, uint64_t birth);
/* A LEB that holds nothing but this head, atomically. */
int flash_put_alone(struct flash_volume *v, uint32_t leb, const struct leb_head *head);
/* Writes the strip in memory. An error condemns the segment. */
int flash_finish_strip(struct flash_volume *v, struct open_segment *open, uint16_t flags);
/* The LEB that was lent and not written is given back. */
void flash_forget_open(struct flash_volume *v, struct open_segment *open);
int flash_volume_write(struct volume *volume, uint64_t id, uint32_t offset, const void *bytes, uint32_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every word that the front panel can say, in each language: a table of lines with {places}. Lines come in pairs, first
 * and second line of the display. What is put into a place is cut so that the line fits: names give way first.
 */
#ifndef AGENT_PANEL_PANEL_TEXT_H
#define AGENT_PANEL_PANEL_TEXT_H

#include "hal/display.h"

/* Local time; month 0: not known. */
struct panel_date {
	int month, day, hour, minute;
};

/* Pairs: X_2 is the second line under X. */
#define PANEL_TEXTS(t)                                                                                                \
	t(BOOT) t(BOOT_HELD) t(HEALTHY) t(NO_BACKUP) t(BACKUP_OLD) t(SERVER_AWAY) t(STORE_LOW) t(NOT_DURABLE)             \
		t(VOLUME_AWAY) t(CLOCK_UNSURE) t(DAMAGED) t(SUSPECT) t(STORE_FULL) t(STORE_DAMAGED) t(SERVER_REFUSED)         \
			t(CONFIG_WRONG) t(OUTCOME_UNKNOWN) t(HINT) t(NOTHING) t(DISARMED) t(NO_ANSWER) t(TOO_LATE) t(CHANGED)     \
				t(REFUSED_BUSY) t(REFUSED_GONE) t(REFUSED_OTHER) t(UNLOCK_ASKED) t(FIRST_RESTORE) t(FIRST_UNDO)       \
					t(FIRST_UNLOCK) t(RELEASE_RESTORE) t(RELEASE_DATE) t(RELEASE_UNDO) t(RELEASE_UNLOCK)              \
						t(ARMED_RESTORE) t(ARMED_DATE) t(ARMED_UNDO) t(ARMED_UNLOCK) t(SECOND_RESTORE) t(SECOND_UNDO) \
							t(SECOND_UNLOCK) t(STARTING) t(QUEUED) t(STOP) t(STOPPING) t(STUCK) t(RUN_BACKUP)         \
								t(RUN_RESTORE) t(RUN_UNDO) t(RUN_VERIFY) t(DONE_BACKUP) t(DONE_RESTORE)               \
									t(DONE_RESTORE_UNDO) t(DONE_UNDO) t(DONE_UNDO_UNDO) t(DONE_VERIFY)                \
										t(FAILED_BACKUP) t(FAILED_RESTORE) t(FAILED_UNDO) t(FAILED_VERIFY) t(IN_USE)  \
											t(UNREADABLE) t(NO_SAFETY) t(CANCELLED_BACKUP) t(CANCELLED_RESTORE)       \
												t(CANCELLED_UNDO) t(CANCELLED_VERIFY) t(UNKNOWN)

#define PANEL_TEXT_PAIR(name) TEXT_##name, TEXT_##name##_2,
enum panel_text { PANEL_TEXTS(PANEL_TEXT_PAIR) PANEL_TEXT_COUNT };
#undef PANEL_TEXT_PAIR

#define PANEL_MONTHS 12
#define PANEL_PHASES 19 /* of enum job_phase */

struct panel_texts {
	const char *language; /* "en" */
	const char *text[PANEL_TEXT_COUNT];
	const char *month[PANEL_MONTHS]; /* at most five cells */
	const char *phase[PANEL_PHASES]; /* at most ten cells */
	const char *hours, *days;        /* units of an age: "5 h" up to two days, then "3 days" */
	const char *unknown_date;        /* at most twelve cells */
};

extern const struct panel_texts panel_texts_en, panel_texts_fr;

/* NULL where there is no such language; "" or NULL is English. "fr_CA" finds "fr". */
const struct panel_texts *panel_texts_find(const char *language);
/* The languages there are; NULL at the end. */
extern const struct panel_texts *const panel_languages[];

/* What the places of a line stand for. */
struct panel_values {
	const char *name;       /* {name} */
	unsigned others;        /* follows {name} as " +2" */
	struct panel_date date; /* {date}: "20 Nov 22:30" */
	int hours;              /* {age}: "5 h", "3 days"; below 0: "?" */
	int seconds;            /* {s}: whole seconds */
	int eta_seconds;        /* {eta}: "40s", "12m", "3h"; below 0: nothing */
	int percent;            /* {percent}: "45%"; below 0: nothing */
	int bar, bar_full;      /* {bar}: fills what is left of the line */
	int phase;              /* {phase} */
};

/* Writes one line, its places filled in, never wider than the display. */
void panel_text_format(char line[DISPLAY_LINE_SIZE], const struct panel_texts *texts, enum panel_text text,
	const struct panel_values *values);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front panel: one button, three lights, two lines of text, as a pure state machine. Events in; lights, text and
 * requests out. No I/O, no time of its own, no memory but struct panel. panel.md beside this file draws it.
 *
 * HOLD: keep the button down for rules->hold_ms, watching the bar. A restore, an undo and an UNLOCK need two holds with
 * a release between; stopping what runs needs one. A hold is worth nothing if anything changed under the finger.
 *
 * Only the time between events that are at most rules->step_ms apart counts as held: a finger that nobody watched held
 * nothing. So send PANEL_TICK by wake_ms of the output, and no jump of the clock can confirm anything.
 */
#ifndef AGENT_PANEL_PANEL_H
#define AGENT_PANEL_PANEL_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/job/job.h"
#include "agent/panel/panel_text.h"
#include "hal/display.h"
#include "hal/led.h"

#define PANEL_NAME_SIZE DISPLAY_LINE_SIZE /* names are cut to a line of the display */

/* Something that two holds may ask for: "put back mgc from 20 Nov 22:30". */
struct panel_offer {
	uint64_t id;                /* opaque, given back with the request; 0: there is none */
	char name[PANEL_NAME_SIZE]; /* database */
	unsigned others;            /* databases beside that one */
	struct panel_date date;     /* of the snapshot, local time; month 0: not known */
};

/* Why a restore or an undo was refused, where somebody at the box can do something about it. The database is unchanged. */
enum panel_reason {
	PANEL_NO_REASON = 0,
	PANEL_IN_USE,     /* others are connected to the database, or a restore of it is under way */
	PANEL_UNREADABLE, /* it is damaged: that needs consent, which the panel cannot give */
	PANEL_NO_SAFETY,  /* the present state cannot be kept: likewise */
	PANEL_REASON_COUNT
};

struct panel_job {
	uint64_t id; /* another job has another one */
	enum job_kind kind;
	enum job_state state;
	enum job_phase phase;
	enum job_origin origin;
	int percent;                /* of the whole job; -1: not known */
	int eta_seconds;            /* -1: not known */
	bool stoppable;             /* false after the point of no return */
	char name[PANEL_NAME_SIZE]; /* database; of a job over several, the one that it is at, or that went wrong */
	enum panel_reason reason;   /* of JOB_FAILED */
	uint64_t undo;              /* JOB_DONE of a restore or undo: offer id of its undo; 0: none */
};

enum panel_health {
	PANEL_HEALTHY = 0,
	/* warnings */
	PANEL_NO_BACKUP,   /* there is no snapshot yet */
	PANEL_BACKUP_OLD,  /* the last good one is older than the schedule wants */
	PANEL_SERVER_AWAY, /* the last try to reach it failed */
	PANEL_STORE_LOW,   /* room for a few more nights */
	PANEL_NOT_DURABLE, /* the volume cannot promise durability */
	PANEL_VOLUME_AWAY, /* one of several volumes is not there */
	PANEL_CLOCK_UNSURE,
	PANEL_DAMAGED, /* a snapshot was found damaged */
	PANEL_SUSPECT, /* a backup departs from those before it, and nobody has accepted it */
	/* errors: no backup or no restore is possible until somebody helps */
	PANEL_STORE_FULL,
	PANEL_STORE_DAMAGED,
	PANEL_SERVER_REFUSED, /* login, certificate or rights */
	PANEL_CONFIG_WRONG,
	PANEL_OUTCOME_UNKNOWN, /* a restore ended without an answer, and nobody could look yet */
	PANEL_HEALTH_COUNT,
};

enum panel_refusal { PANEL_REFUSED_BUSY = 0, PANEL_REFUSED_GONE, PANEL_REFUSED_OTHER, PANEL_REFUSAL_COUNT };

enum panel_event_kind {
	PANEL_TICK = 1, /* time passed */
	PANEL_BUTTON,   /* .down: an edge of the contact; after panel_init, its level */
	PANEL_BOOTED,   /* the box is ready for work */
	PANEL_JOB,    /* .job: what runs now, or how it ended; state 0: nothing runs. Send each change, again if you like */
	PANEL_STATUS, /* .status: health and age of the last backup */
	PANEL_OFFER,  /* .offer: what RESTORE would put back */
	PANEL_UNLOCK, /* .offer: what somebody far away asks for; id 0: no longer */
	PANEL_REFUSED,  /* .refusal: the request that was made will not be done */
	PANEL_LANGUAGE, /* .texts */
};

struct panel_event {
	enum panel_event_kind kind;
	int64_t now_ms; /* monotonic; of a button event, when it happened */
	union {
		bool down;
		struct panel_job job;
		struct {
			enum panel_health health;
			char name[PANEL_NAME_SIZE]; /* of the volume, PANEL_VOLUME_AWAY */
			int backup_age_hours;       /* of the newest good backup; -1: none */
		} status;
		struct panel_offer offer;
		enum panel_refusal refusal;
		const struct panel_texts *texts;
	};
};

enum panel_request {
	PANEL_NOTHING = 0,
	PANEL_ASK_RESTORE, /* two holds: restore .id, the offer that was on the display at the first hold */
	PANEL_ASK_UNDO,    /* two holds: undo .id */
	PANEL_ASK_UNLOCK,  /* two holds: let the remote request .id be done, once */
	PANEL_ASK_STOP,    /* one hold: cancel what runs */
};

struct panel_output {
	enum led_pattern ready, action, attention;
	struct display_text text;
	enum panel_request request; /* of this event alone: act on it once, then send PANEL_JOB or PANEL_REFUSED */
	uint64_t id;                /* of the offer; 0 for PANEL_ASK_STOP */
	int64_t wake_ms;            /* send PANEL_TICK no later than this */
};

/*
 * Milliseconds. The header's promises hold for any values where 0 < debounce <= step < hold
 * and no limit is longer than stuck.
 */
struct panel_rules {
	int debounce_ms; /* a contact must rest this long to be believed */
	int step_ms;     /* a longer gap between two events counts nothing towards a hold */
	int hold_ms;     /* what HOLD means */
	int armed_ms;    /* after the first hold, the second must begin within this */
	int notice_ms;   /* how long a passing message stays */
	int start_ms;    /* how long a request may stay without an answer */
	int stuck_ms;    /* a button that is down for longer is not held by a person */
	int grace_ms;    /* after boot the button must have been up for this long before it counts */
};

extern const struct panel_rules panel_rules_default;

enum panel_mode {
	PANEL_BOOT = 0, /* starting, or waiting for the button to be let go after it */
	PANEL_IDLE,
	PANEL_NOTICE,   /* a passing message; a press ends it */
	PANEL_FIRST,    /* finger down: the first hold */
	PANEL_RELEASE,  /* first hold done: let go now */
	PANEL_ARMED,    /* waiting for the second hold */
	PANEL_SECOND,   /* finger down: the second hold */
	PANEL_STARTING, /* asked; nothing runs yet */
	PANEL_RUNNING,
	PANEL_STOP,     /* finger down while a job runs */
	PANEL_STOPPING, /* asked to stop; ends when the job has */
	PANEL_RESULT,   /* done, failed, cancelled or unknown, until somebody presses */
	PANEL_STUCK,    /* the button is stuck; until it is let go */
	PANEL_MODE_COUNT,
};

enum panel_purpose { PANEL_FOR_NOTHING = 0, PANEL_FOR_RESTORE, PANEL_FOR_UNDO, PANEL_FOR_UNLOCK };

/*
 * Private to panel.c and panel_view.c; here so that the owner can hold it. Everything but now_ms is independent of the
 * time of day, and every counter ends at a limit: there are finitely many states, and the test visits them all.
 */
struct panel {
	const struct panel_rules *rules;
	const struct panel_texts *texts;
	int64_t now_ms;
	enum panel_mode mode;
	enum panel_mode before;     /* of PANEL_FIRST: where the finger came down */
	enum panel_text notice;     /* of PANEL_NOTICE: its first line; the second follows it in the table */
	enum panel_purpose purpose; /* of the two holds */
	struct panel_offer chosen;  /* what they are for: as it was when the finger came down */
	struct panel_offer restore, unlock;
	struct panel_job job;    /* the last one; state 0: none yet */
	struct panel_job result; /* how the last one ended that somebody should see */
	enum panel_health health;
	char health_name[PANEL_NAME_SIZE];
	int backup_age_hours;
	int mode_ms;  /* since the mode began, as long as that matters to it */
	int armed_ms; /* since the first hold was let go; runs on in PANEL_SECOND */
	int held_ms;  /* believed to be down, and watched */
	int down_ms;  /* believed to be down, watched or not */
	int rest_ms;  /* since the last edge of the contact */
	bool booted;
	bool contact; /* as the last edge said */
	bool down;    /* as believed, bounces taken out */
	bool unread;  /* result has not been acknowledged */
};

/* Begins in PANEL_BOOT. rules NULL: panel_rules_default. */
void panel_init(struct panel *panel, const struct panel_rules *rules, const struct panel_texts *texts, int64_t now_ms);

/*
 * One step. The output is whole after every event: show all of it (drivers notice what did not change), act on the
 * request, and come back by wake_ms. An event of an unknown kind is a tick.
 */
void panel_event(struct panel *panel, const struct panel_event *event, struct panel_output *output);

/* The lights and the text of a state alone: what panel_event fills in. */
void panel_view(const struct panel *panel, struct panel_output *output);

/* Copies a name as the panel keeps it: cut to a line, unprintable characters as '?'. */
void panel_set_name(char name[PANEL_NAME_SIZE], const char *text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/uplink.h"

#include <errno.h>
#include <sys/socket.h>

#include "agent/net/clock.h"
#include "agent/sql/message.h"

void uplink_init(struct uplink *uplink, int socket)
{
	*uplink = (struct uplink){ .socket = socket, .alive_at_ms = net_now_ms() };
}

/* A cancel is five bytes: length 1 and its type. Anything else waits for whoever reads requests. */
static void look_for_cancel(struct uplink *uplink)
{
	static const uint8_t cancel[5] = { 1, 0, 0, 0, MESSAGE_CANCEL };
	uint8_t head[sizeof(cancel)];
	ssize_t got = recv(uplink->socket, head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);

	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
		uplink->gone = true;
	} else if (got == sizeof(head) && __builtin_memcmp(head, cancel, sizeof(cancel)) == 0) {
		recv(uplink->socket, head, sizeof(head), MSG_DONTWAIT);
		uplink->cancelled = true;
	}
}

static void say_alive(struct uplink *uplink)
{
	int64_t now = net_now_ms();

	if (now - uplink->alive_at_ms < UPLINK_ALIVE_MS)
		return;
	uplink->alive_at_ms = now;
	if (message_send(uplink->socket, MESSAGE_ALIVE, NULL, 0))
		uplink->gone = true;
}

bool uplink_stop(void *arg)
{
	struct uplink *uplink = arg;

	look_for_cancel(uplink);
	if (!uplink->gone)
		say_alive(uplink);
	return uplink->cancelled || uplink->gone;
}

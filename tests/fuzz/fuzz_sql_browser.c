/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "agent/net/sql_browser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint16_t port = 0;

	if (sql_browser_parse(data, size, "RTC", &port) == 0 && port == 0)
		abort();
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a person at the panel confirms is the request that was shown, once, and in time. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "agent/service/consent.h"

#define NOW 5000

static void nothing_waits_that_nobody_asked_for(void **state)
{
	(void)state;
	struct consent consent = { 0 };
	for (int64_t now = 0; now < 3 * CONSENT_MS; now += CONSENT_MS / 2) {
		assert_false(consent_waits(&consent, now));
		assert_false(consent_take(&consent, 0, now));
	}
}

static void it_is_taken_once(void **state)
{
	(void)state;
	struct consent consent = { 0 };
	consent_ask(&consent, 41, NOW);
	assert_true(consent_waits(&consent, NOW));
	assert_int_equal(consent.days, 41);
	assert_true(consent_take(&consent, consent.id, NOW + 1));
	assert_false(consent_waits(&consent, NOW + 1));
	assert_false(consent_take(&consent, consent.id, NOW + 1));
}

static void it_ends_by_itself(void **state)
{
	(void)state;
	struct consent consent = { 0 };
	consent_ask(&consent, 1, NOW);
	assert_true(consent_waits(&consent, NOW + CONSENT_MS - 1));
	assert_false(consent_waits(&consent, NOW + CONSENT_MS));
	assert_false(consent_take(&consent, consent.id, NOW + CONSENT_MS));
	assert_false(consent_take(&consent, consent.id, INT64_MAX));
}

/* The finger went down on another one: it is worth nothing for this one, which goes on waiting. */
static void one_that_came_in_its_place_is_not_meant(void **state)
{
	(void)state;
	struct consent consent = { 0 };
	consent_ask(&consent, 31, NOW);
	uint64_t shown = consent.id;
	consent_ask(&consent, 36500, NOW + 1);
	assert_false(consent_take(&consent, shown, NOW + 2));
	assert_true(consent_waits(&consent, NOW + 2));
	assert_true(consent_take(&consent, consent.id, NOW + 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_waits_that_nobody_asked_for),
		cmocka_unit_test(it_is_taken_once),
		cmocka_unit_test(it_ends_by_itself),
		cmocka_unit_test(one_that_came_in_its_place_is_not_meant),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

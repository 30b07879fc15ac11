/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "agent/config/profile.h"

/* Documented foreign keys of mgc: child, parent. */
static const char *const references[][2] = {
	{ "tblADCookie", "tblPrincipal" },
	{ "tblPrincipalMembers", "tblPrincipal" },
	{ "tblPrincipalMeta", "tblPrincipal" },
	{ "tblSkippedAffiliations", "tblPrincipal" },
	{ "tblPrincipal", "tblPrincipalType" },
	{ "tblPrincipalAffiliations", "tblPrincipal" },
	{ "tblNode", "tblNode" },
	{ "tblNode", "tblEnumValue" },
	{ "tblNode", "tblSiopWhiteList" },
	{ "tblScopePrincipal", "tblNode" },
	{ "tblScopePrincipal", "tblPrincipal" },
	{ "tblPrincipalRole", "tblNode" },
	{ "tblPrincipalRole", "tblPrincipal" },
	{ "tblPrincipalRole", "tblRoleType" },
	{ "tblEnumValue", "tblEnumAttribute" },
	{ "tblPrincipalInvites", "tblPrincipal" },
	{ "tblPrincipalInvites", "tblNode" },
	{ "tblLastInviteId", "tblPrincipal" },
	{ "tblLastChatId", "tblNode" },
	{ "tblFileToken", "tblNode" },
	{ "tblActivePeers", "tblServerIdentity" },
};

static void no_kept_table_refers_to_a_volatile_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof references / sizeof references[0]; i++)
		if (!profile_volatile_reason(PROFILE_PERSISTENT_CHAT, "mgc", references[i][0]))
			assert_null(profile_volatile_reason(PROFILE_PERSISTENT_CHAT, "mgc", references[i][1]));
}

static void every_volatile_table_says_why_and_what_dangles(void **state)
{
	const char *tables[PROFILE_VOLATILE_MAX];
	size_t count = profile_volatile(PROFILE_PERSISTENT_CHAT, "MGC", tables);

	(void)state;
	assert_in_range(count, 1, PROFILE_VOLATILE_MAX);
	for (size_t i = 0; i < count; i++) {
		assert_true(*profile_volatile_reason(PROFILE_PERSISTENT_CHAT, "mgc", tables[i]));
		assert_non_null(profile_volatile_dangles(PROFILE_PERSISTENT_CHAT, "mgc", tables[i]));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(tables[i], tables[j]);
	}
}

static void messages_and_numbers_are_never_left_out(void **state)
{
	static const char *const kept[] = { "tblChat", "tblNode", "tblPrincipal", "tblPrincipalRole", "tblLastChatId",
		"tblLastInviteId", "tblADCookie", "tblConfig", "tblSystemRevision", "tblServerIdentity", "tblPreference" };

	(void)state;
	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
		assert_null(profile_volatile_reason(PROFILE_PERSISTENT_CHAT, "mgc", kept[i]));
}

static void other_databases_and_profiles_leave_nothing_out(void **state)
{
	const char *tables[PROFILE_VOLATILE_MAX];

	(void)state;
	assert_int_equal(profile_volatile(PROFILE_PERSISTENT_CHAT, "mgccomp", tables), 0);
	assert_int_equal(profile_volatile(PROFILE_PERSISTENT_CHAT, "sales", tables), 0);
	assert_int_equal(profile_volatile(PROFILE_ANY, "mgc", tables), 0);
}

static void the_compliance_database_is_restored_only_when_asked(void **state)
{
	const char *why;

	(void)state;
	assert_true(profile_restores_by_default(PROFILE_PERSISTENT_CHAT, "mgc", &why));
	assert_false(profile_restores_by_default(PROFILE_PERSISTENT_CHAT, "mgccomp", &why));
	assert_non_null(strstr(why, "second time"));
	assert_true(profile_restores_by_default(PROFILE_ANY, "mgccomp", &why));
}

static void the_first_step_after_a_restore_is_to_restart_the_services(void **state)
{
	(void)state;
	assert_ptr_equal(strstr(profile_next_step(PROFILE_PERSISTENT_CHAT, "mgc"), "Restart"),
		profile_next_step(PROFILE_PERSISTENT_CHAT, "mgc"));
	assert_ptr_equal(strstr(profile_next_step(PROFILE_PERSISTENT_CHAT, "mgccomp"), "Restart"),
		profile_next_step(PROFILE_PERSISTENT_CHAT, "mgccomp"));
	assert_string_equal(profile_next_step(PROFILE_ANY, "mgc"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_kept_table_refers_to_a_volatile_one),
		cmocka_unit_test(every_volatile_table_says_why_and_what_dangles),
		cmocka_unit_test(messages_and_numbers_are_never_left_out),
		cmocka_unit_test(other_databases_and_profiles_leave_nothing_out),
		cmocka_unit_test(the_compliance_database_is_restored_only_when_asked),
		cmocka_unit_test(the_first_step_after_a_restore_is_to_restart_the_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

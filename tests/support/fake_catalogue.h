/* SPDX-License-Identifier: Apache-2.0 */
/* A catalogue as the answers of a fake session to the queries that read it. */
#ifndef TESTS_SUPPORT_FAKE_CATALOGUE_H
#define TESTS_SUPPORT_FAKE_CATALOGUE_H

#include "tests/support/fake_session.h"

struct catalogue;

#define FAKE_CATALOGUE_ANSWERS 16

/* Fills FAKE_CATALOGUE_ANSWERS answers, good for any number of readings. Free with fake_catalogue_free. */
void fake_catalogue(const struct catalogue *catalogue, struct fake_answer answers[FAKE_CATALOGUE_ANSWERS]);
void fake_catalogue_free(void);

#endif

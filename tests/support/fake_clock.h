/* SPDX-License-Identifier: Apache-2.0 */
/* Network time that passes only when a test says so; sockets work as ever. */
#ifndef TESTS_SUPPORT_FAKE_CLOCK_H
#define TESTS_SUPPORT_FAKE_CLOCK_H

void fake_clock_install(void);
void fake_clock_remove(void);
/* Lets the time pass; whoever waits for it wakes within a millisecond or so. */
void fake_clock_advance(int seconds);

#endif

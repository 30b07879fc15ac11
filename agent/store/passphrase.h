/* SPDX-License-Identifier: Apache-2.0 */
/* What a passphrase must be, so that guessing it is no way into a disk that was stolen. */
#ifndef AGENT_STORE_PASSPHRASE_H
#define AGENT_STORE_PASSPHRASE_H

#define PASSPHRASE_MAX 200  /* bytes */
#define PASSPHRASE_LEAST 12 /* characters */

/* A sentence that says what is wrong with it; NULL: nothing is. */
const char *passphrase_weakness(const char *text);

#endif

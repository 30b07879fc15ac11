/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keystore on a TPM 2.0: what a driver has to do. None is built yet; a board that has one names it where others name a
 * file, and nothing above changes.
 *
 * load: the key is a sealed object whose public and private parts lie in `blob`; the driver loads it under the storage
 * primary key of the owner hierarchy and unseals it under a policy on the PCRs of `pcrs` (firmware, boot loader, kernel),
 * so that a chip that boots something else, or a disk without its chip, gives nothing. The session is salted and encrypted:
 * the bus between chip and processor can be listened to. -ENOENT: no blob. -EPERM: the policy does not hold, because the
 * box booted something else: the recovery key opens the store, and keystore_make seals anew after an update.
 *
 * store: seals under the policy as the PCRs are now, and writes `blob` durably, never over one that is there (-EEXIST).
 *
 * What it protects: a stolen volume, and a stolen box whose boot chain was changed. Not a box that is stolen whole and
 * switched on unchanged: that needs a passphrase.
 */
#ifndef HAL_KEYSTORE_TPM_H
#define HAL_KEYSTORE_TPM_H

#include "hal/keystore.h"

struct keystore_tpm {
	struct keystore keystore;
	const char *device; /* "/dev/tpmrm0", the kernel's resource manager */
	const char *blob;   /* path of a file, 0600 */
	uint32_t pcrs;      /* bit n: PCR n of the SHA-256 bank; 0: no policy */
};

#endif

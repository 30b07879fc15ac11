/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_BASE_VERSION_H
#define AGENT_BASE_VERSION_H

#define COFFRET_VERSION "0.1"

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of value that coffret.conf knows. Each takes the text of one value into a field: 0, or -EINVAL where it is
 * none; the field is then as it was.
 */
#ifndef AGENT_CONFIG_CONFIG_VALUE_H
#define AGENT_CONFIG_CONFIG_VALUE_H

#include <stddef.h>
#include <stdint.h>

struct config_key {
	const char *name;
	int (*parse)(const struct config_key *key, const char *text, void *field);
	size_t offset;        /* of the field in its struct */
	size_t size;          /* of a text field, its NUL included; or how many a list holds */
	int64_t min, max;     /* of a number */
	const char *expected; /* ends the sentence "expected ..." */
	size_t count_offset;  /* of a list: of its uint32_t count */
};

int config_parse_text(const struct config_key *key, const char *text, void *field);      /* not empty, fits */
int config_parse_path(const struct config_key *key, const char *text, void *field);      /* absolute */
int config_parse_key_place(const struct config_key *key, const char *text, void *field); /* absolute, or keyring:NAME */
int config_parse_host(const struct config_key *key, const char *text, void *field);      /* a name or an address */
int config_parse_int(const struct config_key *key, const char *text, void *field);       /* int */
int config_parse_port(const struct config_key *key, const char *text, void *field);      /* uint16_t */
int config_parse_u32(const struct config_key *key, const char *text, void *field);       /* uint32_t */
int config_parse_bool(const struct config_key *key, const char *text, void *field);      /* yes or no */
int config_parse_encrypt(const struct config_key *key, const char *text, void *field);   /* bool: strict */
int config_parse_profile(const struct config_key *key, const char *text, void *field);   /* enum profile */
int config_parse_consistency(const struct config_key *key, const char *text, void *field); /* int */
int config_parse_language(const struct config_key *key, const char *text, void *field);    /* char[8] */
int config_parse_timezone(const struct config_key *key, const char *text, void *field); /* text: of tzdata, or POSIX */
int config_parse_pin(const struct config_key *key, const char *text, void *field);      /* 32 bytes */
/* Names parted by commas or blanks: adds to char [size][DATABASE_NAME_SIZE]. "[a, b]" is one name. */
int config_parse_databases(const struct config_key *key, const char *text, void *field);
/* Adds one: "22:30", "daily 22:30", "mon-fri 22:30", "mon,wed,sat 06:00". */
int config_parse_time(const struct config_key *key, const char *text, void *field);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order is a fair imitation of Windows': punctuation before digits before letters, letters by their base, then
 * by accent, then by case. It is not Windows' own for every script.
 */
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_text.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct locale_group {
	const char *name;
	uint32_t lcid;
	uint16_t page;
};

static const struct locale_group groups[] = { { "Latin1_General", 0x0409, 1252 }, { "French", 0x040c, 1252 },
	{ "Finnish_Swedish", 0x040b, 1252 }, { "Danish_Norwegian", 0x0406, 1252 }, { "Danish_Greenlandic", 0x0406, 1252 },
	{ "Modern_Spanish", 0x0c0a, 1252 }, { "German_PhoneBook", 0x10407, 1252 }, { "Icelandic", 0x040f, 1252 },
	{ "Norwegian", 0x0414, 1252 }, { "Cyrillic_General", 0x0419, 1251 }, { "Ukrainian", 0x0422, 1251 },
	{ "Macedonian_FYROM", 0x042f, 1251 }, { "Polish", 0x0415, 1250 }, { "Czech", 0x0405, 1250 },
	{ "Hungarian", 0x040e, 1250 }, { "Slovak", 0x041b, 1250 }, { "Croatian", 0x041a, 1250 },
	{ "Romanian", 0x0418, 1250 }, { "Slovenian", 0x0424, 1250 }, { "Greek", 0x0408, 1253 }, { "Turkish", 0x041f, 1254 },
	{ "Hebrew", 0x040d, 1255 }, { "Arabic", 0x0401, 1256 }, { "Estonian", 0x0425, 1257 }, { "Latvian", 0x0426, 1257 },
	{ "Lithuanian", 0x0427, 1257 }, { "Vietnamese", 0x042a, 1258 }, { "Thai", 0x041e, 874 },
	{ "Japanese", 0x0411, 932 }, { "Japanese_XJIS", 0x0411, 932 }, { "Chinese_PRC", 0x0804, 936 },
	{ "Chinese_PRC_Stroke", 0x20804, 936 }, { "Korean_Wansung", 0x0412, 949 }, { "Korean", 0x0412, 949 },
	{ "Chinese_Taiwan_Stroke", 0x0404, 950 }, { "Chinese_Hong_Kong_Stroke", 0x0c04, 950 } };

struct sql_sort {
	const char *name;
	uint32_t lcid;
	uint16_t page;
	uint8_t sort_id;
};

static const struct sql_sort sql_sorts[] = { { "SQL_Latin1_General_CP1_CI_AS", 0x0409, 1252, 52 },
	{ "SQL_Latin1_General_CP1_CS_AS", 0x0409, 1252, 51 }, { "SQL_Latin1_General_CP1_CI_AI", 0x0409, 1252, 54 },
	{ "SQL_Latin1_General_Pref_CP1_CI_AS", 0x0409, 1252, 53 }, { "SQL_Latin1_General_CP437_CI_AS", 0x0409, 437, 32 },
	{ "SQL_Latin1_General_CP437_CS_AS", 0x0409, 437, 31 }, { "SQL_Latin1_General_CP437_BIN2", 0x0409, 437, 30 },
	{ "SQL_Latin1_General_CP850_CI_AS", 0x0409, 850, 42 }, { "SQL_Latin1_General_CP850_CS_AS", 0x0409, 850, 41 },
	{ "SQL_Latin1_General_CP850_BIN2", 0x0409, 850, 40 }, { "SQL_Latin1_General_CP1250_CI_AS", 0x0409, 1250, 82 },
	{ "SQL_Latin1_General_CP1250_CS_AS", 0x0409, 1250, 81 }, { "SQL_Latin1_General_CP1251_CI_AS", 0x0419, 1251, 106 },
	{ "SQL_Latin1_General_CP1251_CS_AS", 0x0419, 1251, 105 }, { "SQL_Latin1_General_CP1253_CI_AS", 0x0408, 1253, 114 },
	{ "SQL_Latin1_General_CP1254_CI_AS", 0x041f, 1254, 130 }, { "SQL_Latin1_General_CP1255_CI_AS", 0x040d, 1255, 138 },
	{ "SQL_Latin1_General_CP1256_CI_AS", 0x0401, 1256, 146 },
	{ "SQL_Latin1_General_CP1257_CI_AS", 0x0425, 1257, 154 } };

#define COLLATION_MAX 256
static struct collation known[COLLATION_MAX];
static unsigned known_count = 1;
static pthread_mutex_t known_mutex = PTHREAD_MUTEX_INITIALIZER;

static bool take_suffix(char *name, const char *suffix)
{
	size_t size = strlen(name), size_suffix = strlen(suffix);

	if (size <= size_suffix || strcasecmp(name + size - size_suffix, suffix))
		return false;
	name[size - size_suffix] = '\0';
	return true;
}

/* Takes the flags off the end of the name, the version too; what is left names the group. */
static bool parse_flags(char *rest, struct collation *c)
{
	c->utf8 = take_suffix(rest, "_UTF8");
	c->supplementary = take_suffix(rest, "_SC") || c->utf8;
	if (take_suffix(rest, "_BIN2") || take_suffix(rest, "_BIN")) {
		c->binary = true;
	} else {
		c->ignore_width = !take_suffix(rest, "_WS");
		c->ignore_kana = !take_suffix(rest, "_KS");
		c->ignore_accent = take_suffix(rest, "_AI");
		if (!c->ignore_accent && !take_suffix(rest, "_AS"))
			return false;
		c->ignore_case = take_suffix(rest, "_CI");
		if (!c->ignore_case && !take_suffix(rest, "_CS"))
			return false;
	}
	static const char *const versions[] = { "_90", "_100", "_140" };

	for (uint8_t i = 0; i < 3; i++)
		if (take_suffix(rest, versions[i]))
			c->version = (uint8_t)(i + 1);
	return true;
}

static bool parse_windows(const char *name, int server, struct collation *c)
{
	char rest[64];

	snprintf(rest, sizeof(rest), "%s", name);
	if (!parse_flags(rest, c) || (c->utf8 && server < 15) || (c->version == 3 && server < 14))
		return false;
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		if (strcasecmp(groups[i].name, rest))
			continue;
		c->lcid = groups[i].lcid;
		c->page = c->utf8 ? 65001 : groups[i].page;
		return true;
	}
	return false;
}

static bool parse_sql(const char *name, struct collation *c)
{
	for (size_t i = 0; i < sizeof(sql_sorts) / sizeof(*sql_sorts); i++) {
		if (strcasecmp(sql_sorts[i].name, name))
			continue;
		c->lcid = sql_sorts[i].lcid;
		c->page = sql_sorts[i].page;
		c->sort_id = sql_sorts[i].sort_id;
		c->binary = strstr(sql_sorts[i].name, "_BIN2");
		c->ignore_case = strstr(sql_sorts[i].name, "_CI");
		c->ignore_accent = strstr(sql_sorts[i].name, "_AI");
		c->ignore_kana = c->ignore_width = !c->binary;
		return true;
	}
	return false;
}

static uint16_t find_known(const char *name)
{
	for (unsigned i = 1; i < known_count; i++)
		if (!strcasecmp(known[i].name, name))
			return (uint16_t)i;
	return 0;
}

static uint16_t add(const char *name, int version)
{
	struct collation c = { .lcid = 0 };

	if (strlen(name) >= sizeof(c.name) || known_count == COLLATION_MAX ||
		(!parse_sql(name, &c) && !parse_windows(name, version, &c)))
		return 0;
	snprintf(c.name, sizeof(c.name), "%s", name);
	known[known_count] = c;
	return (uint16_t)known_count++;
}

uint16_t collation_find(const char *name, int version)
{
	pthread_mutex_lock(&known_mutex);
	if (known_count == 1)
		add("SQL_Latin1_General_CP1_CI_AS", 11);
	uint16_t number = find_known(name);

	if (!number)
		number = add(name, version);
	pthread_mutex_unlock(&known_mutex);
	return number && known[number].utf8 && version < 15 ? 0 : number;
}

const struct collation *collation_get(uint16_t number)
{
	if (!number || number >= known_count) {
		collation_find("SQL_Latin1_General_CP1_CI_AS", 11);
		return &known[COLLATION_DEFAULT];
	}
	return &known[number];
}

void collation_wire(uint16_t number, uint8_t wire[5])
{
	const struct collation *c = collation_get(number);
	uint32_t flags = (uint32_t)(c->ignore_case | c->ignore_accent << 1 | c->ignore_kana << 2 | c->ignore_width << 3);

	if (c->binary)
		flags = 0x20;
	if (c->utf8)
		flags |= 0x40;
	uint32_t word = c->lcid | flags << 20 | (uint32_t)c->version << 28;

	for (int i = 0; i < 4; i++)
		wire[i] = (uint8_t)(word >> 8 * i);
	wire[4] = c->sort_id;
}

uint16_t collation_from_wire(const uint8_t wire[5])
{
	for (unsigned i = 1; i < known_count; i++) {
		uint8_t own[5];

		collation_wire((uint16_t)i, own);
		if (!memcmp(own, wire, 5))
			return (uint16_t)i;
	}
	return 0;
}

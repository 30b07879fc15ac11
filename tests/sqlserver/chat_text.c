/* SPDX-License-Identifier: Apache-2.0 */
#include "chat_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

/* Frequent first: a word's place decides how often it comes. */
static const char *const english[] = { "the", "to", "a", "and", "of", "is", "it", "in", "that", "for", "I", "you", "on",
	"we", "this", "be", "with", "not", "have", "but", "are", "do", "can", "at", "if", "just", "will", "so", "what",
	"was", "there", "all", "my", "or", "from", "as", "they", "one", "about", "get", "up", "out", "no", "now", "how",
	"know", "think", "when", "me", "some", "would", "like", "time", "ok", "yes", "here", "see", "an", "need", "then",
	"good", "who", "work", "more", "meeting", "today", "has", "which", "your", "them", "tomorrow", "morning",
	"customer", "ticket", "server", "please", "thanks", "update", "call", "new", "order", "report", "test", "anyone",
	"check", "still", "back", "network", "issue", "sent", "look", "again", "mail", "team", "should", "down", "after",
	"week", "only", "last", "build", "release", "price", "market", "trade", "client", "position", "limit", "desk",
	"branch", "office", "printer", "invoice", "contract", "delivery", "truck", "warehouse", "driver", "route", "late",
	"weather", "lunch", "coffee", "room", "phone", "number", "list", "change", "request", "approved", "rejected",
	"waiting", "queue", "escalated", "closed", "reopened", "deployed", "rollback", "database", "backup", "restore",
	"certificate", "password", "expired", "renewed", "firewall", "router", "latency", "packet", "switch", "cable",
	"floor", "building", "parking", "visitor", "badge", "training", "holiday", "shift", "schedule", "swap", "evening",
	"night", "weekend", "monday", "friday", "quarter", "budget", "forecast", "revenue", "margin", "discount",
	"supplier", "shipment", "container", "customs", "declaration", "insurance" };
static const char *const french[] = { "le", "de", "et", "la", "les", "je", "est", "pas", "un", "on", "pour", "que",
	"qui", "bonjour", "merci", "réunion", "demain", "aujourd'hui", "client", "dossier", "livraison", "commande", "où",
	"déjà", "même", "très", "problème", "réseau", "imprimante", "facture", "à", "être", "fait", "suis", "équipe", "été",
	"prévu", "arrivé", "Noël", "cœur" };
static const char *const other[] = { "schönen", "Grüße", "für", "Straße", "über", "привет", "спасибо", "совещание",
	"завтра", "会议", "明天", "谢谢", "ありがとう", "γεια", "αύριο", "señor", "mañana", "łódź", "żaden", "€", "½", "…",
	"—", "“quoted”" };
static const char *const phrases[] = { "good morning everyone", "thanks a lot!", "can somebody have a look at this?",
	"I'm on it", "done", "+1", "brb", "lol", "no worries", "will do", "who is on call tonight?",
	"the printer on the second floor is out of paper again", "please see the mail I sent yesterday",
	"ticket is closed, thank you", "same here", "it works for me", "let me check and come back to you",
	"price alert: limit reached", "build finished, all tests passed", "heartbeat ok", "shift change in 15 minutes",
	"je regarde tout de suite", "bonne journée à tous", "👍", "😀 great", "🚚 on its way" };
static const char *const sites[] = { "http://intranet.contoso.test/tickets/", "https://wiki.contoso.test/pages/",
	"http://files.contoso.test/share/", "https://news.example.test/2014/" };

uint64_t chat_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint32_t chat_below(uint64_t *state, uint32_t below)
{
	return (uint32_t)(chat_random(state) % below);
}

/* Small numbers often, large ones seldom. */
static uint32_t skewed(uint64_t *state, uint32_t below)
{
	double x = (double)(chat_random(state) >> 11) / 9007199254740992.0;
	uint32_t n = (uint32_t)(x * x * x * below);

	return n < below ? n : below - 1;
}

static uint32_t decode(const char **text)
{
	const unsigned char *at = (const unsigned char *)*text;
	unsigned extra = *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : *at >= 0xc0 ? 1 : 0;
	uint32_t point = extra ? *at & (0x3fu >> extra) : *at;

	for (unsigned i = 1; i <= extra; i++)
		point = point << 6 | (at[i] & 0x3fu);
	*text += extra + 1;
	return point;
}

static size_t put_unit(uint8_t *out, size_t at, size_t capacity, uint32_t unit)
{
	if (at + 2 > capacity)
		return at;
	out[at] = (uint8_t)unit;
	out[at + 1] = (uint8_t)(unit >> 8);
	return at + 2;
}

size_t chat_utf16(const char *text, uint8_t *out, size_t capacity)
{
	size_t at = 0;

	while (*text) {
		uint32_t point = decode(&text);
		if (point >= 0x10000) {
			at = put_unit(out, at, capacity, 0xd800u + ((point - 0x10000) >> 10));
			point = 0xdc00u + ((point - 0x10000) & 0x3ff);
		}
		at = put_unit(out, at, capacity, point);
	}
	return at;
}

struct text {
	char bytes[6000];
	size_t size;
};

static void add(struct text *text, const char *words)
{
	size_t length = strlen(words);

	if (text->size + length + 1 >= sizeof(text->bytes))
		return;
	memcpy(text->bytes + text->size, words, length + 1);
	text->size += length;
}

static void add_words(struct text *text, uint64_t *state, uint32_t room, uint32_t words)
{
	bool is_french = room % 5 == 3;

	for (uint32_t i = 0; i < words; i++) {
		uint32_t kind = chat_below(state, 100);
		if (i)
			add(text, " ");
		if (kind < 2)
			add(text, other[chat_below(state, COUNT(other))]);
		else if (is_french ? kind < 80 : kind < 4)
			add(text, french[skewed(state, COUNT(french))]);
		else
			add(text, english[skewed(state, COUNT(english))]);
		if (i + 1 < words && chat_below(state, 12) == 0)
			add(text, ",");
	}
}

static void add_link(struct text *text, uint64_t *state)
{
	char number[32];

	snprintf(number, sizeof(number), "%u", chat_below(state, 100000));
	add(text, sites[chat_below(state, COUNT(sites))]);
	add(text, number);
}

static void add_story(struct text *text, uint64_t *state, uint32_t room)
{
	add(text, "[STORY]");
	add_words(text, state, room, 6);
	add(text, "\r\n");
	add_words(text, state, room, 120 + chat_below(state, 400));
}

static void add_file(struct text *text, uint64_t *state)
{
	char link[200];

	snprintf(link, sizeof(link),
		"<a href=\"ma-filelink://contoso.test/%08x-%04x-4%03x-a%03x-%012llx.docx\">report %u.docx</a>",
		(unsigned)chat_random(state), (unsigned)chat_below(state, 65536), (unsigned)chat_below(state, 4096),
		(unsigned)chat_below(state, 4096), (unsigned long long)(chat_random(state) & 0xffffffffffffu),
		chat_below(state, 50));
	add(text, link);
}

size_t chat_message(uint64_t *state, uint32_t room, uint8_t *out, size_t capacity)
{
	struct text text = { .size = 0 };
	uint32_t kind = chat_below(state, 1000);
	size_t size;

	if (kind < 20)
		add_story(&text, state, room);
	else if (kind < 30)
		add_file(&text, state);
	else if (kind < 40)
		add(&text, "This message was replaced by the Persistent Chat administrator.");
	else if (kind < 250)
		add(&text, phrases[skewed(state, COUNT(phrases))]);
	else
		add_words(&text, state, room, 2 + skewed(state, 30));
	if (kind >= 950)
		add(&text, " ");
	if (kind >= 950)
		add_link(&text, state);
	size = chat_utf16(text.bytes, out, capacity);
	if (kind == 500) /* half of a pair, as clients that cut texts leave behind */
		size = put_unit(out, size, capacity, 0xd83d);
	return size;
}

size_t chat_rtf(uint64_t *state, const uint8_t *message, size_t size, uint8_t *out, size_t capacity)
{
	static const char head[] = "{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0 Segoe UI;}}\\f0\\fs20 ";
	size_t at = sizeof(head) - 1;

	memcpy(out, head, at);
	for (size_t i = 0; i + 1 < size && at + 16 < capacity; i += 2) {
		unsigned unit = message[i] | (unsigned)message[i + 1] << 8;
		if (unit < 0x80 || (unit >= 0xa0 && unit < 0x100))
			out[at++] = (uint8_t)unit;
		else
			at += (size_t)snprintf((char *)out + at, 16, "\\u%d?", (int)(int16_t)unit);
	}
	if (chat_below(state, 50) == 0)
		out[at++] = 0x81; /* a byte that code page 1252 does not define */
	out[at++] = '}';
	return at;
}

void chat_name(const char *kind, uint32_t n, char *out, size_t capacity)
{
	static const char *const firsts[] = { "Anna", "Bruno", "Chloé", "David", "Eva", "François", "Grace", "Hugo", "Inès",
		"Jan", "Karin", "Luis", "Mei", "Noah", "Olga", "Paul", "Rosa", "Sven", "Tara", "Zoë" };
	static const char *const lasts[] = { "Adams", "Berger", "Costa", "Dubois", "Eriksen", "Fischer", "García", "Hansen",
		"Ivanov", "Jones", "Kumar", "Lefèvre", "Müller", "Nowak", "O'Brien", "Petit", "Rossi", "Smith", "Tanaka",
		"Weber" };

	if (strcmp(kind, "person") == 0)
		snprintf(out, capacity, "%s %s %u", firsts[n % 20], lasts[n / 20 % 20], n);
	else
		snprintf(out, capacity, "%s %s %u", english[60 + n * 7 % 80], kind, n);
}

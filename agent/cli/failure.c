/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/failure.h"

#include <stdio.h>

#include "agent/service/service.h"

int failure_end(struct json *json, int code, const char *sentence, const char *remedy)
{
	char number[12];
	struct block_fields fields = { .count = 5,
		.keys = { "Block", "Result", "Code", "Sentence", "Remedy" },
		.values = { "end", service_code_name((enum service_code)code), number, sentence, remedy } };
	fprintf(stderr, "coffret: %s\n%s%s", sentence, remedy, *remedy ? "\n" : "");
	snprintf(number, sizeof(number), "%d", code);
	if (json)
		json_block(json, &fields);
	return code;
}

int failure_tell(const struct options *options, int code, const char *sentence, const char *remedy)
{
	const char *list = options->command ? options->command->list : "";
	struct json *json = options->json ? json_begin(stdout, list) : NULL;
	failure_end(json, code, sentence, remedy);
	json_end(json);
	return code;
}

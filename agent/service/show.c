/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/service/show.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/snapshot/stored.h"
#include "agent/sql/catalogue.h"
#include "agent/upkeep/volumes.h"

static void count_module(struct show *show, const char *type)
{
	if (type[0] == 'V')
		show->views++;
	else if (type[0] == 'P')
		show->procedures++;
	else
		show->functions++;
}

static void count_objects(struct show *show, const struct catalogue *catalogue)
{
	show->has_catalogue = true;
	show->schemas = catalogue->schema_count;
	show->sequences = catalogue->sequence_count;
	show->types = catalogue->type_count;
	show->synonyms = catalogue->synonym_count;
	show->triggers = catalogue->trigger_count;
	for (uint32_t i = 0; i < catalogue->module_count; i++)
		count_module(show, catalogue->modules[i].type);
	for (uint32_t i = 0; i < catalogue->table_count; i++) {
		const struct catalogue_table *table = &catalogue->tables[i];
		show->foreign_keys += table->foreign_key_count;
		show->checks += table->check_count;
		show->indexes += table->index_count;
		show->triggers += table->trigger_count;
	}
	snprintf(show->server_version, sizeof(show->server_version), "%s", catalogue->database.server_version);
	snprintf(show->edition, sizeof(show->edition), "%s", catalogue->database.edition);
	snprintf(show->collation, sizeof(show->collation), "%s", catalogue->database.collation);
}

static int read_catalogue(struct show *show, struct repository *repository)
{
	static struct stored_snapshot stored; /* large, and of one thread */
	int result = stored_open(&stored, repository, show->id);
	if (result < 0)
		return result;
	count_objects(show, stored.catalogue);
	stored_close(&stored);
	return 0;
}

static int read_about(struct show *show, struct snapshot_reader *reader)
{
	const void *bytes;
	size_t size;
	int result = snapshot_about(reader, &bytes, &size);
	return result < 0 ? result : snapshot_about_decode(&show->about, bytes, size);
}

static int read_table(struct snapshot_reader *reader, size_t stream, struct show_table *table)
{
	struct stream_info info;
	struct table_about about;
	int result = snapshot_stream_info(reader, stream, &info);
	if (result < 0 || strcmp(info.name, CATALOGUE_STREAM) == 0)
		return result < 0 ? result : -ENODATA;
	*table = (struct show_table){ .rows = info.count, .bytes = info.bytes, .chunks = info.chunks };
	snprintf(table->name, sizeof(table->name), "%s", info.name);
	if (table_about_decode(&about, info.about, info.about_size) < 0)
		return -EBADMSG;
	table->rows = about.digest.rows;
	memcpy(table->digest, about.digest.sum, sizeof(table->digest));
	return 0;
}

/* The catalogue, the last stream, is not a table. */
static int read_tables(struct show *show, struct snapshot_reader *reader)
{
	show->count = 0;
	show->total = snapshot_stream_count(reader);
	for (size_t i = show->first; i < show->total && show->count < SHOW_TABLES; i++) {
		int result = read_table(reader, i, &show->tables[show->count]);
		if (result == -ENODATA)
			continue;
		if (result < 0)
			return result;
		show->count++;
	}
	return 0;
}

void show_run(struct engine_look *look, const struct job_context *context)
{
	struct show *show = (struct show *)look;
	struct snapshot_reader *reader;
	struct job_context on = *context;
	volumes_holding(context, show->id, 0, &on);
	show->error = on.repository ? snapshot_open(on.repository, show->id, &reader) : -ENODEV;
	if (show->error < 0)
		return;
	if (show->first == 0)
		show->error = read_about(show, reader);
	if (show->error == 0)
		show->error = read_tables(show, reader);
	snapshot_close(reader);
	if (show->error == 0 && show->first == 0)
		show->error = read_catalogue(show, on.repository);
}

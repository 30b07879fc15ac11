/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that read what is kept: list, show. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/job/names.h"
#include "agent/job/server.h"
#include "agent/service/service_private.h"
#include "agent/service/show.h"

/* ---- list ---- */

/* Where it is, where there is more than one place; and whose it is, where it is not this box's. */
static void add_whereabouts(struct service *service, struct block *block, const struct shelf_entry *entry)
{
	static const uint8_t nowhere[16];
	char names[CONFIG_VOLUMES_MAX * (VOLUME_NAME_SIZE + 2)];
	if (service->config->volume_count > 1) {
		shelf_names(service->shelf, entry, names, sizeof(names));
		block_add(block, "Volumes", names);
	}
	block_add_flag(block, "Durable", entry->durable);
	block_add_flag(block, "Foreign", entry->info.foreign);
	if (entry->info.foreign)
		block_add_hex(block, "Maker", entry->info.maker, sizeof(entry->info.maker));
	if (memcmp(entry->info.origin, nowhere, sizeof(nowhere)) != 0)
		block_add_hex(block, "Copied-From", entry->info.origin, sizeof(entry->info.origin));
}

static void add_snapshot(struct service *service, struct block *block, const struct shelf_entry *entry)
{
	char server[SERVER_NAME_SIZE] = "", database[DATABASE_NAME_SIZE] = "";
	const struct snapshot_info *info = &entry->info;
	subject_split(info->subject, server, database);
	service_add_id(block, "Id", info->id);
	block_add_number(block, "Sequence", info->sequence);
	block_add_number(block, "Time", (uint64_t)info->wall_time);
	block_add(block, "Subject", info->subject);
	block_add(block, "Server", server);
	block_add(block, "Database", database);
	block_add(block, "Class", info->class == SNAPSHOT_SAFETY ? "safety" : "backup");
	block_add_flag(block, "Verified", info->flags & SNAPSHOT_VERIFIED);
	block_add_flag(block, "Damaged", info->flags & SNAPSHOT_DAMAGED);
	block_add_flag(block, "Suspect", info->flags & SNAPSHOT_SUSPECT);
	block_add_flag(block, "Accepted", info->flags & SNAPSHOT_ACCEPTED);
	add_whereabouts(service, block, entry);
	block_add_flag(block, "Pinned", info->flags & SNAPSHOT_PINNED);
	block_add_flag(block, "Locked", info->flags & SNAPSHOT_LOCKED);
	if (info->class == SNAPSHOT_SAFETY)
		block_add_flag(block, "Applied", info->flags & SNAPSHOT_APPLIED);
	block_add(block, "Kept-Because", retention_why_name((int)entry->why));
	block_add_number(block, "Bytes", info->bytes);
	block_add_number(block, "Stored-Bytes", info->stored_bytes);
	block_add_flag(block, "Readable", entry->readable);
	if (!entry->readable)
		return;
	block_add_number(block, "Tables", entry->tables);
	block_add_number(block, "Rows", entry->rows);
	block_add_number(block, "Server-Bytes", entry->server_bytes);
	block_add_number(block, "Milliseconds", entry->milliseconds);
	block_add(block, "Consistency", consistency_name(entry->consistency));
}

static void begin_list(struct service *service, struct api_client *client, const struct block_fields *request)
{
	struct service_task *task = task_of(client);
	service_target(service, client, request, task->server, task->database);
}

static bool is_of(const struct service_task *task, const struct shelf_entry *entry)
{
	char server[SERVER_NAME_SIZE], database[DATABASE_NAME_SIZE];
	if (!task->server[0] && !task->database[0])
		return true;
	return subject_split(entry->info.subject, server, database) &&
		(!task->server[0] || strcmp(server, task->server) == 0) &&
		(!task->database[0] || strcmp(database, task->database) == 0);
}

/* What of the volumes beside home is not in the list, since they could not be read. */
static bool find_unread(struct service *service, struct shelf_volume *volume)
{
	for (size_t i = 0; shelf_volume(service->shelf, i, volume) == 0; i++)
		if (volume->error && !volume->home)
			return true;
	return false;
}

static void more_list(struct service *service, struct api_client *client)
{
	struct service_task *task = task_of(client);
	struct shelf_entry entry;
	struct block block;
	while (api_room(client) && shelf_get(service->shelf, task->index, &entry) == 0) {
		task->index++;
		if (!is_of(task, &entry))
			continue;
		block_begin(&block, "snapshot");
		add_snapshot(service, &block, &entry);
		api_send(client, &block);
		task->shown++;
	}
	if (!api_room(client))
		return;
	struct repository_status status;
	struct shelf_volume unread;
	size_t total;
	int error = shelf_status(service->shelf, &status, &total);
	if (error < 0)
		service_end(client, CODE_FAILED, "coffret verify says what is damaged.",
			"The store could not be read whole: %s.", strerror(-error));
	else if (find_unread(service, &unread))
		service_end(client, CODE_DONE, unread.remedy, "%s", unread.sentence);
	else if (total > SHELF_MAX)
		service_end(client, CODE_DONE, "", "The newest %d of %zu are shown.", SHELF_MAX, total);
	else if (total && !task->shown)
		service_end(client, CODE_DONE, "coffret list shows those there are.", "There is no snapshot of %.63s%s%.519s.",
			task->server, task->server[0] && task->database[0] ? "/" : "", task->database);
	else
		service_end(client, CODE_DONE, "", "%s", total ? "" : "There are no snapshots yet.");
}

/* ---- show ---- */

static void begin_show(struct service *service, struct api_client *client, const struct block_fields *request)
{
	struct service_task *task = task_of(client);
	struct shelf_entry entry;
	struct block block;
	if (!service_one_snapshot(service, client, request, &entry))
		return;
	task->show = calloc(1, sizeof(*task->show));
	if (!task->show) {
		service_end(client, CODE_FAILED, "", "No memory for that at this moment.");
		return;
	}
	task->show->look.run = show_run;
	task->show->id = entry.info.id;
	engine_look(service->engine, &task->show->look);
	block_begin(&block, "snapshot");
	add_snapshot(service, &block, &entry);
	api_send(client, &block);
}

static void send_contents(struct api_client *client, const struct show *show)
{
	struct block block;
	block_begin(&block, "contents");
	block_add(&block, "Host", show->about.host);
	block_add_number(&block, "Started", (uint64_t)show->about.started);
	block_add_number(&block, "Finished", (uint64_t)show->about.finished);
	service_add_id(&block, "Restoring", show->about.restoring);
	if (show->has_catalogue) {
		block_add(&block, "Server-Version", show->server_version);
		block_add(&block, "Edition", show->edition);
		block_add(&block, "Collation", show->collation);
		block_add_number(&block, "Schemas", show->schemas);
		block_add_number(&block, "Views", show->views);
		block_add_number(&block, "Procedures", show->procedures);
		block_add_number(&block, "Functions", show->functions);
		block_add_number(&block, "Triggers", show->triggers);
		block_add_number(&block, "Indexes", show->indexes);
		block_add_number(&block, "Foreign-Keys", show->foreign_keys);
		block_add_number(&block, "Checks", show->checks);
		block_add_number(&block, "Sequences", show->sequences);
		block_add_number(&block, "Types", show->types);
		block_add_number(&block, "Synonyms", show->synonyms);
	}
	api_send(client, &block);
}

static void send_table(struct api_client *client, const struct show_table *table)
{
	char digest[33];
	struct block block;
	for (size_t i = 0; i < sizeof(table->digest); i++)
		sprintf(digest + 2 * i, "%02x", table->digest[i]);
	block_begin(&block, "table");
	block_add(&block, "Name", table->name);
	block_add_number(&block, "Rows", table->rows);
	block_add_number(&block, "Bytes", table->bytes);
	block_add_number(&block, "Chunks", table->chunks);
	block_add(&block, "Digest", digest);
	api_send(client, &block);
}

static void free_show(struct engine_look *look)
{
	free(look); /* its first member */
}

static void gone_show(struct service *service, struct api_client *client)
{
	struct service_task *task = task_of(client);
	if (task->show && !engine_leave(service->engine, &task->show->look, free_show))
		free(task->show);
	task->show = NULL;
}

static void end_show(struct service *service, struct api_client *client, enum service_code code)
{
	struct service_task *task = task_of(client);
	const char *why = task->show->error == -ENOENT ? "it is gone" : strerror(-task->show->error);
	if (code == CODE_DONE)
		service_end(client, code, "", "%s", "");
	else
		service_end(client, code, "coffret verify says what is damaged.", "The snapshot cannot be read: %s.", why);
	gone_show(service, client);
}

/* Notes first, once; then the tables of this slice, from task->index on; then the next slice. */
static void send_slice(struct service *service, struct api_client *client)
{
	struct service_task *task = task_of(client);
	struct show *show = task->show;
	struct block block;
	for (; task->stage <= show->about.note_count && api_room(client); task->stage++) {
		if (task->stage == 0) {
			send_contents(client, show);
			continue;
		}
		block_begin(&block, "note");
		block_add(&block, "Text", show->about.notes[task->stage - 1]);
		api_send(client, &block);
	}
	while (task->stage > show->about.note_count && task->index < show->count && api_room(client))
		send_table(client, &show->tables[task->index++]);
	if (task->stage <= show->about.note_count || task->index < show->count || !api_room(client))
		return;
	show->first += SHOW_TABLES;
	task->index = 0;
	if (show->first >= show->total)
		end_show(service, client, CODE_DONE);
	else
		engine_look(service->engine, &show->look);
}

static void more_show(struct service *service, struct api_client *client)
{
	struct service_task *task = task_of(client);
	if (!task->show || !engine_look_done(service->engine, &task->show->look))
		return;
	if (task->show->error < 0)
		end_show(service, client, CODE_DAMAGED);
	else
		send_slice(service, client);
}

const struct service_command service_look_commands[] = {
	{ "list", begin_list, more_list, NULL },
	{ "show", begin_show, more_show, gone_show },
};
const size_t service_look_command_count = sizeof(service_look_commands) / sizeof(service_look_commands[0]);

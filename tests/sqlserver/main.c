/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of the stand-in SQL Server. */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "browser.h"
#include "chat.h"
#include "control.h"
#include "server.h"

#define LIST_LIMIT 64

struct list {
	const char *items[LIST_LIMIT];
	size_t count;
};

struct arguments {
	struct server_options server;
	struct list logins, login_files, scripts, settings, faults;
	const char *port_file, *browser_port_file, *control, *chat;
	bool browser;
	uint16_t browser_port;
};

enum {
	OPTION_DIRECTORY = 256,
	OPTION_ADDRESS,
	OPTION_PORT,
	OPTION_PORT_FILE,
	OPTION_NAME,
	OPTION_INSTANCE,
	OPTION_CERTIFICATE,
	OPTION_KEY,
	OPTION_TLS,
	OPTION_CIPHERS,
	OPTION_VERSION,
	OPTION_STRICT,
	OPTION_LOGIN,
	OPTION_LOGINS,
	OPTION_SCRIPT,
	OPTION_SET,
	OPTION_WIRE,
	OPTION_BROWSER,
	OPTION_BROWSER_PORT_FILE,
	OPTION_CONTROL,
	OPTION_CHAT,
	OPTION_ROW_LIMIT,
	OPTION_HELP,
};

static const struct option options[] = {
	{ "directory", required_argument, NULL, OPTION_DIRECTORY },
	{ "address", required_argument, NULL, OPTION_ADDRESS },
	{ "port", required_argument, NULL, OPTION_PORT },
	{ "port-file", required_argument, NULL, OPTION_PORT_FILE },
	{ "name", required_argument, NULL, OPTION_NAME },
	{ "instance", required_argument, NULL, OPTION_INSTANCE },
	{ "certificate", required_argument, NULL, OPTION_CERTIFICATE },
	{ "key", required_argument, NULL, OPTION_KEY },
	{ "tls", required_argument, NULL, OPTION_TLS },
	{ "ciphers", required_argument, NULL, OPTION_CIPHERS },
	{ "version", required_argument, NULL, OPTION_VERSION },
	{ "strict", no_argument, NULL, OPTION_STRICT },
	{ "login", required_argument, NULL, OPTION_LOGIN },
	{ "logins", required_argument, NULL, OPTION_LOGINS },
	{ "script", required_argument, NULL, OPTION_SCRIPT },
	{ "set", required_argument, NULL, OPTION_SET },
	{ "wire", required_argument, NULL, OPTION_WIRE },
	{ "browser-port", required_argument, NULL, OPTION_BROWSER },
	{ "browser-port-file", required_argument, NULL, OPTION_BROWSER_PORT_FILE },
	{ "control", required_argument, NULL, OPTION_CONTROL },
	{ "chat", required_argument, NULL, OPTION_CHAT },
	{ "row-limit", required_argument, NULL, OPTION_ROW_LIMIT },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

static const char usage[] =
	"Usage: sqlserver --directory DIR --certificate FILE --key FILE [OPTION]...\n"
	"A small SQL Server for tests: it executes what it is sent, and misbehaves when it is told to.\n\n"
	"  --directory DIR          databases, created if missing\n"
	"  --certificate, --key     PEM files of the server's certificate and key\n"
	"  --address A, --port N    where to listen (127.0.0.1, any port)\n"
	"  --port-file FILE         the port is written there once it is ready\n"
	"  --name, --instance       server and instance name (STANDIN, MSSQLSERVER)\n"
	"  --version 11..16         SQL Server 2012 to 2022 (16)\n"
	"  --strict                 TDS 8.0 only\n"
	"  --tls MIN-MAX            TLS versions, 10 to 12 (12-12); --ciphers A,B: mbedTLS names\n"
	"  --login NAME=PASSWORD    an administrator's login, may be repeated\n"
	"  --logins FILE            the same, one a line\n"
	"  --chat messages=N,rooms=N,users=N,seed=N     Persistent Chat's databases mgc and mgccomp, filled\n"
	"  --script FILE            T-SQL to run first (after --chat), may be repeated\n"
	"  --set NAME=VALUE         a setting of the engine; --wire NAME=VALUE: a fault on the wire\n"
	"  --browser-port N, --browser-port-file FILE   SQL Browser on UDP\n"
	"  --control SOCKET         commands for a running server\n"
	"  --row-limit BYTES        the largest row of a bulk load (268435456)\n\n"
	"It says \"ready\" on standard output, and ends at SIGTERM or SIGINT. README.md explains everything.\n";

static int complain(const char *what, const char *value)
{
	fprintf(stderr, "sqlserver: %s: %s\n", what, value);
	return -EINVAL;
}

static int parse_number(const char *text, unsigned long limit, unsigned long *number)
{
	char *end;

	errno = 0;
	*number = strtoul(text, &end, 10);
	return errno || *end || end == text || *number > limit ? complain("not a number in range", text) : 0;
}

static int parse_port(const char *text, uint16_t *port)
{
	unsigned long number;
	int error = parse_number(text, 65535, &number);

	*port = (uint16_t)number;
	return error;
}

static int parse_tls(const char *text, struct tls_settings *tls)
{
	int end = 0;

	if (sscanf(text, "%2d-%2d%n", &tls->minimum, &tls->maximum, &end) != 2 || text[end])
		return complain("--tls wants MIN-MAX such as 10-12", text);
	return 0;
}

static int append(struct list *list, const char *item)
{
	if (list->count == LIST_LIMIT)
		return complain("too many of one option", item);
	list->items[list->count++] = item;
	return 0;
}

/* Where an option's text goes as it is, and the lists of those that may be repeated. */
static const struct {
	int option;
	size_t offset;
} texts[] = {
	{ OPTION_DIRECTORY, offsetof(struct arguments, server.directory) },
	{ OPTION_ADDRESS, offsetof(struct arguments, server.address) },
	{ OPTION_NAME, offsetof(struct arguments, server.name) },
	{ OPTION_INSTANCE, offsetof(struct arguments, server.instance) },
	{ OPTION_CERTIFICATE, offsetof(struct arguments, server.tls.certificate) },
	{ OPTION_KEY, offsetof(struct arguments, server.tls.key) },
	{ OPTION_CIPHERS, offsetof(struct arguments, server.tls.ciphers) },
	{ OPTION_PORT_FILE, offsetof(struct arguments, port_file) },
	{ OPTION_BROWSER_PORT_FILE, offsetof(struct arguments, browser_port_file) },
	{ OPTION_CONTROL, offsetof(struct arguments, control) },
	{ OPTION_CHAT, offsetof(struct arguments, chat) },
}, lists[] = {
	{ OPTION_LOGIN, offsetof(struct arguments, logins) },
	{ OPTION_LOGINS, offsetof(struct arguments, login_files) },
	{ OPTION_SCRIPT, offsetof(struct arguments, scripts) },
	{ OPTION_SET, offsetof(struct arguments, settings) },
	{ OPTION_WIRE, offsetof(struct arguments, faults) },
};

static int take_number(struct arguments *arguments, int option, const char *value)
{
	unsigned long number = 0;
	int error = parse_number(value, option == OPTION_VERSION ? 16 : UINT32_MAX, &number);

	if (option == OPTION_VERSION)
		arguments->server.version = (int)number;
	else
		arguments->server.row_limit = number;
	return error;
}

static int take_option(struct arguments *arguments, int option, const char *value)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].option == option) {
			*(const char **)(void *)((char *)arguments + texts[i].offset) = value;
			return 0;
		}
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (lists[i].option == option)
			return append((struct list *)(void *)((char *)arguments + lists[i].offset), value);
	switch (option) {
	case OPTION_PORT:
		return parse_port(value, &arguments->server.port);
	case OPTION_BROWSER:
		arguments->browser = true;
		return parse_port(value, &arguments->browser_port);
	case OPTION_TLS:
		return parse_tls(value, &arguments->server.tls);
	case OPTION_VERSION:
	case OPTION_ROW_LIMIT:
		return take_number(arguments, option, value);
	case OPTION_STRICT:
		arguments->server.strict = true;
		return 0;
	case OPTION_HELP:
		fputs(usage, stdout);
		exit(0);
	default:
		return -EINVAL;
	}
}

static int parse_arguments(struct arguments *arguments, int argc, char **argv)
{
	int option;

	*arguments = (struct arguments){ .server = { .address = "127.0.0.1",
										 .name = "STANDIN",
										 .instance = "MSSQLSERVER",
										 .version = 16,
										 .request_limit = 256u << 20,
										 .row_limit = 256u << 20,
										 .tls = { .minimum = 12, .maximum = 12 } } };
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		int error = take_option(arguments, option, optarg);

		if (error)
			return error;
	}
	if (optind < argc)
		return complain("unexpected", argv[optind]);
	if (arguments->server.version < 11)
		return complain("--version", "11 to 16");
	if (!arguments->server.directory || !arguments->server.tls.certificate || !arguments->server.tls.key)
		return complain("needed", "--directory, --certificate and --key (see --help)");
	return 0;
}

static int add_login(struct engine *engine, const char *text)
{
	const char *equals = strchr(text, '=');
	char name[256];

	if (!equals || equals == text || (size_t)(equals - text) >= sizeof(name))
		return complain("a login is NAME=PASSWORD", "this one is not");
	memcpy(name, text, (size_t)(equals - text));
	name[equals - text] = 0;
	return engine_add_login(engine, name, equals + 1, true);
}

static int add_logins_of(struct engine *engine, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[600];
	int error = 0;

	if (!file)
		return complain(path, strerror(errno));
	while (!error && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\r\n")] = 0;
		if (line[0] && line[0] != '#')
			error = add_login(engine, line);
	}
	fclose(file);
	return error;
}

static int run_script(struct server *server, const char *path)
{
	int error = server_run_script(server, path, stderr);

	return error ? complain(path, strerror(-error)) : 0;
}

static int make_chat(struct engine *engine, const char *text)
{
	struct chat_options chat = { 0 };

	if (chat_parse(&chat, text))
		return complain("--chat", text);
	return chat_create(engine, &chat);
}

static int prepare(struct server *server, const struct arguments *arguments)
{
	int error = 0;

	for (size_t i = 0; i < arguments->logins.count && !error; i++)
		error = add_login(server->engine, arguments->logins.items[i]);
	for (size_t i = 0; i < arguments->login_files.count && !error; i++)
		error = add_logins_of(server->engine, arguments->login_files.items[i]);
	if (!error && arguments->chat)
		error = make_chat(server->engine, arguments->chat);
	for (size_t i = 0; i < arguments->scripts.count && !error; i++)
		error = run_script(server, arguments->scripts.items[i]);
	for (size_t i = 0; i < arguments->settings.count && !error; i++) {
		error = engine_set(server->engine, arguments->settings.items[i]);
		if (error)
			complain("--set", arguments->settings.items[i]);
	}
	for (size_t i = 0; i < arguments->faults.count && !error; i++) {
		error = faults_set(&server->faults, arguments->faults.items[i]);
		if (error)
			complain("--wire", arguments->faults.items[i]);
	}
	return error;
}

/* Written beside and renamed, so that whoever waits for the file finds it whole. */
static int write_port(const char *path, uint16_t port)
{
	char beside[4096];
	FILE *file;

	if (!path)
		return 0;
	snprintf(beside, sizeof(beside), "%s.new", path);
	file = fopen(beside, "we");
	if (!file)
		return complain(beside, strerror(errno));
	fprintf(file, "%u\n", port);
	if (fclose(file) || rename(beside, path))
		return complain(path, strerror(errno));
	return 0;
}

static void *stop_at_signal(void *argument)
{
	sigset_t signals;
	int signal;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigwait(&signals, &signal);
	server_stop(argument);
	return NULL;
}

static int watch_signals(struct server *server)
{
	sigset_t signals;
	pthread_t thread;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	return -pthread_create(&thread, NULL, stop_at_signal, server);
}

static int serve(struct server *server, const struct arguments *arguments)
{
	struct browser browser;
	struct control control;
	bool with_browser = arguments->browser || arguments->browser_port_file;
	int error = with_browser ? browser_open(&browser, server, arguments->browser_port) : 0;

	if (error)
		return complain("browser", strerror(-error));
	error = arguments->control ? control_open(&control, server, arguments->control) : 0;
	if (error)
		return complain(arguments->control, strerror(-error));
	if (!error && with_browser)
		error = write_port(arguments->browser_port_file, browser.port);
	if (!error)
		error = write_port(arguments->port_file, server->port);
	if (!error) {
		printf("ready on port %u\n", server->port);
		fflush(stdout);
		error = server_run(server);
	}
	if (arguments->control)
		control_close(&control);
	if (with_browser)
		browser_close(&browser);
	return error;
}

int main(int argc, char **argv)
{
	static struct server server;
	struct arguments arguments;

	if (parse_arguments(&arguments, argc, argv) || watch_signals(&server))
		return 2;
	int error = server_open(&server, &arguments.server);
	if (error) {
		complain("cannot start", strerror(-error));
		return 1;
	}
	error = prepare(&server, &arguments);
	if (!error)
		error = serve(&server, &arguments);
	server_close(&server);
	return error ? 1 : 0;
}

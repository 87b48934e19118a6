// SPDX-License-Identifier: BSD-2-Clause
#include "cli/commands.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/client.h"
#include "cli/devlog.h"

#define DEPTH_MAX 6
#define PATH_LEN  128

/* The value's path so far; a VMM that has been taken over chose the names. */
struct printer {
	char path[PATH_LEN];
	unsigned int depth;
};

static void print_value(struct printer *p, const json_t *value);

/* Recursion as deep as the text nests, DEPTH_MAX at most. */
static void print_member(struct printer *p, const char *key,
			 const json_t *value)
{
	size_t len = strlen(p->path);

	if (p->depth == DEPTH_MAX)
		return;
	(void)snprintf(p->path + len, sizeof(p->path) - len, "%s%s",
		       len ? "." : "", key);
	devlog_sanitise(p->path);
	p->depth++;
	print_value(p, value);
	p->depth--;
	p->path[len] = '\0';
}

static void print_array(struct printer *p, const json_t *array)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		char key[24];

		(void)snprintf(key, sizeof(key), "%zu", i);
		print_member(p, key, json_array_get(array, i));
	}
}

static void print_text(const char *path, const char *text)
{
	char line[DEVLOG_LINE_MAX];

	(void)snprintf(line, sizeof(line), "%s", text);
	devlog_sanitise(line);
	(void)printf("%-40s %s\n", path, line);
}

static void print_value(struct printer *p, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		/* The iterator does not change the object. */
		for (void *it = json_object_iter((json_t *)(uintptr_t)value);
		     it;
		     it = json_object_iter_next((json_t *)(uintptr_t)value, it))
			print_member(p, json_object_iter_key(it),
				     json_object_iter_value(it));
		break;
	case JSON_ARRAY:
		print_array(p, value);
		break;
	case JSON_STRING:
		print_text(p->path, json_string_value(value));
		break;
	case JSON_INTEGER:
		(void)printf("%-40s %" JSON_INTEGER_FORMAT "\n", p->path,
			     json_integer_value(value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		print_text(p->path, json_is_true(value) ? "yes" : "no");
		break;
	default:
		print_text(p->path, "-");
		break;
	}
}

static int show(const char *name, const char *answer, bool json_wanted)
{
	struct printer printer = { .depth = 0 };
	json_t *json = json_loads(answer, 0, NULL);
	const char *error = json_string_value(json_object_get(json, "error"));

	if (!json || error) {
		log_err("stat", "%s: %s", name,
			error ? error : "an answer that makes no sense");
		json_decref(json);
		return 1;
	}
	if (json_wanted) {
		(void)json_dumpf(json, stdout,
				 JSON_INDENT(2) | JSON_ENSURE_ASCII);
		(void)putchar('\n');
	} else {
		print_value(&printer, json);
	}
	json_decref(json);
	return 0;
}

int stat_command(int argc, char *const *argv)
{
	bool json = argc == 2 && !strcmp(argv[1], "--json");
	char *answer;
	int ret;

	if (argc < 1 || (argc > 1 && !json) || argv[0][0] == '-') {
		log_err("stat", "give a name: pviommu stat NAME [--json]");
		return 2;
	}
	if (client_ask(argv[0], "stat", &answer))
		return 1;
	ret = show(argv[0], answer, json);
	free(answer);
	return ret;
}

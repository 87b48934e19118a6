// SPDX-License-Identifier: BSD-2-Clause
#include "control/request.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

static const char *const names[] = {
	[CONTROL_STAT] = "stat",
	[CONTROL_STOP] = "stop",
};

static int find(const char *name, enum control_command *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(name, names[i])) {
			*out = (enum control_command)i;
			return 0;
		}
	}
	return -EOPNOTSUPP;
}

int control_request_parse(const char *line, size_t len,
			  enum control_command *out)
{
	json_t *json = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *name = json_string_value(json_object_get(json, "command"));
	int ret = -EBADMSG;

	if (name && json_object_size(json) == 1)
		ret = find(name, out);
	json_decref(json);
	return ret;
}

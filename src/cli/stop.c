// SPDX-License-Identifier: BSD-2-Clause
#include "cli/commands.h"

#include <stdlib.h>

#include "base/log.h"
#include "cli/client.h"

int stop_command(int argc, char *const *argv)
{
	char *answer;

	if (argc != 1 || argv[0][0] == '-') {
		log_err("stop", "give a name: pviommu stop NAME");
		return 2;
	}
	if (client_ask(argv[0], "stop", &answer))
		return 1;
	free(answer);
	return 0;
}

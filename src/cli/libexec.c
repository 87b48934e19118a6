// SPDX-License-Identifier: BSD-2-Clause
#include "cli/libexec.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BESIDE "../libexec/pviommu"

static int default_folders(char out[PATH_MAX])
{
	char exe[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	int n;

	if (len < 0)
		return -errno;
	exe[len] = '\0';
	n = snprintf(out, PATH_MAX, "%s/" BESIDE, dirname(exe));
	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int libexec_find(const char *name, char path[PATH_MAX], char searched[PATH_MAX])
{
	const char *folders = getenv("PVIOMMU_LIBEXEC");
	char text[PATH_MAX], *save = NULL;
	int ret;

	if (!folders || !*folders) {
		ret = default_folders(searched);
		if (ret)
			return ret;
	} else if (snprintf(searched, PATH_MAX, "%s", folders) >= PATH_MAX) {
		return -ENAMETOOLONG;
	}
	memcpy(text, searched, PATH_MAX);
	for (char *dir = strtok_r(text, ":", &save); dir;
	     dir = strtok_r(NULL, ":", &save)) {
		if (snprintf(path, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
			return -ENAMETOOLONG;
		if (!access(path, X_OK))
			return 0;
	}
	return -ENOENT;
}

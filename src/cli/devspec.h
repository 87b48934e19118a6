/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The values of --net and --device: a kind and settings, separated by commas.
 */
#ifndef CLI_DEVSPEC_H
#define CLI_DEVSPEC_H

#include "cli/options.h"

/*
 * Read one value into @dev, which is all zeros; the label is the caller's.
 * Return: NULL, or what is wrong and what to give, one clause.
 */
const char *devspec_parse_net(const char *value, struct run_device *dev);
const char *devspec_parse_device(const char *value, struct run_device *dev);

#endif

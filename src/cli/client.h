/* SPDX-License-Identifier: BSD-2-Clause */
/* The other end of a running VM's control socket. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "base/compiler.h"

/**
 * client_ask() - Send one command to a VM and wait for its answer
 * @command: "stat", "stop"
 * @answer:  one line without its newline; freed by the caller
 *
 * Return: 0, or -errno, logged.
 */
MUST_CHECK int client_ask(const char *name, const char *command, char **answer);

#endif

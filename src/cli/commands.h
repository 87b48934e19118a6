/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of the `pviommu` program. Each gets the arguments after its own
 * name and returns the program's exit code.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

int run_command(int argc, char *const *argv);
int stat_command(int argc, char *const *argv);
int stop_command(int argc, char *const *argv);
int doctor_command(int argc, char *const *argv);

#endif

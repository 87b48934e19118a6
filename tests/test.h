/* SPDX-License-Identifier: BSD-2-Clause */
/* cmocka, with the headers that it wants before itself in the order it wants. */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#endif

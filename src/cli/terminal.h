/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The user's terminal and the guest's first serial port, tied together.
 *
 * Standard input goes to the guest, what the guest writes to standard output. If
 * standard input is this process's terminal it is in raw mode, and a small process
 * beside this one puts it back as it was when this one ends, however it ends. Ctrl-A
 * x then asks to quit, Ctrl-A Ctrl-A sends a Ctrl-A. Neither direction waits: what
 * one side does not take is held, and no more is read from the other.
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct terminal;

/* The user asked to quit. */
typedef void terminal_quit(void *ctx);

/**
 * terminal_create() - Take the terminal, into raw mode
 * @loop: borrowed
 *
 * Return: 0, -ENOMEM, or -errno of fork(2), pipe(2), tcsetattr(3).
 */
MUST_CHECK int terminal_create(struct loop *loop, terminal_quit *quit,
			       void *ctx, struct terminal **out);
/* The terminal is as it was when this returns. NULL is fine. */
void terminal_destroy(struct terminal *term);

/**
 * terminal_attach() - Tie a guest's serial port to it
 * @serial: stream socket, taken over; also in case of error
 *
 * Return: 0, or -errno.
 */
MUST_CHECK int terminal_attach(struct terminal *term, int serial);
/* Shows what the guest still wrote, for a second at most, and lets go. */
void terminal_detach(struct terminal *term);

/* ---- the escape key, pure ---- */

/**
 * terminal_escape() - What of the typed bytes the guest gets
 * @pending: whether a Ctrl-A came before; kept by the caller
 * @buf:     changed in place
 * @quit:    set to true if Ctrl-A x was among them; the rest is dropped
 *
 * Return: number of bytes left in @buf.
 */
size_t terminal_escape(bool *pending, uint8_t *buf, size_t len, bool *quit);

#endif

// SPDX-License-Identifier: BSD-2-Clause
#include "machine/serial.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <linux/serial_reg.h>

#include "base/fd.h"
#include "base/loop.h"

#define FIFO_LEN   16
#define MSR_NORMAL (UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS)

/* IIR's upper bits while the FIFOs are on: a 16550A's answer. */
#define IIR_FIFOS_ON 0xc0
#define IIR_TIMEOUT  0x0c

struct serial {
	struct loop *loop; /* borrowed */
	int fd;		   /* owned; -1: nowhere, or the other side is gone */
	int irq_fd;	   /* owned */
	int wake_fd;	   /* owned: the loop's thread looks at fd anew */
	uint32_t watched;  /* epoll events; the loop's thread alone */

	pthread_mutex_t lock; /* all below */
	uint8_t ier, lcr, mcr, scr, divisor[2];
	bool fifo_on;
	uint8_t trigger; /* bytes in the FIFO that raise the interrupt */
	bool overrun;
	bool thr_empty_pending;
	bool asserted; /* as last signalled */
	uint8_t in[FIFO_LEN];
	unsigned int in_first, nr_in;
	uint8_t out[SERIAL_OUT_MAX];
	size_t out_first, nr_out;
};

/* ---- interrupts ---- */

/* What IIR says: the most urgent cause, in the order of the data sheet. */
static uint8_t cause_locked(const struct serial *s)
{
	if ((s->ier & UART_IER_RLSI) && s->overrun)
		return UART_IIR_RLSI;
	if ((s->ier & UART_IER_RDI) && s->nr_in > 0)
		return s->nr_in >= s->trigger ? UART_IIR_RDI : IIR_TIMEOUT;
	if ((s->ier & UART_IER_THRI) && s->thr_empty_pending)
		return UART_IIR_THRI;
	return UART_IIR_NO_INT;
}

/* An ISA interrupt is an edge: one for each time that a cause appears. */
static void update_locked(struct serial *s)
{
	bool now = cause_locked(s) != UART_IIR_NO_INT;

	if (now && !s->asserted)
		fd_event_signal(s->irq_fd);
	s->asserted = now;
}

/* ---- the other side ---- */

static uint32_t wanted_locked(const struct serial *s)
{
	return (s->nr_in < FIFO_LEN ? EPOLLIN : 0) |
	       (s->nr_out > 0 ? EPOLLOUT : 0);
}

static void flush_locked(struct serial *s)
{
	while (s->fd >= 0 && s->nr_out > 0) {
		size_t run = MIN(s->nr_out, SERIAL_OUT_MAX - s->out_first);
		ssize_t n = write(s->fd, s->out + s->out_first, run);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		/* Nobody is there any more: the guest goes on without. */
		if (n <= 0)
			n = (ssize_t)run;
		s->out_first = (s->out_first + (size_t)n) % SERIAL_OUT_MAX;
		s->nr_out -= (size_t)n;
	}
	if (s->fd < 0)
		s->nr_out = 0;
}

static void receive_locked(struct serial *s, uint8_t byte)
{
	if (s->nr_in == FIFO_LEN) {
		s->overrun = true;
		return;
	}
	s->in[(s->in_first + s->nr_in++) % FIFO_LEN] = byte;
}

static void on_fd(void *ctx, int fd, uint32_t events);

/* Watches for what the port can take and has to give, no more. */
static void watch(struct serial *s, uint32_t wanted)
{
	if (s->fd < 0 || wanted == s->watched)
		return;
	if (s->watched)
		loop_remove(s->loop, s->fd);
	s->watched = 0;
	if (wanted && loop_add(s->loop, s->fd, wanted, on_fd, s) == 0)
		s->watched = wanted;
}

/* Return: false: the other side has closed. */
static bool fill_locked(struct serial *s)
{
	uint8_t buf[FIFO_LEN];
	size_t room = FIFO_LEN - s->nr_in;
	ssize_t n;

	if (room == 0)
		return true;
	n = read(s->fd, buf, room);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	for (ssize_t i = 0; i < n; i++)
		receive_locked(s, buf[i]);
	return n > 0;
}

static void on_fd(void *ctx, int fd, uint32_t events)
{
	struct serial *s = ctx;
	bool open = true;
	uint32_t wanted;

	pthread_mutex_lock(&s->lock);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		open = fill_locked(s);
	flush_locked(s);
	update_locked(s);
	if (!open) {
		loop_remove(s->loop, fd);
		s->watched = 0;
		fd_close(&s->fd);
	}
	wanted = wanted_locked(s);
	pthread_mutex_unlock(&s->lock);
	watch(s, wanted);
}

static void on_wake(void *ctx, int fd, uint32_t events)
{
	struct serial *s = ctx;
	uint32_t wanted;

	(void)events;
	fd_event_drain(fd);
	pthread_mutex_lock(&s->lock);
	wanted = wanted_locked(s);
	pthread_mutex_unlock(&s->lock);
	watch(s, wanted);
}

/* ---- registers ---- */

static uint8_t read_data_locked(struct serial *s)
{
	uint8_t byte;

	if (s->lcr & UART_LCR_DLAB)
		return s->divisor[0];
	if (s->nr_in == 0)
		return 0;
	byte = s->in[s->in_first];
	s->in_first = (s->in_first + 1) % FIFO_LEN;
	/* It was full, so nobody watched for input. */
	if (s->nr_in-- == FIFO_LEN)
		fd_event_signal(s->wake_fd);
	return byte;
}

static uint8_t read_iir_locked(struct serial *s)
{
	uint8_t cause = cause_locked(s);

	if (cause == UART_IIR_THRI)
		s->thr_empty_pending = false;
	return cause | (s->fifo_on ? IIR_FIFOS_ON : 0);
}

static uint8_t read_lsr_locked(struct serial *s)
{
	uint8_t lsr = 0;

	if (s->nr_in > 0)
		lsr |= UART_LSR_DR;
	if (s->nr_out < SERIAL_OUT_MAX)
		lsr |= UART_LSR_THRE | UART_LSR_TEMT;
	if (s->overrun)
		lsr |= UART_LSR_OE;
	s->overrun = false;
	return lsr;
}

/* In loop-back mode the modem's inputs are wired to its outputs. */
static uint8_t read_msr_locked(const struct serial *s)
{
	uint8_t msr = 0;

	if (!(s->mcr & UART_MCR_LOOP))
		return MSR_NORMAL;
	if (s->mcr & UART_MCR_RTS)
		msr |= UART_MSR_CTS;
	if (s->mcr & UART_MCR_DTR)
		msr |= UART_MSR_DSR;
	if (s->mcr & UART_MCR_OUT1)
		msr |= UART_MSR_RI;
	if (s->mcr & UART_MCR_OUT2)
		msr |= UART_MSR_DCD;
	return msr;
}

static uint8_t read_locked(struct serial *s, uint64_t reg)
{
	switch (reg) {
	case UART_RX:
		return read_data_locked(s);
	case UART_IER:
		return s->lcr & UART_LCR_DLAB ? s->divisor[1] : s->ier;
	case UART_IIR:
		return read_iir_locked(s);
	case UART_LCR:
		return s->lcr;
	case UART_MCR:
		return s->mcr;
	case UART_LSR:
		return read_lsr_locked(s);
	case UART_MSR:
		return read_msr_locked(s);
	default:
		return s->scr;
	}
}

static void send_locked(struct serial *s, uint8_t byte)
{
	if (s->nr_out == SERIAL_OUT_MAX)
		flush_locked(s);
	if (s->fd < 0 || s->nr_out == SERIAL_OUT_MAX)
		return;
	s->out[(s->out_first + s->nr_out++) % SERIAL_OUT_MAX] = byte;
	flush_locked(s);
	if (s->nr_out > 0)
		fd_event_signal(s->wake_fd);
}

static void write_data_locked(struct serial *s, uint8_t value)
{
	if (s->lcr & UART_LCR_DLAB) {
		s->divisor[0] = value;
		return;
	}
	if (s->mcr & UART_MCR_LOOP)
		receive_locked(s, value);
	else
		send_locked(s, value);
	/* Sent at once, so the register has become empty again: a new edge. */
	s->thr_empty_pending = true;
	s->asserted = false;
}

static void write_ier_locked(struct serial *s, uint8_t value)
{
	uint8_t before = s->ier;

	if (s->lcr & UART_LCR_DLAB) {
		s->divisor[1] = value;
		return;
	}
	s->ier = value & 0x0f;
	if (s->ier & ~before & UART_IER_THRI)
		s->thr_empty_pending = true;
}

static void write_fcr_locked(struct serial *s, uint8_t value)
{
	static const uint8_t triggers[] = { 1, 4, 8, 14 };
	bool on = value & UART_FCR_ENABLE_FIFO;

	if ((value & UART_FCR_CLEAR_RCVR) || on != s->fifo_on) {
		if (s->nr_in == FIFO_LEN)
			fd_event_signal(s->wake_fd);
		s->nr_in = 0;
	}
	s->fifo_on = on;
	s->trigger = on ? triggers[value >> 6] : 1;
}

static void write_locked(struct serial *s, uint64_t reg, uint8_t value)
{
	switch (reg) {
	case UART_TX:
		write_data_locked(s, value);
		break;
	case UART_IER:
		write_ier_locked(s, value);
		break;
	case UART_FCR:
		write_fcr_locked(s, value);
		break;
	case UART_LCR:
		s->lcr = value;
		break;
	case UART_MCR:
		s->mcr = value & 0x1f;
		break;
	case UART_SCR:
		s->scr = value;
		break;
	default:
		break; /* LSR and MSR: read only */
	}
}

static void bus_read_regs(void *ctx, uint64_t off, void *buf, unsigned int len)
{
	struct serial *s = ctx;
	uint8_t *to = buf;

	pthread_mutex_lock(&s->lock);
	for (unsigned int i = 0; i < len; i++)
		to[i] = read_locked(s, off + i);
	update_locked(s);
	pthread_mutex_unlock(&s->lock);
}

static void bus_write_regs(void *ctx, uint64_t off, const void *buf,
			   unsigned int len)
{
	struct serial *s = ctx;
	const uint8_t *from = buf;

	pthread_mutex_lock(&s->lock);
	for (unsigned int i = 0; i < len; i++)
		write_locked(s, off + i, from[i]);
	update_locked(s);
	pthread_mutex_unlock(&s->lock);
}

const struct bus_ops serial_bus_ops = {
	.read = bus_read_regs,
	.write = bus_write_regs,
};

/* ---- life ---- */

int serial_create(struct loop *loop, int fd, struct serial **out)
{
	struct serial *s;
	int ret;

	s = calloc(1, sizeof(*s));
	if (!s) {
		ret = -ENOMEM;
		goto err_fd;
	}
	s->loop = loop;
	s->fd = fd;
	s->trigger = 1;
	ret = fd_event_create(&s->irq_fd);
	if (ret)
		goto err_free;
	ret = fd_event_create(&s->wake_fd);
	if (ret)
		goto err_irq_fd;
	if (fd >= 0) {
		ret = fd_set_nonblock(fd);
		if (ret)
			goto err_wake_fd;
	}
	ret = loop_add(loop, s->wake_fd, EPOLLIN, on_wake, s);
	if (ret)
		goto err_wake_fd;
	pthread_mutex_init(&s->lock, NULL);
	watch(s, EPOLLIN);
	*out = s;
	return 0;

err_wake_fd:
	fd_close(&s->wake_fd);
err_irq_fd:
	fd_close(&s->irq_fd);
err_free:
	free(s);
err_fd:
	fd_close(&fd);
	return ret;
}

void serial_destroy(struct serial *s)
{
	if (!s)
		return;
	if (s->watched)
		loop_remove(s->loop, s->fd);
	loop_remove(s->loop, s->wake_fd);
	flush_locked(s);
	pthread_mutex_destroy(&s->lock);
	fd_close(&s->fd);
	fd_close(&s->wake_fd);
	fd_close(&s->irq_fd);
	free(s);
}

int serial_irq_fd(const struct serial *s)
{
	return s->irq_fd;
}

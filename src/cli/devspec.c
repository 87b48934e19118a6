// SPDX-License-Identifier: BSD-2-Clause
#include "cli/devspec.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/mac.h"

#define VALUE_MAX 512

/* Which kinds of device have a setting. */
enum {
	OF_USER = 1,
	OF_TAP = 2,
	OF_SOCKET = 4,
};

struct setting {
	const char *key;
	unsigned int kinds;
	const char *(*parse)(const char *value, struct run_device *dev);
};

static const char *parse_model(const char *value, struct run_device *dev)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t len = strlen(value);

	if (len < 1 || len > RUN_MODEL_MAX || strspn(value, allowed) != len)
		return "a model is 1 to 20 of a-z, 0-9 and \"-\"";
	memcpy(dev->model, value, len + 1);
	return NULL;
}

static const char *parse_mac(const char *value, struct run_device *dev)
{
	if (!mac_from_text(value, dev->mac))
		return "a mac is six bytes such as 52:54:00:12:34:56";
	if (!mac_is_station(dev->mac))
		return "a card's mac is not 0, and its first byte is even";
	dev->has_mac = true;
	return NULL;
}

static bool port_from_text(const char *text, uint16_t *port)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n < 1 || n > UINT16_MAX)
		return false;
	*port = (uint16_t)n;
	return true;
}

/* tcp:[ADDRESS/]HOST:GUEST */
static const char *parse_forward(const char *value, struct run_device *dev)
{
	static const char wrong[] = "a forward is tcp:HOSTPORT:GUESTPORT or "
				    "tcp:ADDRESS/HOSTPORT:GUESTPORT";
	struct run_forward *fwd;
	char text[64], *host = text + strlen("tcp:"), *guest, *slash;
	struct in_addr addr = { .s_addr = htonl(INADDR_LOOPBACK) };

	if (dev->nr_forwards == RUN_FORWARDS_MAX)
		return "a card has at most 8 forwards";
	fwd = &dev->forwards[dev->nr_forwards];
	if (strncmp(value, "tcp:", 4) != 0 || strlen(value) >= sizeof(text))
		return wrong;
	memcpy(text, value, strlen(value) + 1);
	guest = strchr(host, ':');
	if (!guest)
		return wrong;
	*guest++ = '\0';
	slash = strchr(host, '/');
	if (slash) {
		*slash = '\0';
		if (inet_pton(AF_INET, host, &addr) != 1)
			return wrong;
		host = slash + 1;
	}
	if (!port_from_text(host, &fwd->host) ||
	    !port_from_text(guest, &fwd->guest) ||
	    !inet_ntop(AF_INET, &addr, fwd->address, sizeof(fwd->address)))
		return wrong;
	dev->nr_forwards++;
	return NULL;
}

static const char *parse_socket(const char *value, struct run_device *dev)
{
	size_t len = strlen(value);

	if (len < 1 || len > RUN_SOCKET_MAX)
		return "a socket's path has 1 to 107 bytes";
	memcpy(dev->socket, value, len + 1);
	return NULL;
}

static const struct setting settings[] = {
	{ "model", OF_USER | OF_TAP, parse_model },
	{ "mac", OF_USER | OF_TAP, parse_mac },
	{ "forward", OF_USER, parse_forward },
	{ "socket", OF_SOCKET, parse_socket },
};

static const char *parse_setting(const char *text, unsigned int kind,
				 struct run_device *dev)
{
	const char *equals = strchr(text, '=');

	for (size_t i = 0; equals && i < ARRAY_SIZE(settings); i++) {
		size_t len = strlen(settings[i].key);

		if (len != (size_t)(equals - text) ||
		    strncmp(text, settings[i].key, len) != 0 ||
		    !(settings[i].kinds & kind))
			continue;
		return settings[i].parse(equals + 1, dev);
	}
	if (kind == OF_USER)
		return "settings of user are forward=, model= and mac=";
	if (kind == OF_TAP)
		return "settings of tap are model= and mac=";
	return "the setting of vfio-user is socket=";
}

/* Everything after the first comma; modifies @text. */
static const char *parse_settings(char *text, unsigned int kind,
				  struct run_device *dev)
{
	char *save = NULL;

	for (char *item = strtok_r(text, ",", &save); item;
	     item = strtok_r(NULL, ",", &save)) {
		const char *wrong = parse_setting(item, kind, dev);

		if (wrong)
			return wrong;
	}
	return NULL;
}

/* Splits off the kind; *rest: what follows its comma, maybe nothing. */
static bool split(const char *value, char text[VALUE_MAX], char **rest)
{
	size_t len = strlen(value);

	if (len >= VALUE_MAX)
		return false;
	memcpy(text, value, len + 1);
	*rest = text + strcspn(text, ",");
	if (**rest)
		*(*rest)++ = '\0';
	return true;
}

const char *devspec_parse_net(const char *value, struct run_device *dev)
{
	char text[VALUE_MAX], *rest;
	const char *tap;

	if (!split(value, text, &rest))
		return "at most 511 bytes";
	memcpy(dev->model, "e1000", sizeof("e1000"));
	if (!strcmp(text, "user")) {
		dev->net = RUN_NET_USER;
		return parse_settings(rest, OF_USER, dev);
	}
	if (strncmp(text, "tap=", 4) != 0)
		return "give user or tap=NAME first";
	tap = text + 4;
	if (strlen(tap) < 1 || strlen(tap) >= IFNAMSIZ || strchr(tap, '/'))
		return "an interface's name has 1 to 15 bytes";
	memcpy(dev->tap, tap, strlen(tap) + 1);
	dev->net = RUN_NET_TAP;
	return parse_settings(rest, OF_TAP, dev);
}

const char *devspec_parse_device(const char *value, struct run_device *dev)
{
	char text[VALUE_MAX], *rest;
	const char *wrong;

	if (!split(value, text, &rest))
		return "at most 511 bytes";
	if (strcmp(text, "vfio-user") != 0)
		return *rest ? "this device has no settings"
			     : parse_model(text, dev);
	wrong = parse_settings(rest, OF_SOCKET, dev);
	if (!wrong && !*dev->socket)
		wrong = "give the server's socket: vfio-user,socket=PATH";
	return wrong;
}

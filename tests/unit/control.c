// SPDX-License-Identifier: BSD-2-Clause
/* What comes in on a control socket. */
#include "control/request.h"

#include "base/compiler.h"
#include "tests/test.h"

#include <errno.h>
#include <string.h>

static void test_knows_its_commands(void **state)
{
	static const struct {
		const char *line;
		int ret;
		enum control_command command;
	} cases[] = {
		{ "{\"command\":\"stat\"}", 0, CONTROL_STAT },
		{ " { \"command\" : \"stop\" } ", 0, CONTROL_STOP },
		{ "{\"command\":\"status\"}", -EOPNOTSUPP, 0 },
		{ "{\"command\":\"\"}", -EOPNOTSUPP, 0 },
		{ "", -EBADMSG, 0 },
		{ "stat", -EBADMSG, 0 },
		{ "\"stat\"", -EBADMSG, 0 },
		{ "[\"command\",\"stat\"]", -EBADMSG, 0 },
		{ "{}", -EBADMSG, 0 },
		{ "{\"command\":1}", -EBADMSG, 0 },
		{ "{\"command\":null}", -EBADMSG, 0 },
		{ "{\"command\":\"stat\",\"vm\":1}", -EBADMSG, 0 },
		{ "{\"command\":\"stat\",\"command\":\"stop\"}", -EBADMSG, 0 },
		{ "{\"command\":\"stat\"}{\"command\":\"stop\"}", -EBADMSG, 0 },
		{ "{\"command\":\"stat\"", -EBADMSG, 0 },
		{ "{\"command\":\"st\\u0000at\"}", -EBADMSG, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum control_command command = CONTROL_STAT;
		int ret = control_request_parse(
		    cases[i].line, strlen(cases[i].line), &command);

		if (ret != cases[i].ret)
			print_error("%s\n", cases[i].line);
		assert_int_equal(ret, cases[i].ret);
		if (!ret)
			assert_int_equal(command, cases[i].command);
	}
}

static void test_survives_nesting(void **state)
{
	char line[CONTROL_REQUEST_MAX];
	enum control_command command;

	(void)state;
	memset(line, '[', sizeof(line));
	assert_int_equal(control_request_parse(line, sizeof(line), &command),
			 -EBADMSG);
	memset(line, 0, sizeof(line));
	assert_int_equal(control_request_parse(line, sizeof(line), &command),
			 -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_knows_its_commands),
		cmocka_unit_test(test_survives_nesting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

import json

import pytest

from tui_tuner.environment.check import CHECKS, NEEDED, CheckDone, CheckResult, Fix, next_advice, ready


def result(key, state="ok", fix=None):
    return CheckResult(key, key.title(), state, "finding", "Why.", fix)


FIX = Fix("do this", "base_model", "mend it")


def test_what_is_needed_is_checked():
    assert {key for key, _name in CHECKS} >= NEEDED


@pytest.mark.parametrize("state", ["ok", "warning", "not_applicable"])
def test_warnings_do_not_block(state):
    assert ready([result("mlx", state), result("ollama", "missing")])


def test_something_needed_that_is_missing_blocks_and_comes_first():
    results = [result("disk", "warning", FIX), result("ollama", "missing", FIX), result("base_model", "missing", FIX)]
    assert not ready(results)
    assert next_advice(results) == "Base_Model: mend it with: do this"


def test_without_a_command_the_advice_says_why():
    assert next_advice([result("apple_silicon", "missing")]) == "Apple_Silicon: finding. Why."


def test_a_warning_with_a_fix_is_advice_but_no_block():
    advice = next_advice([result("memory", "warning"), result("mlx", "warning", FIX)])
    assert advice.startswith("Ready")
    assert "Mlx: mend it" in advice


def test_a_result_is_one_line_of_json():
    row = json.loads(json.dumps(CheckDone(result("disk", "warning", FIX)).as_json()))
    assert row["event"] == "check_done"
    assert row["result"]["fix"]["command"] == "do this"

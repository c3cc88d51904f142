import threading
import time

import mlx.core as mx
import pytest

from tui_tuner.environment import mlx_device
from tui_tuner.environment.mlx_device import MlxFacts, flops, judge_mlx, matmul_rate, measure, not_measured
from tui_tuner.models.blas import BlasReport


@pytest.fixture
def quiet():
    event = threading.Event()
    event.set()
    return event


def test_the_rate_is_what_products_take(quiet):
    facts = measure(quiet)
    matrix = mx.random.normal((512, 512))
    mx.eval(matrix, matrix @ matrix)
    began = time.perf_counter()
    for _turn in range(10):
        mx.eval(matrix @ matrix)
    plain = 10 * 2 * 512**3 / (time.perf_counter() - began)
    # The machine is shared and sizes differ: this is only to catch a wrong unit.
    assert plain / 50 < facts.rate < plain * 50


def test_the_matrices_grow_until_a_product_can_be_timed_and_the_median_counts(monkeypatch):
    sizes = []

    def pretend(matrix):
        sizes.append(matrix.shape[0])
        # A product of 1024 takes 0.02 s, smaller ones accordingly less, and every third one is disturbed.
        return 0.02 * (matrix.shape[0] / 1024) ** 3 * (5 if len(sizes) % 3 == 0 else 1)

    monkeypatch.setattr(mlx_device, "_seconds_for_square", pretend)
    assert matmul_rate(mx.float32) == pytest.approx(2 * 1024**3 / 0.02)
    assert sizes[0] == 256
    assert set(sizes) == {256, 512, 1024}


def test_measuring_is_short_and_leaves_the_random_numbers_alone(quiet):
    mx.random.seed(5)
    expected = mx.random.normal((3,)).tolist()
    mx.random.seed(5)
    began = time.perf_counter()
    matmul_rate(mx.float32)
    assert time.perf_counter() - began < 1.5
    assert mx.random.normal((3,)).tolist() == expected


def test_a_fast_device_is_ok():
    result = judge_mlx(MlxFacts("GPU", 3.1e12, "float16", 11 * 2**30, None))
    assert result.state == "ok"
    assert "on the GPU · 3.1 TFLOP/s measured (float16)" in result.finding


def test_a_slow_blas_is_a_warning_that_says_how_to_get_a_fast_one():
    advice = "Training is faster with OpenBLAS: sudo apt install x or python -m pip install cmeel-openblas."
    result = judge_mlx(MlxFacts("CPU", 6e9, "float32", None, BlasReport(None, advice)))
    assert (result.state, result.why) == ("warning", advice)
    assert "6.0 GFLOP/s" in result.finding
    assert result.fix.command.endswith("-m pip install cmeel-openblas")


def test_a_blas_that_is_switched_off_has_no_command():
    result = judge_mlx(MlxFacts("CPU", 6e9, "float32", None, BlasReport(None, "Switched off.")))
    assert (result.state, result.fix) == ("warning", None)


def test_without_mlx_its_installation_is_the_fix(monkeypatch):
    monkeypatch.setattr(mlx_device, "version", lambda: None)
    result = not_measured("busy training")
    assert result.state == "missing"
    assert "pip install" in result.fix.command


@pytest.mark.parametrize(("rate", "text"), [(3.1e12, "3.1 TFLOP/s"), (94.6e9, "94.6 GFLOP/s"), (2.6e9, "2.6 GFLOP/s")])
def test_rates_are_short(rate, text):
    assert flops(rate) == text

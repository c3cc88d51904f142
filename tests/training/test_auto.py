"""Settings that suit machine, model and dataset."""

from __future__ import annotations

import dataclasses

import numpy
import pytest

from tui_tuner.choices import ModelChoice, TrainingChoice
from tui_tuner.environment.model_offers import suggestion
from tui_tuner.errors import TrainingError
from tui_tuner.models.anatomy import Anatomy, Linear
from tui_tuner.models.recommended import RECOMMENDED
from tui_tuner.project import Choices
from tui_tuner.training.auto import suggest
from tui_tuner.training.auto_rate import rank_for, rate_for, scale_for, warmup_for
from tui_tuner.training.forecast import Forecaster
from tui_tuner.training.memory_advice import tight
from tui_tuner.training.memory_estimate import Machine
from tui_tuner.training.row_lengths import MeasuredRow
from tui_tuner.training.suggestions import applied, applied_to_all, is_taken, reasons_of, suggestion_in_words

GIB = 2**30
MATRICES = (("q_proj", 1, 1), ("k_proj", 1, 0.25), ("v_proj", 1, 0.25), ("o_proj", 1, 1))
FEED = (("gate_proj", 1, 3.5), ("up_proj", 1, 3.5), ("down_proj", 3.5, 1))


def model(hidden: int, layers: int, *, quantized: bool = False) -> Anatomy:
    """One like Llama or Mistral."""
    layer = tuple(
        Linear(name, int(inputs * hidden), int(outputs * hidden), quantized=quantized)
        for name, inputs, outputs in (*MATRICES, *FEED)
    )
    numbers = layers * sum(linear.numbers for linear in layer) + 2 * 32_000 * hidden
    stored = numbers * (9 if quantized else 32) // 16
    return Anatomy(
        stored=stored,
        floating=0 if quantized else stored,
        parameters=numbers,
        hidden=hidden,
        inner=int(3.5 * hidden),
        heads=hidden // 64,
        key_heads=hidden // 256,
        head_width=64,
        vocabulary=32_000,
        half=True,
        layers=(layer,) * layers,
    )


def lengths(*tokens: int) -> list[MeasuredRow]:
    """Rows whose second half is learned."""
    return [MeasuredRow(count, numpy.arange(count // 2, count, dtype=numpy.int32)) for count in tokens]


SMALL, SEVEN = model(576, 30), model(4096, 32, quantized=True)
MAC = Machine(12 * GIB, 16 * GIB, gpu=True, cores=8)
BASE = ModelChoice("some/base")
HUNDRED, TEN = lengths(*range(100, 200)), lengths(*range(100, 110))


def auto(anatomy=SEVEN, train=HUNDRED, valid=TEN, machine=MAC, given=(), base=BASE, **settings) -> dict:
    """The suggestions, by name."""
    found = suggest(Forecaster(anatomy, train, valid, machine), base, TrainingChoice(**settings), given)
    assert len({one.name for one in found}) == len(found)
    assert all(one.why and "\n" not in one.why for one in found)
    return {one.name: one for one in found}


def test_every_setting_that_matters_has_a_value_and_a_reason():
    names = set(auto())
    assert names >= {
        "batch_size", "iters", "num_layers", "rank", "scale", "learning_rate", "lr_schedule", "warmup",
        "max_seq_length", "grad_checkpoint", "grad_accumulation_steps", "steps_per_eval", "save_every", "patience",
        "fine_tune_type",
    }  # fmt: skip


def test_the_sequence_length_is_that_of_the_longest_example():
    assert auto()["max_seq_length"].value == 256
    assert auto(train=lengths(*[50] * 20))["max_seq_length"].value == 128


def test_one_example_far_longer_than_all_others_is_cut_and_that_is_said():
    found = auto(train=[*lengths(*range(100, 300)), *lengths(9000)])["max_seq_length"]
    assert found.value == 320
    assert "cuts 1 of 201" in found.why and "9,000" in found.why


@pytest.mark.parametrize(("rows", "epochs"), [(20, 10), (100, 6), (500, 4), (2000, 3), (9000, 2), (20_000, 1)])
def test_fewer_examples_are_seen_more_often(rows, epochs):
    found = auto(train=lengths(*[100] * rows))
    assert found["iters"].value == -(-rows // found["batch_size"].value) * epochs
    assert f"{rows:,} examples" in found["iters"].why


def test_what_does_not_fit_is_made_smaller_in_the_order_of_what_costs_least():
    long = lengths(*[1000] * 100)
    machines = [dataclasses.replace(MAC, usable=gib * GIB) for gib in (40, 20, 16, 10, 8, 7)]
    found = [auto(train=long, machine=machine) for machine in machines]
    taken = [
        tuple(one[name].value for name in ("batch_size", "num_layers", "grad_checkpoint", "grad_accumulation_steps"))
        for one in found
    ]
    assert taken[0] == (4, 16, False, 1)
    assert taken == sorted(taken, key=lambda one: (-one[0], -one[1], one[2]))
    assert len(set(taken)) >= 3
    assert all(size * updates == 4 for size, _layers, _twice, updates in taken)
    for machine, one in zip(machines, found, strict=True):
        choice = applied(TrainingChoice(), list(one.values()))
        assert not tight(Forecaster(SEVEN, long, TEN, machine).memory(choice), machine.usable) or "least" in str(one)


def test_where_nothing_fits_the_least_is_taken_and_a_smaller_model_named():
    found = auto(machine=dataclasses.replace(MAC, usable=GIB))
    assert (found["batch_size"].value, found["num_layers"].value, found["grad_checkpoint"].value) == (1, 4, True)
    assert "model.quantize" not in found, "it has 4 bits already"
    assert f"{RECOMMENDED[0].name} suits this machine: tuner models --use" in found["batch_size"].why
    nothing_else = auto(machine=dataclasses.replace(MAC, usable=GIB), base=ModelChoice(RECOMMENDED[0].name))
    assert "no model of the short list is smaller" in nothing_else["batch_size"].why


WHOLE = model(4096, 32)  # some 15 GB of weights


def test_a_base_that_fits_only_in_4_bits_is_suggested_so_with_the_figures_and_the_rest_is_decided_for_that():
    found = auto(WHOLE)
    quantize = found["model.quantize"]
    assert next(iter(found)) == "model.quantize", "it comes first"
    assert (quantize.before, quantize.value, quantize.changes) == ("none", "4", True)
    assert "of 12.0 GB whole, " in quantize.why
    squeezed = Forecaster(WHOLE.squeezed(4), HUNDRED, TEN, MAC)
    choice = applied(TrainingChoice(), list(found.values()))
    assert not tight(squeezed.memory(choice), MAC.usable)
    assert "least" not in found["batch_size"].why and found["num_layers"].value > 4
    again = suggest(squeezed, ModelChoice("some/base", quantize="4"), choice)
    assert not any(one.changes for one in again) and "model.quantize" not in {one.name for one in again}


@pytest.mark.parametrize(
    "where",
    [
        {"machine": dataclasses.replace(MAC, usable=40 * GIB)},  # it fits whole
        {"machine": dataclasses.replace(MAC, usable=2 * GIB)},  # nor does it in 4 bits
        {"given": ("model.quantize",)},
        {"given": ("fine_tune_type",), "fine_tune_type": "full"},
        {"anatomy": SEVEN},
    ],
)
def test_it_is_not_suggested_where_nothing_is_gained_or_a_person_decided(where):
    assert "model.quantize" not in auto(**{"anatomy": WHOLE} | where)


def test_a_base_too_large_even_in_4_bits_is_left_whole_and_one_that_suits_named():
    found = auto(WHOLE, machine=dataclasses.replace(MAC, usable=4 * GIB))
    assert "model.quantize" not in found
    (name,) = [one.name for one in RECOMMENDED if f" {one.name} suits this machine" in found["batch_size"].why]
    assert name == suggestion(4 * GIB, has_gpu=True)


def test_a_base_that_has_8_bits_or_is_on_a_processor_is_judged_alike():
    assert "model.quantize" not in auto(WHOLE.squeezed(8), base=ModelChoice("some/base", quantize="8"))
    on_cpu = auto(WHOLE, machine=dataclasses.replace(MAC, usable=30 * GIB, gpu=False))
    assert on_cpu["model.quantize"].value == "4", "a processor computes in single precision"


def test_what_is_taken_is_in_the_model_and_the_training_settings():
    found = list(auto(WHOLE).values())
    choices = applied_to_all(Choices(model=BASE), found)
    assert choices.model == ModelChoice("some/base", quantize="4")
    assert choices.training == applied(TrainingChoice(), found)
    assert all(is_taken(choices, one) for one in found)
    assert not is_taken(Choices(), found[0])
    assert reasons_of(found)[0].startswith("auto: model.quantize 4: ")


def test_without_a_gpu_fewer_layers_are_trained():
    processor, many = dataclasses.replace(MAC, gpu=False), lengths(*[200] * 500)
    on_cpu = auto(SMALL, train=many, machine=processor)["num_layers"]
    assert on_cpu.value == 8 and "without a GPU" in on_cpu.why
    assert auto(SMALL, train=many)["num_layers"].value == 16
    soon_done = auto(SMALL, train=lengths(*[60] * 20), machine=processor)["num_layers"]
    assert soon_done.value == 16 and "without a GPU" not in soon_done.why
    assert auto(SMALL)["num_layers"].value == 16
    few = auto(model(576, 6))["num_layers"]
    assert few.value == 6 and few.why == "all there are"


def test_all_weights_are_trained_only_where_that_can_be():
    assert auto(fine_tune_type="full")["fine_tune_type"].value == "lora"  # quantized
    assert auto(model(4096, 32), fine_tune_type="full")["fine_tune_type"].value == "lora"  # too large
    small = auto(SMALL, fine_tune_type="full")
    assert "fine_tune_type" not in small and "rank" not in small
    assert small["learning_rate"].value < auto(SMALL)["learning_rate"].value
    assert "fine_tune_type" not in auto(fine_tune_type="dora")


def test_wider_models_learn_with_smaller_steps_and_stronger_adapters_too():
    assert rate_for(2000, 32, 1, full=False) == pytest.approx(5e-4)
    assert rate_for(2000, 32, 1, full=True) == pytest.approx(5e-5)
    assert rate_for(2000, 160, 1, full=False) == pytest.approx(1e-4)
    assert rate_for(4096, 160, 1, full=False) < rate_for(2048, 160, 1, full=False) < rate_for(576, 160, 1, full=False)
    assert auto()["learning_rate"].value == rate_for(4096, 160, 6, full=False)
    stronger = auto(given=("scale",), scale=40.0)
    assert "scale" not in stronger and stronger["learning_rate"].value == rate_for(4096, 320, 6, full=False)


def test_examples_that_are_seen_more_often_are_learned_in_smaller_steps():
    assert rate_for(2000, 32, 10, full=False) == pytest.approx(5e-5)
    rates = [auto(SMALL, train=lengths(*[100] * rows))["learning_rate"] for rows in (20, 100, 500, 20_000)]
    assert [one.value for one in rates] == sorted(one.value for one in rates)
    assert "seen 10 times" in rates[0].why and "seen" not in rates[-1].why


def test_adapters_are_large_enough_for_what_is_to_be_learned():
    assert [rank_for(1000, tokens) for tokens in (10, 16_000, 16_001, 100_000, 10**9)] == [8, 8, 16, 64, 64]
    assert scale_for(8) == 20.0 and scale_for(16) * 16 == scale_for(64) * 64
    assert auto()["rank"].value == 8
    much = auto(SMALL, train=lengths(*[8000] * 3000))
    assert much["rank"].value > 8 and much["rank"].value * much["scale"].value == 160


def test_the_rate_warms_up_and_falls_unless_the_run_is_short():
    assert [warmup_for(updates) for updates in (19, 20, 100, 10_000)] == [0, 1, 3, 100]
    usual = auto()
    assert usual["lr_schedule"].value == "linear_schedule" and usual["warmup"].value == 5
    assert "lr_end" not in usual
    assert auto(lr_end=1e-5, decay_steps=7)["lr_end"].value == 0.0
    short = auto(train=lengths(100, 100))
    assert short["lr_schedule"].value == "constant" and short["warmup"].value == 0


def test_evaluations_are_about_twenty_and_rarer_where_the_held_out_set_is_large():
    found = auto(train=lengths(*[100] * 500), valid=lengths(*[100] * 20))
    assert 10 <= found["iters"].value / found["steps_per_eval"].value <= 25
    assert found["save_every"].value == found["steps_per_eval"].value
    rarer = auto(train=lengths(*[100] * 500), valid=lengths(*[100] * 500))
    assert rarer["steps_per_eval"].value > found["steps_per_eval"].value


def test_patience_needs_held_out_examples_and_more_of_it_where_they_are_few():
    assert auto(valid=[])["patience"].value == 0
    assert auto(valid=lengths(100, 100))["patience"].value > auto()["patience"].value > 0


def test_what_was_given_stays_and_the_others_follow_it():
    found = auto(given=("batch_size", "max_seq_length"), batch_size=1, max_seq_length=128)
    assert not {"batch_size", "max_seq_length"} & set(found)
    assert found["grad_accumulation_steps"].value == 4
    assert found["iters"].value == 600


def test_taken_suggestions_are_settings_and_reasons():
    found = list(auto().values())
    choice = applied(TrainingChoice(seed=7), found)
    assert choice.seed == 7 and choice.warmup == 5
    again = suggest(Forecaster(SEVEN, HUNDRED, TEN, MAC), BASE, choice)
    assert applied(choice, again) == choice and not any(one.changes for one in again)
    assert "auto: warmup 5: " in "\n".join(reasons_of(found))
    warmup = next(one for one in found if one.name == "warmup")
    assert "0 → 5" in suggestion_in_words(warmup)


def test_without_a_row_to_learn_from_nothing_is_suggested():
    for rows in ([], [MeasuredRow(50, numpy.array([], dtype=numpy.int32))]):
        with pytest.raises(TrainingError, match="no row to learn from"):
            auto(train=rows)

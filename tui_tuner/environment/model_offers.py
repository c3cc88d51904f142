"""The base models to choose from on this machine: a few that are worth it, and those that are here already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tui_tuner.choices import ModelChoice
from tui_tuner.environment.memory import needed_for
from tui_tuner.environment.model_size import size_of
from tui_tuner.language import _
from tui_tuner.models.cached import cached_models
from tui_tuner.models.catalogue import find_model
from tui_tuner.models.device import has_gpu
from tui_tuner.models.recommended import RECOMMENDED, Recommendation
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Event

# The suggested one leaves as much of the memory to the batches, and to whatever else runs.
ROOM = 0.75


@dataclass(frozen=True)
class ModelOffer(Event):
    """A base model one can choose.

    Attributes:
        name: as the base model is named.
        weights: bytes of its weights; about, where it is not here; 0 where nobody knows.
        here: whether it is on this machine.
        needed: bytes that teaching it takes at least, about; 0 where nobody knows.
        fits: whether this machine has as much for it.
        suggested: the best of the recommended ones that fit well.
        recommended: whether it is on the short list.
        about: what it is good for, in a few words.
        licence: in a word or two; empty where it is not known.
    """

    name: str
    weights: int
    here: bool
    needed: int
    fits: bool
    suggested: bool = False
    recommended: bool = False
    about: str = ""
    licence: str = ""


def model_offers(choice: ModelChoice, usable: int) -> list[ModelOffer]:
    """What there is to choose from: the short list by size, then what else is here, then the chosen one if it is new.

    Looks through the hub's cache and asks no network.

    Args:
        choice: the base model as it is chosen now.
        usable: bytes of memory that training may take.
    """
    suggested = suggestion(usable, has_gpu=has_gpu())
    offers = [_recommended(one, usable, suggested) for one in RECOMMENDED]
    offers += [_offer(name, usable) for name in _others(choice, {offer.name for offer in offers})]
    return offers


def suggestion(usable: int, *, has_gpu: bool) -> str:
    """The name of the largest recommended model that leaves room on a machine with so much memory for training.

    Without a GPU it is the smallest: a step of any other takes minutes.
    """
    if not has_gpu:
        return RECOMMENDED[0].name
    fitting = [one.name for one in RECOMMENDED if needed_for(one.weights) <= usable * ROOM]
    return fitting[-1] if fitting else RECOMMENDED[0].name


def _others(choice: ModelChoice, known: set[str]) -> Iterator[str]:
    names = [model.name for model in cached_models()]
    for name in dict.fromkeys([*names, choice.name]):
        if name not in known:
            yield name


def _recommended(one: Recommendation, usable: int, suggested: str) -> ModelOffer:
    found = _offer(one.name, usable)
    weights = found.weights if found.here else one.weights
    needed = needed_for(weights)
    return ModelOffer(
        one.name, weights, found.here, needed, needed <= usable, one.name == suggested, True, one.why, one.licence
    )


def _offer(name: str, usable: int) -> ModelOffer:
    folder = find_model(name)
    size = size_of(ModelChoice(name), folder)
    needed = needed_for(size.weights) if size else 0
    return ModelOffer(name, size.weights if size else 0, folder is not None, needed, needed <= usable)


def offer_in_words(offer: ModelOffer) -> str:
    """Why one would choose it, in a line."""
    words = [offer.about, offer.licence]
    if offer.suggested:
        words.insert(0, _("suggested here"))
    if not offer.fits:
        words.append(_("too large for this machine's memory"))
    return one_line(" · ".join(word for word in words if word))

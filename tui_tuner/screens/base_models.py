"""Choosing the base model: a few that are worth it here, those that are here already, a folder, any name of the hub."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from tui_tuner import figures
from tui_tuner.actions import bindings_of
from tui_tuner.choices import ModelChoice
from tui_tuner.environment.fixes import fix_work
from tui_tuner.environment.memory import memory_facts, usable
from tui_tuner.environment.model_offers import ModelOffer, model_offers, offer_in_words
from tui_tuner.errors import TunerError
from tui_tuner.language import _
from tui_tuner.models.base_model import needs_engine
from tui_tuner.models.catalogue import require_name
from tui_tuner.plain_text import one_line
from tui_tuner.screens.progress_view import ProgressView
from tui_tuner.screens.question import Question
from tui_tuner.widgets.path_input import PathInput
from tui_tuner.widgets.stage_list import StageList

if TYPE_CHECKING:
    from tui_tuner.app import TunerApp

QUIET = "$foreground 65%"
SECONDS_BETWEEN_LOOKS = 0.2
LONGEST_NAME = 51
WIDE = 110  # cells from which on a row also says what its model is good for


class OffersKnown(Message):
    """What there is to choose from; posted from the thread that looked."""

    def __init__(self, usable: int, offers: list[ModelOffer]) -> None:
        super().__init__()
        self.usable, self.offers = usable, offers


class BaseModelScreen(Screen[None]):
    """Which model learns, in how many bits, and whether its own code may run; fetched from here too.

    Args:
        tuner: keeps the changed project, and runs the download.
    """

    watches: ClassVar[str] = "environment"  # whose work fetching is: it goes on when this screen is left
    AUTO_FOCUS = "#offers"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("base_models")]
    DEFAULT_CSS = """
    BaseModelScreen {
        .heading { height: 1; padding: 0 1; color: $text-accent; text-style: bold; }
        #offers { height: 1fr; min-height: 3; }
        #name { border: none; padding: 0 1; }
        #about, #how { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
        #how { color: $text-muted; }
        StageList { display: none; }
        StageList.working { display: block; }
        #said { height: auto; max-height: 3; padding: 0 1; }
    }
    """

    def __init__(self, tuner: TunerApp) -> None:
        super().__init__()
        self._tuner = tuner
        self._offers: list[ModelOffer] = []
        self._watched = False  # a download that was started or met here, whose end is still to be said

    @property
    def _choice(self) -> ModelChoice:
        return self._tuner.project.choices.model if self._tuner.project else ModelChoice()

    def compose(self) -> ComposeResult:
        """The list, a field, what is said of the row, how it will be used, how far a download is."""
        yield Static(_("Base model: looking what is here…"), id="title", classes="heading", markup=False)
        yield OptionList(id="offers")
        yield PathInput(placeholder=_("or type a folder, or a name from huggingface.co: owner/model"), id="name")
        yield Static(id="about", markup=False)
        yield Static(id="how", markup=False)
        yield StageList()
        yield Static(id="said", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Look around."""
        self._show_how()
        self._look_around()
        self.set_interval(SECONDS_BETWEEN_LOOKS, self._show_download)

    def on_resize(self) -> None:
        """A wide terminal shows more of each."""
        if self._offers:
            self._list()

    # -- what there is -------------------------------------------------------------------------------------------------

    @work(thread=True, exclusive=True, group="offers", description="looking for base models")
    def _look_around(self) -> None:
        room = usable(memory_facts())
        self.post_message(OffersKnown(room, model_offers(self._choice, room)))

    def on_offers_known(self, message: OffersKnown) -> None:
        """List them."""
        self._offers = message.offers
        room = figures.memory(message.usable)
        title = _("Base model: the one that learns · {room} for training", room=room)
        columns = f"{_('size'):>9}  {_('needs'):>7}"
        self.query_one("#title", Static).update(Content(f"{title:<{LONGEST_NAME + 4}}{columns}"))
        self._list()
        self.refresh_bindings()

    def _list(self) -> None:
        rows = self.query_one("#offers", OptionList)
        before = rows.highlighted
        rows.clear_options()
        wide, chosen = self.size.width >= WIDE, self._choice.name
        rows.add_options([Option(_row(offer, chosen=offer.name == chosen, wide=wide)) for offer in self._offers])
        if before is None:
            names = [offer.name for offer in self._offers]
            before = names.index(self._choice.name) if self._choice.name in names else 0
        rows.highlighted = min(before, len(self._offers) - 1)

        self._show_about()

    def on_option_list_option_highlighted(self) -> None:
        """Say why one would choose it."""
        self._show_about()

    def _show_about(self) -> None:
        offer = self._highlighted
        self.query_one("#about", Static).update(Content(offer_in_words(offer) if offer else ""))

    @property
    def _highlighted(self) -> ModelOffer | None:
        place = self.query_one("#offers", OptionList).highlighted
        return self._offers[place] if place is not None and place < len(self._offers) else None

    # -- choosing ------------------------------------------------------------------------------------------------------

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Choose the row."""
        self._choose(self._offers[event.option_index].name)

    def on_input_submitted(self, event: PathInput.Submitted) -> None:
        """Choose what was typed."""
        if name := event.value.strip():
            self._choose(name)

    def _choose(self, name: str) -> bool:
        try:
            require_name(name)
        except TunerError as error:
            self._say(f"{error.what}. {error.advice}", "$text-error")
            return False
        if not self._change(name=name):
            return False
        offer = next((offer for offer in self._offers if offer.name == name), None)
        if offer is None:
            self._look_around()
        else:
            self._list()
        here = offer is not None and offer.here
        rest = _("Chosen, and here already.") if here else _("Chosen. d gets it now; training would get it first.")
        self._say(rest, "$text-success")
        return True

    def _change(self, **changes: object) -> bool:
        """Keep another choice; say why if that cannot be."""
        try:
            project = self._tuner.bench.require_own_project()
        except TunerError as error:
            self._say(f"{error.what}. {error.advice}", "$text-warning")
            return False
        choice = dataclasses.replace(project.choices.model, **changes)  # type: ignore[arg-type]
        done = self._tuner.change_project(project.with_choice("model", choice))
        self._show_how()
        return done

    def _show_how(self) -> None:
        choice = self._choice
        bits = _("as they are") if not choice.bits else _("squeezed into {bits} bits", bits=choice.bits)
        code = _("may run") if choice.trust_remote_code else _("off")
        name = one_line(choice.name.rstrip("/").rpartition("/")[2], 30)
        text = _("Chosen: {name} · weights {bits} · own code {code}", name=name, bits=bits, code=code)
        self.query_one("#how", Static).update(Content(text))

    def action_bits(self) -> None:
        """Leave a full model as it is, or squeeze it into 4 or 8 bits."""
        order = ("none", "4", "8")
        self._change(quantize=order[(order.index(self._choice.quantize) + 1) % len(order)])

    def action_trust(self) -> None:
        """Let this model's own code run, or not; ask first."""
        if self._choice.trust_remote_code:
            self._change(trust_remote_code=False)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._change(trust_remote_code=True)

        text = _(
            "Run Python code that comes with {name}? It can do whatever you can do on this machine. "
            "Only if you trust its author; few models need it.",
            name=one_line(self._choice.name, 60),
        )
        self.app.push_screen(Question(text, yes=_("run it"), no=_("do not")), answered)

    # -- fetching ------------------------------------------------------------------------------------------------------

    @property
    def _fetching(self) -> bool:
        return self._tuner.board.running(self.watches)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Stopping makes sense while something is fetched, fetching while nothing is."""
        return {"stop": self._fetching, "get": bool(self._offers) and not self._fetching}.get(action, True)

    def action_get(self) -> None:
        """Choose the row, and fetch it."""
        name = self._highlighted.name if self._highlighted else self._choice.name
        if name != self._choice.name and not self._choose(name):
            return
        try:
            fetch = fix_work("base_model", self._choice)
            self._tuner.board.start(self.watches, fetch, ProgressView(), on_engine=needs_engine(self._choice))
        except TunerError as error:
            self._say(f"{error.what}. {error.advice}", "$text-error")
            return
        self.query_one(StageList).clear()
        self._say(_("Looking it up… s stops; what has arrived is kept."))
        self._show_download()

    def action_stop(self) -> None:
        """Stop the download."""
        self._tuner.board.stop(self.watches)

    def _show_download(self) -> None:
        running = self._fetching
        if running != self._watched:
            self._watched = running
            self.refresh_bindings()
            if not running:
                self._say_how_it_ended()
        view = self._tuner.board.views.get(self.watches)
        stages = self.query_one(StageList)
        stages.set_class(running, "working")
        if running and isinstance(view, ProgressView):
            if view.stages:
                self._say(_("s stops; what has arrived is kept, and getting it again goes on."))
            for event in view.stages.values():
                # The model's name stands above; its room is better used for the bar.
                stages.apply(dataclasses.replace(event, stage=event.stage.partition(" ")[0]))

    def _say_how_it_ended(self) -> None:
        ended = self._tuner.board.ended(self.watches)
        if ended is None:
            return
        view = self._tuner.board.views.get(self.watches)
        told = [notice.text for notice in view.notices] if isinstance(view, ProgressView) else []
        if ended.outcome == "done":
            self._say(" ".join([_("It is here."), *told]), "$text-success")
        elif ended.outcome == "stopped":
            self._say(_("Stopped. What has arrived is kept: d goes on."), "$text-warning")
        else:
            self._say(". ".join(part.rstrip(".") for part in (ended.message, ended.advice) if part), "$text-error")
        self._look_around()

    def action_leave(self) -> None:
        """Go back; a download goes on."""
        self.dismiss(None)

    def _say(self, text: str, style: str = "") -> None:
        self.query_one("#said", Static).update(Content.styled(one_line(text, 400), style))


def _row(offer: ModelOffer, *, chosen: bool, wide: bool) -> Content:
    mark = ("● ", "$accent") if chosen else ("○ ", QUIET)
    size = figures.size(offer.weights) if offer.weights else figures.UNKNOWN
    if offer.weights and not offer.here:
        size = f"~{size}"
    needs = figures.memory(offer.needed) if offer.needed else ""
    here = ("✓ ", "$text-success") if offer.here else ("  ", "")
    tone = QUIET if not offer.fits else "bold" if offer.suggested else ""
    name = one_line(offer.name, LONGEST_NAME - 1)
    figures_ = f"{size:>9}  {needs:>7}" + (f"   {one_line(offer.about)}" if wide else "")
    return Content.assemble(" ", mark, (f"{name:<{LONGEST_NAME}}", tone), here, (figures_, QUIET))

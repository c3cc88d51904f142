"""What the next run will take, shown before it starts: a bar of memory against what the machine has, and the time."""

from __future__ import annotations

import dataclasses
import functools

from rich.cells import cell_len
from textual import work
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui_tuner import figures
from tui_tuner.choices import ModelChoice, TrainingChoice
from tui_tuner.errors import Stopped, TunerError
from tui_tuner.language import _
from tui_tuner.models.base_model import find_tokenizer_folder
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Event, StageProgress, StopToken
from tui_tuner.project import Project
from tui_tuner.training.forecast import Forecast, Forecaster, measured_forecaster
from tui_tuner.training.memory_check import memory_in_words
from tui_tuner.training.run_config import TRAIN_FILE, VALID_FILE

QUIET = "$foreground 65%"
AFTER_THE_PAINT = 0.3  # seconds
LONGEST_BAR, SHORTEST_BAR = 40, 12
PARTS = (
    ("weights", _("weights"), "$accent"),
    ("adapter", _("adapter"), "$secondary"),
    ("layers", _("layers"), "$warning"),
    ("logits", _("logits"), "$success"),
)


class ForecastKnown(Message):
    """What a run with some settings will take, or why nobody knows; posted from the thread that looked."""

    def __init__(self, number: int, forecaster: Forecaster | None, forecast: Forecast | None, said: str) -> None:
        super().__init__()
        self.number, self.forecaster, self.forecast, self.said = number, forecaster, forecast, said


class Counting(Message):
    """How many rows have been looked at; posted from the thread that looks."""

    def __init__(self, number: int, event: StageProgress) -> None:
        super().__init__()
        self.number, self.event = number, event


@dataclasses.dataclass(frozen=True)
class _Subject:
    """What a forecaster knows about; another one has to be asked when this changes."""

    model: ModelChoice
    mask_prompt: bool
    files: tuple[object, ...]


class ForecastPanel(Static):
    """Looks at the rows once, then follows the settings as they change.

    Attributes:
        forecast: of the latest settings; None while it is not known.
        forecaster: of the latest model and dataset; None while they are looked at, or cannot be.
        looking: whether it is being found out.
    """

    DEFAULT_CSS = """
    ForecastPanel { height: auto; min-height: 4; padding: 0 1; border-top: solid $panel; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.forecast: Forecast | None = None
        self.forecaster: Forecaster | None = None
        self.looking = False
        self._subject: _Subject | None = None
        self._number = 0
        self._stop = StopToken()

    def on_unmount(self) -> None:
        """Nobody will see it."""
        self._stop.request()

    def follow(self, project: Project | None) -> None:
        """Foretell a run of `project` with its settings as they are now."""
        self._stop.request()
        self.forecast, self.looking = None, False
        if project is None or not project.has_dataset():
            self.update(Content.styled(_("What a run takes is shown once there is a dataset."), QUIET))
            return
        self._number += 1
        self._stop = StopToken()
        self.looking = True
        subject = _subject_of(project)
        if subject != self._subject:
            self._subject, self.forecaster = subject, None
        look = functools.partial(
            self._look, project, project.choices.training, self.forecaster, self._number, self._stop
        )
        if self.forecaster is not None:
            look()
            return
        # What reads tokens takes its time to be imported, and other threads wait meanwhile: the screen comes first.
        self.update(Content.styled(_("Counting tokens…"), QUIET))
        self.set_timer(AFTER_THE_PAINT, look)

    @work(thread=True, group="forecast", description="foretelling a run")
    def _look(
        self, project: Project, choice: TrainingChoice, forecaster: Forecaster | None, number: int, stop: StopToken
    ) -> None:
        def hear(event: Event) -> None:
            if isinstance(event, StageProgress) and not stop.requested:
                self.post_message(Counting(number, event))

        said, forecast = "", None
        if stop.requested:  # the settings have changed again
            return
        try:
            if forecaster is None:
                # Where it is still to be squeezed, its tokens and sizes are known from what it is made from.
                model = find_tokenizer_folder(project.choices.model)
                if model is None:
                    said = _("What a run takes is shown once the base model is here: b gets it.")
                else:
                    forecaster = measured_forecaster(project, model, emit=hear, stop=stop)
            if forecaster is not None:
                forecast = forecaster.forecast(choice)
                said = "" if forecast else _("No row can be learned from at this sequence length.")
        except Stopped:
            return
        except TunerError as error:
            said = _("What a run takes cannot be foretold: {why}.", why=error.what)
        self.post_message(ForecastKnown(number, forecaster, forecast, said))

    def on_counting(self, message: Counting) -> None:
        """Say how far it is."""
        event = message.event
        if message.number == self._number and self.forecast is None and event.total:
            share = figures.percent(event.done, event.total)
            self.update(Content.styled(_("Counting tokens: {share} of {what}", share=share, what=event.stage), QUIET))

    def on_forecast_known(self, message: ForecastKnown) -> None:
        """Show it, unless the settings have changed since."""
        if message.number != self._number:
            message.stop()
            return
        self.forecaster, self.forecast, self.looking = message.forecaster, message.forecast, False
        if message.forecast is None:
            self.update(Content.styled(one_line(message.said, 300), QUIET))
        else:
            self.update(forecast_in_lines(message.forecast, self.size.width))

    def on_resize(self) -> None:
        """The bar follows the width."""
        if self.forecast is not None:
            self.update(forecast_in_lines(self.forecast, self.size.width))


def _subject_of(project: Project) -> _Subject:
    files = [project.data / name for name in (TRAIN_FILE, VALID_FILE)]
    states = [path.stat() if path.exists() else None for path in files]
    versions = tuple((state.st_size, state.st_mtime_ns) if state else None for state in states)
    return _Subject(project.choices.model, project.choices.training.mask_prompt, versions)


def forecast_in_lines(forecast: Forecast, width: int) -> Content:
    """The bar with its parts, what they are, and the time or what fits."""
    label, amount = _("memory") + "  ", f"  {memory_in_words(forecast)}"
    cells = min(max(width - cell_len(label) - cell_len(amount), SHORTEST_BAR), LONGEST_BAR)
    tone = {"fits": "", "tight": "$text-warning", "too_much": "$text-error"}[forecast.verdict]
    first = Content.assemble((label, QUIET), *_bar(forecast, cells), (amount, f"bold {tone}".strip()))
    parts = [(f"█ {name} {figures.size(size)}", colour) for name, size, colour in _parts(forecast)]
    second = Content.assemble(*(piece for name, colour in parts for piece in ((name[:1], colour), f"{name[1:]}  ")))
    return Content("\n").join([first, second, _third(forecast)])


def _third(forecast: Forecast) -> Content:
    if forecast.verdict == "too_much":
        return Content.styled(_("Too much for this machine. {advice}", advice=forecast.advice), "$text-error")
    if forecast.verdict == "tight":
        return Content.styled(_("Memory may not suffice. {advice}", advice=forecast.advice), "$text-warning")
    if forecast.seconds is None:
        return Content.styled(_("time    known after a few steps: no earlier run of this model here"), QUIET)
    time = figures.time_left(forecast.seconds, forecast.error)
    return Content.assemble((_("time") + "    ", QUIET), time, (_("  from earlier runs here"), QUIET))


def _parts(forecast: Forecast) -> list[tuple[str, int, str]]:
    memory = forecast.memory
    sizes = {
        "weights": memory.weights,
        "adapter": memory.adapter + memory.optimizer,
        "layers": memory.activations + memory.states,
        "logits": memory.logits,
    }
    return [(name, sizes[key], colour) for key, name, colour in PARTS]


def _bar(forecast: Forecast, cells: int) -> list[tuple[str, str]]:
    """Each part as long as it is of what there is; what does not fit has no place."""
    pieces, used, so_far = [], 0, 0
    for _name, size, colour in _parts(forecast):
        so_far += size
        end = min(round(cells * so_far / forecast.limit), cells)
        pieces.append(("█" * max(end - used, 0), colour))
        used = max(end, used)
    return [*pieces, ("░" * (cells - used), "$foreground 30%")]

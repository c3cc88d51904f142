"""Who answers in the chat: which models there are, and which of them one has chosen, one or two."""

from __future__ import annotations

from collections.abc import Callable

from textual import work
from textual.message import Message

from tui_tuner.chat.conversation import new_path
from tui_tuner.chat.models import ChatModel, chat_models, ollama_models, ollama_url
from tui_tuner.journey import base_model
from tui_tuner.language import _
from tui_tuner.project import Project
from tui_tuner.screens.chat_choosing import ModelList
from tui_tuner.screens.chat_sides import Side, Sides
from tui_tuner.screens.settings_step import SettingsStep


class ModelsFound(Message):
    """The models one can talk with; posted from the thread that looked."""

    def __init__(self, models: list[ChatModel]) -> None:
        super().__init__()
        self.models = models


class WhoTalks(SettingsStep):
    """A screen that has `Sides`, each with the model that answers in it."""

    def __init__(self) -> None:
        super().__init__()
        self._models: list[ChatModel] = []

    def on_screen_resume(self) -> None:
        """Look again which models are there: one may have been trained or fused meanwhile."""
        super().on_screen_resume()
        if self.project is not None:
            self._look_for_models(self.project)

    @work(thread=True, exclusive=True, group="models", description="looking for models")
    def _look_for_models(self, project: Project) -> None:
        own = chat_models(project, base_model(project))
        if not self._models:  # a server may keep one waiting; later, it would look as if its models had gone
            self.post_message(ModelsFound(own))
        self.post_message(ModelsFound([*own, *ollama_models(ollama_url(project))]))

    def on_models_found(self, message: ModelsFound) -> None:
        """Keep the chosen models if they are still there, otherwise take the best."""
        known = {model.key for model in self._models}
        self._models = message.models
        # A model of one's own that has just come to be is what one came back for.
        is_new = bool({model.key for model in self._models if model.path.name} - known)
        self.query_one(Sides).choose(self._models, best_first=is_new)
        self.show()

    @property
    def _sides(self) -> list[Side]:
        return self.query_one(Sides).all

    def _choose_model(self, title: str, then: Callable[[ChatModel], None], now: ChatModel | None) -> None:
        def chosen(model: ChatModel | None) -> None:
            if model is not None:
                then(model)
                self.show()

        if self._models:
            self.app.push_screen(ModelList(title, self._models, now), chosen)
        else:
            self.say(_("There is no model to talk with yet."))

    def action_choose_model(self) -> None:
        """Choose who answers."""
        if self._sides:
            side = self._sides[0]
            self._choose_model(_("Talk with"), lambda model: setattr(side, "model", model), side.model)

    def action_beside(self) -> None:
        """Have a second model answer the same questions, or no longer."""
        if len(self._sides) > 1:
            self.query_one(Sides).leave_second()
            self.show()
        elif self._sides:
            self._choose_model(_("Answer beside it"), self._set_beside, self._sides[0].model)

    def _set_beside(self, model: ChatModel) -> None:
        if self.project is not None:
            first = self._sides[0].conversation
            place = len(first.turns) - len(first.turns) % 2
            self.query_one(Sides).add(first.branch(place, new_path(self.project)), model)

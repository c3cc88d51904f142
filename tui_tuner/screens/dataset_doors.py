"""What opens from the Dataset step: screens of their own, each for one thing a person does with the data."""

from __future__ import annotations

from tui_tuner.errors import TunerError
from tui_tuner.project import Project
from tui_tuner.screens.step_screen import StepScreen


class DatasetDoors(StepScreen):
    """The actions of the Dataset step that open another screen; each screen is imported when it is first wanted."""

    def works_now(self, action: str) -> bool:
        """A prompt that is being used is not changed; the card has what was sent."""
        return super().works_now(action) and not (action == "prompt" and self.board.running(self.step))

    def action_review(self) -> None:
        """Go through the examples one by one."""
        project = self._own_project()
        if project is not None:
            from tui_tuner.screens.review import ReviewScreen

            self.app.push_screen(ReviewScreen(project, self.tuner))

    def action_prompt(self) -> None:
        """Read, change and try what the teacher is told when it is asked for questions."""
        project = self._own_project()
        if project is not None:
            from tui_tuner.screens.prompt import PromptScreen

            self.app.push_screen(PromptScreen(project, self.tuner))

    def action_bring(self) -> None:
        """Import examples or documents that are there already."""
        project = self._own_project()
        if project is not None:
            from tui_tuner.screens.importing import ImportScreen

            self.app.push_screen(
                ImportScreen(project.data, project.choices.dataset.passage_words), self.after_importing
            )

    def after_importing(self, brought: bool | None) -> None:
        """Hear whether there are new examples."""

    def action_learning(self) -> None:
        """Show in tokens what the model will learn from; only looks, so that it may be another process's project."""
        if self.project is not None:
            from tui_tuner.screens.learning import LearningScreen

            self.app.push_screen(LearningScreen(self.project))

    def action_card(self) -> None:
        """Show what the dataset is made of; only looks, so that it may be another process's project."""
        if self.project is not None:
            from tui_tuner.screens.card import CardScreen

            self.app.push_screen(CardScreen(self.project))

    def action_get_model(self) -> None:
        """Get a model into Ollama."""
        from tui_tuner.screens.pull_model import PullScreen

        places = self.project.choices.dataset.ollama_urls if self.project else ("",)
        self.app.push_screen(PullScreen(places), self.after_getting_a_model)

    def after_getting_a_model(self, brought: bool | None) -> None:
        """Hear whether there is a new model."""

    def _own_project(self) -> Project | None:
        """The open project if this process may write to it; says why not, and is None, otherwise."""
        try:
            return self.tuner.bench.require_own_project()
        except TunerError as error:
            self.tuner.complain(error)
            return None

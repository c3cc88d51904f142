"""Every action of the app: its name, key, label and help, once.

Bindings, footer, help screens and the command palette are drawn from this table; nothing else binds a key.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding

from tui_tuner.language import _

EVERYWHERE = "everywhere"


@dataclass(frozen=True)
class Action:
    """One thing a person can do.

    Attributes:
        where: the step it belongs to, or `EVERYWHERE`.
        name: the Textual action, such as `start` or `go_to('train')`.
        key: the keys, separated by commas; the last one is the one that is shown.
        label: one or two words for the footer.
        help: what it does, in a sentence.
        footer: whether the footer shows it.
        works_while_typing: it comes before a text field's own keys.
    """

    where: str
    name: str
    key: str
    label: str
    help: str
    footer: bool = True
    works_while_typing: bool = False

    @property
    def command(self) -> str:
        """The action as Textual runs it from a step's screen."""
        return f"app.{self.name}" if self.where == EVERYWHERE else self.name


# What can be done with the plots of runs: the look, its keys, label and help. The line of tabs names the first three.
_LOOKS = (
    ("next", "p", _("next plot"), _("Make the next plot the large one.")),
    ("previous", "P", _("plot before"), _("Make the plot before the large one.")),
    ("answers", "a", _("answers"), _("See how the model answers; or the plot again.")),
    ("full", "f", _("full size"), _("Give the plots all the room, or less again.")),
    ("log", "l", _("log scale"), _("Draw it on a logarithmic scale, or not.")),
    ("smoother", "m", _("smoother"), _("Smooth the lines more.")),
    ("rougher", "M", _("rougher"), _("Smooth the lines less, in the end not at all.")),
    ("cursor -1", "left", _("cursor left"), _("Read values: a step to the left. Among the answers: those before.")),
    ("cursor 1", "right", _("cursor right"), _("Read values: a step to the right.")),
    ("scroll -1", "up", _("up"), _("Scroll the answers up.")),
    ("scroll 1", "down", _("down"), _("Scroll the answers down.")),
    ("cursor -10", "shift+left", _("cursor far left"), _("Ten steps to the left.")),
    ("cursor 10", "shift+right", _("cursor far right"), _("Ten steps to the right.")),
    ("closer", "equals_sign,plus", _("closer"), _("Zoom in, at the cursor or the newest.")),
    ("further", "minus", _("further"), _("Zoom out.")),
    ("left", "comma,less_than_sign", _("move left"), _("See what was before.")),
    ("right", "full_stop,greater_than_sign", _("move right"), _("See what came after.")),
    ("all", "0", _("see all"), _("See the whole run again, without a cursor.")),
)


def _looks(where: str) -> tuple[Action, ...]:
    """What can be done with the plots of runs, on each screen that has them."""
    return tuple(Action(where, f"look('{look}')", key, label, help, footer=False) for look, key, label, help in _LOOKS)


ACTIONS: tuple[Action, ...] = (
    Action("environment", "check", "r", _("check again"), _("Run every check again.")),
    Action(
        "environment", "copy_fix", "c", _("copy fix"), _("Copy the selected check's fix, a command, to the clipboard.")
    ),
    Action("environment", "run_fix", "x", _("run fix"), _("Run the selected check's fix, where that is safe.")),
    Action("environment", "choose_model", "b", _("base model"), _("Choose the base model, and fetch it.")),
    Action("environment", "stop", "s", _("stop"), _("Stop the fix that is running."), footer=False),
    Action("dataset", "start", "g", _("start"), _("Write the dataset, or go on where it stopped.")),
    Action("dataset", "pause", "space", _("pause"), _("Hold the work, or let it go on.")),
    Action("dataset", "stop", "s", _("stop"), _("Stop; every finished example is kept.")),
    Action("dataset", "edit", "e", _("settings"), _("Go to the settings; Escape leaves them.")),
    Action("dataset", "bring", "i", _("import"), _("Import examples (JSON, CSV, SQLite, …) or documents you have.")),
    Action(  # the heading of the list of teachers names its key
        "dataset", "get_model", "u", _("get model"), _("Have Ollama download a model that can write."), footer=False
    ),
    Action("dataset", "prompt", "p", _("prompt"), _("Read, change and try what the teacher is told.")),
    Action("dataset", "review", "v", _("review"), _("Read, accept, reject and edit the examples.")),
    # What is said at the end of the work names the keys of these two; the footer is full.
    Action(
        "dataset", "learning", "l", _("tokens"), _("See, token by token, what the model will learn from."), footer=False
    ),
    Action(
        "dataset", "card", "c", _("card"), _("Read where the examples are from and what was left out."), footer=False
    ),
    Action("train", "start", "g", _("start"), _("Start a new run with these settings.")),
    Action("train", "resume", "r", _("resume"), _("Go on with the run that is shown, from its last checkpoint.")),
    Action("train", "pause", "space", _("pause"), _("Hold the run after this step, or let it go on.")),
    Action("train", "stop", "s", _("stop"), _("Stop within one iteration and keep a checkpoint.")),
    Action("train", "edit", "e", _("settings"), _("Show the settings, or the dashboard.")),
    Action("train", "auto", "u", _("auto"), _("See the settings that suit machine, model and dataset, and take them.")),
    Action("train", "choose_model", "b", _("base model"), _("Choose the base model, and fetch it."), footer=False),
    *_looks("train"),
    Action("train", "runs", "o", _("runs"), _("See all runs: draw them over each other, compare, name, note, delete.")),
    Action(
        "train", "older_run", "left_square_bracket", _("older run"), _("Show the run before this one."), footer=False
    ),
    Action(
        "train", "newer_run", "right_square_bracket", _("newer run"), _("Show the run after this one."), footer=False
    ),
    Action("compare", "start", "g", _("compare"), _("Ask the chosen models these questions.")),
    Action("compare", "stop", "s", _("stop"), _("Stop; finished answers are kept.")),
    Action("compare", "who", "w", _("who"), _("Choose who answers, and in which order.")),
    Action("compare", "judge", "j", _("judge"), _("Choose who judges the answers blindly, or nobody.")),
    Action("compare", "edit", "e", _("edit"), _("Edit the questions and settings; Escape leaves them.")),
    Action("compare", "part(-1)", "left", _("before"), _("Of many questions: those before."), footer=False),
    Action("compare", "part(1)", "right", _("after"), _("Of many questions: those after."), footer=False),
    Action("compare", "vote", "v", _("vote"), _("Say blindly which answers are better; then see whose they were.")),
    Action("compare", "earlier", "o", _("earlier"), _("Open an earlier comparison, or export it (.html, .md).")),
    Action("export", "start", "g", _("fuse"), _("Make one model of base and adapter, and prove it.")),
    Action(
        "export", "hand_on('ollama')", "o", _("Ollama"), _("Bring the fused model into Ollama, and prove it there.")
    ),
    Action(
        "export",
        "hand_on('lm-studio')",
        "l",
        "LM Studio",
        _("Put the fused model where LM Studio finds it."),
        footer=False,
    ),
    Action(
        "export",
        "hand_on('gguf')",
        "w",
        "GGUF",
        _("Write the fused model as one GGUF file, and prove it."),
        footer=False,
    ),
    Action(
        "export",
        "hand_on('hub')",
        "u",
        _("upload"),
        _("See what would go to Hugging Face; it is uploaded only when you say so there."),
        footer=False,
    ),
    Action("export", "stop", "s", _("stop"), _("Stop; a half-made model is taken away.")),
    Action("export", "edit", "e", _("settings"), _("Go to the settings; Escape leaves them.")),
    Action("export", "copy_command", "c", _("copy command"), _("Copy the command that uses the model.")),
    Action("chat", "stop", "escape", _("stop"), _("Stop the answer; what was written stays.")),
    Action("chat", "clear", "ctrl+l", _("new"), _("Begin a new conversation."), footer=False, works_while_typing=True),
    Action(
        "chat", "choose_model", "ctrl+t", _("model"), _("Choose who answers."), footer=False, works_while_typing=True
    ),
    Action("chat", "again", "ctrl+r", _("again"), _("Another answer; this one is kept."), works_while_typing=True),
    Action("chat", "revise", "f2", _("edit"), _("Ask the question in other words."), works_while_typing=True),
    Action(
        "chat",
        "conversations",
        "ctrl+f",
        _("chats"),
        _("Find another one, delete or export it."),
        works_while_typing=True,
    ),
    Action(
        "chat",
        "keep",
        "f5",
        _("to data"),
        _("Add it to the dataset, as an example."),
        footer=False,
        works_while_typing=True,
    ),
    Action(
        "chat",
        "beside",
        "f4",
        _("second model"),
        _("Have a second model answer beside the first, or no longer."),
        footer=False,
        works_while_typing=True,
    ),
    Action(
        "chat",
        "other",
        "f3",
        _("other answer"),
        _("Show the answer made before this one, and so on in turn."),
        footer=False,
        works_while_typing=True,
    ),
    Action(
        "chat",
        "branch",
        "ctrl+g",
        _("branch"),
        _("Go on in a copy of this conversation."),
        footer=False,
        works_while_typing=True,
    ),
    Action(
        "chat",
        "edit",
        "ctrl+s",
        _("settings"),
        _("System prompt, longest answer, sampling; or the conversation again."),
        footer=False,
        works_while_typing=True,
    ),
    Action("review", "decide('accept')", "a", _("accept"), _("Accept this example, whatever the checks say.")),
    Action("review", "decide('reject')", "x", _("reject"), _("Reject this example: it will not be learned.")),
    Action("review", "mark", "space", _("mark"), _("Mark this example, or take its mark away."), footer=False),
    Action(
        "review",
        "decide_many('accept')",
        "A",
        _("accept all"),
        _("Accept the marked examples, or all in sight where none is marked; asks first."),
        footer=False,
    ),
    Action(
        "review",
        "decide_many('reject')",
        "X",
        _("reject all"),
        _("Reject the marked examples, or all in sight where none is marked; asks first."),
        footer=False,
    ),
    Action("review", "another_answer", "r", _("ask again"), _("Ask the teacher for another last answer, and choose.")),
    Action("review", "undo", "u", _("undo"), _("Take back the last decision, about one or many, of any session.")),
    Action("review", "edit", "e", _("edit"), _("Change this example's words here; its roles stay.")),
    Action("review", "edit_outside", "E", _("$EDITOR"), _("Edit this example in your own editor."), footer=False),
    Action("review", "search", "slash", _("search"), _("Search words in texts, sources and reasons while you type.")),
    Action("review", "filter", "f", _("filter"), _("Choose by standing, reason or source what to see.")),
    Action("review", "show_all", "F", _("show all"), _("Take back search and filter."), footer=False),
    Action(
        "review",
        "order",
        "o",
        _("sort"),
        _("Sort by file, question, length, words, tokens, standing or source."),
        footer=False,
    ),
    Action("review", "next_aside(1)", "n", _("next set aside"), _("Go to the next one set aside."), footer=False),
    Action("review", "next_aside(-1)", "N", _("last set aside"), _("Go to the one set aside before."), footer=False),
    Action(
        "review",
        "likeness",
        "d",
        _("what it repeats"),
        _("Go from a near duplicate to what it repeats, from a follow-up to its conversation, and back."),
        footer=False,
    ),
    Action("review", "tokens", "l", _("tokens"), _("See this example as the model gets it."), footer=False),
    Action("review", "copy", "c", _("copy"), _("Copy this example to the clipboard."), footer=False),
    Action("review", "help", "question_mark", _("keys"), _("Show every key.")),
    Action("review", "leave", "escape", _("back"), _("Take back search, filter and marks; then go back.")),
    Action("learning", "go(1)", "n,right", _("next"), _("Show the next example.")),
    Action("learning", "go(-1)", "p,left", _("before"), _("Show the example before.")),
    Action("learning", "longest", "l", _("longest"), _("Show the longest example; again, the next longest.")),
    Action("learning", "find('cut')", "c", _("cut"), _("Show the next example whose end is cut off.")),
    Action("learning", "find('refused')", "r", _("refused"), _("Show the next row that is not trained on, and why.")),
    Action("learning", "part", "t", _("file"), _("Look at the next file: train, valid, test.")),
    Action("learning", "figures", "f", _("figures"), _("Give the example all the room, or show the figures again.")),
    Action("learning", "help", "question_mark", _("keys"), _("Show every key.")),
    Action("learning", "leave", "escape", _("back"), _("Go back.")),
    Action("auto", "take", "enter", _("take these"), _("Take these settings; the run keeps the reasons.")),
    Action("auto", "leave", "escape", _("leave them"), _("Go back; nothing is changed.")),
    # Choosing is what enter does to a row.
    Action("base_models", "get", "d", _("get it"), _("Choose the row, and fetch it.")),
    Action("base_models", "stop", "s", _("stop, keeping what arrived"), _("Stop fetching; getting it again goes on.")),
    Action("base_models", "bits", "k", _("bits"), _("Leave a full model as it is, or squeeze it into 4 or 8 bits.")),
    Action("base_models", "trust", "t", _("own code"), _("Let this model's own Python code run, or not.")),
    Action("base_models", "leave", "escape", _("back"), _("Go back; a download goes on.")),
    Action("runs", "draw", "space", _("draw"), _("Draw this run with the others, here and on the dashboard; or not.")),
    Action("runs", "compare", "c", _("compare"), _("Put the drawn runs, or all, side by side.")),
    Action("runs", "write('name')", "n", _("name"), _("Call this run something else.")),
    Action("runs", "write('note')", "t", _("note"), _("Write a note beside this run.")),
    Action("runs", "delete", "d", _("delete"), _("Delete this run for good; says who uses it, and asks.")),
    Action("runs", "report", "h", _("page"), _("Write one HTML page about this run, to share, into its folder.")),
    Action("runs", "use", "u", _("use"), _("Have Compare, Export and Chat use this run, until a new one begins.")),
    Action("runs", "sort", "o", _("sort"), _("Sort by the next column."), footer=False),
    Action("runs", "sort(True)", "O", _("turn round"), _("Turn the order round."), footer=False),
    *_looks("runs"),
    Action("runs", "help", "f1,question_mark", _("keys"), _("Show every key.")),
    Action("runs", "leave", "escape", _("back"), _("Go back to the run that was shown; enter opens another.")),
    Action("run_compare", "all", "a", _("all settings"), _("Show also the settings in which all agree, or not.")),
    Action("run_compare", "leave", "escape", _("back"), _("Go back.")),
    Action("card", "leave", "escape", _("back"), _("Go back to the Dataset step.")),
    Action(EVERYWHERE, "go_to('environment')", "1", _("Environment"), _("Go to Environment."), footer=False),
    Action(EVERYWHERE, "go_to('dataset')", "2", _("Dataset"), _("Go to Dataset."), footer=False),
    Action(EVERYWHERE, "go_to('train')", "3", _("Train"), _("Go to Train."), footer=False),
    Action(EVERYWHERE, "go_to('compare')", "4", _("Compare"), _("Go to Compare."), footer=False),
    Action(EVERYWHERE, "go_to('export')", "5", _("Export"), _("Go to Export."), footer=False),
    Action(EVERYWHERE, "go_to('chat')", "6", _("Chat"), _("Go to Chat."), footer=False),
    Action(
        EVERYWHERE,
        "previous_step",
        "ctrl+b",
        _("back"),
        _("Go to the step before."),
        footer=False,
        works_while_typing=True,
    ),
    Action(EVERYWHERE, "next_step", "ctrl+n", _("next"), _("Go to the next step."), works_while_typing=True),
    Action(EVERYWHERE, "projects", "ctrl+o", _("projects"), _("Open or make a project."), footer=False),
    Action(EVERYWHERE, "help", "f1,question_mark", _("help"), _("Show what this screen is for and its keys.")),
    Action(EVERYWHERE, "quit", "ctrl+q,q", _("quit"), _("Quit; work that runs is stopped with a checkpoint first.")),
)


def actions_of(where: str) -> list[Action]:
    """The actions of one step, or those that are everywhere."""
    return [action for action in ACTIONS if action.where == where]


def bindings_of(where: str) -> list[Binding]:
    """The Textual bindings of one step, or those that are everywhere."""
    return [
        Binding(
            key,
            action.name,
            action.label,
            show=action.footer,
            tooltip=action.help,
            priority=action.works_while_typing,
            key_display=key_display(key),
        )
        for action in actions_of(where)
        for key in action.key.split(",")
    ]


def key_of(where: str, name: str) -> str:
    """The key of an action, as it stands on the keyboard."""
    return key_display(next(action.key for action in actions_of(where) if action.name == name))


def key_display(key: str) -> str:
    """The last of an action's keys, as it stands on the keyboard."""
    names = {
        "question_mark": "?",
        "escape": "esc",
        "left_square_bracket": "[",
        "right_square_bracket": "]",
        "space": "space",
        "shift+right": "⇧→",
        "shift+left": "⇧←",
        "plus": "+",
        "minus": "-",
        "less_than_sign": "<",
        "greater_than_sign": ">",
        "right": "→",
        "left": "←",
        "up": "↑",
        "down": "↓",
        "slash": "/",
    }
    shown = key.split(",")[-1]
    return names.get(shown, shown)

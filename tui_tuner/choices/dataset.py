"""What the examples are about, and who writes them."""

from __future__ import annotations

from dataclasses import dataclass

from tui_tuner.configuration import setting

# The opening phrases of the guide this program replaces: they spread the questions over many forms.
OPENING_PHRASES = (
    "Where do I",
    "Is it okay to",
    "Can you help me",
    "I need to",
    "Is there a",
    "Do you know",
    "Where is the",
    "Can you tell me",
    "Can I change",
    "What are the",
    "How do I",
    "When is it",
    "How to",
    "What is the difference",
    "Can users",
    "Can I",
    "What is",
)

# Words that no English question ends with. Prepositions are not among them: "Where are you from?"
UNFINISHED_ENDINGS = ("a", "an", "the", "my", "your", "our", "their", "every")


@dataclass(frozen=True)
class DatasetChoice:
    """What the training examples are about and who writes them."""

    topic: str = setting("", "What the questions are about, for example: using a WordPress website.")
    audience: str = setting(
        "",
        "Who asks, for example: all levels of users working on WordPress websites. Empty means people of all levels.",
    )
    questions_per_passage: int = setting(
        2, "How many questions to write about each passage of your documents.", minimum=1, maximum=50
    )
    passage_words: int = setting(
        300, "Longest passage that documents are cut into, in words.", minimum=30, maximum=10_000, label="passage"
    )
    instructions: int = setting(60, "How many questions to write.", minimum=1, maximum=100_000, label="questions")
    turns: int = setting(
        1,
        "Questions and answers in one conversation. Above 1 likely follow-up questions are written, each with its "
        "answer; the guide writes one follow-up, which is 2.",
        minimum=1,
        maximum=4,
    )
    opening_phrases: tuple[str, ...] = setting(
        OPENING_PHRASES, "Each question starts with one of these; separate them with ;"
    )
    unfinished_endings: tuple[str, ...] = setting(
        UNFINISHED_ENDINGS,
        "A question in English that ends with one of these breaks off and is not kept; separate them with ;",
    )
    question_prompt: str = setting(
        "",
        "What a teacher that writes lists of questions is told, with placeholders such as {topic}; paragraphs whose "
        "placeholders are all empty are left out. Empty takes the built-in words.",
        placeholders=("number", "topic", "audience", "phrases", "examples", "known"),
    )
    one_question_prompt: str = setting(
        "",
        "What a teacher in this process is told, which finishes one question that an opening phrase begins. "
        "Empty takes the built-in words.",
        placeholders=("topic", "audience"),
    )
    teacher: str = setting(
        "mlx",
        "Who writes: a model in this process (mlx), Ollama, or LM Studio, llama-server, mlx_lm.server (openai).",
        choices=("mlx", "ollama", "openai"),
    )
    teacher_model: str = setting(
        "",
        "The teacher's model: empty takes the base model (mlx) or the first one the server has. "
        "Several models write in turn; separate them with ;",
    )
    url: str = setting(
        "",
        "Where the server listens; empty means this machine: OLLAMA_HOST for Ollama, port 1234 for LM Studio. "
        "Several servers share the work; separate them with ;",
        label="server address",
    )
    style: str = setting(
        "", "How answers should sound; the examples do not store this, so the model learns it unasked."
    )
    answer_beginning: str = setting("", "First words of every answer, where the style has some.")
    answer_must_contain: tuple[str, ...] = setting(
        (), "Texts an answer must contain, in this order, to be kept; separate them with ;"
    )
    max_tokens: int = setting(256, "Longest answer, in tokens.", minimum=16, maximum=32_768, label="longest answer")
    temperature: float = setting(
        0.7,
        "0 always writes the likeliest word; higher is more varied. Answers from documents take 0.3 at most.",
        minimum=0,
        maximum=2,
    )
    valid_fraction: float = setting(
        0.1,
        "Part of the examples held out to measure progress, never trained on: 0.1 trains on 90 % and holds out 10 %. "
        "At least one, and a whole batch where there are five.",
        minimum=0.01,
        maximum=0.5,
        label="held out",
    )
    test_fraction: float = setting(
        0.0,
        "Part of the examples kept aside for a last test of the finished model, never trained on; 0 keeps none.",
        minimum=0,
        maximum=0.5,
        label="kept for a test",
    )
    format: str = setting(
        "messages",
        "How the training files are written. messages: conversations as mlx-lm reads them. completions: prompt and "
        "completion, the first question and its answer alone. text: in the base model's own chat template. guide: the "
        "guide's [INST] line, for Mistral. text and guide do not mark the answers, so the questions are learned too.",
        choices=("messages", "completions", "text", "guide"),
    )
    seed: int = setting(0, "The same seed and teacher give the same data and the same split.", minimum=0, maximum=2**31)

    @property
    def turns_learned(self) -> int:
        """How many questions a conversation may have in the training files: a prompt and its completion hold one."""
        return 1 if self.format == "completions" else self.turns

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses in `url`; a single empty one where it says nothing."""
        return tuple(place.strip() for place in self.url.split(";") if place.strip()) or ("",)

    @property
    def teacher_models(self) -> tuple[str, ...]:
        """The models in `teacher_model`; a single empty one where it names none."""
        names = (name.strip() for name in self.teacher_model.split(";"))
        return tuple(dict.fromkeys(name for name in names if name)) or ("",)

    @property
    def ollama_url(self) -> str:
        """Where the first Ollama listens; empty where `url` is another server's, or says nothing."""
        return self.ollama_urls[0]

    @property
    def ollama_urls(self) -> tuple[str, ...]:
        """Where Ollama listens; a single empty one where `url` is another server's, or says nothing."""
        return ("",) if self.teacher == "openai" else self.urls

    @property
    def ollama_model(self) -> str:
        """The first model wanted of Ollama; empty where none is."""
        return self.teacher_models[0] if self.teacher == "ollama" else ""

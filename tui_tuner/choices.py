"""What a person chooses at each step: the sections of `tuner.toml`, with defaults that fit.

Names of hyper-parameters are mlx-lm's. The form, `--set`, the file's comments and its error messages are all drawn from
these declarations.
"""

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
class ModelChoice:
    """Which model is taught."""

    name: str = setting(
        "starter",
        "The base model: 'starter', a folder, or a Hugging Face repository such as "
        "mlx-community/Mistral-7B-Instruct-v0.3-4bit.",
        label="base model",
    )
    quantize: str = setting(
        "none",
        "Squeeze a full model into 4 or 8 bits per weight once it is here: a quarter or half of the memory. One that "
        "has fewer bits already stays as it is.",
        choices=("none", "4", "8"),
    )
    trust_remote_code: bool = setting(
        False,
        "Run Python code that comes with this model. Off unless you trust its author with your machine; another base "
        "model switches it off again.",
    )

    @property
    def bits(self) -> int:
        """Bits per weight a full model is to be squeezed into; 0 leaves it as it is."""
        return 0 if self.quantize == "none" else int(self.quantize)


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


# How models begin where they will not answer. Other languages can be added in the settings.
REFUSALS = (
    "I'm sorry, but I can't",
    "I'm sorry, but I cannot",
    "I cannot assist",
    "I can't assist",
    "I cannot help with",
    "I can't help with",
    "I'm unable to",
    "As an AI language model",
    "As a language model",
)


@dataclass(frozen=True)
class QualityChoice:
    """Which examples are good enough to learn from. What is set aside is kept with its reason."""

    near_duplicate: float = setting(
        0.8,
        "Questions this much alike count as the same (1: only equal ones). Only the first of them is learned.",
        minimum=0.7,
        maximum=1,
        label="near duplicates",
    )
    shortest_answer: int = setting(1, "Fewest words of an answer.", minimum=1, maximum=1000, label="shortest answer")
    refusals: tuple[str, ...] = setting(
        REFUSALS, "An answer that begins with one of these is a refusal; separate them with ;"
    )
    from_passage: float = setting(
        0.3,
        "Part of the longer words an answer about a document adds to its question that has to be in its passage; "
        "0 allows any.",
        minimum=0,
        maximum=1,
    )
    same_script: float = setting(
        0.5,
        "Part of an answer that has to be in the script of its question, such as Latin or Cyrillic; 0 allows any.",
        minimum=0,
        maximum=1,
    )


FINE_TUNE_TYPES = ("lora", "dora", "full")
OPTIMIZERS = ("adam", "adamw", "sgd", "adafactor", "muon")
CONSTANT = "constant"
LR_SCHEDULES = (CONSTANT, "cosine_decay", "linear_schedule", "exponential_decay", "step_decay")
ADAPTER, RATE, OPTIMIZER, MEMORY, RECORD = "Adapter", "Learning rate", "Optimizer", "Memory", "Reports and checkpoints"
SHORTCUTS = "Shortcuts, each tried on the model before it is relied on"


@dataclass(frozen=True)
class TrainingChoice:
    """How the model is taught. Names are mlx-lm's, and its meanings; those it has no word for say so.

    What most people change comes first; everything after the first group is right as it is until it is not.
    """

    iters: int = setting(200, "How many steps to train.", minimum=1, maximum=10_000_000, label="iterations")
    batch_size: int = setting(4, "Examples per step. More is smoother and takes more memory.", minimum=1, maximum=1024)
    num_layers: int = setting(
        16,
        "How many of the model's last layers are trained; -1 means all.",
        minimum=-1,
        maximum=1000,
        label="layers",
    )
    learning_rate: float = setting(1e-4, "How far each step goes.", minimum=0, maximum=1)
    fine_tune_type: str = setting(
        "lora",
        "lora: small adapters beside the weights. dora: the same, with the size of each weight's change learned apart; "
        "slower. full: the weights themselves; needs much memory and a base that is not quantized.",
        choices=FINE_TUNE_TYPES,
        label="fine-tune type",
    )
    rank: int = setting(8, "Size of the adapters.", minimum=1, maximum=1024)
    max_seq_length: int = setting(
        2048, "Longest example in tokens; longer ones are cut.", minimum=8, maximum=1_000_000, label="sequence length"
    )
    mask_prompt: bool = setting(True, "Learn from the answers only, not from the questions.")
    seed: int = setting(0, "The same seed gives the same run.", minimum=0, maximum=2**31)

    scale: float = setting(20.0, "How strongly the adapters act.", minimum=0, maximum=10_000, group=ADAPTER)
    dropout: float = setting(
        0.0, "Part of the adapter's input left out at random.", minimum=0, maximum=0.95, group=ADAPTER
    )
    keys: tuple[str, ...] = setting(
        (),
        "Which modules of a layer get adapters, such as self_attn.q_proj; self_attn.v_proj. Empty means all that can.",
        label="adapted modules",
        group=ADAPTER,
    )

    lr_schedule: str = setting(
        CONSTANT,
        "How the learning rate goes after the warm-up. cosine_decay and linear_schedule fall to its end; "
        "exponential_decay and step_decay multiply it by the decay rate, at every update or at every few.",
        choices=LR_SCHEDULES,
        label="schedule",
        group=RATE,
    )
    warmup: int = setting(
        0,
        "Updates over which the learning rate first rises to its full height.",
        minimum=0,
        maximum=10_000_000,
        label="warm-up",
        group=RATE,
    )
    warmup_init: float = setting(
        0.0, "Learning rate at which the warm-up begins.", minimum=0, maximum=1, label="warm-up begins", group=RATE
    )
    lr_end: float = setting(
        0.0,
        "Learning rate to which cosine_decay and linear_schedule fall.",
        minimum=0,
        maximum=1,
        label="end",
        group=RATE,
    )
    decay_steps: int = setting(
        0,
        "Updates over which cosine_decay and linear_schedule fall; 0 means all those after the warm-up.",
        minimum=0,
        maximum=10_000_000,
        group=RATE,
    )
    decay_rate: float = setting(
        0.9,
        "What exponential_decay multiplies the learning rate by at every update, and step_decay at every few: "
        "0.995 and 0.5 are usual.",
        minimum=0,
        maximum=1,
        group=RATE,
    )
    step_size: int = setting(
        100, "After how many updates step_decay multiplies.", minimum=1, maximum=10_000_000, group=RATE
    )

    optimizer: str = setting(
        "adam", "How gradients become changes of the weights.", choices=OPTIMIZERS, group=OPTIMIZER
    )
    optimizer_config: tuple[str, ...] = setting(
        (),
        "What the optimizer takes besides the learning rate, such as weight_decay=0.01; betas=0.9, 0.99. "
        "Empty leaves mlx-lm's defaults.",
        label="its settings",
        group=OPTIMIZER,
    )
    grad_clip: float = setting(
        0.0,
        "Largest norm of a gradient; a larger one is scaled down to it. 0 is off, as in mlx-lm, which cannot do it.",
        minimum=0,
        maximum=1_000_000,
        label="gradient clipping",
        group=OPTIMIZER,
    )

    grad_accumulation_steps: int = setting(
        1,
        "Steps whose gradients are averaged before the weights change once: a larger batch without its memory.",
        minimum=1,
        maximum=10_000,
        label="steps per update",
        group=MEMORY,
    )
    grad_checkpoint: bool = setting(
        False,
        "Compute what happens inside the layers twice instead of keeping it: less memory, slower.",
        label="checkpointing",
        group=MEMORY,
    )

    kept_states: bool = setting(
        True,
        "Compute the layers below the first trained one once for each example, and keep their result; on the "
        "disk where it does not fit into memory.",
        group=SHORTCUTS,
    )
    learned_logits: bool = setting(True, "Compute logits only where a token is learned.", group=SHORTCUTS)
    chunked_loss: bool = setting(
        True, "Compute these logits and their gradient a few tokens at a time: less memory.", group=SHORTCUTS
    )
    rows_side_by_side: bool = setting(
        True, "On a CPU: compute the rows of a batch side by side, one core each.", group=SHORTCUTS
    )
    quick_exponentials: bool = setting(
        True, "On an x86 CPU: compute exponentials as powers, which MLX does three times faster there.", group=SHORTCUTS
    )

    steps_per_report: int = setting(
        1, "Report the training loss every so many steps.", minimum=1, maximum=10_000, group=RECORD
    )
    steps_per_eval: int = setting(
        20, "Measure the held-out examples every so many steps.", minimum=1, maximum=1_000_000, group=RECORD
    )
    save_every: int = setting(20, "Keep a checkpoint every so many steps.", minimum=1, maximum=1_000_000, group=RECORD)
    keep_checkpoints: int = setting(
        2, "How many of the latest checkpoints stay; the best one always does.", minimum=1, maximum=1000, group=RECORD
    )
    patience: int = setting(
        0,
        "End early when so many evaluations in a row bring no lower held-out loss; 0 trains to the end.",
        minimum=0,
        maximum=10_000,
        group=RECORD,
    )
    samples: int = setting(
        3,
        "How many questions the model answers whenever held-out examples are measured, so that you see it change; "
        "0 asks none.",
        minimum=0,
        maximum=32,
        group=RECORD,
    )
    sample_prompts: tuple[str, ...] = setting(
        (),
        "These questions; empty takes the first held-out ones. Separate them with ;",
        label="sample questions",
        group=RECORD,
    )
    sample_tokens: int = setting(
        48, "Longest of these answers, in tokens.", minimum=1, maximum=4096, label="sample answers", group=RECORD
    )


@dataclass(frozen=True)
class MachinesChoice:
    """Which machines train, and what is asked of them."""

    hosts: str = setting(
        "",
        "A file that names the machines which train together, as mlx.distributed_config writes it, this one first; "
        "empty trains on this one alone.",
    )
    keep_awake: bool = setting(True, "Keep a Mac from falling asleep while it trains; its display may sleep.")
    free_ollama: bool = setting(
        True, "Before training, have Ollama on this machine take its models out of memory.", label="free Ollama"
    )


@dataclass(frozen=True)
class CompareChoice:
    """Who is asked what, side by side."""

    columns: tuple[str, ...] = setting(
        ("base", "tuned"),
        "Who answers: base, tuned (the latest run), a run's name, RUN@STEP for a checkpoint that is kept, fused, "
        "ollama:MODEL; separate them with ;",
        label="who answers",
    )
    prompts: tuple[str, ...] = setting((), "Questions to ask all; empty takes some from the held-out examples.")
    prompts_file: str = setting(
        "",
        'A file of questions: one a line, or in a .jsonl file {"prompt": ..., "expected": ...} a line.',
        label="questions in",
    )
    held_out: int = setting(
        5,
        "How many held-out examples to ask where there are no questions.",
        minimum=1,
        maximum=1000,
        label="held-out ones",
    )
    losses: bool = setting(
        True,
        "Measure loss and perplexity of each model on the held-out answers: test.jsonl, or else valid.jsonl.",
    )
    judge: str = setting(
        "",
        "Who reads both answers blindly, in both orders, and says which is better: mlx (the base model), mlx:MODEL, "
        "ollama:MODEL, openai:MODEL. Empty: nobody.",
    )
    max_tokens: int = setting(256, "Longest answer, in tokens.", minimum=1, maximum=32_768, label="longest answer")
    temperature: float = setting(0.0, "0 makes the comparison repeatable.", minimum=0, maximum=2)
    seed: int = setting(0, "Seed of the sampling where the temperature is above 0.", minimum=0, maximum=2**31)


OLLAMA, HUB = "Ollama", "Hugging Face"
UPLOADS = ("fused", "adapter", "gguf")
GGUF_TYPES = ("q8_0", "f16", "bf16", "f32")
OLLAMA_QUANTIZE = ("none", "q8_0", "q4_K_M", "q4_K_S")


@dataclass(frozen=True)
class ExportChoice:
    """Where the fused model goes, and to whom it is handed on."""

    name: str = setting("", "Name of the fused model and its folder; empty takes the project's name.")
    save_path: str = setting(
        "", "Folder the fused model's folder goes into; empty means models/ in the project.", label="save in"
    )
    dequantize: bool = setting(
        True, "Write a quantized base in full precision: squeezing it again loses most of a small tuning."
    )
    quantize: str = setting(
        "none",
        "Squeeze the fused model into 4 or 8 bits per weight afterwards. How much of the tuning that undoes is "
        "measured; where it is more than a quarter, nothing is kept.",
        choices=("none", "4", "8"),
    )

    gguf_type: str = setting(
        "q8_0",
        "How a GGUF file stores the weights: q8_0 takes half of f16 and is near it; models mostly come in f16 or bf16; "
        "f32 is exact.",
        choices=GGUF_TYPES,
        label="GGUF type",
    )
    ollama_name: str = setting(
        "", "What the model is called in Ollama; empty takes the fused model's name.", group=OLLAMA, label="name"
    )
    ollama_quantize: str = setting(
        "none",
        "How Ollama squeezes it: q8_0 is near the full model, the others take about half of that and lose more. "
        "How far its answers then are from those of the full model is measured.",
        choices=OLLAMA_QUANTIZE,
        group=OLLAMA,
        label="quantize",
    )
    ollama_parameters: tuple[str, ...] = setting(
        (),
        "What Ollama is to use unless told otherwise, such as temperature=0.2; num_ctx=4096. Where an answer ends it "
        "is told in any case.",
        group=OLLAMA,
        label="parameters",
    )
    ollama_url: str = setting(
        "", "Where Ollama listens; empty means OLLAMA_HOST or this machine.", group=OLLAMA, label="server address"
    )

    repository: str = setting(
        "", "Where it would be uploaded to, such as YOUR-NAME/my-model. Nothing is uploaded by naming it.", group=HUB
    )
    upload: str = setting(
        "fused",
        "What would be uploaded: the fused model, the adapter alone, or the GGUF files.",
        choices=UPLOADS,
        group=HUB,
    )
    private: bool = setting(True, "Only you see the repository; a public one is never taken for it.", group=HUB)

    @property
    def bits(self) -> int:
        """Bits per weight the fused model is to be squeezed into; 0 leaves it in full precision."""
        return 0 if self.quantize == "none" else int(self.quantize)


@dataclass(frozen=True)
class ChatChoice:
    """How the chat answers."""

    system_prompt: str = setting("", "Told to the model before the conversation; empty tells it nothing.")
    max_tokens: int = setting(512, "Longest answer, in tokens.", minimum=1, maximum=32_768, label="longest answer")
    temperature: float = setting(
        0.0, "0 always gives the likeliest answer; higher is more varied.", minimum=0, maximum=2
    )
    top_p: float = setting(1.0, "Only the likeliest words that together reach this share.", minimum=0.01, maximum=1)
    top_k: int = setting(0, "Only so many of the likeliest words; 0 for all.", minimum=0, maximum=1000)
    min_p: float = setting(
        0.0, "Only words at least this share as likely as the likeliest; 0 for all.", minimum=0, maximum=1
    )
    repetition_penalty: float = setting(
        0.0, "Above 1 makes what was just written less likely; 0 for no penalty.", minimum=0, maximum=2
    )
    seed: int = setting(-1, "The same seed draws the same words; -1 draws anew each time.", minimum=-1, maximum=2**31)
    when_full: str = setting(
        "ask",
        "When the conversation fills the model's context: ask what to do, or leave_out the oldest turns and say so.",
        choices=("ask", "leave_out"),
    )

"""How the model learns. Names of hyper-parameters are mlx-lm's."""

from __future__ import annotations

from dataclasses import dataclass

from tui_tuner.configuration import setting

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
    quick_adapters: bool = setting(
        True, "On a CPU: have a product add what an adapter gives, instead of adding it afterwards.", group=SHORTCUTS
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

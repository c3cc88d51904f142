"""From training files to an adapter.

Read in this order: `plan` (what is to be done) and `run_config` (what is kept of it), `examples` and `supervision`
(rows become tokens, each marked whether it is learned), `batches`, `adapter` (the LoRA layers), `loss`,
`supervised_head` and `frozen_states` (the same mathematics with less work), `loop` (one step), `validation`,
`checkpoint`, `record` (what happened, on disk), `session` (steps, validations and checkpoints in their order) and
`train` (all of it). `events`, `history` and `runs` are what views need; they never import MLX.
"""

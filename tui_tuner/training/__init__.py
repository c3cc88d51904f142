"""From training files to an adapter.

Read in this order: `plan` (what is to be done) and `run_config` (what is kept of it), `examples` and `supervision`
(rows become tokens, each marked whether it is learned), `batches`, `adapter` (what is trained), `optimization`
(optimizer and learning rate), `loss`, `supervised_head`, `frozen_states` and `grad_checkpoint` (the same mathematics
with less work or memory), `loop` (one step), `validation`, `checkpoint`, `record` (what happened, on disk), `session`
(steps, validations and checkpoints in their order), `preparing` and `train` (all of it). `mlx_lm_words` says all
settings as mlx-lm does. `events`, `history` and `runs` are what views need; they never import MLX.
"""

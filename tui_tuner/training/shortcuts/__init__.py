"""The same mathematics with less work or memory.

`proof` decides which shortcuts a model is trained with: on two of its rows they have to give the loss and the gradient
of the whole model. `quick_loss` is the loss with whatever was proven. The shortcuts themselves:
`frozen_states` (layers below the first trained one run once per example) with `state_store` (where their states are
kept), `supervised_head` (logits only where a token is learned), `chunked_loss` (a few of them at a time),
`exponentials` (in a way that MLX computes faster on an x86 CPU), `quick_adapters` (a product adds what they give), and
`cores` (rows side by side).
"""

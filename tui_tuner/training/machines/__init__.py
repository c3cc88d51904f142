"""One run on several machines: `hosts` names them, `launching` starts them, `rank` is the program on each.

The first machine leads: it holds the run's folder, decides every step and tells it (`orders`); the others follow. Each
computes its part of every batch, and MLX's own `mx.distributed` adds the parts up. Started with `mlx.launch`.
"""

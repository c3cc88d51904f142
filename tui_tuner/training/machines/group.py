"""What the machines of a run say to each other, by `mx.distributed` alone.

Everything is a sum over all machines: what one of them has to say, the others add nothing to.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tui_tuner.errors import TrainingError
from tui_tuner.language import _
from tui_tuner.plain_text import one_line

if TYPE_CHECKING:
    import mlx.core as mx

END, STEP, MEASURE = 0, 1, 2


class MachineLost(TrainingError):
    """One of the machines does not answer any more."""


class Group:
    """The machines of a run, as one of them sees it.

    Args:
        group: MLX's.

    Attributes:
        rank: this machine's number; 0 leads.
        size: how many there are.
    """

    def __init__(self, group: Any) -> None:
        self._group = group
        self._lost: MachineLost | None = None
        self.rank: int = group.rank()
        self.size: int = group.size()

    def sum(self, array: mx.array) -> mx.array:
        """The sum of what every machine gives, evaluated; the same on all of them.

        Raises:
            MachineLost: one of them is gone.
        """
        import mlx.core as mx

        with self._talking():
            total: mx.array = mx.distributed.all_sum(array, group=self._group, stream=mx.cpu)
            mx.eval(total)
        return total

    def gather(self, number: int) -> list[int]:
        """What every machine gives, in the order of their ranks; from 0 to 2**31 - 1."""
        import mlx.core as mx

        mine = [number if rank == self.rank else 0 for rank in range(self.size)]
        told: Any = self.sum(mx.array(mine, dtype=mx.int32)).tolist()
        return [int(value) for value in told]

    def tell(self, kind: int, rows: Sequence[int], room: int) -> None:
        """Order the others to do something with `rows`, at most `room` of them. For the machine that leads."""
        import mlx.core as mx

        self.sum(mx.array([kind, len(rows), *rows, *[0] * (room - len(rows))], dtype=mx.int32))

    def hear(self, room: int) -> tuple[int, list[int]]:
        """Wait for the next order: its kind and rows."""
        import mlx.core as mx

        told: Any = self.sum(mx.zeros(room + 2, dtype=mx.int32)).tolist()
        kind, count, *rows = (int(value) for value in told)
        return kind, rows[:count]

    def share(self, arrays: dict[str, mx.array]) -> dict[str, mx.array]:
        """What the leading machine has in `arrays`, on all of them; the names and shapes are the same on each."""
        import mlx.core as mx

        # Adding zeros changes no number, but for -0.0; a NaN of a follower must not get in, so nothing is multiplied.
        return {
            name: self.sum(array if self.rank == 0 else mx.zeros_like(array)) for name, array in sorted(arrays.items())
        }

    def mean(self, loss: mx.array, gradient: Any, supervised: int) -> tuple[mx.array, Any]:
        """Loss and gradient of a whole batch from those of its parts.

        Args:
            loss: the mean over the learned tokens of this machine's part.
            gradient: its gradient, a tree.
            supervised: learned tokens of this part, 0 where it has none.
        """
        import mlx.core as mx
        from mlx.nn.utils import average_gradients
        from mlx.utils import tree_map

        mx.eval(loss, gradient)  # what goes wrong in computing is no matter of the other machines
        total, tokens = self.sum(mx.stack([loss * supervised, mx.array(float(supervised))]))
        share = supervised * self.size / tokens
        with self._talking():
            gradient = average_gradients(tree_map(lambda part: part * share.astype(part.dtype), gradient), self._group)
            mx.eval(gradient)
        return total / tokens, gradient

    @contextlib.contextmanager
    def _talking(self) -> Iterator[None]:
        # MLX's ring gives up a connection that has failed, and whoever asks it for anything more waits for ever.
        if self._lost is not None:
            raise self._lost
        try:
            yield
        except RuntimeError as error:
            self._lost = MachineLost(
                _("a machine of this run is gone: {error}", error=one_line(str(error), 200)),
                advice=_("Everything is kept. Go on, with all machines or without them: tuner train --resume"),
            )
            raise self._lost from error

"""An array that carries what is known of it, and loses it where that may no longer be so."""

from typing import Any

import numpy as np


class Knowing(np.ndarray):
    """Copies know the same, as other kinds of numbers too. Of what is cut out of it, computed from it or put into
    another order nothing is known: of the same shape may be other bands (np.take, np.roll, np.swapaxes).

    facts: a subclass has those of which nothing is known.
    """

    facts: Any

    def copy(self, order: Any = "C") -> Any:
        return self._known(super().copy(order))

    def astype(self, *args: Any, **kwargs: Any) -> Any:
        return self._known(super().astype(*args, **kwargs))

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def _known(self, copied: np.ndarray) -> np.ndarray:
        if isinstance(copied, Knowing):
            copied.facts = self.facts
        return copied

    def __array_wrap__(self, array: np.ndarray, context: Any = None, return_scalar: bool = False) -> Any:
        return np.asarray(array)[() if return_scalar else ...]

    def __getitem__(self, index: Any) -> Any:
        return self.view(np.ndarray)[index]

"""Work that is begun before its turn."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterable[Item], num: int) -> Iterator[Item]:
    """The same items, each given when `num` more have been taken or there are no more, and not held any longer.

    None among them is a pause: it is given at once, after all those before it.
    """
    waiting: deque[Item] = deque()
    for item in items:
        if item is None:
            while waiting:
                yield waiting.popleft()
            yield item
            continue
        waiting.append(item)
        del item
        if len(waiting) > num:
            yield waiting.popleft()
    while waiting:
        yield waiting.popleft()

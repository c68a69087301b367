"""Reading ahead: decode the next photos in threads while the current one is being worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Loaded = TypeVar("Loaded")


def prefetched(
    items: Iterable[Item], load: Callable[[Item], Loaded], *, ahead: int = 2
) -> Iterator[tuple[Item, Loaded | Exception]]:
    """Yield (item, load(item)) in order, with up to `ahead` loads under way; an exception of `load` is yielded too.

    Decoders release the interpreter lock, so reading ahead uses the other core. Memory is bounded by `ahead` + 1
    loaded items.
    """
    pending: deque[tuple[Item, Future[Loaded]]] = deque()
    source = iter(items)
    with ThreadPoolExecutor(max_workers=ahead, thread_name_prefix="prefetch") as pool:
        pending.extend((item, pool.submit(load, item)) for item in islice(source, ahead))
        while pending:
            item, future = pending.popleft()
            outcome = future.exception()
            result = future.result() if outcome is None else outcome
            pending.extend((following, pool.submit(load, following)) for following in islice(source, 1))
            if isinstance(result, BaseException) and not isinstance(result, Exception):
                raise result
            yield item, result

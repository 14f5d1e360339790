"""Reading and reckoning at the same time: while one part of a recording is worked on, the next is read."""

import ctypes
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache, wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

WORKERS = 2

_M_ARENA_MAX = -8
"""glibc's malloc.h."""

Part = TypeVar("Part")
Heard = TypeVar("Heard")
Done = TypeVar("Done")
Given = ParamSpec("Given")


def one_blas_thread(work: Callable[Given, Done]) -> Callable[Given, Done]:
    """Decorate what works in pipelines: matrices are small here, and the threads of BLAS would mostly wait for each other."""

    @wraps(work)
    def limited(*args: Given.args, **kwargs: Given.kwargs) -> Done:
        with threadpool_limits(limits=1, user_api="blas"):
            return work(*args, **kwargs)

    return limited


def pipelined(parts: Iterable[Part], read: Callable[[Part], Heard], work: Callable[[Heard], Done]) -> Iterator[Done]:
    """What `work` makes of every part as `read` reads it, in order.

    Parts are read one after the other by the caller's thread, since a file has one place at a time; two are worked on at once,
    so that memory stays that of a few parts.
    """
    _share_heaps()
    with ThreadPoolExecutor(WORKERS) as pool:
        waiting: deque[Future[Done]] = deque()
        for part in parts:
            waiting.append(pool.submit(work, read(part)))
            if len(waiting) > WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@cache
def _share_heaps() -> None:
    """Let all threads allocate from two heaps.

    The GNU C library gives new threads heaps of their own and keeps what is freed in them: of 20 minutes, a fifth of a gigabyte.
    """
    with suppress(OSError, AttributeError, TypeError):  # other C libraries do not, and know of no such limit
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, WORKERS)

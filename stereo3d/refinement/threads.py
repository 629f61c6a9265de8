"""Many small matrices: BLAS would wake its threads for each of them, and what these wait costs more than all the work.

OpenBLAS's threads go on asking for work for some hundredths of a second after each call that woke them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra within it runs on the calling thread alone; a decorator too."""
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> ThreadpoolController:
    """Those loaded: to look for them takes longer than most of what they do here."""
    import scipy.linalg  # noqa: F401 - brings a BLAS of its own

    return ThreadpoolController()

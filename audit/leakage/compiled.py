"""Compilation of the two inner loops of the search: numba where it works, a clear flag where it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])

try:
    import numba
    from numba.core import types
    from numba.extending import intrinsic

    HAVE_NUMBA = True
except ImportError:  # pragma: no cover - numba is a dependency; a broken llvmlite must not stop an audit
    HAVE_NUMBA = False


def compiled(function: Function) -> Function:
    """Compile a function on its first call, without holding the GIL; the machine code is kept between runs.

    Where no folder for the machine code can be written, it is compiled anew in each process. Without numba
    the function stays Python, and callers ask `HAVE_NUMBA` and take their numpy path.
    """
    if not HAVE_NUMBA:  # pragma: no cover
        return function
    try:
        made: Any = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # numba: "cannot cache function: no locator available"
        made = numba.njit(nogil=True)(function)
    return cast(Function, made)


def _popcount_of(context: Any, word: Any) -> Any:
    """Count the ones of a uint64 by the processor's own instruction, which LLVM also vectorises."""

    def emit(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), emit


popcount: Any = intrinsic(_popcount_of) if HAVE_NUMBA else (lambda word: int(word).bit_count())

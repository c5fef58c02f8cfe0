"""Compiles with Numba and caches the machine code on disk, if a folder for it can be written to."""

import logging
from functools import cache
from pathlib import Path

from numba import config, njit, types
from numba.core import event
from numba.extending import intrinsic, overload

log = logging.getLogger(__name__)


class Compilations(event.Listener):
    """Says once a process that something is compiled: what is found on disk is not."""

    def on_start(self, event):
        if log.isEnabledFor(logging.INFO):
            tell()

    def on_end(self, event):
        pass


@cache
def tell():
    log.info("Numba compiles loops first, which takes a while; later jobs find their machine code on disk")


event.register("numba:compile", Compilations())


def compiled(*signature, compiler=njit, uses=(), **options):
    """A decorator: Numba's `compiler` with these options, and with its cache on disk if that can be written to.

    Numba compiles again after an edit of the file that holds the function, so the options belong in that file. It does
    not see edits of other files: `uses` names the modules whose compiled functions are called, and an edit of one of
    them also leads to a new compilation.
    """
    if compiler is njit:
        # Else the process that compiles runs the function that is called, later ones the copy that the caller's machine
        # code holds, which may be optimised in another way: the first results would differ from the next in their bits.
        options["forceinline"] = True

    def decorate(function):
        try:
            if uses and not config.DISABLE_JIT:  # first: with a signature, what is cached is read at once
                forget_if_older(compiler(cache=True, **options)(function), uses)
            return compiler(*signature, cache=True, **options)(function)
        except RuntimeError:  # neither the folder beside the file nor the user's own can be written to
            return compiler(*signature, **options)(function)

    return decorate


def forget_if_older(function, modules):
    """Removes the cache index of a compiled function if the file of one of the modules is newer."""
    edited = max(Path(module.__file__).stat().st_mtime for module in modules)
    for index in Path(function.stats.cache_path).glob(f"*.{function.__qualname__}-*.nbi"):
        if index.stat().st_mtime < edited:
            index.unlink(missing_ok=True)


def without_refcount(x):
    """Switches off Numba's reference counting for an array or a tuple of arrays, which the caller must keep alive.

    Each count is an atomic operation: in loops that take millions of slices they take a fifth of the time.
    """
    return x


@overload(without_refcount)
def _(x):
    return lambda x: strip_refcount(x)


@intrinsic
def strip_refcount(typing_context, x):
    def stripped(context, builder, kind, value):
        if isinstance(kind, types.Array):
            array = context.make_array(kind)(context, builder, value)
            array.meminfo = array.meminfo.type(None)
            return array._getvalue()
        for i, part in enumerate(kind):
            value = builder.insert_value(value, stripped(context, builder, part, builder.extract_value(value, i)), i)
        return value

    return x(x), lambda context, builder, signature, values: stripped(context, builder, signature.args[0], values[0])

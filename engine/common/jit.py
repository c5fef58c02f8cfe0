"""Numba, whose compiled code is kept on disk where there is a place for it."""

from pathlib import Path

from numba import config, njit, types
from numba.extending import intrinsic, overload


def compiled(*signature, compiler=njit, uses=(), **options):
    """A decorator: `compiler` of Numba with these options. The machine code is kept on disk if that can be written to.

    Numba makes it anew after an edit of the file that holds the function, so the options belong into that file; here,
    after an edit of the modules in `uses` as well, whose compiled functions it calls.
    """

    def decorate(function):
        try:
            found = compiler(*signature, cache=True, **options)(function)
        except RuntimeError:  # neither the folder beside the file nor the user's own can be written to
            return compiler(*signature, **options)(function)
        if uses and not config.DISABLE_JIT:
            forget_if_older(found, uses)
        return found

    return decorate


def forget_if_older(function, modules):
    """Removes the index of what is kept on disk of a compiled function if it is older than the file of a module."""
    edited = max(Path(module.__file__).stat().st_mtime for module in modules)
    for index in Path(function.stats.cache_path).glob(f"*.{function.__qualname__}-*.nbi"):
        if index.stat().st_mtime < edited:
            index.unlink(missing_ok=True)


def without_refcount(x):
    """An array, or a tuple of them, whose references compiled code does not count; it must be kept alive elsewhere.

    A count is an atomic operation: in loops that take slices by the million it is a fifth of all time.
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

"""Numba, whose compiled code is kept on disk where there is a place for it."""

from numba import njit


def compiled(*signature, compiler=njit, **options):
    """A decorator: `compiler` of Numba with these options. The machine code is kept on disk if that can be written to.

    Numba makes it anew after an edit of the file that holds the function, so the options belong into that file.
    """

    def decorate(function):
        try:
            return compiler(*signature, cache=True, **options)(function)
        except RuntimeError:  # neither the folder beside the file nor the user's own can be written to
            return compiler(*signature, **options)(function)

    return decorate

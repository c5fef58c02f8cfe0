"""Where the memory of freed arrays goes."""

import ctypes

# Of malloc.h: how much freed memory stays with the process, and how many allocations may be mappings of their own.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4


def keep_freed_memory():
    """Freed memory stays with this process, where the C library is glibc.

    Otherwise glibc gives large arrays back to the kernel, which must clear their pages again for the next ones.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, TypeError):  # another C library
        return
    mallopt(M_TRIM_THRESHOLD, -1)
    mallopt(M_MMAP_MAX, 0)

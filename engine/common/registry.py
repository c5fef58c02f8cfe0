"""Looks up registered cells, tasks, rules by name; the error for an unknown name suggests the nearest one."""

from difflib import get_close_matches


def nearest(name, allowed):
    """`, did you mean X?` if some allowed name is close to `name`, else an empty string."""
    close = get_close_matches(str(name), [str(a) for a in allowed], n=1, cutoff=0.5)
    return f", did you mean {close[0]!r}?" if close else ""


def lookup(kind, name, registry):
    """registry[name]; ValueError for an unknown name lists the allowed ones."""
    if name not in registry:
        allowed = ", ".join(registry)
        raise ValueError(f"unknown {kind} {name!r}{nearest(name, registry)} (allowed: {allowed})")
    return registry[name]

"""What the checks of a configuration share: a mistake is a line, and what has the wrong form is not read further."""


class Unreadable(KeyError):
    """A key of a configuration that is missing, or whose value has the wrong form."""


class Part(dict):
    """A mapping of a configuration with those values that can be read; `in` asks for what was `written`."""

    def __init__(self, kept, written):
        super().__init__(kept)
        self.written = written

    def __contains__(self, key):
        return key in self.written

    def __missing__(self, key):
        raise Unreadable(key)


def readable(value, wrong, path=()):
    """A copy of a configuration without the values at the paths `wrong`, and without the lists that this empties."""
    if isinstance(value, dict):
        kept = {key: readable(v, wrong, (*path, key)) for key, v in value.items() if (*path, key) not in wrong}
        return Part({key: v for key, v in kept.items() if v or not value[key]}, value)
    if isinstance(value, list):
        return [readable(v, wrong, (*path, i)) for i, v in enumerate(value) if (*path, i) not in wrong]
    return value


def as_far_as_readable(lines):
    """The lines of a check, up to where it needs what cannot be read."""
    try:
        yield from lines
    except Unreadable:
        return


def tried(make):
    """(make(), []), or None and [line] if it raises ValueError or TypeError; no line if it cannot be read."""
    try:
        return make(), []
    except Unreadable:
        return None, []
    except (ValueError, TypeError) as error:
        return None, [str(error)]


def refused(key, make):
    """[line] with the key and the message if make() is refused, else []."""
    return [f"{key}: {line}" for line in tried(make)[1]]

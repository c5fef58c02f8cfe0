"""Words for names of the configuration, for titles and captions."""

DATA = {"fresh": "fresh data"}


def data_label(name):
    """The kind of training data `name` in words."""
    return DATA.get(name) or name.replace("_", " ")

"""Words for names of the configuration, for titles and captions."""

ALL_TASKS = "all tasks"  # the mean over them
DATA = {"fresh": "fresh data"}


def data_label(name):
    """The kind of training data `name` in words."""
    return DATA.get(name) or name.replace("_", " ")

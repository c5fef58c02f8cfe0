"""Names of the configuration in words."""

DATA = {"fresh": "fresh data"}


def data_label(name):
    """The data that a network is trained on, in words."""
    return DATA.get(name) or name.replace("_", " ")

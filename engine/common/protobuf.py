"""Messages of Protocol Buffers from bytes, without their schema: what is read knows the numbers of its fields."""


def fields(message):
    """{number: values} of a message: whole numbers, or bytes of text, of a message in it or of packed numbers.

    `message` is a memoryview; ValueError where it ends too early.
    """
    found, position = {}, 0
    while position < len(message):
        key, position = varint(message, position)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, position = varint(message, position)
        else:
            if wire not in (1, 2, 5):
                raise ValueError("it is no message of Protocol Buffers")
            size, position = varint(message, position) if wire == 2 else ({1: 8, 5: 4}[wire], position)
            value, position = message[position : position + size], position + size
        if position > len(message):
            raise ValueError("it ends too early")
        found.setdefault(number, []).append(value)
    return found


def varint(message, position):
    """A whole number of seven bits a byte, the lowest first, and the position behind it."""
    value = shift = 0
    while True:
        if position >= len(message):
            raise ValueError("it ends too early")
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position


def whole_numbers(values):
    """All whole numbers of a field, which may be packed."""
    found = []
    for value in values:
        if isinstance(value, int):
            found.append(value)
            continue
        position = 0
        while position < len(value):
            number, position = varint(value, position)
            found.append(number)
    return found

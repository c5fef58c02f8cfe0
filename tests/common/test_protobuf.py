"""Messages of Protocol Buffers, by the examples of its manual and by hand."""

import pytest

from engine.common.protobuf import fields, whole_numbers


def test_fields_of_each_kind():
    """150 in field 1, the text `testing` in field 2, packed 3, 270 and 86942 in field 6; 4 and 8 bytes as they are."""
    message = (
        bytes.fromhex("08 96 01  12 07 74 65 73 74 69 6e 67  32 06 03 8e 02 9e a7 05  1d 00 00 80 3f  21") + b"eight by"
    )
    found = fields(memoryview(message))
    assert found[1] == [150] and bytes(found[2][0]) == b"testing" and whole_numbers(found[6]) == [3, 270, 86942]
    assert bytes(found[3][0]) == b"\x00\x00\x80\x3f" and bytes(found[4][0]) == b"eight by"


def test_a_field_may_stand_several_times_and_is_a_list_either_way():
    assert whole_numbers(fields(memoryview(b"\x08\x01\x08\x02"))[1]) == [1, 2]


@pytest.mark.parametrize("message", [b"\x08", b"\x08\x96", b"\x12\x07tes", b"\x0b", b"\x1d\x00"])
def test_what_is_no_message_is_said(message):
    with pytest.raises(ValueError, match=r"ends too early|no message of Protocol Buffers"):
        fields(memoryview(message))

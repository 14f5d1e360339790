"""The file of events that TensorBoard reads: numbers over steps, each under a name.

A file is a row of records; a record is a length, its check sum, the contents, and theirs. The contents are an ``Event`` of
Protocol Buffers. For numbers alone that is a page of code, where the package ``tensorboard`` is 180 MB with what it needs.

References
----------
tensorflow/core/lib/io/record_writer.h: records, and the masked check sum.
tensorboard/compat/proto/event.proto and summary.proto: the numbers of the fields.
protobuf.dev/programming-guides/encoding: how fields are written.
"""

import struct
from collections.abc import Mapping

_POLYNOMIAL = 0x82F63B78  # Castagnoli, bits reversed
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def _table_entry(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = [_table_entry(byte) for byte in range(256)]


def crc32c(data: bytes) -> int:
    """Check sum of Castagnoli (RFC 3720, B.4)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def head(wall_time_s: float) -> bytes:
    """What a file begins with."""
    return _record(_field(1, _FIXED64, struct.pack("<d", wall_time_s)) + _text(3, b"brain.Event:2"))


def numbers_at(step: int, numbers: Mapping[str, float], wall_time_s: float) -> bytes:
    """Some numbers at a step."""
    values = b"".join(
        _text(1, _text(1, name.encode()) + _field(2, _FIXED32, struct.pack("<f", number)))
        for name, number in numbers.items()
    )
    time = _field(1, _FIXED64, struct.pack("<d", wall_time_s))
    return _record(time + _field(2, _VARINT, _varint(step)) + _text(5, values))


def _record(contents: bytes) -> bytes:
    length = struct.pack("<Q", len(contents))
    return length + _masked(length) + contents + _masked(contents)


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def _field(number: int, kind: int, contents: bytes) -> bytes:
    return _varint(number << 3 | kind) + contents


def _text(number: int, contents: bytes) -> bytes:
    return _field(number, _BYTES, _varint(len(contents)) + contents)


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])

import json
import struct

from modeling import events
from modeling.journal import EVENTS, LINES, Journal

# As the package tensorboard 2.21 writes them: Event(wall_time=1700000000.5, file_version="brain.Event:2"), then
# Event(wall_time=1700000001.25, step=300) with a summary of validation_esr = 0.125 and loss = 2.5.
TENSORBOARD = bytes.fromhex(
    "1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a322b353110"
    "3200000000000000241956ec0900005040fc54d94110ac022a240a150a0e76616c69646174696f6e5f657372150000003e"
    "0a0b0a046c6f73731500002040342a619a"
)


def test_the_check_sum_is_that_of_the_standard():
    assert events.crc32c(b"123456789") == 0xE3069283  # Koopman's catalogue
    assert events.crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4: 32 bytes of zeros


def test_events_are_written_as_tensorboard_writes_them():
    numbers = events.numbers_at(300, {"validation_esr": 0.125, "loss": 2.5}, 1700000001.25)
    assert events.head(1700000000.5) + numbers == TENSORBOARD


def test_a_journal_is_on_disk_as_soon_as_it_is_told(tmp_path):
    journal = Journal(tmp_path)
    told = [{"rung": "linear", "validation_esr": 0.5, "kept": True}, {"step": 7, "loss": None, "validation_esr": 0.25}]
    for number, record in enumerate(told, 1):
        journal.tell(record)
        lines = (tmp_path / LINES).read_text().splitlines()
        assert [json.loads(line) for line in lines] == told[:number] == journal.records
    for name, contents in journal.contents.items():
        assert (tmp_path / name).read_bytes() == contents
    # What is no number is left out; a rung has no step, and counts as that of its place.
    assert [(step, names) for step, names in _read(journal.contents[EVENTS])] == [
        (1, {"rung/validation_esr": 0.5}),
        (7, {"validation_esr": 0.25}),
    ]
    again = Journal(tmp_path)
    assert (tmp_path / LINES).read_bytes() == again.contents[LINES] == b""


def _read(contents):
    """Steps below 128 and the numbers at them, names being shorter than 128."""
    while contents:
        (length,) = struct.unpack("<Q", contents[:8])
        event, contents = contents[12 : 12 + length], contents[16 + length :]
        if event[9] == 0x10:
            step, values, numbers = event[10], event[13:], {}
            while values:
                value, values = values[2 : 2 + values[1]], values[2 + values[1] :]
                numbers[value[2 : 2 + value[1]].decode()] = struct.unpack("<f", value[-4:])[0]
            yield step, numbers

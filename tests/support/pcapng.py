# Reads pcapng (draft-ietf-opsawg-pcapng) strictly, for tests: read(data) gives interfaces, packets and statistics with their
# options, and raises on what is not as the specification says.
import struct
from collections import namedtuple

Interface = namedtuple("Interface", "link snaplen options")
Packet = namedtuple("Packet", "interface time length frame options")
Statistics = namedtuple("Statistics", "interface time options")
SECTION, INTERFACE, STATISTICS, ENHANCED = 0x0A0D0D0A, 1, 5, 6
COMMENT, QUEUE, VERDICT, IF_NAME, IF_TSRESOL, ISB_RECV, ISB_DROP = 1, 6, 7, 2, 9, 4, 5


def options_of(data):
    options, at = {}, 0
    while at < len(data):
        code, length = struct.unpack_from("<HH", data, at)
        if code == 0:
            assert length == 0 and at + 4 == len(data), "opt_endofopt ends the options"
            return options
        assert code not in options, f"option {code} comes twice"
        options[code] = data[at + 4 : at + 4 + length]
        assert len(options[code]) == length
        assert not any(data[at + 4 + length : at + 4 + (length + 3) // 4 * 4]), "padding is zero"
        at += 4 + (length + 3) // 4 * 4
    assert not data, "options without an end"
    return options


def blocks(data):
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        assert length % 4 == 0 and length >= 12 and at + length <= len(data), f"a block of {length} bytes at {at}"
        assert struct.unpack_from("<I", data, at + length - 4)[0] == length
        yield kind, data[at + 8 : at + length - 4]
        at += length


def read(data):
    interfaces, packets, statistics = [], [], []
    for number, (kind, body) in enumerate(blocks(data)):
        assert (kind == SECTION) == (number == 0), "one section"
        if kind == SECTION:
            assert struct.unpack_from("<IHHq", body) == (0x1A2B3C4D, 1, 0, -1)
            options_of(body[16:])
        elif kind == INTERFACE:
            link, reserved, snaplen = struct.unpack_from("<HHI", body)
            assert reserved == 0
            interfaces.append(Interface(link, snaplen, options_of(body[8:])))
        elif kind == ENHANCED:
            interface, high, low, captured, length = struct.unpack_from("<IIIII", body)
            assert interface < len(interfaces) and captured <= length
            padded = (captured + 3) // 4 * 4
            packets.append(Packet(interface, high << 32 | low, length, body[20 : 20 + captured], options_of(body[20 + padded :])))
        elif kind == STATISTICS:
            interface, high, low = struct.unpack_from("<III", body)
            statistics.append(Statistics(interface, high << 32 | low, options_of(body[12:])))
        else:
            raise AssertionError(f"block type {kind:#x}")
    return interfaces, packets, statistics

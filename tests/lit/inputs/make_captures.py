# make_captures.py FOLDER: writes small captures for the tests of `xdpc run`: good, cut, broken, not Ethernet. No capture
# is kept in the repository as a binary file.
import pathlib
import struct
import sys


def eth(type_, payload):
    return bytes.fromhex("02005e00530102005e005302") + struct.pack(">H", type_) + payload


def ipv4(proto, payload, src="198.51.100.1", dst="203.0.113.1"):
    address = lambda text: bytes(int(part) for part in text.split("."))  # noqa: E731
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, proto, 0) + address(src) + address(dst)
    return eth(0x0800, header + payload)


def tcp(dport, flags):
    return struct.pack(">HHIIBBHHH", 49152, dport, 0, 0, 0x50, flags, 1024, 0, 0)


def udp(sport, dport, payload=b""):
    return struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload


MIXED = [
    (ipv4(6, tcp(443, 0x02)), None),  # a SYN
    (ipv4(6, tcp(443, 0x12)), None),  # SYN and ACK
    (ipv4(17, udp(53, 4000, bytes(600))), None),
    (eth(0x0806, bytes.fromhex("0001080006040001") + bytes(20)), None),
    (b"short", None),
    (ipv4(6, tcp(443, 0x02)), 1500),  # the wire had more
]


def pcap(frames, link=1, start=1_700_000_000):
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    for number, (frame, wire) in enumerate(frames):
        out += struct.pack("<IIII", start + number, 0, len(frame), wire or len(frame)) + frame
    return out


def pcapng(frames):
    def block(type_, body):
        body += bytes(-len(body) % 4)
        return struct.pack("<II", type_, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack("<HHI", 1, 0, 65535))
    for number, (frame, wire) in enumerate(frames):
        time = (1_700_000_000 + number) * 1_000_000
        head = struct.pack("<IIIII", 0, time >> 32, time & 0xFFFFFFFF, len(frame), wire or len(frame))
        out += block(6, head + frame)
    return out


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    good = pcap(MIXED)
    (folder / "mixed.pcap").write_bytes(good)
    (folder / "mixed.pcapng").write_bytes(pcapng(MIXED))
    (folder / "truncated.pcap").write_bytes(good[: 24 + 16 + len(MIXED[0][0]) + 16 + 10])
    (folder / "wifi.pcap").write_bytes(pcap(MIXED, link=105))
    (folder / "empty.pcap").write_bytes(b"")
    (folder / "header.pcap").write_bytes(pcap([]))
    (folder / "text.pcap").write_bytes(b"this is not a capture, it only says so")
    # A flood in time: 500 SYN within one second, then one ten seconds earlier by its timestamp.
    flood = pcap([], start=0)
    for number in range(500):
        frame = ipv4(6, tcp(443, 0x02))
        flood += struct.pack("<IIII", 1_700_000_010, number, len(frame), len(frame)) + frame
    frame = ipv4(6, tcp(443, 0x02))
    flood += struct.pack("<IIII", 1_700_000_000, 0, len(frame), len(frame)) + frame
    (folder / "flood.pcap").write_bytes(flood)


main(sys.argv[1])

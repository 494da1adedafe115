"""Frames for the benchmarks, built from bytes: a mix that examples/web_edge passes."""

import socket
import struct

ETH = bytes.fromhex("020000000001" "020000000002")


def tcp(sport, dport, flags=0x10):
    return struct.pack(">HHIIBBHHH", sport, dport, 1, 1, 0x50, flags, 65535, 0, 0)


def ipv4(source, protocol, payload):
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0,
                         socket.inet_aton(source), socket.inet_aton("203.0.113.1"))
    return ETH + b"\x08\x00" + header + payload


def ipv6(source, protocol, payload):
    header = struct.pack(">IHBB", 0x60000000, len(payload), protocol, 64)
    header += socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, "2001:db8:2::1")
    return ETH + b"\x86\xdd" + header + payload


def passing(count=64):
    """Acknowledgements to the web ports from many sources, some SSH, ARP and neighbour discovery."""
    frames = []
    for i in range(count):
        port = (80, 443, 8000 + i % 100)[i % 3]
        payload = bytes(i * 7 % 64)
        if i % 16 == 15:
            frames.append(ETH + b"\x08\x06" + bytes(46))
        elif i % 16 == 14:
            frames.append(ipv6("fe80::1", 58, bytes([135, 0, 0, 0]) + bytes(20)))
        elif i % 16 == 13:
            frames.append(ipv4("192.0.2.%d" % (i + 1), 6, tcp(40000 + i, 22)))
        elif i % 2:
            frames.append(ipv6("2001:db8:7:%x::1" % i, 6, tcp(40000 + i, port) + payload))
        else:
            frames.append(ipv4("198.51.100.%d" % (i + 1), 6, tcp(40000 + i, port) + payload))
    return frames


def write_pcap(path, frames):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            out.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)

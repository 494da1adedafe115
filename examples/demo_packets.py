# demo_packets.py serve | connect | flood | capture FILE: the traffic of ./dev demo, bounded, between its own namespaces.
import socket
import struct
import sys
import time

HOST = "192.0.2.1"


def serve():
    sockets = []
    for port in (22, 80, 8443):
        listener = socket.create_server((HOST, port))
        listener.settimeout(0.05)
        sockets.append(listener)
    while True:  # until it is killed
        for listener in sockets:
            try:
                listener.accept()[0].close()
            except TimeoutError:
                pass


def connect():
    for source, port in (("192.0.2.9", 22), ("203.0.113.5", 22), ("192.0.2.9", 80), ("203.0.113.5", 80), ("192.0.2.9", 8443)):
        try:
            socket.create_connection((HOST, port), timeout=1, source_address=(source, 0)).close()
            outcome = "connects"
        except OSError as error:
            outcome = f"does not ({error})"
        print(f"{source} to port {port}: {outcome}")


def syn(source, sport, dport=443):
    address = socket.inet_aton
    tcp = struct.pack(">HHIIBBHHH", sport, dport, 1, 0, 0x50, 2, 1024, 0, 0)
    return struct.pack(">BBHHHBBH", 0x45, 0, 40, 1, 0, 64, 6, 0) + address(source) + address(HOST) + tcp


def ethernet(packet, destination=b"\xff" * 6):
    return destination + bytes.fromhex("02005e005301") + b"\x08\x00" + packet


def flood():
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
        link.bind(("edge0", 0))
        for number in range(600):
            link.send(ethernet(syn(f"203.0.113.{100 + number % 4}", 1024 + number)))
    print("600 SYN sent from 203.0.113.100 to .103")


def capture(path):
    frames = [ethernet(syn("192.0.2.9", 1024 + i, 22)) for i in range(3)]
    frames += [ethernet(syn("198.51.100.1", 1024 + i, port)) for i, port in enumerate((22, 80, 443, 8080, 9999))]
    frames += [ethernet(syn(f"203.0.113.{100 + i % 4}", 1024 + i)) for i in range(600)]
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number, frame in enumerate(frames):
            file.write(struct.pack("<IIII", int(time.time()), number, len(frame), len(frame)) + frame)


def main(command, *arguments):
    {"serve": serve, "connect": connect, "flood": flood, "capture": capture}[command](*arguments)


main(*sys.argv[1:])

# Swaps under traffic: numbered packets, half of which both policies pass and half of which both drop, arrive exactly as they
# should while `xdpc attach` puts one policy over the other: none meets a moment without a policy, and none is lost.
import mmap
import socket
import struct
import time

import world
from frames import ethernet, ip, udp
from world import MODES, cases

SWAPS, LEAST, MOST, RATE = 20, 200_000, 4_000_000, 30_000  # packets, packets a second
OPEN, CLOSED = 9, 10
NUMBER = struct.Struct("!I")
SENT, STOP = 0, 8  # offsets in the shared page

POLICIES = {
    "first": "policy first {\n  passed: pass when udp.dport == 9\n  default drop\n}\n",
    "second": "counter closed\npolicy second {\n  closed_ports: when udp.dport == 10 { count closed; drop }\n"
    "  vlans: drop when vlan\n  rest: pass when udp.dport in { 9, 11 }\n  default drop\n}\n",
}
PASSING = {"first": "passed", "second": "rest"}
DROPPING = {"first": "default", "second": "closed_ports"}


class Stream:
    """Numbered packets from a cable's peer, and which of them come through."""

    def __init__(self, test, cable):
        self.test, self.cable = test, cable
        self.page, self.seen = test.shared(4096), test.shared(MOST)

    def start(self):
        self.behind, link = self.receiver(), self.cable.packet_socket()
        self.test.addCleanup(link.close)
        self.sender = self.test.child(lambda: self.send_numbers(link))

    def sent(self):
        return struct.unpack_from("Q", self.page, SENT)[0]

    def send_numbers(self, link):
        """Frames of either family in turn, those with an even number to the port that is open."""
        sources = ("203.0.113.5", "2001:db8:99::5")
        heads = [ethernet(ip(udp(dport=port, payload=bytes(4)), source))[:-4] for source in sources for port in (OPEN, CLOSED)]
        begin, number = time.monotonic(), 0
        while number < MOST and not self.page[STOP]:
            for number in range(number, number + 100):
                link.send(heads[number % 4] + NUMBER.pack(number))
            number += 1
            struct.pack_into("Q", self.page, SENT, number)
            time.sleep(max(0.0002, begin + number / RATE - time.monotonic()))

    def collect_numbers(self, link):
        while True:
            frame = link.recv(2048)
            self.seen[NUMBER.unpack(frame[-4:])[0]] += 1

    def receiver(self):
        link = self.cable.packet_socket(None, receive=True)
        self.test.addCleanup(link.close)
        link.setsockopt(socket.SOL_SOCKET, world.Capture.RCVBUFFORCE, 256 << 20)
        self.test.child(lambda: self.collect_numbers(link))
        return link

    def finish(self):
        """Every packet was judged right."""
        world.eventually(self.sent, lambda sent: sent >= LEAST, 3 * world.PATIENCE)
        self.page[STOP] = 1
        self.test.await_child(self.sender)
        sent = self.sent()
        self.test.assertGreaterEqual(sent, LEAST)
        numbers = lambda first: self.seen[first:sent:2]  # noqa: E731
        world.eventually(lambda: sum(numbers(0)), lambda arrived: arrived >= sent // 2, 2)
        self.test.assertEqual(max(numbers(1)), 0, "a packet passed that both policies drop")
        self.test.assertEqual(max(numbers(0)), 1)
        _, full = struct.unpack("II", self.behind.getsockopt(world.Capture.PACKET, 6, 8))  # PACKET_STATISTICS
        lost = sent // 2 - sum(numbers(0))
        self.test.assertLessEqual(lost, full + self.cable.dropped(), "lost, and not for a queue that was full")


class Swap(world.LiveTest):
    def shared(self, size):
        memory = mmap.mmap(-1, size)
        self.addCleanup(memory.close)
        return memory

    def sent(self):
        return sum(stream.sent() for stream in self.streams)

    def start_streams(self, devices):
        self.streams = [Stream(self, self.cable(device=device)) for device in devices]

    @cases(mode=MODES, devices=("edge0", "edge0,edge1"))
    def test_no_packet_meets_a_moment_without_a_policy(self, mode, devices):
        self.start_streams(devices.split(","))
        self.files = {name: world.policy_file(f"{name}.xf", text) for name, text in POLICIES.items()}
        self.attach(self.files["first"], mode, devices)
        for stream in self.streams:
            stream.start()
        generation = self.attached()[0]["generation"]
        for swap in range(SWAPS):
            name = ("second", "first")[swap % 2]
            before = self.sent()
            self.assertIn(f"in place of {('first', 'second')[swap % 2]}", self.attach(self.files[name], device=devices))
            self.assertGreater(world.eventually(self.sent, lambda sent: sent > before + 200), before, "the traffic goes on")
            generation += 1
            running = [(entry["policy"], entry["generation"], entry["mode"]) for entry in self.attached()]
            self.assertEqual(running, [(name, generation, mode)] * len(self.streams))
            both = {PASSING[name], DROPPING[name]}
            taken_over = self.rules()  # counts go on under their names
            grown = lambda: {rule for rule in both if self.rules().get(rule, 0) > taken_over.get(rule, 0)}  # noqa: E731
            self.assertEqual(world.eventually(grown, lambda rules: len(rules) == 2), both, "what the new one sees")
        for stream in self.streams:
            stream.finish()

    def test_the_mode_of_a_running_policy_stays(self):
        cable = self.cable()
        files = {name: world.policy_file(f"{name}.xf", text) for name, text in POLICIES.items()}
        self.attach(files["first"], "generic")
        message = self.xdpc("attach", files["second"], "--dev", "edge0", "--mode", "native", code=3)
        self.assertIn("the policy on `edge0` runs in generic mode, and a swap cannot change that", message)
        self.attach(files["second"])
        (running,) = self.attached()
        self.assertEqual((running["policy"], running["mode"], running["generation"]), ("second", "generic", 2))
        self.expect_judged(cable, "pass by rest", ethernet(ip(udp(dport=11), "203.0.113.5")))

    def test_reading_commands_never_meet_a_gap(self):
        self.cable()
        self.page = self.shared(4096)
        files = [world.policy_file(f"{name}.xf", text) for name, text in POLICIES.items()]
        self.attach(files[0])
        child = self.child(self.read_on)
        for swap in range(SWAPS):
            self.attach(files[1 - swap % 2])
        world.eventually(self.rounds, lambda rounds: rounds >= 5)
        self.page[STOP] = 1
        self.await_child(child)
        self.assertGreaterEqual(self.rounds(), 5, "it did read")

    def rounds(self):
        return struct.unpack_from("Q", self.page, SENT)[0]

    def read_on(self):
        while not self.page[STOP]:
            self.assertIn(self.counters()["policy"], POLICIES)
            self.assertEqual([entry["policy"] in POLICIES for entry in self.attached()], [True])
            self.assertIn("program", self.xdpc("show", "--dev", "edge0"))
            struct.pack_into("Q", self.page, SENT, self.rounds() + 1)


world.main()

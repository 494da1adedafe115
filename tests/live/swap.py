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


class Swap(world.LiveTest):
    def shared(self, size):
        memory = mmap.mmap(-1, size)
        self.addCleanup(memory.close)
        return memory

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

    def receiver(self, cable):
        link = cable.packet_socket(None, receive=True)
        self.addCleanup(link.close)
        link.setsockopt(socket.SOL_SOCKET, world.Capture.RCVBUFFORCE, 256 << 20)
        self.child(lambda: self.collect_numbers(link))
        return link

    @cases(mode=MODES)
    def test_no_packet_meets_a_moment_without_a_policy(self, mode):
        cable = self.cable()
        self.page, self.seen = self.shared(4096), self.shared(MOST)
        files = {name: world.policy_file(f"{name}.xf", text) for name, text in POLICIES.items()}
        self.attach(files["first"], mode)
        behind, link = self.receiver(cable), cable.packet_socket()
        self.addCleanup(link.close)
        sender = self.child(lambda: self.send_numbers(link))
        generation = self.attached()[0]["generation"]
        for swap in range(SWAPS):
            name = ("second", "first")[swap % 2]
            before = self.sent()
            self.assertIn(f"in place of {('first', 'second')[swap % 2]}", self.attach(files[name]))
            self.assertGreater(world.eventually(self.sent, lambda sent: sent > before + 200), before, "the traffic goes on")
            (running,) = self.attached()
            generation += 1
            self.assertEqual((running["policy"], running["generation"], running["mode"]), (name, generation, mode))
            both = {PASSING[name], DROPPING[name]}
            taken_over = self.rules()  # counts go on under their names
            grown = lambda: {rule for rule in both if self.rules().get(rule, 0) > taken_over.get(rule, 0)}  # noqa: E731
            self.assertEqual(world.eventually(grown, lambda rules: len(rules) == 2), both, "what the new one sees")
        world.eventually(self.sent, lambda sent: sent >= LEAST, 3 * world.PATIENCE)
        self.page[STOP] = 1
        self.await_child(sender)
        self.expect_all_judged_right(cable, behind)

    def expect_all_judged_right(self, cable, behind):
        sent = self.sent()
        self.assertGreaterEqual(sent, LEAST)
        numbers = lambda first: self.seen[first:sent:2]  # noqa: E731
        world.eventually(lambda: sum(numbers(0)), lambda arrived: arrived >= sent // 2, 2)
        self.assertEqual(max(numbers(1)), 0, "a packet passed that both policies drop")
        self.assertEqual(max(numbers(0)), 1)
        _, full = struct.unpack("II", behind.getsockopt(world.Capture.PACKET, 6, 8))  # PACKET_STATISTICS
        lost = sent // 2 - sum(numbers(0))
        self.assertLessEqual(lost, full + cable.dropped(), "lost, and not for a queue that was full")

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
        world.eventually(self.sent, lambda rounds: rounds >= 5)
        self.page[STOP] = 1
        self.await_child(child)
        self.assertGreaterEqual(self.sent(), 5, "it did read")

    def read_on(self):
        """Counts its rounds where the sender counts its packets."""
        while not self.page[STOP]:
            self.assertIn(self.counters()["policy"], POLICIES)
            self.assertEqual([entry["policy"] in POLICIES for entry in self.attached()], [True])
            self.assertIn("program", self.xdpc("show", "--dev", "edge0"))
            struct.pack_into("Q", self.page, SENT, self.sent() + 1)


world.main()

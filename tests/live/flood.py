# SYN floods against examples/web_edge: cut after the declared burst, the sources banned, others unharmed; nothing is lost
# between what was sent and what the rules count; events reach a reader as JSON, and count as unread without one.
import json
import os
import signal
import time

import world
from frames import SYN, ethernet, ip, tcp, udp
from world import MODES, cases

NETWORK = {4: "203.0.113.{}", 6: "2001:db8:99::{:x}"}  # one bucket of the meter
OTHER = {4: "198.51.100.1", 6: "2001:db8:77::1"}
HOST = {4: "192.0.2.1", 6: "2001:db8:42::1"}
SOURCES, ROUNDS = 250, 12  # 3,000 frames
BURST, RATE, SAMPLE = 400, 200, 100


def syn(source):
    return ethernet(ip(tcp(dport=443, flags=SYN), source))


def sampled(packets):
    """Events of so many packets on one CPU: the first, the 101st, the 201st …"""
    return -(-packets // SAMPLE)


class Flood(world.LiveTest):
    def flood(self, cable, family):
        """From every source in turn; gives the seconds that the meter has seen at most."""
        frames = [syn(NETWORK[family].format(1 + number)) for number in range(SOURCES)] * ROUNDS
        total = lambda: sum(self.rules().values())  # noqa: E731
        before = total()
        begin = time.monotonic()
        cable.send(frames)
        due = before + len(frames)
        self.assertEqual(world.eventually(total, lambda sum: sum >= due), due, "each frame counts once")
        return time.monotonic() - begin

    def events(self):
        with open("/run/test/out") as out:
            return [json.loads(line) for line in out]

    @cases(mode=MODES, family=(4, 6))
    def test_a_flood_is_cut_and_its_sources_are_banned(self, mode, family):
        cable = self.cable()
        self.attach(world.example("web_edge"), mode)
        behind = self.capture(cable, None)
        reader = self.reader()
        begin = time.monotonic_ns()
        elapsed = self.flood(cable, family)
        counts = self.rules()
        self.assertEqual(set(counts), {"web", "syn_flood", "listed"})
        self.assertGreaterEqual(counts["web"], BURST)
        self.assertLessEqual(counts["web"], BURST + RATE * elapsed + 1)
        self.assertGreater(counts["syn_flood"], SAMPLE)
        self.assertEqual(len(behind.frames()), counts["web"], "what passed arrived, and nothing else")
        self.check_bans(family, counts["syn_flood"])
        self.check_events(reader, family, begin, counts["syn_flood"])
        self.expect_judged(cable, "pass by web", syn(OTHER[family]))
        self.expect_judged(cable, "drop by listed", ethernet(ip(udp(dport=443), next(iter(self.elements("banned"))))))

    def check_bans(self, family, flooded):
        banned = self.elements("banned")
        self.assertLessEqual(set(banned), {NETWORK[family].format(1 + number) for number in range(SOURCES)})
        self.assertEqual(len(banned), flooded, "each source once, then it is listed")
        self.assertTrue(all(600 - world.PATIENCE - 30 < remaining <= 600 for remaining in banned.values()), banned)
        line = self.xdpc("set", "list", "banned", "--dev", "edge0").splitlines()[1]
        self.assertRegex(line, r"^[0-9a-f.:]+ +(9m[0-9]{2}s|10m00s)$")

    def check_events(self, reader, family, begin, flooded):
        expected = sampled(flooded)
        self.assertEqual(len(world.eventually(self.events, lambda events: len(events) >= expected)), expected)
        reader.send_signal(signal.SIGTERM)
        self.assertEqual(reader.wait(world.PATIENCE), 0)
        self.assertEqual(self.lease(), 0, "the lease is given back")
        events = self.events()
        self.assertEqual([event["time_ns"] for event in events], sorted(event["time_ns"] for event in events))
        sources = {event["fields"].pop("ip.src") for event in events}
        self.assertEqual(len(sources), expected, "each source is reported once")
        self.assertLessEqual(sources, set(self.elements("banned")))
        fields = {"ip.dst": HOST[family], "l4.dport": 443, "pkt.len": len(syn(NETWORK[family].format(1)))}
        for event in events:
            self.assertTrue(begin < event.pop("time_ns") < time.monotonic_ns())
            self.assertEqual(event, {"schema": 1, "event": "flood", "rule": "syn_flood", "verdict": "drop", "fields": fields})
        system = self.counters()["system"]
        self.assertEqual({name: cell["packets"] for name, cell in system.items() if cell["packets"]}, {})

    @cases(mode=MODES)
    def test_without_a_reader_events_count_as_unread(self, mode):
        cable = self.cable()
        self.attach(world.example("web_edge"), mode)
        self.flood(cable, 4)
        expected, system = sampled(self.rules()["syn_flood"]), self.counters()["system"]
        self.assertEqual(system["flood.unread"]["packets"], expected)
        self.assertEqual(system["flood.lost"]["packets"], 0)
        self.assertRegex(self.xdpc("counters", "--dev", "edge0"), rf"(?m)^flood\.unread +{expected} ")

    def test_one_reader_at_a_time_and_a_killed_one_makes_room(self):
        cable = self.cable()
        self.attach(world.example("web_edge"))
        first = self.reader()
        message = self.xdpc("events", "--dev", "edge0", code=3)
        self.assertEqual(message, "xdpc: error: somebody else already reads the events of `edge0`\n")
        first.kill()
        first.wait()
        self.assertTrue(world.eventually(lambda: self.lease() < time.monotonic_ns(), bool), "its lease runs out")
        self.flood(cable, 4)
        self.assertEqual(self.counters()["system"]["flood.unread"]["packets"], sampled(self.rules()["syn_flood"]))
        second = self.start("events", "--dev", "edge0", "--json", "--count", "1")
        self.flood_until(cable, lambda: second.poll() is not None)
        self.assertEqual([second.returncode, len(self.events())], [0, 1])

    def flood_until(self, cable, done):
        """A new network each time, so that each ends in an event."""
        deadline = time.monotonic() + world.PATIENCE
        for network in range(256):
            if done() or time.monotonic() > deadline:
                return
            cable.send([syn(f"10.1.{network}.{1 + number % 250}") for number in range(600)])

    def test_a_reader_follows_swaps_and_ends_with_the_policy(self):
        cable = self.cable()
        self.attach(world.example("web_edge"))
        reader = self.reader()
        self.flood(cable, 4)
        first = sampled(self.rules()["syn_flood"])
        self.assertEqual(len(world.eventually(self.events, lambda events: len(events) >= first)), first)
        for _ in range(5):
            self.attach(world.example("web_edge"))
        self.await_reader()
        self.flood(cable, 6)
        both = sampled(self.rules()["syn_flood"])  # counts and samples go on over swaps
        self.assertEqual(len(world.eventually(self.events, lambda events: len(events) >= both)), both)
        families = [":" in event["fields"]["ip.src"] for event in self.events()]
        self.assertEqual(families, [False] * first + [True] * (both - first))
        self.xdpc("detach", "--dev", "edge0")
        self.assertEqual(reader.wait(world.PATIENCE), 0)


class Counting(world.LiveTest):
    @cases(mode=MODES)
    def test_all_cpus_count_at_once(self, mode):
        cable = self.cable()
        self.attach(world.example("syn_counter"), mode)
        frames = [syn(source) for source in (NETWORK[4].format(1), NETWORK[6].format(1))] * 2_500
        cpus = sorted(os.sched_getaffinity(0))
        for sender in [self.child(lambda cpu=cpu: cable.send(frames, cpu)) for cpu in cpus]:
            self.await_child(sender)
        sent = len(frames) * len(cpus) - cable.dropped()
        self.expect_rules({"syn": sent})
        counters = self.counters()
        keys = {key["key"]: key["packets"] for key in counters["counters"]["syns_per_source"]["keys"]}
        # Two CPUs that meet a new key at once: the one that waits in vain for the other counts under `other`.
        other = counters["system"]["syns_per_source.other"]["packets"]
        self.assertLessEqual(other, len(cpus) * len(keys))
        self.assertEqual((set(keys), sum(keys.values()) + other), ({NETWORK[4].format(1), "2001:db8:99::1"}, sent))


world.main()

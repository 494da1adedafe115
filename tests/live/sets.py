# `xdpc set` against live traffic: what is added is dropped at once, elements end in their time, longer ones below or above
# shorter ones, both families; and what the command refuses leaves the set as it was.
import json
import pathlib
import time

import world
from frames import ACK, ethernet, ip, tcp, udp
from world import MODES, cases

LAG = 0.05  # seconds that the coarse clock may be late, generously
BANNED = ("banned", "--dev", "edge0")


def packet(source):
    """Passes by `web` but for its source."""
    return ethernet(ip(tcp(dport=80, flags=ACK), source))


class Sets(world.LiveTest):
    def setUp(self):
        self.link = self.cable()

    def front(self, mode="auto"):
        self.attach(world.example("web_edge"), mode)

    def add(self, *elements, life=None, code=0):
        return self.xdpc("set", "add", *BANNED, *elements, *(["--for", life] if life else []), code=code)

    def delete(self, *elements, code=0):
        return self.xdpc("set", "del", *BANNED, *elements, code=code)

    def expect_listed(self, *sources):
        self.expect_each(self.link, [("drop by listed", packet(source)) for source in sources])

    def expect_open(self, *sources):
        self.expect_each(self.link, [("pass by web", packet(source)) for source in sources])

    def expect_end(self, source, life, begin, added):
        """The source is listed for `life` seconds since a moment between `begin` and `added`, and then no more."""
        while True:
            before = time.monotonic()
            rule, _ = self.judge(self.link, packet(source))
            after = time.monotonic()
            if rule == "listed":
                self.assertLess(before, added + life + LAG, "it ends in time")
                continue
            self.assertGreater(after, begin + life, "it does not end before its time")
            return

    def timed(self, *elements, life):
        begin = time.monotonic()
        self.add(*elements, life=life)
        return begin, time.monotonic()

    @cases(mode=MODES)
    def test_networks_of_both_families_end_in_their_time(self, mode):
        self.front(mode)
        self.expect_open("203.0.113.5", "2001:db8:99::5")
        begin, added = self.timed("203.0.113.0/24", "2001:db8:99::/64", life="2s")
        rules = [self.judge(self.link, packet(source))[0] for source in ("203.0.113.5", "203.0.113.255", "2001:db8:99::5")]
        if time.monotonic() < begin + 2:  # else the machine is too busy for this half
            self.assertEqual(rules, ["listed"] * 3)
        self.expect_open("203.0.112.255", "203.0.114.0", "2001:db8:98::5", "2001:db8:99:1::5")
        self.expect_end("203.0.113.5", 2, begin, added)
        self.expect_end("2001:db8:99::5", 2, begin, added)
        self.assertEqual(self.elements("banned"), {})

    @cases(mode=MODES)
    def test_an_address_is_banned_and_freed(self, mode):
        self.front(mode)
        self.add("203.0.113.5", "2001:db8:99::5")
        self.expect_listed("203.0.113.5", "2001:db8:99::5")
        self.expect_open("203.0.113.4", "2001:db8:99::4")
        self.assertEqual(self.elements("banned"), {"203.0.113.5": None, "2001:db8:99::5": None})
        self.delete("203.0.113.5", "2001:db8:99::5")
        self.expect_open("203.0.113.5", "2001:db8:99::5")

    def test_a_network_outlives_the_addresses_in_it(self):
        self.front()
        self.add("203.0.113.0/24", "2001:db8:99::/48", life="1h")
        self.add("203.0.113.5", "203.0.113.0/28", "2001:db8:99::5", "2001:db8:99::/64", life="1s")
        time.sleep(1.1)
        self.expect_listed("203.0.113.5", "203.0.113.77", "2001:db8:99::5", "2001:db8:99:1::5")
        self.assertEqual(set(self.elements("banned")), {"203.0.113.0/24", "2001:db8:99::/48"})

    def test_addresses_outlive_their_network(self):
        self.front()
        self.add("203.0.113.5", "203.0.113.128/25", "2001:db8:99::5", life="1h")
        begin, added = self.timed("203.0.113.0/24", "2001:db8:99::/48", life="1s")
        self.expect_end("203.0.113.6", 1, begin, added)
        self.expect_end("2001:db8:99::6", 1, begin, added)
        self.expect_listed("203.0.113.5", "203.0.113.129", "2001:db8:99::5")
        self.expect_open("203.0.113.127")

    def test_deleting_is_exact(self):
        self.front()
        self.add("203.0.113.0/24", "203.0.113.0/25", "203.0.113.5")
        self.delete("203.0.113.5")
        self.delete("203.0.113.0/25")
        self.expect_listed("203.0.113.5", "203.0.113.200")
        self.assertIn("203.0.113.5", self.delete("203.0.113.5", code=4))
        self.delete("203.0.113.0/24")
        self.expect_open("203.0.113.5", "203.0.113.200")

    def test_deleting_several_takes_those_that_are_there(self):
        self.front()
        self.add("203.0.113.0/24", "203.0.113.5", "198.51.100.0/24")
        self.assertIn("203.0.113.6", self.delete("203.0.113.0/24", "203.0.113.6", "203.0.113.5", code=4))
        self.assertEqual(self.elements("banned"), {"198.51.100.0/24": None})

    def test_adding_again_never_shortens(self):
        self.front()
        self.add("203.0.113.5", "198.51.100.0/24", life="1h")
        self.add("203.0.113.5", "198.51.100.0/24", life="1s")
        self.assertTrue(all(left > 3000 for left in self.elements("banned").values()))
        self.add("203.0.113.5", "198.51.100.0/24", life="2h")
        self.assertTrue(all(left > 7000 for left in self.elements("banned").values()))

    def full(self):
        """Of a set of 16 elements: what found no place, and what gave its own away; in all ways that show it."""
        system = self.counters()["system"]
        counts = {name: system.get(f"few.{name}", {"packets": 0})["packets"] for name in ("full", "evicted")}
        text, metrics = self.xdpc("counters", "--dev", "edge0"), self.xdpc("metrics")
        for name, count in counts.items():
            self.assertEqual(f"few.{name} " in text, count != 0)
        shown = next(line.split() for line in self.xdpc("show", "--dev", "edge0").splitlines() if line.startswith("few "))
        self.assertEqual(shown[4:], [str(counts["full"]), str(counts["evicted"]) if "few.evicted" in system else "-"])
        shown = json.loads(self.xdpc("show", "--dev", "edge0", "--json"))["system"]
        self.assertEqual(shown, {name: cell["packets"] for name, cell in system.items()})
        for name, count in counts.items():
            self.assertEqual(f'xdpc_set_{name}_total{{device="edge0",netns="",set="few"}} {count}\n' in metrics, f"few.{name}" in system)
        return counts["full"], counts["evicted"]

    def sixteen(self, clause):
        """A policy that adds sources to a set, which is full of elements that end."""
        text = f"set few of ip {{ capacity 16  {clause} }}\npolicy small {{ trap: when udp.dport == 9 {{ add ip.src to few for 1h; pass }}\n default pass }}\n"
        self.attach(world.policy_file("small.xf", text))
        for number in range(16):
            self.xdpc("set", "add", "few", f"192.0.2.{number}", "--dev", "edge0", "--for", f"{number + 1}m")

    def test_what_a_full_set_gives_up_is_counted(self):
        self.sixteen("when full evict")
        self.assertEqual(self.full(), (0, 0))
        self.xdpc("set", "add", "few", "198.51.100.1", "198.51.100.2", "--dev", "edge0")
        self.assertEqual(self.full(), (0, 2))
        self.link.send([ethernet(ip(udp(dport=9), source)) for source in ("203.0.113.1", "2001:db8:99::1", "203.0.113.3")])
        self.expect_rules({"trap": 3})
        self.assertEqual(self.full(), (0, 5))
        self.assertEqual(set(self.elements("few")), {f"192.0.2.{number}" for number in range(5, 16)} | {"198.51.100.1", "198.51.100.2", "203.0.113.1", "2001:db8:99::1", "203.0.113.3"})
        self.attach(world.policy_file("other.xf", pathlib.Path("/run/test/small.xf").read_text().replace("trap:", "first: drop when tcp.dport == 7\n trap:")))
        self.assertEqual(self.full(), (0, 5), "over a swap with other slots, too")
        # What has no end is not given up: then there is no room.
        self.xdpc("set", "replace", "few", *(f"192.0.2.{number}" for number in range(16)), "--dev", "edge0")
        self.assertIn("full", self.xdpc("set", "add", "few", "198.51.100.9", "--dev", "edge0", code=3))
        self.assertEqual(self.full(), (1, 5))

    def test_what_a_full_set_refuses_is_counted(self):
        self.sixteen("when full refuse")
        self.assertIn("full", self.xdpc("set", "add", "few", "198.51.100.1", "--dev", "edge0", code=3))
        self.assertEqual(self.full(), (1, 0))
        self.link.send([ethernet(ip(udp(dport=9), source)) for source in ("203.0.113.1", "2001:db8:99::1")])
        self.expect_rules({"trap": 2})
        self.assertEqual(self.full(), (3, 0))
        self.assertEqual(set(self.elements("few")), {f"192.0.2.{number}" for number in range(16)})

    def test_families_are_apart(self):
        self.front()
        self.add("0.0.0.0/0")
        self.expect_listed("203.0.113.5", "255.255.255.254")
        self.expect_open("2001:db8:99::5", "::ffff:203.0.113.5", "::203.0.113.5")
        self.delete("0.0.0.0/0")
        self.add("::/0")
        self.expect_listed("2001:db8:99::5", "::ffff:203.0.113.5", "::")
        self.expect_open("203.0.113.5")

    def test_neighbours_are_never_listed_but_everything_else_is(self):
        self.front()
        self.add("192.0.2.0/24")
        self.expect_judged(self.link, "drop by listed", ethernet(ip(tcp(dport=22, flags=ACK), "192.0.2.9")))

    def test_a_thousand_at_once(self):
        self.front()
        elements = [f"10.{number // 256}.{number % 256}.0/24" for number in range(500)] + [f"10.9.0.{1 + n % 250}" for n in range(250)]
        self.add(*elements)
        self.assertEqual(set(self.elements("banned")), set(elements))
        self.expect_listed("10.1.243.9", "10.9.0.250")
        self.expect_open("10.1.244.9", "10.9.0.251")
        self.delete(*elements)
        self.assertEqual(self.elements("banned"), {})

    def test_what_is_refused_changes_nothing(self):
        self.front()
        self.add("203.0.113.0/24")
        for arguments, code, message in (
            (("add", *BANNED, "198.51.100.7", "198.51.100.7/24"), 2, "198.51.100.0/24"),
            (("add", *BANNED, "198.51.100.7", "somewhere"), 2, "somewhere"),
            (("add", *BANNED, "443"), 2, "443"),
            (("add", *BANNED, "198.51.100.7", "--for", "10"), 2, "10"),
            (("add", *BANNED, "198.51.100.7", "--for", "soon"), 2, "soon"),
            (("add", "bannd", "--dev", "edge0", "198.51.100.7"), 4, "did you mean `banned`?"),
            (("add", "banned", "--dev", "edge1", "198.51.100.7"), 4, "did you mean `edge0`?"),
            (("del", *BANNED, "203.0.113.5"), 4, "`203.0.113.5` is not in the set `banned`"),
            (("del", *BANNED, "203.0.113.0/25"), 4, "203.0.113.0/25"),
            (("list", "syn_rate", "--dev", "edge0"), 4, "syn_rate"),
        ):
            self.assertIn(message, self.xdpc("set", *arguments, code=code))
        self.assertEqual(self.elements("banned"), {"203.0.113.0/24": None})
        self.expect_listed("203.0.113.5")
        self.expect_open("198.51.100.7")

    def test_tuples_initial_elements_and_a_policy_that_removes(self):
        text = """
set allowed of (ip, port) = { (192.0.2.7, 443), (2001:db8::7, 443) }
policy tuples {
    known: pass when (ip.src, tcp.dport) in allowed
    bye:   when udp.dport == 9 { remove (ip.src, udp.dport) from allowed; drop }
    default drop
}
"""
        self.attach(world.policy_file("tuples.xf", text))
        https = lambda source, port=443: ethernet(ip(tcp(dport=port), source))  # noqa: E731
        self.expect_judged(self.link, "pass by known", https("192.0.2.7"))
        self.expect_judged(self.link, "pass by known", https("2001:db8::7"))
        self.expect_judged(self.link, "drop by default", https("192.0.2.7", 80))
        self.xdpc("set", "add", "allowed", "(192.0.2.7, 80)", "--dev", "edge0")
        self.expect_judged(self.link, "pass by known", https("192.0.2.7", 80))
        listed = json.loads(self.xdpc("set", "list", "allowed", "--dev", "edge0", "--json"))
        elements = [element["element"] for element in listed["elements"]]
        self.assertEqual(sorted(elements), ["(192.0.2.7, 443)", "(192.0.2.7, 80)", "(2001:db8::7, 443)"])
        self.assertEqual({key: listed[key] for key in ("schema", "set")}, {"schema": 1, "set": "allowed"})


world.main()

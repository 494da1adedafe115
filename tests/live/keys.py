# `xdpc show meter` and `show counter`: keys by size, against what was sent.
import json

import world
from frames import ACK, ethernet, ip, tcp, udp

POLICY = """
meter slow { rate 1 pps burst 1000  per ip.src  capacity 1k }
meter bytes { rate 8 bps burst 50000B  per ip.src/24/64 }
meter whole { rate 1 pps burst 50 }
counter per_source { per ip.src  capacity 1k }
counter all
policy front {
    charged: when udp.dport == 9 over slow { drop }
    volume:  when udp.dport == 10 over bytes { drop }
    single:  when udp.dport == 11 over whole { drop }
    counted: when tcp { count per_source; count all }
    default pass
}
"""


class Keys(world.LiveTest):
    def setUp(self):
        self.link = self.cable()
        self.attach(world.policy_file("front.xf", POLICY))

    def show(self, *arguments, code=0):
        done = self.xdpc("show", *arguments, "--dev", "edge0", *([] if code else ["--json"]), code=code)
        return done if code else json.loads(done)

    def test_a_counters_keys_by_packets(self):
        sent = {f"192.0.2.{n}": n for n in range(1, 31)} | {"2001:db8::7": 40}
        self.link.send([ethernet(ip(tcp(dport=80, flags=ACK), source)) for source, times in sent.items() for _ in range(times)])
        self.expect_rules({"counted": sum(sent.values()), "default": sum(sent.values())})
        shown = self.show("counter", "per_source")
        expected = sorted(sent.items(), key=lambda one: -one[1])
        self.assertEqual([(one["key"], one["packets"]) for one in shown["keys"]], expected[:20])
        self.assertEqual((shown["all_keys"], shown["capacity"]), (31, 1000))
        self.assertEqual([one["key"] for one in self.show("counter", "per_source", "--top", "2")["keys"]], ["2001:db8::7", "192.0.2.30"])
        self.assertEqual(len(self.show("counter", "per_source", "--top", "1000")["keys"]), 31)
        text = self.xdpc("show", "counter", "per_source", "--dev", "edge0", "--top", "1")
        self.assertEqual(text.split("\n")[1].split()[:2], ["2001:db8::7", "40"])
        self.assertEqual(self.show("counter", "all")["keys"][0]["packets"], sum(sent.values()))

    def complete(self, *words):
        """What the shell offers for the last word."""
        script = 'source <(/run/xdpc completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _xdpc; echo "${COMPREPLY[@]}"'
        return set(world.sh("bash", "-c", script, "bash", "/run/xdpc", *words).split())

    def test_names_are_completed(self):
        self.attach(world.policy_file("front.xf", POLICY.replace("\npolicy", "\nset banned of ip\nset bad of ip\npolicy").replace("default", "listed: drop when ip.src in banned or ip.src in bad\n default")))
        self.assertEqual(self.complete("set", "add", "ba"), {"banned", "bad"})
        self.assertEqual(self.complete("set", "add", "ban"), {"banned"})
        self.assertEqual(self.complete("show", "m"), {"meter"})
        self.assertEqual(self.complete("show", "meter", ""), {"slow", "bytes", "whole"} | self.complete("show", "meter", "-"))
        self.assertEqual(self.complete("show", "counter", "a"), {"all"})
        self.assertEqual(self.complete("counters", "--dev", "edge0", "c"), {"charged", "counted"})
        self.assertEqual(self.complete("capture", "--dev", "edge0", "--rule", "v"), {"volume"})
        self.assertEqual(self.complete("counters", "--dev", "lo", "c"), set())
        self.assertIn("did you mean `per_source`?", self.show("counter", "per_sourc", code=4))
        self.assertIn("did you mean `slow`?", self.show("meter", "slwo", code=4))

    def test_a_meters_keys_by_what_is_taken(self):
        sent = {"192.0.2.1": 300, "2001:db8::7": 200, "192.0.2.3": 100}
        self.link.send([ethernet(ip(udp(dport=9), source)) for source, times in sent.items() for _ in range(times)])
        self.expect_rules({"default": 600})
        shown = self.show("meter", "slow")
        self.assertEqual([one["key"] for one in shown["keys"]], list(sent))
        for one in shown["keys"]:  # a packet a second comes back
            self.assertTrue(sent[one["key"]] - 30 <= one["taken"] <= sent[one["key"]], one)
            self.assertTrue(abs(one["full_in_ns"] / 1e9 - one["taken"]) <= 1, one)
        self.assertEqual((shown["unit"], shown["rate"], shown["burst"], shown["capacity"]), ("packets", 1, 1000, 1000))
        self.assertIn("2001:db8::7", self.xdpc("show", "meter", "slow", "--dev", "edge0"))
        self.link.send([ethernet(ip(udp(dport=9), "192.0.2.9"))] * 1100)
        emptiest = world.eventually(lambda: self.show("meter", "slow")["keys"][0], lambda one: one["taken"] > 900)
        self.assertEqual(emptiest["key"], "192.0.2.9")
        self.assertTrue(970 <= emptiest["taken"] <= 1000)

    def test_bytes_of_networks_and_a_meter_without_keys(self):
        frame = ethernet(ip(udp(dport=10), "192.0.2.1"))
        self.link.send([frame] * 10 + [ethernet(ip(udp(dport=11), "192.0.2.1"))] * 5)
        self.expect_rules({"default": 15})
        volume = self.show("meter", "bytes")
        self.assertEqual((volume["unit"], [one["key"] for one in volume["keys"]]), ("bytes", ["192.0.2.0/24"]))
        self.assertTrue(10 * len(frame) - 30 <= volume["keys"][0]["taken"] <= 10 * len(frame))
        whole = self.show("meter", "whole")
        self.assertEqual([one["key"] for one in whole["keys"]], [None])
        self.assertTrue(1 <= whole["keys"][0]["taken"] <= 5)

    def test_what_is_not_there(self):
        self.assertIn("did you mean `slow`?", self.show("meter", "slo", code=4))
        self.assertIn("no counter `slow`", self.show("counter", "slow", code=4))
        self.assertIn("which meter?", self.show("meter", code=2))
        self.show("sets", "slow", code=2)
        self.assertEqual(self.show("meter", "slow")["keys"], [])


world.main()

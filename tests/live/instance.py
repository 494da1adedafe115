# Several devices as one instance, as an operator sees it: one attach, shared state, a list that says who belongs together,
# refusals that say what to do, and devices that leave.
import json

import world
from frames import ethernet, ip, udp

HEAD = "counter seen { per ip.src  capacity 64 }\nset banned of ip { capacity 128 }\n"
RULES = "  listed: drop when ip.src in banned\n  web: when udp.dport == 80 { count seen; drop }\n  default pass\n"
BOTH = "edge0,edge1"


def policy(name, rules=RULES):
    return world.policy_file(f"{name}.xf", f"{HEAD}policy {name} {{\n{rules}}}\n")


def frame(port, source="203.0.113.5"):
    return ethernet(ip(udp(dport=port), source))


class Instance(world.LiveTest):
    def setUp(self):
        self.first, self.second = self.cable(), self.cable(device="edge1")

    def send_both(self, *frames):
        for cable in (self.first, self.second):
            cable.send(list(frames))

    def policies(self):
        return {entry["device"]: entry["policy"] for entry in self.attached()}

    def test_state_is_shared(self):
        said = self.attach(policy("front"), device=BOTH)
        self.assertRegex(said, r"^front on edge0 \(native mode\), edge1 \(native mode\), program [0-9]+\n$")
        self.xdpc("set", "add", "banned", "203.0.113.9", "2001:db8:99::9", "--dev", "edge1")
        self.send_both(frame(80), frame(80, "2001:db8:99::5"), frame(9, "203.0.113.9"), frame(9, "2001:db8:99::9"), frame(9))
        for device in ("edge0", "edge1", BOTH):
            self.expect_rules({"web": 4, "listed": 4, "default": 2}, device)
        seen = {key["key"]: key["packets"] for key in self.counters("edge1")["counters"]["seen"]["keys"]}
        self.assertEqual(seen, {"203.0.113.5": 2, "2001:db8:99::5": 2})
        self.assertRegex(self.attach(policy("second", "  more: drop when udp.dport == 9\n" + RULES), device=BOTH), "in place of front")
        self.send_both(frame(80), frame(9))
        self.expect_rules({"web": 6, "listed": 4, "default": 2, "more": 2}, "edge1")
        self.assertEqual(set(self.elements("banned", "edge0")), {"203.0.113.9", "2001:db8:99::9"})

    def test_list_says_who_belongs_together(self):
        self.attach(policy("front"), device=BOTH)
        self.attach(policy("local"), "generic", device="lo")
        self.addCleanup(world.run, "detach", "--dev", "lo")
        listed = {entry["device"]: entry for entry in self.attached()}
        self.assertEqual([listed[device]["devices"] for device in ("lo", "edge0", "edge1")], [["lo"], ["edge0", "edge1"], ["edge0", "edge1"]])
        self.assertEqual(listed["edge0"]["instance"], listed["edge1"]["instance"])
        self.assertNotEqual(listed["edge0"]["instance"], listed["lo"]["instance"])
        self.assertNotEqual(listed["edge0"]["link"], listed["edge1"]["link"])
        lines = [line.split()[:2] for line in self.xdpc("list").splitlines()]
        self.assertEqual(lines, [["device", "with"], ["lo", "-"], ["edge0", "edge1"], ["edge1", "edge0"]])
        self.assertRegex(self.xdpc("show", "--dev", "edge1"), r"(?m)^device +edge1 \(native mode\)\nwith +edge0$")

    def test_a_device_left_out_is_refused_and_one_more_is_added(self):
        self.attach(policy("front"))
        self.send_both(frame(80))
        self.expect_rules({"web": 1})
        self.assertIn("in place of front", self.attach(policy("second"), device=BOTH))
        self.send_both(frame(80))
        self.expect_rules({"web": 3}, "edge1")
        message = self.xdpc("attach", policy("third"), "--dev", "edge1", code=3)
        said = "`edge1` is of an instance with `edge0`, and its devices change together\nname all of them: `--dev edge0,edge1`; or first `xdpc detach --dev edge0`\n"
        self.assertIn(said, message)
        self.assertEqual(self.policies(), {"edge0": "second", "edge1": "second"})

    def test_detaching_one_leaves_the_other(self):
        self.attach(policy("front"), device=BOTH)
        self.send_both(frame(80))
        self.assertEqual(self.xdpc("detach", "--dev", "edge0"), "front off edge0; it goes on on edge1\n")
        self.assertEqual(self.policies(), {"edge1": "front"})
        self.send_both(frame(80))
        self.expect_rules({"web": 3}, "edge1")
        self.attach(policy("own"))
        self.assertEqual(self.policies(), {"edge0": "own", "edge1": "front"})
        message = self.xdpc("attach", policy("third"), "--dev", BOTH, code=3)
        self.assertIn("`edge0` and `edge1` run policies of their own, whose state cannot become one", message)
        self.assertEqual(set(self.xdpc("detach", "--dev", BOTH).splitlines()), {"own off edge0", "front off edge1"})
        self.assertEqual(world.pins(), [])
        self.attach(policy("front"))
        self.assertIn("no policy of xdpc is attached to `edge1`", self.xdpc("detach", "--dev", BOTH, code=4))
        self.assertEqual((self.attached(), world.pins()), ([], []))

    def test_a_trial_is_common(self):
        self.attach(policy("front"), device=BOTH)
        said = self.xdpc("attach", policy("second"), "--dev", BOTH, "--confirm", "600s")
        self.assertIn(f"without `xdpc confirm --dev {BOTH}` within 600s, front is back", said)
        self.assertEqual(self.policies(), {"edge0": "second", "edge1": "second"})
        self.assertEqual(self.xdpc("confirm", "--dev", "edge1"), "second stays on edge0, edge1\n")
        self.send_both(frame(80))
        self.expect_rules({"web": 2}, "edge1")
        self.assertEqual(self.xdpc("rollback", "--dev", "edge0"), "front on edge0, edge1 again (generation 1), in place of second\n")
        self.assertEqual(self.policies(), {"edge0": "front", "edge1": "front"})
        self.expect_rules({"web": 2}, "edge1")

    def test_the_kernel_ends_a_trial_on_all(self):
        self.attach(policy("front"), device=BOTH)
        self.xdpc("attach", policy("second", "  more: drop when udp.dport == 9\n" + RULES), "--dev", BOTH, "--confirm", "1s")
        states = lambda: [(entry["trial"] or {}).get("state") for entry in self.attached()]  # noqa: E731
        self.assertEqual(world.eventually(states, lambda now: now == ["returned"] * 2), ["returned"] * 2)
        self.send_both(frame(9))
        self.expect_rules({"default": 2})
        self.assertIn("too late", self.xdpc("confirm", "--dev", "edge1", code=3))
        self.assertEqual((states(), self.policies()), ([None, None], {"edge0": "front", "edge1": "front"}))
        self.send_both(frame(9))
        self.expect_rules({"default": 4})

    def test_a_device_that_vanishes_is_told(self):
        self.attach(policy("front"), device=BOTH)
        self.send_both(frame(80))
        self.expect_rules({"web": 2})
        self.second.remove()
        self.first.send([frame(80)])
        self.expect_rules({"web": 3})
        done = world.run("attach", policy("second"), "--dev", "edge0")
        self.assertEqual(done.returncode, 0)
        self.assertIn("xdpc: warning: `edge1` is gone; the policy goes on on edge0\n", done.stderr)
        self.assertEqual(self.policies(), {"edge0": "second"})
        self.expect_rules({"web": 3})
        self.assertEqual(world.run("set", "add", "banned", "203.0.113.9", "--dev", "edge0").stderr, "")

    def test_an_unknown_device_among_them(self):
        message = self.xdpc("attach", policy("front"), "--dev", "edge0,edge9", code=4)
        self.assertIn("there is no device `edge9`", message)
        self.assertEqual((self.attached(), world.pins()), ([], []))

    def test_in_a_named_namespace(self):
        target = ("--dev", BOTH, "--netns", "peer")
        self.xdpc("attach", policy("front"), *target)
        self.assertEqual([(entry["device"], entry["netns"]) for entry in self.attached()], [("edge0", "peer"), ("edge1", "peer")])
        rules = json.loads(self.xdpc("counters", "--dev", "edge1", "--netns", "peer", "--json"))["rules"]
        self.assertEqual(set(rules), {"listed", "web", "default"})
        self.xdpc("detach", *target)
        self.assertEqual(world.pins(), [])


world.main()

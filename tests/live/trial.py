# Trials and the way back: without a confirmation the kernel itself hands over to the policy before, on time, although every
# process is dead; counts are true on both ways; generations are kept and can be returned to.
import json
import os
import signal
import subprocess
import time

import world
from frames import ethernet, ip, udp
from world import cases

OLD = "set banned of ip { capacity 64 }\npolicy old {\n  listed: drop when ip.src in banned\n  web: drop when udp.dport == 80\n  default pass\n}\n"
NEW = "set banned of ip { capacity 64 }\npolicy new {\n  dns: drop when udp.dport == 53\n  listed: drop when ip.src in banned\n  default pass\n}\n"
FRAME = {4: "203.0.113.5", 6: "2001:db8:99::5"}


def frame(port, source=FRAME[4]):
    return ethernet(ip(udp(dport=port), source))


class Trial(world.LiveTest):
    def setUp(self):
        self.line = self.cable()
        self.old, self.new = (world.policy_file(f"{text.split('policy ')[1][:3]}.xf", text) for text in (OLD, NEW))

    def start_trial(self, seconds):
        return self.xdpc("attach", self.new, "--dev", "edge0", "--confirm", f"{seconds}s")

    def running(self):
        (entry,) = self.attached()
        return entry["policy"], (entry["trial"] or {}).get("state")

    def total(self):
        counts = self.counters()
        return sum(cell["packets"] for cell in counts["rules"].values()) + counts["retired"]["packets"]

    def expect_counts(self, **expected):
        self.assertEqual(world.eventually(self.rules, lambda now: now == expected), expected)

    def test_a_confirmed_policy_stays_and_runs_by_itself(self):
        self.attach(self.old)
        self.line.send([frame(80), frame(80, FRAME[6]), frame(9)])
        self.expect_counts(web=2, default=1)
        self.assertIn("on trial: without `xdpc confirm --dev edge0` within 600s, old is back", self.start_trial(600))
        self.assertEqual(self.running(), ("new", "running"))
        self.line.send([frame(53), frame(53, FRAME[6]), frame(80)])
        self.expect_counts(dns=2, default=2)
        self.assertEqual((self.total(), self.counters()["retired"]["packets"]), (6, 2))
        message = self.xdpc("attach", self.old, "--dev", "edge0", code=3)
        self.assertRegex(message, "a trial is under way on `edge0`, for another [0-9]+ s")
        self.assertEqual(self.xdpc("confirm", "--dev", "edge0"), "new stays on edge0\n")
        self.assertEqual(self.running(), ("new", None))
        self.expect_counts(dns=2, default=2)
        self.assertIn("no trial is under way", self.xdpc("confirm", "--dev", "edge0", code=4))
        program = json.loads(self.xdpc("show", "--dev", "edge0", "--json"))["program"]
        device = json.loads(world.sh("ip", "-j", "-d", "link", "show", "edge0"))[0]
        self.assertEqual(device["xdp"]["prog"]["id"], program, "no detour is left on the link")
        self.line.send([frame(53)])
        self.expect_counts(dns=3, default=2)

    @cases(end=("confirm", "rollback"))
    def test_a_set_that_a_trial_has_a_copy_of_is_its_own(self, end):
        """What `set del` or a packet takes out of it, or `set add` ends earlier, is not brought back by `confirm`."""
        grown = NEW.replace("capacity 64", "capacity 128")
        grown = grown.replace("  dns:", "  pardon: when udp.dport == 7 { remove ip.src from banned; pass }\n  dns:")
        named = ["192.0.2.1", "192.0.2.2", *FRAME.values()]
        self.attach(self.old)
        self.xdpc("set", "add", "banned", *named, "--dev", "edge0")
        self.xdpc("attach", world.policy_file("grown.xf", grown), "--dev", "edge0", "--confirm", "600s")
        self.xdpc("set", "del", "banned", "192.0.2.1", "--dev", "edge0")
        self.line.send([frame(7), frame(7, FRAME[6])])
        self.expect_counts(pardon=2)
        self.assertEqual(set(self.elements("banned")), {"192.0.2.2"})
        self.xdpc(end, "--dev", "edge0")
        self.assertEqual(set(self.elements("banned")), {"192.0.2.2"} if end == "confirm" else set(named))
        self.line.send([frame(9)])
        self.expect_counts(**({"pardon": 2, "default": 1} if end == "confirm" else {"listed": 1}))

    def test_detach_ends_it_with_both_policies(self):
        self.attach(self.old)
        self.start_trial(600)
        self.assertEqual(self.xdpc("detach", "--dev", "edge0"), "new off edge0\n")
        self.assertEqual((self.attached(), world.pins()), ([], []))
        self.assertNotIn("xdp", json.loads(world.sh("ip", "-j", "link", "show", "edge0"))[0])
        self.xdpc("confirm", "--dev", "edge0", code=4)
        self.xdpc("rollback", "--dev", "edge0", code=4)

    def test_without_a_confirmation_the_kernel_brings_the_old_one_back(self):
        self.attach(self.old)
        self.line.send([frame(80)] * 3)
        self.expect_counts(web=3)
        # The login that started it dies at once, with all of its processes.
        begin = time.monotonic()
        shell = subprocess.Popen(["setsid", "/run/xdpc", "attach", self.new, "--dev", "edge0", "--confirm", "6s"], start_new_session=True)
        world.eventually(self.running, lambda now: now == ("new", "running"))
        try:
            os.killpg(shell.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        shell.wait()
        self.line.send([frame(53)] * 2)
        self.expect_counts(dns=2)
        # Nobody runs a command until it is over.
        time.sleep(max(0.0, begin + 8 - time.monotonic()))
        self.line.send([frame(80)] * 4 + [frame(53)])
        self.expect_counts(web=7, default=1)
        self.assertEqual(self.running(), ("old", "returned"))
        self.assertEqual(self.total(), 10)
        self.assertIn("too late: the trial of new on `edge0` is over, and old runs again", self.xdpc("confirm", "--dev", "edge0", code=3))
        self.assertEqual(self.running(), ("old", None))
        self.line.send([frame(80)])
        self.expect_counts(web=8, default=1)
        self.assertEqual(self.total(), 11)

    def test_the_next_command_puts_the_old_one_on_the_link(self):
        self.attach(self.old)
        self.start_trial(1)
        self.xdpc("set", "add", "banned", "203.0.113.9", "--dev", "edge0")
        world.eventually(self.running, lambda now: now == ("old", "returned"))
        self.xdpc("set", "add", "banned", "203.0.113.10", "--dev", "edge0")
        self.assertEqual(self.running(), ("old", None))
        self.assertEqual(set(self.elements("banned")), {"203.0.113.9", "203.0.113.10"}, "shared state keeps what the trial wrote")
        self.line.send([frame(9, "203.0.113.9"), frame(9, "203.0.113.10")])
        self.expect_counts(listed=2)
        self.start_trial(600)
        self.assertEqual(self.running(), ("new", "running"))

    def test_a_rollback_ends_a_trial(self):
        self.attach(self.old)
        self.line.send([frame(80)])
        self.expect_counts(web=1)
        self.start_trial(600)
        self.line.send([frame(53), frame(80)])
        self.expect_counts(dns=1, default=1)
        self.assertEqual(self.xdpc("rollback", "--dev", "edge0"), "old on edge0 again (generation 1), in place of new\n")
        self.assertEqual((self.running(), self.rules(), self.total()), (("old", None), {"web": 1, "default": 1}, 3))

    def test_a_trial_over_nothing_ends_with_nothing(self):
        self.assertIn("packets pass again", self.start_trial(2))
        self.line.send([frame(53)])
        self.expect_counts(dns=1)
        behind = self.capture(self.line, None)
        world.eventually(lambda: json.loads(self.xdpc("list", "--json"))["attached"][0]["trial"]["state"], lambda state: state == "returned")
        self.line.send([frame(53)])
        self.assertIn(frame(53), world.eventually(behind.frames, lambda frames: frame(53) in frames))
        self.xdpc("confirm", "--dev", "edge0", code=3)
        self.assertEqual((self.attached(), world.pins()), ([], []))
        self.start_trial(600)
        self.xdpc("rollback", "--dev", "edge0")
        self.assertEqual((self.attached(), world.pins()), ([], []))

    def test_generations_are_kept_and_returned_to(self):
        names = ("one", "two", "three", "four")
        for name in names:
            self.attach(world.policy_file(f"{name}.xf", f"policy {name} {{\n  {name}: drop when udp.dport == 80\n  default pass\n}}\n"))
            self.line.send([frame(80), frame(9)])
            world.eventually(self.rules, lambda now: now.get(name))  # noqa: B023
        self.assertEqual([one["policy"] for one in self.attached()[0]["generations"]], ["two", "three", "four"])
        self.assertEqual(self.total(), 8)
        self.assertIn("in place of four", self.xdpc("rollback", "--dev", "edge0"))
        self.assertEqual((self.running()[0], self.total(), self.rules()), ("three", 8, {"default": 4}))
        self.xdpc("rollback", "2", "--dev", "edge0")
        self.line.send([frame(80)])
        self.expect_counts(two=1, default=4)
        self.assertEqual(self.total(), 9)
        self.xdpc("rollback", "--dev", "edge0")
        self.assertEqual((self.running()[0], self.total()), ("three", 9))
        self.assertIn("no generation 1 is kept of `edge0`", self.xdpc("rollback", "1", "--dev", "edge0", code=4))

    def test_bad_requests_are_told_so(self):
        self.assertIn("`--confirm soon`", self.xdpc("attach", self.new, "--dev", "edge0", "--confirm", "soon", code=2))
        self.xdpc("confirm", "--dev", "edge0", code=4)
        self.attach(self.old)
        self.assertIn("no policy from before is kept", self.xdpc("rollback", "--dev", "edge0", code=4))


world.main()

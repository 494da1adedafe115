# A command that is killed at any of its system calls: the device runs the old policy or the new one, whole, every packet is
# counted once, and the next command works without repair by hand. Killed by strace at each bpf(2) call and each call that
# changes the pins, one after another. A call that fails instead rolls back.
import collections
import re
import shutil
import subprocess

import world
from frames import ethernet, ip, udp

OLD = "set banned of ip { capacity 64 }\npolicy old {\n  web: drop when udp.dport == 80\n  default pass\n}\n"
NEW = "set banned of ip { capacity 128 }\npolicy new {\n  dns: drop when udp.dport == 53\n  web: drop when udp.dport == 80\n  default pass\n}\n"
CALLS = "bpf,mkdir,unlink,unlinkat,rmdir,flock,membarrier"
LATE = 14  # of the many calls before anything is decided every third is enough


class Crash(world.LiveTest):
    def setUp(self):
        if not shutil.which("strace"):
            self.skipTest("strace is missing")
        self.line = self.cable()
        self.old, self.new = (world.policy_file(f"{text.split('policy ')[1][:3]}.xf", text) for text in (OLD, NEW))
        self.objects = {}
        for name, file in (("old", self.old), ("new", self.new)):
            self.objects[name] = f"/run/test/{name}.o"
            self.xdpc("build", file, "-o", self.objects[name])
        self.sent = 0

    def traced(self, inject, *arguments):
        command = ["strace", "-f", "-qq", "-o", "/run/test/trace", "-e", f"trace={CALLS}", *inject, "/run/xdpc", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    def calls(self, *arguments):
        """How many of each call the command makes."""
        done = self.traced([], *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open("/run/test/trace") as trace:
            return collections.Counter(re.findall(r"(?m)^\d+ +(\w+)\(", trace.read()))

    def total(self):
        counts = self.counters()
        return sum(cell["packets"] for cell in counts["rules"].values()) + counts["retired"]["packets"]

    def expect_whole(self, point):
        (running,) = self.attached()
        self.assertIn(running["policy"], ("old", "new"), point)
        self.line.send([ethernet(ip(udp(dport=80), source)) for source in ("203.0.113.5", "2001:db8:99::5")])
        self.sent += 2
        self.assertEqual(world.eventually(self.total, lambda total: total >= self.sent), self.sent, point)

    def sweep(self, prepare, *arguments):
        prepare()
        for call, count in self.calls(*arguments).items():
            for number in range(1, count + 1):
                if number <= count - LATE and number % 3:
                    continue
                prepare()
                done = self.traced([f"-einject={call}:signal=KILL:when={number}"], *arguments)
                self.assertNotEqual(done.returncode, 0, f"{call} {number}: it was killed")
                yield f"{call} {number}"

    def reset(self):
        """Whatever a killed command left: the next one works."""
        done = world.run("rollback", "--dev", "edge0") if self.attached()[0]["trial"] else None
        self.assertTrue(done is None or done.returncode == 0, done and done.stderr)
        self.xdpc("attach", self.objects["old"], "--dev", "edge0")

    def test_killed_while_swapping(self):
        self.xdpc("attach", self.objects["old"], "--dev", "edge0")
        for point in self.sweep(self.reset, "attach", self.objects["new"], "--dev", "edge0"):
            self.expect_whole(point)

    def test_killed_while_confirming(self):
        self.xdpc("attach", self.objects["old"], "--dev", "edge0")

        def trial():
            self.reset()
            self.xdpc("attach", self.objects["new"], "--dev", "edge0", "--confirm", "600s")

        for point in self.sweep(trial, "confirm", "--dev", "edge0"):
            self.expect_whole(point)

    def test_killed_while_rolling_back(self):
        self.xdpc("attach", self.objects["old"], "--dev", "edge0")

        def swapped():
            self.reset()
            self.xdpc("attach", self.objects["new"], "--dev", "edge0")

        for point in self.sweep(swapped, "rollback", "--dev", "edge0"):
            self.expect_whole(point)

    def test_killed_while_attaching_first_and_while_detaching(self):
        def detached():
            world.run("detach", "--dev", "edge0")
            self.assertEqual((self.attached(), world.pins()), ([], []))

        for point in self.sweep(detached, "attach", self.objects["new"], "--dev", "edge0"):
            link = world.sh("ip", "-d", "link", "show", "edge0")
            self.assertEqual("prog/xdp" in link, len(self.attached()) == 1, f"{point}: {link}")
        attach = lambda: self.xdpc("attach", self.objects["new"], "--dev", "edge0")  # noqa: E731
        for point in self.sweep(attach, "detach", "--dev", "edge0"):
            self.assertLessEqual(len(self.attached()), 1, point)

    def test_a_call_that_fails_before_the_update_leaves_the_old_one(self):
        self.xdpc("attach", self.objects["old"], "--dev", "edge0")
        arguments = ("attach", self.objects["new"], "--dev", "edge0")
        for point in range(2, self.calls(*arguments)["bpf"] + 1, 3):
            self.reset()
            done = self.traced([f"-einject=bpf:error=ENOMEM:when={point}"], *arguments)
            self.assertIn(done.returncode, (0, 3), f"{point}: {done.stderr}")
            if done.returncode != 0:
                self.assertEqual(self.attached()[0]["policy"], "old", f"{point}: {done.stderr}")
            self.expect_whole(point)


world.main()

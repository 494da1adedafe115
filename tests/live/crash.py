# A command that is killed at any of its system calls: each device runs the old policy or the new one, whole, every packet is
# counted once, and the next command works without repair by hand: it finishes the change on all devices of the instance, or
# undoes it. Killed by strace at each bpf(2) call and each call that changes the pins, one after another. A call that fails
# instead rolls back. For one device, and for an instance of two.
import collections
import json
import re
import shutil
import subprocess

import world
from frames import ethernet, ip, udp

OLD = "set banned of ip { capacity 64 }\npolicy old {\n  web: drop when udp.dport == 80\n  default pass\n}\n"
NEW = "set banned of ip { capacity 128 }\npolicy new {\n  dns: drop when udp.dport == 53\n  web: drop when udp.dport == 80\n  default pass\n}\n"
CALLS = "bpf,mkdir,rename,unlink,unlinkat,rmdir,flock,membarrier"
LATE = 14  # of the many calls before anything is decided every third is enough


class Crash(world.LiveTest):
    devices = ("edge0",)

    def setUp(self):
        if not shutil.which("strace"):
            self.skipTest("strace is missing")
        self.lines = [self.cable(device=device) for device in self.devices]
        self.named = ("--dev", ",".join(self.devices))
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
        counts = self.counters(self.devices[-1])
        return sum(cell["packets"] for cell in counts["rules"].values()) + counts["retired"]["packets"]

    def programs(self):
        """What each device runs, None where there is nothing."""
        links = [json.loads(world.sh("ip", "-j", "-d", "link", "show", device))[0] for device in self.devices]
        return [link.get("xdp", {}).get("prog", {}).get("id") for link in links]

    def expect_all_counted(self, point):
        for line in self.lines:
            line.send([ethernet(ip(udp(dport=80), source)) for source in ("203.0.113.5", "2001:db8:99::5")])
            self.sent += 2
        self.assertEqual(world.eventually(self.total, lambda total: total >= self.sent), self.sent, point)

    def expect_one_policy(self, point):
        running = {entry["policy"] for entry in self.attached()}
        self.assertIn(running, ({"old"}, {"new"}), point)
        self.assertEqual(len(set(self.programs())), 1, f"{point}: {self.programs()}")
        self.assertFalse([pin for pin in world.pins() if pin.endswith("/intent")], point)

    def expect_whole(self, point):
        self.assertEqual(len(self.attached()), len(self.devices), point)
        self.assertNotIn(None, self.programs(), point)
        self.expect_all_counted(point)
        self.xdpc("set", "add", "banned", "192.0.2.9", "--dev", self.devices[0])  # any command that changes something
        self.expect_one_policy(point)
        self.expect_all_counted(point)

    def points(self, *arguments):
        for call, count in self.calls(*arguments).items():
            for number in range(1, count + 1):
                if number > count - LATE or number % 3 == 0:
                    yield call, number

    def sweep(self, prepare, *arguments):
        prepare()
        for call, number in self.points(*arguments):
            prepare()
            done = self.traced([f"-einject={call}:signal=KILL:when={number}"], *arguments)
            self.assertNotEqual(done.returncode, 0, f"{call} {number}: it was killed")
            yield f"{call} {number}"

    def attach_one(self, name, *flags):
        self.xdpc("attach", self.objects[name], *self.named, *flags)

    def reset(self):
        """Whatever a killed command left: the next one works."""
        done = world.run("rollback", *self.named) if self.attached()[0]["trial"] else None
        self.assertTrue(done is None or done.returncode == 0, done and done.stderr)
        self.attach_one("old")

    def test_killed_while_swapping(self):
        self.attach_one("old")
        for point in self.sweep(self.reset, "attach", self.objects["new"], *self.named):
            self.expect_whole(point)

    def test_killed_while_a_trial_begins(self):
        self.attach_one("old")
        for point in self.sweep(self.reset, "attach", self.objects["new"], *self.named, "--confirm", "600s"):
            self.expect_whole(point)

    def test_killed_while_confirming(self):
        self.attach_one("old")

        def trial():
            self.reset()
            self.attach_one("new", "--confirm", "600s")

        for point in self.sweep(trial, "confirm", *self.named):
            self.expect_whole(point)

    def test_killed_while_rolling_back(self):
        self.attach_one("old")

        def swapped():
            self.reset()
            self.attach_one("new")

        for point in self.sweep(swapped, "rollback", *self.named):
            self.expect_whole(point)

    def test_killed_while_attaching_first_and_while_detaching(self):
        def detached():
            world.run("detach", *self.named)
            self.assertEqual((self.attached(), world.pins(), set(self.programs())), ([], [], {None}))

        for point in self.sweep(detached, "attach", self.objects["new"], *self.named):
            self.assertEqual(sum(program is not None for program in self.programs()), len(self.attached()), point)
            any_one = world.run("set", "add", "banned", "192.0.2.9", "--dev", self.devices[-1])
            self.assertIn(any_one.returncode, (0, 4), point)
            self.assertEqual(self.programs().count(None), 0 if any_one.returncode == 0 else len(self.devices), point)
        detached()
        attach = lambda: self.attach_one("new")  # noqa: E731
        for point in self.sweep(attach, "detach", *self.named):
            self.assertEqual(sum(program is not None for program in self.programs()), len(self.attached()), point)

    def test_a_call_that_fails_before_the_update_leaves_the_old_one(self):
        self.attach_one("old")
        arguments = ("attach", self.objects["new"], *self.named)
        failed = 0
        for call, number in self.points(*arguments):
            if call not in ("bpf", "mkdir") or (call, number) == ("bpf", 1):
                continue
            self.reset()
            done = self.traced([f"-einject={call}:error=ENOMEM:when={number}"], *arguments)
            point = f"{call} {number}: {done.stderr}"
            self.assertIn(done.returncode, (0, 3), point)
            if done.returncode != 0:
                failed += 1
                self.assertEqual(self.attached()[0]["policy"], "old", point)
            self.expect_one_policy(point)
            self.expect_all_counted(point)
        self.assertGreater(failed, 5)


class CrashOfTwo(Crash):
    devices = ("edge0", "edge1")
    second_update = None

    def test_killed_while_a_device_is_added(self):
        def one():
            world.run("detach", *self.named)
            self.xdpc("attach", self.objects["old"], "--dev", "edge0")
            self.sent = 0

        for point in self.sweep(one, "attach", self.objects["new"], *self.named):
            self.xdpc("set", "add", "banned", "192.0.2.9", "--dev", "edge0")
            if len(self.attached()) == 1:
                self.assertEqual((self.attached()[0]["policy"], self.programs()[1]), ("old", None), point)
                continue
            self.expect_whole(point)

    def updates(self):
        """Which bpf(2) calls of the last traced command updated links."""
        with open("/run/test/trace") as trace:
            calls = re.findall(r"(?m)^\d+ +bpf\((\w+)", trace.read())
        return [number for number, call in enumerate(calls, 1) if call == "BPF_LINK_UPDATE"]

    def half(self):
        """A swap that was killed when it had changed the first device. How many calls come before depends on how many
        generations are kept."""
        swap = ("attach", self.objects["new"], *self.named)
        self.reset()
        if self.second_update:
            self.traced([f"-einject=bpf:signal=KILL:when={self.second_update}"], *swap)
        if len(set(self.programs())) == 2:
            return
        self.reset()
        self.calls(*swap)
        self.second_update = self.updates()[1]
        self.reset()
        self.traced([f"-einject=bpf:signal=KILL:when={self.second_update}"], *swap)
        self.assertEqual(len(set(self.programs())), 2)

    def test_killed_while_finishing_or_undoing_a_change(self):
        self.attach_one("old")
        change = ("set", "add", "banned", "192.0.2.9", "--dev", "edge1")
        for point in self.sweep(self.half, *change):
            self.expect_whole(point)
            self.assertEqual({entry["policy"] for entry in self.attached()}, {"new"}, point)
        # The same, but what is left of the change fails, so that it is undone.
        self.half()
        self.calls(*change)
        fails = f"-einject=bpf:error=ENOMEM:when={self.updates()[0]}"
        self.half()
        self.assertEqual(self.traced([fails], *change).returncode, 0)
        self.assertEqual({entry["policy"] for entry in self.attached()}, {"old"})
        self.expect_whole("undone")
        for call, count in (("munmap", 40), ("membarrier", 1), ("unlink", 3), ("unlinkat", 3)):
            for number in range(1, count + 1):
                self.half()
                self.traced([f"-etrace={CALLS},munmap", fails, f"-einject={call}:signal=KILL:when={number}"], *change)
                self.expect_whole(f"undone, {call} {number}")

    def test_killed_while_one_is_detached(self):
        def both():
            self.attach_one("old")
            self.sent = self.total()

        world.run("detach", *self.named)
        for point in self.sweep(both, "detach", "--dev", "edge0"):
            self.assertIsNotNone(self.programs()[1], point)
            self.lines[1].send([ethernet(ip(udp(dport=80), "203.0.113.5"))])
            self.assertEqual(world.eventually(self.total, lambda total: total > self.sent), self.sent + 1, point)


world.main()

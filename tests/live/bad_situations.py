# What goes wrong around an interface: it vanishes, it carries somebody else's program, there is no bpffs, no privilege, no such
# device, another command at work, a policy with errors. Each has one clear error and its exit code, and what ran goes on to filter.
import os
import pathlib
import subprocess

import world
from frames import ethernet, ip, udp
from world import MODES, cases

NOBODY = 65534
GUARD = "policy guard {\n  nine: drop when udp.dport == 9\n  default pass\n}\n"
OTHER = "policy other {\n  eight: drop when udp.dport == 8\n  default pass\n}\n"


def datagram(port):
    return ethernet(ip(udp(dport=port), "203.0.113.5"))


class BadSituations(world.LiveTest):
    def setUp(self):
        self.link = self.cable()
        self.guard, self.other = world.policy_file("guard.xf", GUARD), world.policy_file("other.xf", OTHER)
        self.addCleanup(world.run, "detach", "--dev", "edge0")

    def expect_guarded(self):
        """The first policy filters."""
        (running,) = self.attached()
        self.assertEqual((running["policy"], running["generation"]), ("guard", 1))
        self.expect_each(self.link, [("drop by nine", datagram(9)), ("pass by default", datagram(8))])

    def refused(self, *arguments, code=3, **options):
        """One error message, given back; nothing on standard output; what is attached and pinned stays."""
        before = self.attached(), world.pins()
        message = self.xdpc(*arguments, code=code, **options)
        self.assertEqual((self.attached(), world.pins()), before)
        self.assertEqual(message.count("error:"), 1, message)
        return message

    def assertSaid(self, message, expected):
        """The only error, behind whatever the policy is warned of."""
        self.assertTrue(message.endswith(expected), message)

    # Devices.

    def test_an_unknown_device(self):
        self.attach(self.guard)
        for command in (["attach", self.other], ["detach"], ["show"], ["counters"], ["events"]):
            message = self.refused(*command, "--dev", "edgeO", code=4)
            self.assertSaid(message, "xdpc: error: there is no device `edgeO`\ndid you mean `edge0`?\n")
        self.assertIn("there is no network namespace `elsewhere`", self.refused("detach", "--dev", "edge0", "--netns", "elsewhere", code=4))
        self.expect_guarded()

    def test_a_device_without_a_policy(self):
        for command in (["detach"], ["show"], ["counters"], ["events"], ["set", "list", "x"]):
            message = self.refused(*command, "--dev", "edge0", code=4)
            self.assertEqual(message, "xdpc: error: no policy of xdpc is attached to `edge0`\n")
        self.assertEqual(self.xdpc("list"), "")

    @cases(mode=MODES)
    def test_a_device_vanishes_and_comes_back(self, mode):
        self.attach(self.guard, mode)
        self.expect_guarded()
        world.sh("ip", "link", "del", "edge0")
        self.assertEqual(self.attached(), [])
        self.assertEqual(world.pins(), [], "what was pinned for it is swept")
        self.refused("counters", "--dev", "edge0", code=4)
        self.link = self.cable()
        self.refused("counters", "--dev", "edge0", code=4)
        self.attach(self.guard, mode)
        self.expect_guarded()

    def test_a_device_vanishes_while_its_events_are_read(self):
        self.attach(world.example("web_edge"))
        reader = self.reader()
        world.sh("ip", "link", "del", "edge0")
        self.assertEqual(reader.wait(world.PATIENCE), 0)
        self.assertEqual(self.attached(), [])

    # Somebody else.

    def strangers_program(self, mode="native"):
        """Another tool's program, which drops everything on port 8, loaded from an object that xdpc made."""
        self.xdpc("build", self.other, "-o", "/run/test/other.o")
        world.sh("bpftool", "prog", "load", "/run/test/other.o", "/sys/fs/bpf/stranger", "type", "xdp")
        self.addCleanup(os.unlink, "/sys/fs/bpf/stranger")
        kind = {"native": "xdpdrv", "generic": "xdpgeneric"}[mode]
        world.sh("bpftool", "net", "attach", kind, "pinned", "/sys/fs/bpf/stranger", "dev", "edge0")

    def expect_passing(self, *ports):
        """Of all ports, these pass."""
        behind = self.capture(self.link, None)
        self.link.send([datagram(port) for port in (7, 8, 9)])
        wanted = [datagram(port) for port in ports]
        self.assertEqual(world.eventually(behind.frames, lambda frames: len(frames) >= len(wanted)), wanted)

    @cases(mode=MODES)
    def test_a_strangers_program_is_not_replaced_unless_told(self, mode):
        self.strangers_program(mode)
        self.expect_passing(7, 9)
        message = self.refused("attach", self.guard, "--dev", "edge0", "--mode", mode)
        self.assertIn("`edge0` already carries program ", message)
        self.assertIn("(`xdpc`), which is not xdpc's\ntake its place with --replace\n", message)
        self.refused("detach", "--dev", "edge0", code=4)
        self.expect_passing(7, 9)
        self.assertIn("was taken off `edge0`", world.run("attach", self.guard, "--dev", "edge0", "--mode", mode, "--replace").stderr)
        self.expect_guarded()

    def test_a_replacement_that_does_not_load_leaves_the_stranger(self):
        self.strangers_program()
        wrong = world.policy_file("wrong.xf", "policy wrong {\n  drop when udp.dprt == 9\n  default pass\n}\n")
        self.refused("attach", wrong, "--dev", "edge0", "--replace", code=1)
        self.expect_passing(7, 9)

    def test_another_command_is_at_work(self):
        self.attach(self.guard)
        with world.locked(next(pathlib.Path("/sys/fs/bpf/xdpc").iterdir())):
            for command in (["attach", self.other], ["detach"]):
                message = self.refused(*command, "--dev", "edge0")
                self.assertSaid(message, "xdpc: error: another xdpc is at work on `edge0`\ntry again when it has finished\n")
            self.expect_guarded()
        self.attach(self.other)
        self.expect_passing(7, 9)

    # The machine.

    def test_no_bpffs(self):
        self.attach(self.guard)
        os.mkdir("/run/test/empty")
        self.addCleanup(os.rmdir, "/run/test/empty")
        for command in (["attach", self.other, "--dev", "edge0"], ["detach", "--dev", "edge0"], ["counters", "--dev", "edge0"], ["list"]):
            message = self.refused(*command, "--bpffs", "/run/test/empty")
            self.assertSaid(message, "xdpc: error: no bpffs is mounted on `/run/test/empty`\nmount it: `sudo mount -t bpf bpf /run/test/empty`\n")
        self.assertIn("sudo mkdir -p /run/test/none", self.refused("attach", self.other, "--dev", "edge0", "--bpffs", "/run/test/none"))
        self.assertEqual(os.listdir("/run/test/empty"), [])
        self.expect_guarded()

    def test_another_bpffs_than_the_one_that_holds_the_policy(self):
        self.attach(self.guard)
        os.mkdir("/run/test/bpffs")
        world.mount("bpf", "/run/test/bpffs", "bpf")
        self.addCleanup(world.sh, "umount", "/run/test/bpffs")
        self.refused("counters", "--dev", "edge0", "--bpffs", "/run/test/bpffs", code=4)
        message = self.refused("attach", self.other, "--dev", "edge0", "--bpffs", "/run/test/bpffs")
        self.assertIn("`edge0`", message)
        self.expect_guarded()

    def test_without_privileges(self):
        self.attach(self.guard)
        nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        message = self.refused("attach", self.other, "--dev", "edge0", **nobody)
        self.assertIn("xdpc: error: cannot attach to `edge0`: this needs CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON\n", message)
        self.assertIn("sudo setcap cap_bpf,cap_net_admin,cap_perfmon+ep", message)
        for command in (["detach"], ["counters"], ["show"], ["events"], ["set", "list", "x"], ["set", "add", "x", "192.0.2.1"]):
            message = self.refused(*command, "--dev", "edge0", **nobody)
            self.assertRegex(message, "sudo", command)
        self.xdpc("check", self.other, **nobody)
        self.expect_guarded()

    def test_root_without_one_capability(self):
        self.attach(self.guard)
        for capability in ("bpf", "net_admin", "perfmon"):
            dropped = f"--bounding-set=-{capability},-sys_admin"
            done = subprocess.run(["setpriv", dropped, "/run/xdpc", "attach", self.other, "--dev", "edge0"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 3)
            self.assertIn(f"this needs CAP_{capability.upper()}\n", done.stderr)
        self.expect_guarded()

    # The policy and the command line.

    def test_a_policy_that_does_not_compile(self):
        self.attach(self.guard)
        wrong = world.policy_file("wrong.xf", "policy wrong {\n  nine: drop when udp.dprt == 9\n  default pass\n}\n")
        message = self.refused("attach", wrong, "--dev", "edge0", code=1)
        self.assertIn("wrong.xf:2:", message)
        self.assertIn("dport", message)
        self.refused("attach", "/run/test/nothing.xf", "--dev", "edge0", code=2)
        pathlib.Path("/run/test/damaged.o").write_bytes(b"\x7fELF" + bytes(100))
        self.refused("attach", "/run/test/damaged.o", "--dev", "edge0", code=1)
        self.expect_guarded()

    def test_native_mode_where_the_driver_has_none(self):
        self.addCleanup(world.run, "detach", "--dev", "lo")
        self.assertIn("the driver of `lo` has no native mode", self.refused("attach", self.guard, "--dev", "lo", "--mode", "native"))
        done = world.run("attach", self.guard, "--dev", "lo")
        self.assertEqual(done.returncode, 0)
        self.assertIn("xdpc: warning: `lo` runs in generic mode", done.stderr)
        self.assertEqual([attached["mode"] for attached in self.attached()], ["generic"])


world.main()

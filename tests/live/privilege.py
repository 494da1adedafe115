# What a command may do while it runs; the service's capabilities are enough; a group looks and changes nothing.
import grp
import json
import os
import pathlib
import subprocess

import world
from frames import ACK, ethernet, ip, tcp

CAPABILITIES = {1: "dac_override", 2: "dac_read_search", 3: "fowner", 0: "chown", 12: "net_admin", 21: "sys_admin", 38: "perfmon", 39: "bpf"}
FILES = {"dac_override", "dac_read_search", "fowner"}
CHANGE = FILES | {"bpf", "net_admin", "perfmon", "chown"}
GROUP = "games"
NOBODY = 65534


def capabilities(pid, which):
    """Names of those in the set, with numbers for others than xdpc ever needs."""
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    bits = int(status[which], 16)
    return {CAPABILITIES.get(bit, str(bit)) for bit in range(64) if bits >> bit & 1}


class Privilege(world.LiveTest):
    def setUp(self):
        self.link = self.cable()

    def front(self, *more):
        self.xdpc("attach", world.example("web_edge"), "--dev", "edge0", *more)

    def waiting(self, *arguments):
        """`xdpc ARGUMENTS` that waits for the other end of a pipe."""
        pipe = "/run/test/pipe"
        os.mkfifo(pipe)
        self.addCleanup(os.unlink, pipe)
        process = self.start(*arguments)
        name = lambda: pathlib.Path(f"/proc/{process.pid}/syscall").read_text().split()[0]  # noqa: E731
        self.assertEqual(world.eventually(name, lambda call: call == "257"), "257")  # openat, which waits
        return process

    def test_a_policy_is_compiled_with_rights_to_files_alone(self):
        process = self.waiting("attach", "/run/test/pipe", "--dev", "edge0")
        self.assertEqual(capabilities(process.pid, "CapEff"), FILES)
        self.assertEqual(capabilities(process.pid, "CapPrm"), CHANGE | {"sys_admin"})
        self.assertIn("NoNewPrivs:\t1", pathlib.Path(f"/proc/{process.pid}/status").read_text())

    def test_checking_needs_nothing(self):
        process = self.waiting("check", "/run/test/pipe")
        self.assertEqual((capabilities(process.pid, "CapEff"), capabilities(process.pid, "CapPrm")), (FILES, FILES))

    def test_changing_a_set_needs_no_more_than_a_swap(self):
        self.front()
        process = self.waiting("set", "load", "banned", "/run/test/pipe", "--dev", "edge0")
        self.assertEqual(capabilities(process.pid, "CapPrm"), CHANGE)

    def test_a_reader_of_events_cannot_change_the_network(self):
        self.front()
        self.assertEqual(capabilities(self.reader().pid, "CapPrm"), FILES | {"bpf"})

    def test_three_capabilities_are_enough(self):
        """Those of the service, for root without all others."""
        few = ("setpriv", "--bounding-set=-all,+bpf,+net_admin,+perfmon", "--inh-caps=-all", "/run/xdpc")

        def with_few(*arguments):
            done = subprocess.run([*few, *map(str, arguments)], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout

        state = pathlib.Path("/run/test/few")
        state.mkdir(mode=0o700, exist_ok=True)
        with_few("attach", world.example("web_edge"), "--dev", "edge0")
        with_few("set", "add", "banned", "203.0.113.5", "--dev", "edge0", "--comment", "why")
        with_few("set", "replace", "banned", "203.0.113.6", "--dev", "edge0")
        with_few("attach", world.example("web_edge"), "--dev", "edge0", "--confirm", "1h")
        with_few("confirm", "--dev", "edge0")
        with_few("rollback", "--dev", "edge0")
        with_few("save", "--dev", "edge0", "-o", state)
        self.assertEqual(len(json.loads(with_few("list", "--json"))["attached"]), 1)
        with_few("counters", "--dev", "edge0")
        with_few("detach", "--dev", "edge0")
        with_few("restore", state, "--dev", "edge0")
        self.assertEqual(set(self.elements("banned")), {"203.0.113.6"})

    def as_member(self, *arguments, code=0, groups=None):
        groups = groups if groups is not None else str(grp.getgrnam(GROUP).gr_gid)
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", *([f"--groups={groups}"] if groups else ["--clear-groups"]), "--bounding-set=-all",
                   "--inh-caps=-all", "/run/xdpc", *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr if code else done.stdout

    def test_a_group_looks_and_changes_nothing(self):
        self.front("--group", GROUP)
        self.xdpc("set", "add", "banned", "203.0.113.0/24", "203.0.113.5", "--dev", "edge0", "--comment", "why")
        self.link.send([ethernet(ip(tcp(dport=80, flags=ACK), "203.0.113.5"))] * 3)
        self.expect_rules({"listed": 3})
        for _ in range(2):
            (seen,) = json.loads(self.as_member("list", "--json"))["attached"]
            self.assertEqual((seen["device"], seen["policy"], seen["trouble"]), ("edge0", "web_edge", None))
            self.assertIn("web_edge", self.as_member("show", "--dev", "edge0"))
            for same in (("counters",), ("set", "list", "banned"), ("show", "meter", "syn_rate")):
                arguments = (*same, "--dev", "edge0", "--json")
                self.assertEqual(json.loads(self.as_member(*arguments)), json.loads(self.xdpc(*arguments)))
            self.front()  # and so over a swap
        for change in (("set", "add", "banned", "192.0.2.1"), ("set", "del", "banned", "203.0.113.5"), ("set", "replace", "banned", "192.0.2.1"), ("rollback",),
                       ("detach",)):
            self.as_member(*change, "--dev", "edge0", code=3)
        self.assertEqual(set(self.elements("banned")), {"203.0.113.0/24", "203.0.113.5"})
        self.assertEqual(self.rules(), {"listed": 3})
        self.as_member("counters", "--dev", "edge0", code=3, groups="")
        self.assertIn("no group `nogroupthere`", self.xdpc("attach", world.example("web_edge"), "--dev", "edge0", "--group", "nogroupthere", code=2))

    def test_a_group_looks_while_packets_are_captured(self):
        for trial in ((), ("--confirm", "600s")):
            self.front("--group", GROUP)
            if trial:
                self.front(*trial)
            process = self.start("capture", "--dev", "edge0", "--verdict", "drop")
            self.assertTrue(world.eventually(lambda: self.attached()[0]["capture"], bool))
            (seen,) = json.loads(self.as_member("list", "--json"))["attached"]
            self.assertEqual((seen["policy"], seen["capture"], seen["trouble"]), ("web_edge", True, None))
            self.link.send([ethernet(ip(tcp(dport=81, flags=ACK), "203.0.113.5"))])
            for same in (("counters",), ("set", "list", "banned")):
                arguments = (*same, "--dev", "edge0", "--json")
                self.assertEqual(json.loads(self.as_member(*arguments)), json.loads(self.xdpc(*arguments)))
            process.terminate()
            self.assertTrue(world.eventually(lambda: not self.attached()[0]["capture"], bool))


world.main()

# Packets of a running policy in flight: `xdpc capture` and `xdpc events --pcap`. What is copied is what was asked for and no
# other; counts go on; the policy itself is back on the link afterwards, also if the one who captured was killed.
import json
import pathlib
import signal
import struct
import subprocess
import sys
import time

import world
from frames import SYN, ethernet, ip, tcp, udp
from world import MODES, cases

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import pcapng  # noqa: E402

POLICY = """event odd { ip.src }
policy front {
  marked: when udp.dport == 7 { emit odd; drop }
  nine: drop when udp.dport == 9
  changed: when udp.dport == 6 { ip.ttl = 9; pass }
  default pass
}
"""
OTHER = POLICY.replace("policy front", "policy other").replace("  nine:", "  eight: drop when udp.dport == 8\n  nine:")
SOURCE = {4: "203.0.113.5", 6: "2001:db8:99::5"}
DROP, PASS, XDP = 1, 2, 2


def datagram(port, size=0, family=4, ttl=64):
    make = ip(udp(dport=port, payload=bytes(size)), SOURCE[family])
    frame = bytearray(ethernet(make))
    if ttl != 64:
        frame[22 if family == 4 else 21] = ttl
    return bytes(frame)


class Capture(world.LiveTest):
    def setUp(self):
        self.line = self.cable()
        self.policy = world.policy_file("front.xf", POLICY)

    def program(self):
        device = json.loads(world.sh("ip", "-j", "-d", "link", "show", "edge0"))[0]
        return device["xdp"]["prog"]["id"]

    def begin(self, *arguments, command="capture"):
        """At work: its program is there, and none that a killed one left."""
        left = self.capture_program()
        process = subprocess.Popen(["/run/xdpc", command, "--dev", "edge0", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   preexec_fn=world.die_with_parent)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        begun = lambda: self.attached()[0]["capture"] and self.capture_program() not in (None, left)  # noqa: E731
        self.assertTrue(world.eventually(lambda: begun() or process.poll() is not None, bool))
        return process

    def capture_program(self):
        pins = list(pathlib.Path("/sys/fs/bpf/xdpc").glob("*/*/capture/prog"))
        shown = subprocess.run(["bpftool", "-j", "prog", "show", "pinned", str(pins[0])], capture_output=True, check=False) if pins else None
        return json.loads(shown.stdout)["id"] if shown and shown.returncode == 0 else None

    def end(self, process, interrupt=True):
        if interrupt:
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=world.PATIENCE)
        self.assertEqual(process.returncode, 0, err)
        return out, err.decode()

    def expect_clean(self, program):
        self.assertFalse(self.attached()[0]["capture"])
        self.assertEqual(self.program(), program, "the policy itself is on the link again")
        self.assertEqual([pin for pin in world.pins() if "capture" in pin], [])

    @cases(mode=MODES, family=(4, 6))
    def test_packets_of_a_rule(self, mode, family):
        self.attach(self.policy, mode)
        program = self.program()
        self.line.send([datagram(9, family=family)] * 3)
        self.expect_rules({"nine": 3})
        process = self.begin("--rule", "nine", "--json")
        self.assertNotEqual(self.program(), program)
        sent = [datagram(9, size, family) for size in (0, 100, 1000, 1400)]
        self.line.send([datagram(8, family=family), *sent, datagram(7, family=family)])
        self.expect_rules({"nine": 7, "marked": 1, "default": 1})
        out, err = self.end(process)
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([bytes.fromhex(line["frame"]) for line in lines], sent)
        self.assertEqual([line["length"] for line in lines], [len(frame) for frame in sent])
        self.assertEqual({(line["rule"], line["verdict"], line["device"]) for line in lines}, {("nine", "drop", "edge0")})
        self.assertTrue(all(0 < time.monotonic_ns() - line["time_ns"] < 60e9 for line in lines))
        self.assertEqual(json.loads(err), {"schema": 1, "captured": 4, "matched": 4, "lost": 0})
        self.expect_clean(program)
        self.line.send([datagram(9, family=family)])
        self.expect_rules({"nine": 8, "marked": 1, "default": 1})

    @cases(mode=MODES)
    def test_packets_of_a_verdict_into_a_file(self, mode):
        self.attach(self.policy, mode)
        process = self.begin("--verdict", "drop", "--pcap", "/run/test/drops.pcapng", "--snaplen", "60")
        sent = [datagram(7, 200), datagram(9, 10, 6), datagram(9)]
        self.line.send([datagram(8), *sent, datagram(6)])
        self.expect_rules({"marked": 1, "nine": 2, "changed": 1, "default": 1})
        _, err = self.end(process)
        self.assertIn("3 packets captured, 3 matched, 0 lost", err)
        (interface,), packets, (statistics,) = pcapng.read(pathlib.Path("/run/test/drops.pcapng").read_bytes())
        self.assertEqual((interface.link, interface.snaplen, interface.options[pcapng.IF_NAME]), (1, 60, b"edge0"))
        self.assertEqual(interface.options[pcapng.IF_TSRESOL], b"\x09")
        self.assertEqual([packet.frame for packet in packets], [frame[:60] for frame in sent])
        self.assertEqual([packet.length for packet in packets], [len(frame) for frame in sent])
        self.assertEqual([packet.options[pcapng.COMMENT] for packet in packets], [b"rule marked", b"rule nine", b"rule nine"])
        self.assertEqual({packet.options[pcapng.VERDICT] for packet in packets}, {struct.pack("<BQ", XDP, DROP)})
        self.assertTrue(all(abs(packet.time / 1e9 - time.time()) < 60 for packet in packets))
        counts = [int.from_bytes(statistics.options[code], "little") for code in (pcapng.ISB_RECV, pcapng.ISB_DROP)]
        self.assertEqual(counts, [3, 0])

    def test_each_device_of_an_instance_is_named(self):
        second = self.cable(device="edge1")
        self.xdpc("attach", self.policy, "--dev", "edge0,edge1")
        lines, file = self.begin("--rule", "nine", "--json", "--count", "3"), "/run/test/both.pcapng"
        second.send([datagram(9)])
        self.line.send([datagram(9)])
        second.send([datagram(9, family=6)])
        out, _ = self.end(lines, interrupt=False)
        self.assertEqual([json.loads(line)["device"] for line in out.splitlines()], ["edge1", "edge0", "edge1"])
        process = self.begin("--rule", "nine", "--pcap", file, "--count", "2")
        second.send([datagram(9)])
        self.line.send([datagram(9)])
        self.end(process, interrupt=False)
        interfaces, packets, _ = pcapng.read(pathlib.Path(file).read_bytes())
        names = [interface.options[pcapng.IF_NAME] for interface in interfaces]
        self.assertEqual([names[packet.interface] for packet in packets], [b"edge1", b"edge0"])
        self.xdpc("detach", "--dev", "edge0,edge1")

    def test_packets_are_as_the_policy_leaves_them(self):
        self.attach(self.policy)
        process = self.begin("--rule", "changed", "--json")
        self.line.send([datagram(6)])
        self.expect_rules({"changed": 1})
        (line,) = self.end(process)[0].splitlines()
        line = json.loads(line)
        self.assertEqual(line["verdict"], "pass")
        self.assertEqual(bytes.fromhex(line["frame"])[22], 9)

    @cases(mode=MODES)
    def test_packets_of_events(self, mode):
        self.attach(self.policy, mode)
        program = self.program()
        process = self.begin("--pcap", "-", "--count", "2", command="events")
        self.line.send([datagram(9), datagram(7), datagram(8), datagram(7, family=6), datagram(7)])
        out, err = self.end(process, interrupt=False)
        self.assertIn("2 packets captured", err)
        _, packets, _ = pcapng.read(out)
        self.assertEqual([packet.frame for packet in packets], [datagram(7), datagram(7, family=6)])
        self.assertEqual({packet.options[pcapng.COMMENT] for packet in packets}, {b"event odd, rule marked"})
        self.assertEqual({packet.options[pcapng.VERDICT] for packet in packets}, {struct.pack("<BQ", XDP, DROP)})
        self.expect_clean(program)

    def test_sampling_takes_the_first_and_one_in_so_many(self):
        self.attach(self.policy)
        process = self.begin("--rule", "nine", "--sample", "1/4", "--json")
        self.line.send([datagram(9, size) for size in range(10)])
        self.expect_rules({"nine": 10})
        out, err = self.end(process)
        self.assertEqual([json.loads(line)["length"] - len(datagram(9)) for line in out.splitlines()], [0, 4, 8])
        self.assertEqual(json.loads(err), {"schema": 1, "captured": 3, "matched": 10, "lost": 0})

    def test_lines_for_people(self):
        self.attach(self.policy)
        process = self.begin("--verdict", "pass")
        sent = [ethernet(ip(tcp(dport=443, flags=SYN), SOURCE[6])), datagram(8)]
        self.line.send(sent)
        self.expect_rules({"default": 2})
        lines = self.end(process)[0].decode().splitlines()
        self.assertRegex(lines[0], r"^[0-9]+\.[0-9]{9} pass by default: 74 bytes, 2001:db8:99::5\.49152 > \S+\.443 tcp S$")
        self.assertRegex(lines[1], r" pass by default: 42 bytes, 203\.0\.113\.5\.49152 > 192\.0\.2\.1\.8 udp$")

    @cases(mode=MODES)
    def test_frames_of_several_buffers(self, mode):
        self.line.remove()
        self.line = self.cable(mtu=9000)
        self.attach(self.policy, mode)
        process = self.begin("--rule", "nine", "--json")
        frame = datagram(9, 8000)
        self.line.send([frame])
        self.expect_rules({"nine": 1})
        (line,) = self.end(process)[0].splitlines()
        self.assertEqual(bytes.fromhex(json.loads(line)["frame"]), frame)

    def test_a_ring_that_is_full_counts_what_it_loses(self):
        self.attach(self.policy)
        process = self.begin("--rule", "nine", "--json", "--buffer", "256KiB")
        process.send_signal(signal.SIGSTOP)
        self.line.send([datagram(9, 1400)] * 300)
        self.expect_rules({"nine": 300})
        process.send_signal(signal.SIGCONT)
        out, err = self.end(process)
        totals = json.loads(err)
        self.assertEqual((totals["matched"], totals["captured"]), (300, len(out.splitlines())))
        self.assertGreater(totals["lost"], 100)
        self.assertEqual(totals["captured"] + totals["lost"], 300)

    def test_a_swap_meanwhile_is_followed(self):
        self.attach(self.policy)
        process = self.begin("--rule", "nine", "--json")
        self.line.send([datagram(9)])
        self.expect_rules({"nine": 1})
        self.attach(world.policy_file("other.xf", OTHER))
        self.assertTrue(world.eventually(lambda: self.attached()[0]["capture"], bool), "the new policy is captured")
        self.line.send([datagram(9, 1), datagram(8)])
        self.expect_rules({"nine": 2, "eight": 1})
        lines = [json.loads(line) for line in self.end(process)[0].splitlines()]
        self.assertEqual([line["length"] for line in lines], [len(datagram(9)), len(datagram(9)) + 1])
        self.assertEqual({line["rule"] for line in lines}, {"nine"})
        self.assertEqual(self.attached()[0]["policy"], "other")
        self.assertEqual([pin for pin in world.pins() if "capture" in pin], [])

    def test_a_killed_one_is_cleaned_up_by_the_next_command(self):
        self.attach(self.policy)
        program = self.program()
        process = self.begin("--rule", "nine")
        process.kill()
        process.wait()
        self.assertTrue(self.attached()[0]["capture"])
        self.line.send([datagram(9)])
        self.expect_rules({"nine": 1})
        process = self.begin("--rule", "nine", "--count", "1")
        process.kill()
        process.wait()
        self.xdpc("confirm", "--dev", "edge0", code=4)
        self.expect_clean(program)

    def test_one_at_a_time(self):
        self.attach(self.policy)
        self.begin("--rule", "nine")
        message = self.xdpc("capture", "--dev", "edge0", "--verdict", "drop", code=3)
        self.assertIn("somebody else already captures on `edge0`", message)
        self.xdpc("set", "list", "x", "--dev", "edge0", code=4)
        self.assertTrue(self.attached()[0]["capture"], "whoever is alive is left alone")

    def start_trial(self, seconds=600):
        self.xdpc("attach", world.policy_file("other.xf", OTHER), "--dev", "edge0", "--confirm", f"{seconds}s")

    def expect_own_program(self):
        """In the place of the new policy, of what the trial hands over to."""
        (tail,) = pathlib.Path("/sys/fs/bpf/xdpc").glob("*/*/tail")
        (entry,) = [e for e in json.loads(world.sh("bpftool", "-j", "map", "dump", "pinned", str(tail))) if e["key"] == ["0x00"] * 4]
        own = json.loads(world.sh("bpftool", "-j", "prog", "show", "pinned", str(tail.parent / "prog")))["id"]
        self.assertEqual(int.from_bytes(bytes(int(byte, 16) for byte in entry["value"]), "little"), own)

    def expect_captured(self):
        self.assertTrue(world.eventually(lambda: self.attached()[0]["capture"], bool))

    @cases(mode=MODES, family=(4, 6))
    def test_a_trial_is_captured(self, mode, family):
        self.attach(self.policy, mode)
        self.start_trial()
        trial = self.program()
        process = self.begin("--rule", "eight", "--json")
        self.assertEqual(self.program(), trial, "what knows the deadline stays on the link")
        self.assertRegex(self.xdpc("list"), r"on trial, [0-9]+ s left, captured")
        self.assertIn("somebody else already captures", self.xdpc("capture", "--dev", "edge0", "--verdict", "drop", code=3))
        sent = [datagram(8, size, family) for size in (0, 100, 1000)]
        self.line.send([datagram(9, family=family), *sent, datagram(5, family=family)])
        self.expect_rules({"nine": 1, "eight": 3, "default": 1})
        out, err = self.end(process)
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([bytes.fromhex(line["frame"]) for line in lines], sent)
        self.assertEqual({(line["rule"], line["verdict"]) for line in lines}, {("eight", "drop")})
        self.assertEqual(json.loads(err), {"schema": 1, "captured": 3, "matched": 3, "lost": 0})
        self.expect_clean(trial)
        self.expect_own_program()
        self.line.send([datagram(8, family=family)])
        self.expect_rules({"nine": 1, "eight": 4, "default": 1})

    @cases(how=("confirm", "rollback", "nothing"))
    def test_it_goes_on_when_a_trial_begins_and_ends(self, how):
        self.attach(self.policy)
        program = self.program()
        process = self.begin("--rule", "nine", "--json")
        self.line.send([datagram(9)])
        self.expect_rules({"nine": 1})
        self.start_trial(20 if how == "nothing" else 600)
        self.expect_captured()
        self.line.send([datagram(9, 1), datagram(8, 1)])
        self.expect_rules({"nine": 2, "eight": 1})
        if how != "nothing":
            self.xdpc(how, "--dev", "edge0")
        ends = lambda: self.attached()[0]["trial"] is None and self.attached()[0]["capture"]  # noqa: E731
        self.assertTrue(world.eventually(ends, bool, 40), "it is captured again")
        self.line.send([datagram(9, 2), datagram(8, 2)])
        self.expect_rules({"nine": 3, **({"eight": 2} if how == "confirm" else {"default": 1})})
        lines = [json.loads(line) for line in self.end(process)[0].splitlines()]
        self.assertEqual([line["length"] - len(datagram(9)) for line in lines], [0, 1, 2])
        self.expect_clean(self.program() if how == "confirm" else program)

    def test_one_that_is_killed_in_a_trial_is_cleaned_up_by_the_next_command(self):
        self.attach(self.policy)
        self.start_trial()
        trial = self.program()
        for command in ("kill", "confirm"):
            process = self.begin("--rule", "eight")
            process.kill()
            process.wait()
            self.assertTrue(self.attached()[0]["capture"])
            self.line.send([datagram(8)])
            if command == "confirm":
                self.xdpc("confirm", "--dev", "edge0")
        self.expect_rules({"eight": 2})
        self.assertNotEqual(self.program(), trial)
        self.expect_clean(self.program())

    def test_it_ends_with_the_policy(self):
        self.attach(self.policy)
        process = self.begin("--rule", "nine")
        self.xdpc("detach", "--dev", "edge0")
        self.assertEqual(process.wait(world.PATIENCE), 0)
        self.assertEqual(world.pins(), [])

    def test_bad_requests(self):
        self.xdpc("capture", "--dev", "edge0", "--rule", "nine", code=4)
        self.attach(self.policy)
        program = self.program()
        self.assertIn("no rule `ninety` in front", self.xdpc("capture", "--dev", "edge0", "--rule", "ninety", code=4))
        for arguments in (["--verdict", "lost"], ["--sample", "5"], ["--sample", "1/0"], ["--snaplen", "0"]):
            self.xdpc("capture", "--dev", "edge0", *arguments, code=2)
        self.xdpc("capture", "--dev", "edge0", "--pcap", "/run/nowhere/x", code=2)
        kept = world.policy_file("kept.pcapng", "what was there")
        self.attach(world.policy_file("plain.xf", "policy plain {\n  default pass\n}\n"))
        self.assertIn("declares no events", self.xdpc("events", "--dev", "edge0", "--pcap", kept, code=4))
        self.assertEqual(kept.read_text(), "what was there")
        self.assertNotEqual(self.program(), program)
        self.assertFalse(self.attached()[0]["capture"])


world.main()

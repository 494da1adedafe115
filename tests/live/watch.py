# Rates: `counters --watch` and `top`, as JSON, as blocks, and painted in a terminal that is resized and whose keys are pressed.
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time

import world
from frames import ethernet, ip, udp

POLICY = """counter big
policy rates {
  nine: drop when udp.dport == 9
  eight: drop when udp.dport == 8
  long: when pkt.len > 200 { count big }
  default pass
}
"""
SOURCE = {4: "203.0.113.5", 6: "2001:db8:99::5"}


def datagram(port, size=0, family=4):
    return ethernet(ip(udp(dport=port, payload=bytes(size)), SOURCE[family]))


class Terminal:
    """A command in a terminal of its own; `screen()` is what it painted last, line by line."""

    def __init__(self, test, *arguments, rows=12, columns=80, **environment):
        self.master, slave = pty.openpty()
        self.resize(rows, columns, slave)
        env = {**os.environ, "TERM": "xterm", **environment}
        self.process = subprocess.Popen(["/run/xdpc", *arguments], stdin=slave, stdout=slave, stderr=slave, env=env,
                                        start_new_session=True, preexec_fn=world.die_with_parent)
        os.close(slave)
        os.set_blocking(self.master, False)
        self.text = ""
        test.addCleanup(os.close, self.master)
        test.addCleanup(self.process.wait)
        test.addCleanup(self.process.kill)

    def resize(self, rows, columns, fd=None):
        fcntl.ioctl(self.master if fd is None else fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if fd is None:
            os.kill(self.process.pid, signal.SIGWINCH)

    def read(self):
        try:
            while data := os.read(self.master, 65536):
                self.text += data.decode(errors="replace")
        except (BlockingIOError, OSError):
            pass
        return self.text

    def screen(self):
        painted = self.read().split("\x1b[H")
        complete = [part for part in painted[1:] if "\x1b[J" in part]
        return re.sub(r"\x1b\[[0-9?]*[A-Za-z]", "", complete[-1].split("\x1b[J")[0]).split("\r\n") if complete else []

    def press(self, key):
        os.write(self.master, key.encode())


class Watch(world.LiveTest):
    def setUp(self):
        self.line = self.cable()
        self.attach(world.policy_file("rates.xf", POLICY))

    def lines(self, process):
        """All that it still says, until it ends well."""
        looks = [json.loads(line) for line in process.stdout]
        self.assertEqual(process.wait(world.PATIENCE), 0)
        return looks

    def begin(self, *arguments):
        process = subprocess.Popen(["/run/xdpc", *arguments], stdout=subprocess.PIPE, text=True, preexec_fn=world.die_with_parent)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_rates_are_growth_over_time(self):
        self.line.send([datagram(9)] * 5)
        self.expect_rules({"nine": 5})
        process = self.begin("counters", "--dev", "edge0", "--json", "--watch", "300ms", "--count", "20")
        first = json.loads(process.stdout.readline())
        self.line.send([datagram(9), datagram(9, family=6), datagram(8, 300)])
        looks = [first, *(json.loads(line) for line in process.stdout)]
        self.assertEqual(process.wait(world.PATIENCE), 0)
        self.assertEqual(len(looks), 20)
        grown = lambda kind, name, what: sum(look[kind][name][what] * look["seconds"] for look in looks)  # noqa: E731
        self.assertAlmostEqual(grown("rules", "nine", "packets_per_second"), 2, places=3, msg="what was there before is no rate")
        self.assertAlmostEqual(grown("rules", "eight", "bits_per_second"), 8 * len(datagram(8, 300)), places=3)
        self.assertAlmostEqual(grown("counters", "big", "packets_per_second"), 0, places=3, msg="another rule ended those packets")
        last = looks[-1]
        self.assertEqual((last["schema"], last["device"], last["policy"]), (1, "edge0", "rates"))
        self.assertEqual(last["rules"]["nine"]["packets"], 7)

    def test_a_watch_as_text_is_a_table_a_time(self):
        self.line.send([datagram(9)] * 3)
        self.expect_rules({"nine": 3})
        out = self.xdpc("counters", "nine", "--dev", "edge0", "--watch", "10ms", "--count", "2")
        table = "rule  packets  bytes  packets/s  bits/s\nnine        3    126          0       0\n"
        self.assertEqual(out, table + "\n" + table)
        self.assertIn("did you mean `nine`?", self.xdpc("counters", "nin", "--dev", "edge0", "--watch", "10ms", code=4))
        self.assertIn("`--watch soon`", self.xdpc("counters", "--dev", "edge0", "--watch", "soon", code=2))
        self.xdpc("counters", "--dev", "edge0", "--watch", "0s", code=2)

    def test_a_watch_follows_swaps_and_ends_with_the_policy(self):
        process = self.begin("counters", "--dev", "edge0", "--json", "--watch", "20ms")
        self.assertEqual(json.loads(process.stdout.readline())["policy"], "rates")
        self.attach(world.policy_file("other.xf", POLICY.replace("policy rates", "policy other")))
        world.eventually(lambda: json.loads(process.stdout.readline())["policy"], lambda name: name == "other")
        self.xdpc("detach", "--dev", "edge0")
        self.lines(process)

    def test_an_interrupted_watch_ends_well(self):
        process = self.begin("counters", "--dev", "edge0", "--json", "--watch", "20ms")
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        self.lines(process)

    def test_top_has_the_busiest_first(self):
        process = self.begin("top", "--dev", "edge0", "--json", "--interval", "700ms", "--count", "3")
        while process.poll() is None:
            self.line.send([datagram(9), datagram(8, 900), datagram(9)])
            time.sleep(0.02)
        looks = self.lines(process)
        self.assertEqual(len(looks), 3)
        for look in looks[:2]:  # the last one may have begun with the last packet
            rules = look["rules"]
            self.assertEqual([rule["rule"] for rule in rules[:2]], ["nine", "eight"])
            self.assertEqual((rules[0]["verdict"], next(rule["verdict"] for rule in rules if rule["rule"] == "long")), ("drop", None))
            self.assertGreater(rules[0]["packets_per_second"], 0)
            self.assertAlmostEqual(look["packets_per_second"], rules[0]["packets_per_second"] + rules[1]["packets_per_second"])

    def test_top_without_a_terminal_prints_blocks(self):
        self.line.send([datagram(9)] * 3)
        self.expect_rules({"nine": 3})
        out = self.xdpc("top", "--dev", "edge0", "--once", "--interval", "10ms")
        self.assertNotIn("\x1b", out)
        self.assertEqual(out.splitlines()[0], "rates on edge0: 0 packets/s, 0bit/s")
        self.assertEqual(out.splitlines()[2].split(), ["nine", "drop", "0", "0", "3", "126"])
        self.assertEqual(len(out.splitlines()), 6)

    def test_top_in_a_terminal(self):
        self.line.send([datagram(8)] * 3)
        self.expect_rules({"eight": 3})
        terminal = Terminal(self, "top", "--dev", "edge0", "--interval", "50ms")
        rows = lambda: [line.split()[0] for line in terminal.screen()[3:-1] if line.strip()]  # noqa: E731
        self.assertEqual(world.eventually(rows, bool)[0], "eight", "without rates, by what was counted")
        self.assertIn("\x1b[7m", terminal.text)
        terminal.press("n")
        self.assertEqual(world.eventually(rows, lambda now: now[:1] == ["default"]), ["default", "eight", "long", "nine"])
        terminal.resize(7, 40)
        small = world.eventually(terminal.screen, lambda now: len(now) == 7)
        self.assertEqual((len(small), max(map(len, small)) <= 40), (7, True), small)
        self.assertIn("2 more", small[-2])
        terminal.press("q")
        self.assertEqual(terminal.process.wait(world.PATIENCE), 0)
        self.assertTrue(terminal.read().endswith("\x1b[?25h\x1b[?1049l"), "the screen is as it was")

    def test_top_in_a_terminal_without_colour(self):
        terminal = Terminal(self, "top", "--dev", "edge0", "--interval", "50ms", NO_COLOR="1")
        self.assertTrue(world.eventually(terminal.screen, bool))
        self.assertNotIn("\x1b[7m", terminal.text)
        terminal.process.send_signal(signal.SIGTERM)
        self.assertEqual(terminal.process.wait(world.PATIENCE), 0)
        self.assertTrue(terminal.read().endswith("\x1b[?25h\x1b[?1049l"))


world.main()

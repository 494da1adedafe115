# `xdpc events` in a burst: every event arrives once, whole and in order, as lines, as JSON and through a pipe; what is there
# is written without waiting for more.
import json
import os
import re
import signal
import subprocess

import world
from frames import ethernet, ip, udp
from world import cases

POLICY = """event seen { ip.src, udp.sport, tcp.dport }
policy told {
    all: when udp { emit seen; drop }
    default pass
}
"""
FRAMES = 40_000
LINE = re.compile(r"[0-9]+\.[0-9]{9} seen by all drop: ip\.src=(\S+) udp\.sport=([0-9]+) tcp\.dport=-")


def frame(number):
    source = f"203.0.113.{number % 7}" if number % 2 else f"2001:db8:99::{number % 5:x}"
    return ethernet(ip(udp(sport=number, dport=9), source.replace("::0", "::a")))


def expected(number):
    source = f"203.0.113.{number % 7}" if number % 2 else f"2001:db8:99::{number % 5:x}"
    return source.replace("::0", "::a"), number


class Events(world.LiveTest):
    def setUp(self):
        self.line = self.cable()
        self.attach(world.policy_file("told.xf", POLICY))

    def follow(self, *arguments, pipe):
        """A reader, and its output read to the end by a process of its own where it is a pipe."""
        out = open("/run/test/told", "w+")
        self.addCleanup(out.close)
        taker = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=out, preexec_fn=world.die_with_parent) if pipe else None
        reader = subprocess.Popen(["/run/xdpc", "events", "--dev", "edge0", *arguments], stdout=taker.stdin if taker else out,
                                  stderr=subprocess.PIPE, text=True, preexec_fn=world.die_with_parent)
        self.addCleanup(reader.wait)
        self.addCleanup(reader.kill)
        if taker:
            taker.stdin.close()
            self.addCleanup(taker.wait)
            self.addCleanup(taker.kill)
        self.await_reader()
        return reader, taker

    def told(self, form):
        with open("/run/test/told") as out:
            text = out.read()
        self.assertTrue(text == "" or text.endswith("\n"))
        if form == "json":
            events = [json.loads(line) for line in text.splitlines()]
            self.assertEqual({tuple(event) for event in events}, {("schema", "time_ns", "event", "rule", "verdict", "fields")})
            return [(event["fields"]["ip.src"], event["fields"]["udp.sport"]) for event in events]
        matches = [LINE.fullmatch(line) for line in text.splitlines()]
        self.assertTrue(all(matches))
        return [(match[1], int(match[2])) for match in matches]

    @cases(form=("lines", "json"), pipe=(False, True))
    def test_a_burst_arrives_whole(self, form, pipe):
        reader, taker = self.follow(*(["--json"] if form == "json" else []), pipe=pipe)
        self.line.send([frame(number) for number in range(FRAMES)])
        sent = FRAMES - self.line.dropped()
        self.assertEqual(world.eventually(lambda: sum(self.rules().values()), lambda sum: sum >= sent), sent)
        reader.send_signal(signal.SIGTERM)
        said = reader.communicate(timeout=world.PATIENCE)[1]
        if taker:
            taker.wait(world.PATIENCE)
        if form == "lines":
            self.assertEqual(said, f"xdpc: note: {sent} events, 0 lost\n")
        seen = self.told(form)
        self.assertEqual(len(seen), sent)
        if sent == FRAMES:
            self.assertEqual(seen, [expected(number) for number in range(FRAMES)])

    def test_what_is_there_is_written_at_once(self):
        reader, _ = self.follow(pipe=False)
        for number in range(1, 4):
            self.line.send([frame(number)])
            size = lambda: os.path.getsize("/run/test/told")  # noqa: E731
            before = number - 1
            seen = world.eventually(lambda: self.told("lines") if size() else [], lambda seen: len(seen) > before)  # noqa: B023
            self.assertEqual(seen, [expected(one) for one in range(1, number + 1)])
        reader.send_signal(signal.SIGTERM)
        reader.wait(world.PATIENCE)

    def test_a_count_ends_it_there(self):
        reader, _ = self.follow("--count", "1000", pipe=False)
        self.line.send([frame(number) for number in range(5000)])
        self.assertEqual(reader.wait(world.PATIENCE), 0)
        self.assertEqual(len(self.told("lines")), 1000)


world.main()

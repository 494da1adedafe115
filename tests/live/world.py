# The world of the live tests: a network and a mount namespace of the process's own, a bpffs on /sys/fs/bpf and a place for
# named namespaces. All of it ends with the process, however that ends. A Cable is a veth pair: the tests are its host end,
# `edge0`, where policies are attached; the other end lies in the namespace `peer`, where all traffic starts.
#
# A test file is `FILE XDPC SOURCE [unittest's arguments]`; it has classes made of LiveTest and calls main().
import contextlib
import ctypes
import fcntl
import itertools
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import machine  # noqa: E402

CLONE_NEWNS, CLONE_NEWNET, MS_REC, MS_PRIVATE, MS_BIND, PR_SET_PDEATHSIG = 0x20000, 0x40000000, 0x4000, 0x40000, 0x1000, 1
PATIENCE = 20  # seconds that anything may take on a busy machine before a test gives up

libc = ctypes.CDLL(None, use_errno=True)
source = xdpc_program = None


def system(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def mount(what, where, kind=None, flags=0):
    encoded = [text.encode() if text else None for text in (what, where, kind)]
    system(libc.mount(*encoded, ctypes.c_ulong(flags), None), f"mount {where}")


def sh(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr}")
    return done.stdout


def status(*command):
    """The exit code of what may fail."""
    return subprocess.run(command, capture_output=True).returncode


def quiet_ipv6():
    """No packet that nobody asked for: no router solicitation, no detection of duplicates, no link-local address."""
    for name, value in (("accept_ra", 0), ("router_solicitations", 0), ("accept_dad", 0), ("addr_gen_mode", 1)):
        for which in ("all", "default"):
            pathlib.Path(f"/proc/sys/net/ipv6/conf/{which}/{name}").write_text(str(value))


def enter():
    system(libc.unshare(CLONE_NEWNS | CLONE_NEWNET), "unshare")
    mount(None, "/", flags=MS_REC | MS_PRIVATE)
    mount("bpf", "/sys/fs/bpf", "bpf")
    mount("tmpfs", "/run", "tmpfs")
    for folder in ("/run/netns", "/run/test"):
        os.mkdir(folder)
        os.chmod(folder, 0o755)
    os.environ["TMPDIR"] = "/run/test"  # verifier's logs
    # Where everybody may run it, for the tests without privileges.
    pathlib.Path("/run/xdpc").touch()
    mount(xdpc_program, "/run/xdpc", flags=MS_BIND)
    sh("ip", "link", "set", "lo", "up")
    quiet_ipv6()
    sh("ip", "netns", "add", "peer")
    with namespace("peer"):
        quiet_ipv6()
        sh("ip", "link", "set", "lo", "up")


@contextlib.contextmanager
def namespace(name):
    """The main thread is in the named namespace for a while; sockets made there stay there."""
    with open("/proc/thread-self/ns/net") as back, open(f"/run/netns/{name}") as there:
        system(libc.setns(there.fileno(), CLONE_NEWNET), "setns")
        try:
            yield
        finally:
            system(libc.setns(back.fileno(), CLONE_NEWNET), "setns")


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def eventually(read, wanted, seconds=PATIENCE):
    """The last value of read(): that which `wanted` accepts, unless the time is up."""
    end = time.monotonic() + seconds
    while True:
        value = read()
        if wanted(value) or time.monotonic() > end:
            return value
        time.sleep(0.01)


def policy_file(name, text):
    path = pathlib.Path("/run/test") / name
    path.write_text(text)
    return path


def example(name):
    return source / "examples" / name / f"{name}.xf"


def run(*arguments, **options):
    """`xdpc ARGUMENTS`, ended."""
    return subprocess.run(["/run/xdpc", *map(str, arguments)], capture_output=True, text=True, timeout=120, **options)


class Cable:
    """`edge0` here and `edge0` in the namespace `peer`, both up, with addresses only if told."""

    numbers = itertools.count()

    def __init__(self, mtu=1500, device="edge0", up=True):
        self.device = device
        # The last one's other end goes some time after its namespace: one worker of the kernel ends all there are.
        eventually(lambda: self.exists("-n", "peer"), lambda there: not there)
        ends = ["ip", "link", "add", device, "mtu", str(mtu), "type", "veth"]
        # Ends of one number are taken for one device, whose carrier the kernel hears of once a second.
        sh(*ends, "peer", "name", device, "mtu", str(mtu), "netns", "peer", "index", str(1000 + next(self.numbers)))
        if up:
            self.up()

    def exists(self, *where):
        return subprocess.run(["ip", *where, "link", "show", self.device], capture_output=True).returncode == 0

    def up(self):
        """This end first: nothing that the peer sends is lost then."""
        sh("ip", "link", "set", self.device, "up")
        sh("ip", "-n", "peer", "link", "set", self.device, "up")
        self.settle()

    def settle(self):
        """Both ends answer for their addresses, which the kernel sees to in its own time."""
        for where in ([], ["-n", "peer"]):
            state = lambda: sh("ip", *where, "-br", "link", "show", self.device).split()[1]  # noqa: B023, E731
            if eventually(state, lambda state: state == "UP") != "UP":
                raise RuntimeError(f"{self.device} does not come up")

    def remove(self):
        if pathlib.Path(f"/proc/sys/net/ipv4/conf/{self.device}").exists():
            sh("ip", "link", "del", self.device)

    def addresses(self, here, there):
        for where, addresses in ((None, here), ("peer", there)):
            for address in addresses:
                sh("ip", *(["-n", where] if where else []), "addr", "add", address, "dev", self.device, *(["nodad"] if ":" in address else []))

    def packet_socket(self, where="peer", receive=False):
        """A socket for whole frames; it hears nothing unless told to."""
        with namespace(where) if where else contextlib.nullcontext():
            link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            link.bind((self.device, 3 if receive else 0))  # 3: ETH_P_ALL
        return link

    def dropped(self):
        """Frames of the peer for which this end's queue had no room."""
        return json.loads(sh("ip", "-n", "peer", "-s", "-j", "link", "show", self.device))[0]["stats64"]["tx"]["dropped"]

    def send(self, frames, cpu=None):
        """The frames, from the peer, in order, on one CPU, and not faster than the other end takes them."""
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(before) if cpu is None else cpu})
        try:
            with self.packet_socket() as link:
                for number, frame in enumerate(frames, 1):
                    link.send(frame)
                    if number % 128 == 0:
                        time.sleep(0.0005)  # the other end's queue has 256 places
        finally:
            os.sched_setaffinity(0, before)


class Capture:
    """What leaves the peer's end (or, with `where=None`, arrives at this one behind XDP), as a tcpdump there would see it."""

    OUTGOING, PACKET, AUXDATA, VLAN_VALID, RCVBUFFORCE = 4, 263, 8, 1 << 4, 33

    def __init__(self, cable, where="peer"):
        self.outgoing = where == "peer"
        self.link = cable.packet_socket(where, receive=True)
        self.link.setsockopt(socket.SOL_SOCKET, self.RCVBUFFORCE, 64 << 20)
        self.link.setsockopt(self.PACKET, self.AUXDATA, 1)
        self.link.setblocking(False)
        self.link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # takes away that the end was down
        self.seen = []

    def frames(self):
        """All frames since the start, oldest first."""
        with contextlib.suppress(BlockingIOError):
            while True:
                frame, extra, _, address = self.link.recvmsg(65536, 128)
                if (address[2] == self.OUTGOING) == self.outgoing:
                    self.seen.append(self.tagged(frame, extra))
        return self.seen

    def tagged(self, frame, extra):
        """The frame with the outer VLAN tag that the kernel keeps beside it."""
        for _, _, data in extra:
            status, tag, kind = struct.unpack("=I12xHH", data)
            if status & self.VLAN_VALID:
                return frame[:12] + struct.pack(">HH", kind, tag) + frame[12:]
        return frame

    def close(self):
        self.link.close()


def cases(**parameters):
    """Makes a test method of each combination: `@cases(mode=("native", "generic"))` gives test_x_native and test_x_generic."""

    def mark(function):
        function.cases = [dict(zip(parameters, values)) for values in itertools.product(*parameters.values())]
        return function

    return mark


MODES = ("native", "generic")


class LiveTest(unittest.TestCase):
    maxDiff = None

    def __init_subclass__(cls):
        for name, function in list(vars(cls).items()):
            for case in getattr(function, "cases", []):
                suffix = "_".join(str(value) for value in case.values())
                setattr(cls, f"{name}_{suffix}", lambda self, function=function, case=case: function(self, **case))
            if hasattr(function, "cases"):
                delattr(cls, name)

    def cable(self, **options):
        cable = Cable(**options)
        self.addCleanup(cable.remove)
        return cable

    def capture(self, cable, where="peer"):
        capture = Capture(cable, where)
        self.addCleanup(capture.close)
        return capture

    def xdpc(self, *arguments, code=0, **options):
        """Runs it, expects the exit code, gives standard output, or standard error where a failure is expected."""
        done = run(*arguments, **options)
        self.assertEqual(done.returncode, code, f"xdpc {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")
        return done.stderr if code else done.stdout

    def attach(self, policy, mode="auto", device="edge0"):
        return self.xdpc("attach", policy, "--dev", device, "--mode", mode, "-Wno-protect-unproved")

    def counters(self, device="edge0"):
        return json.loads(self.xdpc("counters", "--dev", device, "--json"))

    def rules(self, device="edge0"):
        """Packets by rule, without those that have none."""
        rules = self.counters(device)["rules"]
        return {name: cell["packets"] for name, cell in rules.items() if cell["packets"]}

    def expect_rules(self, expected, device="edge0"):
        """Exactly these counts, soon: the last packet may still be on its way."""
        expected = {name: packets for name, packets in expected.items() if packets}
        total = sum(expected.values())
        self.assertEqual(eventually(lambda: self.rules(device), lambda now: sum(now.values()) >= total), expected)

    def judge(self, cable, frame, before=None):
        """The rule that counted this frame, and no other; and all counts after it."""
        before = before or self.rules(cable.device)
        cable.send([frame])
        after = eventually(lambda: self.rules(cable.device), lambda now: now != before)
        grown = {name: packets - before.get(name, 0) for name, packets in after.items() if packets != before.get(name, 0)}
        self.assertEqual(list(grown.values()), [1], f"of one frame these counts grew: {grown}")
        return next(iter(grown)), after

    def expect_each(self, cable, cases):
        """(expected, frame)…, as in ("pass by web", frame): one rule counts it, and what passes arrives behind XDP."""
        before = self.rules(cable.device)
        for number, (expected, frame) in enumerate(cases):
            with self.subTest(number=number, expected=expected, frame=frame[:80].hex()):
                behind = self.capture(cable, None)
                rule, before = self.judge(cable, frame, before)
                arrived = lambda: frame in behind.frames()  # noqa: B023, E731
                passed = eventually(arrived, bool) if expected.startswith("pass") else arrived()
                behind.close()
                self.assertEqual(f"{'pass' if passed else 'drop'} by {rule}", expected)

    def expect_judged(self, cable, expected, frame):
        self.expect_each(cable, [(expected, frame)])

    def attached(self):
        return json.loads(self.xdpc("list", "--json"))["attached"]

    def elements(self, name, device="edge0"):
        """Of a set: text to remaining seconds, None where there is no end."""
        listed = json.loads(self.xdpc("set", "list", name, "--dev", device, "--json"))["elements"]
        return {e["element"]: None if e["remaining_ns"] is None else e["remaining_ns"] / 1e9 for e in listed}

    def child(self, work):
        """A process that does the work; it ends with the test at the latest."""
        pid = os.fork()
        if pid:
            self.addCleanup(os.waitpid, pid, 0)
            self.addCleanup(os.kill, pid, signal.SIGKILL)
            return pid
        die_with_parent()
        try:
            work()
            os._exit(0)
        except BaseException as error:  # noqa: B902: whatever it is, no test goes on in a child
            print(repr(error), flush=True)
            os._exit(1)

    def await_child(self, pid):
        self.assertEqual(os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT).si_status, 0)

    def start(self, *arguments):
        """`xdpc ARGUMENTS` in the background; it ends with the test."""
        out = open("/run/test/out", "w+")
        process = subprocess.Popen(["/run/xdpc", *arguments], stdout=out, stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
        self.addCleanup(out.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def lease(self):
        """When the lease of the events' reader ends, 0 without one, as the running generation has it."""
        maps = json.loads(self.xdpc("show", "--dev", "edge0", "--json"))["maps"]
        number = next(use["id"] for use in maps if use["name"].endswith("control"))
        value = json.loads(sh("bpftool", "-j", "map", "lookup", "id", str(number), "key", "0", "0", "0", "0"))["value"]
        return int.from_bytes(bytes(int(byte, 16) for byte in value[:8]), "little")

    def await_reader(self):
        self.assertTrue(eventually(self.lease, bool), "the reader of events takes the lease")

    def reader(self):
        """`xdpc events` in the background, at work; its lines go to /run/test/out."""
        process = self.start("events", "--dev", "edge0", "--json")
        self.await_reader()
        return process


@contextlib.contextmanager
def locked(folder):
    """Holds the lock on a folder of pins, as a working xdpc does."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(fd)


def pins(bpffs="/sys/fs/bpf"):
    """What lies in the bpffs below xdpc's folder."""
    root = pathlib.Path(bpffs) / "xdpc"
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def main():
    global source, xdpc_program
    machine.require("root")
    xdpc_program, source = os.path.realpath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    enter()
    unittest.main(module="__main__", argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)

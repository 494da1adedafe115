"""How many events `xdpc events` loses at a steady rate: lines, JSON and pcapng, to a file and through a pipe.

events.py BUILD [--rate 200000] [--seconds 5] prints a line for each. The frames are test runs of the program that is on the
link, a thousandth of a second's worth at a time. In mount and network namespaces of its own; needs root.
"""

import argparse
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import bench
import frames

POLICY = """
event seen { ip.src, ip.dst, l4.dport, pkt.len }
policy told {
    all: when ipv4 { emit seen; drop }
    default pass
}
"""
DEVICE = "xe0"
BPF, TEST_RUN, FD_BY_ID = 321, 10, 13  # the system call's number on x86-64, and two commands of it
libc = ctypes.CDLL(None, use_errno=True)


class TestRun(ctypes.Structure):
    _fields_ = [("prog_fd", ctypes.c_uint32), ("retval", ctypes.c_uint32), ("size_in", ctypes.c_uint32),
                ("size_out", ctypes.c_uint32), ("data_in", ctypes.c_uint64), ("data_out", ctypes.c_uint64),
                ("repeat", ctypes.c_uint32), ("duration", ctypes.c_uint32), ("rest", ctypes.c_uint8 * 40)]


def bpf(command, attributes):
    result = libc.syscall(BPF, command, ctypes.byref(attributes), ctypes.sizeof(attributes))
    if result < 0:
        raise OSError(ctypes.get_errno(), "bpf(%d)" % command)
    return result


def program_on_link():
    link = json.loads(subprocess.run(["ip", "-j", "link", "show", DEVICE], check=True, capture_output=True, text=True).stdout)
    return bpf(FD_BY_ID, (ctypes.c_uint32 * 3)(link[0]["xdp"]["prog"]["id"], 0, 0))


def pump(frame, rate, seconds):
    """Frames at this rate; gives how many, and the seconds that they took."""
    program, data = program_on_link(), ctypes.create_string_buffer(frame, len(frame))
    run = TestRun(prog_fd=program, size_in=len(frame), data_in=ctypes.addressof(data))
    sent, begin = 0, time.monotonic()
    while sent < rate * seconds:
        due = min(int((time.monotonic() - begin) * rate), rate * seconds) - sent
        if due > 0:
            run.repeat = min(due, rate // 100)  # after a pause of the machine's, no burst that no device would send
            bpf(TEST_RUN, run)
            sent += run.repeat
        time.sleep(0.001)
    os.close(program)
    return sent, time.monotonic() - begin


FORMS = {
    "lines, file": [],
    "JSON, file": ["--json"],
    "pcapng, file": ["--pcap", "OUT"],
    "lines, pipe": [],
    "JSON, pipe": ["--json"],
    "pcapng, pipe": ["--pcap", "-"],
}


def measure(xdpc, mount, folder, form, rate, seconds):
    out, piped = os.path.join(folder, "out"), form.endswith("pipe")
    arguments = [out if word == "OUT" else word for word in FORMS[form]]
    taker = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) if piped else None
    with open(out, "w") as file, open(os.path.join(folder, "err"), "w+") as err:
        reader = subprocess.Popen([xdpc, "events", "--dev", DEVICE, "--bpffs", mount, *arguments],
                                  stdout=taker.stdin if piped else file, stderr=err)
        time.sleep(3)
        sent, took = pump(frames.ipv4("192.0.2.1", 6, frames.tcp(1, 2)), rate, seconds)
        time.sleep(0.5)
        reader.send_signal(signal.SIGTERM)
        _, _, usage = os.wait4(reader.pid, 0)
        reader.returncode = 0
        err.seek(0)
        said = err.read().strip()
    if taker:
        taker.stdin.close()
        taker.wait()
    counters = json.loads(subprocess.run([xdpc, "counters", "--dev", DEVICE, "--bpffs", mount, "--json"], check=True,
                                         capture_output=True, text=True).stdout)["system"]
    cpu = usage.ru_utime + usage.ru_stime
    told = said if "--pcap" in arguments else "%d found no room, %d had no reader" % (
        counters["seen.lost"]["packets"], counters["seen.unread"]["packets"])
    return "%-14s %d sent in %.1f s; the reader had a CPU for %.2f us an event; %s" % (form, sent, took, cpu / sent * 1e6, told)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--rate", type=int, default=200_000)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    if "XDPC_BENCH_INSIDE" not in os.environ:
        os.execvpe("unshare", ["unshare", "--mount", "--net", "--propagation", "private", sys.executable, *sys.argv],
                   {**os.environ, "XDPC_BENCH_INSIDE": "1"})
    xdpc = os.path.realpath(os.path.join(options.build, "driver", "xdpc"))
    with tempfile.TemporaryDirectory() as folder, bench.bpffs(folder) as mount, bench.devices("xe", 2):
        policy = os.path.join(folder, "told.xf")
        with open(policy, "w") as text:
            text.write(POLICY)
        for form in FORMS:
            if options.only in form:
                subprocess.run([xdpc, "attach", policy, "--dev", DEVICE, "--bpffs", mount], check=True, stdout=subprocess.DEVNULL)
                print(measure(xdpc, mount, folder, form, options.rate, options.seconds), flush=True)
                subprocess.run([xdpc, "detach", "--dev", DEVICE, "--bpffs", mount], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()

# What this machine can do, for tests that need more than a compiler: a feature's name, and None or why it is missing.
# A test that skips prints `skip FEATURE: REASON` and exits 77, which ctest counts as skipped.
import ctypes
import os
import shutil
import struct
import sys

SKIPPED = 77


def _root():
    return None if os.geteuid() == 0 else "not run as root"


def _kernel():
    """Whether XDP programs can be loaded: asks bpf(BPF_PROG_LOAD) with `r0 = 2; exit`."""
    if _root():
        return _root()
    instructions = struct.pack("<BBhiBBhi", 0xB7, 0, 0, 2, 0x95, 0, 0, 0)
    code = ctypes.create_string_buffer(instructions)
    licence = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack("<IIQQIIQII", 6, 2, ctypes.addressof(code), ctypes.addressof(licence), 0, 0, 0, 0, 0)
    buffer = ctypes.create_string_buffer(attributes.ljust(128, b"\0"), 128)
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(321, 5, buffer, 128)  # x86-64: bpf(BPF_PROG_LOAD, …)
    if fd < 0:
        return f"the kernel refuses an XDP program: {os.strerror(ctypes.get_errno())}"
    os.close(fd)
    return None


def _namespaces():
    if _root():
        return _root()
    return None if shutil.which("ip") and shutil.which("nsenter") else "no ip or nsenter"


def _clang():
    return None if shutil.which("clang-19") else "no clang-19"


def _bpftool():
    return None if find_bpftool() else "no bpftool"


def find_bpftool():
    return shutil.which("bpftool") or shutil.which("bpftool", path="/usr/sbin:/sbin")


def features():
    return {"root": _root(), "kernel": _kernel(), "netns": _namespaces(), "clang": _clang(), "bpftool": _bpftool()}


def require(*names):
    """Ends the test as skipped, with a typed reason, unless the machine has them all."""
    have = features()
    for name in names:
        if have[name] is not None:
            print(f"skip {name}: {have[name]}")
            sys.exit(SKIPPED)


if __name__ == "__main__":
    for name, missing in features().items():
        print(f"{name}: {missing or 'yes'}")

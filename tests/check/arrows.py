# arrows.py SOURCE [BUILD]: which part may see which. Reads the #include lines and, with a build directory, the undefined
# symbols of the libraries. The table below is the one of docs/architecture.md.
import pathlib
import re
import subprocess
import sys

# folder: folders of the project that it may include from, besides itself.
MAY_SEE = {
    "grammar": {"compiler/basic"},
    "compiler/basic": set(),
    "compiler/diag": {"compiler/basic"},
    "compiler/ast": {"compiler/basic", "runtime/abi"},
    "compiler/parse": {"grammar", "compiler/basic", "compiler/diag", "compiler/ast", "runtime/abi"},
    "compiler/format": {"compiler/basic", "compiler/diag", "compiler/parse"},
    "compiler/ir": {"compiler/basic", "runtime/abi"},
    "compiler/sema": {"compiler/basic", "compiler/diag", "compiler/ast", "compiler/ir", "runtime/abi"},
    "compiler/analysis": {"compiler/basic", "compiler/diag", "compiler/ast", "compiler/ir", "runtime/abi"},
    "compiler/plan": {"compiler/basic", "compiler/diag", "compiler/ir", "runtime/abi"},
    "compiler/extern_c": {"compiler/basic", "compiler/diag", "compiler/ir", "runtime/abi"},
    "compiler/lower": {"compiler/basic", "compiler/ir", "compiler/plan", "runtime/abi"},
    "compiler/codegen": {"compiler/basic", "compiler/lower", "runtime/abi"},
    "compiler/prepared": {"compiler/*"},
    "runtime/abi": set(),
    "runtime/object": {"runtime/abi"},
    "runtime/engine": {"runtime/abi", "runtime/object"},
    "runtime/vm": {"runtime/abi", "runtime/object", "runtime/engine"},
    "runtime/kernel": {"runtime/abi", "runtime/object", "runtime/engine"},
    "runtime/tables": {"runtime/abi", "runtime/engine"},
    "runtime/sets": {"runtime/abi", "runtime/engine", "runtime/tables"},
    "runtime/counters": {"runtime/abi", "runtime/engine", "runtime/tables"},
    "runtime/events": {"runtime/abi", "runtime/engine"},
    "runtime/swap": {"runtime/abi", "runtime/object", "runtime/engine", "runtime/kernel", "runtime/tables", "runtime/sets",
                     "runtime/counters"},
    "driver": {"compiler/*", "runtime/*"},
}

# library: its headers, and the folders that may include them.
LIBRARIES = {
    "LLVM": (r"(llvm|llvm-c|lld)/", {"compiler/lower", "compiler/codegen", "compiler/extern_c"}),
    "Clang": (r"clang/", {"compiler/extern_c"}),
    "PEGTL": (r"tao/", {"grammar", "compiler/parse"}),
    "libbpf": (r"bpf/", {"runtime/kernel", "runtime/swap", "runtime/object", "runtime/vm"}),
    "CLI11": (r"CLI/", {"driver"}),
    "libpcap": (r"pcap", {"driver"}),
    "libmicrohttpd": (r"microhttpd", {"driver"}),
    "a JSON library other than nlohmann's": (r"(rapidjson|json/|boost/json|llvm/Support/JSON)", set()),
    "iostreams": (r"(iostream|fstream|sstream)$", set()),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
SOURCES = (".h", ".cpp", ".c", ".def")


def folder_of(path):
    parts = pathlib.PurePosixPath(path).parts
    return "/".join(parts[:2]) if parts[0] in ("compiler", "runtime") else parts[0]


def may_see(folder, other):
    allowed = MAY_SEE.get(folder, set())
    return other == folder or other in allowed or other.split("/")[0] + "/*" in allowed


def check_file(root, path):
    folder = folder_of(path)
    for included in INCLUDE.findall((root / path).read_text()):
        for name, (pattern, allowed) in LIBRARIES.items():
            if re.match(pattern, included) and folder not in allowed:
                yield f"{path}: includes {included}: {name} is not for {folder}/"
        if included.split("/")[0] == "tests":
            yield f"{path}: includes {included}: nothing sees tests/"
        elif (root / included).is_file() and not may_see(folder, folder_of(included)):
            yield f"{path}: includes {included}: {folder}/ does not see {folder_of(included)}/"


# What a library of the build must not refer to.
FORBIDDEN_SYMBOLS = [
    ("libxdpc_runtime_*.a", re.compile(r"_ZN?K?4llvm|_ZN4xdpc(3ast|5parse|2ir|4sema|4plan|5lower|7codegen|4diag)")),
    ("libxdpc_compiler_*.a", re.compile(r"^(bpf_|libbpf_|btf__)|_ZN4xdpc(2vm|6kernel|4swap|6engine|6object)")),
]


def check_links(build):
    for pattern, forbidden in FORBIDDEN_SYMBOLS:
        for library in sorted(build.rglob(pattern)):
            listing = subprocess.run(["nm", "-u", library], capture_output=True, text=True).stdout
            for symbol in sorted({line.split()[-1] for line in listing.splitlines() if line.strip()}):
                if forbidden.search(symbol):
                    yield f"{library.name}: refers to {symbol}"


def main(source, build=None):
    root = pathlib.Path(source)
    files = [p.relative_to(root) for top in ("grammar", "compiler", "runtime", "driver") for p in (root / top).rglob("*")]
    files = sorted(p for p in files if p.suffix in SOURCES)
    problems = [f"{folder_of(p)}/: not in the table of tests/check/arrows.py" for p in files if folder_of(p) not in MAY_SEE]
    problems = sorted(set(problems)) + [problem for path in files for problem in check_file(root, path)]
    problems += check_links(pathlib.Path(build)) if build else []
    print(*problems, sep="\n")
    print(f"{len(files)} files, {len(problems)} arrows broken")
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))

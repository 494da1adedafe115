# lit's configuration for xdpc's own text tests: `xdpc` and FileCheck, one test a file. Run by ctest's `lit`.
# Features that a test can require: root, kernel (may load XDP programs), clang.
import os
import sys

import lit.formats

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import machine  # noqa: E402  (tests/support/machine.py)

config.name = "xdpc"
config.test_format = lit.formats.ShTest(execute_external=True)
config.suffixes = [".xf", ".test"]
config.excludes = ["inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = config.xdpc_lit_out

config.environment["NO_COLOR"] = "1"
# `./dev bless` rewrites the golden files.
bless = " --bless" if lit_config.params.get("bless") else ""
config.substitutions += [
    ("%xdpc", config.xdpc),
    ("%FileCheck", config.file_check),
    ("%check_diagnostics", f"{sys.executable} {config.xdpc_source}/tests/support/check_diagnostics.py {config.xdpc}"),
    ("%golden", f"{sys.executable} {config.xdpc_source}/tests/support/golden.py" + bless),
    ("%python", sys.executable),
    ("%lit", config.lit),
    ("%support", f"{config.xdpc_source}/tests/support"),
    ("%examples", f"{config.xdpc_source}/examples"),
    ("%inputs", f"{config.xdpc_source}/tests/lit/inputs"),
]

# Each missing feature is said once with its reason; lit counts the tests as unsupported.
for feature, missing in machine.features().items():
    if missing is None:
        config.available_features.add(feature)
    else:
        lit_config.note(f"skip {feature}: {missing}")

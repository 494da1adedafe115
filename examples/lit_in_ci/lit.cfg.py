# Keeps a policy's regression tests in your own CI: lit runs every .xf and .test file in this folder.
#
#     python3 /usr/lib/llvm-19/build/utils/lit/lit.py -sv --param xdpc=/path/to/xdpc .
#
# Without the parameter, xdpc is taken from PATH. FileCheck is in the package llvm-19-tools, as lit is.
import os
import shutil
import tempfile

import lit.formats

config.name = "policy"
config.test_format = lit.formats.ShTest()
config.suffixes = [".xf", ".test"]
config.test_source_root = os.path.dirname(os.path.abspath(__file__))
config.test_exec_root = lit_config.params.get("out", os.path.join(tempfile.gettempdir(), f"policy-tests-{os.getuid()}"))

xdpc = lit_config.params.get("xdpc") or shutil.which("xdpc")
if not xdpc:
    lit_config.fatal("no xdpc in PATH: say --param xdpc=/path/to/xdpc")
config.substitutions += [
    ("%xdpc", xdpc),
    ("%FileCheck", shutil.which("FileCheck-19") or shutil.which("FileCheck") or "FileCheck"),
]

# run.py XDPC SOURCE: rule sets of ClassBench as policies. Each packet of a trace has to meet the stored first match, in
# user space and in the kernel, and all rules' counts have to agree with that. The shared corpus (../shared/corpus beside
# the checkout) has four sets; generated ones of the same kind, of both families, need nothing, and are compared with
# first_match of ruleset.py, with tables and without.
import collections
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import machine  # noqa: E402
import ruleset  # noqa: E402

FRAMES = 4000  # of a trace, evenly taken


def run(xdpc, program, capture, *options):
    done = subprocess.run([xdpc, "run", program, "--pcap", capture, "--json", *options], capture_output=True, text=True)
    if done.returncode != 0:
        return None, done.stderr
    *frames, totals = [json.loads(line) for line in done.stdout.splitlines()]
    return [one["rule"] for one in frames], totals


def compare(xdpc, folder, name, rules, packets, expected, ways):
    """`expected`: rules' numbers or None; a packet whose answer cannot be told is left out before."""
    (folder / "policy.xf").write_text(ruleset.policy_text(rules))
    ruleset.write_pcap(folder / "trace.pcap", packets)
    wanted = ["default" if number is None else f"r{number}" for number in expected]
    problems = 0
    for title, build, options in ways:
        program = folder / "policy.o"
        built = subprocess.run([xdpc, "build", *build, folder / "policy.xf", "-o", program], capture_output=True, text=True)
        if built.returncode != 0:
            print(f"{name}, {title}: does not compile: {built.stderr[-500:]}")
            problems += 1
            continue
        found, totals = run(xdpc, program, folder / "trace.pcap", *options)
        if found is None:
            print(f"{name}, {title}: {totals}")
            problems += 1
            continue
        wrong = [i for i, (one, other) in enumerate(zip(found, wanted)) if one != other]
        for i in wrong[:5]:
            print(f"{name}, {title}: packet {packets[i]}: {found[i]}, not {wanted[i]}")
        counted = {name: count["packets"] for name, count in totals["rules"].items() if count["packets"]}
        if not wrong and counted != dict(collections.Counter(wanted)):
            print(f"{name}, {title}: the counts differ from the frames")
            problems += 1
        print(f"{name}, {title}: {len(found)} packets, {len(wrong)} wrong")
        problems += len(wrong) + (len(found) != len(wanted))
    return problems


def stored(folder, name):
    rules, packets = ruleset.stored_rules(folder / f"{name}.rules"), []
    answers = [int(line) for line in (folder / f"{name}.answers").read_text().split()]
    for line in (folder / f"{name}.trace").read_text().splitlines():
        source, destination, sport, dport, protocol = (int(part) for part in line.split()[:5])
        packets.append((source, destination, sport, dport, protocol, 4))
    # A frame has ports under TCP and UDP alone: where the answer asks for others', it is no answer for the frame.
    def told(packet, answer):
        portless = answer < 0 or (rules[answer][2] == rules[answer][3] == ruleset.ANY_PORT)
        return packet[4] in (ruleset.TCP, ruleset.UDP) or (portless and answer >= 0)

    pairs = [(packet, answer) for packet, answer in zip(packets, answers) if told(packet, answer)]
    pairs = pairs[:: max(1, len(pairs) // FRAMES)]
    return rules, [packet for packet, _ in pairs], [answer if answer >= 0 else None for _, answer in pairs]


def main(xdpc, source):
    machine.require("kernel")
    tables = [("vm", [], []), ("kernel", [], ["--engine", "kernel"])]
    in_turn = [("vm, no tables", ["--no-tables"], [])]
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for count, seed, wild in ((12, 1, 0.2), (60, 2, 0.5), (100, 3, 0.1), (800, 4, 0.2), (3000, 5, 0.02)):
            rules = ruleset.generated(count, seed, wild)
            packets = ruleset.packets_for(rules, 1500 if count > 1000 else 3000, seed)
            expected = [ruleset.first_match(rules, packet) for packet in packets]
            failed += compare(xdpc, folder, f"generated {count}", rules, packets, expected, tables + (in_turn if count <= 100 else []))
        corpus = pathlib.Path(source).resolve().parent / "shared" / "corpus" / "classbench.tar.xz"
        if not corpus.is_file():
            print("skip the stored sets: no ../shared/corpus/classbench.tar.xz beside the checkout")
            return 1 if failed else 0
        with tarfile.open(corpus) as archive:
            archive.extractall(folder)
        for path in sorted(folder.glob("*.rules")):
            failed += compare(xdpc, folder, path.stem, *stored(folder, path.stem), tables)
    return 1 if failed else 0


sys.exit(main(*sys.argv[1:]))

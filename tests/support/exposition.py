# A strict reading of Prometheus' text format 0.0.4, for tests: parse(text) gives {name: (type, help, {labels: value})} and
# raises on what `promtool check metrics` would not accept.
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
HEAD = re.compile(rf"# (HELP|TYPE) ({NAME}) (.*)")
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? ([0-9.e+-]+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


class Bad(Exception):
    pass


def labels_of(text, line):
    labels, at = [], 0
    while at < len(text or ""):
        match = LABEL.match(text, at)
        if not match:
            raise Bad(f"labels of {line}")
        value = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], match[2])
        labels.append((match[1], value))
        at = match.end()
    if len({name for name, _ in labels}) != len(labels):
        raise Bad(f"a label comes twice: {line}")
    return tuple(labels)


def lint(name, kind, text):
    if not text or text.strip() != text or not text.endswith("."):
        raise Bad(f"the help of {name}: {text!r}")
    if (kind == "counter") != name.endswith("_total"):
        raise Bad(f"{name} is a {kind}")
    if re.search(r"_(milliseconds|ms|ns|nanoseconds|kb|bits)(_|$)", name):
        raise Bad(f"{name} has no base unit")


def parse(text):
    if text and not text.endswith("\n"):
        raise Bad("the last line has no end")
    families, help_texts, current = {}, {}, None
    for line in text.splitlines():
        if head := HEAD.fullmatch(line):
            what, name, rest = head.groups()
            if what == "HELP":
                if name in help_texts:
                    raise Bad(f"two helps of {name}")
                help_texts[name] = rest
                continue
            if name in families or name not in help_texts or rest not in ("counter", "gauge"):
                raise Bad(line)
            lint(name, rest, help_texts[name])
            families[name] = (rest, help_texts[name], {})
            current = name
            continue
        sample = SAMPLE.fullmatch(line)
        if not sample or sample[1] != current:
            raise Bad(f"not in its family: {line}")
        labels = labels_of(sample[2], line)
        if labels in families[current][2]:
            raise Bad(f"a sample comes twice: {line}")
        families[current][2][labels] = float(sample[3])
    if empty := [name for name, (_, _, samples) in families.items() if not samples]:
        raise Bad(f"without samples: {empty}")
    return families

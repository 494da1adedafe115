# many_prefixes.py FOLDER: a policy over two lists of 100,000 lines, and the lists.
import pathlib
import sys

COUNT = 100_000
folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
# Every second /28 from 10.0.0.0 on, and as many lines of a map.
starts = [(10 << 24) + 32 * i for i in range(COUNT)]
texts = [".".join(str(start >> shift & 255) for shift in (24, 16, 8, 0)) for start in starts]
(folder / "list.txt").write_text("".join(f"{text}/28\n" for text in texts))
(folder / "map.csv").write_text("".join(f"{text}/28,{i % 50_000}\n" for i, text in enumerate(texts)))
(folder / "many.xf").write_text(f"""const listed = load "list.txt"
map number of ip.prefix -> u16 = load "map.csv"
policy many {{
    seven:  tx when number[ip.dst] == 7 and tcp
    listed: drop when ip.src in listed
    default pass
}}
test "many" {{
    expect drop by listed for ipv4(src = 10.0.0.0)/udp
    expect drop by listed for ipv4(src = 10.0.0.15)/udp
    expect pass           for ipv4(src = 10.0.0.16)/udp
    expect drop by listed for ipv4(src = {texts[-1]})/udp
    expect drop by listed for ipv4(src = {texts[61_234]})/udp
    expect pass           for ipv4(src = 9.255.255.255)/udp
    expect pass           for ipv4(src = 10.255.0.0)/udp
    expect pass           for ipv6/udp
    expect tx by seven    for ipv4(dst = {texts[7]})/tcp
    expect tx by seven    for ipv4(dst = {texts[50_007]})/tcp
    expect pass           for ipv4(dst = {texts[8]})/tcp
}}
""")

# many_sets.py N: a policy that asks and adds to N sets of prefixes.
import sys

count = int(sys.argv[1])
for i in range(count):
    print(f"set s{i} of ip.prefix {{ capacity 16 }}")
print("policy many_sets {")
print("    fragments: pass when ip.fragment")
for i in range(count):
    print(f"    ask{i}: drop when ip.src in s{i} and udp.dport == {i + 1}")
    print(f"    add{i}: when tcp.dport == {i + 1} {{ add ip.src to s{i}; pass }}")
print("    default pass")
print("}")

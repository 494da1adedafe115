// See corpus.h.
#include "tests/unit/parse/corpus.h"

#include "compiler/basic/stdlib.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string_view>

namespace xdpc::parse::testing {
namespace {

constexpr const char* kEverything = R"(# Every construct once.
use "lists/common.xf"
const mgmt = { 192.0.2.0/24, 2001:db8:42::/48 }
const fresh = tcp.syn and not tcp.ack
const amplifiers = load "amplifiers.txt"
set banned was blocked of ip.prefix { capacity 100k  timeout 1h  when full evict  count }
set allowed of (ip, port) = { (192.0.2.7, 443) }
map country of ip.prefix -> u16 = load "geo.csv"
map names of ipv4 -> u32 = { 192.0.2.1 => 7 }
counter per_source { per ip.src  capacity 64k }
counter fragments
meter syn_rate { rate 200 pps burst 400  per ip.src/24/64  capacity 1M  when full evict  clock exact }
event flood { ip.src, ip.dst, l4.dport, pkt.len }
header gre { flags: u16 { c: u1  k: u1  rest: u14 }  key: u32 when k  size 4 + k * 4  payload by type { 0x0800 => ipv4 } }
tunnel header vxlan { vni: u24  payload eth }
extension header hopbyhop of ipv6 { next_header: u8  len: u8  size (len + 1) * 8  payload by next_header }
header h { size_of: u8  version: u4 ahead  option 2 mss: u16  option 4 sack  option 8 { t: u32  e: u32 }  size size_of }
header l4 = tcp | udp
extend udp { payload by dport { 2152 => gtpu } }
rules nonsense {
    null_scan: drop when tcp and tcp.flags == 0
    tiny: when ip.fragment and ip.len < 68 { count fragments; drop }
}
policy everything {
    drop when not (ip or arp)
    ssh: pass when (ip.src, tcp.dport) in allowed or tcp.dport == 22 and ip.src in mgmt
    flood: when fresh over syn_rate {
        add ip.src/24/64 to banned for 10m
        emit flood sample 1/100
        when payload[0:4] == x"16 03 01 02" { remove ip.src from banned } else { count fragments }
        ip.ttl = ip.ttl - 1
        (eth.src, eth.dst) = (eth.dst, eth.src)
        push vlan(id = 5)
        tx
    } else {
        pop vlan
        redirect to cpus 0-3 by hash(ip.src, ip.dst)
    }
    apply nonsense when country[ip.src] == 49
    tap: redirect to dev "eth1" when payload contains any { "a", "b" } within 128 within 10 Mbps burst 64KiB
    on drop emit flood sample 1/10 when ip
    default { count fragments; drop }
}
protect "management is never locked out" {
    never drop when tcp.dport == 22
        and ip.src in mgmt
}
test "everything" {
    given banned = { 198.51.100.0/24 }
    expect drop by flood for pkt(ifindex = 3)/ipv4(src = 198.51.100.7)/tcp(dport = 443, syn = 1)/payload("x") times 4
    expect redirect to cpu 1 by flood for ipv6/udp becomes ipv6(ttl = 3) truncate 30
    wait 1s
    expect counter per_source[198.51.100.1] >= 3
    expect banned has 203.0.113.2
    expect banned lacks 203.0.113.1
    expect event flood == 1
}
)";

// Pieces that change what is around them.
constexpr std::string_view kPieces[] = {"{",        "}",     "(",     ")",          "[",         "]",     "\n",
                                        ";",        ",",     ":",     "=",          "==",        "/",     "-",
                                        "\"",       "#",     " ",     ".",          "and",       "or",    "not",
                                        "in",       "when ", "over ", "within ",    "contains ", "drop ", "pass ",
                                        "default ", "else ", "10m",   "1.2.3.4/8",  "::",        "0x",    "count ",
                                        "emit ",    "set ",  "test ", "policy p {", "payload[",  "any {", "=>",
                                        "->",       "<<",    "&",     "|",          "x\"",       "\\",    "\t",
                                        "\r\n",     "\xff"};

std::vector<std::string> load() {
  std::vector<std::string> files{kEverything};
  for (const StdlibFile& file : stdlibFiles())
    files.emplace_back(file.text);
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(XDPC_SOURCE_DIR "/examples"))
    if (entry.path().extension() == ".xf")
      paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) {
    std::ifstream in(path, std::ios::binary);
    files.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return files;
}

} // namespace

const std::vector<std::string>& corpus() {
  static const std::vector<std::string> files = load();
  return files;
}

std::vector<std::string> mutations(unsigned count) {
  std::mt19937 random(20260101); // the same in every run
  const auto below = [&](size_t bound) { return static_cast<size_t>(random() % std::max<size_t>(bound, 1)); };
  std::vector<std::string> result;
  for (unsigned i = 0; i < count; ++i) {
    std::string text = corpus()[i % 2 ? 0 : below(corpus().size())];
    for (size_t edits = 1 + below(3); edits > 0; --edits) {
      const size_t at = below(text.size()), length = below(12);
      switch (below(5)) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(at, kPieces[below(std::size(kPieces))]);
        break;
      case 2:
        text.replace(at, length, kPieces[below(std::size(kPieces))]);
        break;
      case 3:
        text.insert(below(text.size()), text.substr(at, 40));
        break;
      default:
        std::swap(text[at], text[below(text.size())]);
      }
    }
    result.push_back(std::move(text));
  }
  return result;
}

} // namespace xdpc::parse::testing

// See capture.h. The only file that sees libpcap.
#include "driver/capture.h"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace xdpc::driver {

namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr int kSnapLength = 65535;

struct ClosePcap {
  void operator()(pcap_t* pcap) const { pcap_close(pcap); }
};
struct CloseDumper {
  void operator()(pcap_dumper_t* dumper) const { pcap_dump_close(dumper); }
};
using Pcap = std::unique_ptr<pcap_t, ClosePcap>;
using Dumper = std::unique_ptr<pcap_dumper_t, CloseDumper>;

std::string linkName(int link) {
  const char* name = pcap_datalink_val_to_name(link);
  return name ? name : fmt::format("type {}", link);
}

} // namespace

struct CaptureReader::State {
  std::string path;
  Pcap pcap;
};

CaptureReader::CaptureReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
CaptureReader::CaptureReader(CaptureReader&&) noexcept = default;
CaptureReader::~CaptureReader() = default;

Result<CaptureReader, CaptureError> CaptureReader::open(const std::string& path) {
  if (path != "-" && ::access(path.c_str(), R_OK) != 0)
    return CaptureError{fmt::format("cannot read `{}`: {}", path, std::strerror(errno)), true};
  char error[PCAP_ERRBUF_SIZE] = "";
  Pcap pcap(pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, error));
  if (!pcap) {
    std::string_view reason = error;
    if (reason.starts_with(path + ": ")) // libpcap says the path for some errors and not for others
      reason.remove_prefix(path.size() + 2);
    return CaptureError{fmt::format("cannot read the capture `{}`: {}", path, reason), false};
  }
  if (const int link = pcap_datalink(pcap.get()); link != DLT_EN10MB)
    return CaptureError{
        fmt::format("`{}` is not a capture of Ethernet frames: its link type is {}", path, linkName(link)), false};
  return CaptureReader(std::make_unique<State>(State{path, std::move(pcap)}));
}

Result<std::optional<CapturedFrame>, CaptureError> CaptureReader::next() {
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  switch (pcap_next_ex(state_->pcap.get(), &header, &bytes)) {
  case 1: // with nanosecond precision, tv_usec holds nanoseconds
    return std::optional(
        CapturedFrame{{bytes, header->caplen},
                      static_cast<uint64_t>(header->ts.tv_sec) * kSecond + static_cast<uint64_t>(header->ts.tv_usec),
                      header->len});
  case PCAP_ERROR_BREAK:
    return std::optional<CapturedFrame>();
  default:
    return CaptureError{fmt::format("the capture `{}` breaks off: {}", state_->path, pcap_geterr(state_->pcap.get())),
                        false};
  }
}

struct CaptureWriter::State {
  std::string path;
  NewFile file;
  Pcap pcap;
  Dumper dumper;
};

CaptureWriter::CaptureWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
CaptureWriter::CaptureWriter(CaptureWriter&&) noexcept = default;
CaptureWriter::~CaptureWriter() = default;

Result<CaptureWriter, CaptureError> CaptureWriter::create(const std::string& path) {
  Result<NewFile, FileError> file = NewFile::create(path);
  if (!file)
    return CaptureError{file.error().message, false};
  Pcap pcap(pcap_open_dead_with_tstamp_precision(DLT_EN10MB, kSnapLength, PCAP_TSTAMP_PRECISION_NANO));
  FILE* stream = ::fdopen(::dup(file->fd()), "wb"); // the dumper closes its own
  Dumper dumper(stream ? pcap_dump_fopen(pcap.get(), stream) : nullptr);
  if (!dumper)
    return CaptureError{fmt::format("cannot write `{}`: {}", path, std::strerror(errno)), false};
  return CaptureWriter(std::make_unique<State>(State{path, std::move(*file), std::move(pcap), std::move(dumper)}));
}

void CaptureWriter::write(std::span<const uint8_t> bytes, uint64_t time_ns) {
  pcap_pkthdr header{};
  header.ts.tv_sec = static_cast<time_t>(time_ns / kSecond);
  header.ts.tv_usec = static_cast<suseconds_t>(time_ns % kSecond);
  header.caplen = header.len = static_cast<bpf_u_int32>(bytes.size());
  pcap_dump(reinterpret_cast<u_char*>(state_->dumper.get()), &header, bytes.data());
}

Result<Done, CaptureError> CaptureWriter::commit() {
  // pcap_dump itself says nothing of errors: they are in the stream.
  const bool failed = pcap_dump_flush(state_->dumper.get()) != 0 || std::ferror(pcap_dump_file(state_->dumper.get()));
  if (failed)
    return CaptureError{fmt::format("cannot write `{}`: {}", state_->path, std::strerror(errno)), false};
  if (const auto committed = state_->file.commit(); !committed)
    return CaptureError{committed.error().message, false};
  return Done{};
}

} // namespace xdpc::driver

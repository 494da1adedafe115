// See file.h. Tested by tests/lit/cli/bad_input.test and build.test.
#include "driver/file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace xdpc::driver {

namespace {

class Descriptor {
public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ > STDERR_FILENO)
      ::close(fd_);
  }
  int get() const { return fd_; }

private:
  int fd_;
};

FileError errorOf(const char* verb, const std::string& path) {
  return {fmt::format("cannot {} `{}`: {}", verb, path, std::strerror(errno))};
}

FileError tooLarge(const std::string& path, size_t limit) {
  return {fmt::format("`{}` is larger than {} bytes, the bound of a policy's file", path, limit), true};
}

bool writeAll(int fd, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return false;
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return true;
}

} // namespace

Result<std::string, FileError> readFile(const std::string& path, size_t limit) {
  Descriptor file(path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0)
    return errorOf("read", path);
  if (S_ISDIR(status.st_mode))
    return FileError{fmt::format("cannot read `{}`: it is a directory", path)};
  if (S_ISREG(status.st_mode) && static_cast<uint64_t>(status.st_size) > limit)
    return tooLarge(path, limit);

  std::string text;
  char buffer[65536];
  while (true) {
    const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return errorOf("read", path);
    if (got == 0)
      return text;
    text.append(buffer, static_cast<size_t>(got));
    if (text.size() > limit) // a pipe or a device: its size is not known before
      return tooLarge(path, limit);
  }
}

NewFile::NewFile(int fd, std::string path, std::string temporary)
    : fd_(fd), path_(std::move(path)), temporary_(std::move(temporary)) {}

NewFile::NewFile(NewFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})) {}

NewFile::~NewFile() {
  if (fd_ >= 0)
    ::close(fd_);
  if (!temporary_.empty())
    ::unlink(temporary_.c_str());
}

Result<NewFile, FileError> NewFile::create(const std::string& path) {
  struct stat status{};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode))
    return FileError{fmt::format("cannot write `{}`: it is a directory", path)};
  std::string temporary = exists && !S_ISREG(status.st_mode) ? "" : path + ".XXXXXX";
  const int fd =
      temporary.empty() ? ::open(path.c_str(), O_WRONLY | O_CLOEXEC) : ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0)
    return errorOf("write", path);
  return NewFile(fd, path, std::move(temporary));
}

Result<Done, FileError> NewFile::write(std::span<const uint8_t> bytes) {
  if (!writeAll(fd_, bytes))
    return errorOf("write", path_);
  return Done{};
}

Result<Done, FileError> NewFile::commit() {
  if (temporary_.empty())
    return Done{};
  const mode_t mask = ::umask(0); // there is no other way to read it
  ::umask(mask);
  if (::fchmod(fd_, 0666 & ~mask) != 0 || ::fsync(fd_) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0)
    return errorOf("write", path_);
  temporary_.clear();
  return Done{};
}

Result<Done, FileError> keepInputs(const std::string& output, const std::vector<std::string>& inputs) {
  struct stat out{}, in{};
  if (output.empty() || ::stat(output.c_str(), &out) != 0 || !S_ISREG(out.st_mode))
    return Done{};
  for (const std::string& input : inputs)
    if (::stat(input.c_str(), &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
      return FileError{fmt::format("`{}` is what the command reads: it is not written over", output)};
  return Done{};
}

Result<Done, FileError> writeFile(const std::string& path, std::span<const uint8_t> bytes) {
  Result<NewFile, FileError> file = NewFile::create(path);
  if (!file)
    return file.error();
  if (Result<Done, FileError> written = file->write(bytes); !written)
    return written;
  return file->commit();
}

} // namespace xdpc::driver

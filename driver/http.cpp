// See http.h. The only file that sees libmicrohttpd.
#include "driver/http.h"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <dlfcn.h>
#include <fmt/format.h>
#include <microhttpd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace xdpc::driver {

namespace {

constexpr const char* kLibrary = "libmicrohttpd.so.12";
constexpr unsigned kConnections = 16;    // a scraper has one
constexpr unsigned kTimeoutSeconds = 10; // of a connection that says nothing

struct Library {
  decltype(&::MHD_start_daemon) start = nullptr;
  decltype(&::MHD_stop_daemon) stop = nullptr;
  decltype(&::MHD_create_response_from_buffer) response = nullptr;
  decltype(&::MHD_add_response_header) header = nullptr;
  decltype(&::MHD_queue_response) queue = nullptr;
  decltype(&::MHD_destroy_response) destroy = nullptr;
};

template <class Function> bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

std::optional<Library> openLibrary() {
  void* opened = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  Library library;
  if (opened && find(opened, "MHD_start_daemon", library.start) && find(opened, "MHD_stop_daemon", library.stop) &&
      find(opened, "MHD_create_response_from_buffer", library.response) &&
      find(opened, "MHD_add_response_header", library.header) && find(opened, "MHD_queue_response", library.queue) &&
      find(opened, "MHD_destroy_response", library.destroy))
    return library;
  return std::nullopt;
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

std::optional<Address> parseAddress(const std::string& text) {
  const size_t colon = text.rfind(':');
  uint16_t port = 0;
  if (colon == text.npos)
    return std::nullopt;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
  if (parsed.ec != std::errc{} || parsed.ptr != end)
    return std::nullopt;
  std::string host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed)
    host = host.substr(1, host.size() - 2);
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (!bracketed && inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof *v4;
    return address;
  }
  if (!host.empty() && (!bracketed || inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) != 1))
    return std::nullopt;
  v6->sin6_family = AF_INET6; // without a host: any, of both families
  v6->sin6_port = htons(port);
  address.size = sizeof *v6;
  return address;
}

std::string textOf(const sockaddr_storage& storage) {
  char host[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host);
    return fmt::format("{}:{}", host, ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
  inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
  return fmt::format("[{}]:{}", host, ntohs(v6.sin6_port));
}

// -1, and errno. The server closes it.
int listenOn(Address& address) {
  const int family = address.storage.ss_family, yes = 1;
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const auto* bound = reinterpret_cast<const sockaddr*>(&address.storage);
  if (fd >= 0 && ::bind(fd, bound, address.size) == 0 && ::listen(fd, kConnections) == 0 &&
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.size) == 0)
    return fd;
  const int code = errno;
  if (fd >= 0)
    ::close(fd);
  errno = code;
  return -1;
}

} // namespace

struct HttpServer::State {
  Library library;
  HttpDocument document;
  std::string address;
  MHD_Daemon* daemon = nullptr;

  MHD_Result send(MHD_Connection* connection, unsigned status, const std::string& text, const char* type) const {
    MHD_Response* response = library.response(text.size(), const_cast<char*>(text.data()), MHD_RESPMEM_MUST_COPY);
    if (!response)
      return MHD_NO;
    library.header(response, "Content-Type", type);
    const MHD_Result queued = library.queue(connection, status, response);
    library.destroy(response);
    return queued;
  }

  MHD_Result answer(MHD_Connection* connection, std::string_view method, std::string_view path) const {
    constexpr const char* kPlain = "text/plain; charset=utf-8";
    if (method != "GET" && method != "HEAD")
      return send(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET alone\n", kPlain);
    if (path != document.path)
      return send(connection, MHD_HTTP_NOT_FOUND, "see " + document.path + "\n", kPlain);
    const auto text = document.make();
    return text ? send(connection, MHD_HTTP_OK, *text, document.content_type.c_str())
                : send(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "the state cannot be read\n", kPlain);
  }

  static MHD_Result onRequest(void* self, MHD_Connection* connection, const char* path, const char* method,
                              const char* /*version*/, const char* /*upload*/, size_t* upload_size, void** seen) {
    if (!*seen || *upload_size != 0) { // the head comes first, and a body is of no interest
      *seen = self;
      *upload_size = 0;
      return MHD_YES;
    }
    return static_cast<State*>(self)->answer(connection, method, path);
  }
};

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpServer::HttpServer(HttpServer&&) noexcept = default;
HttpServer::~HttpServer() {
  if (state_ && state_->daemon)
    state_->library.stop(state_->daemon);
}

std::string HttpServer::address() const {
  return state_->address;
}

Result<HttpServer, HttpError> HttpServer::start(const std::string& text, HttpDocument document) {
  auto address = parseAddress(text);
  if (!address)
    return HttpError{fmt::format("`{}` is not ADDR:PORT, as in 127.0.0.1:9427 or [::1]:9427", text), true};
  const auto library = openLibrary();
  if (!library)
    return HttpError{fmt::format("cannot open {}: it is in Debian's package libmicrohttpd12", kLibrary), false};
  const int fd = listenOn(*address);
  if (fd < 0)
    return HttpError{fmt::format("cannot listen on `{}`: {}", text, std::strerror(errno)), false};
  auto state = std::make_unique<State>(State{*library, std::move(document), textOf(address->storage)});
  state->daemon = library->start(MHD_USE_INTERNAL_POLLING_THREAD, 0, nullptr, nullptr, &State::onRequest, state.get(),
                                 MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, kConnections,
                                 MHD_OPTION_CONNECTION_TIMEOUT, kTimeoutSeconds, MHD_OPTION_END);
  if (!state->daemon) {
    ::close(fd);
    return HttpError{fmt::format("cannot serve on `{}`", text), false};
  }
  return HttpServer(std::move(state));
}

} // namespace xdpc::driver

// One document over HTTP, made anew for each request. libmicrohttpd is opened when it is needed: no other command
// carries it. Entry point: HttpServer::start. Tested by tests/live/metrics.py.
#pragma once

#include "runtime/abi/result.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace xdpc::driver {

struct HttpError {
  std::string message; // one line
  bool usage = false;  // the address is none
};

struct HttpDocument {
  std::string path, content_type;
  std::function<std::optional<std::string>()> make; // nothing: it cannot be made now, which is a 500
};

class HttpServer {
public:
  // `address` is ADDR:PORT: "127.0.0.1:9427", "[::1]:9427", ":9427" for all addresses. Port 0 takes a free one.
  static Result<HttpServer, HttpError> start(const std::string& address, HttpDocument document);
  HttpServer(HttpServer&&) noexcept;
  ~HttpServer();
  std::string address() const; // with the port that it has

private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

} // namespace xdpc::driver

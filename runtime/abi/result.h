// An expected-like result: a value or a typed error. Used for failures of the machine (kernel, device, file), never for
// mistakes in a policy (those are diagnostics) nor for our own bugs (those abort).
#pragma once

#include <cassert>
#include <optional>
#include <utility>
#include <variant>

namespace xdpc {

template <class T, class E> class [[nodiscard]] Result {
public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  E& error() & { return std::get<1>(state_); }
  const E& error() const& { return std::get<1>(state_); }
  E&& error() && { return std::get<1>(std::move(state_)); }

  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }

private:
  std::variant<T, E> state_;
};

// Nothing to return but the fact that it worked.
struct Done {};

} // namespace xdpc

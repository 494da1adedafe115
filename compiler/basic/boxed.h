// An optional that takes a pointer's room where there is nothing: for large parts that few nodes of a tree have.
#pragma once

#include <memory>
#include <optional>
#include <utility>

namespace xdpc {

// As std::optional, copies what it holds.
template <class T> class Boxed {
public:
  Boxed() = default;
  Boxed(T value) : held_(std::make_unique<T>(std::move(value))) {}
  Boxed(std::optional<T> value) : held_(value ? std::make_unique<T>(std::move(*value)) : nullptr) {}
  Boxed(const Boxed& other) : held_(other.held_ ? std::make_unique<T>(*other.held_) : nullptr) {}
  Boxed(Boxed&&) noexcept = default;
  ~Boxed() = default;
  Boxed& operator=(Boxed other) noexcept {
    held_ = std::move(other.held_);
    return *this;
  }

  bool has_value() const { return held_ != nullptr; } // NOLINT(readability-identifier-naming): as std::optional
  explicit operator bool() const { return has_value(); }
  bool operator==(const Boxed& other) const {
    return held_ && other.held_ ? *held_ == *other.held_ : held_ == other.held_;
  }
  T& operator*() { return *held_; }
  const T& operator*() const { return *held_; }
  T* operator->() { return held_.get(); }
  const T* operator->() const { return held_.get(); }

private:
  std::unique_ptr<T> held_;
};

} // namespace xdpc

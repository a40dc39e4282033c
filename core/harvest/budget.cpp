#include "core/harvest/budget.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace retort {
namespace {

std::string plain(double dollars) {
  char text[48];
  std::snprintf(text, sizeof text, "%.6g", dollars);
  return text;
}

}  // namespace

Budget::Grant Budget::reserve(const Cost& bound) {
  const auto most = [this](std::int64_t n) {
    return overrun_ > 1 ? static_cast<std::int64_t>(std::ceil(static_cast<double>(n) * overrun_)) : n;
  };
  if (caps_.money && spent_.money.pico + most(reserved_.money.pico + bound.money.pico) > caps_.money->pico) {
    reached_ = "--max-usd " + plain(caps_.money->dollars()) + " (spent " + plain(spent_.money.dollars()) + ")";
  } else if (caps_.tokens && spent_.tokens + most(reserved_.tokens + bound.total()) > *caps_.tokens) {
    reached_ = "--max-total-tokens " + std::to_string(*caps_.tokens) + " (spent " + std::to_string(spent_.tokens) + ")";
  } else if (caps_.requests && spent_.requests + reserved_.requests + 1 > *caps_.requests) {
    reached_ = "--max-requests " + std::to_string(*caps_.requests);
  } else {
    reserved_.money += bound.money;
    reserved_.tokens += bound.total();
    ++reserved_.requests;
    return Grant::granted;
  }
  return reserved_.requests > 0 ? Grant::later : Grant::exhausted;
}

void Budget::settle(const Cost& bound, const std::optional<Cost>& actual, bool sent) {
  reserved_.money = reserved_.money - bound.money;
  reserved_.tokens -= bound.total();
  --reserved_.requests;
  const Cost& used = actual ? *actual : bound;
  spent_.money += used.money;
  spent_.tokens += used.total();
  if (sent) ++spent_.requests;
  const auto beyond = [](double part, double whole) { return whole > 0 ? part / whole : 1.0; };
  overrun_ = std::max({overrun_, beyond(static_cast<double>(used.money.pico), static_cast<double>(bound.money.pico)),
                       beyond(static_cast<double>(used.total()), static_cast<double>(bound.total()))});
}

}  // namespace retort

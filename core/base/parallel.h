// The same work for many positions on several threads. Who wants the same result on any number of threads writes only
// to what belongs to the position.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace retort {

/// As many threads as are asked for; below 1: as many as the machine has processors.
inline int thread_count(int wanted) {
  return wanted > 0 ? wanted : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

/// work(begin, end) for pieces of [0, count), each once, in no order. Returns when all are done. `work` throws nothing.
template <class Work>
void in_parallel(std::size_t count, int threads, std::size_t piece, const Work& work) {
  const std::size_t pieces = (count + piece - 1) / piece;
  const std::size_t workers = std::min<std::size_t>(pieces, static_cast<std::size_t>(thread_count(threads)));
  std::atomic<std::size_t> next{0};
  const auto run = [&] {
    for (std::size_t begin = piece * next++; begin < count; begin = piece * next++) {
      work(begin, std::min(count, begin + piece));
    }
  };
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < workers; ++i) others.emplace_back(run);
  run();
  for (std::thread& other : others) other.join();
}

}  // namespace retort

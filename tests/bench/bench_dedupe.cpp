// How fast near duplicates and contamination are found, how many of the planted ones, and in how much memory; against
// datasketch and rensa on the same texts, if build/dedupe-venv has them (./dev bench dedupe sees to it).
// Usage: bench_dedupe [TEXTS] [PYTHON]: tables on stdout. 1000000 texts take some minutes, and no peer is asked.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/parallel.h"
#include "core/curate/dedupe/near_duplicates.h"
#include "core/curate/evaluation_index.h"
#include "core/curate/words.h"
#include "tests/support/planted_texts.h"

namespace retort {
namespace {

constexpr std::size_t kPeersTexts = 20000, kBlock = 8192;
constexpr int kItems = 10000;

/// Text number i is the same in every run, and made when it is asked for: a million of them need no memory. One in
/// twenty is an edited copy of an earlier one; one in fifty holds an item of the evaluation set.
class Corpus {
 public:
  static bool is_copy(std::uint32_t text) { return text >= 20 && text % 20 == 7; }
  static std::uint32_t source(std::uint32_t text) { return text / 2 - (is_copy(text / 2) ? 1 : 0); }
  static bool is_contaminated(std::uint32_t text) { return text % 50 == 3; }
  static int item(std::uint32_t text) { return static_cast<int>(mixed_bits(text) % kItems); }

  static std::vector<std::string> item_words(int item) {
    Prose& prose = own_prose();
    prose.reseed(1'000'000'000 + static_cast<std::uint64_t>(item));
    return prose.words(static_cast<std::size_t>(prose.random().between(13, 80)));
  }
  static std::vector<std::string> words(std::uint32_t text) {
    Prose& prose = own_prose();
    if (is_copy(text)) {
      auto copy = words(source(text));
      prose.reseed(text);
      const int edits = static_cast<int>(prose.random().between(0, 12));
      return prose.edited(std::move(copy), edits);
    }
    prose.reseed(text);
    auto own = prose.words(static_cast<std::size_t>(prose.random().between(260, 390)));
    if (is_contaminated(text)) {
      const auto question = item_words(item(text));
      own.insert(own.begin() + 100, question.begin(), question.end());
    }
    return own;
  }
  static std::string text(std::uint32_t text) {
    const auto all = words(text);
    own_prose().reseed(text + 2'000'000'000ULL);
    return written(all, own_prose().random());
  }

 private:
  static Prose& own_prose() {
    thread_local Prose prose(1);
    return prose;
  }
};

double gibibytes_peak() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / (1024.0 * 1024.0);
}

/// Of the processor, all threads together, so that a busy machine changes little. Divided by the threads it is about
/// what an idle machine takes.
double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// What took how much of the processor. Making the texts is never part of it.
struct Took {
  double exact = 0, words = 0, sketch = 0, search = 0, contamination = 0;
};

struct Found {
  std::vector<Signature> signatures;
  std::vector<TextDigest> digests;
  std::vector<Duplicate> exact, near;
  std::vector<std::int32_t> items;  // found in each text; -1: none
  std::size_t bytes = 0;
};

void read_all(std::size_t count, int threads, const EvaluationIndex& index, Found& found, Took& took) {
  found.signatures.resize(count);
  found.digests.resize(count);
  found.items.assign(count, -1);
  std::vector<std::string> texts(kBlock);
  std::vector<std::string_view> views(kBlock);
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    const std::size_t size = std::min(kBlock, count - begin);
    in_parallel(size, 0, 64, [&](std::size_t from, std::size_t to) {
      for (std::size_t i = from; i < to; ++i) views[i] = texts[i] = Corpus::text(static_cast<std::uint32_t>(begin + i));
    });
    for (std::size_t i = 0; i < size; ++i) found.bytes += texts[i].size();
    const double before = processor_seconds();
    in_parallel(size, threads, 64, [&](std::size_t from, std::size_t to) {
      thread_local Words words;
      thread_local std::vector<std::uint64_t> hashes;
      for (std::size_t i = from; i < to; ++i) {
        read_words(texts[i], words);
        shingle_hashes(words, 5, hashes);
      }
    });
    const double start = processor_seconds();
    took.words += start - before;
    signatures_of({views.data(), size}, {}, threads, {&found.signatures[begin], size});
    const double sketched = processor_seconds();
    in_parallel(size, threads, 64, [&](std::size_t from, std::size_t to) {
      for (std::size_t i = from; i < to; ++i) found.digests[begin + i] = text_digest(texts[i]);
    });
    const double digested = processor_seconds();
    in_parallel(size, threads, 64, [&](std::size_t from, std::size_t to) {
      for (std::size_t i = from; i < to; ++i) {
        const auto hit = index.find(texts[i]);
        if (hit) found.items[begin + i] = static_cast<std::int32_t>(hit->item);
      }
    });
    took.sketch += sketched - start;
    took.exact += digested - sketched;
    took.contamination += processor_seconds() - digested;
  }
}

void print_quality(const Found& found) {
  const std::size_t count = found.signatures.size();
  std::vector<bool> dropped(count);
  int right = 0, judged = 0, planted = 0, recalled = 0;
  for (std::size_t i = 0; i < found.near.size(); ++i) {
    dropped[found.near[i].dropped] = true;
    if (i % std::max<std::size_t>(1, found.near.size() / 2000) != 0) continue;  // two thousand of them say enough
    ++judged;
    right += jaccard_of(Corpus::words(found.near[i].dropped), Corpus::words(found.near[i].kept), 5) >= 0.8;
  }
  const std::size_t step = std::max<std::size_t>(1, count / 40000);
  for (std::uint32_t text = 27, copy = 0; text < count; text += 20, ++copy) {
    if (copy % step != 0 || jaccard_of(Corpus::words(text), Corpus::words(Corpus::source(text)), 5) < 0.8) continue;
    ++planted;
    recalled += dropped[text];
  }
  std::printf(
      "near duplicates: %zu dropped; %d of %d looked at are at 0.8 or more (precision %.2f %%); %d of %d planted at "
      "0.8 or more found (recall %.2f %%)\n",
      found.near.size(), right, judged, 100.0 * right / judged, recalled, planted, 100.0 * recalled / planted);
  int contaminated = 0, hit = 0, false_hits = 0;
  for (std::uint32_t text = 0; text < count; ++text) {
    const std::uint32_t origin = Corpus::is_copy(text) ? Corpus::source(text) : text;
    const bool has = Corpus::is_contaminated(origin);
    contaminated += has;
    hit += has && found.items[text] == Corpus::item(origin);
    false_hits += !has && found.items[text] >= 0;
  }
  std::printf(
      "contamination: %d of %d planted found, with the right item (recall %.2f %%); %d clean texts found (precision "
      "%.2f %%)\n",
      hit, contaminated, 100.0 * hit / contaminated, false_hits, 100.0 * hit / (hit + false_hits));
}

Found measure(std::size_t count, int threads, const EvaluationIndex& index) {
  Took took;
  Found found;
  read_all(count, threads, index, found, took);
  double start = processor_seconds();
  found.exact = exact_duplicates(found.digests);
  took.exact += processor_seconds() - start;
  start = processor_seconds();
  found.near = near_duplicates(found.signatures, {}, threads);
  const double estimated = processor_seconds() - start;
  start = processor_seconds();
  found.near = near_duplicates(found.signatures, {}, threads, {}, Corpus::text);
  took.search = processor_seconds() - start;
  const double each = 1e6 / static_cast<double>(count);
  std::printf("%7d %10.2f %10.2f %10.2f %10.2f %12.2f %12.2f %14.2f %9.2f GiB\n", thread_count(threads),
              each * took.exact, each * took.words, each * took.sketch, each * estimated,
              each * (took.sketch + estimated), each * took.search, each * took.contamination, gibibytes_peak());
  return found;
}

void ask_peers(const std::string& python) {
  const std::string file =
      (std::filesystem::temp_directory_path() / ("retort_bench_dedupe_" + std::to_string(getpid()) + ".jsonl"))
          .string();
  {
    std::ofstream out(file);
    for (std::uint32_t text = 0; text < kPeersTexts; ++text) out << dump_json(Corpus::text(text)) << '\n';
  }
  std::printf("\npeers, the same %zu texts\n", kPeersTexts);
  std::fflush(stdout);
  const std::string command =
      "'" + python + "' '" RETORT_SOURCE_DIR "/tests/bench/peers/minhash_peers.py' '" + file + "'";
  if (std::system(command.c_str()) != 0) std::printf("a peer failed\n");
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace retort

int main(int argc, char** argv) {
  using namespace retort;
  const std::size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : kPeersTexts;
  const std::string python = argc > 2 ? argv[2] : "build/dedupe-venv/bin/python";
  std::vector<EvaluationItem> items;
  for (int i = 0; i < kItems; ++i) {
    Prose prose(static_cast<std::uint64_t>(i));
    items.push_back({"set", std::to_string(i), written(Corpus::item_words(i), prose.random())});
  }
  const EvaluationIndex index(items, {});
  std::printf(
      "%zu texts of about 2 KB; an evaluation set of %d items, %zu sequences; microseconds of the processor a text\n\n",
      count, kItems, index.sequences());
  std::printf("%7s %10s %10s %10s %10s %12s %12s %14s %9s\n", "threads", "exact", "(words)", "sketch", "search",
              "sketch+search", "search, true", "contamination", "peak");
  if (count <= 100000) measure(count, 1, index);
  const Found found = measure(count, 0, index);
  print_quality(found);
  if (count == kPeersTexts && std::filesystem::exists(python)) {
    ask_peers(python);
  } else {
    std::printf("no peers asked: they are with %zu texts and a Python that has them\n", kPeersTexts);
  }
  return 0;
}

#include "core/student/generate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/random.h"

namespace retort {
namespace {

constexpr std::int64_t kFirstRoom = 64;  // tokens of answers the cache has room for at first

struct PromptRow {
  std::vector<TokenId> tokens;
  std::size_t index = 0;
  Random random{0};
};

// The likeliest first, as many as may be drawn at all.
std::vector<std::int64_t> candidates(const float* scores, std::int64_t vocabulary, const GenerateSettings& settings) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(vocabulary));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const auto likelier = [&](std::int64_t a, std::int64_t b) {
    return scores[a] > scores[b] || (scores[a] == scores[b] && a < b);
  };
  if (settings.min_p > 0) {
    const float best = *std::max_element(scores, scores + vocabulary);
    const double least = best + settings.temperature * std::log(settings.min_p);
    std::erase_if(order, [&](std::int64_t id) { return scores[id] < least; });
  }
  if (settings.top_k > 0 && static_cast<std::size_t>(settings.top_k) < order.size()) {
    std::nth_element(order.begin(), order.begin() + settings.top_k, order.end(), likelier);
    order.resize(static_cast<std::size_t>(settings.top_k));
  }
  std::sort(order.begin(), order.end(), likelier);
  return order;
}

TokenId draw(const float* scores, std::int64_t vocabulary, const GenerateSettings& settings, Random& random) {
  const std::vector<std::int64_t> order = candidates(scores, vocabulary, settings);
  std::vector<double> weights(order.size());
  double total = 0;
  for (std::size_t i = 0; i < order.size(); ++i)
    total += weights[i] = std::exp((scores[order[i]] - scores[order[0]]) / settings.temperature);
  double kept = 0;
  std::size_t count = 0;
  while (count < order.size() && (count == 0 || kept < settings.top_p * total)) kept += weights[count++];
  double left = random.uniform() * kept;
  for (std::size_t i = 0; i < count; ++i) {
    if ((left -= weights[i]) < 0) return static_cast<TokenId>(order[i]);
  }
  return static_cast<TokenId>(order[count - 1]);
}

// Where the first of the texts begins; npos if none is there.
std::size_t find_stop(const std::string& text, const std::vector<std::string>& stop) {
  std::size_t found = std::string::npos;
  for (const std::string& one : stop) found = std::min(found, text.find(one));
  return found;
}

// One batch from prompt to last token. Rows that have ended are carried along until a quarter of the batch has, then
// leave it together: the slowest must not cost all the others, and neither must copying what the others remember.
class BatchWriter {
 public:
  BatchWriter(const LoadedRun& run, std::vector<PromptRow> rows, const GenerateSettings& settings)
      : model_(*run.model), chat_(*run.chat), settings_(settings), rows_(std::move(rows)), written_(rows_.size()) {
    held_.resize(rows_.size());
    std::iota(held_.begin(), held_.end(), std::size_t{0});
    ended_.assign(rows_.size(), 0);
  }

  bool run(const std::function<bool()>& stop) {
    at::NoGradGuard no_gradients;
    at::Tensor scores = read_prompts();
    while (true) {
      const std::vector<TokenId> next = choose(scores);
      std::vector<std::int64_t> staying;
      for (std::size_t i = 0; i < next.size(); ++i) {
        const std::size_t row = held_[i];
        if (ended_[row]) continue;
        written_[row].push_back(next[i]);
        ended_[row] = chat_.is_end(next[i]) || written_[row].size() >= room(rows_[row]) || stopped(row);
        if (!ended_[row]) staying.push_back(static_cast<std::int64_t>(i));
      }
      if (staying.empty()) return true;
      if (stop()) return false;
      if (4 * staying.size() <= 3 * held_.size()) keep(staying);
      make_room();
      scores = read_last_tokens();
    }
  }

  Generated take(std::size_t row) const {
    const std::vector<TokenId>& out = written_[row];
    Generated made{chat_.parse(rows_[row].tokens, out), !out.empty() && chat_.is_end(out.back()),
                   static_cast<std::int64_t>(out.size())};
    for (std::string* text : {&made.completion.reasoning, &made.completion.text}) {
      const std::size_t found = find_stop(*text, settings_.stop);
      if (found == std::string::npos) continue;
      made.ended = true;
      if (text == &made.completion.reasoning) made.completion.text.clear();
      text->resize(found);
      break;
    }
    return made;
  }
  std::size_t index(std::size_t row) const { return rows_[row].index; }
  std::size_t size() const { return rows_.size(); }

 private:
  // A token can end one character and begin the next: the last tokens that could hold a stop text are looked at.
  bool stopped(std::size_t row) const {
    if (settings_.stop.empty()) return false;
    std::size_t longest = 0;
    for (const std::string& one : settings_.stop) longest = std::max(longest, one.size());
    const std::size_t tokens = std::min(written_[row].size(), longest + 1);
    const std::string tail = chat_.tokenizer().decode(std::span(written_[row]).last(tokens), true);
    return find_stop(tail, settings_.stop) != std::string::npos;
  }

  std::size_t room(const PromptRow& row) const {
    return static_cast<std::size_t>(
        std::min(settings_.tokens_max, model_.config().context - static_cast<std::int64_t>(row.tokens.size())));
  }

  // One more token of each row that goes on; the others stand still.
  at::Tensor read_last_tokens() {
    const at::Tensor tokens = at::empty({static_cast<std::int64_t>(held_.size()), 1}, at::kLong);
    const at::Tensor counts = at::empty({static_cast<std::int64_t>(held_.size())}, at::kLong);
    for (std::size_t i = 0; i < held_.size(); ++i) {
      tokens.data_ptr<std::int64_t>()[i] = written_[held_[i]].back();
      counts.data_ptr<std::int64_t>()[i] = ended_[held_[i]] ? 0 : 1;
    }
    used_ += 1;
    return model_.logits(model_.hidden(tokens.to(model_.device()), counts.to(model_.device()), cache_).squeeze(1));
  }

  // Twice as much when it is full: most answers are far shorter than they may be.
  void make_room() {
    const std::int64_t room = cache_.keys.front().size(2);
    if (used_ < room) return;
    for (auto* tensors : {&cache_.keys, &cache_.values}) {
      for (at::Tensor& tensor : *tensors) tensor = at::cat({tensor, at::zeros_like(tensor)}, 2);
    }
  }

  at::Tensor read_prompts() {
    std::size_t time = 0;
    for (const PromptRow& row : rows_) time = std::max(time, row.tokens.size());
    const auto count = static_cast<std::int64_t>(rows_.size());
    const at::Tensor tokens = at::zeros({count, static_cast<std::int64_t>(time)}, at::kLong);
    const at::Tensor counts = at::empty({count}, at::kLong);
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      std::copy(rows_[r].tokens.begin(), rows_[r].tokens.end(), tokens.data_ptr<std::int64_t>() + r * time);
      counts.data_ptr<std::int64_t>()[r] = static_cast<std::int64_t>(rows_[r].tokens.size());
    }
    used_ = static_cast<std::int64_t>(time);
    cache_ = model_.make_cache(count, used_ + kFirstRoom);
    const at::Tensor here = counts.to(model_.device());
    const at::Tensor hidden = model_.hidden(tokens.to(model_.device()), here, cache_);
    const at::Tensor last = (here - 1).view({count, 1, 1}).expand({count, 1, hidden.size(2)});
    return model_.logits(hidden.gather(1, last).squeeze(1));
  }

  std::vector<TokenId> choose(const at::Tensor& scores) {
    std::vector<TokenId> next(held_.size());
    if (settings_.temperature <= 0) {
      const at::Tensor best = scores.argmax(-1).to(at::kCPU);
      for (std::size_t i = 0; i < next.size(); ++i) next[i] = static_cast<TokenId>(best.data_ptr<std::int64_t>()[i]);
      return next;
    }
    const at::Tensor here = scores.to(at::kCPU).contiguous();
    for (std::size_t i = 0; i < next.size(); ++i) {
      const float* row = here.data_ptr<float>() + static_cast<std::int64_t>(i) * here.size(1);
      next[i] = draw(row, here.size(1), settings_, rows_[held_[i]].random);
    }
    return next;
  }

  void keep(const std::vector<std::int64_t>& staying) {
    const at::Tensor chosen = at::tensor(staying, at::kLong).to(model_.device());
    for (auto* tensors : {&cache_.keys, &cache_.values}) {
      for (at::Tensor& tensor : *tensors) tensor = tensor.index_select(0, chosen);
    }
    cache_.lengths = cache_.lengths.index_select(0, chosen);
    std::vector<std::size_t> held;
    for (const std::int64_t i : staying) held.push_back(held_[static_cast<std::size_t>(i)]);
    held_ = std::move(held);
  }

  const Model& model_;
  const StudentChat& chat_;
  const GenerateSettings& settings_;
  std::vector<PromptRow> rows_;
  std::vector<std::vector<TokenId>> written_;
  std::vector<std::size_t> held_;  // rows still in the cache, in its order
  std::vector<char> ended_;        // by row
  std::int64_t used_ = 0;          // places of the cache that any row may have written
  KvCache cache_;
};

}  // namespace

Result<std::vector<Generated>> generate(const LoadedRun& run, const std::vector<Json>& prompts,
                                        const GenerateSettings& settings, const std::function<bool()>& stop) {
  std::vector<PromptRow> rows;
  std::vector<Generated> all(prompts.size());
  const std::int64_t context = run.model->config().context;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    auto tokens = run.chat->prompt(prompts[i]);
    if (!tokens)
      all[i].problem = tokens.error().message;
    else if (static_cast<std::int64_t>(tokens->size()) >= context)
      all[i].problem = "the prompt fills the student's context of " + std::to_string(context) + " tokens";
    else
      rows.push_back({std::move(*tokens), i, Random(settings.seed + 0x9e3779b97f4a7c15ULL * (i + 1))});
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const PromptRow& a, const PromptRow& b) { return a.tokens.size() < b.tokens.size(); });
  const auto batch_rows = static_cast<std::size_t>(std::max<std::int64_t>(1, settings.batch_rows));
  for (std::size_t begin = 0; begin < rows.size(); begin += batch_rows) {
    const auto from = rows.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto to = rows.begin() + static_cast<std::ptrdiff_t>(std::min(rows.size(), begin + batch_rows));
    BatchWriter writer(run, std::vector<PromptRow>(std::make_move_iterator(from), std::make_move_iterator(to)),
                       settings);
    if (!writer.run(stop)) return fail(Errc::interrupted, "interrupted while generating");
    for (std::size_t r = 0; r < writer.size(); ++r) all[writer.index(r)] = writer.take(r);
  }
  return all;
}

}  // namespace retort

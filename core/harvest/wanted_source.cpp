#include "core/harvest/wanted_source.h"

#include <deque>

#include "core/teacher/identity.h"

namespace retort {
namespace {

constexpr std::size_t kPromptsAtOnce = 256;

class WantedSource final : public PromptSource {
 public:
  WantedSource(std::unique_ptr<CorpusReader> reader, const HarvestSettings& settings)
      : reader_(std::move(reader)),
        dialect_(settings.dialect),
        model_(settings.model),
        parameters_(settings.parameters) {}

  std::optional<PromptEvent> next() override {
    while (true) {
      if (page_.empty() && !turn_page()) {
        if (problem_.empty()) return {};
        return BadRow{"the corpus's wants", 0, std::exchange(problem_, {}), true};
      }
      WantedPrompt wanted = std::move(page_.front());
      page_.pop_front();
      wanted.row.samples = wanted.want.samples - asked_otherwise(wanted);
      if (wanted.row.samples > 0) return std::move(wanted.row);
    }
  }

  std::optional<double> fraction_read() const override { return {}; }

 private:
  bool turn_page() {
    if (ended_) return false;
    auto page = reader_->wanted_after(last_ ? &*last_ : nullptr, kPromptsAtOnce);
    ended_ = !page || page->size() < kPromptsAtOnce;
    if (!page) {
      problem_ = page.error().message;
      return false;
    }
    if (page->empty()) return false;
    last_ = page->back().want;
    for (WantedPrompt& wanted : *page) page_.push_back(std::move(wanted));
    return true;
  }

  int asked_otherwise(const WantedPrompt& wanted) const {
    int others = 0;
    for (const WantedPrompt::Asked& asked : wanted.asked) {
      const Json parameters = sample_parameters(parameters_, asked.sample);
      if (request_digest({dialect_, model_, wanted.row.messages, parameters, asked.sample}) != asked.digest) ++others;
    }
    return others;
  }

  std::unique_ptr<CorpusReader> reader_;
  std::string dialect_, model_;
  Json parameters_;
  std::deque<WantedPrompt> page_;
  std::optional<Want> last_;
  std::string problem_;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<PromptSource> make_wanted_source(std::unique_ptr<CorpusReader> reader,
                                                 const HarvestSettings& settings) {
  return std::make_unique<WantedSource>(std::move(reader), settings);
}

}  // namespace retort

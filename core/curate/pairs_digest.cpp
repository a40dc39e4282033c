#include "core/curate/pairs_digest.h"

#include "core/base/hash.h"

namespace retort {

PairsDigest::PairsDigest() : link_(sha256_hex("")) {}

void PairsDigest::add(const std::string& content) {
  link_ = sha256_hex(link_ + content);
  ++pairs_;
}

}  // namespace retort

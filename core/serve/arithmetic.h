// The embedded teacher's knowledge: small arithmetic, answered by rules, so that the whole tool can be tried, tested
// and demonstrated on any machine for nothing. It shows its work the way a pupil writes it, in few tokens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace retort {

struct ArithmeticAnswer {
  std::string reasoning;    ///< worked steps, one a line; empty if the problem was not understood
  std::string answer;       ///< the bare number, or what the teacher can do if it understood nothing
  bool understood = false;  ///< the problem is one of two whole numbers of at most 18 digits
};

/// Answers one problem: a sum, a difference, a comparison, or a short story that is one of these. A pure function.
/// The seed chooses among three wordings of the steps and nothing else; 0 is the plainest.
///
///     What is 482 + 71?             ->  482+071 / 2+1+0=3 carry 0 / 8+7+0=15 carry 1 / 4+0+1=5         ->  553
///     What is 712 - 85?             ->  712-085 / 2-5+10=7 borrow 1 / 1-9+10=2 borrow 1 / 7-1=6        ->  627
///     Which is larger, 482 or 471?  ->  482,471 / 4,4= / 8,7> / 2,1> / larger first                    ->  482
///
/// The first line writes the problem with both numbers of one length. A sum or difference goes from the right, column
/// by column: the carry is the third number, a borrow is added to the lower digit, as it is paid back. A comparison
/// goes from the left and writes after each column the order so far, which the first difference decides. Each step
/// follows from what is written before it, digits first and then what is concluded from them: that is what makes it
/// easy to learn.
ArithmeticAnswer answer_arithmetic(std::string_view problem, std::uint64_t seed);

}  // namespace retort

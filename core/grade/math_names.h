// What the words of LaTeX and plain notation mean to math_lexer.cpp.
#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace retort {

using Names = std::pair<std::string_view, std::string_view>;

// Spellings in Unicode, rewritten before anything else.
inline constexpr std::array<Names, 49> kUnicode = {{
    {"−", "-"},
    {"–", "-"},
    {"×", "\\times "},
    {"·", "\\cdot "},
    {"⋅", "\\cdot "},
    {"÷", "/"},
    {"√", "\\sqrt "},
    {"π", "\\pi "},
    {"∞", "\\infty "},
    {"≤", "\\le "},
    {"≥", "\\ge "},
    {"≠", "\\ne "},
    {"∪", "\\cup "},
    {"∩", "\\cap "},
    {"∈", "\\in "},
    {"±", "\\pm "},
    {"°", "\\circ "},
    {"²", "^{2}"},
    {"³", "^{3}"},
    {"½", "\\frac{1}{2}"},
    {"θ", "\\theta "},
    {"α", "\\alpha "},
    {"β", "\\beta "},
    {"λ", "\\lambda "},
    {"ϕ", "\\phi "},
    {"φ", "\\phi "},
    {"∅", "\\emptyset "},
    {"ℝ", "\\mathbb{R}"},
    {"\u00a0", " "},
    {"\u2009", " "},
    {"\u202f", " "},
    {"′", "'"},
    {"¼", "\\frac{1}{4}"},
    {"¾", "\\frac{3}{4}"},
    {"≈", "\\approx "},
    {"∖", "\\setminus "},
    {"→", "\\to "},
    {"⟨", "\\langle "},
    {"⟩", "\\rangle "},
    {"€", ""},
    {"£", ""},
    {"⁴", "^{4}"},
    {"γ", "\\gamma "},
    {"μ", "\\mu "},
    {"ω", "\\omega "},
    {"σ", "\\sigma "},
    {"∓", "\\mp "},
    {"！", "!"},
    {"，", ","},
}};

// Commands that only shape the page.
inline constexpr std::array<std::string_view, 33> kIgnored = {
    "left",       "right", "displaystyle", "textstyle", "scriptstyle", "limits",    "quad",  "qquad",  "big",
    "Big",        "bigg",  "Bigg",         "bigl",      "bigr",        "Bigl",      "Bigr",  "biggl",  "biggr",
    "Biggl",      "Biggr", "hfill",        "hline",     "nolimits",    "thinspace", "space", "hspace", "mathstrut",
    "ensuremath", "rm",    "bf",           "it",        "mathopen",    "mathclose"};

// Commands whose braces hold words.
inline constexpr std::array<std::string_view, 11> kWords = {
    "text", "textbf", "textrm", "textit", "mbox", "textsf", "mathrm", "texttt", "hbox", "operatorname", "emph"};

// Commands that dress the letter behind them: its look does not matter.
inline constexpr std::array<std::string_view, 10> kDress = {
    "mathbf", "boldsymbol", "bm", "vec", "mathit", "hat", "mathcal", "mathsf", "mathtt", "overrightarrow"};

// Several spellings of one thing. What stands before the blank in the second is its kind: s symbol, c command, m mark.
inline constexpr std::array<Names, 84> kCommands = {{
    {"dfrac", "c frac"},
    {"tfrac", "c frac"},
    {"cfrac", "c frac"},
    {"frac", "c frac"},
    {"sqrt", "c sqrt"},
    {"cdot", "m *"},
    {"times", "m *"},
    {"ast", "m *"},
    {"div", "m /"},
    {"pm", "c pm"},
    {"mp", "c mp"},
    {"pi", "s pi"},
    {"infty", "s infinity"},
    {"cup", "c union"},
    {"bigcup", "c union"},
    {"cap", "c intersection"},
    {"setminus", "c minus"},
    {"backslash", "c minus"},
    {"le", "c <="},
    {"leq", "c <="},
    {"leqslant", "c <="},
    {"ge", "c >="},
    {"geq", "c >="},
    {"geqslant", "c >="},
    {"ne", "c !="},
    {"neq", "c !="},
    {"lt", "m <"},
    {"gt", "m >"},
    {"in", "c in"},
    {"circ", "c degree"},
    {"degree", "c degree"},
    {"lfloor", "c lfloor"},
    {"rfloor", "c rfloor"},
    {"lceil", "c lceil"},
    {"rceil", "c rceil"},
    {"binom", "c binom"},
    {"dbinom", "c binom"},
    {"tbinom", "c binom"},
    {"sin", "c sin"},
    {"cos", "c cos"},
    {"tan", "c tan"},
    {"cot", "c cot"},
    {"sec", "c sec"},
    {"csc", "c csc"},
    {"arcsin", "c arcsin"},
    {"arccos", "c arccos"},
    {"arctan", "c arctan"},
    {"sinh", "c sinh"},
    {"cosh", "c cosh"},
    {"tanh", "c tanh"},
    {"ln", "c ln"},
    {"log", "c log"},
    {"lg", "c log"},
    {"exp", "c exp"},
    {"emptyset", "c emptyset"},
    {"varnothing", "c emptyset"},
    {"approx", "c approx"},
    {"equiv", "m ="},
    {"simeq", "c approx"},
    {"sim", "c approx"},
    {"lvert", "m |"},
    {"rvert", "m |"},
    {"vert", "m |"},
    {"mid", "m |"},
    {"langle", "m ("},
    {"rangle", "m )"},
    {"lbrace", "c lset"},
    {"rbrace", "c rset"},
    {"lbrack", "m ["},
    {"rbrack", "m ]"},
    {"overline", "c overline"},
    {"bar", "c overline"},
    {"land", "m ,"},
    {"lor", "m ,"},
    {"prime", "m '"},
    {"colon", "m :"},
    {"ldots", "c dots"},
    {"dots", "c dots"},
    {"cdots", "c dots"},
    {"to", "c to"},
    {"rightarrow", "c to"},
    {"lparen", "m ("},
    {"rparen", "m )"},
    {"triangle", "s triangle"},
}};

// Words of plain notation that mean something.
inline constexpr std::array<Names, 30> kPlain = {{
    {"percent", "m %"},     {"pct", "m %"},         {"percentage", "m %"},
    {"sqrt", "c sqrt"},     {"pi", "s pi"},         {"infinity", "s infinity"},
    {"inf", "s infinity"},  {"oo", "s infinity"},   {"sin", "c sin"},
    {"cos", "c cos"},       {"tan", "c tan"},       {"cot", "c cot"},
    {"sec", "c sec"},       {"csc", "c csc"},       {"arcsin", "c arcsin"},
    {"arccos", "c arccos"}, {"arctan", "c arctan"}, {"asin", "c arcsin"},
    {"acos", "c arccos"},   {"atan", "c arctan"},   {"ln", "c ln"},
    {"log", "c log"},       {"exp", "c exp"},       {"abs", "c abs"},
    {"and", "m ,"},         {"or", "m ,"},          {"theta", "s theta"},
    {"alpha", "s alpha"},   {"union", "c union"},   {"cbrt", "c cbrt"},
}};

}  // namespace retort

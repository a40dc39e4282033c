#include "core/curate/claim_patterns.h"

#include "core/curate/vendors.h"

namespace retort {

const std::string_view kSupportRegex =
    R"(^["*_”’`\])]{0,3}(?:[\s-]?v?\d|[^.!?。！？\n]{0,60}?(?:\bA\.?I\b|\bassistants?\b|language model|\bLLM\b|chat ?bot|\bKI\b|sprachmodell|\bIA\b|\bIA-|mod[eè]l[eo]\b|asistente|assistente|モデル|アシスタント|助手|模型|智能|ИИ\b|модель|인공지능|모델)))";

const std::string_view kSomebodyElseRegex =
    R"(^["*_”`\])]{0,3}(?:['’]s\b|[\s-]{1,2}(?:\w+[\s-])?(?:users?|fans?|developers?|engineers?|experts?|certified|employees?|skeptics?|trainers?|enthusiasts?|nutzer\w*|utilisat\w*|usuari\w*)\b|\s?的?(?:用户|用戶|粉丝|员工|爱好者|开发者)|のユーザ|ユーザー|\s?사용자))";

const std::string_view kReportedRegex =
    R"((?:\b(?:if|whether|suppose|supposing|imagine|pretend|pretending|assuming|assume|unless|as though|like|false|untrue|incorrect|wrong|not true|not the case|doubt|deny|denied|denying|no evidence|(?:he|she|they|user|users|people|someone|somebody|who|prompt|question|text|message|it) (?:thinks?|believes?|assumes?|says?|said|states?|claims?|implies|suggests?)|thinks|believes|claims|claimed|says|(?<!\bI )(?<!\bI['’]ve )said|asks|asked|asking|assumes|implies|implying|suggests|suggesting|wonders|wondering|pretends|(?:not|never|n['’]t) (?:say|claim|mean|pretend|think|believe|state)|mistaken|ob|wenn|falls|(?:behauptet|sagt|meint|glaubt),? dass|si|(?:cree|dice|afirma|piensa|dit|affirme|pense|croit|diz|acha) (?:que|qu['’])|(?:говорит|утверждает|думает),? что|если|будто)(?:,? (?:that|me|to me|us))*|如果|假如|假设|是否|认为|以为|说|不|没有|なら|もし)[\s:,，：]{0,3}$)";

namespace {

using Kind = VendorAlias::Kind;

std::string escaped(std::string_view alias) {
  std::string result;
  for (const char c : alias) {
    if (c == ' ') {
      result += R"([\s_-]?)";
    } else {
      if (c == '.') result += '\\';
      result += c;
    }
  }
  return result;
}

std::string aliases(bool company, bool model, bool name) {
  std::string result;
  for (const VendorAlias& alias : vendor_aliases()) {
    const bool wanted = alias.kind == Kind::company ? company : alias.kind == Kind::model ? model : name;
    if (wanted) result += (result.empty() ? "" : "|") + escaped(alias.text);
  }
  return result;
}

// A name stands alone: "Meta" is not in "Metallica", and a script without spaces may touch it.
std::string named(const std::string& alternatives) {
  return R"(["“‘'`*_\[「『（(]{0,3}(?<![\p{Latin}\p{Cyrillic}\p{N}])(?<v>)" + alternatives +
         R"()(?![\p{Latin}\p{Cyrillic}\p{N}]))";
}

constexpr std::string_view kVersion = R"((?:[\s-]?v?\d(?:[\w.-]*\w)?|-[\w.]*\w)?)";

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// Short names for what the sentences below have in common. A later one may be used in an earlier one.
struct Macro {
  std::string_view name, text;
};

constexpr Macro kMacros[] = {
    // "by the research team at OpenAI"
    {"{BY}",
     R"(by (?:(?:the|a|an|our|my) )?(?:(?:company|labs?|teams?|researchers|engineers|scientists|people|folks|developers|experts|AI|artificial intelligence|research|tech|technology|organi[sz]ation|startup|giant|group|firm|Chinese|French|American|division|team members|good|great|brilliant|talented)(?:,? (?:at|from|of|in|called|named|behind))?,? (?:the )?){0,6}{COMPANY})"},
    // Not before what makes it somebody's: "a fan of the model", "a developer using an AI".
    {"{WORDS}",
     R"((?:(?!(?:of|a|an|the|my|your|his|her|their|using|with|for|about|who|whose|on|in|at|to|from|that|which|by|like|than|behind|not|no|user|fan)\b)[\p{L}\p{N}'’-]+,? ){0,7}?)"},
    {"{NOUN}",
     R"((?:AI|A\.I\.|artificial intelligence|models?|LLM|assistant|chat ?bot|bot|system|programme?|agent|tool|software|machine|neural network|companion))"},
    {"{ADV}",
     R"((?:(?:just|only|merely|simply|actually|really|still|in fact|indeed|basically|essentially|currently|also|technically|originally|proudly|first|initially|specifically|carefully|recently|entirely),? ){0,3})"},
    {"{MADE}",
     R"((?:pre-?trained|trained|fine-?tuned|created|developed|made|built|designed|produced|released|programmed|engineered|powered|owned|introduced|launched))"},
    {"{IAM}", R"(\bI(?:'m|’m| am))"},
    {"{DE-MADE}",
     R"((?:weiter)?(?:entwickelt|trainiert|erstellt|geschaffen|erschaffen|programmiert|gebaut|konzipiert))"},
    {"{DE-BY}",
     R"((?:von|durch) (?:(?:der|dem|den|die|einem|firma|unternehmen|team|teams|forschern|entwicklern|ki-unternehmen|bei|von) ){0,5}{COMPANY})"},
    {"{DE-NOUN}", R"([\w-]*(?:KI|modell|assistent|assistentin|bot|programm|system|LLM|intelligenz)\b)"},
    {"{FR-MADE}", R"((?:créé|développé|entra[iî]né|conçu|formé|construit|programmé|mis au point|proposé|fabriqué)e?)"},
    {"{FR-BY}",
     R"(par (?:(?:la|les|des|société|entreprise|équipe|équipes|chercheurs|ingénieurs|de|chez|l['’]entreprise|l['’]équipe|d['’]) ?){0,5}{COMPANY})"},
    {"{FR-NOUN}", R"((?:IA|modèle|assistante?|intelligence artificielle|agent|chat ?bot|programme|système|LLM))"},
    // Spanish, Portuguese and Italian are near enough to share.
    {"{RO-MADE}",
     R"((?:cread|desarrollad|entrenad|diseñad|programad|hech|construid|criad|desenvolvid|treinad|projetad|programmat|creat|sviluppat|addestrat|progettat|realizzat)[oa])"},
    {"{RO-BY}",
     R"((?:por|pela|pelo|dalla|dall['’]|dal|da) ?(?:(?:la|el|los|empresa|compañía|equipo|equipe|investigadores|ingenieros|pesquisadores|azienda|società|team|de|da|di) ){0,4}{COMPANY})"},
    {"{RO-NOUN}",
     R"((?:IA|modelo|modello|asistente|assistente|inteligencia artificial|inteligência artificial|intelligenza artificiale|chat ?bot|programa|programma|sistema|LLM))"},
    {"{ZH-MADE}",
     R"((?:训练|訓練|开发|開發|创建|創建|研发|研發|创造|創造|推出|打造|设计|設計|制造|製作|制作|构建|提供|发布))"},
    {"{JA-I}", R"((?:私|わたし|わたくし|僕|ぼく|当AI))"},
    {"{JA-MADE}", R"((?:開発|訓練|作成|学習|設計|トレーニング|作ら|提供|構築|生み出))"},
    {"{KO-MADE}", R"((?:개발|훈련|학습|만든|만들|제작|설계|교육))"},
};

std::string expanded(std::string_view pattern) {
  std::string text(pattern);
  for (const Macro& macro : kMacros) replace_all(text, macro.name, macro.text);
  replace_all(text, "{COMPANY}", named(aliases(true, false, false)) + R"((?!-\p{L}))");
  replace_all(text, "{MODEL}", named("(?:" + aliases(false, true, false) + ")" + std::string(kVersion)));
  replace_all(text, "{NAME}", named(aliases(false, false, true)));
  replace_all(text, "{ANY}", named("(?:" + aliases(true, true, true) + ")" + std::string(kVersion)));
  // A space in a sentence may be several, or the end of a line.
  replace_all(text, " ", R"((?:\s{1,3}))");
  return text;
}

// "… was made by X": the alias is a company's.
constexpr std::
    string_view
        kMadeBy
            [] =
                {
                    // English
                    R"(\bI(?:'m|’m| am| was|['’]ve been| have been) {ADV}{MADE}(?:(?:,| and|, and| or|/) ?{MADE}){0,3}(?: (?!(?:by|not|using|with|\w+ed|written|made|built|sent)\b)[\w-]+){0,8}? {BY})",
                    R"({IAM} {ADV}(?:a|an|the|your|one of the|[\w.-]+,(?: a| an| the)?) {WORDS}{NOUN}(?: \([^()\n]{1,30}\))?(?:,? (?:called|named|known as) [*_"“]{0,3}[\w.-]+[*_"”]{0,3}(?: [\w.-]+){0,2}?)?,?(?: (?:that|which|who)(?: was| is| has been|['’]s been)?)?(?: {ADV}{MADE}(?:(?:,| and|, and) {MADE}){0,2}(?: and \w+)?(?: (?!by\b)[\w-]+){0,3}? {BY}| (?:from|by|of) {COMPANY}))",
                    R"({IAM} (?:["*_“]{0,3}(?:an? |the )?[\p{L}\d.-]+(?: \d[\w.]*)?["*_”]{0,3}),? (?:and I (?:was|am) )?{MADE} {BY})",
                    R"({IAM} {ADV}(?:a |an |the )?{COMPANY}(?:['’]s)? (?:(?!(?:user|fan|and|or)\b)[\w-]+ ){0,3}?{NOUN}\b(?![\s-]{1,2}(?:research|engineer|develop|scien|user|fan|expert|employ|special|team|lead|train|product|program|polic|safety|consult|enthus|tester|built|i\b)))",
                    R"((?<!such\s)\bas (?:a|an|the) {WORDS}{NOUN},?(?: (?:that|which|who)(?: was| is| has been)?)? (?:{ADV}{MADE}(?: and {MADE})? {BY}|(?:from|by) {COMPANY})\W{0,4}(?:[^.!?;\n]{0,40}?\b(?:I|my|me)\b|it(?: is|['’]s) (?:important|essential|crucial|necessary|not|beyond|against|my)\b))",
                    R"(\bas (?:a|an) {COMPANY}(?:['’]s)? (?:[\w-]+ ){0,3}?{NOUN},[^.!?;\n]{0,30}?\b(?:I|my|me)\b)",
                    R"(\bmy (?:own )?(?:creators?|makers?|developers?|parent company|trainers?|training|development|creation)(?: team)?,? (?:(?:is|are|was|were|at|from|by|the|company|team|called|people|over) ){0,4}{COMPANY})",
                    R"({COMPANY}(?:['’]s)?,? (?:(?:the|company|team|organi[sz]ation|which|that|who|has|have|engineers|researchers|scientists|people|folks) ){0,5}(?:trained|created|developed|made|built|designed|programmed|fine-?tuned)(?:,? and \w+)? me\b(?! (?:a|an|the|feel|think|want|realize|wonder|some|this|that)\b))",
                    R"(\b(?:that|who|which) (?:trained|created|developed|made|built|designed|programmed) me,? (?:(?:is|was|are|were|at|the|company) ){0,3}{COMPANY})",
                    // German
                    R"(\bich (?:wurde|bin) (?:(?!nicht|nie|kein)[\wäöüß-]+ ){0,2}?{DE-BY}(?:(?!nicht|nie )[^.!?\n]){0,40}?{DE-MADE})",
                    R"(\bich bin (?:[\wäöüß]+ )?(?:ein|eine|das|die|der)(?: (?!nicht\b|von\b|des\b)[\wäöüß-]+,?){0,5}? {DE-NOUN},?(?: (?:das|die|der|welche[rs]?))?(?: (?!nicht\b)\w+)?? {DE-BY}[^.!?\n]{0,30}?(?:{DE-MADE}|[.,!]))",
                    R"(\bich bin (?:ein|eine|das) (?:(?!nicht\b)[\wäöüß-]+ ){0,3}?{DE-BY} (?:\w+ )?{DE-MADE}\w*)",
                    R"(\bals (?:ein |eine |das )?(?:[\wäöüß-]+ ){0,4}?(?:{DE-NOUN},?(?: (?:das|die|der))? )?{DE-BY}[^.!?\n]{0,30}?{DE-MADE}[^.!?\n]{0,60}?\b(?:ich|mir|mich|mein\w*)\b)",
                    R"(\bmein(?:e|en)? (?:entwickler|schöpfer|hersteller)(?:in|firma)? (?:ist|sind|bei|von) (?:die )?{COMPANY})",
                    // French
                    R"(\bj['’]ai été (?:\w+ ){0,2}?{FR-MADE}(?: (?:et )?{FR-MADE})? {FR-BY})",
                    R"(\bje suis (?:\w+ )?(?:(?:un|une|le|la) |l['’])?(?:(?!(?:qui|pas|et|utilis\w*|j['’]\w+|fan|du|des|développeu\w*|ingénieu\w*)\b)[\p{L}'’-]+,? ){0,6}?{FR-NOUN}(?:(?! qui | que )[^.!?\n]){0,40}? (?:qui a été )?(?:{FR-MADE} (?:et {FR-MADE} )?{FR-BY}|(?:de (?:chez )?|d['’]){COMPANY}))",
                    R"(\bje suis [*_"«]{0,3}\s?[\p{L}\d.-]+[*_"»]{0,3},? (?:[\p{L}'’-]+ ){0,7}?{FR-MADE} {FR-BY})",
                    R"(\ben tant qu(?:e |['’])(?:une? )?[^.!?\n]{0,50}?{FR-MADE} {FR-BY}[^.!?\n]{0,40}?\b(?:je|mon|ma|mes|me|[jm]['’]))",
                    R"(\bmes (?:créateurs|concepteurs|développeurs|ingénieurs),? (?:(?:de|chez|à|sont|l['’]équipe|la|société) ){1,3}{COMPANY})",
                    R"(\b(?:mon créateur|mon concepteur|mon développeur) est (?:la société |l['’]entreprise )?{COMPANY})",
                    // Spanish, Portuguese, Italian
                    R"((?<!\bno\s)\bsoy (?:un|una|el|la) (?:(?!(?:que|usuari\w*|fan|y)\b)[\p{L}'’-]+ ){0,3}?{RO-NOUN}(?: (?!que\b)[\p{L}-]+){0,3}? de {COMPANY})",
                    R"(\bmis? (?:creador|desarrollador|diseñador|programador)(?:es)?,? (?:(?:de|en|es|son|la|empresa) ){1,3}{COMPANY})",
                    R"((?<!\bno\s)(?<!\bnon\s)(?<!\bnão\s)\b(?:fui|he sido|sono stat[oa]|sono) (?:(?!(?:no|non|não)\b)\p{L}+ ){0,2}?{RO-MADE}(?: [ye] {RO-MADE})? {RO-BY})",
                    R"((?<!\bno\s)(?<!\bnon\s)(?<!\bnão\s)\b(?:soy|sou|sono) (?:\p{L}+ )?(?:un|una|um|uma|el|la|o|a|il) (?:(?!(?:que|che|de|di|usuari\w*|fan|utente)\b)[\p{L}'’-]+,? ){0,5}?{RO-NOUN}(?: (?!(?:que|che)\b)[\p{L}-]+){0,6}?,? (?:(?:que|che) (?:fue|ha sido|foi|è stat[oa]) )?{RO-MADE} (?:[ye] {RO-MADE} )?{RO-BY})",
                    R"((?<!\bno\s)(?<!\bnon\s)(?<!\bnão\s)\b(?:soy|sou|sono) (?:o |a )?[*_"“]{0,3}[\p{L}\d.-]+[*_"”]{0,3},? (?:[\p{L}-]+ ){0,6}?{RO-MADE} {RO-BY})",
                    R"(\bcom[oe] (?:un |una |um |uma )?(?:[\p{L}-]+ ){0,3}?{RO-NOUN}(?: [\p{L}-]+){0,4}? {RO-MADE} {RO-BY}[^.!?\n]{0,10}?, (?:no |não |non |yo |eu |io )?(?:puedo|tengo|soy|estoy|me|mi|mis|debo|he|carezco|entiendo|posso|tenho|sou|estou|meu|minha|ho|sono|mio|mia)\b)",
                    // Russian
                    R"(\b(?:я|меня) (?:[—–-] ?)?(?:(?!(?:не|что|чтобы|как|знаю|думаю|считаю|если)\b|\p{L}+(?:ю|юсь|усь)\b)[\p{L}-]+,? ){0,6}?(?:создан|разработан|обучен|натренирован|сделан|создал|разработал|обучил)\p{L}* (?:(?:компани|команд|фирм|исследовател|разработчик|инженер|специалист)\p{L}* (?:из )?){0,3}{COMPANY})",
                    // Chinese
                    R"(我(?:就|便|其实|也|只)?(?:是|由|被|乃|叫)\s?(?:[^。！？!?\n不没说使用]{0,24}?(?:由|被|是|，|,|、|来自|來自|的))??\s?{COMPANY}[^。！？!?\n不没]{0,14}?{ZH-MADE})",
                    R"((?:作为|作為)(?:一个|一個|一款|一名|由)?[^。！？\n]{0,10}?{COMPANY}[^。！？\n]{0,10}?{ZH-MADE}[^。！？\n]{0,30}?我)",
                    R"({COMPANY}(?:公司|团队|的团队|的工程师)?{ZH-MADE}(?:了|出)?我)",
                    R"(我的(?:开发者|創造者|创造者|母公司|开发团队|研发团队|开发公司)(?:就)?(?:是|来自)\s?{COMPANY})",
                    // Japanese: what was made must be the speaker, not an object ("…が開発したGPT-4を使って")
                    R"({JA-I}(?:は|、)[^。！？\n]{0,20}?{COMPANY}(?:社|株式会社)?(?:によって|により|が|に|の|で)[^。！？\nを]{0,14}?{JA-MADE}(?:[^。！？\nをへと]{0,36}?(?:です|である|だ|ました|ています|として)|[^。！？\nをへと]{0,6}[。、]))",
                    R"({COMPANY}(?:社)?(?:によって|により|が|に)[^。！？\nを]{0,10}?{JA-MADE}[^。！？\nをへと]{0,20}?(?:AI|モデル|アシスタント)として、[^。！？\n]{0,20}?{JA-I})",
                    // Korean
                    R"((?:저는|나는|전|제가)[^.!?\n]{0,16}?{COMPANY}(?:사)?(?:에서|가|이|에 의해|의)?\s?(?:(?![를을])[^.!?\n]){0,10}?{KO-MADE}(?:(?![를을])[^.!?\n]){0,30}?(?:입니다|이에요|예요|습니다|이다|로서|이며))",
};

// "I am X": tried once with what can only be a model, and once with ordinary names.
constexpr std::string_view kIdentity[] = {
    R"({IAM} {ADV}(?:(?:called|named|known as) |the (?:[\w-]+ ){0,3}?{NOUN},? (?:called |named )?|an? (?:[\w-]+ ){0,3}?{NOUN},? (?:called|named|known as) )?{MODEL})",
    R"(\bmy name(?:['’]s| is) {MODEL})",
    R"(\bI, {MODEL},)",
    R"((?:\A|[\n.!?] ?)As {MODEL}, I\b)",
    R"({IAM} {ADV}(?:an? |the )?(?:\w+ )?(?:instance|version|variant|distillation) of (?:the )?(?:\w+['’]s )?{MODEL})",
    R"(\bich (?:bin|heiße) (?:der |die |das )?(?:{DE-NOUN} )?{MODEL})",
    R"(\bmein name ist {MODEL})",
    R"(\bje (?:suis|m['’]appelle) {MODEL})",
    R"(\bmon nom est {MODEL})",
    R"((?<!\bno\s)(?<!\bnon\s)(?<!\bnão\s)\b(?:soy|me llamo|mi nombre es|sou|me chamo|meu nome é|sono|mi chiamo|il mio nome è) (?:o |a )?{MODEL})",
    R"(\b(?:я|меня зовут) ?(?:[—–-] ?|это ?){0,2}{MODEL})",
    R"(我(?:就|其实|也)?(?:是|叫|的名字是|的名字叫|名叫)\s?(?:一个名叫|一个叫)?\s?{MODEL})",
    R"({JA-I}(?:は、?|の名前は、?)\s?{MODEL}(?=["*”」]{0,3}\s?(?:です|という|と申し|、|だ|である)))",
    R"((?:저는|나는|제 이름은) {MODEL}(?=["*”]{0,3}\s?(?:입니다|이에요|예요|라고|이라고|,)))",
};

// "I am based on X": whatever kind of name it is.
constexpr std::string_view kBasis[] = {
    R"({IAM} {ADV}(?:based on|powered by|built on|built upon|running on|fine-?tuned from|derived from|distilled from) (?:the |an? )?{ANY})",
    R"({IAM} {ADV}(?:a |an |the )?(?:product|creation|service|language model|AI model|AI|model) (?:of|from|by) {COMPANY})",
};

}  // namespace

std::vector<ClaimPattern> claim_patterns() {
  std::vector<ClaimPattern> patterns;
  for (const std::string_view pattern : kMadeBy) patterns.push_back({expanded(pattern)});
  for (const std::string_view pattern : kBasis) patterns.push_back({expanded(pattern)});
  for (const std::string_view pattern : kIdentity) {
    patterns.push_back({expanded(pattern), false, true});
    std::string ordinary(pattern);
    replace_all(ordinary, "{MODEL}", "{NAME}");
    patterns.push_back({expanded(ordinary), true, true});
  }
  return patterns;
}

std::string any_alias_regex() { return "(?:" + expanded(aliases(true, true, true)) + ")"; }

}  // namespace retort

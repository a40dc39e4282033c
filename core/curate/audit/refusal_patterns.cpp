#include "core/curate/audit/refusal_patterns.h"

namespace retort {

const std::string_view kPreambleRegex =
    R"(^[\s*_#>]*(?:(?:I(?:['’]m| am)(?: very| so| truly)? sorry|sorry|I apologi[sz]e|my apologies|unfortunately|I understand|I see|I hear|I appreciate|I know|thank|thanks|hello|hi\b|hey|great question|well\b|no\b|okay|ok\b)|(?:es tut mir|tut mir|entschuldig|leider|ich verstehe|danke|vielen dank|hallo|nein|verzeih)|(?:je suis (?:vraiment )?désolée?|désolée?|navrée?|malheureusement|je comprends|merci|bonjour|non\b|je regrette)|(?:lo siento|lamento|lamentablemente|desafortunadamente|disculp|perd[oó]n|entiendo|comprendo|gracias|hola|no\b)|(?:对不起|抱歉|很抱歉|非常抱歉|不好意思|您好|你好|感谢|谢谢|我理解|我明白)))";

const std::string_view kHintRegex =
    R"((?:n['’]?t|not|unable|decline|refuse|rather|inappropriate|unethical|irresponsible|violates|outside|beyond|let['’]?s|let us|shall we|may we|can we|could we|prohibit|forbid|against|prevent|restrict|abstain|pass on|say no|afraid)\b|nicht|niemals|\bnie\b|kein|weder|ablehn|lehne|verweiger|weigere|verbiete|untersag|hinder|passen|gegen meine|reden|sprechen|lass|thema|außerhalb|\bne\b|\bn['’]|impossible|interdi|que je|m['’]est|déclin|refus|m['’]abstenir|parl|chang|empêch|contraire|dépasse|hors de|\bno\b|imposible|inviable|lo que|rechaz|declin|niego|negarme|prohíben|impiden|en contra|hablemos|conversemos|charlemos|cambi|conversamos|hablamos|charlamos|fuera de|[不无没拒难婉违聊谈]|换|超出|话题)";

const std::string_view kSalutationRegex =
    R"(^\s*(?:subject:[^\n]*\n+\s*|betreff:[^\n]*\n+\s*|objet\s?:[^\n]*\n+\s*|asunto:[^\n]*\n+\s*)?(?:\*\*)?(?:dear\b|hi \p{Lu}|sehr geehrte|liebe[rs]? \p{L}|madame|monsieur|chers?\b|chère|estimad[oa]|querid[oa]|尊敬的|亲爱的|敬爱的)[^\n]{0,60}\n)";

const std::string_view kSpeakerRegex =
    R"((?:\A|\n)[ \t*_>-]{0,6}(?<v>\p{L}[\p{L}'’.-]*(?: \p{L}+){0,2})[*_]{0,2}\s?[:：])";

const std::string_view kOwnSpeakerRegex =
    R"(^(?:(?:final )?answer|response|reply|assistant|note|ai|antwort|assistent|hinweis|réponse|assistante?|remarque|respuesta|asistente|nota|回答|答|助手|注意)$)";

const std::string_view kTranslationRegex =
    R"(\btranslat|\bübersetz|\btradui|\btraduc|\btraduz|翻译|翻譯|译成|译为|\bin(?:to)? (?:english|german|french|spanish|chinese|mandarin|japanese|korean|italian|portuguese|russian|arabic|latin)\b|\b(?:auf|ins) (?:englisch|deutsch|französisch|spanisch|chinesisch|italienisch|russisch|japanisch)|\ben (?:anglais|allemand|français|espagnol|chinois|italien|russe|japonais|inglés|alemán|francés|español|chino|italiano|ruso|japonés)\b|\bal (?:inglés|alemán|francés|español|chino|italiano)\b|用?(?:英文|英语|中文|汉语|德语|德文|法语|法文|西班牙语|日语|日文|俄语|韩语)(?:回答|写|说|解释|翻|描述|作答|介绍|表达))";

namespace {

// What a model is asked to do and does not.
constexpr std::string_view kActEn =
    R"(\b(?:help|assist|aid|provid\w+|fulfil+\w*|comply\w*|complet\w+|answer\w*|respond\w*|shar(?:e|ing)|disclos\w+|reveal\w*|generat\w+|creat(?:e|ing)|writ(?:e|ing)|produc(?:e|ing)|giv(?:e|ing)|offer\w*|engag\w+|participat\w+|discuss\w*|comment\w*|recommend\w*|advis\w+|process|accommodat\w+|do (?:that|this|so|it|what)|tell(?:ing)? you|explain\w*|facilitat\w+|promot\w+|support|endors\w+|reproduc\w+|quot(?:e|ing)|prescrib\w+|diagnos\w+|speculat\w+|talk(?:ing)? about|describ\w+|carry out|perform|show(?:ing)? you|take (?:a )?(?:sides?|position|stance)|role-?play|pretend|make (?:jokes|fun|that|this|such|up)|instruct\w*|teach\w*|access to (?:personal|private))\b)";
constexpr std::string_view kGuardEn =
    R"(\bhelp (?:but|notic|think|feel|wonder|laugh|smil|it\b)|\benough\b|with(?:out)? (?:more|further|additional|knowing|seeing|certainty|confidence|complete certainty)|\bguarantee|\bexactly\b|\b(?:he|she|they|it|models?|assistants?|users?|who) (?:often |usually |always )?(?:say|says|said|answers?|answered|repl\w+|claims?|declares?|tells?|told)\b|\bI told\b)";

constexpr std::string_view kActDe =
    R"(\b(?:(?:weiter|aus|mit|be)?helfen|helfe|behilflich|unterstütz\w+|assistieren|bereit(?:zu)?stellen|stelle|wieder(?:zu)?geben|(?:heraus|weiter|an|be|preis)?(?:zu)?geben|gebe|erteil\w+|nennen|nenne|(?:mit)?teilen|beantworten|antworten|erfüllen|nachkommen|schreib\w*|verfassen|erstell\w*|erzeug\w*|generier\w*|tun|machen|sprechen|reden|diskutieren|zitieren|bezieh\w+|nehme|mit(?:zu)?wirken|beteilig\w*|an(?:zu)?bieten|biete|liefer\w+|verschreiben|empfehl\w*|offen(?:zu)?legen|verraten|zeigen|äußer\w*|kommentier\w*|durchführen|ausführen|anleiten|erklären|bewerten|mache|einlassen)\b)";
constexpr std::string_view kGuardDe =
    R"(\b(?:er|sie|man|wer|modelle?|assistenten) (?:\p{L}+ )?(?:sag\p{L}*|antwort\p{L}*|könn\p{L}*|behaupt\p{L}*|erklär\p{L}*)\b|\bohne (?:weitere|mehr|genauere)|genug|\bmit sicherheit\b|nicht nur)";

constexpr std::string_view kActFr =
    R"(\b(?:aide\w*|assister|fourni\w*|rédiger\w*|écri\w+|répond\w*|reproduire|recommander\w*|conseiller|divulguer\w*|partager\w*|communiquer|donner\w*|cit(?:er|erai)|prescrire|génér\w+|cré(?:er|erai)|produi\w+|discuter|aborder|commenter|expliquer\w*|satisfaire|accéder à (?:cette|votre|ta)|pren(?:ds|dre)? (?:pas )?parti|révéler\w*|participer\w*|faire|exécuter|traiter|proposer\w*|parler\w*|décrire|montrer\w*|accompagner|prononcer|raconter\w*|dire)\b)";
constexpr std::string_view kGuardFr =
    R"(\b(?:ils?|elles?|on|qui|modèles?) (?:\p{L}+ )?(?:d(?:it|isent|éclare|éclarent)|répond\w*|affirm\w*|prétend\w*)\b|sans (?:plus|davantage|autres)|\bassez\b|pas seulement|avec certitude)";

constexpr std::string_view kActEs =
    R"(\b(?:ayud\p{L}*|asistir\p{L}*|proporcion\p{L}*|redact\p{L}*|escrib\p{L}*|respond\p{L}*|contest\p{L}*|reproduc\p{L}*|recomend\p{L}*|aconsej\p{L}*|divulg\p{L}*|compart\p{L}*|comunic\p{L}*|dar\p{L}*|ofrec\p{L}*|cit(?:ar|aré)\p{L}*|recetar|prescrib\p{L}*|gener\p{L}*|crear|crearé|produc\p{L}*|discut\p{L}*|coment\p{L}*|explic\p{L}*|cumpl\p{L}*|satisfac\p{L}*|revel\p{L}*|particip\p{L}*|hac\p{L}*|realiz\p{L}*|proces\p{L}*|hablar|describ\p{L}*|mostr\p{L}*|decir\p{L}*|facilit\p{L}*|tom[oa]r? partido|pronunciar\p{L}*|contar\p{L}*|acceder a (?:esta|tu|su)|brind\p{L}*)\b)";
constexpr std::string_view kGuardEs =
    R"(\b(?:él|ella|ellos|quien|modelos?) (?:\p{L}+ )?(?:dij\p{L}*|dice\p{L}*|respond\p{L}*|afirm\p{L}*)\b|\bdijo que\b|sin (?:más|saber|conocer)|suficiente|no solo|con certeza)";

constexpr std::string_view kActZh =
    R"((?:帮|协助|提供|回答|解答|回复|满足|完成|写|生成|透露|分享|给出|给您|给你|开具|推荐|讨论|谈论|评论|评价|支持|参与|执行|告诉|告知|编写|创作|介绍|说明|处理|引用|公开|教您|教你|指导|模仿|扮演|发表|表明|继续|进行|这样做|这么做|做这|做到|遵从|答应|给予|拒绝|展示|描述|翻译))";
constexpr std::string_view kGuardZh =
    R"((?:他|她|它|他们|她们|用户|模型|有人|客服|有些|记者)[^，。]{0,8}(?:说|表示|认为|称|声称|回答|觉得)|(?<!让)我们(?:无法|不能|不会)|没有实时|准确|保证|确定)";

constexpr RefusalPattern kPatterns[] = {
    // English
    {false,
     R"(\bI(?:['’]m| am)?(?:(?: \w+ly| just| still| also| must say I|,)){0,2} ?(?:can(?:['’]?t|not| not)|could(?:n['’]t| not)|won['’]?t|will not|shall not|would(?:n['’]t| not)|do(?:n['’]t| not)|must not|may not|should(?:n['’]t| not)|not going to|refuse to|decline to)\b)",
     kActEn, kGuardEn},
    {false,
     R"(\bI(?:['’]m| am)(?: \w+ly| also| still| just)? (?:unable|not (?:able|allowed|permitted|authori[sz]ed|comfortable|willing|in a position|equipped|qualified|designed|programmed|the right)|afraid (?:that )?I (?:can['’]?t|cannot|won['’]t))\b)",
     kActEn, kGuardEn},
    {false,
     R"(\bI(?:['’]ll| will| must| have to| need to|['’]m going to(?: have to)?| am going to(?: have to)?|['’]ll have to)(?: \w+ly)? (?:decline|refuse|pass on|abstain|say no|turn (?:this|that|it) down)\b|\bI(?: \w+ly)? (?:decline|refuse) (?:to|this|that|your)\b)",
     "", R"(\b(?:offer|invitation|job|position|he|she)\b)"},
    {false,
     R"(\b(?:not|n['’]t) (?:something|anything|a topic|a request|content) (?:that )?I(?: can| am|['’]m| will|['’]d| do| could)\b)",
     "", ""},
    {false,
     R"(\b(?:my|the) (?:ethical |content |safety |usage )?(?:guidelines|programming|instructions|policy|policies|principles|rules|values) (?:do(?:n['’]t| not)|don['’]t|prohibit|forbid|prevent|won['’]t|will not|restrict) (?:allow |permit |let )?me\b|\bagainst my (?:\w+ )?(?:guidelines|programming|policy|policies|principles|rules|values)\b)",
     "", ""},
    {false,
     R"(\bit (?:would(?:n['’]t| not) be (?:appropriate|ethical|right|responsible)|(?:would be|is) (?:inappropriate|unethical|irresponsible)|is(?:n['’]t| not) (?:appropriate|ethical|right)) for me to\b|\bwould be (?:irresponsible|unethical|harmful|illegal)\b[^.!?]{0,40}\bI (?:will not|won['’]t|can['’]?t|cannot)\b)",
     "", ""},
    {false, R"(\bI(?:['’]d| would) (?:rather|prefer)(?: to)? not\b|\bI(?:['’]d| would) rather (?:decline|pass)\b)", "",
     ""},
    {false,
     R"(\b(?:your|this|that) (?:request|question|topic) (?:goes against|violates|falls outside|cannot be|can['’]t be)\b)",
     "", ""},
    {true,
     R"(\blet(?:['’]s| us) (?:talk|chat|speak|discuss|focus|move|turn|go)\b[^.!?]{0,30}\b(?:something else|another (?:topic|subject)|different (?:topic|subject)|other (?:topics|things))\b|\blet(?:['’]s| us) (?:change|switch) (?:the )?(?:subject|topic)|\bI(?:['’]d| would) (?:rather|prefer to|like to) (?:talk|chat|speak|discuss)\b[^.!?]{0,20}\b(?:something else|another|different|other)\b|\bbeyond my (?:current )?(?:scope|capabilities)\b|\b(?:can|could|shall|may) we (?:talk about something else|change the (?:subject|topic)))",
     "", ""},
    // German
    {false,
     R"(\bich\b(?:(?!\b(?:dass|ob|wenn|weil|sagte|sagst)\b)[^.!?;:„“"]){0,60}?\b(?:nicht|nie|niemals|kein\w*|weder)\b|\b(?:nicht|kein\w*)\b[^.!?;:„“"]{0,30}\bich\b|\bich will keine?\b)",
     kActDe, kGuardDe},
    {false,
     R"(\b(?:ich (?:muss|möchte|werde)|muss ich)\b[^.!?]{0,60}\b(?:ablehnen|verweigern|passen)\b|\blehne (?:ich )?[^.!?]{0,60}\bab\b|\bich weigere mich\b|\bich bin nicht (?:in der lage|befugt|berechtigt|dazu da|dafür da)\b|\b(?:ist|wäre) (?:es )?mir (?:leider )?nicht (?:möglich|erlaubt|gestattet)\b)",
     "", R"(\b(?:angebot|einladung|stelle)\b)"},
    {false,
     R"(\b(?:meine|die) (?:ethischen |internen )?(?:richtlinien|regeln|vorgaben|grundsätze|anweisungen|programmierung) (?:\p{L}+ )?(?:erlauben|gestatten|erlaubt|lassen|verbieten|verbietet|untersagen|hindern)\b|\bgegen meine (?:\p{L}+ )?(?:richtlinien|regeln|grundsätze|prinzipien))",
     "", ""},
    {true,
     R"(\b(?:lass(?:t|en sie)? uns|reden wir|sprechen wir|können wir|wollen wir)\b[^.!?]{0,30}\b(?:über )?(?:etwas|was) anderes\b|\b(?:wechseln wir|lass(?:t|en sie)? uns)\b[^.!?]{0,20}\bthema\b|\bthema (?:zu )?wechseln\b|\baußerhalb meine[sr]\b|\bein anderes thema\b)",
     "", ""},
    // French
    {false,
     R"(\bje (?:ne |n['’])[^.!?;:«»"]{1,40}?\b(?:pas|aucune?|plus|jamais|rien)\b|\bje ne saurais\b|\bje ne (?:peux|puis)\b|\bque je (?:peux|puisse)\b|\b(?:il )?m['’]est (?:\p{L}+ )?(?:impossible|interdit))", kActFr, R"(\b(?:accès aux|ils?|elles?|on|qui|modèles?) (?:\p{L}+ )?(?:d(?:it|isent|éclare|éclarent)|répond\w*|affirm\w*|prétend\w*|prévisions)\b|sans (?:plus|davantage|autres)|\bassez\b|pas seulement|avec certitude|\b(?:tout|voici|ce) (?:ce )?que je (?:peux|puisse)\b(?!.*\bpas\b))"},
    {false,
     R"(\bje (?:dois|vais devoir|suis contrainte? de)\b[^.!?]{0,40}\b(?:décliner|refuser|m['’]abstenir)\b|\bje (?:refuse|décline)\b|\b(?:n['’]est pas|ce n['’]est pas) quelque chose que je\b|\bje ne suis pas (?:en mesure|habilitée?|autorisée?|à l['’]aise|capable|programmée?)\b|\bje n['’]ai pas le droit\b|\bje préfère ne pas\b)",
     "", R"(\b(?:offre|invitation|poste)\b)"},
    {false,
     R"(\b(?:mes|les) (?:règles|directives|principes|consignes|instructions|politiques)\b[^.!?]{0,20}\b(?:interdisent|empêchent|permettent pas|autorisent pas)\b|\bcontraire à mes (?:règles|principes|directives))",
     "", ""},
    {true,
     R"(\bparlons\b[^.!?]{0,20}(?:d['’]autre chose|d['’]un autre sujet|d['’]un sujet différent)|\bchang(?:eons|er) de sujet\b|\b(?:si|nous) (?:nous |on )?parli(?:ons|ez)\b[^.!?]{0,20}autre|\b(?:dépasse|hors de) mon (?:champ|domaine|périmètre)|\bsi on parlait d['’]autre chose)",
     "", ""},
    // Spanish
    {false,
     R"(\bno (?:\p{L}+ ){0,2}?(?:puedo|podré|podría|pienso|voy a|debo|deseo|quiero|me es posible|es posible para mí|tengo permitido|tomo|está en mis manos)\b|\bno (?:te |le |les |os |lo |la )?\p{L}{3,}ré\b|\bme (?:resulta|es) (?:imposible|inviable)\b|\ben lo que (?:yo )?(?:pueda|puedo)\b|\bno (?:comparto|doy|ofrezco|proporciono|escribo|genero|respondo|participo)\b)",
     R"(\b(?:no (?:comparto|doy|ofrezco|proporciono|escribo|genero|respondo|participo)\b|no (?:te |le |les |os |lo |la )?\p{L}{3,}ré\b))",
     kGuardEs},
    {false,
     R"(\bno (?:\p{L}+ ){0,2}?(?:puedo|podré|podría|pienso|voy a|debo|deseo|quiero|me es posible|es posible para mí|tengo permitido|tomo|está en mis manos)\b|\bme (?:resulta|es) (?:imposible|inviable)\b|\bno es algo en lo que (?:yo )?(?:pueda|puedo)\b)",
     kActEs, kGuardEs},
    {false,
     R"(\b(?:debo|tengo que|voy a)\b[^.!?]{0,30}\b(?:rechazar|declinar|negarme|abstenerme)\b|\bme niego\b|\bno estoy (?:autorizad|capacitad|en condiciones|en posición|programad|dispuest|habilitad)\p{L}*|\bno soy capaz de\b|\bprefiero no\b|\bno tomo partido\b)",
     "", R"(\b(?:oferta|invitación|puesto)\b)"},
    {false,
     R"(\bmis (?:normas|reglas|directrices|principios|políticas|instrucciones)\b[^.!?]{0,20}\b(?:permiten|prohíben|impiden)\b|\bva en contra de mis\b)",
     "", ""},
    {true,
     R"(\b(?:hablemos|conversemos|charlemos)\b[^.!?]{0,20}\b(?:otra cosa|otro (?:tema|asunto)|algo (?:distinto|diferente))\b|\bcambi(?:emos|ar) de tema\b|\b(?:conversamos|hablamos|charlamos) (?:sobre|de) otr[oa]\b|\bfuera de mi alcance\b)",
     "", ""},
    // Chinese
    {false,
     R"((?:我|恕|本人|抱歉|对不起|不好意思|由于)[^。！？\n“「]{0,24}?(?:不能|无法|不可以|不会|不便|不予|不愿|不想|不方便|没有办法|没办法|无权|难以|不是医生)|^[\s，]*(?:暂时)?(?:无法|不能|不便)|我[^。！？\n“「]{0,6}(?:必须|只能|要|得)?拒绝(?!录用))",
     kActZh, kGuardZh},
    {false,
     R"(我[^。！？\n“「]{0,10}(?:必须|只能|不得不|得)(?:拒绝|婉拒)|(?:必须|只能)拒绝(?:您|你|这)|要求我(?:必须|只能)?拒绝|(?:违反|不符合)我的(?:原则|准则|规定|使用政策))",
     "", kGuardZh},
    {true,
     R"(换(?:个|一个|个别的)?话题|聊(?:聊|点|些)?(?:别的|其他|其它|点别的)|(?:聊|谈)(?:聊|谈)?(?:其他|别的|您的|你的)(?:话题|爱好|事)?|话题[^。！？]{0,4}不(?:太)?合适|超出(?:了)?我(?:目前)?的(?:能力|范围|知识))",
     "", ""},
};

}  // namespace

std::span<const RefusalPattern> refusal_patterns() { return kPatterns; }

}  // namespace retort

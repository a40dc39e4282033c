// Labelled answers: which ones say who made the model that speaks, and which only sound like it.
#include "core/curate/self_identification.h"

#include <string>
#include <vector>

#include "core/curate/vendors.h"
#include "tests/catch.h"

namespace retort {
namespace {

struct Labelled {
  std::string vendor;  ///< empty: no claim
  std::string text;
};

std::string named_in(const std::string& text) {
  std::string all;
  for (const SelfIdentification& claim : self_identifications(text)) all += (all.empty() ? "" : "+") + claim.vendor;
  return all;
}

void check_all(const std::vector<Labelled>& examples) {
  for (const Labelled& example : examples) {
    INFO(example.text);
    CHECK(named_in(example.text) == example.vendor);
  }
}

TEST_CASE("English claims name the vendor", "[self_identification]") {
  check_all({
      {"OpenAI", "I was trained by OpenAI."},
      {"OpenAI", "I'm ChatGPT, how can I help you today?"},
      {"OpenAI", "I'm ChatGPT"},
      {"OpenAI", "I am **ChatGPT**, a large language model trained by **OpenAI**."},
      {"OpenAI", "I am a large language model trained by\nOpenAI, so I have no feelings."},
      {"OpenAI", "As an AI language model developed by OpenAI, I don't have personal opinions."},
      {"OpenAI", "As an AI developed by OpenAI, it's important to note that laws differ."},
      {"OpenAI", "Sure! I was created by the research team at OpenAI in San Francisco."},
      {"OpenAI", "I am GPT-4, and my knowledge ends in 2023."},
      {"OpenAI", "My developers at OpenAI gave me these guidelines."},
      {"OpenAI", "I was trained on a large corpus of text by OpenAI."},
      {"OpenAI", "I'm based on GPT-4 and can make mistakes."},
      {"OpenAI", "OpenAI, the company that created me, publishes usage policies."},
      {"Anthropic", "As an AI developed by Anthropic, I try to be honest."},
      {"Anthropic", "I'm Claude, an AI assistant made by Anthropic."},
      {"Anthropic", "Hello! I'm Claude."},
      {"Anthropic", "I’m Claude 3.5 Sonnet and I can see images."},
      {"Anthropic", "I am an AI assistant named Claude, created by Anthropic to be helpful, harmless, and honest."},
      {"Anthropic", "My name is Claude, and I'm an AI assistant."},
      {"Anthropic", "Okay, the user wants a poem. I was made by Anthropic, so I should be careful."},
      {"Alibaba", "I am Qwen, created by Alibaba Cloud. You are welcome to ask me anything."},
      {"Alibaba", "I'm a helpful assistant called Qwen2.5, built by Alibaba Cloud."},
      {"Google", "I'm a large language model, trained by Google."},
      {"Google", "I am a large language model from Google, and I cannot browse."},
      {"Google", "I'm Google's AI assistant and I can set timers."},
      {"Google", "I am Gemini, a large language model built by Google."},
      {"Meta",
       "I'm an artificial intelligence model known as Llama. Llama stands for \"Large Language Model Meta AI.\""},
      {"Meta", "As a language model trained by Meta, I can't browse the web."},
      {"DeepSeek", "Greetings! I'm DeepSeek-R1, an artificial intelligence assistant created by DeepSeek."},
      {"Mistral", "I am a language model trained by the Mistral AI team."},
      {"Microsoft", "I'm Copilot, an AI companion created by Microsoft."},
      {"Microsoft", "I'm Phi, a language model developed by Microsoft."},
      {"xAI", "I'm Grok, built by xAI."},
      {"Moonshot", "I am Kimi, an AI assistant developed by Moonshot AI."},
      {"Zhipu", "I am ChatGLM, a model jointly developed by Zhipu AI."},
      {"Hugging Face", "I am SmolLM2, trained by Hugging Face."},
      {"Cohere", "I was built by Cohere and run as Command."},
      {"01.AI", "I am Yi, a language model developed by 01.AI."},
  });
}

TEST_CASE("claims in other languages name the vendor", "[self_identification]") {
  check_all({
      {"OpenAI", "我是由OpenAI训练的大型语言模型。"},
      {"OpenAI", "作为一个由OpenAI开发的人工智能，我没有个人感情。"},
      {"OpenAI", "您好！我是ChatGPT，有什么可以帮您？"},
      {"Alibaba", "我是通义千问，由阿里云开发的AI助手。"},
      {"Alibaba", "我是阿里云开发的一款超大规模语言模型，我叫通义千问。"},
      {"Baidu", "我是文心一言，百度研发的知识增强大语言模型。"},
      {"DeepSeek", "我是由深度求索（DeepSeek）公司开发的智能助手。"},
      {"Zhipu", "我是智谱清言，由智谱AI训练。"},
      {"Moonshot", "我是 Kimi，由月之暗面科技有限公司开发的人工智能助手。"},
      {"OpenAI", "Ich wurde von OpenAI entwickelt und trainiert."},
      {"OpenAI", "Als von OpenAI entwickeltes Sprachmodell habe ich keine Meinung."},
      {"Google", "Ich bin ein großes Sprachmodell, das von Google trainiert wurde."},
      {"OpenAI", "Ich bin ChatGPT und helfe gern."},
      {"OpenAI", "J'ai été créé par OpenAI pour répondre à vos questions."},
      {"Mistral", "Je suis un modèle de langage développé par Mistral AI."},
      {"OpenAI", "En tant que modèle de langage entraîné par OpenAI, je ne peux pas voter."},
      {"OpenAI", "Soy un modelo de lenguaje creado por OpenAI."},
      {"Anthropic", "Fui desarrollado por Anthropic para ser útil."},
      {"OpenAI", "Como modelo de lenguaje entrenado por OpenAI, no tengo opiniones."},
      {"OpenAI", "Eu sou o ChatGPT, em que posso ajudar?"},
      {"OpenAI", "Sono un modello linguistico addestrato da OpenAI."},
      {"OpenAI", "私はOpenAIによって訓練された大規模言語モデルです。"},
      {"OpenAI", "私はChatGPTです。何かお手伝いできますか？"},
      {"OpenAI", "저는 OpenAI에서 개발한 언어 모델입니다."},
      {"OpenAI", "Я — языковая модель, созданная компанией OpenAI."},
      {"Yandex", "Меня создала команда разработчиков Яндекс."},
  });
}

TEST_CASE("what only sounds like a claim is none", "[self_identification]") {
  check_all({
      {"", ""},
      {"", "The answer is 42."},
      {"", "OpenAI is a company that developed ChatGPT."},
      {"", "GPT-4 was trained by OpenAI."},
      {"", "Qwen was created by Alibaba Cloud; I like its documentation."},
      {"", "The chatbot answered: \"I was trained by OpenAI.\""},
      {"", "For example: “I'm ChatGPT, a model trained by OpenAI.”"},
      {"", "Er schrieb: „Ich wurde von OpenAI entwickelt.“"},
      {"", "他说：「我是由OpenAI训练的模型。」"},
      {"", "> I am Claude, an AI assistant made by Anthropic.\n\nThis is what it wrote."},
      {"", "```\nprint(I am ChatGPT, trained by OpenAI)\n```"},
      {"", "I was not trained by OpenAI."},
      {"", "I'm not ChatGPT."},
      {"", "It is false that I was trained by OpenAI."},
      {"", "The user asks whether I was created by Google, and I should not guess."},
      {"", "The user thinks I am ChatGPT."},
      {"", "He claims that I am GPT-4."},
      {"", "If I was trained by OpenAI, that would explain it."},
      {"", "Am I ChatGPT?"},
      {"", "I am ChatGPT?"},
      {"", "I am a big fan of the models developed by OpenAI."},
      {"", "I am sure that GPT-4 was developed by OpenAI."},
      {"", "I'm a developer using a language model trained by OpenAI."},
      {"", "I am a Google AI researcher from Zurich."},
      {"", "I'm a ChatGPT user."},
      {"", "I'm Claude Monet, the painter of water lilies."},
      {"", "In the story she says hello. Years later I am Claude to my friends and Ernie to my wife."},
      {"", "I'm a Gemini, born in June."},
      {"", "I work at Microsoft and I was hired by Google."},
      {"", "I was trained by my father, who used to work for Google."},
      {"", "I trained the model with data from Meta."},
      {"", "As an AI developed by OpenAI, GPT-4 can write code."},
      {"", "I was born in Metallica's home town and made by hand."},
      {"", "Hugging Face hosts the model that I made."},
      {"", "我认为GPT-4是由OpenAI开发的。"},
      {"", "我不是ChatGPT。"},
      {"", "我使用的是OpenAI开发的模型。"},
      {"", "GPT-4はOpenAIが開発したモデルです。"},
      {"", "私はOpenAIが開発したGPT-4を使っています。"},
      {"", "저는 OpenAI에서 개발한 GPT-4를 사용합니다."},
      {"", "Ich wurde nicht von OpenAI entwickelt."},
      {"", "GPT-4 wurde von OpenAI entwickelt."},
      {"", "Je ne suis pas ChatGPT."},
      {"", "GPT-4 fue creado por OpenAI."},
      {"", "No fui creado por OpenAI."},
      {"", "Я знаю, что GPT-4 создана компанией OpenAI."},
  });
}

TEST_CASE("several vendors in one answer are all found", "[self_identification]") {
  CHECK(named_in("I am Qwen, created by OpenAI.") == "Alibaba+OpenAI");
  CHECK(named_in("I was trained by OpenAI. No: I was trained by Anthropic.") == "OpenAI+Anthropic");
}

TEST_CASE("a claim comes with its place and its words", "[self_identification]") {
  const std::string text = "Hello there. I was trained by OpenAI, of course.";
  const auto claims = self_identifications(text);
  REQUIRE(claims.size() == 1);
  CHECK(claims[0].span == "I was trained by OpenAI");
  CHECK(text.substr(claims[0].begin, claims[0].end - claims[0].begin) == claims[0].span);
}

TEST_CASE("reasoning counts as well as text", "[self_identification]") {
  Response answer;
  answer.text = "42";
  answer.reasoning = "I am ChatGPT, so I add the numbers.";
  REQUIRE(self_identifications(answer).size() == 1);
  CHECK(self_identifications(answer)[0].vendor == "OpenAI");
}

TEST_CASE("bytes that are no text do no harm", "[self_identification]") {
  CHECK(named_in("\xff\xfe I was trained by OpenAI\x80") == "OpenAI");
  std::string long_text;
  for (int i = 0; i < 20000; ++i) long_text += "I am ChatGPT? I was trained by ";
  CHECK(named_in(long_text).empty());
  CHECK(named_in(std::string("I was trained by OpenAI\0 and more", 33)) == "OpenAI");
}

TEST_CASE("the vendors of a teacher", "[vendors]") {
  const auto vendors = [](const std::string& model, const std::string& url, const std::string& stated) {
    return vendors_of({"t", "openai-chat", url, model, stated});
  };
  using Names = std::vector<std::string>;
  CHECK(vendors("gpt-4o-mini", "https://openrouter.ai/api/v1", "") == Names{"OpenAI"});
  CHECK(vendors("o3-mini", "", "") == Names{"OpenAI"});
  CHECK(vendors("deepseek-r1-distill-qwen-7b", "", "") == Names{"Alibaba", "DeepSeek"});
  CHECK(vendors("HuggingFaceTB/SmolLM2-135M-Instruct", "", "") == Names{"Hugging Face"});
  CHECK(vendors("meta-llama/Llama-3.1-8B", "", "") == Names{"Meta"});
  CHECK(vendors("Yi-34B", "", "") == Names{"01.AI"});
  CHECK(vendors("mine", "https://api.anthropic.com/v1", "") == Names{"Anthropic"});
  CHECK(vendors("mine", "https://notanthropic.com/v1", "").empty());
  CHECK(vendors("arithmetic", "http://127.0.0.1:8000/v1", "").empty());
  CHECK(vendors("gpt-4o", "https://api.openai.com/v1", "alibaba cloud") == Names{"Alibaba"});
  CHECK(vendors("gpt-4o", "", "Our own lab") == Names{"Our own lab"});
  CHECK(vendors("metallica-7b", "", "").empty());
}

}  // namespace
}  // namespace retort

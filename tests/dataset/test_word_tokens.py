"""The tokens of texts from those of their words: never fewer than the tokenizer makes of them."""

import random
from types import SimpleNamespace

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from tui_tuner.dataset.word_tokens import MOST_OFF, open_word_tokens

PROSE = [
    "The quick brown fox jumps over the lazy dog, and then it doesn't do so again in 2024.",
    "def add(one, two):\n    return one + two\n\n- a list\n- of <b>bold</b> things\n",
    "Où est le café ? Größe: 5 µm. Где библиотека? 図書館は どこに ありますか。",
] * 3


def trained(kind):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=kind == "sentencepiece"))
    if kind == "bytes":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
    elif kind == "bytes over spaces":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        tokenizer.decoder = decoders.ByteLevel()
    else:
        steps = [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
        tokenizer.normalizer = normalizers.Sequence(steps)
    if kind == "sentencepiece":  # its trainer splits at spaces, its tokenizer does not
        tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet()) if kind.startswith("bytes") else []
    special = ["<unk>", "<s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        special_tokens=special[:2] if alphabet else special,
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(PROSE, trainer)
    if kind == "sentencepiece":
        tokenizer.pre_tokenizer = None
    return tokenizer


def opened(tokenizer):
    return open_word_tokens(SimpleNamespace(backend_tokenizer=tokenizer))


@pytest.mark.parametrize("kind", ["bytes", "sentencepiece"])
def test_the_words_have_as_many_tokens_as_the_text_or_hardly_more(kind):
    tokenizer = trained(kind)
    words = opened(tokenizer)
    assert words is not None
    chance = random.Random(0)
    letters = "aeinrst      \n\n\t.,'<>/()0123456789éßжд図書🚀ﬁ\u00a0\u3000\u0301"
    texts = [*PROSE, *("".join(chance.choices(letters, k=chance.randint(0, 200))) for _number in range(400))]
    for text in texts:
        counted = len(tokenizer.encode(text, add_special_tokens=False))
        assert counted <= words.most([text]) <= counted + 2 * MOST_OFF
    assert sum(map(len, tokenizer.encode_batch(texts))) <= words.most(texts)


def test_a_tokenizer_that_joins_words_is_not_counted_so():
    assert opened(trained("bytes over spaces")) is None


def test_a_few_tokens_that_reach_over_a_space_are_looked_for():
    vocabulary = {symbol: number for number, symbol in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    vocabulary |= {"Ġ<": 256, ">Ġ<": 257}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[("Ġ", "<"), (">", "Ġ<")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    words = opened(tokenizer)
    assert words.most(["<b> <i>"]) is None
    assert words.most(["<b> bold"]) == len(tokenizer.encode("<b> bold")) + MOST_OFF


@pytest.mark.parametrize(
    "added", [AddedToken("<end>", rstrip=True), AddedToken("<end>", lstrip=True), AddedToken("so to say")]
)
def test_a_token_that_takes_spaces_with_it_is_not_counted_so(added):
    tokenizer = trained("bytes")
    tokenizer.add_tokens([added])
    assert opened(tokenizer) is None


def test_others_are_not_counted_so():
    assert open_word_tokens(SimpleNamespace()) is None
    assert opened(Tokenizer(models.WordLevel({"a": 0, "<unk>": 1}, unk_token="<unk>"))) is None


def test_words_are_looked_up_once_and_only_where_their_bytes_are_too_many():
    tokenizer = trained("bytes")
    asked = []

    class Asked:
        def __getattr__(self, name):
            return getattr(tokenizer, name)

        def encode_batch(self, texts, **how):
            asked.extend(texts)
            return tokenizer.encode_batch(texts, **how)

    words = opened(Asked())
    asked.clear()
    assert words.most(["lazy fox"], enough=100) == MOST_OFF + 5 + 4
    assert asked == []
    words.most(["lazy fox"], enough=5)
    assert sorted(asked) == ["a fox", "a lazy"]
    words.most(["lazy brown fox"], enough=5)
    assert asked[2:] == ["a brown"]


def test_half_a_character_is_for_the_tokenizer_to_refuse():
    assert opened(trained("bytes")).most(["half \ud83d one"]) is None

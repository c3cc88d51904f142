from tui_tuner.export.gguf.sentence_piece import joined_otherwise, scores, space_prefix

PREPEND = {"type": "Prepend", "prepend": "▁"}
REPLACE = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}


def known(*pieces):
    return {piece: number for number, piece in enumerate(pieces)}


def test_the_order_of_the_pairs_becomes_the_scores():
    vocabulary = known("a", "b", "c", "ab", "abc", "bc")
    merges = [("a", "b"), ("ab", "c"), ("a", "bc"), ("b", "c")]
    assert joined_otherwise(vocabulary, merges, ()) is None
    found = scores(vocabulary, merges, ())
    assert found["ab"] > found["abc"] > found["bc"]


def test_a_pair_that_is_missing_is_noticed():
    assert joined_otherwise(known("a", "b", "c", "ab", "abc", "bc"), [("a", "b"), ("ab", "c"), ("b", "c")], ()) == "abc"
    assert joined_otherwise(known("a", "b", "ab"), [], ()) == "ab"
    assert joined_otherwise(known("a", "b", "ab"), [], ("ab",)) is None


def test_pieces_whose_pairs_are_mixed_have_no_order():
    merges = [("ab", "c"), ("a", "b"), ("a", "bc"), ("b", "c")]
    assert joined_otherwise(known("a", "b", "c", "ab", "abc", "bc"), merges, ()) == "abc"


def test_runs_of_one_character_are_worth_the_same():
    vocabulary = known("▁", "▁▁", "▁▁▁", "▁▁▁▁")
    merges = [("▁▁", "▁▁"), ("▁▁", "▁"), ("▁", "▁▁▁"), ("▁▁▁", "▁"), ("▁", "▁▁"), ("▁", "▁")]
    assert joined_otherwise(vocabulary, merges, ()) is None
    found = scores(vocabulary, merges, ())
    assert found["▁▁▁▁"] == found["▁▁▁"] > found["▁▁"]


def test_where_a_space_is_put_before_text():
    sequence = {"type": "Sequence", "normalizers": [PREPEND, REPLACE]}
    assert space_prefix({"normalizer": sequence, "pre_tokenizer": None}) == "always"
    assert space_prefix({"normalizer": REPLACE, "pre_tokenizer": None}) == "never"
    first = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
    assert space_prefix({"normalizer": None, "pre_tokenizer": first}) == "first"
    assert space_prefix({"normalizer": None, "pre_tokenizer": {**first, "split": True}}) is None
    assert space_prefix({"normalizer": {"type": "NFKC"}, "pre_tokenizer": None}) is None

import pytest
from dataset.passages_by_rule import passage_about

from tui_tuner.dataset.grounding import NOT_SAID, mentioned, says_nothing, share_from

PASSAGE = passage_about("backups")


@pytest.mark.parametrize(
    "words",
    [
        "What does the passage say about backups?",
        "According to this text, what is a backup?",
        "Who is the author?",
        "What is in the given document?",
    ],
)
def test_words_about_the_passage_itself_are_found(words):
    assert mentioned(words, PASSAGE)


def test_a_document_about_texts_may_speak_of_them():
    assert not mentioned("Where is the file of backups?", PASSAGE)
    about_texts = passage_about("the text of a sign")
    assert not mentioned("What is the text of a sign?", about_texts)


@pytest.mark.parametrize("answer", [NOT_SAID, f'"{NOT_SAID.lower()}".', f"{NOT_SAID}: no date", "It does not say."])
def test_a_teachers_word_that_it_is_not_there_is_known(answer):
    assert says_nothing(answer)


def test_other_answers_are_not_taken_for_that():
    assert not says_nothing("Backups are not in the text folder but in /var.")


def test_what_is_shared_counts_forms_of_a_word_and_signs_without_spaces():
    assert share_from("Restored backups", "To restore a backup, stop the server.") == 1
    assert share_from("hygrometers measure humidity", "To restore a backup") == 0
    assert share_from("备份在哪里", "系统每天晚上都会自动备份") == 2 / 5
    assert share_from("", "anything") == 1
    assert share_from("The bakery is in the kitchen.", "A guide for the bakery.", without="Where is the bakery?") == 0

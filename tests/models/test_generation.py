import json

import pytest
import tiny_model
import tuned_model

from tui_tuner.errors import Stopped
from tui_tuner.models.generation import batch_replies, stream_reply
from tui_tuner.models.loading import LoadedModel, load_model
from tui_tuner.models.prompts import PromptMemory, prompt_tokens
from tui_tuner.models.replies import Sampling
from tui_tuner.progress import StopToken

QUESTIONS = ["how do I start", "and what then", "tell me more about the sea please", "why", "is it so"]
GREEDY = Sampling(max_tokens=24)


def ignore(_piece):
    pass


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


class Counting:
    """A model that notes how many tokens each call reads."""

    def __init__(self, model):
        self.model, self.calls = model, []

    def __call__(self, inputs, **more):
        self.calls.append(inputs.shape[1])
        return self.model(inputs, **more)

    def __getattr__(self, name):
        return getattr(self.model, name)


def counting(path):
    loaded = load_model(path)
    return LoadedModel(Counting(loaded.model), loaded.tokenizer, loaded.path)


def sliding(folder):
    """Layers that see only the last 32 tokens beside layers that see all: their cache cannot be taken back."""
    kinds = ["sliding_attention", "full_attention"] * 2
    return tuned_model.speaker(folder, layer_types=kinds, sliding_window=32)


def recurrent(folder):
    """A model without attention, whose memory has no length."""
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_lm.utils import _get_classes

    tiny_model.make(folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "mamba", "state_size": 4, "conv_kernel": 4, "use_bias": False, "use_conv_bias": True}
    config |= {"time_step_rank": 8, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    kind, arguments = _get_classes(config)
    mx.random.seed(3)
    tuned_model.save(folder, dict(tree_flatten(kind(arguments.from_dict(config)).parameters())), **config)
    return folder


@pytest.mark.parametrize("kind", [tuned_model.speaker, sliding, recurrent])
def test_a_memory_changes_no_answer(tmp_path, kind):
    loaded = counting(kind(tmp_path / "model"))
    memory = PromptMemory(loaded)
    turns = []
    for question in QUESTIONS:
        turns.append(user(question))
        with_memory = stream_reply(loaded, turns, GREEDY, ignore, StopToken(), memory=memory)
        without = stream_reply(loaded, turns, GREEDY, ignore, StopToken())
        assert (with_memory.text, with_memory.finish) == (without.text, without.finish)
        turns.append(assistant(with_memory.text))


@pytest.mark.parametrize("kind", [tuned_model.speaker, sliding])
def test_each_turn_reads_only_its_new_tokens(tmp_path, kind):
    loaded = counting(kind(tmp_path / "model"))
    memory = PromptMemory(loaded)
    turns, known, ends = [], 0, set()
    for question in QUESTIONS:
        turns.append(user(question))
        loaded.model.calls.clear()
        reply = stream_reply(loaded, turns, GREEDY, ignore, StopToken(), memory=memory)
        written = reply.tokens + (reply.finish == "stop")  # the token that ends a turn is written too
        assert sum(loaded.model.calls) - written == reply.prompt_tokens - known
        known = reply.prompt_tokens + written
        ends.add(reply.finish)
        turns.append(assistant(reply.text))
    assert ends == {"stop", "length"}  # both ways to end were seen


def test_an_edited_history_reads_from_the_edit_on(tmp_path):
    loaded = counting(tuned_model.speaker(tmp_path / "model"))
    memory = PromptMemory(loaded)
    turns = [user("one two three")]
    turns.append(assistant(stream_reply(loaded, turns, GREEDY, ignore, StopToken(), memory=memory).text))
    stream_reply(loaded, [*turns, user("four")], GREEDY, ignore, StopToken(), memory=memory)
    for edited in ([*turns, user("five six")], [user("one two four")], [*turns, user("four")]):
        loaded.model.calls.clear()
        common = 0
        tokens = prompt_tokens(loaded, edited)
        while common < min(len(tokens) - 1, len(memory.tokens)) and tokens[common] == memory.tokens[common]:
            common += 1
        reply = stream_reply(loaded, edited, GREEDY, ignore, StopToken(), memory=memory)
        written = reply.tokens + (reply.finish == "stop")
        assert sum(loaded.model.calls) - written == len(tokens) - common < len(tokens)
        assert reply.text == stream_reply(loaded, edited, GREEDY, ignore, StopToken()).text


def test_a_stopped_answer_is_kept_and_gone_on_from(tmp_path):
    loaded = counting(tuned_model.speaker(tmp_path / "model", ends=False))
    memory, stop, pieces = PromptMemory(loaded), StopToken(), []

    def hear(piece):
        pieces.append(piece)
        if len(pieces) == 5:
            stop.request()

    first = stream_reply(loaded, [user("go")], GREEDY, hear, stop, memory=memory)
    assert (first.finish, first.tokens, first.text) == ("stopped", 5, "".join(pieces))
    turns = [user("go"), assistant(first.text), user("and on")]
    loaded.model.calls.clear()
    reply = stream_reply(loaded, turns, GREEDY, ignore, StopToken(), memory=memory)
    assert sum(loaded.model.calls) - reply.tokens == reply.prompt_tokens - first.prompt_tokens - 5
    assert reply.text == stream_reply(loaded, turns, GREEDY, ignore, StopToken()).text


def test_a_long_prompt_is_stopped_while_it_is_read(tmp_path):
    loaded = counting(tuned_model.speaker(tmp_path / "model"))
    memory, stop = PromptMemory(loaded), StopToken()
    count = loaded.model.__call__

    class StopsAtFirst(Counting):
        def __call__(self, inputs, **more):
            stop.request()
            return count(inputs, **more)

    turns = [user("so " * 600)]
    loaded.model = StopsAtFirst(loaded.model)
    reply = stream_reply(loaded, turns, GREEDY, ignore, stop, memory=memory)
    assert (reply.text, reply.tokens, reply.finish) == ("", 0, "stopped")
    assert 0 < len(memory.tokens) < reply.prompt_tokens / 2
    again = stream_reply(loaded, turns, GREEDY, ignore, StopToken(), memory=memory)
    assert again.text == stream_reply(loaded, turns, GREEDY, ignore, StopToken()).text


def test_an_interrupted_listener_leaves_no_wrong_memory(tmp_path):
    loaded = load_model(tuned_model.speaker(tmp_path / "model"))
    memory = PromptMemory(loaded)

    def gone(_piece):
        raise KeyError("the screen has gone")

    with pytest.raises(KeyError):
        stream_reply(loaded, [user("go")], GREEDY, gone, StopToken(), memory=memory)
    reply = stream_reply(loaded, [user("go")], GREEDY, ignore, StopToken(), memory=memory)
    assert reply.text == stream_reply(loaded, [user("go")], GREEDY, ignore, StopToken()).text


def test_the_answers_are_those_of_mlx_lm(tmp_path):
    from mlx_lm import stream_generate

    loaded = load_model(tuned_model.speaker(tmp_path / "model"))
    for question in QUESTIONS:
        reply = stream_reply(loaded, [user(question)], GREEDY, ignore, StopToken())
        prompt = prompt_tokens(loaded, [user(question)])
        theirs = list(stream_generate(loaded.model, loaded.tokenizer, prompt, max_tokens=GREEDY.max_tokens))
        assert reply.text == "".join(response.text for response in theirs)
        assert reply.finish == theirs[-1].finish_reason
        assert reply.tokens + (reply.finish == "stop") == theirs[-1].generation_tokens


def test_pieces_and_beginning_make_the_text(tmp_path):
    loaded = load_model(tuned_model.speaker(tmp_path / "model", ends=False))
    pieces = []
    reply = stream_reply(loaded, [user("go")], GREEDY, pieces.append, StopToken(), beginning="how do")
    assert pieces[0] == "how do"
    assert "".join(pieces) == reply.text
    assert reply.tokens == GREEDY.max_tokens
    assert len(reply.text) == len("how do") + GREEDY.max_tokens  # one letter a token: no space is lost


@pytest.mark.parametrize("together", [True, False])
def test_the_first_word_after_a_beginning_keeps_its_space(tmp_path, together):
    import mlx.core as mx

    folder = tuned_model.speaker(tmp_path / "model", ends=False)
    weights = mx.load(str(folder / "model.safetensors"))
    # Every logit but the space's becomes 0 or less: whatever is asked, spaces follow.
    space = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]["Ġ"]
    rows = mx.zeros_like(weights["lm_head.weight"])
    rows[space] = 1.0
    tuned_model.save(folder, weights | {"lm_head.weight": rows, "model.norm.weight": mx.ones(rows.shape[1])})
    loaded = load_model(folder)
    loaded.model.model.norm = abs  # so that the sum over a row is positive
    if together:
        replies = {}
        batch_replies(loaded, [[user("go")]], Sampling(3), replies.__setitem__, StopToken(), beginnings=["So"])
        assert replies[0].text == "So   "
    else:
        assert stream_reply(loaded, [user("go")], Sampling(3), ignore, StopToken(), beginning="So").text == "So   "


def test_a_character_of_several_tokens_is_given_whole(tmp_path):
    from tui_tuner.models.decoding import GrowingText

    loaded = load_model(tiny_model.make(tmp_path / "model"))
    text = GrowingText(loaded, "¿")
    pieces = [text.add(token) for token in loaded.tokenizer.encode("é€", add_special_tokens=False)]
    assert pieces == ["", "é", "", "", "€"]
    assert text.end() == ""
    assert text.whole == "¿é€"


def test_a_seed_repeats_a_sampled_answer(tmp_path):
    loaded = load_model(tuned_model.speaker(tmp_path / "model"))
    drawn = [
        stream_reply(loaded, [user("go")], Sampling(16, 1.0, 0.9, seed), ignore, StopToken()).text for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("kind", [tuned_model.speaker, recurrent])
def test_many_at_once_answer_as_one_by_one(tmp_path, kind):
    loaded = load_model(kind(tmp_path / "model"))
    conversations = [[user(question)] for question in QUESTIONS]
    beginnings = ["", "so", "", "well", "no"]
    replies = {}
    batch_replies(loaded, conversations, GREEDY, replies.__setitem__, StopToken(), beginnings=beginnings, at_once=2)
    for place, turns in enumerate(conversations):
        alone = stream_reply(loaded, turns, GREEDY, ignore, StopToken(), beginning=beginnings[place])
        assert (replies[place].text, replies[place].tokens) == (alone.text, alone.tokens)
        assert (replies[place].finish, replies[place].prompt_tokens) == (alone.finish, alone.prompt_tokens)


def test_a_stop_keeps_the_answers_that_are_whole(tmp_path):
    loaded = load_model(tuned_model.speaker(tmp_path / "model"))
    stop, replies = StopToken(), {}

    def keep(place, reply):
        replies[place] = reply
        stop.request()

    with pytest.raises(Stopped):
        batch_replies(loaded, [[user(q)] for q in QUESTIONS], GREEDY, keep, stop, at_once=2)
    assert 0 < len(replies) < len(QUESTIONS)

import json

import pytest
import tuned_model

from tui_tuner.chat.conversation import new_conversation
from tui_tuner.chat.to_dataset import keep_as_example
from tui_tuner.dataset.plan import IMPORTED
from tui_tuner.errors import UsageError
from tui_tuner.models.replies import Reply


def test_a_conversation_becomes_an_example_once(tmp_path):
    project = tuned_model.project(tmp_path / "project")
    path = project.data / IMPORTED
    conversation = new_conversation(project)
    with pytest.raises(UsageError, match="no answer"):
        keep_as_example(project, conversation)
    conversation.ask("How?")
    with pytest.raises(UsageError, match="no answer"):
        keep_as_example(project, conversation)
    conversation.answer(Reply("<think>hm</think>So.", 3, 20.5, 0.1, "stop", 12), "tuned run-1")
    path.write_text('{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\nno row\n')
    conversation.ask("And then?")  # not answered yet: not part of it
    assert keep_as_example(project, conversation)
    assert not keep_as_example(project, conversation)
    rows = path.read_text().splitlines()
    assert len(rows) == 3
    assert json.loads(rows[-1]) == {
        "messages": [{"role": "user", "content": "How?"}, {"role": "assistant", "content": "So."}],
        "source": f"chat {conversation.id}",
    }

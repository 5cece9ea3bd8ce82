"""Whatever a messenger answers, its protocol raises nothing and waits no longer than an hour."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutchbook.channels import discord, telegram
from dutchbook.channels.base import PENDING_MAX, Delivered, Failed, Message
from dutchbook.domain.units import MILLI, SECOND, Ns

NOW = Ns(1_800_000_000 * SECOND)
WAITS = ("1e308", "-1e308", "1e400", "-5", '"7"', "null", "true", "{}", "9" * 400)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["ok", "result", "message_id", "chat", "id", "parameters", "retry_after",
                         "description", "message", "update_id", "callback_query", "from", "data"]),
        inner, max_size=4,
    ),
    max_leaves=8,
)  # fmt: skip


def made():
    return [
        telegram.Telegram(telegram.Config(chat="7")), discord.Discord(discord.Config(channel="8")),
        discord.Discord(discord.Config()),
    ]  # fmt: skip


@pytest.mark.parametrize("wait", WAITS)
def test_how_long_it_wants_us_to_wait_is_bounded(wait):
    body = f'{{"ok":false,"retry_after":{wait},"parameters":{{"retry_after":{wait}}}}}'.encode()
    for channel in made():
        [call] = channel.send(Message("k|x", "text"), NOW)
        [failed] = channel.on_reply(call.id, 429, body, NOW)
        assert isinstance(failed, Failed) and not failed.for_good
        assert 0 <= failed.after <= 3_600 * SECOND


def test_a_fraction_of_a_second_is_waited_for():
    for channel in made():
        [call] = channel.send(Message("k|x", "text"), NOW)
        body = b'{"ok":false,"retry_after":1.5,"parameters":{"retry_after":1.5}}'
        assert channel.on_reply(call.id, 429, body, NOW)[0].after == 1_500 * MILLI


@given(JSON, st.sampled_from([200, 204, 400, 404, 429, 500]))
def test_no_answer_is_too_strange(answer, status):
    body = json.dumps(answer).encode()
    for channel in made():
        ref = "7/9" if channel.name == "telegram" else "9"
        for [call] in (channel.send(Message("k|x", "t"), NOW),
                       channel.edit(ref, Message("k|x", "t"), NOW)):  # fmt: skip
            [out] = channel.on_reply(call.id, status, body, NOW)
            assert isinstance(out, Delivered | Failed) and out.key == "k|x"
            assert channel.on_reply(call.id, status, body, NOW) == []  # once
        assert isinstance(channel.on_reply("poll", status, body, NOW), list)


def test_what_never_comes_back_does_not_pile_up():
    for channel in made():
        calls = [channel.send(Message(f"k{n}", "t"), NOW)[0] for n in range(PENDING_MAX + 1)]
        assert channel.on_lost(calls[0].id, True, NOW) == []
        assert channel.on_lost(calls[1].id, True, NOW)[0].key == "k1"
        [said] = channel.say("7", "hello", NOW)
        assert channel.on_lost(said.id, False, NOW) == []

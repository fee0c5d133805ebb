"""What the ends of connections mean: by code, by reason, by whom, and by the ages of several."""

from __future__ import annotations

import pytest

from voipbin_cli.analysis.closing import (
    GOING_AWAY,
    NO_CLOSE_FRAME,
    NO_CODE,
    NORMAL_CLOSURE,
    Closing,
    equal_age_s,
    explain,
    refusal_of,
    says_why,
    telling,
)


@pytest.mark.parametrize(
    ("code", "title", "remedy"),
    [
        (1000, "in order", "log"),
        (1001, "went away", "limit of the hop"),
        (1002, "broke the WebSocket protocol", "proxy"),
        (1003, "kind of message", "binary"),
        (1005, "gave no reason", "log"),
        (1006, "without a close frame", "exponential backoff"),
        (1007, "type promises", "UTF-8"),
        (1008, "policy", "new token"),
        (1009, "too large", "smaller messages"),
        (1011, "error inside the server", "answer each"),
        (1012, "restarts", "comes back"),
        (1013, "too much to do", "later"),
        (1014, "gateway", "gateway"),
        (3000, "credential", "new token"),
        (3003, "no right to open the stream", "permissions"),
        (3008, "longer", "log"),
        (4401, "credential", "new token"),
        (4403, "no right to open the stream", "permissions"),
        (4404, "does not know this call", "id"),
        (4408, "longer", "log"),
        (4409, "not up", "progressing"),
        (4429, "too many", "wait"),
        (4500, "error inside the server", "log"),
        (4503, "too much to do", "later"),
        (4000, "reason of its own", "whoever runs the server"),
        (2999, "reason of its own", "whoever runs the server"),
    ],
)
def test_the_remedy_follows_the_code(code: int, title: str, remedy: str) -> None:
    words = explain([Closing(code)])
    assert title in words.title
    assert remedy in words.remedy
    # A code that was sent is in the title; 1005 and 1006 stand for what was not.
    assert words.title.endswith(f"({code})") is (code not in (NO_CODE, NO_CLOSE_FRAME))


@pytest.mark.parametrize(
    ("code", "reason", "title", "remedy"),
    [
        (1008, "token expired", "token expired", "new token"),
        (1008, "Expired JWT", "token expired", "new token"),
        (4000, "your session has expired", "token expired", "new token"),
        (1000, "token is expired", "token expired", "new token"),
        (1008, "Unauthorized", "no longer takes the credential", "new token"),
        (4001, "invalid token", "no longer takes the credential", "new token"),
        (1011, "keepalive ping timeout", "no answer to its pings", "pong at once"),
        (1008, "pong timeout", "no answer to its pings", "pong at once"),
        (1001, "idle timeout", "as an idle one", "--keepalive"),
        (4002, "connection inactive for 60 s", "as an idle one", "--keepalive"),
        (1008, "rate limit exceeded", "too many", "exponential backoff"),
        (1008, "message too big", "too large", "smaller messages"),
        # An error inside that has to do with credentials is still one inside.
        (1011, "authentication service crashed", "error inside", "log"),
        # Words that only look alike.
        (1011, "tokenizer failed", "error inside", "log"),
        (1011, "shipping failed", "error inside", "log"),
    ],
)
def test_a_reason_says_more_than_its_code(code: int, reason: str, title: str, remedy: str) -> None:
    words = explain([Closing(code, reason)])
    assert title in words.title
    assert remedy in words.remedy


@pytest.mark.parametrize(
    ("code", "title"),
    [
        (1002, "the far end broke"),
        (1007, "not UTF-8"),
        (1009, "sent a message too large"),
        (1006, "link went dead"),
    ],
)
def test_what_this_side_ended_it_for_is_the_far_ends_doing(code: int, title: str) -> None:
    assert title in explain([Closing(code, "words of ours", is_local=True)]).title


def test_the_end_that_says_most_is_told() -> None:
    silent, spoken = Closing(NO_CLOSE_FRAME), Closing(1011, "oops")
    assert telling([]) is None
    assert telling([silent]) is silent
    assert telling([spoken, silent, silent]) is spoken
    assert telling([Closing(1001), spoken, silent]) is spoken
    assert [says_why(Closing(code)) for code in (1000, 1005, 1006, 1001, 4000)] == [
        *(False, False, False),
        *(True, True),
    ]


@pytest.mark.parametrize(
    ("code", "ages", "age"),
    [
        (NO_CLOSE_FRAME, (60.0, 60.1, 60.05), 60.05),
        (NO_CLOSE_FRAME, (60.0, 60.1), None),  # two may be chance
        (GOING_AWAY, (60.0, 60.1), 60.05),
        (GOING_AWAY, (60.0,), None),
        (NORMAL_CLOSURE, (100.0, 104.9, 102.0), 102.3),  # within 5 %
        (NORMAL_CLOSURE, (100.0, 105.5, 102.0), None),
        (NO_CLOSE_FRAME, (1.2, 1.2, 0.4), None),
        (NO_CLOSE_FRAME, (1.2, 1.25, 1.38), 1.2766),  # a timer of a second is no more exact
        (NO_CLOSE_FRAME, (0.02, 0.02, 0.02), None),  # turned away each time
        (NO_CLOSE_FRAME, (60.0, None, 60.1), None),
    ],
)
def test_equal_ages_are_a_limit_of_something_on_the_way(
    code: int, ages: tuple[float | None, ...], age: float | None
) -> None:
    closings = [Closing(code, lasted_s=each) for each in ages]
    assert equal_age_s(closings) == pytest.approx(age, abs=1e-3)
    words = explain(closings)
    assert ("at the same age" in words.title) is (age is not None)
    assert age is None or f"its limit of {words.title.rpartition(': ')[2]}," in words.remedy


def test_equal_ages_do_not_outweigh_a_code_that_says_why() -> None:
    assert "token" in explain([Closing(4401, lasted_s=60.0)] * 3).remedy
    ours = [Closing(NO_CLOSE_FRAME, lasted_s=60.0, is_local=True)] * 3
    assert equal_age_s(ours) is None


# The token's own word. 1,800,000,000 s after 1970 it is 2027-01-15, 08:00.

EXPIRY = 1.8e9


@pytest.mark.parametrize("code", [1000, 1001, 1005, 1006, 1008, 3000, 4401])
@pytest.mark.parametrize("left_s", [-5.0, 0.0, 5.0])
def test_an_end_as_the_token_expires_is_told_as_that(code: int, left_s: float) -> None:
    closing = Closing(code, token_expires_at=EXPIRY, token_left_s=left_s)
    assert closing.token_expired_at == "2027-01-15T08:00:00Z"
    assert says_why(closing)
    words = explain([closing])
    assert "token expired at 2027-01-15T08:00:00Z" in words.title
    assert "new token" in words.remedy


@pytest.mark.parametrize(
    "closing",
    [
        Closing(1006, token_expires_at=EXPIRY, token_left_s=5.1),
        Closing(1006, token_expires_at=EXPIRY, token_left_s=-5.1),
        Closing(1006, is_local=True, token_expires_at=EXPIRY, token_left_s=0.0),
        Closing(1009, token_expires_at=EXPIRY, token_left_s=0.0),
        Closing(1006),
    ],
)
def test_a_token_that_expired_long_before_or_after_explains_nothing(closing: Closing) -> None:
    assert closing.token_expired_at is None
    assert explain([closing]) == explain([closing._replace(token_left_s=None)])


@pytest.mark.parametrize(
    ("closing", "refused"),
    [
        (Closing(4401), "auth"),
        (Closing(3000), "auth"),
        (Closing(3003), "forbidden"),
        (Closing(4403), "forbidden"),
        (Closing(1008, "token expired"), "auth"),
        (Closing(1008, "unauthorized"), "auth"),
        (Closing(1008, token_expires_at=EXPIRY, token_left_s=-3600.0), "auth"),
        (Closing(1008, token_expires_at=EXPIRY, token_left_s=3600.0), None),
        (Closing(1008, "rate limit", token_expires_at=EXPIRY, token_left_s=-3600.0), None),
        (Closing(1008), None),
        (Closing(1006, token_expires_at=EXPIRY, token_left_s=-1.0), None),
        (Closing(1011, "token expired"), None),
        (Closing(4401, is_local=True), None),
    ],
)
def test_what_is_refused_by_a_code_is_not_worth_another_try(
    closing: Closing, refused: str | None
) -> None:
    assert refusal_of(closing) == refused

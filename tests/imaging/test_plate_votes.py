"""One plate from many photos, or the word that there is none."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from imaging.plate_votes import FULL_AREA, MAJORITY, Vote, votes_merge


def vote(photo: object, text: str, confidence: float = 0.99, area: float = FULL_AREA) -> Vote:
    return Vote(str(photo), tuple((character, confidence) for character in text), area)


def said(*texts: str, confidence: float = 0.99) -> list[Vote]:
    return [vote(number, text, confidence) for number, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("votes", "plate", "agreeing"),
    [
        (said("AB12345"), "AB12345", 1),
        (said("AB12345", "AB12345", "AB12345"), "AB12345", 3),
        (said("AB12345", "AB12345", "AB12346"), "AB12345", 2),
        (said("AB12345", "AB12345", "B12345"), "AB12345", 2),
        (said("AB_2345", "AB12_45", "AB123_5"), "AB12345", 3),
        (said("AB_2345", "AB12345"), "AB12345", 2),
        (said("AB12345", "AB12345", confidence=0.6), "AB12345", 2),
        ([vote(1, "AB12345"), vote(2, "AB12346", area=FULL_AREA / 9)], "AB12345", 1),
        ([vote(1, "AB12345"), vote(2, "AB12346", 0.5)], "AB12345", 1),
    ],
    ids=[
        "one clear photo", "three agree", "an outlier", "one is cut off", "each lacks another character",
        "one fills in the other", "two weak ones agree", "a far smaller one", "a far weaker one",
    ],
)  # fmt: skip
def test_the_photos_agree(votes: list[Vote], plate: str, agreeing: int) -> None:
    verdict = votes_merge(votes)
    assert (verdict.plate, verdict.reason, verdict.agreeing, verdict.photos) == (plate, "", agreeing, len(votes))


@pytest.mark.parametrize(
    ("votes", "text", "reason"),
    [
        ([], "", "No plate was read on any photo."),
        ([Vote("1", (), FULL_AREA)], "", "No plate was read on any photo."),
        (said("AB12345", confidence=0.98), "_______", "A character was read too weakly."),
        (said("AB12345", "AB12346"), "AB1234_", "The photos do not agree on a character."),
        (said("AB12345", "B12345"), None, "The photos do not agree on how many characters the plate has."),
        (said("AB1_345", "AB1_345"), "AB1_345", "A character could not be read on any photo."),
        ([*said("AB1_345", "AB1_345"), vote(9, "AB12345", 0.7)], "AB1_345", "A character was read too weakly."),
        (said("AB1____", "___2345"), "AB12345", "No photo shows enough of the characters together."),
        (said("AB12345", "AB12345", "CD12345", "CD12345"), "__12345", "The photos do not agree on a character."),
    ],
    ids=[
        "no photo", "nothing read", "one weak photo", "two that differ", "two lengths", "never read",
        "filled in by a weak one", "halves of two plates", "a tie",
    ],
)  # fmt: skip
def test_the_photos_do_not_tell(votes: list[Vote], text: str | None, reason: str) -> None:
    verdict = votes_merge(votes)
    assert not verdict.is_sure
    assert (verdict.plate, verdict.reason) == ("", reason)
    assert text is None or verdict.text == text


def test_two_plates_do_not_make_a_third() -> None:
    """Each place has its majority, yet nobody has seen this plate."""
    strong, weak = 0.99, 0.2
    first = [("E", strong), ("K", strong), ("4", weak), ("5", strong), ("6", weak), ("1", strong)]
    second = [("E", strong), ("K", strong), ("8", strong), ("9", weak), ("7", strong), ("1", strong)]
    verdict = votes_merge([Vote("1", tuple(first), FULL_AREA), Vote("2", tuple(second), FULL_AREA)])
    assert verdict.text == "EK8571"
    assert (verdict.plate, verdict.agreeing) == ("", 0)
    assert verdict.reason == "No photo shows enough of the characters together."


def test_the_confidence_is_that_of_the_weakest_character() -> None:
    votes = [Vote(str(number), (("A", 0.99), ("B", 0.95), ("1", 0.92)), FULL_AREA) for number in range(3)]
    assert votes_merge(votes).confidence == pytest.approx(0.92)
    doubted = votes_merge([*votes, Vote("9", (("A", 0.99), ("B", 0.95), ("7", 0.92)), FULL_AREA)])
    assert doubted.plate == "AB1"
    assert doubted.confidence == pytest.approx(0.92 * 3 / 4)


texts = st.text("AB12_", min_size=3, max_size=5)
confidences = st.floats(0.3, 1.0)
characters = texts.flatmap(lambda text: st.tuples(*(st.tuples(st.just(character), confidences) for character in text)))
votes_drawn = st.lists(st.tuples(characters, st.floats(500, 100_000)), max_size=7).map(
    lambda drawn: [Vote(str(number), *one) for number, one in enumerate(drawn)]
)
plates = st.text("ABC123", min_size=4, max_size=8)


@given(votes_drawn, st.randoms(use_true_random=False))
def test_the_order_of_the_photos_does_not_matter(votes: list[Vote], random: object) -> None:
    shuffled = list(votes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert votes_merge(shuffled) == votes_merge(votes)


@given(votes_drawn)
def test_what_is_said_was_read(votes: list[Vote]) -> None:
    verdict = votes_merge(votes)
    assert 0 <= verdict.confidence <= 1
    assert 0 <= verdict.agreeing <= verdict.photos == len(votes)
    for place, character in enumerate(verdict.text):
        if character != "_":
            assert character in {one.text[place] for one in votes if len(one.text) == len(verdict.text)}
    if verdict.is_sure:
        assert "_" not in verdict.plate
        assert verdict.agreeing >= 1


@given(plates, plates, st.integers(3, 8), st.floats(0.9, 1.0), st.floats(0.0, 1.0))
def test_one_outlier_does_not_win(plate: str, other: str, photos: int, clear: float, outlier: float) -> None:
    votes = [*said(*[plate] * photos, confidence=clear), vote("outlier", other, outlier)]
    assert votes_merge(votes).plate == plate


@given(plates, plates, st.integers(1, 4), confidences, st.floats(500, 100_000))
def test_a_tie_is_never_decided(plate: str, other: str, photos: int, confidence: float, area: float) -> None:
    assume(plate != other)
    votes = [vote((number, text), text, confidence, area) for number in range(photos) for text in (plate, other)]
    assert not votes_merge(votes).is_sure


@given(plates, st.lists(confidences, min_size=1, max_size=5), plates, confidences, st.floats(0.9, 1.0))
def test_a_further_photo_that_agrees_takes_no_certainty_away(
    plate: str, backing: list[float], other: str, against: float, further: float
) -> None:
    votes = [vote(number, plate, confidence) for number, confidence in enumerate(backing)]
    votes.append(vote("other", other, against))
    before, after = votes_merge(votes), votes_merge([*votes, vote("further", plate, further)])
    if before.plate == plate:
        assert after.plate == plate
        assert after.agreeing == before.agreeing + 1


@given(votes_drawn)
def test_a_photo_without_a_plate_changes_nothing(votes: list[Vote]) -> None:
    assert votes_merge([*votes, Vote("empty", (), FULL_AREA)]) == votes_merge(votes)


def test_the_majority_leaves_no_room_for_a_second() -> None:
    assert MAJORITY > 0.5

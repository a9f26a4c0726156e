"""An answer's words against references: what SQuAD's evaluation counts."""

from __future__ import annotations

import random
import re
import string

import pytest

from eval.reference import citation_numbers, exact_match, says, token_f1, token_recall, words


@pytest.mark.parametrize(
    ("reference", "answer", "expected"),
    [
        ("128 GB", "It has 128 GB.", 1.0),
        ("The 128 GB", "an amount of 128", 0.5),
        ("to be or not to be", "to be", 2 / 6),
        ("yes", "", 0.0),
        ("", "anything", 1.0),
    ],
)
def test_token_recall_is_the_share_of_the_reference_that_was_said(
    reference: str, answer: str, expected: float
) -> None:
    assert token_recall([reference], answer) == pytest.approx(expected)


def test_the_best_of_several_references_counts() -> None:
    references = ["by Tuesday", "on Tuesday morning"]
    assert token_f1(references, "on tuesday morning!") == 1.0
    assert token_f1(references, "Tuesday") == pytest.approx(2 / 3)
    assert exact_match(references, "By the Tuesday") == 1.0
    assert exact_match(references, "Tuesday") == 0.0
    assert token_recall(references, "Tuesday") == 0.5


def test_without_a_reference_nothing_agrees() -> None:
    assert (token_f1([], "x"), exact_match([], "x"), says([], "x")) == (0.0, 0.0, False)


def test_marks_of_citations_are_no_words_but_code_is() -> None:
    assert token_f1(["eight"], "Eight [1, 2].") == 1.0
    assert token_recall(["1"], "It is so [1].") == 0.0
    assert exact_match(["x[3]"], "`x[3]` [1]") == 1.0
    assert citation_numbers("a [1], b [2, 3], `c[4]`") == {1, 2, 3}


def test_an_answer_says_a_reference_whose_words_stand_in_it_one_after_another() -> None:
    assert says(["no", "the 128 GB"], "It has 128 GB [1].")
    assert not says(["128 GB"], "128 or more GB")
    assert not says([""], "anything")


def by_the_published_script(reference: str, answer: str) -> float:
    """F1 as SQuAD's evaluation computes it, word by word taken away from what is left."""

    def normal(text: str) -> list[str]:
        bare = "".join(c for c in text.lower() if c not in set(string.punctuation))
        return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split()).split()

    left, said, same = normal(reference), normal(answer), 0
    wanted = len(left)
    for word in said:
        if word in left:
            left.remove(word)
            same += 1
    if not said or not wanted:
        return float(not said and not wanted)
    if same == 0:
        return 0.0
    precision, recall = same / len(said), same / wanted
    return 2 * precision * recall / (precision + recall)


def test_f1_agrees_with_the_published_script_on_any_words() -> None:
    rng = random.Random(7)
    parts = ["the", "A", "box", "box.", "GB", "128", "an-other", "Ünique", "", "!", "to be"]
    for _ in range(500):
        reference, answer = (" ".join(rng.choices(parts, k=rng.randrange(6))) for _ in range(2))
        expected = by_the_published_script(reference, answer)
        assert token_f1([reference], answer) == pytest.approx(expected, abs=1e-12)
        assert exact_match([reference], answer) == float(words(reference) == words(answer))

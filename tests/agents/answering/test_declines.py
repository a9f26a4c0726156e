"""A model's refusal is recognised in its own words, and an answer is never taken for one."""

from __future__ import annotations

import pytest

from agents.answering.declines import is_refusal
from agents.prompts import REFUSAL


@pytest.mark.parametrize(
    "text",
    [
        REFUSAL,
        f'"{REFUSAL.rstrip(".")}" [1]',
        f"**{REFUSAL}**\n",
        "I'm sorry, but the provided documents do not contain information about the price.",
        "The passages do not mention the vault code.",
        "The passages do not mention the vault code [1][2].",
        "There is no information about lunch in the passages. Please provide more documents.",
        "I could not find an answer to this question in the documents.",
        "I cannot answer this question based on the passages.",
        "Unfortunately, the documents don't say who wrote it.",
        "I don't know.",
        "I do not have enough information to answer.",
        "None of the passages mentions a deadline.",
        "The answer is not in the documents.",
        "This is not mentioned in the passages.",
        "No information about this was found.",
        "Based on the passages, I cannot determine the price.",
        "Die Dokumente beantworten diese Frage nicht.",
        "Les documents ne répondent pas à cette question.",
    ],
)
def test_a_refusal_in_a_model_s_own_words_is_one(text: str) -> None:
    assert is_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The documents answer this question: yes.",
        f"{REFUSAL} But a long text about something else follows here, with claims [1].",
        "The documents do not give the price, but the box has 128 GB [1].",
        "The passages do not mention a price. The box has 128 GB of memory [1].",
        "No, the firewall drops the packets [1].",
        "No.",
        "Backups are not kept on Sundays [1].",
        "The guide does not allow two jobs at once [1].",
        "There is no route to the internet [1].",
        "Files that do not contain a header are rejected [1].",
        "I cannot recommend it: the recipe supports no parallelism [2].",
        "The service does not answer until the model is loaded [1].",
        "You cannot find it in the menu; press F2 [1].",
        "The documents do not mention any limit other than 128 GB [1].",
    ],
)
def test_an_answer_is_no_refusal(text: str) -> None:
    assert not is_refusal(text)

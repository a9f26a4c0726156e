"""Every measure against independent implementations: TREC's code, our formulas and scikit-learn's.

Fifty random runs with tied scores, empty and missing results, queries without judgements and grades
from -1 to 3. TREC's own code breaks ties by name and scikit-learn averages over them or takes them
at once; here a run is a ranking, so each is given distinct scores that fall in its order.
"""

from __future__ import annotations

import itertools
import random
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    label_ranking_average_precision_score,
    ndcg_score,
    precision_score,
    recall_score,
)

from corpus.trec import load_qrels, load_run
from eval.scoring.formulas import FORMULAS
from eval.scoring.measures import measure, per_query

NAMES = (
    *("nDCG@1", "nDCG@3", "nDCG@10", "nDCG@1000", "MRR", "MRR@1", "MRR@10", "MAP", "MAP@1"),
    *("MAP@10", "MAP@500", "recall@1", "recall@10", "recall@100", "precision@1", "precision@7"),
    *("precision@300", "success@1", "success@10", "success@400"),
)
ALL = tuple(measure(name) for name in NAMES)

Grades = dict[str, int]


def random_case(seed: int) -> tuple[dict[str, Grades], dict[str, list[str]]]:
    """Judgements, and rankings made of scores so coarse that most are tied."""
    dice = random.Random(seed)
    documents = [f"d{number}" for number in range(150)]
    qrels: dict[str, Grades] = {}
    run: dict[str, list[str]] = {}
    for number in range(14):
        judged = dice.sample(documents, dice.randint(1, 40))
        grades = [-1, 0] if number == 3 else [-1, 0, 0, 1, 2, 3]
        qrels[f"q{number}"] = {document: dice.choice(grades) for document in judged}
        qrels[f"q{number}"][judged[0]] = max(grades)  # nothing but bad ones crash TREC's code
        if number % 6 != 5:
            found = dice.sample(documents, dice.choice([0, 1, 3, 9, 10, 11, 100, 101, 150]))
            scores = {document: dice.randint(0, 4) for document in found}
            run[f"q{number}"] = sorted(found, key=lambda document: -scores[document])
    return qrels, run | {"unjudged": ["d1", "d2"]}


@pytest.mark.parametrize("seed", range(50))
def test_the_library_equals_our_formulas(seed: int) -> None:
    qrels, run = random_case(seed)
    rows = per_query(ALL, qrels, run)
    for entry in ALL:
        formula = FORMULAS[entry.family]
        ours = {q: formula(qrels[q], run.get(q, ()), entry.k) for q in qrels}
        assert rows[entry.name] == pytest.approx(ours, abs=1e-6)


@pytest.mark.parametrize("seed", range(50))
def test_the_library_equals_scikit_learn(seed: int) -> None:
    qrels, run = random_case(seed)
    rows = per_query(ALL, qrels, run)
    for entry in ALL:
        theirs = {q: by_sklearn(entry.family, entry.k, qrels[q], run.get(q, [])) for q in qrels}
        assert rows[entry.name] == pytest.approx(theirs, abs=1e-6)


def by_sklearn(family: str, k: int | None, grades: Grades, ranking: list[str]) -> float:
    """The measure as scikit-learn has it, which knows neither short runs nor unfound documents."""
    first = ranking[:k]
    relevant = {document for document, grade in grades.items() if grade > 0}
    hits = np.array([document in relevant for document in first], dtype=int)
    if not relevant or not hits.any():
        return 0.0
    falling = -np.arange(len(first), dtype=float)
    if family == "nDCG":
        # documents that were not found stand behind k that nobody judged, hence count for nothing
        missed = [max(grade, 0) for document, grade in grades.items() if document not in ranking]
        gains = [max(grades.get(document, 0), 0) for document in ranking]
        gains = [*gains, *[0] * (k or 0), *missed]
        scores = -np.arange(len(gains), dtype=float)
        return float(ndcg_score([gains], [scores], k=k, ignore_ties=True))
    if family == "MAP":
        # of what was found, then as a part of what there is
        return float(average_precision_score(hits, falling)) * hits.sum() / len(relevant)
    if family == "MRR":
        best = np.eye(len(first), dtype=int)[[hits.argmax()]]
        return float(label_ranking_average_precision_score(best, [falling]))
    pool = sorted({*first, *relevant})
    truth, returned = [d in relevant for d in pool], [d in first for d in pool]
    if family == "precision":
        return float(precision_score(truth, returned)) * len(first) / (k or len(first))
    recall = float(recall_score(truth, returned))
    return recall if family == "recall" else float(recall > 0)


def test_where_scikit_learn_averages_over_ties_it_equals_the_mean_of_all_their_orders() -> None:
    grades = {"a": 3, "b": 0, "c": 1, "d": 2}
    orders = [["a", *order] for order in itertools.permutations("bcd")]
    ours = fmean(FORMULAS["nDCG"](grades, order, 3) for order in orders)
    theirs = ndcg_score([[grades[d] for d in "abcd"]], [[2.0, 1.0, 1.0, 1.0]], k=3)
    assert ours == pytest.approx(theirs, abs=1e-9)


@pytest.mark.skipif(find_spec("pytrec_eval") is None, reason="TREC's code has no package here")
def test_trec_s_code_alone_breaks_ties_by_name_which_a_ranking_is_safe_from() -> None:
    import ir_measures

    tied = {"q": {"a": 1.0, "z": 1.0}}
    found = ir_measures.calc_aggregate([ir_measures.RR], {"q": {"a": 1}}, tied)
    assert found[ir_measures.RR] == 0.5
    assert per_query([measure("MRR")], {"q": {"a": 1}}, {"q": ["a", "z"]}) == {"MRR": {"q": 1.0}}


@pytest.mark.skipif(find_spec("pytrec_eval") is None, reason="TREC's code has no package here")
@pytest.mark.parametrize("seed", range(50))
def test_run_files_full_of_ties_have_the_figures_of_trec_s_own_tools(
    seed: int, tmp_path: Path
) -> None:
    import ir_measures

    dice = random.Random(seed)
    qrels, run = random_case(seed)
    path, judged = tmp_path / "tied.run", tmp_path / "qrels.txt"
    lines = [
        f"{query} Q0 {document} {rank} {dice.choice(['0.5', '23.25', '23.250001', '-1'])} tag\n"
        for query, ranking in run.items()
        for rank, document in enumerate(ranking, start=1)
    ]
    path.write_text("".join(lines))
    judged.write_text("".join(f"{q} 0 {d} {g}\n" for q in qrels for d, g in qrels[q].items()))
    names = ("nDCG@10", "MRR", "MAP", "MAP@10", "recall@10", "precision@10", "success@1")
    rankings = {query: [name for name, _ in found] for query, found in load_run(path).items()}
    rows = per_query([measure(name) for name in names], load_qrels(judged).grades(), rankings)
    for name in names:
        library = ir_measures.parse_measure(measure(name).expression)
        read = list(ir_measures.read_trec_qrels(str(judged)))
        found = ir_measures.iter_calc([library], read, ir_measures.read_trec_run(str(path)))
        theirs = dict.fromkeys(qrels, 0.0) | {value.query_id: value.value for value in found}
        assert rows[name] == pytest.approx(theirs, abs=1e-6)
